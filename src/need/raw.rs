//! Raw sockets: [raw(7)](https://man7.org/linux/man-pages/man7/raw.7.html).

use super::diagnose::{Asks, answer};
use super::{Need, Readiness, capability};
use crate::sys::socket;

/// Raw IPv4 sockets.
pub static NET_RAW: Need = Need {
    id: "net-raw",
    title: "raw IPv4 sockets",
    serves: "sniffing and sending below TCP and UDP: socket(AF_INET, SOCK_RAW)",
    probe,
};

fn probe() -> Readiness {
    let asks = Asks { features: &[], capabilities: &[capability::NET_RAW], gates: &[] };
    let opened = socket::open(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_TCP);
    answer(opened, &NET_RAW, "socket(AF_INET, SOCK_RAW, IPPROTO_TCP)", &asks)
}
