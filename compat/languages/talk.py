# SPDX-License-Identifier: MIT
"""What the drivers of this folder share: they are told what to do and tell what happens, a line of JSON each.

In come {"do": "connect" | "emit" | "also" | "disconnect", ...}; out go {"event": NAME, "namespace": ..., "args": [...]}, {"ack": ID,
"args": [...]} and {"packet": TYPE}. Binary is {"$binary": BASE64}. The end of the input ends the program.
"""
import base64
import json
import os
import sys
import threading

_lock = threading.Lock()


def _wrap(value):
    if isinstance(value, (bytes, bytearray)):
        return {"$binary": base64.b64encode(value).decode()}
    raise TypeError(f"cannot tell {type(value)}")


def _unwrap(value):
    return base64.b64decode(value["$binary"]) if set(value) == {"$binary"} else value


def tell(**what):
    line = json.dumps(what, default=_wrap)
    with _lock:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def tell_event(event, namespace, *args):
    tell(event=event, namespace=namespace, args=args)


def orders():
    """What is to be done, one after the other. Clients leave threads behind that would keep the program alive."""
    for line in sys.stdin:
        yield json.loads(line, object_hook=_unwrap)
    os._exit(0)
