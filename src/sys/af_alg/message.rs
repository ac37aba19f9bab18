//! The control messages that begin an operation: a buffer made once, see
//! [cmsg(3)](https://man7.org/linux/man-pages/man3/cmsg.3.html).

use std::io::IoSlice;

use zeroize::Zeroize;

use super::Direction;

/// What an operation begins with; what is `None` is not said, and the kernel goes on with what it has (IV) or takes zero
/// (associated data).
#[derive(Debug, Clone, Copy, Default)]
pub struct Parameters<'a> {
    /// Ciphers: which way (`ALG_SET_OP`). A message with any parameter and without this one decrypts.
    pub direction: Option<Direction>,
    /// Ciphers: initialisation vector or nonce (`ALG_SET_IV`).
    pub iv: Option<&'a [u8]>,
    /// AEAD: how many bytes at the front of the message are associated data (`ALG_SET_AEAD_ASSOCLEN`).
    pub assoclen: Option<u32>,
}

/// The control messages of some [`Parameters`], ready to be sent again and again; values can be changed, the form
/// (which parameters there are, the IV's length) cannot.
#[derive(Debug, Clone)]
pub struct Message {
    /// struct cmsghdr wants the alignment of a word.
    control: Box<[u64]>,
    /// Byte offsets of the values; 0 where there is none.
    op: usize,
    iv: usize,
    iv_len: usize,
    assoclen: usize,
}

/// `sizeof(struct cmsghdr)`: length (a word), level, type.
const HEADER: usize = size_of::<libc::cmsghdr>();
const WORD: usize = size_of::<u64>();

impl Message {
    /// Control messages with these parameters.
    pub fn new(parameters: &Parameters) -> Self {
        let mut bytes = Vec::with_capacity(128);
        let mut put = |kind: i32, value: &[&[u8]]| {
            let len = HEADER + value.iter().map(|v| v.len()).sum::<usize>();
            let at = bytes.len() + HEADER;
            bytes.extend_from_slice(&len.to_ne_bytes());
            bytes.extend_from_slice(&libc::SOL_ALG.to_ne_bytes());
            bytes.extend_from_slice(&kind.to_ne_bytes());
            value.iter().for_each(|v| bytes.extend_from_slice(v));
            bytes.resize(bytes.len().next_multiple_of(WORD), 0);
            at
        };
        let op = parameters.direction.map_or(0, |d| put(libc::ALG_SET_OP, &[&code(d).to_ne_bytes()]));
        // struct af_alg_iv: the length, then the bytes.
        let iv = parameters.iv.unwrap_or_default();
        let length = |len: usize| u32::try_from(len).unwrap_or(u32::MAX).to_ne_bytes();
        let iv_at = parameters.iv.map_or(0, |iv| put(libc::ALG_SET_IV, &[&length(iv.len()), iv]) + size_of::<u32>());
        let assoclen = parameters.assoclen.map_or(0, |n| put(libc::ALG_SET_AEAD_ASSOCLEN, &[&n.to_ne_bytes()]));
        let words = bytes.chunks_exact(WORD).map(|w| u64::from_ne_bytes(w.try_into().expect("a word")));
        let control = words.collect();
        Message { control, op, iv: iv_at, iv_len: iv.len(), assoclen }
    }

    /// Sets the direction. Panics if the message has none.
    #[inline]
    pub fn set_direction(&mut self, direction: Direction) {
        assert_ne!(self.op, 0, "made without a direction");
        let at = self.op;
        self.bytes()[at..at + 4].copy_from_slice(&code(direction).to_ne_bytes());
    }

    /// Sets the IV. Panics if it is not as long as that of the beginning.
    #[inline]
    pub fn set_iv(&mut self, iv: &[u8]) {
        assert_eq!(self.iv_len, iv.len(), "made for an IV of another length");
        if self.iv_len > 0 {
            let at = self.iv;
            self.bytes()[at..at + iv.len()].copy_from_slice(iv);
        }
    }

    /// Sets the length of the associated data. Panics if the message has none.
    #[inline]
    pub fn set_assoclen(&mut self, len: u32) {
        assert_ne!(self.assoclen, 0, "made without associated data");
        let at = self.assoclen;
        self.bytes()[at..at + 4].copy_from_slice(&len.to_ne_bytes());
    }

    /// The bytes of the control messages.
    fn bytes(&mut self) -> &mut [u8] {
        let len = self.control.len() * WORD;
        // SAFETY: any bytes make a u64 and the other way round; the slice covers exactly the words, borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.control.as_mut_ptr().cast(), len) }
    }

    /// The words of the control messages, for who keeps the buffer himself.
    pub fn words(&self) -> &[u64] {
        &self.control
    }

    /// A header for sendmsg(2), which reads what it points to: `self` and `data` must outlive its use.
    #[inline]
    pub(super) fn header(&mut self, data: &[IoSlice]) -> libc::msghdr {
        // SAFETY: a msghdr of zeros is one without address, data and control messages.
        let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
        // IoSlice is laid out as iovec, and sendmsg does not write through it.
        header.msg_iov = data.as_ptr().cast_mut().cast();
        header.msg_iovlen = data.len();
        if !self.control.is_empty() {
            header.msg_control = self.control.as_mut_ptr().cast();
            header.msg_controllen = self.control.len() * WORD;
        }
        header
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        self.control.zeroize();
    }
}

fn code(direction: Direction) -> i32 {
    match direction {
        Direction::Encrypt => libc::ALG_OP_ENCRYPT,
        Direction::Decrypt => libc::ALG_OP_DECRYPT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (type, value) of each control message, read as the kernel does.
    fn messages(message: &mut Message) -> Vec<(i32, Vec<u8>)> {
        let mut bytes = &*message.bytes();
        let mut found = Vec::new();
        while !bytes.is_empty() {
            let len = usize::from_ne_bytes(bytes[..8].try_into().unwrap());
            assert_eq!(i32::from_ne_bytes(bytes[8..12].try_into().unwrap()), libc::SOL_ALG);
            found.push((i32::from_ne_bytes(bytes[12..16].try_into().unwrap()), bytes[16..len].to_vec()));
            bytes = &bytes[len.next_multiple_of(8)..];
        }
        found
    }

    #[test]
    fn values_are_put_where_the_kernel_looks_for_them() {
        let iv: Vec<u8> = (1..13).collect();
        let parameters = Parameters { direction: Some(Direction::Decrypt), iv: Some(&iv), assoclen: Some(20) };
        let mut message = Message::new(&parameters);
        message.set_direction(Direction::Encrypt);
        message.set_iv(&iv.iter().rev().copied().collect::<Vec<u8>>());
        message.set_assoclen(7);
        let mut value = 12_u32.to_ne_bytes().to_vec();
        value.extend(iv.iter().rev());
        let wanted = [
            (libc::ALG_SET_OP, libc::ALG_OP_ENCRYPT.to_ne_bytes().to_vec()),
            (libc::ALG_SET_IV, value),
            (libc::ALG_SET_AEAD_ASSOCLEN, 7_u32.to_ne_bytes().to_vec()),
        ];
        assert_eq!(messages(&mut message), wanted);
    }

    #[test]
    fn what_is_not_said_is_not_there() {
        assert!(messages(&mut Message::new(&Parameters::default())).is_empty());
        let mut message = Message::new(&Parameters { iv: Some(&[]), ..Parameters::default() });
        message.set_iv(&[]);
        assert_eq!(messages(&mut message), [(libc::ALG_SET_IV, vec![0; 4])]);
    }

    #[test]
    #[should_panic(expected = "another length")]
    fn an_iv_of_another_length_is_refused() {
        Message::new(&Parameters::default()).set_iv(&[1]);
    }
}
