//! Who made a socket, told by a program on the topmost control group that runs whenever one is made: names also those
//! processes that are gone before anybody could look (BPF_CGROUP_INET_SOCK_CREATE; bpf(2)).

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

use super::processes::Process;
use crate::packet::text;
use crate::recipes::sniff::ebpf::{Assembler, Helper, Width};
use crate::recipes::sniff::process;
use crate::sys::bpf::{self, Instruction, Place, Program, Recent};

/// As many sockets are remembered, the last that were made or asked about.
const REMEMBERED: u32 = 16384;
/// Where the value stands on the program's stack: process and thread, user and group, name; behind it the key.
const VALUE: i16 = -40;
const FRAME: u8 = 10;

/// The makers of the sockets that were made since it began.
pub(super) struct Creation {
    makers: Recent<8, 32>,
    /// While it is open the program runs.
    _program: OwnedFd,
}

impl Creation {
    /// Begins to note them; `None` where the kernel or the user cannot do it.
    pub(super) fn begin() -> Option<Creation> {
        let group = File::open(process::cgroup_mount()?).ok()?;
        let makers = Recent::new(REMEMBERED).ok()?;
        let place = Place::SocketCreate;
        let program = bpf::load(Program::CgroupSocket, place, &program(makers.as_fd())).ok()?;
        let attached = bpf::attach(program, group, place).ok()?;
        Some(Creation { makers, _program: attached })
    }

    /// The process that made the socket of this cookie.
    pub(super) fn maker(&self, cookie: u64) -> Option<Rc<Process>> {
        let value = self.makers.get(&cookie.to_ne_bytes()).ok()??;
        let process = u64::from_ne_bytes(*value.first_chunk()?) >> 32;
        let name = value[16..].split(|b| *b == 0).next().unwrap_or_default();
        Some(Rc::new(Process { pid: process as u32, command: text::to_escaped(name), others: 0 }))
    }
}

fn program(makers: BorrowedFd) -> Vec<Instruction> {
    let mut a = Assembler::default();
    a.call(Helper::SocketCookie);
    a.store(Width::Double, FRAME, -8, 0);
    a.call(Helper::CurrentPid);
    a.store(Width::Double, FRAME, VALUE, 0);
    a.call(Helper::CurrentUid);
    a.store(Width::Double, FRAME, VALUE + 8, 0);
    a.copy(1, FRAME);
    a.add(1, i32::from(VALUE) + 16);
    a.set(2, 16);
    a.call(Helper::CurrentComm);
    a.map(1, makers);
    a.copy(2, FRAME);
    a.add(2, -8);
    a.copy(3, FRAME);
    a.add(3, VALUE.into());
    a.set(4, 0);
    a.call(Helper::MapUpdate);
    // 1 lets the socket be made.
    a.set(0, 1);
    a.exit();
    a.finish()
}
