//! Tracing an own child: [ptrace(2)](https://man7.org/linux/man-pages/man2/ptrace.2.html).

use super::diagnose::{Asks, Gate, answer};
use super::{Need, Readiness, capability};
use crate::sys::child::{self, Trial};

/// Tracing a child of this process.
pub static PTRACE: Need = Need {
    id: "ptrace",
    title: "tracing a child",
    serves: "counting system calls, breakpoints, reading registers: ptrace",
    probe,
};

/// Yama: 2 takes the capability even for a child, 3 refuses everyone until the next boot.
fn closes(value: i64, capable: bool) -> bool {
    value >= 3 || value == 2 && !capable
}

const ASKS: Asks = Asks {
    features: &[],
    capabilities: &[],
    gates: &[Gate {
        sysctl: "kernel.yama.ptrace_scope",
        closes,
        holder: Some(capability::SYS_PTRACE),
        open: "1",
        locked: Some(3),
    }],
};

fn probe() -> Readiness {
    answer(child::attempt(Trial::TraceMe), &PTRACE, "ptrace(PTRACE_TRACEME) in a forked child", &ASKS)
}
