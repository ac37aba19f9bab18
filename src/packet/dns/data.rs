//! What a record says: its data, by its type.

use std::fmt::Write;
use std::net::Ipv6Addr;

use super::name::{Message, Name};
use super::pairs::{option, pairs, parameter};
use crate::packet::Text;
use crate::packet::layer::Trouble;
use crate::packet::text;

/// The data of a record.
#[derive(Debug, Clone, Copy)]
pub enum Data<'a> {
    /// A (RFC 1035).
    Address4(&'a [u8; 4]),
    /// AAAA (RFC 3596).
    Address6(&'a [u8; 16]),
    /// NS, CNAME, PTR (RFC 1035), DNAME (RFC 6672).
    Name(Name<'a>),
    /// MX (RFC 1035).
    MailExchange {
        /// Lower ones are tried first.
        preference: u16,
        /// The host.
        exchange: Name<'a>,
    },
    /// TXT, SPF: strings, each behind its length.
    Strings(&'a [u8]),
    /// SOA (RFC 1035).
    Authority {
        /// The server that the zone comes from.
        primary: Name<'a>,
        /// The mailbox of who answers for it.
        mailbox: Name<'a>,
        /// Serial, refresh, retry, expire, minimum: 32 bits each.
        numbers: &'a [u8; 20],
    },
    /// SRV (RFC 2782).
    Service {
        /// Lower ones are tried first.
        priority: u16,
        /// Its share among those of the same priority.
        weight: u16,
        /// The port.
        port: u16,
        /// The host.
        target: Name<'a>,
    },
    /// OPT (RFC 6891): options.
    Options(&'a [u8]),
    /// SVCB, HTTPS (RFC 9460).
    Binding {
        /// 0: an alias; else lower ones are tried first.
        priority: u16,
        /// The host.
        target: Name<'a>,
        /// Parameters: key, length, value.
        parameters: &'a [u8],
    },
    /// CAA (RFC 8659).
    Authorization {
        /// Flags; 128 is "critical".
        flags: u8,
        /// The property.
        tag: &'a [u8],
        /// Its value.
        value: &'a [u8],
    },
    /// DS (RFC 4034): key tag, algorithm, digest type.
    DelegationSigner(&'a [u8; 4], &'a [u8]),
    /// DNSKEY (RFC 4034): flags, protocol, algorithm.
    Key(&'a [u8; 4], &'a [u8]),
    /// Another, or one that has no form of its own here.
    Other(&'a [u8]),
}

/// Of a form that the type of the record does not have.
pub(super) const WRONG: Trouble = Trouble::Malformed("a record's data is of another length");

pub(super) fn word(bytes: &[u8; 2]) -> u16 {
    u16::from_be_bytes(*bytes)
}

/// A name that is the last thing in the data.
fn last_name(message: Message<'_>, at: usize, end: usize) -> Result<Name<'_>, Trouble> {
    let (name, after) = message.name(at)?;
    if after == end { Ok(name) } else { Err(WRONG) }
}

impl<'a> Data<'a> {
    /// The data of a record of type `kind`, which stands from `at` to `end`.
    ///
    /// # Errors
    /// Where the data is cut or not of the form that its type has.
    pub fn read(kind: u16, message: Message<'a>, at: usize, end: usize) -> Result<Self, Trouble> {
        let bytes = message.slice(at, end.saturating_sub(at))?;
        Ok(match kind {
            // Queries for updates (RFC 2136) name a type and give no data.
            _ if bytes.is_empty() && kind != 16 && kind != 41 => Data::Other(bytes),
            1 => Data::Address4(bytes.try_into().map_err(|_| WRONG)?),
            28 => Data::Address6(bytes.try_into().map_err(|_| WRONG)?),
            2 | 5 | 12 | 39 => Data::Name(last_name(message, at, end)?),
            15 => {
                let (preference, _) = bytes.split_first_chunk().ok_or(WRONG)?;
                Data::MailExchange { preference: word(preference), exchange: last_name(message, at + 2, end)? }
            }
            16 | 99 => Data::Strings(bytes),
            6 => {
                let (primary, after) = message.name(at)?;
                let (mailbox, after) = message.name(after)?;
                let numbers = message.slice(after, end.saturating_sub(after))?.try_into().map_err(|_| WRONG)?;
                Data::Authority { primary, mailbox, numbers }
            }
            33 => {
                let [a, b, c, d, e, f] = *bytes.first_chunk().ok_or(WRONG)?;
                let (priority, weight, port) = (word(&[a, b]), word(&[c, d]), word(&[e, f]));
                Data::Service { priority, weight, port, target: last_name(message, at + 6, end)? }
            }
            41 => Data::Options(bytes),
            64 | 65 => {
                let (priority, _) = bytes.split_first_chunk().ok_or(WRONG)?;
                let (target, after) = message.name(at + 2)?;
                let parameters = end.checked_sub(after).ok_or(WRONG)?;
                Data::Binding { priority: word(priority), target, parameters: message.slice(after, parameters)? }
            }
            257 => {
                let (&[flags, length], rest) = bytes.split_first_chunk().ok_or(WRONG)?;
                let (tag, value) = rest.split_at_checked(length.into()).ok_or(WRONG)?;
                Data::Authorization { flags, tag, value }
            }
            43 => {
                bytes.split_first_chunk().map(|(head, digest)| Data::DelegationSigner(head, digest)).ok_or(WRONG)?
            }
            48 => bytes.split_first_chunk().map(|(head, key)| Data::Key(head, key)).ok_or(WRONG)?,
            _ => Data::Other(bytes),
        })
    }

    /// Appends what the one-line form says of it, after a space: what tcpdump does.
    ///
    /// # Errors
    /// What is wrong with a name in it.
    pub fn line(&self, out: &mut Text) -> Result<(), Trouble> {
        match *self {
            Data::Strings(mut strings) => return quoted(out, &mut strings),
            Data::Address4(_) | Data::Address6(_) | Data::Name(_) => {
                out.push(' ');
                return self.write(out);
            }
            Data::MailExchange { preference, exchange } => {
                out.push(' ');
                exchange.write(out)?;
                out.push(' ');
                text::decimal(out, preference.into());
            }
            Data::Service { priority, weight, port, target } => {
                out.push(' ');
                target.write(out)?;
                for (before, number) in [(':', port), (' ', priority), (' ', weight)] {
                    out.push(before);
                    text::decimal(out, number.into());
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Appends it in the form of master files (RFC 1035 section 5); what has none as RFC 3597 says.
    ///
    /// # Errors
    /// What is wrong with a name or a length in it; what comes before is written.
    pub fn write(&self, out: &mut Text) -> Result<(), Trouble> {
        match *self {
            Data::Address4(address) => {
                let [a, b, c, d] = *address;
                for (byte, after) in [(a, "."), (b, "."), (c, "."), (d, "")] {
                    text::decimal(out, byte.into());
                    out.push_str(after);
                }
            }
            Data::Address6(address) => {
                let _ = write!(out, "{}", Ipv6Addr::from(*address));
            }
            Data::Name(name) => name.write(out)?,
            Data::MailExchange { preference, exchange } => {
                let _ = write!(out, "{preference} ");
                exchange.write(out)?;
            }
            Data::Strings(mut strings) => {
                let mut list = Text::new();
                let read = quoted(&mut list, &mut strings);
                // The blank before the first stands here already.
                out.push_str(list.as_str().get(1..).unwrap_or_default());
                read?;
            }
            Data::Authority { primary, mailbox, numbers } => {
                primary.write(out)?;
                out.push(' ');
                mailbox.write(out)?;
                for number in numbers.as_chunks().0 {
                    out.push(' ');
                    text::decimal(out, u32::from_be_bytes(*number));
                }
            }
            Data::Service { priority, weight, port, target } => {
                let _ = write!(out, "{priority} {weight} {port} ");
                target.write(out)?;
            }
            Data::Options(options) => pairs(out, options, option)?,
            Data::Binding { priority, target, parameters } => {
                let _ = write!(out, "{priority} ");
                target.write(out)?;
                pairs(out, parameters, parameter)?;
            }
            Data::Authorization { flags, tag, value } => {
                let _ = write!(out, "{flags} ");
                text::escaped(out, tag);
                out.push(' ');
                quote(out, value);
            }
            Data::DelegationSigner(&[a, b, algorithm, digest], rest)
            | Data::Key(&[a, b, algorithm, digest], rest) => {
                let _ = write!(out, "{} {algorithm} {digest} ", word(&[a, b]));
                text::hex(out, rest);
            }
            Data::Other(bytes) => {
                let _ = write!(out, "\\# {}", bytes.len());
                out.push_str(if bytes.is_empty() { "" } else { " " });
                text::hex(out, bytes);
            }
        }
        Ok(())
    }
}

/// Appends each string in quotes, after a space.
fn quoted(out: &mut Text, strings: &mut &[u8]) -> Result<(), Trouble> {
    while let Some((length, rest)) = strings.split_first() {
        let (string, rest) = rest.split_at_checked((*length).into()).ok_or(WRONG)?;
        out.push(' ');
        quote(out, string);
        *strings = rest;
    }
    Ok(())
}

fn quote(out: &mut Text, string: &[u8]) {
    out.push('"');
    for (i, part) in string.split(|b| *b == b'"').enumerate() {
        out.push_str(if i > 0 { "\\\"" } else { "" });
        text::escaped(out, part);
    }
    out.push('"');
}
