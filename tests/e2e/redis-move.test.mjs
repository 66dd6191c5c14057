// SPDX-License-Identifier: MIT
//
// Redis at another address while siocast runs: the same server by another address, its replica, its master, another server; under load,
// and every message is counted.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { describe, test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { MODES, ask, connect } from './lib/client.mjs';
import { startNode } from './lib/cluster.mjs';
import { Cutter } from './lib/cutter.mjs';
import { SIOCAST_ONLY, configure, launchSiocast } from './lib/daemon.mjs';
import { Renewed } from './lib/handover.mjs';
import { request } from './lib/http.mjs';
import { metric, readMetrics } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { reload, startReloadable, write } from './lib/reload.mjs';
import { SLOW, eventually, limit } from './lib/wait.mjs';

const REPLICA = ['--repl-diskless-sync-delay', '0'];
const feed = (name, more = {}) => ({ channel: name, event: name, encode: 'json', batch: { interval: 10 }, ...more });
const UP = { '/': { on: { up: [{ publish: { channel: 'up', message: '{1}' } }] } } };
const FEEDS = [feed('a'), { pattern: 'p*', event: 'p', encode: 'json', batch: { interval: 0 } }];

/** A replica of a server, in step with it. */
async function startReplica(cleanup, master, more = {}) {
	const replica = await startRedis(cleanup, await freePort(), { args: [...REPLICA, '--replicaof', '127.0.0.1', String(master.port)], ...more });
	await eventually(async () => /master_link_status:up/.test(await replica.client.command('INFO', 'replication')), 'the replica');
	return replica;
}

/** A line to a server that is one itself, from `begin` to `end`: one that sends replicas a snapshot without an end. */
class Snapshots {
	static async open(cleanup, target) {
		const line = new Snapshots();
		line.target = target;
		line.all = new Set();
		line.sent = 0;
		line.server = net.createServer((near) => line.accept(near));
		await new Promise((resolve) => line.server.listen(0, '127.0.0.1', resolve));
		line.url = `redis://127.0.0.1:${line.server.address().port}`;
		return cleanup.add(line, () => {
			line.cut();
			line.server.close();
		});
	}

	accept(near) {
		near.on('error', () => {});
		this.all.add(near);
		if (this.begun) {
			near.on('data', (asked) => this.answer(near, String(asked)));
			return;
		}
		const far = net.connect(this.target, '127.0.0.1');
		far.on('error', () => {});
		far.on('close', () => near.destroy());
		near.on('close', () => far.destroy());
		near.pipe(far);
		far.pipe(near);
	}

	answer(near, asked) {
		for (const [, command] of asked.matchAll(/\*\d+\r\n\$\d+\r\n(\w+)\r\n/g)) {
			if (command === 'PSYNC') this.sent++;
			near.write(command === 'PSYNC' ? `+FULLRESYNC ${'b'.repeat(40)} 0\r\n$EOF:${'c'.repeat(40)}\r\nREDIS` : '+OK\r\n');
		}
	}

	begin() {
		this.begun = true;
		this.cut();
	}

	end() {
		this.begun = false;
		this.cut();
	}

	cut() {
		for (const near of this.all) near.destroy();
		this.all.clear();
	}
}

/** A line to a server that hangs up on who reads what is retained, while it `refuses`. */
async function startUnread(cleanup, target) {
	const all = new Set();
	const line = { refuses: false, refused: 0 };
	const server = net.createServer((near) => {
		const far = net.connect(target, '127.0.0.1');
		for (const socket of [near, far]) {
			all.add(socket);
			socket.setNoDelay(true);
			socket.on('error', () => {});
			socket.on('close', () => [near, far].forEach((one) => one.destroy()));
		}
		far.pipe(near);
		near.on('data', (bytes) => {
			const refuses = line.refuses && bytes.includes('MULTI');
			line.refused += refuses;
			if (refuses) near.destroy();
			else far.write(bytes);
		});
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	line.url = `redis://127.0.0.1:${server.address().port}`;
	return cleanup.add(line, () => {
		for (const socket of all) socket.destroy();
		server.close();
	});
}

/** A line to a server, which gives a subscriber nothing any more from a marker on. */
async function startStalling(cleanup, target, number) {
	const marker = new RegExp(`message\\r\\n\\$24\\r\\nsiocast:[0-9a-f]{16}\\r\\n\\$1\\r\\n${number}\\r\\n`);
	const all = new Set();
	const line = { stalled: false };
	const server = net.createServer((near) => {
		const far = net.connect(target, '127.0.0.1');
		let stalls = false;
		let last = '';
		for (const socket of [near, far]) {
			all.add(socket);
			socket.setNoDelay(true);
			socket.on('error', () => {});
			socket.on('close', () => [near, far].forEach((one) => one.destroy()));
		}
		near.pipe(far);
		far.on('data', (bytes) => {
			last = last.slice(-100) + bytes.toString('latin1');
			if (!line.stalled && marker.test(last)) line.stalled = stalls = true;
			if (!stalls) near.write(bytes);
		});
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	line.url = `redis://127.0.0.1:${server.address().port}`;
	return cleanup.add(line, () => {
		for (const socket of all) socket.destroy();
		server.close();
	});
}

const ready = (server) => eventually(async () => (await request(server.admin, 'GET', '/readyz')).status === 200, 'siocast to be ready');

/** Publishes 1, 2, 3 … on a channel, thousands a second where the machine can, until it is stopped; gives the last number. */
function publish(cleanup, redis, channel, write = (n) => redis.client.publish(channel, String(n))) {
	const publisher = { n: 0 };
	let goes = true;
	const done = (async () => {
		while (goes) {
			const wait = new Promise((resolve) => setTimeout(resolve, 5));
			const sent = Array.from({ length: 20 }, () => write(++publisher.n));
			await Promise.all([wait, ...sent]);
		}
	})();
	publisher.stop = async () => {
		goes = false;
		await done;
		return publisher.n;
	};
	return cleanup.add(publisher, publisher.stop);
}

function heard(socket, event) {
	const all = [];
	socket.on(event, (batch) => all.push(...(Array.isArray(batch) ? batch : [batch])));
	return all;
}

/** Each number once and in order, from the first that is there. */
function assertRow(seen, what) {
	const wrong = seen.findIndex((n, i) => i > 0 && n !== seen[i - 1] + 1);
	assert.equal(wrong, -1, `${what}: at ${wrong} of ${seen.length} there is ${seen.slice(Math.max(0, wrong - 2), wrong + 3)}`);
}

async function assertComplete(seen, last, what) {
	await eventually(() => seen.at(-1) === last, `number ${last} of ${what}`);
	assertRow(seen, what);
	assert.equal(seen[0], 1, what);
}

/** Has it go over to an address, and says how it did. */
async function move(server, redis, word) {
	const before = server.child.output.length;
	const answer = await reload(server, { redis });
	assert.deepEqual([answer.status, answer.changed, answer.needsRestart], [200, ['redis'], []], JSON.stringify(answer));
	await eventually(() => server.child.output.slice(before).includes('event=redis-moved '), 'the move', 30_000 * SLOW);
	const [, how] = /event=redis-moved how=(\S+)/.exec(server.child.output.slice(before));
	assert.equal(how, word);
	assert.deepEqual(await reload(server), { status: 200, changed: [], needsRestart: [] });
}

async function start(cleanup, redis, config = {}) {
	const server = await startReloadable(cleanup, { redis: redis.url, feeds: FEEDS, workers: 2, ...config });
	await ready(server);
	return { server, client: await connect(cleanup, server, MODES.websocket) };
}

describe('another address of Redis', { skip: SIOCAST_ONLY }, () => {
	test('of the same server: nothing is lost, and nothing comes twice, in either way', limit(90), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort(), { unix: true });
			const tcp = `redis://127.0.0.1:${redis.port}/0`;
			const { server, client } = await start(cleanup, redis, { namespaces: UP, feeds: [...FEEDS, feed('up')] });
			const [a, p, up] = ['a', 'p', 'up'].map((event) => heard(client, event));
			const publishers = [publish(cleanup, redis, 'a'), publish(cleanup, redis, 'p1')];
			const emitted = publish(cleanup, redis, 'up', async (n) => n % 20 === 0 && client.emit('up', String(n / 20)));
			for (const url of [tcp, redis.url, `redis://localhost:${redis.port}`, tcp]) await move(server, url, 'same');
			const last = await Promise.all(publishers.map((one) => one.stop()));
			await assertComplete(a, last[0], 'a');
			await assertComplete(p, last[1], 'p1');
			// What clients publish goes over, too, and arrives.
			await assertComplete(up, Math.floor((await emitted.stop()) / 20), 'up');
			assert.equal(await metric(server, 'publish_failed_total'), 0);
			assert.ok(last[0] > 200 / SLOW, `only ${last[0]} messages`);
			const shown = (await readMetrics(server)).get('siocast_redis_moves_total').samples;
			assert.deepEqual(shown.map((s) => [s.labels.redis, s.value]), [[`127.0.0.1:${redis.port}`, 4]]);
			assert.equal(await metric(server, 'redis_move_gaps_total'), 0);
			assert.match((await request(server.admin, 'GET', '/readyz')).text, new RegExp(`redis 127.0.0.1:${redis.port} subscribed`));
			// Nothing of it is left at the server: a subscriber, and who publishes.
			await eventually(async () => String(await redis.client.command('CLIENT', 'LIST')).match(/ name=siocast/g).length === 2, 'the other connections to be closed');
			assert.deepEqual((await redis.client.command('PUBSUB', 'CHANNELS')).map(String).sort(), ['a', 'up']);
			assert.ok(client.connected);
		}),
	);

	test('to a replica, and back to its master', limit(90), () =>
		withCleanup(async (cleanup) => {
			const master = await startRedis(cleanup, await freePort(), { args: REPLICA });
			const replica = await startReplica(cleanup, master);
			const { server, client } = await start(cleanup, master, { namespaces: UP, feeds: [...FEEDS, feed('up')] });
			const [a, p, up] = ['a', 'p', 'up'].map((event) => heard(client, event));
			const publishers = [publish(cleanup, master, 'a'), publish(cleanup, master, 'p1')];
			const emitted = publish(cleanup, master, 'up', async (n) => client.emit('up', String(n)));
			await eventually(() => up.length > 100, 'what handlers publish');
			for (let i = 0; i < 3; i++) {
				await move(server, replica.url, 'replica');
				await move(server, master.url, 'same');
			}
			const last = await Promise.all(publishers.map((one) => one.stop()));
			await assertComplete(a, last[0], 'a');
			await assertComplete(p, last[1], 'p1');
			await assertComplete(up, await emitted.stop(), 'up');
		}),
	);

	// The replica is nearer to siocast than the master's messages are: what is published there first would come first.
	test('to a replica that lags: what handlers published before comes before', limit(90), () =>
		withCleanup(async (cleanup) => {
			const master = await startRedis(cleanup, await freePort(), { args: REPLICA });
			const replica = await startReplica(cleanup, await Cutter.open(cleanup, master.port, 200));
			const { server, client } = await start(cleanup, master, { namespaces: UP, feeds: [...FEEDS, feed('up')] });
			const [a, up] = ['a', 'up'].map((event) => heard(client, event));
			const publisher = publish(cleanup, master, 'a');
			const emitted = publish(cleanup, master, 'up', async (n) => n % 20 === 0 && client.emit('up', String(n / 20)));
			for (let i = 0; i < 2; i++) {
				await move(server, replica.url, 'replica');
				await move(server, master.url, 'same');
			}
			await assertComplete(a, await publisher.stop(), 'a');
			await assertComplete(up, Math.floor((await emitted.stop()) / 20), 'up');
		}),
	);

	// A message that is published at a replica is heard there only, and so before the source is there by nobody.
	test('to a replica that is behind: what handlers publish first meanwhile, and what is read', limit(90), () =>
		withCleanup(async (cleanup) => {
			const master = await startRedis(cleanup, await freePort(), { args: REPLICA });
			const line = await Cutter.open(cleanup, master.port);
			const replica = await startReplica(cleanup, line);
			await master.client.command('HSET', 's', 'x', '{"s":"x","n":1}');
			const reads = await startUnread(cleanup, master.port);
			const state = feed('s', { retain: { key: '/s' }, prime: { hash: 's' }, gapEvent: true });
			const { server, client } = await start(cleanup, { url: reads.url }, { namespaces: UP, feeds: [feed('up'), state] });
			const up = heard(client, 'up');
			const primed = () => server.child.output.match(/event=primed /g).length;
			assert.equal(primed(), 1);
			// What is read has to be read again, and cannot be.
			reads.refuses = true;
			await master.client.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
			await eventually(() => reads.refused > 0, 'it to be read');
			line.hold();
			await replica.client.command('CONFIG', 'RESETSTAT');
			const begun = server.child.output.length;
			assert.deepEqual((await reload(server, { redis: replica.url })).changed, ['redis']);
			await eventually(async () => (await replica.client.command('PUBSUB', 'NUMSUB', 'up'))[1] === 1, 'the replica to be subscribed to');
			for (let n = 1; n <= 5; n++) client.emit('up', String(n));
			// The source and what publishes markers, at each; who publishes; and who reads, at the one or the other: it may have been there
			// already.
			const named = async ({ client: admin }) => String(await admin.command('CLIENT', 'LIST')).match(/ name=siocast /g)?.length ?? 0;
			await eventually(async () => (await named(master)) + (await named(replica)) === 6, 'all connections');
			const called = async () => String(await replica.client.command('INFO', 'commandstats'));
			await eventually(async () => /cmdstat_publish:/.test(await called()), 'the first marker');
			const commands = await called();
			assert.match(commands, /cmdstat_publish:calls=1,/);
			assert.doesNotMatch(commands, /cmdstat_exec:/);
			line.release();
			await server.child.says(/event=redis-moved how=replica/);
			await eventually(() => up.length === 5, 'what was published');
			client.emit('up', '6');
			await eventually(() => up.at(-1) === 6, 'what is published then');
			assert.deepEqual(up, [1, 2, 3, 4, 5, 6]);
			await eventually(() => primed() === 2, 'it to be read');
			assert.doesNotMatch(server.child.output.slice(begun), /event=prime-unmarked/);
		}),
	);

	test('of another server: the one to its end, the other from its beginning', limit(90), () =>
		withCleanup(async (cleanup) => {
			const [one, other] = [await startRedis(cleanup, await freePort()), await startRedis(cleanup, await freePort())];
			const state = { ...feed('s', { retain: { key: '/s' }, prime: { hash: 's' } }) };
			for (const [redis, n] of [[one, 1], [other, 2]]) await redis.client.command('HSET', 's', 'x', `{"s":"x","n":${n}}`);
			const { server, client } = await start(cleanup, one, { feeds: [...FEEDS, state] });
			const [a, p] = ['a', 'p'].map((event) => heard(client, event));
			const s = heard(client, 's');
			const before = publish(cleanup, one, 'a');
			const after = publish(cleanup, other, 'p1');
			await eventually(() => a.length > 10, 'some of the one');
			await move(server, other.url, 'separate');
			// Messages of the other that were published while both were heard have come, too.
			const first = p[0];
			assert.ok(first < after.n);
			assert.ok(a.length < (await before.stop()));
			const last = await after.stop();
			await eventually(() => p.at(-1) === last, 'the last of the other');
			assertRow(a, 'a');
			assertRow(p, 'p1');
			assert.equal(a[0], 1);
			// What is retained is that of the other server.
			await eventually(() => s.some(({ n }) => n === 2), 'what the other one holds');
		}),
	);

	test('from one replica to another of the same server: a gap, and nothing comes twice', limit(90), () =>
		withCleanup(async (cleanup) => {
			const master = await startRedis(cleanup, await freePort(), { args: REPLICA });
			const [one, other] = [await startReplica(cleanup, master), await startReplica(cleanup, master)];
			const { server, client } = await start(cleanup, one);
			const a = heard(client, 'a');
			const publisher = publish(cleanup, master, 'a');
			await eventually(() => a.length > 10, 'some messages');
			await move(server, other.url, 'anew');
			assert.match(server.child.output, /how=anew ms=\d+ reason="both are replicas of one server/);
			await ready(server);
			const last = await publisher.stop();
			await master.client.publish('a', String(last + 1));
			await eventually(() => a.at(-1) === last + 1, 'the last message');
			const wrong = a.findIndex((n, i) => i > 0 && n <= a[i - 1]);
			assert.equal(wrong, -1, `at ${wrong} there is ${a.slice(Math.max(0, wrong - 2), wrong + 3)}`);
		}),
	);

	test('another database of the same server: what is retained is that one\'s', limit(90), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort());
			const at = (db) => `redis://127.0.0.1:${redis.port}/${db}`;
			for (const db of [1, 0]) {
				await redis.client.command('SELECT', String(db));
				await redis.client.command('HSET', 's', 'x', `{"s":"x","n":${db}}`);
			}
			const { server, client } = await start(cleanup, { url: at(0) }, { feeds: [feed('s', { retain: { key: '/s' }, prime: { hash: 's' } })] });
			const s = heard(client, 's');
			await move(server, at(1), 'same');
			await eventually(() => s.some(({ n }) => n === 1), 'the other');
			assert.equal(await metric(server, 'redis_move_gaps_total'), 0);
		}),
	);

	test('of a frozen server: what handlers publish goes to the new one', limit(90), () =>
		withCleanup(async (cleanup) => {
			const [one, other] = [await startRedis(cleanup, await freePort()), await startRedis(cleanup, await freePort())];
			const { server, client } = await start(cleanup, one, { namespaces: UP, feeds: [feed('up')] });
			const up = heard(client, 'up');
			client.emit('up', '1');
			await eventually(() => up.length === 1, 'the first');
			process.kill(one.child.pid, 'SIGSTOP');
			cleanup.add(one, () => process.kill(one.child.pid, 'SIGCONT'));
			client.emit('up', '2');
			await move(server, other.url, 'anew');
			const from = Date.now();
			client.emit('up', '3');
			await eventually(() => up.at(-1) === 3, 'what was published at the new one');
			assert.ok(Date.now() - from < 3000 * SLOW, `it took ${Date.now() - from} ms`);
			assert.equal(await metric(server, 'publish_failed_total'), 1);
		}),
	);

	test('one node of a Redis Cluster after the other: a gap, and nothing comes twice', limit(90), () =>
		withCleanup(async (cleanup) => {
			const nodes = [];
			for (let i = 0; i < 2; i++) nodes.push(await startNode(cleanup));
			const { server } = await start(cleanup, nodes[0]);
			await move(server, nodes[1].url, 'anew');
			assert.match(server.child.output, /reason="in a Redis Cluster /);
		}),
	);

	// The one before has gone on meanwhile, and what it said is not lost: there is a gap only while it is connected to anew.
	// At the same server it is 3 where marker 2 comes by the new line before 1 by the old one.
	for (const [what, number] of [['of the same server', '[34]'], ['of a replica', '3']])
		test(`${what}, by a line that stalls at the cut: nothing is missing but what is told`, limit(90), () =>
			withCleanup(async (cleanup) => {
				const redis = await startRedis(cleanup, await freePort(), { args: REPLICA });
				const target = number === '3' ? await startReplica(cleanup, redis) : redis;
				const line = await startStalling(cleanup, target.port, number);
				const { server, client } = await start(cleanup, redis, { feeds: [feed('a', { gapEvent: true })] });
				const [a, gaps] = [heard(client, 'a'), heard(client, 'siocast:gap')];
				const times = [];
				const publisher = publish(cleanup, redis, 'a', (n) => {
					times[n] = Date.now();
					return redis.client.publish('a', String(n));
				});
				await eventually(() => a.length > 10, 'some messages');
				await move(server, line.url, 'anew');
				assert.match(server.child.output, /how=anew ms=\d+ reason="a marker did not come"/);
				assert.ok(line.stalled);
				await ready(server);
				await publisher.stop();
				await redis.client.publish('a', '0');
				await eventually(() => a.at(-1) === 0 && gaps.length === 1, 'the last message, and the gap');
				a.pop();
				const there = new Set(a);
				assert.equal(there.size, a.length, 'nothing comes twice');
				// A message is on its way for a while.
				const [from, to] = [gaps[0].from - 300 * SLOW, gaps[0].to];
				const missing = times.findIndex((at, n) => n > 0 && !there.has(n) && !(at >= from && at <= to));
				assert.equal(missing, -1, `${missing}, of ${times[missing]}, of ${a.length}; ${JSON.stringify(gaps)}`);
			}),
		);

	test('of servers that change places: they stay', limit(), () =>
		withCleanup(async (cleanup) => {
			const all = [await startRedis(cleanup, await freePort()), await startRedis(cleanup, await freePort()), await startRedis(cleanup, await freePort())];
			const urls = all.map(({ url }) => url);
			const server = await startReloadable(cleanup, { redis: urls.slice(0, 2), feeds: FEEDS });
			await ready(server);
			for (const redis of [[urls[1], urls[0]], urls.slice(1)]) {
				const answer = await reload(server, { redis });
				assert.deepEqual([answer.changed, answer.needsRestart], [[], ['redis']]);
			}
			assert.match(server.child.output, /event=redis-stays reason="a server is to be where another one of them was"/);
			assert.deepEqual((await reload(server, { redis: [urls[0], urls[2]] })).changed, ['redis']);
			await eventually(() => server.child.output.includes('event=redis-moved how=separate'), 'the move', 30_000 * SLOW);
		}),
	);

	for (const source of ['psync', 'streams'])
		test(`goes on at its place: ${source}`, limit(90), () =>
			withCleanup(async (cleanup) => {
				const redis = await startRedis(cleanup, await freePort(), { unix: true, args: REPLICA });
				const replica = await startReplica(cleanup, redis);
				const streams = source === 'streams';
				const feeds = streams ? [{ stream: 'a', event: 'a', field: 'n', encode: 'json', batch: { interval: 10 } }] : FEEDS;
				const at = (url) => (streams ? url : { url, source: 'psync' });
				const { server, client } = await start(cleanup, { url: at(redis.url) }, { feeds });
				const a = heard(client, 'a');
				const write = streams ? (n) => redis.client.command('XADD', 'a', '*', 'n', String(n)) : undefined;
				const publisher = publish(cleanup, redis, 'a', write);
				await eventually(() => a.length > 10, 'some messages');
				const tcp = `redis://127.0.0.1:${redis.port}/0`;
				for (const url of [tcp, replica.url, redis.url]) {
					await move(server, at(url), 'place');
					await ready(server);
				}
				await assertComplete(a, await publisher.stop(), 'a');
			}),
		);

	// What is missing is so since the old one was lost, not since there is a new one.
	const PSYNC = (url) => ({ url, source: 'psync' });
	const TOLD = { feeds: [feed('a', { gapEvent: true })] };

	test('psync, when the one before was lost some time ago: since then there is a gap', limit(90), () =>
		withCleanup(async (cleanup) => {
			const one = await startRedis(cleanup, await freePort(), { args: REPLICA });
			const other = await startRedis(cleanup, await freePort(), { args: REPLICA });
			const { server, client } = await start(cleanup, { url: PSYNC(one.url) }, TOLD);
			const gaps = heard(client, 'siocast:gap');
			await one.child.stop();
			await server.child.says(/event=lost/);
			const lost = Date.now();
			await move(server, PSYNC(other.url), 'anew');
			assert.match(server.child.output, /how=anew ms=\d+ reason="the new one cannot go on from there"/);
			assert.equal(await metric(server, 'redis_move_gaps_total'), 1);
			await eventually(() => gaps.length === 1, 'the gap');
			assert.ok(gaps[0].from <= lost && gaps[0].to >= lost, `${JSON.stringify(gaps)}, lost ${lost}`);
			await ready(server);
		}),
	);

	test('psync, when the one before just sends a snapshot: the gap is told', limit(90), () =>
		withCleanup(async (cleanup) => {
			const one = await startRedis(cleanup, await freePort(), { args: REPLICA });
			const other = await startRedis(cleanup, await freePort(), { args: REPLICA });
			const line = await Snapshots.open(cleanup, one.port);
			const { server, client } = await start(cleanup, { url: PSYNC(line.url) }, TOLD);
			const gaps = heard(client, 'siocast:gap');
			line.begin();
			await server.child.says(/event=lost/);
			const lost = Date.now();
			await eventually(() => line.sent > 0, 'a snapshot');
			await move(server, PSYNC(other.url), 'anew');
			await eventually(() => gaps.length === 1, 'the gap');
			assert.ok(gaps[0].from <= lost, `${JSON.stringify(gaps)}, lost ${lost}`);
			assert.equal(await metric(server, 'redis_move_gaps_total'), 1);
		}),
	);

	test('psync, when the new one does not begin to send: that is said, and the gap when it does', limit(90), () =>
		withCleanup(async (cleanup) => {
			const one = await startRedis(cleanup, await freePort(), { args: REPLICA });
			const other = await startRedis(cleanup, await freePort(), { args: REPLICA });
			const line = await Snapshots.open(cleanup, other.port);
			const { server, client } = await start(cleanup, { url: PSYNC(one.url) }, TOLD);
			const gaps = heard(client, 'siocast:gap');
			line.begin();
			await move(server, PSYNC(line.url), 'anew');
			assert.match(server.child.output, /how=anew ms=\d+ reason="the new one has not begun to send in time"/);
			assert.deepEqual(gaps, []);
			line.end();
			await eventually(() => gaps.length === 1, 'the gap');
			await ready(server);
			assert.equal(await metric(server, 'redis_move_gaps_total'), 1);
		}),
	);

	// Another patience takes another connection, which goes on where the one before was.
	test('psync, when other feeds come while it is away: since it was lost there is a gap', limit(90), () =>
		withCleanup(async (cleanup) => {
			const port = await freePort();
			const redis = await startRedis(cleanup, port, { args: REPLICA });
			const { server, client } = await start(cleanup, { url: PSYNC(redis.url) }, TOLD);
			const gaps = heard(client, 'siocast:gap');
			await redis.child.stop();
			await server.child.says(/event=lost/);
			const lost = Date.now();
			const answer = await reload(server, { feeds: [feed('a', { gapEvent: true, batch: { interval: 0 } })] });
			assert.deepEqual(answer.changed, ['feeds']);
			await startRedis(cleanup, port, { args: REPLICA });
			await eventually(() => gaps.length === 1, 'the gap');
			assert.ok(gaps[0].from <= lost, `${JSON.stringify(gaps)}, lost ${lost}`);
		}),
	);

	test('psync at a replica that is behind: nothing is missing, and nothing comes twice', limit(90), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort(), { args: REPLICA });
			const line = await Cutter.open(cleanup, redis.port);
			const replica = await startReplica(cleanup, line);
			const at = (url) => ({ url, source: 'psync' });
			const feeds = [feed('a', { batch: { interval: 0 }, gapEvent: true })];
			const { server, client } = await start(cleanup, { url: at(redis.url) }, { feeds });
			const [a, gaps] = [heard(client, 'a'), heard(client, 'siocast:gap')];
			line.hold();
			for (let n = 1; n <= 5; n++) await redis.client.publish('a', String(n));
			await eventually(() => a.length === 5, 'what is at the master');
			await move(server, at(replica.url), 'place');
			line.release();
			await redis.client.publish('a', '6');
			await eventually(() => a.at(-1) === 6, 'what is published then');
			assert.deepEqual([a, gaps], [[1, 2, 3, 4, 5, 6], []]);
			assert.equal(await metric(server, 'redis_move_gaps_total'), 0);
		}),
	);

	// It has not what was read already: that is waited for, unless it is a master, which will never have it.
	for (const promoted of [false, true])
		test(`a stream at a replica that is behind${promoted ? ', and is the master then' : ''}`, limit(90), () =>
			withCleanup(async (cleanup) => {
				const redis = await startRedis(cleanup, await freePort(), { args: REPLICA });
				const line = await Cutter.open(cleanup, redis.port);
				const replica = await startReplica(cleanup, line);
				const add = (server, n) => server.client.command('XADD', 'a', '*', 'n', String(n));
				await add(redis, 0);
				await eventually(async () => (await replica.client.command('XLEN', 'a')) === 1, 'the replica to have the first');
				const feeds = [{ stream: 'a', event: 'a', field: 'n', encode: 'json', batch: { interval: 0 }, gapEvent: true }];
				const { server, client } = await start(cleanup, redis, { feeds });
				const [a, gaps] = [heard(client, 'a'), heard(client, 'siocast:gap')];
				line.hold();
				for (let n = 1; n <= 5; n++) await add(redis, n);
				await eventually(() => a.length === 5, 'what is at the master');
				await move(server, replica.url, 'place');
				await server.child.says(/event=stream-behind stream="a" read=\S+ last=\S+ server=replica/);
				assert.deepEqual(gaps, []);
				if (promoted) {
					await replica.client.command('REPLICAOF', 'NO', 'ONE');
					await eventually(() => gaps.length === 1, 'the gap');
					await add(replica, 6);
				} else {
					line.release();
					await add(redis, 6);
				}
				await eventually(() => a.at(-1) === 6, 'what is added then');
				assert.deepEqual(a, [1, 2, 3, 4, 5, 6]);
				assert.equal(gaps.length, promoted ? 1 : 0);
			}),
		);

	for (const workers of [1, 2])
		test(`more servers, and less, on ${workers} worker(s): nothing of those that stay is lost, or comes twice`, limit(90), () =>
			withCleanup(async (cleanup) => {
				const [one, other] = [await startRedis(cleanup, await freePort()), await startRedis(cleanup, await freePort())];
				const late = await freePort();
				const demanded = { pattern: 'd*', event: 'd', room: 'd{1}', encode: 'json', batch: { interval: 0 }, subscribe: 'on-demand' };
				const streams = { stream: 's', event: 's', field: 'n', encode: 'json', batch: { interval: 0 } };
				const namespaces = { '/': { on: { join: [{ join: '{1}' }, { ack: [] }] } } };
				const { server, client } = await start(cleanup, one, { workers, feeds: [...FEEDS, demanded, streams], namespaces });
				const polling = await connect(cleanup, server, MODES.polling);
				for (const socket of [client, polling]) await ask(socket, 'join', 'd1');
				const lists = [heard(client, 'a'), heard(polling, 'a')];
				const [p, d, s] = ['p', 'd', 's'].map((event) => heard(client, event));
				const publisher = publish(cleanup, one, 'a');
				const names = async () => [...(await request(server.admin, 'GET', '/readyz')).text.matchAll(/^redis (\S+) /gm)].map(([, name]) => name);
				const shown = async () => (await readMetrics(server)).get('siocast_redis_moves_total').samples.map(({ labels }) => labels.redis).sort();
				const all = [one, other].map(({ port }) => `127.0.0.1:${port}`);
				const change = async (...redis) => assert.deepEqual(await reload(server, { redis }), { status: 200, changed: ['redis'], needsRestart: [] });
				for (let i = 1; i <= 2; i++) {
					await change(one.url, other.url);
					await ready(server);
					assert.deepEqual([await names(), await shown()], [all, [...all].sort()]);
					// Channels, patterns, those on demand and streams are there, the latter from now on.
					await other.client.publish('p', String(i));
					await other.client.publish('d1', String(i));
					await other.client.command('XADD', 's', '*', 'n', String(i));
					await eventually(() => [p, d, s].every((list) => list.length === i), 'what is published there');
					await change(one.url);
					assert.deepEqual([await names(), await shown()], [[all[0]], [all[0]]]);
					await eventually(async () => !/ name=siocast/.test(String(await other.client.command('CLIENT', 'LIST'))), 'it to be left');
					await other.client.publish('p', 'nobody');
				}
				// One that is away is waited for, as at the start.
				await change(one.url, `redis://127.0.0.1:${late}`);
				assert.equal((await request(server.admin, 'GET', '/readyz')).status, 503);
				const third = await startRedis(cleanup, late);
				await ready(server);
				await third.client.publish('p', '3');
				await eventually(() => p.at(-1) === 3, 'what is published at the one that came late');
				const last = await publisher.stop();
				for (const list of lists) await assertComplete(list, last, 'a');
				assert.deepEqual([p, d, s], [[1, 2, 3], [1, 2], [1, 2]]);
				// What is told when that cannot be.
				assert.deepEqual((await reload(server, { redis: [third.url] })).needsRestart, ['redis']);
				await server.child.says(/event=redis-stays reason="there are more or less servers, and those that stay are not the first ones as they were"/);
				const primed = feed('primed', { retain: { key: '/n' }, prime: { hash: 'h' } });
				assert.deepEqual((await reload(server, { redis: one.url, feeds: [...FEEDS, primed] })).needsRestart, ['redis']);
				await server.child.says(/event=redis-stays reason="there are more or less servers, of all of which something retained is read"/);
				assert.deepEqual((await reload(server, { redis: [one.url, third.url] })).needsRestart, []);
			}),
		);

	// What is retained is read from all servers there are, by feeds that were to go.
	test('more servers, while feeds have to stay that read what they retain: they stay, too', limit(), () =>
		withCleanup(async (cleanup) => {
			const [one, other] = [await startRedis(cleanup, await freePort()), await startRedis(cleanup, await freePort())];
			await one.client.command('HSET', 's', 'x', '{"s":"x","n":1}');
			const state = feed('s', { retain: { key: '/s' }, prime: { hash: 's' } });
			const setup = await configure(cleanup, { redis: one.url, feeds: [state] });
			const server = { ...setup, child: await launchSiocast(cleanup, setup) };
			await ready(server);
			const s = heard(await connect(cleanup, server, MODES.websocket), 's');
			// A feed that may reach single sockets takes a restart.
			await write(server, { redis: [one.url, other.url], feeds: [{ channel: 'a', event: 'a', room: '{/to}' }] });
			process.kill(server.child.pid, 'SIGHUP');
			await server.child.says(/event=feeds-stay [^]*event=redis-stays reason="there are more or less servers, of all of which something retained is read"/);
			await one.client.publish('s', '{"s":"y","n":2}');
			await eventually(() => s.some(({ n }) => n === 2), 'a message');
			assert.equal(await metric(server, 'retained_messages'), 2);
		}),
	);

	test('what the one before refused is not refused any more: one that goes, and one of a stream', limit(90), () =>
		withCleanup(async (cleanup) => {
			const [one, other] = [await startRedis(cleanup, await freePort()), await startRedis(cleanup, await freePort())];
			await other.client.command('ACL', 'SETUSER', 'siocast', 'on', '>secret', 'allkeys', '+@all', 'resetchannels', '&p*');
			await one.client.command('SET', 's', 'no stream');
			const stream = { stream: 's', event: 's', field: 'n', encode: 'json', batch: { interval: 0 } };
			const { server, client } = await start(cleanup, one, { feeds: [feed('a'), { ...stream, stream: 't' }] });
			const refused = (n) => eventually(async () => (await metric(server, 'feed_refused')) === n, `${n} to be refused`);
			await refused(0);
			assert.equal((await reload(server, { redis: [one.url, `redis://siocast:secret@127.0.0.1:${other.port}`] })).status, 200);
			await refused(1);
			assert.equal((await reload(server, { redis: one.url })).status, 200);
			await refused(0);
			assert.equal((await reload(server, { feeds: [feed('a'), stream] })).status, 200);
			await refused(1);
			await move(server, other.url, 'separate');
			await ready(server);
			await refused(0);
			const s = heard(client, 's');
			await other.client.command('XADD', 's', '*', 'n', '1');
			await eventually(() => s.length === 1, 'an entry');
		}),
	);

	test('that cannot be reached: the one before stays, and it is said why', limit(), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort());
			const { server, client } = await start(cleanup, redis);
			const a = heard(client, 'a');
			const nobody = await freePort();
			const not = () => server.child.output.match(/event=redis-not-moved/g)?.length ?? 0;
			const answer = await reload(server, { redis: `redis://127.0.0.1:${nobody}`, log: { level: 'debug' } });
			assert.deepEqual(answer, { status: 200, changed: ['log.level', 'redis'], needsRestart: [] });
			await eventually(() => not() === 1, 'it to be said');
			await server.child.says(new RegExp(`event=redis-not-moved to=127.0.0.1:${nobody} reason="connection refused"`));
			await redis.client.publish('a', '1');
			await eventually(() => a.length === 1, 'the message');
			assert.equal(await metric(server, 'redis_lost_total') >= 1, true);
			// A reload tries it again, and then it is there.
			const late = await startRedis(cleanup, nobody);
			assert.deepEqual((await reload(server)).changed, ['redis']);
			await eventually(() => server.child.output.includes('event=redis-moved how=separate'), 'the move', 30_000 * SLOW);
			await late.client.publish('a', '2');
			await eventually(() => a.length === 2, 'the message');
		}),
	);

	test('when the one before is gone, and when it goes meanwhile: a gap, which is told', limit(), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort());
			const other = await startRedis(cleanup, await freePort());
			const third = await startRedis(cleanup, await freePort());
			const { server, client } = await start(cleanup, redis, { feeds: [feed('a', { gapEvent: true })] });
			const a = heard(client, 'a');
			const gaps = heard(client, 'siocast:gap');
			await redis.child.stop();
			await server.child.says(/event=lost/);
			await move(server, other.url, 'anew');
			await ready(server);
			await other.client.publish('a', '1');
			await eventually(() => a.length === 1 && gaps.length === 1, 'the message, and the gap');
			// It goes while both are looked at.
			await reload(server, { redis: third.url });
			await eventually(async () => (await third.client.command('PUBSUB', 'NUMSUB', 'a'))[1] === 1, 'the new one to be subscribed to');
			await other.child.stop();
			await eventually(async () => !(await reload(server)).errors, 'the move to be over', 30_000 * SLOW);
			await ready(server);
			await third.client.publish('a', '2');
			await eventually(() => a.at(-1) === 2, 'the message');
		}),
	);

	for (const [what, acl, why] of [
		['INFO', '+@all -info allchannels', null],
		['the channel of the markers', '+@all resetchannels &a &p* &d*', 'a channel for markers is refused'],
		['PUBLISH', '+@all -publish allchannels', 'markers cannot be published'],
	])
		test(`of the same server, whose ACL does not allow ${what}: ${why ? 'a gap, which is told' : 'the same'}`, limit(), () =>
			withCleanup(async (cleanup) => {
				const redis = await startRedis(cleanup, await freePort());
				await redis.client.command('ACL', 'SETUSER', 'siocast', 'on', '>secret', 'allkeys', ...acl.split(' '));
				const at = (host) => `redis://siocast:secret@${host}:${redis.port}`;
				const demanded = { pattern: 'd*', event: 'd', room: 'd{1}', encode: 'json', batch: { interval: 0 }, subscribe: 'on-demand' };
				const namespaces = { '/': { on: { join: [{ join: '{1}' }, { ack: [] }] } } };
				const { server, client } = await start(cleanup, { url: at('127.0.0.1') }, { feeds: [...FEEDS, demanded], namespaces });
				await ask(client, 'join', 'd1');
				const [a, p, d] = ['a', 'p', 'd'].map((event) => heard(client, event));
				await move(server, at('localhost'), why ? 'anew' : 'same');
				if (!why) return; // it is needed where nothing passes between the two
				assert.match(server.child.output, new RegExp(`event=redis-moved how=anew ms=\\d+ reason="${why}"`));
				assert.equal(await metric(server, 'redis_move_gaps_total'), 1);
				await ready(server);
				for (const channel of ['a', 'p1', 'd1']) await redis.client.publish(channel, '1');
				await eventually(() => [a, p, d].every((list) => list.length === 1), 'the messages');
				// What was refused belongs to the move: of the feeds nothing is.
				assert.doesNotMatch((await request(server.admin, 'GET', '/readyz')).text, /refuses/);
				assert.ok(!/siocast_feed_refused\{[^}]*\} 1/.test((await request(server.admin, 'GET', '/metrics')).text));
			}),
		);

	test('of who shares presence: both nodes, one after the other', limit(), () =>
		withCleanup(async (cleanup) => {
			const [one, other] = [await startRedis(cleanup, await freePort()), await startRedis(cleanup, await freePort())];
			const presence = { rooms: 'room', member: '{auth.user}', info: '{auth.user}', events: { here: 'here', joining: 'joining', leaving: 'leaving' }, linger: 0 };
			const config = { redis: one.url, feeds: [], namespaces: { '/': { on: { enter: [{ join: '{1}' }] }, presence } } };
			const nodes = [await startReloadable(cleanup, config), await startReloadable(cleanup, config)];
			const pages = [];
			const open = async (node, user) => {
				const socket = await connect(cleanup, node, { auth: { user }, transports: ['websocket'] });
				const page = { socket, list: new Set(), left: [] };
				socket.on('here', (all) => (page.list = new Set(all)));
				socket.on('joining', (who) => page.list.add(who));
				socket.on('leaving', (who) => page.left.push(who) && page.list.delete(who));
				socket.emit('enter', 'room');
				pages.push(page);
				return page;
			};
			const see = (...users) => eventually(() => pages.every(({ list }) => [...list].sort().join() === users.join()), `all to see ${users}`);
			await open(nodes[0], 'a');
			await open(nodes[1], 'b');
			await see('a', 'b');
			for (const node of nodes) {
				assert.deepEqual((await reload(node, { redis: other.url })).changed, ['redis']);
				await eventually(async () => (await metric(node, 'redis_moves_total')) === 1, 'the move');
			}
			const c = await open(nodes[0], 'c');
			await see('a', 'b', 'c');
			assert.deepEqual(pages.map(({ left }) => left), [[], [], []]);
			c.socket.disconnect();
			pages.pop();
			await see('a', 'b');
			assert.equal((await other.client.command('KEYS', 'siocast:presence:*')).length, 2);
			assert.equal(String(await one.client.command('CLIENT', 'LIST')).match(/ name=siocast/g), null);
			for (const node of nodes) assert.deepEqual(await reload(node), { status: 200, changed: [], needsRestart: [] });
		}),
	);

	test('SIGHUP waits for it', limit(), () =>
		withCleanup(async (cleanup) => {
			const [one, other] = [await startRedis(cleanup, await freePort()), await startRedis(cleanup, await freePort())];
			const { server, client } = await start(cleanup, one);
			await write(server, { redis: other.url });
			process.kill(server.child.pid, 'SIGHUP');
			await eventually(() => server.child.output.includes('event=redis-moves'), 'it to begin');
			// Twice is once.
			await write(server, { redis: other.url, feeds: [...FEEDS, feed('b')] });
			for (let i = 0; i < 2; i++) process.kill(server.child.pid, 'SIGHUP');
			await server.child.says(/event=reload-waits [^]*event=redis-moved [^]*event=reloaded options=1 changed="feeds"/);
			const b = heard(client, 'b');
			await ready(server);
			await other.client.publish('b', '1');
			await eventually(() => b.length === 1, 'the message');
			assert.equal(server.child.output.match(/event=reloaded /g).length, 2);
		}),
	);

	test('a restart without a break waits for it', limit(90), () =>
		withCleanup(async (cleanup) => {
			const [one, other] = [await startRedis(cleanup, await freePort()), await startRedis(cleanup, await freePort())];
			const server = await Renewed.start(cleanup, { redis: one.url, feeds: FEEDS });
			await ready(server);
			const client = await connect(cleanup, server, MODES.polling);
			server.rewrite({ redis: other.url });
			process.kill(server.pid, 'SIGHUP');
			await eventually(() => server.child.output.includes('event=redis-moves'), 'it to begin');
			const publisher = publish(cleanup, other, 'a');
			const again = once(client, 'connect'); // it may take a while until it notices that it is not any more
			await server.renew();
			assert.match(server.child.output, /event=redis-moved [^]*event=restart /);
			await server.ready();
			await again;
			const a = heard(client, 'a');
			const last = await publisher.stop();
			await other.client.publish('a', String(last + 1));
			await eventually(() => a.at(-1) === last + 1, 'the last message');
			assertRow(a, 'a');
		}),
	);
});
