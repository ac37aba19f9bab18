//! The protocols that are decoded: a line each.

use schemars::JsonSchema;
use serde::Serialize;

use super::layer::{Application, Carried, Code, Link, Protocol, Trouble};
use super::{
    arp, cooked, dhcp, dhcp6, dns, esp, ethernet, geneve, gre, http, icmp, icmp6, igmp, ipip, ipv4, ipv6, llc,
    loopback, ntp, sctp, tcp, tls, udp, vxlan,
};
use crate::packet::{Line, Text};

/// Makes, from one line per protocol, the [`Layer`] type, its decoder, its views and the JSON [`Document`].
macro_rules! protocols {
    ($($(#[$doc:meta])* $code:pat => $name:ident::$protocol:ident,)*) => {
        /// One decoded layer of a frame.
        #[derive(Debug, Clone, Copy)]
        pub enum Layer<'a> {
            $($(#[$doc])* $protocol($name::$protocol<'a>),)*
        }

        /// The decoded layers as JSON: a key per protocol, only those that are there.
        #[derive(Debug, Default, Serialize, JsonSchema)]
        pub struct Document {
            $($(#[$doc])*
            #[serde(skip_serializing_if = "Option::is_none")]
            pub $name: Option<<$name::$protocol<'static> as Protocol<'static>>::Document>,)*
            /// What stands inside a second header of the same protocol (a tunnel).
            #[serde(skip_serializing_if = "Option::is_none")]
            pub inner: Option<Box<Document>>,
        }

        /// Decodes by what the layer below calls it; `None` where no decoder goes by that code.
        pub(super) fn decode<'a>(
            carried: Carried<'a>,
        ) -> Option<Result<(Layer<'a>, Option<Carried<'a>>), Trouble>> {
            match carried.code {
                $($code => Some($name::$protocol::decode(carried).map(|(l, next)| (Layer::$protocol(l), next))),)*
                _ => None,
            }
        }

        /// Decodes as [`decode`] does, shows the layer to `visitor`, and puts what it carries in place of `carried`; false
        /// where that is nothing. Nothing is moved about: that would cost more than to decode.
        #[inline(always)]
        pub(super) fn visit<'a>(
            carried: &mut Carried<'a>,
            visitor: &mut impl Visitor,
        ) -> Option<Result<bool, Trouble>> {
            match carried.code {
                $($code => match $name::$protocol::decode(*carried) {
                    Ok((layer, next)) => {
                        visitor.layer(&layer);
                        let goes_on = next.is_some();
                        if let Some(next) = next {
                            *carried = next;
                        }
                        Some(Ok(goes_on))
                    }
                    Err(trouble) => Some(Err(trouble)),
                },)*
                _ => None,
            }
        }

        /// The name of the protocol that goes by `code`, as it stands in the JSON document.
        pub fn name(code: Code) -> Option<&'static str> {
            match code {
                $($code => Some(stringify!($name)),)*
                _ => None,
            }
        }

        impl Layer<'_> {
            /// Appends its part of the one-line form.
            pub fn line(&self, out: &mut Line) {
                match self { $(Layer::$protocol(layer) => layer.line(out),)* }
            }

            /// Appends its part of the full form.
            pub fn block(&self, out: &mut Text) {
                match self { $(Layer::$protocol(layer) => layer.block(out),)* }
            }

            /// Puts its JSON form into `document`.
            pub fn document(&self, document: &mut Document) {
                match self {
                    $(Layer::$protocol(layer) => match document.$name {
                        None if document.inner.is_none() => document.$name = Some(layer.document()),
                        _ => self.document(document.inner.get_or_insert_default()),
                    },)*
                }
            }
        }
    };
}

/// What is shown one layer after the other.
pub trait Visitor {
    /// The next layer.
    fn layer<'a>(&mut self, layer: &impl Protocol<'a>);

    /// Whether what goes by `code` is to be decoded.
    fn goes_on(&self, _code: Code) -> bool {
        true
    }
}

/// Whether there is a decoder for what goes by `code`.
pub fn has_decoder(code: Code) -> bool {
    name(code).is_some()
}

protocols! {
    /// Ethernet, with its VLAN tags.
    Code::Link(Link::Ethernet) => ethernet::Ethernet,
    /// Linux's cooked header, version 1 or 2.
    Code::Link(Link::Cooked | Link::Cooked2) => cooked::Cooked,
    /// BSD's loopback header.
    Code::Link(Link::Null) => loopback::Loopback,
    /// IEEE 802.2 logical link control, with SNAP.
    Code::Llc => llc::Llc,
    /// ARP and its relatives.
    Code::EtherType(arp::ETHERTYPE | arp::REVERSE) => arp::Arp,
    /// IPv4.
    Code::EtherType(ipv4::ETHERTYPE) => ipv4::Ipv4,
    /// IPv6, with its extension headers.
    Code::EtherType(ipv6::ETHERTYPE) => ipv6::Ipv6,
    /// TCP.
    Code::Ip(tcp::NUMBER) => tcp::Tcp,
    /// UDP.
    Code::Ip(udp::NUMBER) => udp::Udp,
    /// ICMP of IPv4.
    Code::Ip(icmp::NUMBER) => icmp::Icmp,
    /// ICMP of IPv6.
    Code::Ip(icmp6::NUMBER) => icmp6::Icmp6,
    /// IGMP.
    Code::Ip(igmp::NUMBER) => igmp::Igmp,
    /// SCTP.
    Code::Ip(sctp::NUMBER) => sctp::Sctp,
    /// GRE, a tunnel.
    Code::Ip(gre::NUMBER) => gre::Gre,
    /// IPv4 or IPv6 straight in IP, a tunnel.
    Code::Ip(ipip::IPV4 | ipip::IPV6) => ipip::Ipip,
    /// Encrypted payload of IPsec.
    Code::Ip(esp::NUMBER) => esp::Esp,
    /// VXLAN, a tunnel.
    Code::Application(Application::Vxlan) => vxlan::Vxlan,
    /// Geneve, a tunnel.
    Code::Application(Application::Geneve) => geneve::Geneve,
    /// DNS, by datagrams, multicast or a stream.
    Code::Application(Application::Dns | Application::MulticastDns | Application::DnsStream) => dns::Dns,
    /// DHCP and BOOTP.
    Code::Application(Application::Dhcp) => dhcp::Dhcp,
    /// DHCPv6.
    Code::Application(Application::Dhcp6) => dhcp6::Dhcp6,
    /// NTP.
    Code::Application(Application::Ntp) => ntp::Ntp,
    /// HTTP/1: the head of a message.
    Code::Application(Application::Http) => http::Http,
    /// A TLS record.
    Code::Application(Application::Tls) => tls::Tls,
}
