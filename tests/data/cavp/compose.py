#!/usr/bin/env python3
"""Vectors for what is made of a cipher and a MAC, which NIST does not publish: the multi-block ciphertexts of CAVP that
reduce.py left in aes-*-cbc.txt, with tags by Python's hmac over associated data and ciphertext. The associated data is the
IV after a header of 8 bytes, as in IPsec, or nothing; every vector has a sibling with a bit changed, which must be refused."""
import hashlib
import hmac
import pathlib

folder = pathlib.Path(__file__).parent
MAC_KEY = bytes(range(32))
HEADER = bytes.fromhex("0000432100000001")  # SPI and sequence number (RFC 4303)

for bits in (128, 256):
    origin = f"ciphers/AES/CBC/CBCMMT{bits}.rsp"
    lines, inside = [f"# {origin}, tags by hmac"], False
    for line in (folder / f"aes-{bits}-cbc.txt").read_text().splitlines():
        if line.startswith("# "):
            inside = line == f"# {origin}"
        elif inside and line.endswith(" way=encrypt"):
            v = dict(field.split("=", 1) for field in line.split())
            for aad in (HEADER + bytes.fromhex(v["iv"]), b""):
                tag = hmac.digest(MAC_KEY, aad + bytes.fromhex(v["ct"]), hashlib.sha256)
                for tag_len in (12, 16, 32):
                    start = f"key={MAC_KEY.hex()}{v['key']} iv={v['iv']} aad={aad.hex()}"
                    cut = tag[:tag_len]
                    lines.append(f"{start} pt={v['pt']} ct={v['ct']} tag={cut.hex()}")
                    changed = cut[:-1] + bytes([cut[-1] ^ 1])
                    lines.append(f"{start} ct={v['ct']} tag={changed.hex()} fail")
    (folder / f"aes-{bits}-cbc-hmac-sha256.txt").write_text("\n".join(lines) + "\n")
