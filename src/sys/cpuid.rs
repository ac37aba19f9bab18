//! The hypervisor's signature by the CPUID instruction (x86 only; there is no such thing elsewhere).
//!
//! Leaf 0x4000_0000 is answered by the hypervisor itself: <https://docs.kernel.org/virt/kvm/x86/cpuid.html>.
#![allow(unsafe_code)]

/// The twelve characters with which the hypervisor signs ("KVMKVMKVM", "TCGTCGTCGTCG"), trailing NULs cut;
/// None where the processor says that it runs under none, and on other architectures.
#[cfg(target_arch = "x86_64")]
#[allow(unused_unsafe)] // Safe to call since Rust 1.92 or so, unsafe before.
pub fn hypervisor_signature() -> Option<String> {
    use std::arch::x86_64::__cpuid;
    const HYPERVISOR_PRESENT: u32 = 1 << 31;
    // SAFETY: every x86_64 processor has CPUID with leaf 1.
    if unsafe { __cpuid(1) }.ecx & HYPERVISOR_PRESENT == 0 {
        return None;
    }
    // SAFETY: as above; the leaf is defined where the bit just tested is set.
    let leaf = unsafe { __cpuid(0x4000_0000) };
    let bytes: Vec<u8> = [leaf.ebx, leaf.ecx, leaf.edx].into_iter().flat_map(u32::to_le_bytes).collect();
    let text = String::from_utf8_lossy(&bytes).trim_end_matches(['\0', ' ']).to_owned();
    Some(text).filter(|t| !t.is_empty() && t.chars().all(|c| !c.is_control()))
}

/// See the x86_64 form.
#[cfg(not(target_arch = "x86_64"))]
pub fn hypervisor_signature() -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_signature_agrees_with_the_kernels_hypervisor_flag() {
        let info = std::fs::read_to_string("/proc/cpuinfo").unwrap();
        let flags = crate::host::cpu::fields(&info, "flags").next().unwrap_or_default();
        if cfg!(target_arch = "x86_64") && !flags.contains("hypervisor") {
            assert_eq!(super::hypervisor_signature(), None);
        }
    }
}
