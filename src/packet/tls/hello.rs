//! ClientHello and ServerHello (RFC 8446 section 4.1), with the extensions that say what is spoken, and with whom.

use crate::packet::layer::Trouble;

/// The random bytes of a ServerHello that is a HelloRetryRequest (RFC 8446 section 4.1.3).
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11,
    0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// A hello, as far as it is there.
#[derive(Debug, Clone, Copy)]
pub struct Hello<'a> {
    /// The version as TLS 1.2 and before say it; later ones say 1.2 here and the truth in an extension.
    pub legacy_version: u16,
    /// Whether it is a client's.
    pub client: bool,
    /// Whether it is a server's that asks for another ClientHello.
    pub retry: bool,
    /// Cipher suites, two bytes each: those that the client offers, the one that the server chose.
    pub ciphers: &'a [u8],
    extensions: &'a [u8],
    /// Why it could not be read to its end.
    pub trouble: Option<Trouble>,
}

/// Bytes that are taken from the front.
struct Reader<'a> {
    rest: &'a [u8],
    /// What it is where bytes are missing.
    missing: Trouble,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Trouble> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(self.missing)?;
        self.rest = rest;
        Ok(taken)
    }

    fn number(&mut self, bytes: usize) -> Result<usize, Trouble> {
        Ok(self.take(bytes)?.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
    }

    /// What stands behind a length of `bytes`.
    fn vector(&mut self, bytes: usize) -> Result<&'a [u8], Trouble> {
        let length = self.number(bytes)?;
        self.take(length)
    }
}

impl<'a> Hello<'a> {
    /// Reads the body of a hello; where it ends early, `missing` says why.
    pub fn read(client: bool, body: &'a [u8], missing: Trouble) -> Self {
        let none: &[u8] = &[];
        let mut hello =
            Hello { legacy_version: 0, client, retry: false, ciphers: none, extensions: none, trouble: None };
        let mut reader = Reader { rest: body, missing };
        hello.trouble = hello.fill(&mut reader).err();
        hello
    }

    fn fill(&mut self, reader: &mut Reader<'a>) -> Result<(), Trouble> {
        self.legacy_version = reader.number(2)? as u16;
        self.retry = !self.client && reader.take(32)? == RETRY;
        if self.client {
            reader.take(32)?;
            reader.vector(1)?;
            self.ciphers = reader.vector(2)?;
            reader.vector(1)?;
        } else {
            reader.vector(1)?;
            self.ciphers = reader.take(2)?;
            reader.take(1)?;
        }
        // Before TLS 1.2 there were none.
        if reader.rest.is_empty() {
            return Ok(());
        }
        let length = reader.number(2)?;
        self.extensions = reader.rest.get(..length).unwrap_or(reader.rest);
        if length > reader.rest.len() { Err(reader.missing) } else { Ok(()) }
    }

    /// Its extensions that are there whole: type and data.
    pub fn extensions(&self) -> impl Iterator<Item = (u16, &'a [u8])> {
        let mut reader = Reader { rest: self.extensions, missing: Trouble::Truncated };
        std::iter::from_fn(move || {
            let kind = reader.number(2).ok()? as u16;
            Some((kind, reader.vector(2).ok()?))
        })
    }

    fn extension(&self, kind: u16) -> Option<Reader<'a>> {
        let (_, rest) = self.extensions().find(|(found, _)| *found == kind)?;
        Some(Reader { rest, missing: Trouble::Truncated })
    }

    /// The name of the server that the client wants (RFC 6066 section 3).
    pub fn server_name(&self) -> Option<&'a [u8]> {
        let mut names = self.extension(0)?;
        let mut names = Reader { rest: names.vector(2).ok()?, ..names };
        // Only names of type host_name have ever been defined.
        (names.number(1).ok()? == 0).then(|| names.vector(2).ok())?
    }

    /// Protocols that the client offers, or the one that the server chose (RFC 7301).
    pub fn protocols(&self) -> impl Iterator<Item = &'a [u8]> {
        let list = self.extension(16).and_then(|mut list| list.vector(2).ok()).unwrap_or_default();
        let mut reader = Reader { rest: list, missing: Trouble::Truncated };
        std::iter::from_fn(move || reader.vector(1).ok())
    }

    /// Versions that the client offers, or the one that the server chose (RFC 8446 section 4.2.1): the legacy one where
    /// that extension is not there.
    pub fn versions(&self) -> impl Iterator<Item = u16> {
        let said = self.extension(43);
        // Of a hello that is cut before the extension nothing is known.
        let legacy = (said.is_none() && self.trouble.is_none()).then_some(self.legacy_version);
        let list = match said {
            Some(mut list) if self.client => list.vector(1).unwrap_or_default(),
            Some(list) => list.rest,
            None => &[],
        };
        legacy.into_iter().chain(list.as_chunks().0.iter().map(|version| u16::from_be_bytes(*version)))
    }
}
