//! Scripts that run in the lab (scripts/lab): a virtual machine with a full kernel over this machine's own root file
//! system. A boot costs many seconds under emulation, so all scripts of a test executable share one.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use super::skip;

const SYSKIT: &str = env!("CARGO_BIN_EXE_syskit");
const LAB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/lab");

/// The scripts of a test executable, and what came of their one boot.
pub struct Lab {
    scripts: &'static [(&'static str, &'static str)],
    /// Seconds after which the machine is ended.
    timeout: &'static str,
    boot: OnceLock<Result<Vec<Ran>, String>>,
}

/// How a script ended.
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

/// scripts/lab with these arguments, and this build's syskit on the PATH in there.
pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(LAB);
    command.args(args).env("SYSKIT_LAB_BIN", Path::new(SYSKIT).parent().expect("a folder"));
    command
}

/// Whether there is a lab: one that is set up, or one that SYSKIT_LAB=1 allows to be fetched.
pub fn available() -> bool {
    let allowed = std::env::var_os("SYSKIT_LAB").is_some_and(|v| v == "1");
    let ready = allowed || command(&["--check"]).output().is_ok_and(|o| o.status.success());
    if !ready {
        skip("the lab is not set up: scripts/lab --setup, or SYSKIT_LAB=1 to let this test do so");
    }
    ready
}

/// Whether this process runs in the lab (scripts/lab says so to what it runs).
pub fn inside() -> bool {
    std::env::var_os("SYSKIT_IN_LAB").is_some()
}

/// What each script finds: the running test executable as `$TESTS`, and `test_exe NAME`, which prints the path of the
/// newest build of the test executable tests/NAME.rs.
const PROLOGUE: &str = r#"test_exe() {
    found=$(ls -t "$DEPS/$1"-* 2>/dev/null | grep -v '\.d$' | head -n 1)
    [ -n "$found" ] || echo "tests/$1.rs is not built: cargo test --no-run" >&2
    echo "$found"
}
export SYSKIT_MUST_RUN=all
"#;

impl Lab {
    /// Name and text of each script, in the order they run; `timeout` in seconds is for all of them together.
    pub const fn new(scripts: &'static [(&'static str, &'static str)], timeout: &'static str) -> Self {
        Lab { scripts, timeout, boot: OnceLock::new() }
    }

    /// The result of a script, from the one boot that all of them share; `None` (and a word) where there is no lab.
    #[track_caller]
    pub fn ran(&self, name: &str) -> Option<&Ran> {
        if !available() {
            return None;
        }
        let position = self.scripts.iter().position(|(n, _)| *n == name).expect("a script of this name");
        // A boot that failed is not tried again by each of the tests.
        let scripts = self.boot.get_or_init(|| self.start()).as_ref().unwrap_or_else(|why| panic!("{why}"));
        scripts.get(position)
    }

    /// Runs every script in one machine; what each one printed comes back between marks. It is kept in /run, which is
    /// the machine's own: its /tmp lies over that of the host, where others may write the same names at the same time.
    fn start(&self) -> Result<Vec<Ran>, String> {
        let mark = "@@lab@@";
        let run = format!(
            "export TESTS=\"$1\" DEPS=\"${{1%/*}}\"; shift
             for script; do sh -c \"$script\" >/run/lab.out 2>/run/lab.err </dev/null; code=$?
             cat /run/lab.out; echo '{mark}'; cat /run/lab.err; echo '{mark}'; echo $code; echo '{mark}'; done"
        );
        let this = std::env::current_exe().expect("a path").to_string_lossy().into_owned();
        let scripts: Vec<String> = self.scripts.iter().map(|(_, script)| format!("{PROLOGUE}{script}")).collect();
        let fixed = ["--timeout", self.timeout, "sh", "-c", run.as_str(), "lab", this.as_str()];
        let args: Vec<&str> = fixed.into_iter().chain(scripts.iter().map(String::as_str)).collect();
        let done = command(&args).output().expect("scripts/lab starts");
        let text = String::from_utf8_lossy(&done.stdout);
        let parts: Vec<&str> = text.split(&format!("{mark}\n")).collect();
        let whole = parts.len() == self.scripts.len() * 3 + 1 && done.status.success();
        if !whole {
            return Err(format!("{}: {text}{}", done.status, String::from_utf8_lossy(&done.stderr)));
        }
        let one = |part: &[&str]| Ran {
            out: part[0].to_owned(),
            err: part[1].to_owned(),
            code: part[2].trim().parse().expect("an exit code"),
        };
        Ok(parts.chunks_exact(3).map(one).collect())
    }

    /// A test that runs in the lab: there, runs `body`; elsewhere, judges what the script `name` printed of the test
    /// that has this name, which is `test` with its modules ("interface::an_empty_message").
    #[track_caller]
    pub fn test(&self, script: &str, test: &str, body: fn()) {
        if inside() {
            return body();
        }
        let Some(ran) = self.ran(script) else { return };
        let passed = ran.out.lines().any(|l| l == format!("test {test} ... ok"));
        assert!(passed, "in the lab, {test} did not pass (exit {}):\n{}{}", ran.code, ran.out, ran.err);
    }
}
