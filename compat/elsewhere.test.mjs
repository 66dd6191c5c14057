// SPDX-License-Identifier: MIT
//
// Official clients from 4.6 on, whose siocast is killed, come back to another one: each version that knows recovery, on each transport.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { Cleanup } from '../tests/e2e/lib/cleanup.mjs';
import { Cutter } from '../tests/e2e/lib/cutter.mjs';
import { SIOCAST_ONLY, feedsReady, startSiocast } from '../tests/e2e/lib/daemon.mjs';
import { freePort } from '../tests/e2e/lib/ports.mjs';
import { startRedis } from '../tests/e2e/lib/redis.mjs';
import { SLOW, eventually, limit } from '../tests/e2e/lib/wait.mjs';
import { Client } from './lib/client.mjs';

const WAYS = ['4.6.2', '4.7.5', '4.8.4'].flatMap((version) => [
	...['polling', 'websocket', 'upgrade'].map((transport) => ({ version, build: 'node', transport })),
	{ version, build: 'bundle', transport: 'upgrade' },
]);
const options = { limit: 20_000 * SLOW, reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 200, randomizationFactor: 0 };
const feeds = [
	{ stream: 's', field: 'n', event: 'all', encode: 'json', batch: { interval: 0 } },
	{ stream: 's', field: 'n', event: 'room', room: 'a', encode: 'json', batch: { interval: 20 } },
];
const namespaces = { '/': { on: { join: [{ join: '{1}' }, { ack: ['{rooms}'] }] } } };

/** A client, what it got, and how often it connected. */
function open(cleanup, kind, url) {
	const client = new Client(kind, url, options);
	const got = { all: [], room: [], connects: [] };
	cleanup.add(client, () => client.close());
	client.socket.on('all', (n) => got.all.push(n));
	client.socket.on('room', (list) => got.room.push(...list));
	client.socket.on('connect', () => got.connects.push({ recovered: client.socket.recovered, id: client.socket.id }));
	return { client, got, name: Object.values(kind).join(' ') };
}

test('clients from 4.6 on come back to another siocast', { ...limit(60), skip: SIOCAST_ONLY }, async () => {
	const cleanup = new Cleanup();
	try {
		const redis = await startRedis(cleanup, await freePort());
		const secretFile = path.join(await cleanup.folder(), 'secret');
		fs.writeFileSync(secretFile, 'a secret that both servers have\n');
		const config = { workers: 2, redis: redis.url, feeds, namespaces, connectionStateRecovery: { elsewhere: { secretFile } } };
		const servers = await Promise.all([1, 2].map(() => startSiocast(cleanup, config)));
		const cutter = await Cutter.open(cleanup, servers[0].port);
		let sent = 0;
		const say = () => redis.client.command('XADD', 's', '*', 'n', String(++sent));
		await say();
		await Promise.all(servers.map(({ admin }) => eventually(async () => (await fetch(`http://127.0.0.1:${admin}/readyz`)).ok, 'siocast to be ready')));
		const all = WAYS.map((kind) => open(cleanup, kind, cutter.url));
		await eventually(() => all.every(({ got }) => got.connects.length === 1), 'all to connect');
		await Promise.all(all.map(({ client }) => new Promise((resolve) => client.socket.emit('join', 'a', resolve))));
		const first = sent + 1;
		const has = ({ got }) => got.all.at(-1) === sent && got.room.at(-1) === sent;
		for (let i = 0; i < 20; i++) await say();
		await eventually(() => all.every(has), 'what came first');
		cutter.target = servers[1].port;
		await servers[0].child.kill();
		for (let i = 0; i < 20; i++) await say();
		await eventually(() => all.every(has), () => `what came meanwhile: ${all.filter((each) => !has(each)).map(({ name }) => name)}`);
		for (const { got, name } of all) {
			const [before, after] = got.connects;
			assert.deepEqual([got.connects.length, after.recovered, after.id], [2, true, before.id], name);
			const whole = Array.from({ length: sent - first + 1 }, (_, i) => first + i);
			assert.deepEqual(got.all.filter((n) => n >= first), whole, name);
			assert.deepEqual(got.room.filter((n) => n >= first), whole, name);
		}
	} finally {
		await cleanup.run();
	}
});
