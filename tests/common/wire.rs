//! A wire of our own: a veth pair, d0 and d1, in a network namespace that lasts as long as the trial.

use std::os::fd::{AsRawFd, OwnedFd};
use std::process::{Command, Output, Stdio};

use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, send, socket};
use syskit::sys::packet_socket;

/// Their hardware addresses.
const D0: [u8; 6] = [2, 0, 0, 0, 0, 1];
const D1: [u8; 6] = [2, 0, 0, 0, 0, 2];

/// Runs the trial on a thread in a namespace of its own, both ends up, d0 with the address 192.0.2.1; false where such a
/// namespace cannot be made.
pub fn with_wire(trial: impl FnOnce() + Send) -> bool {
    let made = std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let made = unshare(CloneFlags::CLONE_NEWNET).is_ok() && wire();
            if made {
                trial();
            }
            made
        });
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    if !made {
        super::skip("no network namespace with a veth pair can be made (iproute2)");
    }
    made
}

fn wire() -> bool {
    let add = "link add d0 address 02:00:00:00:00:01 type veth peer name d1 address 02:00:00:00:00:02";
    let there = Command::new("ip").args(add.split(' ')).stderr(Stdio::null()).status().is_ok_and(|s| s.success());
    if there {
        for line in ["link set lo up", "link set d0 up", "link set d1 up", "address add 192.0.2.1/24 dev d0"] {
            ip(line);
        }
    }
    there
}

/// `ip` with these words.
pub fn ip(words: &str) -> String {
    let Output { status, stdout, stderr } = Command::new("ip").args(words.split(' ')).output().expect("ip");
    assert!(status.success(), "ip {words}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).expect("text")
}

/// A socket that sends frames out of the interface.
pub fn sender(interface: &str) -> OwnedFd {
    let wire = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, None).expect("a packet socket");
    let index = nix::net::if_::if_nametoindex(interface).expect("the interface");
    packet_socket::bind(&wire, index).expect("the interface");
    wire
}

/// Sends a frame.
pub fn put(wire: &OwnedFd, frame: &[u8]) {
    assert_eq!(send(wire.as_raw_fd(), frame, MsgFlags::empty()), Ok(frame.len()));
}

/// A TCP segment of flow `flow` to d0 that nobody answers (RST), its number and a pattern of it as payload; `length` is that
/// of the frame.
pub fn frame(flow: u8, number: u32, length: usize) -> Vec<u8> {
    let total = (length - 14) as u16;
    let mut frame = [&D0[..], &D1, &[8, 0, 0x45, 0]].concat();
    frame.extend(total.to_be_bytes());
    frame.extend([0, 0, 0x40, 0, 64, 6, 0, 0, 192, 0, 2, 2, 192, 0, 2, 1]);
    let sum: u32 = frame[14..34].chunks_exact(2).map(|w| u32::from(u16::from_be_bytes([w[0], w[1]]))).sum();
    let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
    frame[24..26].copy_from_slice(&sum.to_be_bytes());
    frame.extend([200, flow, 0, 9, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 4, 0, 0, 0, 0, 0, 0]);
    frame.extend(number.to_be_bytes());
    while frame.len() < length {
        frame.push((number as usize * 31 + frame.len()) as u8);
    }
    frame
}

/// Flow and number of such a frame, or of its IP packet alone; none where it is not as it was sent.
pub fn number_of(bytes: &[u8]) -> Option<(u8, u32)> {
    let ip = if bytes.first() == Some(&0x45) { bytes } else { bytes.get(14..)? };
    let number = u32::from_be_bytes(*ip.get(40..)?.first_chunk()?);
    let whole = frame(*ip.get(21)?, number, ip.len() + 14);
    (whole.ends_with(bytes)).then_some((whole[35], number))
}
