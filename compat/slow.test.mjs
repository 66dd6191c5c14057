// SPDX-License-Identifier: MIT
//
// Official clients that stop reading their WebSocket for a while and go on: what they get of feeds with "latestPer", in every
// encoding, and what they are told of the rest.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cleanup } from '../tests/e2e/lib/cleanup.mjs';
import { SIOCAST_ONLY, feedsReady, startSiocast } from '../tests/e2e/lib/daemon.mjs';
import { metric } from '../tests/e2e/lib/metrics.mjs';
import { freePort } from '../tests/e2e/lib/ports.mjs';
import { startRedis } from '../tests/e2e/lib/redis.mjs';
import { SLOW, eventually, limit } from '../tests/e2e/lib/wait.mjs';
import { Client } from './lib/client.mjs';

const VERSIONS = ['1.7.4', '2.5.0', '4.8.4'];
const SYMBOLS = ['A', 'B', 'C', 'D'];
const BULK = 'x'.repeat(30_000);
const FIRST = 4;
const LARGE = 260; // three feeds: 23 MB, more than the kernel keeps for a program that does not read
const SMALL = 100;

const slow = { latestPer: '/s' };
const batch = { interval: 10 };
const feeds = [
	{ channel: 'q', event: 'json', encode: 'json', batch, slow, lagEvent: true },
	{ channel: 'q', event: 'text', encode: 'text', batch: { ...batch, format: 'lines' }, slow, lagEvent: true },
	{ channel: 'q', event: 'binary', batch: { ...batch, format: 'frames' }, slow, lagEvent: true },
];

function* frames(bytes) {
	for (let at = 0; at < bytes.length; at += 4 + bytes.readUInt32BE(at)) yield bytes.subarray(at + 4, at + 4 + bytes.readUInt32BE(at));
}

const READ = {
	json: (list) => list,
	text: (lines) => lines.split('\n').slice(0, -1).map(JSON.parse),
	binary: (bytes) => [...frames(bytes)].map((m) => JSON.parse(m)),
};

/** Keeps what a client gets: the messages of each event, and what it is told. */
function keep(client) {
	const got = { json: [], text: [], binary: [], lag: [] };
	for (const [event, read] of Object.entries(READ)) client.socket.on(event, (arg) => got[event].push(...read(arg)));
	client.socket.on('siocast:lag', (lag) => got.lag.push(lag));
	return got;
}

async function connect(cleanup, version, url) {
	const client = new Client({ version, build: 'node', transport: 'websocket' }, url, { limit: 20_000 * SLOW });
	cleanup.add(client, () => client.close());
	const got = keep(client);
	await client.connected();
	return { version, client, got };
}

const socketOf = ({ client }) => client.engine.transport.ws._socket;
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);

/** In order, each once, the newest of each key among them, and all of it or counted. */
function assertGot({ version, got }, all) {
	let missed = 0;
	for (const event of Object.keys(READ)) {
		const numbers = got[event].map(({ n }) => n);
		assert.deepEqual(numbers, [...new Set(numbers)].sort((a, b) => a - b), `${version}: order of ${event}`);
		for (const s of SYMBOLS) {
			const newest = all.findLast((m) => m.s === s).n;
			assert.equal(got[event].findLast((m) => m.s === s).n, newest, `${version}: newest ${s} of ${event}`);
		}
		missed += all.length - numbers.length;
	}
	assert.equal(sum(got.lag.map(({ dropped }) => dropped)), missed, `${version}: what it was told`);
	return missed;
}

test('clients that stop reading get the newest of each key when they go on', { ...limit(60), skip: SIOCAST_ONLY }, async () => {
	const cleanup = new Cleanup();
	try {
		const redis = await startRedis(cleanup, await freePort());
		const server = await startSiocast(cleanup, { redis: redis.url, workers: 2, feeds, namespaces: { '/': {} } });
		await feedsReady(redis, server);
		const stopping = await Promise.all(VERSIONS.map((version) => connect(cleanup, version, server.url)));
		const healthy = await connect(cleanup, '4.8.4', server.url);
		const all = [];
		const say = async (count, x) => {
			for (let i = 0; i < count; i++) {
				const message = { s: SYMBOLS[all.length % 7 % SYMBOLS.length], n: all.length, x };
				all.push(message);
				await redis.client.publish('q', JSON.stringify(message));
			}
		};
		const has = ({ got }) => Object.keys(READ).every((event) => got[event].at(-1)?.n === all.length - 1);
		await say(FIRST);
		await eventually(() => [healthy, ...stopping].every(has), 'the first messages');
		for (const each of stopping) socketOf(each).pause();
		await say(LARGE, BULK);
		await eventually(async () => (await metric(server, 'connections_behind')) >= VERSIONS.length, 'that all are behind');
		await say(SMALL);
		await eventually(() => has(healthy), 'that the others have everything');
		for (const each of stopping) socketOf(each).resume();
		await eventually(() => stopping.every(has) && stopping.every(({ got }) => got.lag.length > 0), 'the newest messages');
		const missed = stopping.map((each) => assertGot(each, all));
		for (const n of missed) assert.ok(n > 0);
		for (const { got } of stopping) for (const { behindMs } of got.lag) assert.ok(behindMs >= 0 && behindMs < 60_000 * SLOW);
		// That one may have been behind for a moment as well.
		assert.equal(await metric(server, 'slow_replaced_total'), sum(missed) + assertGot(healthy, all));
		assert.equal(await metric(server, 'slow_keys_dropped_total'), 0);
	} finally {
		await cleanup.run();
	}
});
