//! Data that is pairs of key and value: options of EDNS, parameters of SVCB.

use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::data::{WRONG, word};
use super::words;
use crate::packet::Text;
use crate::packet::layer::Trouble;
use crate::packet::text;

/// Appends pairs of key and value (16 bits each of key and length), each after a space.
pub fn pairs(out: &mut Text, mut rest: &[u8], one: fn(&mut Text, u16, &[u8])) -> Result<(), Trouble> {
    while !rest.is_empty() {
        let (&[k0, k1, l0, l1], after) = rest.split_first_chunk().ok_or(WRONG)?;
        let (value, after) = after.split_at_checked(word(&[l0, l1]).into()).ok_or(WRONG)?;
        out.push(' ');
        one(out, word(&[k0, k1]), value);
        rest = after;
    }
    Ok(())
}

/// Appends an option of EDNS.
pub fn option(out: &mut Text, code: u16, value: &[u8]) {
    words::option(out, code);
    if !value.is_empty() {
        out.push('=');
        text::hex(out, value);
    }
}

/// Appends a parameter of SVCB (RFC 9460 section 14.3.2).
pub fn parameter(out: &mut Text, key: u16, value: &[u8]) {
    const NAMES: [&str; 7] = ["mandatory", "alpn", "no-default-alpn", "port", "ipv4hint", "ech", "ipv6hint"];
    match NAMES.get(usize::from(key)) {
        Some(name) => out.push_str(name),
        None => {
            let _ = write!(out, "key{key}");
        }
    }
    if value.is_empty() {
        return;
    }
    out.push('=');
    let mut before = "";
    let mut item = |out: &mut Text, write: &dyn Fn(&mut Text)| {
        out.push_str(before);
        write(out);
        before = ",";
    };
    match (key, value) {
        (1, mut rest) => {
            while let Some((protocol, after)) =
                rest.split_first().and_then(|(length, rest)| rest.split_at_checked((*length).into()))
            {
                item(out, &|out| text::escaped(out, protocol));
                rest = after;
            }
        }
        (3, &[high, low]) => text::decimal(out, word(&[high, low]).into()),
        (4, _) if value.len().is_multiple_of(4) => {
            for address in value.as_chunks::<4>().0 {
                item(out, &|out| out.push_str(&Ipv4Addr::from(*address).to_string()));
            }
        }
        (6, _) if value.len().is_multiple_of(16) => {
            for address in value.as_chunks::<16>().0 {
                item(out, &|out| out.push_str(&Ipv6Addr::from(*address).to_string()));
            }
        }
        _ => text::hex(out, value),
    }
}
