//! Reads addresses and nets: IPv4 in full or in part, IPv6, hardware addresses, masks.

use std::net::Ipv6Addr;

use super::ast::Term;
use super::fault::Fault;
use super::lexer::Token;
use super::names::{ARP, IP, IP6, Kind, RARP};
use super::parser::{Parser, known};
use super::qualifier::{Qualifier, Type};

/// What carries IPv4 addresses.
const V4: &[u16] = &[IP, ARP, RARP];

pub(super) fn term(qualifier: &Qualifier, parser: &mut Parser) -> Result<Term, Fault> {
    let side = qualifier.side;
    let kind = qualifier.protocol.map(|p| p.kind);
    if matches!(kind, Some(Kind::Ip { .. })) {
        return Err(misfit(qualifier, parser, "an address"));
    }
    match parser.peek().token.clone() {
        Token::Mac(address) if kind == Some(Kind::Link) && qualifier.kind == Type::Host => {
            parser.advance();
            Ok(Term::Mac { side, address })
        }
        Token::Mac(_) => Err(misfit(qualifier, parser, "a hardware address").hint("write 'ether host' before it")),
        Token::Dotted(_) | Token::Number(_) | Token::V6(_) if kind == Some(Kind::Link) => {
            Err(misfit(qualifier, parser, "an IP address"))
        }
        Token::Dotted(text) => {
            let protocols = within(qualifier, parser)?;
            let (address, mask) = dotted_net(qualifier, parser, &text)?;
            Ok(Term::V4 { protocols, side, address, mask })
        }
        Token::Number(n) => {
            let protocols = within(qualifier, parser)?;
            parser.advance();
            if parser.is_sign("/") || parser.is_word("mask") {
                let fault = Fault::new(format!("'{n}' is no address that can have a mask"), parser.at());
                return Err(fault.hint("write the zeros: 10.0.0.0/8"));
            }
            let (address, mask) = if qualifier.kind == Type::Net { promoted(n) } else { (n, u32::MAX) };
            Ok(Term::V4 { protocols, side, address, mask })
        }
        Token::V6(address) => {
            if !matches!(kind, None | Some(Kind::EtherType(IP6))) {
                return Err(misfit(qualifier, parser, "an IPv6 address"));
            }
            let (address, mask) = v6_net(qualifier, parser, address)?;
            Ok(Term::V6 { side, address, mask })
        }
        Token::Word(word) if !known(&word) => Err(name(parser, &word)),
        Token::Name(word) => Err(name(parser, &word)),
        _ => Err(parser.unexpected("an address")),
    }
}

fn name(parser: &Parser, name: &str) -> Fault {
    let fault = Fault::new(format!("'{name}' is no address"), parser.at());
    fault.hint("names are not looked up: write the number")
}

fn misfit(qualifier: &Qualifier, parser: &Parser, what: &str) -> Fault {
    let before = match (qualifier.protocol, qualifier.kind) {
        (Some(protocol), _) => protocol.name,
        (None, Type::Net) => "net",
        (None, _) => "host",
    };
    Fault::new(format!("'{before}' does not go with {what}"), parser.at())
}

fn within(qualifier: &Qualifier, parser: &Parser) -> Result<&'static [u16], Fault> {
    match qualifier.protocol.map(|p| p.kind) {
        None => Ok(V4),
        Some(Kind::EtherType(IP)) => Ok(&V4[..1]),
        Some(Kind::EtherType(ARP)) => Ok(&V4[1..2]),
        Some(Kind::EtherType(RARP)) => Ok(&V4[2..]),
        Some(_) => Err(misfit(qualifier, parser, "an IPv4 address")),
    }
}

/// A number alone as a net: its zeros are left out at the end (10 is 10.0.0.0/8).
fn promoted(n: u32) -> (u32, u32) {
    let bits = n.leading_zeros() / 8 * 8;
    if n == 0 { (0, u32::MAX) } else { (n << bits, u32::MAX << bits) }
}

/// Address and mask of as many bytes as are written.
fn dotted(text: &str, at: usize) -> Result<(u32, u32), Fault> {
    let (mut address, mut bits) = (0, 0);
    for part in text.split('.') {
        let byte: u8 = part.parse().map_err(|_| Fault::new(format!("'{text}' is no IPv4 address"), at))?;
        address = address << 8 | u32::from(byte);
        bits += 8;
    }
    let missing = 32_u32.saturating_sub(bits);
    Ok((address << missing, u32::MAX << missing))
}

/// A dotted address, with `/bits` or `mask address` behind it where it is a net.
fn dotted_net(qualifier: &Qualifier, parser: &mut Parser, text: &str) -> Result<(u32, u32), Fault> {
    let at = parser.at();
    let (address, own) = dotted(text, at)?;
    parser.advance();
    let mask = if parser.is_sign("/") {
        let bits = bits(qualifier, parser, 32)?;
        u32::MAX.checked_shl(32 - bits).unwrap_or(0)
    } else if parser.is_word("mask") {
        nets_alone(qualifier, parser)?;
        parser.advance();
        let Token::Dotted(mask) = parser.peek().token.clone() else { return Err(parser.unexpected("a mask")) };
        let (mask, _) = dotted(&mask, parser.at())?;
        parser.advance();
        mask
    } else {
        return Ok((address, own));
    };
    if address & !mask != 0 {
        return Err(Fault::new(format!("'{text}' has bits outside the mask"), at));
    }
    Ok((address, mask))
}

fn nets_alone(qualifier: &Qualifier, parser: &Parser) -> Result<(), Fault> {
    if qualifier.kind == Type::Net {
        return Ok(());
    }
    Err(Fault::new("a mask is for nets alone", parser.at()).hint("write 'net'"))
}

/// `/bits`.
fn bits(qualifier: &Qualifier, parser: &mut Parser, most: u32) -> Result<u32, Fault> {
    nets_alone(qualifier, parser)?;
    parser.advance();
    let at = parser.at();
    match parser.peek().token {
        Token::Number(bits) if bits <= most => {
            parser.advance();
            Ok(bits)
        }
        Token::Number(_) => Err(Fault::new(format!("a mask has at most {most} bits"), at)),
        _ => Err(parser.unexpected("a number of bits")),
    }
}

fn words(address: u128) -> [u32; 4] {
    [96, 64, 32, 0].map(|bits| (address >> bits) as u32)
}

fn v6_net(qualifier: &Qualifier, parser: &mut Parser, address: Ipv6Addr) -> Result<([u32; 4], [u32; 4]), Fault> {
    let at = parser.at();
    parser.advance();
    let address = u128::from(address);
    let mask = if parser.is_sign("/") {
        u128::MAX.checked_shl(128 - bits(qualifier, parser, 128)?).unwrap_or(0)
    } else {
        u128::MAX
    };
    if address & !mask != 0 {
        return Err(Fault::new("the address has bits outside the mask", at));
    }
    Ok((words(address), words(mask)))
}
