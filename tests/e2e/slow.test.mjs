// SPDX-License-Identifier: MIT
//
// Clients that do not keep up with a feed that has "latestPer": one that does not poll is as slow as can be, and what its next poll
// brings is exact. Clients that stop reading their WebSocket are in compat/slow.test.mjs.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { connect, collect, MODES } from './lib/client.mjs';
import { SIOCAST_ONLY, feedsReady, startSiocast } from './lib/daemon.mjs';
import { SEPARATOR, Session, openJoined } from './lib/engine.mjs';
import { Session3, TEXT, encodeText } from './lib/engine3.mjs';
import { metric } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { eventually, limit } from './lib/wait.mjs';

const siocastOnly = { ...limit(60), skip: SIOCAST_ONLY };
const slow = { latestPer: '/s' };
const batch = { interval: 5 };
const feeds = [
	{ channel: 'q', event: 'json', encode: 'json', batch, slow, lagEvent: true },
	{ channel: 'q', event: 'bare', encode: 'json', batch: { interval: 0 }, slow },
	{ channel: 'q', event: 'text', encode: 'text', batch: { ...batch, format: 'lines' }, slow },
	{ channel: 'q', event: 'binary', batch: { ...batch, format: 'frames' }, slow },
	{ channel: 'rooms', event: 'room', encode: 'json', room: '{/room}', batch, slow },
	{ channel: 'few', event: 'few', encode: 'json', batch, slow: { latestPer: '/s', max: 2 } },
];
const namespaces = { '/': { on: { join: [{ join: '{1}' }], leave: [{ leave: '{1}' }] } } };

const quote = (s, n) => `{"s":"${s}","n":${n},"t":"é\\n"}`;
const frame = (m) => Buffer.concat([Buffer.from([0, 0, 0, Buffer.byteLength(m)]), Buffer.from(m)]);

async function setUp(cleanup, config = {}) {
	const redis = await startRedis(cleanup, await freePort());
	const server = await startSiocast(cleanup, { redis: redis.url, feeds, namespaces, ...config });
	await feedsReady(redis, server);
	const healthy = await connect(cleanup, server, MODES.websocket);
	const heard = collect(healthy, 'json');
	const all = [];
	/** Publishes messages, each in a batch of its own. */
	const say = async (...messages) => {
		for (const message of messages) {
			await redis.client.publish('q', message);
			await heard.next(message);
			all.push(message);
		}
	};
	return { redis, server, healthy, say };
}

const A = [quote('a', 1), quote('b', 2), quote('a', 3), quote('c', 4), quote('b', 5), '{"n":6}'];
const NEWEST = [quote('a', 3), quote('c', 4), quote('b', 5), '{"n":6}'];

test('who does not poll gets the newest of each key, in one batch of each feed', siocastOnly, () =>
	withCleanup(async (cleanup) => {
		const { server, say } = await setUp(cleanup);
		const session = await Session.open(server);
		await session.post('40');
		await session.packets();
		await say(...A);
		const packets = (await session.poll()).text.split(SEPARATOR);
		const [, lag] = /^42\["siocast:lag",(.*)\]$/.exec(packets.pop());
		assert.equal(JSON.parse(lag).dropped, 2);
		assert.ok(JSON.parse(lag).behindMs >= 0);
		const lines = NEWEST.map((m) => `${m}\n`).join('');
		const want = [
			`42["json",[${NEWEST}]]`,
			...NEWEST.map((m) => `42["bare",${m}]`),
			`42["text",${JSON.stringify(lines)}]`,
			'451-["binary",{"_placeholder":true,"num":0}]',
			`b${Buffer.concat(NEWEST.map(frame)).toString('base64')}`,
		];
		// Each feed has its own time.
		assert.deepEqual([...packets].sort(), want.sort());
		assert.equal(packets.indexOf('451-["binary",{"_placeholder":true,"num":0}]') + 1, packets.findIndex((p) => p[0] === 'b'));
		assert.equal(await metric(server, 'slow_replaced_total'), 4 * 2);
		assert.equal(await metric(server, 'lag_events_total'), 1);
		// It has caught up, and is not told so again.
		const poll = session.poll();
		await say(quote('a', 7));
		assert.ok((await poll).text.includes('"n":7'));
	}),
);

test('who missed one batch gets that, and nothing is said of it', siocastOnly, () =>
	withCleanup(async (cleanup) => {
		const { server, say } = await setUp(cleanup);
		const session = await Session.open(server);
		await session.post('40');
		await session.packets();
		for (let n = 1; n < 5; n++) {
			await say(quote('a', n));
			const packets = await session.packets(5);
			assert.ok(packets.includes(`42["json",[${quote('a', n)}]]`), packets.join());
		}
		assert.equal(await metric(server, 'slow_replaced_total'), 0);
		assert.equal(await metric(server, 'lag_events_total'), 0);
	}),
);

for (const query of ['', '&b64=1']) {
	test(`revision 3 (${query || 'binary'})`, siocastOnly, () =>
		withCleanup(async (cleanup) => {
			const { server, say } = await setUp(cleanup);
			const session = await Session3.open(server, { query });
			await session.packets();
			await say(...A);
			const packets = await session.packets();
			const escaped = NEWEST.map((m) => m.replaceAll('é', '\\u00e9'));
			assert.ok(packets.includes(`42["json",[${escaped}]]`), packets.join('\n'));
			const binary = Buffer.concat(NEWEST.map(frame));
			const found = packets.some((p) => p === `b4${binary.toString('base64')}` || (p.equals && p.subarray(1).equals(binary)));
			assert.ok(found, packets.join('\n'));
			assert.match(packets.at(-1), /^42\["siocast:lag",\{"dropped":2,"behindMs":\d+\}\]$/);
			await session.ask('POST', TEXT, encodeText(['2']));
		}),
	);
}

test('whatever its size, one batch may always wait', siocastOnly, () =>
	withCleanup(async (cleanup) => {
		const { server, say } = await setUp(cleanup, { feeds: feeds.slice(0, 1), limits: { clientQueueBytes: 1024 } });
		const session = await Session.open(server);
		await session.post('40');
		await session.packets();
		for (let n = 0; n < 3; n++) {
			const large = `{"s":"a","n":${n},"x":"${'x'.repeat(5000)}"}`;
			await say(large);
			assert.deepEqual(await session.packets(), [`42["json",[${large}]]`]);
		}
	}),
);

test('several rooms of a feed, and those that are left and joined meanwhile', siocastOnly, () =>
	withCleanup(async (cleanup) => {
		const { redis, server, healthy } = await setUp(cleanup);
		const heard = collect(healthy, 'room');
		for (const room of ['A', 'B', 'C']) healthy.emit('join', room);
		const session = await Session.open(server);
		await session.post('40');
		await session.packets();
		const send = async (...packets) => assert.equal((await session.post(packets.join(SEPARATOR))).text, 'ok');
		await send('42["join","A"]', '42["join","B"]');
		const said = async (room, n, s = 'k') => {
			const message = `{"room":"${room}","s":"${s}","n":${n}}`;
			await redis.client.publish('rooms', message);
			await heard.next(message);
			return message;
		};
		await said('A', 1);
		await said('B', 2);
		const a = await said('A', 3);
		const b = await said('B', 4);
		assert.deepEqual(await session.packets(2), [`42["room",[${a}]]`, `42["room",[${b}]]`]);
		// What was said before it left is for it, what was said meanwhile is not.
		await said('A', 5);
		const before = await said('A', 6);
		await send('42["leave","A"]');
		await said('A', 7);
		await send('42["join","A"]');
		await said('A', 8);
		const last = await said('A', 9);
		assert.deepEqual(await session.packets(2), [`42["room",[${before}]]`, `42["room",[${last}]]`]);
	}),
);

test('with more keys than are kept the oldest go', siocastOnly, () =>
	withCleanup(async (cleanup) => {
		const { redis, server, healthy } = await setUp(cleanup);
		const heard = collect(healthy, 'few');
		const session = await Session.open(server);
		await session.post('40');
		await session.packets();
		for (let n = 0; n < 5; n++) {
			await redis.client.publish('few', quote(n, n));
			await heard.next();
		}
		assert.deepEqual(await session.packets(), [`42["few",[${quote(3, 3)},${quote(4, 4)}]]`]);
		assert.equal(await metric(server, 'slow_keys_dropped_total'), 3);
		assert.equal(await metric(server, 'slow_replaced_total'), 3);
	}),
);

test('"drop-oldest" tells of what it dropped as well', siocastOnly, () =>
	withCleanup(async (cleanup) => {
		const oldest = [{ channel: 'q', event: 'json', encode: 'json', batch: { interval: 0 }, lagEvent: true }];
		const { server, say } = await setUp(cleanup, { feeds: oldest, limits: { clientQueueBytes: 1024 } });
		const session = await Session.open(server);
		await session.post('40');
		await session.packets();
		await say(...Array.from({ length: 12 }, (_, n) => quote('a', n)));
		const packets = (await session.poll()).text.split(SEPARATOR);
		const lag = JSON.parse(/^42\["siocast:lag",(.*)\]$/.exec(packets.pop())[1]);
		assert.ok(packets.length > 0 && lag.dropped > 0);
		assert.equal(packets.length + lag.dropped, 12);
		assert.equal(packets.at(-1), `42["json",${quote('a', 11)}]`);
	}),
);

test('what waits for who does not read waits with siocast: little of what it gets then is old', siocastOnly, () =>
	withCleanup(async (cleanup) => {
		const SIZE = 20_000;
		const COUNT = 400; // 8 MB, of which the kernel would take about 4
		const bare = [{ channel: 'q', event: 'json', encode: 'json', batch: { interval: 0 }, slow }];
		const { server, say } = await setUp(cleanup, { feeds: bare });
		const stopped = await openJoined(server);
		cleanup.add(stopped, () => stopped.close());
		stopped.wire.socket.pause();
		const long = (n) => `{"s":"${n % 4}","n":${n},"x":"${'x'.repeat(SIZE)}"}`;
		await say(...Array.from({ length: COUNT }, (_, n) => long(n)));
		await eventually(async () => (await metric(server, 'connections_behind')) === 1, 'that one is behind');
		const held = await metric(server, 'connections_behind_kernel_bytes');
		stopped.wire.socket.resume();
		const numbers = [];
		while (numbers.at(-1) !== COUNT - 1) numbers.push(JSON.parse((await stopped.nextText()).slice(2))[1].n);
		const old = numbers.slice(0, -4);
		assert.deepEqual(old, old.map((_, n) => n));
		assert.deepEqual(numbers.slice(-4), [4, 3, 2, 1].map((n) => COUNT - n));
		// What the kernel had for it, and what its own had taken already.
		assert.ok(held > 0 && held < 600_000 && old.length * SIZE < 1_200_000, `the kernel held ${held} bytes, and ${old.length} messages were old`);
	}),
);
