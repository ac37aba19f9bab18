//! Recipes and families: what the cookbook in `recipes/` is made of.

use crate::demo::Demo;
use crate::error::Result;
use crate::need::Need;
use crate::race::Race;
use crate::verb::Verb;

/// One entry of the cookbook: explanation, source, and a self-contained run that verifies itself.
pub struct Recipe {
    /// What a user types: kebab-case, stable.
    pub id: &'static str,
    /// What it shows, in a few words.
    pub title: &'static str,
    /// Cheat-sheet sections it answers ("3.2.26"); empty for what the cheat sheet lacks.
    pub sections: &'static [&'static str],
    /// What it requires of the host.
    pub needs: &'static [&'static Need],
    /// The very file that runs (`include_str!`).
    pub source: &'static str,
    /// Makes its own input, works, verifies, cleans up.
    pub run: fn(&mut Demo) -> Result<()>,
}

/// A folder of recipes about one job.
pub struct Family {
    /// The folder's name under `recipes/`, and what a user types.
    pub name: &'static str,
    /// What the job is, in a few words.
    pub title: &'static str,
    /// The page: `include_str!("README.md")`. Each recipe has a section `## <id>` in it.
    pub page: &'static str,
    /// The recipes, in reading order.
    pub recipes: &'static [&'static Recipe],
    /// The verb this family adds to the command line, if any.
    pub tool: Option<&'static Verb>,
    /// The races this family can hold.
    pub races: &'static [&'static dyn Race],
}

impl Family {
    /// The part of the page under `## <id>`, heading included, up to the next heading of that rank.
    pub fn page_of(&self, id: &str) -> Option<&'static str> {
        let heading = format!("## {id}\n");
        let start = if self.page.starts_with(&heading) { 0 } else { self.page.find(&format!("\n{heading}"))? + 1 };
        let rest = &self.page[start..];
        let end = rest[heading.len()..].find("\n## ").map_or(rest.len(), |i| heading.len() + i + 1);
        Some(&rest[..end])
    }
}

/// Every recipe with its family, in the cookbook's order.
pub fn all() -> impl Iterator<Item = (&'static Family, &'static Recipe)> + Clone {
    crate::recipes::FAMILIES.iter().flat_map(|f| f.recipes.iter().map(move |r| (*f, *r)))
}

/// The recipe with this id.
pub fn find(id: &str) -> Option<(&'static Family, &'static Recipe)> {
    all().find(|(_, r)| r.id == id)
}

/// The family with this name.
pub fn find_family(name: &str) -> Option<&'static Family> {
    crate::recipes::FAMILIES.iter().copied().find(|f| f.name == name)
}

/// The name nearest to what was typed, if one is near enough to be meant.
pub fn nearest<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names
        .map(|n| (strsim::damerau_levenshtein(typed, n), n))
        .filter(|(d, n)| *d <= 1 + n.len().min(typed.len()) / 3 || n.contains(typed))
        .min_by_key(|(d, _)| *d)
        .map(|(_, n)| n)
}
