//! Kernel and distribution.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::root::Root;

/// What uname(2) says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Kernel {
    /// "6.12.43+deb13-amd64".
    pub release: Option<String>,
    /// "#1 SMP PREEMPT_DYNAMIC Debian 6.12.43-1": build number, options, date.
    pub version: Option<String>,
    /// "x86_64", "aarch64".
    pub arch: Option<String>,
}

/// Asks the kernel.
pub fn kernel() -> Kernel {
    let Ok(name) = nix::sys::utsname::uname() else { return Kernel::default() };
    let text = |s: &std::ffi::OsStr| Some(s.to_string_lossy().into_owned()).filter(|t| !t.is_empty());
    Kernel { release: text(name.release()), version: text(name.version()), arch: text(name.machine()) }
}

/// The distribution by os-release(5): its pretty name, else name and version.
pub fn distribution(root: &Root) -> Option<String> {
    let text = root.text("etc/os-release").or_else(|| root.text("usr/lib/os-release"))?;
    pretty_name(&text)
}

fn pretty_name(text: &str) -> Option<String> {
    let value = |key: &str| {
        let assigned = |line: &str| line.trim().strip_prefix(key)?.strip_prefix('=').map(unquote);
        text.lines().filter_map(assigned).find(|v| !v.is_empty())
    };
    value("PRETTY_NAME").or_else(|| {
        let name = value("NAME").or_else(|| value("ID"))?;
        Some(value("VERSION_ID").map_or_else(|| name.clone(), |version| format!("{name} {version}")))
    })
}

/// Values are as in a shell: bare, or in single or double quotes with `\` before `"`, `$`, `\` and the backquote.
fn unquote(value: &str) -> String {
    let value = value.trim();
    if let Some(inner) = value.strip_prefix('\'').and_then(|v| v.strip_suffix('\'')) {
        return inner.to_owned();
    }
    let inner = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value);
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        out.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distributions_name_themselves_in_several_ways() {
        let debian = "PRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"13\"\n";
        assert_eq!(pretty_name(debian).unwrap(), "Debian GNU/Linux 13 (trixie)");
        let alpine = "NAME=\"Alpine Linux\"\nID=alpine\nVERSION_ID=3.22.1\n# a comment\n";
        assert_eq!(pretty_name(alpine).unwrap(), "Alpine Linux 3.22.1");
        assert_eq!(pretty_name("ID=void\nPRETTY_NAME=\"\"\n").unwrap(), "void");
        assert_eq!(pretty_name("PRETTY_NAME='It''s'\n").unwrap(), "It''s");
        assert_eq!(pretty_name("PRETTY_NAME=\"a \\\"b\\\" \\\\\"\n").unwrap(), "a \"b\" \\");
        assert_eq!(pretty_name("PRETTY_NAME\n=\n\"\n"), None);
    }

    #[test]
    fn this_kernel_has_a_release() {
        let kernel = kernel();
        assert_eq!(kernel.release, Root::at("/").line("proc/sys/kernel/osrelease"));
        assert_eq!(kernel.arch.as_deref(), Some(std::env::consts::ARCH));
    }
}
