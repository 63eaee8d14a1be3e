//! A guest of a few hundred bytes: 16-bit code that drives COM1. It is up before QEMU's window would be.
//!
//! It prints [`BANNER`], then echoes what is typed. Some keys do something instead:
//!
//! | key | what it does |
//! |---|---|
//! | Ctrl+F | prints numbered lines ([`line()`]) without end, still listening |
//! | Ctrl+C | stops that, prints `^C` |
//! | Ctrl+K | prints the first line of a kernel panic and stops for good |
//! | Ctrl+R | resets the machine |
//! | Ctrl+P | switches the machine off (ACPI) |
//! | BREAK | prints `[BREAK]` |
//! | NMI | prints `[NMI]` |
//!
//! Two shapes of the same code: [`boot_sector`] for a disk, [`linux_image`] for `-kernel`, so that a driver which boots
//! Linux images boots this one too.

/// First line.
pub const BANNER: &str = "HARDLINE TEST GUEST READY\r\n";
/// What Ctrl+K prints.
pub const PANIC: &str = "Kernel panic - not syncing: test\r\n";
/// Keys.
pub const FLOOD: u8 = 0x06;
/// Stops the flood.
pub const INTERRUPT: u8 = 0x03;
/// Panics.
pub const CRASH: u8 = 0x0b;
/// Resets the machine.
pub const RESET: u8 = 0x12;
/// Switches the machine off.
pub const POWER_OFF: u8 = 0x10;

/// Line `number` of the flood.
pub fn line(number: u64) -> String {
    format!("{number:08} abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789\r\n")
}

/// A disk's first sector (512 bytes).
pub fn boot_sector() -> Vec<u8> {
    // The firmware jumps to 0000:7C00 or 07C0:0000: make it the latter.
    let mut code = vec![0xea, 5, 0, 0xc0, 0x07]; // jmp 07C0:0005
    code.extend(guest(5));
    assert!(code.len() <= 510, "{} bytes", code.len());
    code.resize(510, 0);
    code.extend([0x55, 0xaa]);
    code
}

/// A file that QEMU takes for a Linux kernel: its real-mode part is the guest, entered at offset 512 with CS:IP = x:0000.
pub fn linux_image() -> Vec<u8> {
    const ENTRY: usize = 0x200;
    const HEADER_END: usize = 0x270;
    let mut image = vec![0; HEADER_END];
    image[0x1f1] = 2; // sectors of the real-mode part after the first
    image[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
    image[0x200..0x202].copy_from_slice(&[0xeb, (HEADER_END - ENTRY - 2) as u8]); // jmp over the header
    image[0x202..0x206].copy_from_slice(b"HdrS");
    image[0x206..0x208].copy_from_slice(&0x0206u16.to_le_bytes()); // boot protocol 2.06
    image[0x211] = 1; // the protected-mode part is loaded high
    image[0x22c..0x230].copy_from_slice(&0x37ff_ffffu32.to_le_bytes()); // highest initrd address
    image[0x238..0x23c].copy_from_slice(&255u32.to_le_bytes()); // longest command line
    image.extend(guest((HEADER_END - ENTRY) as u16));
    image.resize(3 * 512, 0);
    image.resize(4 * 512, 0xf4); // a protected-mode part that nobody enters
    image
}

/// The guest's code, its first byte at `origin` of its segment.
fn guest(origin: u16) -> Vec<u8> {
    let mut a = Assembler { origin, code: Vec::new(), labels: Vec::new(), fixes: Vec::new() };
    // The NMI vector, then COM1: no interrupts, 8n1, FIFOs on and empty, DTR and RTS. DX stays 03xx throughout.
    a.put(&[0xfa, 0x0e, 0x1f, 0x31, 0xc0, 0x8e, 0xc0]); // cli; push cs; pop ds; xor ax,ax; mov es,ax
    a.put(&[0x26, 0xc7, 0x06, 0x08, 0x00]).word("nmi"); // mov word [es:8], nmi
    a.put(&[0x26, 0x8c, 0x0e, 0x0a, 0x00]); // mov [es:10], cs
    a.put(&[0xba, 0xf9, 0x03, 0xee]); // mov dx,3F9h; out dx,al (0: no interrupts)
    a.put(&[0xb2, 0xfb, 0xb0, 0x03, 0xee]); // line control: 8n1
    a.put(&[0xb2, 0xfa, 0xb0, 0xc7, 0xee]); // FIFO control
    a.put(&[0xb2, 0xfc, 0xb0, 0x03, 0xee]); // modem control
    a.put(&[0xbe]).word("banner").call("puts"); // mov si,banner
    a.put(&[0x31, 0xed]); // xor bp,bp: idle rounds

    a.label("main").call("poll");
    a.put(&[0x80, 0x3e]).word("flood").put(&[0x00]).jump(0x75, "print"); // cmp byte [flood],0; jne
    // Idle: after 65,536 rounds sleep until the next timer tick, 18 times a second, until a key comes.
    a.put(&[0x45]).jump(0x75, "main"); // inc bp; jnz
    a.put(&[0xfb, 0xf4, 0xfa, 0x4d]).jump(0xeb, "main"); // sti; hlt; cli; dec bp; jmp

    a.label("print").put(&[0xbe]).word("line").call("puts");
    a.put(&[0xbb]).word("digit"); // mov bx, the last digit
    a.label("carry").put(&[0xfe, 0x07, 0x80, 0x3f, b'9' + 1]).jump(0x75, "main"); // inc byte [bx]; cmp; jne
    a.put(&[0xc6, 0x07, b'0', 0x4b]).jump(0xeb, "carry"); // mov byte [bx],'0'; dec bx; jmp

    a.label("puts").put(&[0xac, 0x08, 0xc0]).jump(0x74, "puts_end"); // lodsb; or al,al; jz
    a.call("putc").jump(0xeb, "puts");
    a.label("puts_end").put(&[0xc3]);

    a.label("putc").put(&[0x50, 0xb2, 0xfd]); // push ax; mov dl,FDh (line status)
    a.label("busy").put(&[0xec, 0xa8, 0x20]).jump(0x74, "busy"); // in al,dx; test al,20h; jz
    a.put(&[0x58, 0xb2, 0xf8, 0xee, 0xc3]); // pop ax; mov dl,F8h; out dx,al; ret

    a.label("poll").put(&[0xb2, 0xfd, 0xec, 0xa8, 0x10]).jump(0x75, "break"); // in al; test al,10h (break); jnz
    a.put(&[0xa8, 0x01]).jump(0x74, "puts_end"); // no data: ret
    a.put(&[0xb2, 0xf8, 0xec, 0x31, 0xed]); // in al,dx; xor bp,bp
    a.put(&[0x3c, FLOOD]).jump(0x75, "not_flood");
    a.put(&[0xc6, 0x06]).word("flood").put(&[0x01, 0xc3]); // mov byte [flood],1; ret
    a.label("not_flood").put(&[0x3c, INTERRUPT]).jump(0x75, "not_interrupt");
    a.put(&[0xc6, 0x06]).word("flood").put(&[0x00, 0xbe]).word("interrupted").jump(0xeb, "puts");
    a.label("not_interrupt").put(&[0x3c, CRASH]).jump(0x74, "crash");
    a.put(&[0x3c, RESET]).jump(0x74, "reset");
    a.put(&[0x3c, POWER_OFF]).jump(0x74, "off");
    a.put(&[0x3c, b'\r']).jump(0x75, "putc"); // anything else is echoed,
    a.call("putc").put(&[0xb0, b'\n']).jump(0xeb, "putc"); // a return with a line feed

    a.label("break").put(&[0xb2, 0xf8, 0xec, 0x31, 0xed]); // takes the zero byte that came with it
    a.put(&[0xbe]).word("broken").jump(0xeb, "puts");
    a.label("crash").put(&[0xbe]).word("panic").call("puts").put(&[0xf4]); // hlt, without interrupts
    a.label("dead").put(&[0xf4]).jump(0xeb, "dead");
    a.label("reset").put(&[0xb0, 0xfe, 0xe6, 0x64]).jump(0xeb, "dead"); // keyboard controller: reset line
    a.label("off").put(&[0xba, 0x04, 0x06, 0xb8, 0x00, 0x20, 0xef]).jump(0xeb, "dead"); // outw 604h, 2000h
    a.label("nmi").put(&[0x60, 0x1e, 0x0e, 0x1f]); // pusha; push ds; push cs; pop ds
    a.put(&[0xba, 0xfd, 0x03, 0xbe]).word("nmi_text").call("puts"); // the interrupted code may be using SI: saved above
    a.put(&[0x1f, 0x61, 0xcf]); // pop ds; popa; iret

    a.label("banner").put(BANNER.as_bytes()).put(&[0]);
    a.label("interrupted").put(b"^C\r\n\0");
    a.label("broken").put(b"[BREAK]\0");
    a.label("nmi_text").put(b"[NMI]\0");
    a.label("panic").put(PANIC.as_bytes()).put(&[0]);
    a.label("flood").put(&[0]);
    let text = line(0);
    let (number, rest) = text.as_bytes().split_at(7);
    a.label("line").put(number).label("digit").put(rest).put(&[0]);
    a.finish()
}

/// Bytes with names for places in them.
struct Assembler {
    origin: u16,
    code: Vec<u8>,
    labels: Vec<(&'static str, usize)>,
    /// Where a distance of one byte, or a word (distance or address), belongs.
    fixes: Vec<(usize, Fix, &'static str)>,
}

enum Fix {
    Near,
    Far,
    Address,
}

impl Assembler {
    fn put(&mut self, bytes: &[u8]) -> &mut Self {
        self.code.extend_from_slice(bytes);
        self
    }

    fn label(&mut self, name: &'static str) -> &mut Self {
        self.labels.push((name, self.code.len()));
        self
    }

    /// The address of a place.
    fn word(&mut self, name: &'static str) -> &mut Self {
        self.fixes.push((self.code.len(), Fix::Address, name));
        self.put(&[0, 0])
    }

    /// A jump of one byte's distance.
    fn jump(&mut self, opcode: u8, name: &'static str) -> &mut Self {
        self.put(&[opcode]);
        self.fixes.push((self.code.len(), Fix::Near, name));
        self.put(&[0])
    }

    fn call(&mut self, name: &'static str) -> &mut Self {
        self.put(&[0xe8]);
        self.fixes.push((self.code.len(), Fix::Far, name));
        self.put(&[0, 0])
    }

    fn finish(mut self) -> Vec<u8> {
        for (at, fix, name) in self.fixes {
            let (_, target) = *self.labels.iter().find(|(label, _)| *label == name).expect(name);
            match fix {
                Fix::Near => {
                    let distance = target as isize - (at as isize + 1);
                    self.code[at] =
                        i8::try_from(distance).unwrap_or_else(|_| panic!("{name} is too far")) as u8;
                }
                Fix::Far => {
                    let distance = (target as isize - (at as isize + 2)) as i16;
                    self.code[at..at + 2].copy_from_slice(&distance.to_le_bytes());
                }
                Fix::Address => {
                    let address = self.origin + target as u16;
                    self.code[at..at + 2].copy_from_slice(&address.to_le_bytes());
                }
            }
        }
        self.code
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_shapes_are_well_formed() {
        let sector = boot_sector();
        assert_eq!((sector.len(), &sector[510..]), (512, &[0x55, 0xaa][..]));
        let image = linux_image();
        assert_eq!((&image[0x202..0x206], image.len() % 512), (&b"HdrS"[..], 0));
        for bytes in [&sector, &image] {
            assert!(bytes.windows(8).any(|w| w == b"00000000"));
        }
    }
}
