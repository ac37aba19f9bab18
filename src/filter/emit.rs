//! Writes a condition as a program of classic BPF (bpf(4), the kernel's networking/filter.rst).
//!
//! The program is written from its end: where a jump is written, what it jumps to has its place already.

use std::collections::HashMap;

use libc::sock_filter;

use super::condition::{Condition, Test, instruction};
use super::fault::Fault;
use super::interpret::{LONGEST, Program};

/// What an accepting program returns: how many bytes of the packet are wanted, more than any has (tcpdump's number).
pub const WHOLE: u32 = 262_144;

const RETURN: u16 = 0x06;
const JUMP: u16 = 0x05;
const LOAD_LENGTH: u16 = 0x80;
const INDEX_HEADER_LENGTH: u16 = 0xb1;

/// The program that accepts packets of which `condition` is so.
///
/// # Errors
/// Where the program is longer than the kernel takes.
pub fn program(condition: &Condition) -> Result<Program, Fault> {
    let mut backwards = Backwards { code: Vec::new(), long_jumps: HashMap::new() };
    let rejected = backwards.push(instruction(RETURN, 0));
    let accepted = backwards.push(instruction(RETURN, WHOLE));
    let entry = backwards.write(condition, accepted, rejected);
    // A condition that is known from the start leaves but one of the two.
    backwards.code.truncate(entry + 1);
    backwards.code.reverse();
    let code = without_repeated_loads(&backwards.code);
    if code.len() > LONGEST {
        let words = format!("it makes {} instructions, of which the kernel takes {LONGEST}", code.len());
        return Err(Fault::new(words, 0).hint("write a net instead of many hosts, a portrange instead of many ports"));
    }
    Program::verify(code).map_err(|why| Fault::new(format!("the expression makes no program: {why}"), 0))
}

/// A program from its last instruction to its first; places count from the last.
struct Backwards {
    code: Vec<sock_filter>,
    /// The last long jump to each target that has one.
    long_jumps: HashMap<usize, usize>,
}

impl Backwards {
    fn push(&mut self, instruction: sock_filter) -> usize {
        self.code.push(instruction);
        self.code.len() - 1
    }

    /// Where a jump from an instruction `ahead` of the next finds `target`: by way of a long jump where that is far.
    fn within_reach(&mut self, target: usize, ahead: usize) -> usize {
        let here = self.code.len();
        // The other target may need a long jump as well.
        let near = |place: &usize| here + ahead - place < usize::from(u8::MAX);
        if let Some(place) = [Some(target), self.long_jumps.get(&target).copied()].into_iter().flatten().find(near) {
            return place;
        }
        let distance = u32::try_from(here - target - 1).unwrap_or(u32::MAX);
        self.long_jumps.insert(target, here);
        self.push(instruction(JUMP, distance))
    }

    /// Writes code that goes to `yes` or `no`; gives where it begins.
    fn write(&mut self, condition: &Condition, yes: usize, no: usize) -> usize {
        match condition {
            Condition::Known(true) => yes,
            Condition::Known(false) => no,
            Condition::Not(inner) => self.write(inner, no, yes),
            Condition::All(parts) => parts.iter().rev().fold(yes, |next, part| self.write(part, next, no)),
            Condition::Any(parts) => parts.iter().rev().fold(no, |next, part| self.write(part, yes, next)),
            Condition::Test(test) => self.test(test, yes, no),
        }
    }

    fn test(&mut self, test: &Test, yes: usize, no: usize) -> usize {
        let yes = self.within_reach(yes, 1);
        let no = self.within_reach(no, 0);
        let here = self.code.len();
        // Both are within reach: fewer than 256 instructions away.
        let (jt, jf) = ((here - yes - 1) as u8, (here - no - 1) as u8);
        self.push(sock_filter { code: test.jump, jt, jf, k: test.k });
        self.code.extend(test.load.iter().rev());
        self.code.len() - 1
    }
}

/// What the registers are known to hold: the load that gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Registers {
    accumulator: Option<(u16, u32)>,
    index: Option<(u16, u32)>,
}

impl Registers {
    fn met(self, other: Option<Registers>) -> Registers {
        let Some(other) = other else { return self };
        Registers {
            accumulator: self.accumulator.filter(|a| Some(*a) == other.accumulator),
            index: self.index.filter(|x| Some(*x) == other.index),
        }
    }

    fn after(self, i: &sock_filter) -> Registers {
        let load = Some((i.code, i.k));
        match i.code {
            0x20 | 0x28 | 0x30 | LOAD_LENGTH => Registers { accumulator: load, ..self },
            INDEX_HEADER_LENGTH => Registers { index: load, ..self },
            0x01 | 0x61 | 0x07 => Registers { index: None, ..self },
            0x02 | 0x03 => self,
            code if code & 7 == 5 => self,
            _ => Registers { accumulator: None, ..self },
        }
    }

    fn hold(self, i: &sock_filter) -> bool {
        let load = Some((i.code, i.k));
        self.accumulator == load || self.index == load
    }
}

/// Leaves out loads of what is loaded already, whichever way the program came there.
fn without_repeated_loads(code: &[sock_filter]) -> Vec<sock_filter> {
    // What the registers hold at each instruction, over all ways to it; jumps only go forwards.
    let mut before: Vec<Option<Registers>> = vec![None; code.len() + 1];
    before[0] = Some(Registers::default());
    let mut kept = Vec::with_capacity(code.len());
    for (at, i) in code.iter().enumerate() {
        let Some(now) = before[at] else {
            kept.push(false);
            continue;
        };
        let needless = now.hold(i);
        kept.push(!needless);
        let then = if needless { now } else { now.after(i) };
        for next in targets(at, i) {
            if let Some(slot) = before.get_mut(next) {
                *slot = Some(then.met(*slot));
            }
        }
    }
    // Where each instruction, or the next that is kept, comes to stand.
    let mut places = Vec::with_capacity(code.len() + 1);
    let mut place = 0;
    for keep in &kept {
        places.push(place);
        place += usize::from(*keep);
    }
    places.push(place);
    let moved = |at: usize, offset: usize| places[at + 1 + offset] - places[at] - 1;
    let mut shorter = Vec::with_capacity(place);
    for (at, i) in code.iter().enumerate().filter(|(at, _)| kept[*at]) {
        shorter.push(match i.code {
            JUMP => instruction(JUMP, moved(at, i.k as usize) as u32),
            code if code & 7 == 5 => {
                sock_filter { jt: moved(at, i.jt.into()) as u8, jf: moved(at, i.jf.into()) as u8, ..*i }
            }
            _ => *i,
        });
    }
    shorter
}

/// Where the program goes from `at`.
fn targets(at: usize, i: &sock_filter) -> Vec<usize> {
    match i.code {
        RETURN => Vec::new(),
        JUMP => vec![at + 1 + i.k as usize],
        code if code & 7 == 5 => vec![at + 1 + usize::from(i.jt), at + 1 + usize::from(i.jf)],
        _ => vec![at + 1],
    }
}
