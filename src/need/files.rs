//! What a file system can do: probed where temporary files go, since each file system answers for itself.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{self, SpliceFFlags};
use nix::sys::statfs;
use nix::unistd::pipe2;

use super::diagnose::{Asks, answer};
use super::{Finding, Fix, Need, Readiness};
use crate::sys::clone_file::clone_file;
use crate::sys::tmpfile;

/// Files past the page cache.
pub static DIRECT_IO: Need = Need {
    id: "direct-io",
    title: "direct I/O (temporary files)",
    serves: "reading and writing past the page cache: O_DIRECT",
    probe: probe_direct,
};

/// Copies that share their blocks.
pub static REFLINK: Need = Need {
    id: "reflink",
    title: "reflinks (temporary files)",
    serves: "copies that share blocks until one is written: FICLONE",
    probe: probe_reflink,
};

/// copy_file_range.
pub static COPY_FILE_RANGE: Need = Need {
    id: "copy-file-range",
    title: "copy_file_range",
    serves: "copying inside the kernel, or on the server or disk",
    probe: probe_copy_file_range,
};

/// splice.
pub static SPLICE: Need = Need {
    id: "splice",
    title: "splice",
    serves: "moving pages between a pipe and a file or socket",
    probe: probe_splice,
};

const NOTHING: Asks = Asks::features(&[]);

fn probe_direct() -> Readiness {
    let folder = tmpfile::directory();
    match unnamed(&folder, libc::O_DIRECT) {
        Ok(_) => Readiness::Ready(Some(place(&folder))),
        Err(errno @ Errno::EINVAL) => lacking(
            &DIRECT_IO,
            format!("open(\"{}\", O_TMPFILE | O_RDWR | O_DIRECT)", folder.display()),
            errno,
            format!("{} does not take O_DIRECT", place(&folder)),
            "set TMPDIR to a folder on ext4, XFS or btrfs",
        ),
        Err(errno) => no_temporary_file(&DIRECT_IO, &folder, errno),
    }
}

fn probe_reflink() -> Readiness {
    let folder = tmpfile::directory();
    let (from, to) = match pair(&folder) {
        Ok(files) => files,
        Err(errno) => return no_temporary_file(&REFLINK, &folder, errno),
    };
    match clone_file(&from, &to) {
        Ok(()) => Readiness::Ready(Some(place(&folder))),
        Err(errno @ (Errno::EOPNOTSUPP | Errno::ENOTTY | Errno::EINVAL | Errno::ENOSYS)) => lacking(
            &REFLINK,
            format!("ioctl(FICLONE) between two files in {}", folder.display()),
            errno,
            format!("{} cannot share blocks between files", place(&folder)),
            "set TMPDIR to a folder on btrfs, or on XFS made with reflink=1 (mkfs.xfs does so by default)",
        ),
        other => {
            answer(other, &REFLINK, &format!("ioctl(FICLONE) between two files in {}", folder.display()), &NOTHING)
        }
    }
}

fn probe_copy_file_range() -> Readiness {
    let folder = tmpfile::directory();
    let (mut from, to) = match pair(&folder) {
        Ok(files) => files,
        Err(errno) => return no_temporary_file(&COPY_FILE_RANGE, &folder, errno),
    };
    let copied = from
        .write_all(b"x")
        .map_err(errno_of)
        .and_then(|()| fcntl::copy_file_range(&from, Some(&mut 0), &to, Some(&mut 0), 1));
    let call = format!("copy_file_range of 1 byte between two files in {}", folder.display());
    answer(copied, &COPY_FILE_RANGE, &call, &NOTHING)
}

fn probe_splice() -> Readiness {
    let moved = || {
        let (from, mut feed) = pipe2(fcntl::OFlag::O_CLOEXEC).map(|(r, w)| (r, File::from(w)))?;
        let (_drain, to) = pipe2(fcntl::OFlag::O_CLOEXEC)?;
        feed.write_all(b"x").map_err(errno_of)?;
        fcntl::splice(from, None, to, None, 1, SpliceFFlags::SPLICE_F_NONBLOCK)
    };
    answer(moved(), &SPLICE, "splice of 1 byte between two pipes", &NOTHING)
}

/// Two files without a name.
fn pair(folder: &Path) -> nix::Result<(File, File)> {
    Ok((unnamed(folder, 0)?, unnamed(folder, 0)?))
}

/// A file without a name; where the file system has no O_TMPFILE, one that is unlinked at once.
fn unnamed(folder: &Path, flags: i32) -> nix::Result<File> {
    let mut how = OpenOptions::new();
    how.read(true).write(true).mode(0o600);
    let opened = how.clone().custom_flags(libc::O_TMPFILE | flags).open(folder).map_err(errno_of);
    if !matches!(opened, Err(Errno::EOPNOTSUPP | Errno::EISDIR | Errno::ENOENT)) {
        return opened;
    }
    let name = folder.join(format!(".syskit-probe-{}-{:016x}", std::process::id(), fastrand::u64(..)));
    let opened = how.create_new(true).custom_flags(flags).open(&name).map_err(errno_of);
    // open can make the file and then refuse O_DIRECT: it goes in any case.
    let _ = std::fs::remove_file(&name);
    opened
}

fn errno_of(e: std::io::Error) -> Errno {
    e.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

fn lacking(need: &Need, call: String, errno: Errno, cause: String, fix: &str) -> Readiness {
    Readiness::Missing(Finding::new(need, call, Some(errno), cause, Fix::Do(fix.to_owned())))
}

fn no_temporary_file(need: &Need, folder: &Path, errno: Errno) -> Readiness {
    let call = format!("open(\"{}\", O_TMPFILE | O_RDWR)", folder.display());
    let cause = format!("no temporary file can be made in {}", folder.display());
    lacking(need, call, errno, cause, "set TMPDIR to a folder that exists, is writable, and has space")
}

/// "ext4 at /tmp".
fn place(folder: &PathBuf) -> String {
    let magic = statfs::statfs(folder).map_or(0, |s| s.filesystem_type().0 as u64);
    format!("{} at {}", file_system(magic & 0xffff_ffff), folder.display())
}

/// Names of the magic numbers in statfs(2).
fn file_system(magic: u64) -> &'static str {
    match magic {
        0xef53 => "ext4",
        0x5846_5342 => "XFS",
        0x9123_683e => "btrfs",
        0x0102_1994 => "tmpfs",
        0x794c_7630 => "overlayfs",
        0x0102_1997 => "9p",
        0x6969 => "NFS",
        0x6573_5546 => "FUSE",
        0x2fc1_2fc1 => "ZFS",
        0xf2f5_2010 => "F2FS",
        0xff53_4d42 | 0xfe53_4d42 => "CIFS",
        0x8584_58f6 => "ramfs",
        0xca45_1a4e => "bcachefs",
        _ => "the file system",
    }
}
