//! Why a probe failed on this host, and what to do about it: pure, from the errno, what the call asks for, and the
//! [`Evidence`].

mod absent;

use nix::errno::Errno;

use super::capability::Capability;
use super::evidence::Evidence;
use super::feature::{Feature, State};
use super::{Finding, Fix, Need, Readiness};

pub use absent::absent;
use absent::{on_the_host, other_kernel};

/// What a probed call asks of the kernel and of this process.
#[derive(Debug, Clone, Copy)]
pub struct Asks<'a> {
    /// Parts of the kernel that must all be there.
    pub features: &'a [Feature],
    /// Capabilities of which one must be held; empty where none is needed.
    pub capabilities: &'a [Capability],
    /// Sysctls that can close it.
    pub gates: &'a [Gate],
}

/// A sysctl that refuses a call.
#[derive(Debug, Clone, Copy)]
pub struct Gate {
    /// Its dotted name.
    pub sysctl: &'static str,
    /// Whether this value refuses a process that has, or has not, the `holder` capability.
    pub closes: fn(value: i64, capable: bool) -> bool,
    /// The capability that passes it, where there is one.
    pub holder: Option<Capability>,
    /// The value to set.
    pub open: &'static str,
    /// A value that cannot be changed until the next boot.
    pub locked: Option<i64>,
}

/// The words of a cause and its remedy, before they are tied to a need.
pub type Reason = (String, Fix);

impl<'a> Asks<'a> {
    /// Nothing but these parts of the kernel.
    pub const fn features(features: &'a [Feature]) -> Self {
        Asks { features, capabilities: &[], gates: &[] }
    }
}

/// Ready if the call went well; else the finding about this host.
pub fn answer<T>(result: nix::Result<T>, need: &Need, call: &str, asks: &Asks) -> Readiness {
    match result {
        Ok(_) => Readiness::Ready(None),
        Err(errno) => Readiness::Missing(explain(need, call, errno, asks, &Evidence::of_this_host())),
    }
}

/// Why `call` gave `errno` on that host.
pub fn explain(need: &Need, call: &str, errno: Errno, asks: &Asks, host: &Evidence) -> Finding {
    let (cause, fix) = reason(errno, asks, host);
    Finding::new(need, call, Some(errno), cause, fix)
}

fn reason(errno: Errno, asks: &Asks, host: &Evidence) -> Reason {
    let refused = matches!(errno, Errno::EPERM | Errno::EACCES);
    let absent = asks.features.iter().find_map(|f| absent(f, &f.state(host), host));
    let closed = || refused.then(|| closed_gate(asks, host)).flatten();
    let lacking = || refused.then(|| lacking_capability(asks, host)).flatten();
    absent
        .or_else(closed)
        .or_else(lacking)
        .or_else(|| host.filtered().then(|| filter(asks, errno, host)))
        .or_else(|| shortage(errno, host))
        .unwrap_or_else(|| unexplained(errno, asks, host))
}

fn closed_gate(asks: &Asks, host: &Evidence) -> Option<Reason> {
    let capable = |gate: &Gate| gate.holder.is_some_and(|c| host.commands(c));
    let gate = asks.gates.iter().find(|g| host.sysctl(g.sysctl).is_some_and(|v| (g.closes)(v, capable(g))))?;
    let value = host.sysctl(gate.sysctl)?;
    let cause = format!("{} is {value}", gate.sysctl);
    if gate.locked == Some(value) {
        let what = format!("{value} lasts until the next boot: find who sets it (/etc/sysctl.d), and reboot");
        return Some((cause, Fix::Do(on_the_host(what, host))));
    }
    let what = format!("as root: sysctl {}={}", gate.sysctl, gate.open);
    Some((cause, Fix::Do(on_the_host(what, host))))
}

fn lacking_capability(asks: &Asks, host: &Evidence) -> Option<Reason> {
    let wanted = asks.capabilities.last()?;
    if !asks.capabilities.iter().any(|c| host.holds(*c)) {
        return Some((format!("this process lacks {}", wanted.name), capability_fix(wanted, host)));
    }
    host.user_namespace.then(|| {
        let cause = format!("this process holds {} only in a user namespace of its own", wanted.name);
        (cause, Fix::Do("run as root outside of that namespace (a rootless container is one)".to_owned()))
    })
}

fn capability_fix(wanted: &Capability, host: &Evidence) -> Fix {
    let lower = wanted.name.to_lowercase();
    let bare = wanted.name.trim_start_matches("CAP_");
    if !wanted.in_mask(host.status.bounding) {
        return Fix::Do(match (&host.unit, &host.container) {
            (_, Some(_)) => format!("start the container with --cap-add={bare}"),
            (Some(unit), _) => {
                format!("as root: systemctl edit {unit}, and add {} to CapabilityBoundingSet=", wanted.name)
            }
            _ => "start it from a process whose bounding set (CapBnd) has it: root cannot regain it here".to_owned(),
        });
    }
    if host.status.no_new_privs {
        return Fix::Do(
            "run as root: no_new_privs is set, so sudo and file capabilities give nothing here".to_owned(),
        );
    }
    Fix::Do(format!("run as root, or once: sudo setcap {lower}+ep {}", host.program))
}

fn filter(asks: &Asks, errno: Errno, host: &Evidence) -> Reason {
    let built = asks.features.iter().find(|f| matches!(f.state(host), State::BuiltIn | State::Loaded));
    let although = built.map_or(String::new(), |f| format!(", although the kernel has CONFIG_{}", f.option));
    let families = match errno {
        Errno::EAFNOSUPPORT => "; systemd's RestrictAddressFamilies= answers so",
        _ => "",
    };
    let cause = format!("a seccomp filter refuses the call{although} (Seccomp: 2 in /proc/self/status){families}");
    (cause, filter_fix(host))
}

/// What to do about a seccomp filter, by who is likely to have set it.
pub fn filter_fix(host: &Evidence) -> Fix {
    Fix::Do(match (&host.container, &host.unit) {
        (Some(kind), _) => format!(
            "start the {kind} container with a profile that allows it: --security-opt seccomp=PROFILE.json (or seccomp=unconfined, to find out)"
        ),
        (None, Some(unit)) => format!(
            "as root: systemctl show -p RestrictAddressFamilies,SystemCallFilter {unit}, and widen what it shows with systemctl edit {unit}"
        ),
        (None, None) => "start syskit outside of the sandbox that set the filter".to_owned(),
    })
}

fn shortage(errno: Errno, host: &Evidence) -> Option<Reason> {
    let (cause, fix) = match errno {
        Errno::EMFILE => ("this process has no file descriptor left (RLIMIT_NOFILE)", "raise it: ulimit -n 65536"),
        Errno::ENFILE => ("the system has no open file left (fs.file-max)", "as root: sysctl fs.file-max=1000000"),
        Errno::ENOMEM => {
            ("the kernel has no memory for it, or RLIMIT_MEMLOCK is too low", "raise it: ulimit -l unlimited")
        }
        _ => return None,
    };
    Some((cause.to_owned(), Fix::Do(on_the_host(fix.to_owned(), host))))
}

/// Says what is known and what is not, rather than guess.
fn unexplained(errno: Errno, asks: &Asks, host: &Evidence) -> Reason {
    let known: Vec<String> =
        asks.features.iter().map(|f| format!("CONFIG_{}: {}", f.option, words(&f.state(host)))).collect();
    let seen = if known.is_empty() { String::new() } else { format!(" ({})", known.join(", ")) };
    if matches!(errno, Errno::EPERM | Errno::EACCES) {
        let module = host
            .lockdown
            .as_ref()
            .map_or("a security module (SELinux, AppArmor, ...)".to_owned(), |m| format!("kernel lockdown ({m})"));
        return (
            format!("no missing capability, sysctl or seccomp filter explains it{seen}: {module} may"),
            Fix::Do("as root: journalctl -k -g 'denied|lockdown' shows who refused".to_owned()),
        );
    }
    let undecided = asks.features.iter().find(|f| f.state(host) == State::Unknown);
    match undecided {
        Some(f) => (
            format!(
                "this kernel ({}) has no CONFIG_{}, it seems; its configuration is not to be read here to be sure",
                host.release, f.option
            ),
            match f.module {
                "" => Fix::CannotBeEnabledHere(other_kernel(host)),
                module => Fix::Do(on_the_host(
                    format!("as root: modprobe {module}; if that finds no module, another kernel is needed"),
                    host,
                )),
            },
        ),
        None => (
            format!("{}{seen}", crate::error::describe(errno)),
            Fix::Do("dmesg may tell more; with strace -f syskit doctor the call can be seen".to_owned()),
        ),
    }
}

fn words(state: &State) -> &'static str {
    match state {
        State::BuiltIn => "built in",
        State::Loaded => "module loaded",
        State::NotBuilt => "not built",
        State::Unknown => "not known",
        _ => "not there",
    }
}

#[cfg(test)]
mod tests;
