//! Copy with io_uring: several reads and writes are queued and handed over in one call.
//!
//! Every piece is a chain of two: a read into a registered buffer, linked to the write of the same bytes. Eight chains
//! are under way at a time, so a slow disk always has work and one io_uring_enter pays for many pieces.
//!
//! [io_uring(7)](https://man7.org/linux/man-pages/man7/io_uring.7.html). Linux 5.1, registered buffers too. Traps:
//! - a link holds only where the first operation moved *all* it was asked to: a short read (the end of the file, a
//!   signal) cancels its write with ECANCELED, and the piece must be finished by hand.
//! - completions come in any order; what ends a copy early is the lowest end that any chain saw.
//! - a warm read is done on the spot, but a buffered write on ext4 goes to a kernel worker thread: for files in the page
//!   cache it costs more than it saves.
//! - registered buffers count against RLIMIT_MEMLOCK (ENOMEM), and containers often forbid io_uring (EPERM, ENOSYS).

use std::fs::File;
use std::num::NonZeroUsize;

use nix::errno::Errno;

use super::method::{Approach, CopyFile, advance, failed, offsets};
use super::trial::{LENGTH, copy_by, show};
use crate::demo::Demo;
use crate::error::{Error, Kind, Result};
use crate::need;
use crate::race::Contender;
use crate::recipe::Recipe;
use crate::sys::eintr::retry;
use crate::sys::io_uring::{Completion, Piece, Ring};

const CHAINS: usize = 8;
const PIECE: usize = 256 << 10;

struct Uring {
    ring: Ring,
}

/// The copy of one piece: `want` bytes at `at` past the start, of which `have` are in the buffer and `put` are written.
#[derive(Clone, Copy, Default)]
struct Chain {
    at: u64,
    want: usize,
    have: usize,
    put: usize,
    /// Operations of this chain under way.
    open: u8,
}

/// One copy under way.
struct Job<'a> {
    ring: &'a mut Ring,
    src: &'a File,
    dst: &'a File,
    from: (u64, u64),
    /// How far pieces were given out, and where the copy ends: `len`, or where the source turned out to.
    given: u64,
    end: u64,
    chains: [Chain; CHAINS],
    error: Option<Error>,
}

impl CopyFile for Uring {
    fn copy(&mut self, src: &File, dst: &File, len: u64) -> Result<u64> {
        let from = offsets(src, dst)?;
        let (ring, chains) = (&mut self.ring, [Chain::default(); CHAINS]);
        let mut job = Job { ring, src, dst, from, given: 0, end: len, chains, error: None };
        job.run()?;
        advance(src, dst, from, job.end)
    }
}

impl Job<'_> {
    fn run(&mut self) -> Result<()> {
        loop {
            for chain in 0..CHAINS {
                self.go_on(chain).map_err(|e| failed("io_uring: queue", e))?;
            }
            if self.chains.iter().all(|c| c.open == 0) {
                return self.error.take().map_or(Ok(()), Err);
            }
            retry(|| self.ring.submit_and_wait(1)).map_err(|e| failed("io_uring_enter", e))?;
            while let Some(done) = self.ring.completion() {
                self.account(done);
            }
        }
    }

    /// Queues what a chain that rests has still to do, or its next piece.
    fn go_on(&mut self, index: usize) -> nix::Result<()> {
        let chain = &mut self.chains[index];
        if chain.open > 0 || self.error.is_some() {
            return Ok(());
        }
        if chain.put == chain.want {
            let want = self.end.saturating_sub(self.given).min(PIECE as u64) as usize;
            *chain = Chain { at: self.given, want, ..Chain::default() };
            self.given += want as u64;
        }
        let (start, tag) = (index * PIECE, index as u64 * 2);
        if chain.have < chain.want {
            let len = chain.want - chain.have;
            let offset = self.from.0 + chain.at + chain.have as u64;
            self.ring.read(self.src, Piece { at: start + chain.have, len, offset }, true, tag)?;
            chain.open += 1;
        }
        if chain.put < chain.want {
            let offset = self.from.1 + chain.at + chain.put as u64;
            let piece = Piece { at: start + chain.put, len: chain.want - chain.put, offset };
            self.ring.write(self.dst, piece, tag + 1)?;
            chain.open += 1;
        }
        Ok(())
    }

    fn account(&mut self, done: Completion) {
        let chain = &mut self.chains[done.tag as usize / 2];
        let reading = done.tag.is_multiple_of(2);
        chain.open -= 1;
        match done.moved {
            Ok(0) if reading => {
                chain.want = chain.have;
                self.end = self.end.min(chain.at + chain.have as u64);
            }
            Ok(n) if reading => chain.have += n,
            Ok(n) if n > 0 => chain.put += n,
            Ok(_) => self.error = Some(failed("io_uring: write", Errno::EIO)),
            Err(Errno::ECANCELED | Errno::EINTR | Errno::EAGAIN) => {}
            Err(e) => {
                let first = failed(if reading { "io_uring: read" } else { "io_uring: write" }, e);
                self.error.get_or_insert(first);
            }
        }
    }
}

fn ring() -> Result<Ring> {
    let len = NonZeroUsize::new(CHAINS * PIECE).expect("not 0");
    Ring::new(2 * CHAINS as u32, len).map_err(|errno| {
        let error = Error::sys("cannot make a ring with registered buffers", "io_uring_setup", errno);
        match errno {
            Errno::EPERM => error.fix("sysctl kernel.io_uring_disabled=0, and a seccomp filter that allows it"),
            Errno::ENOMEM => {
                Error { kind: Kind::Unavailable, ..error.fix("raise RLIMIT_MEMLOCK (ulimit -l) to 4 MiB") }
            }
            _ => Error { kind: Kind::Unavailable, ..error.fix("needs Linux 5.1 with CONFIG_IO_URING") },
        }
    })
}

/// Linked reads and writes, several at a time.
pub static IO_URING: Contender<Approach> = Contender {
    name: "io_uring",
    title: "io_uring, 8 linked read-write pairs of 256 KiB",
    needs: &[&need::IO_URING],
    approach: &Approach::Files(|| Ok(Box::new(Uring { ring: ring()? }))),
};

/// `syskit run io-uring-copy`.
pub static RECIPE: Recipe = Recipe {
    id: "io-uring-copy",
    title: "Copy a file with io_uring",
    sections: &[],
    needs: &[&need::IO_URING],
    source: include_str!("io_uring.rs"),
    run: demonstrate,
};

fn demonstrate(demo: &mut Demo) -> Result<()> {
    let trial = copy_by(&IO_URING, demo)?;
    // The trap: a read that ends with the file falls short of its piece, and the write linked to it is cancelled.
    let mut ring = ring()?;
    let piece = Piece { at: 0, len: 4096, offset: LENGTH - 3 };
    ring.read(&trial.src, piece, true, 0).map_err(|e| failed("io_uring: queue", e))?;
    ring.write(&trial.dst, piece, 1).map_err(|e| failed("io_uring: queue", e))?;
    retry(|| ring.submit_and_wait(2)).map_err(|e| failed("io_uring_enter", e))?;
    let mut ended: Vec<Completion> = std::iter::from_fn(|| ring.completion()).collect();
    ended.sort_by_key(|c| c.tag);
    for (done, call) in ended.iter().zip(["read(4096 bytes, 3 before the end)", "write linked to it"]) {
        show(demo, call, &done.moved);
    }
    let moved: Vec<_> = ended.iter().map(|c| c.moved).collect();
    demo.check_eq("a short read cancels the write linked to it", vec![Ok(3), Err(Errno::ECANCELED)], moved)
}
