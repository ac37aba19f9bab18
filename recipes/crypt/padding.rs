//! PKCS #7 padding ([RFC 5652](https://www.rfc-editor.org/rfc/rfc5652#section-6.3), 6.3), as `openssl enc` writes it: what is
//! missing to whole blocks, at least one byte, each saying how many.
//!
//! Who lets an attacker learn whether the padding was right gives the plaintext away (a padding oracle): a cipher without
//! authentication is for files that came by a trusted way.

/// Bytes of padding after `len` bytes of text, for blocks of `block` bytes (1 to 255).
pub fn missing(len: usize, block: usize) -> usize {
    block - len % block
}

/// Adds the padding.
pub fn pad(text: &mut Vec<u8>, block: usize) {
    let missing = missing(text.len(), block);
    // At most 255: the length of a block.
    text.resize(text.len() + missing, missing as u8);
}

/// The length of the text without its padding; `None` where it is not whole blocks with padding of this form.
///
/// It looks at all of the last block whatever it finds, so that its time tells nothing about the text.
pub fn unpadded_len(text: &[u8], block: usize) -> Option<usize> {
    let last = usize::from(*text.last()?);
    if !text.len().is_multiple_of(block) {
        return None;
    }
    let tail = &text[text.len() - block..];
    let wrong = tail.iter().rev().enumerate().fold(0u8, |wrong, (i, byte)| {
        let counts = 0u8.wrapping_sub(u8::from(i < last));
        wrong | (counts & (byte ^ last as u8))
    });
    (wrong == 0 && last >= 1 && last <= block).then(|| text.len() - last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_comes_back_and_whole_blocks_get_one_more() {
        for len in 0..50 {
            let mut text = vec![7; len];
            pad(&mut text, 16);
            assert_eq!(text.len() % 16, 0);
            assert!(text.len() > len);
            assert_eq!(unpadded_len(&text, 16), Some(len));
        }
    }

    #[test]
    fn what_is_not_padding_is_refused() {
        let bad: [&[u8]; 6] =
            [&[], &[1; 15], &[0; 16], &[17; 16], &[16; 32][1..], &[[2; 15].as_slice(), &[3]].concat()];
        for text in bad {
            assert_eq!(unpadded_len(text, 16), None, "{text:?}");
        }
        assert_eq!(unpadded_len(&[16; 16], 16), Some(0));
    }
}
