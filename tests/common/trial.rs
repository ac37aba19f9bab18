//! A copy over an old file, watched from outside.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Bench, noise, syskit};

/// Source and destination directories of their own, and an old file at the destination.
pub struct Trial {
    pub from: Bench,
    pub to: Bench,
    pub new: Vec<u8>,
}

impl Trial {
    pub fn new(len: usize) -> Self {
        let (from, to, new) = (Bench::new(), Bench::new(), noise(len));
        from.write("source", &new);
        to.write("old", b"old");
        Trial { from, to, new }
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = syskit(self.to.dir());
        command.arg("copy").arg(self.from.path("source")).arg(self.to.path("old")).args(args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn start(&self, args: &[&str]) -> Child {
        self.command(args).spawn().unwrap()
    }

    /// Whether the new content is there; the old or nothing else may be, and no other name.
    pub fn is_new(&self) -> bool {
        let there = self.to.read("old");
        assert!(there == b"old" || there == self.new, "{} bytes, neither old nor new", there.len());
        assert_eq!(self.to.names(), ["old"]);
        there != b"old"
    }
}

pub fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(30), "waited for {what}");
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Waits until a process has written so many bytes.
pub fn wait_written(child: &Child, bytes: u64) {
    let io = format!("/proc/{}/io", child.id());
    wait_for("the first bytes", || {
        let text = std::fs::read_to_string(&io).unwrap_or_default();
        let written = text.lines().find_map(|l| l.strip_prefix("wchar: ")?.parse::<u64>().ok());
        written.is_none_or(|n| n >= bytes)
    });
}

pub fn signal(child: &Child, signal: Signal) {
    kill(Pid::from_raw(child.id() as i32), signal).unwrap();
}
