// SPDX-License-Identifier: MIT
//
// What leaves of a message, as the official clients get it: payloads in each encoding, members left out, several arguments.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import siocast from '../../client-js/siocast.mjs';
import { MODES, collect, connectMode } from './lib/client.mjs';
import { feedsReady, startSiocast } from './lib/daemon.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { suite } from './lib/suite.mjs';
import { limit } from './lib/wait.mjs';

const batch = { interval: 20 };
const json = { encode: 'json', batch: { interval: 0 } };

const feeds = [
	{ channel: 'm', event: 'member', payload: '{/data}', ...json },
	{ channel: 'm', event: 'built', payload: { from: '{channel}', data: '{/data}', note: 'it is {/n}' }, encode: 'json', batch },
	{ channel: 'm', event: 'binary', payload: '{/data}', batch },
	{ channel: 'm', event: 'lines', payload: '{/data/s}', encode: 'text', batch: { ...batch, format: 'lines' } },
	{ channel: 'm', event: 'default', payload: '{/none}', payloadDefault: ['{/n}'], ...json },
	{ channel: 'm', event: 'without', omit: ['/secret', '/data/s', '/list/0'], ...json },
	{ channel: 'm', event: 'spread', payload: ['{channel}', '{/data}', '{/n}', '{/none?}'], spread: true, ...json },
	...['m', 'raw'].map((channel) => ({ channel, event: 'text spread', payload: ['{channel}', '{text}'], spread: true, ...json, encode: 'text' })),
];

async function start(cleanup) {
	const redis = await startRedis(cleanup, await freePort());
	const server = await startSiocast(cleanup, { redis: redis.url, feeds });
	await feedsReady(redis, server);
	return { cleanup, redis, ...server };
}

const MESSAGE = '{"n": 1.50, "secret": "x", "data": {"s": "é\\t", "id": 7}, "list": [1, 2]}';
const DATA = { s: 'é\t', id: 7 };

/** What the events of a message and of one without most members bring, in their order. */
const WANTED = {
	member: [[DATA]],
	built: [[[{ from: 'm', data: DATA, note: 'it is 1.50' }]]],
	binary: [[[DATA]]],
	lines: [['é\t\n']],
	default: [[[1.5]], [[2]]],
	without: [[{ n: 1.5, data: { id: 7 }, list: [2] }], [{ n: 2 }]],
	spread: [['m', DATA, 1.5]],
	'text spread': [['m', MESSAGE], ['m', '{"n": 2}'], ['raw', 'no "JSON"']],
};

for (const mode of Object.keys(MODES)) {
	suite(`payloads, ${mode}`, start, (server) => {
		test('in each encoding', limit(), async () => {
			const socket = await connectMode(server.cleanup, server, mode);
			const inboxes = Object.keys(WANTED).map((name) => [name, collect(socket, name)]);
			await server.redis.client.publish('m', MESSAGE);
			await server.redis.client.publish('m', '{"n": 2}');
			await server.redis.client.publish('raw', 'no "JSON"');
			for (const [name, inbox] of inboxes)
				for (const wanted of WANTED[name]) {
					const args = await inbox.next(name);
					assert.deepEqual(name === 'binary' ? [siocast.decode(args[0])] : args, wanted, name);
				}
			for (const [name, inbox] of inboxes) assert.equal(inbox.total, WANTED[name].length, name);
			socket.disconnect();
		});
	});
}
