//! A control group of our own for the command: made, entered, watched, ended, removed.

use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Component, Path, PathBuf};
use std::process::{Child, Command};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag, openat};
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, unlinkat};
use procfs::process::Process;

use crate::error::{Context, Error, Result};
use crate::escape;
use crate::sys::cgroup_guard::{Graces, Guard};
use crate::sys::cgroup_spawn;

/// Every group of ours is called so, and a number.
const PREFIX: &str = "syskit-sniff-";

/// How far below it groups of the command's own are removed too.
const DEEPEST: u32 = 16;

const GRACES: Graces = Graces { interrupted: 1000, terminated: 2000, killed: 2000 };

/// A control group with nothing in it yet.
pub(super) struct Cgroup {
    path: PathBuf,
    /// Its directory, locked for as long as we or the guard live: what is not locked was left behind.
    directory: Flock<File>,
    procs: File,
    events: File,
    guard: Guard,
}

impl Cgroup {
    /// Makes one below the group that we are in, and removes what a killed run left there.
    ///
    /// # Errors
    /// Where there is no cgroup v2 here, or we may not make groups.
    pub(super) fn make() -> Result<Cgroup> {
        let place = own_place()?;
        let what = || format!("cannot make a control group in {}", escape::name(&place));
        let parent = File::open(&place).sys("open", what)?;
        sweep(&parent, &place);
        let (name, directory) = create(&parent, &place)?;
        let path = place.join(&name);
        let guarded = CString::new(name.as_bytes())
            .map_err(|_| Errno::EINVAL)
            .and_then(|name| Guard::start(parent.as_fd(), name, directory.as_fd(), GRACES));
        let guard =
            guarded.inspect_err(|_| remove(&parent, &name)).sys("fork", || "cannot start a guard".to_owned())?;
        let open = |file: &str, flags| {
            let opened = openat(&*directory, file, flags | OFlag::O_CLOEXEC, Mode::empty()).map(File::from);
            opened.sys("open", || format!("cannot open {}", escape::name(&path.join(file))))
        };
        let (procs, events) = (open("cgroup.procs", OFlag::O_WRONLY)?, open("cgroup.events", OFlag::O_RDONLY)?);
        Ok(Cgroup { path, procs, events, guard, directory })
    }

    /// Its directory, to attach programs to.
    pub(super) fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Starts a command in it.
    ///
    /// # Errors
    /// As of fork and execve.
    pub(super) fn start(&self, command: &mut Command) -> std::io::Result<Child> {
        cgroup_spawn::spawn(command, &self.procs)
    }

    /// What tells of its becoming empty: POLLPRI of poll(2).
    pub(super) fn events(&self) -> BorrowedFd<'_> {
        self.events.as_fd()
    }

    /// Whether no process is in it or below it.
    pub(super) fn is_empty(&self) -> bool {
        let mut text = [0; 256];
        let Ok(length) = self.events.read_at(&mut text, 0) else { return true };
        text[..length].split(|b| *b == b'\n').any(|line| line == b"populated 0")
    }

    /// Ends what runs in it and removes it; whether it is gone. With `interrupted`, what runs there heard the Ctrl-C too
    /// and is given a second to end by itself.
    pub(super) fn finish(&mut self, interrupted: bool) -> bool {
        // The guard knows only the group itself, not what the command made below.
        if self.is_empty() {
            clear(&self.path, DEEPEST);
        }
        self.guard.finish(interrupted) || clear(&self.path, DEEPEST)
    }
}

/// Where cgroup v2 is mounted, if it is.
pub(in crate::recipes::sniff) fn mount() -> Option<PathBuf> {
    let mounts = Process::myself().ok()?.mountinfo().ok()?;
    mounts.0.into_iter().find(|m| m.fs_type == "cgroup2").map(|m| m.mount_point)
}

/// The directory of the group in cgroup v2 that this process is in.
fn own_place() -> Result<PathBuf> {
    let missing = |why: &str| {
        Error::unavailable(format!("no control group of version 2 is to be had: {why}")).fix(
            "as root: mount -t cgroup2 none /sys/fs/cgroup (on a host of version 1: on a directory of your choice)",
        )
    };
    let own = Process::myself().map_err(|_| missing("/proc is not to be read"))?;
    let mounts = own.mountinfo().map_err(|_| missing("/proc/self/mountinfo is not to be read"))?;
    let mount = mounts.0.into_iter().find(|m| m.fs_type == "cgroup2").ok_or_else(|| missing("none is mounted"))?;
    let groups = own.cgroups().map_err(|_| missing("/proc/self/cgroup is not to be read"))?;
    let group = groups.0.into_iter().find(|g| g.hierarchy == 0).ok_or_else(|| missing("this process is in none"))?;
    Ok(below(&mount.mount_point, &mount.root, &group.pathname))
}

/// Where the group shows below the mount; the mount itself where the group is outside of what is mounted.
fn below(mount: &Path, root: &str, group: &str) -> PathBuf {
    match Path::new(group).strip_prefix(root) {
        Ok(rest) if rest.components().all(|c| matches!(c, Component::Normal(_))) => {
            rest.components().fold(mount.to_owned(), |path, part| path.join(part))
        }
        _ => mount.to_owned(),
    }
}

fn create(parent: &File, place: &Path) -> Result<(OsString, Flock<File>)> {
    let what = || format!("cannot make a control group in {}", escape::name(place));
    for number in 0..1000 {
        let name = OsString::from(format!("{PREFIX}{}-{number}", std::process::id()));
        match nix::sys::stat::mkdirat(parent, name.as_os_str(), Mode::from_bits_truncate(0o755)) {
            Ok(()) => {}
            Err(Errno::EEXIST) => continue,
            Err(errno) => return Err(explain(Error::sys(what(), "mkdir", errno))),
        }
        // Another run may take it for one that was left behind, until it is locked.
        match lock(parent, &name) {
            Ok(directory) if is_there(parent, &name) => return Ok((name, directory)),
            _ => remove(parent, &name),
        }
    }
    Err(Error::failed(what()).fix("its names are all taken"))
}

fn explain(e: Error) -> Error {
    match e.errno {
        Some(Errno::EACCES | Errno::EPERM) => {
            e.fix("run as root, or in a group that is yours: systemd-run --user --scope -p Delegate=yes syskit ...")
        }
        Some(Errno::EROFS) => {
            Error { kind: crate::error::Kind::Unavailable, ..e }.fix("control groups are read-only in this container")
        }
        Some(Errno::EAGAIN) => e.fix("cgroup.max.descendants or cgroup.max.depth of a group above forbids it"),
        _ => e,
    }
}

fn lock(parent: &File, name: &OsStr) -> nix::Result<Flock<File>> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let directory = File::from(openat(parent, name, flags, Mode::empty())?);
    Flock::lock(directory, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| errno)
}

fn is_there(parent: &File, name: &OsStr) -> bool {
    openat(parent, name, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty()).is_ok()
}

/// Where it is not empty the kernel refuses.
fn remove(parent: &File, name: &OsStr) {
    let _ = unlinkat(parent, name, UnlinkatFlags::RemoveDir);
}

/// Removes empty groups that nobody holds the lock of: those whose run and guard were both killed.
fn sweep(parent: &File, place: &Path) {
    let Ok(entries) = std::fs::read_dir(place) else { return };
    let ours = |name: &OsString| name.as_bytes().starts_with(PREFIX.as_bytes());
    for name in entries.flatten().map(|e| e.file_name()).filter(ours) {
        if let Ok(locked) = lock(parent, &name) {
            clear(&place.join(&name), DEEPEST);
            drop(locked);
        }
    }
}

/// Removes a group and those below it, where no process is in them; whether it is gone.
fn clear(path: &Path, depth: u32) -> bool {
    let below = std::fs::read_dir(path).into_iter().flatten().flatten();
    let groups = below.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    groups.map(|entry| entry.path()).for_each(|group| {
        if depth > 0 {
            clear(&group, depth - 1);
        }
    });
    std::fs::remove_dir(path).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_found_below_its_mount() {
        let below = |mount: &str, root, group| below(Path::new(mount), root, group);
        assert_eq!(below("/sys/fs/cgroup", "/", "/user.slice/a"), Path::new("/sys/fs/cgroup/user.slice/a"));
        assert_eq!(below("/sys/fs/cgroup/unified", "/", "/"), Path::new("/sys/fs/cgroup/unified"));
        // A container that mounts its own part only.
        assert_eq!(below("/sys/fs/cgroup", "/docker/1", "/docker/1/b"), Path::new("/sys/fs/cgroup/b"));
        assert_eq!(below("/sys/fs/cgroup", "/docker/1", "/other"), Path::new("/sys/fs/cgroup"));
        assert_eq!(below("/sys/fs/cgroup", "/", "/../../up"), Path::new("/sys/fs/cgroup"));
    }
}
