# SPDX-License-Identifier: MIT
# A service manager as far as it listens, keeps descriptors, and starts services: binds a Unix datagram socket, for which Node has none, and
# prints each datagram as a line of JSON: {"pid": of the sender, "lines": [...], "kept": [names]}. What services give it by FDSTORE=1
# (sd_notify(3)) it keeps, each file once, as systemd does. A line of its standard input is a command in JSON, {"start": [program,
# arguments...], "env": {...}, "output": file}: what is kept goes to that process (sd_listen_fds(3)), and stays kept. Ends with its input.
import array
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
kept = []  # of (name, descriptor)


def same_file(a, b):
    one, other = os.fstat(a), os.fstat(b)
    return (one.st_dev, one.st_ino) == (other.st_dev, other.st_ino)


def keep(lines, fds):
    global kept
    names = [line[7:] for line in lines if line.startswith("FDNAME=")]
    name = names[0] if names else "stored"
    if "FDSTOREREMOVE=1" in lines:
        for _, fd in [one for one in kept if one[0] == name]:
            os.close(fd)
        kept = [one for one in kept if one[0] != name]
    for fd in fds:
        if "FDSTORE=1" in lines and not any(same_file(fd, other) for _, other in kept):
            kept.append((name, fd))
        else:
            os.close(fd)


def start(command):
    pid = os.fork()
    if pid:
        threading.Thread(target=os.waitpid, args=(pid, 0), daemon=True).start()
        return
    output = os.open(command["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    high = [os.dup2(fd, 200 + i) for i, (_, fd) in enumerate(kept)]
    os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    for i, fd in enumerate(high):
        os.dup2(fd, 3 + i)
        os.set_inheritable(3 + i, True)
    os.closerange(3 + len(high), 300)
    own = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(high)), "LISTEN_FDNAMES": ":".join(name for name, _ in kept)}
    os.execve(command["start"][0], command["start"], {**os.environ, **command["env"], **(own if high else {})})


def listen_to_input():
    for line in sys.stdin:
        start(json.loads(line))
    os._exit(0)


threading.Thread(target=listen_to_input, daemon=True).start()
while True:
    data, ancillary, _, _ = server.recvmsg(4096, socket.CMSG_SPACE(12) + socket.CMSG_SPACE(4 * 64))
    pid = 0
    fds = array.array("i")
    for level, kind, value in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
            pid = struct.unpack("3i", value[:12])[0]
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.frombytes(value[: len(value) - len(value) % fds.itemsize])
    lines = data.decode().split("\n")
    keep(lines, fds)
    print(json.dumps({"pid": pid, "lines": lines, "kept": [name for name, _ in kept]}), flush=True)
