// SPDX-License-Identifier: MIT
//
// Redis Streams as a source: every entry once and in order, through lost connections and restarts; what is missing is told.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { collect, connect } from './lib/client.mjs';
import { SIOCAST_ONLY, configure, launchSiocast, startSiocast } from './lib/daemon.mjs';
import { withCleanup } from './lib/cleanup.mjs';
import { request } from './lib/http.mjs';
import { metric } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { eventually, limit } from './lib/wait.mjs';

const single = { encode: 'json', batch: { interval: 0 } };

const readyz = (server) => request(server.admin, 'GET', '/readyz');
const ready = (server) => eventually(async () => (await readyz(server)).status === 200, 'siocast to be ready');
const logs = (server, what) => eventually(() => what.test(server.child.output), `the line ${what}`);

/** A redis-server, a siocast with these feeds, and a client. */
async function start(cleanup, feeds, config = {}) {
	const redis = await startRedis(cleanup, await freePort());
	const server = await startSiocast(cleanup, { redis: redis.url, feeds, ...config });
	await ready(server);
	return { redis, server, socket: await connect(cleanup, server), add: (...args) => redis.client.command('XADD', ...args) };
}

// They mostly wait for processes to start: so they do that together.
describe('streams of Redis', { concurrency: 2, skip: SIOCAST_ONLY }, () => {
	test('a field, or the whole entry; several streams; the id', limit(), () =>
		withCleanup(async (cleanup) => {
			const feeds = [
				{ stream: ['orders', 'trades'], event: '{channel}', field: 'data', ...single },
				{ stream: 'orders', event: 'whole', payload: { id: '{id}', entry: '{message}' }, ...single },
				{ stream: 'orders', event: 'bytes', field: 'bytes', batch: { interval: 0, format: 'frames' } },
				{ stream: 'orders', event: 'eu', field: 'data', where: { '/region': 'eu' }, ...single },
			];
			const { server, socket, add } = await start(cleanup, feeds);
			const [orders, trades, whole, bytes, eu] = ['orders', 'trades', 'whole', 'bytes', 'eu'].map((event) => collect(socket, event));
			const binary = Buffer.from([0, 0xff, 0x80, 0x22]);
			const id = await add('orders', '*', 'data', '{"n":1,"region":"us"}', 'quote"\n', 'täxt\\', 'bytes', binary, 'empty', '');
			const second = await add('orders', '*', 'data', '{"n":2,"region":"eu"}', 'bytes', 'b');
			await add('trades', '*', 'data', '[3]');
			assert.deepEqual(await orders.next(), [{ n: 1, region: 'us' }]);
			assert.deepEqual(await orders.next(), [{ n: 2, region: 'eu' }]);
			assert.deepEqual(await trades.next(), [[3]]);
			assert.deepEqual(await eu.next(), [{ n: 2, region: 'eu' }]);
			assert.deepEqual((await bytes.next())[0].subarray(4), binary);
			const entry = { data: '{"n":1,"region":"us"}', 'quote"\n': 'täxt\\', bytes: '\0\uFFFD\uFFFD"', empty: '' };
			assert.deepEqual(await whole.next(), [{ id: id.toString(), entry }]);
			assert.equal((await whole.next())[0].id, second.toString());

			await add('orders', '*', 'other', '1');
			await eventually(async () => (await metric(server, 'feed_dropped_total{feed="0",reason="payload"}')) === 1, 'the entry to be dropped');
			assert.equal(await metric(server, 'redis_connects_total'), 1, 'one connection for all of it');
		}),
	);

	test('nothing is missing when connections break under load', limit(), () =>
		withCleanup(async (cleanup) => {
			const { redis, server, socket, add } = await start(cleanup, [{ stream: 's', event: 'n', field: 'n', ...single }], { workers: 2 });
			const got = collect(socket, 'n');
			const total = 3000;
			// A connection that was cut may not be back yet, on a machine that is quick at adding: then there is nothing to cut.
			const cut = async () => Number(await redis.client.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')) > 0;
			for (let n = 0; n < total; n++) {
				const added = add('s', '*', 'n', n);
				if (n % 50 === 0) await added;
				if (n % 600 === 300) await eventually(cut, 'a connection to cut');
			}
			const items = await got.until((all) => all.length >= total, 'all entries');
			assert.deepEqual(items.map(([n]) => n), Array.from({ length: total }, (_, n) => n));
			assert.ok((await metric(server, 'redis_lost_total')) >= 2);
			assert.equal(await metric(server, 'feed_gaps_total{feed="0"}'), 0);
		}),
	);

	test('a restart goes on where the position says', limit(), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort());
			const add = (n) => redis.client.command('XADD', 's', '*', 'n', n);
			const feeds = [{ stream: 's', event: 'n', field: 'n', from: '0', position: 'siocast:read', ...single }];
			const setup = await configure(cleanup, { redis: redis.url, feeds });
			const kept = async () => (await redis.client.command('HGET', 'siocast:read', 's'))?.toString();
			for (const n of [1, 2]) await add(n);
			let server = { ...setup, child: await launchSiocast(cleanup, setup) };
			// Nobody listens yet: what was there went unheard.
			await eventually(async () => (await metric(server, 'feed_unheard_total{feed="0"}')) === 2, 'the entries before');
			const last = (await add(3)).toString();
			await eventually(async () => (await kept()) === `${last} 3`, 'the position to be kept');
			await server.child.stop();
			for (const n of [4, 5]) await add(n);
			server = { ...setup, child: await launchSiocast(cleanup, setup) };
			await ready(server);
			await eventually(async () => (await metric(server, 'feed_messages_total')) === 2, 'the entries meanwhile');
			assert.equal(await metric(server, 'feed_gaps_total{feed="0"}'), 0);

			// What was cut off while nobody read is counted.
			await server.child.stop();
			await eventually(async () => (await kept())?.startsWith('1'), 'a position');
			const position = Number((await kept()).split(' ')[1]);
			for (const n of [6, 7, 8, 9]) await add(n);
			await redis.client.command('XTRIM', 's', 'MAXLEN', 1);
			server = { ...setup, child: await launchSiocast(cleanup, setup) };
			await eventually(async () => (await metric(server, 'feed_gaps_total{feed="0"}')) === 1, 'the gap');
			assert.equal(await metric(server, 'feed_missed_total{feed="0"}'), 9 - 1 - position);
			await logs(server, /event=stream-gap stream="s" from=\S+ to=\S+ missed=\d /);
		}),
	);

	test('what was cut off while the connection was lost is counted; deleted and made again it goes on', limit(), () =>
		withCleanup(async (cleanup) => {
			const feed = { stream: 's', event: 'n', field: 'n', gapEvent: true, ...single };
			const { redis, server, socket, add } = await start(cleanup, [feed]);
			const [got, gaps] = ['n', 'siocast:gap'].map((event) => collect(socket, event));
			const first = (await add('s', '*', 'n', 0)).toString();
			assert.deepEqual(await got.next(), [0]);

			// All in one go: nobody can read in between.
			const transaction = (...commands) => redis.client.command('EVAL', commands.map((c) => `redis.call(${c.map((w) => `'${w}'`)})`).join(';'), 0);
			const adds = (from, to) => Array.from({ length: to - from }, (_, i) => ['XADD', 's', '*', 'n', from + i]);
			await transaction(...adds(1, 11), ['XTRIM', 's', 'MAXLEN', 3]);
			for (const n of [8, 9, 10]) assert.deepEqual(await got.next(), [n]);
			// A new connection looks at once, instead of in 5 s.
			const look = () => redis.client.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
			await look();
			await eventually(async () => (await metric(server, 'feed_gaps_total{feed="0"}')) === 1, 'the gap');
			assert.equal(await metric(server, 'feed_missed_total{feed="0"}'), 7);
			const [gap] = await gaps.next();
			assert.deepEqual({ ...gap, to: '' }, { channel: 's', from: '0-0', to: '', missed: 7 });
			assert.ok(gap.to > first);

			// Another stream of that name, with ids from long ago.
			await transaction(['DEL', 's'], ['XADD', 's', '1-1', 'n', 20], ['XADD', 's', '1-2', 'n', 21]);
			await look();
			for (const n of [20, 21]) assert.deepEqual(await got.next(), [n]);
			await logs(server, /event=stream-anew stream="s" from=\S+ to=0-0 /);
			assert.equal((await gaps.next())[0].to, '0-0');
			await redis.client.command('FLUSHALL');
			await look();
			await eventually(async () => (await metric(server, 'feed_gaps_total{feed="0"}')) === 3, 'the deletion');
			await add('s', '1-1', 'n', 22);
			assert.deepEqual(await got.next(), [22]);
		}),
	);

	test('a stream that is refused stops its feeds alone, until it is allowed', limit(), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort());
			const acl = (...rules) => redis.client.command('ACL', 'SETUSER', 'siocast', ...rules);
			await acl('on', '>pw', '+@all', 'resetkeys', '~good', '~text');
			await redis.client.command('SET', 'text', 'x');
			const feeds = ['good', 'secret', 'text'].map((stream) => ({ stream, event: stream, field: 'n', ...single }));
			const server = await startSiocast(cleanup, { redis: `redis://siocast:pw@127.0.0.1:${redis.port}`, feeds });
			await ready(server);
			assert.match((await readyz(server)).text, /subscribed, refuses 2$/m);
			await logs(server, /event=stream-refused stream="secret" reason="NOPERM [^"]+"/);
			await logs(server, /event=stream-refused stream="text" reason="WRONGTYPE [^"]+"/);
			const socket = await connect(cleanup, server);
			const [good, secret, text] = feeds.map(({ event }) => collect(socket, event));
			await redis.client.command('XADD', 'good', '*', 'n', 1);
			assert.deepEqual(await good.next(), [1]);
			await acl('~secret');
			await redis.client.command('DEL', 'text');
			await logs(server, /event=stream-allowed stream="secret"/);
			await logs(server, /event=stream-allowed stream="text"/);
			for (const stream of ['secret', 'text']) await redis.client.command('XADD', stream, '*', 'n', 2);
			assert.deepEqual([await secret.next(), await text.next()], [[2], [2]]);
			assert.equal(await metric(server, 'feed_refused{feed="1"}'), 0);

			// While it is being read it becomes something else, or is forbidden.
			await redis.client.command('DEL', 'text');
			await redis.client.command('SET', 'text', 'x');
			await eventually(async () => (await metric(server, 'feed_refused{feed="2"}')) === 1, 'the text to be refused');
			await redis.client.command('XADD', 'good', '*', 'n', 3);
			assert.deepEqual(await good.next(), [3]);
			await acl('-xread');
			await logs(server, /event=read-refused reason="NOPERM /);
			assert.equal((await readyz(server)).status, 503);
			await acl('+xread');
			await redis.client.command('XADD', 'good', '*', 'n', 4);
			assert.deepEqual(await good.next(), [4]);
			await ready(server);
		}),
	);

	test('what is published while a connection is lost is told as a gap', limit(), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort());
			const feeds = [
				{ channel: ['news', 'alerts'], event: '{channel}', gapEvent: true, ...single },
				{ pattern: 'tick.*', event: 'tick', namespace: '/ticks', gapEvent: true, encode: 'json', batch: { interval: 3600000 } },
				{ channel: 'news', event: 'quiet', namespace: '/quiet', ...single },
			];
			const namespaces = { '/': {}, '/ticks': {}, '/quiet': {} };
			const server = await startSiocast(cleanup, { redis: redis.url, feeds, namespaces });
			await ready(server);
			const [root, ticks, quiet] = await Promise.all(['/', '/ticks', '/quiet'].map((namespace) => connect(cleanup, server, { namespace })));
			const told = [root, ticks, quiet].map((socket) => {
				const seen = [];
				socket.onAny((event, ...args) => seen.push([event, ...args]));
				return seen;
			});
			// This one waits for others, and leaves before its clients are told that something is missing.
			await redis.client.publish('tick.a', '1');
			const before = Date.now();
			await redis.client.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
			await eventually(() => told[0].length === 2 && told[1].length === 2, 'the gaps');
			const after = Date.now();
			for (const [event, { channel, from, to, ...rest }] of [...told[0], told[1][1]]) {
				assert.equal(event, 'siocast:gap');
				assert.ok(['news', 'alerts', 'tick.*'].includes(channel));
				assert.deepEqual(rest, {});
				assert.ok(before - 1000 <= from && from <= to && to <= after, `${before} ${from} ${to} ${after}`);
			}
			assert.deepEqual(told[1][0], ['tick', [1]]);
			await redis.client.publish('news', '2');
			await eventually(() => told[2].length === 1, 'the news');
			assert.deepEqual(told[2], [['quiet', 2]], 'who does not want to know is not told');
			assert.equal(await metric(server, 'feed_gaps_total{feed="2"}'), 1);
			await logs(server, /event=gap ms=\d+/);
		}),
	);

	test('large entries, and too large ones', limit(), () =>
		withCleanup(async (cleanup) => {
			const feeds = [{ stream: 's', event: 'x', field: 'x', encode: 'text', batch: { interval: 0 } }];
			const { server, socket, add } = await start(cleanup, feeds, { limits: { messageBytes: 100_000 } });
			const got = collect(socket, 'x');
			for (const n of [1, 99_999, 100_000, 5_000_000, 2]) await add('s', '*', 'x', 'y'.repeat(n));
			await add('s', '*', ...Array.from({ length: 4000 }, (_, i) => [`f${i}`, 'v']).flat(), 'x', 'many');
			const sizes = [];
			for (let i = 0; i < 3; i++) sizes.push((await got.next())[0].length);
			assert.deepEqual(sizes, [1, 99_999, 2]);
			assert.deepEqual(await got.next(), ['many']);
			assert.equal(await metric(server, 'feed_dropped_total{feed="0",reason="messageBytes"}'), 2);
			assert.equal(await metric(server, 'redis_lost_total'), 0);
		}),
	);
});
