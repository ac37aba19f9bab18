//! The kernel's cryptography from user space: AF_ALG sockets, see
//! [the kernel's page](https://docs.kernel.org/crypto/userspace-if.html) (Linux 2.6.38; aead since 3.19).
//!
//! A [`Transform`] is the socket bound to an algorithm and holds the key; each [`Operation`] accepted from it holds the
//! state of one computation (IV, partial digest) and may be used for many, one after the other.
#![allow(unsafe_code)]

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::sockopt::{AlgSetAeadAuthSize, AlgSetKey};
use nix::sys::socket::{
    AddressFamily, AlgAddr, ControlMessage, MsgFlags, SockFlag, SockType, bind, sendmsg, setsockopt, socket,
};
use nix::sys::uio::readv;

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

/// The control messages that begin an operation.
#[derive(Debug, Clone, Copy, Default)]
pub struct Parameters<'a> {
    /// Ciphers: which way (`ALG_SET_OP`).
    pub direction: Option<Direction>,
    /// Ciphers: initialisation vector or nonce (`ALG_SET_IV`).
    pub iv: Option<&'a [u8]>,
    /// AEAD: how many bytes at the front of the message are associated data (`ALG_SET_AEAD_ASSOCLEN`).
    pub assoclen: Option<u32>,
}

impl Transform {
    /// Binds a socket to `algorithm` ("gcm(aes)") of type `kind` ("hash", "skcipher", "aead", "rng").
    ///
    /// EAFNOSUPPORT: no such family. ENOENT: no such type, or no such algorithm (`need::af_alg` tells which).
    pub fn open(kind: &str, algorithm: &str) -> nix::Result<Self> {
        let fd = socket(AddressFamily::Alg, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None)?;
        bind(fd.as_raw_fd(), &AlgAddr::new(kind, algorithm))?;
        Ok(Transform(fd))
    }

    /// Sets the key (`ALG_SET_KEY`). EINVAL: not a length that the algorithm takes. EBUSY: operations are open.
    pub fn set_key(&self, key: &[u8]) -> nix::Result<()> {
        setsockopt(&self.0, AlgSetKey::default(), &key)
    }

    /// Sets the length of the authentication tag in bytes (`ALG_SET_AEAD_AUTHSIZE`). EINVAL: not one it takes.
    pub fn set_authsize(&self, len: usize) -> nix::Result<()> {
        setsockopt(&self.0, AlgSetAeadAuthSize, &len)
    }

    /// A socket to compute with.
    pub fn accept(&self) -> nix::Result<Operation> {
        // SAFETY: a null address is allowed (accept(2)).
        let fd = unsafe {
            libc::accept4(self.0.as_raw_fd(), std::ptr::null_mut(), std::ptr::null_mut(), libc::SOCK_CLOEXEC)
        };
        // SAFETY: accept4 gave a new descriptor that nobody else owns.
        Errno::result(fd).map(|fd| Operation(unsafe { OwnedFd::from_raw_fd(fd) }))
    }
}

impl Operation {
    /// Sends data, with the control messages of `parameters` before it; `more` says that this message goes on.
    ///
    /// Returns how many bytes the kernel took, which may be fewer than there are. EINTR is returned.
    pub fn send(&self, parameters: &Parameters, data: &[IoSlice], more: bool) -> nix::Result<usize> {
        let op = parameters.direction.map(|d| match d {
            Direction::Encrypt => libc::ALG_OP_ENCRYPT,
            Direction::Decrypt => libc::ALG_OP_DECRYPT,
        });
        let mut messages = Vec::with_capacity(3);
        messages.extend(op.as_ref().map(ControlMessage::AlgSetOp));
        messages.extend(parameters.iv.map(ControlMessage::AlgSetIv));
        messages.extend(parameters.assoclen.as_ref().map(ControlMessage::AlgSetAeadAssoclen));
        let flags = if more { MsgFlags::from_bits_retain(libc::MSG_MORE) } else { MsgFlags::empty() };
        sendmsg::<()>(self.0.as_raw_fd(), data, &messages, flags, None)
    }

    /// Reads the result, or a part of it. EBADMSG: an AEAD message is not authentic. EINTR is returned.
    pub fn read(&self, into: &mut [IoSliceMut]) -> nix::Result<usize> {
        readv(&self.0, into)
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
