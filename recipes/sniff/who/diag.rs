//! Which socket is behind an end of a connection: asked of the kernel by the ends, one at a time
//! ([sock_diag(7)](https://man7.org/linux/man-pages/man7/sock_diag.7.html)).

use std::cell::Cell;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket};

use crate::error::{Context, Error, Result};
use crate::packet::{tcp, udp};

const BY_FAMILY: u16 = 20;
const ERROR: u16 = 2;
const REQUEST: u16 = 1;
const HEADER: usize = 16;
const QUESTION: usize = HEADER + 56;
/// TCP_LISTEN.
const LISTEN: u8 = 10;

/// A socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    /// Its number in /proc/PID/fd; 0 where no process has it: not accepted yet, or closed.
    pub inode: u32,
    /// What the kernel knows it by, and gives to no other.
    pub cookie: u64,
    /// Whether it only listens: what it will have accepted is another one.
    pub listens: bool,
}

/// The connection to the kernel.
pub(super) struct Diag {
    socket: OwnedFd,
    /// The number of the last question.
    asked: Cell<u32>,
}

impl Diag {
    /// Opens it.
    ///
    /// # Errors
    /// Where this kernel has none.
    pub(super) fn open() -> Result<Diag> {
        let (family, flags) = (AddressFamily::Netlink, SockFlag::SOCK_CLOEXEC);
        let opened = socket(family, SockType::Datagram, flags, SockProtocol::NetlinkSockDiag);
        let socket = opened.sys("socket(NETLINK_SOCK_DIAG)", || "cannot ask for the owners of sockets".to_owned())?;
        let diag = Diag { socket, asked: Cell::new(0) };
        // The kernel says ENOENT for a protocol that it cannot tell of, too: one that is surely there decides.
        let own = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|own| Ok((own.local_addr()?, own)));
        if let Ok((end, _own)) = own
            && !matches!(diag.ask(tcp::NUMBER, end, SocketAddr::from(([0; 4], 0))), Ok(Some(_)))
        {
            let error = Error::unavailable("cannot ask for the owners of sockets: sock_diag knows no TCP");
            return Err(error.fix("as root: modprobe tcp_diag udp_diag; or this kernel is without CONFIG_INET_DIAG"));
        }
        Ok(diag)
    }

    /// The socket at `local` that would receive what comes from `remote`, or that listens there.
    pub(super) fn socket(&self, protocol: u8, local: SocketAddr, remote: SocketAddr) -> Option<Found> {
        self.ask(protocol, local, remote).ok().flatten()
    }

    fn ask(&self, protocol: u8, local: SocketAddr, remote: SocketAddr) -> nix::Result<Option<Found>> {
        let fd = self.socket.as_raw_fd();
        let number = self.asked.get().wrapping_add(1);
        self.asked.set(number);
        send(fd, &question(number, protocol, local, remote), MsgFlags::empty())?;
        let mut reply = [0; 1024];
        loop {
            // The kernel answers before send returns; what came too late for its question is passed over.
            let length = recv(fd, &mut reply, MsgFlags::MSG_DONTWAIT)?;
            if reply[..length].get(8..12) == Some(&number.to_ne_bytes()) {
                return answer(&reply[..length]);
            }
        }
    }
}

/// `struct nlmsghdr`, then `struct inet_diag_req_v2`.
fn question(number: u32, protocol: u8, local: SocketAddr, remote: SocketAddr) -> [u8; QUESTION] {
    // Those who ask about a datagram socket name the sender of the datagram first.
    let (first, second) = if protocol == udp::NUMBER { (remote, local) } else { (local, remote) };
    let mut text = [0; QUESTION];
    let mut put = |at: usize, bytes: &[u8]| text[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &(QUESTION as u32).to_ne_bytes());
    put(4, &BY_FAMILY.to_ne_bytes());
    put(6, &REQUEST.to_ne_bytes());
    put(8, &number.to_ne_bytes());
    let family = if local.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    put(16, &[family as u8, protocol]);
    put(20, &u32::MAX.to_ne_bytes());
    put(24, &first.port().to_be_bytes());
    put(26, &second.port().to_be_bytes());
    for (at, end) in [(28, first), (44, second)] {
        match end.ip() {
            IpAddr::V4(address) => put(at, &address.octets()),
            IpAddr::V6(address) => put(at, &address.octets()),
        }
    }
    // INET_DIAG_NOCOOKIE: whichever socket it is.
    put(64, &u64::MAX.to_ne_bytes());
    text
}

/// `struct nlmsghdr`, then `struct inet_diag_msg`; or an error number.
fn answer(reply: &[u8]) -> nix::Result<Option<Found>> {
    let word = |at: usize| reply.get(at..)?.first_chunk().copied().map(u32::from_ne_bytes);
    let kind = reply.get(4..).and_then(|b| b.first_chunk().copied()).map(u16::from_ne_bytes);
    match kind {
        Some(BY_FAMILY) => {}
        Some(ERROR) => {
            let number = word(HEADER).map_or(0, |n| (n as i32).wrapping_neg());
            return match Errno::from_raw(number) {
                Errno::ENOENT => Ok(None),
                errno => Err(errno),
            };
        }
        _ => return Err(Errno::EBADMSG),
    }
    let found = || {
        Some(Found {
            inode: word(HEADER + 68)?,
            cookie: reply.get(HEADER + 44..)?.first_chunk().copied().map(u64::from_ne_bytes)?,
            listens: *reply.get(HEADER + 1)? == LISTEN,
        })
    };
    found().map(Some).ok_or(Errno::EBADMSG)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpStream, UdpSocket};
    use std::os::fd::AsFd;

    /// The number of a socket of ours, as /proc tells it.
    fn inode(socket: impl AsFd) -> u32 {
        let link = std::fs::read_link(format!("/proc/self/fd/{}", socket.as_fd().as_raw_fd())).unwrap();
        link.to_str().unwrap().trim_start_matches("socket:[").trim_end_matches(']').parse().unwrap()
    }

    #[test]
    fn sockets_are_found_by_their_ends() {
        let Ok(diag) = Diag::open() else { return };
        for any in ["127.0.0.1:0", "[::1]:0"] {
            let listener = TcpListener::bind(any).unwrap();
            let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (server, client_end) = listener.accept().unwrap();
            let server_end = listener.local_addr().unwrap();
            let found = |local, remote| diag.socket(6, local, remote).map(|f| (f.inode, f.listens));
            assert_eq!(found(client_end, server_end), Some((inode(&client), false)));
            assert_eq!(found(server_end, client_end), Some((inode(&server), false)));
            let nobody: SocketAddr = any.parse().unwrap();
            assert_eq!(found(server_end, nobody), Some((inode(&listener), true)));
            let (a, b) = (UdpSocket::bind(any).unwrap(), UdpSocket::bind(any).unwrap());
            b.connect(a.local_addr().unwrap()).unwrap();
            let ends = (a.local_addr().unwrap(), b.local_addr().unwrap());
            assert_eq!(diag.socket(17, ends.0, ends.1).map(|f| f.inode), Some(inode(&a)));
            assert_eq!(diag.socket(17, ends.1, ends.0).map(|f| f.inode), Some(inode(&b)));
        }
        let nobody = SocketAddr::from(([127, 0, 0, 1], 1));
        assert_eq!(diag.socket(17, nobody, nobody), None);
    }

    #[test]
    fn no_answer_is_trusted() {
        for length in 0..HEADER + 72 {
            let mut reply = vec![0; length];
            if length > 5 {
                reply[4..6].copy_from_slice(&BY_FAMILY.to_ne_bytes());
            }
            assert_eq!(answer(&reply), Err(Errno::EBADMSG), "{length}");
        }
    }
}
