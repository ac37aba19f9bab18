//! Route netlink: network interfaces made and set up by messages to the kernel, without a program.
//!
//! [netlink(7)](https://man7.org/linux/man-pages/man7/netlink.7.html),
//! [rtnetlink(7)](https://man7.org/linux/man-pages/man7/rtnetlink.7.html). Every request is acknowledged; where the
//! kernel refuses one it often says why in words (extended acknowledgements, since Linux 4.12), and those are kept.

use std::fmt;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, send, socket,
};

use crate::sys::socket::set_int;

/// The header of a message: length, kind, flags, sequence number, port.
const HEADER: usize = 16;
/// The header of an attribute: length and kind.
const ATTRIBUTE: usize = 4;
/// The attribute of an extended acknowledgement that holds its words (NLMSGERR_ATTR_MSG of linux/netlink.h).
const WORDS: u16 = 1;

/// A refusal: the errno, and what the kernel said besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub errno: Errno,
    /// The kernel's own words, if it had any.
    pub words: Option<String>,
}

impl From<Errno> for Refused {
    fn from(errno: Errno) -> Self {
        Refused { errno, words: None }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:?})", crate::error::describe(self.errno), self.errno)?;
        self.words.iter().try_for_each(|words| write!(f, ": {}", words.escape_debug()))
    }
}

/// A request under construction: a header, a fixed part, attributes.
#[derive(Debug, Clone)]
pub struct Request {
    bytes: Vec<u8>,
}

impl Request {
    /// A request of this kind (`RTM_NEWLINK`), with flags besides those that every request has.
    pub fn new(kind: u16, flags: i32) -> Self {
        let mut bytes = vec![0; HEADER];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        let flags = (flags | libc::NLM_F_REQUEST | libc::NLM_F_ACK) as u16;
        bytes[6..8].copy_from_slice(&flags.to_ne_bytes());
        Request { bytes }
    }

    /// Appends the fixed part of a link (struct ifinfomsg); index 0 where it has none yet.
    #[must_use]
    pub fn link(mut self, index: u32, flags: i32, change: i32) -> Self {
        self.bytes.extend([0; 4]);
        for word in [index, flags as u32, change as u32] {
            self.bytes.extend(word.to_ne_bytes());
        }
        self
    }

    /// Appends the fixed part of an address (struct ifaddrmsg).
    #[must_use]
    pub fn address(mut self, family: i32, prefix: u8, flags: u8, index: u32) -> Self {
        self.bytes.extend([family as u8, prefix, flags, libc::RT_SCOPE_UNIVERSE]);
        self.bytes.extend(index.to_ne_bytes());
        self
    }

    /// Appends an attribute. `value` is at most 64 KiB less its header.
    #[must_use]
    pub fn attribute(self, kind: u16, value: &[u8]) -> Self {
        self.nest(kind, |mut inner| {
            inner.bytes.extend(value);
            inner
        })
    }

    /// Appends an attribute that is text; the kernel wants the zero at its end.
    #[must_use]
    pub fn text(self, kind: u16, value: &str) -> Self {
        self.attribute(kind, &[value.as_bytes(), &[0]].concat())
    }

    /// Appends an attribute made of what `fill` appends.
    #[must_use]
    pub fn nest(mut self, kind: u16, fill: impl FnOnce(Self) -> Self) -> Self {
        let start = self.bytes.len();
        self.bytes.extend([0; ATTRIBUTE]);
        let mut filled = fill(self);
        // The length leaves the padding out.
        let length = (filled.bytes.len() - start) as u16;
        filled.bytes[start..start + 2].copy_from_slice(&length.to_ne_bytes());
        filled.bytes[start + 2..start + 4].copy_from_slice(&kind.to_ne_bytes());
        filled.bytes.resize(filled.bytes.len().next_multiple_of(4), 0);
        filled
    }
}

/// A conversation with the kernel about the network namespace of the thread that began it.
#[derive(Debug)]
pub struct Route {
    socket: OwnedFd,
    sequence: u32,
}

impl Route {
    /// Begins it.
    ///
    /// # Errors
    /// The errno of socket(2) or bind(2).
    pub fn open() -> nix::Result<Self> {
        let protocol = SockProtocol::NetlinkRoute;
        let socket = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, protocol)?;
        // Words only; a kernel that has none still answers.
        let _ = set_int(&socket, libc::SOL_NETLINK, libc::NETLINK_EXT_ACK, 1);
        let _ = set_int(&socket, libc::SOL_NETLINK, libc::NETLINK_CAP_ACK, 1);
        bind(socket.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
        Ok(Route { socket, sequence: 0 })
    }

    /// Makes a request and waits for its acknowledgement; begins again after EINTR.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn ask(&mut self, mut request: Request) -> Result<(), Refused> {
        self.sequence += 1;
        let length = request.bytes.len() as u32;
        request.bytes[..4].copy_from_slice(&length.to_ne_bytes());
        request.bytes[8..12].copy_from_slice(&self.sequence.to_ne_bytes());
        again(|| send(self.socket.as_raw_fd(), &request.bytes, MsgFlags::empty()))?;
        let mut reply = [0; 8 << 10];
        loop {
            let length = again(|| recv(self.socket.as_raw_fd(), &mut reply, MsgFlags::empty()))?;
            if let Some(answer) = acknowledgement(&reply[..length], self.sequence) {
                return answer;
            }
        }
    }
}

fn again<T>(mut call: impl FnMut() -> nix::Result<T>) -> nix::Result<T> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            done => return done,
        }
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// What a datagram says to the request of this sequence number; `None` where it is about something else.
fn acknowledgement(datagram: &[u8], sequence: u32) -> Option<Result<(), Refused>> {
    let mut rest = datagram;
    while let Some(length) = word(rest, 0) {
        let length = length as usize;
        let message = rest.get(..length).filter(|m| m.len() >= HEADER)?;
        if half(message, 4) == Some(libc::NLMSG_ERROR as u16) && word(message, 8) == Some(sequence) {
            let code = word(message, HEADER)? as i32;
            let refused = || Refused { errno: Errno::from_raw(code.wrapping_neg()), words: words(message) };
            return Some(if code == 0 { Ok(()) } else { Err(refused()) });
        }
        rest = rest.get(length.next_multiple_of(4)..)?;
    }
    None
}

/// The words of an extended acknowledgement.
fn words(message: &[u8]) -> Option<String> {
    let flags = i32::from(half(message, 6)?);
    if flags & libc::NLM_F_ACK_TLVS == 0 {
        return None;
    }
    // Behind the error number stands the header of the request; and the rest of it, unless that was cut off.
    let request = if flags & libc::NLM_F_CAPPED == 0 { word(message, HEADER + 4)? as usize } else { HEADER };
    let mut rest = message.get(HEADER + 4 + request.next_multiple_of(4)..)?;
    while let (Some(length), Some(kind)) = (half(rest, 0), half(rest, 2)) {
        let length = usize::from(length);
        let value = rest.get(ATTRIBUTE..length)?;
        if kind == WORDS {
            let text = value.strip_suffix(&[0]).unwrap_or(value);
            return Some(String::from_utf8_lossy(text).into_owned());
        }
        rest = rest.get(length.next_multiple_of(4)..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_padded_and_nested_lengths_are_whole() {
        let request = Request::new(libc::RTM_NEWLINK, 0).nest(18, |r| r.text(1, "veth").attribute(2, &[7]));
        let expected: [&[u8]; 5] = [&[24, 0, 18, 0], &[9, 0, 1, 0], b"veth\0\0\0\0", &[5, 0, 2, 0], &[7, 0, 0, 0]];
        assert_eq!(request.bytes[HEADER..], expected.concat());
    }

    fn error(code: i32, flags: i32, tail: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; HEADER];
        bytes[4..6].copy_from_slice(&(libc::NLMSG_ERROR as u16).to_ne_bytes());
        bytes[6..8].copy_from_slice(&(flags as u16).to_ne_bytes());
        bytes[8..12].copy_from_slice(&7u32.to_ne_bytes());
        bytes.extend(code.to_ne_bytes());
        bytes.extend([0; HEADER]);
        bytes.extend(tail);
        let length = bytes.len() as u32;
        bytes[..4].copy_from_slice(&length.to_ne_bytes());
        bytes
    }

    #[test]
    fn the_words_of_a_refusal_are_kept() {
        let flags = libc::NLM_F_CAPPED | libc::NLM_F_ACK_TLVS;
        let tail = [&[8, 0, 9, 0, 1, 2, 3, 4][..], &[8, 0, 1, 0, b'n', b'o', b'!', 0]].concat();
        let refused = error(-libc::EEXIST, flags, &tail);
        let got = acknowledgement(&refused, 7);
        assert_eq!(got, Some(Err(Refused { errno: Errno::EEXIST, words: Some("no!".to_owned()) })));
        assert_eq!(acknowledgement(&error(0, 0, &[]), 7), Some(Ok(())));
        assert_eq!(acknowledgement(&error(0, 0, &[]), 8), None);
        // Cut short anywhere it neither panics nor loops.
        for end in 0..refused.len() {
            assert_eq!(acknowledgement(&refused[..end], 7), None, "{end}");
        }
        for length in [0, 1, 3, 255] {
            let broken = error(-1, flags, &[length, 0, 9, 0]);
            assert_eq!(acknowledgement(&broken, 7), Some(Err(Errno::EPERM.into())), "{length}");
        }
    }

    #[test]
    fn the_kernel_refuses_an_interface_that_is_not_there() {
        let mut route = Route::open().expect("a netlink socket");
        let request = Request::new(libc::RTM_NEWLINK, 0).link(u32::MAX >> 1, libc::IFF_UP, libc::IFF_UP);
        let refused = route.ask(request).expect_err("no such interface");
        assert!(matches!(refused.errno, Errno::ENODEV | Errno::EPERM), "{refused}");
    }
}
