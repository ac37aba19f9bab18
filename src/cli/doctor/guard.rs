//! Probing under a seccomp filter that may kill: systemd's SystemCallFilter= does so by default.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use crate::need::evidence::{Evidence, Status};
use crate::need::{Finding, Need, Readiness, diagnose};

/// Set for the process that tries a probe, so that it does not start one itself.
const TRYING: &str = "SYSKIT_DOCTOR_TRYING";

/// Probes the need; where a filter is at work, another process goes first to see whether one comes back from it.
pub(super) fn probe(need: &Need) -> Readiness {
    let guarded = Status::of_this_process().seccomp == 2 && std::env::var_os(TRYING).is_none();
    if guarded && killed(need.id) {
        return Readiness::Missing(killing_filter(need, &Evidence::of_this_host()));
    }
    need.probe()
}

/// Whether SIGSYS ends a process that probes it. If none can be started there is nothing to learn.
fn killed(id: &str) -> bool {
    let tried = Command::new("/proc/self/exe")
        .args(["doctor", id])
        .env(TRYING, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    tried.is_ok_and(|status| status.signal() == Some(libc::SIGSYS))
}

fn killing_filter(need: &Need, host: &Evidence) -> Finding {
    let cause = "a seccomp filter kills the process that makes a call of this probe (SIGSYS; Seccomp: 2 in /proc/self/status)";
    Finding::new(need, format!("the probe of {}", need.id), None, cause, diagnose::filter_fix(host))
}
