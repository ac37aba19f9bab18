//! The way to a value in a JSON object: `dns.questions.0.name`.

use serde_json::Value;

use crate::packet::{Text, text};

/// A path.
#[derive(Debug)]
pub struct Path {
    steps: Vec<Step>,
}

/// One step of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Into an object.
    Key(String),
    /// Into an array.
    At(usize),
}

impl Path {
    /// The one that is written so.
    pub fn of(name: &str) -> Self {
        let step = |word: &str| match word.parse() {
            Ok(at) => Step::At(at),
            Err(_) => Step::Key(word.to_owned()),
        };
        Path { steps: name.split('.').map(step).collect() }
    }

    /// Its steps.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Its first key.
    pub fn first(&self) -> &str {
        match self.steps.first() {
            Some(Step::Key(key)) => key,
            _ => "",
        }
    }

    /// Appends what it leads to in `object`: nothing where nothing is there.
    ///
    /// Of an array without a number behind it, all values, separated by commas; objects as JSON.
    pub fn write(&self, object: &Value, out: &mut Text) {
        let mut first = true;
        follow(object, &self.steps, &mut |value| {
            if !std::mem::take(&mut first) {
                out.push(',');
            }
            append(value, out);
        });
    }
}

/// Calls `found` with each value that the steps lead to.
fn follow<'v>(value: &'v Value, steps: &[Step], found: &mut dyn FnMut(&'v Value)) {
    match (value, steps) {
        (Value::Null, _) => {}
        (Value::Array(all), [Step::At(at), rest @ ..]) => {
            if let Some(value) = all.get(*at) {
                follow(value, rest, found);
            }
        }
        (Value::Array(all), _) => all.iter().for_each(|value| follow(value, steps, found)),
        (value, []) => found(value),
        (Value::Object(map), [Step::Key(key), rest @ ..]) => {
            if let Some(value) = map.get(key) {
                follow(value, rest, found);
            }
        }
        _ => {}
    }
}

fn append(value: &Value, out: &mut Text) {
    match value {
        // Text of packets is escaped already; this holds for what may be added.
        Value::String(text) if text.bytes().all(|b| matches!(b, b' '..=b'~')) => out.push_str(text),
        Value::String(text) => text::escaped(out, text.as_bytes()),
        other => out.push_str(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_all_that_it_names() {
        let object = serde_json::json!({
            "a": { "b": [{ "c": 1 }, { "c": 2, "d": null }, { "c": "x\u{1b}\t\\" }], "e": true, "f": [[1, 2], [3, 4]] },
        });
        for (path, expected) in [
            ("a.b.0.c", "1"),
            ("a.b.c", r"1,2,x\x1b\t\\"),
            ("a.b.1", r#"{"c":2,"d":null}"#),
            ("a.b.1.d", ""),
            ("a.b.9.c", ""),
            ("a.f", "1,2,3,4"),
            ("a.f.1.0", "3"),
            ("a.e", "true"),
            ("a.e.f", ""),
            ("x.y", ""),
            ("0", ""),
            ("", ""),
        ] {
            assert_eq!(text::written(|out| Path::of(path).write(&object, out)), expected, "{path}");
        }
    }
}
