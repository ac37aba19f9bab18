//! The one error type: call, object, errno, cause and fix, with the exit code it maps to.

use std::fmt;

use nix::errno::Errno;

use crate::need::Finding;

/// The result of everything in syskit that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What class of failure an [`Error`] is; its value is the process exit code (see README.md, "Exit codes").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The reader of our output went away: not a failure (exit 0).
    BrokenPipe = 0,
    /// The work failed.
    Failed = 1,
    /// The command line does not make sense.
    Usage = 2,
    /// This host cannot do it; a finding says why and the fix.
    Unavailable = 3,
    /// The host can, this user may not.
    Denied = 4,
    /// The work was done and its result is wrong.
    Wrong = 5,
}

/// A failure that names what was tried, the failing call, the errno, and what to do about it.
///
/// Displays as `cannot WHAT: CALL: description (ERRNO); FIX`.
#[derive(Debug, Clone)]
pub struct Error {
    /// The class of the failure.
    pub kind: Kind,
    /// What could not be done, with the object it was to be done to ("cannot open /x").
    pub what: String,
    /// The failing call as its man page names it, where there is one.
    pub call: Option<&'static str>,
    /// The errno the kernel gave, where there is one.
    pub errno: Option<Errno>,
    /// The cause and what to do, in a sentence without a full stop.
    pub fix: Option<String>,
}

impl Error {
    fn new(kind: Kind, what: impl Into<String>) -> Self {
        Error { kind, what: what.into(), call: None, errno: None, fix: None }
    }

    /// The work failed for a reason of its own (exit 1).
    pub fn failed(what: impl Into<String>) -> Self {
        Self::new(Kind::Failed, what)
    }

    /// The command line does not make sense (exit 2).
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(Kind::Usage, what)
    }

    /// The result is wrong: `expected` and `got` in the words of the check (exit 5).
    pub fn wrong(what: impl Into<String>) -> Self {
        Self::new(Kind::Wrong, what)
    }

    /// This host cannot do it, without a probed need behind it (exit 3).
    pub fn unavailable(what: impl Into<String>) -> Self {
        Self::new(Kind::Unavailable, what)
    }

    /// The work failed, and its user knows why: nothing more is said (exit 1).
    pub fn said() -> Self {
        Self::new(Kind::Failed, "")
    }

    /// The finding of a need that is not met (exit 3, or 4 where only the permission is missing).
    pub fn finding(finding: &Finding) -> Self {
        let kind = if finding.denied { Kind::Denied } else { Kind::Unavailable };
        Self::new(kind, finding.to_string())
    }

    /// A system call failed: `what` could not be done because `call` gave `errno`.
    pub fn sys(what: impl Into<String>, call: &'static str, errno: Errno) -> Self {
        let kind = match errno {
            Errno::EPERM | Errno::EACCES => Kind::Denied,
            _ => Kind::Failed,
        };
        Error { call: Some(call), errno: Some(errno), ..Self::new(kind, what) }
    }

    /// Adds the cause and what to do about it.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// Puts `who` ("sniff", "copy") before the message.
    #[must_use]
    pub fn within(mut self, who: impl fmt::Display) -> Self {
        if !self.what.is_empty() {
            self.what = format!("{who}: {}", self.what);
        }
        self
    }

    /// The process exit code of this error.
    pub fn exit_code(&self) -> u8 {
        self.kind as u8
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if let Some(call) = self.call {
            write!(f, ": {call}")?;
        }
        if let Some(errno) = self.errno {
            write!(f, ": {} ({errno:?})", describe(errno))?;
        }
        if let Some(fix) = &self.fix {
            write!(f, "; {fix}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// The kernel's words for an errno, in lower case as they stand inside a sentence.
pub fn describe(errno: Errno) -> String {
    let words = match errno {
        // nix has the words of ENOTSUP on other systems, which speak of transport endpoints.
        Errno::EOPNOTSUPP => "operation not supported",
        _ => errno.desc(),
    };
    let mut chars = words.chars();
    match (chars.next(), chars.next()) {
        (Some(first), Some(second)) if second.is_lowercase() => {
            first.to_lowercase().chain(words.chars().skip(1)).collect()
        }
        _ => words.to_owned(),
    }
}

/// Turns the errno of a failed call into an [`Error`] that says what it was for.
pub trait Context<T> {
    /// `what` is built only on failure: `open(..).sys("open", || format!("cannot open {path}"))?`.
    fn sys(self, call: &'static str, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T> Context<T> for nix::Result<T> {
    fn sys(self, call: &'static str, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|errno| Error::sys(what(), call, errno))
    }
}

impl<T> Context<T> for std::io::Result<T> {
    fn sys(self, call: &'static str, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|e| match e.raw_os_error() {
            Some(code) => Error::sys(what(), call, Errno::from_raw(code)),
            None => Error { call: Some(call), ..Error::failed(format!("{}: {e}", what())) },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_call_object_errno_and_fix() {
        let e = Error::sys("cannot open a packet socket on eth0", "socket", Errno::EPERM)
            .fix("needs CAP_NET_RAW: run as root")
            .within("sniff");
        assert_eq!(
            e.to_string(),
            "sniff: cannot open a packet socket on eth0: socket: operation not permitted (EPERM); \
             needs CAP_NET_RAW: run as root"
        );
        assert_eq!(e.exit_code(), 4);
    }

    #[test]
    fn every_kind_keeps_its_documented_exit_code() {
        let codes = [Kind::BrokenPipe, Kind::Failed, Kind::Usage, Kind::Unavailable, Kind::Denied, Kind::Wrong];
        assert_eq!(codes.map(|k| k as u8), [0, 1, 2, 3, 4, 5]);
    }
}
