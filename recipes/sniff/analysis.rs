//! The flags of `syskit sniff` about what looks at more than one packet.

use std::io::{IsTerminal, stdout};
use std::time::Duration;

use clap::Args;
use schemars::Schema;

use super::capture::Capture;
use super::follow::{Asked, ChunkDocument, Follower, Form, Raw};
use super::reassembled::Reassembled;
use super::selection::Selection;
use super::sink::Sink;
use super::stats::{Stats, StatsDocument};
use crate::error::{Error, Result};
use crate::units::parse_duration;

/// Flags about all packets together.
#[derive(Args)]
pub(super) struct Analysis {
    /// Instead of packets, show a summary at the end: protocols, talkers, rates, sizes; with =TIME also every TIME
    #[arg(
        long,
        value_name = "TIME",
        value_parser = interval,
        num_args = 0..=1,
        require_equals = true,
        conflicts_with_all = ["write", "verbose", "follow"]
    )]
    stats: Option<Option<Duration>>,
    /// Show what one connection carries, in its order: tcp:N is the N-th from 0 on; also udp:N, tcp:ADDR:PORT-ADDR:PORT
    #[arg(long, value_name = "CONNECTION", value_parser = Asked::parse, conflicts_with_all = ["write", "verbose"])]
    follow: Option<Asked>,
    /// With --follow: write the data as it is
    #[arg(long, value_name = "SIDE", requires = "follow", conflicts_with = "json")]
    raw: Option<Raw>,
    /// Put the fragments of IP packets together: the whole packet is shown in place of its last fragment
    #[arg(long, conflicts_with_all = ["write", "stats"])]
    reassemble: bool,
}

impl Analysis {
    fn reassembles(&self) -> bool {
        self.reassemble || self.follow.is_some()
    }

    /// What the kernel is asked for: everything, where it cannot tell what is wanted.
    pub(super) fn of_kernel(&self, selection: &Selection) -> Selection {
        if self.reassembles() { Selection::default() } else { selection.clone() }
    }

    /// The packets of `capture`, put together if that was asked for.
    pub(super) fn reassembled(&self, capture: Box<dyn Capture>) -> Box<dyn Capture> {
        if self.reassembles() { Box::new(Reassembled::new(capture)) } else { capture }
    }

    /// What takes the packets, where they are not to be shown each.
    ///
    /// # Errors
    /// Where raw data would go to a terminal (usage).
    pub(super) fn sink(&self, json: bool, live: bool) -> Result<Option<Box<dyn Sink>>> {
        if let Some(every) = self.stats {
            return Ok(Some(Box::new(Stats::new(every, json, live))));
        }
        let Some(asked) = self.follow else { return Ok(None) };
        let form = match (self.raw, json) {
            (Some(_), _) if stdout().is_terminal() => {
                return Err(Error::usage("standard output is a terminal: what comes from the network may drive it")
                    .fix("send it to a file or a program, or leave --raw out"));
            }
            (Some(raw), _) => Form::Raw(raw),
            (None, true) => Form::Json,
            (None, false) => Form::Text,
        };
        Ok(Some(Box::new(Follower::new(asked, form))))
    }
}

fn interval(text: &str) -> Result<Duration> {
    match parse_duration(text)? {
        Duration::ZERO => Err(Error::usage("the time between two summaries cannot be 0")),
        time => Ok(time),
    }
}

/// The schema of what `--stats --json` prints.
pub(super) fn stats_schema() -> Schema {
    schemars::schema_for!(StatsDocument)
}

/// The schema of what `--follow --json` prints.
pub(super) fn follow_schema() -> Schema {
    schemars::schema_for!(ChunkDocument)
}
