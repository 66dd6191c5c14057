// SPDX-License-Identifier: MIT
//
// What outlives a restart: sessions, what was sent, what is retained, and how far the sources have read.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { ask, collect, connect, upgraded } from './lib/client.mjs';
import { Cutter } from './lib/cutter.mjs';
import { SIOCAST_ONLY, configure, launchSiocast } from './lib/daemon.mjs';
import { withCleanup } from './lib/cleanup.mjs';
import { request } from './lib/http.mjs';
import { metric } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { eventually, limit, once } from './lib/wait.mjs';

const single = { encode: 'json', batch: { interval: 0 } };
const on = {
	join: [{ join: '{1}' }, { ack: ['{rooms}'] }],
	rooms: [{ ack: ['{sid}', '{rooms}'] }],
	tell: [{ emit: ['own', '{1}'] }, { ack: [] }],
};
const NAMESPACES = { '/': { on }, '/quiet': { on } };

/** A siocast that can be stopped and started again, with a Redis of its own. */
class Restarted {
	static async start(cleanup, config = {}, { source = 'subscribe', redisArgs = ['--repl-diskless-sync-delay', '0'] } = {}) {
		const redis = await startRedis(cleanup, await freePort(), { args: redisArgs });
		const file = path.join(await cleanup.folder(), 'state');
		const connectionStateRecovery = { maxDisconnectionDuration: 60000 };
		const setup = await configure(cleanup, { stateFile: file, redis: { url: redis.url, source }, connectionStateRecovery, namespaces: NAMESPACES, ...config });
		const server = Object.assign(new Restarted(), { ...setup, cleanup, redis, stateFile: file });
		await server.launch();
		return server;
	}

	async launch() {
		this.child = await launchSiocast(this.cleanup, this);
	}

	ready() {
		return eventually(async () => (await request(this.admin, 'GET', '/readyz')).status === 200, 'siocast to be ready');
	}

	publish(channel, message) {
		return this.redis.client.command('PUBLISH', channel, JSON.stringify(message));
	}

	add(stream, message) {
		return this.redis.client.command('XADD', stream, '*', 'data', JSON.stringify(message));
	}

	/** Stops it, does something, starts it, and waits until all clients are back. */
	async restart(sockets, meanwhile = () => undefined) {
		const gone = sockets.map((socket) => once(socket, 'disconnect'));
		const back = sockets.map((socket) => once(socket, 'connect'));
		back.forEach((promise) => promise.catch(() => undefined));
		await this.child.stop();
		await Promise.all(gone);
		await meanwhile();
		await this.launch();
		await Promise.all(back);
	}
}

const MODES = [['polling'], ['websocket'], ['polling', 'websocket']];

async function open(server, options = {}) {
	const sockets = [];
	for (const transports of [...MODES, ...MODES]) sockets.push(await connect(server.cleanup, server, { transports, ...options }));
	for (const socket of sockets) if (socket.io.opts.transports.length > 1) await upgraded(socket);
	return sockets;
}

describe('a restart', { skip: SIOCAST_ONLY, concurrency: 3 }, () => {
	for (const workers of [1, 2])
		test(`with sources that lose nothing all that was published arrives once, ${workers} worker(s)`, limit(), () =>
			withCleanup(async (cleanup) => {
				const feeds = [
					{ stream: 'entries', field: 'data', event: 'n', ...single },
					{ channel: 'n', event: 'n', ...single },
					{ stream: 'rooms', field: 'data', event: 'room', room: '{/room}', ...single },
					{ channel: 'batch', event: 'batch', encode: 'json', batch: { interval: 100 } },
				];
				const server = await Restarted.start(cleanup, { feeds, workers }, { source: 'psync' });
				await server.ready();
				const sockets = await open(server);
				const ids = sockets.map((socket) => socket.id);
				const got = sockets.map(() => ({ n: [], room: [], batch: [] }));
				sockets.forEach((socket, i) => {
					for (const name of ['n', 'room', 'batch']) socket.on(name, (item) => got[i][name].push(item));
				});
				for (const socket of sockets) await ask(socket, 'join', ['a', 'b']);
				// Half of them have received nothing when it ends; nobody can say when exactly that is.
				let next = 0;
				const one = async () => {
					const n = next++;
					await (n % 3 ? server.publish('n', n) : server.add('entries', n));
					await server.publish('batch', n);
					if (n % 10 === 0) await server.add('rooms', { room: n % 20 ? 'b' : 'c', n });
				};
				const many = async (until) => {
					while (next < until) await one();
				};
				await many(30);
				const meanwhile = many(260);
				await server.restart(sockets, () => meanwhile.then(() => many(300)));
				await server.child.says(/event=state-loaded .* sessions=6 /);
				await many(400);
				const sorted = (list) => [...list].sort((a, b) => a - b);
				const all = Array.from({ length: 400 }, (_, n) => n);
				for (const [i, socket] of sockets.entries()) {
					await eventually(() => got[i].n.length >= 400 && got[i].batch.flat().length >= 400 && got[i].room.length >= 20, `all for client ${i}: ${got[i].n.length}`);
					assert.equal(socket.recovered, true, `client ${i}`);
					assert.equal(socket.id, ids[i]);
					assert.deepEqual(await ask(socket, 'rooms'), [ids[i], ['a', 'b']]);
					assert.deepEqual(got[i].batch.flat(), all);
					assert.deepEqual(sorted(got[i].n), all, 'each of them once');
					for (const kind of [0, 1]) {
						const ofKind = got[i].n.filter((n) => (n % 3 > 0) === Boolean(kind));
						assert.deepEqual(ofKind, sorted(ofKind), 'those of one source in order');
					}
					assert.deepEqual(got[i].room.map(({ n }) => n), all.filter((n) => n % 20 === 10));
				}
				// And once more, without anything new.
				await server.restart(sockets);
				assert(sockets.every((socket, i) => socket.recovered && socket.id === ids[i]));
				await server.publish('n', 400);
				for (const { n } of got) await eventually(() => n.at(-1) === 400, 'one more');
				assert(got.every(({ n }) => n.length === 401));
			}),
		);

	test('what is retained is there at once, and goes on', limit(), () =>
		withCleanup(async (cleanup) => {
			const feeds = [
				{ channel: 'last', event: 'last', retain: 'last', room: 'r', ...single },
				{ pattern: 'by.*', event: 'by', retain: { key: '/k', max: 10 }, room: '{1}', encode: 'json', batch: { interval: 20 } },
			];
			const server = await Restarted.start(cleanup, { feeds, workers: 2 });
			await server.ready();
			await server.publish('last', 1);
			for (const k of ['x', 'y']) await server.publish('by.r', { k, n: 1 });
			await eventually(async () => (await metric(server, 'retained_messages')) === 3, 'all to be retained');
			// This one has not left yet when it ends, or it has.
			await server.publish('by.r', { k: 'x', n: 2 });
			await server.redis.client.command('PING');
			await eventually(async () => (await metric(server, 'feed_messages_total')) >= 4, 'it to have come');
			await server.restart([]);
			const socket = await connect(cleanup, server, { transports: ['websocket'] });
			const [last, by] = ['last', 'by'].map((event) => collect(socket, event));
			await ask(socket, 'join', 'r');
			assert.equal((await last.next())[0], 1);
			const [state] = await by.next();
			assert.deepEqual(state, [{ k: 'y', n: 1 }, { k: 'x', n: 2 }]);
			await server.ready();
			await server.publish('by.r', { k: 'y', n: 3 });
			assert.deepEqual((await by.next())[0], [{ k: 'y', n: 3 }]);
			const late = await connect(cleanup, server);
			const states = collect(late, 'by');
			await ask(late, 'join', 'r');
			assert.deepEqual((await states.next())[0], [{ k: 'x', n: 2 }, { k: 'y', n: 3 }]);
			assert.equal(await metric(server, 'retained_messages'), 3);
		}),
	);

	test('of plain Pub/Sub something may be lost: who could have had it begins anew, others do not', limit(), () =>
		withCleanup(async (cleanup) => {
			const feeds = [
				{ channel: 'a', event: 'a', room: 'a', ...single },
				{ stream: 'b', field: 'data', event: 'b', room: 'b', ...single },
			];
			const server = await Restarted.start(cleanup, { feeds, workers: 2 });
			await server.ready();
			const sockets = await open(server);
			const quiet = await connect(cleanup, server, { namespace: '/quiet' });
			for (const [i, socket] of sockets.entries()) await ask(socket, 'join', i % 2 ? 'b' : 'a');
			const got = sockets.map((socket) => collect(socket, 'b'));
			const own = collect(quiet, 'own');
			await ask(quiet, 'tell', 'x');
			await own.next();
			await server.restart([...sockets, quiet], () => server.add('b', 1));
			assert.deepEqual(sockets.map((socket) => socket.recovered), sockets.map((_, i) => i % 2 === 1));
			assert.equal(quiet.recovered, true);
			for (const [i, inbox] of got.entries()) if (i % 2) assert.equal((await inbox.next())[0], 1);
			assert.equal(await metric(server, 'recoveries_total{result="gap"}'), 3);
			// What counts is the restart: now nothing is missing.
			await server.ready();
			const inbox = collect(sockets[0], 'a');
			await ask(sockets[0], 'join', 'a');
			await server.publish('a', 1);
			await inbox.next();
			sockets[0].io.engine.close();
			await once(sockets[0], 'connect');
			assert.equal(sockets[0].recovered, true);
		}),
	);

	test('a stream that was cut meanwhile, and a Redis that has forgotten where we were', limit(), () =>
		withCleanup(async (cleanup) => {
			const feeds = [
				{ stream: 'cut', field: 'data', event: 'cut', room: 'cut', ...single },
				{ channel: 'far', event: 'far', room: 'far', ...single },
				{ stream: 'whole', field: 'data', event: 'whole', room: 'whole', ...single },
			];
			const redisArgs = ['--repl-diskless-sync-delay', '0', '--repl-backlog-size', '16384'];
			const server = await Restarted.start(cleanup, { feeds, workers: 2 }, { source: 'psync', redisArgs });
			await server.ready();
			const sockets = [];
			for (const room of ['cut', 'far', 'whole']) {
				const socket = await connect(cleanup, server, { transports: ['websocket'] });
				await ask(socket, 'join', room);
				sockets.push(socket);
			}
			const whole = collect(sockets[2], 'whole');
			await server.restart(sockets, async () => {
				for (let n = 0; n < 3; n++) await server.add('cut', n);
				await server.redis.client.command('XTRIM', 'cut', 'MAXLEN', '1');
				for (let n = 0; n < 60; n++) await server.publish('far', 'x'.repeat(1000));
				await server.add('whole', 1);
			});
			assert.deepEqual(sockets.map((socket) => socket.recovered), [false, false, true]);
			assert.equal((await whole.next())[0], 1);
		}),
	);

	test('while Redis is away: places outlive two restarts, and who waits too long begins anew', limit(), () =>
		withCleanup(async (cleanup) => {
			const feeds = [
				{ stream: 's', field: 'data', event: 's', room: 's', ...single },
				{ channel: 'c', event: 'c', room: 'c', ...single },
			];
			const redis = await startRedis(cleanup, await freePort(), { args: ['--repl-diskless-sync-delay', '0'] });
			const line = await Cutter.open(cleanup, redis.port);
			const server = await Restarted.start(cleanup, { feeds, workers: 2, redis: { url: `redis://127.0.0.1:${line.port}/0`, source: 'psync' } });
			await server.ready();
			const open = async (room) => {
				const socket = await connect(cleanup, server, { transports: ['websocket'] });
				await ask(socket, 'join', room);
				return [socket, collect(socket, room)];
			};
			const [s, inS] = await open('s');
			const [c, inC] = await open('c');
			const back = [s, c].map((socket) => once(socket, 'connect', 'them to be back', 40_000));
			line.cut();
			await server.child.stop();
			await redis.client.command('XADD', 's', '*', 'data', '1');
			await redis.client.command('PUBLISH', 'c', '1');
			// The second process learns nothing of Redis, and nobody is told anything.
			await server.launch();
			await eventually(async () => (await metric(server, 'sessions{transport="websocket"}')) === 2, 'them to ask');
			await server.child.stop();
			await server.child.says(/event=state-saved .* sessions=2 .* positions=2/);
			await server.launch();
			line.mend();
			await Promise.all(back);
			assert.deepEqual([s, c].map((socket) => socket.recovered), [true, true]);
			assert.equal((await inS.next())[0], 1);
			assert.equal((await inC.next())[0], 1);
			// And for good.
			const anew = [s, c].map((socket) => once(socket, 'connect', 'them to begin anew', 40_000));
			line.cut();
			await server.child.stop();
			await server.launch();
			await Promise.all(anew);
			assert.deepEqual([s, c].map((socket) => socket.recovered), [false, false]);
		}),
	);

	test('a gap while it runs: who has received nothing since begins anew', limit(), () =>
		withCleanup(async (cleanup) => {
			const feeds = [
				{ channel: 'a', event: 'a', room: 'a', ...single },
				{ stream: 'b', field: 'data', event: 'b', room: 'b', ...single },
			];
			const server = await Restarted.start(cleanup, { feeds, workers: 2 });
			await server.ready();
			const cutter = await Cutter.open(cleanup, server.port);
			const sockets = [];
			for (const room of ['a', 'a', 'b']) {
				const socket = await connect(cleanup, { ...server, url: cutter.url }, { transports: ['websocket'] });
				await ask(socket, 'join', room);
				sockets.push(socket);
			}
			await server.redis.client.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
			await eventually(async () => (await metric(server, 'feed_gaps_total')) > 0, 'the gap');
			await server.ready();
			// Those in the room get something that comes later.
			const inboxes = sockets.slice(0, 2).map((socket) => collect(socket, 'a'));
			await server.publish('a', 1);
			for (const inbox of inboxes) await inbox.next();
			const cut = async () => {
				const gone = sockets.map((socket) => once(socket, 'disconnect'));
				const back = sockets.map((socket) => once(socket, 'connect'));
				cutter.cut();
				await Promise.all(gone);
				cutter.mend();
				await Promise.all(back);
				return sockets.map((socket) => socket.recovered);
			};
			assert.deepEqual(await cut(), [true, true, true]);
			await server.redis.client.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
			await eventually(async () => (await metric(server, 'feed_gaps_total')) > 1, 'the second gap');
			assert.deepEqual(await cut(), [false, false, true]);
			assert.deepEqual(await cut(), [true, true, true]);
		}),
	);

	test('the file: its mode, that it works once, and what is no state', limit(), () =>
		withCleanup(async (cleanup) => {
			const server = await Restarted.start(cleanup, { feeds: [], workers: 2 });
			await server.child.says(/event=no-state /);
			const socket = await connect(cleanup, server, { transports: ['websocket'] });
			await ask(socket, 'join', 'a');
			let copy;
			await server.restart([socket], async () => {
				await server.child.says(/event=state-saved .* sessions=1 /);
				assert.equal(fs.statSync(server.stateFile).mode & 0o7777, 0o600);
				assert.deepEqual(fs.readdirSync(path.dirname(server.stateFile)), ['state']);
				copy = fs.readFileSync(server.stateFile);
			});
			assert.equal(socket.recovered, true);
			assert(!fs.existsSync(server.stateFile));
			// A crash: nobody goes on from what was loaded before.
			const back = once(socket, 'connect');
			await server.child.kill();
			await server.launch();
			await back;
			assert.equal(socket.recovered, false);
			const broken = [copy.subarray(0, copy.length - 1), Buffer.from(copy), Buffer.from(copy), Buffer.from('something else'), Buffer.alloc(0)];
			broken[1][60] ^= 1;
			broken[2][8] ^= 0xff;
			const reasons = ['its end is missing', 'it is damaged', 'it is of another version', 'it is something else', 'it is something else'];
			for (const [i, bytes] of broken.entries()) {
				await server.restart([socket], () => fs.writeFileSync(server.stateFile, bytes));
				assert.equal(socket.recovered, false);
				await server.child.says(new RegExp(`event=state-not-loaded .* reason="${reasons[i]}"`));
			}
		}),
	);

	test('another configuration: fewer workers, other feeds, no recovery', limit(), () =>
		withCleanup(async (cleanup) => {
			const kept = { channel: 'kept', event: 'kept', retain: 'last', room: 'x', ...single };
			const changed = { channel: 'changed', event: 'changed', retain: 'last', room: 'x', ...single };
			const server = await Restarted.start(cleanup, { feeds: [changed, kept], workers: 3 }, { source: 'psync' });
			await server.ready();
			await server.publish('kept', 1);
			await server.publish('changed', 1);
			await eventually(async () => (await metric(server, 'retained_messages')) === 2, 'both to be retained');
			const sockets = await open(server);
			for (const socket of sockets) await ask(socket, 'join', 'a');
			const rewrite = (change) => fs.writeFileSync(server.file, JSON.stringify({ ...server.config, ...change }));
			await server.restart(sockets, () => rewrite({ feeds: [kept, { ...changed, event: 'changed anew' }], workers: 1 }));
			assert(sockets.every((socket) => socket.recovered));
			assert.equal(await metric(server, 'retained_messages'), 1);
			// A connection that the server has not seen to end: its session began at a worker that is not there any more.
			const before = sockets[1].id;
			await server.restart(sockets, () => rewrite({ feeds: [], connectionStateRecovery: false }));
			assert(sockets.every((socket) => !socket.recovered));
			assert.notEqual(sockets[1].id, before);
			await server.child.says(/event=state-loaded .* sessions=0 /);
		}),
	);

	test('more sessions than there is room for: so it is said, and who has none begins anew', limit(), () =>
		withCleanup(async (cleanup) => {
			const connectionStateRecovery = { maxDisconnectionDuration: 60000, sessionBytes: 65536 };
			const server = await Restarted.start(cleanup, { feeds: [], connectionStateRecovery });
			const sockets = [];
			for (let i = 0; i < 6; i++) sockets.push(await connect(cleanup, server, { transports: ['websocket'] }));
			// Some 25 KB each.
			for (const socket of sockets) await ask(socket, 'join', [...Array(250).keys()].map((n) => `room ${n}`));
			const before = server.child;
			await server.restart(sockets);
			const [, out, kept] = /event=sessions-crowded-out sessions=(\d+) kept=(\d+) .*sessionBytes/.exec(before.output).map(Number);
			assert.ok(out > 0 && out + kept === sockets.length, `${out} and ${kept}`);
			assert.equal(sockets.filter((socket) => socket.recovered).length, kept);
		}),
	);

	test('clients that are sent away one after the other come back as well', limit(), () =>
		withCleanup(async (cleanup) => {
			const feeds = [{ stream: 's', field: 'data', event: 's', ...single }];
			const server = await Restarted.start(cleanup, { feeds, workers: 2, drain: { seconds: 1 } });
			await server.ready();
			const sockets = await open(server);
			const inboxes = sockets.map((socket) => collect(socket, 's'));
			const first = Promise.race(sockets.map((socket) => once(socket, 'disconnect')));
			const added = first.then(() => server.add('s', 1));
			await server.restart(sockets, () => added.then(() => server.add('s', 2)));
			assert(sockets.every((socket) => socket.recovered));
			for (const inbox of inboxes) {
				await inbox.until((items) => items.length >= 2, 'both');
				assert.deepEqual(inbox.items.map(([n]) => n), [1, 2]);
			}
		}),
	);

	test('a folder that cannot be written', limit(), () =>
		withCleanup(async (cleanup) => {
			const folder = path.join(await cleanup.folder(), 'x');
			fs.mkdirSync(folder);
			const server = await Restarted.start(cleanup, { feeds: [], stateFile: path.join(folder, 'state') });
			fs.rmSync(folder, { recursive: true });
			await server.child.stop();
			await server.child.says(/event=state-not-saved .* error="no such file or directory"/);
		}),
	);

	// Else the kernel would end it by a signal, in the middle of its end.
	test('a file that may not become so large', limit(), () =>
		withCleanup(async (cleanup) => {
			const server = await Restarted.start(cleanup, { feeds: [{ channel: 'q', event: 'q', encode: 'text', batch: { interval: 0 }, retain: 1000 }] });
			await server.child.stop();
			const wrap = (command, args) => ['sh', ['-c', 'ulimit -f 16; exec "$0" "$@"', command, ...args]];
			server.child = await launchSiocast(cleanup, server, { wrap });
			await server.ready();
			for (let i = 0; i < 50; i++) await server.redis.client.command('PUBLISH', 'q', 'z'.repeat(10_000));
			await eventually(async () => (await metric(server, 'retained_messages')) === 50, 'all to be retained');
			await server.child.stop();
			await server.child.says(/event=state-not-saved .* error="file too large"/);
			assert.deepEqual(fs.readdirSync(path.dirname(server.stateFile)), []);
		}),
	);
});
