//! Which processes hold which sockets: /proc/PID/fd of all of them.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::packet::text;

/// A scan may take no more than this share of the time.
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
    holders: HashMap<u32, Rc<Process>>,
    /// Not before this is the next scan.
    due: Option<Instant>,
    /// Processes whose descriptors we may not see.
    hidden: usize,
}

impl Processes {
    /// The holder of the socket, the one with the lowest number where there are several.
    pub(super) fn holder(&self, inode: u32) -> Option<Rc<Process>> {
        self.holders.get(&inode).cloned()
    }

    /// Whether there were processes whose sockets we may not see.
    pub(super) fn are_hidden(&self) -> bool {
        self.hidden > 0
    }

    /// Scans again if that is due: not more often than `apart`, and not for more than a tenth of the time.
    pub(super) fn refresh(&mut self, apart: Duration) {
        let start = Instant::now();
        if self.due.is_some_and(|due| start < due) {
            return;
        }
        let (holders, hidden) = scan(Path::new("/proc"));
        // Whoever could see more before keeps that.
        if hidden > self.hidden && !self.holders.is_empty() && self.holders.len() + holders.len() < MOST {
            self.holders.extend(holders);
        } else {
            (self.holders, self.hidden) = (holders, hidden);
        }
        let now = Instant::now();
        self.due = now.checked_add(apart.max((now - start) * SHARE));
    }
}

/// The holders of all sockets, and how many processes would not show theirs.
fn scan(proc: &Path) -> (HashMap<u32, Rc<Process>>, usize) {
    let (mut holders, mut hidden) = (HashMap::<u32, Process>::new(), 0);
    let pids = fs::read_dir(proc).into_iter().flatten().flatten();
    let mut pids: Vec<u32> = pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    pids.sort_unstable();
    for pid in pids {
        let directory = proc.join(pid.to_string());
        let files = match fs::read_dir(directory.join("fd")) {
            Ok(files) => files,
            Err(e) => {
                hidden += usize::from(e.kind() == std::io::ErrorKind::PermissionDenied);
                continue;
            }
        };
        let mut command = None;
        let mut sockets: Vec<u32> = files.flatten().filter_map(|file| socket(&file.path())).collect();
        sockets.sort_unstable();
        sockets.dedup();
        for inode in sockets {
            if let Some(known) = holders.get_mut(&inode) {
                known.others += 1;
            } else if holders.len() < MOST {
                let command = command.get_or_insert_with(|| name(&directory));
                holders.insert(inode, Process { pid, command: command.clone(), others: 0 });
            }
        }
    }
    (holders.into_iter().map(|(inode, process)| (inode, Rc::new(process))).collect(), hidden)
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
        processes.refresh(Duration::ZERO);
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
        let (holders, hidden) = scan(proc.path());
        let first = Process { pid: 9, command: r"a\x1b[31m".to_owned(), others: 1 };
        assert_eq!((holders.len(), hidden), (2, 0));
        assert_eq!(*holders[&7], first);
        assert_eq!(*holders[&8], Process { others: 0, ..first });
    }
}
