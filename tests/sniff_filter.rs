//! Filter expressions against those of `tcpdump -ddd`: both programs run over the same packets and must agree.
//!
//! Debian packages: tcpdump.

mod common;

use std::net::UdpSocket;
use std::process::Command;

use common::capture_file;
use libc::sock_filter;
use syskit::filter::{Filter, Program, View, run};
use syskit::packet::Link;
use syskit::sys::socket_filter;

#[path = "sniff_filter/expressions.rs"]
mod expressions;
#[path = "sniff_filter/interpreter.rs"]
mod interpreter;
#[path = "sniff_filter/packets.rs"]
mod packets;
#[path = "sniff_filter/tool.rs"]
mod tool;

use packets::Packet;

/// Expressions on which this project and libpcap decide otherwise over packets of fewer captured bytes than these.
const EXCEPTIONS: &[(&str, usize, &str)] = &[
    ("port 53 or 80", 60, CUT),
    ("host 10.0.0.1 or 10.0.0.2", 60, CUT),
    ("host (10.0.0.1 or 192.168.1.7)", 60, CUT),
    ("port 80 or (443 or 53)", 60, CUT),
    ("port ssh or http", 60, CUT),
    ("len & ip[8] = 64", usize::MAX, UNPROVEN),
    ("len | ip[9] > 70", usize::MAX, UNPROVEN),
    ("len ^ ip[9] > 70", usize::MAX, UNPROVEN),
    ("len << ip[9] > 1000", usize::MAX, UNPROVEN),
];
const CUT: &str =
    "tcpdump's optimiser asks for both values of the first field before it loads the second, which is cut off";
const UNPROVEN: &str = "libpcap forgets to ask whether the header is there that the right-hand operand is read from";

fn has_tcpdump() -> bool {
    let there = common::have("tcpdump");
    if !there {
        common::skip("tcpdump is not installed (package tcpdump)");
    }
    there
}

/// The program that tcpdump makes of the expression, or what it says against it.
fn tcpdump(expression: &str, link: &str) -> Result<Program, String> {
    let output = Command::new("tcpdump").args(["-ddd", "-y", link, "--", expression]).output().expect("tcpdump");
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned());
    }
    let text = String::from_utf8(output.stdout).expect("numbers");
    let instruction = |line: &str| {
        let numbers: Vec<u32> = line.split(' ').map(|n| n.parse().expect("a number")).collect();
        let [code, jt, jf, k] = numbers[..] else { panic!("{line}") };
        sock_filter { code: code as u16, jt: jt as u8, jf: jf as u8, k }
    };
    Ok(Program::verify(text.lines().skip(1).map(instruction).collect()).expect("a program"))
}

fn captured() -> Vec<Packet> {
    let Some(folder) = capture_file::folder() else {
        common::skip("the public captures are not there: set SYSKIT_CAPTURES to their folder");
        return Vec::new();
    };
    let mut files: Vec<_> = std::fs::read_dir(&folder).expect("the folder").flatten().map(|f| f.path()).collect();
    files.sort();
    let captures = files.iter().filter(|f| f.extension().is_some_and(|e| e == "pcap" || e == "pcapng"));
    captures.flat_map(|file| capture_file::read(file)).map(|p| Packet { bytes: p.bytes, length: p.length }).collect()
}

/// Compares the verdicts; gives how many packets were accepted.
fn compare(expression: &str, link: Link, name: &str, packets: &[Packet]) -> Result<usize, String> {
    let ours = Filter::parse(expression).map_err(|e| format!("{expression}: {e}"))?;
    let ours = ours.program(link, View::Frame).map_err(|e| format!("{expression}: {e}"))?;
    let theirs = match tcpdump(expression, name) {
        Ok(program) => program,
        // Found out by its optimiser; ours accepts nothing, and that is tested.
        Err(said) if said.contains("rejects all packets") => {
            Program::verify(vec![sock_filter { code: 6, jt: 0, jf: 0, k: 0 }]).expect("a program")
        }
        Err(said) => return Err(format!("{expression}: tcpdump says {said}")),
    };
    let excepted = EXCEPTIONS.iter().find(|(e, ..)| *e == expression);
    let (mut accepted, mut differ) = (0, false);
    for (number, packet) in packets.iter().enumerate() {
        let verdicts = [&ours, &theirs].map(|p| run(p, &packet.bytes, packet.length) > 0);
        if verdicts[0] != verdicts[1] && excepted.is_some_and(|(_, below, _)| packet.bytes.len() < *below) {
            differ = true;
        } else if verdicts[0] != verdicts[1] {
            let (bytes, length) = (&packet.bytes, packet.length);
            return Err(format!(
                "{expression} on {name}, packet {number} of {length} bytes: ours {}, tcpdump {}\n{bytes:02x?}\n{ours:?}\n\
                 {theirs:?}",
                verdicts[0], verdicts[1]
            ));
        }
        accepted += usize::from(verdicts[0]);
    }
    match excepted {
        Some((_, _, why)) if !differ && name == "EN10MB" => {
            Err(format!("{expression} agrees: no longer true that {why}"))
        }
        _ => Ok(accepted),
    }
}

fn agree(expressions: &[&str], link: Link, name: &str, packets: &[Packet]) {
    let (mut failed, mut accepting) = (Vec::new(), 0);
    for expression in expressions {
        match compare(expression, link, name, packets) {
            Ok(accepted) => accepting += usize::from(accepted > 0),
            Err(why) => failed.push(why),
        }
    }
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), expressions.len(), failed.join("\n"));
    // Verdicts that are all "no" would agree too.
    assert!(accepting * 10 >= expressions.len() * 7, "{accepting} of {} accept anything", expressions.len());
}

fn all_packets(link: Link) -> Vec<Packet> {
    let mut packets = captured();
    packets.extend(packets::generated(link));
    packets
}

#[test]
fn verdicts_agree_with_tcpdump_on_ethernet() {
    if has_tcpdump() {
        assert!(expressions::ETHERNET.len() >= 200, "{}", expressions::ETHERNET.len());
        agree(expressions::ETHERNET, Link::Ethernet, "EN10MB", &all_packets(Link::Ethernet));
    }
}

#[test]
fn verdicts_agree_with_tcpdump_on_other_links() {
    if has_tcpdump() {
        for (link, name) in [(Link::Ip, "RAW"), (Link::Cooked, "LINUX_SLL"), (Link::Cooked2, "LINUX_SLL2")] {
            agree(expressions::ANY_LINK, link, name, &all_packets(link));
        }
    }
}

#[test]
fn what_tcpdump_rejects_is_rejected() {
    if !has_tcpdump() {
        return;
    }
    for expression in expressions::REJECTED {
        let theirs = tcpdump(expression, "EN10MB");
        assert!(theirs.is_err(), "tcpdump takes '{expression}'");
        let ours = Filter::parse(expression).and_then(|f| f.program(Link::Ethernet, View::Frame));
        assert!(ours.is_err(), "'{expression}' is taken: {ours:?}; tcpdump says {theirs:?}");
    }
}

/// Every kind of program that is made: for each link, as a socket and a file have it.
fn programs(text: &str) -> Vec<Program> {
    let Ok(filter) = Filter::parse(text) else { return Vec::new() };
    let mut programs = Vec::new();
    for link in [Link::Ethernet, Link::Ip, Link::Cooked, Link::Cooked2, Link::Null] {
        for view in [View::File, View::Frame, View::Socket] {
            programs.extend(filter.program(link, view));
        }
    }
    programs
}

#[test]
fn the_kernel_takes_every_program() {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    for text in expressions::ETHERNET {
        let made = programs(text);
        assert!(!made.is_empty(), "{text}");
        for program in made {
            socket_filter::attach(&socket, program.instructions())
                .unwrap_or_else(|e| panic!("{text}: {e}\n{program:?}"));
        }
        let words = [(*text).to_owned()];
        let selection = syskit::recipes::sniff::selection::Selection::of_words(&words, Some(80))
            .or_else(|_| syskit::recipes::sniff::selection::Selection::of_words(&words, None));
        let program =
            syskit::recipes::sniff::filter::packet_socket(&selection.expect("it is one")).expect("a program");
        socket_filter::attach(&socket, program.instructions()).unwrap_or_else(|e| panic!("{text}: {e}\n{program:?}"));
    }
}

#[test]
fn far_jumps_arrive_and_what_is_too_long_is_refused() {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let hosts = |count: u32| {
        let each = |i: u32| format!("host 10.{}.{}.{}", i >> 16 & 255, i >> 8 & 255, i & 255);
        (0..count).map(each).collect::<Vec<_>>().join(" or ")
    };
    let ip = |last: u32| {
        let mut frame = vec![0; 12];
        frame.extend([8, 0, 0x45, 0, 0, 20, 0, 0, 0, 0, 64, 6, 0, 0, 9, 9, 9, 9, 10, 0]);
        frame.extend((last as u16).to_be_bytes());
        frame
    };
    let program = Filter::parse(&hosts(110)).and_then(|f| f.program(Link::Ethernet, View::Frame)).expect("a program");
    assert!(program.instructions().len() > 1000, "{}", program.instructions().len());
    socket_filter::attach(&socket, program.instructions()).expect("the kernel takes it");
    for last in [0, 1, 50, 108, 109, 110, 999] {
        let verdict = run(&program, &ip(last), 34) > 0;
        assert_eq!(verdict, last < 110, "10.0.{}.{}", last >> 8, last & 255);
    }
    let refused = Filter::parse(&hosts(3000)).and_then(|f| f.program(Link::Ethernet, View::Frame));
    assert!(refused.expect_err("too long").to_string().contains("4096"));
    for deep in ["(", "not ", "-", "tcp[", "ip[0] % ", "((tcp) or (", "port ("] {
        Filter::parse(&deep.repeat(10_000)).expect_err(deep);
    }
    for wide in [" and tcp or udp", " or tcp[0] = 1 and len > 5", " or len + 1 = 1"] {
        let text = format!("tcp{}", wide.repeat(5000));
        if let Ok(filter) = Filter::parse(&text) {
            filter.program(Link::Ethernet, View::Socket).expect_err(wide);
        }
    }
}

#[test]
fn no_mutation_of_an_expression_panics_or_hangs() {
    let mut random = fastrand::Rng::with_seed(20_260);
    let pieces = [
        "(",
        ")",
        "[",
        "]",
        "not ",
        " and ",
        " or ",
        "tcp",
        "ip6",
        "port ",
        "host ",
        "net ",
        "len",
        "vlan ",
        "0",
        "9999999999",
        "-",
        "/",
        "%",
        "<<",
        ":",
        "::",
        "\\",
        "\u{1b}",
        "\u{e9}",
        " ",
        "=",
        "!",
        "&&",
        "1.2.3.4",
        "proto ",
        "mask ",
    ];
    let packets = packets::generated(Link::Ethernet);
    for round in 0..30_000 {
        let mut text = (*random.choice(expressions::ETHERNET).expect("some")).to_owned();
        for _ in 0..random.usize(1..5) {
            let mut at = random.usize(0..=text.len());
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            match random.u8(0..3) {
                0 => text.insert_str(at, random.choice(pieces).expect("some")),
                1 => text.truncate(at),
                _ if at < text.len() => drop(text.remove(at)),
                _ => text.push_str(random.choice(expressions::ETHERNET).expect("some")),
            }
        }
        match Filter::parse(&text) {
            Err(fault) => assert!(fault.to_string().bytes().all(|b| (b' '..=b'~').contains(&b)), "{text:?}: {fault}"),
            Ok(_) if round % 10 == 0 => {
                let packet = &random.choice(&packets).expect("some").bytes;
                for program in programs(&text) {
                    run(&program, packet, packet.len());
                }
            }
            Ok(_) => {}
        }
    }
}
