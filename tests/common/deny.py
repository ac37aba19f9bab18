"""deny.py SYSCALL FIRST ERRNO CMD...: runs CMD under a seccomp filter that refuses one system call.

SYSCALL is its number, FIRST the value its first argument must have ("any": whatever it is), ERRNO the number it then
fails with ("kill": the process is killed). seccomp(2), by way of prctl(2), with no package but Python itself.
"""
import ctypes
import os
import struct
import sys

number, first, answer, *command = sys.argv[1:]
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ERRNO, KILL = 0x7FFF0000, 0x00050000, 0x80000000
refusal = KILL if answer == "kill" else ERRNO | int(answer)
low_half = 16 if sys.byteorder == "little" else 20

program = [(LOAD, 0, 0, 0)]
if first == "any":
    program += [(EQUAL, 0, 1, int(number))]
else:
    program += [(EQUAL, 0, 3, int(number)), (LOAD, 0, 0, low_half), (EQUAL, 0, 1, int(first))]
program += [(RETURN, 0, 0, refusal), (RETURN, 0, 0, ALLOW)]

code = b"".join(struct.pack("HBBI", *instruction) for instruction in program)
buffer = ctypes.create_string_buffer(code)
fprog = struct.pack("HxxxxxxP", len(program), ctypes.addressof(buffer))
libc = ctypes.CDLL(None, use_errno=True)
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, FILTER = 38, 22, 2
if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, FILTER, fprog, 0, 0):
    sys.exit(f"deny.py: prctl: {os.strerror(ctypes.get_errno())}")
os.execvp(command[0], command)
