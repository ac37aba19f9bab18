//! Reads expressions: and, or, not, parentheses, and the qualifiers that an address or port takes from what is before it.
//!
//! As in libpcap's language `and` and `or` bind alike, to the left, and `not` binds closest.

use super::ast::{Expression, Relation, Term};
use super::fault::Fault;
use super::lexer::{Placed, Token, tokens};
use super::names;
use super::qualifier::Qualifier;

/// Parentheses within parentheses, at most.
pub(super) const MOST_DEEP: usize = 100;
/// Changes between `and` and `or`, and arithmetic operators, in all: each is a level of the expression.
const MOST_LEVELS: usize = 400;
/// Far more than the kernel's longest program can come from.
const MOST_BYTES: usize = 64 << 10;

/// Reads `text`; `None` where it is blank: everything is wanted.
pub(super) fn parse(text: &str, services: &dyn Fn() -> String) -> Result<Option<Expression>, Fault> {
    if text.len() > MOST_BYTES {
        return Err(Fault::new(format!("the expression is longer than {MOST_BYTES} bytes"), 0));
    }
    let mut parser = Parser { tokens: tokens(text)?, next: 0, depth: 0, levels: 0, services };
    if parser.peek().token == Token::End {
        return Ok(None);
    }
    let (expression, _) = parser.expression(None)?;
    match parser.peek().token {
        Token::End => Ok(Some(expression)),
        _ => Err(parser.unexpected("'and' or 'or'")),
    }
}

pub(super) struct Parser<'a> {
    tokens: Vec<Placed>,
    next: usize,
    depth: usize,
    levels: usize,
    pub services: &'a dyn Fn() -> String,
}

/// An expression, and the qualifiers that it leaves to a bare address or port after it.
type Parsed = Result<(Expression, Option<Qualifier>), Fault>;

impl Parser<'_> {
    /// The token `ahead` of the next; the end again behind the end.
    pub(super) fn peek_at(&self, ahead: usize) -> &Placed {
        let last = self.tokens.len().saturating_sub(1);
        &self.tokens[(self.next + ahead).min(last)]
    }

    pub(super) fn peek(&self) -> &Placed {
        self.peek_at(0)
    }

    pub(super) fn advance(&mut self) -> Placed {
        let token = self.peek().clone();
        self.next += 1;
        token
    }

    pub(super) fn at(&self) -> usize {
        self.peek().at
    }

    pub(super) fn is_sign(&self, sign: &str) -> bool {
        matches!(self.peek().token, Token::Sign(s) if s == sign)
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(&self.peek().token, Token::Word(w) if w == word)
    }

    pub(super) fn take_sign(&mut self, sign: &str) -> bool {
        let there = self.is_sign(sign);
        self.next += usize::from(there);
        there
    }

    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let there = self.is_word(word);
        self.next += usize::from(there);
        there
    }

    pub(super) fn expect_sign(&mut self, sign: &'static str) -> Result<(), Fault> {
        if self.take_sign(sign) { Ok(()) } else { Err(self.unexpected(&format!("'{sign}'"))) }
    }

    /// What stands at the next place is not what must stand there.
    pub(super) fn unexpected(&self, wanted: &str) -> Fault {
        let Placed { token, at, text } = self.peek();
        match token {
            Token::End => Fault::new(format!("missing {wanted}"), *at),
            Token::Word(word) if !known(word) => {
                let fault = Fault::new(format!("unknown word '{text}'"), *at);
                match names::similar(word) {
                    Some(similar) => fault.hint(format!("did you mean '{similar}'?")),
                    None => fault,
                }
            }
            _ => Fault::new(format!("'{text}' instead of {wanted}"), *at),
        }
    }

    /// Goes a level down for `inner`.
    pub(super) fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        if self.depth == MOST_DEEP {
            return Err(Fault::new(format!("more than {MOST_DEEP} parentheses within each other"), self.at()));
        }
        self.depth += 1;
        let done = inner(self);
        self.depth -= 1;
        done
    }

    /// Counts what makes the expression a level higher.
    pub(super) fn level(&mut self) -> Result<(), Fault> {
        self.levels += 1;
        if self.levels > MOST_LEVELS {
            return Err(Fault::new(format!("more than {MOST_LEVELS} operators"), self.at()));
        }
        Ok(())
    }

    /// Tries a reading; where it fails the parser stands where it stood.
    pub(super) fn attempt<T>(&mut self, reading: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        let (next, levels) = (self.next, self.levels);
        reading(self).inspect_err(|_| (self.next, self.levels) = (next, levels))
    }

    fn connective(&mut self) -> Option<bool> {
        let and = self.take_word("and") || self.take_sign("&&");
        (and || self.take_word("or") || self.take_sign("||")).then_some(and)
    }

    /// Terms with `and` and `or` between them; `qualifier` is what a bare address or port is of.
    fn expression(&mut self, qualifier: Option<&Qualifier>) -> Parsed {
        let (mut left, mut after) = self.term(qualifier)?;
        while let Some(and) = self.connective() {
            let (right, then) = self.term(after.as_ref())?;
            after = then;
            left = match (left, and) {
                (Expression::All(mut parts), true) => {
                    parts.push(right);
                    Expression::All(parts)
                }
                (Expression::Any(mut parts), false) => {
                    parts.push(right);
                    Expression::Any(parts)
                }
                (left, and) => {
                    self.level()?;
                    let parts = vec![left, right];
                    if and { Expression::All(parts) } else { Expression::Any(parts) }
                }
            };
        }
        Ok((left, after))
    }

    /// True for an odd number of negations.
    pub(super) fn negations(&mut self) -> bool {
        let mut negated = false;
        while self.take_sign("!") || self.take_word("not") {
            negated = !negated;
        }
        negated
    }

    fn term(&mut self, qualifier: Option<&Qualifier>) -> Parsed {
        let negated = self.negations();
        let (expression, after) = self.positive(qualifier)?;
        let expression = if negated { Expression::Not(Box::new(expression)) } else { expression };
        Ok((expression, after))
    }

    fn positive(&mut self, qualifier: Option<&Qualifier>) -> Parsed {
        let mut fault = None;
        if self.begins_arithmetic() {
            match self.attempt(Self::relation) {
                Ok(term) => return Ok((Expression::Term(term), None)),
                Err(failed) => fault = Some(failed),
            }
        }
        if let Some(qualifier) = qualifier.filter(|_| self.begins_identity()) {
            match self.attempt(|parser| parser.identity(qualifier)) {
                Ok(expression) => return Ok((expression, Some(qualifier.clone()))),
                Err(failed) => fault = Some(fault.map_or(failed.clone(), |f| f.further(failed))),
            }
        }
        let parsed = if self.is_sign("(") {
            self.attempt(|parser| parser.parenthesised(qualifier))
        } else {
            match fault.take() {
                Some(fault) => Err(fault),
                None => self.primitive(),
            }
        };
        parsed.map_err(|failed| fault.map_or(failed.clone(), |f| f.further(failed)))
    }

    fn parenthesised(&mut self, qualifier: Option<&Qualifier>) -> Parsed {
        self.expect_sign("(")?;
        let (expression, _) = self.deeper(|parser| parser.expression(None))?;
        self.expect_sign(")")?;
        // What is inside takes no qualifiers from outside, and keeps its own to itself.
        Ok((expression, qualifier.cloned()))
    }

    /// An address or port, or some of them in parentheses, all of one qualifier.
    pub(super) fn identity(&mut self, qualifier: &Qualifier) -> Result<Expression, Fault> {
        let negated = self.negations();
        let expression = if self.take_sign("(") {
            let inner = self.deeper(|parser| parser.identities(qualifier))?;
            self.expect_sign(")")?;
            inner
        } else {
            Expression::Term(qualifier.term(self)?)
        };
        Ok(if negated { Expression::Not(Box::new(expression)) } else { expression })
    }

    fn identities(&mut self, qualifier: &Qualifier) -> Result<Expression, Fault> {
        let mut left = self.identity(qualifier)?;
        while let Some(and) = self.connective() {
            self.level()?;
            let parts = vec![left, self.identity(qualifier)?];
            left = if and { Expression::All(parts) } else { Expression::Any(parts) };
        }
        Ok(left)
    }

    /// Whether what follows may be an address or port without a word before it.
    fn begins_identity(&self) -> bool {
        match &self.peek().token {
            Token::Word(word) => !known(word),
            Token::Sign("(")
            | Token::Name(_)
            | Token::Number(_)
            | Token::Dotted(_)
            | Token::V6(_)
            | Token::Mac(_) => true,
            Token::Sign(_) | Token::End => false,
        }
    }

    fn relation(&mut self) -> Result<Term, Fault> {
        let left = self.arithmetic()?;
        let relation = match self.peek().token {
            Token::Sign("=" | "==") => Relation::Equal,
            Token::Sign("!=") => Relation::NotEqual,
            Token::Sign(">") => Relation::Greater,
            Token::Sign(">=") => Relation::AtLeast,
            Token::Sign("<") => Relation::Less,
            Token::Sign("<=") => Relation::AtMost,
            _ => return Err(self.unexpected("'=' or another comparison")),
        };
        self.advance();
        let right = self.arithmetic()?;
        Ok(Term::Relation { left, relation, right })
    }
}

/// Whether the language knows the word.
pub(super) fn known(word: &str) -> bool {
    names::WORDS.contains(&word) || names::find_protocol(word).is_some() || names::constant(word).is_some()
}
