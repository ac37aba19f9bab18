//! The writer: whole records into a buffer, whole records out of it.

mod output;
mod pcap;
mod pcapng;

use std::collections::HashMap;
use std::fs::File;

use output::Output;

use super::pcapng::{MOST_INTERFACES, Options};
use crate::error::{Error, Result};

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Classic pcap with times in nanoseconds (magic 0xa1b23c4d), which libpcap reads since 1.5 (2013), and Wireshark.
    Pcap,
    /// Classic pcap with times in microseconds (magic 0xa1b2c3d4), for readers that know no other.
    PcapMicroseconds,
    /// pcapng: one section, interfaces with their names, times in nanoseconds, directions, a comment.
    Pcapng,
}

/// A packet to be written.
#[derive(Debug, Clone, Copy)]
pub struct Packet<'a> {
    /// When it was captured: seconds since the epoch. What a format cannot hold becomes the nearest that it can: pcap
    /// counts from 1970 to 2106, pcapng to 2554.
    pub seconds: i64,
    /// And nanoseconds of that second.
    pub nanoseconds: u32,
    /// Number of its interface, from [`Writer::interface`].
    pub interface: u32,
    /// Its length on the wire in bytes.
    pub length: usize,
    /// What was captured, [`LONGEST_RECORD`](super::LONGEST_RECORD) bytes at most: what is beyond is left out.
    pub bytes: &'a [u8],
    /// Its [`flags`](super::flags); 0 where nothing is known. pcap has no place for them.
    pub flags: u32,
    /// What it had in the file that it comes from: its comments are kept, where the format has a place for them.
    pub options: Option<Options<'a>>,
}

/// Writes a capture file.
///
/// Nothing is written when it is dropped: what is to be kept must be flushed.
pub struct Writer {
    output: Output,
    form: Form,
    snaplen: u32,
    /// Link type of the file, in pcap, once that is known: its header is written then.
    link: Option<u16>,
    /// Numbers of the interfaces, in pcapng.
    interfaces: HashMap<(u16, Option<String>), u32>,
}

impl Writer {
    /// Begins to write into `file`, which messages call `name`, packets of at most `snaplen` bytes.
    ///
    /// # Errors
    /// Where `comment` is longer than the 65,535 bytes of an option, or `form` has no place for one.
    pub fn new(file: File, name: impl Into<String>, form: Form, snaplen: u32, comment: Option<&str>) -> Result<Self> {
        let mut output = Output::new(file, name.into());
        match (form, comment) {
            (Form::Pcapng, comment) => {
                if comment.is_some_and(|c| c.len() > usize::from(u16::MAX)) {
                    return Err(Error::usage("a comment holds at most 65535 bytes"));
                }
                output.record(|out| pcapng::section(out, comment))?;
            }
            (_, Some(_)) => return Err(Error::usage("pcap has no place for a comment").fix("write pcapng")),
            (_, None) => {}
        }
        Ok(Writer { output, form, snaplen, link: None, interfaces: HashMap::new() })
    }

    /// The number for packets of this interface and link type (LINKTYPE_ value).
    ///
    /// # Errors
    /// Where the format is pcap, which holds packets of one link type, and this is another; where there are more than
    /// 65,536 interfaces; where the file cannot be written.
    pub fn interface(&mut self, link: u16, name: Option<&str>) -> Result<u32> {
        if self.form != Form::Pcapng {
            return self.only(link).map(|()| 0);
        }
        let key = (link, name.map(str::to_owned));
        if let Some(number) = self.interfaces.get(&key) {
            return Ok(*number);
        }
        // Sections that are joined may bring as many each.
        if self.interfaces.len() == MOST_INTERFACES {
            let name = self.output.name();
            return Err(Error::failed(format!("cannot write more than {MOST_INTERFACES} interfaces to {name}")));
        }
        let number = self.interfaces.len() as u32;
        let snaplen = self.snaplen;
        self.output.record(|out| pcapng::interface(out, link, name, snaplen))?;
        self.interfaces.insert(key, number);
        Ok(number)
    }

    /// That `link` is the one link type of a pcap file; the first decides.
    fn only(&mut self, link: u16) -> Result<()> {
        match self.link {
            Some(first) if first == link => Ok(()),
            Some(first) => Err(Error::failed(format!(
                "cannot write a packet of link type {link} to {}: pcap holds one link type, here {first}",
                self.output.name()
            ))
            .fix("use --format pcapng")),
            None => {
                self.link = Some(link);
                let (snaplen, nano) = (self.snaplen, self.form == Form::Pcap);
                self.output.record(|out| pcap::header(out, link, snaplen, nano))
            }
        }
    }

    /// Writes a packet, into the buffer first.
    ///
    /// # Errors
    /// Where the file cannot be written; it then holds whole records only.
    #[inline]
    pub fn write(&mut self, packet: &Packet) -> Result<()> {
        let most = packet.bytes.len().min(self.snaplen as usize).min(super::LONGEST_RECORD);
        let packet = Packet { bytes: packet.bytes.get(..most).unwrap_or_default(), ..*packet };
        match self.form {
            Form::Pcap => self.output.record(|out| pcap::record(out, &packet, 1)),
            Form::PcapMicroseconds => self.output.record(|out| pcap::record(out, &packet, 1000)),
            Form::Pcapng => self.output.record(|out| pcapng::packet(out, &packet)),
        }
    }

    /// Bytes of the file so far, those in the buffer among them.
    pub fn size(&self) -> u64 {
        self.output.size()
    }

    /// Writes what is in the buffer.
    ///
    /// # Errors
    /// As [`write`](Writer::write).
    pub fn flush(&mut self) -> Result<()> {
        self.output.flush()
    }
}
