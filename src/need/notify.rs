//! Watching files: [inotify(7)](https://man7.org/linux/man-pages/man7/inotify.7.html),
//! [fanotify(7)](https://man7.org/linux/man-pages/man7/fanotify.7.html).

use nix::errno::Errno;
use nix::sys::fanotify::{EventFFlags, Fanotify, InitFlags};
use nix::sys::inotify::{InitFlags as InotifyFlags, Inotify};

use super::diagnose::{Asks, answer};
use super::feature::Feature;
use super::{Finding, Fix, Need, Readiness, capability};

/// inotify.
pub static INOTIFY: Need =
    Need { id: "inotify", title: "inotify", serves: "watching files and directories", probe: probe_inotify };

/// fanotify, with the privilege that its classic form takes.
pub static FANOTIFY: Need = Need {
    id: "fanotify",
    title: "fanotify",
    serves: "watching whole mounts and file systems",
    probe: probe_fanotify,
};

fn probe_inotify() -> Readiness {
    let call = "inotify_init1(IN_CLOEXEC)";
    match Inotify::init(InotifyFlags::IN_CLOEXEC) {
        // The errno is that of RLIMIT_NOFILE, but the limit that is met in practice is another.
        Err(Errno::EMFILE) => Readiness::Missing(Finding::new(
            &INOTIFY,
            call,
            Some(Errno::EMFILE),
            "this user has fs.inotify.max_user_instances instances already (or this process RLIMIT_NOFILE descriptors)",
            Fix::Do("as root: sysctl fs.inotify.max_user_instances=1024".to_owned()),
        )),
        other => answer(other, &INOTIFY, call, &Asks::features(&[Feature::built_in("INOTIFY_USER")])),
    }
}

fn probe_fanotify() -> Readiness {
    let asks =
        Asks { features: &[Feature::built_in("FANOTIFY")], capabilities: &[capability::SYS_ADMIN], gates: &[] };
    let made = Fanotify::init(InitFlags::FAN_CLASS_NOTIF | InitFlags::FAN_CLOEXEC, EventFFlags::O_RDONLY);
    answer(made, &FANOTIFY, "fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC, O_RDONLY)", &asks)
}
