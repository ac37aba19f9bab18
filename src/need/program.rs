//! Other programs: a line each.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::{Finding, Fix, Need, Readiness};

/// `program!(NAME, "id", "program", "Debian package", "what it serves")`.
macro_rules! program {
    ($name:ident, $id:literal, $program:literal, $package:literal, $serves:literal) => {
        #[doc = concat!("The program `", $program, "`.")]
        pub static $name: Need = Need {
            id: $id,
            title: concat!("the program ", $program),
            serves: $serves,
            probe: || probe(&$name, $program, $package),
        };
    };
}

program!(QEMU, "qemu", "qemu-system-x86_64", "qemu-system-x86", "the lab: a virtual machine with a full kernel");
program!(TCPDUMP, "tcpdump", "tcpdump", "tcpdump", "checking our captures against it");
program!(GDB, "gdb", "gdb", "gdb", "checking our tracer against it");
program!(STRACE, "strace", "strace", "strace", "checking our system call counts against it");

fn probe(need: &Need, program: &str, package: &str) -> Readiness {
    let path = std::env::var_os("PATH").unwrap_or_default();
    match find(program, std::env::split_paths(&path)) {
        Some(found) => Readiness::Ready(Some(found.display().to_string())),
        None => Readiness::Missing(Finding::new(
            need,
            format!("execvp(\"{program}\")"),
            Some(nix::errno::Errno::ENOENT),
            format!("there is no {program} on the PATH"),
            Fix::Do(format!("sudo apt-get install {package}")),
        )),
    }
}

fn find(program: &str, folders: impl Iterator<Item = PathBuf>) -> Option<PathBuf> {
    let runs = |path: &Path| path.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0);
    folders.map(|folder| folder.join(program)).find(|path| runs(path))
}
