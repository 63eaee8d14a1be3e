//! Any WebSocket message: decodes or is refused; what decodes encodes to something that decodes to the same.
#![no_main]
use bytes::Bytes;
use hardline_console::frame::{ClientFrame, Message, ServerFrame};
use hardline_console::utf8::Utf8Decoder;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut messages = vec![Message::Binary(Bytes::copy_from_slice(data))];
    if let Ok(text) = std::str::from_utf8(data) {
        messages.push(Message::Text(text.to_owned()));
    }
    for message in messages {
        if let Ok(frame) = ClientFrame::decode(&message) {
            assert_eq!(ClientFrame::decode(&frame.encode()).expect("our own frame"), frame);
        }
        if let Ok(frame) = ServerFrame::decode(&message) {
            assert_eq!(ServerFrame::decode(&frame.encode()).expect("our own frame"), frame);
        }
    }
    // Text cut anywhere is the same text.
    let middle = data.len() / 2;
    let (mut whole, mut cut) = (Utf8Decoder::new(), Utf8Decoder::new());
    let one = whole.push(data) + whole.finish();
    let two = cut.push(&data[..middle]) + &cut.push(&data[middle..]) + cut.finish();
    assert_eq!(one, two);
});
