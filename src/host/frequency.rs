//! How fast the processors may run: governor, range, turbo (/sys/devices/system/cpu/cpu*/cpufreq).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::root::Root;

const CPUS: &str = "sys/devices/system/cpu";

/// What decides the clock frequency. All absent in most virtual machines: the host decides there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Frequency {
    /// The scaling governors in use, most often one ("performance").
    pub governors: Vec<String>,
    /// The scaling driver ("intel_pstate").
    pub driver: Option<String>,
    /// The lowest frequency allowed now, in kHz.
    pub min_khz: Option<u64>,
    /// The highest frequency allowed now, in kHz.
    pub max_khz: Option<u64>,
    /// Whether turbo (boost) is allowed.
    pub turbo: Option<bool>,
}

/// Reads it.
pub fn read(root: &Root) -> Frequency {
    let policies: Vec<String> = policies(root);
    let all = |file: &str| policies.iter().filter_map(|p| root.line(format!("{p}/{file}"))).collect::<Vec<_>>();
    let khz = |file: &str| all(file).iter().filter_map(|t| t.parse::<u64>().ok()).collect::<Vec<_>>();
    let mut governors = all("scaling_governor");
    governors.sort();
    governors.dedup();
    Frequency {
        governors,
        driver: all("scaling_driver").into_iter().next(),
        min_khz: khz("scaling_min_freq").into_iter().min(),
        max_khz: khz("scaling_max_freq").into_iter().max(),
        turbo: turbo(root),
    }
}

/// The cpufreq policies, a directory each.
pub fn policies(root: &Root) -> Vec<String> {
    let base = format!("{CPUS}/cpufreq");
    root.names(&base).into_iter().filter(|n| n.starts_with("policy")).map(|n| format!("{base}/{n}")).collect()
}

fn turbo(root: &Root) -> Option<bool> {
    let disabled = root.number::<u8>(format!("{CPUS}/intel_pstate/no_turbo")).map(|n| n == 0);
    disabled.or_else(|| root.number::<u8>(format!("{CPUS}/cpufreq/boost")).map(|n| n == 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn governors_and_range_over_all_policies() {
        let dir = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = dir.path().join(CPUS).join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        for (policy, governor, max) in
            [(0, "powersave", "4700000"), (1, "performance", "3500000"), (2, "powersave", "x")]
        {
            put(&format!("cpufreq/policy{policy}/scaling_governor"), governor);
            put(&format!("cpufreq/policy{policy}/scaling_max_freq"), max);
            put(&format!("cpufreq/policy{policy}/scaling_driver"), "intel_pstate\n");
        }
        put("intel_pstate/no_turbo", "1\n");
        let f = read(&Root::at(dir.path()));
        assert_eq!(f.governors, ["performance", "powersave"]);
        assert_eq!((f.min_khz, f.max_khz, f.turbo), (None, Some(4_700_000), Some(false)));
        assert_eq!(read(&Root::at("/nonexistent")), Frequency::default());
    }
}
