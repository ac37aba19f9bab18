//! The program that the kernel runs for each packet of the command: it copies the packet into a ring.
//!
//! Room in the ring is reserved in sizes known when the program is loaded, so the packet goes into the smallest of a few
//! that holds it, straight from the kernel's buffer: one copy, in order over all processors, each loss counted.

use std::os::fd::BorrowedFd;

use crate::recipes::sniff::ebpf::{Assembler, Helper, Register, Test, Width};
use crate::sys::bpf::Instruction;

/// Before the bytes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// When: nanoseconds of CLOCK_MONOTONIC.
    pub time: u64,
    /// Index of the interface.
    pub interface: u32,
    /// Length of the packet in bytes; the room behind may hold less.
    pub length: u32,
    /// Whether the command sent it.
    pub sent: bool,
    /// Whether the bytes could be copied.
    pub copied: bool,
    /// The cookie of the network namespace whose interface that is; 0 where the kernel does not tell programs.
    pub namespace: u64,
}

const HEAD: usize = 32;
/// Sizes of the room for a packet, as powers of two: from 128 bytes to 256 KiB, more than a segment before it is cut up
/// (64 KiB, or some times that where the interface allows it).
const ROOMS: std::ops::RangeInclusive<u32> = 7..=18;

/// Fields of `struct __sk_buff`.
const LENGTH: i16 = 0;
const INTERFACE: i16 = 40;

const CONTEXT: Register = 6;
const CAPTURED: Register = 7;
const ROOM: Register = 8;
const WHOLE: Register = 9;

/// Puts the program together; with `namespaces` it tells those, which older kernels refuse.
pub(super) fn program(ring: BorrowedFd, lost: BorrowedFd, sent: bool, namespaces: bool) -> Vec<Instruction> {
    let mut a = Assembler::default();
    let (out, full) = (a.label(), a.label());
    a.copy(CONTEXT, 1);
    a.load(Width::Word, WHOLE, CONTEXT, LENGTH);
    a.copy(CAPTURED, WHOLE);
    a.jump_if(CAPTURED, Test::Equal, 0, out);
    for room in ROOMS {
        let next = a.label();
        if room == *ROOMS.end() {
            // Longer than the largest: as much as that holds.
            let fits = a.label();
            let above = a.label();
            a.jump_if(CAPTURED, Test::Above, 1 << room, above);
            a.jump(fits);
            a.place(above);
            a.set(CAPTURED, 1 << room);
            a.place(fits);
        } else {
            a.jump_if(CAPTURED, Test::Above, 1 << room, next);
        }
        a.map(1, ring);
        a.set(2, HEAD as i32 + (1 << room));
        a.set(3, 0);
        a.call(Helper::RingReserve);
        a.jump_if(0, Test::Equal, 0, full);
        a.copy(ROOM, 0);
        fill(&mut a, sent, namespaces);
        a.jump(out);
        a.place(next);
    }
    a.place(full);
    a.map_value(1, lost);
    a.set(2, 1);
    a.atomic_add(1, 2);
    a.place(out);
    // 1 lets the packet pass.
    a.set(0, 1);
    a.exit();
    a.finish()
}

/// Fills the room and hands it over.
fn fill(a: &mut Assembler, sent: bool, namespaces: bool) {
    a.call(Helper::KtimeGetNs);
    a.store(Width::Double, ROOM, 0, 0);
    a.load(Width::Word, 1, CONTEXT, INTERFACE);
    a.store(Width::Word, ROOM, 8, 1);
    a.store(Width::Word, ROOM, 12, WHOLE);
    a.store_constant(Width::Word, ROOM, 16, sent.into());
    if namespaces {
        a.copy(1, CONTEXT);
        a.call(Helper::NamespaceCookie);
        a.store(Width::Double, ROOM, 24, 0);
    } else {
        a.store_constant(Width::Double, ROOM, 24, 0);
    }
    a.copy(1, CONTEXT);
    a.set(2, 0);
    a.copy(3, ROOM);
    a.add(3, HEAD as i32);
    a.copy(4, CAPTURED);
    a.call(Helper::SkbLoadBytes);
    a.store(Width::Word, ROOM, 20, 0);
    a.copy(1, ROOM);
    a.set(2, 0);
    a.call(Helper::RingSubmit);
}

impl Head {
    /// The head and the bytes of a record; `None` where it is none of ours.
    pub(super) fn parse(record: &[u8]) -> Option<(Head, &[u8])> {
        let (head, room) = record.split_at_checked(HEAD)?;
        let word = |at: usize| head[at..at + 4].first_chunk().copied().map(u32::from_ne_bytes);
        let head = Head {
            time: u64::from_ne_bytes(*head.first_chunk()?),
            interface: word(8)?,
            length: word(12)?,
            sent: word(16)? != 0,
            copied: word(20)? == 0,
            namespace: head[24..].first_chunk().copied().map(u64::from_ne_bytes)?,
        };
        let captured = if head.copied { room.len().min(head.length as usize) } else { 0 };
        Some((head, &room[..captured]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_gives_the_packet_without_the_room_behind_it() {
        let mut record = vec![0; HEAD + 128];
        record[..8].copy_from_slice(&5u64.to_ne_bytes());
        record[8..12].copy_from_slice(&3u32.to_ne_bytes());
        record[12..16].copy_from_slice(&60u32.to_ne_bytes());
        record[16..20].copy_from_slice(&1u32.to_ne_bytes());
        let (head, bytes) = Head::parse(&record).expect("a record");
        assert_eq!(head, Head { time: 5, interface: 3, length: 60, sent: true, copied: true, namespace: 0 });
        assert_eq!(bytes.len(), 60);
        // Longer than any room.
        record[12..16].copy_from_slice(&u32::MAX.to_ne_bytes());
        assert_eq!(Head::parse(&record).expect("a record").1.len(), 128);
        // What could not be copied is not shown as if it had been.
        record[20..24].copy_from_slice(&(-14i32).to_ne_bytes());
        assert!(Head::parse(&record).expect("a record").1.is_empty());
        assert_eq!(Head::parse(&record[..HEAD - 1]), None);
    }
}
