// SPDX-License-Identifier: MIT
//
// What is read from Redis together with the rest: columns, psync, the state of the process before, several servers, a replica; and what is
// live meanwhile.

import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, test } from 'node:test';
import siocast from '../../client-js/siocast-columns.mjs';
import { withCleanup } from './lib/cleanup.mjs';
import { MODES, collect, connect, createClient } from './lib/client.mjs';
import { SIOCAST_ONLY, configure, launchSiocast, startSiocast } from './lib/daemon.mjs';
import { request } from './lib/http.mjs';
import { metric } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { eventually, limit } from './lib/wait.mjs';

const FEED = { channel: 'q', event: 'q', encode: 'json', batch: { interval: 10 }, retain: { key: '/s', max: 200_000 }, prime: { hash: 'state' } };
const ready = (server) => eventually(async () => (await request(server.admin, 'GET', '/readyz')).status === 200, 'siocast to be ready');

/** Puts members into the hash and publishes them, as one. */
async function put({ client }, members) {
	const all = [client.command('MULTI')];
	for (const [s, n] of Object.entries(members)) {
		const value = JSON.stringify({ s, n });
		all.push(client.command('HSET', 'state', s, value), client.command('PUBLISH', 'q', value));
	}
	await Promise.all([...all, client.command('EXEC')]);
}

/** What somebody finds who joins now: by key. */
async function found(cleanup, server) {
	const socket = createClient(cleanup, server, MODES.websocket);
	const inbox = collect(socket, 'q');
	socket.connect();
	const [payload] = await inbox.next();
	socket.disconnect();
	const list = Array.isArray(payload) ? payload : siocast.decode(payload);
	return Object.fromEntries(list.map(({ s, n }) => [s, n]));
}

/** Waits until that is so: what was published may still be on its way. */
async function finds(cleanup, server, wanted) {
	await eventually(async () => JSON.stringify(Object.entries(await found(cleanup, server)).sort()) === JSON.stringify(Object.entries(wanted).sort()), 'what is retained');
}

const replicas = ['--repl-diskless-sync-delay', '0'];

describe('what is read', { concurrency: 2, skip: SIOCAST_ONLY }, () => {
	test('goes out in columns', limit(), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort());
			const state = Object.fromEntries([...Array(500).keys()].map((n) => [`k${n}`, n]));
			await put(redis, state);
			const feeds = [{ ...FEED, encode: 'binary', batch: { interval: 10, format: 'columns' } }];
			const server = await startSiocast(cleanup, { redis: redis.url, feeds, workers: 2 });
			await ready(server);
			assert.deepEqual(await found(cleanup, server), state);
			await put(redis, { k0: 1000, more: 1 });
			await finds(cleanup, server, { ...state, k0: 1000, more: 1 });
		}),
	);

	for (const source of ['subscribe', 'psync'])
		test(`what siocast publishes itself for that is in no feed, whatever its pattern: ${source}`, limit(), () =>
			withCleanup(async (cleanup) => {
				const redis = await startRedis(cleanup, await freePort(), { args: replicas });
				const feeds = [FEED, { pattern: '*', event: 'all', payload: ['{channel}', '{message}'], encode: 'json', batch: { interval: 10 }, retain: 100 }];
				await put(redis, { a: 1 });
				const servers = [];
				// The second one is also heard by the first.
				for (let i = 0; i < 2; i++) {
					servers.push(await startSiocast(cleanup, { redis: { url: redis.url, source }, feeds }));
					await ready(servers[i]);
				}
				// A name that looks like one of siocast's, and is none.
				for (const channel of ['x', 'siocast:0123456789abcdeg', 'siocast:0123456789abcdef0']) await redis.client.publish(channel, '1');
				for (const server of servers) {
					const socket = createClient(cleanup, server, MODES.websocket);
					const seen = [];
					socket.on('all', (batch) => seen.push(...batch));
					socket.connect();
					await eventually(() => seen.some(([channel]) => channel.endsWith('f0')), 'the messages');
					assert.deepEqual(seen, [['x', 1], ['siocast:0123456789abcdeg', 1], ['siocast:0123456789abcdef0', 1]]);
				}
			}),
		);

	test('again when a channel is allowed that was refused: what came meanwhile was not heard', limit(), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort());
			await redis.client.command('ACL', 'SETUSER', 'siocast', 'on', '>secret', 'allkeys', '+@all', 'resetchannels', '&siocast:*');
			await put(redis, { a: 1 });
			const server = await startSiocast(cleanup, { redis: `redis://siocast:secret@127.0.0.1:${redis.port}`, feeds: [FEED] });
			await server.child.says(/event=subscription-refused/);
			await finds(cleanup, server, { a: 1 });
			await put(redis, { a: 2, b: 1 });
			await redis.client.command('ACL', 'SETUSER', 'siocast', '&q');
			await finds(cleanup, server, { a: 2, b: 1 });
			await put(redis, { c: 1 });
			await finds(cleanup, server, { a: 2, b: 1, c: 1 });
		}),
	);

	test('by a siocast that is a replica, again when its link was cut', limit(), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort(), { args: replicas });
			await put(redis, { a: 1, b: 1 });
			const server = await startSiocast(cleanup, { redis: { url: redis.url, source: 'psync' }, feeds: [FEED] });
			await ready(server);
			await finds(cleanup, server, { a: 1, b: 1 });
			const all = { a: 1, b: 1 };
			for (let round = 2; round < 5; round++) {
				await redis.client.command('CLIENT', 'KILL', 'TYPE', 'replica');
				Object.assign(all, { a: round, [`new${round}`]: round });
				await put(redis, { a: round, [`new${round}`]: round });
				await finds(cleanup, server, all);
			}
		}),
	);

	test('goes before what the process before has left', limit(), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort());
			await put(redis, { stays: 1, changes: 1, goes: 1 });
			const stateFile = path.join(await cleanup.folder(), 'state');
			const connectionStateRecovery = { maxDisconnectionDuration: 60_000 };
			const setup = await configure(cleanup, { redis: redis.url, stateFile, connectionStateRecovery, feeds: [FEED] });
			const first = await launchSiocast(cleanup, setup);
			await ready(setup);
			await finds(cleanup, setup, { stays: 1, changes: 1, goes: 1 });
			await first.stop();
			await put(redis, { changes: 2, comes: 2 });
			await redis.client.command('HDEL', 'state', 'goes');
			const second = await launchSiocast(cleanup, setup);
			await second.says(/event=state-loaded .* retained=3 /);
			await ready(setup);
			await finds(cleanup, setup, { stays: 1, changes: 2, comes: 2 });
			await put(redis, { comes: 3 });
			await finds(cleanup, setup, { stays: 1, changes: 2, comes: 3 });
		}),
	);

	test('from each of several servers, one of which is a replica', limit(), () =>
		withCleanup(async (cleanup) => {
			const master = await startRedis(cleanup, await freePort(), { args: replicas });
			const other = await startRedis(cleanup, await freePort());
			await put(master, { a: 1, b: 1 });
			await put(other, { c: 1, d: 1 });
			const replica = await startRedis(cleanup, await freePort(), { args: [...replicas, '--replicaof', '127.0.0.1', String(master.port)] });
			await eventually(async () => /master_link_status:up/.test(await replica.client.command('INFO', 'replication')), 'the replica');
			const server = await startSiocast(cleanup, { redis: [replica.url, other.url], feeds: [FEED], workers: 2 });
			await ready(server);
			await finds(cleanup, server, { a: 1, b: 1, c: 1, d: 1 });
			await put(master, { a: 2 });
			await put(other, { c: 2 });
			await finds(cleanup, server, { a: 2, b: 1, c: 2, d: 1 });
			// The connection of one is lost, and meanwhile something is missed of it.
			await replica.client.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
			await put(master, { b: 3 });
			await finds(cleanup, server, { a: 2, b: 3, c: 2, d: 1 });
		}),
	);

	test('what is live goes on while 100,000 fields are read', limit(), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort());
			const N = 100_000;
			const fill = `for i = 0, ${N - 1} do redis.call('HSET', 'state', i, '{"s":' .. i .. ',"n":1}') end`;
			await redis.client.command('EVAL', fill, '0');
			const live = { channel: 'live', event: 'live', encode: 'json', batch: { interval: 0 } };
			const server = await startSiocast(cleanup, { redis: redis.url, feeds: [FEED, live], workers: 1, limits: { clientReplyBytes: 100_000_000 } });
			const client = await connect(cleanup, server, MODES.websocket);
			const inbox = collect(client, 'live');
			await eventually(async () => (await redis.client.command('PUBLISH', 'live', '-1')) > 0, 'the subscription');
			let [n] = await inbox.next();
			while ((await metric(server, 'primed_total')) < N) {
				await redis.client.command('PUBLISH', 'live', String(++n));
				assert.deepEqual(await inbox.next(), [n]);
			}
			await eventually(async () => (await metric(server, 'retained_messages')) === N, 'all of it to be retained');
		}),
	);
});
