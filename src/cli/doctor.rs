//! `syskit doctor`: what this host can do, and where it cannot, why and what to do about it.

mod guard;
mod text;

use clap::{ArgMatches, Args, Command, FromArgMatches};
use schemars::{JsonSchema, schema_for};
use serde::Serialize;

use super::suggest::suggested;
use crate::error::{Error, Kind, Result};
use crate::host::{self, Host};
use crate::limit::{self, Reading};
use crate::need::evidence::Evidence;
use crate::need::{self, Finding, Need, Readiness};
use crate::recipe;
use crate::ui::Ui;
use crate::verb::Verb;

/// The verb.
pub static VERB: Verb = Verb { name: "doctor", command, run, schemas: &[("doctor", || schema_for!(Checkup))] };

/// Say what this host can do, and where it cannot, why and how to enable it
///
/// Every need is probed by the real call. What is missing comes with the call, its errno, the cause on this very host
/// and the fix. Then the limits that bite recipes. Named needs alone are probed when any are named: the exit code is
/// then 3 if one is missing, or 4 if all that is missing is the permission.
#[derive(Args)]
struct Doctor {
    /// Only these needs (af-alg-hash, net-raw, ...)
    #[arg(value_name = "NEED")]
    needs: Vec<String>,
    /// Print a JSON document instead of text
    #[arg(long)]
    json: bool,
}

/// The document that `syskit doctor --json` prints.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Checkup {
    /// Version of this document's form.
    pub schema: u32,
    /// The host.
    pub host: Host,
    /// The needs, in the order of the registry.
    pub needs: Vec<Checked>,
    /// The limits that this kernel has; none where only some needs were asked for.
    pub limits: Vec<Reading>,
}

/// One need in a [`Checkup`].
#[derive(Debug, Serialize, JsonSchema)]
pub struct Checked {
    /// Its stable name.
    pub id: &'static str,
    /// What it is.
    pub title: &'static str,
    /// What cannot be done without it.
    pub serves: &'static str,
    /// Whether the host meets it.
    pub ready: bool,
    /// A detail worth knowing, where it is met and has one.
    pub detail: Option<String>,
    /// Why not and what to do, where it is not met.
    pub finding: Option<Finding>,
    /// The recipes that need it.
    pub recipes: Vec<&'static str>,
}

fn command(command: Command) -> Command {
    let ids: Vec<&'static str> = need::ALL.iter().map(|n| n.id).collect();
    let help = format!("Needs: {}.", ids.join(", "));
    Doctor::augment_args(command).mut_arg("needs", |a| suggested(a, ids)).after_help(help)
}

fn run(matches: &ArgMatches, ui: &mut Ui) -> Result<()> {
    let args = Doctor::from_arg_matches(matches).map_err(|e| Error::usage(e.to_string()))?;
    let named = args.needs.iter().map(|id| known_need(id)).collect::<Result<Vec<_>>>()?;
    let whole = named.is_empty();
    let needs = if whole { need::ALL } else { &named };
    let limits = if whole { limit::readings(&Evidence::of_this_host()) } else { Vec::new() };
    let checkup = Checkup {
        schema: 1,
        host: host::fingerprint(),
        needs: needs.iter().copied().map(|n| describe(n, guard::probe(n))).collect(),
        limits,
    };
    match (args.json, whole) {
        (true, _) => ui.json(&checkup)?,
        (false, true) => text::whole(&checkup, ui)?,
        (false, false) => text::needs(&checkup.needs, ui)?,
    }
    if whole { Ok(()) } else { verdict(&checkup.needs) }
}

fn known_need(id: &str) -> Result<&'static Need> {
    let known = need::ALL.iter().copied();
    known.clone().find(|n| n.id == id).ok_or_else(|| super::unknown("need", id, known.map(|n| n.id)))
}

fn describe(need: &'static Need, readiness: Readiness) -> Checked {
    let (detail, finding) = match readiness {
        Readiness::Ready(detail) => (detail, None),
        Readiness::Missing(finding) => (None, Some(finding)),
    };
    let asks = |r: &&recipe::Recipe| r.needs.iter().any(|n| n.id == need.id);
    let recipes = recipe::all().map(|(_, r)| r).filter(asks).map(|r| r.id).collect();
    Checked {
        id: need.id,
        title: need.title,
        serves: need.serves,
        ready: finding.is_none(),
        detail,
        finding,
        recipes,
    }
}

/// Exit 3 where one is missing, 4 where nothing but permission is.
fn verdict(needs: &[Checked]) -> Result<()> {
    let missing: Vec<&Finding> = needs.iter().filter_map(|n| n.finding.as_ref()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().map(|f| f.need).collect();
    let mut error = Error::unavailable(format!("missing: {}", names.join(", ")));
    if missing.iter().all(|f| f.denied) {
        error.kind = Kind::Denied;
    }
    Err(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::need::Fix;

    fn checked(id: &'static str, denied: Option<bool>) -> Checked {
        let finding = denied.map(|denied| Finding {
            need: id,
            call: "call()".to_owned(),
            errno: None,
            cause: "a cause".to_owned(),
            fix: Fix::Do("a fix".to_owned()),
            denied,
        });
        Checked { id, title: "t", serves: "s", ready: finding.is_none(), detail: None, finding, recipes: Vec::new() }
    }

    #[test]
    fn the_exit_code_says_whether_only_permission_is_missing() {
        let code = |needs: &[Checked]| verdict(needs).map_or_else(|e| e.exit_code(), |()| 0);
        assert_eq!(code(&[checked("a", None)]), 0);
        assert_eq!(code(&[checked("a", None), checked("b", Some(true))]), 4);
        assert_eq!(code(&[checked("a", Some(true)), checked("b", Some(false))]), 3);
    }

    #[test]
    fn the_document_fits_its_schema() {
        let limits = limit::readings(&Evidence::of_this_host());
        let needs =
            need::ALL.iter().copied().map(|n| describe(n, n.probe())).chain([checked("x", Some(true))]).collect();
        let checkup = Checkup { schema: 1, host: host::fingerprint(), needs, limits };
        let schema = serde_json::to_value(schemars::schema_for!(Checkup)).expect("a schema is JSON");
        let document = serde_json::to_value(&checkup).expect("a document is JSON");
        let errors: Vec<String> = jsonschema::validator_for(&schema)
            .expect("a schema")
            .iter_errors(&document)
            .map(|e| e.to_string())
            .collect();
        assert!(errors.is_empty(), "{errors:?}");
    }

    #[test]
    fn the_ids_of_needs_are_unique_and_typable() {
        for (i, need) in need::ALL.iter().enumerate() {
            assert!(need.id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "{}", need.id);
            assert!(need::ALL[..i].iter().all(|other| other.id != need.id), "{} twice", need.id);
            assert!(!need.title.is_empty() && !need.serves.is_empty(), "{}", need.id);
        }
    }
}
