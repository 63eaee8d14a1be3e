//! The screen: exact snapshots, bounded memory, hostile output.

use super::*;
use proptest::prelude::*;

/// Everything that output can depend on later.
fn state(screen: &Screen) -> (String, String, Vec<u8>) {
    (screen.terminal.dump(), screen.pending.clone(), screen.utf8.pending().to_vec())
}

fn history_text(screen: &Screen) -> Vec<String> {
    let mut lines: Vec<_> =
        screen.terminal.primary_screen().all_lines().map(|l| l.text().trim_end().to_owned()).collect();
    lines.truncate(lines.len() - usize::from(screen.size.rows));
    lines
}

#[test]
fn a_boot_log_is_on_the_screen_and_above_it() {
    let mut screen = Screen::new(Size::DEFAULT);
    for n in 0..100 {
        screen.feed(format!("\x1b[32m[    {n}.0]\x1b[0m line {n}\r\n").as_bytes());
    }
    screen.feed(b"login: ");
    let again = Screen::restore(screen.size(), &screen.snapshot());
    assert_eq!(again.text(), screen.text());
    assert_eq!(again.text()[23], "login:");
    assert_eq!(again.cursor(), Some((7, 23)));
    assert_eq!(history_text(&again), history_text(&screen));
    assert_eq!(history_text(&again).len(), 77);
    assert_eq!(state(&again), state(&screen));
}

#[test]
fn history_stays_above_a_cleared_screen() {
    let mut screen = Screen::new(Size { cols: 20, rows: 5 });
    screen.feed(b"one\r\ntwo\r\n\x1b[44mthree\x1b[m\r\n\x1b[2J\x1b[Hfour");
    let again = Screen::restore(screen.size(), &screen.snapshot());
    assert_eq!(state(&again), state(&screen));
    assert_eq!(history_text(&again), history_text(&screen));
    assert_eq!(again.text()[0], "four");
}

#[test]
fn an_executed_control_inside_a_sequence_is_not_repeated() {
    let mut screen = Screen::new(Size::DEFAULT);
    screen.feed(b"abc\x1b[3\n1");
    let mut again = Screen::restore(screen.size(), &screen.snapshot());
    for s in [&mut screen, &mut again] {
        s.feed(b"mX");
    }
    assert_eq!(state(&again), state(&screen));
    assert_eq!(screen.cursor(), Some((4, 1)));
}

#[test]
fn endless_sequences_take_no_memory() {
    for opening in [b"\x1b]0;".as_slice(), b"\x1bP", b"\x1b[", b"\x1bP1;", b"\x1b_"] {
        let mut screen = Screen::new(Size::DEFAULT);
        screen.feed(opening);
        for _ in 0..200 {
            screen.feed(&[b'1'; 1000]);
            // A cancelled sequence prints what follows: screen and history at most.
            assert!(screen.snapshot().len() < 2 * PENDING_LIMIT + 80 * (HISTORY + 30));
        }
        screen.feed(b"\x18ok\x1b[H");
        assert!(screen.text().concat().contains("ok"));
    }
}

#[test]
fn repeats_cost_no_more_than_a_row() {
    let mut screen = Screen::new(Size::DEFAULT);
    let bomb = b"x\x1b[65535b".repeat(20_000);
    screen.feed(&bomb);
    assert_eq!(screen.text()[0].len(), 80);
}

#[test]
fn sizes_are_bounded() {
    let mut screen = Screen::new(Size { cols: 0, rows: 0 });
    assert_eq!(screen.size(), Size { cols: 10, rows: 2 });
    screen.resize(Size { cols: u16::MAX, rows: u16::MAX });
    assert_eq!(screen.size(), Size { cols: 400, rows: 200 });
}

/// Pieces that a hostile or an ordinary guest may send, weighted towards control sequences.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let fixed = |s: &'static str| Just(s.as_bytes().to_vec());
    prop_oneof![
        6 => "[ -~]{0,30}".prop_map(String::into_bytes),
        2 => "\\PC{0,8}".prop_map(String::into_bytes),
        2 => Just(b"\r\n".to_vec()),
        2 => Just("宽字€é\u{9b}1m".as_bytes().to_vec()),
        4 => ("[?>!]?", proptest::collection::vec(0u32..70_000, 0..4), "[ -/]?", "[@-~]").prop_map(|(a, p, i, f)| {
            let p: Vec<_> = p.iter().map(u32::to_string).collect();
            format!("\x1b[{a}{}{i}{f}", p.join(";")).into_bytes()
        }),
        2 => proptest::collection::vec(any::<u8>(), 0..12),
        1 => (0u8..0x20).prop_map(|b| vec![b]),
        1 => fixed("\x1b[?1049h"), 1 => fixed("\x1b[?1049l"), 1 => fixed("\x1b[2J"), 1 => fixed("\x1b7"), 1 => fixed("\x1b8"),
        1 => fixed("\x1b(0"), 1 => fixed("\x0e"), 1 => fixed("\x1b[5;9r"), 1 => fixed("\x1b[4h"),
        1 => fixed("\x1b]0;title\x07"), 1 => fixed("\x1bP+q"), 1 => fixed("\x1b[38;5;200m"), 1 => fixed("\x1b[48;2;1;2;3m"),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// The promise to a late viewer: a snapshot taken at any byte, then the rest, is the same as having watched.
    #[test]
    fn a_snapshot_and_the_rest_equal_the_whole(
        pieces in proptest::collection::vec(piece(), 0..60),
        cut in any::<prop::sample::Index>(),
        cols in 10u16..60, rows in 2u16..16,
    ) {
        let all = pieces.concat();
        let cut = cut.index(all.len() + 1);
        let size = Size { cols, rows };
        let mut whole = Screen::new(size);
        whole.feed(&all[..cut]);
        let mut late = Screen::restore(size, &whole.snapshot());
        prop_assert_eq!(late.text(), whole.text());
        whole.feed(&all[cut..]);
        late.feed(&all[cut..]);
        prop_assert_eq!(late.text(), whole.text());
        prop_assert_eq!(late.cursor(), whole.cursor());
        prop_assert_eq!(state(&late), state(&whole));
    }

    /// How output was cut into chunks does not matter.
    #[test]
    fn chunks_do_not_matter(pieces in proptest::collection::vec(piece(), 0..30), size in 1usize..7) {
        let all = pieces.concat();
        let (mut whole, mut chunked) = (Screen::new(Size::DEFAULT), Screen::new(Size::DEFAULT));
        whole.feed(&all);
        all.chunks(size).for_each(|c| chunked.feed(c));
        prop_assert_eq!(state(&whole), state(&chunked));
    }

    /// Hostile bytes with resizes and gaps in between never panic.
    #[test]
    fn nothing_panics(steps in proptest::collection::vec((proptest::collection::vec(any::<u8>(), 0..80), any::<u16>(), any::<u16>(), 0u8..6), 0..30)) {
        let mut screen = Screen::new(Size::DEFAULT);
        for (bytes, cols, rows, what) in steps {
            screen.feed(&bytes);
            match what {
                0 => screen.resize(Size { cols: cols % 500, rows: rows % 90 }),
                1 => screen.skip_gap(),
                2 => screen = Screen::restore(screen.size(), &screen.snapshot()),
                _ => {}
            }
        }
        prop_assert!(screen.text().len() == usize::from(screen.size().rows));
    }
}
