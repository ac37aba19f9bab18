//! Whatever decodes bytes from outside has a fuzz target, and every target is built.

use std::collections::BTreeSet;
use std::path::Path;

use syskit::packet::Document;

fn fuzz() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz"))
}

fn files() -> BTreeSet<String> {
    let entries = std::fs::read_dir(fuzz().join("fuzz_targets")).expect("the folder of targets");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"));
    names.filter_map(|name| name.strip_suffix(".rs").map(str::to_owned)).filter(|name| name != "common").collect()
}

#[test]
fn every_decoder_reader_and_parser_has_a_target() {
    let schema = serde_json::to_value(schemars::schema_for!(Document)).expect("JSON");
    let protocols = schema["properties"].as_object().expect("properties").keys().map(String::as_str);
    let others = ["capture_file", "filter", "interpreter", "dns_stream", "mdns", "crypt_header"];
    // What is inside a tunnel is what is outside.
    let wanted: BTreeSet<String> =
        protocols.filter(|name| *name != "inner").chain(others).map(str::to_owned).collect();
    assert!(wanted.len() > others.len() + 20);
    assert_eq!(wanted, files());
}

#[test]
fn every_target_is_a_program_of_its_own() {
    let manifest = std::fs::read_to_string(fuzz().join("Cargo.toml")).expect("fuzz/Cargo.toml");
    let built: BTreeSet<String> = manifest
        .split("[[bin]]")
        .skip(1)
        .filter_map(|part| part.split('"').nth(1).map(str::to_owned))
        .inspect(|name| assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\""))))
        .collect();
    assert_eq!(built, files());
}
