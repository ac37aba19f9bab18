//! The recipes whose kernel interface many a host lacks.

use serde_json::Value;

use super::ran;

/// Each as a user runs it, one after the other.
pub const SCRIPT: &str =
    "syskit run --json af-alg-hash af-alg-hmac af-alg-cbc af-alg-gcm af-alg-gcm-file af-alg-compare af-alg-rng";

#[test]
fn every_recipe_runs_and_is_right() {
    let Some(ran) = ran("recipes") else { return };
    let report: Value = serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}: {}{}", ran.out, ran.err));
    let recipes = report["recipes"].as_array().expect("a list");
    for recipe in recipes {
        assert_eq!(recipe["outcome"], "passed", "{recipe:#}");
        assert!(recipe["checks"].as_array().is_some_and(|c| c.len() >= 4), "{recipe:#}");
    }
    let ours = syskit::recipe::find_family("crypt").expect("the family").recipes;
    assert_eq!((ran.code, recipes.len()), (0, ours.len()), "the script names every recipe");
    let said = |at: usize, text: &str| recipes[at]["output"].to_string().contains(text);
    assert!(said(0, "9d50bcac2d5e33f936ec2db7dc7b6579cba8e1b099d77c31d8564df46f66bdf5"), "the cheat sheet's digest");
    assert!(said(3, "a tag as long as the associated data (20) = Some(EINVAL)"), "the cheat sheet's slip");
    assert!(said(4, "sendfile of 1048576 bytes into a fresh socket = 212976"), "{}", recipes[4]["output"]);
}
