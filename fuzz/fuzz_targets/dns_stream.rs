#![no_main]

mod common;

use libfuzzer_sys::fuzz_target;
use syskit::packet::{Application, Code};

fuzz_target!(|input: &[u8]| common::exercise(Code::Application(Application::DnsStream), input));
