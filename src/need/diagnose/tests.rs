//! What refusals mean, on made-up hosts.

use super::super::capability::{BPF, NET_RAW, PERFMON, SYS_ADMIN, SYS_PTRACE};
use super::super::kconfig::Config;
use super::*;

static NEED: Need = Need { id: "made-up", title: "t", serves: "s", probe: || Readiness::Ready(None) };
const PACKET: Feature = Feature { option: "PACKET", module: "af_packet", by_alias: true, initcall: "packet_init" };
const PACKETS: Asks<'static> = Asks { features: &[PACKET], capabilities: &[NET_RAW], gates: &[] };
const RING: Asks<'static> = Asks {
    features: &[],
    capabilities: &[],
    gates: &[Gate {
        sysctl: "kernel.io_uring_disabled",
        closes: |value, capable| value == 2 || value == 1 && !capable,
        holder: Some(SYS_ADMIN),
        open: "0",
        locked: None,
    }],
};

/// Root on a kernel with what PACKETS asks for.
fn root() -> Evidence {
    let mut host = Evidence {
        release: "6.1.0".to_owned(),
        config: Some(Config { source: "/proc/config.gz".to_owned(), text: "CONFIG_PACKET=y\n".to_owned() }),
        modules: Some(String::new()),
        program: "/usr/bin/syskit".to_owned(),
        ..Evidence::default()
    };
    host.status.effective = u64::MAX;
    host.status.bounding = u64::MAX;
    host
}

fn user() -> Evidence {
    let mut host = root();
    host.status.effective = 0;
    host
}

#[track_caller]
fn says(errno: Errno, asks: &Asks, host: &Evidence, cause: &str, fix: &str) -> Finding {
    let finding = explain(&NEED, "call()", errno, asks, host);
    assert!(finding.cause.contains(cause), "cause lacks '{cause}': {finding}");
    assert!(finding.fix.to_string().contains(fix), "fix lacks '{fix}': {finding}");
    finding
}

#[test]
fn a_missing_capability_is_named_with_the_command_that_gives_it() {
    let fix = "sudo setcap cap_net_raw+ep /usr/bin/syskit";
    assert!(says(Errno::EPERM, &PACKETS, &user(), "lacks CAP_NET_RAW", fix).denied);
}

#[test]
fn the_fix_for_a_capability_is_one_that_works_where_the_process_runs() {
    let mut host = user();
    host.status.no_new_privs = true;
    says(Errno::EPERM, &PACKETS, &host, "lacks CAP_NET_RAW", "no_new_privs is set");
    host.status.bounding = 0;
    says(Errno::EPERM, &PACKETS, &host, "lacks CAP_NET_RAW", "bounding set");
    host.unit = Some("x.service".to_owned());
    says(Errno::EPERM, &PACKETS, &host, "lacks CAP_NET_RAW", "systemctl edit x.service");
    host.container = Some("podman".to_owned());
    says(Errno::EPERM, &PACKETS, &host, "lacks CAP_NET_RAW", "--cap-add=NET_RAW");
}

#[test]
fn one_of_several_capabilities_is_enough_and_the_last_is_the_one_to_ask_for() {
    let asks = Asks { capabilities: &[SYS_ADMIN, PERFMON], ..PACKETS };
    says(Errno::EACCES, &asks, &user(), "lacks CAP_PERFMON", "cap_perfmon+ep");
    let mut host = user();
    host.status.effective = 1 << SYS_ADMIN.bit;
    let finding = explain(&NEED, "call()", Errno::EACCES, &asks, &host);
    assert!(!finding.cause.contains("lacks"), "{finding}");
}

#[test]
fn a_capability_in_a_user_namespace_is_not_enough() {
    let mut host = root();
    host.user_namespace = true;
    says(Errno::EPERM, &PACKETS, &host, "only in a user namespace", "outside of that namespace");
}

#[test]
fn a_sysctl_that_refuses_is_named_with_its_value_and_the_one_to_set() {
    let with = |value: &str, mut host: Evidence| {
        host.sysctls.insert("kernel.io_uring_disabled".to_owned(), value.to_owned());
        host
    };
    let fix = "sysctl kernel.io_uring_disabled=0";
    says(Errno::EPERM, &RING, &with("2", root()), "kernel.io_uring_disabled is 2", fix);
    says(Errno::EPERM, &RING, &with("1", user()), "kernel.io_uring_disabled is 1", fix);
    let mut filtered = with("1", root());
    filtered.status.seccomp = 2;
    says(Errno::EPERM, &RING, &filtered, "seccomp filter", "sandbox");
}

#[test]
fn a_sysctl_that_locked_itself_asks_for_a_reboot() {
    let gate = Gate {
        sysctl: "kernel.yama.ptrace_scope",
        closes: |value, _| value >= 3,
        holder: Some(SYS_PTRACE),
        open: "1",
        locked: Some(3),
    };
    let asks = Asks { features: &[], capabilities: &[], gates: &[gate] };
    let mut host = root();
    host.sysctls.insert("kernel.yama.ptrace_scope".to_owned(), "3".to_owned());
    says(Errno::EPERM, &asks, &host, "kernel.yama.ptrace_scope is 3", "reboot");
}

#[test]
fn a_filter_is_the_cause_only_where_kernel_and_capabilities_are_not() {
    let mut host = root();
    host.status.seccomp = 2;
    let finding = says(Errno::EAFNOSUPPORT, &PACKETS, &host, "although the kernel has CONFIG_PACKET", "sandbox");
    assert!(finding.cause.contains("RestrictAddressFamilies"), "{finding}");
    host.config = Some(Config { source: "/proc/config.gz".to_owned(), text: String::new() });
    says(Errno::EAFNOSUPPORT, &PACKETS, &host, "built without CONFIG_PACKET", "scripts/lab");
    let mut host = user();
    host.status.seccomp = 2;
    says(Errno::EPERM, &PACKETS, &host, "lacks CAP_NET_RAW", "setcap");
}

#[test]
fn in_a_container_the_fix_is_for_its_host() {
    let mut host = root();
    host.status.seccomp = 2;
    host.container = Some("docker".to_owned());
    says(Errno::EPERM, &PACKETS, &host, "seccomp filter", "--security-opt seccomp=");
    host.sysctls.insert("kernel.io_uring_disabled".to_owned(), "2".to_owned());
    says(Errno::EPERM, &RING, &host, "kernel.io_uring_disabled", "on the host of this docker container");
}

#[test]
fn what_nothing_explains_is_said_to_be_unexplained() {
    let mut host = root();
    let finding = says(Errno::EPERM, &PACKETS, &host, "no missing capability", "journalctl");
    assert!(finding.cause.contains("CONFIG_PACKET: built in"), "{finding}");
    host.lockdown = Some("integrity".to_owned());
    says(Errno::EPERM, &PACKETS, &host, "kernel lockdown (integrity)", "journalctl");
    says(Errno::EIO, &PACKETS, &host, "CONFIG_PACKET: built in", "dmesg");
    let unknown = Evidence { config: None, ..root() };
    says(Errno::EAFNOSUPPORT, &PACKETS, &unknown, "not to be read here", "modprobe af_packet");
}

#[test]
fn shortages_name_the_limit() {
    says(Errno::EMFILE, &PACKETS, &root(), "RLIMIT_NOFILE", "ulimit -n");
    says(Errno::ENFILE, &PACKETS, &root(), "fs.file-max", "sysctl fs.file-max");
    says(Errno::ENOMEM, &PACKETS, &root(), "RLIMIT_MEMLOCK", "ulimit -l");
}

#[test]
fn no_host_and_no_errno_makes_the_diagnosis_panic() {
    let features =
        [PACKET, Feature::built_in("X"), Feature { option: "", module: "", by_alias: false, initcall: "" }];
    let asks = Asks { features: &features, capabilities: &[BPF], gates: RING.gates };
    for errno in (-1..140).map(Errno::from_raw) {
        for host in [Evidence::default(), root(), user()] {
            let finding = explain(&NEED, "call()", errno, &asks, &host);
            assert!(!finding.cause.is_empty() && !finding.fix.to_string().is_empty());
        }
    }
}
