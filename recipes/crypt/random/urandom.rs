//! /dev/urandom, see [random(4)](https://man7.org/linux/man-pages/man4/random.4.html): the same generator by a file.
//! Reads may be short; opening it fails where there is no /dev (a bare chroot) or no descriptor left.

use std::fs::File;
use std::os::unix::fs::FileTypeExt;

use super::{Random, Start};
use crate::error::{Context, Error, Result};
use crate::race::Contender;
use crate::sys::eintr::retry;

/// The device.
pub static URANDOM: Contender<Start> =
    Contender { name: "urandom", title: "read of /dev/urandom", needs: &[], approach: &(start as Start) };

fn start() -> Result<Box<dyn Random>> {
    let cannot = || "cannot get random bytes from /dev/urandom".to_owned();
    let device = File::open("/dev/urandom").sys("open", cannot)?;
    // A plain file in its place would give everyone the same "random" bytes.
    if !device.metadata().sys("fstat", cannot)?.file_type().is_char_device() {
        return Err(Error::failed("/dev/urandom is no character device"));
    }
    Ok(Box::new(move |out: &mut [u8]| {
        let mut done = 0;
        while done < out.len() {
            match retry(|| nix::unistd::read(&device, &mut out[done..])).sys("read", cannot)? {
                0 => return Err(Error::failed("/dev/urandom has ended")),
                got => done += got,
            }
        }
        Ok(())
    }))
}
