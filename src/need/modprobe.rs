//! What keeps a module out: the rules of modprobe.d(5) and the kernel command line.

use std::collections::BTreeMap;
use std::path::Path;

/// Where modprobe looks for rules, in the order that a file of the same name in an earlier one hides a later one.
pub const FOLDERS: [&str; 5] =
    ["etc/modprobe.d", "run/modprobe.d", "usr/local/lib/modprobe.d", "usr/lib/modprobe.d", "lib/modprobe.d"];

/// A rule that concerns the loading of one module.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// The file that holds it.
    pub file: String,
    /// Its line there, from 1.
    pub line: usize,
    /// The module, with `_` for `-`.
    pub module: String,
    /// What the rule says.
    pub kind: RuleKind,
}

/// What a [`Rule`] says.
#[derive(Debug, Clone, PartialEq)]
pub enum RuleKind {
    /// `install MODULE COMMAND`: the command runs instead of loading.
    Install(String),
    /// `blacklist MODULE`: the aliases that the module itself declares are ignored.
    Blacklist,
}

/// What keeps a module out.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// A rule of modprobe.d(5).
    Rule(Rule),
    /// A word of the kernel command line (`module_blacklist=`, `modprobe.blacklist=`).
    CommandLine(String),
}

/// The rules in `text`, the content of `file`.
pub fn rules(file: &str, text: &str) -> Vec<Rule> {
    let mut rules = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let mut whole = line.to_owned();
        while whole.ends_with('\\') {
            whole.pop();
            let Some((_, next)) = lines.next() else { break };
            whole.push_str(next);
        }
        rules.extend(rule(&whole).map(|(module, kind)| Rule {
            file: file.to_owned(),
            line: number + 1,
            module,
            kind,
        }));
    }
    rules
}

fn rule(line: &str) -> Option<(String, RuleKind)> {
    let mut words = line.split_whitespace();
    let verb = words.next()?;
    let module = canonical(words.next()?);
    match verb {
        "install" => Some((module, RuleKind::Install(words.collect::<Vec<_>>().join(" ")))),
        "blacklist" => Some((module, RuleKind::Blacklist)),
        _ => None,
    }
}

/// The rules of every modprobe.d folder under `root` ("/").
pub fn rules_under(root: &Path) -> Vec<Rule> {
    let mut files = BTreeMap::new();
    for folder in FOLDERS {
        for entry in root.join(folder).read_dir().into_iter().flatten().flatten() {
            let name = entry.file_name();
            if Path::new(&name).extension().is_some_and(|e| e == "conf") {
                files.entry(name).or_insert_with(|| entry.path());
            }
        }
    }
    let read = |path: &std::path::PathBuf| {
        let text = std::fs::read(path).ok()?;
        let shown = Path::new("/").join(path.strip_prefix(root).unwrap_or(path));
        Some(rules(&shown.to_string_lossy(), &String::from_utf8_lossy(&text)))
    };
    files.values().filter_map(read).flatten().collect()
}

/// What keeps `module` out, if anything; `by_alias` as in [`super::feature::Feature`].
pub fn block(module: &str, by_alias: bool, rules: &[Rule], cmdline: &str) -> Option<Block> {
    let module = canonical(module);
    let named = |list: &str| list.split(',').any(|m| canonical(m) == module);
    let word = cmdline.split_whitespace().find(|word| match word.split_once('=') {
        Some(("module_blacklist", list)) => named(list),
        Some(("modprobe.blacklist", list)) => by_alias && named(list),
        _ => false,
    });
    if let Some(word) = word {
        return Some(Block::CommandLine(word.to_owned()));
    }
    let applies = |rule: &&Rule| {
        rule.module == module
            && match &rule.kind {
                RuleKind::Install(command) => !loads_after_all(command),
                RuleKind::Blacklist => by_alias,
            }
    };
    rules.iter().find(applies).cloned().map(Block::Rule)
}

/// Whether an `install` command loads the module itself in the end.
fn loads_after_all(command: &str) -> bool {
    command.contains("--ignore-install") || command.split_whitespace().any(|w| w.ends_with("insmod"))
}

fn canonical(module: &str) -> String {
    module.replace('-', "_")
}

#[cfg(test)]
mod tests;
