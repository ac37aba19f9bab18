//! The other ways in: sendfile, splice, vmsplice, several in flight; and whether pages are copied.

use std::fs::File;
use std::io::{IoSlice, Write};

use nix::errno::Errno;
use serde_json::Value;
use syskit::need::af_alg::{Verdict, zero_copy};
use syskit::sys::af_alg::input::Pipe;
use syskit::sys::af_alg::{Direction, Hash, Message, Operation, Parameters, Skcipher, Transform};
use syskit::sys::socket_ring::SocketRing;

use super::interface::noise;
use super::{in_lab, ran};

/// The oracle: the same question, asked without syskit.
pub const PYTHON_ZERO_COPY: &str = r#"python3 -c '
import os, socket
s = socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)
s.bind(("skcipher", "cbc(aes)"))
s.setsockopt(socket.SOL_ALG, socket.ALG_SET_KEY, b"k" * 16)
fd = os.memfd_create("page")
os.write(fd, b"A" * 4096)
def start():
    op, _ = s.accept()
    op.sendmsg_afalg(op=socket.ALG_OP_ENCRYPT, iv=bytes(16), flags=socket.MSG_MORE)
    return op
def of(content):
    op = start(); op.send(content); return op.recv(4096)
op = start()
os.sendfile(op.fileno(), fd, 0, 4096)
os.pwrite(fd, b"B" * 4096, 0)
seen = op.recv(4096)
print({of(b"A" * 4096): "copied", of(b"B" * 4096): "zero_copy"}.get(seen, "neither"))'"#;

fn file_of(data: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(data).unwrap();
    file
}

#[test]
fn a_digest_of_a_file_comes_out_the_same_by_every_way() {
    in_lab("ways_in::a_digest_of_a_file_comes_out_the_same_by_every_way", || {
        let pipe = Pipe::new(1 << 20).unwrap();
        for len in [1, 4096, 70_000, 1_200_001] {
            let data = noise(len);
            let file = file_of(&data);
            let mut hash = Hash::open("sha256", None).unwrap();
            let (mut wanted, mut out) = ([0; 32], [0; 32]);
            hash.once(&data, &mut wanted).unwrap();
            let (mut offset, mut sent) = (0, 0);
            while sent < len {
                sent += hash.operation().send_file(&file, &mut offset, len - sent).unwrap();
            }
            hash.finish(&mut out).unwrap();
            assert_eq!(out, wanted, "sendfile of {len}");
            let mut offset = 0;
            assert_eq!(pipe.send_file(hash.operation(), &file, &mut offset, len, true), Ok(len));
            hash.finish(&mut out).unwrap();
            assert_eq!(out, wanted, "splice of {len}");
            assert_eq!(pipe.send_memory(hash.operation(), &data, false), Ok(len));
            hash.finish(&mut out).unwrap();
            assert_eq!(out, wanted, "vmsplice of {len}");
        }
    });
}

fn aead() -> Transform {
    let transform = Transform::open("aead", "gcm(aes)").unwrap();
    transform.set_key(&[1; 16]).unwrap();
    transform.set_authsize(16).unwrap();
    transform
}

fn begin(operation: &Operation, aad: &[u8]) {
    let parameters =
        Parameters { direction: Some(Direction::Encrypt), iv: Some(&[2; 12]), assoclen: Some(aad.len() as u32) };
    assert_eq!(operation.send(&parameters, &[IoSlice::new(aad)], true), Ok(aad.len()));
}

/// A file shorter than what was asked for leaves the message open: without its end the read would wait for ever.
#[test]
fn a_file_is_sealed_by_every_way() {
    in_lab("ways_in::a_file_is_sealed_by_every_way", || {
        let (data, aad) = (noise(150_001), noise(20));
        let file = file_of(&data);
        let transform = aead();
        let seal = |send: &dyn Fn(&Operation)| {
            let operation = transform.accept().unwrap();
            begin(&operation, &aad);
            send(&operation);
            let mut out = vec![0; aad.len() + data.len() + 16];
            assert_eq!(operation.read(&mut out), Ok(out.len()));
            out
        };
        let wanted = seal(&|o| assert_eq!(o.send_data(&data, false, false), Ok(data.len())));
        let pipe = Pipe::new(1 << 16).unwrap();
        let by_sendfile = seal(&|o| {
            let (mut offset, mut sent) = (0, 0);
            loop {
                match o.send_file(&file, &mut offset, 200_000 - sent).unwrap() {
                    0 => break,
                    n => sent += n,
                }
            }
            o.end().unwrap();
        });
        let by_splice = seal(&|o| {
            assert_eq!(pipe.send_file(o, &file, &mut 0, 200_000, false), Ok(data.len()));
            o.end().unwrap();
        });
        let by_vmsplice = seal(&|o| assert_eq!(pipe.send_memory(o, &data, false), Ok(data.len())));
        assert!(by_sendfile == wanted && by_splice == wanted && by_vmsplice == wanted);
    });
}

#[test]
fn several_in_flight_each_have_their_own_result() {
    in_lab("ways_in::several_in_flight_each_have_their_own_result", || {
        const SLOTS: usize = 8;
        let transform = Transform::open("skcipher", "cbc(aes)").unwrap();
        transform.set_key(&[1; 16]).unwrap();
        let operations: Vec<Operation> = (0..SLOTS).map(|_| transform.accept().unwrap()).collect();
        let mut ring = SocketRing::new(SLOTS).unwrap();
        let mut control =
            Message::new(&Parameters { direction: Some(Direction::Encrypt), iv: Some(&[0; 16]), assoclen: None });
        for round in 0..3 {
            for (slot, operation) in operations.iter().enumerate() {
                control.set_iv(&[slot as u8; 16]);
                let exchange = ring.exchange(slot).unwrap();
                exchange.control = control.words().to_vec();
                exchange.data = noise(4096 * (slot + 1));
                exchange.answer = vec![0; exchange.data.len()];
                ring.start(slot, operation).unwrap();
            }
            for _ in 0..SLOTS {
                let (slot, read) = ring.wait().unwrap().unwrap();
                let data = noise(4096 * (slot + 1));
                assert_eq!(read, Ok(data.len()), "round {round}");
                let mut wanted = vec![0; data.len()];
                let mut cipher = Skcipher::open("cbc(aes)", &[1; 16], 16, Direction::Encrypt).unwrap();
                cipher.start(&[slot as u8; 16]);
                cipher.process(&data, &mut wanted).unwrap();
                assert!(ring.exchange(slot).unwrap().answer == wanted, "slot {slot}");
            }
        }
        let exchange = ring.exchange(0).unwrap();
        (exchange.data, exchange.answer) = (vec![0; 1 << 20], vec![0; 4096]);
        ring.start(0, &operations[0]).unwrap();
        assert_eq!(ring.wait(), Ok(Some((0, Err(Errno::EMSGSIZE)))));
        let exchange = ring.exchange(1).unwrap();
        (exchange.data, exchange.answer) = (vec![0; 16], vec![0; 1 << 20]);
        // Room for more than comes: the kernel waits for more, and dropping the ring must not.
        ring.start(1, &operations[1]).unwrap();
        ring.submit_and_wait(1).unwrap();
    });
}

#[test]
fn whether_pages_are_copied_is_seen_as_python_sees_it() {
    in_lab("ways_in::whether_pages_are_copied_is_seen_as_python_sees_it", || {
        for kind in ["skcipher", "aead"] {
            let told = zero_copy::detect(kind);
            assert_ne!(told.verdict, Verdict::CannotTell, "{kind}: {told}");
        }
        assert_eq!(zero_copy::detect("hash").verdict, Verdict::CannotTell);
    });
    let (Some(python), Some(doctor)) = (ran("zero copy"), ran("doctor")) else { return };
    let words = match python.out.trim() {
        "copied" => "sendfile copies",
        "zero_copy" => "sendfile without a copy",
        other => panic!("{other}{}", python.err),
    };
    let document: Value = serde_json::from_str(&doctor.out).expect("JSON");
    for need in 1..3 {
        let detail = document["needs"][need]["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(words) && detail.contains("aes"), "{detail}");
    }
    assert!(document["needs"][0]["detail"].to_string().contains("cannot tell"), "{document}");
}
