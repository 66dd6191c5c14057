// SPDX-License-Identifier: MIT
//
// siocast.resume(): official clients before 4.6 whose line breaks come back to their rooms, and to what they missed; their listeners
// never see an offset. Those of revision 3 that do not ask get none at all.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import siocast from '../client-js/siocast.js';
import { Cleanup } from '../tests/e2e/lib/cleanup.mjs';
import { Cutter } from '../tests/e2e/lib/cutter.mjs';
import { SIOCAST_ONLY, feedsReady, startSiocast } from '../tests/e2e/lib/daemon.mjs';
import { metric } from '../tests/e2e/lib/metrics.mjs';
import { freePort } from '../tests/e2e/lib/ports.mjs';
import { startRedis } from '../tests/e2e/lib/redis.mjs';
import { SLOW, eventually, limit } from '../tests/e2e/lib/wait.mjs';
import { Client, plain } from './lib/client.mjs';
import { atLeast } from './lib/versions.mjs';

const WAYS = [
	...['1.0.6', '1.3.7', '1.7.4', '2.5.0', '3.1.3', '4.5.4'].flatMap((version) => ['polling', 'websocket'].map((transport) => ({ version, build: 'node', transport }))),
	...['1.0.6', '2.5.0', '4.5.4'].map((version) => ({ version, build: 'bundle', transport: 'upgrade' })),
	{ version: '1.7.4', build: 'bundle', transport: 'jsonp' },
];
// The same parameter of the page's own, however it is given.
const PARAMETERS = [{ query: { page: 'x' } }, { query: 'page=x' }, {}];
const limits = { limit: 20_000 * SLOW, reconnection: true, reconnectionDelay: 100, reconnectionDelayMax: 300, randomizationFactor: 0 };

const batch = { interval: 0 };
const feeds = [
	{ channel: 'n', event: 'json', encode: 'json', batch },
	{ channel: 'n', event: 'text', encode: 'text', batch: { interval: 1, format: 'lines' } },
	{ channel: 'n', event: 'binary', encode: 'binary', batch: { interval: 1, format: 'frames' } },
	{ channel: 'room', event: 'room', room: 'a', encode: 'json', batch },
	{ channel: 'n', event: 'more', namespace: '/more', encode: 'json', batch },
];
const on = { join: [{ join: '{1}' }, { ack: ['{rooms}', '{query.page}'] }], tell: [{ emit: ['own', '{1}'] }] };

async function start(cleanup) {
	const redis = await startRedis(cleanup, await freePort());
	const namespaces = { '/': { on }, '/more': { on }, '/plain': { connectionStateRecovery: false, on } };
	const server = await startSiocast(cleanup, { workers: 2, redis: redis.url, feeds, namespaces, connectionStateRecovery: {} });
	await feedsReady(redis, server);
	const cutter = await Cutter.open(cleanup, server.port);
	const publish = (channel, n) => redis.client.command('PUBLISH', channel, String(n));
	return { ...server, cleanup, cutter, publish };
}

/** A client with a second namespace on its connection, and all that its listeners get, as text. */
function open(server, kind, i, resumes) {
	const query = PARAMETERS[i % PARAMETERS.length];
	const path = query.query ? '' : '/?page=x';
	const client = new Client(kind, server.cutter.url + path, { ...limits, ...query });
	const other = client.also('/more');
	const got = { events: [], connects: [], more: [], raw: [] };
	server.cleanup.add(client, () => {
		// 1.0.6 keeps the connection when its sockets are gone, and would come back for ever.
		client.socket.io.reconnection(false);
		other.close();
		client.close();
		client.engine?.close?.();
	});
	if (resumes) {
		assert.equal(siocast.resume(client.socket), client.socket);
		siocast.resume(client.socket); // once more does nothing
	}
	for (const event of ['json', 'room', 'own']) client.socket.on(event, (...args) => got.events.push([event, ...args.map(plain)]));
	for (const event of ['text', 'binary']) {
		siocast.on(client.socket, event, (n) => got.events.push([event, n]));
		client.socket.on(event, (...args) => got.raw.push(args.length));
	}
	client.socket.on('connect', () => got.connects.push(client.socket.recovered));
	other.socket.on('more', (...args) => got.more.push(args.map(plain)));
	return { kind, client, other, got, name: Object.values(kind).join(' ') };
}

async function connected(clients) {
	for (const { client, other } of clients) {
		await client.connected();
		await other.connected();
	}
}

const ofEvent = ({ got }, event) => got.events.filter(([name]) => name === event).map(([, ...args]) => args);
const numbers = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => [from + i]);

/** Breaks all lines until the server knows, does something meanwhile, and waits until the clients are back. */
async function away(server, clients, meanwhile) {
	const before = clients.map(({ got }) => got.connects.length);
	server.cutter.cut();
	await eventually(() => clients.every(({ client }) => !client.socket.connected), 'the clients to know');
	await meanwhile();
	server.cutter.mend();
	for (const [i, { got, name, other }] of clients.entries())
		await eventually(() => got.connects.length > before[i] && other.socket.connected, `${name} to be back`);
}

const everyone = async (server, clients, n) => {
	for (const one of clients) {
		for (const event of ['json', 'text', 'binary']) await eventually(() => ofEvent(one, event).at(-1)?.[0] === n, `${one.name}: ${event} ${n}: ${JSON.stringify(one.got)}`);
		await eventually(() => one.got.more.at(-1)?.[0] === n, `${one.name}: more ${n}`);
	}
};

test('clients of every generation come back, listeners see no offset', { ...limit(100), skip: SIOCAST_ONLY }, async () => {
	const cleanup = new Cleanup();
	try {
		const server = await start(cleanup);
		const clients = WAYS.map((kind, i) => open(server, kind, i, true));
		await connected(clients);
		for (const { client, other, kind } of clients) {
			assert.deepEqual(await client.ask('join', 'a'), [['a'], 'x']);
			await other.ask('join', 'b');
			assert.equal(client.socket.recovered, false, kind.version);
		}
		await server.publish('n', 1);
		await server.publish('room', 1);
		await everyone(server, clients, 1);
		for (const { client } of clients) client.emit('tell', 'x');
		for (const one of clients) await eventually(() => ofEvent(one, 'own').length === 1, `${one.name} its own`);
		await away(server, clients, async () => {
			for (const n of [2, 3]) await server.publish('n', n);
			await server.publish('room', 2);
		});
		await server.publish('n', 4);
		await everyone(server, clients, 4);
		await away(server, clients, () => undefined);
		await away(server, clients, () => server.publish('n', 5));
		await everyone(server, clients, 5);
		await server.publish('room', 3);
		for (const one of clients) {
			await eventually(() => ofEvent(one, 'room').length === 3, `${one.name} its room`);
			assert.deepEqual(one.got.connects, [false, true, true, true], one.name);
			for (const event of ['json', 'text', 'binary']) assert.deepEqual(ofEvent(one, event), numbers(1, 5), `${one.name} ${event}`);
			assert.deepEqual(ofEvent(one, 'room'), numbers(1, 3), one.name);
			assert.deepEqual(ofEvent(one, 'own'), [['x']], one.name);
			assert.deepEqual(one.got.more, numbers(1, 5), one.name);
			assert.deepEqual(new Set(one.got.raw), new Set([1]), one.name);
			assert.equal(one.other.socket.recovered, true, one.name);
			assert.deepEqual((await one.client.ask('join', 'c'))[0], ['a', 'c']);
		}
		await eventually(async () => (await metric(server, 'recoveries_total{result="recovered"}')) === 3 * 2 * clients.length, 'all to be counted');
	} finally {
		await cleanup.run();
	}
});

test('who asks late, who says good-bye, and who does not ask', { ...limit(60), skip: SIOCAST_ONLY }, async () => {
	const cleanup = new Cleanup();
	try {
		const server = await start(cleanup);
		const kinds = ['1.0.6', '1.7.4', '2.5.0'].map((version) => ({ version, build: 'node', transport: 'websocket' }));
		const clients = kinds.map((kind, i) => open(server, kind, i, false));
		await connected(clients);
		await server.publish('n', 1);
		await everyone(server, clients, 1);
		for (const { client } of clients) siocast.resume(client.socket);
		for (const { client } of clients) await client.ask('join', 'a');
		for (const n of [2, 3]) await server.publish('n', n);
		await everyone(server, clients, 3);
		await away(server, clients, () => server.publish('n', 4));
		await everyone(server, clients, 4);
		for (const one of clients) {
			assert.deepEqual(one.got.connects, [undefined, true]);
			assert.deepEqual(ofEvent(one, 'json'), numbers(1, 4));
			assert.deepEqual(new Set(one.got.raw), new Set([1]));
		}
		// 1.0.6 counts its namespaces anew whenever it is back, and keeps the connection.
		for (const { client, other, got } of clients.slice(1)) {
			const ended = client.ended();
			other.socket.disconnect();
			client.socket.disconnect();
			await ended;
			client.socket.connect();
			await eventually(() => got.connects.length === 3, 'a new beginning');
			assert.equal(got.connects[2], false);
		}
		const others = kinds.map((kind, i) => open(server, kind, i, false));
		await connected(others);
		await server.publish('n', 5);
		await everyone(server, others, 5);
		for (const { client, got } of others) {
			assert.deepEqual(got.more, [[5]]);
			assert.deepEqual(new Set(got.raw), new Set([1]));
			client.emit('tell', 'y');
		}
		for (const one of others) await eventually(() => ofEvent(one, 'own').length === 1, 'its own');
		assert(others.every((one) => ofEvent(one, 'own')[0].length === 1));
	} finally {
		await cleanup.run();
	}
});

for (const version of ['4.6.2', '4.8.4']) {
	test(`${version} does it by itself`, limit(), () => {
		const socket = new Client({ version, build: 'node', transport: 'websocket' }, 'http://127.0.0.1:9', { autoConnect: false }).socket;
		const { packet } = socket;
		assert.equal(siocast.resume(socket), socket);
		assert.equal(socket.packet, packet);
		assert.equal(socket.io.siocastMemory, undefined);
		assert(atLeast(version, '4.6'));
	});
}
