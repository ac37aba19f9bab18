//! The words of DNS: tcpdump's, and IANA's where it has none.

use crate::packet::Text;
use crate::packet::text;

/// Operations, by their number, each after its space.
pub const OPERATIONS: [&str; 16] = [
    "",
    " inv_q",
    " stat",
    " op3",
    " notify",
    " update",
    " op6",
    " op7",
    " op8",
    " updateA",
    " updateD",
    " updateDA",
    " updateM",
    " updateMA",
    " zoneInit",
    " zoneRef",
];

/// Response codes, by their number.
const CODES: [&str; 24] = [
    "NoError",
    "FormErr",
    "ServFail",
    "NXDomain",
    "NotImp",
    "Refused",
    "YXDomain",
    "YXRRSet",
    "NXRRSet",
    "NotAuth",
    "NotZone",
    "",
    "",
    "",
    "",
    "NoChange",
    "BadVers",
    "",
    "",
    "",
    "",
    "",
    "",
    "BadCookie",
];

const TYPES: [(u16, &str); 76] = [
    (1, "A"),
    (2, "NS"),
    (3, "MD"),
    (4, "MF"),
    (5, "CNAME"),
    (6, "SOA"),
    (7, "MB"),
    (8, "MG"),
    (9, "MR"),
    (10, "NULL"),
    (11, "WKS"),
    (12, "PTR"),
    (13, "HINFO"),
    (14, "MINFO"),
    (15, "MX"),
    (16, "TXT"),
    (17, "RP"),
    (18, "AFSDB"),
    (19, "X25"),
    (20, "ISDN"),
    (21, "RT"),
    (22, "NSAP"),
    (23, "NSAP_PTR"),
    (24, "SIG"),
    (25, "KEY"),
    (26, "PX"),
    (27, "GPOS"),
    (28, "AAAA"),
    (29, "LOC"),
    (30, "NXT"),
    (31, "EID"),
    (32, "NIMLOC"),
    (33, "SRV"),
    (34, "ATMA"),
    (35, "NAPTR"),
    (36, "KX"),
    (37, "CERT"),
    (38, "A6"),
    (39, "DNAME"),
    (40, "SINK"),
    (41, "OPT"),
    (42, "APL"),
    (43, "DS"),
    (44, "SSHFP"),
    (45, "IPSECKEY"),
    (46, "RRSIG"),
    (47, "NSEC"),
    (48, "DNSKEY"),
    (49, "DHCID"),
    (50, "NSEC3"),
    (51, "NSEC3PARAM"),
    (52, "TLSA"),
    (53, "SMIMEA"),
    (55, "HIP"),
    (59, "CDS"),
    (60, "CDNSKEY"),
    (61, "OPENPGPKEY"),
    (62, "CSYNC"),
    (63, "ZONEMD"),
    (64, "SVCB"),
    (65, "HTTPS"),
    (99, "SPF"),
    (100, "UINFO"),
    (101, "UID"),
    (102, "GID"),
    (103, "UNSPEC"),
    (104, "UNSPECA"),
    (249, "TKEY"),
    (250, "TSIG"),
    (251, "IXFR"),
    (252, "AXFR"),
    (253, "MAILB"),
    (254, "MAILA"),
    (255, "ANY"),
    (256, "URI"),
    (257, "CAA"),
];

const OPTIONS: [(u16, &str); 10] = [
    (3, "NSID"),
    (5, "DAU"),
    (6, "DHU"),
    (7, "N3U"),
    (8, "ECS"),
    (9, "EXPIRE"),
    (10, "COOKIE"),
    (11, "KEEPALIVE"),
    (12, "PADDING"),
    (15, "EDE"),
];

fn known(table: &[(u16, &'static str)], number: u16) -> Option<&'static str> {
    let at = table.binary_search_by_key(&number, |(number, _)| *number).ok()?;
    table.get(at).map(|(_, word)| *word)
}

fn numbered(out: &mut Text, word: &str, number: u16) {
    out.push_str(word);
    text::decimal(out, number.into());
}

/// Appends the name of a record type ("A", "Type9999").
pub fn kind(out: &mut Text, kind: u16) {
    match known(&TYPES, kind) {
        Some(word) => out.push_str(word),
        None => numbered(out, "Type", kind),
    }
}

/// Appends the name of an EDNS option ("COOKIE", "Opt26946").
pub fn option(out: &mut Text, code: u16) {
    match known(&OPTIONS, code) {
        Some(word) => out.push_str(word),
        None => numbered(out, "Opt", code),
    }
}

/// Appends the name of a class ("IN", "CHAOS", "(Class 7)").
pub fn class(out: &mut Text, class: u16) {
    match class {
        1 => out.push_str("IN"),
        3 => out.push_str("CHAOS"),
        4 => out.push_str("HS"),
        255 => out.push_str("ANY"),
        _ => {
            numbered(out, "(Class ", class);
            out.push(')');
        }
    }
}

/// Appends the name of a response code ("NXDomain", "Resp11").
pub fn code(out: &mut Text, code: u16) {
    match CODES.get(usize::from(code)) {
        Some(word) if !word.is_empty() => out.push_str(word),
        _ => numbered(out, "Resp", code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_can_be_searched_by_halves() {
        assert!(TYPES.is_sorted_by(|a, b| a.0 < b.0) && OPTIONS.is_sorted_by(|a, b| a.0 < b.0));
        let said = |write: fn(&mut Text, u16), number| {
            let mut out = Text::new();
            write(&mut out, number);
            out
        };
        assert_eq!(said(kind, 65), "HTTPS");
        assert_eq!(said(kind, 66), "Type66");
        assert_eq!(said(code, 17), "Resp17");
        assert_eq!(said(code, 23), "BadCookie");
        assert_eq!(said(class, 0x8001), "(Class 32769)");
    }
}
