//! Packet sockets and their ring: [packet(7)](https://man7.org/linux/man-pages/man7/packet.7.html).

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

fn probe_socket() -> Readiness {
    answer(open(), &PACKET_SOCKET, OPEN, &ASKS)
}

fn probe_ring() -> Readiness {
    match open() {
        Ok(opened) => {
            let call = "setsockopt(SOL_PACKET, PACKET_RX_RING, TPACKET_V3, one block of 64 KiB)";
            answer(socket::set_ring_v3(opened, 64 << 10, 1), &PACKET_RING, call, &ASKS)
        }
        refused => answer(refused, &PACKET_RING, OPEN, &ASKS),
    }
}
