//! Where a file has data and where holes, see lseek(2), "Seeking file data and holes" (Linux 3.1).

use std::fs::File;

use nix::errno::Errno;
use nix::unistd::{Whence, lseek};

/// The stretches of data of a file's first `size` bytes, in order.
pub struct Extents<'a> {
    file: &'a File,
    at: u64,
    size: u64,
}

/// A stretch of data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extent {
    /// Where it starts.
    pub start: u64,
    /// Where it ends: there is a hole, or the end of the file.
    pub end: u64,
}

impl<'a> Extents<'a> {
    /// Those of `file`; moves its offset.
    pub fn new(file: &'a File, size: u64) -> Self {
        Extents { file, at: 0, size }
    }
}

impl Iterator for Extents<'_> {
    type Item = nix::Result<Extent>;

    fn next(&mut self) -> Option<Self::Item> {
        let extent = next_extent(self.file, self.at, self.size);
        self.at = match extent {
            Ok(Some(extent)) => extent.end,
            _ => self.size,
        };
        extent.transpose()
    }
}

/// The first stretch of data from `at` on; a file system that knows no holes has one stretch.
pub fn next_extent(file: &File, at: u64, size: u64) -> nix::Result<Option<Extent>> {
    if at >= size {
        return Ok(None);
    }
    let start = match lseek(file, at as i64, Whence::SeekData) {
        Ok(start) => start as u64,
        Err(Errno::ENXIO) => return Ok(None),
        Err(Errno::EINVAL | Errno::EOPNOTSUPP) => return Ok(Some(Extent { start: at, end: size })),
        Err(e) => return Err(e),
    };
    if start >= size {
        return Ok(None);
    }
    // ENXIO: the file was truncated since; reading will show where.
    let end = match lseek(file, start as i64, Whence::SeekHole) {
        Ok(end) => (end as u64).min(size),
        Err(Errno::ENXIO) => size,
        Err(e) => return Err(e),
    };
    Ok(Some(Extent { start, end: end.max(start + 1) }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::FileExt;

    fn all(file: &File, size: u64) -> Vec<(u64, u64)> {
        Extents::new(file, size).map(|e| e.unwrap()).map(|e| (e.start, e.end)).collect()
    }

    #[test]
    fn a_dense_file_is_one_extent_and_a_bare_hole_none() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(1 << 20).unwrap();
        assert_eq!(all(&file, 1 << 20), []);
        file.write_all_at(&[1; 100], 0).unwrap();
        file.set_len(100).unwrap();
        assert_eq!(all(&file, 100), [(0, 100)]);
        assert_eq!(all(&file, 0), []);
    }

    #[test]
    fn data_between_holes_is_found() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(3 << 20).unwrap();
        file.write_all_at(&[1; 4096], 1 << 20).unwrap();
        let found = all(&file, 3 << 20);
        assert!(found.len() == 1 && found[0].0 <= 1 << 20 && found[0].1 >= (1 << 20) + 4096, "{found:?}");
        assert!(found[0].1 - found[0].0 < 1 << 20, "{found:?}");
    }
}
