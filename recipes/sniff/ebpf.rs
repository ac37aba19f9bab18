//! Programs of extended BPF, put together by hand: what is needed of [the instruction
//! set](https://docs.kernel.org/bpf/standardization/instruction-set.html), with labels for the jumps.

use std::os::fd::{AsRawFd, BorrowedFd};

use crate::sys::bpf::Instruction;

/// Registers: 0 holds results, 1 to 5 arguments, which calls spoil; 6 to 9 are kept; 10 is the frame.
pub(super) type Register = u8;

/// Helpers of bpf-helpers(7), by their numbers in linux/bpf.h.
#[derive(Debug, Clone, Copy)]
pub(super) enum Helper {
    MapLookup = 1,
    MapUpdate = 2,
    KtimeGetNs = 5,
    CurrentPid = 14,
    CurrentUid = 15,
    CurrentComm = 16,
    SkbLoadBytes = 26,
    SocketCookie = 46,
    FullSocket = 95,
    NamespaceCookie = 122,
    RingReserve = 131,
    RingSubmit = 132,
}

/// The width of a load or store.
#[derive(Debug, Clone, Copy)]
pub(super) enum Width {
    Word = 0x00,
    Half = 0x08,
    Double = 0x18,
}

/// The condition of a jump that compares a register with a constant.
#[derive(Debug, Clone, Copy)]
pub(super) enum Test {
    Equal = 0x15,
    Above = 0x25,
}

/// A place to jump to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Label(usize);

/// A program in the making.
#[derive(Default)]
pub(super) struct Assembler {
    instructions: Vec<Instruction>,
    /// Where each label stands, once it is placed.
    labels: Vec<Option<usize>>,
    /// The jumps and where they go.
    jumps: Vec<(usize, Label)>,
}

impl Assembler {
    fn push(&mut self, code: u8, destination: Register, source: Register, offset: i16, immediate: i32) {
        // Bit-fields: the destination is the lower half where the lower byte comes first.
        let (low, high) = if cfg!(target_endian = "big") { (source, destination) } else { (destination, source) };
        self.instructions.push(Instruction { code, registers: low | high << 4, offset, immediate });
    }

    pub(super) fn copy(&mut self, to: Register, from: Register) {
        self.push(0xbf, to, from, 0, 0);
    }

    pub(super) fn set(&mut self, to: Register, value: i32) {
        self.push(0xb7, to, 0, 0, value);
    }

    pub(super) fn add(&mut self, to: Register, value: i32) {
        self.push(0x07, to, 0, 0, value);
    }

    pub(super) fn load(&mut self, width: Width, to: Register, base: Register, offset: i16) {
        self.push(0x61 | width as u8, to, base, offset, 0);
    }

    pub(super) fn store(&mut self, width: Width, base: Register, offset: i16, from: Register) {
        self.push(0x63 | width as u8, base, from, offset, 0);
    }

    pub(super) fn store_constant(&mut self, width: Width, base: Register, offset: i16, value: i32) {
        self.push(0x62 | width as u8, base, 0, offset, value);
    }

    /// Adds to eight bytes of memory as one step.
    pub(super) fn atomic_add(&mut self, base: Register, from: Register) {
        self.push(0xdb, base, from, 0, 0);
    }

    pub(super) fn map(&mut self, to: Register, map: BorrowedFd) {
        self.wide(to, 1, map); // BPF_PSEUDO_MAP_FD
    }

    /// The address of the value of a map that has one.
    pub(super) fn map_value(&mut self, to: Register, map: BorrowedFd) {
        self.wide(to, 2, map); // BPF_PSEUDO_MAP_VALUE
    }

    fn wide(&mut self, to: Register, kind: Register, map: BorrowedFd) {
        self.push(0x18, to, kind, 0, map.as_raw_fd());
        self.push(0, 0, 0, 0, 0);
    }

    pub(super) fn call(&mut self, helper: Helper) {
        self.push(0x85, 0, 0, 0, helper as i32);
    }

    pub(super) fn exit(&mut self) {
        self.push(0x95, 0, 0, 0, 0);
    }

    pub(super) fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    /// The next instruction is where `label` is.
    pub(super) fn place(&mut self, label: Label) {
        self.labels[label.0] = Some(self.instructions.len());
    }

    pub(super) fn jump(&mut self, to: Label) {
        self.jumps.push((self.instructions.len(), to));
        self.push(0x05, 0, 0, 0, 0);
    }

    pub(super) fn jump_if(&mut self, register: Register, test: Test, value: i32, to: Label) {
        self.jumps.push((self.instructions.len(), to));
        self.push(test as u8, register, 0, 0, value);
    }

    pub(super) fn jump_if_same(&mut self, one: Register, other: Register, to: Label) {
        self.jumps.push((self.instructions.len(), to));
        self.push(0x1d, one, other, 0, 0);
    }

    /// The program; a jump to a label that was never placed goes to the next instruction.
    pub(super) fn finish(mut self) -> Vec<Instruction> {
        for (at, label) in self.jumps {
            let target = self.labels[label.0].unwrap_or(at + 1);
            self.instructions[at].offset = (target as i64 - at as i64 - 1) as i16;
        }
        self.instructions
    }
}
