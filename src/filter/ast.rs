//! What an expression says, whatever the link.

use super::names::Protocol;

/// An expression.
#[derive(Debug, Clone)]
pub(super) enum Expression {
    All(Vec<Expression>),
    Any(Vec<Expression>),
    Not(Box<Expression>),
    Term(Term),
}

/// Which of source and destination must be so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Source,
    Destination,
    Either,
    Both,
}

/// The IP versions that are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    V4,
    V6,
    Any,
}

/// A primitive.
#[derive(Debug, Clone)]
pub(super) enum Term {
    /// The name of a protocol alone.
    Protocol(&'static Protocol),
    EtherType(u32),
    IpProtocol(Version, u32),
    /// Within `protocols`, as EtherTypes.
    V4 {
        protocols: &'static [u16],
        side: Side,
        address: u32,
        mask: u32,
    },
    V6 {
        side: Side,
        address: [u32; 4],
        mask: [u32; 4],
    },
    Mac {
        side: Side,
        address: [u8; 6],
    },
    Port {
        transports: &'static [u8],
        side: Side,
        first: u16,
        last: u16,
    },
    Broadcast,
    Multicast,
    IpMulticast(Version),
    Vlan(Option<u16>),
    Outbound,
    Relation {
        left: Arithmetic,
        relation: Relation,
        right: Arithmetic,
    },
}

/// How two numbers compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    Equal,
    NotEqual,
    Greater,
    AtLeast,
    Less,
    AtMost,
}

/// A number, known or out of the packet.
#[derive(Debug, Clone)]
pub(super) enum Arithmetic {
    Number(u32),
    /// Of the packet on the wire.
    Length,
    /// `size` bytes at `index` behind the start of the protocol's header.
    Load {
        protocol: &'static Protocol,
        index: Box<Arithmetic>,
        size: u8,
    },
    Binary {
        operator: Operator,
        left: Box<Arithmetic>,
        right: Box<Arithmetic>,
    },
    Negated(Box<Arithmetic>),
}

/// What can be done with two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    And,
    Or,
    ExclusiveOr,
    ShiftLeft,
    ShiftRight,
}

impl Operator {
    /// The result for known numbers; `None` for a division by zero or a shift by more than 31 bits.
    pub(super) fn of(self, left: u32, right: u32) -> Option<u32> {
        Some(match self {
            Operator::Add => left.wrapping_add(right),
            Operator::Subtract => left.wrapping_sub(right),
            Operator::Multiply => left.wrapping_mul(right),
            Operator::Divide => left.checked_div(right)?,
            Operator::Remainder => left.checked_rem(right)?,
            Operator::And => left & right,
            Operator::Or => left | right,
            Operator::ExclusiveOr => left ^ right,
            Operator::ShiftLeft => left.checked_shl(right)?,
            Operator::ShiftRight => left.checked_shr(right)?,
        })
    }
}

impl Relation {
    pub(super) fn holds(self, left: u32, right: u32) -> bool {
        match self {
            Relation::Equal => left == right,
            Relation::NotEqual => left != right,
            Relation::Greater => left > right,
            Relation::AtLeast => left >= right,
            Relation::Less => left < right,
            Relation::AtMost => left <= right,
        }
    }
}
