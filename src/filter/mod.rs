//! Filter expressions: the common part of libpcap's language (pcap-filter(7)), compiled to classic BPF and interpreted.
//!
//! A [`Filter`] is read from text by [`Filter::parse`] and makes a [`Program`] for each kind of link. The kernel runs it
//! (SO_ATTACH_FILTER of socket(7)); for files and for what has no such filter [`run`] does, without `unsafe` and
//! without a loop: programs jump forwards alone.
//!
//! Understood are `[src|dst|src or dst|src and dst] host|net|port|portrange`, the names of protocols, `ip|ip6|ether
//! proto`, `ether host`, `broadcast` and `multicast` of Ethernet, `ip|ip6 multicast`, `vlan`, `less`, `greater`,
//! comparisons of `proto[index:size]`, `len` and numbers, `inbound`, `outbound`, `and`, `or`, `not` and parentheses,
//! with libpcap's meaning of each. Addresses are numeric: names are not looked up. Services have the ports of
//! /etc/services. Not understood: `gateway`, `ip broadcast`, `protochain`, MPLS, PPPoE, 802.11 and other links' words.

mod address;
mod arithmetic;
mod ast;
pub mod condition;
mod emit;
mod fault;
mod interpret;
mod lexer;
mod listing;
mod lower;
mod names;
mod parser;
mod qualifier;
mod relation;

pub use condition::Condition;
pub use emit::{WHOLE, program};
pub use fault::Fault;
pub use interpret::{Ancillary, LONGEST, Program, run, run_with};
pub use listing::listing;
pub use lower::{FRAGMENT_OFFSET, Layout, VLAN_TAGS, View};

use crate::packet::Link;
use ast::{Expression, Term};

/// A filter expression.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    text: String,
    expression: Option<Expression>,
}

impl Filter {
    /// Reads an expression; a blank one wants everything.
    ///
    /// Reads /etc/services where the expression names a service.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        // Without the file no service has a name.
        Self::parse_with(text, &|| std::fs::read_to_string("/etc/services").unwrap_or_default())
    }

    /// The same with the text of services(5) from elsewhere.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse_with(text: &str, services: &dyn Fn() -> String) -> Result<Self, Fault> {
        Ok(Filter { text: text.trim().to_owned(), expression: parser::parse(text, services)? })
    }

    /// The expression as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it wants everything.
    pub fn is_blank(&self) -> bool {
        self.expression.is_none()
    }

    /// Whether `or` stands in it outside all parentheses.
    pub fn is_alternative(&self) -> bool {
        matches!(self.expression, Some(Expression::Any(_))) && !parenthesised(&self.text)
    }

    /// What it says of the packets of `link`.
    ///
    /// # Errors
    /// Where the link has not what is asked for (a VLAN tag on raw IP).
    pub fn condition(&self, link: Link, view: View) -> Result<Condition, Fault> {
        let Some(expression) = &self.expression else { return Ok(Condition::Known(true)) };
        let mut in_frame = Layout::of(link, view)?;
        let plain = in_frame.expression(expression)?;
        if view != View::Socket || !has_vlan(expression) {
            return Ok(plain);
        }
        let mut beside = Layout::of(link, view)?;
        beside.beside = true;
        let present = Condition::equal(condition::ancillary(libc::SKF_AD_VLAN_TAG_PRESENT), 0).negated();
        let stripped = Condition::All(vec![present.clone(), beside.expression(expression)?]);
        Ok(Condition::Any(vec![stripped, Condition::All(vec![present.negated(), plain])]))
    }

    /// Its program for the packets of `link`.
    ///
    /// # Errors
    /// Where the link has not what is asked for, or the program is longer than the kernel takes.
    pub fn program(&self, link: Link, view: View) -> Result<Program, Fault> {
        program(&self.condition(link, view)?)
    }
}

/// Whether one pair of parentheses is around all of it.
fn parenthesised(text: &str) -> bool {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at > 0 && at + 1 == text.len();
        }
    }
    false
}

fn has_vlan(expression: &Expression) -> bool {
    match expression {
        Expression::All(parts) | Expression::Any(parts) => parts.iter().any(has_vlan),
        Expression::Not(inner) => has_vlan(inner),
        Expression::Term(term) => matches!(term, Term::Vlan(_)),
    }
}
