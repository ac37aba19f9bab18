//! Why a part of the kernel is not there, and what brings it.

use super::super::evidence::Evidence;
use super::super::feature::{Feature, NoLoading, State};
use super::super::modprobe::{Block, RuleKind};
use super::{Fix, Reason};

/// The reason why a part of the kernel is not there, if its state says that it is not.
pub fn absent(feature: &Feature, state: &State, host: &Evidence) -> Option<Reason> {
    let option = feature.option;
    let module = feature.module;
    let source = host.config.as_ref().map_or(String::new(), |c| format!(" ({})", c.source));
    match state {
        State::BuiltIn | State::Loaded | State::Unknown => None,
        State::NotBuilt => Some((
            format!("this kernel ({}) was built without CONFIG_{option}{source}", host.release),
            Fix::CannotBeEnabledHere(other_kernel(host)),
        )),
        State::InitcallBlocked => Some(initcall_blocked(feature)),
        State::Blocked(block) => Some(blocked(module, block)),
        State::NoLoading(why) => {
            let (cause, fix) = no_loading(*why, host);
            Some((format!("CONFIG_{option}=m{source}, but {cause}"), fix))
        }
        State::NoFile => {
            Some((format!("module {module} is not under /lib/modules/{}", host.release), no_file_fix(module, host)))
        }
        State::NotLoaded => Some((
            format!("module {module} is there (/lib/modules/{}) but not loaded", host.release),
            Fix::Do(on_the_host(format!("as root: modprobe {module}"), host)),
        )),
    }
}

pub(super) fn other_kernel(host: &Evidence) -> String {
    let closed = match host.modules {
        Some(_) => "no setting changes what a kernel was built with",
        None => "it cannot load modules either",
    };
    format!("{closed}; boot a kernel that has it, or run the same command in the lab (scripts/lab CMD)")
}

fn no_file_fix(module: &str, host: &Evidence) -> Fix {
    match &host.container {
        Some(kind) => Fix::Do(format!("as root on the host of this {kind} container: modprobe {module}")),
        None => Fix::Do(format!(
            "install the package with the modules of the running kernel (Debian: linux-image-{0}; Ubuntu: linux-modules-extra-{0}), or reboot if \
             the kernel was just upgraded; then as root: modprobe {module}",
            host.release
        )),
    }
}

pub(super) fn on_the_host(what: String, host: &Evidence) -> String {
    match &host.container {
        Some(kind) => format!("{what} (on the host of this {kind} container)"),
        None => what,
    }
}

fn blocked(module: &str, block: &Block) -> Reason {
    let (why, caution) = advisory(module);
    match block {
        Block::Rule(rule) => {
            let said = match &rule.kind {
                RuleKind::Install(command) => format!("install {} {command}", rule.module),
                RuleKind::Blacklist => format!("blacklist {}", rule.module),
            };
            (
                format!(
                    "module {module} is blocked by the modprobe rule \"{said}\" in {} line {}{why}",
                    rule.file, rule.line
                ),
                Fix::Do(format!("remove that line{caution}, then as root: modprobe {module}")),
            )
        }
        Block::CommandLine(word) => (
            format!("module {module} is blocked by {word} on the kernel command line (/proc/cmdline){why}"),
            Fix::Do(format!("remove it from the boot loader's configuration{caution}, then reboot")),
        ),
    }
}

fn initcall_blocked(feature: &Feature) -> Reason {
    let initcall = feature.initcall;
    let (why, caution) = advisory(feature.module);
    (
        format!(
            "initcall_blacklist={initcall} on the kernel command line keeps it from starting (/proc/cmdline){why}"
        ),
        Fix::Do(format!("take {initcall} out of it in the boot loader's configuration{caution}, then reboot")),
    )
}

/// What to know of a module that many administrators block on purpose: CVE-2026-31431 ("Copy Fail").
fn advisory(module: &str) -> (&'static str, &'static str) {
    match module {
        "algif_aead" => (
            ", the usual answer to CVE-2026-31431",
            " (first make sure that the kernel has the fix of CVE-2026-31431)",
        ),
        _ => ("", ""),
    }
}

fn no_loading(why: NoLoading, host: &Evidence) -> Reason {
    match why {
        NoLoading::NotBuilt => (
            "this kernel has no loadable modules (there is no /proc/modules)".to_owned(),
            Fix::CannotBeEnabledHere(other_kernel(host)),
        ),
        NoLoading::CommandLine => (
            "the kernel command line says nomodule (/proc/cmdline)".to_owned(),
            Fix::Do("take nomodule out of the boot loader's configuration, then reboot".to_owned()),
        ),
        NoLoading::Sysctl => (
            "kernel.modules_disabled is 1, which lasts until the next boot".to_owned(),
            Fix::Do(on_the_host(
                "reboot, and load it before anything sets kernel.modules_disabled (/etc/sysctl.d)".to_owned(),
                host,
            )),
        ),
    }
}
