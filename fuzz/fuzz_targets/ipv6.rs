#![no_main]

mod common;

use libfuzzer_sys::fuzz_target;
use syskit::packet::{Code, ipv6};

fuzz_target!(|input: &[u8]| common::exercise(Code::EtherType(ipv6::ETHERTYPE), input));
