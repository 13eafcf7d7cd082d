#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A terminal for a program: screen.py ROWS COLUMNS STEPS COMMAND... Steps, separated by commas: "wait:TEXT" until the program
has written it, "key:X", "size:ROWSxCOLUMNS", "signal:NAME". What the program wrote goes to standard output. Fails unless it
ends within 25 s and leaves the terminal's mode as it was. Exit status: the program's, 128 + N for signal N."""
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

DEADLINE = time.monotonic() + 25
rows, columns, steps, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3].split(","), sys.argv[4:]
written = b""
seen = 0


def set_size(descriptor, lines, width):
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", lines, width, 0, 0))


def pump(seconds):
    """Take what the program writes; False when it has closed the terminal."""
    global written
    if select.select([outside], [], [], seconds)[0]:
        try:
            data = os.read(outside, 65536)
        except OSError:
            return False
        written += data
        return bool(data)
    return True


def wait_for(text):
    global seen
    while text not in written[seen:]:
        if time.monotonic() > DEADLINE:
            sys.stdout.buffer.write(written)
            sys.exit(f"waited in vain for {text!r}")
        pump(0.1)
    seen = written.index(text, seen) + len(text)


outside, inside = pty.openpty()
set_size(inside, rows, columns)
before = termios.tcgetattr(inside)
child = os.fork()
if child == 0:
    os.close(outside)
    os.setsid()
    fcntl.ioctl(inside, termios.TIOCSCTTY, 0)
    for descriptor in range(3):
        os.dup2(inside, descriptor)
    os.execvp(command[0], command)

for step in steps:
    what, _, value = step.partition(":")
    if what == "wait":
        wait_for(value.encode())
    elif what == "key":
        os.write(outside, value.encode())
    elif what == "size":
        set_size(inside, *map(int, value.split("x")))
    elif what == "signal":
        os.kill(child, getattr(signal, "SIG" + value))

while True:
    pump(0.05)
    ended, status = os.waitpid(child, os.WNOHANG)
    if ended:
        break
    if time.monotonic() > DEADLINE:
        os.kill(child, signal.SIGKILL)
        sys.exit("it does not end")
while select.select([outside], [], [], 0)[0] and pump(0):
    pass
sys.stdout.buffer.write(written)
if termios.tcgetattr(inside) != before:
    sys.exit("the terminal's mode is not what it was")
sys.exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
