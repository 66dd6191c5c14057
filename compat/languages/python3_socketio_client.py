# SPDX-License-Identifier: MIT
"""Drives Debian's python3-socketio-client, an old client that speaks revision 3. See talk.py."""
import json
import sys
import threading
from urllib.parse import urlsplit

from socketIO_client import BaseNamespace, SocketIO

from talk import orders, tell, tell_event

TRANSPORTS = {"polling": "xhr-polling", "websocket": "websocket"}


class Namespace(BaseNamespace):
    """Tells of everything that happens in a namespace."""

    def tell(self, event, *args):
        tell_event(event, self.path or "/", *args)

    def on_connect(self):
        tell(event="connect", namespace=self.path or "/", args=[], transport=self._io.transport_name.replace("xhr-", ""))

    on_reconnect = on_connect

    def on_disconnect(self):
        self.tell("disconnect")

    def on_error(self, *data):
        # 0.6 gives the packet, 0.7 the characters of its text one by one.
        packet = isinstance(data[0], bytes)
        self.tell("error", json.loads(data[0].split(b",", 1)[-1]) if packet else "".join(data))

    def on_pong(self, data):
        tell(packet="pong")

    def on_event(self, event, *args):
        # The last argument is a function when the server asks for an answer, which it does not here.
        self.tell(event, *args)


def path_of(namespace):
    return "" if namespace == "/" else namespace


class Session:
    """The client, and the thread that reads for it: it reads in wait() and define() only, and in one of them at a time."""

    def __init__(self, order):
        self.order = order
        self.io = None
        self.wanted = list(order["namespaces"])
        self.over = False
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        try:
            self.read()
        except Exception as error:  # whatever ends it ends the client
            tell(failed=f"{type(error).__name__}: {error}")

    def read(self):
        url = urlsplit(self.order["url"])
        transports = [TRANSPORTS[name] for name in self.order["transports"]]
        self.io = SocketIO(url.hostname, url.port, Namespace, transports=transports, params=self.order["query"])
        while not self.over:
            while self.wanted:
                namespace = self.wanted.pop(0)
                if path_of(namespace):
                    self.io.define(Namespace, namespace)
            self.io.wait(seconds=1)

    def emit(self, order):
        args = list(order["args"])
        if "ack" in order:
            args.append(lambda *values: tell(ack=order["ack"], args=values))
        self.io.emit(order["event"], *args, path=path_of(order["namespace"]))

    def disconnect(self, namespace):
        self.over = namespace == "/"
        self.io.disconnect(path_of(namespace))


def main():
    if sys.argv[1:] == ["--version"]:
        from importlib.metadata import version
        print(version("socketIO-client"))
        return
    session = None
    for order in orders():
        if order["do"] == "connect":
            session = Session(order)
        elif order["do"] == "emit":
            session.emit(order)
        elif order["do"] == "also":
            session.wanted.append(order["namespace"])
        elif order["do"] == "disconnect":
            session.disconnect(order["namespace"])


main()
