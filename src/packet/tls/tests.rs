use super::*;
use crate::packet::Application;
use crate::packet::sample::{carried, decoded, sample};

fn tls(bytes: &[u8], length: usize) -> (Tls<'_>, String, String) {
    decoded(Application::Tls, bytes, length)
}

fn line(bytes: &[u8]) -> String {
    tls(bytes, bytes.len()).1
}

const CLIENT: &str = ": TLS ClientHello sni=example.com alpn=h2,http/1.1 versions=1.3,1.2 ciphers=18";

#[test]
fn hellos_say_who_is_asked_for_what() {
    assert_eq!(line(&sample!("tls_client_hello")), CLIENT);
    assert_eq!(
        line(&sample!("tls13_server_hello")),
        ": TLS ServerHello version=1.3 cipher=TLS_AES_256_GCM_SHA384, ChangeCipherSpec length 1, \
         ApplicationData length 32, ApplicationData length 420 [|tls]"
    );
    assert_eq!(
        line(&sample!("tls12_server_hello")),
        ": TLS ServerHello alpn=h2 version=1.2 cipher=TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, Certificate, \
         ServerKeyExchange, ServerHelloDone"
    );
    assert_eq!(line(&sample!("tls_alert")), ": TLS Alert fatal handshake_failure");
}

#[test]
fn a_hello_is_shown_as_far_as_it_goes() {
    let bytes = sample!("tls_client_hello");
    for cut in [300, 400] {
        assert_eq!(line(&bytes[..cut]), format!("{CLIENT} [|tls]"));
    }
    // Behind the server's name, before versions; within the cipher suites.
    let said = line(&bytes[..140]);
    assert_eq!(said, ": TLS ClientHello sni=example.com ciphers=18 [|tls]");
    assert_eq!(line(&bytes[..90]), ": TLS ClientHello ciphers=0 [|tls]");
    assert_eq!(line(&bytes[..7]), ": TLS Handshake length 512 [|tls]");
    let json = serde_json::to_value(tls(&bytes[..140], 517).0.document()).unwrap();
    let hello = &json["records"][0]["messages"][0];
    assert_eq!((&hello["server_name"], &hello["cut"]), (&"example.com".into(), &true.into()));
    assert_eq!(hello["trouble"]["kind"], "truncated");
}

#[test]
fn lengths_that_lie_are_named() {
    let mut bytes = sample!("tls_client_hello");
    // Cipher suites beyond the end of the hello.
    bytes[76] = 0xff;
    assert_eq!(line(&bytes), ": TLS ClientHello ciphers=0 [malformed: a length in the hello is beyond its end]");
    let json = serde_json::to_value(tls(&bytes, bytes.len()).0.document()).unwrap();
    assert_eq!(json["records"][0]["messages"][0]["trouble"]["kind"], "malformed");
}

#[test]
fn names_are_escaped_and_grease_is_left_out() {
    let mut bytes = sample!("tls_client_hello");
    let at = bytes.windows(7).position(|part| part == b"example").unwrap();
    bytes[at..at + 4].copy_from_slice(b"\x1b[2J");
    let versions = bytes.windows(5).position(|part| part == [0, 43, 0, 5, 4]).unwrap() + 5;
    bytes[versions..versions + 2].copy_from_slice(&[0x1a, 0x1a]);
    assert!(line(&bytes).contains(r"sni=\x1b[2Jple.com alpn=h2,http/1.1 versions=1.2 "), "{}", line(&bytes));
}

#[test]
fn what_is_encrypted_is_a_length() {
    let finished = [&[22, 3, 3, 0, 8][..], &[0x14, 0xff, 0xee, 0, 1, 2, 3, 4]].concat();
    assert_eq!(line(&finished), ": TLS Handshake length 8");
    assert_eq!(line(&[21, 3, 3, 0, 4, 9, 9, 9, 9]), ": TLS Alert length 4");
    let many = [23, 3, 3, 0, 1, 0].repeat(20);
    assert!(line(&many).ends_with("ApplicationData length 1, [...]"));
    assert_eq!(tls(&many, many.len()).0.records().count(), 20);
}

#[test]
fn only_records_begin_as_tls() {
    let hello = sample!("tls_client_hello");
    assert!(begins(&hello, [9, 4567]) && begins(&hello[..7], [9, 4567]) && !begins(&hello[..4], [9, 443]));
    let data = [23, 3, 3, 0, 1, 0];
    assert!(begins(&data, [443, 9]) && !begins(&data, [9, 4567]));
    for header in [[23, 3, 3, 0x41, 1], [23, 3, 5, 0, 1], [23, 2, 3, 0, 1], [24, 3, 3, 0, 1], [23, 3, 3, 0, 0]] {
        assert!(!begins(&header, [443, 9]), "{header:?}");
        assert!(matches!(Tls::decode(carried(Application::Tls, &header, 5)), Err(Trouble::Malformed(_))));
    }
    assert!(matches!(Tls::decode(carried(Application::Tls, &data[..4], 6)), Err(Trouble::Truncated)));
}
