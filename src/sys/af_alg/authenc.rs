//! The key of "authenc(...)", which is two: packed as the kernel's `crypto_authenc_extractkeys` takes them apart
//! (include/crypto/authenc.h, [rtnetlink(3)](https://man7.org/linux/man-pages/man3/rtnetlink.3.html) for the attribute).

use nix::errno::Errno;
use zeroize::Zeroizing;

/// `CRYPTO_AUTHENC_KEYA_PARAM`: the only attribute there is.
const PARAM: u16 = 1;
/// `RTA_LENGTH(sizeof(struct crypto_authenc_key_param))`: the attribute's head and the 4 bytes that it carries.
const PARAM_LEN: u16 = 8;

/// `struct rtattr` (length and type, in the host's order of bytes) around the length of the cipher's key (the most
/// significant byte first), then the MAC's key, then the cipher's.
pub(super) fn packed(mac: &[u8], cipher: &[u8]) -> nix::Result<Zeroizing<Vec<u8>>> {
    let cipher_len = u32::try_from(cipher.len()).map_err(|_| Errno::EINVAL)?;
    // All its room at once: growth would leave copies behind.
    let mut key = Zeroizing::new(Vec::with_capacity(usize::from(PARAM_LEN) + mac.len() + cipher.len()));
    key.extend_from_slice(&PARAM_LEN.to_ne_bytes());
    key.extend_from_slice(&PARAM.to_ne_bytes());
    key.extend_from_slice(&cipher_len.to_be_bytes());
    key.extend_from_slice(mac);
    key.extend_from_slice(cipher);
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::packed;

    #[test]
    #[cfg(target_endian = "little")]
    fn the_length_of_the_cipher_s_key_is_the_other_way_round() {
        assert_eq!(**packed(&[7, 8, 9], &[1, 2]).unwrap(), [8, 0, 1, 0, 0, 0, 0, 2, 7, 8, 9, 1, 2]);
    }
}
