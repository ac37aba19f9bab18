//! The interpreter of classic BPF.

use libc::sock_filter;
use syskit::filter::{Program, listing, run};

#[test]
fn no_random_program_panics_or_hangs() {
    let mut random = fastrand::Rng::with_seed(4096);
    let codes: Vec<u16> = (0..0xc0)
        .filter(|code| {
            let i = sock_filter { code: *code, jt: 0, jf: 0, k: 1 };
            let end = sock_filter { code: 6, jt: 0, jf: 0, k: 1 };
            Program::verify(vec![i, i, end, end]).is_ok()
        })
        .collect();
    assert!(codes.len() > 40, "{}", codes.len());
    let mut verified = 0;
    for _ in 0..100_000 {
        let length = random.usize(1..20);
        let mut code: Vec<sock_filter> = (0..length)
            .map(|_| {
                let small = random.bool();
                sock_filter {
                    code: if random.u8(..) == 0 { random.u16(..) } else { *random.choice(&codes).expect("some") },
                    jt: random.u8(0..8),
                    jf: random.u8(0..8),
                    k: if small { random.u32(0..20) } else { random.u32(..) },
                }
            })
            .collect();
        code.push(sock_filter { code: 0x16, jt: 0, jf: 0, k: 0 });
        let Ok(program) = Program::verify(code) else { continue };
        verified += 1;
        let packet: Vec<u8> = (0..random.usize(0..64)).map(|_| random.u8(..)).collect();
        run(&program, &packet, usize::MAX);
        assert_eq!(listing(&program).lines().count(), program.instructions().len());
    }
    assert!(verified > 1000, "{verified}");
}

#[test]
fn the_interpreter_keeps_to_the_rules() {
    let program = |code: &[(u16, u32)]| {
        let instruction = |&(code, k): &(u16, u32)| sock_filter { code, jt: 0, jf: 0, k };
        Program::verify(code.iter().map(instruction).collect())
    };
    let packet = [0x46, 1, 2, 3, 4, 5, 6, 7];
    for (what, code, expected) in [
        ("a word", &[(0x20, 1), (0x16, 0)][..], 0x0102_0304),
        ("a word past the end", &[(0x20, 5), (0x16, 0)], 0),
        ("a half at the end", &[(0x28, 6), (0x16, 0)], 0x0607),
        ("a byte past the end", &[(0x30, 8), (0x06, 9)], 0),
        ("an index", &[(0x01, 3), (0x50, 2), (0x16, 0)], 5),
        ("an index past everything", &[(0x01, u32::MAX), (0x50, 2), (0x06, 9)], 0),
        ("four times the low half", &[(0xb1, 0), (0x87, 0), (0x16, 0)], 24),
        ("the length on the wire", &[(0x80, 0), (0x16, 0)], 1500),
        ("a division by zero", &[(0x00, 9), (0x3c, 0), (0x06, 9)], 0),
        ("a remainder of zero", &[(0x00, 9), (0x9c, 0), (0x06, 9)], 0),
        ("a jump", &[(0x05, 1), (0x06, 1), (0x06, 2)], 2),
        ("memory", &[(0x00, 7), (0x02, 15), (0x00, 0), (0x60, 15), (0x16, 0)], 7),
        ("a long shift", &[(0x00, 7), (0x01, 40), (0x6c, 0), (0x16, 0)], 0),
        ("a negative number", &[(0x00, 1), (0x84, 0), (0x16, 0)], u32::MAX),
        ("what only the kernel knows", &[(0x28, 0xffff_f004), (0x06, 9)], 0),
    ] {
        assert_eq!(run(&program(code).expect("a program"), &packet, 1500), expected, "{what}");
    }
    for (what, code) in [
        ("nothing", &[][..]),
        ("no return", &[(0x00, 1)]),
        ("a jump beyond", &[(0x05, 1), (0x06, 0)]),
        ("a jump far beyond", &[(0x05, u32::MAX), (0x06, 0)]),
        ("a division by 0", &[(0x34, 0), (0x06, 0)]),
        ("a shift by 32", &[(0x64, 32), (0x06, 0)]),
        ("memory word 16", &[(0x02, 16), (0x06, 0)]),
        ("an unknown instruction", &[(0xffff, 0), (0x06, 0)]),
        ("too many", &[(0x06, 0); 4097]),
    ] {
        assert!(program(code).is_err(), "{what}");
    }
}
