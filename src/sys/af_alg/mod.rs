//! The kernel's cryptography from user space: AF_ALG sockets, see
//! [the kernel's page](https://docs.kernel.org/crypto/userspace-if.html) (Linux 2.6.38; aead since 3.19).
//!
//! A [`Transform`] is the socket bound to an algorithm and holds the key; each [`Operation`] accepted from it holds the
//! state of one computation (IV, partial digest) and may be used for many, one after the other. What a computation looks
//! like is a type per kind of algorithm: [struct@Hash], [`Skcipher`], [`Aead`], [`Rng`]; they send from memory. Other ways in
//! (sendfile, splice, vmsplice) are in [`input`], many at a time in [`crate::sys::socket_ring`].
//!
//! For calls of one shape made a million times, build a [`Message`] once and use [`Operation::send_message`] and
//! [`Operation::read`]: two system calls, no allocation.
#![allow(unsafe_code)]

mod aead;
mod authenc;
mod hash;
pub mod input;
mod message;
mod rng;
mod skcipher;

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::sockopt::{AlgSetAeadAuthSize, AlgSetKey, RcvBuf, RcvBufForce, SndBuf, SndBufForce};
use nix::sys::socket::{AddressFamily, AlgAddr, SockFlag, SockType, bind, getsockopt, setsockopt, socket};

pub use aead::Aead;
pub use hash::Hash;
pub use message::{Message, Parameters};
pub use rng::Rng;
pub use skcipher::Skcipher;

use super::eintr::retry;
use super::mmap::page_size;

/// Which way a cipher works (`ALG_SET_OP`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From plaintext to ciphertext.
    Encrypt,
    /// From ciphertext to plaintext.
    Decrypt,
}

/// An algorithm and its key: the bound socket.
#[derive(Debug)]
pub struct Transform(OwnedFd);

/// One computation: a socket accepted from a [`Transform`].
#[derive(Debug)]
pub struct Operation(OwnedFd);

impl Transform {
    /// Binds a socket to `algorithm` ("gcm(aes)") of type `kind` ("hash", "skcipher", "aead", "rng"). A driver's name
    /// ("gcm-aesni") goes as well.
    ///
    /// EAFNOSUPPORT: no such family. ENOENT: no such type, or no such algorithm (`need::af_alg` tells which).
    pub fn open(kind: &str, algorithm: &str) -> nix::Result<Self> {
        // salg_type and salg_name, each with the zero that ends it; nix would cut a longer one off.
        if kind.len() >= 14 || algorithm.len() >= 64 {
            return Err(Errno::ENOENT);
        }
        let fd = socket(AddressFamily::Alg, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None)?;
        retry(|| bind(fd.as_raw_fd(), &AlgAddr::new(kind, algorithm)))?;
        Ok(Transform(fd))
    }

    /// Sets the key (`ALG_SET_KEY`); for type "rng" this is the seed.
    ///
    /// EINVAL: not a length that the algorithm takes. EBUSY: operations are open. ENOPROTOOPT: it takes no key. ENOMEM:
    /// longer than net.core.optmem_max. EACCES: a weak key that the algorithm refuses.
    pub fn set_key(&self, key: &[u8]) -> nix::Result<()> {
        setsockopt(&self.0, AlgSetKey::default(), &key)
    }

    /// Sets the two keys of an algorithm "authenc(MAC,CIPHER)", in the form that the kernel wants them packed in. Both lengths
    /// go: the kernel splits by that of the cipher's.
    ///
    /// EINVAL: the cipher's is not a length that it takes (nearly any goes for an HMAC). Else as [`Transform::set_key`].
    pub fn set_authenc_keys(&self, mac: &[u8], cipher: &[u8]) -> nix::Result<()> {
        self.set_key(&authenc::packed(mac, cipher)?)
    }

    /// Sets the key to one that the kernel keeps, of type "user", "logon", "trusted" or "encrypted"
    /// (`ALG_SET_KEY_BY_KEY_SERIAL`, Linux 6.2), so that it need not be in this process.
    ///
    /// ENOKEY: no such key. ENOPROTOOPT: a kernel without it, or a key of another type. EACCES: it may not be searched.
    pub fn set_key_by_serial(&self, serial: i32) -> nix::Result<()> {
        self.set_option(libc::ALG_SET_KEY_BY_KEY_SERIAL, &serial.to_ne_bytes())
    }

    /// Sets the length of the authentication tag in bytes (`ALG_SET_AEAD_AUTHSIZE`): that of the tag, whatever the length
    /// of the associated data. EINVAL: not one it takes.
    pub fn set_authsize(&self, len: usize) -> nix::Result<()> {
        setsockopt(&self.0, AlgSetAeadAuthSize, &len)
    }

    /// Sets the entropy of a DRBG for tests with known answers (`ALG_SET_DRBG_ENTROPY`, Linux 5.11, where
    /// CONFIG_CRYPTO_USER_API_RNG_CAVP is set). It may be set once, before the seed.
    ///
    /// ENOPROTOOPT: a kernel without it. EACCES: needs CAP_SYS_ADMIN. EINVAL: set before, or longer than 128 bytes.
    pub fn set_entropy(&self, entropy: &[u8]) -> nix::Result<()> {
        self.set_option(libc::ALG_SET_DRBG_ENTROPY, entropy)
    }

    fn set_option(&self, option: i32, value: &[u8]) -> nix::Result<()> {
        let len = libc::socklen_t::try_from(value.len()).map_err(|_| Errno::EINVAL)?;
        // SAFETY: the kernel reads `len` bytes at `value`, which is as long.
        let done = unsafe { libc::setsockopt(self.0.as_raw_fd(), libc::SOL_ALG, option, value.as_ptr().cast(), len) };
        Errno::result(done).map(drop)
    }

    /// A socket to compute with. EINVAL: not bound; ENOMEM: no memory. A cipher may be accepted from before it has its
    /// key, and then says ENOKEY when it is used.
    pub fn accept(&self) -> nix::Result<Operation> {
        accept(self.0.as_fd()).map(Operation)
    }
}

fn accept(from: BorrowedFd) -> nix::Result<OwnedFd> {
    let (null, flags) = (std::ptr::null_mut(), libc::SOCK_CLOEXEC);
    // SAFETY: a null address is allowed (accept(2)).
    let fd = retry(|| Errno::result(unsafe { libc::accept4(from.as_raw_fd(), null, null.cast(), flags) }))?;
    // SAFETY: accept4 gave a new descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

impl Operation {
    /// Sends data, with the control messages of `parameters` before it; `more` says that this message goes on.
    ///
    /// Returns how many bytes the kernel took, which may be fewer than there are. A cipher's socket holds what it is sent
    /// until it is read: with more than [`Operation::capacity`] this waits for a reader. EINTR is returned.
    pub fn send(&self, parameters: &Parameters, data: &[IoSlice], more: bool) -> nix::Result<usize> {
        self.send_message(&mut Message::new(parameters), data, more, true)
    }

    /// As [`Operation::send`], with control messages made beforehand and without allocation. Where it would have to
    /// `wait` and shall not, it returns what was taken so far, or EAGAIN.
    #[inline]
    pub fn send_message(
        &self,
        message: &mut Message,
        data: &[IoSlice],
        more: bool,
        wait: bool,
    ) -> nix::Result<usize> {
        let header = message.header(data);
        let flags = if more { libc::MSG_MORE } else { 0 } | if wait { 0 } else { libc::MSG_DONTWAIT };
        // SAFETY: the header points to the message's control buffer and to `data`, whose IoSlices have the layout of
        // iovec; all live until sendmsg returns, which only reads them.
        let taken = unsafe { libc::sendmsg(self.0.as_raw_fd(), &raw const header, flags) };
        Errno::result(taken).map(|n| n as usize)
    }

    /// Sends data alone, as [send(2)](https://man7.org/linux/man-pages/man2/send.2.html). EINTR is returned.
    #[inline]
    pub fn send_data(&self, data: &[u8], more: bool, wait: bool) -> nix::Result<usize> {
        let flags = if more { libc::MSG_MORE } else { 0 } | if wait { 0 } else { libc::MSG_DONTWAIT };
        // SAFETY: the kernel reads `data`, of its length.
        let taken = unsafe { libc::send(self.0.as_raw_fd(), data.as_ptr().cast(), data.len(), flags) };
        Errno::result(taken).map(|n| n as usize)
    }

    /// Reads the result, or a part of it, into the buffers in turn. EINTR is returned. EBADMSG: an AEAD message is not
    /// authentic, and the buffers may hold what it was deciphered to: wipe them.
    ///
    /// Ask for exactly what comes: with room for more a cipher's socket waits for the next message.
    #[inline]
    pub fn read_vectored(&self, into: &mut [IoSliceMut]) -> nix::Result<usize> {
        let count = libc::c_int::try_from(into.len()).map_err(|_| Errno::EINVAL)?;
        // SAFETY: IoSliceMut has the layout of iovec; the kernel writes inside each buffer, which are borrowed until
        // readv returns.
        let got = unsafe { libc::readv(self.0.as_raw_fd(), into.as_mut_ptr().cast(), count) };
        Errno::result(got).map(|n| n as usize)
    }

    /// As [`Operation::read_vectored`], into one buffer: [read(2)](https://man7.org/linux/man-pages/man2/read.2.html).
    #[inline]
    pub fn read(&self, into: &mut [u8]) -> nix::Result<usize> {
        // SAFETY: the kernel writes at most `len` bytes into `into`, which is as long.
        let got = unsafe { libc::read(self.0.as_raw_fd(), into.as_mut_ptr().cast(), into.len()) };
        Errno::result(got).map(|n| n as usize)
    }

    /// A digest's state as it is, in an operation of its own that goes on from there (accept on the operation): so a
    /// partial result is had without ending the message. Other types: ECONNABORTED or EOPNOTSUPP.
    pub fn fork(&self) -> nix::Result<Operation> {
        accept(self.0.as_fd()).map(Operation)
    }

    /// How many bytes a cipher's socket surely takes and gives back at once: one message at most, or one part of it.
    ///
    /// It is the smaller one of what can wait to be processed (SO_SNDBUF, whole pages) and what can be written at a time
    /// (SO_RCVBUF, less a page: of a result that comes closer to it the kernel may leave the end away, and of an AEAD
    /// message then seals fewer bytes than it was sent, without a word).
    pub fn capacity(&self) -> nix::Result<usize> {
        let pages = |bytes: usize| bytes / page_size() * page_size();
        let (sent, read) = (getsockopt(&self.0, SndBuf)?, getsockopt(&self.0, RcvBuf)?);
        Ok(pages(sent).min(pages(read).saturating_sub(page_size())))
    }

    /// Asks for buffers that hold `len` bytes. Returns the capacity there is then, which net.core.wmem_max and
    /// net.core.rmem_max bound for who lacks CAP_NET_ADMIN (the kernel doubles what is asked for).
    pub fn set_capacity(&self, len: usize) -> nix::Result<usize> {
        // The kernel doubles it, holds whole pages, and wants a spare one.
        let half = (len.div_ceil(page_size()) + 1).saturating_mul(page_size()) / 2;
        if setsockopt(&self.0, SndBufForce, &half).is_err() {
            setsockopt(&self.0, SndBuf, &half)?;
        }
        if setsockopt(&self.0, RcvBufForce, &half).is_err() {
            setsockopt(&self.0, RcvBuf, &half)?;
        }
        self.capacity()
    }
}

impl AsFd for Transform {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsFd for Operation {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_the_address_cannot_hold_is_not_cut_off() {
        for (kind, name) in [("hash", "x".repeat(64)), (&"k".repeat(14), "sha256".to_owned())] {
            assert_eq!(Transform::open(kind, &name).err(), Some(Errno::ENOENT));
        }
    }
}
