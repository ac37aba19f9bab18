//! A wire of our own: two network namespaces joined by a veth pair, on which nobody else talks.
//!
//! [network_namespaces(7)](https://man7.org/linux/man-pages/man7/network_namespaces.7.html),
//! [veth(4)](https://man7.org/linux/man-pages/man4/veth.4.html). The namespaces have no name and are bound to no path:
//! only descriptors of this process hold them. However it ends, by kill -9 too, the kernel takes namespaces and veth
//! away. Needs CAP_SYS_ADMIN and CAP_NET_ADMIN (a user namespace would do instead, but a process with several threads
//! cannot enter one).

use std::fs::File;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsFd, AsRawFd};
use std::thread;

use nix::errno::Errno;
use nix::net::if_::if_nametoindex;
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use crate::error::{Context, Error, Result};
use crate::netlink::{Refused, Request, Route};
use crate::sys::ethtool::{self, Switch};

/// Constants of linux/veth.h and linux/if_link.h that libc lacks.
const VETH_INFO_PEER: u16 = 1;
const IFLA_INET6_ADDR_GEN_MODE: u16 = 8;
const IN6_ADDR_GEN_MODE_NONE: u8 = 1;

/// What a wire is like.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Whether the ends have IPv4 addresses.
    pub ipv4: bool,
    /// Whether the ends have IPv6 addresses, ready at once (no duplicate address detection).
    pub ipv6: bool,
    /// Largest packet in bytes, without the Ethernet header.
    pub mtu: u32,
    /// Whether checksums and segmentation may be left to the devices, as on most hosts. Without, a packet on the wire
    /// is as it was sent: checksums are finished, none is larger than the MTU.
    pub offloads: bool,
}

impl Default for Plan {
    /// Both kinds of addresses, 1500 bytes, no offloads.
    fn default() -> Self {
        Plan { ipv4: true, ipv6: true, mtu: 1500, offloads: false }
    }
}

/// Two namespaces and the veth pair between them. It ends when the last holder of its ends does: this, and every
/// process, thread and socket in them.
#[derive(Debug)]
pub struct Wire {
    /// The end that is listened at.
    pub near: End,
    /// The end that is talked from.
    pub far: End,
}

/// One end of a wire: a network namespace with an interface in it, and loopback.
#[derive(Debug)]
pub struct End {
    namespace: File,
    /// Name of the interface.
    pub name: &'static str,
    /// Its index in this namespace.
    pub index: u32,
    /// Its hardware address.
    pub mac: [u8; 6],
    /// Its IPv4 address, if the plan has them (RFC 5737's 192.0.2.0/24).
    pub ipv4: Option<Ipv4Addr>,
    /// Its IPv6 address, if the plan has them (RFC 3849's 2001:db8::/64).
    pub ipv6: Option<Ipv6Addr>,
}

impl Wire {
    /// A wire of the default plan.
    ///
    /// # Errors
    /// See [`Wire::with`].
    pub fn new() -> Result<Self> {
        Self::with(&Plan::default())
    }

    /// A wire of this plan, both ends up and running.
    ///
    /// # Errors
    /// Where the privilege, network namespaces or the veth driver are missing.
    pub fn with(plan: &Plan) -> Result<Self> {
        let (mut near, mut far) = (End::make(plan, "near0", 1)?, End::make(plan, "far0", 2)?);
        near.enter(|| join(plan, &near, &far))??;
        for end in [&mut near, &mut far] {
            end.index = end.enter(|| end.raise(plan))??;
        }
        Ok(Wire { near, far })
    }
}

impl End {
    /// A new namespace, with what its interface will be called.
    fn make(plan: &Plan, name: &'static str, host: u8) -> Result<Self> {
        Ok(End {
            namespace: elsewhere(make_namespace)??,
            name,
            index: 0,
            mac: [2, 0, 0, 0, 0, host],
            ipv4: plan.ipv4.then_some(Ipv4Addr::new(192, 0, 2, host)),
            ipv6: plan.ipv6.then_some(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, host.into())),
        })
    }

    /// Runs `work` in this end's namespace, on a thread of its own. What it opens stays there: a socket that it
    /// returns, a process that it starts.
    ///
    /// # Errors
    /// Where the namespace cannot be entered; what `work` returns is passed on, and so is its panic.
    pub fn enter<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T> {
        elsewhere(|| {
            setns(&self.namespace, CloneFlags::CLONE_NEWNET).sys("setns", || self.cannot("enter"))?;
            Ok(work())
        })?
    }

    /// Puts the calling thread into this end's namespace until what is returned goes away.
    ///
    /// # Errors
    /// Where the namespace cannot be entered.
    pub fn stay(&self) -> Result<Stay> {
        let home = File::open(THREAD_NAMESPACE).sys("open", || format!("cannot open {THREAD_NAMESPACE}"))?;
        setns(&self.namespace, CloneFlags::CLONE_NEWNET).sys("setns", || self.cannot("enter"))?;
        Ok(Stay { home, on: std::marker::PhantomData })
    }

    /// Path under which a process may find the namespace while this one holds it (`nsenter --net=PATH`).
    pub fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.namespace.as_fd().as_raw_fd())
    }

    fn cannot(&self, what: &str) -> String {
        format!("cannot {what} the network namespace of {}", self.name)
    }

    /// Sets addresses, offloads and the interface up, here and for loopback; gives the interface's index.
    fn raise(&self, plan: &Plan) -> Result<u32> {
        let mut route = Route::open().sys("socket(AF_NETLINK)", || self.cannot("set up"))?;
        let index = if_nametoindex(self.name).sys("if_nametoindex", || self.cannot("set up"))?;
        if !plan.offloads {
            self.switch_offloads_off()?;
        }
        // No address but ours: no router is asked for, no neighbour sought.
        let own = Request::new(libc::RTM_NEWLINK, 0).link(index, 0, 0).nest(libc::IFLA_AF_SPEC, |r| {
            r.nest(libc::AF_INET6 as u16, |r| r.attribute(IFLA_INET6_ADDR_GEN_MODE, &[IN6_ADDR_GEN_MODE_NONE]))
        });
        match route.ask(own) {
            // A kernel without IPv6 adds none either.
            Err(r) if r.errno != Errno::EAFNOSUPPORT => {
                return Err(refused(r, "RTM_NEWLINK(IFLA_AF_SPEC)", self.cannot("set up")));
            }
            _ => {}
        }
        let up = |index| Request::new(libc::RTM_NEWLINK, 0).link(index, libc::IFF_UP, libc::IFF_UP);
        // Loopback is the first interface of every namespace.
        for index in [1, index] {
            route.ask(up(index)).map_err(|r| refused(r, "RTM_NEWLINK(IFF_UP)", self.cannot("set up")))?;
        }
        let new = |family, prefix, flags, address: &[u8]| {
            let request = Request::new(libc::RTM_NEWADDR, libc::NLM_F_CREATE | libc::NLM_F_EXCL);
            let request = request.address(family, prefix, flags, index);
            request.attribute(libc::IFA_LOCAL, address).attribute(libc::IFA_ADDRESS, address)
        };
        let ipv4 = self.ipv4.map(|a| new(libc::AF_INET, 24, 0, &a.octets()));
        let ipv6 = self.ipv6.map(|a| new(libc::AF_INET6, 64, libc::IFA_F_NODAD as u8, &a.octets()));
        for request in [ipv4, ipv6].into_iter().flatten() {
            route.ask(request).map_err(|r| refused(r, "RTM_NEWADDR", self.cannot("set up")))?;
        }
        Ok(index)
    }

    fn switch_offloads_off(&self) -> Result<()> {
        let what = || format!("cannot switch offloads of {} off", self.name);
        let any =
            socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None).sys("socket", what)?;
        use Switch::{ReceiveChecksum, ReceiveJoining, ScatterGather, Segmentation, SendChecksum, TcpSegmentation};
        for switch in [TcpSegmentation, Segmentation, ReceiveJoining, ScatterGather, SendChecksum, ReceiveChecksum] {
            match ethtool::set(&any, self.name, switch, false) {
                // What it does not have it does not do.
                Ok(()) | Err(Errno::EOPNOTSUPP) => {}
                Err(errno) => return Err(Error::sys(what(), "ioctl(SIOCETHTOOL)", errno)),
            }
        }
        Ok(())
    }
}

/// A thread's stay in another namespace; it goes home at the end.
#[derive(Debug)]
pub struct Stay {
    home: File,
    /// Not to be sent: it is about one thread.
    on: std::marker::PhantomData<*const ()>,
}

impl Drop for Stay {
    fn drop(&mut self) {
        // It was entered with the very privilege that is asked for here.
        setns(&self.home, CloneFlags::CLONE_NEWNET).expect("the way home from a network namespace");
    }
}

const THREAD_NAMESPACE: &str = "/proc/thread-self/ns/net";

/// Runs `work` on a thread that ends with it.
fn elsewhere<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T> {
    thread::scope(|scope| {
        let what = || "cannot start a thread".to_owned();
        let thread = thread::Builder::new().name("wire".to_owned()).spawn_scoped(scope, work);
        Ok(thread.sys("clone", what)?.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

fn make_namespace() -> Result<File> {
    let denied = |e: Error| match e.errno {
        Some(Errno::EPERM) => e.fix("needs CAP_SYS_ADMIN: run as root"),
        _ => e,
    };
    let what = || "cannot make a network namespace".to_owned();
    unshare(CloneFlags::CLONE_NEWNET).sys("unshare(CLONE_NEWNET)", what).map_err(denied)?;
    File::open(THREAD_NAMESPACE).sys("open", || format!("cannot open {THREAD_NAMESPACE}"))
}

/// Makes the pair, from within the namespace of `near`.
fn join(plan: &Plan, near: &End, far: &End) -> Result<()> {
    let what = || "cannot make a veth pair".to_owned();
    let end = |request: Request, end: &End| {
        request
            .text(libc::IFLA_IFNAME, end.name)
            .attribute(libc::IFLA_ADDRESS, &end.mac)
            .attribute(libc::IFLA_MTU, &plan.mtu.to_ne_bytes())
    };
    let create = libc::NLM_F_CREATE | libc::NLM_F_EXCL;
    let request = end(Request::new(libc::RTM_NEWLINK, create).link(0, 0, 0), near);
    let there = far.namespace.as_fd().as_raw_fd().to_ne_bytes();
    let request = request.nest(libc::IFLA_LINKINFO, |r| {
        r.text(libc::IFLA_INFO_KIND, "veth").nest(libc::IFLA_INFO_DATA, |r| {
            r.nest(VETH_INFO_PEER, |r| end(r.link(0, 0, 0), far).attribute(libc::IFLA_NET_NS_FD, &there))
        })
    });
    let mut route = Route::open().sys("socket(AF_NETLINK)", what)?;
    route.ask(request).map_err(|r| refused(r, "RTM_NEWLINK(veth)", what()))
}

/// What a refusal means here.
fn refused(refused: Refused, call: &'static str, what: String) -> Error {
    use Errno::{EOPNOTSUPP, EPERM};
    let fix = match (&refused.words, refused.errno) {
        (Some(words), _) => Some(format!("the kernel says: {}", words.escape_debug())),
        (None, EPERM) => Some("needs CAP_NET_ADMIN: run as root".to_owned()),
        (None, EOPNOTSUPP) => Some("the kernel has no veth driver: modprobe veth, or CONFIG_VETH".to_owned()),
        _ => None,
    };
    let error = Error::sys(what, call, refused.errno);
    match fix {
        Some(fix) => error.fix(fix),
        None => error,
    }
}
