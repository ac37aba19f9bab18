use super::*;
use crate::packet::Application;
use crate::packet::sample::{carried, decoded, sample};

fn dhcp(bytes: &[u8], length: usize) -> (Dhcp<'_>, String, String) {
    decoded(Application::Dhcp, bytes, length)
}

#[test]
fn lines_are_tcpdumps() {
    let mut bytes = sample!("dhcp_request");
    assert_eq!(dhcp(&bytes, 300).1, "BOOTP/DHCP, Request from 00:0c:29:1f:74:06, length 300");
    assert_eq!(dhcp(&sample!("dhcp_reply"), 300).1, "BOOTP/DHCP, Reply, length 300");
    bytes[2] = 5;
    assert_eq!(dhcp(&bytes, 300).1, "BOOTP/DHCP, Request, length 300");
    bytes[0] = 0;
    assert_eq!(dhcp(&bytes, 300).1, "BOOTP/DHCP, unknown (0x00), length 300");
}

#[test]
fn fields_and_options_are_shown() {
    let bytes = sample!("dhcp_ack");
    let (dhcp, _, block) = dhcp(&bytes, bytes.len());
    for said in [
        "Transaction     : 0x3903f326\n",
        "Your IP         : 192.168.0.10\n",
        "Option          : DHCP-Message (53) ACK\n",
        "Option          : Lease-Time (51) 3600\n",
        "Option          : Domain-Name-Server (6) 8.8.8.8 1.1.1.1\n",
        "Option          : Domain-Name (15) example.com\n",
    ] {
        assert!(block.contains(said), "{said}{block}");
    }
    let document = dhcp.document();
    assert_eq!((document.message, document.options.len(), document.trouble), (Some("ACK"), 7, None));
    assert_eq!(document.your_address, "192.168.0.10");
}

#[test]
fn the_parameter_list_and_unknown_options_are_numbers() {
    let bytes = sample!("dhcp_discover");
    let options: Vec<_> = dhcp(&bytes, bytes.len()).0.document().options;
    let said: Vec<_> = options.iter().map(|option| (option.name.as_str(), option.value.as_str())).collect();
    let expected = [
        ("DHCP-Message", "Discover"),
        ("Client-ID", "01000b8201fc42"),
        ("Requested-IP", "192.168.0.10"),
        ("Parameter-Request", "1,3,6,42"),
        ("Hostname", "laptop"),
    ];
    assert_eq!(said, expected);
}

#[test]
fn cut_and_malformed_options_keep_those_before() {
    let bytes = sample!("dhcp_ack");
    let (cut, line, block) = dhcp(&bytes[..250], bytes.len());
    assert_eq!((cut.trouble(), cut.options().flatten().count()), (Some(Trouble::Truncated), 2));
    assert!(line.ends_with("length 291") && block.ends_with("Fault           : truncated\n"), "{block}");
    let (ended, ..) = dhcp(&bytes[..250], 250);
    assert_eq!(ended.trouble(), Some(Trouble::Malformed("an option is longer than the packet")));
    let (fixed, ..) = dhcp(&bytes[..100], bytes.len());
    assert_eq!((fixed.trouble(), fixed.names()), (Some(Trouble::Truncated), None));
    let request = sample!("dhcp_request");
    assert_eq!(dhcp(&request[..34], 300).1, "BOOTP/DHCP, Request from 00:0c:29:1f:74:06, length 300");
    assert_eq!(dhcp(&request[..33], 300).1, "BOOTP/DHCP, Request [|bootp]");
    assert!(matches!(Dhcp::decode(carried(Application::Dhcp, &bytes[..27], 291)), Err(Trouble::Truncated)));
}

#[test]
fn lengths_that_an_option_does_not_have_are_shown_in_hexadecimal() {
    let said = |kind, value| options::DhcpOption { kind, value }.document().value;
    assert_eq!(said(1, &[255, 255, 255]), "ffffff");
    assert_eq!(said(51, &[1, 2, 3, 4, 5]), "0102030405");
    assert_eq!(said(53, &[99]), "63");
    assert_eq!(said(12, b"a\x1b[2J\0"), r"a\x1b[2J");
    assert_eq!(said(200, &[1, 2]), "0102");
}
