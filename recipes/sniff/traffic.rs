//! Traffic of our own on a [`Wire`]: numbered frames, sent from its far end as fast as one thread can or at a rate.
//!
//! TCP segments over IPv4, since that is what every capture method sees, with RST set: the stack at the near end
//! answers none of them (RFC 9293, section 3.10.7.1). They are of many connections; each carries its number, and bytes that differ from frame to
//! frame, so that what arrives can be held against what was sent.

use std::io::IoSlice;
use std::os::fd::{AsRawFd, OwnedFd};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, MsgFlags, MultiHeaders, SockFlag, SockType, sendmmsg, socket};

use super::wire::{End, Wire};
use crate::error::{Context, Error, Result};
use crate::interrupt;
use crate::packet::checksum::{Sum, pseudo_header};
use crate::packet::layer::Addresses;
use crate::sys::packet_send;

/// Headers of Ethernet, IPv4 and TCP.
const HEADERS: usize = ETHERNET + IP + 20;
/// The Ethernet header, which not every method gives.
pub const ETHERNET: usize = 14;
const IP: usize = 20;
/// The number behind the headers.
const NUMBER: usize = 8;
/// Where the source port stands, and the connections that the frames are of: those who share packets between threads do
/// it by connection.
const PORT: usize = ETHERNET + IP;
const FIRST_PORT: u16 = 0x8000;
const FLOWS: u16 = 64;
/// Frames that differ by more than their number.
const POOL: usize = 1024;
/// Frames handed to the kernel at once.
const BATCH: usize = 32;
/// A sender that is ahead of its rate by less goes on.
const AHEAD: Duration = Duration::from_micros(100);

/// The frames, all of one size.
#[derive(Debug, Clone)]
pub struct Frames {
    size: usize,
    pool: Vec<Frame>,
}

#[derive(Debug, Clone)]
struct Frame {
    bytes: Vec<u8>,
    /// What its checksum covers, but for the number.
    sum: Sum,
}

impl Frames {
    /// Frames of `size` bytes (without the frame check sequence) from one end to the other.
    ///
    /// # Errors
    /// Where the headers and the number do not fit, or the frame is larger than the MTU.
    pub fn new(from: &End, to: &End, size: usize) -> Result<Self> {
        let least = HEADERS + NUMBER;
        let most = ETHERNET + 1500;
        if !(least..=most).contains(&size) {
            return Err(Error::unavailable(format!("frames have {least} to {most} bytes, not {size}")));
        }
        let (Some(source), Some(target)) = (from.ipv4, to.ipv4) else {
            return Err(Error::failed("frames need a wire with IPv4 addresses"));
        };
        let mut random = fastrand::Rng::with_seed(34);
        let mut headers = Vec::with_capacity(HEADERS);
        headers.extend([to.mac, from.mac].concat());
        headers.extend([0x08, 0x00, 0x45, 0x00]);
        headers.extend(((size - ETHERNET) as u16).to_be_bytes());
        // Not to be fragmented, 64 hops, TCP; the checksum follows.
        headers.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
        headers.extend([source.octets(), target.octets()].concat());
        let sum = checksum(&headers[ETHERNET..]);
        headers[ETHERNET + 10..ETHERNET + 12].copy_from_slice(&sum.to_be_bytes());
        // Ports, two sequence numbers, 5 words of header, RST, window, checksum and urgent pointer.
        headers.extend([0x80, 0, 0x1f, 0x90, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x04, 0, 0, 0, 0, 0, 0]);
        let addresses = Addresses::V4(&source.octets(), &target.octets());
        let frame = |number| {
            headers[PORT..PORT + 2].copy_from_slice(&(FIRST_PORT + number as u16 % FLOWS).to_be_bytes());
            let body = std::iter::repeat_with(|| random.u8(..)).take(size - HEADERS);
            let mut bytes: Vec<u8> = headers.iter().copied().chain(body).collect();
            bytes[HEADERS..HEADERS + NUMBER].fill(0);
            let segment = &bytes[ETHERNET + IP..];
            Frame { sum: pseudo_header(addresses, 6, segment.len()).bytes(segment), bytes }
        };
        let pool = (0..POOL).map(frame).collect();
        Ok(Frames { size, pool })
    }

    /// Bytes of a frame.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The frame of this number.
    pub fn number(&mut self, number: u64) -> &[u8] {
        let frame = &mut self.pool[place(number)];
        frame.number(number);
        &frame.bytes
    }
}

impl Frame {
    fn number(&mut self, number: u64) {
        let number = number.to_be_bytes();
        self.bytes[HEADERS..HEADERS + NUMBER].copy_from_slice(&number);
        let checksum = !self.sum.bytes(&number).folded();
        self.bytes[HEADERS - 4..HEADERS - 2].copy_from_slice(&checksum.to_be_bytes());
    }
}

fn place(number: u64) -> usize {
    (number % POOL as u64) as usize
}

/// The number that a captured packet of ours carries: `packet` is from the IP header on.
pub fn number_of(packet: &[u8]) -> Option<u64> {
    packet.get(HEADERS - ETHERNET..)?.first_chunk().map(|bytes| u64::from_be_bytes(*bytes))
}

/// A sender at the far end of a wire. It stops where it is dropped, and ends with this process.
pub struct Sender {
    socket: OwnedFd,
    frames: Frames,
    next: u64,
}

/// How fast to send.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// As fast as it goes.
    Top,
    /// So many frames a second.
    Rate(f64),
}

/// What was sent.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    /// Frames.
    pub frames: u64,
    /// Time from the first to the last.
    pub took: Duration,
}

impl Sent {
    /// Frames a second.
    pub fn rate(&self) -> f64 {
        self.frames as f64 / self.took.as_secs_f64().max(1e-9)
    }
}

impl Sender {
    /// A sender of frames of `size` bytes to the near end; numbers begin at 0.
    ///
    /// # Errors
    /// See [`Frames::new`]; where there is no packet socket.
    pub fn new(wire: &Wire, size: usize) -> Result<Self> {
        let frames = Frames::new(&wire.far, &wire.near, size)?;
        let what = || format!("cannot open a packet socket on {}", wire.far.name);
        let open = || socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, None);
        let socket = wire.far.enter(open)?.sys("socket", what)?;
        packet_send::bind(&socket, wire.far.index).sys("bind", what)?;
        Ok(Sender { socket, frames, next: 0 })
    }

    /// The number of the next frame: so many were sent.
    pub fn sent(&self) -> u64 {
        self.next
    }

    /// What is sent under this number.
    pub fn frame(&mut self, number: u64) -> &[u8] {
        self.frames.number(number)
    }

    /// Sends `count` frames, one after the other in the order of their numbers.
    ///
    /// # Errors
    /// Where the kernel takes none, and EINTR when the user asked for the end.
    pub fn send(&mut self, count: u64) -> Result<()> {
        let end = self.next + count;
        while self.next < end {
            if interrupt::asked() {
                return Err(Error::sys("cannot send on the wire", "sendmmsg", Errno::EINTR));
            }
            self.batch((end - self.next).min(BATCH as u64) as usize)?;
        }
        Ok(())
    }

    /// Sends at `pace` for this long.
    ///
    /// # Errors
    /// See [`Sender::send`].
    pub fn send_for(&mut self, time: Duration, pace: Pace) -> Result<Sent> {
        let (start, first) = (Instant::now(), self.next);
        loop {
            let took = start.elapsed();
            if took >= time {
                return Ok(Sent { frames: self.next - first, took });
            }
            if let Pace::Rate(rate) = pace {
                let due = Duration::from_secs_f64((self.next - first) as f64 / rate);
                if let Some(early) = due.checked_sub(took).filter(|early| *early > AHEAD) {
                    thread::sleep(early.min(time));
                    continue;
                }
            }
            self.send(BATCH as u64)?;
        }
    }

    /// Hands the next `count` frames to the kernel, which may take fewer at once.
    fn batch(&mut self, count: usize) -> Result<()> {
        let first = place(self.next);
        let count = count.min(POOL - first);
        for (number, frame) in (self.next..).zip(&mut self.frames.pool[first..first + count]) {
            frame.number(number);
        }
        let mut headers = MultiHeaders::<()>::preallocate(BATCH, None);
        let mut done = 0;
        while done < count {
            let left = &self.frames.pool[first + done..first + count];
            let mut slices = [[IoSlice::new(&[])]; BATCH];
            for (slice, frame) in slices.iter_mut().zip(left) {
                *slice = [IoSlice::new(&frame.bytes)];
            }
            let (slices, none) = (&slices[..left.len()], [None; BATCH]);
            let fd = self.socket.as_raw_fd();
            match sendmmsg(fd, &mut headers, slices, &none[..left.len()], [], MsgFlags::empty()) {
                Ok(taken) => done += taken.count(),
                Err(Errno::EINTR) if !interrupt::asked() => {}
                // The near end is busy: what was sent is still in its hands.
                Err(Errno::ENOBUFS | Errno::EAGAIN) => thread::yield_now(),
                Err(errno) => return Err(Error::sys("cannot send on the wire", "sendmmsg", errno)),
            }
        }
        self.next += count as u64;
        Ok(())
    }
}

/// The Internet checksum over bytes in which its own field is zero.
fn checksum(bytes: &[u8]) -> u16 {
    !Sum::default().bytes(bytes).folded()
}
