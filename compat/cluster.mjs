#!/usr/bin/env node
// SPDX-License-Identifier: MIT
//
// Who understands whom in one cluster: writes compat/CLUSTER.md. Every emitter and every adapter, each with a server of its time, beside a
// siocast that listens (emit-only) and one that is a member. The tests of tests/e2e are the same, in short.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ADAPTERS, EMITTERS, broadcasts, connectClients, expectBroadcasts, expectDisconnects, expectOrders, packages, redisClient, startNode } from '../tests/e2e/lib/adapters.mjs';
import { Cleanup } from '../tests/e2e/lib/cleanup.mjs';
import { ask, connect } from '../tests/e2e/lib/client.mjs';
import { startSiocast } from '../tests/e2e/lib/daemon.mjs';
import { metric } from '../tests/e2e/lib/metrics.mjs';
import { freePort } from '../tests/e2e/lib/ports.mjs';
import { startRedis } from '../tests/e2e/lib/redis.mjs';
import { eventually, within } from '../tests/e2e/lib/wait.mjs';

const HANDLERS = { on: { join: [{ join: '{1}' }, { ack: [] }], rooms: [{ ack: ['{rooms}'] }], tell: [{ broadcast: { event: 'told', args: ['{1}'] } }, { ack: [] }] } };
const NONE = '–';
const HERE = dirname(fileURLToPath(import.meta.url));
const versionOf = (name) => JSON.parse(readFileSync(join(HERE, '../tests/adapters/node_modules', name, 'package.json'))).version;

/** So many runs at a time. */
const AT_ONCE = 6;
const waiting = [];
let running = 0;
const begin = () => new Promise((resolve) => (running < AT_ONCE ? resolve(running++) : waiting.push(resolve)));
const end = () => (waiting.length ? waiting.shift()() : running--);

/** A Redis and a siocast, until `run` has ended. Whether that went well. */
async function beside(adapter, run) {
	await begin();
	const cleanup = new Cleanup();
	try {
		const redis = await startRedis(cleanup, await freePort());
		const server = await startSiocast(cleanup, { adapter, namespaces: { '/': HANDLERS, '/chat': HANDLERS }, redis: redis.url, workers: 2 });
		await eventually(async () => (await metric(server, 'adapter_subscribed')) === 1, 'the subscriptions of the adapter');
		await run(cleanup, { ...server, redis });
		return 'yes';
	} catch (error) {
		console.error(error);
		return '**no**';
	} finally {
		await cleanup.run();
		end();
	}
}

const config = ({ dialect = 'classic', mode }, is) => ({ mode: is, dialects: [dialect], ...(mode ? { subscriptionMode: mode } : {}) });

/** Rooms of sharded Pub/Sub have a channel as soon as Redis has been asked. */
async function heard(server, { dialect, mode = 'dynamic' }) {
	if (dialect !== 'sharded') return;
	const wanted = mode === 'static' ? ['/#', '/chat#'] : ['/#', '/chat#', '/#r1#', '/#r2#', '/chat#r1#'];
	await eventually(async () => {
		const names = (await server.redis.client.command('PUBSUB', 'SHARDCHANNELS')).map(String);
		return wanted.every((name) => names.includes(`socket.io#${name}`));
	}, 'the channels');
}

/** Sockets of a server of Node, and what asks them: by what its version has. */
function counted(io, version) {
	const { adapter } = io.of('/');
	if (io.fetchSockets) return async () => (await io.fetchSockets()).map(({ id }) => id);
	if (version === '6.1') return async () => [...(await io.allSockets())];
	if (adapter.clients.length >= 2) return () => new Promise((resolve, reject) => adapter.clients([], (error, ids) => (error ? reject(error) : resolve(ids))));
	return undefined;
}

const clientOf = (adapter) => (['server-1.7', 'server-2.5'].includes(adapter.server)
	? (cleanup, url) => {
		const socket = packages('client-2.5')(url, { forceNew: true });
		cleanup.add(socket, () => socket.close());
		return within(new Promise((resolve) => socket.on('connect', () => resolve(socket))), 'an old client');
	}
	: (cleanup, url) => connect(cleanup, { url, path: '/socket.io/' }));

const member = {
	/** What a client of ours has broadcast, at theirs. */
	async told(cleanup, server, adapter) {
		const node = await startNode(cleanup, adapter, server.redis.port);
		const theirs = await clientOf(adapter)(cleanup, node.url);
		const ours = await connect(cleanup, server);
		const seen = [];
		theirs.on('told', (value) => seen.push(value));
		await eventually(async () => {
			await ask(ours, 'tell', 'hello');
			return seen.length > 0;
		}, 'the broadcast');
		await ask(ours, 'tell', { a: [1, null] });
		await eventually(() => typeof seen.at(-1) === 'object', 'the last broadcast');
		assert.deepEqual(seen.at(-1), { a: [1, null] });
	},

	async asked(cleanup, server, adapter, version) {
		const node = await startNode(cleanup, adapter, server.redis.port);
		const ours = await connect(cleanup, server);
		const ids = counted(node.io, version);
		await eventually(async () => (await ids()).includes(ours.id), 'our socket among theirs');
	},

	async acked(cleanup, server, adapter) {
		const node = await startNode(cleanup, adapter, server.redis.port);
		const ours = await connect(cleanup, server);
		ours.on('question', (callback) => callback('answer'));
		await eventually(async () => (await node.io.fetchSockets()).length === 1, 'our socket among theirs');
		assert.deepEqual(await node.io.timeout(5000).emitWithAck('question'), ['answer']);
	},

	async server(cleanup, server, adapter) {
		const node = await startNode(cleanup, adapter, server.redis.port);
		await connect(cleanup, server);
		await eventually(async () => (await node.io.fetchSockets()).length === 1, 'our socket among theirs');
		assert.deepEqual(await node.io.serverSideEmitWithAck('hello'), [null]);
	},
};

async function emitterRow(version, make) {
	const run = (what) => beside({ mode: 'emit-only' }, async (cleanup, server) => {
		const emitter = make(redisClient(cleanup, 'ioredis', server.redis.port));
		await what(await connectClients(cleanup, server), emitter);
	});
	return [
		await run((clients, emitter) => expectBroadcasts(clients, broadcasts((nsp) => emitter.of(nsp), { except: version >= 4 }))),
		version < 4 ? NONE : await run(async (clients, emitter) => {
			await expectOrders(clients, emitter.of('/'));
			await expectDisconnects(clients, emitter.of('/'));
		}),
	];
}

async function adapterRow(version, adapter) {
	const listens = (what) => beside(config(adapter, 'emit-only'), async (cleanup, server) => {
		const { io } = await startNode(cleanup, adapter, server.redis.port);
		const clients = await connectClients(cleanup, server);
		await heard(server, adapter);
		await what(clients, io);
	});
	const is = (what) => beside(config(adapter, 'member'), (cleanup, server) => member[what](cleanup, server, adapter, version));
	// These want a server 2.0 for their clients; the one that is here is a later one.
	const served = !['0.1', '3.1', '4.0'].includes(version);
	const newest = adapter.server === 'server-4.8';
	const except = newest;
	return [
		await listens((clients, io) => expectBroadcasts(clients, broadcasts((nsp) => io.of(nsp), { except, binary: version !== '0.1' }))),
		newest && (adapter.dialect !== 'sharded' || adapter.mode === 'static') ? await listens(async (clients, io) => {
			await expectOrders(clients, io.of('/'));
			await expectDisconnects(clients, io.of('/'));
		}) : newest ? await listens((clients, io) => expectDisconnects(clients, io.of('/'))) : NONE,
		served ? await is('told') : NONE,
		served && version !== '1.1' ? await is('asked') : NONE,
		newest ? await is('acked') : NONE,
		newest ? await is('server') : NONE,
	];
}

const row = (cells) => `| ${cells.join(' | ')} |`;
const told = (cells) => {
	console.error(row(cells));
	return row(cells);
};
// Rows run beside each other, the cells of each one after the other.
const [emitters, adapters] = await Promise.all([
	Promise.all(Object.entries(EMITTERS).map(async ([version, make]) => told([version, ...(await emitterRow(version, make))]))),
	Promise.all(Object.entries(ADAPTERS).map(async ([version, adapter]) => told([version, versionOf(adapter.server), ...(await adapterRow(version, adapter))]))),
]);
const text = `# In one cluster with Node

Made by \`./run cluster\`; do not edit. Each cell is a run of its own, with a private Redis, a siocast of two workers, and real packages;
${NONE}: that version has no such thing, or there was no server of its time with clients. What is done is in [cluster.mjs](cluster.mjs), how to set it up in
[doc/cluster.md](../doc/cluster.md).

## Emitters, to siocast

Broadcasts: namespaces, rooms, several rooms, binary, numbers and text of all kinds, exceptions where there are any, each client once.
Orders: \`socketsJoin\`, \`socketsLeave\`, \`disconnectSockets\`.

| emitter | broadcasts | orders |
|---|---|---|
${emitters.join('\n')}

## Adapters, both ways

Heard and orders as above, of a server of Node. As a member: told, a \`broadcast\` of a handler reaches a client of Node; asked, our socket
is in \`fetchSockets\`, \`allSockets\` or \`clients\`; acks, our client answers \`emitWithAck\`; servers, \`serverSideEmitWithAck\` has our answer.

| adapter | socket.io | heard | orders | told | asked | acks | servers |
|---|---|---|---|---|---|---|---|
${adapters.join('\n')}
`;
writeFileSync(join(HERE, 'CLUSTER.md'), text);
process.exitCode = /\*\*no\*\*/.test(text) ? 1 : 0;
