//! Capture files made here: of either byte order, with every kind of block.

use super::{Got, flags, packet};

/// Writes numbers in one byte order.
#[derive(Clone, Copy)]
pub(super) struct Order(pub(super) bool);

impl Order {
    pub(super) fn words(self, words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|w| if self.0 { w.to_be_bytes() } else { w.to_le_bytes() }).collect()
    }

    pub(super) fn half(self, n: u16) -> [u8; 2] {
        if self.0 { n.to_be_bytes() } else { n.to_le_bytes() }
    }

    pub(super) fn pcap(self, magic: u32, snaplen: u32, link: u32) -> Vec<u8> {
        let halves = if self.0 { 2 << 16 | 4 } else { 2 | 4 << 16 };
        let mut file = self.words(&[magic, halves, 0, 0, snaplen, link]);
        for (second, fraction, length, bytes) in [(5, 6, 60, b"abcde".as_slice()), (0xffff_ffff, 999_999, 3, b"xyz")]
        {
            file.extend(self.words(&[second, fraction, bytes.len() as u32, length]));
            file.extend(bytes);
        }
        file
    }

    pub(super) fn block(self, kind: u32, body: &[u8]) -> Vec<u8> {
        let length = (12 + body.len().next_multiple_of(4)) as u32;
        let mut block = self.words(&[kind, length]);
        block.extend(body);
        block.resize(length as usize - 4, 0);
        block.extend(self.words(&[length]));
        block
    }

    pub(super) fn option(self, code: u16, value: &[u8]) -> Vec<u8> {
        let mut option = [self.half(code), self.half(value.len() as u16)].concat();
        option.extend(value);
        option.resize(4 + value.len().next_multiple_of(4), 0);
        option
    }

    pub(super) fn section(self, options: &[u8]) -> Vec<u8> {
        let mut body = self.words(&[0x1a2b_3c4d]);
        body.extend([self.half(1), self.half(0)].concat());
        body.extend([0xff; 8]);
        body.extend(options);
        self.block(0x0a0d_0d0a, &body)
    }

    pub(super) fn interface(self, link: u16, snaplen: u32, options: &[u8]) -> Vec<u8> {
        let mut body = [self.half(link), self.half(0)].concat();
        body.extend(self.words(&[snaplen]));
        body.extend(options);
        self.block(1, &body)
    }

    pub(super) fn enhanced(self, interface: u32, time: u64, length: u32, bytes: &[u8], options: &[u8]) -> Vec<u8> {
        let mut body = self.words(&[interface, (time >> 32) as u32, time as u32, bytes.len() as u32, length]);
        body.extend(bytes);
        body.resize(body.len().next_multiple_of(4), 0);
        body.extend(options);
        self.block(6, &body)
    }

    /// A section with every kind of block, interface and time.
    pub(super) fn pcapng(self) -> Vec<u8> {
        let comment = self.option(1, b"a \x1b comment");
        let offset = if self.0 { 10_i64.to_be_bytes() } else { 10_i64.to_le_bytes() };
        let nano = [self.option(2, b"eth0"), self.option(9, &[9]), self.option(14, &offset)].concat();
        let two = [self.option(9, &[0x80 | 10]), self.option(0, b""), self.option(2, b"behind the end")].concat();
        let flags = self.words(&[flags::OUTBOUND]);
        let mut obsolete = [self.half(1), self.half(0xffff)].concat();
        obsolete.extend(self.words(&[0, 1536, 3, 3]));
        obsolete.extend(b"old");
        [
            self.section(&comment),
            self.interface(1, 4, &[]),
            self.block(0x0bad_0bad, &[7; 40]),
            self.interface(101, 0, &nano),
            self.interface(113, 0, &two),
            self.enhanced(0, 1_000_002, 60, b"abcde", &[]),
            self.enhanced(1, 3_000_000_004, 4, b"four", &[comment.clone(), self.option(2, &flags)].concat()),
            self.block(2, &[[self.half(2), self.half(0)].concat(), obsolete[4..].to_vec()].concat()),
            self.block(3, &[self.words(&[9]), b"simp".to_vec()].concat()),
            self.block(5, &[1; 24]),
        ]
        .concat()
    }
}

pub(super) fn expected_of_pcapng() -> Vec<Got> {
    let named = |got: Got| Got { link: 101, interface: Some("eth0".to_owned()), flags: Some(flags::OUTBOUND), ..got };
    vec![
        packet((1, 2000), 60, b"abcde"),
        named(packet((13, 4), 4, b"four")),
        Got { link: 113, ..packet((1, 500_000_000), 3, b"old") },
        packet((0, 0), 9, b"simp"),
    ]
}

/// Two sections in different byte orders.
pub(super) fn sections() -> Vec<u8> {
    [Order(false).pcapng(), Order(true).pcapng()].concat()
}

/// Every kind of file, small.
pub(super) fn files() -> Vec<Vec<u8>> {
    let pcap = |big| Order(big).pcap(0xa1b2_c3d4, 65535, 1);
    vec![pcap(false), pcap(true), Order(true).pcap(0xa1b2_3c4d, 65535, 1), sections()]
}
