use super::*;
use crate::packet::Application;
use crate::packet::sample::{decoded, sample};

fn ntp(bytes: &[u8], length: usize) -> (Ntp<'_>, String, String) {
    decoded(Application::Ntp, bytes, length)
}

#[test]
fn lines_are_tcpdumps() {
    assert_eq!(ntp(&sample!("ntp_server"), 48).1, "NTPv4, Server, length 48");
    assert_eq!(ntp(&sample!("ntp_client_extended"), 332).1, "NTPv4, Client, length 332");
    assert_eq!(ntp(&[0x16, 1], 2).1, "NTPv2, Control Message, length 2");
    assert_eq!(ntp(&[0x21], 48).1, "NTPv4, symmetric active, length 48");
}

#[test]
fn every_field_is_shown() {
    let bytes = sample!("ntp_server");
    let (ntp, _, block) = ntp(&bytes, 48);
    for said in [
        "Stratum         : 2\n",
        "Precision       : 2^-24 s\n",
        "Root Delay      : 0.000320 s\n",
        "Root Dispersion : 0.036407 s\n",
        "Reference       : 132.199.7.201\n",
        "Reference Time  : 2017-08-23T13:01:46.337741360Z\n",
        "Transmit Time   : 2017-08-23T13:21:56.929948437Z\n",
    ] {
        assert!(block.contains(said), "{said}{block}");
    }
    let json = serde_json::to_value(ntp.document()).unwrap();
    assert_eq!(json["originate_time"], "2017-08-23T13:21:56.928478999Z");
    assert_eq!((&json["stratum"], &json["mode_name"]), (&2.into(), &"Server".into()));
}

#[test]
fn what_is_cut_is_said() {
    let bytes = sample!("ntp_server");
    let (cut, line, block) = ntp(&bytes[..20], 48);
    assert_eq!((cut.trouble(), line.as_str()), (Some(Trouble::Truncated), "NTPv4, Server, length 48"));
    assert!(block.ends_with("Fault           : truncated\n") && cut.fields().is_none());
    assert_eq!(ntp(&bytes[..20], 20).0.trouble(), Some(Trouble::Malformed("the packet ends inside its header")));
    let extended = sample!("ntp_client_extended");
    assert_eq!((ntp(&extended, 332).0.rest().len(), ntp(&extended, 332).0.trouble()), (284, None));
}

#[test]
fn a_reference_clock_has_a_word() {
    let mut bytes = sample!("ntp_server");
    bytes[1] = 1;
    bytes[12..16].copy_from_slice(b"GP\x1b\0");
    assert_eq!(ntp(&bytes, 48).0.fields().unwrap().reference(), r"GP\x1b");
}
