// SPDX-License-Identifier: MIT
//
// As one of the servers of a cluster: what servers of Node ask of each other is answered, in time and without a client, too; and what our
// handlers broadcast reaches their clients. The packages are those of tests/adapters.

import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import { test } from 'node:test';
import { ADAPTERS, packages, shown, startNode } from './lib/adapters.mjs';
import { withCleanup } from './lib/cleanup.mjs';
import { ask, connect } from './lib/client.mjs';
import { SIOCAST_ONLY, startSiocast } from './lib/daemon.mjs';
import { metric } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { suite } from './lib/suite.mjs';
import { SLOW, eventually, limit, within } from './lib/wait.mjs';

const HANDLERS = {
	on: {
		join: [{ join: '{1}' }, { ack: [] }],
		rooms: [{ ack: ['{rooms}'] }],
		say: [{ broadcast: { room: '{1}', event: 'said', args: ['{2}'] } }, { ack: [] }],
		tell: [{ broadcast: { event: 'told', args: ['{1}', '{2}'], self: true } }, { ack: [] }],
		but: [{ broadcast: { except: '{1}', event: 'said', args: ['{2}'] } }, { ack: [] }],
	},
};

const config = (dialect, more = {}) => ({
	adapter: { mode: 'member', dialects: [dialect], serverSideEmit: 'node:', ...more },
	namespaces: { '/': HANDLERS, '/chat': HANDLERS },
	feeds: [{ channel: 'node:news', event: 'news', encode: 'json', batch: { interval: 0 } }],
	workers: 2,
});

const subscribed = (server) => eventually(async () => (await metric(server, 'adapter_subscribed')) === 1, 'the subscriptions of the adapter');

async function start(cleanup, dialect, more) {
	const redis = await startRedis(cleanup, await freePort());
	const server = await startSiocast(cleanup, { ...config(dialect, more), redis: redis.url });
	await subscribed(server);
	return { ...server, redis };
}

/** Joins on servers of both kinds. */
async function connectAll(cleanup, server, node, client) {
	const ours = await connect(cleanup, server, { transports: ['websocket'] });
	const polling = await connect(cleanup, server, { transports: ['polling'] });
	const theirs = client ? await client(cleanup, node) : await connect(cleanup, { url: node.url, path: '/socket.io/' });
	for (const socket of [ours, polling]) await ask(socket, 'join', 'r');
	const seen = { ours: [], polling: [], theirs: [] };
	for (const [name, socket] of Object.entries({ ours, polling, theirs }))
		for (const event of ['said', 'told', 'asked', 'e', 'end']) socket.on(event, (...args) => seen[name].push([event, ...args.map(shown)]));
	return { ours, polling, theirs, seen };
}

/** socket.io-client 2.5, for servers of its time. */
function connectOld(cleanup, node) {
	const socket = packages('client-2.5')(node.url, { forceNew: true });
	cleanup.add(socket, () => socket.close());
	return within(new Promise((resolve, reject) => {
		socket.on('connect', () => resolve(socket));
		socket.on('connect_error', reject);
	}), 'an old client to connect');
}

/**
 * What clients of ours broadcast, and who gets it: others, each once. Servers before 3.0 know no rooms in `except`, and binary only by another
 * type of packet, which later ones do not know.
 */
async function expectTold({ ours, theirs, seen }, old = false) {
	const binary = old ? 'text' : Buffer.from([1, 2, 3]);
	await ask(ours, 'say', 'r', { a: [1, -2.5, 'é', null, true, {}] });
	await ask(ours, 'tell', 'x', binary);
	await ask(ours, 'say', 'nobody', 1);
	if (!old) await ask(ours, 'but', 'r', 'but');
	await ask(ours, 'tell', 'end', 4294967296);
	await eventually(() => Object.values(seen).every((list) => list.at(-1)?.[1] === 'end'), 'the last event at all clients');
	const value = { a: [1, -2.5, 'é', null, true, {}] };
	assert.deepEqual(seen.ours, [['told', 'x', shown(binary)], ['told', 'end', 4294967296]]);
	assert.deepEqual(seen.polling, [['said', value], ['told', 'x', shown(binary)], ['told', 'end', 4294967296]]);
	assert.deepEqual(seen.theirs, [['said', value], ['told', 'x', shown(binary)], ['told', 'end', 4294967296]]);
	assert.ok(theirs.connected);
	for (const list of Object.values(seen)) list.length = 0;
}

/** Their client is in r; then one broadcast of theirs is everybody's once. */
async function joinTheirs({ theirs, seen }, node, join) {
	await join(node, theirs);
	node.io.to('r').emit('e', 1);
	node.io.emit('end');
	await eventually(() => Object.values(seen).every((list) => list.at(-1)?.[0] === 'end'), 'the last event at all clients');
	for (const [name, list] of Object.entries(seen)) assert.deepEqual(list, [['e', 1], ['end']], name);
	for (const list of Object.values(seen)) list.length = 0;
}

/** Of a server of 4.x. */
async function expectAnswers({ ours, polling, theirs }, io) {
	const sockets = await io.fetchSockets();
	assert.deepEqual(sockets.map(({ id }) => id).sort(), [ours.id, polling.id, theirs.id].sort());
	const remote = sockets.find(({ id }) => id === ours.id);
	assert.deepEqual([...remote.rooms].sort(), ['r', ours.id].sort());
	assert.equal(remote.handshake.query.transport, 'websocket');
	assert.equal(remote.handshake.query.EIO, '4');
	assert.ok(Math.abs(remote.handshake.issued - Date.now()) < 60000 && Math.abs(new Date(remote.handshake.time) - Date.now()) < 60000);
	assert.deepEqual(remote.data, {});
	assert.deepEqual((await io.in('r').except(theirs.id).fetchSockets()).map(({ id }) => id).sort(), [ours.id, polling.id].sort());
	assert.deepEqual((await io.in('nobody').fetchSockets()).map(({ id }) => id), []);
	// A remote socket does what it is told.
	remote.join('x');
	await eventually(async () => (await ask(ours, 'rooms'))[0].includes('x'), 'the room');
	for (const socket of [ours, polling, theirs]) socket.on('question', (value, callback) => callback(value === 'bin' ? Buffer.from([7, 8]) : { of: socket.id, value }));
	const answers = await io.timeout(5000 * SLOW).emitWithAck('question', 1);
	assert.deepEqual(answers.map(({ of }) => of).sort(), [ours.id, polling.id, theirs.id].sort());
	assert.deepEqual(await io.in(ours.id).timeout(5000 * SLOW).emitWithAck('question', 2), [{ of: ours.id, value: 2 }]);
	assert.deepEqual((await io.in('r').except(theirs.id).timeout(5000 * SLOW).emitWithAck('question', 'bin')).map((b) => Buffer.from(b).toString('hex')), ['0708', '0708']);
	// Who does not answer is waited for, and the others' answers are there.
	polling.off('question');
	const [error, list] = await new Promise((resolve) => io.in('r').except(theirs.id).timeout(300).emit('question', 3, (...got) => resolve(got)));
	assert.ok(error);
	assert.deepEqual(list, [{ of: ours.id, value: 3 }]);
}

/** Without a client here. */
async function expectAnswersAlone(io) {
	const started = Date.now();
	assert.deepEqual(await io.fetchSockets(), []);
	assert.deepEqual(await io.timeout(5000 * SLOW).emitWithAck('question', 1), []);
	assert.deepEqual(await io.of('/chat').fetchSockets(), []);
	assert.deepEqual(await io.serverSideEmitWithAck('hello', 1), [null]);
	assert.ok(Date.now() - started < 4000, 'no answer was waited for');
}

async function expectServerEvents({ ours }, io) {
	const seen = [];
	ours.on('news', (value) => seen.push(value));
	io.serverSideEmit('news', { a: 1 });
	io.serverSideEmit('other', 1);
	io.serverSideEmit('news', 'x', 2);
	io.serverSideEmit('news');
	assert.deepEqual(await io.serverSideEmitWithAck('news', 3), [null]);
	await eventually(() => seen.length === 4, 'the events for servers');
	assert.deepEqual(seen, [{ a: 1 }, ['x', 2], [], 3]);
}

for (const name of ['8.3', 'sharded', 'streams', 'sharded, private']) {
	const { dialect = 'classic', mode } = ADAPTERS[name];

	suite(`member, ${name}`, (cleanup) => start(cleanup, dialect, mode ? { subscriptionMode: mode } : {}), (server) => {
		async function begin(cleanup) {
			const node = await startNode(cleanup, ADAPTERS[name], server.redis.port);
			const requests = dialect === 'classic' ? 'socket.io-request#/#' : 'socket.io#/#';
			await eventually(async () => Number((await server.redis.client.command('PUBSUB', dialect === 'sharded' ? 'SHARDNUMSUB' : 'NUMSUB', requests))[1]) === 2, 'both servers to be counted');
			return node;
		}

		test('answers without a client', limit(), () => withCleanup(async (cleanup) => {
			const { io } = await begin(cleanup);
			await expectAnswersAlone(io);
		}));

		test('answers, and is told', limit(), () => withCleanup(async (cleanup) => {
			const node = await begin(cleanup);
			const clients = await connectAll(cleanup, server, node);
			await joinTheirs(clients, node, async ({ io }, theirs) => {
				io.in(theirs.id).socketsJoin('r');
				await eventually(() => io.of('/').adapter.rooms.get('r')?.has(theirs.id), 'their client to be in the room');
				if (dialect === 'sharded')
					await eventually(async () => Number((await server.redis.client.command('PUBSUB', 'SHARDNUMSUB', 'socket.io#/#r#'))[1]) === 2, 'both servers in the room');
			});
			await expectTold(clients);
			await expectAnswers(clients, node.io);
			await expectServerEvents(clients, node.io);
		}));
	}, SIOCAST_ONLY);
}

suite('member, older adapters', (cleanup) => start(cleanup, 'classic'), (server) => {
	const counted = (n) => eventually(async () => Number((await server.redis.client.command('PUBSUB', 'NUMSUB', 'socket.io-request#/#'))[1]) === n, `${n} servers to be counted`);

	test('6.1', limit(), () => withCleanup(async (cleanup) => {
		const node = await startNode(cleanup, ADAPTERS[6.1], server.redis.port);
		await counted(2);
		const clients = await connectAll(cleanup, server, node);
		const { ours, polling, theirs } = clients;
		await joinTheirs(clients, node, ({ io }) => io.of('/').adapter.addAll(theirs.id, new Set(['r'])));
		await expectTold(clients);
		assert.deepEqual([...(await node.io.allSockets())].sort(), [ours.id, polling.id, theirs.id].sort());
		assert.deepEqual([...(await node.io.in('r').allSockets())].sort(), [ours.id, polling.id, theirs.id].sort());
		const { adapter } = node.io.of('/');
		assert.deepEqual([...(await adapter.allRooms())].sort(), ['r', ours.id, polling.id, theirs.id].sort());
		await adapter.remoteJoin(ours.id, 'x');
		assert.ok((await ask(ours, 'rooms'))[0].includes('x'));
		await adapter.remoteLeave(ours.id, 'x');
		assert.ok(!(await ask(ours, 'rooms'))[0].includes('x'));
		await adapter.remoteDisconnect(ours.id, false);
		await eventually(() => !ours.connected, 'the end of a socket');
	}));

	test('5.4', limit(), () => withCleanup(async (cleanup) => {
		const node = await startNode(cleanup, ADAPTERS[5.4], server.redis.port);
		await counted(2);
		const clients = await connectAll(cleanup, server, node, connectOld);
		const { ours, polling, theirs } = clients;
		await joinTheirs(clients, node, ({ io }) => new Promise((resolve) => io.of('/').connected[theirs.id].join('r', resolve)));
		await expectTold(clients, true);
		const { adapter } = node.io.of('/');
		const call = (method, ...args) => within(new Promise((resolve, reject) => adapter[method](...args, (error, value) => (error ? reject(error) : resolve(value)))), method);
		assert.deepEqual((await call('clients', [])).sort(), [ours.id, polling.id, theirs.id].sort());
		assert.deepEqual((await call('clients', ['r'])).sort(), [ours.id, polling.id, theirs.id].sort());
		assert.deepEqual((await call('clientRooms', ours.id)).sort(), ['r', ours.id].sort());
		assert.deepEqual((await call('allRooms')).sort(), ['r', ours.id, polling.id, theirs.id].sort());
		adapter.customHook = (data, answer) => answer(data);
		assert.deepEqual((await call('customRequest', 7)).sort((a, b) => (a ?? 0) - (b ?? 0)), [null, 7]);
		await call('remoteJoin', ours.id, 'x');
		assert.ok((await ask(ours, 'rooms'))[0].includes('x'));
		await call('remoteLeave', ours.id, 'x');
		assert.ok(!(await ask(ours, 'rooms'))[0].includes('x'));
		await call('remoteDisconnect', ours.id, true);
		await eventually(() => !ours.connected, 'the end of a socket');
	}));
}, SIOCAST_ONLY);

test('two of us and one of Node: everybody once; Redis goes and comes back', { ...limit(), skip: SIOCAST_ONLY }, () => withCleanup(async (cleanup) => {
	const one = await start(cleanup, 'classic');
	const two = await startSiocast(cleanup, { ...config('classic'), redis: one.redis.url });
	await subscribed(two);
	const node = await startNode(cleanup, ADAPTERS[8.3], one.redis.port);
	const sockets = [await connect(cleanup, one), await connect(cleanup, two), await connect(cleanup, { url: node.url, path: '/socket.io/' })];
	const seen = sockets.map(() => []);
	sockets.forEach((socket, i) => socket.onAny((...args) => seen[i].push(args)));
	const counted = () => eventually(async () => Number((await one.redis.client.command('PUBSUB', 'NUMSUB', 'socket.io-request#/#'))[1]) === 3, 'three servers to be counted');
	await counted();
	await ask(sockets[0], 'tell', 'a', 1);
	await ask(sockets[1], 'tell', 'b', 2);
	await eventually(() => seen.every((list) => list.length === 2), 'both events at all clients');
	assert.equal((await node.io.fetchSockets()).length, 3);
	await one.redis.client.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
	await counted();
	await subscribed(one);
	await subscribed(two);
	assert.equal((await node.io.fetchSockets()).length, 3);
	await ask(sockets[0], 'tell', 'end', 3);
	await eventually(() => seen.every((list) => list.at(-1)[1] === 'end'), 'the last event at all clients');
	for (const list of seen) assert.deepEqual(list.map(([, name]) => name).sort(), ['a', 'b', 'end']);
}));

test('a namespace that a reload adds has us as a server, and one that it takes away has not', { ...limit(), skip: SIOCAST_ONLY }, () => withCleanup(async (cleanup) => {
	const server = await start(cleanup, 'classic');
	const counted = (nsp, n) => eventually(async () => Number((await server.redis.client.command('PUBSUB', 'NUMSUB', `socket.io-request#${nsp}#`))[1]) === n, `${n} servers of ${nsp}`);
	await counted('/chat', 1);
	await counted('/new', 0);
	const config = { ...server.config, namespaces: { '/': HANDLERS, '/new': {}, '/of/*': {} } };
	await fs.writeFile(server.file, JSON.stringify(config));
	server.child.child.kill('SIGHUP');
	await counted('/new', 1);
	await counted('/chat', 0);
	await counted('/', 1);
	// Of a pattern's it is while somebody is there.
	await counted('/of/a', 0);
	const socket = await connect(cleanup, server, { namespace: '/of/a' });
	await counted('/of/a', 1);
	socket.disconnect();
	await counted('/of/a', 0);
}));
