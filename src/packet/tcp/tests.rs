use super::options::TcpOption;
use super::*;
use crate::packet::Text;
use crate::packet::{Detail, Line, sample};
use crate::packet::{Layer, Link, walk};

/// The first segment of a connection on loopback, from the IP header on, as Linux sends it.
fn syn() -> Vec<u8> {
    let mut p = vec![0x45, 0, 0, 60, 0x12, 0x34, 0x40, 0, 64, 6, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1];
    p.extend([0xa1, 0x02, 0x1f, 0x40, 0, 0, 0x04, 0xd2, 0, 0, 0, 0, 0xa0, 0x02, 0xff, 0xd7, 0, 0, 0, 0]);
    p.extend([2, 4, 0xff, 0xd7, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7]);
    p
}

fn decode(bytes: &[u8], length: usize) -> Tcp<'_> {
    match walk(Carried::frame(Link::Ip, bytes, length)).last() {
        Some(Layer::Tcp(tcp)) => tcp,
        other => panic!("{other:?}"),
    }
}

fn line(bytes: &[u8], length: usize) -> String {
    sample::line_of(&decode(bytes, length), Detail::Checked)
}

#[test]
fn the_line_is_tcpdumps() {
    let mut bytes = syn();
    let Verdict::Incorrect { expected } = decode(&bytes, 60).checksum_status() else { panic!("zero is wrong") };
    bytes[36..38].copy_from_slice(&expected.to_be_bytes());
    assert_eq!(
        line(&bytes, 60),
        format!(
            "127.0.0.1.41218 > 127.0.0.1.8000: Flags [S], cksum 0x{expected:04x} (correct), seq 1234, win 65495, \
             options [mss 65495,sackOK,TS val 1 ecr 0,nop,wscale 7], length 0"
        )
    );
}

#[test]
fn a_checksum_left_to_the_device_is_no_error() {
    let mut bytes = syn();
    let addresses = decode(&bytes, 60).addresses().unwrap();
    let partial = checksum::pseudo_header(addresses, NUMBER, 40).folded();
    bytes[36..38].copy_from_slice(&partial.to_be_bytes());
    assert_eq!(decode(&bytes, 60).checksum_status(), Verdict::Partial);
    bytes[36] ^= 0x55;
    assert!(matches!(decode(&bytes, 60).checksum_status(), Verdict::Incorrect { .. }));
    let told = Carried::frame(Link::Ip, &bytes, 60).offloaded(true);
    let Some(Layer::Tcp(tcp)) = walk(told).last() else { panic!() };
    assert_eq!(tcp.checksum_status(), Verdict::Partial, "the kernel said so");
}

#[test]
fn a_cut_capture_leaves_the_checksum_open_and_says_where_options_end() {
    let bytes = syn();
    let tcp = decode(&bytes[..47], 60);
    assert_eq!(tcp.checksum_status(), Verdict::Unverified { why: "truncated" });
    assert_eq!(tcp.options().last(), Some(TcpOption::Truncated { kind: Some(8) }));
    assert!(line(&bytes[..47], 60).ends_with("options [mss 65495,sackOK,TS [|tcp]], length 0"));
}

#[test]
fn wrong_data_offsets_are_named_and_hide_the_payload() {
    let mut bytes = syn();
    bytes[32] = 0x40;
    let tcp = decode(&bytes, 60);
    assert_eq!((tcp.fault(), tcp.payload(), tcp.options().count()), (Some(Fault::OffsetTooShort), &[][..], 0));
    bytes[32] = 0xf0;
    assert_eq!(decode(&bytes, 60).fault(), Some(Fault::OffsetTooLong));
    assert!(line(&bytes, 60).ends_with("Flags [S] [bad hdr length 60 - too long, beyond the segment]"));
}

#[test]
fn every_flag_has_its_bit() {
    let mut bytes = syn();
    bytes[32..34].copy_from_slice(&[0xa1, 0xff]);
    let names: Vec<_> = decode(&bytes, 60).flags().names().collect();
    assert_eq!(names, ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "AE"]);
    assert!(line(&bytes, 60).contains("Flags [FSRP.UEWe]"));
    bytes[32..34].copy_from_slice(&[0xa0, 0]);
    assert!(line(&bytes, 60).contains("Flags [none]"));
}

fn options(bytes: &[u8]) -> String {
    let mut out = Text::new();
    for option in Options::new(bytes, bytes.len()) {
        out.push_str(if out.is_empty() { "" } else { "," });
        option.line(&mut out);
    }
    out.into_string()
}

#[test]
fn options_are_decoded_each_in_its_form() {
    for (bytes, text) in [
        (&[5, 10, 0, 0, 0, 1, 0, 0, 0, 9][..], "sack 1 {1:9}"),
        (&[34, 2], "tfo cookiereq"),
        (&[34, 6, 1, 2, 3, 4], "tfo cookie 01020304"),
        (&[254, 4, 0xf9, 0x89], "exp-tfo cookiereq"),
        (&[30, 4, 0, 0x81, 1], "mptcp 0x0081,nop"),
        (&[29, 6, 1, 2, 0xab, 0xcd], "tcp-ao keyid 1 rnextkeyid 2 mac 0xabcd"),
        (&[172, 5, 0, 0, 1], "acc0 0x000001"),
        (&[254, 4, 0xac, 0xc1], "exp-acc1"),
        (&[99, 3, 0xff, 0], "unknown-99 0xff,eol"),
        (&[2, 3, 1, 1], "mss 0x01,nop"),
        (&[0, 2, 4, 5], "eol"),
    ] {
        assert_eq!(options(bytes), text, "{bytes:?}");
    }
}

#[test]
fn option_lengths_that_lie_end_the_list() {
    for bytes in [&[2, 0, 1][..], &[2, 1, 1], &[2, 9, 1], &[8], &[1, 5, 255]] {
        assert!(options(bytes).ends_with("[bad opt]"), "{bytes:?}: {}", options(bytes));
    }
}

#[test]
fn sequence_numbers_wrap() {
    let mut bytes = syn();
    bytes[24..28].copy_from_slice(&u32::MAX.to_be_bytes());
    assert_eq!(decode(&bytes, 60).next_sequence(), 0);
}

/// A segment of six bytes of data, its checksum right, from the IP header on.
fn data() -> Vec<u8> {
    let mut p = vec![0x45, 0, 0, 46, 0x12, 0x34, 0x40, 0, 64, 6, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1];
    p.extend([0xa1, 0x02, 0x1f, 0x40, 0, 0, 0, 1, 0, 0, 0, 9, 0x50, 0x18, 0xff, 0xd7, 0, 0, 0, 0]);
    p.extend(b"hello\n");
    let Verdict::Incorrect { expected } = decode(&p, 46).checksum_status() else { panic!("zero is wrong") };
    p[36..38].copy_from_slice(&expected.to_be_bytes());
    p
}

#[test]
fn a_packet_cut_on_its_way_is_taken_by_its_ip_length() {
    let bytes = data();
    assert_eq!(decode(&bytes, 46).checksum_status(), Verdict::Correct);
    for missing in 1..=6 {
        // Neither the capture nor the frame holds the end: the frame's length is that of its bytes.
        let cut = &bytes[..46 - missing];
        let tcp = decode(cut, cut.len());
        assert_eq!(tcp.checksum_status(), Verdict::Unverified { why: "truncated" }, "{missing}");
        assert_eq!((tcp.payload_length(), tcp.next_sequence()), (6, 7), "{missing}");
        assert_eq!(tcp.payload(), &b"hello\n"[..6 - missing]);
    }
    let said = line(&bytes[..45], 45);
    assert!(said.contains("(unverified: truncated), seq 1:7, ack 9") && said.ends_with("length 6"), "{said}");
    assert!(matches!(walk(Carried::frame(Link::Ip, &bytes[..39], 39)).last(), Some(Layer::Ipv4(_))));
}

#[test]
fn a_cut_packet_of_ipv6_is_taken_by_its_length_too() {
    let mut bytes = vec![0x60, 0, 0, 0, 0, 26, 6, 64];
    bytes.extend([0; 15].iter().chain(&[1]).chain(&[0; 15]).chain(&[1]));
    bytes.extend(&data()[20..]);
    let tcp = decode(&bytes[..65], 65);
    assert_eq!(tcp.checksum_status(), Verdict::Unverified { why: "truncated" });
    assert_eq!((tcp.payload_length(), tcp.payload()), (6, &b"hello"[..]));
    assert!(line(&bytes[..65], 65).contains("seq 1:7, "));
}

/// A segment that carries `payload`, from the IP header on, and its line with all that follows.
fn carrying(ports: [u16; 2], payload: &[u8], cut: usize) -> String {
    let mut p = vec![0x45, 0, 0, 0, 0x12, 0x34, 0x40, 0, 64, 6, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1];
    p.extend(ports.iter().flat_map(|port| port.to_be_bytes()));
    p.extend([0, 0, 0, 1, 0, 0, 0, 9, 0x50, 0x18, 0xff, 0xd7, 0, 0, 0, 0]);
    p.extend(payload);
    let length = p.len();
    p[2..4].copy_from_slice(&(length as u16).to_be_bytes());
    let mut out = Line::of(Detail::Usual);
    walk::line(Carried::frame(Link::Ip, &p[..length - cut], length), &mut out);
    out.as_str().split_once(", length ").map(|(_, rest)| rest.to_owned()).expect("a length")
}

#[test]
fn applications_are_known_by_their_first_bytes() {
    let hello = crate::packet::sample::sample!("tls_client_hello");
    assert!(carrying([9, 4567], &hello, 0).starts_with("517: TLS ClientHello sni=example.com "));
    assert_eq!(carrying([9, 443], &[23, 3, 3, 0, 2, 1, 2], 0), "7: TLS ApplicationData length 2");
    assert_eq!(carrying([9, 4567], &[23, 3, 3, 0, 2, 1, 2], 0), "7");
    assert_eq!(carrying([9, 4567], b"GET / HTTP/1.1\r\n\r\n", 0), "18: HTTP: GET / HTTP/1.1");
    assert_eq!(carrying([80, 9], b"hello", 0), "5");
    let two = crate::packet::sample::sample!("dns_stream");
    assert_eq!(carrying([9, 53], &two, 0), "62 1+ A? example.com. (29) 2+ A? example.com. (29)");
    assert_eq!(carrying([9, 53], &two[..31], 10), "31 1+ [|domain]");
    assert_eq!(carrying([9, 53], &two, 54), "62 [|dns]");
    assert_eq!(carrying([9, 53], b"the midst of a zone", 0), "19");
}

#[test]
fn nothing_is_made_of_the_payload_behind_a_wrong_header() {
    let mut bytes = syn();
    bytes.truncate(40);
    bytes.extend(b"GET / HTTP/1.1\r\n\r\n");
    bytes[3] = 58;
    bytes[32] = 0x50;
    assert!(matches!(walk(Carried::frame(Link::Ip, &bytes, 58)).last(), Some(Layer::Http(_))));
    bytes[32] = 0x40;
    assert!(matches!(walk(Carried::frame(Link::Ip, &bytes, 58)).last(), Some(Layer::Tcp(_))));
}
