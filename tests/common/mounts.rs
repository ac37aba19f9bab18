//! File systems of a test's own, in a mount namespace that ends with the test, however it ends.

use std::path::Path;
use std::process::{Command, Output};

use nix::sched::{CloneFlags, unshare};

/// A directory with a file system mounted on it, seen by this thread and the processes it starts.
pub struct Mounted {
    dir: tempfile::TempDir,
}

impl Mounted {
    /// A tmpfs of so many bytes.
    pub fn tmpfs(bytes: u64) -> Result<Self, String> {
        let here = private()?;
        run("mount", &["-t", "tmpfs", "-o", &format!("size={bytes}"), "none", text(here.path())])?;
        Ok(Mounted { dir: here })
    }

    /// A file system made by `mkfs.KIND` (xfsprogs, btrfs-progs, e2fsprogs) on a sparse file.
    pub fn on_loop(kind: &str) -> Result<Self, String> {
        let here = private()?;
        let image = here.path().join("image");
        std::fs::File::create(&image).and_then(|f| f.set_len(400 << 20)).map_err(|e| e.to_string())?;
        run(&format!("mkfs.{kind}"), &["-q", text(&image)])?;
        // The loop device lets go of the image when the last mount of it ends.
        run("mount", &["-o", "loop", text(&image), text(here.path())])?;
        Ok(Mounted { dir: here })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = run("umount", &[text(self.dir.path())]);
    }
}

fn private() -> Result<tempfile::TempDir, String> {
    unshare(CloneFlags::CLONE_NEWNS).map_err(|e| format!("a mount namespace: unshare gives {e:?} (needs root)"))?;
    run("mount", &["--make-rprivate", "/"])?;
    tempfile::tempdir().map_err(|e| e.to_string())
}

fn run(program: &str, args: &[&str]) -> Result<(), String> {
    let done: Output = Command::new(program).args(args).output().map_err(|e| format!("{program}: {e}"))?;
    match done.status.success() {
        true => Ok(()),
        false => Err(format!("{program} {args:?}: {}", String::from_utf8_lossy(&done.stderr).trim())),
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("temporary paths are UTF-8")
}
