use super::*;
use crate::packet::Addresses;
use crate::packet::Text;
use crate::packet::sample::{carried, decoded, line as line_of, sample};

const NAME: &[u8] = b"\x07example\x03com\0";

fn line(application: Application, bytes: &[u8], length: usize) -> String {
    decoded::<Dns>(application, bytes, length).1
}

fn dns(bytes: &[u8]) -> String {
    line(Application::Dns, bytes, bytes.len())
}

fn header(flags: u16, counts: [u16; 4]) -> Vec<u8> {
    let words = [&[1, flags][..], &counts].concat();
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

fn query(flags: u16, counts: [u16; 4]) -> Vec<u8> {
    [&header(flags, counts), NAME, &[0, 1, 0, 1]].concat()
}

#[test]
fn lines_are_tcpdumps() {
    assert_eq!(dns(&sample!("dns_query")), "22836+ [1au] A? www.tcpdump.org. (56)");
    let response = sample!("dns_response");
    assert_eq!(dns(&response), "22836*- 2/2/5 A 192.139.46.66, A 198.199.88.104 (224)");
    assert_eq!(dns(&sample!("dns_bad_cookie")), "63147 BadCookie 0/0/1 (56)");
    for (flags, counts, text) in [
        (0x0100, [1, 0, 0, 0], "1+ A? example.com. (29)"),
        (0x0130, [1, 0, 0, 0], "1+% A? example.com. (29)"),
        (0x0041, [1, 0, 0, 0], "1 [b2&3=0x41] A? example.com. (29)"),
        (0x0800, [1, 0, 0, 0], "1 inv_q [1q] [0a] A? example.com. (29)"),
        (0x2800, [1, 0, 2, 3], "1 update [2n] [3au] A? example.com. (29)"),
        (0x8183, [1, 0, 0, 0], "1 NXDomain 0/0/0 (29)"),
        (0x8185, [1, 0, 0, 0], "1 Refused 0/0/0 (29)"),
        (0x818b, [1, 0, 0, 0], "1 Resp11 0/0/0 (29)"),
        (0x8630, [1, 0, 0, 0], "1*-|$ 0/0/0 (29)"),
        (0x8100, [0, 0, 0, 0], "1- [0q] 0/0/0 (29)"),
    ] {
        assert_eq!(dns(&query(flags, counts)), text);
    }
}

#[test]
fn every_type_has_its_words() {
    let bytes = sample!("dns_types");
    let (dns, line, block) = decoded::<Dns>(Application::Dns, &bytes, bytes.len());
    let expected = r#"4660 13/1/1 A 192.0.2.1, AAAA 2001:db8::1, NS ns.example.com., MX mail.example.com. 10, TXT "v=spf" "\"a\"\n", SRV sip.example.com.:5060 1 2, CNAME www.example.com., CAA, DS, DNSKEY, HTTPS, PTR host.example.com., Type9999 (497)"#;
    assert_eq!(line, expected);
    for said in [
        "Question        : example.com. IN ANY\n",
        "Answer          : example.com. 300 IN A 192.0.2.1\n",
        "Answer          : example.com. 60 IN CAA 0 issue \"ca.example.net\"\n",
        "Answer          : example.com. 60 IN HTTPS 1 . alpn=h2,h3 port=443 ipv4hint=192.0.2.1 ipv6hint=2001:db8::1\n",
        "Answer          : example.com. 60 IN Type9999 \\# 3 010203\n",
        "Authority       : example.com. 3600 IN SOA ns.example.com. root.example.com. 2026010101 7200 3600 1209600 300\n",
        "Additional      : . OPT UDPsize=1232 version=0 DO COOKIE=6162636465666768\n",
    ] {
        assert!(block.contains(said), "{said}{block}");
    }
    let document = dns.document();
    assert_eq!((document.answers.len(), document.trouble, document.incomplete), (13, None, false));
    assert_eq!(document.answers[8].data[..11], *"12345 13 2 ");
    assert_eq!((document.additionals[0].udp_size, &document.additionals[0].class), (Some(1232), &None));
}

#[test]
fn multicast_has_its_own_bits() {
    let query = sample!("mdns_query");
    let said = line(Application::MulticastDns, &query, query.len());
    assert_eq!(said, "0 PTR (QU)? _ipp._tcp.local. (33)");
    assert_eq!(dns(&query), "0 PTR (Class 32769)? _ipp._tcp.local. (33)");
    let group = Addresses::V4(&[10, 0, 0, 1], &[224, 0, 0, 251]);
    let to_group = Carried { addresses: Some(group), ..carried(Application::Dns, &query, query.len()) };
    assert!(Dns::decode(to_group).unwrap().0.multicast);
    let response = sample!("mdns_response");
    assert_eq!(
        line(Application::MulticastDns, &response, response.len()),
        r"0*- [0q] 2/0/1 PTR Office v2\.0._ipp._tcp.local., (Cache flush) SRV print.local.:631 0 0 (95)"
    );
}

#[test]
fn a_stream_holds_messages_behind_their_lengths() {
    let bytes = sample!("dns_stream");
    let (first, next) = Dns::decode(carried(Application::DnsStream, &bytes, bytes.len())).unwrap();
    let mut said = line_of(&first);
    let (second, next) = Dns::decode(next.expect("another")).unwrap();
    said.push_str(&line_of(&second));
    assert_eq!(said, " 1+ A? example.com. (29) 2+ A? example.com. (29)");
    assert!(next.is_none());
    // It goes on in the next segment.
    assert_eq!(line(Application::DnsStream, &bytes[..20], 20), " 1+ [|domain]");
    assert!(begins(&bytes) && !begins(&bytes[1..]) && !begins(b"\0\x05abc"));
}

#[test]
fn cut_and_malformed_messages_keep_what_was_read() {
    let bytes = sample!("dns_response");
    assert_eq!(line(Application::Dns, &bytes[..60], 224), "22836*- 2/2/5 A 192.139.46.66 [|domain]");
    assert_eq!(line(Application::Dns, &bytes[..47], 224), "22836*- 2/2/5 A [|domain]");
    let said = line(Application::Dns, &bytes[..60], 60);
    assert_eq!(said, "22836*- 2/2/5 A 192.139.46.66 [malformed: the message ends inside a record]");
    let (cut, ..) = decoded::<Dns>(Application::Dns, &bytes[..100], 224);
    let document = cut.document();
    assert_eq!((document.answers.len(), document.trouble), (2, Some(Trouble::Truncated)));
    assert!(matches!(Dns::decode(carried(Application::Dns, &bytes[..11], 224)), Err(Trouble::Truncated)));
    assert!(matches!(Dns::decode(carried(Application::Dns, &bytes[..11], 11)), Err(Trouble::Malformed(_))));
    let short = [&query(0x8180, [1, 1, 0, 0])[..], &[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 3, 1, 2, 3]].concat();
    assert_eq!(dns(&short), "1 1/0/0 A [malformed: a record's data is of another length]");
}

#[test]
fn names_never_loop_and_never_grow() {
    let ask = |name: &[u8]| dns(&[&header(0x100, [1, 0, 0, 0]), name, &[0, 1, 0, 1]].concat());
    assert_eq!(ask(&[0xc0, 12]), "1+ A? [malformed: a name points forward]");
    assert_eq!(ask(&[1, b'a', 0xc0, 12]), "1+ A? a. [malformed: a name points forward]");
    assert_eq!(ask(&[0xc0, 200]), "1+ A? [malformed: a name points forward]");
    assert_eq!(ask(&[0x41, b'a', 0]), "1+ [malformed: a label of no known kind]");
    assert_eq!(ask(b"\x03a.b\0"), r"1+ A? a\.b. (21)");
    assert_eq!(ask(b"\x04\x1b[3m\0"), r"1+ A? \x1b[3m. (22)");
    let long: Vec<u8> = std::iter::repeat_n(*b"\x07abcdefg", 32).flatten().chain([0]).collect();
    assert!(ask(&long).ends_with("[malformed: a name is too long]"));
    // Each pointer goes back to the one before it.
    let mut chain = [&header(0x100, [1, 0, 0, 0])[..], &[0]].concat();
    let mut at = 12;
    for _ in 0..20 {
        chain.extend([0xc0, at]);
        at = chain.len() as u8 - 2;
    }
    let message = Message { bytes: &chain, length: chain.len() };
    let ends = |at| message.name(at).unwrap().0.write(&mut Text::new());
    assert_eq!(ends(13 + 2 * 15), Ok(()));
    assert_eq!(ends(13 + 2 * 16), Err(Trouble::Malformed("a name points on and on")));
}

/// One long name, and as many pointers to it as fit into a datagram.
#[test]
fn repeated_names_are_shown_in_proportion() {
    let mut bytes = header(0x100, [65535, 0, 0, 0]);
    for _ in 0..3 {
        bytes.push(63);
        bytes.extend([0; 63]);
    }
    bytes.extend([0, 0, 1, 0, 1]);
    while bytes.len() < 65_000 {
        bytes.extend([0xc0, 12, 0, 1, 0, 1]);
    }
    let (dns, line, block) = decoded::<Dns>(Application::Dns, &bytes, bytes.len());
    assert!(line.ends_with(" [...] (65003)") || line.contains(" [...] ("), "{}", &line[line.len() - 60..]);
    assert!(block.ends_with("Fault           : more than is shown\n"));
    let document = dns.document();
    assert!(document.incomplete && document.questions.len() < 2000);
    assert!(line.len() < 10 * bytes.len() && block.len() < 18 * bytes.len());
}
