//! The messages of a socket by one request of [io_uring(7)](https://man7.org/linux/man-pages/man7/io_uring.7.html) that
//! goes on: a multishot recvmsg into provided buffers, see
//! [io_uring_prep_recvmsg_multishot(3)](https://man7.org/linux/man-pages/man3/io_uring_prep_recvmsg_multishot.3.html)
//! (Linux 6.0) and [io_uring_setup_buf_ring(3)](https://man7.org/linux/man-pages/man3/io_uring_setup_buf_ring.3.html).
//!
//! The kernel works for it only within the calls made here (IORING_SETUP_DEFER_TASKRUN, Linux 6.1), so that no buffer
//! changes in between. The ring takes no other request than this one and its cancellation (IORING_REGISTER_RESTRICTIONS):
//! who holds it cannot use it to pass a filter of system calls.
#![allow(unsafe_code)]

use std::io;
use std::mem;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use io_uring::types::{BufRingEntry, Fd, SubmitArgs, Timespec};
use io_uring::{IoUring, cqueue, opcode, register::Restriction, squeue};
use nix::errno::Errno;

use super::mmap::Pages;

/// Room for the address of the sender; sockaddr_ll has 20 bytes.
const NAME: usize = 24;
/// Room for control messages.
const CONTROL: usize = 96;
/// In front of them the lengths: struct io_uring_recvmsg_out, four words of 32 bits.
const LENGTHS: usize = 16;
const PAYLOAD_AT: usize = LENGTHS + NAME + CONTROL;

/// So many bytes in front of the payload are free to be overwritten.
pub const ROOM: usize = 4;

/// Buffers that the kernel may fill before any is given back.
const BUFFERS: u16 = 256;
/// Buffers begin at differing places of a page: else all of them would compete for the same few cache lines.
const SHIFT: usize = 4096 + 576;

const GROUP: u16 = 0;
const RECEIVE: u64 = 1;
const CANCEL: u64 = 2;

/// A message.
pub struct Message<'a> {
    /// The address of the sender, as the socket's family has it.
    pub name: &'a [u8],
    /// Control messages, see [`control_messages`].
    pub control: &'a [u8],
    /// Its length in bytes, which may be more than was received.
    pub length: usize,
    /// What was received, behind [`ROOM`] bytes.
    pub payload: &'a mut [u8],
}

/// A socket whose messages are received.
pub struct Receiver {
    // Dropped before the memory it refers to.
    ring: IoUring,
    socket: OwnedFd,
    header: Box<libc::msghdr>,
    buffers: Pages,
    /// The ring that tells the kernel which buffers are free.
    free: Pages,
    stride: usize,
    tail: u16,
    /// The buffer of the message that was given out last.
    held: Option<u16>,
    /// Whether the request is under way.
    armed: bool,
}

// SAFETY: the raw pointers (of the message header, all null, and into the mapped rings) refer to what self owns.
unsafe impl Send for Receiver {}

impl Receiver {
    /// Prepares to receive messages of at most `largest` bytes from `socket`; longer ones are cut.
    ///
    /// ENOSYS or EPERM where io_uring is absent or switched off (/proc/sys/kernel/io_uring_disabled), EINVAL before Linux
    /// 6.1.
    pub fn new(socket: OwnedFd, largest: usize) -> nix::Result<Self> {
        let mut builder = IoUring::builder();
        builder.setup_single_issuer().setup_defer_taskrun().setup_taskrun_flag().setup_r_disabled();
        let ring = builder.setup_cqsize(2 * u32::from(BUFFERS)).build(8).map_err(errno)?;
        let stride = PAYLOAD_AT + largest.next_multiple_of(mem::align_of::<usize>()) + SHIFT;
        let pages = |len: usize| Pages::new(NonZeroUsize::new(len).ok_or(Errno::EINVAL)?);
        let buffers = pages(stride * usize::from(BUFFERS))?;
        let free = pages(usize::from(BUFFERS) * mem::size_of::<BufRingEntry>())?;
        // SAFETY: a msghdr of zeros is an empty one.
        let mut header: Box<libc::msghdr> = Box::new(unsafe { mem::zeroed() });
        header.msg_namelen = NAME as libc::socklen_t;
        header.msg_controllen = CONTROL;
        let mut it = Receiver { ring, socket, header, buffers, free, stride, tail: 0, held: None, armed: false };
        let submitter = it.ring.submitter();
        // SAFETY: the memory belongs to `it`, as long as the ring does.
        unsafe { submitter.register_buf_ring_with_flags(it.free.as_ptr() as u64, BUFFERS, GROUP, 0) }
            .map_err(errno)?;
        let mut allowed = [
            Restriction::sqe_op(opcode::RecvMsgMulti::CODE),
            Restriction::sqe_op(opcode::AsyncCancel::CODE),
            Restriction::sqe_flags_allowed(squeue::Flags::BUFFER_SELECT.bits()),
        ];
        submitter.register_restrictions(&mut allowed).map_err(errno)?;
        submitter.register_enable_rings().map_err(errno)?;
        (0..BUFFERS).for_each(|buffer| it.give_back(buffer));
        it.arm()?;
        it.ring.submit().map_err(errno)?;
        Ok(it)
    }

    /// The next message, waiting at most `wait` for it (not at all where that is zero); `None` where none came or a signal
    /// did.
    ///
    /// The errno of recvmsg(2).
    pub fn next(&mut self, wait: Duration) -> nix::Result<Option<Message<'_>>> {
        if let Some(buffer) = self.held.take() {
            self.give_back(buffer);
        }
        let mut waited = false;
        loop {
            let Some(entry) = self.ring.completion().next() else {
                if mem::replace(&mut waited, true) {
                    return Ok(None);
                }
                self.enter(wait)?;
                continue;
            };
            if entry.user_data() != RECEIVE {
                continue;
            }
            self.armed = cqueue::more(entry.flags());
            match (entry.result(), cqueue::buffer_select(entry.flags())) {
                (0.., Some(buffer)) => {
                    self.held = Some(buffer);
                    return self.message(buffer).map(Some);
                }
                // Out of buffers: those that were taken are free by now, and the request is made again.
                (failed, _) if failed == -libc::ENOBUFS => {}
                (failed, _) => return Err(Errno::from_raw(-failed)),
            }
        }
    }

    /// Lets the kernel work, and waits.
    fn enter(&mut self, wait: Duration) -> nix::Result<()> {
        if !self.armed {
            self.arm()?;
        } else if wait.is_zero() && !self.ring.submission().taskrun() {
            return Ok(());
        }
        let until = Timespec::from(wait);
        let arguments = SubmitArgs::new().timespec(&until);
        match self.ring.submitter().submit_with_args(usize::from(!wait.is_zero()), &arguments).map_err(errno) {
            Ok(_) | Err(Errno::ETIME | Errno::EINTR | Errno::EAGAIN | Errno::EBUSY) => Ok(()),
            Err(errno) => Err(errno),
        }
    }

    /// Queues the request.
    fn arm(&mut self) -> nix::Result<()> {
        let receive = opcode::RecvMsgMulti::new(Fd(self.socket.as_raw_fd()), &raw const *self.header, GROUP)
            .flags(libc::MSG_TRUNC as u32)
            .build()
            .user_data(RECEIVE);
        // SAFETY: the header is boxed and owned by self, as are the buffers of the group; `drop` ends the request.
        unsafe { self.ring.submission().push(&receive) }.map_err(|_| Errno::EBUSY)?;
        self.armed = true;
        Ok(())
    }

    /// Tells the kernel that a buffer is free.
    fn give_back(&mut self, buffer: u16) {
        let start: *mut BufRingEntry = self.free.as_mut_ptr().cast();
        let address = self.buffers[usize::from(buffer) * self.stride..].as_ptr() as u64;
        let len = (self.stride - SHIFT) as u32;
        // SAFETY: the index is within the BUFFERS entries of the ring, which is a power of two; the kernel reads an entry
        // only once the tail is behind it.
        let entry = unsafe { &mut *start.add(usize::from(self.tail % BUFFERS)) };
        entry.set_addr(address);
        entry.set_len(len);
        entry.set_bid(buffer);
        self.tail = self.tail.wrapping_add(1);
        // SAFETY: `start` is the address of the first entry of the ring, inside which the tail is, aligned for 16 bits.
        let tail = unsafe { &*BufRingEntry::tail(start).cast::<AtomicU16>() };
        tail.store(self.tail, Ordering::Release);
    }

    fn message(&mut self, buffer: u16) -> nix::Result<Message<'_>> {
        let start = usize::from(buffer) * self.stride;
        let bytes = self.buffers.get_mut(start..start + self.stride - SHIFT).ok_or(Errno::EFAULT)?;
        let length = |at: usize| bytes.get(at..)?.first_chunk().map(|four| u32::from_ne_bytes(*four) as usize);
        let (name, control, length) = (length(0), length(4), length(8));
        let (name, control, length) =
            name.zip(control).zip(length).map(|((n, c), l)| (n, c, l)).ok_or(Errno::EFAULT)?;
        let (front, payload) = bytes.split_at_mut(PAYLOAD_AT - ROOM);
        let (names, controls) = front[LENGTHS..].split_at(NAME);
        let captured = length.min(payload.len() - ROOM);
        Ok(Message {
            name: &names[..name.min(NAME)],
            control: &controls[..control.min(controls.len())],
            length,
            payload: &mut payload[..ROOM + captured],
        })
    }
}

impl AsFd for Receiver {
    /// The socket.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Drop for Receiver {
    /// Ends the request and waits for that, so that the kernel is done with the buffers.
    fn drop(&mut self) {
        let cancel = opcode::AsyncCancel::new(RECEIVE).build().user_data(CANCEL);
        // SAFETY: the request refers to no memory.
        if !self.armed || unsafe { self.ring.submission().push(&cancel) }.is_err() {
            return;
        }
        while self.armed {
            if !matches!(self.ring.submit_and_wait(1).map_err(errno), Ok(_) | Err(Errno::EINTR)) {
                // It ends with the ring, which works within our calls only: there are none any more.
                return;
            }
            for entry in self.ring.completion() {
                self.armed &= entry.user_data() != RECEIVE || cqueue::more(entry.flags());
            }
        }
    }
}

/// The control messages (cmsg(3)) in these bytes: level, kind and data of each.
pub fn control_messages(mut bytes: &[u8]) -> impl Iterator<Item = (i32, i32, &[u8])> {
    const HEADER: usize = mem::size_of::<libc::cmsghdr>();
    const LENGTH: usize = mem::size_of::<usize>();
    std::iter::from_fn(move || {
        let length = usize::from_ne_bytes(*bytes.first_chunk::<LENGTH>()?);
        let word = |at: usize| bytes.get(at..)?.first_chunk().map(|four| i32::from_ne_bytes(*four));
        let (level, kind) = (word(LENGTH)?, word(LENGTH + 4)?);
        let data = bytes.get(HEADER..length)?;
        bytes = bytes.get(length.checked_next_multiple_of(LENGTH)?..).unwrap_or_default();
        Some((level, kind, data))
    })
}

fn errno(e: io::Error) -> Errno {
    e.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, send, socketpair};

    fn pair(largest: usize) -> Option<(Receiver, OwnedFd)> {
        let (near, far) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC).unwrap();
        Receiver::new(near, largest).ok().map(|receiver| (receiver, far))
    }

    fn say(far: &OwnedFd, bytes: &[u8]) {
        send(far.as_raw_fd(), bytes, MsgFlags::empty()).unwrap();
    }

    #[test]
    fn every_message_comes_once_in_order_more_of_them_than_there_are_buffers() {
        let Some((mut receiver, far)) = pair(64) else { return };
        assert!(receiver.next(Duration::ZERO).unwrap().is_none());
        assert!(receiver.next(Duration::from_millis(5)).unwrap().is_none());
        let mut sent = 0_u32;
        for round in 0..60_u32 {
            let upto = sent + round % 30;
            (sent..upto).for_each(|n| say(&far, &n.to_ne_bytes()));
            for n in sent..upto {
                let message = receiver.next(Duration::from_secs(9)).unwrap().expect("a message");
                assert_eq!((message.length, &message.payload[ROOM..]), (4, &n.to_ne_bytes()[..]));
            }
            sent = upto;
        }
        assert!(sent > 2 * u32::from(BUFFERS));
        assert!(receiver.next(Duration::ZERO).unwrap().is_none());
    }

    #[test]
    fn a_long_message_is_cut_and_its_length_told() {
        let Some((mut receiver, far)) = pair(64) else { return };
        say(&far, &[7; 1000]);
        say(&far, &[8; 64]);
        let message = receiver.next(Duration::from_secs(9)).unwrap().expect("a message");
        assert_eq!((message.length, &message.payload[ROOM..]), (1000, &[7; 64][..]));
        let message = receiver.next(Duration::from_secs(9)).unwrap().expect("a message");
        assert_eq!((message.length, &message.payload[ROOM..]), (64, &[8; 64][..]));
    }

    #[test]
    fn control_messages_are_read_to_the_first_that_lies() {
        let message = |length: usize, kind: i32, data: &[u8]| {
            [&length.to_ne_bytes()[..], &1_i32.to_ne_bytes(), &kind.to_ne_bytes(), data].concat()
        };
        let bytes = [message(19, 5, &[1, 2, 3, 0, 0, 0, 0, 0]), message(18, 6, &[4, 5])].concat();
        let read: Vec<_> = control_messages(&bytes).collect();
        assert_eq!(read, [(1, 5, &[1, 2, 3][..]), (1, 6, &[4, 5])]);
        for length in [0, 15, 17, 1 << 40, usize::MAX] {
            assert_eq!(control_messages(&message(length, 5, &[])).count(), 0, "{length}");
        }
        assert_eq!(control_messages(&bytes[..10]).count(), 0);
    }
}
