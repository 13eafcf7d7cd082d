#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""An engine's end of --console-socket: console.py SOCKET FILE takes one terminal and copies what it prints to FILE."""
import os
import socket
import sys

listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
listener.bind(sys.argv[1])
listener.listen(1)
listener.settimeout(20)
connection, _ = listener.accept()
name, descriptors, _, _ = socket.recv_fds(connection, 4096, 4)
if not name or len(descriptors) != 1:
    sys.exit(f"want a name and one descriptor, have {name!r} and {len(descriptors)}")
with open(sys.argv[2], "wb", buffering=0) as output:
    try:
        while data := os.read(descriptors[0], 4096):
            output.write(data)
    except OSError:  # EIO: the last descriptor of the other end is closed
        pass
