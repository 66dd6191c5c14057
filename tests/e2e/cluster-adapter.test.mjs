// SPDX-License-Identifier: MIT
//
// Servers of Node and siocast in one cluster by way of a Redis Cluster: the sharded adapter, whose channels are at the nodes that have their
// slots, also when these move; and the classic one.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ADAPTERS, startNode } from './lib/adapters.mjs';
import { withCleanup } from './lib/cleanup.mjs';
import { ask, connect } from './lib/client.mjs';
import { moveSlot, ownerOf, slotOf, startCluster } from './lib/cluster.mjs';
import { SIOCAST_ONLY, startSiocast } from './lib/daemon.mjs';
import { metric } from './lib/metrics.mjs';
import { SLOW, eventually, limit } from './lib/wait.mjs';

const HANDLERS = {
	on: {
		join: [{ join: '{1}' }, { ack: [] }],
		say: [{ broadcast: { room: '{1}', event: 'said', args: ['{2}'] } }, { ack: [] }],
	},
};
const ROOMS = ['r1', 'r2', 'r3', 'r4'];

const subscribed = (server) => eventually(async () => (await metric(server, 'adapter_subscribed')) === 1, 'the subscriptions of the adapter', 30_000 * SLOW);

async function start(cleanup, name) {
	const cluster = await startCluster(cleanup);
	const { dialect = 'classic' } = ADAPTERS[name];
	const server = await startSiocast(cleanup, {
		adapter: { mode: 'member', dialects: [dialect] }, namespaces: { '/': HANDLERS }, redis: { cluster: cluster.addresses }, workers: 2,
	});
	await subscribed(server);
	const node = await startNode(cleanup, { ...ADAPTERS[name], redis: 'ioredis, cluster' }, cluster.masters[0].port);
	const ours = await connect(cleanup, server);
	const theirs = await connect(cleanup, { url: node.url, path: '/socket.io/' });
	const seen = { ours: [], theirs: [] };
	for (const [who, socket] of Object.entries({ ours, theirs })) socket.on('said', (value) => seen[who].push(value));
	for (const room of ROOMS) {
		await ask(ours, 'join', room);
		node.io.in(theirs.id).socketsJoin(room);
	}
	await eventually(() => ROOMS.every((room) => node.io.of('/').adapter.rooms.get(room)?.has(theirs.id)), 'their client to be in the rooms');
	return { cluster, server, node, ours, theirs, seen };
}

/** How many have a shard channel, wherever it is. */
async function hearers(cluster, name) {
	let n = 0;
	for (const { client } of cluster.masters) n += Number((await client.command('PUBSUB', 'SHARDNUMSUB', name))[1]);
	return n;
}

/** A broadcast to each room from either side, which both clients hear, each once. */
async function expectBoth({ node, ours, seen }, round) {
	const want = { ours: [], theirs: [] };
	for (const room of ROOMS) {
		node.io.to(room).emit('said', `node ${room} ${round}`);
		await ask(ours, 'say', room, `ours ${room} ${round}`);
		want.ours.push(`node ${room} ${round}`);
		want.theirs.push(`node ${room} ${round}`, `ours ${room} ${round}`);
	}
	await eventually(() => seen.ours.length >= want.ours.length && seen.theirs.length >= want.theirs.length, 'what was broadcast');
	assert.deepEqual(seen.ours.sort(), want.ours.sort());
	assert.deepEqual(seen.theirs.sort(), want.theirs.sort());
	seen.ours.length = seen.theirs.length = 0;
}

test('the sharded adapter on a Redis Cluster', { ...limit(120), skip: SIOCAST_ONLY }, () => withCleanup(async (cleanup) => {
	const all = await start(cleanup, 'sharded');
	const { cluster, server, node, ours, theirs } = all;
	for (const name of ['socket.io#/#', ...ROOMS.map((room) => `socket.io#/#${room}#`)])
		await eventually(async () => (await hearers(cluster, name)) === 2, `both servers to hear ${name}`);
	const owners = await Promise.all(ROOMS.map(async (room) => ownerOf(cluster.masters[0], await slotOf(cluster.masters[0], `socket.io#/#${room}#`))));
	assert.ok(new Set(owners).size > 1, 'rooms are at several nodes');
	await expectBoth(all, 1);
	assert.deepEqual((await node.io.fetchSockets()).map(({ id }) => id).sort(), [ours.id, theirs.id].sort());
	ours.on('question', (value, callback) => callback(`ours ${value}`));
	theirs.on('question', (value, callback) => callback(`theirs ${value}`));
	assert.deepEqual((await node.io.timeout(5000 * SLOW).emitWithAck('question', 1)).sort(), ['ours 1', 'theirs 1']);
	// A room's slot goes to another node, and we after it; ioredis hears nothing there, but publishes where it is.
	const channel = 'socket.io#/#r1#';
	const slot = await slotOf(cluster.masters[0], channel);
	const from = cluster.masters.find(({ port }) => port === owners[0]);
	const to = cluster.masters.find(({ port }) => port !== owners[0]);
	await moveSlot(slot, from, to, cluster.masters.filter((other) => other !== from && other !== to));
	await eventually(async () => Number((await to.client.command('PUBSUB', 'SHARDNUMSUB', channel))[1]) > 0, 'siocast to be there', 30_000 * SLOW);
	await subscribed(server);
	const sent = await metric(server, 'publish_sent_total');
	for (const room of ROOMS) {
		node.io.to(room).emit('said', room);
		await ask(ours, 'say', room, room);
	}
	await eventually(() => all.seen.ours.length === ROOMS.length, 'what is broadcast then');
	assert.deepEqual(all.seen.ours.sort(), ROOMS);
	await eventually(async () => (await metric(server, 'publish_sent_total')) === sent + ROOMS.length, 'our broadcasts to be taken where the slots are');
	assert.equal(await metric(server, 'publish_failed_total'), 0);
}));

test('the classic adapter on a Redis Cluster', { ...limit(120), skip: SIOCAST_ONLY }, () => withCleanup(async (cleanup) => {
	const all = await start(cleanup, '8.3');
	await expectBoth(all, 1);
	assert.deepEqual((await all.node.io.fetchSockets()).map(({ id }) => id).sort(), [all.ours.id, all.theirs.id].sort());
}));
