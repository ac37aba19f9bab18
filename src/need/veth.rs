//! Network namespaces of this process's own, joined by a virtual cable:
//! [veth(4)](https://man7.org/linux/man-pages/man4/veth.4.html).

use nix::errno::Errno;
use nix::sched::CloneFlags;

use super::diagnose::{Asks, answer};
use super::feature::Feature;
use super::{Need, Readiness, capability};
use crate::netlink::{Refused, Request, Route};
use crate::sys::child::{self, Trial};

/// A wire between two network namespaces, entered by threads of this process. A user namespace is no way to it: only a
/// process with one thread can enter one.
pub static VETH: Need = Need {
    id: "veth",
    title: "veth pairs between network namespaces",
    serves: "recipes and races on a wire where nobody else talks",
    probe,
};

const NAMESPACE: Asks =
    Asks { features: &[Feature::built_in("NET_NS")], capabilities: &[capability::SYS_ADMIN], gates: &[] };
const PAIR: Asks = Asks {
    features: &[Feature { option: "VETH", module: "veth", by_alias: true, initcall: "veth_init" }],
    capabilities: &[capability::NET_ADMIN],
    gates: &[],
};

fn probe() -> Readiness {
    let made = child::attempt(Trial::Unshare(CloneFlags::CLONE_NEWNET));
    match answer(made, &VETH, "unshare(CLONE_NEWNET) in a forked child", &NAMESPACE) {
        Readiness::Ready(_) => answer(pair(), &VETH, "RTM_NEWLINK of a veth pair", &PAIR),
        missing => missing,
    }
}

/// The driver looks at the hardware address first: one that no device can have tells that it is there, and makes nothing.
fn pair() -> nix::Result<()> {
    let multicast = [1, 0, 0, 0, 0, 0];
    let create = libc::NLM_F_CREATE | libc::NLM_F_EXCL;
    let request = Request::new(libc::RTM_NEWLINK, create).link(0, 0, 0).attribute(libc::IFLA_ADDRESS, &multicast);
    let request = request.nest(libc::IFLA_LINKINFO, |r| r.text(libc::IFLA_INFO_KIND, "veth"));
    match Route::open()?.ask(request) {
        Ok(()) | Err(Refused { errno: Errno::EADDRNOTAVAIL, .. }) => Ok(()),
        Err(refused) => Err(refused.errno),
    }
}
