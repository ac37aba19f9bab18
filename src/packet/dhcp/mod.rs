//! DHCP (RFC 2131) and BOOTP (RFC 951): the fixed fields; options are in [`options`].

pub mod options;
#[cfg(test)]
mod tests;

use std::net::Ipv4Addr;

use schemars::JsonSchema;
use serde::Serialize;

use super::layer::{Carried, Decoded, Protocol, Trouble};
use super::text;
use crate::packet::{Line, Text};
use options::Options;

/// What options begin behind (RFC 2131 section 3).
const COOKIE: [u8; 4] = [99, 130, 83, 99];
/// Length of the fixed fields, without the cookie, in bytes.
const FIXED: usize = 236;

/// A DHCP or BOOTP message.
#[derive(Debug, Clone, Copy)]
pub struct Dhcp<'a> {
    /// Up to the client's hardware address.
    fixed: &'a [u8; 28],
    carried: Carried<'a>,
}

impl<'a> Dhcp<'a> {
    /// 1 request, 2 reply.
    pub fn operation(&self) -> u8 {
        self.fixed[0]
    }

    /// Hardware type: 1 is Ethernet.
    pub fn hardware_type(&self) -> u8 {
        self.fixed[1]
    }

    /// Length of the hardware address in bytes, as the message says.
    pub fn hardware_length(&self) -> u8 {
        self.fixed[2]
    }

    /// How many relays it went through.
    pub fn hops(&self) -> u8 {
        self.fixed[3]
    }

    /// Identifies a request and its reply.
    pub fn transaction(&self) -> u32 {
        u32::from_be_bytes(self.at(4))
    }

    /// Seconds since the client began.
    pub fn seconds(&self) -> u16 {
        u16::from_be_bytes(self.at(8))
    }

    /// Flags; 0x8000 asks for a broadcast.
    pub fn flags(&self) -> u16 {
        u16::from_be_bytes(self.at(10))
    }

    /// The client's address, where it has one; the one it is given; the next server's; the relay's.
    pub fn addresses(&self) -> [Ipv4Addr; 4] {
        [12, 16, 20, 24].map(|at| Ipv4Addr::from(self.at::<4>(at)))
    }

    /// The client's hardware address, as far as it was captured; the whole field where its length makes no sense.
    pub fn hardware_address(&self) -> &'a [u8] {
        let field = self.carried.bytes.get(28..).unwrap_or_default();
        let field = &field[..field.len().min(16)];
        field.get(..self.hardware_length().into()).unwrap_or(field)
    }

    /// The server's name, and the boot file's, up to their first zero; where they were captured.
    pub fn names(&self) -> Option<(&'a [u8], &'a [u8])> {
        let name = |field: &'a [u8]| field.split(|b| *b == 0).next().unwrap_or_default();
        Some((name(self.carried.bytes.get(44..108)?), name(self.carried.bytes.get(108..FIXED)?)))
    }

    /// Its options; none where it is plain BOOTP.
    pub fn options(&self) -> Options<'a> {
        let bytes = self.carried.bytes.get(FIXED..).unwrap_or_default();
        match bytes.strip_prefix(&COOKIE) {
            Some(options) => Options::new(options, self.carried.length - self.carried.bytes.len()),
            None => Options::new(&[], 0),
        }
    }

    /// Why it could not be read to its end.
    pub fn trouble(&self) -> Option<Trouble> {
        match self.carried.bytes.len() < FIXED {
            true => Some(self.carried.short(FIXED)),
            false => self.options().find_map(Result::err),
        }
    }

    fn at<const N: usize>(&self, at: usize) -> [u8; N] {
        *self.fixed[at..].first_chunk().expect("28 bytes")
    }

    fn operation_name(&self) -> Option<&'static str> {
        match self.operation() {
            1 => Some("Request"),
            2 => Some("Reply"),
            _ => None,
        }
    }
}

/// Appends a hardware address, a colon between its bytes.
fn colons(out: &mut Text, address: &[u8]) {
    for (i, byte) in address.iter().enumerate() {
        out.push_str(if i > 0 { ":" } else { "" });
        text::hex(out, &[*byte]);
    }
}

impl<'a> Protocol<'a> for Dhcp<'a> {
    type Document = Document;

    fn decode(carried: Carried<'a>) -> Decoded<'a, Self> {
        Ok((Dhcp { fixed: carried.header()?, carried }, None))
    }

    fn line(&self, out: &mut Line) {
        out.push_str("BOOTP/DHCP, ");
        match self.operation_name() {
            Some(name) => out.push_str(name),
            None => {
                out.push_str("unknown (0x");
                text::hex(out, &[self.operation()]);
                out.push(')');
            }
        }
        if (self.operation(), self.hardware_type(), self.hardware_length()) == (1, 1, 6) {
            if self.hardware_address().len() < 6 {
                out.push_str(" [|bootp]");
                return;
            }
            out.push_str(" from ");
            colons(out, self.hardware_address());
        }
        out.push_str(", length ");
        text::decimal(out, self.carried.length as u32);
    }

    fn block(&self, out: &mut Text) {
        let name = self.operation_name().unwrap_or("unknown");
        text::field(out, "BOOTP/DHCP", format_args!("{} ({name}), {} bytes", self.operation(), self.carried.length));
        let address = text::written(|out| colons(out, self.hardware_address()));
        let (kind, length) = (self.hardware_type(), self.hardware_length());
        text::field(out, "Hardware", format_args!("type {kind}, length {length}, {address}"));
        text::field(out, "Hops", self.hops());
        text::field(out, "Transaction", format_args!("0x{:08x}", self.transaction()));
        text::field(out, "Seconds", self.seconds());
        text::field(out, "DHCP Flags", format_args!("0x{:04x}", self.flags()));
        let names = ["Client IP", "Your IP", "Server IP", "Gateway IP"];
        for (name, address) in names.into_iter().zip(self.addresses()) {
            text::field(out, name, address);
        }
        let named = self.names().map(|(server, file)| [("Server Name", server), ("Boot File", file)]);
        for (name, value) in named.into_iter().flatten().filter(|(_, value)| !value.is_empty()) {
            text::field(out, name, text::to_escaped(value));
        }
        for option in self.options().flatten() {
            let value = text::written(|out| option.value(out));
            let line = format!("{} ({}) {value}", option.name(), option.kind);
            text::field(out, "Option", line.trim_end());
        }
        if let Some(trouble) = self.trouble() {
            text::field(out, "Fault", trouble.reason());
        }
    }

    fn document(&self) -> Document {
        let [client, yours, server, relay] = self.addresses().map(|address| address.to_string());
        Document {
            operation: self.operation(),
            hardware_type: self.hardware_type(),
            hardware_length: self.hardware_length(),
            hops: self.hops(),
            transaction: self.transaction(),
            seconds: self.seconds(),
            flags: self.flags(),
            client_address: client,
            your_address: yours,
            server_address: server,
            relay_address: relay,
            hardware_address: text::written(|out| colons(out, self.hardware_address())),
            server_name: self.names().map(|(server, _)| text::to_escaped(server)),
            boot_file: self.names().map(|(_, file)| text::to_escaped(file)),
            message: self.options().flatten().find_map(|option| option.message()),
            options: self.options().flatten().map(|option| option.document()).collect(),
            length: self.carried.length,
            trouble: self.trouble(),
        }
    }
}

/// A [`Dhcp`] message as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document {
    /// 1 request, 2 reply.
    pub operation: u8,
    /// Hardware type: 1 is Ethernet.
    pub hardware_type: u8,
    /// Length of the hardware address in bytes, as the message says.
    pub hardware_length: u8,
    /// How many relays it went through.
    pub hops: u8,
    /// Identifies a request and its reply.
    pub transaction: u32,
    /// Seconds since the client began.
    pub seconds: u16,
    /// Flags; 0x8000 asks for a broadcast.
    pub flags: u16,
    /// The client's address, where it has one.
    pub client_address: String,
    /// The address that it is given.
    pub your_address: String,
    /// The next server's address.
    pub server_address: String,
    /// The relay's address.
    pub relay_address: String,
    /// The client's hardware address.
    pub hardware_address: String,
    /// The server's name, escaped; `null` where it was not captured.
    pub server_name: Option<String>,
    /// The boot file's name, escaped; `null` where it was not captured.
    pub boot_file: Option<String>,
    /// The message by its type: Discover, Offer, Request, Decline, ACK, NACK, Release, Inform.
    pub message: Option<&'static str>,
    /// Options, in their order.
    pub options: Vec<options::Document>,
    /// Length of the message in bytes.
    pub length: usize,
    /// Why it could not be read to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
}
