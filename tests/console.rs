//! The page tests' own tests: wildcards, and blocks that would never run.

mod common;

use std::path::Path;

use common::console::{commands, matches};

fn shown(lines: &[&str]) -> Vec<String> {
    lines.iter().map(|l| l.to_string()).collect()
}

#[test]
fn wildcards_stand_for_lines_and_for_text() {
    assert!(matches(&shown(&["a", "...", "z [..] end"]), &["a", "b", "c", "z 12 ms end"]));
    assert!(matches(&shown(&["..."]), &[]));
    assert!(!matches(&shown(&["a", "..."]), &["b"]));
    assert!(!matches(&shown(&["a [..] c [..] e"]), &["a b c d"]));
    assert!(!matches(&shown(&["a"]), &["a", "b"]));
}

#[test]
fn a_block_that_would_never_run_is_an_error() {
    let page = Path::new("page.md");
    for bad in ["```console\n# syskit list\n```", "```console\n$ ls\n```", "```console\n$ syskit list\n$ rm\n```"] {
        assert!(commands(page, bad).is_err(), "{bad}");
    }
    let good = commands(page, "```console\n$ syskit copy 'a b' c\nx\n? 3\n```").unwrap();
    assert_eq!((good[0].args.clone(), good[0].status), (vec!["copy".into(), "a b".into(), "c".into()], 3));
}
