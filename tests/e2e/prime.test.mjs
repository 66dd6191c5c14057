// SPDX-License-Identifier: MIT
//
// What a feed retains is read from Redis: when siocast starts, and after a lost connection, while messages come in.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import siocast from '../../client-js/siocast.mjs';
import { withCleanup } from './lib/cleanup.mjs';
import { collect, connect, createClient } from './lib/client.mjs';
import { SIOCAST_ONLY, startSiocast } from './lib/daemon.mjs';
import { request } from './lib/http.mjs';
import { metric } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { eventually, limit } from './lib/wait.mjs';

const require = createRequire(new URL('../../client-js/official/', import.meta.url));
const json = { encode: 'json', batch: { interval: 10 } };
const ready = (server) => eventually(async () => (await request(server.admin, 'GET', '/readyz')).status === 200, 'siocast to be ready');
const logs = (server, what) => eventually(() => what.test(server.child.output), `the line ${what}`);
const byKey = (list) => Object.fromEntries(list.map(({ s, n }) => [s, n]));

/** What a client of that generation finds when it joins. */
async function snapshots(cleanup, server, events, version = '4.8.4') {
	const library = require(`client-${version}`);
	const socket = (library.io ?? library)(server.url, { transports: ['websocket'], forceNew: true });
	cleanup.add(socket, () => socket.disconnect());
	const all = await Promise.all(events.map((event) => collect(socket, event).next(`${event} for ${version}`)));
	socket.disconnect();
	return all.map(([payload]) => (Array.isArray(payload) ? payload : siocast.decode(payload)));
}

const values = async (redis, key) => {
	const all = await redis.client.command('HVALS', key);
	return byKey(all.map((value) => JSON.parse(value)));
};

/** Changes the state and publishes, both as one, as fast as Redis answers, until it is stopped. */
class Writer {
	constructor(redis, keys) {
		this.redis = redis;
		this.keys = keys;
		this.n = 0;
	}

	start() {
		this.running = (async () => {
			while (!this.stopped) {
				const all = [];
				for (let i = 0; i < 20; i++, this.n++) {
					const key = `k${(this.n * 7919) % this.keys}`;
					const value = JSON.stringify({ s: key, n: this.n });
					const { client } = this.redis;
					all.push(client.command('MULTI'), client.command('HSET', 'state', key, value), client.command('RPUSH', 'list', value));
					all.push(client.command('LTRIM', 'list', '-50', '-1'), client.command('PUBLISH', 'q', value), client.command('EXEC'));
				}
				await Promise.all(all);
			}
		})();
		return this;
	}

	async stop() {
		this.stopped = true;
		await this.running;
	}
}

describe('priming', { concurrency: 2, skip: SIOCAST_ONLY }, () => {
	test('each kind, for joiners of each generation', limit(), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort());
			const { client } = redis;
			await client.command('HSET', 'state', 'x', '{"s":"x","n":1}', 'y', '{"s":"y","n":2}', 'z', '{"s":"z","n":3,"gone":true}', 'bad', 'no json');
			await client.command('SET', 'greeting', '"hello"');
			await client.command('LPUSH', 'lines', '1', '2', '3', '4');
			await client.command('RPUSH', 'lines2', '1', '2', '3', '4');
			await client.command('ZADD', 'board', '30', '{"who":"c"}', '10', '{"who":"a"}', '20', '{"who":"b"}');
			for (let i = 0; i < 4; i++) await client.command('XADD', 'log', '*', 'data', String(i), 'by', 'me');
			await client.command('MSET', 'sym:eu:a', '{"s":"a","n":1}', 'sym:eu:b', '{"s":"b","n":2}', 'sym:us:c', '{"s":"c","n":3}');
			await client.command('HSET', 'sym:eu:hash', 'a', '1');
			const feeds = [
				{ channel: 'q', event: 'hash', retain: { key: '/s' }, remove: { where: { '/gone': true } }, prime: { hash: 'state' }, ...json },
				{ channel: 'g', event: 'string', retain: 'last', prime: { string: 'greeting' }, ...json },
				{ channel: 'l', event: 'list', retain: 3, prime: { list: 'lines' }, ...json },
				{ channel: 'l', event: 'list2', retain: 10, prime: { list: 'lines2', newest: 'last', count: 2 }, ...json },
				{ channel: 'b', event: 'zset', retain: 2, payload: '{/who}', prime: { zset: 'board' }, ...json },
				{ channel: 's', event: 'stream', retain: 10, prime: { stream: 'log', count: 2, field: 'data' }, ...json },
				{ channel: 's', event: 'entry', retain: { key: '/data' }, prime: { stream: 'log', count: 2 }, ...json },
				{ pattern: 'sym:*:*', event: 'scan {1}', retain: { key: '/s' }, where: { '/n': { '>': 1 } }, prime: { scan: 'sym:*:*' }, ...json },
				{ pattern: 'out.*', event: 'named {1}', retain: 'last', prime: { hash: 'state', channel: 'out.{field}' }, ...json },
				{ pattern: 'eu.*', event: 'eu', retain: { key: '/s' }, prime: [{ scan: 'sym:eu:*', channel: 'eu.{1}' }, { string: 'sym:us:c', channel: 'eu.c' }], ...json },
			];
			const server = await startSiocast(cleanup, { redis: redis.url, feeds, workers: 2 });
			await ready(server);
			const names = ['hash', 'string', 'list', 'list2', 'zset', 'stream', 'entry', 'scan eu', 'scan us', 'named x', 'named y', 'eu'];
			for (const version of ['2.5.0', '4.8.4']) {
				const found = await snapshots(cleanup, server, names, version);
				assert.deepEqual(byKey(found[0]), { x: 1, y: 2 });
				assert.deepEqual(found.slice(1, 7), [
					['hello'],
					[2, 3, 4],
					[3, 4],
					['b', 'c'],
					[2, 3],
					[
						{ data: '2', by: 'me' },
						{ data: '3', by: 'me' },
					],
				]);
				assert.deepEqual(byKey(found[7]), { b: 2 });
				assert.deepEqual(byKey(found[8]), { c: 3 });
				assert.deepEqual([found[9], found[10]], [[{ s: 'x', n: 1 }], [{ s: 'y', n: 2 }]]);
				assert.deepEqual(byKey(found[11]), { a: 1, b: 2, c: 3 });
			}
			assert.equal(await metric(server, 'primings_total'), feeds.length);
			assert.equal(await metric(server, 'priming'), 0);
			assert.match((await request(server.admin, 'GET', '/readyz')).text, /subscribed, primed/);
			await server.child.says(/feed=7 redis=\S+ event=prime-left-out key="sym:\*:\*" values=1/);
		}),
	);

	test('at a start and after lost connections, with a publisher at full speed', limit(), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort());
			const KEYS = 3000;
			for (let i = 0; i < KEYS; i += 500) {
				const all = Array.from({ length: 500 }, (_, k) => [`k${i + k}`, JSON.stringify({ s: `k${i + k}`, n: -1 })]);
				await redis.client.command('HSET', 'state', ...all.flat());
			}
			const writer = new Writer(redis, KEYS).start();
			await eventually(() => writer.n > 100, 'some messages');
			const feeds = [
				{ channel: 'q', event: 'q', retain: { key: '/s' }, prime: { hash: 'state' }, ...json },
				{ channel: 'q', event: 'l', retain: 50, prime: { list: 'list', newest: 'last' }, ...json },
			];
			const server = await startSiocast(cleanup, { redis: redis.url, feeds, workers: 2 });
			const early = createClient(cleanup, server, { transports: ['websocket'] });
			const state = {};
			const failures = [];
			early.on('q', (batch) => {
				for (const { s, n } of batch) {
					if (n <= (state[s] ?? -2)) failures.push(`${s}: ${n} behind ${state[s]}`);
					state[s] = n;
				}
			});
			early.connect();
			const joins = async (rounds) => {
				for (let i = 0; i < rounds; i++) {
					const socket = createClient(cleanup, server, { transports: [i % 2 ? 'websocket' : 'polling'], upgrade: false });
					const inbox = collect(socket, 'l');
					socket.connect();
					await inbox.until((all) => all.length >= 4, 'some of the list');
					const all = inbox.items.flatMap(([batch]) => batch.map(({ n }) => n));
					all.forEach((n, k) => k && n !== all[k - 1] + 1 && failures.push(`list: ${n} behind ${all[k - 1]}`));
					if (inbox.items[0][0].length < 50) failures.push(`a list of ${inbox.items[0][0].length}`);
					socket.disconnect();
				}
			};
			await ready(server);
			await joins(4);
			for (let cuts = 1; cuts <= 3; cuts++) {
				await redis.client.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
				await eventually(async () => (await metric(server, 'primings_total')) === feeds.length * (cuts + 1), 'it to be read again');
				await joins(1);
			}
			await writer.stop();
			// What is published last has passed when everything before it has.
			await redis.client.command('HSET', 'state', 'last', '{"s":"last","n":0}');
			await redis.client.publish('q', '{"s":"last","n":0}');
			await eventually(() => state.last === 0, 'the last message');
			const wanted = await values(redis, 'state');
			const [q] = await snapshots(cleanup, server, ['q']);
			assert.deepEqual(byKey(q), wanted);
			assert.deepEqual(state, wanted);
			assert.deepEqual(failures, []);
			assert.ok(!/prime-unmarked|prime-failed|not-primed/.test(server.child.output), server.child.output);
		}),
	);

	test('after Redis was away, what is not there any more goes, and who was there gets what is new', limit(), () =>
		withCleanup(async (cleanup) => {
			const [port, other] = [await freePort(), await freePort()];
			const before = await startRedis(cleanup, port);
			const set = (redis, ...all) => redis.client.command('HSET', 'state', ...all.flatMap(([s, n]) => [s, JSON.stringify({ s, n })]));
			await set(before, ['a', 1], ['b', 1], ['c', 1]);
			await before.client.command('RPUSH', 'list', '1', '2', '3');
			const feeds = [
				{ channel: 'q', event: 'q', retain: { key: '/s' }, prime: { hash: 'state' }, ...json },
				{ channel: 'l', event: 'l', retain: 4, prime: { list: 'list', newest: 'last' }, ...json },
			];
			const server = await startSiocast(cleanup, { redis: before.url, feeds });
			await ready(server);
			const socket = createClient(cleanup, server, { transports: ['websocket'] });
			const [q, l] = [collect(socket, 'q'), collect(socket, 'l')];
			socket.connect();
			assert.deepEqual(byKey((await q.next())[0]), { a: 1, b: 1, c: 1 });
			assert.deepEqual(await l.next(), [[1, 2, 3]]);
			await before.client.publish('l', '4');
			assert.deepEqual(await l.next(), [[4]]);
			// Another one takes its place, with what happened meanwhile.
			const dir = await cleanup.folder();
			const after = await startRedis(cleanup, other, { args: ['--dir', dir] });
			await set(after, ['a', 1], ['b', 2], ['d', 1]);
			await after.client.command('RPUSH', 'list', '3', '4', '5', '6');
			await after.client.command('SAVE');
			await after.child.stop();
			await before.child.stop();
			await logs(server, /role=subscribe|event=lost/);
			const again = await startRedis(cleanup, port, { args: ['--dir', dir] });
			const some = {};
			while (Object.keys(some).length < 2) Object.assign(some, byKey((await q.next())[0]));
			assert.deepEqual(some, { b: 2, d: 1 });
			assert.deepEqual(await l.next(), [[5, 6]]);
			await eventually(async () => (await metric(server, 'primings_total')) === 4 && (await metric(server, 'priming')) === 0, 'the end of it');
			const [state, list] = await snapshots(cleanup, server, ['q', 'l'], '2.5.0');
			assert.deepEqual(byKey(state), { a: 1, b: 2, d: 1 });
			assert.deepEqual(list, [3, 4, 5, 6]);
			await again.client.publish('l', '7');
			assert.deepEqual(await l.next(), [[7]]);
		}),
	);

	test('what cannot be read hurts nothing else, and without a marker it is read as well', limit(), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort());
			const { client } = redis;
			await client.command('HSET', 'state', 'x', '{"s":"x","n":1}');
			await client.command('SET', 'text', '1');
			await client.command('SET', 'secret', '1');
			await client.command('RPUSH', 'list', '1', '2');
			await client.command('ACL', 'SETUSER', 'feeds', 'on', '>pass', '~state', '~text', '~list', '+@all', 'resetchannels', '&q', '&w', '&n', '&l');
			const feeds = [
				{ channel: 'q', event: 'good', retain: { key: '/s' }, prime: { hash: 'state' }, ...json },
				{ channel: 'w', event: 'wrong', retain: { key: '/s' }, prime: { hash: 'text' }, ...json },
				{ channel: 'n', event: 'forbidden', retain: 'last', prime: { string: 'secret' }, ...json },
				{ channel: 'n', event: 'missing', retain: { key: '/s' }, prime: { hash: 'state:none' }, ...json },
				{ channel: 'l', event: 'list', retain: 5, prime: { list: 'list', newest: 'last' }, ...json },
			];
			feeds[3].prime.hash = 'list:none';
			await client.command('ACL', 'SETUSER', 'feeds', '~list:none');
			const server = await startSiocast(cleanup, { redis: `redis://feeds:pass@127.0.0.1:${redis.port}`, feeds });
			await ready(server);
			await server.child.says(/event=prime-unmarked channel="siocast:\w+" reason=/);
			await server.child.says(/feed=1 redis=\S+ event=prime-failed key="text" reason="WRONGTYPE/);
			await server.child.says(/feed=2 redis=\S+ event=prime-failed key="secret" reason="NOPERM/);
			await server.child.says(/feed=3 redis=\S+ event=primed values=0/);
			assert.deepEqual(await snapshots(cleanup, server, ['good', 'list']), [[{ s: 'x', n: 1 }], [1, 2]]);
			assert.equal(await metric(server, 'primings_total{feed="1",result="failed"}'), 1);
			const socket = await connect(cleanup, server);
			const inbox = collect(socket, 'forbidden');
			await client.publish('n', '{"live":true}');
			assert.deepEqual(await inbox.next(), [[{ live: true }]]);
			// It is read again when it is allowed.
			await client.command('ACL', 'SETUSER', 'feeds', '~secret', '&*');
			await client.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
			assert.deepEqual(await inbox.next(), [[1]]);
		}),
	);

	test('100,000 fields, in portions', limit(), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort());
			const N = 100_000;
			const fill = `for i = 0, ${N - 1} do redis.call('HSET', 'state', i, '{"s":' .. i .. ',"n":1}') end`;
			await redis.client.command('EVAL', fill, '0');
			const feeds = [{ channel: 'q', event: 'q', retain: { key: '/s', max: N }, prime: { hash: 'state' }, ...json }];
			const server = await startSiocast(cleanup, { redis: redis.url, feeds, limits: { clientReplyBytes: 100_000_000 } });
			await ready(server);
			assert.equal(await metric(server, 'primed_total'), N);
			assert.equal(await metric(server, 'retained_messages'), N);
			const [all] = await snapshots(cleanup, server, ['q']);
			assert.equal(new Set(all.map(({ s }) => s)).size, N);
		}),
	);
});
