use super::*;
use crate::packet::Application;
use crate::packet::sample::{carried, decoded, sample};

fn http(bytes: &[u8]) -> (Http<'_>, String, String) {
    decoded(Application::Http, bytes, bytes.len())
}

#[test]
fn lines_are_tcpdumps() {
    assert_eq!(http(&sample!("http_request")).1, ": HTTP: GET /a?b=c HTTP/1.1");
    assert_eq!(http(&sample!("http_response")).1, ": HTTP: HTTP/1.1 200 OK");
    assert_eq!(http(b"PUT /abc").1, ": HTTP: PUT /abc [|http]");
    assert_eq!(http(b"GET /\x1b[31m HTTP/1.1\r\n").1, r": HTTP: GET /\x1b[31m HTTP/1.1");
    let long = [b"GET /", &[b'a'; 3000][..], b" HTTP/1.1\r\n"].concat();
    assert_eq!(http(&long).1.len(), ": HTTP: ".len() + LONGEST + "[...]".len());
}

#[test]
fn fields_end_with_the_head() {
    let bytes = [&sample!("http_request")[..], b"body: no field\n"].concat();
    let (http, _, block) = http(&bytes);
    assert_eq!(
        block,
        "HTTP            : GET /a?b=c HTTP/1.1\nField           : Host: example.com\n\
         Field           : Accept: */*\nBody            : 15 bytes in this segment\n"
    );
    let json = serde_json::to_value(http.document()).unwrap();
    assert_eq!(json["request"]["target"], "/a?b=c");
    assert_eq!(json["fields"][1]["value"], "*/*");
    assert_eq!(json["body_length"], 15);
}

#[test]
fn a_head_that_is_cut_says_so_and_odd_lines_are_kept() {
    let (http, _, block) = http(b"HTTP/1.0 404 Not Found\nA:\n folded: on\nno colon\nCut: of");
    let fields: Vec<_> = http.fields().collect();
    let field = |name, value| Field { name, value };
    assert_eq!(fields, [field(b"A", b""), field(b"", b"folded: on"), field(b"", b"no colon")]);
    assert!(block.ends_with("Fault           : the head does not end in this segment\n"));
    assert_eq!(http.parts(), [&b"HTTP/1.0"[..], b"404", b"Not Found"]);
    assert_eq!(http.body_length(), None);
}

#[test]
fn only_http_begins_as_http() {
    assert!(begins(b"GET / HTTP/1.1\r\n", [9, 4567]) && begins(b"HTTP/1.1 200 OK", [9, 4567]));
    assert!(begins(b"GET /cut", [80, 9]) && begins(b"POST / HTTP/1.0\n", [9, 1]));
    for payload in
        [&b"GET /cut"[..], b"GETS / HTTP/1.1\r\n", b"get / HTTP/1.1\r\n", b"HELO a\r\n", b"", b"RTSP/1.0 200 OK"]
    {
        assert!(!begins(payload, [9, 4567]), "{payload:?}");
    }
    assert!(!begins(b"SSH-2.0-x\r\n", [80, 9]));
    assert!(matches!(Http::decode(carried(Application::Http, b"EHLO a", 6)), Err(Trouble::Malformed(_))));
    assert!(matches!(Http::decode(carried(Application::Http, b"", 6)), Err(Trouble::Truncated)));
}
