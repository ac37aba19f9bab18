//! The data of the why pass.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What one operation of one entrant costs the kernel and the processor, from passes that are not timed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Why {
    /// System calls by name, the most frequent first; absent where they could not be counted.
    pub syscalls: Option<Vec<Syscall>>,
    /// Over how many operations they were counted.
    pub operations: u64,
    /// Why there are no system calls.
    pub no_syscalls: Option<String>,
    /// Switches, faults and CPU time, from a pass without tracing.
    pub usage: Usage,
    /// Hardware counts from the same pass; absent where there are none.
    pub pmu: Option<Pmu>,
    /// Why there are no hardware counts, or what they leave out.
    pub no_pmu: Option<String>,
}

/// One system call's share in an operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Syscall {
    /// Its name ("read"), or "syscall_999" where the table has none.
    pub name: String,
    /// Calls per operation.
    pub per_operation: f64,
    /// Of these, calls that failed.
    pub errors_per_operation: f64,
    /// Bytes per successful call, where the call returns a number of bytes (end of file counts as 0 bytes).
    pub mean_bytes: Option<f64>,
    /// Whether every successful call moved the same number of bytes.
    pub even: bool,
}

/// What getrusage(2) counts, per operation: all threads, and children that were waited for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    /// Over how many operations.
    pub operations: u64,
    /// CPU time in user space, in nanoseconds per operation.
    pub user_ns: f64,
    /// CPU time in the kernel, in nanoseconds per operation.
    pub system_ns: f64,
    /// Clock ticks that the whole pass took. Most kernels tell user from system time by sampling at ticks, so that
    /// few ticks make a coarse split; the sum is exact.
    pub ticks: f64,
    /// Switches away because the operation waited, per operation.
    pub voluntary_switches: f64,
    /// Switches away although it could have run on, per operation.
    pub involuntary_switches: f64,
    /// Page faults served without I/O, per operation.
    pub minor_faults: f64,
    /// Page faults that waited for I/O, per operation.
    pub major_faults: f64,
    /// Moves from one CPU to another, per operation (perf_event_open(2)); absent where that is refused.
    pub cpu_migrations: Option<f64>,
}

/// What the performance monitoring unit counted, per operation (perf_event_open(2)).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Pmu {
    /// True where the kernel's part is not in the counts (perf_event_paranoid is 2).
    pub user_only: bool,
    /// Processor cycles.
    pub cycles: Option<f64>,
    /// Instructions retired.
    pub instructions: Option<f64>,
    /// Mispredicted branches.
    pub branch_misses: Option<f64>,
    /// Misses of the last-level cache.
    pub cache_misses: Option<f64>,
}
