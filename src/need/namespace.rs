//! Network namespaces: [network_namespaces(7)](https://man7.org/linux/man-pages/man7/network_namespaces.7.html).

use nix::errno::Errno;
use nix::sched::CloneFlags;

use super::diagnose::{Asks, Gate, answer};
use super::feature::Feature;
use super::{Finding, Fix, Need, Readiness, capability};
use crate::sys::child::{self, Trial};

/// A network of one's own.
pub static NET_NAMESPACE: Need = Need {
    id: "net-namespace",
    title: "network namespaces",
    serves: "traffic that nobody else sees, on interfaces of its own",
    probe,
};

const ASKS: Asks = Asks {
    features: &[Feature::built_in("NET_NS")],
    capabilities: &[capability::SYS_ADMIN],
    gates: &[Gate {
        sysctl: "kernel.unprivileged_userns_clone",
        closes: |v, capable| v == 0 && !capable,
        holder: None,
        open: "1",
        locked: None,
    }],
};

fn probe() -> Readiness {
    let network = CloneFlags::CLONE_NEWNET;
    match child::attempt(Trial::Unshare(network)) {
        Err(Errno::EPERM) => match child::attempt(Trial::Unshare(network | CloneFlags::CLONE_NEWUSER)) {
            Ok(()) => Readiness::Ready(Some("through a user namespace".to_owned())),
            refused => judge(refused, "unshare(CLONE_NEWUSER | CLONE_NEWNET) in a forked child"),
        },
        done => judge(done, "unshare(CLONE_NEWNET) in a forked child"),
    }
}

fn judge(done: nix::Result<()>, call: &str) -> Readiness {
    match done {
        Err(Errno::ENOSPC) => Readiness::Missing(Finding::new(
            &NET_NAMESPACE,
            call,
            Some(Errno::ENOSPC),
            "user.max_net_namespaces or user.max_user_namespaces is reached (0 switches them off)",
            Fix::Do("as root: sysctl user.max_net_namespaces=15000 user.max_user_namespaces=15000".to_owned()),
        )),
        other => answer(other, &NET_NAMESPACE, call, &ASKS),
    }
}
