//! The walk from the link upwards, layer by layer.

use std::fmt::Write;

use schemars::JsonSchema;
use serde::Serialize;

use super::layer::{Carried, Code, Part, Protocol, Trouble};
use super::line::{Detail, Line};
use super::protocols::{self, Layer, Visitor};
use super::{ipv4, ipv6, sctp, tcp, text, udp};
use crate::packet::Text;

/// More layers than any sane frame has: tunnels in tunnels end here.
pub const MOST_LAYERS: u8 = 16;

/// Why a walk ended.
#[derive(Debug, Clone, Copy)]
pub enum End<'a> {
    /// The last layer carries nothing for another decoder.
    Complete,
    /// No decoder goes by this code.
    Unknown(Carried<'a>),
    /// A fragment without its headers.
    Fragment(Carried<'a>),
    /// The header could not be decoded.
    Trouble(Carried<'a>, Trouble),
    /// More than [`MOST_LAYERS`] layers.
    TooDeep(Carried<'a>),
}

/// Why decoding ended before the payload, as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EndDocument {
    /// "unknown", "fragment", "truncated", "malformed" or "too_deep".
    pub kind: &'static str,
    /// The protocol at which it ended ("tcp", "ip-proto-132", "ethertype-0x88cc").
    pub protocol: String,
    /// What is wrong, where it is malformed.
    pub reason: Option<&'static str>,
    /// Offset in bytes of a later fragment.
    pub offset: Option<u32>,
}

/// The layers of a frame, from the link upwards.
#[derive(Debug, Clone)]
pub struct Walk<'a> {
    next: Option<Carried<'a>>,
    end: End<'a>,
    layers: u8,
}

/// Walks over the layers of a frame; each step decodes one header and reads nothing beyond it.
pub fn walk(frame: Carried<'_>) -> Walk<'_> {
    Walk { next: Some(frame), end: End::Complete, layers: 0 }
}

impl<'a> Walk<'a> {
    /// What the next step will decode; `None` where the walk has ended.
    pub fn upcoming(&self) -> Option<Carried<'a>> {
        self.next
    }

    /// Why the walk ended, once it has yielded its last layer.
    pub fn end(&self) -> End<'a> {
        self.end
    }
}

/// Appends the one-line form of a frame.
pub fn line(frame: Carried, out: &mut Line) {
    struct Lines<'l>(&'l mut Line);
    impl Visitor for Lines<'_> {
        fn layer<'a>(&mut self, layer: &impl Protocol<'a>) {
            layer.line(self.0);
        }
        fn goes_on(&self, code: Code) -> bool {
            self.0.detail > Detail::Quick || !matches!(code, Code::Application(_))
        }
    }
    visit(frame, &mut Lines(out)).line(out);
}

/// Appends the full form of a frame: a field a line.
pub fn block(frame: Carried, out: &mut Text) {
    struct Blocks<'t>(&'t mut Text);
    impl Visitor for Blocks<'_> {
        fn layer<'a>(&mut self, layer: &impl Protocol<'a>) {
            layer.block(self.0);
        }
    }
    visit(frame, &mut Blocks(out)).block(out);
}

/// Walks over a frame without handing its layers out: quicker than [`walk()`] for who looks at each only once.
fn visit<'a>(frame: Carried<'a>, visitor: &mut impl Visitor) -> End<'a> {
    let mut carried = frame;
    for _ in 0..MOST_LAYERS {
        if matches!(carried.part, Part::Later(_)) {
            return End::Fragment(carried);
        }
        match protocols::visit(&mut carried, visitor) {
            Some(Ok(true)) if visitor.goes_on(carried.code) => {}
            Some(Ok(_)) => return End::Complete,
            Some(Err(trouble)) => return End::Trouble(carried, trouble),
            None => return End::Unknown(carried),
        }
    }
    match carried.part {
        Part::Later(_) => End::Fragment(carried),
        _ => End::TooDeep(carried),
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Layer<'a>;

    fn next(&mut self) -> Option<Layer<'a>> {
        let carried = self.next.take()?;
        self.end = match carried.part {
            Part::Later(_) => End::Fragment(carried),
            _ if self.layers == MOST_LAYERS => End::TooDeep(carried),
            _ => match protocols::decode(carried) {
                Some(Ok((layer, next))) => {
                    self.layers += 1;
                    self.next = next;
                    return Some(layer);
                }
                Some(Err(trouble)) => End::Trouble(carried, trouble),
                None => End::Unknown(carried),
            },
        };
        None
    }
}

impl<'a> End<'a> {
    /// What could not be decoded, if anything.
    pub fn carried(&self) -> Option<Carried<'a>> {
        match *self {
            End::Complete => None,
            End::Unknown(c) | End::Fragment(c) | End::Trouble(c, _) | End::TooDeep(c) => Some(c),
        }
    }

    /// Whether what could not be decoded may be of IP protocol `number`, as far as its bytes tell.
    pub fn may_be(&self, number: u8) -> bool {
        let Some(carried) = self.carried() else { return false };
        let told = |at: usize| carried.bytes.get(at).copied();
        match carried.code {
            Code::Ip(protocol) => protocol == number,
            Code::EtherType(ipv4::ETHERTYPE) => told(9).is_none_or(|protocol| protocol == number),
            Code::EtherType(ipv6::ETHERTYPE) => told(6).is_none_or(|next| next == number || ipv6::is_extension(next)),
            Code::Link(_) => matches!(self, End::Trouble(..)),
            Code::EtherType(_) | Code::Llc | Code::Application(_) => false,
        }
    }

    /// Source and destination port of a TCP, UDP or SCTP header that is not whole.
    pub fn ports(&self) -> Option<(u16, u16)> {
        match self {
            End::Trouble(carried, _) => ports(carried),
            _ => None,
        }
    }

    /// Appends what the full form says about it: nothing where all was decoded.
    pub fn block(&self, out: &mut Text) {
        let said = text::written(|out| self.line(out));
        if !said.is_empty() {
            text::field(out, "Undecoded", said);
        }
    }

    /// Appends what the one-line form says about it: nothing where all was decoded.
    pub fn line(&self, out: &mut Text) {
        let Some(carried) = self.carried() else { return };
        // What an application is between stands in the line already.
        if let Some(addresses) = carried.addresses.filter(|_| !matches!(carried.code, Code::Application(_))) {
            match self.ports() {
                Some((source, destination)) => text::endpoints(out, addresses, source, destination),
                None => text::addresses(out, addresses),
            }
            out.push_str(": ");
        }
        // The line of what carries an application may end in a word.
        if matches!(carried.code, Code::Application(_))
            && out.as_bytes().last().is_some_and(|b| !b.is_ascii_whitespace())
        {
            out.push(' ');
        }
        let name = name(carried.code);
        let _ = match (*self, carried.part) {
            (End::Trouble(_, Trouble::Truncated), _) => write!(out, "[|{name}]"),
            (End::Trouble(_, Trouble::Malformed(why)), _) => write!(out, "{name} [malformed: {why}]"),
            (End::TooDeep(_), _) => write!(out, "{name} [too many headers]"),
            (End::Fragment(_), Part::Later(offset)) => {
                write!(out, "{name} fragment at {offset}, length {}", carried.length)
            }
            _ => write!(out, "{name}, length {}", carried.length),
        };
    }

    /// Its form in JSON: `None` where all was decoded.
    pub fn document(&self) -> Option<EndDocument> {
        let carried = self.carried()?;
        let (kind, reason) = match *self {
            End::Complete => return None,
            End::Unknown(_) => ("unknown", None),
            End::Fragment(_) => ("fragment", None),
            End::Trouble(_, Trouble::Truncated) => ("truncated", None),
            End::Trouble(_, Trouble::Malformed(why)) => ("malformed", Some(why)),
            End::TooDeep(_) => ("too_deep", None),
        };
        let offset = match carried.part {
            Part::Later(offset) => Some(offset),
            _ => None,
        };
        Some(EndDocument { kind, protocol: name(carried.code), reason, offset })
    }
}

/// Source and destination port of a transport header that is not whole.
fn ports(carried: &Carried) -> Option<(u16, u16)> {
    let [a, b, c, d] = *carried.bytes.first_chunk::<4>()?;
    let has_ports = matches!(carried.code, Code::Ip(tcp::NUMBER | udp::NUMBER | sctp::NUMBER));
    has_ports.then(|| (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])))
}

/// The name of a protocol, or its number where it has no decoder.
pub fn name(code: Code) -> String {
    match (protocols::name(code), code) {
        (Some(name), _) => name.to_owned(),
        (None, Code::Link(link)) => format!("link-{link:?}").to_lowercase(),
        (None, Code::EtherType(t)) => format!("ethertype-0x{t:04x}"),
        (None, Code::Llc) => "llc".to_owned(),
        (None, Code::Ip(p)) => format!("ip-proto-{p}"),
        (None, Code::Application(a)) => format!("{a:?}").to_lowercase(),
    }
}
