# SPDX-License-Identifier: MIT
"""python-socketio as its documentation shows it, on asyncio and aiohttp; the same two ways as the Node peers (see peer.mjs)."""

import argparse
import asyncio
import json
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
    parser.add_argument("--naive", action="store_true")
    parser.add_argument("--compress", action="store_true")
    parser.add_argument("--ping", type=float, default=25000)
    return parser.parse_args()


opt = options()
sio = socketio.AsyncServer(async_mode="aiohttp", ping_interval=opt.ping / 1000, http_compression=opt.compress)
waiting = {}


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


async def flush(channel):
    await asyncio.sleep(opt.batch / 1000)
    await emit(channel, b"[" + b",".join(waiting.pop(channel)) + b"]")


async def heard(channel, data):
    if opt.naive:
        await emit(channel, json.loads(data))
    elif opt.batch == 0:
        await emit(channel, data)
    elif channel in waiting:
        waiting[channel].append(data)
    else:
        waiting[channel] = [data]
        sio.start_background_task(flush, channel)


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
