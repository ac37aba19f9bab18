#![no_main]

mod common;

use libfuzzer_sys::fuzz_target;
use syskit::packet::{Code, Link};

// Both versions, told apart by the first bit.
fuzz_target!(|input: &[u8]| {
    let second = input.first().is_some_and(|byte| byte & 0x80 != 0);
    common::exercise(Code::Link(if second { Link::Cooked2 } else { Link::Cooked }), input);
});
