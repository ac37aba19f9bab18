//! Each type of algorithm really blocked: the finding tells which, and by what.

use super::ran;

/// One after the other: unloaded, kept out by a rule, asked for, let in again. A document of doctor each.
pub const TYPES: &str = r#"mkdir -p /etc/modprobe.d
for type in hash skcipher aead rng; do
    syskit doctor af-alg-$type >/dev/null; rmmod algif_$type
    echo "install algif_$type /bin/false" >/etc/modprobe.d/block.conf
    syskit doctor --json af-alg-$type; rm /etc/modprobe.d/block.conf
    syskit doctor af-alg-$type >/dev/null || echo "$type stays away" >&2
done"#;

#[test]
fn each_type_names_the_rule_that_keeps_it_out() {
    let Some(ran) = ran("blocked types") else { return };
    assert!(!ran.err.contains("stays away"), "{}", ran.err);
    let documents = serde_json::Deserializer::from_str(&ran.out).into_iter::<serde_json::Value>();
    let findings: Vec<String> = documents.map(|d| d.expect("JSON")["needs"][0]["finding"].to_string()).collect();
    assert_eq!(findings.len(), 4, "{}{}", ran.out, ran.err);
    for (kind, finding) in ["hash", "skcipher", "aead", "rng"].iter().zip(findings) {
        let absent = format!("the algorithm type {kind} is absent");
        let rule = format!("install algif_{kind} /bin/false");
        assert!(finding.contains(&absent) && finding.contains(&rule), "{kind}: {finding}");
    }
}
