//! Memory: [memfd_create(2)](https://man7.org/linux/man-pages/man2/memfd_create.2.html),
//! [userfaultfd(2)](https://man7.org/linux/man-pages/man2/userfaultfd.2.html).

use nix::errno::Errno;
use nix::sys::memfd::{MFdFlags, memfd_create};

use super::diagnose::{Asks, Gate, answer};
use super::feature::Feature;
use super::{Need, Readiness, capability};
use crate::sys::userfault;

/// Files in memory, without a name.
pub static MEMFD: Need = Need {
    id: "memfd",
    title: "memory files",
    serves: "files without a name or a disk: memfd_create",
    probe: probe_memfd,
};

/// Page faults handled in user space.
pub static USERFAULTFD: Need = Need {
    id: "userfaultfd",
    title: "userfaultfd",
    serves: "handling page faults in user space",
    probe: probe_userfaultfd,
};

fn probe_memfd() -> Readiness {
    let features = [Feature::built_in("MEMFD_CREATE")];
    let made = memfd_create("syskit", MFdFlags::MFD_CLOEXEC);
    answer(made, &MEMFD, "memfd_create(\"syskit\", MFD_CLOEXEC)", &Asks::features(&features))
}

const ASKS: Asks<'static> =
    Asks { features: &[Feature::built_in("USERFAULTFD")], capabilities: &[capability::SYS_PTRACE], gates: &[] };

fn probe_userfaultfd() -> Readiness {
    match userfault::open(true) {
        // Before Linux 5.11 there was no mode of its own for the unprivileged.
        Err(Errno::EINVAL) => answer(userfault::open(false), &USERFAULTFD, "userfaultfd(O_CLOEXEC)", &OLDER),
        other => answer(other, &USERFAULTFD, "userfaultfd(O_CLOEXEC | UFFD_USER_MODE_ONLY)", &ASKS),
    }
}

const OLDER: Asks<'static> = Asks {
    gates: &[Gate {
        sysctl: "vm.unprivileged_userfaultfd",
        closes: |value, capable| value == 0 && !capable,
        holder: Some(capability::SYS_PTRACE),
        open: "1",
        locked: None,
    }],
    ..ASKS
};
