//! What a contender receives, and how it is held against what was sent.

use std::time::{Duration, Instant};

use nix::errno::Errno;

use super::super::capture::{Capture, Captured, Event};
use super::super::traffic::{ETHERNET, Sender, number_of};
use super::touched::Touched;
use crate::error::{Error, Result};
use crate::interrupt;
use crate::packet::Link;

/// How long nothing comes before the rest counts as lost.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long one wait lasts: between two of them the user may end it.
const WAIT: Duration = Duration::from_millis(50);

/// What is noted of a packet inside the clock: all of it was read for that, but by the limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Note {
    number: u64,
    length: usize,
    sum: u64,
}

impl Note {
    /// Of a captured packet, from the IP header on.
    fn of(ip: &[u8]) -> Self {
        Note { number: number_of(ip).unwrap_or(u64::MAX), length: ip.len(), sum: sum(ip) }
    }

    /// Of a packet that was only touched.
    fn touched(number: u64) -> Self {
        Note { number, length: 0, sum: 0 }
    }
}

/// A packet from the IP header on: not every method gives the Ethernet header.
fn from_ip<'a>(packet: &Captured<'a>) -> &'a [u8] {
    match packet.link {
        Link::Ethernet => packet.bytes.get(ETHERNET..).unwrap_or_default(),
        _ => packet.bytes,
    }
}

/// The sum of all words: a byte that changed changes it.
fn sum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    words.iter().fold(u64::from_ne_bytes(last), |sum, word| sum.wrapping_add(u64::from_ne_bytes(*word)))
}

/// A contender under way.
pub(super) enum Taker {
    /// A capture.
    Capture(Box<dyn Capture>),
    /// The limit.
    Touched(Touched),
}

impl Taker {
    /// Receives up to `count` packets and notes them; fewer where no more come.
    pub(super) fn receive(&mut self, count: u64, notes: &mut Vec<Note>) -> Result<()> {
        match self {
            Taker::Capture(capture) => {
                let end = notes.len() + count as usize;
                each(&mut **capture, |packet| {
                    notes.push(Note::of(from_ip(packet)));
                    notes.len() < end
                })
            }
            Taker::Touched(touched) => {
                let (mut left, mut since) = (count, Instant::now());
                while left > 0 && since.elapsed() < PATIENCE {
                    let got = touched.take(left, WAIT, |number| notes.push(Note::touched(number)))?;
                    if got > 0 {
                        (left, since) = (left - got, Instant::now());
                    } else if interrupt::asked() {
                        return Err(interrupted());
                    }
                }
                Ok(())
            }
        }
    }

    /// Counts packets that are there, or come within `wait`; 0 where none does.
    pub(super) fn count(&mut self, wait: Duration) -> Result<u64> {
        match self {
            Taker::Capture(capture) => Ok(u64::from(matches!(capture.next(wait)?, Event::Packet(_)))),
            Taker::Touched(touched) => touched.take(u64::MAX, wait, |_| ()),
        }
    }

    /// Receives the frames from `first` on and compares every byte, where it has them.
    pub(super) fn compare(&mut self, sender: &mut Sender, first: u64, count: u64) -> Result<()> {
        match self {
            Taker::Capture(capture) => compare(&mut **capture, sender, first, count),
            Taker::Touched(_) => {
                let mut notes = Vec::new();
                self.receive(count, &mut notes)?;
                self.verify(&mut notes, sender, first, count)
            }
        }
    }

    /// Holds notes against the frames with the numbers from `first` on, each of which must be there once and whole.
    pub(super) fn verify(&self, notes: &mut [Note], sender: &mut Sender, first: u64, count: u64) -> Result<()> {
        // Several queues are emptied in any order.
        notes.sort_unstable();
        as_many(count, notes.len())?;
        for (number, note) in (first..).zip(notes.iter()) {
            let expected = match self {
                Taker::Capture(_) => Note::of(&sender.frame(number)[ETHERNET..]),
                Taker::Touched(_) => Note::touched(number),
            };
            if note.number != number {
                return Err(Error::wrong(format!("packet {number} is missing, where {note:?} is")));
            }
            if *note != expected {
                let what = format!("packet {number} is not as it was sent: {note:?} for {expected:?}");
                return Err(Error::wrong(what));
            }
        }
        Ok(())
    }
}

fn interrupted() -> Error {
    Error::sys("cannot receive on", "poll", Errno::EINTR)
}

fn as_many(sent: u64, received: usize) -> Result<()> {
    if received as u64 == sent {
        return Ok(());
    }
    Err(Error::wrong(format!("{sent} packets were sent, {received} were received")))
}

/// Hands packets to `each` until that has enough, or no more come.
fn each(capture: &mut dyn Capture, mut each: impl FnMut(&Captured) -> bool) -> Result<()> {
    let mut since: Option<Instant> = None;
    loop {
        match capture.next(WAIT)? {
            Event::Packet(packet) => {
                if !each(&packet) {
                    return Ok(());
                }
                since = None;
            }
            Event::Nothing if interrupt::asked() => return Err(interrupted()),
            Event::Nothing if since.get_or_insert_with(Instant::now).elapsed() < PATIENCE => {}
            Event::Nothing => return Ok(()),
            Event::Down | Event::End => return Err(Error::failed("the wire went down")),
        }
    }
}

fn compare(capture: &mut dyn Capture, sender: &mut Sender, first: u64, count: u64) -> Result<()> {
    let mut got: Vec<Vec<u8>> = Vec::new();
    each(capture, |packet| {
        got.push(from_ip(packet).to_vec());
        (got.len() as u64) < count
    })?;
    got.sort_unstable_by_key(|packet| number_of(packet));
    as_many(count, got.len())?;
    for (number, packet) in (first..).zip(&got) {
        let sent = &sender.frame(number)[ETHERNET..];
        if packet != sent {
            let alike = sent.iter().zip(packet).take_while(|(a, b)| a == b).count();
            let lengths = format!("{} bytes for {}, the first {alike} of them alike", packet.len(), sent.len());
            return Err(Error::wrong(format!("packet {number} is not as it was sent: {lengths}")));
        }
    }
    Ok(())
}
