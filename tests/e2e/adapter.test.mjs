// SPDX-License-Identifier: MIT
//
// In one cluster with servers of Node: what Socket.IO's emitters and adapters of every generation publish reaches our clients, each
// once, and what they want of sockets is done. The packages are those of tests/adapters.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { ask, connect, connected } from './lib/client.mjs';
import { SIOCAST_ONLY, TOP, startSiocast } from './lib/daemon.mjs';
import { metric } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { suite } from './lib/suite.mjs';
import { eventually, limit, once } from './lib/wait.mjs';

const packages = createRequire(`${TOP}/tests/adapters/package.json`);
const { Redis } = packages('ioredis');

const HANDLERS = { on: { join: [{ join: '{1}' }, { ack: [] }], rooms: [{ ack: ['{rooms}'] }] } };
const CONFIG = {
	adapter: { mode: 'emit-only' },
	namespaces: { '/': HANDLERS, '/chat': HANDLERS, '/kept': HANDLERS },
};

/** The emitters, which all take a client of ioredis. */
const EMITTERS = {
	0.2: (redis) => packages('emitter-0.2')(redis),
	1.1: (redis) => packages('emitter-1.1')(redis),
	'2.0': (redis) => packages('emitter-2.0')(redis),
	3.2: (redis) => packages('emitter-3.2')(redis),
	4.1: (redis) => new (packages('emitter-4.1').Emitter)(redis),
	5.1: (redis) => new (packages('emitter-5.1').Emitter)(redis),
};

/** Adapters, each with a server of its time: both clients of Redis, and what gives the server its adapter. */
const old = (name) => ({ pub, sub }) => (packages(name).createAdapter ?? packages(name))({ pubClient: pub, subClient: sub, requestsTimeout: 2000 });
const newer = (name) => ({ pub, sub }) => packages(name).createAdapter(pub, sub);
const ADAPTERS = {
	0.1: { server: 'server-1.7', redis: 'redis-2', text: true, adapter: old('adapter-0.1') },
	1.1: { server: 'server-1.7', redis: 'redis-2', adapter: old('adapter-1.1') },
	'2.0': { server: 'server-1.7', redis: 'redis-2', adapter: old('adapter-2.0') },
	3.1: { server: 'server-2.5', redis: 'redis-2', adapter: old('adapter-3.1') },
	'4.0': { server: 'server-2.5', redis: 'redis-2', adapter: old('adapter-4.0') },
	5.4: { server: 'server-2.5', redis: 'redis-3', adapter: old('adapter-5.4') },
	6.1: { server: 'server-3.1', redis: 'redis-3', adapter: old('adapter-6.1') },
	7.2: { server: 'server-4.8', redis: 'ioredis', adapter: newer('adapter-7.2') },
	8.3: { server: 'server-4.8', redis: 'ioredis', adapter: newer('adapter-8.3') },
};

/** Closed at the end, as are those that an adapter makes of it for itself. */
function keep(cleanup, client) {
	const duplicate = client.duplicate?.bind(client);
	if (duplicate) client.duplicate = (...args) => keep(cleanup, duplicate(...args));
	cleanup.add(client, async () => {
		await new Promise((resolve) => client.quit(resolve));
		if (client.disconnect) client.disconnect();
		else client.end(false);
	});
	return client;
}

function redisClient(cleanup, kind, port, buffers) {
	if (kind === 'ioredis') return keep(cleanup, new Redis(port));
	return keep(cleanup, packages(kind).createClient(port, '127.0.0.1', buffers ? { return_buffers: true } : {}));
}

/** A server of Node without clients. */
async function startNode(cleanup, { server, redis, adapter, text = false }, port) {
	// These go after the server, which says goodbye by them.
	const clients = { pub: redisClient(cleanup, redis, port), sub: redisClient(cleanup, redis, port, redis === 'redis-2' && !text) };
	const http = createServer();
	const listening = once(http, 'listening', 'the server of Node');
	http.listen(0, '127.0.0.1');
	await listening;
	const loaded = packages(server);
	const io = loaded.Server ? new loaded.Server(http) : loaded(http);
	cleanup.add(io, () => new Promise((resolve) => {
		io.close();
		http.close(() => resolve());
		http.closeAllConnections();
	}));
	io.adapter(adapter(clients));
	return io;
}

/** Our clients: a in r1, b in r1 and r2, c in none; d in r1 of /chat. Everything they get, in order. */
async function connectClients(cleanup, server) {
	const all = { a: ['/', 'r1'], b: ['/', 'r1', 'r2'], c: ['/'], d: ['/chat', 'r1'] };
	const sockets = {};
	const seen = {};
	let i = 0;
	for (const [name, [namespace, ...rooms]] of Object.entries(all)) {
		sockets[name] = await connect(cleanup, server, { namespace, transports: [i++ % 2 ? 'polling' : 'websocket'] });
		for (const room of rooms) await ask(sockets[name], 'join', room);
		seen[name] = [];
		sockets[name].onAny((event, ...args) => seen[name].push([event, ...args.map((arg) => (Buffer.isBuffer(arg) ? arg.toString('hex') : arg))]));
	}
	return { sockets, seen };
}

/**
 * What is sent, by a function that begins a broadcast, and who gets it. Old senders keep what is chosen until they emit. binary: adapter 0.1
 * takes it apart before it publishes, and leaves it out.
 */
function broadcasts(sender, { except, binary = true }) {
	const LONG = 'a string of more than 31 bytes, é and \u{1F600}, and of "quotes"';
	const values = ['t', { a: 1, f: 1.5, n: null, t: true, l: [0, -1, -129, 70000, 4294967296], s: LONG, e: {} }, -0.25];
	const list = [
		[() => sender('/'), values, 'abc'],
		[() => sender('/').to('r1'), ['one', 1], 'ab'],
		[() => sender('/').to('r1').to('r2'), ['two', 2], 'ab'],
		[() => sender('/').to('r2').to('r1'), ['two the other way', 2], 'ab'],
		[() => sender('/').to('nobody'), ['none'], ''],
		[() => sender('/chat').to('r1'), ['there', LONG], 'd'],
	];
	if (binary) list.push([() => sender('/chat'), ['bin', Buffer.from([1, 2, 3])], 'd'], [() => sender('/'), ['two', Buffer.alloc(300, 7), Buffer.alloc(0)], 'abc']);
	if (except) list.push([() => sender('/').except('r2'), ['but'], 'ac'], [() => sender('/').to('r1').except('r2'), ['but one'], 'a']);
	list.push([() => sender('/'), ['end'], 'abc'], [() => sender('/chat'), ['end'], 'd']);
	return list;
}

const shown = (value) => (Buffer.isBuffer(value) ? value.toString('hex') : value);

async function expectBroadcasts({ seen }, list) {
	const wanted = { a: [], b: [], c: [], d: [] };
	for (const [begin, args, who] of list) {
		begin().emit(...args);
		for (const name of who) wanted[name].push(args.map(shown));
	}
	await eventually(() => Object.values(seen).every((got) => got.at(-1)?.[0] === 'end'), 'the last event at all clients');
	for (const name of Object.keys(wanted)) assert.deepEqual(seen[name], wanted[name], `what ${name} gets`);
	for (const name of Object.keys(seen)) seen[name].length = 0;
}

/** Nobody is behind who has got all before it. */
async function expectVolatile({ seen }, to) {
	to.volatile.emit('quick');
	await eventually(() => ['a', 'b', 'c'].every((name) => seen[name].length), 'the volatile event');
	for (const name of 'abc') assert.deepEqual(seen[name], [['quick']]);
	assert.deepEqual(seen.d, []);
}

async function start(cleanup, config) {
	const redis = await startRedis(cleanup, await freePort());
	const server = await startSiocast(cleanup, { ...CONFIG, ...config, redis: redis.url });
	await eventually(async () => (await metric(server, 'adapter_subscribed')) === 1, 'the subscriptions of the adapter');
	return { ...server, redis, ioredis: redisClient(cleanup, 'ioredis', redis.port) };
}

/** What servers tell sockets to do: by an emitter, or by Node. */
async function expectOrders({ sockets, seen }, to) {
	// What follows a join reaches who joined.
	to.in('r2').socketsJoin(['x', 'y']);
	to.to('x').emit('to x');
	to.except('r1').socketsJoin('z');
	to.to('z').emit('to z');
	to.in(['r1', 'r2']).socketsLeave('y');
	to.to('y').emit('to y');
	to.socketsJoin('all');
	to.to('all').except('x').emit('end');
	to.to('x').emit('end');
	await eventually(() => ['a', 'b', 'c'].every((name) => seen[name].at(-1)?.[0] === 'end'), 'the last event');
	assert.deepEqual([seen.a, seen.b, seen.c, seen.d], [[['end']], [['to x'], ['end']], [['to z'], ['end']], []]);
	assert.deepEqual((await ask(sockets.b, 'rooms'))[0].sort(), ['all', 'r1', 'r2', 'x']);
}

async function expectDisconnects({ sockets }, to) {
	const reasons = {};
	for (const [name, socket] of Object.entries(sockets)) socket.once('disconnect', (reason) => (reasons[name] = reason));
	const other = await connected(sockets.b.io.socket('/chat'));
	to.in('r2').disconnectSockets();
	await eventually(() => reasons.b, 'the end of a socket');
	await ask(other, 'rooms'); // its connection stays
	to.disconnectSockets(true);
	await eventually(() => reasons.a && reasons.c, 'the end of the others');
	await ask(sockets.d, 'rooms');
	other.disconnect();
	assert.deepEqual(reasons, { a: 'io server disconnect', b: 'io server disconnect', c: 'io server disconnect' });
}

// With one worker, which runs the feed, and with several.
for (const workers of [1, 3]) {
	suite(`adapters, workers: ${workers}`, (cleanup) => start(cleanup, { workers }), (server) => {
		for (const [version, make] of Object.entries(EMITTERS)) {
			test(`emitter ${version}`, limit(), () => withCleanup(async (cleanup) => {
				const emitter = make(server.ioredis);
				const clients = await connectClients(cleanup, server);
				await expectBroadcasts(clients, broadcasts((nsp) => emitter.of(nsp), { except: version >= 4 }));
				await expectVolatile(clients, emitter.of('/'));
				if (version < 4) return;
				clients.seen.a.length = clients.seen.b.length = clients.seen.c.length = 0;
				await expectOrders(clients, emitter.of('/'));
				await expectDisconnects(clients, emitter.of('/'));
			}));
		}
		if (workers === 1) return;

		for (const [version, adapter] of Object.entries(ADAPTERS)) {
			test(`adapter ${version}`, limit(), () => withCleanup(async (cleanup) => {
				const io = await startNode(cleanup, adapter, server.redis.port);
				const clients = await connectClients(cleanup, server);
				await expectBroadcasts(clients, broadcasts((nsp) => io.of(nsp), { except: version >= 7, binary: version !== '0.1' }));
				await expectVolatile(clients, io.of('/'));
			}));
		}

		test('sockets do what a server of Node says', limit(), () => withCleanup(async (cleanup) => {
			const io = await startNode(cleanup, ADAPTERS[8.3], server.redis.port);
			const clients = await connectClients(cleanup, server);
			await expectOrders(clients, io.of('/'));
			await expectDisconnects(clients, io.of('/'));
		}));

		test('and by its id what adapters of version 5 said', limit(), () => withCleanup(async (cleanup) => {
			const io = await startNode(cleanup, ADAPTERS[5.4], server.redis.port);
			const { sockets, seen } = await connectClients(cleanup, server);
			const { adapter } = io.of('/');
			const done = () => {}; // nobody answers: we are not counted
			adapter.remoteJoin(sockets.a.id, 'x', done);
			adapter.remoteJoin(sockets.b.id, 'x', done);
			adapter.remoteLeave(sockets.a.id, 'x', done);
			io.to('x').emit('to x');
			adapter.remoteDisconnect(sockets.c.id, false, done);
			await once(sockets.c, 'disconnect', 'the end of a socket');
			await ask(sockets.a, 'rooms');
			await eventually(() => seen.b.length, 'the event');
			assert.deepEqual([seen.a, seen.b], [[], [['to x']]]);
		}));

		test('a broadcast with acks is an event with a callback, and does not wait for us', limit(), () => withCleanup(async (cleanup) => {
			const io = await startNode(cleanup, ADAPTERS[8.3], server.redis.port);
			const socket = await connect(cleanup, server);
			const asked = new Promise((resolve) => socket.on('question', (value, callback) => {
				callback('answer');
				resolve(value);
			}));
			const answers = await new Promise((resolve, reject) => io.timeout(5000).emit('question', 1, (error, list) => (error ? reject(error) : resolve(list))));
			assert.deepEqual([await asked, answers], [1, []]);
			assert.deepEqual((await ask(socket, 'rooms'))[0], []);
		}));

		test('what is not understood is counted, and hurts nobody', limit(), () => withCleanup(async (cleanup) => {
			const { client } = server.redis;
			const socket = await connect(cleanup, server);
			const end = once(socket, 'end', 'the event behind all');
			const nested = Buffer.concat([Buffer.alloc(300, 0x91), Buffer.from([0xc0])]);
			const event = (bytes) => Buffer.concat([Buffer.from('93a765', 'hex'), Buffer.from('mitter'), Buffer.from(bytes, 'hex')]);
			const opts = '82a5726f6f6d7390a5666c61677380';
			const wrong = {
				unreadable: [['socket.io#/#', 'text'], ['socket.io#/#', ''], ['socket.io-request#/#', '{"type":'], ['socket.io#/#', Buffer.from('93dfffffffff', 'hex')]],
				unknown: [['socket.io#/#', Buffer.from('93010203', 'hex')], ['socket.io-request#/#', '{"type":3,"opts":{"rooms":"r"},"rooms":[]}'], ['socket.io-request#/#', '{}']],
				namespace: [['socket.io#/chat#', event(`82a47479706502a46461746191a174${opts}`)]],
				event: [['socket.io#/#', event(`82a47479706502a46461746191a7${Buffer.from('connect').toString('hex')}${opts}`)]],
				deep: [['socket.io#/#', Buffer.concat([Buffer.from([0x93]), nested, Buffer.from([0xc0, 0xc0])])]],
				rooms: [['socket.io-request#/#', JSON.stringify({ type: 2, opts: { rooms: [] }, rooms: Array.from({ length: 1001 }, String) })]],
			};
			const before = {};
			for (const reason of Object.keys(wrong)) before[reason] = await metric(server, `adapter_refused_total{reason="${reason}"}`);
			for (const [channel, message] of Object.values(wrong).flat()) await client.command('PUBLISH', channel, message);
			EMITTERS[5.1](server.ioredis).emit('end');
			await end;
			for (const [reason, list] of Object.entries(wrong))
				assert.equal(await metric(server, `adapter_refused_total{reason="${reason}"}`), before[reason] + list.length, reason);
		}));
	}, SIOCAST_ONLY);
}

test('with another key, who comes back has what was missed', { ...limit(), skip: SIOCAST_ONLY }, () => withCleanup(async (cleanup) => {
	const key = 'shop[1]*';
	const server = await start(cleanup, { adapter: { mode: 'emit-only', key }, connectionStateRecovery: true, workers: 2 });
	const emitter = new (packages('emitter-5.1').Emitter)(server.ioredis, { key });
	const socket = await connect(cleanup, server, { transports: ['websocket'] });
	const seen = [];
	socket.onAny((event, ...args) => seen.push([event, ...args.slice(0, -1).map(shown)]));
	EMITTERS[5.1](server.ioredis).emit('by another key');
	await ask(socket, 'join', 'r');
	emitter.to('r').emit('first', 1);
	await eventually(() => seen.length, 'the first event');
	const gone = once(socket, 'disconnect', 'the end of the connection');
	socket.io.engine.close();
	await gone;
	emitter.to(['r', 's']).except('t').emit('second', Buffer.from('xy'));
	emitter.to('s').emit('not for it');
	await once(socket, 'connect', 'the client to come back');
	assert.equal(socket.recovered, true);
	emitter.emit('third');
	await eventually(() => seen.length === 3, 'all events');
	assert.deepEqual(seen, [['first', 1], ['second', '7879'], ['third']]);
}));
