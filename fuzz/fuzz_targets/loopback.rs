#![no_main]

mod common;

use libfuzzer_sys::fuzz_target;
use syskit::packet::{Code, Link};

fuzz_target!(|input: &[u8]| common::exercise(Code::Link(Link::Null), input));
