// SPDX-License-Identifier: MIT
//
// Clients of each generation that choose to be written to a few times in a second only: what has no keys comes whole and in order, of
// what has the newest comes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cleanup } from '../tests/e2e/lib/cleanup.mjs';
import { SIOCAST_ONLY, feedsReady, startSiocast } from '../tests/e2e/lib/daemon.mjs';
import { freePort } from '../tests/e2e/lib/ports.mjs';
import { startRedis } from '../tests/e2e/lib/redis.mjs';
import { SLOW, eventually, limit, within } from '../tests/e2e/lib/wait.mjs';
import { Client } from './lib/client.mjs';

const VERSIONS = ['1.0.6', '1.7.4', '2.5.0', '3.1.3', '4.8.4'];
const PER_SECOND = 4;
const KEYS = ['a', 'b', 'c'];
const MESSAGES = 150;

const batch = { interval: 5 };
const feeds = [
	{ channel: 'q', event: 'quotes', encode: 'json', batch, slow: { latestPer: '/s' } },
	{ channel: 'q', event: 'news', encode: 'json', batch },
];
const namespaces = { '/': { on: { pace: [{ pace: '{1}' }, { ack: [] }], hello: [{ ack: [] }] } } };

const ask = ({ socket }, ...args) => within(new Promise((resolve) => socket.emit(...args, resolve)), `the ack of ${args[0]}`);

async function connect(cleanup, version, transport, url) {
	const client = new Client({ version, build: 'node', transport }, url, { limit: 20_000 * SLOW });
	cleanup.add(client, () => client.close());
	const got = { quotes: [], news: [] };
	for (const event of ['quotes', 'news']) client.socket.on(event, (list) => got[event].push(list));
	await client.connected();
	return { version, transport, client, got };
}

test('clients that choose their pace', { ...limit(60), skip: SIOCAST_ONLY }, async () => {
	const cleanup = new Cleanup();
	try {
		const redis = await startRedis(cleanup, await freePort());
		const server = await startSiocast(cleanup, { redis: redis.url, workers: 2, feeds, namespaces });
		await feedsReady(redis, server);
		const kinds = VERSIONS.flatMap((version) => ['websocket', 'polling'].map((transport) => [version, transport]));
		const paced = await Promise.all(kinds.map(([version, transport]) => connect(cleanup, version, transport, server.url)));
		const healthy = await connect(cleanup, '4.8.4', 'websocket', server.url);
		const since = performance.now();
		await Promise.all(paced.map(({ client }) => ask(client, 'pace', PER_SECOND)));
		const all = [];
		while (all.length < MESSAGES) {
			const message = { s: KEYS[all.length % 7 % KEYS.length], n: all.length };
			all.push(message);
			await redis.client.publish('q', JSON.stringify(message));
			await eventually(() => healthy.got.news.flat().at(-1)?.n === message.n, 'a message');
		}
		for (const { version, transport, client, got } of paced) {
			await eventually(() => got.news.flat().length >= all.length, `all news for ${version} ${transport}`);
			assert.deepEqual(got.news.flat(), all, `${version} ${transport}`);
			await ask(client, 'hello');
		}
		const last = KEYS.map((s) => all.findLast((m) => m.s === s).n);
		for (const { version, transport, got } of paced) {
			const numbers = () => got.quotes.flat().map(({ n }) => n);
			await eventually(() => last.every((n) => numbers().includes(n)), `the newest for ${version} ${transport}`);
			const seconds = (performance.now() - since) / 1000;
			assert.deepEqual(numbers(), [...new Set(numbers())].sort((a, b) => a - b), `${version} ${transport}`);
			// Beside its pace it is written to for the ack of "hello", and for a ping.
			assert.ok(got.quotes.length <= seconds * PER_SECOND + 4, `${version} ${transport}: ${got.quotes.length} in ${seconds} s`);
		}
	} finally {
		await cleanup.run();
	}
});
