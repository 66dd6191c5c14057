// SPDX-License-Identifier: MIT
//
// GET /stats?top=: the feeds, rooms and clients that stand out.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MODES, ask, connect } from './lib/client.mjs';
import { SIOCAST_ONLY, feedsReady, startSiocast } from './lib/daemon.mjs';
import { Session, openJoined } from './lib/engine.mjs';
import { request } from './lib/http.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { suite } from './lib/suite.mjs';
import { eventually, limit } from './lib/wait.mjs';

async function start(cleanup) {
	const redis = await startRedis(cleanup, await freePort());
	const batch = { interval: 0 };
	const server = await startSiocast(cleanup, {
		redis: redis.url,
		workers: 2,
		limits: { clientQueueBytes: 16_000_000 },
		feeds: [
			{ channel: 'few', event: 'few', encode: 'json', batch },
			{ channel: 'much', event: 'much', encode: 'json', room: 'big', batch },
			{ channel: 'small', event: 'much', encode: 'json', room: 'r1', batch },
		],
		namespaces: { '/': { on: { join: [{ join: '{1}' }, { ack: [true] }] } } },
	});
	await feedsReady(redis, server);
	const stats = async (query) => (await request(server.admin, 'GET', `/stats${query}`)).json;
	return { cleanup, redis, stats, ...server };
}

/** A list of all workers' lists of a name, as one. */
const all = (top, name) => top.workers.flatMap((worker) => worker[name]);

suite('stats', start, (server) => {
	test('what is asked for', limit(), async () => {
		assert.equal((await server.stats('')).top, undefined);
		for (const query of ['?top=', '?top', '?top=1', '?top=100', '?a=b&top=7']) {
			const { top, metrics, workers } = await server.stats(query);
			assert.deepEqual(top.workers.map(({ worker }) => worker), [0, 1]);
			assert.ok(metrics && workers === 2, 'and what is there without');
		}
		for (const query of ['?top=0', '?top=101', '?top=-1', '?top=x', '?top=99999999999'])
			assert.equal((await request(server.admin, 'GET', `/stats${query}`)).status, 400, query);
	});

	test('rooms by members and by bytes, feeds by bytes', limit(), async () => {
		const sockets = [];
		for (let i = 0; i < 6; i++) {
			const socket = await connect(server.cleanup, server, MODES.websocket);
			await ask(socket, 'join', ['big', `r${i}`]);
			sockets.push(socket);
		}
		const heard = Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('much', resolve))));
		await server.redis.client.publish('much', JSON.stringify('x'.repeat(5000)));
		await heard;
		const small = new Promise((resolve) => sockets[1].once('much', resolve));
		await server.redis.client.publish('small', '1');
		await small;
		const { top } = await server.stats('?top=3');
		assert.equal(top.workers.reduce((sum, { sessions }) => sum + sessions, 0), 6);
		assert.deepEqual(top.feeds.map(({ feed }) => feed), ['1', '2']);
		assert.ok(top.feeds[0].bytes > 5000 && top.feeds[0].messages === 1, JSON.stringify(top.feeds));
		for (const { rooms_by_members: rooms, rooms_by_bytes: bytes, sessions } of top.workers) {
			if (!sessions) continue;
			// Of a worker with one client each room has one, and which comes first is open.
			const first = rooms.slice(0, sessions > 1 ? 2 : 3).map(({ room }) => room);
			assert.ok(first.includes('big') && first.includes(null), JSON.stringify(rooms));
			assert.ok(rooms.every(({ namespace }) => namespace === '/'));
			assert.ok(rooms.every(({ members }, i) => i === 0 || members <= rooms[i - 1].members));
			assert.deepEqual(rooms.slice(0, 2).map(({ members }) => members), [sessions, sessions]);
			assert.ok(rooms.length <= 3);
			assert.equal(bytes[0].room, 'big');
			assert.ok(bytes[0].bytes > 5000 * sessions && bytes[0].bytes < 6000 * sessions);
		}
		assert.equal(all(top, 'rooms_by_bytes').filter(({ room }) => room === 'r1').length, 1);
		for (const socket of sockets) socket.disconnect();
		await eventually(async () => all((await server.stats('?top')).top, 'rooms_by_members').length === 0, 'the rooms to go');
	});

	test('the slowest clients, with what waits and how far away they are', limit(), async () => {
		const slow = await openJoined(server);
		server.cleanup.add(slow, () => slow.close());
		slow.wire.socket.pause();
		const poller = await Session.open(server);
		await poller.post('40');
		await poller.packets(1);
		const fast = await connect(server.cleanup, server, MODES.websocket);
		const text = JSON.stringify('x'.repeat(400_000));
		const heard = new Promise((resolve) => {
			let n = 0;
			fast.on('few', () => ++n === 10 && resolve());
		});
		for (let i = 0; i < 10; i++) await server.redis.client.publish('few', text);
		await heard;
		const slowest = await eventually(async () => {
			const found = all((await server.stats('?top')).top, 'slowest');
			return found.length === 2 && found;
		}, 'both');
		const of = (sid) => slowest.find((client) => client.sid === sid);
		const stopped = of(slow.open.sid);
		assert.ok(stopped.waiting_bytes > 300_000, JSON.stringify(stopped));
		assert.ok(stopped.kernel_bytes > 0);
		assert.ok(stopped.rtt_seconds > 0 && stopped.rtt_seconds < 10);
		assert.deepEqual([stopped.transport, stopped.eio], ['websocket', 4]);
		const waiting = of(poller.sid);
		assert.ok(waiting.waiting_bytes > 4_000_000, JSON.stringify(waiting));
		assert.deepEqual([waiting.transport, waiting.rtt_seconds, waiting.kernel_bytes], ['polling', 0, 0]);
		const { top } = await server.stats('?top=1');
		assert.ok(all(top, 'slowest').some(({ sid }) => sid === poller.sid));
		slow.close();
		fast.disconnect();
	});
}, SIOCAST_ONLY);
