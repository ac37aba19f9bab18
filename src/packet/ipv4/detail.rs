//! The IPv4 header in the one-line form that says all, in tcpdump's words.

use super::{Ipv4, options};
use crate::packet::checksum::Verdict;
use crate::packet::{Text, ip_protocol, text};

pub(super) fn append(ip: &Ipv4, out: &mut Text) {
    out.push_str("(tos ");
    text::hexadecimal(out, ip.tos().into(), 1);
    text::number(out, ", ttl ", ip.ttl().into());
    text::number(out, ", id ", ip.identification().into());
    text::number(out, ", offset ", ip.fragment_offset());
    out.push_str(match (ip.more_fragments(), ip.dont_fragment()) {
        (false, false) => ", flags [none]",
        (false, true) => ", flags [DF]",
        (true, false) => ", flags [+]",
        (true, true) => ", flags [+, DF]",
    });
    out.push_str(", proto ");
    out.push_str(ip_protocol::name(ip.protocol()));
    text::number_between(out, " (", ip.protocol().into(), ")");
    text::number(out, ", length ", ip.total_length().into());
    if !ip.options().is_empty() {
        out.push_str(", options (");
        options::write(out, ip.options());
        out.push(')');
    }
    if let Verdict::Incorrect { expected } = ip.checksum() {
        out.push_str(", bad cksum ");
        text::hex16(out, ip.word(10));
        out.push_str(" -> ");
        text::hex16(out, expected);
    }
    out.push_str(") ");
}
