//! Words that completion offers without the parser insisting on them: what is unknown gets our own answer.

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Command};

#[derive(Clone)]
struct Suggested(Vec<&'static str>);

impl TypedValueParser for Suggested {
    type Value = String;

    fn parse_ref(&self, cmd: &Command, arg: Option<&Arg>, value: &std::ffi::OsStr) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(cmd, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().map(PossibleValue::new)))
    }
}

/// `arg` with `words` for completion; its help stays as it is.
pub(super) fn suggested(arg: Arg, words: Vec<&'static str>) -> Arg {
    arg.value_parser(Suggested(words)).hide_possible_values(true)
}
