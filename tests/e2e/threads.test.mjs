// SPDX-License-Identifier: MIT
//
// Short and crowded: everything that passes between threads at once (batches to workers, requests and sockets from worker to
// worker, events to Redis, joins and leaves), for a build that watches the threads.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MODES, ask, collect, connect, connectMode } from './lib/client.mjs';
import { feedsReady, startSiocast } from './lib/daemon.mjs';
import { withCleanup } from './lib/cleanup.mjs';
import { freePort } from './lib/ports.mjs';
import { RedisClient, startRedis } from './lib/redis.mjs';
import { limit } from './lib/wait.mjs';

const ROOMS = 4;
const MESSAGES = 800;

const config = {
	workers: 2,
	// So low that broadcasts are compressed, which all threads want at the same time.
	engine: { perMessageDeflate: { threshold: 10 }, httpCompression: { threshold: 10 } },
	feeds: [
		{ pattern: 'room.*', event: 'room', room: '{1}', encode: 'json', batch: { interval: 0 } },
		{ channel: 'all', event: 'all', encode: 'json', batch: { interval: 20 } },
	],
	namespaces: {
		'/': {
			on: {
				subscribe: [{ join: '{1}' }, { ack: [true] }],
				unsubscribe: [{ leave: '{1}' }],
				say: [{ publish: 'uplink' }, { ack: ['{1}'] }],
			},
		},
	},
	limits: { clientQueueBytes: 268435456 },
};

/** Comes, joins a room, leaves it, goes: as long as told to. */
async function visitor(cleanup, server, mode, busy) {
	for (let visits = 0; busy() || visits === 0; visits++) {
		const socket = await connect(cleanup, server, MODES[mode]);
		await ask(socket, 'subscribe', `${visits % ROOMS}`);
		assert.deepEqual(await ask(socket, 'say', visits), [visits]);
		socket.emit('unsubscribe', `${visits % ROOMS}`);
		socket.disconnect();
	}
}

test('everything at once', limit(180), () =>
	withCleanup(async (cleanup) => {
		const redis = await startRedis(cleanup, await freePort());
		const server = await startSiocast(cleanup, { ...config, redis: redis.url });
		await feedsReady(redis, server);
		const uplink = await RedisClient.open(cleanup, redis.port);
		await uplink.subscribe('uplink');
		const modes = Object.keys(MODES);
		const members = await Promise.all(
			Array.from({ length: 12 }, async (_, i) => {
				const perMessageDeflate = i % 4 === 3 ? false : {};
				const socket = await connectMode(cleanup, server, modes[i % modes.length], { perMessageDeflate });
				await ask(socket, 'subscribe', `${i % ROOMS}`);
				return { socket, room: i % ROOMS, heard: collect(socket, 'room'), all: collect(socket, 'all') };
			}),
		);
		let busy = true;
		const visitors = modes.map((mode) => visitor(cleanup, server, mode, () => busy));
		try {
			for (let n = 0; n < MESSAGES; n += 20) {
				const block = Array.from({ length: 20 }, (_, i) => JSON.stringify({ n: n + i }));
				for (let room = 0; room < ROOMS; room++) await redis.client.publishAll(`room.${room}`, block);
				await redis.client.publishAll('all', block);
			}
		} finally {
			busy = false;
			await Promise.all(visitors);
		}
		const expected = Array.from({ length: MESSAGES }, (_, n) => ({ n }));
		for (const { socket, room, heard, all } of members) {
			await heard.until((items) => items.length >= MESSAGES, `all of room ${room}`);
			assert.deepEqual(heard.items.map(([message]) => message), expected);
			await all.until((items) => items.flatMap(([batch]) => batch).length >= MESSAGES, 'all');
			assert.deepEqual(all.items.flatMap(([batch]) => batch), expected);
			socket.disconnect();
		}
		await uplink.messages.until((items) => items.length >= modes.length, 'what the visitors said');
	}),
);
