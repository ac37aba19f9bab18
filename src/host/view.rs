//! The fingerprint as two or three lines of text.

use super::Host;
use super::machine::Machine;
use crate::units::bytes;

/// System; processors and memory; what bends a measurement.
pub fn lines(host: &Host) -> Vec<String> {
    let mut lines = vec![system(host), processors(host)];
    lines.extend(Some(conditions(host)).filter(|l| !l.is_empty()));
    lines
}

/// What a number from this machine must not be taken for.
pub fn label(machine: &Machine) -> Option<String> {
    let by = machine.hypervisor.as_deref();
    match machine {
        m if m.emulated => Some(format!("EMULATED: times say nothing about hardware ({})", by.unwrap_or("emulator"))),
        m if m.is_virtual => Some(format!("virtual machine ({})", by.unwrap_or("unknown hypervisor"))),
        _ => None,
    }
}

fn system(host: &Host) -> String {
    let kernel = &host.kernel;
    let release = kernel.release.as_deref().unwrap_or("of unknown release");
    let mut parts = vec![format!("Linux {release} {}", kernel.arch.as_deref().unwrap_or("")).trim_end().to_owned()];
    parts.extend(host.distribution.clone());
    parts.extend(label(&host.machine));
    parts.push(format!("syskit {}", host.syskit));
    parts.join(", ")
}

fn processors(host: &Host) -> String {
    let cpu = &host.cpu;
    let mut parts = vec![cpu.model.clone().unwrap_or_else(|| "processor of unknown model".to_owned())];
    parts.extend(match (cpu.packages, cpu.cores, cpu.threads) {
        (Some(p), Some(c), Some(t)) if p > 1 => Some(format!("{p} packages, {c} cores, {t} threads")),
        (_, Some(c), Some(t)) => Some(format!("{} / {}", count(c, "core"), count(t, "thread"))),
        (_, _, Some(t)) => Some(count(t, "thread")),
        _ => None,
    });
    let last = cpu.caches.iter().filter(|c| c.kind != "Instruction").max_by_key(|c| c.level);
    parts.extend(last.map(|c| format!("L{} {}", c.level, bytes(c.bytes))));
    parts.extend(host.memory.total_bytes.map(|b| format!("{:.1} GiB memory", b as f64 / f64::from(1 << 30))));
    parts.extend(host.memory.numa_nodes.filter(|n| *n > 1).map(|n| format!("{n} NUMA nodes")));
    parts.join(", ")
}

fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

fn conditions(host: &Host) -> String {
    let mut parts = Vec::new();
    let frequency = &host.frequency;
    if !frequency.governors.is_empty() {
        parts.push(format!("governor {}", frequency.governors.join("+")));
    }
    if let (Some(min), Some(max)) = (frequency.min_khz, frequency.max_khz) {
        parts.push(format!("{:.1}-{:.1} GHz", min as f64 / 1e6, max as f64 / 1e6));
    }
    parts.extend(frequency.turbo.map(|on| format!("turbo {}", if on { "on" } else { "off" })));
    parts.extend(host.cpu.smt.as_deref().filter(|s| !s.starts_with("not")).map(|s| format!("SMT {s}")));
    parts.extend(host.clocksource.as_ref().map(|c| format!("clocksource {c}")));
    parts.extend(vulnerabilities(host));
    parts.extend(host.memory.transparent_hugepages.as_ref().map(|t| format!("huge pages {t}")));
    parts.extend(host.cgroup.cpu_quota.map(|q| format!("CPU quota {q:.2}")));
    parts
        .extend(host.cgroup.cpus_allowed.as_ref().filter(|_| confined(host)).map(|c| format!("confined to CPU {c}")));
    parts.join(", ")
}

fn confined(host: &Host) -> bool {
    let allowed = host.cgroup.cpus_allowed.as_deref().map(|l| super::root::cpu_list(l).len());
    matches!((allowed, host.cpu.threads), (Some(a), Some(t)) if a < t)
}

fn vulnerabilities(host: &Host) -> Option<String> {
    let count = |word: &str| host.vulnerabilities.values().filter(|s| s.starts_with(word)).count();
    let (mitigated, vulnerable) = (count("Mitigation"), count("Vulnerable"));
    match (host.vulnerabilities.is_empty(), mitigated + vulnerable) {
        (true, _) => None,
        (_, 0) => Some("no CPU vulnerability known".to_owned()),
        _ => Some(format!("CPU vulnerabilities: {mitigated} mitigated, {vulnerable} open")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{cgroup::Cgroup, cpu::Cpu, os::Kernel};

    fn laptop() -> Host {
        Host {
            syskit: "0.1.0".into(),
            kernel: Kernel { release: Some("6.12.43".into()), version: None, arch: Some("x86_64".into()) },
            distribution: Some("Debian GNU/Linux 13 (trixie)".into()),
            cpu: Cpu { model: Some("A CPU".into()), cores: Some(4), threads: Some(8), ..Cpu::default() },
            cgroup: Cgroup { cpus_allowed: Some("0-3".into()), ..Cgroup::default() },
            clocksource: Some("tsc".into()),
            vulnerabilities: [("a", "Mitigation: PTI"), ("b", "Not affected"), ("c", "Vulnerable: no microcode")]
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .into(),
            ..Host::default()
        }
    }

    #[test]
    fn a_laptop_in_three_lines() {
        assert_eq!(
            lines(&laptop()),
            [
                "Linux 6.12.43 x86_64, Debian GNU/Linux 13 (trixie), syskit 0.1.0",
                "A CPU, 4 cores / 8 threads",
                "clocksource tsc, CPU vulnerabilities: 1 mitigated, 1 open, confined to CPU 0-3",
            ]
        );
    }

    #[test]
    fn emulation_is_said_loudly() {
        let mut host = laptop();
        host.machine =
            Machine { is_virtual: true, emulated: true, hypervisor: Some("QEMU TCG".into()), ..Machine::default() };
        assert!(lines(&host)[0].contains("EMULATED: times say nothing about hardware (QEMU TCG)"));
        host.machine.emulated = false;
        assert_eq!(host.label().unwrap(), "virtual machine (QEMU TCG)");
    }
}
