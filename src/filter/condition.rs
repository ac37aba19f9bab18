//! Conditions on a packet, as far as classic BPF can tell: what programs are made of.

use libc::sock_filter;

/// A condition.
#[derive(Debug, Clone)]
pub enum Condition {
    /// Always so, or never.
    Known(bool),
    /// All of them; tried in this order.
    All(Vec<Condition>),
    /// One of them at least; tried in this order.
    Any(Vec<Condition>),
    /// The opposite.
    Not(Box<Condition>),
    /// What is loaded compares so.
    Test(Test),
}

/// A load and a comparison.
#[derive(Debug, Clone)]
pub struct Test {
    /// Instructions without a jump that leave a number in the accumulator.
    pub load: Vec<sock_filter>,
    /// The code of the jump: BPF_JEQ, _JGT, _JGE or _JSET, with `k` or with the index register.
    pub jump: u16,
    /// What it is compared with, unless that is the index register.
    pub k: u32,
}

pub(super) const JUMP_EQUAL: u16 = 0x15;
pub(super) const JUMP_GREATER: u16 = 0x25;
pub(super) const JUMP_AT_LEAST: u16 = 0x35;
pub(super) const JUMP_ANY_BIT: u16 = 0x45;
/// Compare with the index register instead of `k`.
pub(super) const WITH_INDEX: u16 = 0x08;

/// An instruction that does not jump.
pub(super) const fn instruction(code: u16, k: u32) -> sock_filter {
    sock_filter { code, jt: 0, jf: 0, k }
}

/// Loads the 32-bit word at `at`.
pub fn word(at: u32) -> Vec<sock_filter> {
    vec![instruction(0x20, at)]
}

/// Loads the 16-bit word at `at`.
pub fn half(at: u32) -> Vec<sock_filter> {
    vec![instruction(0x28, at)]
}

/// Loads the byte at `at`.
pub fn byte(at: u32) -> Vec<sock_filter> {
    vec![instruction(0x30, at)]
}

/// Loads what the kernel knows about the packet (SKF_AD_ values of linux/filter.h).
pub fn ancillary(which: libc::c_int) -> Vec<sock_filter> {
    word((libc::SKF_AD_OFF + which) as u32)
}

/// Keeps some bits of what `load` gives.
pub fn masked(mut load: Vec<sock_filter>, mask: u32) -> Vec<sock_filter> {
    if mask != u32::MAX {
        load.push(instruction(0x54, mask));
    }
    load
}

/// Loads the 16-bit word at `at` behind the IPv4 header that begins at `header`.
pub fn half_behind(header: u32, at: u32) -> Vec<sock_filter> {
    vec![instruction(0xb1, header), instruction(0x48, header + at)]
}

impl Condition {
    fn test(load: Vec<sock_filter>, jump: u16, k: u32) -> Self {
        Condition::Test(Test { load, jump, k })
    }

    /// What is loaded is `k`.
    pub fn equal(load: Vec<sock_filter>, k: u32) -> Self {
        Self::test(load, JUMP_EQUAL, k)
    }

    /// What is loaded is `k` or more.
    pub fn at_least(load: Vec<sock_filter>, k: u32) -> Self {
        Self::test(load, JUMP_AT_LEAST, k)
    }

    /// What is loaded is more than `k`.
    pub fn greater(load: Vec<sock_filter>, k: u32) -> Self {
        Self::test(load, JUMP_GREATER, k)
    }

    /// One of the bits of `mask` is set in what is loaded.
    pub fn any_bit(load: Vec<sock_filter>, mask: u32) -> Self {
        Self::test(load, JUMP_ANY_BIT, mask)
    }

    /// What is loaded is one of `ks`.
    pub fn one_of(load: &[sock_filter], ks: impl IntoIterator<Item = u32>) -> Self {
        Condition::Any(ks.into_iter().map(|k| Self::equal(load.to_vec(), k)).collect())
    }

    /// The opposite.
    #[must_use]
    pub fn negated(self) -> Self {
        Condition::Not(Box::new(self))
    }
}
