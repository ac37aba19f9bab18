#![no_main]

mod common;

use libfuzzer_sys::fuzz_target;
use syskit::packet::{Code, arp};

fuzz_target!(|input: &[u8]| common::exercise(Code::EtherType(arp::ETHERTYPE), input));
