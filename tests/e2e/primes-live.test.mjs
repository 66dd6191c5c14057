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
	const { samples } = (await readMetrics(server)).get(`siocast_${name}`);
	return Object.fromEntries(samples.filter((s) => s.labels.result !== 'failed').map((s) => [s.labels.feed, s.value]));
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
	running.catch(() => {});
	return async () => {
		goes = false;
		await running;
		return n;
	};
}

/** 1,000 messages a second: 400 numbers, each on channel "live" and with its hash on the first channel, every other one on one of the others, too. */
function steadily(redis, [first, ...others], keys) {
	const { client } = redis;
	let n = 0;
	let goes = true;
	const step = () => {
		const value = JSON.stringify({ s: `k${(n * 7919) % keys}`, n });
		const names = n % 2 ? [first, others[(n >> 1) % others.length]] : [first];
		const all = [client.command('MULTI'), client.command('PUBLISH', 'live', String(n))];
		for (const name of names) all.push(client.command('HSET', name, JSON.parse(value).s, value), client.command('PUBLISH', name, value));
		n++;
		return Promise.all([...all, client.command('EXEC')]);
	};
	const running = (async () => {
		while (goes) {
			// On a busy machine it is slower, and does not catch up.
			const next = new Promise((resolve) => setTimeout(resolve, 20));
			await Promise.all([next, ...Array.from({ length: 8 }, step)]);
		}
	})();
	running.catch(() => {});
	return {
		stop: async () => {
			goes = false;
			await running;
			return n;
		},
	};
}

/** What the admin port says of the first server: whether it is ready, and what is primed. */
async function told(server) {
	const ready = await request(server.admin, 'GET', '/readyz');
	const { redis } = JSON.parse((await request(server.admin, 'GET', '/stats')).text);
	return { status: ready.status, primed: redis[0].primed, text: ready.text };
}

/** All is read again, in case that it was before there was something. */
const missSomething = async (redis) => {
	await redis.client.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
};

const fill = (redis, name, n) => redis.client.command('EVAL', `for i = 0, ${n - 1} do redis.call('HSET', '${name}', 'f' .. i, '{"s":"f' .. i .. '","n":1}') end`, '0');

describe('feeds with prime change live', { concurrency: 2, skip: SIOCAST_ONLY }, () => {
	for (const source of ['subscribe', 'psync'])
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
					if (i % 3 && i % 4 === 1) await eventually(async () => (await reads(server)).filter((n) => n > 0).length === 2, 'the new one to be read');
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

	test('in the middle of the reading: what is being read goes on, or ends with its feed', limit(120), () =>
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

	test('who joins meanwhile gets what there is, and then the rest, once; it stays ready', limit(120), () =>
		withCleanup(async (cleanup) => {
			const { redis, server } = await start(cleanup, [plain('live')]);
			const N = 60_000;
			await fill(redis, 'big', N);
			await isPrimed(server, 0);
			assert.equal((await told(server)).primed, undefined);
			await change(server, [primed('big'), plain('live')]);
			await eventually(async () => (await series(server, 'primed_total'))[0] > 1000, 'the reading to begin');
			// It stops there, as its marker cannot be published.
			await redis.client.command('CLIENT', 'PAUSE', '60000', 'WRITE');
			const meanwhile = await told(server);
			assert.deepEqual([meanwhile.status, meanwhile.primed], [200, false]);
			assert.match(meanwhile.text, /subscribed, not primed\nready/);
			const client = createClient(cleanup, server, MODES.websocket);
			const seen = new Map();
			let firsts = 0;
			client.on('big', (list) => {
				firsts ||= list.length;
				for (const { s } of list) seen.set(s, (seen.get(s) ?? 0) + 1);
			});
			client.connect();
			await eventually(() => firsts, 'what there is');
			await redis.client.command('CLIENT', 'UNPAUSE');
			await isPrimed(server, 1);
			await eventually(() => seen.size === N, 'the rest');
			assert.ok(firsts > 0 && firsts < N, `${firsts} at first`);
			assert.ok([...seen.values()].every((n) => n === 1));
			const behind = await told(server);
			assert.deepEqual([behind.status, behind.primed], [200, true]);
			assert.match(behind.text, /subscribed, primed\nready/);
		}),
	);

	test('whose prime is another is read anew; from each of several servers', limit(), () =>
		withCleanup(async (cleanup) => {
			const one = await startRedis(cleanup, await freePort());
			const other = await startRedis(cleanup, await freePort());
			const server = await startReloadable(cleanup, { redis: [one.url, other.url], feeds: [primed('a')], workers: 2 });
			for (const [redis, s] of [
				[one, 'one'],
				[other, 'other'],
			])
				for (const hash of ['b', 'c']) await redis.client.command('HSET', hash, 'f', JSON.stringify({ s: `${hash} of ${s}`, n: 1 }));
			await isPrimed(server, 1);
			const of = (hash) => Object.fromEntries(['one', 'other'].map((s) => [`${hash} of ${s}`, 1]));
			const retained = async (wanted) =>
				eventually(async () => JSON.stringify(Object.entries(await found(cleanup, server, 'b')).sort()) === JSON.stringify(Object.entries(wanted).sort()), 'what is retained');
			await change(server, [primed('a'), primed('b')]);
			await retained(of('b'));
			await change(server, [primed('b', { prime: { hash: 'c' } }), primed('a')]);
			await retained(of('c'));
			await other.client.command('PUBLISH', 'b', '{"s":"c of other","n":2}');
			await retained({ ...of('c'), 'c of other': 2 });
			// What was heard meanwhile is forgotten bit by bit before it counts as read.
			const stats = async () => JSON.parse((await request(server.admin, 'GET', '/stats')).text).redis;
			await eventually(async () => (await stats()).every(({ primed }) => primed), 'both to be read');
			// What stayed was read once from each; what one of them says is missing is read of both.
			assert.equal((await series(server, 'primings_total'))[1], 2);
			await other.client.command('HSET', 'c', 'f', '{"s":"c of other","n":3}');
			await other.client.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
			await retained({ ...of('c'), 'c of other': 3 });
		}),
	);

	test('a hundred times, while 1,000 messages a second come', limit(180), () =>
		withCleanup(async (cleanup) => {
			const { redis, server } = await start(cleanup, [plain('live'), primed('stays')]);
			await isPrimed(server, 0);
			await eventually(async () => (await told(server)).primed, 'the first to be read');
			const client = await connect(cleanup, server, MODES.websocket);
			const seen = { live: [], stays: [] };
			client.on('live', (n) => seen.live.push(n));
			client.on('stays', (list) => list.forEach(({ n }) => seen.stays.push(n)));
			const publisher = steadily(redis, ['stays', 'b', 'c'], 200);
			for (let i = 0; i < 100; i++) {
				const feeds = [plain('live'), primed('stays')];
				if (i % 3) feeds.push(primed('b', { retainBytes: 10_000_000 + (i >> 2) }));
				if (i % 5 < 3) feeds.push(primed('c', { prime: { hash: i % 2 ? 'c' : 'b' } }));
				await change(server, i % 2 ? feeds : feeds.reverse());
				await new Promise((resolve) => setTimeout(resolve, (i % 7) * 10));
			}
			await change(server, [primed('c'), primed('b'), plain('live'), primed('stays')]);
			const n = await publisher.stop();
			await eventually(() => seen.live.length >= n && seen.stays.length >= n, 'all messages');
			const all = Array.from({ length: n }, (_, i) => i);
			assert.deepEqual(seen.live, all);
			assert.deepEqual(seen.stays, all);
			await eventually(async () => (await told(server)).primed, 'the last to be read');
			for (const name of ['b', 'c', 'stays']) await finds(cleanup, redis, server, name);
			assert.equal((await series(server, 'primings_total'))[3], 1);
			assert.ok(!/prime-unmarked|prime-failed|prime-delayed/.test(server.child.output), server.child.output);
		}),
	);

	test('while Redis goes in the middle of the reading', limit(), () =>
		withCleanup(async (cleanup) => {
			const { redis, server } = await start(cleanup, [primed('a')]);
			await fill(redis, 'big', 60_000);
			await isPrimed(server, 1);
			await change(server, [primed('a'), primed('big'), primed('gone', { prime: { hash: 'big' } })]);
			await eventually(async () => (await series(server, 'primed_total'))[1] > 0, 'the reading to begin');
			await redis.child.stop();
			await server.child.says(/event=lost/);
			await change(server, [primed('new'), primed('big'), primed('a')]);
			assert.equal((await told(server)).primed, false);
			const again = await startRedis(cleanup, redis.port);
			for (const name of ['a', 'big', 'new']) await fill(again, name, 500);
			await missSomething(again);
			for (const name of ['a', 'big', 'new']) await finds(cleanup, again, server, name);
			await eventually(async () => (await told(server)).primed, 'all to be read');
			await again.client.command('PUBLISH', 'big', '{"s":"f1","n":2}');
			await again.client.command('HSET', 'big', 'f1', '{"s":"f1","n":2}');
			await finds(cleanup, again, server, 'big');
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
			await missSomething(again);
			for (const name of ['a', 'b', 'c']) await finds(cleanup, again, server, name);
			await isPrimed(server, 3);
		}),
	);
});
