#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A seccomp agent: agent.py SOCKET takes one connection, answers its notifications with errno 55 until the process has ended, and then
prints what it was sent: how many states, the last of them, how many descriptors came with each message, whether the connection was closed."""
import fcntl
import json
import os
import select
import socket
import struct
import sys

RECV, SEND = 0xC0502100, 0xC0182101
listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
listener.bind(sys.argv[1])
listener.listen(4)
listener.settimeout(20)
connection, _ = listener.accept()
connection.settimeout(5)
text, counts, descriptors, closed = "", [], [], False
try:
    while True:
        data, received, _, _ = socket.recv_fds(connection, 1 << 16, 8)
        if not data:
            closed = True
            break
        text += data.decode()
        counts.append(len(received))
        descriptors += received
except TimeoutError:
    pass
states, decoder = [], json.JSONDecoder()
while text.strip():
    state, end = decoder.raw_decode(text.lstrip())
    states.append(state)
    text = text.lstrip()[end:]
kind = os.readlink(f"/proc/self/fd/{descriptors[0]}")
poll = select.poll()
poll.register(descriptors[0], select.POLLIN)
while poll.poll(20000)[0][1] & select.POLLIN:
    notification = bytearray(80)
    fcntl.ioctl(descriptors[0], RECV, notification)
    (call_id,) = struct.unpack_from("Q", notification)
    fcntl.ioctl(descriptors[0], SEND, struct.pack("QqiI", call_id, 0, -55, 0))
print(json.dumps({"states": len(states), "closed": closed, "descriptors": [n for n in counts if n or len(counts) == 1],
                  "kind": kind, "state": states[-1]}))
