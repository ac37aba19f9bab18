use super::*;
use crate::packet::Application;
use crate::packet::sample::{carried, decoded, sample};

fn dhcp6(bytes: &[u8], length: usize) -> (Dhcp6<'_>, String, String) {
    decoded(Application::Dhcp6, bytes, length)
}

#[test]
fn lines_are_tcpdumps() {
    assert_eq!(dhcp6(&[1, 0, 0, 1], 4).1, "dhcp6 solicit");
    assert_eq!(dhcp6(&[11, 0, 0, 1], 4).1, "dhcp6 inf-req");
    assert_eq!(dhcp6(&[99, 0, 0, 1], 4).1, "dhcp6 msgtype-99");
    assert_eq!(dhcp6(&sample!("dhcp6_relay"), 244).1, "dhcp6 relay-fwd");
}

#[test]
fn options_in_options_are_shown() {
    let bytes = sample!("dhcp6_advertise");
    let (advertise, _, block) = dhcp6(&bytes, bytes.len());
    for said in [
        "Transaction     : 0x90b45c\n",
        "Option          : IA_NA (3) id 33752069 T1 3600 T2 5400\n",
        "Option          :   IA_ADDR (5) 2a00:1:1:200:38e6:b22e:c440:acdf preferred 4500 valid 7200\n",
    ] {
        assert!(block.contains(said), "{said}{block}");
    }
    let document = advertise.document();
    assert_eq!((document.options.len(), document.options[0].options[0].code, document.trouble), (3, 5, None));
}

#[test]
fn a_relays_message_holds_a_message() {
    let bytes = sample!("dhcp6_relay");
    let (relay, _, block) = dhcp6(&bytes, bytes.len());
    assert_eq!((relay.transaction(), relay.relay().map(|(hops, ..)| hops)), (None, Some(0)));
    assert!(block.contains("relay-message (9) dhcp6 solicit\n"), "{block}");
    assert!(block.contains("  elapsed-time (8) 0\n"), "{block}");
}

#[test]
fn nesting_ends() {
    // A relay's message in a relay's message, forty times.
    let mut bytes = vec![1, 0, 0, 1];
    for _ in 0..40 {
        let mut outer = vec![12, 0];
        outer.extend([0; 32]);
        outer.extend([0, 9]);
        outer.extend((bytes.len() as u16).to_be_bytes());
        outer.extend(&bytes);
        bytes = outer;
    }
    let (_, _, block) = dhcp6(&bytes, bytes.len());
    assert_eq!(block.matches("relay-message").count(), 9);
}

#[test]
fn cut_and_malformed_options_keep_those_before() {
    let bytes = sample!("dhcp6_advertise");
    let (cut, ..) = dhcp6(&bytes[..60], bytes.len());
    assert_eq!((cut.trouble(), cut.options().flatten().count()), (Some(Trouble::Truncated), 1));
    let (ended, ..) = dhcp6(&bytes[..60], 60);
    assert_eq!(ended.trouble(), Some(Trouble::Malformed("an option is longer than the packet")));
    let (relay, ..) = dhcp6(&[12, 0, 0, 0, 0], 40);
    assert_eq!((relay.trouble(), relay.relay()), (Some(Trouble::Truncated), None));
    assert!(matches!(Dhcp6::decode(carried(Application::Dhcp6, &[1, 2], 2)), Err(Trouble::Malformed(_))));
    // The inner option says more than the outer one holds.
    let mut inner = bytes.clone();
    inner[23] = 200;
    let (inner, _, block) = dhcp6(&inner, bytes.len());
    assert!(block.contains("Fault           : an option in IA_NA: malformed\n"), "{block}");
    assert!(inner.document().options[0].trouble.is_some());
}
