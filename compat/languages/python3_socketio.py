# SPDX-License-Identifier: MIT
"""Drives Debian's python3-socketio, the client with threads. See talk.py."""
import logging
import sys
import threading

import engineio.payload
import socketio

from talk import orders, tell, tell_event

# By default a poll that brings more than 16 packets ends its connection; its documentation says to raise this.
engineio.payload.Payload.max_decode_packets = 100_000

# How long connect() waits for the namespaces, in seconds. The default is 1, which a busy machine may need for itself.
PATIENCE = 15


class Packets(logging.Handler):
    """Tells which packets come in, as the client logs them."""

    def emit(self, record):
        if record.msg.startswith("Received packet"):
            tell(packet=record.args[0].lower())


def packet_logger():
    logger = logging.getLogger("packets")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    logger.addHandler(Packets())
    return logger


class Client(socketio.Client):
    """Tells that it is connected when connect() returns, the first time and after a loss. Its own event comes earlier, in a thread:
    who leaves on that finds a client that does not know yet that it is connected, tells nothing of the end, and is connected for ever."""

    def connect(self, *args, **rest):
        super().connect(*args, **{**rest, "wait_timeout": PATIENCE})
        tell_connected(self)


def tell_connected(sio):
    for namespace in list(sio.namespaces):
        tell(event="connect", namespace=namespace, args=[], transport=sio.eio.transport())


def make(kind, order):
    """A client that tells of the events of the order, in all of its namespaces."""
    sio = kind(engineio_logger=packet_logger(), **order["client"])
    for namespace in order["namespaces"]:
        for event in order["events"]:
            sio.on(event, lambda *args, e=event, n=namespace: tell_event(e, n, *args), namespace)
        sio.on("disconnect", lambda *args, n=namespace: tell_event("disconnect", n), namespace)
        sio.on("connect_error", lambda *args, n=namespace: tell_event("connect_error", n, *args), namespace)
    return sio


def arguments(order):
    """Of connect()."""
    return order["url"], {k: order[k] for k in ("transports", "namespaces", "auth")}


def ack_of(order):
    return (lambda *args: tell(ack=order["ack"], args=args)) if "ack" in order else None


def connect(sio, order, again):
    url, rest = arguments(order)
    # What is left at work for a connection that ended would take the next one for its own, and end it.
    if again:
        sio.wait()
    try:
        sio.connect(url, **rest)
    except socketio.exceptions.ConnectionError as error:
        tell(failed=str(error))


def main():
    if sys.argv[1:] == ["--version"]:
        # Python's own name for it; socketio.__version__ is gone in later ones.
        from importlib.metadata import version
        print(version("python-socketio"))
        return
    sio = None
    for order in orders():
        if order["do"] == "connect":
            again = sio is not None
            sio = sio or make(Client, order)
            threading.Thread(target=connect, args=(sio, order, again), daemon=True).start()
        elif order["do"] == "emit":
            sio.emit(order["event"], tuple(order["args"]), namespace=order["namespace"], callback=ack_of(order))
        elif order["do"] == "disconnect":
            sio.disconnect()


if __name__ == "__main__":
    main()
