//! HTTP/1 (RFC 9112): the head of a message, as far as it is in this segment.

#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::Serialize;

use super::layer::{Carried, Decoded, Protocol, Trouble};
use super::text;
use crate::packet::{Line, Text};

/// Ports on which a method alone tells that it is HTTP: the registered ones and Python's and proxies' own.
const PORTS: [u16; 5] = [80, 3128, 8000, 8008, 8080];

/// Methods (IANA's registry), and UPnP's.
const METHODS: [&str; 28] = [
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "CONNECT",
    "OPTIONS",
    "TRACE",
    "PATCH",
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
    "COPY",
    "MOVE",
    "LOCK",
    "UNLOCK",
    "SEARCH",
    "REPORT",
    "CHECKIN",
    "CHECKOUT",
    "MERGE",
    "MKACTIVITY",
    "NOTIFY",
    "SUBSCRIBE",
    "UNSUBSCRIBE",
    "BIND",
    "ACL",
    "LABEL",
];

/// Of a first line at most this much stands in the one-line form, in bytes.
const LONGEST: usize = 1024;

/// The head of a request or response.
#[derive(Debug, Clone, Copy)]
pub struct Http<'a> {
    carried: Carried<'a>,
}

/// Whether `payload`, between these ports, begins with a request or status line.
pub fn begins(payload: &[u8], ports: [u16; 2]) -> bool {
    if payload.starts_with(b"HTTP/1.") {
        return true;
    }
    // Most payloads are none: one look at the first byte ends it.
    if !payload.first().is_some_and(u8::is_ascii_uppercase) || !has_method(payload) {
        return false;
    }
    let line = first_line(payload).0;
    let version = line.len().checked_sub(9).and_then(|at| line.get(at..));
    ports.iter().any(|port| PORTS.contains(port)) || version.is_some_and(|version| version.starts_with(b" HTTP/1."))
}

fn has_method(payload: &[u8]) -> bool {
    METHODS
        .iter()
        .any(|method| payload.strip_prefix(method.as_bytes()).is_some_and(|rest| rest.first() == Some(&b' ')))
}

/// The first line, and whether its end is there.
fn first_line(bytes: &[u8]) -> (&[u8], bool) {
    match bytes.iter().position(|b| *b == b'\n') {
        Some(at) => (bytes[..at].strip_suffix(b"\r").unwrap_or(&bytes[..at]), true),
        None => (bytes, false),
    }
}

/// What a line of a head is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its name; empty where the line has no colon or goes on with the one before.
    pub name: &'a [u8],
    /// Its value, without the space around it.
    pub value: &'a [u8],
}

impl<'a> Http<'a> {
    /// Request or status line, as far as it is there.
    pub fn first_line(&self) -> &'a [u8] {
        first_line(self.carried.bytes).0
    }

    /// Whether it is a response.
    pub fn response(&self) -> bool {
        self.carried.bytes.starts_with(b"HTTP/1.")
    }

    /// The three parts of the first line: method, target, version; or version, status, reason.
    pub fn parts(&self) -> [&'a [u8]; 3] {
        let mut parts = self.first_line().splitn(3, |b| *b == b' ');
        [0; 3].map(|_| parts.next().unwrap_or_default())
    }

    /// The fields of the head, as far as they are there.
    pub fn fields(&self) -> Fields<'a> {
        let at = self.carried.bytes.iter().position(|b| *b == b'\n').map(|at| at + 1);
        Fields { rest: at.and_then(|at| self.carried.bytes.get(at..)) }
    }

    /// How many bytes follow the head; `None` where its end is not there.
    pub fn body_length(&self) -> Option<usize> {
        let mut rest = self.carried.bytes;
        loop {
            let (line, ended) = first_line(rest);
            rest = rest.get(rest.iter().position(|b| *b == b'\n')? + 1..)?;
            if ended && line.is_empty() {
                return Some(rest.len() + (self.carried.length - self.carried.bytes.len()));
            }
        }
    }
}

/// The fields of a head; ended by the empty line or by the end of what is there.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        let rest = self.rest.take()?;
        // A line that is cut says less than it seems to: it is left out.
        let end = rest.iter().position(|b| *b == b'\n')?;
        let (line, _) = first_line(rest);
        if line.is_empty() {
            return None;
        }
        self.rest = rest.get(end + 1..);
        let colon =
            line.iter().position(|b| *b == b':').filter(|_| !line.starts_with(b" ") && !line.starts_with(b"\t"));
        Some(match colon {
            Some(at) => Field { name: &line[..at], value: line[at + 1..].trim_ascii() },
            None => Field { name: &[], value: line.trim_ascii() },
        })
    }
}

impl<'a> Protocol<'a> for Http<'a> {
    type Document = Document;

    fn decode(carried: Carried<'a>) -> Decoded<'a, Self> {
        let head = carried.header::<1>()?;
        // Every method and every status line begins with a capital letter.
        match head[0].is_ascii_uppercase() && (has_method(carried.bytes) || carried.bytes.starts_with(b"HTTP/1.")) {
            true => Ok((Http { carried }, None)),
            false => Err(Trouble::Malformed("neither a request nor a status line")),
        }
    }

    fn line(&self, out: &mut Line) {
        let (line, ended) = first_line(self.carried.bytes);
        out.push_str(": HTTP: ");
        text::escaped(out, &line[..line.len().min(LONGEST)]);
        if line.len() > LONGEST {
            out.push_str("[...]");
        } else if !ended {
            out.push_str(" [|http]");
        }
    }

    fn block(&self, out: &mut Text) {
        text::field(out, "HTTP", text::to_escaped(self.first_line()));
        for field in self.fields() {
            let colon = if field.name.is_empty() { "" } else { ": " };
            text::field(
                out,
                "Field",
                format_args!("{}{colon}{}", text::to_escaped(field.name), text::to_escaped(field.value)),
            );
        }
        match self.body_length() {
            Some(length) => text::field(out, "Body", format_args!("{length} bytes in this segment")),
            None => text::field(out, "Fault", "the head does not end in this segment"),
        }
    }

    fn document(&self) -> Document {
        let [first, second, third] = self.parts().map(text::to_escaped);
        let fields = self
            .fields()
            .map(|f| FieldDocument { name: text::to_escaped(f.name), value: text::to_escaped(f.value) })
            .collect();
        let (request, response) = match self.response() {
            true => (None, Some(Response { version: first, status: second, reason: third })),
            false => (Some(Request { method: first, target: second, version: third }), None),
        };
        Document { request, response, fields, body_length: self.body_length() }
    }
}

/// An [`Http`] head as JSON; everything in it is escaped.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document {
    /// The request line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
    /// The status line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<Response>,
    /// Header fields, in their order.
    pub fields: Vec<FieldDocument>,
    /// How many bytes follow the head in this segment; `null` where the head does not end in it.
    pub body_length: Option<usize>,
}

/// A request line as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Request {
    /// Method.
    pub method: String,
    /// Target.
    pub target: String,
    /// Version ("HTTP/1.1").
    pub version: String,
}

/// A status line as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Response {
    /// Version ("HTTP/1.1").
    pub version: String,
    /// Status ("200").
    pub status: String,
    /// Reason ("OK").
    pub reason: String,
}

/// A header field as JSON.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FieldDocument {
    /// Its name; empty where the line has no colon or goes on with the one before.
    pub name: String,
    /// Its value.
    pub value: String,
}
