// SPDX-License-Identifier: MIT
//
// What is retained comes to those who join, each generation over each transport: before anything newer, without a gap and without a
// repeat, also while 5,000 messages come in a second.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import siocast from '../../client-js/siocast.mjs';
import { withCleanup } from './lib/cleanup.mjs';
import { ask, collect, createClient } from './lib/client.mjs';
import { SIOCAST_ONLY, feedsReady, startSiocast } from './lib/daemon.mjs';
import { Session } from './lib/engine.mjs';
import { TRANSPORTS, VERSIONS, feeds as racing, namespaces, race } from './lib/joins.mjs';
import { metric, readMetrics, sumOf } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { eventually, limit } from './lib/wait.mjs';

const require = createRequire(new URL('../../client-js/official/', import.meta.url));

const batch = { interval: 10 };
const json = { encode: 'json', batch };

async function start(cleanup, config) {
	const redis = await startRedis(cleanup, await freePort());
	const server = await startSiocast(cleanup, { redis: redis.url, namespaces, ...config });
	await feedsReady(redis, server);
	return { cleanup, redis, ...server };
}

/** Waits until what was published is retained: as many messages as that. */
const retained = (server, n) => eventually(async () => (await metric(server, 'retained_messages')) === n, `${n} retained messages`);

/** A client that is not connected yet, so that it misses nothing. */
function client(server, options) {
	const socket = createClient(server.cleanup, server, { transports: ['websocket'], ...options });
	socket.connect();
	return socket;
}

describe('snapshots', { skip: SIOCAST_ONLY }, () => {
	for (const workers of [1, 2])
		test(`each generation, each transport, ${workers} workers`, limit(), () =>
			withCleanup(async (cleanup) => {
				const server = await start(cleanup, {
					workers,
					feeds: [
						{ channel: 'a', event: 'last', retain: 'last', encode: 'text', batch: { interval: 0 } },
						{ channel: 'a', event: 'two', retain: 2, batch },
						{ channel: 'q', event: 'q', room: 'q', retain: { key: '/s' }, remove: { where: { '/gone': true } }, snapshotEvent: '{event} all', ...json },
					],
				});
				const { redis } = server;
				for (const message of ['"1"', '"2"', '"3"']) await redis.client.publish('a', message);
				for (const message of ['{"s":"x","n":1}', '{"s":"y","n":1}', '{"s":"x","n":2}', '{"s":"z","n":1}', '{"s":"z","gone":true}', '{"n":5}'])
					await redis.client.publish('q', message);
				await retained(server, 1 + 2 + 2);
				for (const version of VERSIONS)
					for (const [transport, transports] of Object.entries(TRANSPORTS)) {
						const library = require(`client-${version}`);
						const socket = (library.io ?? library)(server.url, { transports, forceNew: true });
						cleanup.add(socket, () => socket.disconnect());
						const [last, two, q, all] = ['last', 'two', 'q', 'q all'].map((event) => collect(socket, event));
						assert.deepEqual(await last.next(), ['"3"'], `${version} ${transport}`);
						assert.deepEqual(siocast.decode((await two.next())[0]), ['2', '3']);
						await ask(socket, 'enter', 'q');
						assert.deepEqual(await all.next(), [
							[
								{ s: 'y', n: 1 },
								{ s: 'x', n: 2 },
							],
						]);
						// Live goes on behind it, and joining what one is in brings nothing.
						await ask(socket, 'enter', 'q');
						await redis.client.publish('q', '{"s":"y","n":1}');
						await redis.client.publish('q', '{"s":"x","n":2}');
						const live = [];
						while (live.length < 2) live.push(...(await q.next())[0]);
						assert.deepEqual(live, [
							{ s: 'y', n: 1 },
							{ s: 'x', n: 2 },
						]);
						assert.deepEqual([last.total, two.total, all.total], [1, 1, 1]);
						socket.disconnect();
					}
				const families = await readMetrics(server);
				assert.equal(sumOf(families, 'snapshots_total'), 3 * VERSIONS.length * Object.keys(TRANSPORTS).length);
				assert.equal(sumOf(families, 'retained_no_key_total'), 1);
				assert.equal(sumOf(families, 'retained_messages'), 5);
				assert(sumOf(families, 'retained_bytes{feed="2"}') > 100 && sumOf(families, 'retained_bytes{feed="2"}') < 2000);
			}),
		);

	test('what goes has a time, a number and a size; what is too large is left out, and nobody is cut off', limit(), () =>
		withCleanup(async (cleanup) => {
			const server = await start(cleanup, {
				limits: { clientReplyBytes: 20000 },
				feeds: [
					{ channel: 't', event: 't', retain: { max: 5, ttl: 300 }, ...json },
					{ channel: 'k', event: 'k', retain: { key: '/k', max: 3 }, ...json },
					{ channel: 'b', event: 'b', retain: 1000, ...json },
				],
			});
			const { redis } = server;
			for (let k = 0; k < 5; k++) await redis.client.publish('k', `{"k":${k}}`);
			for (let n = 0; n < 30; n++) await redis.client.publish('b', `{"n":${n},"x":"${'x'.repeat(980)}"}`);
			// All have come when what had no room is gone: as many are retained before, too.
			await eventually(async () => (await metric(server, 'retained_dropped_total')) === 2 + 21, 'the last messages');
			await retained(server, 3 + 9);
			const socket = client(server);
			const [t, k, b] = ['t', 'k', 'b'].map((event) => collect(socket, event));
			assert.deepEqual((await k.next())[0], [{ k: 2 }, { k: 3 }, { k: 4 }]);
			assert.deepEqual(
				(await b.next())[0].map(({ n }) => n),
				[21, 22, 23, 24, 25, 26, 27, 28, 29],
			);
			// The newest alone is more than a client may have at once.
			await redis.client.publish('b', JSON.stringify('y'.repeat(15000)));
			assert.equal((await b.next())[0][0].length, 15000);
			await retained(server, 3);
			await eventually(() => /event=retained-dropped/.test(server.child.output), 'a line about it');
			assert.equal(await metric(server, 'retained_dropped_total'), 2 + 21 + 10);
			// What is too old is not there, though nobody asks.
			await redis.client.publish('t', '1');
			await t.next();
			await retained(server, 3);
			const late = client(server);
			const [lateT, lateK] = ['t', 'k'].map((event) => collect(late, event));
			await lateK.next();
			await redis.client.publish('t', '2');
			assert.deepEqual(await lateT.next(), [[2]]);
			assert(socket.connected);
		}),
	);

	test('several rooms, without some, and a pattern of namespaces', limit(), () =>
		withCleanup(async (cleanup) => {
			const server = await start(cleanup, {
				workers: 2,
				namespaces: { ...namespaces, '/shop-*': namespaces['/'] },
				feeds: [
					{ channel: 'm', event: 'm', room: '{/to}', except: '{/but}', retain: 10, ...json },
					{ channel: 'm', event: 'all', retain: 'last', payload: '{/n}', snapshotEvent: 'now', ...json },
					{ pattern: 'shop.*', namespace: '/shop-{1}', event: 'e', retain: 2, ...json },
				],
			});
			const { redis } = server;
			await redis.client.publish('m', '{"n":1,"to":["a","b"]}');
			await redis.client.publish('m', '{"n":2,"to":["b","c"]}');
			await redis.client.publish('m', '{"n":3,"to":"c","but":"a"}');
			for (let n = 1; n < 4; n++) await redis.client.publish('shop.x', `${n}`);
			await redis.client.publish('shop.y', '9');
			await retained(server, 4 + 3);
			const socket = client(server);
			const [m, now, all] = ['m', 'now', 'all'].map((event) => collect(socket, event));
			assert.deepEqual(await now.next(), [[3]]);
			const numbers = async () => (await m.next())[0].map(({ n }) => n);
			await ask(socket, 'enter', 'a');
			assert.deepEqual(await numbers(), [1]);
			await ask(socket, 'enter', 'b');
			assert.deepEqual(await numbers(), [2]);
			await ask(socket, 'enter', 'c'); // all of it is known by now, or not for who is in a
			await redis.client.publish('m', '{"n":4,"to":["a","b"]}');
			await redis.client.publish('m', '{"n":5,"to":["b","c"]}');
			assert.deepEqual([await numbers(), await numbers()].flat().sort(), [4, 5]);
			await eventually(() => all.total === 2 || all.items.some(([list]) => list.length === 2), 'the other event');
			assert.deepEqual([m.total, now.total], [4, 1]);
			for (const [namespace, wanted] of [
				['/shop-x', [2, 3]],
				['/shop-y', [9]],
			])
				assert.deepEqual(await collect(client(server, { namespace }), 'e').next(), [wanted]);
		}),
	);

	test('a page that reads late gets its snapshots bit by bit, with acks between them, and no end', limit(), () =>
		withCleanup(async (cleanup) => {
			const rooms = [...Array(10).keys()].map((i) => `r${i}`);
			const server = await start(cleanup, {
				limits: { clientReplyBytes: 200000 },
				feeds: [{ channel: 'big', event: 'big', room: '{/to}', retain: 'last', ...json }],
			});
			for (const to of rooms) await server.redis.client.publish('big', JSON.stringify({ to, x: 'x'.repeat(40000) }));
			await retained(server, rooms.length);
			const session = await Session.open(server);
			await session.post('40');
			for (const [i, room] of rooms.entries()) await session.post(`42${i}["enter","${room}"]`);
			// Some come until there is enough to read: the others wait for who reads.
			assert(await metric(server, 'snapshots_total') <= 3);
			const got = [];
			while (got.length < rooms.length) {
				const packets = await session.packets(1);
				await session.post('420["enter","r0"]'); // an ack has its place beside them
				for (const packet of packets) if (packet.startsWith('42["big"')) got.push(JSON.parse(packet.slice(2))[1][0].to);
			}
			assert.deepEqual(got, rooms);
		}),
	);

	for (const workers of [1, 2])
		test(`joins race 5,000 messages a second, ${workers} workers`, limit(), () =>
			withCleanup(async (cleanup) => {
				const redis = await startRedis(cleanup, await freePort());
				const server = await startSiocast(cleanup, { redis: redis.url, workers, feeds: racing, namespaces });
				const { joins, failures } = await race(cleanup, server, redis, { joins: 100, rate: 5000, sockets: 1, seconds: 1.5 });
				assert.deepEqual(failures, []);
				assert(joins >= VERSIONS.length * Object.keys(TRANSPORTS).length, `${joins} joins`);
			}),
		);
});
