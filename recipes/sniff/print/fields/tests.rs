//! The names of fields are those of the schema.

use super::*;

#[test]
fn quick_fields_are_fields() {
    let names: Vec<String> = list().expect("names").into_iter().map(|(name, _)| name).collect();
    let quick = names.iter().filter(|name| quick::find(name).is_some()).count();
    assert!(quick >= 30 && names.len() >= 200, "{quick} of {}", names.len());
    assert!(names.iter().all(|name| !name.is_empty()), "{names:?}");
}

#[test]
fn a_wrong_name_tells_the_nearest() {
    for (wrong, right) in [
        ("ip.src", "ipv4.source"),
        ("tcp.srcport", "tcp.source_port"),
        ("tcp.dstport", "tcp.destination_port"),
        ("ipv4.soruce", "ipv4.source"),
        ("dns.questions.0.nam", "dns.questions.0.name"),
        ("ipv5.ttl", "ipv4.ttl"),
        ("inner.ipv4.sorce", "inner.ipv4.source"),
    ] {
        let error = Fields::of(&format!("time,{wrong}")).unwrap_err().to_string();
        assert!(error.contains(&format!("no field '{wrong}' (did you mean '{right}'?)")), "{error}");
    }
    for nothing in ["", "time,", "tcp..flags", "\u{1b}[31m", "0", "tcp.0", "time.0", "schemas.x.y.z.w"] {
        let error = Fields::of(nothing).unwrap_err().to_string();
        assert!(error.contains("no field '") && !error.contains('\u{1b}'), "{error}");
    }
}

#[test]
fn any_part_of_the_object_can_be_named() {
    for name in ["tcp.options.0.kind", "tcp.options.kind", "inner.inner.tcp.flags", "icmp.quoted.ipv4.ttl", "tcp"] {
        Fields::of(name).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}
