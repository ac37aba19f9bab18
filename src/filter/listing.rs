//! Programs in the words of `tcpdump -d`.

use std::fmt::Write;

use libc::sock_filter;

use super::interpret::Program;

/// The program, an instruction a line.
pub fn listing(program: &Program) -> String {
    let mut out = String::new();
    for (at, i) in program.instructions().iter().enumerate() {
        let (name, operand) = words(at, i);
        let line = if conditional(i.code) {
            let (jt, jf) = (at + 1 + usize::from(i.jt), at + 1 + usize::from(i.jf));
            format!("({at:03}) {name:<8} {operand:<16} jt {jt}\tjf {jf}")
        } else {
            format!("({at:03}) {name:<8} {operand}")
        };
        let _ = writeln!(out, "{line}");
    }
    out
}

fn conditional(code: u16) -> bool {
    code & 7 == 5 && code != 0x05
}

/// What `at` means in a load: an offset, or the name of what the kernel knows.
fn place(at: u32) -> String {
    let known = match at.wrapping_sub(libc::SKF_AD_OFF as u32) as i32 {
        libc::SKF_AD_PROTOCOL => "proto",
        libc::SKF_AD_PKTTYPE => "type",
        libc::SKF_AD_IFINDEX => "ifidx",
        libc::SKF_AD_HATYPE => "hatype",
        libc::SKF_AD_VLAN_TAG => "vlan_tci",
        libc::SKF_AD_VLAN_TAG_PRESENT => "vlanp",
        _ => return format!("[{at}]"),
    };
    format!("[{known}]")
}

fn words(at: usize, i: &sock_filter) -> (&'static str, String) {
    let k = i.k;
    let value = || if i.code & 8 == 0 { format!("#0x{k:x}") } else { "x".to_owned() };
    let number = || if i.code & 8 == 0 { format!("#{k}") } else { "x".to_owned() };
    match i.code {
        0x20 => ("ld", place(k)),
        0x28 => ("ldh", place(k)),
        0x30 => ("ldb", place(k)),
        0x40 => ("ld", format!("[x + {k}]")),
        0x48 => ("ldh", format!("[x + {k}]")),
        0x50 => ("ldb", format!("[x + {k}]")),
        0x00 => ("ld", format!("#0x{k:x}")),
        0x01 => ("ldx", format!("#0x{k:x}")),
        0x80 => ("ld", "#pktlen".to_owned()),
        0x81 => ("ldx", "#pktlen".to_owned()),
        0x60 => ("ld", format!("M[{k}]")),
        0x61 => ("ldx", format!("M[{k}]")),
        0xb1 => ("ldxb", format!("4*([{k}]&0xf)")),
        0x02 => ("st", format!("M[{k}]")),
        0x03 => ("stx", format!("M[{k}]")),
        0x05 => ("ja", (at + 1 + k as usize).to_string()),
        0x15 | 0x1d => ("jeq", value()),
        0x25 | 0x2d => ("jgt", value()),
        0x35 | 0x3d => ("jge", value()),
        0x45 | 0x4d => ("jset", value()),
        0x04 | 0x0c => ("add", number()),
        0x14 | 0x1c => ("sub", number()),
        0x24 | 0x2c => ("mul", number()),
        0x34 | 0x3c => ("div", number()),
        0x94 | 0x9c => ("mod", number()),
        0x44 | 0x4c => ("or", value()),
        0x54 | 0x5c => ("and", value()),
        0xa4 | 0xac => ("xor", value()),
        0x64 | 0x6c => ("lsh", number()),
        0x74 | 0x7c => ("rsh", number()),
        0x84 => ("neg", String::new()),
        0x06 => ("ret", format!("#{k}")),
        0x16 => ("ret", String::new()),
        0x07 => ("tax", String::new()),
        0x87 => ("txa", String::new()),
        _ => ("unimp", format!("0x{:x}", i.code)),
    }
}
