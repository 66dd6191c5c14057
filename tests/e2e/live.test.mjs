// SPDX-License-Identifier: MIT
//
// What changes while clients stay: who comes later finds it, who is there loses nothing.

import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { MODES, ask, connect, connectMode } from './lib/client.mjs';
import { SIOCAST_ONLY, feedsReady } from './lib/daemon.mjs';
import { polling } from './lib/engine.mjs';
import { token } from './lib/hook.mjs';
import { request } from './lib/http.mjs';
import { readMetrics, sumOf } from './lib/metrics.mjs';
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

	test('handlers are others at once, also for who is there', limit(), () =>
		withCleanup(async (cleanup) => {
			const say = (word) => ({ on: { ask: [{ ack: [word, '{query.q}'] }], go: [{ join: '{1}' }, { ack: [] }] } });
			const before = { '/': say('old'), '/gone': say('old'), '/site-*': say('old'), '/plain': {} };
			const server = await startReloadable(cleanup, { workers: 2, namespaces: before, feeds: [] });
			const slow = { rooms: { rate: { '*': { perSecond: 2 } } } };
			const open = (namespace, options) => connect(cleanup, server, { namespace, reconnection: false, query: { q: 'kept' }, ...options });
			const there = {};
			for (const name of ['/', '/gone', '/site-a', '/site-b', '/plain']) there[name] = await open(name);
			const answer = await reload(server, {
				namespaces: { '/': say('new'), '/site-*': say('new'), '/site-b': say('exact'), '/plain': say('new'), '/more': { ...say('new'), ...slow } },
			});
			assert.deepEqual(answer, { status: 200, changed: ['namespaces'], needsRestart: [] });
			// What nobody asked for when it connected was not kept of its request.
			const words = { '/': ['new', 'kept'], '/site-a': ['new', 'kept'], '/site-b': ['exact', 'kept'], '/plain': ['new', 'kept'] };
			for (const [name, said] of Object.entries(words)) {
				const answered = await new Promise((resolve) => there[name].emit('ask', (...args) => resolve(args)));
				assert.deepEqual(answered, said, name);
			}
			// A namespace that is gone stays for who is in it, and is there for nobody else.
			assert.deepEqual(await new Promise((resolve) => there['/gone'].emit('ask', (...args) => resolve(args))), ['old', 'kept']);
			await ask(there['/gone'], 'go', 'a room of its own');
			await assert.rejects(open('/gone'), /Invalid namespace/);
			for (const [name, word] of [['/more', 'new'], ['/site-b', 'exact'], ['/', 'new']]) {
				const late = await open(name);
				assert.equal((await new Promise((resolve) => late.emit('ask', (...args) => resolve(args))))[0], word);
			}
			// What is counted goes on where it was; the namespace that is gone is counted as long as somebody is in it.
			const families = await readMetrics(server);
			assert.equal(sumOf(families, 'sockets{namespace="/"}'), 2);
			assert.equal(sumOf(families, 'sockets{namespace="/gone"}'), 1);
			assert.ok(sumOf(families, 'events_received_total{namespace="/"}') >= 2);
			there['/gone'].disconnect();
			const isGone = async () => !(await request(server.admin, 'GET', '/metrics')).text.includes('namespace="/gone"');
			await eventually(isGone, 'the last to leave');
		}),
	);

	test('who may connect is asked anew, and a key that is missing changes nothing', limit(), () =>
		withCleanup(async (cleanup) => {
			const folder = await cleanup.folder();
			const [first, second] = ['a'.repeat(40), 'b'.repeat(40)];
			await fs.writeFile(path.join(folder, 'first'), first);
			await fs.writeFile(path.join(folder, 'second'), second);
			const auth = (file) => ({ jwt: { keys: [{ alg: 'HS256', secretFile: path.join(folder, file) }] } });
			const server = await startReloadable(cleanup, { auth: auth('first'), workers: 2 });
			const enter = (secret) => connect(cleanup, server, { auth: { token: token({ sub: 'x' }, secret) }, reconnection: false });
			const there = await enter(first);
			await assert.rejects(enter(second));
			assert.deepEqual(await reload(server, { auth: auth('second') }), { status: 200, changed: ['auth'], needsRestart: [] });
			await assert.rejects(enter(first));
			await enter(second);
			const missing = await reload(server, { auth: auth('third'), log: { level: 'warn' } });
			assert.equal(missing.status, 422);
			await enter(second);
			assert.deepEqual(await reload(server, { auth: undefined, log: undefined }), { status: 200, changed: ['auth'], needsRestart: [] });
			await enter('anything that is no key at all, but long enough');
			assert.ok(there.connected);
		}),
	);

	test('namespaces that cannot change live stay, and are named as long as they are others', limit(), () =>
		withCleanup(async (cleanup) => {
			const say = (word) => ({ on: { ask: [{ ack: [word] }] } });
			const server = await startReloadable(cleanup, { namespaces: { '/': say('old') } });
			const client = await connect(cleanup, server);
			const asked = () => new Promise((resolve) => client.emit('ask', resolve));
			const wanted = { '/': { ...say('new'), count: { rooms: 'a', event: 'n' } } };
			for (const needs of [{ namespaces: wanted }, {}]) {
				const held = await reload(server, needs);
				assert.deepEqual(held, { status: 200, changed: [], needsRestart: ['namespaces'] });
				assert.equal(await asked(), 'old');
			}
			await eventually(() => server.child.output.includes('event=namespaces-stay reason="presence or count is another"'), 'the reason');
			const calls = await reload(server, { namespaces: { '/': { on: { ask: [{ call: 'http://127.0.0.1:1/' }] } } } });
			assert.deepEqual(calls.needsRestart, ['namespaces']);
			const last = await reload(server, { namespaces: { '/': say('last') } });
			assert.deepEqual(last, { status: 200, changed: ['namespaces'], needsRestart: [] });
			assert.equal(await asked(), 'last');
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
				const namespaces = { '/': { on: { ask: [{ ack: [i] }] } }, [`/n${i}`]: {} };
				await write(server, { engine, namespaces, cors: { origin: [`http://a${i}.example`] }, wrong: i % 10 === 9 ? 1 : undefined });
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
