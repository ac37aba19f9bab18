//! Memory, NUMA nodes, transparent huge pages.

use procfs::FromBufRead;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::root::{Root, cpu_list};

/// The memory of the machine.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Memory {
    /// What the kernel manages, in bytes.
    pub total_bytes: Option<u64>,
    /// What can be had without swapping, in bytes, at the time of the record.
    pub available_bytes: Option<u64>,
    /// NUMA nodes online.
    pub numa_nodes: Option<usize>,
    /// When anonymous memory gets huge pages: "always", "madvise" or "never".
    pub transparent_hugepages: Option<String>,
}

/// Reads it.
pub fn read(root: &Root) -> Memory {
    let text = root.text("proc/meminfo");
    let info = text.and_then(|t| procfs::Meminfo::from_buf_read(t.as_bytes()).ok());
    Memory {
        total_bytes: info.as_ref().map(|i| i.mem_total),
        available_bytes: info.as_ref().and_then(|i| i.mem_available),
        numa_nodes: root.line("sys/devices/system/node/online").map(|l| cpu_list(&l).len()).filter(|n| *n > 0),
        transparent_hugepages: root.line("sys/kernel/mm/transparent_hugepage/enabled").and_then(|l| chosen(&l)),
    }
}

/// The bracketed word of `always [madvise] never`.
fn chosen(line: &str) -> Option<String> {
    let (_, rest) = line.split_once('[')?;
    rest.split_once(']').map(|(word, _)| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chosen_word_is_in_brackets() {
        assert_eq!(chosen("always [madvise] never").as_deref(), Some("madvise"));
        assert_eq!(chosen("always madvise"), None);
        assert_eq!(chosen("["), None);
    }

    #[test]
    fn this_machine_has_memory_and_a_foreign_file_is_no_failure() {
        assert!(read(&Root::at("/")).total_bytes.unwrap() > 1 << 20);
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("proc")).unwrap();
        std::fs::write(dir.path().join("proc/meminfo"), "MemTotal: many kB\n").unwrap();
        assert_eq!(read(&Root::at(dir.path())), Memory::default());
    }
}
