# SPDX-License-Identifier: MIT
"""Drives Debian's python3-socketio, the client for asyncio. See talk.py."""
import asyncio
import sys
import threading

import socketio

from python3_socketio import PATIENCE, ack_of, arguments, main, make, tell_connected
from talk import orders, tell


class Client(socketio.AsyncClient):
    """Tells that it is connected when connect() returns, as that of python3_socketio.py."""

    async def connect(self, *args, **rest):
        await super().connect(*args, **{**rest, "wait_timeout": PATIENCE})
        tell_connected(self)


async def connect(sio, order, again):
    url, rest = arguments(order)
    if again:  # as python3_socketio.py does
        await sio.wait()
    try:
        await sio.connect(url, **rest)
    except socketio.exceptions.ConnectionError as error:
        tell(failed=str(error))


async def follow(queue):
    sio = None
    while True:
        order = await queue.get()
        if order["do"] == "connect":
            again = sio is not None
            sio = sio or make(Client, order)
            await connect(sio, order, again)
        elif order["do"] == "emit":
            await sio.emit(order["event"], tuple(order["args"]), namespace=order["namespace"], callback=ack_of(order))
        elif order["do"] == "disconnect":
            await sio.disconnect()


def listen(loop, queue):
    for order in orders():
        loop.call_soon_threadsafe(queue.put_nowait, order)


async def run():
    queue = asyncio.Queue()
    threading.Thread(target=listen, args=(asyncio.get_running_loop(), queue), daemon=True).start()
    await follow(queue)


if sys.argv[1:] == ["--version"]:
    main()
else:
    asyncio.run(run())
