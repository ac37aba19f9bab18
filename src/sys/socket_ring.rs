//! Many exchanges with sockets at a time, by [io_uring(7)](https://man7.org/linux/man-pages/man7/io_uring.7.html): each
//! sends a message (Linux 5.3) and reads the answer (5.6), and completes later.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use io_uring::{IoUring, opcode, squeue, types};
use nix::errno::Errno;

/// A ring and the buffers of its exchanges, which belong to it until the kernel is done with them.
pub struct SocketRing {
    ring: IoUring,
    slots: Vec<Slot>,
    /// Operations that were queued and have not ended.
    under_way: usize,
}

/// What an exchange sends, and where its answer goes.
#[derive(Debug, Default)]
pub struct Exchange {
    /// Control messages, as sendmsg(2) wants them, in words ([`crate::sys::af_alg::Message::words`]); may be empty.
    pub control: Vec<u64>,
    /// The data to send.
    pub data: Vec<u8>,
    /// The answer: as many bytes are read as it is long.
    pub answer: Vec<u8>,
}

/// An exchange and what the kernel's calls refer to. Boxed, so that it stays where it is.
struct Slot {
    exchange: Box<Exchange>,
    header: Box<libc::msghdr>,
    data: Box<libc::iovec>,
    /// How many of its two operations have not ended.
    pending: u8,
    outcome: nix::Result<usize>,
}

// SAFETY: the raw pointers of a slot point into its own boxes and vectors, which move with it.
unsafe impl Send for SocketRing {}

impl SocketRing {
    /// A ring for `slots` exchanges at a time.
    ///
    /// ENOSYS or EPERM where io_uring is absent or switched off (/proc/sys/kernel/io_uring_disabled).
    pub fn new(slots: usize) -> nix::Result<Self> {
        let entries = u32::try_from(slots.max(1) * 2).map_err(|_| Errno::EINVAL)?;
        let ring = IoUring::new(entries.next_power_of_two()).map_err(errno)?;
        let slot = || Slot {
            exchange: Box::default(),
            // SAFETY: a msghdr and an iovec of zeros are empty ones.
            header: Box::new(unsafe { std::mem::zeroed() }),
            // SAFETY: as above.
            data: Box::new(unsafe { std::mem::zeroed() }),
            pending: 0,
            outcome: Ok(0),
        };
        Ok(SocketRing { ring, slots: (0..slots).map(|_| slot()).collect(), under_way: 0 })
    }

    /// The buffers of a slot: to fill before it is started, to read after it has completed. `None` while it is under way,
    /// for then they are the kernel's, and where there is no such slot.
    pub fn exchange(&mut self, slot: usize) -> Option<&mut Exchange> {
        self.slots.get_mut(slot).filter(|s| s.pending == 0).map(|s| &mut *s.exchange)
    }

    /// Queues the exchange of a slot with `socket`: a sendmsg that never waits, and after it a read. Both are handed to
    /// the kernel by [`SocketRing::submit_and_wait`]; until then the socket must stay open.
    ///
    /// EBUSY: the slot is under way, or the queue is full. EINVAL: no such slot.
    pub fn start(&mut self, slot: usize, socket: impl AsFd) -> nix::Result<()> {
        let fd = types::Fd(socket.as_fd().as_raw_fd());
        let tag = slot as u64;
        let it = self.slots.get_mut(slot).ok_or(Errno::EINVAL)?;
        if it.pending > 0 {
            return Err(Errno::EBUSY);
        }
        let exchange = &mut *it.exchange;
        *it.data = libc::iovec { iov_base: exchange.data.as_mut_ptr().cast(), iov_len: exchange.data.len() };
        it.header.msg_iov = &raw mut *it.data;
        it.header.msg_iovlen = 1;
        it.header.msg_control = exchange.control.as_mut_ptr().cast();
        it.header.msg_controllen = size_of_val(exchange.control.as_slice());
        let answer = (exchange.answer.as_mut_ptr(), u32::try_from(exchange.answer.len()).map_err(|_| Errno::EINVAL)?);
        let send = opcode::SendMsg::new(fd, &raw const *it.header).flags(libc::MSG_DONTWAIT as u32);
        let send = send.build().flags(squeue::Flags::IO_LINK).user_data(tag << 1);
        let read = opcode::Read::new(fd, answer.0, answer.1).offset(u64::MAX).build().user_data(tag << 1 | 1);
        // SAFETY: what the two refer to is in boxes and vectors that belong to this slot. Nobody reaches them while
        // `pending` is not zero (`exchange`), and they are freed only after both have ended (`drop`).
        unsafe { self.ring.submission().push_multiple(&[send, read]) }.map_err(|_| Errno::EBUSY)?;
        it.pending = 2;
        it.outcome = Ok(0);
        self.under_way += 2;
        Ok(())
    }

    /// Hands the queue to the kernel and waits until at least `want` operations (two an exchange) have ended. EINTR is
    /// returned.
    pub fn submit_and_wait(&mut self, want: usize) -> nix::Result<()> {
        self.ring.submit_and_wait(want.min(self.under_way)).map(drop).map_err(errno)
    }

    /// The next exchange that is over, if any: its slot, and how many bytes were read or why none.
    ///
    /// EMSGSIZE: the socket did not take all of the data. What the read gave may be less than was asked for.
    pub fn completion(&mut self) -> Option<(usize, nix::Result<usize>)> {
        while let Some(entry) = self.ring.completion().next() {
            let slot = (entry.user_data() >> 1) as usize;
            let moved = usize::try_from(entry.result()).map_err(|_| Errno::from_raw(-entry.result()));
            let it = &mut self.slots[slot];
            it.pending -= 1;
            self.under_way -= 1;
            let is_read = entry.user_data() & 1 == 1;
            it.outcome = match (is_read, it.outcome, moved) {
                // A read whose send failed is cancelled: the send's own error says why.
                (_, Err(errno), _) if errno != Errno::ECANCELED => Err(errno),
                (false, _, Ok(taken)) if taken != it.exchange.data.len() => Err(Errno::EMSGSIZE),
                (false, before, Ok(_)) => before,
                (_, _, moved) => moved,
            };
            if it.pending == 0 {
                return Some((slot, it.outcome));
            }
        }
        None
    }

    /// Waits for one exchange to be over. `None` where none is under way. EINTR is returned.
    pub fn wait(&mut self) -> nix::Result<Option<(usize, nix::Result<usize>)>> {
        loop {
            if let Some(over) = self.completion() {
                return Ok(Some(over));
            }
            if self.under_way == 0 {
                return Ok(None);
            }
            self.submit_and_wait(1)?;
        }
    }
}

impl Drop for SocketRing {
    /// Cancels what is under way and waits for its end; buffers that may still be in use are never freed.
    fn drop(&mut self) {
        if self.under_way == 0 {
            return;
        }
        // Queued entries must reach the kernel before they can be cancelled.
        let _ = self.submit_and_wait(0);
        let cancelled = self.ring.submitter().register_sync_cancel(None, types::CancelBuilder::any().all());
        // A kernel that cannot (before 6.0) may never end them: it does when the ring is closed, in its own time.
        if cancelled.is_err_and(|e| errno(e) != Errno::ENOENT) {
            return self.slots.drain(..).for_each(std::mem::forget);
        }
        loop {
            match self.wait() {
                Ok(Some(_)) | Err(Errno::EINTR) => {}
                Ok(None) => return,
                Err(_) => return self.slots.drain(..).for_each(std::mem::forget),
            }
        }
    }
}

fn errno(e: io::Error) -> Errno {
    e.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, recv, send, socketpair};
    use std::os::fd::OwnedFd;

    fn pair() -> (OwnedFd, OwnedFd) {
        socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC).unwrap()
    }

    fn ring(slots: usize) -> Option<SocketRing> {
        SocketRing::new(slots).ok()
    }

    #[test]
    fn each_exchange_gets_its_own_answer() {
        let Some(mut ring) = ring(2) else { return };
        let ends = [pair(), pair()];
        for (slot, (near, far)) in ends.iter().enumerate() {
            let exchange = ring.exchange(slot).unwrap();
            exchange.data = vec![slot as u8; 3];
            exchange.answer = vec![0; 9];
            send(far.as_raw_fd(), &[slot as u8 + 7; 4], nix::sys::socket::MsgFlags::empty()).unwrap();
            ring.start(slot, near).unwrap();
            assert!(ring.exchange(slot).is_none() && ring.start(slot, near) == Err(Errno::EBUSY));
        }
        for _ in 0..2 {
            let (slot, read) = ring.wait().unwrap().unwrap();
            assert_eq!(read, Ok(4));
            assert_eq!(ring.exchange(slot).unwrap().answer[..4], [slot as u8 + 7; 4]);
            let mut got = [9; 8];
            assert_eq!(recv(ends[slot].1.as_raw_fd(), &mut got, nix::sys::socket::MsgFlags::empty()), Ok(3));
            assert_eq!(got[..3], [slot as u8; 3]);
        }
        assert_eq!(ring.wait(), Ok(None));
    }

    #[test]
    fn a_send_that_fails_is_the_outcome_not_the_read_it_cancels() {
        let Some(mut ring) = ring(1) else { return };
        let (near, far) = pair();
        drop(far);
        let exchange = ring.exchange(0).unwrap();
        (exchange.data, exchange.answer) = (vec![1], vec![0]);
        ring.start(0, &near).unwrap();
        assert_eq!(ring.wait(), Ok(Some((0, Err(Errno::EPIPE)))));
        assert_eq!(ring.start(1, &near), Err(Errno::EINVAL));
    }

    #[test]
    fn what_never_completes_is_cancelled_when_the_ring_goes() {
        let Some(mut ring) = ring(1) else { return };
        let (near, _far) = pair();
        let exchange = ring.exchange(0).unwrap();
        (exchange.data, exchange.answer) = (vec![1], vec![0; 1 << 20]);
        ring.start(0, &near).unwrap();
        ring.submit_and_wait(1).unwrap();
        drop(ring);
    }
}
