#![no_main]

mod common;

use libfuzzer_sys::fuzz_target;
use syskit::packet::{Code, icmp6};

fuzz_target!(|input: &[u8]| common::exercise(Code::Ip(icmp6::NUMBER), input));
