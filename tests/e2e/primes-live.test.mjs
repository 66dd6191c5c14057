// SPDX-License-Identifier: MIT
//
// Feeds that read what they retain, and come, change and go while siocast runs: what stays is neither read again nor swept, what is new is read
// once its channel is heard, and live messages go on.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { MODES, collect, connect, createClient } from './lib/client.mjs';
import { SIOCAST_ONLY } from './lib/daemon.mjs';
import { request } from './lib/http.mjs';
import { readMetrics } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { reload, startReloadable } from './lib/reload.mjs';
import { eventually, limit } from './lib/wait.mjs';

/** A feed of channel `name` that retains by key what the hash `name` holds. */
const primed = (name, more = {}) => ({ channel: name, event: name, encode: 'json', batch: { interval: 10 }, retain: { key: '/s', max: 200_000 }, prime: { hash: name }, ...more });
const plain = (name) => ({ channel: name, event: name, encode: 'json', batch: { interval: 0 } });

async function start(cleanup, feeds, more = {}) {
	const redis = await startRedis(cleanup, await freePort());
	return { redis, server: await startReloadable(cleanup, { redis: redis.url, feeds, workers: 2, limits: { clientReplyBytes: 100_000_000 }, ...more }) };
}

async function change(server, feeds) {
	const answer = await reload(server, { feeds });
	assert.deepEqual([answer.status, answer.needsRestart], [200, []], JSON.stringify(answer));
}

/** What a feed has counted, or shows, by its number. */
async function series(server, name) {
	return Object.fromEntries((await readMetrics(server)).get(`siocast_${name}`).samples.map((s) => [s.labels.feed, s.value]));
}

const isPrimed = (server, feeds) =>
	eventually(async () => Object.values(await series(server, 'priming')).every((n) => n === 0) && (await reads(server)).slice(0, feeds).every((n) => n > 0), 'all to be read');
const reads = async (server) => Object.values(await series(server, 'primings_total'));

/** What somebody finds who joins now: by key. */
async function found(cleanup, server, event) {
	const socket = createClient(cleanup, server, MODES.websocket);
	const inbox = collect(socket, event);
	socket.connect();
	const [list] = await inbox.next();
	socket.disconnect();
	return Object.fromEntries(list.map(({ s, n }) => [s, n]));
}

const values = async (redis, hash) =>
	Object.fromEntries((await redis.client.command('HVALS', hash)).map((text) => JSON.parse(text)).map(({ s, n }) => [s, n]));

/** Somebody who joins finds what the hash holds. */
async function finds(cleanup, redis, server, name) {
	const wanted = JSON.stringify(Object.entries(await values(redis, name)).sort());
	await eventually(async () => JSON.stringify(Object.entries(await found(cleanup, server, name)).sort()) === wanted, `what is in ${name}`);
}

/** Changes hashes and publishes it on their channels, each as one, as fast as Redis answers, until it is stopped. */
function write(redis, names, keys) {
	let n = 0;
	let goes = true;
	const running = (async () => {
		while (goes) {
			const all = [];
			for (let i = 0; i < 20; i++, n++) {
				const s = `k${(n * 7919) % keys}`;
				const value = JSON.stringify({ s, n });
				const command = (...words) => all.push(redis.client.command(...words));
				command('MULTI');
				for (const name of names) command('HSET', name, s, value), command('PUBLISH', name, value);
				command('EXEC');
			}
			await Promise.all(all);
		}
	})();
	return async () => {
		goes = false;
		await running;
		return n;
	};
}

const fill = (redis, name, n) => redis.client.command('EVAL', `for i = 0, ${n - 1} do redis.call('HSET', '${name}', 'f' .. i, '{"s":"f' .. i .. '","n":1}') end`, '0');

describe('feeds with prime change live', { concurrency: 2, skip: SIOCAST_ONLY }, () => {
	for (const source of ['pubsub', 'psync'])
		test(`under a publisher at full speed, by ${source}`, limit(), () =>
			withCleanup(async (cleanup) => {
				const args = ['--repl-diskless-sync-delay', '0'];
				const redis = await startRedis(cleanup, await freePort(), { args });
				const server = await startReloadable(cleanup, { redis: { url: redis.url, source }, feeds: [plain('live'), primed('a')], workers: 2 });
				await isPrimed(server, 0);
				const client = await connect(cleanup, server, MODES.websocket);
				// Of one key each number is higher than the one before, as long as the feed is the same.
				const last = { a: {}, b: {} };
				const wrong = [];
				for (const name of ['a', 'b'])
					client.on(name, (list) => {
						for (const { s, n } of list) {
							if (n < (last[name][s] ?? 0)) wrong.push([name, s, n, last[name][s]]);
							last[name][s] = n;
						}
					});
				const stop = write(redis, ['live', 'a', 'b'], 300);
				const other = (i) => primed('b', { retainBytes: 10_000_000 + i });
				for (let i = 0; i < 12; i++) {
					last.b = {};
					const feeds = [plain('live'), primed('a'), ...(i % 3 ? [other(i)] : [])];
					await change(server, i % 2 ? feeds : feeds.reverse());
					if (i % 4 === 1) await eventually(async () => (await reads(server)).filter((n) => n > 0).length === 2, 'the new one to be read');
				}
				await change(server, [primed('b'), primed('a'), plain('live')]);
				await stop();
				await isPrimed(server, 2);
				for (const name of ['a', 'b']) await finds(cleanup, redis, server, name);
				assert.deepEqual(wrong, []);
				// What stayed all the time was read once.
				assert.equal((await series(server, 'primings_total'))[1], 1);
				assert.ok(client.connected);
			}),
		);

	test('in the middle of the reading: what is being read goes on, or ends with its feed', limit(), () =>
		withCleanup(async (cleanup) => {
			const { redis, server } = await start(cleanup, [plain('live')]);
			const N = 60_000;
			await fill(redis, 'big', N);
			await fill(redis, 'gone', N);
			await fill(redis, 'small', 5);
			const client = await connect(cleanup, server, MODES.websocket);
			const live = collect(client, 'live');
			const begun = (index) => eventually(async () => (await series(server, 'primed_total'))[index] > 0, 'the reading to begin');
			await change(server, [plain('live'), primed('big')]);
			await begun(1);
			await change(server, [primed('big'), primed('small'), plain('live'), primed('gone')]);
			await change(server, [primed('gone'), primed('big'), primed('small'), plain('live')]);
			// No more than a field twice, as Redis may tell it while its table grows; and live ones come meanwhile.
			await redis.client.publish('live', '1');
			assert.deepEqual(await live.next(), [1]);
			await begun(0);
			await change(server, [primed('small'), primed('big'), plain('live')]);
			await isPrimed(server, 2);
			assert.deepEqual(await reads(server), [1, 1, 0]);
			const primedTotal = await series(server, 'primed_total');
			assert.equal(primedTotal[0], 5);
			assert.ok(primedTotal[1] >= N && primedTotal[1] < 2 * N, `${primedTotal[1]} values`);
			await finds(cleanup, redis, server, 'small');
			await finds(cleanup, redis, server, 'big');
			// Nothing is read any more, and no connection is left for it.
			await change(server, [plain('live')]);
			const connections = async () => String(await redis.client.command('CLIENT', 'LIST')).match(/ name=siocast/g).length;
			await eventually(async () => (await connections()) === 1, 'the connection to be closed');
			assert.doesNotMatch((await request(server.admin, 'GET', '/readyz')).text, /primed/);
		}),
	);

	test('while Redis is away, several times', limit(), () =>
		withCleanup(async (cleanup) => {
			const { redis, server } = await start(cleanup, [primed('a')]);
			await redis.client.command('HSET', 'a', 'x', '{"s":"x","n":1}');
			await isPrimed(server, 1);
			await redis.child.stop();
			await server.child.says(/event=lost/);
			await change(server, [primed('b'), primed('a')]);
			await change(server, [primed('b', { retainBytes: 9_999_999 }), primed('a'), primed('c')]);
			await change(server, [primed('c'), primed('b'), primed('a')]);
			// It serves, as it did before.
			assert.equal((await request(server.admin, 'GET', '/livez')).status, 200);
			const again = await startRedis(cleanup, redis.port);
			for (const name of ['a', 'b', 'c']) await again.client.command('HSET', name, 'y', `{"s":"${name}","n":2}`);
			for (const name of ['a', 'b', 'c']) await finds(cleanup, again, server, name);
			await isPrimed(server, 3);
		}),
	);
});
