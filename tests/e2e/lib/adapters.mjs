// SPDX-License-Identifier: MIT
//
// Socket.IO's emitters and adapters of every generation, the packages of tests/adapters; our clients beside them, and what is broadcast to
// these.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { ask, connect, connected } from './client.mjs';
import { TOP } from './daemon.mjs';
import { eventually, once, within } from './wait.mjs';

export const packages = createRequire(`${TOP}/tests/adapters/package.json`);
const { Cluster, Redis } = packages('ioredis');

/** The emitters, which all take a client of ioredis. */
export const EMITTERS = {
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
const sharded = (options) => ({ pub, sub }) => packages('adapter-8.3').createShardedAdapter(pub, sub, options);
const streams = (options) => ({ pub }) => packages('streams-adapter').createAdapter(pub, options);
export const ADAPTERS = {
	0.1: { server: 'server-1.7', redis: 'redis-2', text: true, adapter: old('adapter-0.1') },
	1.1: { server: 'server-1.7', redis: 'redis-2', adapter: old('adapter-1.1') },
	'2.0': { server: 'server-1.7', redis: 'redis-2', adapter: old('adapter-2.0') },
	3.1: { server: 'server-2.5', redis: 'redis-2', adapter: old('adapter-3.1') },
	'4.0': { server: 'server-2.5', redis: 'redis-2', adapter: old('adapter-4.0') },
	5.4: { server: 'server-2.5', redis: 'redis-3', adapter: old('adapter-5.4') },
	6.1: { server: 'server-3.1', redis: 'redis-3', adapter: old('adapter-6.1') },
	7.2: { server: 'server-4.8', redis: 'ioredis', adapter: newer('adapter-7.2') },
	8.3: { server: 'server-4.8', redis: 'ioredis', adapter: newer('adapter-8.3') },
	sharded: { server: 'server-4.8', redis: 'ioredis', dialect: 'sharded', adapter: sharded() },
	'sharded, private': { server: 'server-4.8', redis: 'ioredis', dialect: 'sharded', mode: 'dynamic-private', adapter: sharded({ subscriptionMode: 'dynamic-private' }) },
	'sharded, static': { server: 'server-4.8', redis: 'ioredis', dialect: 'sharded', mode: 'static', adapter: sharded({ subscriptionMode: 'static' }) },
	streams: { server: 'server-4.8', redis: 'ioredis', dialect: 'streams', adapter: streams() },
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

export function redisClient(cleanup, kind, port, buffers) {
	// It would ask whether the server is ready, by INFO, when an adapter has subscribed already, and be refused.
	if (kind === 'ioredis') return keep(cleanup, new Redis(port, { enableReadyCheck: false }));
	if (kind === 'ioredis, cluster') {
		const client = new Cluster([{ host: '127.0.0.1', port }], { shardedSubscribers: true });
		const leave = client.sunsubscribe.bind(client);
		// The adapter waits for none of these, and ioredis fails those that are under way when it is closed.
		client.sunsubscribe = async (...args) => leave(...args).catch(() => {});
		return keep(cleanup, client);
	}
	return keep(cleanup, packages(kind).createClient(port, '127.0.0.1', buffers ? { return_buffers: true } : {}));
}

/** A server of Node: its io, and its url for clients. `clients`: those of its Redis. */
export async function startNode(cleanup, { server, redis, adapter, text = false }, port) {
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
	// A broadcast with acks waits for as many servers as have subscribed when it is made, and answers for itself in any case.
	const own = io.of('/').adapter;
	if (own.serverCount) await eventually(async () => (await own.serverCount()) > 0, 'the subscriptions of the server of Node');
	return { io, url: `http://127.0.0.1:${http.address().port}` };
}

/** Our clients: a in r1, b in r1 and r2, c in none; d in r1 of /chat. Everything they get, in order. */
export async function connectClients(cleanup, server) {
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
export function broadcasts(sender, { except, binary = true }) {
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

export const shown = (value) => (Buffer.isBuffer(value) ? value.toString('hex') : value);

export async function expectBroadcasts({ seen }, list) {
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
export async function expectVolatile({ seen }, to) {
	to.volatile.emit('quick');
	await eventually(() => ['a', 'b', 'c'].every((name) => seen[name].length), 'the volatile event');
	for (const name of 'abc') assert.deepEqual(seen[name], [['quick']]);
	assert.deepEqual(seen.d, []);
}

/** What servers tell sockets to do: by an emitter, or by Node. */
export async function expectOrders({ sockets, seen }, to) {
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

export async function expectDisconnects({ sockets }, to) {
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
