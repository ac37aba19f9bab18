//! What this host tells about itself, gathered only after a probe has failed: [`super::diagnose`] reasons over it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::capability::Capability;
use super::feature::NoLoading;
use super::kconfig::{self, Config};
use super::modprobe::{self, Rule};

/// The facts that a diagnosis may rest on. `Default` is a host that tells nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evidence {
    /// `uname -r`.
    pub release: String,
    /// The configuration of the running kernel, where it is to be had.
    pub config: Option<Config>,
    /// /proc/modules; `None` where the kernel has no such file: it was built without loadable modules.
    pub modules: Option<String>,
    /// The lists under /lib/modules/RELEASE, where that exists.
    pub module_lists: Option<ModuleLists>,
    /// The rules of modprobe.d(5).
    pub rules: Vec<Rule>,
    /// /proc/cmdline: the kernel command line.
    pub cmdline: String,
    /// /proc/crypto: the algorithms that are registered.
    pub crypto: String,
    /// What /proc/self/status says of this process's powers.
    pub status: Status,
    /// Sysctls by their dotted name; those that this kernel lacks are absent.
    pub sysctls: BTreeMap<String, String>,
    /// The active mode of /sys/kernel/security/lockdown, other than "none".
    pub lockdown: Option<String>,
    /// The systemd unit (a service) that this process runs in.
    pub unit: Option<String>,
    /// The kind of container that this process runs in.
    pub container: Option<String>,
    /// Whether this process is in a user namespace of its own, so that its capabilities count only there.
    pub user_namespace: bool,
    /// The program that runs.
    pub program: String,
}

/// modules.dep(5) and modules.builtin of the running kernel.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModuleLists {
    /// modules.dep: `path: dependencies` lines.
    pub dep: String,
    /// modules.builtin: a path a line.
    pub builtin: String,
}

/// Lines of /proc/PID/status.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Status {
    /// Effective user id.
    pub euid: u32,
    /// `CapEff`: what this process may do.
    pub effective: u64,
    /// `CapBnd`: what it could ever get.
    pub bounding: u64,
    /// `NoNewPrivs`: set-user-id and file capabilities give nothing.
    pub no_new_privs: bool,
    /// `Seccomp`: 0 none, 1 strict, 2 filter.
    pub seccomp: u8,
}

/// The sysctls that can close something we probe, or bound it.
const SYSCTLS: &[&str] = &[
    "crypto.fips_enabled",
    "kernel.apparmor_restrict_unprivileged_userns",
    "kernel.io_uring_disabled",
    "kernel.keys.maxbytes",
    "kernel.keys.maxkeys",
    "kernel.keys.root_maxbytes",
    "kernel.keys.root_maxkeys",
    "kernel.modules_disabled",
    "kernel.perf_event_paranoid",
    "kernel.unprivileged_bpf_disabled",
    "kernel.unprivileged_userns_clone",
    "kernel.yama.ptrace_scope",
    "net.core.optmem_max",
    "net.core.rmem_max",
    "net.core.wmem_default",
    "net.core.wmem_max",
    "user.max_net_namespaces",
    "user.max_user_namespaces",
    "vm.unprivileged_userfaultfd",
];

impl Evidence {
    /// This host's, as it is now. What a probe can change (it makes the kernel load modules) is read anew each time, the
    /// rest at the first call.
    pub fn of_this_host() -> Evidence {
        static HOST: OnceLock<Evidence> = OnceLock::new();
        let root = Path::new("/");
        let host = HOST.get_or_init(|| {
            let release = nix::sys::utsname::uname().map(|u| u.release().to_string_lossy().into_owned());
            Self::gather(root, &release.unwrap_or_default())
        });
        let crypto = read(&root.join("proc/crypto")).unwrap_or_default();
        Evidence { modules: read(&root.join("proc/modules")), crypto, ..host.clone() }
    }

    /// What the files under `root` tell of a kernel of this `release`. What cannot be read is left out.
    pub fn gather(root: &Path, release: &str) -> Evidence {
        let text = |path: &str| read(&root.join(path)).unwrap_or_default();
        let sysctl = |name: &&str| {
            let path = format!("proc/sys/{}", name.replace('.', "/"));
            Some(((*name).to_owned(), read(&root.join(path))?.trim().to_owned()))
        };
        Evidence {
            release: release.to_owned(),
            config: config(root, release),
            modules: read(&root.join("proc/modules")),
            module_lists: module_lists(root, release),
            rules: modprobe::rules_under(root),
            cmdline: text("proc/cmdline"),
            crypto: text("proc/crypto"),
            status: Status::parse(&text("proc/self/status")),
            sysctls: SYSCTLS.iter().filter_map(sysctl).collect(),
            lockdown: lockdown(&text("sys/kernel/security/lockdown")),
            unit: unit(&text("proc/self/cgroup")),
            container: container(root, &text("proc/1/environ")),
            user_namespace: !is_initial_user_namespace(&text("proc/self/uid_map")),
            program: std::env::current_exe().map_or("syskit".to_owned(), |p| p.display().to_string()),
        }
    }

    /// Whether the module is in /proc/modules.
    pub fn module_loaded(&self, module: &str) -> bool {
        let first = |line: &str| line.split_whitespace().next().map(str::to_owned);
        self.modules.as_deref().unwrap_or("").lines().filter_map(first).any(|m| m == module)
    }

    /// Why no module at all can be loaded, if that is so.
    pub fn no_loading(&self) -> Option<NoLoading> {
        if self.modules.is_none() {
            return Some(NoLoading::NotBuilt);
        }
        if self.cmdline.split_whitespace().any(|w| w == "nomodule") {
            return Some(NoLoading::CommandLine);
        }
        (self.sysctl("kernel.modules_disabled") == Some(1)).then_some(NoLoading::Sysctl)
    }

    /// Whether /lib/modules/RELEASE lists a file for the module.
    pub fn has_module_file(&self, module: &str) -> bool {
        let dep = self.module_lists.as_ref().map_or("", |l| &l.dep);
        dep.lines().any(|line| line.split(':').next().is_some_and(|path| is_module(path, module)))
    }

    /// Whether /lib/modules/RELEASE says that the module is built in.
    pub fn is_builtin(&self, module: &str) -> bool {
        let builtin = self.module_lists.as_ref().map_or("", |l| &l.builtin);
        builtin.lines().any(|path| is_module(path, module))
    }

    /// Whether `initcall_blacklist=` names the init function.
    pub fn initcall_blocked(&self, initcall: &str) -> bool {
        let lists = self.cmdline.split_whitespace().filter_map(|w| w.strip_prefix("initcall_blacklist="));
        !initcall.is_empty() && lists.flat_map(|l| l.split(',')).any(|name| name == initcall)
    }

    /// The value of a sysctl that is a number.
    pub fn sysctl(&self, name: &str) -> Option<i64> {
        self.sysctls.get(name)?.parse().ok()
    }

    /// Whether this process holds the capability.
    pub fn holds(&self, capability: Capability) -> bool {
        capability.in_mask(self.status.effective)
    }

    /// Whether this process holds the capability where the kernel asks for it: not merely in a user namespace of its own.
    pub fn commands(&self, capability: Capability) -> bool {
        self.holds(capability) && !self.user_namespace
    }

    /// Whether a seccomp filter judges this process's system calls.
    pub fn filtered(&self) -> bool {
        self.status.seccomp == 2
    }
}

impl Status {
    /// This process's.
    pub fn of_this_process() -> Status {
        Status::parse(&read(Path::new("/proc/self/status")).unwrap_or_default())
    }

    /// Reads the text of /proc/PID/status; what is not there stays zero.
    pub fn parse(text: &str) -> Status {
        let field = |name: &str| {
            let found = text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(':'));
            found.unwrap_or("").trim()
        };
        let mask = |name| u64::from_str_radix(field(name), 16).unwrap_or(0);
        Status {
            euid: field("Uid").split_whitespace().nth(1).and_then(|n| n.parse().ok()).unwrap_or(u32::MAX),
            effective: mask("CapEff"),
            bounding: mask("CapBnd"),
            no_new_privs: field("NoNewPrivs") == "1",
            seccomp: field("Seccomp").parse().unwrap_or(0),
        }
    }
}

fn read(path: &Path) -> Option<String> {
    fs::read(path).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// The running kernel's own copy first, then what its package left on disk.
fn config(root: &Path, release: &str) -> Option<Config> {
    let packed = fs::read(root.join("proc/config.gz")).ok().and_then(|bytes| kconfig::gunzip(&bytes));
    if let Some(text) = packed {
        return Some(Config { source: "/proc/config.gz".to_owned(), text });
    }
    let places = [format!("boot/config-{release}"), format!("lib/modules/{release}/config")];
    places.iter().find_map(|place| Some(Config { source: format!("/{place}"), text: read(&root.join(place))? }))
}

fn module_lists(root: &Path, release: &str) -> Option<ModuleLists> {
    let folder: PathBuf = root.join("lib/modules").join(release);
    let list = |name: &str| read(&folder.join(name)).unwrap_or_default();
    folder.is_dir().then(|| ModuleLists { dep: list("modules.dep"), builtin: list("modules.builtin") })
}

/// Whether a path like `kernel/crypto/af_alg.ko.xz` is the module's file.
fn is_module(path: &str, module: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.split_once(".ko").is_some_and(|(name, _)| name.replace('-', "_") == module)
}

/// `none [integrity] confidentiality` is "integrity"; `None` for `[none]`.
fn lockdown(text: &str) -> Option<String> {
    let (_, rest) = text.split_once('[')?;
    let (mode, _) = rest.split_once(']')?;
    (mode != "none").then(|| mode.to_owned())
}

/// The innermost `.service` of a cgroup path.
fn unit(cgroup: &str) -> Option<String> {
    let mut parts = cgroup.lines().flat_map(|l| l.split('/'));
    parts.rfind(|part| part.ends_with(".service")).map(str::to_owned)
}

/// The initial process namespace has a fixed number (PROC_PID_INIT_INO): what runs there is in no container, whatever
/// marks an unpacked image has left in its root folder.
const INITIAL_PID_NAMESPACE: &str = "pid:[4026531836]";

fn container(root: &Path, init_environment: &str) -> Option<String> {
    if fs::read_link(root.join("proc/self/ns/pid")).is_ok_and(|ns| ns.as_os_str() == INITIAL_PID_NAMESPACE) {
        return None;
    }
    let said = init_environment.split('\0').find_map(|v| v.strip_prefix("container="));
    match said {
        Some(kind) if !kind.is_empty() => Some(kind.to_owned()),
        _ if root.join(".dockerenv").exists() => Some("docker".to_owned()),
        _ if root.join("run/.containerenv").exists() => Some("podman".to_owned()),
        _ if root.join("var/run/secrets/kubernetes.io").exists() => Some("kubernetes".to_owned()),
        _ => None,
    }
}

/// The initial user namespace maps all ids to themselves. An unreadable map tells nothing and counts as initial.
fn is_initial_user_namespace(uid_map: &str) -> bool {
    let words: Vec<&str> = uid_map.split_whitespace().collect();
    words.is_empty() || words == ["0", "0", "4294967295"]
}

#[cfg(test)]
mod tests;
