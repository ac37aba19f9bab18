//! A directory with a key, and runs of `syskit crypt` in it.

use std::ffi::OsStr;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::process::{Command, Output, Stdio};

use super::{Bench, Ran, syskit};

/// A directory of a test's own with a file `key`.
pub struct Vault {
    pub bench: Bench,
}

impl Vault {
    pub fn new() -> Self {
        let vault = Vault { bench: Bench::new() };
        vault.key("key", &[b'k'; 32]);
        vault
    }

    /// Writes a key file of mode 0600.
    pub fn key(&self, name: &str, content: &[u8]) {
        let mut options = std::fs::OpenOptions::new();
        let mut file =
            options.write(true).create(true).truncate(true).mode(0o600).open(self.bench.path(name)).unwrap();
        std::io::Write::write_all(&mut file, content).unwrap();
    }

    /// `syskit crypt` with these arguments, ready to run.
    pub fn command<I: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = I>) -> Command {
        let mut command = syskit(self.bench.dir());
        command.arg("crypt").args(args).env_remove("SYSKIT_KEY_FILE").stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs it to its end.
    pub fn run(&self, args: &[&str]) -> Ran {
        Ran::of(self.output(args))
    }

    /// Runs it to its end, for output that is no text.
    pub fn output(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Encrypts or decrypts with the key.
    pub fn with_key(&self, verb: &str, args: &[&str]) -> Ran {
        self.run(&[&[verb, "--key-file", "key"], args].concat())
    }

    /// Runs it with `input` through a pipe.
    pub fn piped(&self, args: &[&str], input: &[u8]) -> Output {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let _ = std::io::Write::write_all(&mut stdin, input);
            });
            child.wait_with_output().unwrap()
        })
    }

    /// The permission bits of a file.
    pub fn mode(&self, name: &str) -> u32 {
        std::fs::metadata(self.bench.path(name)).unwrap().permissions().mode() & 0o7777
    }
}

/// Runs it on a terminal of its own, where these lines are typed; `out` is what the terminal showed.
pub fn typed(vault: &Vault, lines: &[&str], args: &[&str]) -> Ran {
    let mut python = Command::new("python3");
    python.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/crypt/terminal.py")).args(lines);
    python.args(["--", env!("CARGO_BIN_EXE_syskit"), "crypt"]).args(args);
    python.current_dir(vault.bench.dir()).env_remove("SYSKIT_KEY_FILE");
    Ran::of(python.output().unwrap())
}
