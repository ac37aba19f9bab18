//! A process that outlives us to end what runs in a control group and to remove the group, whatever ends us: SIGKILL
//! gives no chance to do it ourselves, and by then we may have dropped the privilege
//! ([cgroups(7)](https://man7.org/linux/man-pages/man7/cgroups.7.html), fork(2)).
//!
//! Between fork and _exit it makes only system calls: nothing that allocates or takes a lock.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, pipe2, write};

/// Groups that a command makes below its own are looked for this deep.
const DEEPEST: u32 = 8;

/// How long each step of the end may take, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Graces {
    /// To end by itself after an interrupt that reached it too.
    pub interrupted: u32,
    /// To end after SIGTERM.
    pub terminated: u32,
    /// To be gone after SIGKILL.
    pub killed: u32,
}

/// The guard of a control group.
#[derive(Debug)]
pub struct Guard {
    /// Its end, as of our death, is what the guard waits for.
    pipe: Option<OwnedFd>,
    pid: Pid,
}

impl Guard {
    /// Forks a guard of the group `name` in the directory `parent`; `group` is the directory itself. It is in a session
    /// of its own, and holds none of our other descriptors.
    pub fn start(parent: BorrowedFd, name: CString, group: BorrowedFd, graces: Graces) -> nix::Result<Guard> {
        let (theirs, ours) = pipe2(OFlag::O_CLOEXEC)?;
        let watch = Watch {
            pipe: theirs.as_raw_fd(),
            parent: parent.as_raw_fd(),
            group: group.as_raw_fd(),
            name: &name,
            graces,
        };
        // SAFETY: the child makes system calls alone, on memory that was made before, and ends by _exit.
        match unsafe { fork() }? {
            ForkResult::Child => {
                let removed = watch.run();
                // SAFETY: _exit never returns and runs no handlers.
                unsafe { libc::_exit(i32::from(!removed)) }
            }
            ForkResult::Parent { child } => Ok(Guard { pipe: Some(ours), pid: child }),
        }
    }

    /// Ends what still runs in the group and removes it; whether it is gone. With `interrupted`, what runs there is
    /// given the time to end by itself first. Waits again after EINTR.
    pub fn finish(&mut self, interrupted: bool) -> bool {
        let Some(pipe) = self.pipe.take() else { return true };
        if interrupted {
            let _ = write(&pipe, b"i");
        }
        drop(pipe);
        loop {
            match waitpid(self.pid, None) {
                Ok(WaitStatus::Exited(_, code)) => return code == 0,
                Ok(WaitStatus::Signaled(..)) => return false,
                Ok(_) | Err(Errno::EINTR) => {}
                Err(_) => return false,
            }
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.finish(false);
    }
}

/// What the guard knows.
struct Watch<'a> {
    pipe: RawFd,
    parent: RawFd,
    group: RawFd,
    name: &'a CStr,
    graces: Graces,
}

impl Watch<'_> {
    /// Waits for the end of the pipe, then ends the group; whether that is gone.
    fn run(&self) -> bool {
        // SAFETY: these calls take numbers alone, or a string that lives on.
        unsafe {
            libc::setsid();
            libc::prctl(libc::PR_SET_NAME, c"syskit-guard".as_ptr());
            for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGPIPE] {
                libc::signal(signal, libc::SIG_IGN);
            }
        }
        self.close_others();
        let interrupted = self.wait_for_the_end();
        if self.removed(if interrupted { self.graces.interrupted } else { 0 }) {
            return true;
        }
        self.signal_all(libc::SIGTERM);
        self.signal_all(libc::SIGCONT);
        if self.removed(self.graces.terminated) {
            return true;
        }
        self.kill_all();
        self.removed(self.graces.killed)
    }

    /// Closes all but our three: a pipe that we hold open has no end for its reader.
    fn close_others(&self) {
        let mut kept = [self.pipe, self.parent, self.group];
        kept.sort_unstable();
        let mut from = 0;
        for keep in kept {
            close_range(from, keep - 1);
            from = keep + 1;
        }
        close_range(from, RawFd::MAX);
    }

    /// Whether a byte came before the end.
    fn wait_for_the_end(&self) -> bool {
        let mut told = false;
        loop {
            let mut byte = 0u8;
            // SAFETY: one byte is written to a variable of one byte.
            match unsafe { libc::read(self.pipe, (&raw mut byte).cast(), 1) } {
                0 => return told,
                1 => told = true,
                _ if Errno::last() == Errno::EINTR => {}
                _ => return told,
            }
        }
    }

    /// Removes the group, which works once nothing runs in it; tries for so many milliseconds.
    fn removed(&self, milliseconds: u32) -> bool {
        const STEP: u32 = 10;
        let mut waited = 0;
        loop {
            if remove(self.parent, self.name, DEEPEST) {
                return true;
            }
            if waited >= milliseconds {
                return false;
            }
            let pause = libc::timespec { tv_sec: 0, tv_nsec: libc::c_long::from(STEP as i32) * 1_000_000 };
            // SAFETY: reads one timespec, and is told that nobody wants the rest.
            unsafe { libc::nanosleep(&raw const pause, std::ptr::null_mut()) };
            waited += STEP;
        }
    }

    fn open(&self, file: &CStr, flags: i32) -> RawFd {
        // SAFETY: the name is a C string that outlives the call.
        unsafe { libc::openat(self.group, file.as_ptr(), flags | libc::O_CLOEXEC) }
    }

    /// Sends a signal to every process of the group.
    fn signal_all(&self, signal: i32) {
        let file = self.open(c"cgroup.procs", libc::O_RDONLY);
        let (mut buffer, mut number) = ([0u8; 4096], 0i32);
        loop {
            // SAFETY: at most the buffer's length is written to it.
            let got = unsafe { libc::read(file, buffer.as_mut_ptr().cast(), buffer.len()) };
            let Some(bytes) = usize::try_from(got).ok().and_then(|n| buffer.get(..n)).filter(|b| !b.is_empty())
            else {
                break;
            };
            for byte in bytes {
                if byte.is_ascii_digit() {
                    number = number.saturating_mul(10).saturating_add(i32::from(byte - b'0'));
                } else {
                    // 0 stands for a process that this PID namespace does not see.
                    if number > 0 {
                        // SAFETY: takes numbers alone.
                        unsafe { libc::kill(number, signal) };
                    }
                    number = 0;
                }
            }
        }
        close(file);
    }

    /// SIGKILL to all at once (since Linux 5.14), or one by one.
    fn kill_all(&self) {
        let file = self.open(c"cgroup.kill", libc::O_WRONLY);
        // SAFETY: one byte of a string of one is read.
        let written = unsafe { libc::write(file, c"1".as_ptr().cast(), 1) };
        close(file);
        if written != 1 {
            self.signal_all(libc::SIGKILL);
        }
    }
}

/// Removes the group `name` in the directory `parent`, with those that were made below it, where nothing runs in them;
/// whether it is gone.
fn remove(parent: RawFd, name: &CStr, depth: u32) -> bool {
    let unlink = || {
        // SAFETY: the name is a C string that outlives the call.
        let done = unsafe { libc::unlinkat(parent, name.as_ptr(), libc::AT_REMOVEDIR) };
        done == 0 || Errno::last() == Errno::ENOENT
    };
    if unlink() {
        return true;
    }
    if depth == 0 {
        return false;
    }
    // SAFETY: the name is a C string that outlives the call.
    let group = unsafe { libc::openat(parent, name.as_ptr(), libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC) };
    let mut entries = [0u64; 256];
    loop {
        let length = size_of_val(&entries);
        // SAFETY: at most the buffer's length is written to it, which is aligned as the kernel's entries are.
        let got = unsafe { libc::syscall(libc::SYS_getdents64, group, entries.as_mut_ptr(), length) };
        let Some(got) = usize::try_from(got).ok().filter(|got| *got > 0) else { break };
        for below in directories(&entries, got) {
            remove(group, below, depth - 1);
        }
    }
    close(group);
    unlink()
}

/// The names of the directories among the first `length` bytes of entries (struct linux_dirent64), without . and ..
fn directories(entries: &[u64], length: usize) -> impl Iterator<Item = &CStr> {
    // Inode and offset are words, then come the length of the entry in two bytes, its kind in one, and the name.
    const NAME: usize = 19;
    let byte = |at: usize| entries.get(at / 8).map_or(0, |word| word.to_ne_bytes()[at % 8]);
    let mut at = 0;
    std::iter::from_fn(move || {
        while at + NAME < length {
            let start = at;
            at += usize::from(u16::from_ne_bytes([byte(start + 16), byte(start + 17)])).max(NAME);
            // SAFETY: the bytes from here on are those of the slice, which is longer than `length` as it is checked.
            let rest = unsafe {
                let first = entries.as_ptr().cast::<u8>().add(start + NAME);
                std::slice::from_raw_parts(first, length.min(size_of_val(entries)) - start - NAME)
            };
            let Ok(name) = CStr::from_bytes_until_nul(rest) else { return None };
            if byte(start + 18) == libc::DT_DIR && !matches!(name.to_bytes(), b"." | b"..") {
                return Some(name);
            }
        }
        None
    })
}

fn close(fd: RawFd) {
    // SAFETY: takes a number; a wrong one is refused.
    unsafe { libc::close(fd) };
}

/// Closes the descriptors from the first to the last; kernels before 5.9 one by one.
fn close_range(first: RawFd, last: RawFd) {
    if first > last {
        return;
    }
    // SAFETY: takes numbers alone.
    let done = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
    if done != 0 {
        (first..=last.min(4096)).for_each(close);
    }
}
