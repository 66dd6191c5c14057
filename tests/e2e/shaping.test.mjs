// SPDX-License-Identifier: MIT
//
// What leaves of a message and who gets it, as the official clients see it: payloads in each encoding, members left out, several
// arguments; lists of rooms, exceptions, sockets by their ids, namespaces by templates.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import siocast from '../../client-js/siocast.mjs';
import { MODES, ask, collect, connect, connectMode, connected, createClient } from './lib/client.mjs';
import { feedsReady, startSiocast } from './lib/daemon.mjs';
import { SEPARATOR, Session } from './lib/engine.mjs';
import { Session3, TEXT, encodeText } from './lib/engine3.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { suite } from './lib/suite.mjs';
import { limit, once } from './lib/wait.mjs';
import { RawSocket } from './lib/ws.mjs';

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

const to = { ...json, payload: '{/n}' };
const ON = { join: [{ join: '{args}' }, { ack: ['{rooms}'] }] };

const startRooms = async (cleanup) => {
	const redis = await startRedis(cleanup, await freePort());
	const server = await startSiocast(cleanup, {
		redis: redis.url,
		workers: 2,
		limits: { clientQueueBytes: 100_000_000 }, // nothing is dropped
		namespaces: { '/': { on: ON }, '/b': { on: ON } },
		feeds: [
			{ channel: 'list', event: 'e', room: 'r.{/to}', ...to },
			{ channel: 'both', event: 'e', room: ['r.{/a}', 'r.{/b}'], except: ['{/socket}', 'r.{/not}'], ...to },
			{ channel: 'all', event: 'e', except: '{/socket}', ...to },
			{ channel: 'one', event: 'e', room: '{/socket}', ...to },
			{ channel: 'nsp', event: 'e', namespace: '/{/nsp}', room: ['r.1', 'r.2'], ...to },
			{ channel: 'batch', event: 'e', room: 'r.{/to}', encode: 'json', payload: '{/n}', batch: { interval: 50 } },
		],
	});
	await feedsReady(redis, server);
	return { cleanup, redis, ...server };
};

suite('rooms of a message', startRooms, (server) => {
	const publish = (channel, message) => server.redis.client.publish(channel, JSON.stringify(message));

	/** A client over each way to connect, in each of the sets of rooms, and what each has got up to the message 'end'. */
	async function clients(...sets) {
		const modes = Object.keys(MODES);
		return Promise.all(
			sets.map(async (rooms, i) => {
				const socket = await connectMode(server.cleanup, server, modes[i % modes.length]);
				assert.deepEqual(await ask(socket, 'join', ...rooms), [rooms], 'the rooms, without the one of its own');
				const inbox = collect(socket, 'e');
				const got = async () => {
					const seen = [];
					for (;;) {
						const [n] = await inbox.next('the end');
						if (n === 'end') return seen;
						seen.push(n);
					}
				};
				return { socket, got };
			}),
		);
	}

	test('each client once, whichever rooms it is in', limit(), async () => {
		const all = await clients(['r.1'], ['r.1', 'r.2', 'r.3'], ['r.2', 'r.4'], ['r.5'], ['r.3', 'r.2', 'r.1'], []);
		const [first, second] = all.map(({ socket }) => socket.id);
		await publish('list', { n: 1, to: [1, 2, 3] });
		await publish('list', { n: 2, to: [3, 3] });
		await publish('list', { n: 3, to: 5 });
		await publish('list', { n: 4, to: [] });
		await publish('both', { n: 5, a: 1, b: 2 });
		await publish('both', { n: 6, a: [1, 5], b: 2, socket: second });
		await publish('both', { n: 7, a: [1, 2, 5], socket: [first, second], not: 4 });
		await publish('all', { n: 8, socket: first });
		await publish('one', { n: 9, socket: first });
		await publish('one', { n: 10, socket: [first, second, 'nobody'] });
		await publish('nsp', { n: 11, nsp: '' });
		await publish('nsp', { n: 12, nsp: 'b' });
		await publish('all', { n: 'end' });
		assert.deepEqual(await Promise.all(all.map(({ got }) => got())), [
			[1, 5, 6, 9, 10, 11],
			[1, 2, 5, 8, 10, 11],
			[1, 5, 6, 8, 11],
			[3, 6, 7, 8],
			[1, 2, 5, 6, 7, 8, 11],
			[8],
		]);
		for (const { socket } of all) socket.disconnect();
	});

	test('revision 3, and who reads slowly: each message once, in order', limit(), async () => {
		const join = '420["join","r.20","r.21","r.22"]';
		const joined = '430[["r.20","r.21","r.22"]]';
		// By WebSocket: of each revision one that reads, and one that does not until all is published.
		const open = async (revision, slow) => {
			const socket = await RawSocket.open(server.port, `${server.path}?EIO=${revision}&transport=websocket`);
			assert.match(await socket.nextText(), /^0/);
			if (revision === 4) await socket.text('40');
			assert.match(await socket.nextText(), /^40/);
			await socket.text(join);
			assert.equal(await socket.nextText(), joined);
			if (slow) socket.wire.socket.pause();
			return { next: () => socket.nextText(), begin: () => socket.wire.socket.resume(), close: () => socket.close() };
		};
		// By polling: they come for nothing until all is published.
		const poll = async (session, posted) => {
			const unread = [];
			const next = async () => {
				while (unread.length === 0) unread.push(...(await session.packets()));
				return unread.shift();
			};
			await posted(session);
			assert.match(await next(), /^40/);
			assert.equal(await next(), joined);
			return { next, begin: () => {}, close: () => {} };
		};
		const all = [
			await open(3, false), await open(3, true), await open(4, false), await open(4, true),
			await poll(await Session3.open(server, { query: '&b64=1' }), (session) => session.ask('POST', TEXT, encodeText([join]))),
			await poll(await Session.open(server), (session) => session.post(`40${SEPARATOR}${join}`)),
		];
		const count = 90; // 9 MB for each: more than the kernel takes
		const said = (i) => `${i}`.padEnd(100_000, '.');
		for (let i = 0; i < count; i++) {
			const rooms = i % 2 ? { to: [20, 21, 22] } : { a: 20, b: [22, 21, 20] };
			await publish(i % 2 ? 'list' : 'both', { n: said(i), ...rooms });
		}
		for (const channel of ['list', 'both']) await publish(channel, { n: 'end', to: 20, a: 21, b: 22 });
		await Promise.all(all.map(async ({ next, begin, close }) => {
			begin();
			for (let i = 0; i < count; i++) {
				const text = await next();
				if (text !== `42["e","${said(i)}"]`) assert.fail(`${text.slice(0, 20)} in the place of ${i}`);
			}
			for (let i = 0; i < 2; i++) assert.equal(await next(), '42["e","end"]');
			close();
		}));
	});

	test('in batches, and in a namespace of its own', limit(), async () => {
		const [one, two] = await clients(['r.6'], ['r.6', 'r.7']);
		const other = await connect(server.cleanup, server, { ...MODES.websocket, namespace: '/b' });
		await ask(other, 'join', 'r.1', 'r.2');
		const inboxes = [one.socket, two.socket, other].map((socket) => collect(socket, 'e'));
		for (let n = 0; n < 3; n++) await publish('batch', { n, to: [6, 7].slice(n % 2) });
		await publish('nsp', { n: 0, nsp: 'b' });
		const batches = [];
		while (batches.flat().length < 3) batches.push(...(await inboxes[1].next('a batch')));
		assert.deepEqual(batches.flat().sort(), [0, 1, 2]);
		const some = [];
		while (some.length < 2) some.push(...(await inboxes[0].next('a batch'))[0]);
		assert.deepEqual(some, [0, 2]);
		assert.deepEqual(await inboxes[2].next(), [0]);
		for (const { socket } of [one, two]) socket.disconnect();
		other.disconnect();
	});
});

const startSites = async (cleanup) => {
	const redis = await startRedis(cleanup, await freePort());
	const greet = (what) => ({ on: { connection: [{ join: 'site.{nsp.1}' }, { emit: ['hello', what, '{nsp}'] }] } });
	const server = await startSiocast(cleanup, {
		redis: redis.url,
		namespaces: {
			'/site-*': greet('site {nsp.1}'),
			'/site-*-*': greet('{nsp.1} and {nsp.2}'),
			'/site-admin-*': greet('admin {nsp.1}'),
			'/site-main': { on: { connection: [{ emit: ['hello', 'main', '{nsp}'] }] } },
		},
		feeds: [
			{ channel: 'all', event: 'e', namespace: '/site-{/site}', payload: '{/n}', ...json },
			{ channel: 'room', event: 'e', namespace: '/site-{/site}', room: 'site.{/room}', payload: '{/n}', ...json },
		],
	});
	await feedsReady(redis, server);
	return { cleanup, redis, ...server };
};

suite('namespaces by pattern', startSites, (server) => {
	const publish = (channel, message) => server.redis.client.publish(channel, JSON.stringify(message));

	test('what the star stands for, and who comes first', limit(), async () => {
		for (const [name, hello] of [
			['a', 'site a'],
			['é/b', 'site é/b'],
			['a-b-c', 'a and b-c'],
			['admin-a', 'admin a'],
			['main', 'main'],
		]) {
			const socket = createClient(server.cleanup, server, { namespace: `/site-${name}` });
			const greeted = once(socket, 'hello');
			await connected(socket);
			assert.deepEqual(await greeted, [hello, `/site-${name}`]);
			socket.disconnect();
		}
		for (const namespace of ['/site-', '/sit', `/site-${'x'.repeat(300)}`])
			await assert.rejects(connect(server.cleanup, server, { namespace }), /Invalid namespace/);
	});

	test('each is its own', limit(), async () => {
		const [a, b] = await Promise.all(['/site-a', '/site-b'].map((namespace) => connect(server.cleanup, server, { namespace })));
		const [ofA, ofB] = [a, b].map((socket) => collect(socket, 'e'));
		await publish('all', { n: 1, site: 'a' });
		await publish('all', { n: 2, site: 'b' });
		await publish('room', { n: 3, site: 'a', room: ['a', 'b'] });
		await publish('room', { n: 4, site: 'b', room: 'a' });
		await publish('room', { n: 5, site: 'b', room: 'b' });
		assert.deepEqual([await ofA.next(), await ofA.next()], [[1], [3]]);
		assert.deepEqual([await ofB.next(), await ofB.next()], [[2], [5]]);
		a.disconnect();
		b.disconnect();
	});
});
