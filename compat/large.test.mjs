// SPDX-License-Identifier: MIT
//
// Official clients of all generations, on both transports, while messages of megabytes and small ones follow each other: each gets all
// of them, in order, whatever form its messages are made in meanwhile and by whom.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { test } from 'node:test';
import { Cleanup } from '../tests/e2e/lib/cleanup.mjs';
import { SIOCAST_ONLY, feedsReady, startSiocast } from '../tests/e2e/lib/daemon.mjs';
import { freePort } from '../tests/e2e/lib/ports.mjs';
import { startRedis } from '../tests/e2e/lib/redis.mjs';
import { SLOW, eventually, limit } from '../tests/e2e/lib/wait.mjs';
import { Client, plain } from './lib/client.mjs';

const VERSIONS = ['1.7.4', '2.5.0', '4.8.4'];
const TRANSPORTS = ['websocket', 'polling'];
const SMALL = 20;
const FRAME_MAX = 16e6; // what a frame holds at most, about
const most = 200_000_000;
const feeds = [
	{ channel: 'json', event: 'json', encode: 'json', batch: { interval: 0 } },
	{ channel: 'text', event: 'text', encode: 'text', batch: { interval: 0 } },
	{ channel: 'binary', event: 'binary', encode: 'binary', batch: { interval: 0, format: 'frames' } },
];
const limits = { messageBytes: most, clientQueueBytes: most, workerQueueBytes: most };

/** What of a message comes out at the client: a frame begins with its length. */
const AS_SENT = {
	json: JSON.parse,
	text: (value) => value,
	binary: (value) => Buffer.concat([Buffer.alloc(4), Buffer.from(value)]),
};

const hash = (value) => crypto.createHash('sha1').update(value).digest('base64');

/** What came, short: small messages as they are, large ones by length and hash. */
function brief(event, value) {
	const bytes = event === 'binary' ? plain(value).subarray(4) : event === 'json' ? JSON.stringify(value) : value;
	return bytes.length < 100 ? `${event} ${bytes}` : `${event} ${bytes.length} ${hash(bytes)}`;
}

function connect(cleanup, version, transport, server) {
	// Its pings wait behind what it parses.
	const client = new Client({ version, build: 'node', transport }, server.url, { limit: 20_000 * SLOW });
	cleanup.add(client, () => client.close());
	const got = [];
	for (const { event } of feeds) client.socket.on(event, (value) => got.push(brief(event, value)));
	client.socket.on('disconnect', (why) => got.push(`disconnect ${why}`));
	return { name: `${version} ${transport}`, client, got };
}

/** Messages of `bytes` each, with what revision 3 must escape, and small ones between them. */
function messagesOf(bytes) {
	const text = 'Zürich 12.5 € 😀 and nothing else of note, line after line after line\n'.repeat(Math.ceil(bytes / 75));
	const large = [['text', text], ['binary', crypto.randomBytes(Math.min(bytes, FRAME_MAX))], ['json', JSON.stringify([text.slice(0, bytes / 2)])]];
	const all = [];
	for (const [channel, value] of large) {
		all.push([channel, value]);
		for (let i = 0; i < SMALL; i++) all.push(['text', `small ${all.length}`], ['json', `[${all.length}]`], ['binary', `b${all.length}`]);
	}
	return all;
}

async function exchange({ bytes, versions = VERSIONS, ...config }) {
	const cleanup = new Cleanup();
	try {
		const redis = await startRedis(cleanup, await freePort());
		// All clients are one process: while one of them parses, none of them answers a ping.
		const engine = { pingTimeout: 300_000 };
		const server = await startSiocast(cleanup, { redis: redis.url, feeds, limits, namespaces: { '/': {} }, ...config, engine: { ...engine, ...config.engine } });
		await feedsReady(redis, server);
		const clients = TRANSPORTS.flatMap((transport) => versions.map((version) => connect(cleanup, version, transport, server)));
		await Promise.all(clients.map(({ client }) => client.connected()));
		const all = messagesOf(bytes);
		const want = all.map(([channel, value]) => brief(channel, AS_SENT[channel](value)));
		await Promise.all(all.map(([channel, value]) => redis.client.publish(channel, value)));
		await eventually(() => clients.every(({ got }) => got.length >= want.length), 'all messages', 60_000 * SLOW)
			.catch((error) => assert.fail(`${error.message}: ${clients.map(({ name, got }) => `${name} ${got.length}/${want.length}`)}`));
		for (const { name, got } of clients) assert.deepEqual(got, want, name);
	} finally {
		await cleanup.run();
	}
}

const options = { ...limit(120), skip: SIOCAST_ONLY };
const compressed = { perMessageDeflate: true, httpCompression: true };

test('20 MB and small ones, one worker', options, () => exchange({ bytes: 21e6, workers: 1, versions: ['2.5.0', '4.8.4'] }));
test('megabytes and small ones, two workers', options, () => exchange({ bytes: 2e6, workers: 2 }));
test('megabytes and small ones, compressed', options, () => exchange({ bytes: 2e6, workers: 2, engine: compressed }));
