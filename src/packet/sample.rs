//! Packets for tests: tests/data/packets, in hexadecimal.

use super::{Application, Carried, Code, Detail, Line, Link, Protocol, text};

/// The bytes of a file of tests/data/packets.
macro_rules! sample {
    ($name:literal) => {
        $crate::packet::sample::bytes(include_str!(concat!("../../../tests/data/packets/", $name, ".hex")))
    };
}
pub(crate) use sample;

pub fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
}

pub fn carried(application: Application, bytes: &[u8], length: usize) -> Carried<'_> {
    Carried { code: Code::Application(application), ..Carried::frame(Link::Ip, bytes, length) }
}

/// What of it is decoded, and its line and block.
pub fn decoded<'a, P: Protocol<'a>>(application: Application, bytes: &'a [u8], length: usize) -> (P, String, String) {
    let (value, _) = P::decode(carried(application, bytes, length)).expect("a header");
    let (line, block) = (line(&value), block(&value));
    (value, line, block)
}

/// Its part of the one-line form.
pub fn line<'a>(layer: &impl Protocol<'a>) -> String {
    line_of(layer, Detail::Usual)
}

/// Its part of the one-line form that says as much as `detail`.
pub fn line_of<'a>(layer: &impl Protocol<'a>, detail: Detail) -> String {
    let mut line = Line::of(detail);
    layer.line(&mut line);
    line.into_string()
}

/// Its part of the full form.
pub fn block<'a>(layer: &impl Protocol<'a>) -> String {
    text::written(|out| layer.block(out))
}
