//! Authenticated encryption with associated data (type "aead", Linux 3.19).

use std::io::{IoSlice, IoSliceMut};

use nix::errno::Errno;
use zeroize::Zeroize;

use super::{Direction, Message, Operation, Parameters, Transform};
use crate::sys::eintr::retry;

/// Authenticated encryption with one key and tag length, a message at a time.
///
/// The kernel wants a message whole before it is read, and gives back associated data, text and tag in a row. So the
/// length of a message has a bound, see [`Aead::limit`].
#[derive(Debug)]
pub struct Aead {
    transform: Transform,
    operation: Operation,
    message: Message,
    tag_len: usize,
    capacity: usize,
    /// Where the kernel's copy of the associated data goes, which nobody wants.
    echo: Vec<u8>,
}

impl Aead {
    /// Of `algorithm` ("gcm(aes)"), with an IV of `iv_len` bytes and tags of `tag_len`. Errors: [`Transform::open`],
    /// [`Transform::set_key`], [`Transform::set_authsize`].
    pub fn open(algorithm: &str, key: &[u8], iv_len: usize, tag_len: usize) -> nix::Result<Self> {
        let transform = Transform::open("aead", algorithm)?;
        transform.set_key(key)?;
        transform.set_authsize(tag_len)?;
        Aead::of(transform, iv_len, tag_len)
    }

    /// With a transform that has its key and its tag length.
    pub fn of(transform: Transform, iv_len: usize, tag_len: usize) -> nix::Result<Self> {
        let iv = vec![0; iv_len];
        let message =
            Message::new(&Parameters { direction: Some(Direction::Encrypt), iv: Some(&iv), assoclen: Some(0) });
        let operation = transform.accept()?;
        let capacity = operation.capacity()?;
        Ok(Aead { transform, operation, message, tag_len, capacity, echo: Vec::new() })
    }

    /// How many bytes associated data, text and tag may have together, as far as is known: what a message has shown the
    /// socket to hold, or what it holds without having been asked for more (net.core.wmem_default).
    pub fn limit(&self) -> usize {
        self.capacity
    }

    /// `out` becomes ciphertext and tag: as long as `plaintext` and a tag. Panics if it is not, or if `iv` has not the
    /// length of [`Aead::open`].
    ///
    /// EMSGSIZE: longer than the socket can be made to hold, [`Aead::limit`]. ENOMEM: it could hold it, but not the
    /// kernel's list of its pages (net.core.optmem_max).
    #[inline]
    pub fn seal(&mut self, iv: &[u8], aad: &[u8], plaintext: &[u8], out: &mut [u8]) -> nix::Result<()> {
        assert_eq!(out.len(), plaintext.len() + self.tag_len, "ciphertext and tag");
        self.message.set_direction(Direction::Encrypt);
        self.exchange(iv, aad, plaintext, out)
    }

    /// `sealed` is ciphertext and tag, `out` becomes the plaintext. Panics if it is not as long as the ciphertext.
    ///
    /// EBADMSG: not authentic, and then `out` is wiped, as after any error. Else as [`Aead::seal`].
    #[inline]
    pub fn unseal(&mut self, iv: &[u8], aad: &[u8], sealed: &[u8], out: &mut [u8]) -> nix::Result<()> {
        let Some(len) = sealed.len().checked_sub(self.tag_len) else {
            return Err(Errno::EBADMSG);
        };
        assert_eq!(out.len(), len, "as long as the ciphertext");
        self.message.set_direction(Direction::Decrypt);
        self.exchange(iv, aad, sealed, out)
    }

    #[inline]
    fn exchange(&mut self, iv: &[u8], aad: &[u8], text: &[u8], out: &mut [u8]) -> nix::Result<()> {
        self.message.set_iv(iv);
        self.message.set_assoclen(u32::try_from(aad.len()).map_err(|_| Errno::EMSGSIZE)?);
        self.make_room(aad.len() + text.len().max(out.len()))?;
        let done = self.send_and_read(aad, text, out);
        if let Err(errno) = done {
            // Deciphered text stands in the buffer before the tag is compared.
            out.zeroize();
            // Else the message is still in the socket, or a part of it.
            if errno != Errno::EBADMSG {
                self.reset()?;
            }
        }
        done
    }

    #[inline]
    fn send_and_read(&mut self, aad: &[u8], text: &[u8], out: &mut [u8]) -> nix::Result<()> {
        let parts = [IoSlice::new(aad), IoSlice::new(text)];
        let taken = retry(|| self.operation.send_message(&mut self.message, &parts, false, false))?;
        if taken != aad.len() + text.len() {
            // There is room in the socket (`make_room`): what ran out is the memory for the list of its pages.
            return Err(Errno::ENOMEM);
        }
        let wanted = aad.len() + out.len();
        let got = if aad.is_empty() && !out.is_empty() {
            retry(|| self.operation.read(out))?
        } else {
            // Without room for anything the kernel would not look at the tag; for more than comes it would wait.
            self.echo.resize(aad.len().max(1), 0);
            retry(|| self.operation.read_vectored(&mut [IoSliceMut::new(&mut self.echo), IoSliceMut::new(out)]))?
        };
        if got == wanted { Ok(()) } else { Err(Errno::EIO) }
    }

    #[inline]
    fn make_room(&mut self, len: usize) -> nix::Result<()> {
        if len > self.capacity {
            self.capacity = self.operation.set_capacity(len)?;
        }
        if len > self.capacity { Err(Errno::EMSGSIZE) } else { Ok(()) }
    }

    /// A socket without what the last one may still hold.
    fn reset(&mut self) -> nix::Result<()> {
        self.operation = self.transform.accept()?;
        self.capacity = self.operation.capacity()?;
        Ok(())
    }

    /// The socket, for the other ways in ([`super::input`]): send the control messages and the associated data first
    /// ([`Operation::send`] with `more`), then the text, then read exactly associated data, text and tag.
    pub fn operation(&self) -> &Operation {
        &self.operation
    }
}
