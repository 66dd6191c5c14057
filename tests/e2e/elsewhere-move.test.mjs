// SPDX-License-Identifier: MIT
//
// Servers between which clients change, at another address of Redis: what clients miss meanwhile, and who comes back afterwards.

import assert from 'node:assert/strict';
import net from 'node:net';
import { describe, test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { ask, connected, createClient } from './lib/client.mjs';
import { SIOCAST_ONLY, launchSiocast } from './lib/daemon.mjs';
import { FEEDS, MODES, SOURCES, Servers, back, enter, hasAll, known, member } from './lib/elsewhere.mjs';
import { request } from './lib/http.mjs';
import { metric } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { write } from './lib/reload.mjs';
import { SLOW, eventually, limit, once } from './lib/wait.mjs';

const RECOVERED = 'recoveries_total{result="recovered"}';

/** Has a server go over to an address: the messages, and the sessions. Gives how many of these came along. */
async function move(server, url, source = 'subscribe') {
	const before = server.child.output.length;
	const said = () => server.child.output.slice(before);
	await write(server, { redis: { url, source } });
	process.kill(server.child.pid, 'SIGHUP');
	await eventually(() => /event=redis-moved /.test(said()) && /event=sessions-moved /.test(said()), 'the move', 30_000 * SLOW);
	await eventually(async () => (await request(server.admin, 'GET', '/readyz')).status === 200, 'siocast to be ready');
	assert.match(said(), /event=reloaded options=1 changed="redis"/);
	return Number(/event=sessions-moved carried=(\d+)/.exec(said())[1]);
}

const sessions = async (redis) => (await redis.client.command('KEYS', 'sio:session:*')).map(String).filter((key) => !key.includes('~'));

/** Until Redis has the sessions of these clients, and they have an offset that goes with them. */
async function settled(redis, sockets, before) {
	await eventually(async () => {
		const keys = await sessions(redis);
		return sockets.every((socket) => keys.includes(`sio:session:${socket._pid}`));
	}, 'the sessions to be there');
	await eventually(() => sockets.every((socket, i) => socket._lastOffset !== before[i]), 'offsets that go with them');
}

/** A line to a server, which holds what that answers to who has asked for something, until it is told to go on. */
async function startHolding(cleanup, target, what) {
	const all = new Set();
	const line = {};
	const asked = new Promise((resolve) => (line.begin = resolve));
	const goesOn = new Promise((resolve) => (line.goOn = resolve));
	const server = net.createServer((near) => {
		const far = net.connect(target, '127.0.0.1');
		let holds = false;
		for (const socket of [near, far]) {
			all.add(socket);
			socket.setNoDelay(true);
			socket.on('error', () => {});
			socket.on('close', () => [near, far].forEach((one) => one.destroy()));
		}
		near.on('data', (bytes) => {
			if (bytes.includes(what)) {
				holds = true;
				line.begin();
			}
			far.write(bytes);
		});
		far.on('data', async (bytes) => {
			if (holds) await goesOn;
			near.write(bytes);
		});
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	line.url = `redis://127.0.0.1:${server.address().port}`;
	line.asked = asked;
	return cleanup.add(line, () => {
		for (const socket of all) socket.destroy();
		server.close();
	});
}

/** A server that has what another one had, and gets nothing more of it. */
async function startCopy(cleanup, servers) {
	const args = ['--repl-diskless-sync-delay', '0', '--replicaof', '127.0.0.1', String(servers.redis.port)];
	const next = await startRedis(cleanup, await freePort(), { args });
	await eventually(async () => /master_link_status:up/.test(await next.client.command('INFO', 'replication')), 'the replica');
	await next.client.command('REPLICAOF', 'NO', 'ONE');
	return next;
}

/** A client that has an offset. */
async function knowing(servers, line) {
	const socket = await member(servers, line);
	await enter(socket);
	const own = once(socket, 'own');
	await ask(socket, 'tell', 'x');
	await own;
	return socket;
}

async function leave(socket) {
	const gone = once(socket, 'disconnect');
	socket.io.engine.close();
	await gone;
}

describe('another address of Redis, of servers between which clients change', { concurrency: 3, skip: SIOCAST_ONLY }, () => {
	for (const [name, setup] of Object.entries(SOURCES))
		test(`the same server, ${name}: killed after it, while messages flow`, limit(90), () =>
			withCleanup(async (cleanup) => {
				const servers = await Servers.start(cleanup, { ...setup, workers: 2 });
				const sockets = [];
				for (const transports of Object.values(MODES)) sockets.push(await member(servers, { transports }));
				await known(servers);
				await Promise.all(sockets.map(enter));
				const ids = sockets.map((socket) => socket.id);
				const stop = servers.flow();
				await eventually(() => sockets.every((socket) => socket.got.batch.length > 20), 'messages to flow');
				const offsets = sockets.map((socket) => socket._lastOffset);
				for (const server of servers.list) await move(server, `redis://localhost:${servers.redis.port}`, setup.source);
				await settled(servers.redis, sockets, offsets);
				const n = sockets[0].got.n.length;
				await eventually(() => sockets.every((socket) => socket.got.n.length > n + 20), 'messages to flow');
				const returned = back(sockets);
				await servers.kill(0, 1);
				await returned;
				await stop();
				assert.deepEqual(sockets.map((socket) => [socket.recovered, socket.id]), ids.map((id) => [true, id]));
				for (const socket of sockets) await hasAll(socket, servers.sent);
				assert.equal(await metric(servers.list[1], RECOVERED), sockets.length);
			}),
		);

	test('a replica that becomes the master: who is there, who is away meanwhile, and who goes elsewhere', limit(90), () =>
		withCleanup(async (cleanup) => {
			const servers = await Servers.start(cleanup, { feeds: FEEDS.stream });
			const next = await startRedis(cleanup, await freePort(), { args: ['--repl-diskless-sync-delay', '0', '--replicaof', '127.0.0.1', String(servers.redis.port)] });
			await eventually(async () => /master_link_status:up/.test(await next.client.command('INFO', 'replication')), 'the replica');
			const line = { transports: ['websocket'], reconnection: false };
			const [there, away] = [await member(servers, line), await member(servers, line)];
			await Promise.all([there, away].map(enter));
			await servers.next();
			await Promise.all([there, away].map((socket) => hasAll(socket, 1)));
			const { id } = away;
			const gone = once(away, 'disconnect');
			away.io.engine.close();
			await gone;
			await servers.next();
			await hasAll(there, 2);
			const has = async (key) => (await next.client.command('XLEN', key)) === 2;
			await eventually(async () => (await has('s')) && has('r'), 'the replica to have it all');
			await next.client.command('REPLICAOF', 'NO', 'ONE');
			const before = [there._lastOffset];
			assert.equal(await move(servers.list[0], next.url), 1);
			servers.redis = next;
			await settled(next, [there], before);
			await move(servers.list[1], next.url);
			await servers.next();
			// One comes back to the server that it was at, the other one to the one that was another all the time.
			let returned = back([away]);
			away.connect();
			await returned;
			await hasAll(away, 3);
			assert.deepEqual([away.recovered, away.id], [true, id]);
			const other = there.id;
			servers.turnTo(1);
			there.io.engine.close();
			await servers.next();
			returned = back([there]);
			there.connect();
			await returned;
			assert.deepEqual([there.recovered, there.id], [true, other]);
			await Promise.all([there, away].map((socket) => hasAll(socket, 4)));
		}),
	);

	// What one server has of a client is at the one Redis or at the other, so nothing that is old is ever taken for new.
	test('another server, to which the one goes first: who changes meanwhile begins anew, and nobody misses anything unsaid', limit(90), () =>
		withCleanup(async (cleanup) => {
			const servers = await Servers.start(cleanup, { feeds: FEEDS.stream });
			const old = servers.redis;
			const next = await startRedis(cleanup, await freePort());
			const line = { transports: ['websocket'], reconnection: false };
			const [there, away] = [await member(servers, line), await member(servers, line)];
			await Promise.all([there, away].map(enter));
			await servers.next();
			await Promise.all([there, away].map((socket) => hasAll(socket, 1)));
			const gone = once(away, 'disconnect');
			away.io.engine.close();
			await gone;
			const doubt = once(there, 'siocast:offset');
			assert.equal(await move(servers.list[0], next.url), 1);
			await doubt;
			assert.deepEqual((await sessions(old)).length, 1); // of `there`, which has an offset that does not go with it
			assert.deepEqual((await sessions(next)).sort(), [there, away].map((socket) => `sio:session:${socket._pid}`).sort());
			// A room that the one before never had.
			await ask(there, 'join', 'late');
			servers.turnTo(1);
			for (const socket of [there, away]) {
				if (socket.connected) socket.io.engine.close();
				const returned = back([socket]);
				socket.connect();
				await returned;
				assert.equal(socket.recovered, false);
			}
		}),
	);

	test('who goes while sessions of others are carried away comes back', limit(90), () =>
		withCleanup(async (cleanup) => {
			const servers = await Servers.start(cleanup, { feeds: FEEDS.stream, n: 1 });
			await servers.next();
			const [server] = servers.list;
			const next = await startCopy(cleanup, servers);
			const line = await startHolding(cleanup, servers.redis.port, 'KEYS[1]..v');
			await move(server, line.url);
			const options = { transports: ['websocket'], reconnection: false };
			const [away, there] = [await knowing(servers, options), await knowing(servers, options)];
			const ids = [away.id, there.id];
			await leave(away);
			const moving = move(server, next.url);
			await line.asked;
			await leave(there);
			await eventually(async () => (await metric(server, 'sessions{transport="websocket"}')) === 0, 'it to be seen');
			line.goOn();
			assert.equal(await moving, 2);
			await eventually(async () => (await sessions(next)).length === 2, 'both sessions');
			const returned = back([away, there]);
			for (const socket of [away, there]) socket.connect();
			await returned;
			assert.deepEqual([away.recovered, away.id, there.recovered, there.id], [true, ids[0], true, ids[1]]);
		}),
	);

	test('who goes before his session is put at the new one comes back', limit(90), () =>
		withCleanup(async (cleanup) => {
			const servers = await Servers.start(cleanup, { feeds: FEEDS.stream, n: 1 });
			await servers.next();
			const [server] = servers.list;
			const next = await startCopy(cleanup, servers);
			const there = await knowing(servers, { transports: ['websocket'], reconnection: false });
			const { id } = there;
			// What is refused is not put again for some seconds, wherever that is.
			await servers.redis.client.command('ACL', 'SETUSER', 'default', '-eval');
			const doubt = once(there, 'siocast:offset');
			await ask(there, 'join', 'late');
			await doubt;
			await move(server, next.url);
			assert.deepEqual(await sessions(next), []);
			await leave(there);
			await eventually(async () => (await sessions(next)).length === 1, 'the session', 3000);
			const returned = back([there]);
			there.connect();
			await returned;
			assert.deepEqual([there.recovered, there.id], [true, id]);
			assert.deepEqual((await ask(there, 'rooms'))[1].sort(), ['a', 'b', 'late']);
		}),
	);

	test('of streams, while it reads back what was there before it: nobody does any more', limit(90), () =>
		withCleanup(async (cleanup) => {
			const servers = await Servers.start(cleanup, { feeds: FEEDS.stream, n: 1 });
			await servers.next();
			const [server] = servers.list;
			const line = await startHolding(cleanup, servers.redis.port, 'XREVRANGE');
			await server.child.kill();
			await write(server, { redis: { url: line.url } });
			server.child = await launchSiocast(cleanup, server);
			await line.asked;
			await move(server, `redis://localhost:${servers.redis.port}`);
			assert.match(server.child.output, /event=past-not-read reason="streams are read by another connection/);
			// What comes now can be recovered.
			const options = { transports: ['websocket'], reconnection: false };
			const socket = await member(servers, options);
			await enter(socket);
			const { id } = socket;
			await servers.next();
			await hasAll(socket, servers.sent);
			await leave(socket);
			await servers.next();
			const returned = back([socket]);
			socket.connect();
			await returned;
			assert.deepEqual([socket.recovered, socket.id], [true, id]);
			await hasAll(socket, servers.sent);
		}),
	);

	test('another server, when the one before does not answer any more: all are put there, and who was away begins anew', limit(90), () =>
		withCleanup(async (cleanup) => {
			const servers = await Servers.start(cleanup, { feeds: FEEDS.stream, n: 1 });
			const next = await startRedis(cleanup, await freePort());
			const line = { transports: ['websocket'], reconnection: false };
			const [there, away] = [await member(servers, line), await member(servers, line)];
			await Promise.all([there, away].map(enter));
			const gone = once(away, 'disconnect');
			away.io.engine.close();
			await gone;
			servers.redis.child.child.kill('SIGSTOP');
			const before = [there._lastOffset];
			try {
				assert.equal(await move(servers.list[0], next.url), 0);
			} finally {
				servers.redis.child.child.kill('SIGCONT');
			}
			await settled(next, [there], before);
			const returned = back([away]);
			away.connect();
			await returned;
			assert.equal(away.recovered, false);
			// And a new one is as any.
			const socket = createClient(cleanup, servers.line, line);
			await connected(socket);
			await eventually(async () => (await sessions(next)).includes(`sio:session:${socket._pid}`), 'its session');
		}),
	);
});
