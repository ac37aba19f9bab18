//! BPF programs and the kernel's type information: [bpf(2)](https://man7.org/linux/man-pages/man2/bpf.2.html).

use std::fs::File;

use nix::errno::Errno;

use super::diagnose::{Asks, answer};
use super::feature::Feature;
use super::{Need, Readiness, capability};
use crate::sys::bpf::{self, Instruction, Place, Program};
use crate::sys::bpf_probe;

/// Loading BPF programs.
pub static BPF: Need =
    Need { id: "bpf", title: "BPF programs", serves: "filters and probes that run in the kernel", probe: probe_bpf };

/// Programs on the packets of a control group.
pub static BPF_CGROUP: Need = Need {
    id: "bpf-cgroup",
    title: "BPF programs on control groups",
    serves: "capturing what one command sends and receives (sniff --exec), naming the process behind a packet (--who)",
    probe: probe_cgroup,
};

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

fn probe_cgroup() -> Readiness {
    let asks = Asks {
        features: &[Feature::built_in("BPF_SYSCALL"), Feature::built_in("CGROUP_BPF")],
        capabilities: &[capability::SYS_ADMIN, capability::BPF],
        gates: &[],
    };
    // return 1: the packet passes.
    let pass = |code, immediate| Instruction { code, registers: 0, offset: 0, immediate };
    let loaded = bpf::load(Program::CgroupPacket, Place::Egress, &[pass(0xb7, 1), pass(0x95, 0)]);
    answer(loaded, &BPF_CGROUP, "bpf(BPF_PROG_LOAD, {BPF_PROG_TYPE_CGROUP_SKB, return 1})", &asks)
}

fn probe_btf() -> Readiness {
    let opened =
        File::open("/sys/kernel/btf/vmlinux").map_err(|e| e.raw_os_error().map_or(Errno::EIO, Errno::from_raw));
    let features = [Feature::built_in("DEBUG_INFO_BTF")];
    answer(opened, &BTF, "open(\"/sys/kernel/btf/vmlinux\")", &Asks::features(&features))
}
