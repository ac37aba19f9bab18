//! Files of /proc and /sys that are kept open and read again and again.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// A file that is read from its start each time, as cheaply as that can be.
pub struct Gauge {
    file: File,
    buffer: Vec<u8>,
}

impl Gauge {
    /// Opens it; None where that cannot be.
    pub fn open(path: impl AsRef<Path>) -> Option<Gauge> {
        Some(Gauge { file: File::open(path).ok()?, buffer: vec![0; 256] })
    }

    /// What the file says now; None where it cannot be read (its processor went offline). Longer than a mebibyte is cut.
    pub fn text(&mut self) -> Option<&str> {
        const MOST: usize = 1 << 20;
        let mut length = 0;
        loop {
            match self.file.read_at(&mut self.buffer[length..], length as u64) {
                Ok(0) => break,
                Ok(n) => length += n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
            if length < self.buffer.len() {
                // A short read is the end of such a file: saves a second read.
                break;
            }
            if length >= MOST {
                break;
            }
            self.buffer.resize(2 * self.buffer.len(), 0);
        }
        std::str::from_utf8(&self.buffer[..length]).ok()
    }
}

/// Spends at most a two-hundredth of the time on something that may be dear (on a machine with 256 processors /proc/stat
/// takes a millisecond).
#[derive(Default)]
pub struct Pace {
    due: Option<Instant>,
}

impl Pace {
    /// Does `work` if it is due.
    pub fn run<T>(&mut self, work: impl FnOnce() -> T) -> Option<T> {
        let begun = Instant::now();
        if self.due.is_some_and(|due| begun < due) {
            return None;
        }
        let result = work();
        let cost = begun.elapsed().max(Duration::from_micros(1));
        self.due = Some(begun + 200 * cost);
        Some(result)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gauge_follows_its_file_whatever_its_length() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gauge");
        let mut gauge = None;
        for length in [3, 256, 257, 5000, 1] {
            let text = "x".repeat(length);
            std::fs::write(&path, &text).unwrap();
            assert_eq!(gauge.get_or_insert_with(|| Gauge::open(&path).unwrap()).text(), Some(text.as_str()));
        }
        assert!(Gauge::open(dir.path().join("absent")).is_none());
        assert!(Gauge::open("/proc/stat").unwrap().text().unwrap().contains("procs_running"));
    }

    #[test]
    fn what_is_dear_is_not_done_again_at_once() {
        let mut pace = Pace::default();
        let dear = || std::thread::sleep(Duration::from_millis(20));
        assert!(pace.run(dear).is_some());
        assert!(pace.run(dear).is_none(), "four seconds have not passed");
    }
}
