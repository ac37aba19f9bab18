use super::*;
use crate::packet::sample;
use crate::packet::{Code, Link};

const HEADER: [u8; 12] = [0x80, 0, 0, 80, 0, 0, 0, 9, 1, 2, 3, 4];

fn line(chunks: &[u8], length: usize) -> String {
    let bytes = [&HEADER, chunks].concat();
    let carried = Carried { code: Code::Ip(NUMBER), ..Carried::frame(Link::Ip, &bytes, length) };
    sample::line(&Sctp::decode(carried).unwrap().0)
}

#[test]
fn chunks_have_tcpdumps_words() {
    let init = [1, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0x80, 0, 0, 10, 0, 5, 0, 0, 0, 7];
    assert_eq!(line(&init, 32), "sctp (1) [INIT] [init tag: 1] [rwnd: 32768] [OS: 10] [MIS: 5] [init TSN: 7]");
    // One byte of data and three of padding, then another chunk.
    let mut two = vec![0, 3, 0, 17, 0, 0, 0, 7, 0, 1, 0, 2, 0, 0, 0, 0, b'x', 0, 0, 0];
    two.extend([3, 0, 0, 16, 0, 0, 0, 7, 0, 0, 0x80, 0, 0, 0, 0, 0]);
    let expected = "sctp (1) [DATA] (B)(E) [TSN: 7] [SID: 1] [SSEQ 2] [PPID 0x0] \
                    (2) [SACK] [cum ack 7] [a_rwnd 32768] [#gap acks 0] [#dup tsns 0]";
    assert_eq!(line(&two, 48), expected);
    assert_eq!(line(&[0x99, 0, 0, 4], 16), "sctp (1) [Unknown chunk type: 0x99]");
}

#[test]
fn lengths_that_lie_end_the_chunks() {
    for length in [0, 3, 9] {
        assert_eq!(line(&[11, 0, 0, length, 11, 0, 0, 4], 20), "sctp (1) [COOKIE ACK] [malformed]");
    }
    assert_eq!(line(&[10, 0, 0, 9, 11, 0, 0, 4], 21), "sctp (1) [COOKIE ECHO] [truncated]");
    assert_eq!(line(&[11, 0, 0, 4, 11, 0], 18), "sctp (1) [COOKIE ACK] (2) [COOKIE ACK] [malformed]");
}
