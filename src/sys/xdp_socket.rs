//! AF_XDP sockets that receive: the kernel's [AF_XDP](https://docs.kernel.org/networking/af_xdp.html) page (Linux 4.18).
//!
//! A socket is for one receive queue of one interface. Frames of its memory go to the kernel by the fill ring and come
//! back with a packet by the receive ring.
#![allow(unsafe_code)]

use std::mem;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;

use nix::errno::Errno;

use super::mmap::Pages;
use super::socket;
use super::xdp_program::Failed;
use super::xdp_ring::Ring;

/// Bytes of a frame: all that a kernel takes without huge pages.
const FRAME: u32 = 4096;
/// A packet in more pieces is cut: more come only where someone segments for us.
const LONGEST: usize = 256 << 10;

/// A socket that receives.
pub struct XdpSocket {
    // Closed before the memory it refers to goes.
    socket: OwnedFd,
    received: Ring<libc::xdp_desc>,
    free: Ring<u64>,
    memory: Memory,
    /// Frames whose packet was given out last.
    held: Vec<u64>,
    /// A packet that came in pieces.
    joined: Vec<u8>,
    /// Whether more pieces of it are to come.
    unfinished: bool,
}

/// The frames of a socket.
struct Memory {
    /// The first byte.
    start: NonNull<u8>,
    size: NonZeroUsize,
    _pages: Pages,
}

// SAFETY: `start` points into the pages, which self owns.
unsafe impl Send for Memory {}

impl Memory {
    fn new(frames: u32) -> nix::Result<Self> {
        let size = NonZeroUsize::new(frames as usize * FRAME as usize).ok_or(Errno::EINVAL)?;
        let mut pages = Pages::new(size)?;
        Ok(Memory { start: NonNull::from(&mut pages[..]).cast(), size, _pages: pages })
    }

    /// What stands in a frame, which must be ours: one that was received and is not given back.
    fn bytes(&self, piece: &libc::xdp_desc) -> &[u8] {
        let end = piece.addr.checked_add(u64::from(piece.len));
        if end.is_none_or(|end| end > self.size.get() as u64) {
            return &[];
        }
        // SAFETY: it is within the pages, which live as long as self; the frame is ours until it is given back, for which
        // its socket must be borrowed anew.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr().add(piece.addr as usize), piece.len as usize) }
    }
}

/// Packets that a socket lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Losses {
    /// For want of a free frame, or as they were too long for one.
    pub dropped: u64,
    /// As the receive ring was full.
    pub ring_full: u64,
}

/// An option of struct T at SOL_XDP.
fn get<T: Copy>(socket: &OwnedFd, option: i32, zero: T) -> nix::Result<T> {
    let mut value = zero;
    let mut length = size_of::<T>() as libc::socklen_t;
    // SAFETY: pointer and length are those of `value`, which any bytes are a value of: it is of integers.
    let done =
        unsafe { libc::getsockopt(socket.as_raw_fd(), libc::SOL_XDP, option, (&raw mut value).cast(), &mut length) };
    Errno::result(done).map(|_| value)
}

impl XdpSocket {
    /// Receives what a program ([`super::xdp_program`]) redirects of this queue of the interface with this index, into
    /// `frames` of 4 KiB (a power of two). The kernel copies where `copy`, or where the driver cannot do without.
    ///
    /// # Errors
    /// EPERM without CAP_NET_RAW, EINVAL where there is no such queue, EBUSY where it has a socket already, ENOBUFS where
    /// RLIMIT_MEMLOCK is below what the frames take.
    pub fn bind(interface: u32, queue: u32, frames: u32, copy: bool) -> Result<Self, Failed> {
        let opened = socket::open(libc::AF_XDP, libc::SOCK_RAW, 0);
        let socket = opened.map_err(|e| ("socket(AF_XDP)", e))?;
        let memory = Memory::new(frames).map_err(|e| ("mmap", e))?;
        register(&socket, &memory).map_err(|e| ("setsockopt(XDP_UMEM_REG)", e))?;
        for (option, call) in [
            (libc::XDP_UMEM_FILL_RING, "setsockopt(XDP_UMEM_FILL_RING)"),
            (libc::XDP_UMEM_COMPLETION_RING, "setsockopt(XDP_UMEM_COMPLETION_RING)"),
            (libc::XDP_RX_RING, "setsockopt(XDP_RX_RING)"),
        ] {
            socket::set_int(&socket, libc::SOL_XDP, option, frames as i32).map_err(|e| (call, e))?;
        }
        // SAFETY: the struct is of integers, for which zeros are a value.
        let offsets: libc::xdp_mmap_offsets = unsafe { mem::zeroed() };
        let offsets =
            get(&socket, libc::XDP_MMAP_OFFSETS, offsets).map_err(|e| ("getsockopt(XDP_MMAP_OFFSETS)", e))?;
        let received = Ring::map(&socket, libc::XDP_PGOFF_RX_RING, frames, &offsets.rx).map_err(|e| ("mmap", e))?;
        let page = libc::XDP_UMEM_PGOFF_FILL_RING as i64;
        let mut free = Ring::map(&socket, page, frames, &offsets.fr).map_err(|e| ("mmap", e))?;
        for frame in 0..frames {
            free.fill(u64::from(frame * FRAME));
        }
        free.publish_filled();
        // In pieces from Linux 6.6 on.
        let mut flags = vec![libc::XDP_USE_SG, 0];
        if copy {
            flags.iter_mut().for_each(|f| *f |= libc::XDP_COPY);
        }
        let mut bound =
            flags.into_iter().map(|flags| bind(&socket, interface, queue, flags | libc::XDP_USE_NEED_WAKEUP));
        let first = bound.next().unwrap_or(Err(Errno::EINVAL));
        let done = if first == Err(Errno::EINVAL) { bound.next().unwrap_or(first) } else { first };
        done.map_err(|e| ("bind", e))?;
        Ok(XdpSocket { socket, received, free, memory, held: Vec::new(), joined: Vec::new(), unfinished: false })
    }

    /// Whether the driver puts packets into its memory without a copy.
    pub fn is_zero_copy(&self) -> bool {
        let options = get(&self.socket, libc::XDP_OPTIONS, libc::xdp_options { flags: 0 });
        options.is_ok_and(|o| o.flags & libc::XDP_OPTIONS_ZEROCOPY != 0)
    }

    /// Whether something has come.
    pub fn has_packet(&self) -> bool {
        self.received.has_more()
    }

    /// The next packet, where one has come.
    pub fn packet(&mut self) -> Option<&[u8]> {
        for frame in self.held.drain(..) {
            self.free.fill(frame);
        }
        self.received.publish_taken();
        self.free.publish_filled();
        if !self.unfinished {
            self.joined.clear();
        }
        loop {
            let piece = self.received.take()?;
            // The place in the frame; frames are given back by their beginning.
            self.held.push(piece.addr - piece.addr % u64::from(FRAME));
            let more = piece.options & libc::XDP_PKT_CONTD != 0;
            if !more && !self.unfinished {
                return Some(self.memory.bytes(&piece));
            }
            let room = LONGEST.saturating_sub(self.joined.len());
            let bytes = self.memory.bytes(&piece);
            self.joined.extend_from_slice(&bytes[..bytes.len().min(room)]);
            self.unfinished = more;
            if !more {
                return Some(&self.joined);
            }
        }
    }

    /// What it lost so far.
    ///
    /// # Errors
    /// The errno of getsockopt(2).
    pub fn losses(&self) -> nix::Result<Losses> {
        // SAFETY: the struct is of integers, for which zeros are a value.
        let zero: libc::xdp_statistics = unsafe { mem::zeroed() };
        let told = get(&self.socket, libc::XDP_STATISTICS, zero)?;
        Ok(Losses { dropped: told.rx_dropped, ring_full: told.rx_ring_full })
    }
}

impl AsFd for XdpSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn register(socket: &OwnedFd, memory: &Memory) -> nix::Result<()> {
    let memory = libc::xdp_umem_reg {
        addr: memory.start.as_ptr() as u64,
        len: memory.size.get() as u64,
        chunk_size: FRAME,
        headroom: 0,
        flags: 0,
        tx_metadata_len: 0,
    };
    let length = size_of_val(&memory) as libc::socklen_t;
    let fd = socket.as_raw_fd();
    // SAFETY: pointer and length are those of `memory`; what it names is mapped, and the caller frees it after the socket.
    let done = unsafe { libc::setsockopt(fd, libc::SOL_XDP, libc::XDP_UMEM_REG, (&raw const memory).cast(), length) };
    Errno::result(done).map(drop)
}

fn bind(socket: &OwnedFd, interface: u32, queue: u32, flags: u16) -> nix::Result<()> {
    let address = libc::sockaddr_xdp {
        sxdp_family: libc::AF_XDP as u16,
        sxdp_flags: flags,
        sxdp_ifindex: interface,
        sxdp_queue_id: queue,
        sxdp_shared_umem_fd: 0,
    };
    let length = size_of_val(&address) as libc::socklen_t;
    // SAFETY: pointer and length are those of `address`, which lives across the call.
    let done = unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), length) };
    Errno::result(done).map(drop)
}
