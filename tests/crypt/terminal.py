"""Runs a program on a terminal of its own and types lines when it asks: terminal.py LINE... -- PROGRAM ARG...

Prints what the terminal showed; a line ^C is the character that interrupts. Exits with the program's status, or 9 where
the terminal does not show what is typed after the program has ended.
"""
import fcntl, os, sys, termios

split = sys.argv.index("--")
lines, program = sys.argv[1:split], sys.argv[split + 1:]
terminal, held = os.openpty()
child = os.fork()
if child == 0:
    os.setsid()
    fcntl.ioctl(held, termios.TIOCSCTTY, 0)
    for standard in (0, 1, 2):
        os.dup2(held, standard)
    os.execv(program[0], program)
# Held open here too, so that the terminal outlives the program.
shown = b""
for line in lines:
    while not shown.endswith((b": ",)):
        shown += os.read(terminal, 1)
    if line == "^C":
        os.write(terminal, b"\x03")
    else:
        os.write(terminal, line.encode() + b"\n")
    shown += os.read(terminal, 1)
status = os.waitpid(child, 0)[1]
echo = termios.tcgetattr(held)[3] & termios.ECHO
os.set_blocking(terminal, False)
try:
    while True:
        shown += os.read(terminal, 4096)
except (BlockingIOError, OSError):
    pass
sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(status) if echo else 9)
