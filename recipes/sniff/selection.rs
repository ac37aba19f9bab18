//! What a user asked to see: a protocol, a port, and a filter expression.

use clap::ValueEnum;

use crate::error::{Error, Result};
use crate::filter::{Fault, Filter, View, listing};
use crate::packet::Link;
use crate::ui::{Ui, output_error};

/// What can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Protocol {
    /// Everything
    #[default]
    All,
    /// IPv4
    Ip,
    /// IPv6
    Ip6,
    /// TCP, over IPv4 and IPv6
    Tcp,
    /// UDP, over IPv4 and IPv6
    Udp,
    /// ICMP and ICMPv6
    Icmp,
    /// ARP
    Arp,
    /// DNS: ports 53 and 5353
    Dns,
    /// HTTP: TCP ports 80 and 8080
    Http,
    /// TLS: TCP ports 443 and 8443
    Tls,
}

/// How packets of a [`Protocol`] are recognised.
pub(super) struct Shape {
    /// What it is called among the packets that are not of it.
    pub title: &'static str,
    /// The IP protocols in IPv4, any where none is listed; `None` where it is not in IPv4.
    pub v4: Option<&'static [u8]>,
    /// The same in IPv6.
    pub v6: Option<&'static [u8]>,
    /// Whether ARP is of it.
    pub arp: bool,
    /// The ports, any where none is listed.
    pub ports: &'static [u16],
    /// The same as a filter expression.
    expression: &'static str,
}

/// IP protocols that have ports where TCP has them: TCP, UDP, SCTP.
pub(super) const WITH_PORTS: &[u8] = &[6, 17, 132];
const TCP: Option<&[u8]> = Some(&[6]);
const UDP: Option<&[u8]> = Some(&[17]);
const TCP_AND_UDP: Option<&[u8]> = Some(&[6, 17]);

impl Protocol {
    pub(super) fn shape(self) -> Shape {
        let shape = |title, v4, v6, ports, expression| Shape { title, v4, v6, arp: false, ports, expression };
        match self {
            Protocol::All => Shape { arp: true, ..shape("anything", Some(&[]), Some(&[]), &[], "") },
            Protocol::Ip => shape("IPv4", Some(&[]), None, &[], "ip"),
            Protocol::Ip6 => shape("IPv6", None, Some(&[]), &[], "ip6"),
            Protocol::Tcp => shape("TCP", TCP, TCP, &[], "tcp"),
            Protocol::Udp => shape("UDP", UDP, UDP, &[], "udp"),
            Protocol::Icmp => shape("ICMP", Some(&[1]), Some(&[58]), &[], "icmp or icmp6"),
            Protocol::Arp => Shape { arp: true, ..shape("ARP", None, None, &[], "arp") },
            Protocol::Dns => {
                let expression = "(tcp or udp) and (port 53 or port 5353)";
                shape("DNS", TCP_AND_UDP, TCP_AND_UDP, &[53, 5353], expression)
            }
            Protocol::Http => shape("HTTP", TCP, TCP, &[80, 8080], "tcp port 80 or tcp port 8080"),
            Protocol::Tls => shape("TLS", TCP, TCP, &[443, 8443], "tcp port 443 or tcp port 8443"),
        }
    }

    /// The word for it on the command line.
    pub fn word(self) -> String {
        self.to_possible_value().map_or_else(String::new, |v| v.get_name().to_owned())
    }
}

/// What to show.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Of this protocol; what is malformed and may be of it is shown as well.
    pub protocol: Protocol,
    /// And from or to this port; what is malformed and may be is shown as well.
    pub port: Option<u16>,
    /// And passing this filter.
    pub filter: Filter,
}

impl Selection {
    /// Reads the words of a command line: a protocol, where the first is one, and a filter expression.
    ///
    /// # Errors
    /// What is wrong with the expression, or where the port does not go with the protocol (usage).
    pub fn of_words(words: &[String], port: Option<u16>) -> Result<Self> {
        let text = words.join(" ");
        let (first, rest) = text.trim_start().split_once(char::is_whitespace).unwrap_or((text.trim(), ""));
        let protocol = Protocol::from_str(first, false).ok().filter(|_| !continues(rest));
        // Blanks instead of the word, so that places count from the start of what was written.
        let blanked = protocol.map_or_else(
            || text.clone(),
            |_| {
                let end = text.len() - text.trim_start().len() + first.len();
                text.char_indices().map(|(at, c)| if at < end { ' ' } else { c }).collect()
            },
        );
        let filter = Filter::parse(&blanked)?;
        let selection = Selection { protocol: protocol.unwrap_or_default(), port, filter };
        if port.is_some() && matches!(selection.protocol, Protocol::Icmp | Protocol::Arp) {
            let word = selection.protocol.word();
            return Err(Error::usage(format!("--port does not go with '{word}', which has no ports")));
        }
        Ok(selection)
    }

    /// Whether every packet is wanted.
    pub fn is_everything(&self) -> bool {
        self.takes_any() && self.filter.is_blank()
    }

    /// Whether packets of every protocol and port are wanted, the filter apart.
    pub(super) fn takes_any(&self) -> bool {
        self.protocol == Protocol::All && self.port.is_none()
    }

    /// All of it as one filter expression.
    pub fn expression(&self) -> String {
        let port = self.port.map(|port| format!("port {port}")).unwrap_or_default();
        let parts = [self.protocol.shape().expression, &port, self.filter.text()];
        match parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>()[..] {
            [] => String::new(),
            [only] => only.to_owned(),
            ref parts => format!("({})", parts.join(") and (")),
        }
    }

    /// All of it as one filter, in libpcap's sense alone.
    ///
    /// # Errors
    /// Where the expression is too long.
    pub fn as_filter(&self) -> Result<Filter, Fault> {
        Filter::parse(&self.expression())
    }
}

/// The links for which programs are printed, by their names and tcpdump's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum DumpLink {
    #[value(alias = "EN10MB")]
    Ethernet,
    Raw,
    #[value(alias = "LINUX_SLL")]
    Cooked,
    #[value(alias = "LINUX_SLL2")]
    Cooked2,
    Null,
}

/// Prints the program of all of it.
pub(super) fn dump(selection: &Selection, link: DumpLink, ui: &mut Ui) -> Result<()> {
    let link = match link {
        DumpLink::Ethernet => Link::Ethernet,
        DumpLink::Raw => Link::Ip,
        DumpLink::Cooked => Link::Cooked,
        DumpLink::Cooked2 => Link::Cooked2,
        DumpLink::Null => Link::Null,
    };
    let program = selection.as_filter()?.program(link, View::Frame)?;
    ui.out().write_all(listing(&program).as_bytes()).map_err(output_error)
}

/// Whether what follows a protocol's word makes that a part of the expression.
fn continues(rest: &str) -> bool {
    let next = rest.split_whitespace().next().unwrap_or_default();
    matches!(next, "and" | "or" | "multicast" | "broadcast") || next.starts_with(['&', '|', '['])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&str], port: Option<u16>) -> Result<Selection> {
        Selection::of_words(&words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>(), port)
    }

    #[test]
    fn the_first_word_is_the_protocol_where_it_stands_alone() {
        for (words, protocol, text) in [
            (&[][..], Protocol::All, ""),
            (&["tcp"], Protocol::Tcp, ""),
            (&["tcp", "port", "80"], Protocol::Tcp, "port 80"),
            (&["tcp port 80"], Protocol::Tcp, "port 80"),
            (&["all", "port", "53"], Protocol::All, "port 53"),
            (&["port", "53"], Protocol::All, "port 53"),
            (&["tcp", "or", "udp"], Protocol::All, "tcp or udp"),
            (&["tcp && port 80"], Protocol::All, "tcp && port 80"),
            (&["tcp[13] = 2"], Protocol::All, "tcp[13] = 2"),
            (&["ip", "[0] & 15 = 5"], Protocol::All, "ip [0] & 15 = 5"),
            (&["ip", "multicast"], Protocol::All, "ip multicast"),
            (&["arp", "host", "10.0.0.1"], Protocol::Arp, "host 10.0.0.1"),
            (&["dns"], Protocol::Dns, ""),
        ] {
            let selection = of(words, None).expect("an expression");
            assert_eq!((selection.protocol, selection.filter.text()), (protocol, text), "{words:?}");
        }
    }

    #[test]
    fn faults_are_placed_in_what_was_written() {
        for (words, said) in [
            (&["not", "tpc"][..], "filter: unknown word 'tpc' at 5 (did you mean 'tcp'?)"),
            (&["tcp", "prot", "80"], "filter: unknown word 'prot' at 5 (did you mean 'port'?)"),
            (
                &["host", "example.org"],
                "filter: 'example.org' is no address at 6 (names are not looked up: write the number)",
            ),
        ] {
            assert_eq!(of(words, None).expect_err("a fault").to_string(), said);
        }
        assert_eq!(of(&["arp"], Some(80)).expect_err("no ports").kind, crate::error::Kind::Usage);
    }

    #[test]
    fn all_of_it_is_one_expression() {
        for (words, port, expression) in [
            (&[][..], None, ""),
            (&["tcp"], None, "tcp"),
            (&["port 80 or port 53"], None, "port 80 or port 53"),
            (&["icmp", "host", "10.0.0.1"], None, "(icmp or icmp6) and (host 10.0.0.1)"),
            (&["tcp", "host", "::1"], Some(80), "(tcp) and (port 80) and (host ::1)"),
        ] {
            let selection = of(words, port).expect("an expression");
            assert_eq!(selection.expression(), expression);
            selection.as_filter().expect("it is one");
        }
        for protocol in Protocol::value_variants() {
            let selection = Selection { protocol: *protocol, ..Selection::default() };
            selection.as_filter().expect("it is one");
        }
    }
}
