//! Virtualisation with the processor's help: the kernel's [KVM API](https://docs.kernel.org/virt/kvm/api.html).

use std::fs::{self, OpenOptions};

use nix::errno::Errno;

use super::diagnose::{Asks, answer};
use super::feature::Feature;
use super::{Finding, Fix, Need, Readiness};
use crate::sys::kvm;

/// /dev/kvm, on a processor that has what it takes.
pub static KVM: Need =
    Need { id: "kvm", title: "KVM", serves: "the lab at nearly full speed; without it the lab is emulated", probe };

fn probe() -> Readiness {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    if cfg!(any(target_arch = "x86", target_arch = "x86_64")) && !has_virtualization(&cpuinfo) {
        return Readiness::Missing(Finding::new(
            &KVM,
            "read(\"/proc/cpuinfo\")",
            None,
            "the processor shows neither vmx nor svm: it is virtual itself without nesting, or firmware switched it off",
            Fix::CannotBeEnabledHere(
                "only the hypervisor or the firmware setup can give it; the lab works without, emulated".to_owned(),
            ),
        ));
    }
    let device = OpenOptions::new().read(true).write(true).open("/dev/kvm");
    let device = device.map_err(|e| e.raw_os_error().map_or(Errno::EIO, Errno::from_raw));
    match device {
        Err(errno @ (Errno::EACCES | Errno::EPERM)) => Readiness::Missing(Finding::new(
            &KVM,
            "open(\"/dev/kvm\", O_RDWR)",
            Some(errno),
            "this user may not open /dev/kvm",
            Fix::Do("sudo adduser \"$USER\" kvm, then log in again".to_owned()),
        )),
        Err(errno) => answer(Err::<(), _>(errno), &KVM, "open(\"/dev/kvm\", O_RDWR)", &ASKS),
        Ok(device) => answer(kvm::api_version(device), &KVM, "ioctl(KVM_GET_API_VERSION)", &ASKS),
    }
}

const ASKS: Asks = Asks::features(&[Feature { option: "KVM", module: "kvm", by_alias: true, initcall: "" }]);

fn has_virtualization(cpuinfo: &str) -> bool {
    let flags = cpuinfo.lines().filter(|l| l.starts_with("flags"));
    flags.flat_map(str::split_whitespace).any(|flag| flag == "vmx" || flag == "svm")
}
