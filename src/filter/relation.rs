//! Comparisons of numbers out of the packet, as instructions.

use libc::sock_filter;

use super::ast::{Arithmetic, Operator, Relation};
use super::condition::{Condition, JUMP_AT_LEAST, JUMP_EQUAL, JUMP_GREATER, Test, WITH_INDEX, instruction};
use super::fault::Fault;
use super::interpret::MEMORY;
use super::lower::Layout;

impl Layout {
    /// The headers that are read are there, and the numbers compare so.
    pub(super) fn relation(
        &self,
        left: &Arithmetic,
        relation: Relation,
        right: &Arithmetic,
    ) -> Result<Condition, Fault> {
        if let (Arithmetic::Number(l), Arithmetic::Number(r)) = (left, right) {
            return Ok(Condition::Known(relation.holds(*l, *r)));
        }
        let mut conditions = Vec::new();
        self.headers(left, &mut conditions);
        self.headers(right, &mut conditions);
        let (jump, opposite) = match relation {
            Relation::Equal => (JUMP_EQUAL, false),
            Relation::NotEqual => (JUMP_EQUAL, true),
            Relation::Greater => (JUMP_GREATER, false),
            Relation::AtMost => (JUMP_GREATER, true),
            Relation::AtLeast => (JUMP_AT_LEAST, false),
            Relation::Less => (JUMP_AT_LEAST, true),
        };
        let mut load = Vec::new();
        let test = match right {
            Arithmetic::Number(k) => {
                self.number(left, 0, &mut load)?;
                Test { load, jump, k: *k }
            }
            right => {
                self.both(left, right, 0, &mut load)?;
                Test { load, jump: jump | WITH_INDEX, k: 0 }
            }
        };
        let test = Condition::Test(test);
        conditions.push(if opposite { test.negated() } else { test });
        Ok(Condition::All(conditions))
    }

    fn headers(&self, number: &Arithmetic, conditions: &mut Vec<Condition>) {
        match number {
            Arithmetic::Number(_) | Arithmetic::Length => {}
            Arithmetic::Negated(inner) => self.headers(inner, conditions),
            Arithmetic::Binary { left, right, .. } => {
                self.headers(left, conditions);
                self.headers(right, conditions);
            }
            Arithmetic::Load { protocol, index, .. } => {
                self.headers(index, conditions);
                conditions.extend(self.header(protocol).0);
            }
        }
    }

    /// Leaves the number in the accumulator; `slot` and the memory words above it are free.
    fn number(&self, number: &Arithmetic, slot: usize, code: &mut Vec<sock_filter>) -> Result<(), Fault> {
        match number {
            Arithmetic::Number(k) => code.push(instruction(0x00, *k)),
            Arithmetic::Length => code.push(instruction(0x80, 0)),
            Arithmetic::Negated(inner) => {
                self.number(inner, slot, code)?;
                code.push(instruction(0x84, 0));
            }
            Arithmetic::Binary { operator, left, right } => match **right {
                Arithmetic::Number(k) => {
                    self.number(left, slot, code)?;
                    code.push(instruction(operation(*operator), k));
                }
                ref right => {
                    self.both(left, right, slot, code)?;
                    code.push(instruction(operation(*operator) | WITH_INDEX, 0));
                }
            },
            Arithmetic::Load { protocol, index, size } => {
                let (_, base, behind) = self.header(protocol);
                self.load(base, behind, index, *size, slot, code)?;
            }
        }
        Ok(())
    }

    /// Leaves `left` in the accumulator and `right` in the index register.
    fn both(
        &self,
        left: &Arithmetic,
        right: &Arithmetic,
        slot: usize,
        code: &mut Vec<sock_filter>,
    ) -> Result<(), Fault> {
        self.number(right, slot, code)?;
        let word = memory(slot)?;
        code.push(instruction(0x02, word));
        self.number(left, slot + 1, code)?;
        code.push(instruction(0x61, word));
        Ok(())
    }

    /// Loads from `base`, or from behind the IPv4 header that begins there.
    fn load(
        &self,
        base: u32,
        behind: bool,
        index: &Arithmetic,
        size: u8,
        slot: usize,
        code: &mut Vec<sock_filter>,
    ) -> Result<(), Fault> {
        let (fixed, indexed) = match size {
            1 => (0x30, 0x50),
            2 => (0x28, 0x48),
            _ => (0x20, 0x40),
        };
        let header_length = instruction(0xb1, base);
        match (index, behind) {
            (Arithmetic::Number(n), false) => code.push(instruction(fixed, offset(base, *n)?)),
            (Arithmetic::Number(n), true) => code.extend([header_length, instruction(indexed, offset(base, *n)?)]),
            (index, false) => {
                self.number(index, slot, code)?;
                code.extend([instruction(0x07, 0), instruction(indexed, base)]);
            }
            (index, true) => {
                self.number(index, slot, code)?;
                let word = memory(slot)?;
                code.extend([instruction(0x02, word), header_length, instruction(0x60, word), instruction(0x0c, 0)]);
                code.extend([instruction(0x07, 0), instruction(indexed, base)]);
            }
        }
        Ok(())
    }
}

/// Where in the packet `index` behind `base` is; an index below 0 reads in front of the header.
fn offset(base: u32, index: u32) -> Result<u32, Fault> {
    // For the kernel larger numbers are places of another kind (SKF_AD_OFF, SKF_NET_OFF, SKF_LL_OFF).
    let at = Some(base.wrapping_add(index)).filter(|at| i32::try_from(*at).is_ok());
    at.ok_or_else(|| Fault::new(format!("no packet has a byte at index {}", index as i32), 0))
}

fn memory(slot: usize) -> Result<u32, Fault> {
    match u32::try_from(slot) {
        Ok(word) if slot < MEMORY => Ok(word),
        _ => Err(Fault::new(format!("more than {MEMORY} numbers to remember at once"), 0)),
    }
}

fn operation(operator: Operator) -> u16 {
    match operator {
        Operator::Add => 0x04,
        Operator::Subtract => 0x14,
        Operator::Multiply => 0x24,
        Operator::Divide => 0x34,
        Operator::Or => 0x44,
        Operator::And => 0x54,
        Operator::ShiftLeft => 0x64,
        Operator::ShiftRight => 0x74,
        Operator::Remainder => 0x94,
        Operator::ExclusiveOr => 0xa4,
    }
}
