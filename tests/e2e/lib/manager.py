# SPDX-License-Identifier: MIT
# A service manager as far as it listens: binds a Unix datagram socket, for which Node has none, and prints each datagram as a line of
# JSON: {"pid": of the sender, "lines": [...]}. Ends with its standard input.
import json
import os
import socket
import struct
import sys
import threading

path = sys.argv[1]
server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
server.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
server.bind("\0" + path[1:] if path.startswith("@") else path)
print(json.dumps({"bound": path}), flush=True)


def until_the_end():
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=until_the_end, daemon=True).start()
while True:
    data, ancillary, _, _ = server.recvmsg(4096, socket.CMSG_SPACE(12))
    pid = 0
    for level, kind, value in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
            pid = struct.unpack("3i", value[:12])[0]
    print(json.dumps({"pid": pid, "lines": data.decode().split("\n")}), flush=True)
