//! Files without a name: O_TMPFILE of [open(2)](https://man7.org/linux/man-pages/man2/open.2.html) (Linux 3.11).
//!
//! Nothing but the descriptor refers to such a file, so however a process ends, it leaves none behind.

use std::ffi::{CStr, OsString};
use std::fs::{File, OpenOptions};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, open, openat};
use nix::sys::stat::Mode;
use nix::unistd::linkat;

/// Where temporary files go: $TMPDIR, or /tmp where that is not set or empty.
pub fn directory() -> PathBuf {
    directory_of(std::env::var_os("TMPDIR"))
}

fn directory_of(tmpdir: Option<OsString>) -> PathBuf {
    tmpdir.filter(|d| !d.is_empty()).map_or_else(|| PathBuf::from("/tmp"), PathBuf::from)
}

/// A new file without a name on the file system of `directory`, open for reading and writing.
///
/// Where O_TMPFILE is not supported (FUSE, some network file systems) a named file is made and unlinked at once.
pub fn unnamed(directory: &Path) -> nix::Result<File> {
    match linkable(directory, Mode::S_IRUSR | Mode::S_IWUSR) {
        Err(Errno::EOPNOTSUPP | Errno::EISDIR | Errno::EINVAL) => unlinked(directory),
        done => done,
    }
}

/// A new file without a name that [`link`] can give one to: EOPNOTSUPP, EISDIR or EINVAL where there is no
/// O_TMPFILE.
pub fn linkable(directory: &Path, mode: Mode) -> nix::Result<File> {
    open(directory, OFlag::O_TMPFILE | OFlag::O_RDWR | OFlag::O_CLOEXEC, mode).map(File::from)
}

/// Gives the unnamed `file` the name `name` in `directory`: EEXIST where that is taken.
pub fn link(file: &File, directory: impl AsFd, name: &CStr) -> nix::Result<()> {
    // The way without CAP_DAC_READ_SEARCH, which AT_EMPTY_PATH would ask for.
    let own = format!("/proc/self/fd/{}", file.as_raw_fd());
    linkat(AT_FDCWD, own.as_str(), directory, name, AtFlags::AT_SYMLINK_FOLLOW)
}

fn unlinked(directory: &Path) -> nix::Result<File> {
    let directory = open(directory, OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
    loop {
        let name = format!(".syskit-{}-{:x}", std::process::id(), fastrand::u64(..));
        let flags = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_RDWR | OFlag::O_CLOEXEC;
        match openat(&directory, name.as_str(), flags, Mode::S_IRUSR | Mode::S_IWUSR) {
            Err(Errno::EEXIST) => continue,
            Err(e) => return Err(e),
            Ok(file) => {
                nix::unistd::unlinkat(&directory, name.as_str(), nix::unistd::UnlinkatFlags::NoRemoveDir)?;
                return Ok(File::from(file));
            }
        }
    }
}

/// Opens the file behind `file` once more, with an offset and flags of its own.
pub fn reopen(file: &File, options: &OpenOptions) -> std::io::Result<File> {
    let mut options = options.clone();
    options.custom_flags(libc::O_CLOEXEC).open(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    fn entries(directory: &Path) -> usize {
        std::fs::read_dir(directory).unwrap().count()
    }

    #[test]
    fn an_empty_tmpdir_is_none() {
        for (set, meant) in [(None, "/tmp"), (Some(""), "/tmp"), (Some("/var/tmp"), "/var/tmp")] {
            assert_eq!(directory_of(set.map(OsString::from)), Path::new(meant));
        }
    }

    #[test]
    fn an_unnamed_file_can_be_used_and_leaves_no_name() {
        let dir = tempfile::tempdir().unwrap();
        for make in [unnamed, unlinked] {
            let mut file = make(dir.path()).unwrap();
            file.write_all(b"x").unwrap();
            assert_eq!(entries(dir.path()), 0);
            let mut again = reopen(&file, OpenOptions::new().read(true)).unwrap();
            let mut text = String::new();
            again.read_to_string(&mut text).unwrap();
            assert_eq!(text, "x");
        }
    }

    #[test]
    fn a_linked_file_gets_its_name_once() {
        let dir = tempfile::tempdir().unwrap();
        let Ok(file) = linkable(dir.path(), Mode::S_IRUSR) else { return };
        let at = File::open(dir.path()).unwrap();
        link(&file, &at, c"name").unwrap();
        assert_eq!(link(&file, &at, c"name"), Err(Errno::EEXIST));
        assert_eq!(entries(dir.path()), 1);
    }
}
