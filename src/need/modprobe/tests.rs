//! Rules as modprobe.d(5) has them.

use super::*;

#[test]
fn rules_are_found_with_their_line_past_comments_and_continued_lines() {
    let text =
        "# install a /bin/false\n\nalias x y\ninstall a-b \\\n  /bin/false\nblacklist c\noptions d e=f\ninstall\n";
    let found: Vec<(usize, String)> = rules("f", text).into_iter().map(|r| (r.line, r.module)).collect();
    assert_eq!(found, [(4, "a_b".to_owned()), (6, "c".to_owned())]);
    assert_eq!(rules("f", text)[0].kind, RuleKind::Install("/bin/false".to_owned()));
    assert_eq!(rules("f", "blacklist x\\"), rules("f", "blacklist x"));
}

#[test]
fn an_install_rule_blocks_unless_it_loads_the_module_after_all() {
    let blocked = |text: &str| block("usb_storage", false, &rules("f", text), "").is_some();
    assert!(blocked("install usb-storage /bin/true"));
    assert!(blocked("install usb_storage exit 1"));
    assert!(!blocked("install usb_storage /sbin/modprobe --ignore-install usb_storage && logger loaded"));
    assert!(!blocked("install other /bin/false"));
}

#[test]
fn a_blacklist_counts_only_where_the_module_is_asked_for_by_alias() {
    let rules = rules("f", "blacklist af_alg");
    assert!(block("af_alg", true, &rules, "").is_some());
    assert!(block("af_alg", false, &rules, "").is_none());
    assert!(block("af_alg", true, &[], "modprobe.blacklist=x,af-alg").is_some());
    assert!(block("af_alg", false, &[], "modprobe.blacklist=af_alg").is_none());
}

#[test]
fn the_kernels_own_blacklist_stops_a_module_however_it_is_asked_for() {
    let word = "module_blacklist=x,algif-aead".to_owned();
    assert_eq!(block("algif_aead", false, &[], &format!("quiet {word} splash")), Some(Block::CommandLine(word)));
    assert_eq!(block("algif", false, &[], "module_blacklist=algif_aead"), None);
}
