//! What UDP and TCP carry.

use fastrand::Rng;

use super::network::{bytes, ipv4};
use super::{Case, Field, links, transports};

pub fn cases() -> Vec<Case> {
    vec![
        Case { protocols: &["dns"], link: 101, make: |r| response(r).over_udp(r, 53), fields: DNS },
        Case {
            protocols: &["dns"],
            link: 101,
            make: |r| {
                let message = response(r).0;
                over_tcp(r, 53, &[&(message.len() as u16).to_be_bytes(), &message[..]].concat())
            },
            fields: DNS,
        },
        Case {
            protocols: &["dns"],
            link: 101,
            make: |r| announcement(r).over_udp(r, 5353),
            fields: &[
                ("/dns/response", "dns.flags.response"),
                ("/dns/questions/*/name", "dns.qry.name"),
                ("/dns/questions/*/unicast_wanted", "dns.qry.qu"),
                ("/dns/answers/*/name", "dns.resp.name"),
                ("/dns/answers/*/cache_flush", "dns.resp.cache_flush"),
                ("/dns/answers/*/ttl", "dns.resp.ttl"),
            ],
        },
        Case { protocols: &["dhcp"], link: 101, make: |r| lease(r).over_udp(r, 67), fields: DHCP },
        Case { protocols: &["dhcp6"], link: 101, make: |r| solicit(r).over_udp(r, 547), fields: DHCP6 },
        Case {
            protocols: &["dhcp6"],
            link: 101,
            make: |r| {
                let inside = solicit(r).0;
                let head = [vec![12, r.u8(..8)], bytes(r, 32), vec![0, 9]].concat();
                Message([&head[..], &(inside.len() as u16).to_be_bytes(), &inside].concat()).over_udp(r, 547)
            },
            fields: &[
                ("/dhcp6/hops", "dhcpv6.hopcount"),
                ("/dhcp6/link_address", "dhcpv6.linkaddr"),
                ("/dhcp6/peer_address", "dhcpv6.peeraddr"),
            ],
        },
        Case {
            protocols: &["ntp"],
            link: 101,
            make: |r| {
                let head =
                    vec![r.u8(0..4) << 6 | r.u8(3..5) << 3 | r.u8(1..6), r.u8(2..16), r.u8(4..18), r.u8(226..)];
                Message([head, bytes(r, 44)].concat()).over_udp(r, 123)
            },
            fields: &[
                ("/ntp/leap", "ntp.flags.li"),
                ("/ntp/version", "ntp.flags.vn"),
                ("/ntp/mode", "ntp.flags.mode"),
                ("/ntp/stratum", "ntp.stratum"),
                ("/ntp/poll", "ntp.ppoll"),
                ("/ntp/precision", "ntp.precision"),
            ],
        },
        Case { protocols: &["http", "tcp"], link: 101, make: request, fields: REQUEST },
        Case { protocols: &["http", "tcp"], link: 101, make: reply, fields: REPLY },
        Case { protocols: &["tls", "tcp"], link: 101, make: hello, fields: HELLO },
    ]
}

/// A message of an application.
struct Message(Vec<u8>);

impl Message {
    fn over_udp(self, r: &mut Rng, port: u16) -> Vec<u8> {
        let datagram = transports::udp(r, port, &self.0);
        ipv4(r, 17, &datagram)
    }
}

fn over_tcp(r: &mut Rng, port: u16, payload: &[u8]) -> Vec<u8> {
    let from = r.u16(50_000..60_000);
    let segment = transports::tcp(r, [from, port], &[], payload);
    ipv4(r, 6, &segment)
}

fn word(r: &mut Rng) -> String {
    let length = r.usize(1..12);
    std::iter::repeat_with(|| r.lowercase()).take(length).collect()
}

fn domain(r: &mut Rng) -> String {
    format!("{}.{}.example", word(r), word(r))
}

fn name(text: &str) -> Vec<u8> {
    text.split('.').flat_map(|label| [&[label.len() as u8], label.as_bytes()].concat()).chain([0]).collect()
}

const DNS: &[Field] = &[
    ("/dns/id", "dns.id"),
    ("/dns/response", "dns.flags.response"),
    ("/dns/operation", "dns.flags.opcode"),
    ("/dns/authoritative", "dns.flags.authoritative"),
    ("/dns/truncated", "dns.flags.truncated"),
    ("/dns/recursion_desired", "dns.flags.recdesired"),
    ("/dns/recursion_available", "dns.flags.recavail"),
    ("/dns/authentic_data", "dns.flags.authenticated"),
    ("/dns/checking_disabled", "dns.flags.checkdisable"),
    ("/dns/response_code", "dns.flags.rcode"),
    ("/dns/counts/0", "dns.count.queries"),
    ("/dns/counts/1", "dns.count.answers"),
    ("/dns/questions/*/name", "dns.qry.name"),
    ("/dns/answers/*/name", "dns.resp.name"),
    ("/dns/answers/*/ttl", "dns.resp.ttl"),
    ("/dns/answers/*/length", "dns.resp.len"),
    ("/dns/answers/0/data", "dns.a"),
    ("/dns/answers/1/data", "dns.aaaa"),
    ("/dns/answers/2/data", "dns.cname"),
];

/// A response: addresses of both kinds and an alias, owners by pointer.
fn response(r: &mut Rng) -> Message {
    let (asked, alias) = (name(&domain(r)), name(&domain(r)));
    let flags = 0x8000 | r.u16(..) & 0x07b0 | r.u16(0..6);
    let header = [&bytes(r, 2)[..], &flags.to_be_bytes(), &[0, 1, 0, 3, 0, 0, 0, 0]].concat();
    let mut record = |kind: u8, data: &[u8]| {
        let ttl = r.u32(..0x8000_0000).to_be_bytes();
        [&[0xc0, 12, 0, kind, 0, 1][..], &ttl, &(data.len() as u16).to_be_bytes(), data].concat()
    };
    let records =
        [record(1, &[192, 0, 2, 1]), record(28, &[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9])];
    Message([header, asked, vec![0, 1, 0, 1], records.concat(), record(5, &alias)].concat())
}

/// A multicast announcement, with a question.
fn announcement(r: &mut Rng) -> Message {
    let (asked, told) = (name(&format!("{}.local", word(r))), name(&format!("{}.local", word(r))));
    let header = [0, 0, 0x84, 0, 0, 1, 0, 1, 0, 0, 0, 0];
    let top = |r: &mut Rng| if r.bool() { 0x80 } else { 0 };
    let question = [asked, vec![0, 1, top(r), 1]].concat();
    let answer =
        [told, vec![0, 1, top(r), 1], r.u32(..0x8000_0000).to_be_bytes().to_vec(), vec![0, 4, 192, 0, 2, 7]].concat();
    Message([&header[..], &question, &answer].concat())
}

const DHCP: &[Field] = &[
    ("/dhcp/operation", "dhcp.type"),
    ("/dhcp/hardware_type", "dhcp.hw.type"),
    ("/dhcp/hardware_length", "dhcp.hw.len"),
    ("/dhcp/hops", "dhcp.hops"),
    ("/dhcp/transaction", "dhcp.id"),
    ("/dhcp/seconds", "dhcp.secs"),
    ("/dhcp/flags", "dhcp.flags"),
    ("/dhcp/client_address", "dhcp.ip.client"),
    ("/dhcp/your_address", "dhcp.ip.your"),
    ("/dhcp/server_address", "dhcp.ip.server"),
    ("/dhcp/relay_address", "dhcp.ip.relay"),
    ("/dhcp/hardware_address", "dhcp.hw.mac_addr"),
    ("/dhcp/options/1/value", "dhcp.option.subnet_mask"),
    ("/dhcp/options/2/value", "dhcp.option.ip_address_lease_time"),
    ("/dhcp/options/3/value", "dhcp.option.hostname"),
    ("/dhcp/options/4/value", "dhcp.option.dhcp_server_id"),
];

fn lease(r: &mut Rng) -> Message {
    let head = [vec![r.u8(1..3), 1, 6, r.u8(..16)], bytes(r, 6), vec![r.u8(..2) << 7, 0], bytes(r, 16)].concat();
    let hardware = [links::mac(r), vec![0; 10 + 64 + 128], vec![0x63, 0x82, 0x53, 0x63]].concat();
    let (host, lease) = (word(r), r.u32(1..0x7fff_ffff).to_be_bytes());
    let kind = [53, 1, r.u8(1..8)];
    let options = [
        &kind[..],
        &[1, 4, 255, 255, r.u8(..), 0],
        &[&[51, 4][..], &lease].concat(),
        &[&[12, host.len() as u8][..], host.as_bytes()].concat(),
        &[&[54, 4][..], &bytes(r, 4)].concat(),
        &[255],
    ];
    Message([head, hardware, options.concat()].concat())
}

const DHCP6: &[Field] = &[
    ("/dhcp6/kind", "dhcpv6.msgtype"),
    ("/dhcp6/transaction", "dhcpv6.xid"),
    ("/dhcp6/options/*/code", "dhcpv6.option.type"),
    ("/dhcp6/options/1/value", "dhcpv6.dns_server"),
    ("/dhcp6/options/2/value", "dhcpv6.option_preference"),
];

fn solicit(r: &mut Rng) -> Message {
    let head = [vec![r.u8(1..8)], bytes(r, 3)].concat();
    let client = [vec![0, 1, 0, 10, 0, 3, 0, 1], links::mac(r)].concat();
    let server = [vec![0, 23, 0, 16, 0x20, 1, 0x0d, 0xb8], bytes(r, 12)].concat();
    Message([head, client, server, vec![0, 7, 0, 1, r.u8(..)]].concat())
}

const REQUEST: &[Field] = &[
    ("/http/request/method", "http.request.method"),
    ("/http/request/target", "http.request.uri"),
    ("/http/request/version", "http.request.version"),
    ("/http/fields/0/value", "http.host"),
    ("/http/fields/1/value", "http.user_agent"),
    ("/http/fields/2/value", "http.accept"),
];

fn request(r: &mut Rng) -> Vec<u8> {
    let method = *r.choice(&["GET", "HEAD", "DELETE", "OPTIONS"]).expect("one");
    let (target, host, agent) = (format!("/{}?{}={}", word(r), word(r), r.u16(..)), domain(r), word(r));
    let text = format!(
        "{method} {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {agent}/1.0\r\nAccept: text/{}\r\n\r\n",
        word(r)
    );
    over_tcp(r, 80, text.as_bytes())
}

const REPLY: &[Field] = &[
    ("/http/response/version", "http.response.version"),
    ("/http/response/status", "http.response.code"),
    ("/http/response/reason", "http.response.phrase"),
    ("/http/fields/0/value", "http.server"),
    ("/http/fields/1/value", "http.content_type"),
];

fn reply(r: &mut Rng) -> Vec<u8> {
    let (status, reason) = *r.choice(&[("200", "OK"), ("404", "Not Found"), ("503", "Try later")]).expect("one");
    let text = format!(
        "HTTP/1.1 {status} {reason}\r\nServer: {}\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n",
        word(r)
    );
    over_tcp(r, 80, text.as_bytes())
}

const HELLO: &[Field] = &[
    ("/tls/records/0/version", "tls.record.version"),
    ("/tls/records/0/length", "tls.record.length"),
    ("/tls/records/0/messages/0/length", "tls.handshake.length"),
    ("/tls/records/0/messages/0/legacy_version", "tls.handshake.version"),
    ("/tls/records/0/messages/0/versions/*", "tls.handshake.extensions.supported_version"),
    ("/tls/records/0/messages/0/server_name", "tls.handshake.extensions_server_name"),
    ("/tls/records/0/messages/0/alpn/*", "tls.handshake.extensions_alpn_str"),
    ("/tls/records/0/messages/0/extensions/*", "tls.handshake.extension.type"),
];

/// Bytes behind their length, a number of `N` bytes.
fn counted<const N: usize>(content: &[u8]) -> Vec<u8> {
    [&(content.len() as u32).to_be_bytes()[4 - N..], content].concat()
}

fn extension(kind: u8, content: &[u8]) -> Vec<u8> {
    [&[0, kind][..], &counted::<2>(content)].concat()
}

/// A ClientHello.
fn hello(r: &mut Rng) -> Vec<u8> {
    let host = [&[0][..], &counted::<2>(domain(r).as_bytes())].concat();
    let protocols: Vec<u8> = (0..r.usize(1..4)).flat_map(|_| counted::<1>(word(r).as_bytes())).collect();
    let mut versions = vec![[3, 4], [3, 3], [3, 2]];
    versions.truncate(r.usize(1..4));
    let mut extensions = [
        extension(0, &counted::<2>(&host)),
        extension(16, &counted::<2>(&protocols)),
        extension(43, &counted::<1>(&versions.concat())),
        extension(23, &[]),
    ];
    r.shuffle(&mut extensions);
    let suites = [0x13, 1, 0x13, 2, 0xc0, 0x2f];
    let body = [vec![3, 3], bytes(r, 32), counted::<1>(&bytes(r, 32)), counted::<2>(&suites), vec![1, 0]].concat();
    let body = [body, counted::<2>(&extensions.concat())].concat();
    let record = [&[22, 3, 1][..], &counted::<2>(&[&[1][..], &counted::<3>(&body)].concat())].concat();
    over_tcp(r, 443, &record)
}
