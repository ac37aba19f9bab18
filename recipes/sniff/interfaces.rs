//! The interfaces that can be listened on: `-D`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use nix::ifaddrs::{InterfaceAddress, getifaddrs};
use nix::net::if_::{InterfaceFlags, if_nameindex};
use nix::sys::socket::SockaddrStorage;
use schemars::JsonSchema;
use serde::Serialize;

use crate::error::{Context, Result};
use crate::packet::text;
use crate::ui::{Ui, output_error};

/// What `syskit sniff --list-interfaces --json` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InterfacesDocument {
    /// Version of this document's form.
    pub schema: u32,
    /// The interfaces of this network namespace by number; number 0 is all of them.
    pub interfaces: Vec<InterfaceEntry>,
}

/// An interface that can be listened on.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InterfaceEntry {
    /// What -i takes for it as well: its index, which `ip link` shows.
    pub number: u32,
    /// Its name.
    pub name: String,
    /// Whether it is up.
    pub up: bool,
    /// Whether it can pass packets.
    pub running: bool,
    /// Whether it is a loopback interface.
    pub loopback: bool,
    /// Its addresses with their prefix lengths, the hardware address first.
    pub addresses: Vec<String>,
}

impl InterfaceEntry {
    fn new(number: u32, name: &str) -> Self {
        let name = name.to_owned();
        InterfaceEntry { number, name, up: false, running: false, loopback: false, addresses: Vec::new() }
    }

    fn note(&mut self, of: &InterfaceAddress) {
        self.up |= of.flags.contains(InterfaceFlags::IFF_UP);
        self.running |= of.flags.contains(InterfaceFlags::IFF_RUNNING);
        self.loopback |= of.flags.contains(InterfaceFlags::IFF_LOOPBACK);
        let Some(address) = &of.address else { return };
        let prefix = of.netmask.as_ref().and_then(prefix).map(|n| format!("/{n}")).unwrap_or_default();
        if let Some(link) = address.as_link_addr() {
            let octets = link.addr().filter(|octets| *octets != [0; 6]);
            let text = |o: [u8; 6]| o.map(|b| format!("{b:02x}")).join(":");
            self.addresses.extend(octets.map(text));
        } else if let Some(v4) = address.as_sockaddr_in() {
            self.addresses.push(format!("{}{prefix}", v4.ip()));
        } else if let Some(v6) = address.as_sockaddr_in6() {
            self.addresses.push(format!("{}{prefix}", v6.ip()));
        }
    }

    /// What it is and does, in tcpdump's words.
    fn words(&self) -> String {
        let words = [(!self.up, "Down"), (self.up, "Up"), (self.running, "Running"), (self.loopback, "Loopback")];
        words.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect::<Vec<_>>().join(", ")
    }
}

/// How many bits of a mask are set.
fn prefix(mask: &SockaddrStorage) -> Option<u32> {
    let v4 = mask.as_sockaddr_in().map(|v4| u32::from(v4.ip()).count_ones());
    v4.or_else(|| mask.as_sockaddr_in6().map(|v6| u128::from(v6.ip()).count_ones()))
}

/// Those of this network namespace, and number 0.
///
/// # Errors
/// Where the kernel does not tell.
pub fn interfaces() -> Result<InterfacesDocument> {
    let what = || "cannot list the interfaces".to_owned();
    let names = if_nameindex().sys("if_nameindex", what)?;
    let mut known: BTreeMap<String, InterfaceEntry> = BTreeMap::new();
    for interface in &names {
        let name = interface.name().to_string_lossy();
        known.insert(name.clone().into_owned(), InterfaceEntry::new(interface.index(), &name));
    }
    for address in getifaddrs().sys("getifaddrs", what)? {
        // An address may have a label of its own: eth0:1.
        let name = address.interface_name.split(':').next().unwrap_or_default();
        if let Some(entry) = known.get_mut(name) {
            entry.note(&address);
        }
    }
    let any = InterfaceEntry { up: true, running: true, ..InterfaceEntry::new(0, "any") };
    let mut interfaces: Vec<InterfaceEntry> = known.into_values().chain([any]).collect();
    interfaces.sort_by_key(|entry| entry.number);
    Ok(InterfacesDocument { schema: 1, interfaces })
}

/// Prints them.
pub(super) fn list(json: bool, ui: &mut Ui) -> Result<()> {
    let document = interfaces()?;
    if json {
        return ui.json(&document);
    }
    let mut out = text::Text::new();
    for entry in &document.interfaces {
        let _ = write!(out, "{}.", entry.number);
        text::escaped(&mut out, entry.name.as_bytes());
        let _ = write!(out, " [{}]", entry.words());
        for address in &entry.addresses {
            let _ = write!(out, " {address}");
        }
        out.push('\n');
    }
    ui.out().write_all(out.as_bytes()).map_err(output_error)
}
