//! The mapped receive ring of a packet socket, version 3: PACKET_RX_RING of
//! [packet(7)](https://man7.org/linux/man-pages/man7/packet.7.html), the kernel's networking/packet_mmap.rst. Linux 3.2.
//!
//! The kernel fills blocks of memory with packets, one block after the other, and hands a block over when it is full or
//! when its time is up. A [`Block`] is ours as long as it lives; dropping it gives it back. Where the kernel finds no
//! block to fill it drops packets and counts them ([`super::packet_socket::statistics`]).
#![allow(unsafe_code)]

use std::num::NonZeroUsize;
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use nix::errno::Errno;
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};

use super::packet_socket::{Arrival, vlan};
use super::socket::set_int;

/// What a ring is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// Bytes of a block: a multiple of the page size. A packet that does not fit into one is cut.
    pub block: u32,
    /// How many blocks.
    pub blocks: u32,
    /// Milliseconds after which a block that is not full is handed over; at most twice as many pass.
    pub retire: u32,
}

/// The ring of a socket. The mapping keeps the socket open.
pub struct Ring {
    memory: Arc<Memory>,
    /// The block that the kernel hands over next.
    next: usize,
}

/// The mapping, shared by the ring and the blocks that are lent.
struct Memory {
    address: NonNull<u8>,
    len: NonZeroUsize,
    block: usize,
    /// Which blocks are lent. The kernel's status word cannot tell those from the ones it has just filled.
    lent: Box<[AtomicBool]>,
}

// SAFETY: a block is reached only by the one `Block` that `lent` allows, and by the kernel while that is gone.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

/// struct tpacket_block_desc: where its fields are.
const STATUS_AT: usize = 8;
const HEAD: usize = 48;
/// struct tpacket3_hdr and the struct sockaddr_ll behind it.
const HEADER: usize = 48 + 20;
/// A size that the kernel checks, but ring version 3 does not use.
const FRAME: u32 = 2048;

impl Ring {
    /// Makes the ring of `socket`, which must not have one yet and should be of protocol 0 until it is filtered and bound.
    ///
    /// # Errors
    /// The errno of setsockopt(2) or mmap(2): EINVAL for a geometry or version that the kernel does not take, ENOMEM.
    pub fn new(socket: impl AsFd, geometry: Geometry) -> nix::Result<Self> {
        let version = libc::tpacket_versions::TPACKET_V3 as i32;
        set_int(&socket, libc::SOL_PACKET, libc::PACKET_VERSION, version)?;
        let Geometry { block, blocks, retire } = geometry;
        let bytes = (block as usize).checked_mul(blocks as usize).and_then(NonZeroUsize::new).ok_or(Errno::EINVAL)?;
        let request = libc::tpacket_req3 {
            tp_block_size: block,
            tp_block_nr: blocks,
            tp_frame_size: FRAME,
            tp_frame_nr: (block / FRAME).checked_mul(blocks).ok_or(Errno::EINVAL)?,
            tp_retire_blk_tov: retire,
            tp_sizeof_priv: 0,
            tp_feature_req_word: 0,
        };
        let fd = socket.as_fd().as_raw_fd();
        let length = size_of_val(&request) as libc::socklen_t;
        // SAFETY: the pointer and length are those of `request`, which the kernel only reads.
        let made = unsafe {
            libc::setsockopt(fd, libc::SOL_PACKET, libc::PACKET_RX_RING, (&raw const request).cast(), length)
        };
        Errno::result(made)?;
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: the kernel chooses the address, so no live mapping is replaced.
        let address = unsafe { mmap(None, bytes, access, MapFlags::MAP_SHARED, &socket, 0)? };
        let lent = (0..blocks).map(|_| AtomicBool::new(false)).collect();
        let memory = Memory { address: address.cast(), len: bytes, block: block as usize, lent };
        Ok(Ring { memory: Arc::new(memory), next: 0 })
    }

    /// The next block that the kernel has filled; `None` where there is none yet, or all of them are lent.
    pub fn take(&mut self) -> Option<Block> {
        let memory = &self.memory;
        let lent = &memory.lent[self.next];
        // In this order: of a block that was given back, the status is seen as it became then or later.
        let is_lent = lent.load(Ordering::Acquire);
        if is_lent || memory.status(self.next).load(Ordering::Acquire) & libc::TP_STATUS_USER == 0 {
            return None;
        }
        lent.store(true, Ordering::Relaxed);
        let block = Block::new(Arc::clone(memory), self.next);
        self.next = (self.next + 1) % memory.lent.len();
        Some(block)
    }

    /// How many blocks it has.
    pub fn blocks(&self) -> usize {
        self.memory.lent.len()
    }
}

impl Memory {
    /// The word by which a block passes from the kernel to us and back.
    fn status(&self, index: usize) -> &AtomicU32 {
        // SAFETY: a block begins at a page boundary and is larger than its head; nobody makes another kind of reference
        // to this word.
        unsafe { AtomicU32::from_ptr(self.address.byte_add(index * self.block + STATUS_AT).cast().as_ptr()) }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: address and length are those that mmap gave; no block is left, as each holds the memory.
        let _ = unsafe { munmap(self.address.cast(), self.len.get()) };
    }
}

/// A block of packets, the kernel's again when dropped.
///
/// What the kernel wrote of places and lengths is held against the block's own size: what contradicts it ends the walk.
pub struct Block {
    memory: Arc<Memory>,
    index: usize,
    cursor: Cursor,
}

impl Block {
    /// Free bytes in front of each frame: as many as a VLAN tag has.
    pub const ROOM: usize = 4;

    /// `index` must be marked as lent, by the caller.
    fn new(memory: Arc<Memory>, index: usize) -> Self {
        let word = |at: usize| {
            // SAFETY: inside the head of the block and 4-byte aligned; the block is ours, so that nobody writes to it.
            unsafe { memory.address.byte_add(index * memory.block + at).cast::<u32>().read() }
        };
        let (packets, first) = (word(STATUS_AT + 4), word(STATUS_AT + 8));
        Block { cursor: Cursor::new(packets, first), memory, index }
    }

    /// All of the block but its head.
    fn bytes(&mut self) -> &mut [u8] {
        let from = self.index * self.memory.block + HEAD;
        // SAFETY: inside the mapping. The block is lent to this value alone, the kernel does not write to it until it is
        // given back, and the head with its status word is left out.
        unsafe {
            std::slice::from_raw_parts_mut(self.memory.address.byte_add(from).as_ptr(), self.memory.block - HEAD)
        }
    }

    /// Goes on to the next packet and tells what the kernel says of it; its bytes are those of [`Block::frame`].
    #[inline]
    pub fn advance(&mut self) -> Option<Arrival> {
        let mut cursor = std::mem::take(&mut self.cursor);
        let arrival = cursor.advance(self.bytes());
        self.cursor = cursor;
        arrival
    }

    /// The captured bytes of the packet at hand, behind [`Block::ROOM`] bytes that are free.
    #[inline]
    pub fn frame(&mut self) -> &mut [u8] {
        let frame = self.cursor.frame.clone();
        &mut self.bytes()[frame]
    }

    /// Packets that [`Block::advance`] has not come to: once it gave `None`, those that cannot be read.
    pub fn left(&self) -> u32 {
        self.cursor.left
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // From the first store on the kernel may fill the block anew; only after the second may it be lent anew.
        let memory = &self.memory;
        memory.status(self.index).store(libc::TP_STATUS_KERNEL, Ordering::Release);
        memory.lent[self.index].store(false, Ordering::Release);
    }
}

/// A walk over the packets of a block. Places count from the end of its head.
#[derive(Debug, Default)]
struct Cursor {
    /// How many packets are still to come.
    left: u32,
    /// Where the next one's header is.
    at: usize,
    /// Where the frame of the packet at hand is, and the room before it.
    frame: Range<usize>,
}

/// A place beyond any block.
const NOWHERE: usize = usize::MAX;

impl Cursor {
    fn new(packets: u32, first: u32) -> Self {
        Cursor { left: packets, at: (first as usize).checked_sub(HEAD).unwrap_or(NOWHERE), frame: 0..0 }
    }

    #[inline]
    fn advance(&mut self, bytes: &[u8]) -> Option<Arrival> {
        if self.left == 0 {
            return None;
        }
        let header: &[u8; HEADER] = bytes.get(self.at..)?.first_chunk()?;
        let word = |at: usize| u32::from_ne_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let half = |at: usize| u16::from_ne_bytes([header[at], header[at + 1]]);
        let (step, captured, status) = (word(0) as usize, word(12) as usize, word(20));
        let begin = usize::from(half(24)).checked_sub(Block::ROOM)? + self.at;
        let end = begin.checked_add(Block::ROOM)?.checked_add(captured)?;
        if end > bytes.len() {
            return None;
        }
        self.frame = begin..end;
        // The last of a block says 0.
        self.at = if step < HEADER { NOWHERE } else { self.at.saturating_add(step) };
        self.left -= 1;
        Some(Arrival {
            seconds: i64::from(word(4)),
            nanoseconds: word(8),
            length: word(16) as usize,
            status,
            vlan: vlan(status, half(36), word(32) as u16),
            interface: word(52),
            hardware: half(56),
            kind: header[58],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two packets of a block of `size` bytes, its head left out.
    fn block(size: usize) -> Vec<u8> {
        let mut bytes = vec![0; size - HEAD];
        for (at, step, fill) in [(0, 160_u32, 7), (160, 0, 9)] {
            let mut word = |place: usize, value: u32| {
                bytes[at + place..at + place + 4].copy_from_slice(&value.to_ne_bytes());
            };
            let status = libc::TP_STATUS_USER | libc::TP_STATUS_VLAN_VALID | libc::TP_STATUS_VLAN_TPID_VALID;
            let values = [(0, step), (4, 1000), (8, 5), (12, 60), (16, 90), (20, status), (32, 42), (52, 3)];
            values.into_iter().for_each(|(place, value)| word(place, value));
            bytes[at + 24..at + 26].copy_from_slice(&82_u16.to_ne_bytes());
            bytes[at + 36..at + 38].copy_from_slice(&0x88a8_u16.to_ne_bytes());
            bytes[at + 56..at + 58].copy_from_slice(&libc::ARPHRD_ETHER.to_ne_bytes());
            bytes[at + 58] = libc::PACKET_OUTGOING;
            bytes[at + 82..at + 142].fill(fill);
        }
        bytes
    }

    #[test]
    fn packets_are_read_at_their_offsets() {
        let bytes = block(4096);
        let mut cursor = Cursor::new(2, HEAD as u32);
        for fill in [7, 9] {
            let arrival = cursor.advance(&bytes).unwrap();
            assert_eq!((arrival.seconds, arrival.nanoseconds, arrival.length), (1000, 5, 90));
            assert_eq!((arrival.vlan, arrival.interface), (Some((0x88a8, 42)), 3));
            assert_eq!((arrival.hardware, arrival.kind), (libc::ARPHRD_ETHER, libc::PACKET_OUTGOING));
            assert_eq!(bytes[cursor.frame.clone()], [&[0; Block::ROOM][..], &[fill; 60]].concat());
        }
        assert_eq!((cursor.advance(&bytes), cursor.left), (None, 0));
    }

    #[test]
    fn what_contradicts_the_block_ends_the_walk_and_is_counted() {
        let good = block(4096);
        let broken = |place: usize, value: u32| {
            let mut bytes = good.clone();
            bytes[place..place + 4].copy_from_slice(&value.to_ne_bytes());
            bytes
        };
        for (what, bytes, packets, first, read) in [
            ("more packets than there are", good.clone(), 9, HEAD as u32, 2),
            ("the first one in the head", good.clone(), 2, 8, 0),
            ("the first one behind the end", good.clone(), 2, 4096, 0),
            ("a header that is cut", good.clone(), 2, 4096 - 60, 0),
            ("a frame beyond the end", broken(12, 4096), 2, HEAD as u32, 0),
            ("the longest frame", broken(12, u32::MAX), 2, HEAD as u32, 0),
            ("a frame without room", broken(24, 3), 2, HEAD as u32, 0),
            ("no step", broken(0, 0), 2, HEAD as u32, 1),
            ("a step into itself", broken(0, 16), 2, HEAD as u32, 1),
            ("the longest step", broken(0, u32::MAX), 2, HEAD as u32, 1),
        ] {
            let mut cursor = Cursor::new(packets, first);
            let count = std::iter::from_fn(|| cursor.advance(&bytes)).count();
            assert_eq!((count, cursor.left), (read, packets - read as u32), "{what}");
        }
    }

    #[test]
    fn whatever_stands_in_a_block_is_read_inside_it() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..20_000 {
            let mut bytes = block(512);
            for _ in 0..random.usize(1..6) {
                let at = random.usize(..bytes.len());
                bytes[at] = random.u8(..);
            }
            let mut cursor = Cursor::new(random.u32(..8), random.u32(..600));
            while cursor.advance(&bytes).is_some() {
                assert!(cursor.frame.len() >= Block::ROOM && cursor.frame.end <= bytes.len());
            }
        }
    }
}
