#!/usr/bin/env python3
"""Reduces published test vectors to what tests/crypt_vectors runs: `reduce.py FOLDER`, with the unpacked PyPI package
cryptography_vectors ("pip download --no-deps cryptography_vectors", unzip) as FOLDER. A file per algorithm, a vector a line:
`name=hex` separated by spaces; `fail` marks a message that must be refused. README.md says what is kept."""
import pathlib
import re
import sys

source = pathlib.Path(sys.argv[1])
target = pathlib.Path(__file__).parent


def records(path):
    """Dicts of a .rsp file, in lower case; what stands in brackets, or before a count, holds for what follows."""
    section, common, record = {}, {}, {}
    for line in (source / path).read_text().splitlines() + [""]:
        line = line.strip()
        if line.startswith("#"):
            continue
        if line.startswith("["):
            found = dict(re.findall(r"(\w+)\s*=\s*(\d+)", line.lower()))
            section = {**section, **found} if found else {"direction": line.strip("[]").lower()}
            common = {} if not found else common
        elif "=" in line:
            name, value = (part.strip() for part in line.lower().split("=", 1))
            record[name] = value
        elif line == "FAIL":
            record["fail"] = ""
        elif record:
            if len(record) == 1 and "key" not in record or set(record) <= {"key", "nonce", "alen", "plen", "tlen", "nlen"}:
                common = {**common, **record}
            else:
                yield {**section, **common, **record}
            record = {}


def sampled(items, group, keep):
    """The first `keep` of each group."""
    seen = {}
    for item in items:
        key = group(item)
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= keep:
            yield item


def write(algorithm, parts):
    lines = []
    for path, vectors in parts:
        vectors = list(vectors)
        assert vectors, path
        lines.append(f"# {path}")
        for vector in vectors:
            lines.append(" ".join(f"{k}={v}" if k != "fail" else "fail" for k, v in vector.items()))
    (target / f"{algorithm}.txt").write_text("\n".join(lines) + "\n")


def digest(algorithm, short, long=None, every=8):
    def take(path, step):
        for i, r in enumerate(records(path)):
            if i % step == 0:
                yield {"msg": r["msg"] if int(r["len"]) else "", "digest": r["md"]}
    parts = [(short, take(short, 1))]
    if long:
        parts.append((long, take(long, every)))
    write(algorithm, parts)


def cipher(algorithm, paths, steps):
    def take(path, step):
        for i, r in enumerate(records(path)):
            if i % step == 0:
                iv = {"iv": r["iv"]} if "iv" in r else {}
                yield {"key": r["key"], **iv, "pt": r["plaintext"], "ct": r["ciphertext"], "way": r["direction"]}
    write(algorithm, [(path, take(path, step)) for path, step in zip(paths, steps)])


def xts(bits):
    def take(path):
        whole = (r for r in records(path) if int(r["dataunitlen"]) % 8 == 0)
        for r in sampled(whole, lambda r: (r["direction"], r["dataunitlen"]), 12):
            yield {"key": r["key"], "iv": r["i"], "pt": r["pt"], "ct": r["ct"], "way": r["direction"]}
    path = f"ciphers/AES/XTS/tweak-128hexstr/XTSGenAES{bits}.rsp"
    write(f"aes-{bits}-xts", [(path, take(path))])


def gcm(bits):
    def group(r):
        return (r["ivlen"], r["ptlen"], r["aadlen"], r["taglen"])

    def take(path, keep):
        for r in sampled((r for r in records(path) if keep(r)), group, 1):
            text = {"fail": ""} if "fail" in r else {"pt": r["pt"]}
            yield {"key": r["key"], "iv": r["iv"], "aad": r["aad"], "ct": r["ct"], "tag": r["tag"], **text}
    sealed, opened = (f"ciphers/AES/GCM/gcm{way}{bits}.rsp" for way in ("EncryptExtIV", "Decrypt"))
    write(f"aes-{bits}-gcm", [
        (sealed, take(sealed, lambda r: True)),
        (opened, take(opened, lambda r: "fail" in r and r["ivlen"] == "96")),
    ])


def ccm(bits):
    def take(path):
        for r in records(path):
            if r["nlen"] == "12":
                tag = 2 * int(r["tlen"])
                yield {"key": r["key"], "iv": r["nonce"], "aad": r["adata"], "ct": r["ct"][:-tag],
                       "tag": r["ct"][-tag:], "pt": r["payload"]}
    path = f"ciphers/AES/CCM/VNT{bits}.rsp"
    write(f"aes-{bits}-ccm", [(path, take(path))])


for name in ("1", "224", "256", "384", "512"):
    folder = "SHA1" if name == "1" else "SHA2"
    digest(f"sha{name}", f"hashes/{folder}/SHA{name}ShortMsg.rsp", f"hashes/{folder}/SHA{name}LongMsg.rsp",
           8 if len(name) < 2 or name < "300" else 32)
for name in ("224", "256", "384", "512"):
    digest(f"sha3-{name}", f"hashes/SHA3/SHA3_{name}ShortMsg.rsp", f"hashes/SHA3/SHA3_{name}LongMsg.rsp", 32)
digest("md5", "hashes/MD5/rfc-1321.txt")
digest("blake2b512", "hashes/blake2/blake2b.txt")
for name, rfc in (("sha1", "2202"), ("sha256", "4231"), ("sha512", "4231")):
    path = f"HMAC/rfc-{rfc}-{name}.txt"
    write(f"hmac-{name}", [(path, ({"key": r["key"], "msg": r["msg"], "digest": r["md"]} for r in records(path)))])
for bits in (128, 256):
    path = f"CMAC/nist-800-38b-aes{bits}.txt"
    write(f"cmac-aes-{bits}",
          [(path, ({"key": r["key"], "msg": r["message"], "digest": r["output"]} for r in records(path)))])
    cipher(f"aes-{bits}-ecb", [f"ciphers/AES/ECB/ECB{n}{bits}.rsp" for n in ("GFSbox", "KeySbox", "MMT", "VarKey", "VarTxt")],
           (1, 1, 1, 8, 8))
    xts(bits)
    ccm(bits)
for bits in (128, 192, 256):
    cipher(f"aes-{bits}-cbc", [f"ciphers/AES/CBC/CBC{n}{bits}.rsp" for n in ("GFSbox", "KeySbox", "MMT", "VarKey", "VarTxt")],
           (1, 1, 1, 8, 8))
    cipher(f"aes-{bits}-ctr", [f"ciphers/AES/CTR/aes-{bits}-ctr.txt"], (1,))
    gcm(bits)


def chacha(path):
    for r in records(path):
        counter = int(r["initial_block_counter"]).to_bytes(4, "little").hex()
        yield {"key": r["key"], "iv": counter + r["nonce"], "pt": r["plaintext"], "ct": r["ciphertext"], "way": "encrypt"}


write("chacha20", [(p, chacha(p)) for p in ["ciphers/ChaCha20/rfc7539.txt"]])
