// SPDX-License-Identifier: MIT
//
// Clients that come to a siocast that has only just started: what they missed of streams it reads back from Redis, and nobody else
// gets that.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { ask } from './lib/client.mjs';
import { SIOCAST_ONLY, launchSiocast } from './lib/daemon.mjs';
import { FEEDS, MODES, Servers, back, enter, hasAll, member } from './lib/elsewhere.mjs';
import { request } from './lib/http.mjs';
import { kills } from './lib/kills.mjs';
import { metric } from './lib/metrics.mjs';
import { SLOW, eventually, limit } from './lib/wait.mjs';

const command = (servers, ...words) => servers.redis.client.command(...words);
const launch = async (servers, i) => {
	servers.list[i].child = await launchSiocast(servers.cleanup, servers.list[i]);
};
const isReady = (server) => eventually(async () => (await request(server.admin, 'GET', '/readyz')).status === 200, 'siocast to be ready');
const readBack = (server) => server.child.says(/event=past-read stream="s".*\n(.*\n)*.*event=past-read stream="r"|event=past-read stream="r".*\n(.*\n)*.*event=past-read stream="s"/);

/** One server with some entries behind it, and a client that has the last of them. */
async function killed(cleanup, options = {}) {
	const servers = await Servers.start(cleanup, { feeds: FEEDS.stream, n: 1, ...options });
	for (let i = 0; i < 3; i++) await servers.next();
	const socket = await member(servers, { transports: ['websocket'] });
	await enter(socket);
	await servers.next();
	await hasAll(socket, servers.sent);
	await options.before?.(servers);
	const returned = back([socket]);
	await servers.kill(0, 0);
	return { servers, socket, returned };
}

describe('a siocast that has only just started', { concurrency: 4, skip: SIOCAST_ONLY }, () => {
	for (const workers of [1, 3])
		test(`the only one is killed while messages flow, ${workers} worker(s)`, limit(), () =>
			withCleanup(async (cleanup) => {
				const servers = await Servers.start(cleanup, { feeds: FEEDS.stream, n: 1, workers });
				const sockets = [];
				for (const transports of Object.values(MODES)) sockets.push(await member(servers, { transports }));
				await Promise.all(sockets.map(enter));
				const ids = sockets.map((socket) => socket.id);
				const stop = servers.flow();
				await eventually(() => sockets.every((socket) => socket.got.batch.length > 20), 'messages to flow');
				const returned = back(sockets);
				await servers.kill(0, 0);
				const down = servers.sent;
				await eventually(() => servers.sent > down + 20, 'some that nobody is there to hear');
				const before = servers.sent;
				await launch(servers, 0);
				const fresh = await member(servers, { transports: ['websocket'] });
				await returned;
				await readBack(servers.list[0]);
				await stop();
				assert.deepEqual(
					sockets.map((socket) => socket.recovered),
					sockets.map(() => true),
				);
				assert.deepEqual(
					sockets.map((socket) => socket.id),
					ids,
				);
				for (const socket of sockets) {
					await hasAll(socket, servers.sent);
					assert.deepEqual((await ask(socket, 'rooms'))[1].sort(), ['a', 'b']);
				}
				// Whoever is new gets nothing that came before him.
				await servers.next();
				await eventually(() => fresh.got.n.at(-1) === servers.sent, 'the last one');
				assert.ok(fresh.got.n[0] > before, `${fresh.got.n[0]} > ${before}`);
				assert.deepEqual(
					fresh.got.n,
					fresh.got.n.map((_, i) => fresh.got.n[0] + i),
				);
				assert.equal(await metric(servers.list[0], 'recoveries_total{result="recovered"}'), sockets.length);
			}),
		);

	test('another one started a moment ago', limit(), () =>
		withCleanup(async (cleanup) => {
			const servers = await Servers.start(cleanup, { feeds: FEEDS.stream, workers: 2 });
			await servers.list[1].child.kill();
			const sockets = [];
			for (const transports of Object.values(MODES)) sockets.push(await member(servers, { transports }));
			await Promise.all(sockets.map(enter));
			for (let i = 0; i < 10; i++) await servers.next();
			for (const socket of sockets) await hasAll(socket, servers.sent);
			const returned = back(sockets);
			servers.cutter.cut();
			for (let i = 0; i < 10; i++) await servers.next();
			await launch(servers, 1);
			servers.turnTo(1);
			servers.cutter.mend();
			await returned;
			for (const socket of sockets) {
				assert.equal(socket.recovered, true);
				await hasAll(socket, servers.sent);
			}
			// And back: what the new one says of places others understand.
			await servers.next();
			for (const socket of sockets) await hasAll(socket, servers.sent);
			const again = back(sockets);
			await servers.kill(1, 0);
			await servers.next();
			await again;
			for (const socket of sockets) {
				assert.equal(socket.recovered, true);
				await hasAll(socket, servers.sent);
			}
			assert.equal(await metric(servers.list[0], 'feed_gaps_total'), 0);
		}),
	);

	test('what is read back is no traffic, and nothing of it is lost or comes twice behind a position', limit(), () =>
		withCleanup(async (cleanup) => {
			const feeds = FEEDS.stream.map((feed) => ({ ...feed, position: 'positions' }));
			const { servers, socket, returned } = await killed(cleanup, {
				feeds,
				before: (all) => eventually(async () => (await command(all, 'HMGET', 'positions', 's', 'r')).every((at) => String(at).endsWith(' 4')), 'the positions to be kept', 15_000),
			});
			await servers.next();
			await launch(servers, 0);
			await returned;
			await servers.next();
			assert.equal(socket.recovered, true);
			await hasAll(socket, servers.sent);
			await readBack(servers.list[0]);
			// Two entries of each stream came; two feeds have the one, and one the other.
			await eventually(async () => (await metric(servers.list[0], 'feed_messages_total')) >= 4, 'what came');
			assert.equal(await metric(servers.list[0], 'feed_messages_total'), 4);
			assert.equal(await metric(servers.list[0], 'feed_gaps_total'), 0);
		}),
	);

	test('an entry that comes rarely is enough', limit(), () =>
		withCleanup(async (cleanup) => {
			// What all had was there long before the time that is remembered.
			const { servers, socket, returned } = await killed(cleanup, { recovery: { history: { seconds: 4 * SLOW } }, before: () => new Promise((resolve) => setTimeout(resolve, 4500 * SLOW)) });
			await servers.next();
			await launch(servers, 0);
			await returned;
			assert.equal(socket.recovered, true);
			await hasAll(socket, servers.sent);
		}),
	);

	for (const [what, act, recovers] of [
		['the stream was cut behind what it has', (all) => command(all, 'XTRIM', 's', 'MAXLEN', '2'), false],
		['the stream was cut before what it has', (all) => command(all, 'XTRIM', 's', 'MAXLEN', '7'), true],
		[
			'something was deleted that it missed',
			async (all) => {
				const [[id]] = await command(all, 'XREVRANGE', 's', '+', '-', 'COUNT', '1');
				await command(all, 'XDEL', 's', id);
			},
			false,
		],
		[
			'something was deleted that it has',
			async (all) => {
				const [[id]] = await command(all, 'XRANGE', 's', '-', '+', 'COUNT', '1');
				await command(all, 'XDEL', 's', id);
			},
			true,
		],
		['the stream is gone', (all) => command(all, 'DEL', 's'), false],
		['XREVRANGE is forbidden', (all) => command(all, 'ACL', 'SETUSER', 'default', '-xrevrange'), false],
	])
		test(`${what}: the client ${recovers ? 'is recovered' : 'begins anew'}`, limit(), () =>
			withCleanup(async (cleanup) => {
				const { servers, socket, returned } = await killed(cleanup);
				for (let i = 0; i < 5; i++) await servers.next();
				await act(servers);
				await launch(servers, 0);
				await returned;
				assert.equal(socket.recovered, recovers);
				if (recovers) await hasAll(socket, servers.sent);
				if (what.includes('forbidden')) await servers.list[0].child.says(/event=past-not-read stream="s" reason="NOPERM /);
				// Whatever it was, what comes now comes to all.
				await isReady(servers.list[0]);
				for (const list of Object.values(socket.got)) list.length = 0;
				if (!recovers) await enter(socket);
				await servers.next();
				await hasAll(socket, servers.sent);
			}),
		);

	test('nothing is read back where channels are read, too, nor where places are known', limit(), () =>
		withCleanup(async (cleanup) => {
			const servers = await Servers.start(cleanup, { feeds: [...FEEDS.stream, { channel: 'c', event: 'c' }], n: 1 });
			await servers.next();
			await servers.kill(0, 0);
			await launch(servers, 0);
			await isReady(servers.list[0]);
			assert.doesNotMatch(servers.list[0].child.output, /event=past/);
			const stateFile = `${await cleanup.folder()}/state`;
			const kept = await Servers.start(cleanup, { feeds: FEEDS.stream, n: 1, config: { stateFile } });
			const socket = await member(kept, { transports: ['websocket'] });
			await enter(socket);
			await kept.next();
			await hasAll(socket, 1);
			const returned = back([socket]);
			await kept.list[0].child.stop();
			await kept.next();
			await launch(kept, 0);
			await returned;
			assert.equal(socket.recovered, true);
			await hasAll(socket, 2);
			assert.doesNotMatch(kept.list[0].child.output, /event=past/);
		}),
	);

	test('one server is killed again and again', limit(90), () =>
		withCleanup(async (cleanup) => {
			const tally = await kills(cleanup, { source: 'stream', servers: 1, clients: 10, kills: 4, every: 400, rate: 200 });
			assert.deepEqual([tally.kills, tally.lost, tally.twice], [4, 0, 0], JSON.stringify(tally));
			assert.ok(tally.recovered > 0, JSON.stringify(tally));
		}),
	);
});
