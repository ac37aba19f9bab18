//! Chosen fields of the JSON object, tab separated: `--fields`.

mod path;
mod quick;
mod schema;

use serde_json::Value;

use super::document::{PacketDocument, around};
use crate::error::{Error, Result};
use crate::packet::{Document, Text, protocols, walk};
use crate::recipes::sniff::capture::Captured;

use path::Path;
use quick::{Facts, Quick};

/// The fields that were asked for, in their order.
#[derive(Debug)]
pub struct Fields {
    columns: Vec<Column>,
    /// What of the object the slow columns are of: keys of its first level.
    layers: Vec<String>,
    /// Whether all layers must be decoded for them.
    deep: bool,
}

#[derive(Debug)]
enum Column {
    /// Told without making the object.
    Quick(Quick),
    /// Looked up in the object.
    Slow(Path),
}

impl Fields {
    /// Those that `list` names, separated by commas.
    ///
    /// # Errors
    /// A usage error where there is no such field; it tells the nearest.
    pub fn of(list: &str) -> Result<Self> {
        let mut fields = Fields { columns: Vec::new(), layers: Vec::new(), deep: false };
        let schema = schema::Schema::of_packets();
        for name in list.split(',').map(str::trim) {
            let path = Path::of(name);
            schema.check(&path).map_err(|e| e.fix("--fields list tells them all"))?;
            if let Some(quick) = quick::find(name) {
                fields.columns.push(Column::Quick(quick));
                continue;
            }
            let first = path.first().to_owned();
            // What a tunnel holds, and where decoding ended, is known at the end only.
            fields.deep |= matches!(first.as_str(), "inner" | "undecoded");
            fields.layers.push(first);
            fields.columns.push(Column::Slow(path));
        }
        Ok(fields)
    }

    /// Appends the fields of a packet and ends the line.
    pub fn write(&self, packet: &Captured, interface: Option<&str>, out: &mut Text) {
        let facts = Facts::of(packet, interface);
        let object = if self.layers.is_empty() { Value::Null } else { self.object(packet, interface) };
        for (i, column) in self.columns.iter().enumerate() {
            if i > 0 {
                out.push('\t');
            }
            match column {
                Column::Quick(quick) => quick(&facts, out),
                Column::Slow(path) => path.write(&object, out),
            }
        }
        out.push('\n');
    }

    /// The object, with no more in it than the columns are of.
    fn object(&self, packet: &Captured, interface: Option<&str>) -> Value {
        let document = if self.deep { super::document(packet, interface) } else { self.part(packet, interface) };
        serde_json::to_value(&document).unwrap_or_default()
    }

    fn part(&self, packet: &Captured, interface: Option<&str>) -> PacketDocument {
        let (mut layers, mut met, mut document) = (walk(packet.frame()), Vec::with_capacity(8), Document::default());
        while let Some(name) = layers.upcoming().and_then(|next| protocols::name(next.code)) {
            let Some(layer) = layers.next() else { break };
            // A second header of a protocol, and all behind it, stands under `inner`.
            if met.contains(&name) {
                break;
            }
            met.push(name);
            if self.layers.iter().any(|wanted| wanted == name) {
                layer.document(&mut document);
            }
        }
        around(packet, interface, document, None)
    }
}

/// Every field and what it is, a line each.
///
/// # Errors
/// Never but where the schema of the object cannot be read.
pub fn list() -> Result<Vec<(String, String)>> {
    let names = schema::Schema::of_packets().names();
    if names.is_empty() { Err(Error::failed("the schema of packets cannot be read")) } else { Ok(names) }
}

#[cfg(test)]
mod tests;
