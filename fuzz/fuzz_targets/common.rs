//! What every target does with its input: decode, show, and hold the output to what must be true of any packet.

use syskit::packet::{Carried, Code, Detail, Document, Line, Link, walk};

/// The first two bytes say how much longer the packet was on the wire than what was captured.
pub fn exercise(code: Code, input: &[u8]) {
    let Some((&[high, low], bytes)) = input.split_first_chunk() else { return };
    let length = bytes.len() + usize::from(u16::from_be_bytes([high, low]));
    let frame = match code {
        Code::Link(link) => Carried::frame(link, bytes, length),
        code => Carried { code, ..Carried::frame(Link::Ip, bytes, length) },
    };
    let (mut text, mut document) = (Line::of(Detail::Checked), Document::default());
    let mut layers = walk(frame);
    for layer in layers.by_ref() {
        layer.line(&mut text);
        layer.block(&mut text);
        layer.document(&mut document);
    }
    layers.end().line(&mut text);
    assert!(text.as_bytes().iter().all(|b| *b == b'\n' || (b' '..=b'~').contains(b)));
    assert!(text.len() <= 4096 + 64 * bytes.len());
}
