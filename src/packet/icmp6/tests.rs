use super::*;
use crate::packet::{Addresses, Code, Link};
use crate::packet::{sample, text};

const TARGET: [u8; 16] = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];

fn decode(bytes: &[u8], length: usize) -> Icmp6<'_> {
    let carried = Carried { code: Code::Ip(NUMBER), ..Carried::frame(Link::Ip, bytes, length) };
    Icmp6::decode(carried).unwrap().0
}

fn line(bytes: &[u8]) -> String {
    sample::line(&decode(bytes, bytes.len())).rsplit_once(", length").expect("a length").0.to_owned()
}

/// A message about [`TARGET`], with options.
fn discovery(kind: u8, options: &[u8]) -> Vec<u8> {
    let head = [kind, 0, 0, 0, 0x60, 0, 0, 0];
    [&head[..], &TARGET, if kind == REDIRECT { &TARGET } else { &[] }, options].concat()
}

/// An error about a packet to [`TARGET`].
fn error(kind: u8, code: u8, protocol: u8) -> Vec<u8> {
    let mut bytes = vec![kind, code, 0, 0, 0, 0, 5, 0, 0x60, 0, 0, 0, 0, 8, protocol, 64];
    bytes.extend([0; 15]);
    bytes.push(1);
    bytes.extend(TARGET);
    bytes.extend([0x03, 0xe8, 0, 80, 0, 8, 0, 0]);
    bytes[4..8].copy_from_slice(&if kind == TOO_BIG { [0, 0, 5, 0] } else { [0; 4] });
    bytes
}

#[test]
fn errors_have_tcpdumps_words() {
    for (kind, code, protocol, words) in [
        (1, 0, 6, "destination unreachable, unreachable route fe80::9"),
        (1, 2, 6, "destination unreachable, beyond scope fe80::9, source address ::1"),
        (1, 4, 6, "destination unreachable, unreachable port, fe80::9 tcp port 80"),
        (1, 4, 17, "destination unreachable, unreachable port, fe80::9 udp port 80"),
        (1, 4, 99, "destination unreachable, unreachable port, fe80::9 protocol 99 port 80 unreachable"),
        (1, 77, 6, "destination unreachable, unknown unreach code (77)"),
        (2, 0, 6, "packet too big, mtu 1280"),
        (3, 0, 6, "time exceeded in-transit for fe80::9"),
        (3, 1, 6, "time exceeded in-transit (reassembly)"),
        (4, 1, 6, "parameter problem, next header - octet 0"),
    ] {
        assert_eq!(line(&error(kind, code, protocol)), format!("ICMP6, {words}"));
    }
}

#[test]
fn discovery_has_tcpdumps_words() {
    for (bytes, words) in [
        (discovery(135, &[]), "neighbor solicitation, who has fe80::9"),
        (discovery(136, &[]), "neighbor advertisement, tgt is fe80::9"),
        (discovery(137, &[]), "redirect, fe80::9 to fe80::9"),
        (vec![133, 0, 0, 0, 0, 0, 0, 0], "router solicitation"),
        (vec![134, 0, 0, 0, 64, 0, 0, 15], "router advertisement"),
        (vec![128, 0, 0, 0, 0, 7, 0, 9], "echo request, id 7, seq 9"),
        (vec![161, 0, 0, 0, 0, 7, 9, 1], "extended echo reply, id 7, seq 9"),
        (vec![143, 0, 0, 0, 0, 0, 0, 4], "multicast listener report v2, 4 group record(s)"),
        (vec![99, 0, 0, 0, 0, 0, 0, 0], "unknown icmp6 type (99)"),
        (vec![135, 0, 0, 0, 0, 0, 0, 0], "neighbor solicitation [|icmp6]"),
    ] {
        assert_eq!(line(&bytes), format!("ICMP6, {words}"));
    }
}

fn options(bytes: &[u8]) -> Vec<String> {
    let message = discovery(NEIGHBOR_SOLICITATION, bytes);
    let line = |option: options::NeighborOption| text::written(|out| option.line(out));
    decode(&message, message.len()).options().map(line).collect()
}

#[test]
fn options_are_decoded_each_in_its_form() {
    let mut prefix = vec![3, 4, 64, 0xc0, 0, 0, 0, 9, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];
    prefix.extend(TARGET);
    let mut servers = vec![25, 3, 0, 0, 0, 0, 0, 5];
    servers.extend(TARGET);
    let rest = [1, 1, 2, 0, 0, 0, 0, 1, 5, 1, 0, 0, 0, 0, 5, 0, 14, 1, 1, 2, 3, 4, 5, 6];
    assert_eq!(
        options(&[&prefix[..], &servers, &rest].concat()),
        [
            "prefix info option (3), length 32 (4): fe80::9/64, Flags [onlink, auto], valid time 9s, \
             pref. time infinity",
            "rdnss option (25), length 24 (3):  lifetime 5s, addr: fe80::9",
            "source link-address option (1), length 8 (1): 02:00:00:00:00:01",
            "mtu option (5), length 8 (1):  1280",
            "nonce option (14), length 8 (1): 010203040506",
        ]
    );
}

#[test]
fn option_lengths_that_lie_end_the_list() {
    for bytes in [&[1, 0, 1, 1, 1, 1, 1, 1][..], &[1, 2, 1, 1, 1, 1, 1, 1], &[1]] {
        let said = options(bytes);
        assert!(said.len() == 1 && said[0].contains("[malformed]"), "{said:?}");
    }
    let message = discovery(NEIGHBOR_SOLICITATION, &[5, 1, 0, 0]);
    let last = decode(&message, message.len() + 4).options().last().expect("an option");
    assert_eq!(last.trouble, Some("truncated"));
}

#[test]
fn listener_reports_keep_to_their_length() {
    let mut bytes = vec![143, 0, 0, 0, 0, 0, 0, 2, 4, 0, 0, 1];
    bytes.extend([TARGET, TARGET].concat());
    let records = decode(&bytes, bytes.len()).document().records;
    assert_eq!(records.len(), 1, "the second is not there");
    assert_eq!((records[0].group.as_str(), &records[0].sources[..]), ("fe80::9", &["fe80::9".to_owned()][..]));
    bytes[10] = 0xff;
    assert!(decode(&bytes, bytes.len()).document().records.is_empty());
}

#[test]
fn the_checksum_covers_the_pseudo_header() {
    let mut bytes = vec![128, 0, 0, 0, 0, 1, 0, 2];
    fn message(bytes: &[u8]) -> Icmp6<'_> {
        let Icmp6 { fixed, carried } = decode(bytes, 8);
        Icmp6 { fixed, carried: Carried { addresses: Some(Addresses::V6(&TARGET, &TARGET)), ..carried } }
    }
    let Verdict::Incorrect { expected } = message(&bytes).checksum_status() else { panic!("0 is wrong") };
    // The sum by hand: twice fe80 and 9, length 8, next header 58, and the message.
    let sum: u32 = 2 * (0xfe80 + 9) + 8 + 58 + 0x8000 + 1 + 2;
    assert_eq!(expected, !((sum & 0xffff) + (sum >> 16)) as u16);
    bytes[2..4].copy_from_slice(&expected.to_be_bytes());
    assert_eq!(message(&bytes).checksum_status(), Verdict::Correct);
}

#[test]
fn an_error_quotes_its_packet() {
    let bytes = error(UNREACHABLE, 4, 17);
    let quoted = decode(&bytes, bytes.len()).document().quoted.expect("a quote");
    let udp = quoted.layers.udp.expect("a whole UDP header");
    assert_eq!((udp.source_port, udp.destination_port), (1000, 80));
}
