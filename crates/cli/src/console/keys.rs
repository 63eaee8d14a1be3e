//! From the keyboard to the guest, with the menu behind Ctrl+].
//!
//! ```text
//!   Guest --Ctrl+]--> Menu --q,n,b,t,?,Ctrl+],other--> Guest
//!                      |--s--> SysRq --any key--> Guest
//!                      |--r--> Reset --any key--> Guest   (only y does it)
//! ```

/// Ctrl+].
const ESCAPE: u8 = 0x1d;
const MENU: &str =
    "n NMI, r reset, s SysRq, b BREAK, t take the seat, q quit, Ctrl+] sends itself; any other key goes back";

/// What a key press means.
#[derive(Debug, PartialEq, Eq)]
pub enum Press {
    /// These bytes go to the guest.
    Send(Vec<u8>),
    /// The user is told this.
    Say(&'static str),
    /// The session ends.
    Quit,
    /// A viewer wants the seat.
    Take,
    /// A non-maskable interrupt.
    Nmi,
    /// A BREAK on the line.
    Break,
    /// A reset, confirmed.
    Reset,
    /// This SysRq key.
    SysRq(char),
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Guest,
    Menu,
    SysRq,
    Reset,
}

/// The menu's state. Input that is not typed at a terminal has no menu.
#[derive(Debug)]
pub struct Keys {
    state: State,
    menu: bool,
}

impl Keys {
    /// Keys of a terminal, or bytes from elsewhere.
    pub fn new(terminal: bool) -> Self {
        Self { state: State::Guest, menu: terminal }
    }

    /// What these bytes mean, in order.
    pub fn take(&mut self, bytes: &[u8]) -> Vec<Press> {
        if !self.menu {
            return vec![Press::Send(bytes.to_vec())];
        }
        let mut presses = Vec::new();
        for &byte in bytes {
            let press = match self.state {
                State::Guest if byte == ESCAPE => {
                    self.state = State::Menu;
                    Some(Press::Say(MENU))
                }
                State::Guest => {
                    if let Some(Press::Send(bytes)) = presses.last_mut() {
                        bytes.push(byte);
                        continue;
                    }
                    Some(Press::Send(vec![byte]))
                }
                State::Menu => self.chosen(byte),
                State::SysRq => {
                    self.state = State::Guest;
                    let key = char::from(byte);
                    Some(if key.is_ascii_alphanumeric() {
                        Press::SysRq(key)
                    } else {
                        Press::Say("no SysRq key sent")
                    })
                }
                State::Reset => {
                    self.state = State::Guest;
                    Some(if matches!(byte, b'y' | b'Y') { Press::Reset } else { Press::Say("not reset") })
                }
            };
            presses.extend(press);
        }
        presses
    }

    fn chosen(&mut self, byte: u8) -> Option<Press> {
        self.state = State::Guest;
        match byte {
            b'q' | b'Q' => Some(Press::Quit),
            b'n' | b'N' => Some(Press::Nmi),
            b'b' | b'B' => Some(Press::Break),
            b't' | b'T' => Some(Press::Take),
            ESCAPE => Some(Press::Send(vec![ESCAPE])),
            b's' | b'S' => {
                self.state = State::SysRq;
                Some(Press::Say("which SysRq key? (h lists them on the guest's console)"))
            }
            b'r' | b'R' => {
                self.state = State::Reset;
                Some(Press::Say("reset the machine at once, without asking the guest? y/n"))
            }
            _ => Some(Press::Say("back in the guest")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Keys, Press};

    fn check(bytes: &[u8], presses: &[Press]) {
        let taken: Vec<_> =
            Keys::new(true).take(bytes).into_iter().filter(|p| !matches!(p, Press::Say(_))).collect();
        assert_eq!(taken, presses, "{bytes:?}");
    }

    #[test]
    fn the_menu() {
        check(b"ls\r", &[Press::Send(b"ls\r".to_vec())]);
        check(b"a\x1dqb", &[Press::Send(b"a".to_vec()), Press::Quit, Press::Send(b"b".to_vec())]);
        check(b"\x1d\x1d", &[Press::Send(vec![0x1d])]);
        check(b"\x1dn\x1db\x1dt", &[Press::Nmi, Press::Break, Press::Take]);
        check(b"\x1dsb", &[Press::SysRq('b')]);
        check(b"\x1ds\r", &[]);
        check(b"\x1dry", &[Press::Reset]);
        check(b"\x1drn", &[]);
        check(b"\x1dx", &[]);
    }

    #[test]
    fn a_pipe_has_no_menu() {
        assert_eq!(Keys::new(false).take(b"\x1dq"), [Press::Send(b"\x1dq".to_vec())]);
    }
}
