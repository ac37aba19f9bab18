//! Putting an unnamed file in the place of a named one, so that the end of this process cannot come in between.
//!
//! [linkat(2)](https://man7.org/linux/man-pages/man2/linkat.2.html) never replaces a name, so replacing takes two
//! steps: link to a passing name, [rename(2)](https://man7.org/linux/man-pages/man2/rename.2.html) that over the
//! old one. Whoever is killed between the two leaves the passing name behind. So a child takes both steps: it
//! is in a session of its own, has all signals blocked, and lives on when its parent is killed.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_int, c_void};
use std::fs::File;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, AsRawFd, RawFd};

use nix::errno::Errno;
use nix::sys::signal::{SigSet, SigmaskHow, sigprocmask};

use super::eintr::retry;
use super::mmap::Pages;

/// Room for two frames of system-call wrappers.
const STACK: NonZeroUsize = NonZeroUsize::new(64 << 10).unwrap();

/// What the child does, made ready before it starts: it must not allocate.
struct Steps<'a> {
    file: CString,
    directory: RawFd,
    passing: &'a CStr,
    name: &'a CStr,
    /// The errno of the step that failed, or 0; and whether that was the link.
    errno: c_int,
    at_link: bool,
}

/// The step that failed.
#[derive(Debug, PartialEq)]
pub enum Failed {
    /// linkat to the passing name: EEXIST where that is taken.
    Link(Errno),
    /// renameat over the name; the passing name is gone again.
    Rename(Errno),
    /// The child could not be started.
    Clone(Errno),
}

/// Gives the unnamed `file` the name `name` in `directory`, in the place of what bears it, by way of the name
/// `passing`.
pub fn replace(file: &File, directory: impl AsFd, passing: &CStr, name: &CStr) -> Result<(), Failed> {
    let own = CString::new(format!("/proc/self/fd/{}", file.as_raw_fd())).expect("no NUL in it");
    let directory = directory.as_fd().as_raw_fd();
    let mut steps = Steps { file: own, directory, passing, name, errno: 0, at_link: false };
    run(&mut steps).map_err(Failed::Clone)?;
    match (steps.errno, steps.at_link) {
        (0, _) => Ok(()),
        (errno, true) => Err(Failed::Link(Errno::from_raw(errno))),
        (errno, false) => Err(Failed::Rename(Errno::from_raw(errno))),
    }
}

fn run(steps: &mut Steps) -> nix::Result<()> {
    let mut stack = Pages::new(STACK)?;
    let mut before = SigSet::empty();
    sigprocmask(SigmaskHow::SIG_BLOCK, Some(&SigSet::all()), Some(&mut before))?;
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: the child runs `child` on a stack of its own, which grows down from the end of `stack` (page-aligned);
    // CLONE_VFORK holds this thread until the child has exited, so stack and steps outlive it and only the child
    // uses them meanwhile. CLONE_VM shares them, as posix_spawn(3) does. The child only makes system calls.
    let pid = unsafe {
        let top = stack.as_mut_ptr().add(stack.len());
        libc::clone(child, top.cast(), flags, std::ptr::from_mut(steps).cast())
    };
    let started = Errno::result(pid).and_then(|pid| {
        // SAFETY: no pointer but null is passed.
        retry(|| Errno::result(unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) }))
    });
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&before), None)?;
    match started {
        // Whoever ignores SIGCHLD has children that need no reaping.
        Ok(_) | Err(Errno::ECHILD) => Ok(()),
        Err(e) => Err(e),
    }
}

extern "C" fn child(steps: *mut c_void) -> c_int {
    // SAFETY: `run` passed a live Steps that nobody else uses while it is held.
    let steps = unsafe { &mut *steps.cast::<Steps>() };
    let (passing, name) = (steps.passing.as_ptr(), steps.name.as_ptr());
    let directory = steps.directory;
    // SAFETY: all pointers are NUL-terminated strings that outlive the child; the calls allocate nothing.
    unsafe {
        libc::setsid();
        steps.at_link = true;
        if libc::linkat(libc::AT_FDCWD, steps.file.as_ptr(), directory, passing, libc::AT_SYMLINK_FOLLOW) == 0 {
            steps.at_link = false;
            if libc::renameat(directory, passing, directory, name) == 0 {
                return 0;
            }
        }
        steps.errno = *libc::__errno_location();
        if !steps.at_link {
            libc::unlinkat(directory, passing, 0);
        }
    }
    1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::tmpfile::linkable;
    use nix::sys::stat::Mode;
    use std::fs::{read, read_dir, write};
    use std::io::Write;

    #[test]
    fn the_new_file_takes_the_place_of_the_old() {
        let dir = tempfile::tempdir().unwrap();
        let Ok(mut file) = linkable(dir.path(), Mode::S_IRUSR) else { return };
        file.write_all(b"new").unwrap();
        write(dir.path().join("name"), "old").unwrap();
        let at = File::open(dir.path()).unwrap();
        assert_eq!(replace(&file, &at, c"passing", c"name"), Ok(()));
        assert_eq!(read(dir.path().join("name")).unwrap(), b"new");
        assert_eq!(read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failed_step_is_named_and_leaves_no_passing_name() {
        let dir = tempfile::tempdir().unwrap();
        let Ok(file) = linkable(dir.path(), Mode::S_IRUSR) else { return };
        let at = File::open(dir.path()).unwrap();
        write(dir.path().join("taken"), "").unwrap();
        std::fs::create_dir(dir.path().join("directory")).unwrap();
        assert_eq!(replace(&file, &at, c"taken", c"name"), Err(Failed::Link(Errno::EEXIST)));
        assert_eq!(replace(&file, &at, c"passing", c"directory"), Err(Failed::Rename(Errno::EISDIR)));
        assert_eq!(read_dir(dir.path()).unwrap().count(), 2);
    }
}
