// SPDX-License-Identifier: MIT
//
// In one cluster with servers of Node whose adapters speak by sharded Pub/Sub or by streams: what they broadcast reaches our clients,
// each once, and nobody waits for us. The packages are those of tests/adapters.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ADAPTERS, broadcasts, connectClients, expectBroadcasts, expectDisconnects, expectOrders, expectVolatile, startNode } from './lib/adapters.mjs';
import { withCleanup } from './lib/cleanup.mjs';
import { ask, connect } from './lib/client.mjs';
import { SIOCAST_ONLY, startSiocast } from './lib/daemon.mjs';
import { metric } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { suite } from './lib/suite.mjs';
import { SLOW, eventually, limit } from './lib/wait.mjs';

const HANDLERS = { on: { join: [{ join: '{1}' }, { ack: [] }], leave: [{ leave: '{1}' }, { ack: [] }], rooms: [{ ack: ['{rooms}'] }] } };

async function start(cleanup, adapter, config = {}) {
	const redis = await startRedis(cleanup, await freePort());
	const server = await startSiocast(cleanup, {
		adapter: { mode: 'emit-only', ...adapter }, namespaces: { '/': HANDLERS, '/chat': HANDLERS, '/empty': {} }, redis: redis.url, workers: 2, ...config,
	});
	await subscribed(server);
	return { ...server, redis };
}

const subscribed = (server) => eventually(async () => (await metric(server, 'adapter_subscribed')) === 1, 'the subscriptions of the adapter');

/** What a client's joining has Redis asked for is there. */
async function channelsOf(server, wanted) {
	await eventually(async () => {
		const names = (await server.redis.client.command('PUBSUB', 'SHARDCHANNELS')).map(String);
		return wanted.every((name) => names.includes(`socket.io#${name}`));
	}, `the channels ${wanted}`);
}

for (const name of ['sharded', 'sharded, private', 'sharded, static', 'streams']) {
	const { dialect, mode } = ADAPTERS[name];
	const options = { dialects: [dialect], ...(mode ? { subscriptionMode: mode } : {}) };

	test(`adapter ${name}`, { ...limit(), skip: SIOCAST_ONLY }, () => withCleanup(async (cleanup) => {
		const server = await start(cleanup, options);
		const { io } = await startNode(cleanup, ADAPTERS[name], server.redis.port);
		const clients = await connectClients(cleanup, server);
		if (dialect === 'sharded') await channelsOf(server, mode === 'static' ? ['/#', '/chat#'] : ['/#', '/chat#', '/#r1#', '/#r2#', '/chat#r1#']);
		const list = broadcasts((nsp) => io.of(nsp), { except: true });
		await expectBroadcasts(clients, list);
		await expectVolatile(clients, io.of('/'));
		for (const seen of Object.values(clients.seen)) seen.length = 0;
		if (mode === 'static' || dialect === 'streams') await expectOrders(clients, io.of('/'));
		await expectDisconnects(clients, io.of('/'));
	}));
}

suite('who hears sharded Pub/Sub', (cleanup) => start(cleanup, { dialects: 'sharded' }), (server) => {
	test('is counted, and answers that it has nobody', limit(), () => withCleanup(async (cleanup) => {
		const { io } = await startNode(cleanup, ADAPTERS.sharded, server.redis.port);
		const socket = await connect(cleanup, server);
		const asked = new Promise((resolve) => socket.on('question', (value, callback) => {
			callback('answer');
			resolve(value);
		}));
		await channelsOf(server, ['/#']);
		assert.deepEqual(await io.fetchSockets(), []);
		assert.deepEqual(await io.timeout(5000 * SLOW).emitWithAck('question', 1), []);
		assert.equal(await asked, 1);
		assert.deepEqual(await io.serverSideEmitWithAck('hello'), [null]);
		// Where there is nobody of ours it is not.
		const [, n] = await server.redis.client.command('PUBSUB', 'SHARDNUMSUB', 'socket.io#/empty#');
		assert.equal(Number(n), 0);
	}));

	test('hears a room as long as somebody is in it', limit(), () => withCleanup(async (cleanup) => {
		const { io } = await startNode(cleanup, ADAPTERS.sharded, server.redis.port);
		const { client } = server.redis;
		const [a, b] = [await connect(cleanup, server), await connect(cleanup, server)];
		const seen = [];
		a.on('e', (value) => seen.push(value));
		for (const socket of [a, b]) await ask(socket, 'join', 'x');
		await channelsOf(server, ['/#x#']);
		io.to('x').emit('e', 1);
		await eventually(() => seen.length === 1, 'the event');
		await ask(b, 'leave', 'x');
		io.to('x').emit('e', 2);
		await eventually(() => seen.length === 2, 'the next event');
		await ask(a, 'leave', 'x');
		await eventually(async () => !(await client.command('PUBSUB', 'SHARDCHANNELS')).map(String).includes('socket.io#/#x#'), 'the channel to go');
		// And anew, many times.
		for (let i = 0; i < 50; i++) {
			await ask(a, 'join', 'x');
			await ask(a, 'leave', 'x');
		}
		await ask(a, 'join', 'x');
		await channelsOf(server, ['/#x#']);
		io.to('x').emit('e', 3);
		await eventually(() => seen.length === 3, 'the last event');
		assert.deepEqual(seen, [1, 2, 3]);
	}));

	test('hears it again when the connection was lost', limit(), () => withCleanup(async (cleanup) => {
		const { client } = server.redis;
		const socket = await connect(cleanup, server);
		const seen = [];
		socket.on('e', (value) => seen.push(value));
		await ask(socket, 'join', 'kept');
		await channelsOf(server, ['/#kept#', '/#']);
		await client.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
		await channelsOf(server, ['/#kept#', '/#']);
		await subscribed(server);
		const { io } = await startNode(cleanup, ADAPTERS.sharded, server.redis.port);
		io.to('kept').emit('e', 'again');
		io.emit('e', 'to all');
		await eventually(() => seen.length === 2, 'both events');
	}));

	test('counts what is none of it', limit(), () => withCleanup(async (cleanup) => {
		const { client } = server.redis;
		const socket = await connect(cleanup, server);
		await channelsOf(server, ['/#']);
		const wrong = {
			unreadable: ['text', '', '{"type":3', Buffer.from('dfffffffff', 'hex')],
			unknown: ['{}', '{"type":3,"nsp":"/"}', '{"type":4,"nsp":"/","data":{"opts":{}}}', '{"type":7,"nsp":"/","data":{"opts":{}}}'],
			namespace: ['{"type":3,"nsp":"/chat","data":{"packet":{"type":2,"data":["t"]},"opts":{}}}', '{"type":3,"nsp":"","data":{}}'],
			event: ['{"type":3,"nsp":"/","data":{"packet":{"type":2,"data":["connect"]},"opts":{}}}'],
		};
		const before = {};
		for (const reason of Object.keys(wrong)) before[reason] = await metric(server, `adapter_refused_total{reason="${reason}"}`);
		for (const message of Object.values(wrong).flat()) await client.command('SPUBLISH', 'socket.io#/#', message);
		await client.command('SPUBLISH', 'socket.io#/#', '{"type":13,"nsp":"/","uid":"x"}'); // of no meaning here
		const end = new Promise((resolve) => socket.on('end', resolve));
		await client.command('SPUBLISH', 'socket.io#/#', '{"type":3,"nsp":"/","data":{"packet":{"type":2,"data":["end"]},"opts":{}}}');
		await end;
		for (const [reason, list] of Object.entries(wrong))
			assert.equal(await metric(server, `adapter_refused_total{reason="${reason}"}`), before[reason] + list.length, reason);
	}));
}, SIOCAST_ONLY);

// The emitter for streams adds 3, 4, 5, 6 and 9 as entries; it is written here as its source has it, since no registry has the package.
test('what an emitter adds to one of several streams', { ...limit(), skip: SIOCAST_ONLY }, () => withCleanup(async (cleanup) => {
	const server = await start(cleanup, { dialects: ['streams', 'classic'], streamCount: 3, key: 'site' });
	const { client } = server.redis;
	const add = (stream, nsp, type, data) => client.command('XADD', stream, 'MAXLEN', '~', '10000', '*', 'uid', 'emitter', 'nsp', nsp, 'type', String(type), 'data', typeof data === 'string' ? data : JSON.stringify(data));
	const socket = await connect(cleanup, server);
	const seen = [];
	socket.onAny((...args) => seen.push(args));
	const opts = (rooms = []) => ({ rooms, except: [], flags: {} });
	await add('site-2', '/', 4, { opts: opts(), rooms: ['r'] });
	await add('site-2', '/', 3, { packet: { type: 2, data: ['a', 1], nsp: '/' }, opts: opts(['r']) });
	await add('site-2', '/', 5, { opts: opts(), rooms: ['r'] });
	await add('site-2', '/', 3, { packet: { type: 2, data: ['not it'] }, opts: opts(['r']) });
	await add('site-2', '/', 9, { packet: ['hello'] });
	const before = await metric(server, 'adapter_refused_total{reason="unreadable"}');
	await add('site-2', '/', 3, 'bm8gTWVzc2FnZVBhY2s=');
	await client.command('XADD', 'site-2', '*', 'something', 'else');
	await add('site-2', '/', 3, { packet: { type: 2, data: ['end'] }, opts: opts() });
	await eventually(() => seen.length === 2, 'both events');
	assert.deepEqual(seen, [['a', 1], ['end']]);
	assert.equal(await metric(server, 'adapter_refused_total{reason="unreadable"}'), before + 1);
	const gone = new Promise((resolve) => socket.once('disconnect', resolve));
	await add('site-2', '/', 6, { opts: opts(), close: false });
	assert.equal(await gone, 'io server disconnect');
}));
