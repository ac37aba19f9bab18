#!/usr/bin/env python3
"""Writes inputs to begin fuzzing from: `seeds.py FOLDER [CAPTURES]` makes FOLDER/TARGET/ with files of TARGET's kind.

They are the messages in tests/data/packets, the layers of a few packets below, the expressions of the tests of filters, and, where
CAPTURES is a folder of capture files, these and the layers of their packets, as far as a simple walk can tell them apart.
"""

import hashlib
import pathlib
import re
import struct
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# A decoder's input begins with how much longer the packet was than what was captured of it.
WHOLE = b"\0\0"
# Inputs of a target, at most, and the largest that is taken of decoders.
MOST, LARGEST = 200, 2048

BY_ETHERTYPE = {0x0800: "ipv4", 0x86DD: "ipv6", 0x0806: "arp", 0x8035: "arp"}
BY_PROTOCOL = {1: "icmp", 2: "igmp", 4: "ipip", 41: "ipip", 6: "tcp", 17: "udp", 47: "gre", 50: "esp", 58: "icmp6", 132: "sctp"}
BY_PORT = {53: "dns", 5353: "mdns", 67: "dhcp", 68: "dhcp", 546: "dhcp6", 547: "dhcp6", 123: "ntp", 4789: "vxlan", 8472: "vxlan", 6081: "geneve"}
BY_STREAM_PORT = {53: "dns_stream", 80: "http", 8080: "http", 443: "tls"}
BY_LINKTYPE = {1: "ethernet", 113: "cooked", 0: "loopback", 108: "loopback"}

# Packets of IPv4 behind nothing, by protocol.
PAYLOADS = {
    1: ["0800000000070009 70696e67", "0303000000000000 4500001c0001000040110000 0a0000010a000002 03e807d000080000"],
    2: ["110a0000 e1010103", "2200000000000001 04000000 e1010103", "11ff0000e1010103 02140001 0a000001"],
    4: ["4500001c0001000040110000 0a0000010a000002 03e807d000080000"],
    6: ["03e80050 00000001 00000002 a002ffff 00000000 020405b4 0402080a 0000000100000000 01 030307"],
    17: ["03e807d0000d0000 68656c6c6f", "03e812b5 00200000 0800000000006400 020000000002 020000000001 0806 0001"],
    47: ["30000800 00000009 00000007 4500001400010000403b00000a0000010a000002"],
    50: ["00000102 00000009 01020304"],
    58: ["8000000000070009 70696e67", "86000000 40c0000f 0000000500000006 0304 40c0 0000000900000008 00000000 fe80" + "00" * 14 + "05010000 00000500"],
    132: ["80000050 00000000 01020304 01000014 00000001 00008000 000a0005 00000007"],
}
# Inputs that are whole.
OTHERS = {
    "arp": ["0001080006040001 020000000001 0a000001 000000000000 0a000002"],
    "llc": ["aaaa03 000000 0800 45000014000100004011 0000 0a0000010a000002", "424203 0000000000"],
    "ipv6": ["6000000000083aff fe80" + "00" * 13 + "01 fe80" + "00" * 13 + "02 8000000000070009", "6000000000102cff fe80" + "00" * 13 + "01 fe80" + "00" * 13 + "02 1100000100000001 03e807d000080000"],
    "cooked": ["0004000100060200000000010000 0800 45000014000100004011 0000 0a0000010a000002"],
    "loopback": ["02000000 45000014000100004011 0000 0a0000010a000002"],
    "vxlan": ["0800000000006400 020000000002 020000000001 0800"],
    "geneve": ["0140655800005300 01028000 020000000002 020000000001 0800"],
}


def ipv4(protocol, payload):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0, b"\x0a\0\0\1", b"\x0a\0\0\2")
    return head + payload


def layers(target, data):
    """The target's name and bytes of each layer of a packet."""
    while target:
        yield target, data
        target, data = above(target, data)


def above(target, data):
    if target == "ethernet" and len(data) > 14:
        at, kind = 12, int.from_bytes(data[12:14], "big")
        while kind in (0x8100, 0x88A8) and len(data) >= at + 6:
            at, kind = at + 4, int.from_bytes(data[at + 4:at + 6], "big")
        return ("llc" if kind < 0x600 else BY_ETHERTYPE.get(kind)), data[at + 2:]
    if target == "ipv4" and len(data) >= 20:
        return BY_PROTOCOL.get(data[9]), data[(data[0] & 15) * 4:]
    if target == "ipv6" and len(data) >= 40:
        return BY_PROTOCOL.get(data[6]), data[40:]
    if target == "udp" and len(data) >= 8:
        ports = struct.unpack("!HH", data[:4])
        return next((BY_PORT[port] for port in ports if port in BY_PORT), None), data[8:]
    if target == "tcp" and len(data) >= 20:
        ports, payload = struct.unpack("!HH", data[:4]), data[(data[12] >> 4) * 4:]
        return next((BY_STREAM_PORT[port] for port in ports if port in BY_STREAM_PORT and payload), None), payload
    return None, b""


def packets(capture):
    """Link type and bytes of each packet of a pcap file, as far as it can be read."""
    order = {b"\xd4\xc3\xb2\xa1": "<", b"\xa1\xb2\xc3\xd4": ">"}.get(capture[:4])
    if not order or len(capture) < 24:
        return
    link, at = struct.unpack(order + "I", capture[20:24])[0] & 0xFFFF, 24
    while at + 16 <= len(capture):
        length = struct.unpack(order + "I", capture[at + 8:at + 12])[0]
        yield link, capture[at + 16:at + 16 + length]
        at += 16 + length


class Folder:
    def __init__(self, path):
        self.path, self.made = path, {}

    def add(self, target, data):
        made = self.made.setdefault(target, set())
        name = hashlib.sha1(data).hexdigest()
        if name in made or len(made) >= MOST:
            return
        made.add(name)
        folder = self.path / target
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)

    def packet(self, target, data):
        for name, part in layers(target, data[:LARGEST]):
            self.add(name, WHOLE + part)


def main():
    folder = Folder(pathlib.Path(sys.argv[1]))
    for sample in sorted((ROOT / "tests/data/packets").glob("*.hex")):
        data = bytes.fromhex(sample.read_text())
        target = "dns_stream" if sample.stem == "dns_stream" else re.match(r"[a-z]+6?", sample.stem)[0]
        folder.add({"tls12": "tls"}.get(target, target), WHOLE + data)
    for protocol, payloads in PAYLOADS.items():
        for payload in payloads:
            packet = ipv4(protocol, bytes.fromhex(payload))
            folder.packet("ethernet", bytes.fromhex("020000000002020000000001") + b"\x08\0" + packet)
    for target, inputs in OTHERS.items():
        for text in inputs:
            folder.packet(target, bytes.fromhex(text))
    expressions = (ROOT / "tests/sniff_filter/expressions.rs").read_text()
    for text in re.findall(r'^\s*r?"(.*)",$', expressions, re.M):
        folder.add("filter", text.encode() + b"\0" + ipv4(17, bytes.fromhex(PAYLOADS[17][0])))
    # ld [0]; jeq #0x45, 0, 1; ret #1; ret #0
    folder.add("interpreter", bytes.fromhex("04 0030000000000000 0015000100000045 0006000000000001 0006000000000000") + b"\x45\0")
    header = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + struct.pack("<IIII", 1, 2, 4, 4) + b"\1\2\3\4"
    folder.add("capture_file", header)
    if len(sys.argv) > 2:
        for path in sorted(pathlib.Path(sys.argv[2]).glob("*.pcap*")):
            capture = path.read_bytes()
            if len(capture) <= 8 * LARGEST:
                folder.add("capture_file", capture)
            for link, data in packets(capture):
                if link == 276:
                    # Version 2 of the cooked header is told by the first bit.
                    folder.add("cooked", b"\x80\0" + data[:LARGEST])
                    continue
                target = BY_LINKTYPE.get(link) or ("ipv6" if data[:1] and data[0] >> 4 == 6 else "ipv4")
                folder.packet(target, data)


main()
