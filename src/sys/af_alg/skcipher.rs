//! Ciphers without authentication (type "skcipher").

use std::io::IoSlice;

use nix::errno::Errno;

use super::{Direction, Message, Operation, Parameters, Transform};
use crate::sys::eintr::retry;

/// A cipher in one direction, for one message after the other.
///
/// The socket keeps the IV, so that what is sent next goes on with the message where the mode carries its state in the IV:
/// cbc by whole blocks, ctr by whole blocks (what is left of a block of its key stream is thrown away), ecb. It does not
/// for chacha20, which begins anew at the counter it was given, nor for xts, where a message is one data unit.
#[derive(Debug)]
pub struct Skcipher {
    transform: Transform,
    operation: Operation,
    message: Message,
    /// A message was begun whose control messages were not sent yet.
    begun: bool,
    capacity: usize,
}

impl Skcipher {
    /// Of `algorithm` ("cbc(aes)"), with an IV of `iv_len` bytes. Errors: [`Transform::open`], [`Transform::set_key`].
    pub fn open(algorithm: &str, key: &[u8], iv_len: usize, direction: Direction) -> nix::Result<Self> {
        let transform = Transform::open("skcipher", algorithm)?;
        transform.set_key(key)?;
        Skcipher::of(transform, iv_len, direction)
    }

    /// With a transform that has its key.
    pub fn of(transform: Transform, iv_len: usize, direction: Direction) -> nix::Result<Self> {
        let iv = vec![0; iv_len];
        let iv = (iv_len > 0).then_some(iv.as_slice());
        let message = Message::new(&Parameters { direction: Some(direction), iv, assoclen: None });
        let operation = transform.accept()?;
        let capacity = operation.capacity()?;
        Ok(Skcipher { transform, operation, message, begun: true, capacity })
    }

    /// Begins a message. Panics if the IV is not as long as that of [`Skcipher::open`].
    #[inline]
    pub fn start(&mut self, iv: &[u8]) {
        self.message.set_iv(iv);
        self.begun = true;
    }

    /// How many bytes one call to the kernel takes at most; [`Skcipher::process`] makes as many as it needs.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Goes on with the message. `input` and `output` are of one length, whole blocks where the mode wants them (EINVAL).
    ///
    /// After an error the message is lost: [`Skcipher::start`] another.
    #[inline]
    pub fn process(&mut self, input: &[u8], output: &mut [u8]) -> nix::Result<()> {
        assert_eq!(input.len(), output.len(), "a cipher changes no length");
        for (input, output) in input.chunks(self.capacity).zip(output.chunks_mut(self.capacity)) {
            self.part(input, output)?;
        }
        Ok(())
    }

    /// A message that must be processed in one piece (xts: one data unit). EMSGSIZE: longer than the socket can be made to
    /// hold, [`Skcipher::capacity`]. ENOMEM: it could, but not the kernel's list of its pages (net.core.optmem_max).
    #[inline]
    pub fn process_whole(&mut self, input: &[u8], output: &mut [u8]) -> nix::Result<()> {
        assert_eq!(input.len(), output.len(), "a cipher changes no length");
        if input.len() > self.capacity {
            self.capacity = self.operation.set_capacity(input.len())?;
            if input.len() > self.capacity {
                return Err(Errno::EMSGSIZE);
            }
        }
        if input.is_empty() { Ok(()) } else { self.part(input, output) }
    }

    #[inline]
    fn part(&mut self, input: &[u8], output: &mut [u8]) -> nix::Result<()> {
        let done = self.exchange(input, output);
        if done.is_err() {
            self.reset()?;
        }
        done
    }

    #[inline]
    fn exchange(&mut self, input: &[u8], output: &mut [u8]) -> nix::Result<()> {
        let taken = if self.begun {
            retry(|| self.operation.send_message(&mut self.message, &[IoSlice::new(input)], false, false))?
        } else {
            retry(|| self.operation.send_data(input, false, false))?
        };
        if taken != input.len() {
            // The socket has room for so much: what ran out is the memory for the list of its pages.
            return Err(Errno::ENOMEM);
        }
        self.begun = false;
        match retry(|| self.operation.read(output))? {
            n if n == output.len() => Ok(()),
            _ => Err(Errno::EIO),
        }
    }

    /// A socket without what the last one may still hold.
    fn reset(&mut self) -> nix::Result<()> {
        self.operation = self.transform.accept()?;
        if self.operation.capacity()? < self.capacity {
            self.capacity = self.operation.set_capacity(self.capacity)?;
        }
        self.begun = true;
        Ok(())
    }

    /// The socket, for the other ways in ([`super::input`]): send the control messages first
    /// ([`Operation::send`] with `more`), then read exactly as many bytes.
    pub fn operation(&self) -> &Operation {
        &self.operation
    }
}
