//! The only home of `unsafe`: one kernel interface per file, where nix has no safe call.
//!
//! Wrappers take `AsFd`, return owned values, say what they do about EINTR and short transfers, hold no policy,
//! and link the man page. A file that needs `unsafe` says `#![allow(unsafe_code)]` at its top.

pub mod af_alg;
pub mod bpf;
pub mod bpf_probe;
pub mod bpf_ring;
pub mod capability;
pub mod cgroup_guard;
pub mod cgroup_spawn;
pub mod child;
pub mod clone_file;
pub mod cpuid;
pub mod descriptor;
pub mod eintr;
pub mod ethtool;
pub mod evp_cipher;
pub mod evp_digest;
pub mod evp_mac;
pub mod guard_page;
pub mod inherit;
pub mod io_uring;
pub mod keyring;
pub mod kvm;
pub mod local_time;
pub mod mincore;
pub mod mmap;
pub mod packet_batch;
pub mod packet_fanout;
pub mod packet_ring;
pub mod packet_send;
pub mod packet_socket;
pub mod packet_uring;
pub mod perf_event;
pub mod ptrace;
pub mod publish;
pub mod random;
pub mod seccomp;
pub mod secret;
pub mod socket;
pub mod socket_drops;
pub mod socket_filter;
pub mod socket_ring;
pub mod strftime;
pub mod tmpfile;
pub mod userfault;
pub mod xdp_program;
pub mod xdp_ring;
pub mod xdp_socket;
