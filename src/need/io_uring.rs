//! io_uring: [io_uring_setup(2)](https://man7.org/linux/man-pages/man2/io_uring_setup.2.html).

use nix::errno::Errno;

use super::diagnose::{Asks, Gate, answer};
use super::feature::Feature;
use super::{Need, Readiness, capability};

/// io_uring.
pub static IO_URING: Need =
    Need { id: "io-uring", title: "io_uring", serves: "asynchronous files and sockets with few system calls", probe };

/// 2 refuses everyone; 1 refuses who lacks CAP_SYS_ADMIN and is not in kernel.io_uring_group (since Linux 6.6).
fn closes(value: i64, capable: bool) -> bool {
    value == 2 || value == 1 && !capable
}

const ASKS: Asks = Asks {
    features: &[Feature::built_in("IO_URING")],
    capabilities: &[],
    gates: &[Gate {
        sysctl: "kernel.io_uring_disabled",
        closes,
        holder: Some(capability::SYS_ADMIN),
        open: "0",
        locked: None,
    }],
};

fn probe() -> Readiness {
    let made = io_uring::IoUring::new(1).map_err(|e| e.raw_os_error().map_or(Errno::EIO, Errno::from_raw));
    answer(made, &IO_URING, "io_uring_setup(1, {})", &ASKS)
}
