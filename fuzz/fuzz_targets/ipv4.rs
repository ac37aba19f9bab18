#![no_main]

mod common;

use libfuzzer_sys::fuzz_target;
use syskit::packet::{Code, ipv4};

fuzz_target!(|input: &[u8]| common::exercise(Code::EtherType(ipv4::ETHERTYPE), input));
