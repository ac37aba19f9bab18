//! The flags of `syskit sniff` about capture files.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::capture::{Capture, Captured, Event, Setup};
use super::losses::Losses;
use super::offline::Offline;
use super::privilege::Privileges;
use super::rotation::RotationFlags;
use super::save::{Manner, Saver};
use crate::capture_file::{Form, LONGEST_RECORD};
use crate::error::Result;
use crate::source::Source;

/// Flags about capture files.
#[derive(Args)]
pub(super) struct Files {
    /// Read packets from FILE ('-': standard input) instead of an interface: pcap or pcapng, also gzip or zstd
    #[arg(long, short, value_name = "FILE", conflicts_with_all = ["interface", "via"])]
    read: Option<PathBuf>,
    /// Write the packets to FILE ('-': standard output) instead of showing them
    #[arg(long, short, value_name = "FILE")]
    write: Option<PathBuf>,
    /// Take at most N bytes of each packet; 0 is the most there can be, 262144
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u32).range(..=LONGEST_RECORD as i64))]
    snaplen: Option<u32>,
    /// The format that -w writes [default: pcapng if the name ends so, else pcap]
    #[arg(long, value_enum, value_name = "FORMAT", requires = "write")]
    format: Option<FormatName>,
    /// A comment that -w puts into a pcapng file
    #[arg(long, value_name = "TEXT", requires = "write")]
    comment: Option<String>,
    #[command(flatten)]
    rotation: RotationFlags,
}

/// The formats by name.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum FormatName {
    /// Classic pcap, times in nanoseconds
    Pcap,
    /// Classic pcap, times in microseconds, for old readers
    PcapMicroseconds,
    /// pcapng: interfaces, directions, a comment
    Pcapng,
}

impl Files {
    /// Whether packets are written to a file instead of being shown.
    pub(super) fn writes(&self) -> bool {
        self.write.is_some()
    }

    /// The file to read, if there is one.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub(super) fn source(&self) -> Result<Option<Rc<Source>>> {
        self.read.as_deref().map(|path| Source::open(path).map(Rc::new)).transpose()
    }

    /// Whether packets go into a file, so that standard output is free.
    pub(super) fn leaves_stdout(&self) -> bool {
        self.write.as_deref().is_some_and(|path| path != Path::new("-"))
    }

    /// The folder in which further files are made as the capture goes on.
    pub(super) fn rotates_in(&self) -> Option<PathBuf> {
        let path = self.write.as_deref().filter(|_| self.rotation.is_asked())?;
        Some(path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned())
    }

    /// A capture of the file, and what to say of it.
    ///
    /// # Errors
    /// Where it is no capture file.
    pub(super) fn offline(source: &Rc<Source>) -> Result<(Box<dyn Capture>, String)> {
        let offline = Offline::open(source)?;
        let words = format!("reading from {}: {}", source.shown(), offline.describe());
        Ok((Box::new(offline), words))
    }

    /// How many bytes of each packet are wanted, where not all.
    pub(super) fn snaplen(&self) -> Option<u32> {
        self.snaplen.filter(|n| *n > 0)
    }

    /// Cuts the packets of `capture` to the length that was asked for, where it does not itself.
    pub(super) fn snapped(&self, capture: Box<dyn Capture>) -> Box<dyn Capture> {
        match self.snaplen() {
            Some(length) if !capture.is_cut() => Box::new(Snapped { capture, length: length as usize }),
            _ => capture,
        }
    }

    /// What writes the packets of `capture`, where they are to be written; `source` is the file that is read.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub(super) fn saver(
        &self,
        capture: &dyn Capture,
        setup: &Setup,
        source: Option<&Rc<Source>>,
        privileges: &Privileges,
    ) -> Result<Option<Saver>> {
        let Some(path) = &self.write else { return Ok(None) };
        let snaplen = self.snaplen().unwrap_or(LONGEST_RECORD as u32);
        let rotation = self.rotation.rotation(path, source.is_none())?;
        let manner = Manner { form: self.form(path), snaplen, comment: self.comment.clone() };
        let mut saver = Saver::create(path, manner, rotation, source, privileges)?;
        if let Some(linktype) = capture.linktype() {
            saver.begin(linktype, setup.interface.as_ref())?;
        }
        Ok(Some(saver))
    }

    fn form(&self, path: &Path) -> Form {
        match self.format {
            Some(FormatName::Pcap) => Form::Pcap,
            Some(FormatName::PcapMicroseconds) => Form::PcapMicroseconds,
            Some(FormatName::Pcapng) => Form::Pcapng,
            None if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("pcapng")) => Form::Pcapng,
            None => Form::Pcap,
        }
    }
}

/// A capture whose packets are cut to a length.
struct Snapped {
    capture: Box<dyn Capture>,
    length: usize,
}

impl Capture for Snapped {
    fn next(&mut self, wait: Duration) -> Result<Event<'_>> {
        Ok(match self.capture.next(wait)? {
            Event::Packet(packet) => {
                let bytes = packet.bytes.get(..self.length).unwrap_or(packet.bytes);
                Event::Packet(Captured { bytes, ..packet })
            }
            other => other,
        })
    }

    fn is_filtered(&self) -> bool {
        self.capture.is_filtered()
    }

    fn dropped(&mut self) -> Result<Losses> {
        self.capture.dropped()
    }

    fn linktype(&self) -> Option<u16> {
        self.capture.linktype()
    }

    fn words(&self) -> Option<String> {
        self.capture.words()
    }
}
