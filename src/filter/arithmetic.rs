//! Reads arithmetic: numbers, `len`, `proto[index:size]`, and what is done with them.
//!
//! As in libpcap `%` and `^` have no rank: they take everything to the right of them, and nothing but the number to the
//! left: `7 % 4 + 1` is `7 % (4 + 1)`.

use super::ast::{Arithmetic, Operator};
use super::fault::Fault;
use super::lexer::Token;
use super::names;
use super::parser::Parser;

/// Operators by rank, the weakest first.
const RANKS: [&[(&str, Operator)]; 5] = [
    &[("|", Operator::Or)],
    &[("&", Operator::And)],
    &[("<<", Operator::ShiftLeft), (">>", Operator::ShiftRight)],
    &[("+", Operator::Add), ("-", Operator::Subtract)],
    &[("*", Operator::Multiply), ("/", Operator::Divide)],
];

impl Parser<'_> {
    /// Whether what follows may be a number.
    pub(super) fn begins_arithmetic(&self) -> bool {
        match &self.peek().token {
            Token::Number(_) | Token::Sign("-" | "(") => true,
            Token::Word(word) if word == "len" || word == "length" => true,
            Token::Word(word) if names::find_protocol(word).is_some() => self.peek_at(1).token == Token::Sign("["),
            Token::Word(word) => names::constant(word).is_some(),
            _ => false,
        }
    }

    /// A number, known or out of the packet.
    pub(super) fn arithmetic(&mut self) -> Result<Arithmetic, Fault> {
        self.of_rank(0)
    }

    fn of_rank(&mut self, rank: usize) -> Result<Arithmetic, Fault> {
        let Some(operators) = RANKS.get(rank) else { return self.unary() };
        let mut left = self.of_rank(rank + 1)?;
        loop {
            let at = self.at();
            let Some(operator) = self.operator(operators) else { return Ok(left) };
            self.level()?;
            let right = self.of_rank(rank + 1)?;
            left = combine(operator, left, right, at)?;
        }
    }

    fn operator(&mut self, operators: &[(&str, Operator)]) -> Option<Operator> {
        let found = operators.iter().find(|(sign, _)| self.is_sign(sign))?.1;
        self.advance();
        Some(found)
    }

    fn unary(&mut self) -> Result<Arithmetic, Fault> {
        if self.take_sign("-") {
            self.level()?;
            return Ok(match self.deeper(Self::unary)? {
                Arithmetic::Number(n) => Arithmetic::Number(n.wrapping_neg()),
                other => Arithmetic::Negated(Box::new(other)),
            });
        }
        let left = self.atom()?;
        let at = self.at();
        match self.operator(&[("%", Operator::Remainder), ("^", Operator::ExclusiveOr)]) {
            Some(operator) => {
                self.level()?;
                let right = self.deeper(Self::arithmetic)?;
                combine(operator, left, right, at)
            }
            None => Ok(left),
        }
    }

    fn atom(&mut self) -> Result<Arithmetic, Fault> {
        if self.take_sign("(") {
            let inner = self.deeper(Self::arithmetic)?;
            self.expect_sign(")")?;
            return Ok(inner);
        }
        let number = match &self.peek().token {
            Token::Number(n) => Arithmetic::Number(*n),
            Token::Word(word) if word == "len" || word == "length" => Arithmetic::Length,
            Token::Word(word) => match names::constant(word) {
                Some(n) => Arithmetic::Number(n),
                None => return self.load(),
            },
            _ => return Err(self.unexpected("a number")),
        };
        self.advance();
        Ok(number)
    }

    /// `proto[index]` or `proto[index:size]`.
    fn load(&mut self) -> Result<Arithmetic, Fault> {
        let protocol = match &self.peek().token {
            Token::Word(word) => names::find_protocol(word),
            _ => None,
        };
        let Some(protocol) = protocol else { return Err(self.unexpected("a number")) };
        if !protocol.readable {
            return Err(Fault::new(format!("'{}[...]' cannot be read", protocol.name), self.at()));
        }
        self.advance();
        self.expect_sign("[")?;
        self.level()?;
        let index = Box::new(self.deeper(Self::arithmetic)?);
        let mut size = 1;
        if self.take_sign(":") {
            size = match self.peek().token {
                Token::Number(n @ (1 | 2 | 4)) => n as u8,
                Token::Number(_) => return Err(Fault::new("the size is not 1, 2 or 4 bytes", self.at())),
                _ => return Err(self.unexpected("a size of 1, 2 or 4 bytes")),
            };
            self.advance();
        }
        self.expect_sign("]")?;
        Ok(Arithmetic::Load { protocol, index, size })
    }
}

/// Both sides, worked out at once where they are known.
fn combine(operator: Operator, left: Arithmetic, right: Arithmetic, at: usize) -> Result<Arithmetic, Fault> {
    match (operator, &right) {
        (Operator::Divide | Operator::Remainder, Arithmetic::Number(0)) => {
            return Err(Fault::new("division by zero", at));
        }
        (Operator::ShiftLeft | Operator::ShiftRight, Arithmetic::Number(32..)) => {
            return Err(Fault::new("shift by more than 31 bits", at));
        }
        _ => {}
    }
    if let (Arithmetic::Number(l), Arithmetic::Number(r)) = (&left, &right)
        && let Some(known) = operator.of(*l, *r)
    {
        return Ok(Arithmetic::Number(known));
    }
    Ok(Arithmetic::Binary { operator, left: Box::new(left), right: Box::new(right) })
}
