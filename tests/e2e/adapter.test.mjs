// SPDX-License-Identifier: MIT
//
// In one cluster with servers of Node: what Socket.IO's emitters and adapters of every generation publish reaches our clients, each
// once, and what they want of sockets is done. The packages are those of tests/adapters.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ADAPTERS, EMITTERS, broadcasts, connectClients, expectBroadcasts, expectDisconnects, expectOrders, expectVolatile, packages, redisClient, shown, startNode } from './lib/adapters.mjs';
import { withCleanup } from './lib/cleanup.mjs';
import { ask, connect } from './lib/client.mjs';
import { SIOCAST_ONLY, startSiocast } from './lib/daemon.mjs';
import { metric } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { suite } from './lib/suite.mjs';
import { SLOW, eventually, limit, once } from './lib/wait.mjs';

const HANDLERS = { on: { join: [{ join: '{1}' }, { ack: [] }], rooms: [{ ack: ['{rooms}'] }] } };
const CONFIG = {
	adapter: { mode: 'emit-only' },
	namespaces: { '/': HANDLERS, '/chat': HANDLERS, '/kept': HANDLERS },
};

async function start(cleanup, config) {
	const redis = await startRedis(cleanup, await freePort());
	const server = await startSiocast(cleanup, { ...CONFIG, ...config, redis: redis.url });
	await eventually(async () => (await metric(server, 'adapter_subscribed')) === 1, 'the subscriptions of the adapter');
	return { ...server, redis, ioredis: redisClient(cleanup, 'ioredis', redis.port) };
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
			if (adapter.dialect) continue; // adapter-dialects.test.mjs

			test(`adapter ${version}`, limit(), () => withCleanup(async (cleanup) => {
				const { io } = await startNode(cleanup, adapter, server.redis.port);
				const clients = await connectClients(cleanup, server);
				await expectBroadcasts(clients, broadcasts((nsp) => io.of(nsp), { except: version >= 7, binary: version !== '0.1' }));
				await expectVolatile(clients, io.of('/'));
			}));
		}

		test('sockets do what a server of Node says', limit(), () => withCleanup(async (cleanup) => {
			const { io } = await startNode(cleanup, ADAPTERS[8.3], server.redis.port);
			const clients = await connectClients(cleanup, server);
			await expectOrders(clients, io.of('/'));
			await expectDisconnects(clients, io.of('/'));
		}));

		test('and by its id what adapters of version 5 said', limit(), () => withCleanup(async (cleanup) => {
			const { io } = await startNode(cleanup, ADAPTERS[5.4], server.redis.port);
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
			const { io } = await startNode(cleanup, ADAPTERS[8.3], server.redis.port);
			const socket = await connect(cleanup, server);
			const asked = new Promise((resolve) => socket.on('question', (value, callback) => {
				callback('answer');
				resolve(value);
			}));
			const answers = await new Promise((resolve, reject) => io.timeout(5000 * SLOW).emit('question', 1, (error, list) => (error ? reject(error) : resolve(list))));
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
