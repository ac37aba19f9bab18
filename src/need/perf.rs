//! Counters and probes: [perf_event_open(2)](https://man7.org/linux/man-pages/man2/perf_event_open.2.html).

use std::ffi::CStr;
use std::fs;

use nix::errno::Errno;
use nix::unistd::Pid;

use super::diagnose::{Asks, Gate, answer};
use super::feature::Feature;
use super::{Finding, Fix, Need, Readiness, capability};
use crate::sys::perf_event::{self, Counter, Event};

/// Breakpoints in programs that the kernel handles.
pub static UPROBES: Need = Need {
    id: "uprobes",
    title: "uprobes",
    serves: "tracing functions of programs without stopping them",
    probe: || probe("uprobe", c"/syskit/no/such/file", &UPROBES, "UPROBE_EVENTS"),
};

/// Breakpoints in the kernel.
pub static KPROBES: Need = Need {
    id: "kprobes",
    title: "kprobes",
    serves: "tracing functions of the kernel",
    probe: || probe("kprobe", c"syskit_no_such_function", &KPROBES, "KPROBE_EVENTS"),
};

/// Hardware performance counters.
pub static PMU: Need = Need {
    id: "pmu",
    title: "hardware counters",
    serves: "instructions, cycles and cache misses in the why line",
    probe: probe_pmu,
};

const PARANOID: &str = "kernel.perf_event_paranoid";

fn probe(pmu: &str, absent: &CStr, need: &Need, option: &'static str) -> Readiness {
    let file = format!("/sys/bus/event_source/devices/{pmu}/type");
    let asks = Asks {
        features: &[Feature::built_in(option)],
        capabilities: &[capability::SYS_ADMIN, capability::PERFMON],
        gates: &[],
    };
    let kind = match fs::read_to_string(&file) {
        Ok(text) => text.trim().parse().unwrap_or(u32::MAX),
        Err(e) => {
            let errno = e.raw_os_error().map_or(Errno::EIO, Errno::from_raw);
            return answer(Err::<(), _>(errno), need, &format!("open(\"{file}\")"), &asks);
        }
    };
    // A target that does not exist is refused last of all, so nothing has to be planted to see that all else is well.
    let opened = match perf_event::probe(kind, absent, 0) {
        Err(Errno::ENOENT) => Ok(()),
        other => other.map(drop),
    };
    answer(opened, need, &format!("perf_event_open({{type {kind} ({pmu})}}, 0, -1, -1)"), &asks)
}

fn probe_pmu() -> Readiness {
    let call = "perf_event_open({PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, exclude_kernel}, 0, -1, -1)";
    match Counter::open(Event::Instructions, Pid::from_raw(0), true) {
        Err(errno @ (Errno::ENOENT | Errno::EOPNOTSUPP | Errno::ENODEV)) => {
            Readiness::Missing(no_pmu(call, errno, &fs::read_to_string("/proc/cpuinfo").unwrap_or_default()))
        }
        other => answer(other, &PMU, call, &ASKS),
    }
}

/// 3 (a Debian and Android addition) refuses all who lack the capability; 2 leaves their own user-space counters.
const ASKS: Asks = Asks {
    features: &[Feature::built_in("PERF_EVENTS")],
    capabilities: &[],
    gates: &[Gate {
        sysctl: PARANOID,
        closes: |value, capable| value >= 3 && !capable,
        holder: Some(capability::PERFMON),
        open: "2",
        locked: None,
    }],
};

fn no_pmu(call: &str, errno: Errno, cpuinfo: &str) -> Finding {
    let virtual_machine =
        cpuinfo.lines().any(|l| l.starts_with("flags") && l.split_whitespace().any(|w| w == "hypervisor"));
    let (cause, fix) = if virtual_machine {
        (
            "this is a virtual machine whose hypervisor gives it no performance counters",
            "run on hardware, or give the guest a PMU (QEMU with KVM: -cpu host,pmu=on; cloud: a metal instance)",
        )
    } else {
        (
            "the kernel has no driver for this processor's performance counters",
            "a kernel that knows the processor may have them",
        )
    };
    Finding::new(&PMU, call, Some(errno), cause, Fix::CannotBeEnabledHere(fix.to_owned()))
}
