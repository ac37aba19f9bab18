#![no_main]

use libfuzzer_sys::fuzz_target;
use syskit::filter::{Filter, Program, View, listing, run};
use syskit::packet::Link;

// An expression, a zero byte, a packet: what is accepted makes a program that ends with a verdict on every link.
fuzz_target!(|input: &[u8]| {
    let at = input.iter().position(|b| *b == 0).unwrap_or(input.len());
    let (text, packet) = input.split_at(at);
    let Ok(text) = std::str::from_utf8(text) else { return };
    let filter = match Filter::parse_with(text, &|| "http 80/tcp\ndomain 53/tcp\ndomain 53/udp\n".to_owned()) {
        Ok(filter) => filter,
        Err(fault) => {
            assert!(fault.to_string().bytes().all(|b| (b' '..=b'~').contains(&b)));
            return;
        }
    };
    for link in [Link::Ethernet, Link::Ip, Link::Cooked, Link::Cooked2, Link::Null] {
        for view in [View::File, View::Frame, View::Socket] {
            let Ok(program) = filter.program(link, view) else { continue };
            run(&program, packet, packet.len());
            assert!(Program::verify(program.instructions().to_vec()).is_ok());
            assert_eq!(listing(&program).lines().count(), program.instructions().len());
        }
    }
});
