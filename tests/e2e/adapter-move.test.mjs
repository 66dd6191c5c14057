// SPDX-License-Identifier: MIT
//
// A member of a cluster with servers of Node, at another address of Redis: each event is there once, those of both sides, and who asks is
// answered.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ADAPTERS, startNode } from './lib/adapters.mjs';
import { withCleanup } from './lib/cleanup.mjs';
import { ask, connect } from './lib/client.mjs';
import { SIOCAST_ONLY } from './lib/daemon.mjs';
import { request } from './lib/http.mjs';
import { metric } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { reload, startReloadable } from './lib/reload.mjs';
import { SLOW, eventually, limit } from './lib/wait.mjs';

const HANDLERS = { on: { join: [{ join: '{1}' }, { ack: [] }], tell: [{ broadcast: { event: 'ours', args: ['{1}'], self: true } }] } };

async function start(cleanup, redis, name) {
	const { dialect = 'classic', mode } = ADAPTERS[name];
	const adapter = { mode: 'member', dialects: [dialect], ...(mode ? { subscriptionMode: mode } : {}) };
	const server = await startReloadable(cleanup, { adapter, namespaces: { '/': HANDLERS }, feeds: [], workers: 2, redis: redis.url });
	await eventually(async () => (await metric(server, 'adapter_subscribed')) === 1, 'the subscriptions of the adapter');
	return server;
}

/** Has it go over to an address, and says how the adapter did. */
async function move(server, url, word) {
	const before = server.child.output.length;
	const said = () => server.child.output.slice(before);
	assert.deepEqual(await reload(server, { redis: url }), { status: 200, changed: ['redis'], needsRestart: [] });
	await eventually(() => /event=adapter-moved /.test(said()) && /event=redis-moved /.test(said()), 'the move', 30_000 * SLOW);
	assert.equal(/event=adapter-moved how=(\S+)/.exec(said())[1], word, said());
	await eventually(async () => (await metric(server, 'adapter_subscribed')) === 1, 'the subscriptions of the adapter');
	assert.deepEqual(await reload(server), { status: 200, changed: [], needsRestart: [] });
}

/** Numbers, one after the other, until told to stop: gives the last one. */
function flow(cleanup, say) {
	let goes = true;
	let n = 0;
	const done = (async () => {
		while (goes) {
			for (let i = 0; i < 5; i++) say(++n);
			await new Promise((resolve) => setTimeout(resolve, 3));
		}
		return n;
	})();
	const stop = () => {
		goes = false;
		return done;
	};
	cleanup.add({}, stop);
	return stop;
}

function heard(socket, event) {
	const all = [];
	socket.on(event, (n) => all.push(n));
	return all;
}

async function complete(seen, last, what) {
	await eventually(() => seen.at(-1) === last, () => `${what}: number ${last}, not ${seen.at(-1)}`);
	assert.deepEqual(seen, Array.from({ length: last }, (_, i) => i + 1), what);
}

const replicaOf = (master) => ['--repl-diskless-sync-delay', '0', '--replicaof', '127.0.0.1', String(master.port)];

describe('a member at another address of Redis', { concurrency: 2, skip: SIOCAST_ONLY }, () => {
	for (const name of ['8.3', 'sharded', 'sharded, private', 'streams'])
		test(`${name}: the same server by another address, under load`, limit(90), () =>
			withCleanup(async (cleanup) => {
				const redis = await startRedis(cleanup, await freePort(), { unix: true });
				const server = await start(cleanup, redis, name);
				const node = await startNode(cleanup, ADAPTERS[name], redis.port);
				const ours = await connect(cleanup, server, { transports: ['websocket'] });
				const polling = await connect(cleanup, server, { transports: ['polling'] });
				const theirs = await connect(cleanup, { url: node.url, path: '/socket.io/' });
				await ask(ours, 'join', 'room');
				await eventually(async () => (await node.io.fetchSockets()).length === 3, 'all to be counted');
				const lists = { ours: heard(ours, 'all'), polling: heard(polling, 'all'), room: heard(ours, 'room'), theirs: heard(theirs, 'ours') };
				const stops = [
					flow(cleanup, (n) => node.io.emit('all', n)),
					flow(cleanup, (n) => node.io.to('room').emit('room', n)),
					flow(cleanup, (n) => ours.emit('tell', n)),
				];
				await eventually(() => Object.values(lists).every((list) => list.length > 50), 'events to flow');
				const word = name === 'streams' ? 'same' : 'same'; // a member of streams has channels, too: for answers
				for (const url of [`redis://localhost:${redis.port}/0`, redis.url, `redis://127.0.0.1:${redis.port}/0`]) await move(server, url, word);
				// Rooms that are joined from now on are heard there, too.
				await ask(polling, 'join', 'late');
				const late = heard(polling, 'late');
				await eventually(() => {
					node.io.to('late').emit('late', 1);
					return late.length > 0;
				}, 'a room that was joined later');
				const [all, room, told] = await Promise.all(stops.map((stop) => stop()));
				await complete(lists.ours, all, 'all');
				await complete(lists.polling, all, 'all, by polling');
				await complete(lists.room, room, 'a room');
				await complete(lists.theirs, told, 'ours');
				// Who asks has an answer of each of both, and waits for none.
				const began = Date.now();
				assert.deepEqual((await node.io.fetchSockets()).map(({ id }) => id).sort(), [ours, polling, theirs].map(({ id }) => id).sort());
				assert.ok(Date.now() - began < 2000 * SLOW, 'it was waited for an answer');
				assert.equal(await metric(server, 'publish_failed_total'), 0);
			}),
		);

	// While the one is behind the other they are different servers with the same messages; then it is the master, and Node goes there, too.
	test('a replica that becomes the master', limit(90), () =>
		withCleanup(async (cleanup) => {
			const master = await startRedis(cleanup, await freePort(), { args: ['--repl-diskless-sync-delay', '0'] });
			const replica = await startRedis(cleanup, await freePort(), { args: replicaOf(master) });
			await eventually(async () => /master_link_status:up/.test(await replica.client.command('INFO', 'replication')), 'the replica');
			const server = await start(cleanup, master, '8.3');
			const node = await startNode(cleanup, ADAPTERS['8.3'], master.port);
			const ours = await connect(cleanup, server, { transports: ['websocket'] });
			const all = heard(ours, 'all');
			const stop = flow(cleanup, (n) => node.io.emit('all', n));
			await eventually(() => all.length > 50, 'events to flow');
			await move(server, replica.url, 'replica');
			await complete(all, await stop(), 'all');
			await replica.client.command('REPLICAOF', 'NO', 'ONE');
			const after = await startNode(cleanup, ADAPTERS['8.3'], replica.port);
			await eventually(async () => (await after.io.fetchSockets()).length === 1, 'our client to be found');
			const theirs = await connect(cleanup, { url: after.url, path: '/socket.io/' });
			const told = heard(theirs, 'ours');
			ours.emit('tell', 1);
			await complete(told, 1, 'ours');
		}),
	);

	test('another server: what was said at the one before is heard up to the end, and at the other one from the beginning', limit(90), () =>
		withCleanup(async (cleanup) => {
			const [one, other] = [await startRedis(cleanup, await freePort()), await startRedis(cleanup, await freePort())];
			const server = await start(cleanup, one, '8.3');
			const nodes = [await startNode(cleanup, ADAPTERS['8.3'], one.port), await startNode(cleanup, ADAPTERS['8.3'], other.port)];
			const ours = await connect(cleanup, server, { transports: ['websocket'] });
			const lists = [heard(ours, 'first'), heard(ours, 'second')];
			const first = flow(cleanup, (n) => nodes[0].io.emit('first', n));
			await eventually(() => lists[0].length > 50, 'events to flow');
			const second = flow(cleanup, (n) => nodes[1].io.emit('second', n));
			await move(server, other.url, 'separate');
			const last = await second();
			await first();
			await eventually(() => lists[1].at(-1) === last, 'the last event');
			// Both without a hole: the one from its beginning, the other one to where the move began at least.
			assert.deepEqual(lists[0], lists[0].map((_, i) => i + 1));
			assert.deepEqual(lists[1], lists[1].map((_, i) => lists[1][0] + i));
			await eventually(async () => (await nodes[1].io.fetchSockets()).length === 1, 'our client to be found there');
			await eventually(async () => String(await one.client.command('CLIENT', 'LIST')).match(/ name=siocast/g) === null, 'the one before to be left');
		}),
	);

	test('when the one before is gone: anew, and it is said that something may be missing', limit(90), () =>
		withCleanup(async (cleanup) => {
			const [one, other] = [await startRedis(cleanup, await freePort()), await startRedis(cleanup, await freePort())];
			const server = await start(cleanup, one, 'sharded');
			const ours = await connect(cleanup, server, { transports: ['websocket'] });
			await ask(ours, 'join', 'room');
			await one.child.kill();
			await eventually(() => server.child.output.includes('event=lost'), 'it to be lost');
			await move(server, other.url, 'anew');
			assert.match(server.child.output, /event=adapter-moved how=anew reason="the old one was away" hint="something may be missing/);
			const node = await startNode(cleanup, ADAPTERS.sharded, other.port);
			const seen = heard(ours, 'room');
			await eventually(async () => (await node.io.fetchSockets()).length === 1, 'our client to be found');
			node.io.to('room').emit('room', 1);
			await complete(seen, 1, 'a room');
			assert.equal((await request(server.admin, 'GET', '/readyz')).status, 200);
		}),
	);
});
