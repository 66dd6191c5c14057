# SPDX-License-Identifier: MIT
# A service manager as far as it hands over sockets (sd_listen_fds(3)): binds what it is told, a list of [address, name, options...] in
# JSON, puts the sockets behind standard error and becomes the program. Options: "quiet": it does not listen; "again": with
# SO_REUSEPORT, so that the same address can come twice; "other": it is meant for another process.
import json
import os
import socket
import sys


def bound(address, options):
    if address.startswith("unix:"):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        s.bind(address[5:])
    else:
        host, port = address.rsplit(":", 1)
        host = host.strip("[]")
        s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if "again" in options:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        s.bind((host, int(port)))
    if "quiet" not in options:
        s.listen(4096)
    return s


wanted = json.loads(sys.argv[1])
sockets = [bound(address, options) for address, name, *options in wanted]
# First out of the way of each other.
high = [os.dup(s.fileno()) for s in sockets]
high = [fd if fd >= 3 + len(sockets) else os.dup2(fd, 100 + fd) for fd in high]
for i, fd in enumerate(high):
    os.dup2(fd, 3 + i)
    os.set_inheritable(3 + i, True)
other = any("other" in options for _, _, *options in wanted)
os.environ["LISTEN_PID"] = str(1 if other else os.getpid())
os.environ["LISTEN_FDS"] = str(len(sockets))
os.environ["LISTEN_FDNAMES"] = ":".join(name for _, name, *_ in wanted)
os.closerange(3 + len(sockets), 256)
os.execvp(sys.argv[2], sys.argv[2:])
