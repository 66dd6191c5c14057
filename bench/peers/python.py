# SPDX-License-Identifier: MIT
"""python-socketio as its documentation shows it, on asyncio and aiohttp; messages stay bytes (see passOn in peer.mjs)."""

import argparse
import asyncio
import os
import signal

import redis.asyncio
import socketio
from aiohttp import web


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int)
    parser.add_argument("--redis")
    parser.add_argument("--event", default="ticks")
    parser.add_argument("--batch", type=float, default=0)
    parser.add_argument("--channels", type=int, default=1)
    parser.add_argument("--rooms", action="store_true")
    parser.add_argument("--compress", action="store_true")
    parser.add_argument("--ping", type=float, default=25000)
    return parser.parse_args()


opt = options()
sio = socketio.AsyncServer(async_mode="aiohttp", ping_interval=opt.ping / 1000, http_compression=opt.compress)
waiting = {}

# The most that a batch holds: siocast's defaults.
BATCH_MESSAGES = 1000
BATCH_BYTES = 262144


@sio.event
async def join(sid, room):
    sio.enter_room(sid, room)
    return True


@sio.event
async def leave(sid, room):
    sio.leave_room(sid, room)
    return True


async def emit(channel, data):
    room = "r" + channel[len(opt.event) + 1 :] if opt.rooms else None
    await sio.emit(opt.event, data, room=room)


class Batch:
    """Messages of a channel that leave together."""

    def __init__(self, channel):
        self.channel, self.messages, self.bytes = channel, [], 1
        self.timer = asyncio.get_running_loop().call_later(opt.batch / 1000, self.due)
        waiting[channel] = self

    def take(self):
        self.timer.cancel()
        del waiting[self.channel]
        return b"[" + b",".join(self.messages) + b"]"

    def due(self):
        sio.start_background_task(emit, self.channel, self.take())


async def collect(channel, data):
    batch = waiting.get(channel)
    if batch and batch.bytes + len(data) + 1 > BATCH_BYTES:
        await emit(channel, batch.take())
        batch = None
    batch = batch or Batch(channel)
    batch.messages.append(data)
    batch.bytes += len(data) + 1
    if len(batch.messages) >= BATCH_MESSAGES or batch.bytes >= BATCH_BYTES:
        await emit(channel, batch.take())


async def heard(channel, data):
    if opt.batch == 0:
        await emit(channel, data)
    else:
        await collect(channel, data)


async def listen():
    pubsub = redis.asyncio.from_url(opt.redis).pubsub(ignore_subscribe_messages=True)
    names = [f"{opt.event}.{i}" for i in range(opt.channels)] if opt.channels > 1 else [opt.event]
    await pubsub.subscribe(*names)
    async for message in pubsub.listen():
        await heard(message["channel"].decode(), message["data"])


async def main():
    # Without a farewell to thousands of clients.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, os._exit, 0)
    app = web.Application()
    sio.attach(app)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", opt.port, backlog=4096).start()
    await listen()


asyncio.run(main())
