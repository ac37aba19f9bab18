//! The race: one message after the other, by the kernel through AF_ALG sockets and by libraries in this process.
//!
//! `approach` is the contract of the contenders, `job` what all of them are asked to do, `messages` the input and the
//! oracle, `task` the flags and the race itself; `kernel` is what the AF_ALG contenders share. The contenders are in the
//! folder above, a file each; `library` makes one of every backend in user space.

use crate::race::{Axis, TaskRace};

pub mod approach;
mod in_register;
pub mod job;
pub mod kernel;
mod library;
pub mod messages;
mod null_round_trip;
mod task;

pub use task::CryptTask;

use super::{in_flight, send_read, sendfile, sendmsg, splice};

const KIB: u64 = 1 << 10;

/// The race of all ways to have a message digested, encrypted or decrypted.
pub static RACE: TaskRace<CryptTask> = TaskRace {
    name: "af_alg",
    title: "digest, encrypt or decrypt messages, by the kernel or by a library",
    axis: Axis::Bytes,
    sizes: &[16, 256, 4 * KIB, 64 * KIB, 1024 * KIB],
    contenders: &[
        &library::OPENSSL,
        &library::AWS_LC,
        &library::RUSTCRYPTO,
        &send_read::SEND_READ,
        &sendmsg::SENDMSG,
        &sendfile::SENDFILE,
        &splice::SPLICE,
        &in_flight::IN_FLIGHT,
    ],
    limits: &[&in_register::IN_REGISTER, &null_round_trip::NULL_ROUND_TRIP],
};
