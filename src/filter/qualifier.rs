//! Reads primitives: the qualifiers `[proto] [dir] [type]` and the address, port or number that they are about.

use super::address;
use super::ast::{Expression, Side, Term, Version};
use super::fault::Fault;
use super::lexer::Token;
use super::names::{self, Kind, Protocol};
use super::parser::Parser;

/// What a name, number or address is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Host,
    Net,
    Port,
    PortRange,
    Proto,
}

/// The words before a name, number or address.
#[derive(Debug, Clone)]
pub(super) struct Qualifier {
    pub protocol: Option<&'static Protocol>,
    pub side: Side,
    pub kind: Type,
}

const ANY_TRANSPORT: &[u8] = &[132, 6, 17];
const TCP: &[u8] = &[6];
const UDP: &[u8] = &[17];
const SCTP: &[u8] = &[132];

type Parsed = Result<(Expression, Option<Qualifier>), Fault>;

impl Parser<'_> {
    /// A primitive that begins with a word.
    pub(super) fn primitive(&mut self) -> Parsed {
        let at = self.at();
        let word = match &self.peek().token {
            Token::Word(word) => word.clone(),
            Token::End => return Err(self.unexpected("a protocol, 'host', 'port' or the like")),
            Token::Dotted(_) | Token::V6(_) | Token::Mac(_) => {
                let fault = Fault::new(format!("'{}' without a word that says what it is", self.peek().text), at);
                return Err(fault.hint("write 'host' before an address, 'ether host' before a hardware address"));
            }
            _ => return Err(self.unexpected("a protocol, 'host', 'port' or the like")),
        };
        if let Some(protocol) = names::find_protocol(&word) {
            self.advance();
            return self.of_protocol(protocol, at);
        }
        let term = match word.as_str() {
            "less" | "greater" => self.length(&word)?,
            "inbound" | "outbound" => {
                self.advance();
                let outbound = Expression::Term(Term::Outbound);
                let both = if word == "inbound" { Expression::Not(Box::new(outbound)) } else { outbound };
                return Ok((both, None));
            }
            "vlan" => self.vlan()?,
            "broadcast" | "multicast" => {
                self.advance();
                if word == "broadcast" { Term::Broadcast } else { Term::Multicast }
            }
            "protochain" | "gateway" => {
                let fault = Fault::new(format!("'{word}' is not supported"), at);
                return Err(fault.hint("'proto' and 'ether host' are"));
            }
            _ => return self.qualified(None),
        };
        Ok((Expression::Term(term), None))
    }

    /// What may follow the name of a protocol.
    fn of_protocol(&mut self, protocol: &'static Protocol, at: usize) -> Parsed {
        let word = match &self.peek().token {
            Token::Word(word) => word.as_str(),
            _ => "",
        };
        let cast = match (word, protocol.kind) {
            ("broadcast", Kind::Link) => Term::Broadcast,
            ("multicast", Kind::Link) => Term::Multicast,
            ("multicast", Kind::EtherType(names::IP)) => Term::IpMulticast(Version::V4),
            ("multicast", Kind::EtherType(names::IP6)) => Term::IpMulticast(Version::V6),
            ("broadcast" | "multicast", _) => {
                let fault = Fault::new(format!("'{} {word}' is not supported", protocol.name), at);
                return Err(
                    fault.hint("'ether broadcast', 'ether multicast', 'ip multicast' and 'ip6 multicast' are")
                );
            }
            ("host" | "net" | "port" | "portrange" | "proto" | "src" | "dst", _) => {
                return self.qualified(Some(protocol));
            }
            ("protochain", _) => return self.primitive(),
            _ if protocol.kind == Kind::Link => return Err(self.unexpected("'host', 'src', 'dst' or 'proto'")),
            _ => return Ok((Expression::Term(Term::Protocol(protocol)), None)),
        };
        self.advance();
        Ok((Expression::Term(cast), None))
    }

    fn length(&mut self, word: &str) -> Result<Term, Fault> {
        use super::ast::{Arithmetic, Relation};
        self.advance();
        let Token::Number(n) = self.peek().token else { return Err(self.unexpected("a length in bytes")) };
        self.advance();
        let relation = if word == "less" { Relation::AtMost } else { Relation::AtLeast };
        Ok(Term::Relation { left: Arithmetic::Length, relation, right: Arithmetic::Number(n) })
    }

    fn vlan(&mut self) -> Result<Term, Fault> {
        self.advance();
        let bracketed = self.is_sign("(") && matches!(self.peek_at(1).token, Token::Number(_));
        if bracketed {
            self.advance();
        }
        let Token::Number(id) = self.peek().token else { return Ok(Term::Vlan(None)) };
        let at = self.at();
        let id = u16::try_from(id).ok().filter(|id| *id <= 0xfff);
        let id = id.ok_or_else(|| Fault::new("a VLAN is a number from 0 to 4095, not what stands", at))?;
        self.advance();
        if bracketed {
            self.expect_sign(")")?;
        }
        Ok(Term::Vlan(Some(id)))
    }

    fn side(&mut self) -> Option<Side> {
        let first = match (self.take_word("src"), self.is_word("dst")) {
            (true, _) => Side::Source,
            (_, true) => {
                self.advance();
                Side::Destination
            }
            _ => return None,
        };
        let other = if first == Side::Source { "dst" } else { "src" };
        let follows = matches!(&self.peek_at(1).token, Token::Word(word) if word == other);
        let both = match &self.peek().token {
            Token::Word(word) if word == "or" => Side::Either,
            Token::Word(word) if word == "and" => Side::Both,
            Token::Sign("||") => Side::Either,
            Token::Sign("&&") => Side::Both,
            _ => return Some(first),
        };
        // `src host a or dst host b` has its host first.
        if !follows {
            return Some(first);
        }
        self.advance();
        self.advance();
        Some(both)
    }

    fn qualified(&mut self, protocol: Option<&'static Protocol>) -> Parsed {
        let side = self.side();
        let kind = match &self.peek().token {
            Token::Word(word) => match word.as_str() {
                "host" => Some(Type::Host),
                "net" => Some(Type::Net),
                "port" => Some(Type::Port),
                "portrange" => Some(Type::PortRange),
                "proto" if side.is_none() => Some(Type::Proto),
                _ => None,
            },
            _ => None,
        };
        if kind.is_some() {
            self.advance();
        } else if side.is_none() {
            return Err(self.unexpected("a protocol, 'host', 'port' or the like"));
        }
        let qualifier = Qualifier { protocol, side: side.unwrap_or(Side::Either), kind: kind.unwrap_or(Type::Host) };
        let expression = self.identity(&qualifier)?;
        Ok((expression, Some(qualifier)))
    }
}

impl Qualifier {
    /// What the next token means with these words before it.
    pub(super) fn term(&self, parser: &mut Parser) -> Result<Term, Fault> {
        match self.kind {
            Type::Host | Type::Net => address::term(self, parser),
            Type::Port | Type::PortRange => self.port(parser),
            Type::Proto => self.proto(parser),
        }
    }

    fn refuse(&self, what: &str, parser: &Parser) -> Fault {
        let name = self.protocol.map_or("", |p| p.name);
        Fault::new(format!("'{name}' does not go with {what}"), parser.at())
    }

    fn proto(&self, parser: &mut Parser) -> Result<Term, Fault> {
        let version = match self.protocol.map(|p| p.kind) {
            None => Some(Version::Any),
            Some(Kind::EtherType(names::IP)) => Some(Version::V4),
            Some(Kind::EtherType(names::IP6)) => Some(Version::V6),
            Some(Kind::Link) => None,
            Some(_) => return Err(self.refuse("'proto'", parser)),
        };
        let number = match &parser.peek().token {
            Token::Number(n) => Some(*n),
            Token::Name(name) if version.is_some() => names::ip_number(name).map(u32::from),
            Token::Name(name) => names::ether_type(name).map(u32::from),
            Token::Word(word) if super::parser::known(word) => {
                let fault = Fault::new(format!("'{word}' is a word of the language"), parser.at());
                return Err(fault.hint(format!("as a name it is written '\\{word}'")));
            }
            _ => None,
        };
        let Some(number) = number else { return Err(parser.unexpected("the number or name of a protocol")) };
        parser.advance();
        Ok(version.map_or(Term::EtherType(number), |version| Term::IpProtocol(version, number)))
    }

    fn transports(&self, parser: &Parser) -> Result<&'static [u8], Fault> {
        match self.protocol.map(|p| p.name) {
            None => Ok(ANY_TRANSPORT),
            Some("tcp") => Ok(TCP),
            Some("udp") => Ok(UDP),
            Some("sctp") => Ok(SCTP),
            Some(_) => Err(self.refuse("a port", parser).hint("tcp, udp and sctp have ports")),
        }
    }

    fn port(&self, parser: &mut Parser) -> Result<Term, Fault> {
        let transports = self.transports(parser)?;
        let side = self.side;
        let at = parser.at();
        let (first, last, transports) = match parser.peek().token.clone() {
            Token::Number(n) => {
                let port = number(n, at)?;
                (port, port, transports)
            }
            Token::Word(word) | Token::Name(word) => {
                let named = |word: &str| match word.parse() {
                    Ok(n) => Ok((number(n, at)?, transports)),
                    Err(_) => service(parser, word, transports),
                };
                match word.split_once('-').filter(|_| self.kind == Type::PortRange) {
                    Some((first, last)) => {
                        let ((first, a), (last, b)) = (named(first)?, named(last)?);
                        (first.min(last), first.max(last), if a == b { a } else { transports })
                    }
                    None if self.kind == Type::PortRange => {
                        return Err(parser.unexpected("a range of ports (1-1023)"));
                    }
                    None => {
                        let (port, transports) = named(&word)?;
                        (port, port, transports)
                    }
                }
            }
            _ => return Err(parser.unexpected("a port")),
        };
        parser.advance();
        Ok(Term::Port { transports, side, first, last })
    }
}

fn number(n: u32, at: usize) -> Result<u16, Fault> {
    u16::try_from(n).map_err(|_| Fault::new(format!("port {n} is above 65535"), at))
}

/// The port of services(5) by this name, and the transports that have it.
fn service(parser: &Parser, name: &str, wanted: &'static [u8]) -> Result<(u16, &'static [u8]), Fault> {
    let unknown = || match super::parser::known(name) {
        true => parser.unexpected("a port"),
        false => Fault::new(format!("no service of /etc/services is called '{name}'"), parser.at()),
    };
    let (port, transports) = match names::service(&(parser.services)(), name) {
        (Some(tcp), Some(udp)) if tcp == udp => (tcp, wanted),
        (Some(tcp), _) if wanted != UDP => (tcp, TCP),
        (_, Some(udp)) => (udp, UDP),
        (Some(tcp), None) => (tcp, TCP),
        (None, None) => return Err(unknown()),
    };
    if !transports.iter().all(|t| wanted.contains(t)) {
        let other = if transports == TCP { "TCP" } else { "UDP" };
        return Err(Fault::new(format!("service '{name}' is over {other}"), parser.at()));
    }
    Ok((port, transports))
}
