# SPDX-License-Identifier: LGPL-2.1-or-later
# Drive a command on a terminal: terminal.py [-e TEXT | -s LINE | -r ROWSxCOLUMNS]... -- COMMAND...
# -e waits until TEXT is seen after the last wait, -s types LINE, -r resizes. All output goes to stdout; the status is the command's.
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time


def resize(fd, size):
    rows, columns = (int(n) for n in size.split("x"))
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


class Terminal:
    def __init__(self, fd):
        self.fd = fd
        self.seen = b""

    def read(self, seconds):
        """One read; False at the end of the output or of the time."""
        ready, _, _ = select.select([self.fd], [], [], max(0, seconds))
        if not ready:
            return False
        try:
            data = os.read(self.fd, 4096)
        except OSError:
            return False
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
        self.seen += data
        return bool(data)

    def wait_for(self, text):
        limit = time.monotonic() + 30
        while text.encode() not in self.seen:
            if not self.read(limit - time.monotonic()):
                sys.exit(f"terminal.py: {text!r} was not seen")
        self.seen = self.seen.split(text.encode(), 1)[1]


def main():
    cut = sys.argv.index("--")
    steps = list(zip(sys.argv[1:cut:2], sys.argv[2:cut:2]))
    pid, fd = pty.fork()
    if pid == 0:
        resize(0, "24x80")
        os.execvp(sys.argv[cut + 1], sys.argv[cut + 1:])
    terminal = Terminal(fd)
    for action, value in steps:
        if action == "-e":
            terminal.wait_for(value)
        elif action == "-s":
            os.write(fd, value.encode() + b"\r")
        elif action == "-r":
            resize(fd, value)
            os.kill(pid, signal.SIGWINCH)
            time.sleep(1)
    while terminal.read(30):
        pass
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) & 255)


main()
