// SPDX-License-Identifier: MIT
//
// From PUBLISH to the page: every encoding and format, complete, in order, once, over each way to connect; and the messages
// that are not like the others.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import siocast from '../../client-js/siocast.mjs';
import { MODES, ask, collect, connect, connectMode, upgraded } from './lib/client.mjs';
import { SIOCAST_ONLY, feedsReady, startSiocast } from './lib/daemon.mjs';
import { SEPARATOR, Session, openJoined } from './lib/engine.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { suite } from './lib/suite.mjs';
import { limit } from './lib/wait.mjs';

const COUNT = 10_000;
// Nobody is slow here on purpose: a client that falls behind for a moment must not lose anything.
const limits = { clientQueueBytes: 268435456 };

const starter = (feeds, namespaces) => async (cleanup) => {
	const redis = await startRedis(cleanup, await freePort());
	const server = await startSiocast(cleanup, { redis: redis.url, feeds, namespaces, limits });
	await feedsReady(redis, server);
	return { cleanup, redis, ...server };
};

/** A feed of channel and event `name`. */
function feed(name, encode, format, interval = 50, more = {}) {
	return { channel: name, event: name, encode, batch: { interval, format, ...more } };
}

const FORMS = [
	[feed('binary-array', 'binary', 'array'), ([buffer]) => siocast.decode(buffer)],
	[feed('binary-lines', 'binary', 'lines'), ([buffer]) => siocast.decode(buffer)],
	[feed('binary-frames', 'binary', 'frames'), ([buffer]) => siocast.decode(buffer)],
	[feed('json-array', 'json', 'array'), ([messages]) => messages],
	[feed('text-array', 'text', 'array'), ([text]) => siocast.decode(text)],
	[feed('text-lines', 'text', 'lines'), ([text]) => siocast.decode(text)],
	[feed('binary-array-alone', 'binary', 'array', 0), ([buffer]) => siocast.decode(buffer)],
	[feed('binary-frames-alone', 'binary', 'frames', 0), ([buffer]) => siocast.decode(buffer)],
	[feed('json-alone', 'json', 'array', 0), ([message]) => [message]],
	[feed('text-alone', 'text', 'lines', 0), ([text]) => [JSON.parse(text)]],
];

/** Receives the numbers of an event's messages; `done(last)` waits until number `last` or a later one is there. */
function numbers(socket, event, unpack) {
	const inbox = collect(socket, event);
	const seen = [];
	const drain = (items) => {
		while (items.length > 0) for (const { n } of unpack(items.shift())) seen.push(n);
		return seen;
	};
	const done = async (last) => {
		await inbox.until((items) => drain(items).at(-1) >= last, `message ${last}`);
		return seen;
	};
	return { done };
}

function assertComplete(seen, first, last, who) {
	const wrong = seen.findIndex((n, i) => n !== first + i);
	assert.equal(wrong, -1, `${who}: at ${wrong} came ${seen.slice(Math.max(wrong - 2, 0), wrong + 3)}`);
	assert.equal(seen.at(-1), last, who);
}

suite(`${COUNT} numbered messages`, starter(FORMS.map(([f]) => f)), (server) => {
	for (const [{ channel, event }, unpack] of FORMS) {
		test(`${channel}: complete, in order, once`, limit(180), async () => {
			const clients = await Promise.all(
				Object.keys(MODES).map(async (mode) => {
					const socket = await connectMode(server.cleanup, server, mode);
					return { mode, socket, ...numbers(socket, event, unpack) };
				}),
			);
			const messages = Array.from({ length: COUNT }, (_, n) => JSON.stringify({ n, text: `message ${n} é€😀` }));
			await server.redis.client.publishAll(channel, messages);
			for (const { mode, done } of clients) assertComplete(await done(COUNT - 1), 0, COUNT - 1, mode);
			for (const { socket } of clients) socket.disconnect();
		});
	}
});

suite('while clients upgrade', starter([feed('stream', 'json', 'array', 10), feed('blobs', 'binary', 'array', 10)]), (server) => {
	test('a stream loses nothing and repeats nothing', limit(180), async () => {
		let published = 0;
		let stop = false;
		const pump = async () => {
			while (!stop) {
				const block = Array.from({ length: 20 }, () => JSON.stringify({ n: published++ }));
				await server.redis.client.publishAll('stream', block);
				await server.redis.client.publishAll('blobs', block);
				await new Promise((resolve) => setTimeout(resolve, 5));
			}
		};
		const running = pump();
		const clients = [];
		try {
			for (let i = 0; i < 10; i++) {
				const socket = await connect(server.cleanup, server, MODES.upgrade);
				const json = numbers(socket, 'stream', ([messages]) => messages);
				const binary = numbers(socket, 'blobs', ([buffer]) => siocast.decode(buffer));
				clients.push({ socket, streams: [json, binary] });
			}
			for (const { socket, streams } of clients) {
				await upgraded(socket);
				for (const { done } of streams) await done(0);
			}
		} finally {
			stop = true;
			await running;
		}
		for (const { socket, streams } of clients) {
			for (const { done } of streams) {
				const seen = await done(published - 1);
				assertComplete(seen, seen[0], published - 1, 'an upgrading client');
			}
			socket.disconnect();
		}
	});
});

const routes = [
	{ pattern: 'ticks.*', event: 'ticks', room: '{1}', batch: { interval: 20 } },
	{ pattern: 'deep.*.*', event: '{1}', room: '{2}', encode: 'json', batch: { interval: 0 } },
	{ channel: 'by-field', event: '{/kind}', room: 'room-{/to/0}', encode: 'json', batch: { interval: 0 } },
	{ pattern: 'plain.*', encode: 'json', batch: { interval: 0 } },
	{ channel: 'for-admins', namespace: '/admin', event: 'news', encode: 'json', batch: { interval: 0 } },
	{ channel: 'filtered', event: 'filtered', where: { '/type': ['a', 'b'] }, encode: 'json', batch: { interval: 0 } },
];
const joining = { on: { subscribe: [{ join: '{1}' }, { ack: [true] }] } };

suite('routes', starter(routes, { '/': joining, '/admin': joining }), (server) => {
	const publish = (channel, message) => server.redis.client.publish(channel, JSON.stringify(message));

	test('rooms by pattern: each client gets its own', limit(), async () => {
		const modes = Object.keys(MODES);
		const clients = await Promise.all(modes.map((mode) => connectMode(server.cleanup, server, mode)));
		const heard = clients.map((socket) => collect(socket, 'ticks'));
		for (const [i, socket] of clients.entries()) assert.deepEqual(await ask(socket, 'subscribe', `S${i}`), [true]);
		for (let round = 0; round < 3; round++) {
			for (let i = clients.length - 1; i >= 0; i--) {
				await publish(`ticks.S${i}`, { to: i, round });
				const [buffer] = await heard[i].next();
				assert.deepEqual(siocast.decode(buffer), [{ to: i, round }]);
			}
			await publish('ticks.nobody', { lost: true });
		}
		for (const inbox of heard) assert.equal(inbox.total, 3);
		for (const socket of clients) socket.disconnect();
	});

	test('a client in several rooms gets each message once', limit(), async () => {
		const socket = await connect(server.cleanup, server);
		const heard = collect(socket, 'ticks');
		await ask(socket, 'subscribe', 'X');
		await ask(socket, 'subscribe', 'X');
		await ask(socket, 'subscribe', 'Y');
		await publish('ticks.X', 1);
		assert.deepEqual(siocast.decode((await heard.next())[0]), [1]);
		await publish('ticks.Y', 2);
		assert.deepEqual(siocast.decode((await heard.next())[0]), [2]);
		assert.equal(heard.total, 2);
		socket.disconnect();
	});

	test('several stars name event and room', { ...limit(), skip: SIOCAST_ONLY }, async () => {
		const socket = await connect(server.cleanup, server);
		const heard = collect(socket, 'odd');
		await ask(socket, 'subscribe', 'in');
		await publish('deep.odd.out', 1);
		await publish('deep.even.in', 2);
		await publish('deep.odd.in', 3);
		assert.deepEqual(await heard.next(), [3]);
		socket.disconnect();
	});

	test('so do values of the message', { ...limit(), skip: SIOCAST_ONLY }, async () => {
		const socket = await connect(server.cleanup, server);
		const heard = collect(socket, 'alarm');
		await ask(socket, 'subscribe', 'room-7');
		await publish('by-field', { kind: 'alarm', to: [8] });
		await publish('by-field', { to: [7] });
		await publish('by-field', { kind: 'alarm', to: [7], x: 1 });
		assert.deepEqual(await heard.next(), [{ kind: 'alarm', to: [7], x: 1 }]);
		socket.disconnect();
	});

	test('without an event the channel is the event', { ...limit(), skip: SIOCAST_ONLY }, async () => {
		const socket = await connect(server.cleanup, server);
		const heard = collect(socket, 'plain.one');
		await publish('plain.two', 2);
		await publish('plain.one', 1);
		assert.deepEqual(await heard.next(), [1]);
		socket.disconnect();
	});

	test('a feed of a namespace reaches only that', limit(), async () => {
		const root = await connect(server.cleanup, server);
		const admin = await connect(server.cleanup, server, { namespace: '/admin' });
		const [atRoot, atAdmin] = [collect(root, 'news'), collect(admin, 'news')];
		await publish('for-admins', 'secret');
		assert.deepEqual(await atAdmin.next(), ['secret']);
		// An answer that comes after everything that was sent before.
		await ask(root, 'subscribe', 'x');
		assert.equal(atRoot.total, 0);
		root.disconnect();
		admin.disconnect();
	});

	test('where lets only some messages through', { ...limit(), skip: SIOCAST_ONLY }, async () => {
		const socket = await connect(server.cleanup, server);
		const heard = collect(socket, 'filtered');
		for (const message of [{ type: 'c' }, { type: 'a', n: 1 }, {}, 'a', { type: ['a'] }, { type: 'b', n: 2 }]) {
			await publish('filtered', message);
		}
		assert.deepEqual([await heard.next(), await heard.next()], [[{ type: 'a', n: 1 }], [{ type: 'b', n: 2 }]]);
		socket.disconnect();
	});
});

// All valid JSON, and nothing a parser and a printer would leave as it is.
const ODD = [
	'{"id":9007199254740993,"next":-9223372036854775809}',
	' { "spaces" :\t[ 1 , 2 ] } ',
	'{"float":1.0,"exp":1E400,"small":1e-7,"zero":-0}',
	'{"escapes":"\\u00e9\\/\\ud83d\\ude00\\u2028","raw":"é😀\u2028"}',
	'{"twice":1,"twice":2}',
	'123456789012345678901234567890',
	'"text"',
	'null',
	'"half a pair \\ud800"',
];

const exact = [feed('raw-binary', 'binary', 'array', 0), feed('raw-json', 'json', 'array', 0), feed('raw-text', 'text', 'lines', 0)];
const bytesTest = { ...limit(), skip: SIOCAST_ONLY };

suite('bytes', starter([...exact, feed('frames', 'binary', 'frames', 0), feed('lines', 'binary', 'lines', 0)]), (server) => {
	const publish = (channel, message) => server.redis.client.publish(channel, message);

	const header = (event) => `451-["${event}",{"_placeholder":true,"num":0}]`;

	test('are untouched over WebSocket', bytesTest, async () => {
		const socket = await openJoined(server);
		for (const message of ODD) {
			await publish('raw-binary', message);
			assert.equal(await socket.nextText(), header('raw-binary'));
			assert.equal((await socket.next()).binary.toString(), `[${message}]`);
			await publish('raw-json', message);
			assert.equal(await socket.nextText(), `42["raw-json",${message}]`);
			await publish('raw-text', message);
			assert.equal(await socket.nextText(), `42["raw-text",${JSON.stringify(message)}]`);
		}
		socket.close();
	});

	test('are untouched over polling', bytesTest, async () => {
		const session = await Session.open(server);
		await session.post('40');
		await session.packets();
		for (const message of ODD) {
			await publish('raw-json', message);
			assert.deepEqual(await session.packets(), [`42["raw-json",${message}]`]);
			await publish('raw-binary', message);
			const base64 = Buffer.from(`[${message}]`).toString('base64');
			assert.deepEqual(await session.packets(2), [header('raw-binary'), `b${base64}`]);
		}
	});

	test('any bytes can travel in frames', limit(), async () => {
		const socket = await connect(server.cleanup, server);
		const heard = collect(socket, 'frames');
		const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
		for (const message of [all, Buffer.alloc(0), Buffer.from([0xff, 0xfe, 10, 0])]) {
			await publish('frames', message);
			const [buffer] = await heard.next();
			assert.deepEqual(siocast.split(buffer).map((part) => Buffer.from(part)), [message]);
		}
		socket.disconnect();
	});

	test('any line can travel in lines', limit(), async () => {
		const socket = await connect(server.cleanup, server);
		const heard = collect(socket, 'lines');
		for (const message of ['not json', 'é😀', ' [ ', '']) {
			await publish('lines', message);
			const [buffer] = await heard.next();
			assert.deepEqual(siocast.split(buffer).map((part) => Buffer.from(part).toString()), [message]);
		}
		socket.disconnect();
	});

	test('a packet may be as big as it likes', limit(120), async () => {
		const big = JSON.stringify({ big: 'x'.repeat(3_000_000) });
		for (const mode of Object.keys(MODES)) {
			const socket = await connectMode(server.cleanup, server, mode);
			const heard = [collect(socket, 'raw-binary'), collect(socket, 'raw-json')];
			await publish('raw-binary', big);
			assert.equal(siocast.decode((await heard[0].next())[0])[0].big.length, 3_000_000);
			await publish('raw-json', big);
			assert.equal((await heard[1].next())[0].big.length, 3_000_000);
			socket.disconnect();
		}
	});
});

const strict = [feed('array', 'binary', 'array'), feed('json', 'json', 'array', 0), feed('lines', 'binary', 'lines')];
const NOT_JSON = ['', '{bad', '[1,', '{"a":1}x', "{'a':1}", 'undefined', '01', '"tab\there"', '[1],[2]', Buffer.from('"\xff"', 'latin1')];

suite('bad messages', starter([...strict, feed('text', 'text', 'lines', 0)]), (server) => {
	const surround = (bad) => ['{"n":1}', ...bad, '{"n":2}'];
	const collectTwo = async (event, unpack, bad) => {
		const socket = await connect(server.cleanup, server);
		const heard = numbers(socket, event, unpack);
		await server.redis.client.publishAll(event, surround(bad));
		const seen = await heard.done(2);
		socket.disconnect();
		return seen;
	};

	test('are dropped alone from an array', limit(), async () => {
		assert.deepEqual(await collectTwo('array', ([buffer]) => siocast.decode(buffer), NOT_JSON), [1, 2]);
	});

	test('are dropped alone from a json feed', limit(), async () => {
		assert.deepEqual(await collectTwo('json', ([message]) => [message], NOT_JSON), [1, 2]);
	});

	test('with a line feed are dropped alone from lines', limit(), async () => {
		const bad = ['{"n":\n3}', '\n', '{"n":4}\n'];
		assert.deepEqual(await collectTwo('lines', ([buffer]) => siocast.decode(buffer), bad), [1, 2]);
	});

	test('that are not UTF-8 are dropped alone from text', { ...limit(), skip: SIOCAST_ONLY }, async () => {
		const bad = [Buffer.from([0xff]), Buffer.from([0xed, 0xa0, 0x80]), Buffer.from([0xc0, 0x80]), Buffer.from([0xe2, 0x82])];
		assert.deepEqual(await collectTwo('text', ([text]) => [JSON.parse(text)], bad), [1, 2]);
	});
});

const LATER_MS = 600_000;
const full = [
	feed('by-count', 'json', 'array', LATER_MS, { maxMessages: 10 }),
	feed('by-size', 'binary', 'array', LATER_MS, { maxBytes: 1000 }),
	feed('by-time', 'json', 'array', 100),
];

suite('batches', starter(full), (server) => {
	test('leave when they hold maxMessages', { ...limit(), skip: SIOCAST_ONLY }, async () => {
		const socket = await connect(server.cleanup, server);
		const heard = collect(socket, 'by-count');
		const messages = Array.from({ length: 40 }, (_, i) => String(i));
		await server.redis.client.publishAll('by-count', messages.slice(0, 25));
		assert.deepEqual(await heard.next(), [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]]);
		assert.deepEqual(await heard.next(), [[10, 11, 12, 13, 14, 15, 16, 17, 18, 19]]);
		await server.redis.client.publishAll('by-count', messages.slice(25));
		assert.deepEqual(await heard.next(), [[20, 21, 22, 23, 24, 25, 26, 27, 28, 29]]);
		assert.deepEqual((await heard.next())[0].length, 10);
		assert.equal(heard.total, 4);
		socket.disconnect();
	});

	test('leave when they hold maxBytes', { ...limit(), skip: SIOCAST_ONLY }, async () => {
		const socket = await connect(server.cleanup, server);
		const heard = collect(socket, 'by-size');
		const message = JSON.stringify('x'.repeat(97));
		await server.redis.client.publishAll('by-size', Array.from({ length: 30 }, () => message));
		for (let i = 0; i < 3; i++) {
			const [buffer] = await heard.next();
			assert.ok(buffer.length <= 1000, `${buffer.length} bytes`);
			assert.equal(siocast.decode(buffer).length, 9);
		}
		// A message that is too big for any batch leaves alone, after what waits.
		await server.redis.client.publish('by-size', JSON.stringify('y'.repeat(2000)));
		assert.deepEqual(siocast.decode((await heard.next())[0]), ['x'.repeat(97), 'x'.repeat(97), 'x'.repeat(97)]);
		assert.deepEqual(siocast.decode((await heard.next())[0]), ['y'.repeat(2000)]);
		socket.disconnect();
	});

	test('leave after their interval', limit(), async () => {
		const session = await Session.open(server);
		await session.post('40');
		await session.packets();
		await server.redis.client.publishAll('by-time', ['1', '2', '3']);
		const text = (await session.poll()).text;
		assert.ok(!text.includes(SEPARATOR), text);
		assert.equal(text, '42["by-time",[1,2,3]]');
	});
});
