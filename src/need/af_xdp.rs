//! AF_XDP sockets: the kernel's [AF_XDP](https://docs.kernel.org/networking/af_xdp.html) page.

use super::diagnose::{Asks, answer};
use super::feature::Feature;
use super::{Need, Readiness, capability};
use crate::sys::socket;

/// AF_XDP sockets.
pub static AF_XDP: Need = Need {
    id: "af-xdp",
    title: "AF_XDP sockets",
    serves: "capturing past the network stack, at driver speed",
    probe,
};

fn probe() -> Readiness {
    let asks = Asks {
        features: &[Feature { initcall: "xsk_init", ..Feature::built_in("XDP_SOCKETS") }],
        capabilities: &[capability::NET_RAW],
        gates: &[],
    };
    answer(socket::open(libc::AF_XDP, libc::SOCK_RAW, 0), &AF_XDP, "socket(AF_XDP, SOCK_RAW, 0)", &asks)
}
