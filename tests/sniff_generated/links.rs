//! Link headers, and ARP.

use fastrand::Rng;

use super::Case;
use super::network::{self, bytes};
use crate::common::packets::{ethernet, udp};

pub fn cases() -> Vec<Case> {
    vec![
        Case {
            protocols: &["ethernet"],
            link: 1,
            make: |r| [mac(r), mac(r), vec![8, 0], datagram(r)].concat(),
            fields: &[
                ("/ethernet/destination", "eth.dst"),
                ("/ethernet/source", "eth.src"),
                ("/ethernet/ethertype", "eth.type"),
            ],
        },
        Case {
            protocols: &["ethernet"],
            link: 1,
            make: |r| [mac(r), mac(r), vec![0x81, 0], tag(r), vec![8, 0], datagram(r)].concat(),
            fields: &[
                ("/ethernet/vlans/*/id", "vlan.id"),
                ("/ethernet/vlans/*/priority", "vlan.priority"),
                ("/ethernet/vlans/*/drop_eligible", "vlan.dei"),
                ("/ethernet/ethertype", "vlan.etype"),
                ("/ipv4/ttl", "ip.ttl"),
            ],
        },
        Case {
            protocols: &["ethernet"],
            link: 1,
            make: |r| {
                [mac(r), mac(r), vec![0x88, 0xa8], tag(r), vec![0x81, 0], tag(r), vec![8, 0], datagram(r)].concat()
            },
            fields: &[
                ("/ethernet/vlans/0/protocol", "eth.type"),
                ("/ethernet/vlans/0/id", "ieee8021ad.id"),
                ("/ethernet/vlans/0/priority", "ieee8021ad.priority"),
                ("/ethernet/vlans/0/drop_eligible", "ieee8021ad.dei"),
                ("/ethernet/vlans/1/id", "vlan.id"),
                ("/ethernet/vlans/1/priority", "vlan.priority"),
                ("/ethernet/ethertype", "vlan.etype"),
            ],
        },
        Case {
            protocols: &["cooked"],
            link: 113,
            make: |r| [vec![0, r.u8(0..5), 0, 1, 0, 6], mac(r), bytes(r, 2), vec![8, 0], datagram(r)].concat(),
            fields: &[
                ("/cooked/packet_type", "sll.pkttype"),
                ("/cooked/hardware_type", "sll.hatype"),
                ("/cooked/address_length", "sll.halen"),
                ("/cooked/address", "sll.src.eth"),
                ("/cooked/protocol", "sll.etype"),
                ("/ipv4/source", "ip.src"),
            ],
        },
        Case {
            protocols: &["cooked"],
            link: 276,
            make: |r| {
                let index = r.u32(1..1000).to_be_bytes();
                [&[8, 0, 0, 0][..], &index, &[0, 1, r.u8(0..5), 6], &mac(r), &bytes(r, 2), &datagram(r)].concat()
            },
            fields: &[
                ("/cooked/packet_type", "sll.pkttype"),
                ("/cooked/interface_index", "sll.ifindex"),
                ("/cooked/hardware_type", "sll.hatype"),
                ("/cooked/address_length", "sll.halen"),
                ("/cooked/address", "sll.src.eth"),
                ("/cooked/protocol", "sll.etype"),
            ],
        },
        Case {
            protocols: &["loopback"],
            link: 0,
            make: |r| [&[2, 0, 0, 0][..], &datagram(r)].concat(),
            fields: &[("/loopback/family", "null.family"), ("/ipv4/identification", "ip.id")],
        },
        Case {
            protocols: &["llc"],
            link: 1,
            make: |r| {
                let inside = [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &datagram(r)].concat();
                ethernet(inside.len() as u16, &inside)
            },
            fields: &[
                ("/llc/dsap", "llc.dsap"),
                ("/llc/ssap", "llc.ssap"),
                ("/llc/control", "llc.control"),
                ("/llc/organization", "llc.oui"),
                ("/llc/protocol", "llc.type"),
            ],
        },
        arp(|r| arp_packet(r, 0x0806, &[1, 2, 8, 9])),
        arp(|r| arp_packet(r, 0x8035, &[3, 4])),
    ]
}

fn arp(make: fn(&mut Rng) -> Vec<u8>) -> Case {
    Case {
        protocols: &["arp"],
        link: 1,
        make,
        fields: &[
            ("/arp/hardware_type", "arp.hw.type"),
            ("/arp/protocol_type", "arp.proto.type"),
            ("/arp/hardware_length", "arp.hw.size"),
            ("/arp/protocol_length", "arp.proto.size"),
            ("/arp/operation", "arp.opcode"),
            ("/arp/sender_hardware", "arp.src.hw_mac"),
            ("/arp/sender_protocol", "arp.src.proto_ipv4"),
            ("/arp/target_hardware", "arp.dst.hw_mac"),
            ("/arp/target_protocol", "arp.dst.proto_ipv4"),
        ],
    }
}

fn arp_packet(r: &mut Rng, ethertype: u16, operations: &[u8]) -> Vec<u8> {
    let operation = *r.choice(operations).expect("one");
    ethernet(
        ethertype,
        &[&[0, 1, 8, 0, 6, 4, 0, operation][..], &mac(r), &bytes(r, 4), &mac(r), &bytes(r, 4)].concat(),
    )
}

/// A hardware address of one station.
pub fn mac(r: &mut Rng) -> Vec<u8> {
    let mut address = bytes(r, 6);
    address[0] &= 0xfe;
    address
}

fn tag(r: &mut Rng) -> Vec<u8> {
    bytes(r, 2)
}

/// A small IPv4 packet.
pub fn datagram(r: &mut Rng) -> Vec<u8> {
    network::ipv4(r, 17, &udp(2000, b"hello"))
}
