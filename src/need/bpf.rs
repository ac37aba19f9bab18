//! BPF programs and the kernel's type information: [bpf(2)](https://man7.org/linux/man-pages/man2/bpf.2.html).

use std::fs::File;

use nix::errno::Errno;

use super::diagnose::{Asks, answer};
use super::feature::Feature;
use super::{Need, Readiness, capability};
use crate::sys::bpf_probe;

/// Loading BPF programs.
pub static BPF: Need =
    Need { id: "bpf", title: "BPF programs", serves: "filters and probes that run in the kernel", probe: probe_bpf };

/// The kernel's type information.
pub static BTF: Need = Need {
    id: "btf",
    title: "kernel type information (BTF)",
    serves: "BPF programs that fit any kernel",
    probe: probe_btf,
};

fn probe_bpf() -> Readiness {
    let asks = Asks {
        features: &[Feature::built_in("BPF_SYSCALL")],
        capabilities: &[capability::SYS_ADMIN, capability::BPF],
        gates: &[],
    };
    answer(bpf_probe::load_empty_filter(), &BPF, "bpf(BPF_PROG_LOAD, {BPF_PROG_TYPE_SOCKET_FILTER, return 0})", &asks)
}

fn probe_btf() -> Readiness {
    let opened =
        File::open("/sys/kernel/btf/vmlinux").map_err(|e| e.raw_os_error().map_or(Errno::EIO, Errno::from_raw));
    let features = [Feature::built_in("DEBUG_INFO_BTF")];
    answer(opened, &BTF, "open(\"/sys/kernel/btf/vmlinux\")", &Asks::features(&features))
}
