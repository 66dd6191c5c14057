// SPDX-License-Identifier: MIT
//
// What changes while clients stay: who comes later finds it, who is there loses nothing.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { MODES, ask, connect, connectMode } from './lib/client.mjs';
import { SIOCAST_ONLY, feedsReady } from './lib/daemon.mjs';
import { polling } from './lib/engine.mjs';
import { request } from './lib/http.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { reload, startReloadable, write } from './lib/reload.mjs';
import { eventually, limit } from './lib/wait.mjs';

/** What the handshake tells a client of revision 4. */
async function handshake(server, headers = {}) {
	const answer = await request(server.port, 'GET', polling(server.path), headers);
	return { status: answer.status, answer, ...(answer.status === 200 ? JSON.parse(answer.text.slice(1)) : {}) };
}

/** Numbers as they come, to each of some sockets: complete, in order, once. */
function counted(sockets, event) {
	return sockets.map((socket) => {
		const seen = [];
		socket.on(event, (n) => seen.push(n));
		socket.on('disconnect', (why) => seen.push(`disconnected: ${why}`));
		return seen;
	});
}

describe('changes live', { skip: SIOCAST_ONLY }, () => {
	test('intervals, transports, cookies and origins are for who comes later', limit(), () =>
		withCleanup(async (cleanup) => {
			const server = await startReloadable(cleanup, { workers: 2 });
			const client = await connect(cleanup, server, MODES.polling);
			const before = await handshake(server);
			assert.equal(before.pingInterval, 25000);
			assert.equal(before.answer.header('set-cookie'), undefined);
			assert.equal(before.answer.header('access-control-allow-origin'), '*');
			const answer = await reload(server, {
				engine: { pingInterval: 12000, pingTimeout: 5000, transports: ['polling'], cookie: 'io' },
				cors: { origin: 'http://a.example' },
			});
			assert.deepEqual(answer.needsRestart, []);
			assert.equal(answer.changed.length, 5);
			// Of each worker.
			for (let i = 0; i < 8; i++) {
				const now = await handshake(server);
				assert.deepEqual([now.pingInterval, now.pingTimeout, now.upgrades], [12000, 5000, []]);
				assert.match(now.answer.header('set-cookie'), /^io=/);
				assert.equal(now.answer.header('access-control-allow-origin'), 'http://a.example');
			}
			const file = await request(server.port, 'GET', '/socket.io/socket.io.js');
			assert.equal(file.header('access-control-allow-origin'), 'http://a.example');
			assert.ok(client.connected);
			await assert.rejects(connect(cleanup, server, { ...MODES.websocket, reconnection: false }));
		}),
	);

	test('limits are for all', limit(), () =>
		withCleanup(async (cleanup) => {
			const namespaces = { '/': { on: { join: [{ join: '{1}' }, { ack: [1] }] } }, '/a': {}, '/b': {} };
			const server = await startReloadable(cleanup, { namespaces });
			const client = await connect(cleanup, server);
			const reloaded = await reload(server, {
				limits: { roomNameLength: 3, namespacesPerClient: 1, authBytes: 20, headerBytes: 2000, keepAliveSeconds: 5 },
				log: { level: 'debug' },
			});
			assert.deepEqual(reloaded.needsRestart, []);
			await ask(client, 'join', 'long name');
			await eventually(() => server.child.output.includes('limit=limits.roomNameLength max=3'), 'the join to be refused');
			const second = client.io.socket('/a');
			const why = new Promise((resolve) => second.once('connect_error', (error) => resolve(error.message)));
			second.connect();
			assert.equal(await why, 'Too many namespaces');
			await assert.rejects(connect(cleanup, server, { namespace: '/b', auth: { token: 'x'.repeat(50) }, reconnection: false }), /too large/);
			assert.equal((await handshake(server, { 'X-Long': 'y'.repeat(3000) })).status, 431);
			assert.ok(client.connected);
		}),
	);

	test('who is there loses nothing in a hundred changes, right and wrong ones, some of them at once', limit(120), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort());
			const feeds = [{ channel: 'n', event: 'n', encode: 'json', batch: { interval: 0 } }];
			const server = await startReloadable(cleanup, { redis: redis.url, workers: 2, feeds });
			await feedsReady(redis, server);
			const sockets = [];
			for (const mode of ['polling', 'websocket', 'upgrade', 'polling', 'websocket']) sockets.push(await connectMode(cleanup, server, mode));
			const seen = counted(sockets, 'n');
			let n = 0;
			let publishing = true;
			// No faster than they read, so that none of them is too slow.
			const read = () => Math.min(...seen.map((list) => list.length));
			const publisher = (async () => {
				while (publishing) {
					await redis.client.command('PUBLISH', 'n', String(n++));
					if (n - read() > 200) await eventually(() => n - read() < 100, 'the clients to read');
				}
			})();
			for (let i = 0; i < 100; i++) {
				const engine = { pingInterval: 25000 + i, cookie: i % 3 === 0 };
				await write(server, { engine, cors: { origin: [`http://a${i}.example`] }, wrong: i % 10 === 9 ? 1 : undefined });
				if (i % 7 === 0) process.kill(server.child.pid, 'SIGHUP');
				const answers = await Promise.all(i % 5 === 0 ? [reload(server), reload(server)] : [reload(server)]);
				for (const { status } of answers) assert.equal(status, i % 10 === 9 ? 422 : 200);
			}
			publishing = false;
			await publisher;
			await eventually(() => seen.every((list) => list.length >= n), 'all messages to arrive');
			for (const list of seen) assert.deepEqual(list, Array.from({ length: n }, (_, i) => i));
			assert.equal((await handshake(server)).pingInterval, 25098);
		}),
	);
});
