//! Names of interfaces, ready to be printed.

use std::collections::BTreeMap;

use crate::packet::text;
use crate::recipes::sniff::capture::Captured;
use crate::recipes::sniff::interface;

/// The names that packets were captured on, escaped.
#[derive(Debug, Default)]
pub struct Names {
    /// By index; asked for once, as an interface may be gone by the time its packets are read.
    live: BTreeMap<u32, Option<String>>,
    /// The one that a capture file named last, as it stands there.
    recorded: String,
    escaped: String,
}

impl Names {
    /// Name of the interface of `packet`, where it is known.
    pub fn of(&mut self, packet: &Captured) -> Option<&str> {
        let Some(recorded) = packet.recorded else {
            let index = packet.interface;
            let ask = || interface::name(index).map(|name| text::to_escaped(name.as_bytes()));
            return self.live.entry(index).or_insert_with(ask).as_deref();
        };
        let name = recorded.interface?;
        if self.recorded != name {
            name.clone_into(&mut self.recorded);
            self.escaped = text::to_escaped(name.as_bytes());
        }
        Some(&self.escaped)
    }
}
