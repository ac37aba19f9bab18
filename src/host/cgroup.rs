//! What control groups allow this process: CPU quota and CPU set, in both versions (cgroups(7)).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::root::Root;

/// The CPU limits of this process.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cgroup {
    /// CPUs' worth of time allowed (1.5 = 150 ms in each 100 ms), the least over all ancestors; absent: no quota.
    pub cpu_quota: Option<f64>,
    /// The CPU set, as a list ("0-3").
    pub cpuset: Option<String>,
    /// The CPUs this process may run on now, by set and by affinity ("0-3").
    pub cpus_allowed: Option<String>,
}

/// Where the group of one controller shows below the root, from itself up to the mount.
struct Group {
    directories: Vec<String>,
    unified: bool,
}

/// Reads it.
pub fn read(root: &Root) -> Cgroup {
    let status = root.text("proc/self/status").unwrap_or_default();
    let quota = group(root, "cpu").and_then(|g| quota(root, &g));
    let set = |g: Group| {
        let file = if g.unified { "cpuset.cpus.effective" } else { "cpuset.effective_cpus" };
        g.directories.iter().find_map(|d| root.line(format!("{d}/{file}")))
    };
    Cgroup {
        cpu_quota: quota,
        cpuset: group(root, "cpuset").and_then(set),
        cpus_allowed: super::cpu::fields(&status, "Cpus_allowed_list").next().map(str::to_owned),
    }
}

/// The path of the file that counts throttled periods, where a quota is set.
pub fn throttle_file(root: &Root) -> Option<String> {
    let group = group(root, "cpu")?;
    quota(root, &group)?;
    let mut stats = group.directories.iter().map(|d| format!("{d}/cpu.stat"));
    stats.find(|f| root.text(f).is_some_and(|t| throttled(&t).is_some()))
}

/// How many periods were cut short, and how many there were: `nr_throttled` and `nr_periods` of cpu.stat.
pub fn throttled(stat: &str) -> Option<(u64, u64)> {
    let value = |key: &str| {
        let number = |line: &str| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok();
        stat.lines().find_map(number)
    };
    Some((value("nr_throttled")?, value("nr_periods")?))
}

fn quota(root: &Root, group: &Group) -> Option<f64> {
    let of = |directory: &String| match group.unified {
        true => unified_quota(&root.line(format!("{directory}/cpu.max"))?),
        false => {
            let quota: i64 = root.number(format!("{directory}/cpu.cfs_quota_us"))?;
            let period: i64 = root.number(format!("{directory}/cpu.cfs_period_us"))?;
            (quota > 0 && period > 0).then(|| quota as f64 / period as f64)
        }
    };
    group.directories.iter().filter_map(of).min_by(f64::total_cmp)
}

/// "150000 100000" is 1.5; "max 100000" is none.
fn unified_quota(line: &str) -> Option<f64> {
    let (quota, period) = line.split_once(' ')?;
    let (quota, period): (f64, f64) = (quota.parse().ok()?, period.trim().parse().ok()?);
    (quota > 0.0 && period > 0.0).then(|| quota / period)
}

/// Finds the group of `controller`: its own hierarchy (version 1) if there is one, else the unified one.
fn group(root: &Root, controller: &str) -> Option<Group> {
    let (path, unified) = membership(&root.text("proc/self/cgroup")?, controller)?;
    let mounts: &[&str] = match (unified, controller) {
        (true, _) => &["sys/fs/cgroup", "sys/fs/cgroup/unified"],
        (false, "cpu") => &["sys/fs/cgroup/cpu", "sys/fs/cgroup/cpu,cpuacct"],
        (false, _) => &["sys/fs/cgroup/cpuset"],
    };
    let holds = |mount: &&&str| match unified {
        true => root.has(format!("{mount}/cgroup.controllers")),
        false => root.has(format!("{mount}/tasks")),
    };
    let mount = mounts.iter().find(holds)?;
    // In a container the path may be the host's; then the mount itself is the group.
    let mut directories = Vec::new();
    let mut path = path.trim_matches('/');
    while !path.is_empty() {
        directories.push(format!("{mount}/{path}"));
        path = path.rsplit_once('/').map_or("", |(parent, _)| parent);
    }
    directories.push((*mount).to_string());
    Some(Group { directories, unified })
}

/// The path of this process in the hierarchy that holds `controller` (/proc/self/cgroup), and whether that is
/// the unified one. A path with ".." is outside this namespace's view and is taken as the root.
fn membership(text: &str, controller: &str) -> Option<(String, bool)> {
    let line = |line: &str| {
        let mut parts = line.splitn(3, ':').skip(1);
        Some((parts.next()?.to_owned(), parts.next()?.to_owned()))
    };
    let all: Vec<(String, String)> = text.lines().filter_map(line).collect();
    let own = all.iter().find(|(names, _)| names.split(',').any(|n| n == controller));
    let found = own.map(|(_, path)| (path, false));
    let (path, unified) = found.or_else(|| all.iter().find(|(n, _)| n.is_empty()).map(|(_, path)| (path, true)))?;
    Some((if path.contains("..") { "/".to_owned() } else { path.clone() }, unified))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laid_out(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        dir
    }

    #[test]
    fn memberships_of_both_versions() {
        let v2 = "0::/user.slice/user-1000.slice/session-3.scope\n";
        assert_eq!(membership(v2, "cpu").unwrap(), ("/user.slice/user-1000.slice/session-3.scope".into(), true));
        let v1 = "9:name=systemd:/\n4:memory:/box\n2:cpu,cpuacct:/docker/abc\n0::/\n";
        assert_eq!(membership(v1, "cpu").unwrap(), ("/docker/abc".into(), false));
        assert_eq!(membership(v1, "cpuset").unwrap(), ("/".into(), true));
        assert_eq!(membership("0::/../../other\n", "cpu").unwrap(), ("/".into(), true));
        for none in ["", "x", ":::", "1:"] {
            assert_eq!(membership(none, "cpu").filter(|(_, unified)| !unified), None, "{none}");
        }
    }

    #[test]
    fn the_least_quota_of_the_ancestors_counts() {
        let dir = laid_out(&[
            ("proc/self/cgroup", "0::/a/b\n"),
            ("proc/self/status", "Name:\tx\nCpus_allowed_list:\t0-1\n"),
            ("sys/fs/cgroup/cgroup.controllers", "cpu cpuset\n"),
            ("sys/fs/cgroup/cpuset.cpus.effective", "0-7\n"),
            ("sys/fs/cgroup/a/cpu.max", "150000 100000\n"),
            ("sys/fs/cgroup/a/b/cpu.max", "max 100000\n"),
            ("sys/fs/cgroup/a/b/cpu.stat", "usage_usec 5\nnr_periods 20\nnr_throttled 3\nthrottled_usec 9\n"),
        ]);
        let root = Root::at(dir.path());
        let expected = Cgroup { cpu_quota: Some(1.5), cpuset: Some("0-7".into()), cpus_allowed: Some("0-1".into()) };
        assert_eq!(read(&root), expected);
        let stat = root.text(throttle_file(&root).unwrap()).unwrap();
        assert_eq!(throttled(&stat), Some((3, 20)));
    }

    #[test]
    fn version_1_and_a_path_of_the_host() {
        let dir = laid_out(&[
            ("proc/self/cgroup", "2:cpu,cpuacct:/docker/abc\n"),
            ("sys/fs/cgroup/cpu,cpuacct/tasks", "1\n"),
            ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "50000\n"),
            ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"),
        ]);
        assert_eq!(read(&Root::at(dir.path())).cpu_quota, Some(0.5));
    }

    #[test]
    fn no_quota_is_none() {
        assert_eq!(unified_quota("max 100000"), None);
        assert_eq!(unified_quota("100000 0"), None);
        assert_eq!(throttled("usage_usec 1\n"), None);
        assert_eq!(throttle_file(&Root::at("/nonexistent")), None);
    }
}
