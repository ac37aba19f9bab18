//! Needs: what a recipe or contender requires of the host, how that is probed, and findings.
//!
//! A new need is one file in `src/need/` with a `pub static NEED: Need`, and one line in [`ALL`].

use std::fmt;

use nix::errno::Errno;
use schemars::JsonSchema;
use serde::Serialize;

/// Every need syskit knows, in the order `doctor` shows them: a line each.
pub static ALL: &[&Need] = &[];

/// Something a recipe requires of the host: a kernel feature, a capability, a device, a program.
pub struct Need {
    /// Stable name in kebab-case ("net-raw", "af-alg-hash").
    pub id: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    /// What cannot be done without it.
    pub serves: &'static str,
    /// Finds out, by the real call, whether the host meets it. Cheap (microseconds), leaves nothing behind.
    pub probe: fn() -> Readiness,
}

/// Whether a need is met.
#[derive(Debug, Clone, PartialEq)]
pub enum Readiness {
    /// It is; with a detail worth knowing (a version, a driver), if any.
    Ready(Option<String>),
    /// It is not, and why.
    Missing(Finding),
}

/// A need that is not met: what was probed, the errno, the cause, the fix.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Finding {
    /// The id of the need.
    pub need: &'static str,
    /// The failing call, with its arguments, as it was made.
    pub call: String,
    /// The errno's name ("EAFNOSUPPORT"), where the call gave one.
    pub errno: Option<String>,
    /// Why the call failed on this host.
    pub cause: String,
    /// What to do about it.
    pub fix: Fix,
    /// True where only the permission is missing.
    pub denied: bool,
}

/// What can be done about a finding.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind", content = "text")]
pub enum Fix {
    /// Do this: a command or a setting, exact.
    Do(String),
    /// Cannot be enabled here, and why.
    CannotBeEnabledHere(String),
}

impl Finding {
    /// A finding about `need`: `call` as it was made, its errno if it gave one, the cause and the fix.
    pub fn new(
        need: &Need,
        call: impl Into<String>,
        errno: Option<Errno>,
        cause: impl Into<String>,
        fix: Fix,
    ) -> Self {
        Finding {
            need: need.id,
            call: call.into(),
            errno: errno.map(|e| format!("{e:?}")),
            cause: cause.into(),
            fix,
            denied: matches!(errno, Some(Errno::EPERM | Errno::EACCES)),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.need, self.call)?;
        if let Some(errno) = &self.errno {
            write!(f, " gives {errno}")?;
        }
        write!(f, ": {}; {}", self.cause, self.fix)
    }
}

impl fmt::Display for Fix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fix::Do(what) => f.write_str(what),
            Fix::CannotBeEnabledHere(why) => write!(f, "cannot be enabled here: {why}"),
        }
    }
}

impl Need {
    /// Probes the host now.
    pub fn probe(&self) -> Readiness {
        (self.probe)()
    }
}

/// The first need of `needs` that this host does not meet.
pub fn first_missing(needs: &[&Need]) -> Option<Finding> {
    needs.iter().find_map(|n| match n.probe() {
        Readiness::Ready(_) => None,
        Readiness::Missing(finding) => Some(finding),
    })
}
