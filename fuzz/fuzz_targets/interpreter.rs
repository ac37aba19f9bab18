#![no_main]

use libc::sock_filter;
use libfuzzer_sys::fuzz_target;
use syskit::filter::{Program, listing, run};

// A program, its length in instructions first, then a packet: what is accepted ends with a verdict.
fuzz_target!(|input: &[u8]| {
    let Some((&length, rest)) = input.split_first() else { return };
    let (program, packet) = rest.split_at(rest.len().min(usize::from(length) * 8));
    let instruction = |c: &[u8]| sock_filter {
        code: u16::from_be_bytes([c[0], c[1]]),
        jt: c[2],
        jf: c[3],
        k: u32::from_be_bytes([c[4], c[5], c[6], c[7]]),
    };
    let Ok(program) = Program::verify(program.chunks_exact(8).map(instruction).collect()) else { return };
    let first = run(&program, packet, packet.len());
    assert_eq!(first, run(&program, packet, packet.len()));
    assert_eq!(listing(&program).lines().count(), program.instructions().len());
});
