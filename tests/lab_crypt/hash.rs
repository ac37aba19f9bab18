//! `syskit crypt hash --via af_alg` against coreutils and OpenSSL.

use super::ran;

/// Files of every kind, by the kernel and by the tools; a difference ends it with the name of what differs.
pub const SCRIPT: &str = r#"set -e; mkdir -p /run/hash; cd /run/hash
head -c 1500001 /dev/urandom >big; : >empty; printf abc >abc; head -c 65537 /dev/zero >odd; head -c 65536 /dev/zero >pipe
for a in md5 sha1 sha256 sha512; do
    syskit crypt hash -a $a --via af_alg big empty abc odd pipe /proc/version >ours
    ${a}sum big empty abc odd pipe /proc/version >theirs
    cmp ours theirs; ${a}sum --check --quiet --strict ours
    syskit crypt hash -a $a --via af_alg --check --quiet --strict theirs
done
openssl dgst -sha3-256 big empty >list; syskit crypt hash --via af_alg --check --quiet --strict list
(head -c 1000 big; sleep 0.1; tail -c +1001 big) | syskit crypt hash --via af_alg >ours; sha256sum <big | cmp - ours
syskit crypt hash --via af_alg - <big | cmp - ours
sed 's/^./x/;s/^x./00/' theirs >bad; syskit crypt hash -a sha512 --via af_alg --check bad && exit 9
syskit crypt hash --via af_alg abc none big >some && exit 9; wc -l <some
syskit crypt hash --json --via af_alg abc"#;

#[test]
fn the_kernel_digests_what_sha256sum_digests() {
    let Some(ran) = ran("hash") else { return };
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("none: open: no such file or directory (ENOENT)"), "{}", ran.err);
    let (before, document) = ran.out.split_once('{').expect("a document");
    assert!(before.ends_with("2\n"), "the files around the missing one: {before}");
    let document: serde_json::Value = serde_json::from_str(&format!("{{{document}")).expect("a document");
    assert_eq!(document["via"], "af_alg");
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!((&document["files"][0]["digest"], &document["files"][0]["bytes"]), (&abc.into(), &3.into()));
}
