//! Packet sockets and their ring: [packet(7)](https://man7.org/linux/man-pages/man7/packet.7.html).

use nix::errno::Errno;

use super::diagnose::{Asks, answer};
use super::feature::Feature;
use super::{Need, Readiness, capability};
use crate::sys::socket;

/// Packet sockets: whole frames, as the driver has them.
pub static PACKET_SOCKET: Need = Need {
    id: "packet-socket",
    title: "packet sockets",
    serves: "capturing and sending whole frames: socket(AF_PACKET, SOCK_RAW)",
    probe: probe_socket,
};

/// The mapped receive ring of version 3.
pub static PACKET_RING: Need = Need {
    id: "packet-ring",
    title: "packet ring (TPACKET_V3)",
    serves: "capturing without a copy and a system call per frame",
    probe: probe_ring,
};

const ASKS: Asks = Asks {
    features: &[Feature { option: "PACKET", module: "af_packet", by_alias: true, initcall: "packet_init" }],
    capabilities: &[capability::NET_RAW],
    gates: &[],
};
const OPEN: &str = "socket(AF_PACKET, SOCK_RAW, 0)";

/// Protocol 0: no frame is queued on it.
fn open() -> nix::Result<std::os::fd::OwnedFd> {
    socket::open(libc::AF_PACKET, libc::SOCK_RAW, 0)
}

/// The kernel takes some ten milliseconds to close a packet socket (synchronize_net), which would show in `list`. It looks
/// at the type last, after family, filters and capability: a type that the family lacks tells as much, and makes nothing.
fn allowed() -> bool {
    let no_such_type = socket::open(libc::AF_PACKET, libc::SOCK_SEQPACKET, 0);
    matches!(no_such_type, Ok(_) | Err(Errno::ESOCKTNOSUPPORT))
}

fn probe_socket() -> Readiness {
    if allowed() { Readiness::Ready(None) } else { answer(open(), &PACKET_SOCKET, OPEN, &ASKS) }
}

fn probe_ring() -> Readiness {
    match open() {
        Ok(opened) => {
            // A ring is not made, since the kernel waits tens of milliseconds before it lets go of one.
            let version = libc::tpacket_versions::TPACKET_V3 as i32;
            let set = socket::set_int(opened, libc::SOL_PACKET, libc::PACKET_VERSION, version);
            answer(set, &PACKET_RING, "setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V3)", &ASKS)
        }
        refused => answer(refused, &PACKET_RING, OPEN, &ASKS),
    }
}
