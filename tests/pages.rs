//! Every page's console blocks run and come out as shown; every recipe has its section.

mod common;

use std::path::{Path, PathBuf};

use common::console::{Shown, commands, matches};
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use syskit::{need, recipe};

fn main() {
    let args = Arguments::from_args();
    let mut trials: Vec<Trial> = recipe::all().map(|(f, r)| trial_of_section(f, r)).collect();
    for page in pages() {
        let text = std::fs::read_to_string(&page).expect("a page is readable text");
        let shown_as = page.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap_or(&page);
        match commands(shown_as, &text) {
            Ok(shown) => trials.extend(blocks(shown).map(trial_of_block)),
            Err(why) => trials.push(Trial::test(format!("blocks of {}", page.display()), || Err(why.into()))),
        }
    }
    libtest_mimic::run(&args, trials).exit();
}

fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let families = syskit::recipes::FAMILIES.iter().map(|f| root.join("recipes").join(f.name).join("README.md"));
    let tops = std::fs::read_dir(root).expect("the repository is readable").filter_map(|e| Some(e.ok()?.path()));
    families.chain(tops.filter(|p| p.extension().is_some_and(|e| e == "md"))).collect()
}

fn trial_of_section(family: &'static recipe::Family, recipe: &'static recipe::Recipe) -> Trial {
    Trial::test(format!("section of {}", recipe.id), move || match family.page_of(recipe.id) {
        Some(section) if section.lines().count() >= 3 => Ok(()),
        _ => Err(format!("recipes/{}/README.md has no section '## {}' with a text", family.name, recipe.id).into()),
    })
}

/// The commands of each block: they share a directory, so that one can go on with what another made.
fn blocks(mut shown: Vec<Shown>) -> impl Iterator<Item = Vec<Shown>> {
    let mut blocks = Vec::new();
    while let Some(start) = shown.iter().rposition(|command| command.begins) {
        blocks.push(shown.split_off(start));
    }
    blocks.into_iter().rev()
}

fn trial_of_block(block: Vec<Shown>) -> Trial {
    let typed: Vec<String> = block.iter().map(|shown| format!("syskit {}", shown.args.join(" "))).collect();
    Trial::ignorable_test(format!("{} {}", block[0].place, typed.join("; ")), move || {
        let scratch = tempfile::tempdir()?;
        for shown in &block {
            if let Completion::Ignored { reason } = run(shown, scratch.path())? {
                return Ok(Completion::Ignored { reason });
            }
        }
        Ok(Completion::Completed)
    })
}

/// A block about a recipe that this host cannot run is left out with the finding, never passed over.
fn run(shown: &Shown, scratch: &Path) -> Result<Completion, Failed> {
    let named = shown.args.iter().filter_map(|a| recipe::find(a)).filter(|_| shown.args[0] == "run");
    let finding = named.into_iter().find_map(|(_, r)| need::first_missing(r.needs));
    if let Some(finding) = finding.filter(|_| std::env::var_os("SYSKIT_MUST_RUN").is_none()) {
        return Ok(Completion::ignored_with(finding.to_string()));
    }
    let args: Vec<&str> = shown.args.iter().map(String::as_str).collect();
    let output = common::command(&args).current_dir(scratch).output()?;
    let both = common::out(&output) + &common::err(&output);
    let status = output.status.code().unwrap_or(-1);
    if status != shown.status {
        return Err(format!(
            "{}: exit status {status}, the page says {}; it printed:\n{both}",
            shown.place, shown.status
        )
        .into());
    }
    if !shown.lines.is_empty() && !matches(&shown.lines, &both.lines().collect::<Vec<_>>()) {
        return Err(format!("the page shows\n{}\nbut it printed\n{both}", shown.lines.join("\n")).into());
    }
    Ok(Completion::Completed)
}
