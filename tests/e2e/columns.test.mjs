// SPDX-License-Identifier: MIT
//
// Batches in columns, to each generation of the client over each transport: every message is what was published, byte for byte; also
// what is retained, what a client missed, and what is left for one that was slow. And in a browser whose page allows no eval.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { test } from 'node:test';
import { chromium } from 'playwright-core';
import { datasets } from '../../bench/lib/datasets.mjs';
import siocast from '../../client-js/siocast-columns.mjs';
import { ask, collect, connect, createClient } from './lib/client.mjs';
import { Cutter } from './lib/cutter.mjs';
import { SIOCAST_ONLY, feedsReady, startSiocast } from './lib/daemon.mjs';
import { Session } from './lib/engine.mjs';
import { metric } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { suite } from './lib/suite.mjs';
import { eventually, limit, once } from './lib/wait.mjs';

const require = createRequire(new URL('../../client-js/official/', import.meta.url));
const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';
const WAYS = [
	{ transports: ['websocket'] },
	{ transports: ['polling'], upgrade: false },
	{ transports: ['polling'], upgrade: false, forceBase64: true },
];
const batch = { interval: 50, format: 'columns' };

/** Messages of all kinds among each other, and some that JavaScript's own JSON would not write. */
const MESSAGES = [
	...Object.values(datasets).flatMap((make) => make(60)),
	...Array.from({ length: 30 }, (_, i) => `{ "price" : ${i}.50, "big":1234567890123456789${i % 10}, "odd": [-0, 1e5, 1.0],\t"text":"żółć \\u00e9 𝄞 \\"${i}\\"" }`),
];

const PAGE = '<!doctype html><meta http-equiv="Content-Security-Policy" content="script-src \'self\'"><script src="/socket.io/socket.io.js"></script><script src="/socket.io/siocast.js"></script><script src="/socket.io/siocast-columns.js"></script><script src="/page.js"></script>';
const SCRIPT = `
window.got = { batches: 0, messages: [], charts: 0 };
io({ transports: ['websocket'] }).on('all', function (batch) {
	var first = new Uint8Array(batch)[0];
	if (first === 1) window.got.batches++;
	window.got.messages = window.got.messages.concat(siocast.decode(batch));
	if (siocast.columns(batch).values['/price'] instanceof Float64Array) window.got.charts++;
}).on('connect', function () { window.got.connected = true; });
`;

async function start(cleanup) {
	const redis = await startRedis(cleanup, await freePort());
	const www = await cleanup.folder();
	fs.writeFileSync(path.join(www, 'index.html'), PAGE);
	fs.writeFileSync(path.join(www, 'page.js'), SCRIPT);
	const server = await startSiocast(cleanup, {
		redis: redis.url,
		workers: 2,
		www,
		connectionStateRecovery: { maxDisconnectionDuration: 60_000 },
		feeds: [
			{ channel: 'all', event: 'all', batch },
			{ channel: 'slow', event: 'slow', batch: { interval: 5, format: 'columns' }, slow: { latestPer: '/s' } },
			{ channel: 'kept', event: 'kept', room: 'kept', retain: { key: '/device' }, snapshotEvent: 'kept now', batch },
		],
		namespaces: { '/': { on: { enter: [{ join: 'kept' }, { ack: [true] }] } } },
	});
	await feedsReady(redis, server);
	return { cleanup, redis, ...server };
}

/** Batches until as many messages have come: their bytes. */
async function read(inbox, n) {
	const batches = [];
	for (let got = 0; got < n; ) {
		const [data] = await inbox.next();
		batches.push(Buffer.from(data));
		got += siocast.split(data).length;
	}
	return batches;
}

const texts = (batches) => batches.flatMap((b) => siocast.split(b).map((m) => Buffer.from(m).toString()));
const isColumns = (b) => b[0] === 1 && b.at(-1) === 0;

suite('columns', start, (server) => {
	const publish = (channel, messages) => Promise.all(messages.map((m) => server.redis.client.publish(channel, m)));

	for (const version of ['1.7.4', '2.5.0', '4.8.4'])
		test(`client ${version}, each transport: all messages, byte for byte`, limit(), async () => {
			const library = require(`client-${version}`);
			const clients = WAYS.map((options) => {
				const socket = (library.io ?? library)(server.url, { forceNew: true, ...options });
				server.cleanup.add(socket, () => socket.disconnect());
				return { socket, inbox: collect(socket, 'all'), ready: once(socket, 'connect') };
			});
			await Promise.all(clients.map(({ ready }) => ready));
			await publish('all', MESSAGES);
			for (const { inbox, socket } of clients) {
				const batches = await read(inbox, MESSAGES.length);
				assert.deepEqual(texts(batches), MESSAGES);
				assert.deepEqual(batches.flatMap((b) => siocast.decode(b)), MESSAGES.map((m) => JSON.parse(m)));
				assert.ok(batches.some(isColumns));
				const size = batches.reduce((sum, b) => sum + b.length, 0);
				assert.ok(size < MESSAGES.join().length / 3, `${size} bytes`);
				socket.disconnect();
			}
		});

	test('what is retained comes in columns, too', limit(), async () => {
		const before = await metric(server, 'retained_messages');
		const messages = datasets.sensors(100);
		await publish('kept', messages);
		await eventually(async () => (await metric(server, 'retained_messages')) === before + 25, '25 retained messages');
		const socket = await connect(server.cleanup, server, { transports: ['websocket'] });
		const inbox = collect(socket, 'kept now');
		await ask(socket, 'enter');
		const [snapshot] = await inbox.next();
		assert.ok(isColumns(snapshot));
		assert.deepEqual(texts([snapshot]), messages.slice(-25));
		socket.disconnect();
	});

	test('a client that comes back gets the batches that it missed', limit(), async () => {
		const cutter = await Cutter.open(server.cleanup, server.port);
		const socket = createClient(server.cleanup, { ...server, url: cutter.url }, { transports: ['websocket'] });
		const inbox = collect(socket, 'all');
		socket.connect();
		await once(socket, 'connect');
		const quotes = datasets.quotes(90);
		await publish('all', quotes.slice(0, 30));
		const first = await read(inbox, 30);
		const gone = once(socket, 'disconnect');
		const back = once(socket, 'connect');
		cutter.cut();
		await gone;
		await publish('all', quotes.slice(30));
		cutter.mend();
		await back;
		assert.equal(socket.recovered, true);
		const rest = await read(inbox, 60);
		assert.deepEqual(texts([...first, ...rest]), quotes);
		assert.ok(rest.some(isColumns));
		socket.disconnect();
	});

	test('who does not poll gets the newest of each key, in columns', limit(), async () => {
		const session = await Session.open(server);
		await session.post('40');
		await session.poll();
		const say = (n) => Array.from({ length: 20 }, (_, i) => `{"s":"symbol ${i}","price":${n}.50,"text":"the same in each of them"}`);
		const before = await metric(server, 'slow_replaced_total');
		for (let n = 0; n < 40; n++) await publish('slow', say(n));
		await publish('slow', ['{"s":"last"}']);
		const batches = [];
		let seen = [];
		while (!seen.some((m) => m.s === 'last')) {
			const answer = await session.poll();
			for (const part of answer.text.split('\x1e'))
				if (part.startsWith('b')) batches.push(Buffer.from(part.slice(1), 'base64'));
			seen = batches.flatMap((b) => siocast.decode(b));
		}
		assert.ok(seen.length < 40 * 20, `${seen.length} messages`);
		assert.ok(batches.some(isColumns));
		for (let i = 0; i < 20; i++) assert.equal(seen.filter((m) => m.s === `symbol ${i}`).at(-1).price, 39.5);
		assert.ok((await metric(server, 'slow_replaced_total')) > before);
	});

	test('in Chromium, with a policy that forbids eval', { ...limit(120), skip: fs.existsSync(EXECUTABLE) ? false : `there is no ${EXECUTABLE}` }, async () => {
		const browser = await chromium.launch({ executablePath: EXECUTABLE, args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'] });
		server.cleanup.add(browser, () => browser.close());
		const page = await browser.newPage();
		const problems = [];
		page.on('pageerror', (error) => problems.push(error.message));
		await page.goto(`${server.url}/`);
		await page.waitForFunction(() => window.got.connected);
		const messages = Array.from({ length: 200 }, (_, i) => `{"symbol":"${'ABC'[i % 3]}","price":${i}.25,"__proto__":{"polluted":${i}}}`);
		await publish('all', messages);
		await page.waitForFunction((n) => window.got.messages.length >= n, messages.length);
		const got = await page.evaluate(() => ({ ...window.got, messages: JSON.stringify(window.got.messages), polluted: {}.polluted }));
		assert.equal(got.messages, `[${messages}]`);
		assert.ok(got.batches > 0 && got.charts > 0);
		assert.equal(got.polluted, undefined);
		assert.deepEqual(problems, []);
		await browser.close();
	});
}, SIOCAST_ONLY);
