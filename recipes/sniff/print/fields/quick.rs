//! The fields that are asked for most, told without making the JSON object.

use crate::packet::ethernet::Ethernet;
use crate::packet::ipv4::Ipv4;
use crate::packet::ipv6::Ipv6;
use crate::packet::tcp::Tcp;
use crate::packet::udp::Udp;
use crate::packet::{Application, Code, Layer, Text, text, walk};
use crate::recipes::sniff::capture::Captured;
use crate::recipes::sniff::timestamp::append_rfc3339;

/// Appends one field.
pub type Quick = fn(&Facts, &mut Text);

/// The layers of a packet that quick fields are of.
pub struct Facts<'a> {
    packet: &'a Captured<'a>,
    interface: Option<&'a str>,
    ethernet: Option<Ethernet<'a>>,
    ipv4: Option<Ipv4<'a>>,
    ipv6: Option<Ipv6<'a>>,
    tcp: Option<Tcp<'a>>,
    udp: Option<Udp<'a>>,
}

impl<'a> Facts<'a> {
    /// Those of this packet: its first header of each protocol, none of what a second header of one carries.
    pub fn of(packet: &'a Captured<'a>, interface: Option<&'a str>) -> Self {
        let mut facts = Facts { packet, interface, ethernet: None, ipv4: None, ipv6: None, tcp: None, udp: None };
        let mut layers = walk(packet.frame());
        while let Some(layer) = layers.next() {
            let again = match layer {
                Layer::Ethernet(header) => facts.ethernet.replace(header).map(|first| facts.ethernet = Some(first)),
                Layer::Ipv4(header) => facts.ipv4.replace(header).map(|first| facts.ipv4 = Some(first)),
                Layer::Ipv6(header) => facts.ipv6.replace(header).map(|first| facts.ipv6 = Some(first)),
                Layer::Tcp(header) => facts.tcp.replace(header).map(|first| facts.tcp = Some(first)),
                Layer::Udp(header) => facts.udp.replace(header).map(|first| facts.udp = Some(first)),
                _ => None,
            };
            if again.is_some() || layers.upcoming().is_some_and(|next| is_leaf(next.code)) {
                break;
            }
        }
        facts
    }
}

/// Whether nothing of interest is in there.
fn is_leaf(code: Code) -> bool {
    match code {
        Code::Application(application) => !matches!(application, Application::Vxlan | Application::Geneve),
        _ => false,
    }
}

fn decimal(out: &mut Text, n: impl itoa::Integer) {
    out.push_str(itoa::Buffer::new().format(n));
}

fn truth(out: &mut Text, value: bool) {
    out.push_str(if value { "true" } else { "false" });
}

/// The way to tell the field of this name, where it is a quick one.
pub fn find(name: &str) -> Option<Quick> {
    packet(name).or_else(|| ip(name)).or_else(|| transport(name))
}

fn packet(name: &str) -> Option<Quick> {
    Some(match name {
        "time" => |f, out| append_rfc3339(out, f.packet.seconds, f.packet.nanoseconds),
        "seconds" => |f, out| decimal(out, f.packet.seconds),
        "nanoseconds" => |f, out| decimal(out, f.packet.nanoseconds),
        "interface" => |f, out| out.push_str(f.interface.unwrap_or_default()),
        "captured_length" => |f, out| decimal(out, f.packet.bytes.len()),
        "length" => |f, out| decimal(out, f.packet.length),
        "ethernet.source" => |f, out| f.ethernet.iter().for_each(|e| text::hardware(out, e.source)),
        "ethernet.destination" => |f, out| f.ethernet.iter().for_each(|e| text::hardware(out, e.destination)),
        "ethernet.ethertype" => |f, out| f.ethernet.iter().for_each(|e| decimal(out, e.ethertype)),
        _ => return None,
    })
}

fn ip(name: &str) -> Option<Quick> {
    Some(match name {
        "ipv4.source" => |f, out| f.ipv4.iter().for_each(|ip| text::ipv4(out, *ip.source())),
        "ipv4.destination" => |f, out| f.ipv4.iter().for_each(|ip| text::ipv4(out, *ip.destination())),
        "ipv4.tos" => |f, out| f.ipv4.iter().for_each(|ip| decimal(out, ip.tos())),
        "ipv4.total_length" => |f, out| f.ipv4.iter().for_each(|ip| decimal(out, ip.total_length())),
        "ipv4.identification" => |f, out| f.ipv4.iter().for_each(|ip| decimal(out, ip.identification())),
        "ipv4.dont_fragment" => |f, out| f.ipv4.iter().for_each(|ip| truth(out, ip.dont_fragment())),
        "ipv4.more_fragments" => |f, out| f.ipv4.iter().for_each(|ip| truth(out, ip.more_fragments())),
        "ipv4.fragment_offset" => |f, out| f.ipv4.iter().for_each(|ip| decimal(out, ip.fragment_offset())),
        "ipv4.ttl" => |f, out| f.ipv4.iter().for_each(|ip| decimal(out, ip.ttl())),
        "ipv4.protocol" => |f, out| f.ipv4.iter().for_each(|ip| decimal(out, ip.protocol())),
        "ipv6.source" => |f, out| f.ipv6.iter().for_each(|ip| text::ipv6(out, *ip.source())),
        "ipv6.destination" => |f, out| f.ipv6.iter().for_each(|ip| text::ipv6(out, *ip.destination())),
        "ipv6.hop_limit" => |f, out| f.ipv6.iter().for_each(|ip| decimal(out, ip.hop_limit())),
        _ => return None,
    })
}

fn transport(name: &str) -> Option<Quick> {
    Some(match name {
        "tcp.source_port" => |f, out| f.tcp.iter().for_each(|t| decimal(out, t.source_port())),
        "tcp.destination_port" => |f, out| f.tcp.iter().for_each(|t| decimal(out, t.destination_port())),
        "tcp.sequence" => |f, out| f.tcp.iter().for_each(|t| decimal(out, t.sequence())),
        "tcp.acknowledgement" => |f, out| f.tcp.iter().for_each(|t| decimal(out, t.acknowledgement())),
        "tcp.window" => |f, out| f.tcp.iter().for_each(|t| decimal(out, t.window())),
        "tcp.payload_length" => |f, out| f.tcp.iter().for_each(|t| decimal(out, t.payload_length())),
        "tcp.flags" => |f, out| {
            for (i, name) in f.tcp.iter().flat_map(|t| t.flags().names()).enumerate() {
                out.push_str(if i > 0 { "," } else { "" });
                out.push_str(name);
            }
        },
        "udp.source_port" => |f, out| f.udp.iter().for_each(|u| decimal(out, u.source_port())),
        "udp.destination_port" => |f, out| f.udp.iter().for_each(|u| decimal(out, u.destination_port())),
        "udp.length" => |f, out| f.udp.iter().for_each(|u| decimal(out, u.length())),
        "udp.payload_length" => |f, out| f.udp.iter().for_each(|u| decimal(out, u.payload_length())),
        _ => return None,
    })
}
