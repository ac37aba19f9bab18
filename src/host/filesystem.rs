//! Which file system a path lies on: type, device, options (/proc/self/mountinfo, proc_pid_mountinfo(5)).

use std::path::Path;

use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use procfs::FromBufRead;
use procfs::process::{MountInfo, MountInfos};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::os::fd::AsRawFd;

use super::root::Root;

/// The file system that holds a path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Filesystem {
    /// "ext4", "tmpfs", "overlay".
    pub kind: String,
    /// The device or whatever stands for it ("/dev/vda", "tmpfs").
    pub device: Option<String>,
    /// Where it is mounted.
    pub mount_point: String,
    /// The mount's and then the file system's own options, sorted, "ro" or "rw" first.
    pub options: Vec<String>,
}

/// Finds the file system of `path`, which need not exist: then its nearest parent that does is asked.
/// None where the path has no such parent or /proc is not mounted.
pub fn filesystem(path: impl AsRef<Path>) -> Option<Filesystem> {
    let id = path.as_ref().ancestors().find_map(|p| {
        let p = if p.as_os_str().is_empty() { Path::new(".") } else { p };
        mount_id(p)
    })?;
    let mounts = MountInfos::from_buf_read(Root::at("/").text("proc/self/mountinfo")?.as_bytes()).ok()?;
    mounts.iter().find(|m| m.mnt_id == id).map(describe)
}

/// The kernel's own answer, which no overmount or bind mount can confuse as a comparison of paths can be.
fn mount_id(path: &Path) -> Option<i32> {
    let fd = open(path, OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty()).ok()?;
    let info = Root::at("/").text(format!("proc/self/fdinfo/{}", fd.as_raw_fd()))?;
    super::cpu::fields(&info, "mnt_id").next()?.parse().ok()
}

fn describe(mount: &MountInfo) -> Filesystem {
    let all = mount.mount_options.iter().chain(&mount.super_options);
    let mut options: Vec<String> =
        all.map(|(key, value)| value.as_ref().map_or_else(|| key.clone(), |v| format!("{key}={v}"))).collect();
    options.sort_by_key(|o| (o != "ro" && o != "rw", o.clone()));
    options.dedup();
    Filesystem {
        kind: mount.fs_type.clone(),
        device: mount.mount_source.clone(),
        mount_point: mount.mount_point.to_string_lossy().into_owned(),
        options,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_is_proc_and_a_path_to_be_made_lies_on_its_parent() {
        assert_eq!(filesystem("/proc/self").unwrap().kind, "proc");
        assert_eq!(filesystem("/proc/no/such/file").unwrap().mount_point, "/proc");
        assert_eq!(filesystem("no-such-file"), filesystem("."));
        assert!(filesystem("/").is_some());
    }

    #[test]
    fn mounts_of_several_machines() {
        let one = |line: &str| describe(&MountInfo::from_line(line).unwrap());
        let root = one("27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard,errors=remount-ro");
        assert_eq!((root.kind.as_str(), root.device.as_deref()), ("ext4", Some("/dev/vda")));
        assert_eq!(root.options, ["rw", "discard", "errors=remount-ro", "relatime"]);
        let btrfs = one("50 27 0:44 /@home /home rw,noatime master:1 - btrfs /dev/nvme0n1p2 rw,ssd,subvol=/@home");
        assert_eq!((btrfs.kind.as_str(), btrfs.mount_point.as_str()), ("btrfs", "/home"));
        let overlay = one("731 530 0:61 / / ro,relatime - overlay overlay rw,lowerdir=/l,upperdir=/u,workdir=/w");
        assert_eq!(overlay.kind, "overlay");
        assert_eq!(overlay.options[0], "ro");
    }
}
