//! Sockets that sock_diag does not find by their ends: ping sockets and raw sockets, as /proc/net lists them.

use std::fs;

use crate::packet::{icmp, icmp6};

/// The inode of the socket that may have sent or be about to receive a packet of `protocol` with this identifier: the
/// ping socket of that identifier, else the only raw socket of the protocol.
pub(super) fn socket(protocol: u8, identifier: u16, v6: bool) -> Option<u32> {
    let table = |name: &str| fs::read_to_string(format!("/proc/net/{name}{}", if v6 { "6" } else { "" }));
    let pings = if matches!(protocol, icmp::NUMBER | icmp6::NUMBER) {
        table("icmp").unwrap_or_default()
    } else {
        String::new()
    };
    let mut ping = with_port(&pings, identifier);
    let raws = table("raw").unwrap_or_default();
    let mut raw = with_port(&raws, protocol.into());
    ping.next().or_else(|| raw.next().filter(|_| raw.next().is_none()))
}

/// The inodes of the lines of a table whose local port is this.
fn with_port(table: &str, port: u16) -> impl Iterator<Item = u32> {
    table.lines().skip(1).filter_map(move |line| {
        let mut fields = line.split_whitespace();
        let local = fields.nth(1)?.rsplit(':').next()?;
        let inode = fields.nth(7)?.parse().ok()?;
        (u16::from_str_radix(local, 16) == Ok(port)).then_some(inode)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_taken_by_its_local_port() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n\
            \x20  1: 00000000:0001 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 136613 2 00000000 0\n\
            \x20 58: 00000000:003A 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 42 2 00000000 0\n\
            \x20 cut: 0000\n";
        assert_eq!(with_port(table, 1).collect::<Vec<_>>(), [136_613]);
        assert_eq!(with_port(table, 58).collect::<Vec<_>>(), [42]);
        assert_eq!(with_port(table, 2).count() + with_port("", 1).count(), 0);
    }
}
