//! Every recipe runs, by the binary, and verifies itself; what cannot run here is reported with its finding.

mod common;

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use serde_json::Value;
use syskit::recipe;

fn main() {
    let args = Arguments::from_args();
    let mut trials: Vec<Trial> =
        recipe::all().map(|(_, r)| Trial::ignorable_test(format!("run {}", r.id), move || runs(r.id))).collect();
    trials.extend(recipe::all().map(|(_, r)| Trial::test(format!("record of {}", r.id), move || well_formed(r))));
    trials.push(Trial::test("ids are unique", ids_are_unique));
    libtest_mimic::run(&args, trials).exit();
}

fn runs(id: &str) -> Result<Completion, Failed> {
    let output = common::run(&["run", id, "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout)?;
    let ran = &report["recipes"][0];
    match (ran["outcome"].as_str(), output.status.code()) {
        (Some("passed"), Some(0)) => {
            let checks = ran["checks"].as_array().map_or(0, Vec::len);
            if checks == 0 { Err("it passed without checking anything".into()) } else { Ok(Completion::Completed) }
        }
        (Some("unavailable"), Some(3 | 4)) if std::env::var_os("SYSKIT_MUST_RUN").is_none() => {
            Ok(Completion::ignored_with(ran["error"].as_str().unwrap_or("no reason given")))
        }
        (outcome, status) => Err(format!("{outcome:?} with exit status {status:?}: {}", ran["error"]).into()),
    }
}

fn well_formed(recipe: &recipe::Recipe) -> Result<(), Failed> {
    let kebab = |s: &str| {
        s.split('-').all(|w| !w.is_empty() && w.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()))
    };
    if !kebab(recipe.id) {
        return Err("the id is not in kebab-case".into());
    }
    if !recipe.source.starts_with("//!") || !recipe.source.contains(&format!("id: \"{}\"", recipe.id)) {
        return Err("`source` is not the file that holds this recipe, or lacks its //! entry".into());
    }
    match recipe.sections.iter().find(|s| !s.split('.').all(|n| n.parse::<u32>().is_ok())) {
        Some(section) => Err(format!("'{section}' is no cheat-sheet section").into()),
        None => Ok(()),
    }
}

fn ids_are_unique() -> Result<(), Failed> {
    let mut seen = std::collections::HashSet::new();
    let families = syskit::recipes::FAMILIES.iter().map(|f| f.name);
    match recipe::all().map(|(_, r)| r.id).chain(families).find(|id| !seen.insert(*id)) {
        Some(twice) => Err(format!("'{twice}' names two things").into()),
        None => Ok(()),
    }
}
