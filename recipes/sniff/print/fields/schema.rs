//! The names of fields, out of the JSON Schema of a packet: nothing is listed by hand.

use serde_json::{Map, Value};

use super::path::{Path, Step};
use crate::error::{Error, Result};
use crate::recipe::nearest;
use crate::recipes::sniff::print::PacketDocument;

/// The schema of [`PacketDocument`].
pub struct Schema {
    root: Value,
}

impl Schema {
    /// That of what `--json` prints.
    pub fn of_packets() -> Self {
        Schema { root: schemars::schema_for!(PacketDocument).to_value() }
    }

    /// That a packet may have what `path` leads to.
    ///
    /// # Errors
    /// A usage error that tells the nearest name.
    pub fn check(&self, path: &Path) -> Result<()> {
        let mut places = vec![&self.root];
        let mut done: Vec<String> = Vec::new();
        for step in path.steps() {
            let behind: Vec<&Value> = places.iter().flat_map(|place| self.behind(place, step)).collect();
            if behind.is_empty() {
                return Err(self.unknown(path, &done, &places, step));
            }
            places = behind;
            done.push(shown(step));
        }
        Ok(())
    }

    /// What a step leads to from `place`: through every form that it may have.
    fn behind<'s>(&'s self, place: &'s Value, step: &Step) -> Vec<&'s Value> {
        let mut behind = Vec::new();
        for form in self.forms(place) {
            match (step, form.get("properties").and_then(|p| p.as_object()), form.get("items")) {
                (Step::Key(key), Some(properties), _) => behind.extend(properties.get(key)),
                (Step::Key(_), None, Some(items)) => behind.extend(self.behind(items, step)),
                (Step::At(_), _, Some(items)) => behind.push(items),
                _ => {}
            }
        }
        behind
    }

    /// The forms that a schema allows, references followed.
    fn forms<'s>(&'s self, schema: &'s Value) -> Vec<&'s Value> {
        let mut forms = vec![schema];
        forms.extend(self.referred(schema).into_iter().flat_map(|to| self.forms(to)));
        for word in ["anyOf", "oneOf", "allOf"] {
            let others = schema.get(word).and_then(Value::as_array).into_iter().flatten();
            forms.extend(others.flat_map(|other| self.forms(other)));
        }
        forms
    }

    fn referred(&self, schema: &Value) -> Option<&Value> {
        self.root.pointer(schema.get("$ref")?.as_str()?.strip_prefix('#')?)
    }

    /// Every name that there is with what it stands for. What is layered itself (inside a tunnel, quoted) is named once.
    pub fn names(&self) -> Vec<(String, String)> {
        let mut names = Vec::new();
        self.gather(&self.root, "", &[], &mut names);
        names
    }

    /// Adds the names behind `place`; `above` are the references that led there.
    fn gather(&self, place: &Value, before: &str, above: &[&str], names: &mut Vec<(String, String)>) {
        for (key, schema) in self.properties(place) {
            let name = format!("{before}{key}");
            let inside = self.properties(schema);
            let described = schema.get("description").and_then(Value::as_str).unwrap_or_default().replace('\n', " ");
            let references = self.references(schema);
            if inside.is_empty() {
                names.push((name, described));
            } else if inside.iter().any(|(key, _)| *key == "inner") {
                // A packet in a packet.
                names.push((format!("{name}.(any of these)"), described));
            } else if references.iter().any(|reference| above.contains(reference)) {
                names.push((format!("{name}.0.(the same again)"), described));
            } else {
                let step = if self.is_array(schema) { ".0." } else { "." };
                self.gather(schema, &(name + step), &[above, &references].concat(), names);
            }
        }
    }

    /// The references in a schema, also of the elements of an array.
    fn references<'s>(&'s self, place: &'s Value) -> Vec<&'s str> {
        let forms = self.forms(place).into_iter();
        let of = |form: &'s Value| {
            let items = form.get("items").map(|items| self.references(items)).unwrap_or_default();
            form.get("$ref").and_then(Value::as_str).into_iter().chain(items)
        };
        forms.flat_map(of).collect()
    }

    /// The properties that may be behind a schema, also of the elements of an array; each once.
    fn properties<'s>(&'s self, place: &'s Value) -> Vec<(&'s str, &'s Value)> {
        let mut properties: Vec<(&str, &Value)> = Vec::new();
        for form in self.forms(place) {
            let here = form.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::iter);
            let here = here.map(|(key, schema)| (key.as_str(), schema));
            let items = form.get("items").map(|items| self.properties(items)).unwrap_or_default();
            for (key, schema) in here.chain(items) {
                if !properties.iter().any(|(other, _)| *other == key) {
                    properties.push((key, schema));
                }
            }
        }
        properties
    }

    fn is_array(&self, schema: &Value) -> bool {
        self.forms(schema).iter().any(|form| form.get("items").is_some())
    }

    fn unknown(&self, path: &Path, done: &[String], places: &[&Value], step: &Step) -> Error {
        let typed: Vec<String> = path.steps().iter().map(shown).collect();
        let typed = typed.join(".");
        let names = self.names();
        let beside: Vec<&str> = places.iter().flat_map(|place| self.properties(place)).map(|(key, _)| key).collect();
        let near = abbreviated(&typed, &names)
            .or_else(|| nearest(&typed, names.iter().map(|(name, _)| name.as_str())).map(str::to_owned))
            .or_else(|| {
                let near = nearest(&shown(step), beside.iter().copied())?;
                Some([done, &[near.to_owned()]].concat().join("."))
            });
        let hint = near.map(|near| format!(" (did you mean '{near}'?)")).unwrap_or_default();
        Error::usage(format!("no field '{}'{hint}", typed.escape_default()))
    }
}

fn shown(step: &Step) -> String {
    match step {
        Step::Key(key) => key.clone(),
        Step::At(at) => at.to_string(),
    }
}

/// The shortest name of which every step has the letters of what was typed, in their order: ip.src is ipv4.source.
fn abbreviated(typed: &str, names: &[(String, String)]) -> Option<String> {
    let steps: Vec<&str> = typed.split('.').collect();
    let fits = |name: &&str| {
        let full: Vec<&str> = name.split('.').filter(|step| step.parse::<usize>().is_err()).collect();
        full.len() == steps.len() && steps.iter().zip(full).all(|(short, full)| is_short_for(short, full))
    };
    names.iter().map(|(name, _)| name.as_str()).filter(fits).min_by_key(|name| name.len()).map(str::to_owned)
}

fn is_short_for(short: &str, full: &str) -> bool {
    let mut letters = full.chars();
    short.chars().next().is_some_and(|first| full.starts_with(first))
        && short.chars().all(|c| letters.any(|l| l == c))
}
