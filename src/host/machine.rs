//! What the kernel runs on: bare hardware, a virtual machine, or an emulator whose times mean nothing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cpu::{fields, model};
use super::root::Root;

/// What kind of machine this is, as far as it shows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Machine {
    /// True where a hypervisor shows itself; false is "none seen", not "none".
    pub is_virtual: bool,
    /// True where the processor is emulated in software: times say nothing about hardware.
    pub emulated: bool,
    /// What runs the virtual machine ("KVM", "QEMU TCG", "VMware").
    pub hypervisor: Option<String>,
    /// The maker by DMI or device tree ("Dell Inc.", "QEMU", "Amazon EC2").
    pub vendor: Option<String>,
    /// The product by DMI or device tree.
    pub product: Option<String>,
}

/// Reads it; `signature` is the hypervisor's own, from CPUID ([`crate::sys::cpuid`]).
pub fn read(root: &Root, signature: Option<&str>) -> Machine {
    let dmi = |file: &str| root.line(format!("sys/class/dmi/id/{file}"));
    let vendor = dmi("sys_vendor");
    let product = dmi("product_name").or_else(|| root.line("proc/device-tree/model"));
    let by_kernel = root.line("sys/hypervisor/type").map(|t| if t == "xen" { "Xen".to_owned() } else { t });
    let by_tree = root.line("proc/device-tree/hypervisor/compatible");
    let info = root.text("proc/cpuinfo").unwrap_or_default();
    classify(&info, signature, by_kernel.or(by_tree), vendor, product)
}

/// Judges the evidence; pure.
fn classify(
    cpuinfo: &str,
    signature: Option<&str>,
    told: Option<String>,
    vendor: Option<String>,
    product: Option<String>,
) -> Machine {
    let flag = fields(cpuinfo, "flags").next().is_some_and(|f| f.split(' ').any(|w| w == "hypervisor"));
    let named = signature.map(|s| hypervisor(s).map_or_else(|| s.trim().to_owned(), str::to_owned));
    // The maker of a cloud's bare-metal machines is the same; their products are named "c5.metal".
    let metal = product.as_deref().is_some_and(|p| p.contains(".metal"));
    let by_dmi = [&vendor, &product].into_iter().flatten().find_map(|n| dmi_hypervisor(n)).filter(|_| !metal);
    let emulated = is_emulated(cpuinfo, signature);
    let hypervisor = match emulated {
        true => Some("QEMU TCG".to_owned()),
        false => named.filter(|n| !n.is_empty()).or(told).or(by_dmi.map(str::to_owned)),
    };
    Machine { is_virtual: flag || emulated || hypervisor.is_some(), emulated, hypervisor, vendor, product }
}

/// QEMU's TCG names itself in CPUID and in the models it makes up; on arm64 it uses implementer 0, which is
/// reserved for software.
fn is_emulated(cpuinfo: &str, signature: Option<&str>) -> bool {
    match signature {
        Some("TCGTCGTCGTCG") => return true,
        // KVM can show QEMU's model names too; its signature is the stronger word.
        Some(s) if hypervisor(s).is_some() => return false,
        _ => {}
    }
    let by_model = model(cpuinfo).is_some_and(|m| m.contains("QEMU TCG") || m.starts_with("QEMU Virtual CPU"));
    by_model || fields(cpuinfo, "CPU implementer").next().is_some_and(|i| matches!(i, "0x00" | "0x0"))
}

/// The hypervisors' CPUID signatures, as systemd-detect-virt(1) and virt-what know them.
fn hypervisor(signature: &str) -> Option<&'static str> {
    Some(match signature.trim_matches(['\0', ' ']) {
        "KVMKVMKVM" | "Linux KVM Hv" => "KVM",
        "TCGTCGTCGTCG" => "QEMU TCG",
        "Microsoft Hv" => "Hyper-V",
        "VMwareVMware" => "VMware",
        "XenVMMXenVMM" => "Xen",
        "bhyve bhyve" => "bhyve",
        "ACRNACRNACRN" => "ACRN",
        "VBoxVBoxVBox" => "VirtualBox",
        "QNXQVMBSQG" => "QNX",
        "lrpepyh vr" | "prl hyperv" => "Parallels",
        "OpenBSDVMM58" => "OpenBSD vmm",
        _ => return None,
    })
}

fn dmi_hypervisor(name: &str) -> Option<&'static str> {
    let known = [
        ("QEMU", "QEMU"),
        ("KVM", "KVM"),
        ("Amazon EC2", "Amazon EC2"),
        ("Google Compute Engine", "Google Compute Engine"),
        ("VMware", "VMware"),
        ("innotek GmbH", "VirtualBox"),
        ("Xen", "Xen"),
        ("Parallels", "Parallels"),
        ("Apple Virtualization", "Apple Virtualization"),
        ("Virtual Machine", "Hyper-V"),
    ];
    known.into_iter().find(|(key, _)| name.starts_with(key)).map(|(_, who)| who)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(cpuinfo: &str, signature: Option<&str>, vendor: &str) -> Machine {
        classify(cpuinfo, signature, None, Some(vendor.to_owned()).filter(|v| !v.is_empty()), None)
    }

    #[test]
    fn bare_hardware_shows_no_hypervisor() {
        let m = judge("model name\t: Intel(R) Core(TM) i7-8550U\nflags\t\t: fpu vme de\n", None, "LENOVO");
        assert_eq!((m.is_virtual, m.emulated, m.hypervisor), (false, false, None));
    }

    #[test]
    fn a_kvm_guest_is_virtual_and_not_emulated() {
        let info = "model name\t: AMD EPYC\nflags\t\t: fpu hypervisor lahf_lm\n";
        let m = judge(info, Some("KVMKVMKVM"), "");
        assert_eq!((m.is_virtual, m.emulated, m.hypervisor.as_deref()), (true, false, Some("KVM")));
        let qemu_model = judge("model name\t: QEMU Virtual CPU version 2.5+\n", Some("KVMKVMKVM"), "QEMU");
        assert!(!qemu_model.emulated, "KVM with QEMU's default model");
    }

    #[test]
    fn tcg_is_emulated_by_signature_or_by_model() {
        for (info, signature) in [
            ("model name\t: AMD EPYC\nflags\t\t: hypervisor\n", Some("TCGTCGTCGTCG")),
            ("model name\t: QEMU TCG CPU version 2.5+\n", None),
            ("model name\t: QEMU Virtual CPU version 2.5+\n", None),
            ("processor\t: 0\nCPU implementer\t: 0x00\nCPU part\t: 0x051\n", None),
        ] {
            let m = judge(info, signature, "QEMU");
            assert_eq!((m.emulated, m.hypervisor.as_deref()), (true, Some("QEMU TCG")), "{info}");
        }
    }

    #[test]
    fn an_unknown_signature_is_shown_as_it_is() {
        assert_eq!(judge("", Some("NewVisorNewV"), "").hypervisor.as_deref(), Some("NewVisorNewV"));
        assert!(judge("flags : hypervisor", None, "").is_virtual);
    }

    #[test]
    fn arm_guests_show_in_dmi() {
        let arm = "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n";
        assert_eq!(judge(arm, None, "QEMU").hypervisor.as_deref(), Some("QEMU"));
        assert_eq!(judge(arm, None, "Amazon EC2").hypervisor.as_deref(), Some("Amazon EC2"));
        assert!(!judge(arm, None, "HPE").is_virtual);
        let metal = classify(arm, None, None, Some("Amazon EC2".into()), Some("c7g.metal".into()));
        assert!(!metal.is_virtual, "a cloud's bare metal");
    }
}
