"""The form of encrypted files once more, written from its description on the family's page alone.

second.py encrypt|decrypt KEY IN OUT [chacha20-poly1305]; KEY is a file of 64 hexadecimal digits, or pass:PASSPHRASE.
"""
import hashlib, hmac, os, struct, sys

from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

MAGIC = b"\x89SYSKIT\n"
CIPHERS = {1: AESGCM, 2: ChaCha20Poly1305}


def argon2id(passphrase, memory, passes, lanes, salt):
    try:
        from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
        return Argon2id(salt=salt, length=32, iterations=passes, lanes=lanes, memory_cost=memory).derive(passphrase)
    except ImportError:
        from argon2.low_level import Type, hash_secret_raw
        return hash_secret_raw(passphrase, salt, passes, memory, lanes, 32, Type.ID)


def hkdf(key, salt, info, length):
    prk = hmac.digest(salt, key, "sha256")
    out, block, number = b"", b"", 1
    while len(out) < length:
        block = hmac.digest(prk, block + info + bytes([number]), "sha256")
        out, number = out + block, number + 1
    return out[:length]


def derive(key, covered):
    """The AEAD, the nonces' prefix, and the header's MAC."""
    source, (memory, passes, lanes) = covered[10], struct.unpack(">III", covered[12:24])
    if source == 2:
        user = argon2id(key[5:].encode(), memory, passes, lanes, covered[24:40])
    else:
        user = bytes.fromhex(open(key).read())
    keys = hkdf(user, covered[40:72], b"syskit crypt file" + covered, 71)
    return CIPHERS[covered[9]](keys[:32]), keys[64:], hmac.digest(keys[32:64], covered, "sha256")


def encrypt(key, text, algorithm):
    passphrase = key.startswith("pass:")
    covered = MAGIC + bytes([1, algorithm, 2 if passphrase else 1, 16])
    covered += struct.pack(">III", 1024, 2, 2) + os.urandom(16) if passphrase else bytes(28)
    covered += os.urandom(32)
    aead, prefix, mac = derive(key, covered)
    out, chunks = covered + mac, [text[at:at + 65536] for at in range(0, len(text), 65536)] or [b""]
    for number, chunk in enumerate(chunks):
        out += aead.encrypt(prefix + struct.pack(">IB", number, number == len(chunks) - 1), chunk, None)
    return out


def decrypt(key, data):
    covered, mac, body = data[:72], data[72:104], data[104:]
    assert covered[:9] == MAGIC + b"\x01"
    aead, prefix, expected = derive(key, covered)
    assert hmac.compare_digest(mac, expected), "wrong key"
    unit = (1 << covered[11]) + 16
    units = [body[at:at + unit] for at in range(0, len(body), unit)]
    nonces = (prefix + struct.pack(">IB", number, number == len(units) - 1) for number in range(len(units)))
    return b"".join(aead.decrypt(nonce, sealed, None) for nonce, sealed in zip(nonces, units))


what, key, source, target = sys.argv[1:5]
data = open(source, "rb").read()
done = encrypt(key, data, 2 if len(sys.argv) > 5 else 1) if what == "encrypt" else decrypt(key, data)
open(target, "wb").write(done)
