//! Many packets by one call: [recvmmsg(2)](https://man7.org/linux/man-pages/man2/recvmmsg.2.html) on a packet socket.
//!
//! nix's recvmmsg lends its headers to the results, allocates for every PACKET_AUXDATA it reads, and does not reset what
//! the kernel changed in the headers of the call before.
#![allow(unsafe_code)]

use std::mem;
use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;

use super::packet_socket::{Arrival, Auxdata};

/// Room for the control messages of a packet, in words: SCM_TIMESTAMPNS and PACKET_AUXDATA take 9.
const CONTROL: usize = 12;

/// Buffers for many packets, used again and again.
pub struct Batch {
    headers: Vec<libc::mmsghdr>,
    places: Vec<libc::iovec>,
    addresses: Vec<libc::sockaddr_ll>,
    control: Vec<[u64; CONTROL]>,
    buffers: Vec<u8>,
    /// Room for a packet and for the bytes in front of it.
    stride: usize,
    received: usize,
    /// How many of them were passed.
    passed: usize,
}

// SAFETY: the pointers in the headers are set anew before each call, and point into the vectors that go with them.
unsafe impl Send for Batch {}

impl Batch {
    /// Free bytes in front of each frame: as many as a VLAN tag has.
    pub const ROOM: usize = 4;

    /// Room for `packets` packets of `longest` bytes each.
    pub fn new(packets: usize, longest: usize) -> Self {
        let stride = Self::ROOM + longest;
        // SAFETY: these are plain old data, for which all zeros is a value.
        let (header, place, address) = unsafe { (mem::zeroed(), mem::zeroed(), mem::zeroed()) };
        Batch {
            headers: vec![header; packets],
            places: vec![place; packets],
            addresses: vec![address; packets],
            control: vec![[0; CONTROL]; packets],
            buffers: vec![0; packets * stride],
            stride,
            received: 0,
            passed: 0,
        }
    }

    /// Receives what is there, without waiting, in place of what was received before; how many packets it was.
    ///
    /// # Errors
    /// The errno of recvmmsg(2): EAGAIN where there is nothing. EINTR is returned.
    pub fn receive(&mut self, socket: impl AsFd) -> nix::Result<usize> {
        (self.received, self.passed) = (0, 0);
        let buffers = self.buffers.chunks_exact_mut(self.stride);
        let parts = self.headers.iter_mut().zip(&mut self.places).zip(&mut self.addresses).zip(&mut self.control);
        for ((((header, place), address), control), buffer) in parts.zip(buffers) {
            let buffer = &mut buffer[Self::ROOM..];
            *place = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
            let header = &mut header.msg_hdr;
            header.msg_iov = place;
            header.msg_iovlen = 1;
            header.msg_name = (&raw mut *address).cast();
            header.msg_namelen = size_of_val(address) as libc::socklen_t;
            header.msg_control = control.as_mut_ptr().cast();
            header.msg_controllen = size_of_val(control) as _;
        }
        let (fd, flags) = (socket.as_fd().as_raw_fd(), libc::MSG_DONTWAIT | libc::MSG_TRUNC);
        let count = self.headers.len() as libc::c_uint;
        // SAFETY: each header points to a place, an address and control memory of the lengths it says, all of which belong
        // to self and live across the call; no timeout is given.
        let received =
            unsafe { libc::recvmmsg(fd, self.headers.as_mut_ptr(), count, flags as _, std::ptr::null_mut()) };
        self.received = Errno::result(received)? as usize;
        Ok(self.received)
    }

    /// Goes on to the next of the packets received; its bytes are those of [`Batch::frame`].
    pub fn advance(&mut self) -> Option<Arrival> {
        if self.passed == self.received {
            return None;
        }
        let at = self.passed;
        self.passed += 1;
        let (header, address) = (&self.headers[at], &self.addresses[at]);
        let mut arrival = Arrival {
            length: header.msg_len as usize,
            interface: address.sll_ifindex as u32,
            hardware: address.sll_hatype,
            kind: address.sll_pkttype,
            ..Arrival::default()
        };
        // SAFETY: the kernel has filled the header; its control memory is as it was for the call, and nobody writes to it.
        unsafe { read_control(&header.msg_hdr, &mut arrival) };
        Some(arrival)
    }

    /// The captured bytes of the packet at hand, behind [`Batch::ROOM`] bytes that are free.
    pub fn frame(&mut self) -> &mut [u8] {
        let Some(at) = self.passed.checked_sub(1) else { return &mut [] };
        let captured = (self.headers[at].msg_len as usize).min(self.stride - Self::ROOM);
        let begin = at * self.stride;
        &mut self.buffers[begin..begin + Self::ROOM + captured]
    }
}

/// Reads the control messages of a received message.
///
/// # Safety
/// The header must be one that recvmmsg filled, its control memory readable.
unsafe fn read_control(header: &libc::msghdr, arrival: &mut Arrival) {
    // SAFETY: as the caller promises; the macros of cmsg(3) stay inside msg_controllen bytes.
    let mut at = unsafe { libc::CMSG_FIRSTHDR(header) };
    // SAFETY: either null or a message inside the control memory, aligned as the memory is.
    while let Some(message) = unsafe { at.as_ref() } {
        let length = message.cmsg_len as usize;
        // SAFETY: the data of this message, as long as the length that the kernel wrote beside it.
        let data = unsafe {
            let data = libc::CMSG_DATA(at);
            std::slice::from_raw_parts(data, length.saturating_sub(libc::CMSG_LEN(0) as usize))
        };
        match (message.cmsg_level, message.cmsg_type) {
            (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) if data.len() >= size_of::<libc::timespec>() => {
                // SAFETY: as many bytes as a timespec has, of which every pattern is one.
                let time = unsafe { data.as_ptr().cast::<libc::timespec>().read_unaligned() };
                (arrival.seconds, arrival.nanoseconds) = (time.tv_sec, time.tv_nsec as u32);
            }
            (libc::SOL_PACKET, libc::PACKET_AUXDATA) => {
                if let Some(told) = Auxdata::parse(data) {
                    (arrival.status, arrival.vlan, arrival.length) = (told.status, told.vlan, told.length as usize);
                }
            }
            _ => {}
        }
        // SAFETY: as for the first.
        at = unsafe { libc::CMSG_NXTHDR(header, at) };
    }
}
