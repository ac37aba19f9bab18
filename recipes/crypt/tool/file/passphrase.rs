//! Asks for a passphrase on the terminal, without showing it.
//!
//! The terminal is read here, not by a crate, so that the passphrase arrives in memory that is locked and wiped, and
//! Ctrl-C ends the wait as it does elsewhere: with echo on again and an error that says so.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use nix::unistd::read;

use crate::error::{Context, Error, Result};
use crate::interrupt;
use crate::recipes::crypt::format::keys::secret;
use crate::sys::secret::Secret;

/// What a terminal gives as a line is shorter than this (termios(3), "Canonical and noncanonical mode").
const LONGEST: usize = 4096;

/// A terminal that does not show what is typed until this is dropped.
struct Quiet {
    terminal: File,
    before: Termios,
}

/// Asks for the passphrase, and for a new one twice.
///
/// # Errors
/// No terminal, an empty passphrase, two that differ, and that the user asked for the end.
pub fn ask(new: bool) -> Result<Secret> {
    let terminal = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/tty")
        .sys("open", || "there is no terminal to ask for a passphrase on: cannot open /dev/tty".to_owned());
    let terminal = terminal.map_err(|e| e.fix("give a key with --key-file or SYSKIT_KEY_FILE"))?;
    let mut quiet = Quiet::new(terminal)?;
    let passphrase = quiet.line("Passphrase: ")?;
    if passphrase.is_empty() {
        return Err(Error::failed("the passphrase is empty").fix("anyone can guess that one"));
    }
    if new && quiet.line("Again: ")?[..] != passphrase[..] {
        return Err(Error::failed("the two passphrases differ").fix("try again"));
    }
    Ok(passphrase)
}

impl Quiet {
    fn new(terminal: File) -> Result<Self> {
        let cannot = || "cannot stop the terminal from showing what is typed".to_owned();
        let before = tcgetattr(&terminal).sys("tcgetattr", cannot)?;
        let mut now = before.clone();
        now.local_flags.remove(LocalFlags::ECHO);
        now.local_flags.insert(LocalFlags::ECHONL | LocalFlags::ICANON | LocalFlags::ISIG);
        // What was typed ahead was shown, and is not meant for us.
        tcsetattr(&terminal, SetArg::TCSAFLUSH, &now).sys("tcsetattr", cannot)?;
        Ok(Quiet { terminal, before })
    }

    fn line(&mut self, prompt: &str) -> Result<Secret> {
        let cannot = || "cannot ask for a passphrase".to_owned();
        self.terminal.write_all(prompt.as_bytes()).sys("write", cannot)?;
        let mut line = secret(LONGEST)?;
        let mut have = 0;
        loop {
            self.await_line()?;
            match read(&self.terminal, &mut line[have..]) {
                Ok(0) => break,
                Ok(n) => have += n,
                Err(Errno::EINTR | Errno::EAGAIN) => continue,
                Err(e) => return Err(e).sys("read", cannot),
            }
            if line[..have].ends_with(b"\n") {
                have -= 1;
                break;
            }
            if have == LONGEST {
                return Err(Error::failed(format!("the passphrase is longer than {LONGEST} bytes")));
            }
        }
        line.truncate(have);
        Ok(line)
    }

    fn await_line(&self) -> Result<()> {
        loop {
            if interrupt::asked() {
                let _ = (&self.terminal).write_all(b"\n");
                return Err(Error::failed("interrupted: no passphrase was given"));
            }
            // A signal between the look and the call must not be slept over for long.
            let mut fds = [PollFd::new(self.terminal.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, PollTimeout::from(200_u8)) {
                Ok(0) | Err(Errno::EINTR) => continue,
                Ok(_) => return Ok(()),
                Err(e) => return Err(e).sys("poll", || "cannot ask for a passphrase".to_owned()),
            }
        }
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.terminal, SetArg::TCSADRAIN, &self.before);
    }
}
