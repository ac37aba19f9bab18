//! The beginning of a packet that an ICMP error quotes.

use schemars::JsonSchema;
use serde::Serialize;

use super::layer::{Carried, Code};
use super::protocols;
use super::walk::{EndDocument, walk};
use super::{ipv6, text};
use crate::packet::Text;

/// A quoted packet as JSON: its layers, as far as they are quoted.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document {
    /// The decoded layers.
    #[serde(flatten)]
    pub layers: protocols::Document,
    /// Why decoding ended before the payload: most errors quote no more than the first headers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undecoded: Option<EndDocument>,
    /// Source port, where the transport header is not whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_port: Option<u16>,
    /// Destination port, where the transport header is not whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_port: Option<u16>,
}

/// What `error` quotes from `at` on: a packet of IPv4 or IPv6, by its `ethertype`, of which `length` bytes are quoted,
/// or all that are there where that is 0.
pub fn quoted<'a>(error: &Carried<'a>, at: usize, ethertype: u16, length: usize) -> Option<Carried<'a>> {
    // Quotes in quotes would be followed as deep as a packet of them is long.
    if error.quoted || error.bytes.len() <= at {
        return None;
    }
    let mut quote = Carried { quoted: true, ..error.inside(at, Code::EtherType(ethertype)) };
    if length > 0 {
        quote = quote.ending(length);
    }
    // The packet was longer than its quote: what is missing of it is cut, not wrong.
    let whole = match ethertype {
        ipv6::ETHERTYPE => 40 + usize::from(quote.word(4).unwrap_or(0)),
        _ => quote.word(2).unwrap_or(0).into(),
    };
    quote.length = quote.length.max(whole);
    Some(quote)
}

/// Destination port and protocol of a quoted packet: whatever stands where TCP and UDP have the port.
pub fn port(quote: &Carried) -> Option<(u8, u16)> {
    let transport = match quote.code {
        Code::EtherType(ipv6::ETHERTYPE) => <ipv6::Ipv6 as super::Protocol>::decode(*quote).ok()?.1?,
        _ => {
            let header = usize::from(quote.bytes.first()? & 15) * 4;
            quote.after(header, Code::Ip(*quote.bytes.get(9)?))
        }
    };
    match transport.code {
        Code::Ip(protocol) => Some((protocol, transport.word(2)?)),
        _ => None,
    }
}

/// Appends the full form of a quoted packet, indented.
pub fn block(quote: Carried, out: &mut Text) {
    text::field(out, "Quoted", format_args!("{} bytes", quote.bytes.len()));
    let mut inner = Text::new();
    let mut layers = walk(quote);
    layers.by_ref().for_each(|layer| layer.block(&mut inner));
    layers.end().block(&mut inner);
    for line in inner.as_str().lines() {
        out.push_str("    ");
        out.push_str(line);
        out.push('\n');
    }
}

/// The JSON form of a quoted packet.
pub fn document(quote: Carried) -> Box<Document> {
    let mut decoded = protocols::Document::default();
    let mut layers = walk(quote);
    layers.by_ref().for_each(|layer| layer.document(&mut decoded));
    let ports = layers.end().ports();
    Box::new(Document {
        layers: decoded,
        undecoded: layers.end().document(),
        source_port: ports.map(|(source, _)| source),
        destination_port: ports.map(|(_, destination)| destination),
    })
}
