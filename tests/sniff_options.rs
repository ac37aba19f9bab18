//! IPv4 options and authentication headers against tcpdump, word by word, on packets made here.
//!
//! Debian package: tcpdump.

mod common;

use std::process::Command;

use common::made::capture;
use serde_json::Value;
use syskit::packet::ipv4::options;
use syskit::packet::{Carried, Document, Layer, Link, Text, walk};

/// A raw IPv4 packet with `options` (padded to whole words by its end of list) and `payload` of `protocol`.
fn packet(options: &[u8], protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut header = vec![0x45, 0, 0, 0, 0, 1, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    header.extend(options);
    header.resize(header.len().next_multiple_of(4), 0);
    header[0] = 0x40 | (header.len() / 4) as u8;
    let total = (header.len() + payload.len()) as u16;
    header[2..4].copy_from_slice(&total.to_be_bytes());
    let sum: u32 = header.chunks(2).map(|w| u32::from(u16::from_be_bytes([w[0], w[1]]))).sum();
    header[10..12].copy_from_slice(&(!((sum & 0xffff) + (sum >> 16)) as u16).to_be_bytes());
    header.extend(payload);
    header
}

const UDP: [u8; 8] = [3, 0xe8, 7, 0xd0, 0, 8, 0, 0];

/// One option of any kind that the 40 bytes have room for, its numbers mostly right.
fn random_option(random: &mut fastrand::Rng, room: usize) -> Vec<u8> {
    let fill =
        |random: &mut fastrand::Rng, n: usize| std::iter::repeat_with(|| random.u8(..)).take(n).collect::<Vec<_>>();
    let kind = *random.choice(&[1, 7, 68, 82, 130, 131, 137, 148, 205]).expect("a kind");
    let data = match kind {
        7 | 131 | 137 => {
            let hops = random.usize(0..=3);
            let pointer = if random.u8(..8) == 0 { random.u8(..) } else { 4 + 4 * random.usize(0..=hops) as u8 };
            [vec![pointer], fill(random, 4 * hops)].concat()
        }
        68 => {
            let flag = *random.choice(&[0, 1, 3, 3, 1, 0, 5]).expect("a flag");
            let (size, slots) = (if flag == 0 { 4 } else { 8 }, random.usize(0..=3));
            // A pointer of 1 is marked by tcpdump behind stamps that it does not print.
            let pointer =
                if random.u8(..8) == 0 { random.u8(2..) } else { 5 + (size * random.usize(0..=slots)) as u8 };
            let overflow = if random.bool() { 0 } else { random.u8(..16) };
            [vec![pointer, overflow << 4 | flag], fill(random, size * slots)].concat()
        }
        148 => vec![0, random.u8(..2)],
        130 => fill(random, 9),
        82 => fill(random, 10),
        205 => {
            let length = random.usize(0..6);
            fill(random, length)
        }
        _ => return vec![1; room.min(1)],
    };
    let option = [&[kind, 2 + data.len() as u8][..], &data].concat();
    if option.len() <= room { option } else { Vec::new() }
}

fn tcpdump(packets: &[Vec<u8>]) -> Option<Vec<String>> {
    if !common::live::has_program("tcpdump", "tcpdump") {
        return None;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let run = Command::new("tcpdump").args(["-n", "-t", "-v", "-r"]).arg(capture(folder.path(), packets)).output();
    let run = run.expect("tcpdump");
    assert!(run.status.success());
    // The packet itself stands on a second line, which begins with blanks.
    let text = String::from_utf8_lossy(&run.stdout).replace("\n ", " ");
    Some(text.lines().map(str::to_owned).collect())
}

#[test]
fn options_read_word_by_word_as_tcpdump_has_them() {
    let mut random = fastrand::Rng::with_seed(791);
    let mut lists = Vec::new();
    while lists.len() < 2000 {
        let mut list = Vec::new();
        for _ in 0..random.usize(1..=4) {
            list.extend(random_option(&mut random, 40 - list.len()));
        }
        if !list.is_empty() {
            lists.push(list);
        }
    }
    let packets: Vec<Vec<u8>> = lists.iter().map(|list| packet(list, 17, &UDP)).collect();
    let Some(texts) = tcpdump(&packets) else { return };
    assert_eq!(texts.len(), packets.len());
    for (bytes, theirs) in packets.iter().zip(&texts) {
        let mut ours = Text::new();
        let header = usize::from(bytes[0] & 15) * 4;
        options::write(&mut ours, &bytes[20..header]);
        let ours = format!("options ({}))", ours.as_str());
        assert!(theirs.contains(&ours), "ours:   {ours}\ntheirs: {theirs}");
    }
}

#[test]
fn no_option_reads_beyond_its_header() {
    let mut random = fastrand::Rng::with_seed(792);
    for _ in 0..20_000 {
        let length = random.usize(0..=40);
        let list: Vec<u8> = std::iter::repeat_with(|| random.u8(..)).take(length).collect();
        let mut out = Text::new();
        options::write(&mut out, &list);
        let told = options::options(&list).inspect(|option| drop(option.document())).count();
        assert!(told <= list.len() && out.as_str().len() <= 64 * (list.len() + 1), "{list:?}");
    }
}

fn document(packet: &[u8]) -> Value {
    let mut document = Document::default();
    walk(Carried::frame(Link::Ip, packet, packet.len())).for_each(|layer| layer.document(&mut document));
    serde_json::to_value(&document).expect("JSON")
}

#[test]
fn what_stands_behind_authentication_is_decoded() {
    let header = |next: u8| [next, 4, 0, 0, 0, 0, 1, 2, 0, 0, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    let one = packet(&[], 51, &[&header(17)[..], &UDP].concat());
    let two = packet(&[], 51, &[&header(51)[..], &header(17), &UDP].concat());
    for (bytes, headers) in [(&one, 1), (&two, 2)] {
        let ours = document(bytes);
        let told = ours["ipv4"]["authentications"].as_array().expect("a list");
        assert_eq!(told.len(), headers);
        assert_eq!(told[0]["spi"], 0x102);
        assert_eq!(told[0]["sequence"], 9);
        assert_eq!(ours["udp"]["destination_port"], 2000);
    }
    let Some(texts) = tcpdump(&[one.clone(), two]) else { return };
    for text in texts {
        assert!(text.contains("spi=0x00000102") && text.contains("1000 > 2000: UDP"), "{text}");
    }
    // Cut inside, or longer than the packet: it is carried undecoded.
    for end in 20..20 + 24 {
        let mut layers = walk(Carried::frame(Link::Ip, &one[..end], one.len()));
        assert_eq!(layers.by_ref().filter(|layer| matches!(layer, Layer::Udp(_))).count(), 0);
        assert!(layers.end().carried().is_some());
    }
}
