#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""An sctp server that says hello to each client, and a client that prints what it is told: sctp.py serve PORT | ask HOST PORT."""
import socket
import sys

link = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP)
if sys.argv[1] == "serve":
    link.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    link.bind(("0.0.0.0", int(sys.argv[2])))
    link.listen(8)
    while True:
        client = link.accept()[0]
        client.sendall(b"hello\n")
        client.close()
link.settimeout(2)
link.connect((sys.argv[2], int(sys.argv[3])))
print(link.recv(100).decode(), end="")
