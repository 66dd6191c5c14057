// SPDX-License-Identifier: MIT
//
// Feeds that come, go and change while messages do: of what stays nothing is lost, and nothing comes twice.

import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { MODES, collect, connect, connected, createClient } from './lib/client.mjs';
import { SIOCAST_ONLY, feedsReady, startSiocast } from './lib/daemon.mjs';
import { readMetrics } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { reload, startReloadable, write } from './lib/reload.mjs';
import { eventually, limit } from './lib/wait.mjs';

/** A feed of channel and event `name`, batched as a JSON list. */
const feed = (name, more = {}) => ({ channel: name, event: name, encode: 'json', batch: { interval: 20 }, ...more });

const lines = (server, event) => server.child.output.split('\n').filter((line) => line.includes(`event=${event} `));

/** A siocast with a Redis, subscribed to all of its feeds. */
async function start(cleanup, config) {
	const redis = await startRedis(cleanup, await freePort());
	const server = await startReloadable(cleanup, { redis: redis.url, ...config });
	await feedsReady(redis, server);
	return { redis, server };
}

/** Feeds in the place of those there are, which all of them can be live. */
async function change(server, feeds) {
	const answer = await reload(server, { feeds });
	assert.deepEqual([answer.status, answer.needsRestart], [200, []], JSON.stringify(answer));
	return answer;
}

/** What comes of a feed, message by message. */
function heard(socket, event) {
	const all = [];
	socket.on(event, (batch) => all.push(...(Array.isArray(batch) ? batch : [batch])));
	return all;
}

/** Publishes 1, 2, 3 … to each of some channels until it is stopped, 2,000 a second where the machine can; gives the last number. */
function publishNumbers(redis, channels) {
	let n = 0;
	let going = true;
	const publish = async () => {
		while (going) {
			const wait = new Promise((resolve) => setTimeout(resolve, 5));
			const sent = [];
			for (let i = 0; i < 10; i++) {
				n++;
				for (const channel of channels) sent.push(redis.client.publish(channel, String(n)));
			}
			await Promise.all([wait, ...sent]);
		}
	};
	const done = publish();
	return async () => {
		going = false;
		await done;
		return n;
	};
}

/** Each number once, in order. */
async function complete(seen, last, what) {
	await eventually(() => seen.at(-1) === last, `number ${last} of ${what}`);
	const wrong = seen.findIndex((n, i) => n !== i + 1);
	assert.equal(wrong, -1, `${what}: at ${wrong} of ${seen.length} there is ${seen.slice(Math.max(0, wrong - 2), wrong + 3)}`);
	assert.equal(seen.length, last, what);
}

describe('feeds change live', { skip: SIOCAST_ONLY }, () => {
	for (const workers of [1, 2]) {
		test(`while 2,000 messages a second come, to ${workers} worker(s)`, limit(), () =>
			withCleanup(async (cleanup) => {
				const steady = [feed('steady'), feed('at-once', { batch: { interval: 0 } })];
				const terms = (i) => feed('terms', { batch: { interval: [20, 5, 300, 0, 50][i % 5] }, slow: i % 2 ? 'latest' : 'disconnect' });
				const other = (i) => feed('other', { where: { '': { not: -i } }, batch: { interval: 10 + i } });
				const some = (i) => Array.from({ length: i % 4 }, (_, k) => feed(`come-${(i + k) % 7}`, { channel: k ? 'steady' : `c${i}` }));
				const { redis, server } = await start(cleanup, { workers, feeds: [...steady, terms(0), other(0)] });
				const clients = [await connect(cleanup, server, MODES.websocket), await connect(cleanup, server, MODES.polling)];
				const names = ['steady', 'at-once', 'terms', 'other'];
				const seen = clients.map((client) => names.map((name) => heard(client, name)));
				const stop = publishNumbers(redis, names);
				for (let i = 1; i <= 30; i++) {
					const feeds = [...some(i), ...steady, terms(i), ...some(i + 1).slice(1), other(i)];
					await change(server, i % 3 ? feeds : feeds.reverse());
					if (i % 5) continue;
					await fs.writeFile(server.file, '{"feeds":[{"channel":7}]}');
					assert.equal((await reload(server)).status, 422);
				}
				const last = await stop();
				for (const client of seen) for (const [i, name] of names.entries()) await complete(client[i], last, name);
				assert.ok(clients.every((client) => client.connected));
				assert.ok(last > 200, `only ${last} messages`);
			}),
		);
	}
});

describe('feeds', { skip: SIOCAST_ONLY }, () => {
	const subscribers = async (redis, channel) => (await redis.client.command('PUBSUB', 'NUMSUB', channel))[1];
	const series = async (server, name) => (await readMetrics(server)).get(`siocast_${name}`).samples.map((s) => [s.labels.feed, s.value]).sort();

	test('come and go, with their subscriptions and their series', limit(), () =>
		withCleanup(async (cleanup) => {
			const { redis, server } = await start(cleanup, { workers: 2, feeds: [feed('a'), feed('b')] });
			const client = await connect(cleanup, server);
			const [a, b, c] = ['a', 'b', 'c'].map((name) => collect(client, name));
			await redis.client.publish('b', '1');
			assert.deepEqual(await b.next(), [[1]]);
			await change(server, [feed('c'), feed('b')]);
			await eventually(async () => (await subscribers(redis, 'a')) === 0 && (await subscribers(redis, 'c')) === 1, 'the subscriptions');
			for (const channel of ['a', 'c', 'b']) await redis.client.publish(channel, '2');
			assert.deepEqual([await c.next(), await b.next()], [[[2]], [[2]]]);
			assert.equal(a.total, 0);
			assert.deepEqual(await series(server, 'feed_batches_total'), [['0', 1], ['1', 2]]);
			// What goes on takes along what it has counted, wherever it stands.
			await change(server, [feed('b'), feed('d'), feed('c')]);
			assert.deepEqual(await series(server, 'feed_batches_total'), [['0', 2], ['1', 0], ['2', 1]]);
			await change(server, []);
			await eventually(async () => (await redis.client.command('PUBSUB', 'CHANNELS')).length === 0, 'no subscription to be left');
			assert.deepEqual(await series(server, 'feed_batches_total'), []);
			await change(server, [feed('a')]);
			await feedsReady(redis, server);
			await redis.client.publish('a', '3');
			assert.deepEqual(await a.next(), [[3]]);
			assert.ok(client.connected);
			await eventually(() => /added=1 removed=0 altered=0 same=0/.test(lines(server, 'feeds-changed').at(-1)), 'it to be said');
		}),
	);

	test('of one channel go alone, and the same one twice is two', limit(), () =>
		withCleanup(async (cleanup) => {
			const one = feed('x');
			const other = feed('x', { event: 'y' });
			const { redis, server } = await start(cleanup, { feeds: [one, other, one] });
			const client = await connect(cleanup, server);
			const [x, y] = [heard(client, 'x'), heard(client, 'y')];
			await redis.client.publish('x', '1');
			await eventually(() => x.length === 2 && y.length === 1, 'the first message');
			await change(server, [other, one]);
			await redis.client.publish('x', '2');
			await eventually(() => y.length === 2 && x.length === 3, 'the second message');
			await change(server, [one]);
			await redis.client.publish('x', '3');
			await eventually(() => x.length === 4, 'the third message');
			assert.deepEqual([x, y], [[1, 1, 2, 3], [1, 2]]);
			assert.equal(await subscribers(redis, 'x'), 1);
		}),
	);

	test('keep what they retain when only their terms change; one that retains from now on is asked', limit(), () =>
		withCleanup(async (cleanup) => {
			const kept = { ...feed('kept'), retain: { key: '/k' } };
			const { redis, server } = await start(cleanup, { workers: 2, feeds: [kept, feed('plain')] });
			const snapshot = async (event) => {
				const client = createClient(cleanup, server);
				const inbox = collect(client, event);
				await connected(client);
				return (await inbox.next())[0];
			};
			await connect(cleanup, server);
			await redis.client.publish('kept', '{"k":1}');
			await eventually(async () => (await series(server, 'retained_messages')).some(([, n]) => n === 1), 'it to be retained');
			await change(server, [feed('plain'), { ...kept, batch: { interval: 0 }, slow: 'latest', lagEvent: true }]);
			assert.deepEqual(await snapshot('kept'), { k: 1 });
			await change(server, [kept, feed('plain', { retain: 'last' })]);
			await redis.client.publish('plain', '7');
			await eventually(async () => (await series(server, 'retained_messages')).filter(([, n]) => n === 1).length === 2, 'both');
			const [a, b] = await Promise.all([snapshot('kept'), snapshot('plain')]);
			assert.deepEqual([a, b], [[{ k: 1 }], [7]]);
			// Another essence begins with nothing.
			await change(server, [{ ...kept, where: { '/k': 1 } }, feed('plain')]);
			assert.deepEqual((await series(server, 'retained_messages')).map(([, n]) => n), [0, 0]);
		}),
	);

	test('of streams are read on where they were', limit(), () =>
		withCleanup(async (cleanup) => {
			const stream = (name, more = {}) => ({ stream: name, field: 'n', event: name, encode: 'json', batch: { interval: 10 }, ...more });
			const redis = await startRedis(cleanup, await freePort());
			const server = await startReloadable(cleanup, { redis: redis.url, feeds: [stream('s')] });
			const ready = () => eventually(async () => (await readMetrics(server)) && (await fetch(`http://127.0.0.1:${server.admin}/readyz`)).ok, 'it to be ready');
			await ready();
			const client = await connect(cleanup, server);
			const [s, t] = [heard(client, 's'), heard(client, 't')];
			let n = 0;
			let going = true;
			const adding = (async () => {
				while (going) await redis.client.command('XADD', 's', '*', 'n', String(++n));
			})();
			await redis.client.command('XADD', 't', '*', 'n', '-1');
			for (let i = 0; i < 10; i++) {
				await change(server, i % 2 ? [stream('s')] : [stream('t'), stream('s', { batch: { interval: 10 + i } })]);
				await ready();
				if (i % 2 === 0) await redis.client.command('XADD', 't', '*', 'n', String(i));
				if (i % 2 === 0) await eventually(() => t.at(-1) === i, `entry ${i} of the other stream`);
			}
			going = false;
			await adding;
			await complete(s, n, 'the stream');
			assert.deepEqual(t, [0, 2, 4, 6, 8], 'each from its end');
			await change(server, []);
			await change(server, [feed('s')]);
		}),
	);

	test('of clients that come back: what they missed of those that went, stayed and came', limit(), () =>
		withCleanup(async (cleanup) => {
			const own = feed('own', { history: { messages: 50 } });
			const before = [feed('gone'), feed('same'), own];
			const { redis, server } = await start(cleanup, { workers: 2, connectionStateRecovery: {}, feeds: before });
			const client = await connect(cleanup, server, { ...MODES.websocket, reconnectionDelay: 1000, reconnectionDelayMax: 1000 });
			const seen = [];
			client.onAny((event, batch) => seen.push(...batch.map((n) => `${event} ${n}`)));
			for (const one of before) await redis.client.publish(one.channel, '1');
			await eventually(() => seen.length === 3, 'the first messages');
			client.io.engine.close();
			await eventually(() => !client.connected, 'the client to be away');
			for (const one of before) await redis.client.publish(one.channel, '2');
			await change(server, [feed('new'), { ...own, history: { messages: 60 } }, feed('same')]);
			await eventually(async () => (await subscribers(redis, 'new')) === 1, 'the new one');
			for (const channel of ['gone', 'new', 'same', 'own']) await redis.client.publish(channel, '3');
			await eventually(() => client.connected, 'the client to be back');
			assert.equal(client.recovered, true);
			await redis.client.publish('same', '4');
			await eventually(() => seen.at(-1) === 'same 4', 'the last message');
			const last = ['gone 2', 'new 3', 'own 2', 'own 3', 'same 2', 'same 3', 'same 4'];
			assert.deepEqual(seen.slice(3).sort(), last);
		}),
	);

	test('of a server that is replicated: other channels without another connection, another pace by one that goes on', limit(), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort());
			const server = await startReloadable(cleanup, { redis: { url: redis.url, source: 'psync' }, feeds: [feed('a')] });
			const ready = () => eventually(async () => (await fetch(`http://127.0.0.1:${server.admin}/readyz`)).ok, 'it to be ready');
			await ready();
			const client = await connect(cleanup, server);
			const [a, b] = [heard(client, 'a'), heard(client, 'b')];
			const stop = publishNumbers(redis, ['a']);
			for (let i = 0; i < 6; i++) {
				await change(server, i % 2 ? [feed('a')] : [feed('a'), feed('b', { batch: { interval: i === 2 ? 0 : 20 } })]);
				await ready();
				if (i % 2 === 0) await redis.client.publish('b', String(i));
				if (i % 2 === 0) await eventually(() => b.at(-1) === i, `message ${i} of the other feed`);
			}
			await complete(a, await stop(), 'the feed that stays');
			assert.deepEqual(b, [0, 2, 4]);
			assert.equal(lines(server, 'ready').length, 3, 'once more for another pace, and back');
		}),
	);

	test('that cannot change live stay as they are, and it is said why', limit(), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort());
			const secretFile = path.join(await cleanup.folder(), 'secret');
			await fs.writeFile(secretFile, 'a-secret-of-32-bytes-or-something');
			const connectionStateRecovery = { maxDisconnectionDuration: 60_000, elsewhere: { secretFile } };
			const server = await startSiocast(cleanup, { redis: redis.url, feeds: [feed('a')], connectionStateRecovery });
			await feedsReady(redis, server);
			const client = await connect(cleanup, server);
			const a = heard(client, 'a');
			await write(server, { feeds: [feed('a'), feed('b')] });
			process.kill(server.child.pid, 'SIGHUP');
			await server.child.says(/event=feeds-stay reason="clients are recovered across siocasts/);
			await server.child.says(/event=restart-needed options=1 unchanged="feeds"/);
			await redis.client.publish('a', '1');
			await eventually(() => a.length === 1, 'the feed to go on');
		}),
	);

	test('change while Redis is away, and where it refuses channels', limit(), () =>
		withCleanup(async (cleanup) => {
			const { redis, server } = await start(cleanup, { feeds: [feed('a')] });
			const client = await connect(cleanup, server);
			const [a, b, c] = ['a', 'b', 'c'].map((name) => heard(client, name));
			const { port } = redis;
			await redis.child.stop();
			await eventually(() => server.child.output.includes('event=lost'), 'the connection to be lost');
			for (let i = 0; i < 5; i++) await change(server, [feed('b'), ...(i % 2 ? [feed('a')] : [feed('c')])]);
			const again = await startRedis(cleanup, port);
			await feedsReady(again, server);
			await again.client.publish('b', '1');
			await again.client.publish('c', '1');
			await eventually(() => b.length === 1 && c.length === 1, 'what the file says');
			await again.client.command('ACL', 'SETUSER', 'default', 'resetchannels', '&a', '&b');
			await again.client.command('CLIENT', 'KILL', 'TYPE', 'pubsub').catch(() => undefined);
			await eventually(() => lines(server, 'subscription-refused').length > 0, 'c to be refused');
			const refused = async () => Object.fromEntries(await series(server, 'feed_refused'));
			await eventually(async () => (await refused())[1] === 1, 'it to be counted');
			await change(server, [feed('d'), feed('c', { event: 'z' }), feed('c'), feed('a')]);
			await eventually(async () => JSON.stringify(await refused()) === '{"0":1,"1":1,"2":1,"3":0}', 'each to be counted');
			await again.client.publish('a', '1');
			await eventually(() => a.length === 1, 'a');
			await change(server, [feed('a'), feed('c')]);
			assert.deepEqual(await refused(), { 0: 0, 1: 1 });
			await again.client.command('ACL', 'SETUSER', 'default', 'allchannels');
			await eventually(async () => JSON.stringify(await refused()) === '{"0":0,"1":0}', 'it to be allowed');
			await again.client.publish('c', '2');
			await eventually(() => c.length === 2, 'c');
		}),
	);

	test('200 of them, others each time, again and again', limit(), () =>
		withCleanup(async (cleanup) => {
			const many = (from, more) => Array.from({ length: 200 }, (_, i) => feed(`f${from + i}`, more));
			const { redis, server } = await start(cleanup, { workers: 2, feeds: many(0) });
			const client = await connect(cleanup, server);
			const kept = heard(client, 'f199');
			for (let i = 1; i <= 8; i++) await change(server, i % 2 ? many(100, { batch: { interval: i } }) : many(0).reverse());
			process.kill(server.child.pid, 'SIGHUP');
			process.kill(server.child.pid, 'SIGHUP');
			await change(server, many(150));
			await feedsReady(redis, server);
			assert.equal((await redis.client.command('PUBSUB', 'CHANNELS')).length, 200);
			await redis.client.publish('f199', '1');
			await eventually(() => kept.length === 1, 'one of them');
		}),
	);
});
