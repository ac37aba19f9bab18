//! Evidence is read from files as they are, and from files that are not what they should be.

use std::os::unix::fs::symlink;

use super::*;

fn root_with(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a temporary folder");
    for (path, content) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().expect("inside of root")).expect("a folder");
        fs::write(path, content).expect("a file");
    }
    root
}

#[test]
fn a_whole_host_is_read() {
    let root = root_with(&[
        ("boot/config-6.1", b"CONFIG_PACKET=y\nCONFIG_KVM=m\n"),
        ("proc/modules", b"af_packet 65536 4 - Live 0x0\n"),
        ("proc/cmdline", b"quiet initcall_blacklist=a_init,b_init nomodule\n"),
        ("proc/sys/kernel/yama/ptrace_scope", b"2\n"),
        ("proc/self/status", b"Name:\tsyskit\nUid:\t0\t65534\t0\t0\nCapEff:\t0000000000002000\nCapBnd:\t000001ffffffffff\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n"),
        ("proc/self/cgroup", b"0::/system.slice/a.service/inner.service/x\n"),
        ("proc/self/uid_map", b"         0       1000          1\n"),
        ("proc/1/environ", b"PATH=/bin\0container=lxc\0"),
        ("sys/kernel/security/lockdown", b"none [integrity] confidentiality\n"),
        ("lib/modules/6.1/modules.dep", b"kernel/crypto/algif-hash.ko.xz: kernel/crypto/af_alg.ko.xz\n"),
        ("lib/modules/6.1/modules.builtin", b"kernel/net/tls/tls.ko\n"),
        ("etc/modprobe.d/a.conf", b"install algif-aead /bin/false\n"),
        ("usr/lib/modprobe.d/a.conf", b"blacklist hidden\n"),
        ("lib/modprobe.d/b.conf", b"blacklist pcspkr\n"),
        ("lib/modprobe.d/b.txt", b"blacklist not_a_rule_file\n"),
    ]);
    let host = Evidence::gather(root.path(), "6.1");
    assert_eq!(host.config.as_ref().map(|c| c.source.as_str()), Some("/boot/config-6.1"));
    assert!(host.module_loaded("af_packet") && !host.module_loaded("af"));
    assert!(host.initcall_blocked("b_init") && !host.initcall_blocked("b") && !host.initcall_blocked(""));
    assert_eq!(host.no_loading(), Some(NoLoading::CommandLine));
    assert_eq!(host.sysctl("kernel.yama.ptrace_scope"), Some(2));
    let status = &host.status;
    assert_eq!((status.euid, status.effective, status.seccomp, status.no_new_privs), (65534, 1 << 13, 2, true));
    assert_eq!(host.unit.as_deref(), Some("inner.service"));
    assert_eq!(host.container.as_deref(), Some("lxc"));
    assert_eq!(host.lockdown.as_deref(), Some("integrity"));
    assert!(host.user_namespace);
    assert!(host.has_module_file("algif_hash") && !host.has_module_file("af_alg"), "dependencies are no files");
    assert!(host.is_builtin("tls") && !host.is_builtin("ls"));
    let rules: Vec<&str> = host.rules.iter().map(|r| r.module.as_str()).collect();
    assert_eq!(rules, ["algif_aead", "pcspkr"]);
    assert_eq!(host.rules[0].file, "/etc/modprobe.d/a.conf");
}

#[test]
fn the_running_kernels_own_configuration_comes_first() {
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;
    let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
    gz.write_all(b"CONFIG_TLS=m\n").expect("memory");
    let packed = gz.finish().expect("memory");
    let root = root_with(&[("proc/config.gz", &packed), ("boot/config-6.1", b"CONFIG_TLS=y\n")]);
    let config = Evidence::gather(root.path(), "6.1").config.expect("a configuration");
    assert_eq!((config.source.as_str(), config.text.as_str()), ("/proc/config.gz", "CONFIG_TLS=m\n"));
}

#[test]
fn marks_of_a_container_count_only_outside_of_the_initial_process_namespace() {
    let root = root_with(&[(".dockerenv", b""), ("proc/self/x", b"")]);
    assert_eq!(Evidence::gather(root.path(), "6.1").container.as_deref(), Some("docker"));
    fs::create_dir(root.path().join("proc/self/ns")).expect("a folder");
    symlink(INITIAL_PID_NAMESPACE, root.path().join("proc/self/ns/pid")).expect("a link");
    assert_eq!(Evidence::gather(root.path(), "6.1").container, None);
}

#[test]
fn an_empty_or_garbled_host_is_no_panic() {
    let empty = root_with(&[]);
    let host = Evidence::gather(empty.path(), "");
    assert_eq!(host.config, None);
    assert!(!host.user_namespace && host.container.is_none());
    assert_eq!(host.no_loading(), Some(NoLoading::NotBuilt));
    let garbled: &[u8] = &[0xff, 0, b'\n', b':', b'=', 0x80, b' ', b'\\', b'\n', b'\\'];
    let files = [
        "proc/config.gz",
        "proc/modules",
        "proc/cmdline",
        "proc/crypto",
        "proc/self/status",
        "proc/self/cgroup",
        "proc/self/uid_map",
        "sys/kernel/security/lockdown",
        "lib/modules/6.1/modules.dep",
        "etc/modprobe.d/a.conf",
    ];
    let root = root_with(&files.map(|f| (f, garbled)));
    let host = Evidence::gather(root.path(), "6.1");
    assert!(!host.module_loaded("x") && !host.has_module_file("x"));
}
