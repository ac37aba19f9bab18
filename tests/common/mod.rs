//! What integration tests share.
#![allow(dead_code, clippy::print_stderr)]

pub mod mounts;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Says loudly that a test cannot run here, and why; with SYSKIT_MUST_RUN set that is a failure.
pub fn skip(why: &str) {
    assert!(std::env::var_os("SYSKIT_MUST_RUN").is_none(), "SKIPPED although SYSKIT_MUST_RUN is set: {why}");
    eprintln!("SKIPPED: {why}");
}

/// Whether this process is root.
pub fn root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// The program under test, ready to run in `directory`.
pub fn syskit(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_syskit"));
    command.current_dir(directory);
    command
}

/// A directory of a test's own, and what is done in it.
pub struct Bench {
    dir: tempfile::TempDir,
}

/// How a run ended.
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Bench {
    pub fn new() -> Self {
        Bench { dir: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// Runs `syskit copy` with these arguments in the directory.
    pub fn copy<I: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = I>) -> Ran {
        Ran::of(syskit(self.dir()).arg("copy").args(args).output().unwrap())
    }

    /// The oracle: cmp (diffutils) of two files.
    pub fn cmp(&self, a: &str, b: &str) {
        let same = Command::new("cmp").args([a, b]).current_dir(self.dir()).output().unwrap();
        assert!(same.status.success(), "cmp {a} {b}: {}", String::from_utf8_lossy(&same.stdout));
    }

    /// The names in the directory, sorted.
    pub fn names(&self) -> Vec<String> {
        names(self.dir())
    }
}

/// The names in a directory, sorted.
pub fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

impl Ran {
    pub fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// The run ended well.
    #[track_caller]
    pub fn ok(&self) -> &Self {
        assert_eq!(self.code, Some(0), "{}", self.err);
        self
    }

    /// The run failed with this exit code, and says all of `words` on stderr.
    #[track_caller]
    pub fn fails(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        for word in words {
            assert!(self.err.contains(word), "no '{word}' in: {}", self.err);
        }
    }
}

/// `len` bytes that look random.
pub fn noise(len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    fastrand::Rng::with_seed(len as u64).fill(&mut bytes);
    bytes
}
