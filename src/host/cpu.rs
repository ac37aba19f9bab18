//! The processors: model, topology and caches, from /proc/cpuinfo and /sys/devices/system/cpu.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::root::{Root, cpu_list};

const CPUS: &str = "sys/devices/system/cpu";

/// The processors of the machine as the kernel shows them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cpu {
    /// The model's name; on arm64 the implementer and part number, where there is no name.
    pub model: Option<String>,
    /// Sockets with processors online.
    pub packages: Option<usize>,
    /// Cores online.
    pub cores: Option<usize>,
    /// Hardware threads online.
    pub threads: Option<usize>,
    /// The state of simultaneous multithreading: "on", "off", "forceoff", "notsupported", "notimplemented".
    pub smt: Option<String>,
    /// The caches that the first processor sees.
    pub caches: Vec<Cache>,
}

/// One cache.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cache {
    /// 1, 2, 3, ...
    pub level: u32,
    /// "Data", "Instruction" or "Unified".
    pub kind: String,
    /// Size in bytes.
    pub bytes: u64,
    /// How many hardware threads share it.
    pub shared_by: Option<usize>,
}

/// Reads the processors.
pub fn read(root: &Root) -> Cpu {
    let info = root.text("proc/cpuinfo").unwrap_or_default();
    let online = root.line(format!("{CPUS}/online")).map(|l| cpu_list(&l)).unwrap_or_default();
    let topology = |cpu: &usize, file: &str| root.number::<i64>(format!("{CPUS}/cpu{cpu}/topology/{file}"));
    let packages: BTreeSet<i64> = online.iter().filter_map(|c| topology(c, "physical_package_id")).collect();
    // Die ids matter: core ids repeat on each die of some processors.
    let core = |c: &usize| {
        Some((topology(c, "physical_package_id")?, topology(c, "die_id").unwrap_or(0), topology(c, "core_id")?))
    };
    let cores: BTreeSet<(i64, i64, i64)> = online.iter().filter_map(core).collect();
    let counted = |n: usize| (n > 0).then_some(n);
    Cpu {
        model: model(&info).or_else(|| root.line("proc/device-tree/model")),
        packages: counted(packages.len()),
        cores: counted(cores.len()),
        threads: counted(online.len()).or_else(|| counted(fields(&info, "processor").count())),
        smt: root.line(format!("{CPUS}/smt/control")),
        caches: caches(root),
    }
}

fn caches(root: &Root) -> Vec<Cache> {
    let all = format!("{CPUS}/cpu0/cache");
    let cache = |index: String| {
        let file = |name: &str| root.line(format!("{all}/{index}/{name}"));
        Some(Cache {
            level: file("level")?.parse().ok()?,
            kind: file("type")?,
            bytes: kibibytes(&file("size")?)?,
            shared_by: file("shared_cpu_list").map(|l| cpu_list(&l).len()),
        })
    };
    root.names(&all).into_iter().filter(|n| n.starts_with("index")).filter_map(cache).collect()
}

/// "32K" as sysfs writes cache sizes; also "1M".
fn kibibytes(text: &str) -> Option<u64> {
    crate::units::parse_bytes(text).ok()
}

/// The values of a key in the form of /proc/cpuinfo ("key\t: value").
pub fn fields<'a>(info: &'a str, key: &'a str) -> impl Iterator<Item = &'a str> {
    let pairs = info.lines().filter_map(|line| line.split_once(':'));
    pairs.filter(move |(k, _)| k.trim() == key).map(|(_, v)| v.trim())
}

/// The model's name in /proc/cpuinfo: x86 "model name", POWER "cpu", RISC-V "uarch", arm64 implementer and part.
pub fn model(info: &str) -> Option<String> {
    let named = ["model name", "cpu", "cpu model", "uarch", "Model"].iter().find_map(|k| fields(info, k).next());
    if let Some(name) = named.filter(|n| !n.is_empty()) {
        return Some(name.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    let (maker, part) = (fields(info, "CPU implementer").next()?, fields(info, "CPU part").next()?);
    Some(arm_model(maker, part).map_or_else(|| format!("arm64 implementer {maker} part {part}"), str::to_owned))
}

/// The server and board parts one meets most; others are shown by number (lscpu's `lscpu-arm.c` has them all).
fn arm_model(maker: &str, part: &str) -> Option<&'static str> {
    Some(match (maker, part) {
        ("0x41", "0xd03") => "ARM Cortex-A53",
        ("0x41", "0xd08") => "ARM Cortex-A72",
        ("0x41", "0xd0b") => "ARM Cortex-A76",
        ("0x41", "0xd0c") => "ARM Neoverse-N1",
        ("0x41", "0xd40") => "ARM Neoverse-V1",
        ("0x41", "0xd49") => "ARM Neoverse-N2",
        ("0x41", "0xd4f") => "ARM Neoverse-V2",
        ("0xc0", "0xac3") => "Ampere-1",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const X86: &str = "processor\t: 0\nvendor_id\t: GenuineIntel\nmodel\t\t: 85\nmodel name\t: Intel(R) Xeon(R)   \
                       Platinum 8175M CPU @ 2.50GHz\nflags\t\t: fpu vme hypervisor\n\nprocessor\t: 1\n";
    const GRAVITON: &str = "processor\t: 0\nBogoMIPS\t: 243.75\nFeatures\t: fp asimd evtstrm\nCPU implementer\t: 0x41\n\
                            CPU architecture: 8\nCPU variant\t: 0x3\nCPU part\t: 0xd0c\nCPU revision\t: 1\n";
    const PI: &str = "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0b\n\nRevision\t: d04170\n\
                      Model\t\t: Raspberry Pi 5 Model B Rev 1.0\n";
    const POWER: &str = "processor\t: 0\ncpu\t\t: POWER9, altivec supported\nclock\t\t: 2166.000000MHz\n";

    #[test]
    fn models_of_several_machines() {
        assert_eq!(model(X86).unwrap(), "Intel(R) Xeon(R) Platinum 8175M CPU @ 2.50GHz");
        assert_eq!(model(GRAVITON).unwrap(), "ARM Neoverse-N1");
        assert_eq!(model(&GRAVITON.replace("0xd0c", "0xfff")).unwrap(), "arm64 implementer 0x41 part 0xfff");
        assert_eq!(model(PI).unwrap(), "Raspberry Pi 5 Model B Rev 1.0");
        assert_eq!(model(POWER).unwrap(), "POWER9, altivec supported");
        assert_eq!(model(""), None);
        assert_eq!(model("no colon\n: :\n::"), None);
    }

    #[test]
    fn topology_and_caches_of_a_two_socket_machine() {
        let dir = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        put("proc/cpuinfo", X86);
        put(&format!("{CPUS}/online"), "0-7\n");
        put(&format!("{CPUS}/smt/control"), "on\n");
        for cpu in 0..8 {
            put(&format!("{CPUS}/cpu{cpu}/topology/physical_package_id"), &format!("{}\n", cpu / 4));
            put(&format!("{CPUS}/cpu{cpu}/topology/core_id"), &format!("{}\n", cpu % 2));
        }
        put(&format!("{CPUS}/cpu0/cache/index0/level"), "1\n");
        put(&format!("{CPUS}/cpu0/cache/index0/type"), "Data\n");
        put(&format!("{CPUS}/cpu0/cache/index0/size"), "32K\n");
        put(&format!("{CPUS}/cpu0/cache/index0/shared_cpu_list"), "0,2\n");
        put(&format!("{CPUS}/cpu0/cache/index1/level"), "not a number\n");
        let cpu = read(&Root::at(dir.path()));
        assert_eq!((cpu.packages, cpu.cores, cpu.threads), (Some(2), Some(4), Some(8)));
        assert_eq!(cpu.smt.as_deref(), Some("on"));
        assert_eq!(
            cpu.caches,
            [Cache { level: 1, kind: "Data".into(), bytes: 32768, shared_by: Some(2) }],
            "a cache that does not parse is left out"
        );
    }
}
