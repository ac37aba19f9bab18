//! Which processes hold which sockets: /proc/PID/fd of all of them.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::packet::text;

/// Scanning may take no more than this share of the time.
const SHARE: u32 = 10;
/// More sockets than a host has; what is behind is not remembered.
const MOST: usize = 1 << 20;

/// A process that holds a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    pub pid: u32,
    /// Its name, escaped.
    pub command: String,
    /// How many more hold the same socket.
    pub others: u32,
}

/// The holders of sockets, as of the last scan.
#[derive(Default)]
pub(super) struct Processes {
    holders: HashMap<u32, Process>,
    /// Processes whose descriptors we may not see.
    hidden: usize,
    /// The scan under way.
    scan: Option<Scan>,
    /// Not before this does it go on, or the next begin.
    due: Option<Instant>,
}

impl Processes {
    /// The holder of the socket, the one with the lowest number where there are several.
    pub(super) fn holder(&self, inode: u32) -> Option<Rc<Process>> {
        self.holders.get(&inode).cloned().map(Rc::new)
    }

    /// Whether there were processes whose sockets we may not see.
    pub(super) fn are_hidden(&self) -> bool {
        self.hidden > 0
    }

    /// Scans again if that is due: not more often than `apart`, for about `budget` at a time, and not for more than a
    /// tenth of the time.
    pub(super) fn refresh(&mut self, apart: Duration, budget: Duration) {
        let start = Instant::now();
        if self.due.is_some_and(|due| start < due) {
            return;
        }
        let mut scan = self.scan.take().unwrap_or_else(|| Scan::begin(Path::new("/proc")));
        while !scan.step() && start.elapsed() < budget {}
        let now = Instant::now();
        let pause = (now - start) * SHARE;
        if scan.pids.is_empty() {
            self.take(scan);
            self.due = now.checked_add(apart.max(pause));
        } else {
            self.scan = Some(scan);
            self.due = now.checked_add(pause);
        }
    }

    fn take(&mut self, scan: Scan) {
        // Whoever could see more before keeps that.
        if scan.hidden > self.hidden && !self.holders.is_empty() && self.holders.len() + scan.holders.len() < MOST {
            self.holders.extend(scan.holders);
        } else {
            (self.holders, self.hidden) = (scan.holders, scan.hidden);
        }
    }
}

/// A look at every process, one after the other.
struct Scan {
    proc: PathBuf,
    /// Those still to be looked at, the lowest last.
    pids: Vec<u32>,
    holders: HashMap<u32, Process>,
    hidden: usize,
}

impl Scan {
    fn begin(proc: &Path) -> Scan {
        let pids = fs::read_dir(proc).into_iter().flatten().flatten();
        let mut pids: Vec<u32> = pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
        pids.sort_unstable_by(|a, b| b.cmp(a));
        Scan { proc: proc.to_owned(), pids, holders: HashMap::new(), hidden: 0 }
    }

    /// Looks at one process; whether it was the last.
    fn step(&mut self) -> bool {
        let Some(pid) = self.pids.pop() else { return true };
        let directory = self.proc.join(pid.to_string());
        let mut sockets: Vec<u32> = match fs::read_dir(directory.join("fd")) {
            Ok(files) => files.flatten().filter_map(|file| socket(&file.path())).collect(),
            Err(e) => {
                self.hidden += usize::from(e.kind() == std::io::ErrorKind::PermissionDenied);
                Vec::new()
            }
        };
        sockets.sort_unstable();
        sockets.dedup();
        let mut command = None;
        for inode in sockets {
            if let Some(known) = self.holders.get_mut(&inode) {
                known.others += 1;
            } else if self.holders.len() < MOST {
                let command = command.get_or_insert_with(|| name(&directory)).clone();
                self.holders.insert(inode, Process { pid, command, others: 0 });
            }
        }
        self.pids.is_empty()
    }
}

/// The number of a socket.
fn socket(file: &Path) -> Option<u32> {
    let link = fs::read_link(file).ok()?;
    link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

/// The name of a process, which can hold any byte.
fn name(directory: &Path) -> String {
    let comm = fs::read(directory.join("comm")).unwrap_or_default();
    text::to_escaped(comm.strip_suffix(b"\n").unwrap_or(&comm))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::symlink;

    #[test]
    fn our_own_socket_is_ours() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let inode = socket(Path::new(&format!("/proc/self/fd/{}", listener.as_raw_fd()))).unwrap();
        let mut processes = Processes::default();
        processes.refresh(Duration::ZERO, Duration::MAX);
        let holder = processes.holder(inode).expect("it is there");
        assert_eq!((holder.pid, holder.others), (std::process::id(), 0));
        assert!(!holder.command.is_empty());
    }

    #[test]
    fn a_shared_socket_is_of_the_first_and_names_are_escaped() {
        let proc = tempfile::tempdir().unwrap();
        for (pid, comm, inodes) in [(40, "late\n", [7, 7]), (9, "a\x1b[31m\n", [7, 8])] {
            let fd = proc.path().join(pid.to_string()).join("fd");
            fs::create_dir_all(&fd).unwrap();
            fs::write(proc.path().join(pid.to_string()).join("comm"), comm).unwrap();
            for (number, inode) in inodes.into_iter().enumerate() {
                symlink(format!("socket:[{inode}]"), fd.join(number.to_string())).unwrap();
            }
            symlink("/dev/null", fd.join("9")).unwrap();
        }
        let mut scan = Scan::begin(proc.path());
        while !scan.step() {}
        let Scan { holders, hidden, .. } = scan;
        let first = Process { pid: 9, command: r"a\x1b[31m".to_owned(), others: 1 };
        assert_eq!((holders.len(), hidden), (2, 0));
        assert_eq!(holders[&7], first);
        assert_eq!(holders[&8], Process { others: 0, ..first });
    }
}
