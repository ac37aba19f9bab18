//! Operations with known system calls, as tracks that a why pass can run.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::signal::Signal;
use syskit::error::{Error, Result};
use syskit::race::{Track, Work};

type Run = Box<dyn FnMut() -> Result<Work>>;

/// A track of one entrant that is a closure; `verify` holds the claimed bytes against `bytes` per operation.
pub struct Fake {
    run: Run,
    bytes: u64,
}

impl Track for Fake {
    fn enter(&mut self, _: usize) -> Result<()> {
        Ok(())
    }
    fn reset(&mut self, _: u64) -> Result<()> {
        // Calls outside the markers, which must not be counted.
        for _ in 0..10 {
            nix::unistd::getpgrp();
        }
        Ok(())
    }
    fn run(&mut self, _: usize, operations: u64) -> Result<Work> {
        (0..operations).try_fold(Work::default(), |sum, _| Ok(Work { bytes: sum.bytes + (self.run)()?.bytes }))
    }
    fn verify(&mut self, _: usize, operations: u64, done: Work) -> Result<()> {
        nix::unistd::getpgrp();
        match done.bytes == self.bytes * operations {
            true => Ok(()),
            false => Err(Error::wrong(format!("{} bytes, not {}", done.bytes, self.bytes * operations))),
        }
    }
}

/// The fake of this name.
pub fn make(name: &str) -> Fake {
    let (bytes, run): (u64, Run) = match name {
        "files" => (4096, files()),
        "threads" => (0, Box::new(threads)),
        "server" => (64, server()),
        "helper" => (64, helper()),
        "forks" => (0, Box::new(forks)),
        "signals" => (0, signals()),
        "parallelism" => (0, parallelism()),
        "many" => (0, Box::new(many)),
        "very-many" => (0, Box::new(|| (0..10).try_fold(Work::default(), |_, _| many()))),
        "wrong" => (1, Box::new(|| Ok(Work::default()))),
        "wrong-when-traced" => (1, Box::new(|| Ok(Work { bytes: u64::from(!traced()) }))),
        "dies" => (0, Box::new(|| std::process::abort())),
        "dies-when-traced" => (0, Box::new(|| if traced() { std::process::abort() } else { Ok(Work::default()) })),
        "hangs" => (0, Box::new(|| hang())),
        "hangs-when-traced" => (0, Box::new(|| if traced() { hang() } else { Ok(Work::default()) })),
        "hangs-with-a-child" => (0, Box::new(hang_with_a_child)),
        other => panic!("no fake '{other}'"),
    };
    Fake { run, bytes }
}

fn failed(e: impl std::fmt::Display) -> Error {
    Error::failed(e.to_string())
}

fn traced() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    !status.contains("TracerPid:\t0\n")
}

/// lseek, read 4096, read to the end of file, write 4096.
fn files() -> Run {
    let mut input = File::from(memfd_create(c"input", MFdFlags::MFD_CLOEXEC).unwrap());
    input.write_all(&[7; 4096]).unwrap();
    let mut output = File::options().write(true).open("/dev/null").unwrap();
    let mut buffer = [0; 8192];
    Box::new(move || {
        input.seek(SeekFrom::Start(0)).map_err(failed)?;
        let mut bytes = 0;
        loop {
            match input.read(&mut buffer).map_err(failed)? {
                0 => return Ok(Work { bytes }),
                n => bytes += output.write(&buffer[..n]).map_err(failed)? as u64,
            }
        }
    })
}

/// Two new threads, each of which asks for its parent three times.
fn threads() -> Result<Work> {
    let ask = || {
        (0..3).for_each(|_| {
            nix::unistd::getppid();
        })
    };
    std::thread::scope(|s| {
        s.spawn(ask);
        s.spawn(ask);
    });
    Ok(Work::default())
}

/// 64 bytes to a thread that was there before, and back.
fn server() -> Run {
    let (mut ours, mut theirs) = UnixStream::pair().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 64];
        while theirs.read_exact(&mut buffer).is_ok() && theirs.write_all(&buffer).is_ok() {}
    });
    Box::new(move || round_trip(&mut ours.try_clone().map_err(failed)?, &mut ours))
}

/// 64 bytes to a process that was there before, and back.
fn helper() -> Run {
    struct Cat(Child, ChildStdin, ChildStdout);
    impl Drop for Cat {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
    let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (to, from) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut cat = Cat(child, to, from);
    Box::new(move || {
        let Cat(_, to, from) = &mut cat;
        round_trip(to, from)
    })
}

fn round_trip(to: &mut impl Write, from: &mut impl Read) -> Result<Work> {
    let mut back = [0; 64];
    to.write_all(&[3; 64]).map_err(failed)?;
    from.read_exact(&mut back).map_err(failed)?;
    Ok(Work { bytes: back.iter().filter(|b| **b == 3).count() as u64 })
}

/// A new process that is waited for.
fn forks() -> Result<Work> {
    let status = Command::new("true").status().map_err(failed)?;
    if status.success() { Ok(Work::default()) } else { Err(failed("true failed")) }
}

/// A signal to itself, with a handler.
fn signals() -> Run {
    signal_hook::flag::register(signal_hook::consts::SIGUSR1, Arc::default()).unwrap();
    Box::new(|| {
        nix::sys::signal::raise(Signal::SIGUSR1).map_err(failed)?;
        Ok(Work::default())
    })
}

/// Fails if fewer CPUs show while traced than did before.
fn parallelism() -> Run {
    let before = std::thread::available_parallelism().unwrap();
    Box::new(move || match std::thread::available_parallelism().unwrap() {
        now if now == before => Ok(Work::default()),
        now => Err(failed(format!("{now} CPUs show, not {before}"))),
    })
}

/// Two thousand cheap calls.
fn many() -> Result<Work> {
    (0..2000).for_each(|_| {
        nix::unistd::getppid();
    });
    Ok(Work::default())
}

fn hang() -> ! {
    loop {
        std::thread::sleep(std::time::Duration::from_secs(1000));
    }
}

fn hang_with_a_child() -> Result<Work> {
    let mut child = Command::new("sleep").arg("1000").spawn().map_err(failed)?;
    std::fs::write(std::env::var("FAKE_PID_FILE").map_err(failed)?, child.id().to_string()).map_err(failed)?;
    child.wait().map_err(failed)?;
    Ok(Work::default())
}
