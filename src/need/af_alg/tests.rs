//! Every cause that AF_ALG can fail for, on made-up hosts.

use super::*;
use crate::need::evidence::ModuleLists;
use crate::need::kconfig::Config;
use crate::need::modprobe;

/// A Debian kernel: everything a module, none of ours loaded, nothing in the way.
fn debian() -> Evidence {
    let option = |o| format!("CONFIG_CRYPTO_USER_API{o}=m\n");
    let options: String = ["", "_HASH", "_SKCIPHER", "_AEAD", "_RNG"].into_iter().map(option).collect();
    let modules = ["af_alg", "algif_hash", "algif_skcipher", "algif_aead", "algif_rng", "gcm", "cbc", "drbg"];
    Evidence {
        release: "6.12.1-amd64".to_owned(),
        config: Some(Config {
            source: "/boot/config-6.12.1-amd64".to_owned(),
            text: options
                + "CONFIG_CRYPTO_AES=y\nCONFIG_CRYPTO_GCM=m\nCONFIG_CRYPTO_CBC=m\nCONFIG_CRYPTO_SHA256=m\nCONFIG_CRYPTO_HMAC=m\n",
        }),
        modules: Some("ext4 1 0 - Live 0x0\naf_alg 1 0 - Live 0x0\n".to_owned()),
        module_lists: Some(ModuleLists {
            dep: modules.map(|m| format!("kernel/crypto/{m}.ko.xz:\n")).concat(),
            builtin: String::new(),
        }),
        ..Evidence::default()
    }
}

fn text_of(fix: &Fix) -> &str {
    match fix {
        Fix::Do(text) | Fix::CannotBeEnabledHere(text) => text,
    }
}

/// The cause and the fix hold these words.
#[track_caller]
fn says(finding: &Finding, cause: &[&str], fix: &[&str]) {
    for word in cause {
        assert!(finding.cause.contains(word), "cause lacks '{word}': {finding}");
    }
    for word in fix {
        assert!(text_of(&finding.fix).contains(word), "fix lacks '{word}': {finding}");
    }
}

fn family(host: &Evidence) -> Finding {
    no_family(&AF_ALG_HASH, Errno::EAFNOSUPPORT, host)
}

fn aead(witnessed: bool, host: &Evidence) -> Finding {
    no_bind(&AEAD, "gcm(aes)", Errno::ENOENT, witnessed, host)
}

#[test]
fn a_kernel_built_without_the_family_cannot_be_helped() {
    let mut host = debian();
    host.config =
        Some(Config { source: "/proc/config.gz".to_owned(), text: "# CONFIG_CRYPTO_USER is not set\n".to_owned() });
    host.modules = None;
    let finding = family(&host);
    says(
        &finding,
        &["family is absent", "built without CONFIG_CRYPTO_USER_API", "/proc/config.gz"],
        &["cannot load modules", "scripts/lab"],
    );
    assert!(matches!(finding.fix, Fix::CannotBeEnabledHere(_)));
    assert_eq!(finding.errno.as_deref(), Some("EAFNOSUPPORT"));
    assert!(!finding.denied);
}

#[test]
fn a_family_module_without_a_file_names_the_package_or_the_container() {
    let mut host = debian();
    host.modules = Some(String::new());
    host.module_lists = None;
    says(
        &family(&host),
        &["module af_alg is not under /lib/modules/6.12.1-amd64"],
        &["linux-image-6.12.1-amd64", "modprobe af_alg"],
    );
    host.container = Some("docker".to_owned());
    says(&family(&host), &[], &["on the host of this docker container"]);
}

#[test]
fn a_family_whose_initcall_is_blocked_names_the_word() {
    let mut host = debian();
    host.config =
        Some(Config { source: "/proc/config.gz".to_owned(), text: "CONFIG_CRYPTO_USER_API=y\n".to_owned() });
    host.cmdline = "quiet initcall_blacklist=foo,af_alg_init".to_owned();
    says(&family(&host), &["initcall_blacklist=af_alg_init", "/proc/cmdline"], &["boot loader", "reboot"]);
}

#[test]
fn a_filter_is_told_from_a_kernel_without_the_family() {
    let mut host = debian();
    host.status.seccomp = 2;
    let finding = family(&host);
    says(&finding, &["seccomp filter", "kernel has CONFIG_CRYPTO_USER_API", "RestrictAddressFamilies"], &["sandbox"]);
    host.unit = Some("worker.service".to_owned());
    says(&family(&host), &[], &["systemctl edit worker.service"]);
}

#[test]
fn a_blacklisted_family_is_found_since_it_is_asked_for_by_alias() {
    let mut host = debian();
    host.modules = Some(String::new());
    host.rules = modprobe::rules("/etc/modprobe.d/a.conf", "blacklist af_alg\n");
    says(&family(&host), &["blacklist af_alg", "/etc/modprobe.d/a.conf line 1"], &["remove that line"]);
}

#[test]
fn a_blocked_type_names_the_rule_its_file_and_line_and_the_vulnerability() {
    let mut host = debian();
    host.rules =
        modprobe::rules("/etc/modprobe.d/disable-algif.conf", "# copy fail\n\ninstall algif_aead /bin/false\n");
    let finding = aead(false, &host);
    says(
        &finding,
        &[
            "type aead is absent",
            "\"install algif_aead /bin/false\" in /etc/modprobe.d/disable-algif.conf line 3",
            "CVE-2026-31431",
        ],
        &["remove that line", "first make sure that the kernel has the fix of CVE-2026-31431", "modprobe algif_aead"],
    );
    assert!(finding.call.contains("gcm(aes)"), "{finding}");
}

#[test]
fn a_blacklist_rule_does_not_stop_a_type_since_it_is_asked_for_by_name() {
    let mut host = debian();
    host.rules = modprobe::rules("/etc/modprobe.d/a.conf", "blacklist algif-aead\n");
    says(&aead(false, &host), &["not loaded"], &["modprobe algif_aead"]);
}

#[test]
fn a_type_blocked_on_the_command_line_names_the_word() {
    let mut host = debian();
    host.cmdline = "quiet module_blacklist=foo,algif_aead".to_owned();
    says(&aead(false, &host), &["module_blacklist=foo,algif_aead on the kernel command line"], &["reboot"]);
}

#[test]
fn a_type_that_is_built_in_and_switched_off_names_the_initcall() {
    let mut host = debian();
    let text = host.config.take().expect("debian has one").text.replace("_AEAD=m", "_AEAD=y");
    host.config = Some(Config { source: "/proc/config.gz".to_owned(), text });
    host.cmdline = "initcall_blacklist=algif_aead_init".to_owned();
    says(&aead(false, &host), &["type aead is absent", "initcall_blacklist=algif_aead_init"], &[]);
}

#[test]
fn the_init_function_of_a_module_can_be_switched_off_too() {
    let mut host = debian();
    host.cmdline = "initcall_blacklist=algif_aead_init".to_owned();
    says(&aead(false, &host), &["type aead is absent", "initcall_blacklist=algif_aead_init", "CVE-2026-31431"], &[]);
    host.modules = Some("algif_aead 1 0 - Live 0x0\n".to_owned());
    assert_eq!(AEAD.feature.state(&host), State::Loaded);
}

#[test]
fn a_type_that_was_not_built_is_told_from_one_that_cannot_be_loaded() {
    let mut host = debian();
    let text = host.config.take().expect("debian has one").text.replace("CONFIG_CRYPTO_USER_API_AEAD=m\n", "");
    host.config = Some(Config { source: "/proc/config.gz".to_owned(), text });
    says(&aead(false, &host), &["type aead is absent", "built without CONFIG_CRYPTO_USER_API_AEAD"], &[]);
    let mut host = debian();
    host.sysctls.insert("kernel.modules_disabled".to_owned(), "1".to_owned());
    says(&aead(false, &host), &["type aead is absent", "=m", "kernel.modules_disabled is 1"], &["reboot"]);
    host.cmdline = "quiet nomodule".to_owned();
    says(&aead(false, &host), &["type aead is absent", "=m", "nomodule"], &["boot loader"]);
    host.modules = None;
    says(&aead(false, &host), &["type aead is absent", "=m", "no loadable modules"], &["scripts/lab"]);
}

#[test]
fn an_absent_algorithm_is_told_from_an_absent_type_by_a_witness() {
    let mut host = debian();
    host.rules = modprobe::rules("/etc/modprobe.d/a.conf", "blacklist gcm\n");
    says(&aead(true, &host), &["algorithm gcm(aes) is absent, the type aead is there", "blacklist gcm"], &[]);
}

#[test]
fn another_refusal_of_bind_is_not_called_an_absence() {
    let mut host = debian();
    host.status.seccomp = 2;
    let finding = no_bind(&HASH, "sha256", Errno::EACCES, false, &host);
    says(&finding, &["seccomp filter"], &[]);
    assert!(finding.denied);
}

#[test]
fn a_witness_is_of_the_kind_not_internal_and_not_the_one_we_want() {
    let witness = |kind: &Kind, algorithm, crypto: &str| {
        super::witness(kind, algorithm, &registered::parse(crypto)).map(str::to_owned)
    };
    let block = |name: &str, kind: &str, internal: &str| {
        format!("name         : {name}\ninternal     : {internal}\ntype         : {kind}\n\n")
    };
    let crypto = block("sha256", "shash", "no")
        + &block("__x", "shash", "yes")
        + &block("cbc(aes)", "skcipher", "no")
        + &block("md5", "shash", "no");
    assert_eq!(witness(&HASH, "sha256", &crypto).as_deref(), Some("md5"));
    assert_eq!(witness(&SKCIPHER, "cbc(aes)", &crypto), None);
    assert_eq!(witness(&AEAD, "gcm(aes)", "name\n:::\n\n\n"), None);
}

fn sha(host: &Evidence) -> Finding {
    no_bind(&HASH, "hmac(sha256)", Errno::ENOENT, true, host)
}

#[test]
fn an_absent_algorithm_names_the_part_that_is_not_there() {
    let mut host = debian();
    host.crypto = "name : sha256\ntype : shash\n\n".to_owned();
    host.rules =
        modprobe::rules("/etc/modprobe.d/a.conf", "install hmac /bin/false\ninstall sha256_generic /bin/false\n");
    // sha256 is registered, by whichever driver: the rule about one of them explains nothing.
    says(&sha(&host), &["algorithm hmac(sha256) is absent", "install hmac /bin/false"], &["remove that line"]);
}

#[test]
fn fips_mode_a_failed_self_test_another_type_and_a_misspelt_name_are_told_apart() {
    let mut host = debian();
    says(&no_bind(&AEAD, "gcm(ase)", Errno::ENOENT, true, &host), &["is 'ase' spelt"], &["/proc/crypto"]);
    says(&no_bind(&AEAD, "gcm(aes)", Errno::ELIBBAD, true, &host), &["failed the kernel's self-test"], &["dmesg"]);
    host.crypto = "name : cbc(aes)\ntype : skcipher\n\n".to_owned();
    says(
        &no_bind(&AEAD, "cbc(aes)", Errno::EINVAL, true, &host),
        &["not of type aead", "has it as skcipher"],
        &["type"],
    );
    host.sysctls.insert("crypto.fips_enabled".to_owned(), "1".to_owned());
    says(&no_bind(&HASH, "md5", Errno::ENOENT, true, &host), &["FIPS mode"], &["approved"]);
}
