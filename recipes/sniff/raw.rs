//! Capture by a raw socket, as the cheat sheet does: socket(AF_INET, SOCK_RAW, IPPROTO_TCP) and receive.
//!
//! raw(7). It sees IPv4 only, incoming packets only, from the IP header on, after the kernel put fragments together;
//! what this host sends appears only where it comes in again: on the loopback interface.

use std::ffi::OsString;
use std::io::IoSliceMut;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;

use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, MsgFlags, SockFlag, SockProtocol, SockType, recv, recvmsg, setsockopt,
    socket, sockopt,
};
use nix::sys::time::TimeSpec;

use super::capture::{Capture, Captured, Direction, Event, Method, NOTHING, Setup};
use super::interface::{self, Interface};
use super::losses::{InterfaceDrops, Losses};
use super::selection::Protocol;
use super::{filter, receive};
use crate::error::{Context, Error, Result};
use crate::need::NET_RAW;
use crate::packet::Link;
use crate::race::Contender;
use crate::sys::{socket_drops, socket_filter};

/// The record of this method.
pub const CONTENDER: Contender<dyn Method> = Contender {
    name: "raw",
    title: "AF_INET raw socket, as the cheat sheet: incoming IPv4 only",
    needs: &[&NET_RAW],
    approach: &RawSocket,
};

struct RawSocket;

impl Method for RawSocket {
    fn open(&self, setup: &Setup) -> Result<Box<dyn Capture>> {
        let place = setup.interface.as_ref().map_or("any", |i| i.name.as_str());
        let what = || format!("cannot open a raw socket on {place}");
        if !matches!(setup.selection.protocol, Protocol::Tcp | Protocol::Http | Protocol::Tls) {
            let word = setup.selection.protocol.word();
            let error = Error::usage(format!("a raw socket sees TCP over IPv4 alone, not '{word}'"));
            return Err(error.fix("use --via packet, or name 'tcp', 'http' or 'tls'"));
        }
        let program = filter::raw_socket(&setup.selection)?;
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let socket = socket(AddressFamily::Inet, SockType::Raw, flags, SockProtocol::Tcp).sys("socket", what)?;
        // A raw socket receives from its first moment on: stop that, and throw away what came before.
        socket_filter::attach(&socket, &NOTHING).sys("setsockopt(SO_ATTACH_FILTER)", what)?;
        while recv(socket.as_raw_fd(), &mut [0; 1], MsgFlags::MSG_TRUNC).is_ok() {}
        receive::enlarge_queue(&socket, setup.buffer);
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true).sys("setsockopt(SO_TIMESTAMPNS)", what)?;
        setsockopt(&socket, sockopt::Ipv4PacketInfo, &true).sys("setsockopt(IP_PKTINFO)", what)?;
        if let Some(interface) = &setup.interface {
            let name = OsString::from(&interface.name);
            setsockopt(&socket, sockopt::BindToDevice, &name).sys("setsockopt(SO_BINDTODEVICE)", what)?;
        }
        filter::attach(&socket, &program, what)?;
        Ok(Box::new(Open {
            socket,
            interface: setup.interface.clone(),
            buffer: vec![0; receive::LARGEST],
            control: cmsg_space!(TimeSpec, libc::in_pktinfo),
            drops: InterfaceDrops::since_now(setup.interface.as_ref()),
        }))
    }
}

struct Open {
    socket: OwnedFd,
    interface: Option<Interface>,
    buffer: Vec<u8>,
    control: Vec<u8>,
    drops: InterfaceDrops,
}

impl Capture for Open {
    fn next(&mut self, wait: Duration) -> Result<Event<'_>> {
        let (buffer, control) = (&mut self.buffer, &mut self.control);
        let received = receive::within(self.socket.as_fd(), wait, || {
            let mut iov = [IoSliceMut::new(buffer)];
            let got = recvmsg::<()>(self.socket.as_raw_fd(), &mut iov, Some(control), MsgFlags::MSG_TRUNC)?;
            let (mut time, mut interface) = (TimeSpec::new(0, 0), 0);
            for message in got.cmsgs().into_iter().flatten() {
                match message {
                    ControlMessageOwned::ScmTimestampns(at) => time = at,
                    ControlMessageOwned::Ipv4PacketInfo(info) => interface = info.ipi_ifindex as u32,
                    _ => {}
                }
            }
            Ok((got.bytes, time, interface))
        });
        match received {
            Ok(Some((length, time, interface))) => Ok(Event::Packet(Captured {
                seconds: time.tv_sec(),
                nanoseconds: time.tv_nsec() as u32,
                direction: Direction::In,
                interface,
                link: Link::Ip,
                bytes: &self.buffer[..length.min(receive::LARGEST)],
                length,
                offloaded: false,
                recorded: None,
                fragments: 0,
            })),
            Ok(None) if wait.is_zero() => Ok(Event::Nothing),
            Ok(None) => interface::still_there(self.interface.as_ref()).map(|()| Event::Nothing),
            Err(Errno::ENETDOWN) => Ok(Event::Down),
            Err(errno) => Err(Error::sys("cannot receive packets", "recvmsg", errno)),
        }
    }

    fn dropped(&mut self) -> Result<Losses> {
        let kernel = socket_drops::drops(&self.socket)
            .sys("getsockopt(SO_MEMINFO)", || "cannot count dropped packets".to_owned())?;
        Ok(Losses { interface: self.drops.count(), ..Losses::of_kernel(kernel.into()) })
    }

    fn linktype(&self) -> Option<u16> {
        Some(Link::Ip.linktype())
    }
}
