//! Reading the small text files of /proc and /sys below a root, so that tests can lay out a machine in a directory.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Files of /proc and /sys are small; what is longer is cut here.
const MOST: u64 = 1 << 20;

/// The directory that paths such as "proc/cpuinfo" are read below: "/" but in tests.
pub struct Root(PathBuf);

impl Root {
    /// Reads below `root`.
    pub fn at(root: impl Into<PathBuf>) -> Root {
        Root(root.into())
    }

    /// The whole text of a file, or None where it is absent, unreadable or empty.
    pub fn text(&self, path: impl AsRef<Path>) -> Option<String> {
        let mut bytes = Vec::new();
        File::open(self.0.join(path)).ok()?.take(MOST).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned()).filter(|t| !t.trim().is_empty())
    }

    /// The text of a one-line file without its newline.
    pub fn line(&self, path: impl AsRef<Path>) -> Option<String> {
        self.text(path).map(|t| t.trim_matches(['\n', ' ', '\t', '\0']).to_owned()).filter(|t| !t.is_empty())
    }

    /// The number in a one-line file.
    pub fn number<N: std::str::FromStr>(&self, path: impl AsRef<Path>) -> Option<N> {
        self.line(path)?.parse().ok()
    }

    /// The names in a directory, sorted; none where it is absent.
    pub fn names(&self, path: impl AsRef<Path>) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.join(path)).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.filter_map(|e| e.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    /// Whether something is there.
    pub fn has(&self, path: impl AsRef<Path>) -> bool {
        self.0.join(path).exists()
    }
}

/// The processors of a list such as "0-3,8,10-11" (cpuset(7), "List format"); what does not parse is left out.
pub fn cpu_list(text: &str) -> Vec<usize> {
    /// More than any kernel is built for (NR_CPUS).
    const MOST_CPUS: usize = 1 << 16;
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (first.trim().parse::<usize>().ok()?, last.trim().parse::<usize>().ok()?);
        (last < MOST_CPUS).then_some(first..=last)
    };
    text.trim().split(',').filter_map(range).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_lists_are_read_and_nonsense_is_left_out() {
        assert_eq!(cpu_list("0-3,8,10-11\n"), [0, 1, 2, 3, 8, 10, 11]);
        assert_eq!(cpu_list("0"), [0]);
        for none in ["", "\n", "x", "3-", "-", "5-1", "0-99999999999"] {
            assert_eq!(cpu_list(none), [0usize; 0], "{none}");
        }
    }

    #[test]
    fn what_is_absent_is_none() {
        let root = Root::at("/nonexistent");
        assert_eq!((root.text("proc/cpuinfo"), root.number::<u64>("x"), root.names("sys")), (None, None, vec![]));
        assert!(Root::at("/").number::<i64>("proc/self/mem").is_none(), "unreadable at offset 0");
    }
}
