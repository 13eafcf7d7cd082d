#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A seccomp agent: notify.py SOCKET ERRNO prints each state it is sent and answers each notification with -ERRNO."""
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
filters = []
while True:
    ready, _, _ = select.select([listener] + filters, [], [], 30)
    if not ready:
        sys.exit("nothing came")
    for source in ready:
        if source is listener:
            connection, _ = listener.accept()
            data, descriptors, _, _ = socket.recv_fds(connection, 1 << 20, 4)
            while True:
                try:
                    state = json.loads(data)
                    break
                except ValueError:
                    data += connection.recv(1 << 20)
            print(json.dumps(state), flush=True)
            filters += descriptors
            continue
        notification = bytearray(80)
        try:
            fcntl.ioctl(source, RECV, notification)
            (call_id,) = struct.unpack_from("Q", notification)
            fcntl.ioctl(source, SEND, struct.pack("QqiI", call_id, 0, -int(sys.argv[2]), 0))
        except OSError:  # its process is gone
            filters.remove(source)
            os.close(source)
