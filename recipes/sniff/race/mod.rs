//! The race: packets that wait in a queue, taken out and read by every capture method.
//!
//! `task` is the race itself; `burst` what is received and how it is held against what was sent; `rates` the live
//! figures that stand beside it: the highest rate without loss, CPU time per packet. The contenders are the capture
//! methods of the folder above, a line each.

mod burst;
mod rates;
mod task;
mod touched;

use std::time::Duration;

pub use task::{Approach, SniffTask};

use super::{fanout, packet, pcap, raw, recvmmsg, ring};
use crate::need::{Need, VETH};
use crate::race::{Axis, Contender, TaskRace};

/// A capture method as a contender; where it holds packets back besides, for how many milliseconds.
macro_rules! method {
    ($contender:path) => {
        method!($contender, 0)
    };
    ($contender:path, $held:literal) => {
        &Contender {
            name: $contender.name,
            title: $contender.title,
            needs: {
                const COUNT: usize = $contender.needs.len() + 1;
                const NEEDS: [&Need; COUNT] = and_a_wire($contender.needs);
                &NEEDS
            },
            approach: &Approach::Method($contender.approach, Duration::from_millis($held)),
        }
    };
}

/// A method's needs, and the race's own.
const fn and_a_wire<const COUNT: usize>(needs: &'static [&'static Need]) -> [&'static Need; COUNT] {
    let (mut all, mut i): ([&Need; COUNT], _) = ([&VETH; COUNT], 0);
    while i < needs.len() {
        all[i] = needs[i];
        i += 1;
    }
    all
}

/// The race of all ways to capture.
pub static RACE: TaskRace<SniffTask> = TaskRace {
    name: "sniff",
    title: "take 800 packets out of a capture queue and read them",
    axis: Axis::Bytes,
    sizes: &[64, 1400],
    contenders: &[
        method!(ring::CONTENDER),
        // It waits for rings that have nothing, so that packets come in order.
        method!(fanout::CONTENDER, 45),
        method!(packet::CONTENDER),
        method!(recvmmsg::CONTENDER),
        method!(raw::CONTENDER),
        method!(pcap::CONTENDER),
    ],
    limits: &[&touched::TOUCHED],
};
