// SPDX-License-Identifier: MIT
//
// A restart without a break: the next process takes the sockets, the connections to Redis and what was in memory from the one before.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { MODES, ask, collect, connect, upgraded } from './lib/client.mjs';
import { SIOCAST_ONLY } from './lib/daemon.mjs';
import { Session } from './lib/engine.mjs';
import { Renewed, handshake } from './lib/handover.mjs';
import { request } from './lib/http.mjs';
import { startManager } from './lib/manager.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { eventually, limit, once } from './lib/wait.mjs';

const single = { encode: 'json', batch: { interval: 0 } };
const on = { join: [{ join: '{1}' }, { ack: ['{rooms}'] }], rooms: [{ ack: ['{sid}', '{rooms}'] }] };
const connectionStateRecovery = { maxDisconnectionDuration: 60000 };

async function open(server, n) {
	const sockets = [];
	for (let i = 0; i < n; i++) sockets.push(await connect(server.cleanup, server, Object.values(MODES)[i % 3]));
	for (const socket of sockets) if (socket.io.opts.transports.length > 1) await upgraded(socket);
	return sockets;
}

/** Publishes numbers, one in each turn, until it is stopped. */
function publishAll(cleanup, publish) {
	let next = 0;
	let stopped = false;
	const done = (async () => {
		while (!stopped) {
			await publish(next++);
			await new Promise((resolve) => setTimeout(resolve, 3));
		}
	})();
	done.catch(() => undefined);
	cleanup.add(done, () => {
		stopped = true;
	});
	return {
		get next() {
			return next;
		},
		async stop() {
			stopped = true;
			await done;
			return next;
		},
	};
}

/** Connects again and again, and says what was not answered 200. */
function connectAll(server, everyMs) {
	const refused = [];
	const all = [];
	const timer = setInterval(() => {
		all.push(handshake(server).catch((error) => refused.push(error.message)));
	}, everyMs);
	server.cleanup.add(timer, () => clearInterval(timer));
	return async () => {
		clearInterval(timer);
		await Promise.all(all);
		return { refused, n: all.length };
	};
}

describe('a restart without a break', { skip: SIOCAST_ONLY }, () => {
	for (const [source, before, after] of [['subscribe', 1, 3], ['subscribe', 2, 1], ['psync', 2, 2]])
		test(`nobody is refused and nothing lost: ${source}, ${before} worker(s), then ${after}`, limit(), () =>
			withCleanup(async (cleanup) => {
				const redis = await startRedis(cleanup, await freePort(), { args: ['--repl-diskless-sync-delay', '0'] });
				const feeds = [
					{ channel: 'n', event: 'n', ...single },
					{ pattern: 'batch.*', event: 'batch', room: 'all', encode: 'json', batch: { interval: 50 }, retain: 3 },
					{ stream: 's', field: 'data', event: 's', ...single },
				];
				const server = await Renewed.start(cleanup, { workers: before, redis: { url: redis.url, source }, feeds, connectionStateRecovery, namespaces: { '/': { on } } });
				await server.ready();
				const sockets = await open(server, 9);
				const got = sockets.map(() => ({ n: [], batch: [], s: [] }));
				sockets.forEach((socket, i) => {
					for (const name of ['n', 'batch', 's']) socket.on(name, (item) => got[i][name].push(item));
				});
				for (const socket of sockets) await ask(socket, 'join', 'all');
				const ids = sockets.map(({ id }) => id);
				const publishing = publishAll(cleanup, async (n) => {
					await redis.client.command('PUBLISH', 'n', String(n));
					await redis.client.command('PUBLISH', `batch.${n % 7}`, String(n));
					await redis.client.command('XADD', 's', '*', 'data', String(n));
				});
				const connecting = connectAll(server, 20);
				await eventually(() => publishing.next > 20, 'some to be published');
				for (const workers of [after, before]) {
					const back = sockets.map((socket) => once(socket, 'connect'));
					server.rewrite({ workers });
					await server.renew();
					await Promise.all(back);
					sockets.forEach((socket, i) => assert.equal(socket.recovered, true, `client ${i} of ${server.started}:\n${server.child.tail()}`));
				}
				const { refused, n } = await connecting();
				assert.deepEqual(refused, []);
				assert.ok(n > 20, `${n} connections`);
				const until = await publishing.stop();
				const all = Array.from({ length: until }, (_, k) => k);
				for (const [i, socket] of sockets.entries()) {
					await eventually(() => got[i].n.length >= until && got[i].batch.flat().length >= until && got[i].s.length >= until, `all ${until} for client ${i}: ${got[i].n.length}, ${got[i].batch.flat().length}, ${got[i].s.length}`);
					assert.deepEqual(got[i].n, all);
					assert.deepEqual(got[i].s, all);
					assert.deepEqual(got[i].batch.flat(), all);
					assert.deepEqual(await ask(socket, 'rooms'), [ids[i], ['all']]);
				}
				// What is retained has come along, too.
				const late = await connect(cleanup, server, MODES.websocket);
				const inbox = collect(late, 'batch');
				await ask(late, 'join', 'all');
				assert.deepEqual((await inbox.next())[0], all.slice(-3));
				assert.equal(server.started.length, 3);
				if (source === 'subscribe') assert.match(server.child.output, /event=handed-over pid=\d+ connections-to-redis=1 /);
				assert.doesNotMatch(server.child.output, /event=gap/);
			}),
		);

	test('the service manager learns whose service it is now', limit(), () =>
		withCleanup(async (cleanup) => {
			const manager = await startManager(cleanup);
			const server = await Renewed.start(cleanup, { workers: 2 }, { env: { NOTIFY_SOCKET: manager.socket, WATCHDOG_USEC: '400000' } });
			const [first] = server.started;
			await server.renew();
			const second = server.pid;
			await eventually(() => manager.heard(second).includes('WATCHDOG=1'), 'the next process to say that it works');
			const [before, after] = [first, second].map((pid) => manager.heard(pid));
			assert.equal(before.at(-1), `MAINPID=${second}`);
			assert.ok(!before.some((line) => line.startsWith('STOPPING')), 'the service does not stop');
			assert.equal(after[0], 'READY=1');
			await server.stop();
			await eventually(() => manager.heard(second).includes('STOPPING=1'), 'the end');
		}),
	);

	test('what is wrong with the next process leaves this one as it was', limit(), () =>
		withCleanup(async (cleanup) => {
			const server = await Renewed.start(cleanup, { workers: 2 });
			const socket = await connect(cleanup, server, { ...MODES.websocket, reconnection: false });
			const failures = () => server.child.output.split('event=restart-failed').length - 1;
			const attempt = async (pattern) => {
				const before = failures();
				process.kill(server.pid, 'SIGUSR2');
				await eventually(() => failures() > before, 'it to say so');
				await server.child.says(pattern);
				assert.equal((await Session.open(server)).answer.status, 200);
			};
			fs.writeFileSync(server.file, '{ "listen": ');
			await attempt(/siocast\.json:1:\d+: [^]*event=restart-failed pid=\d+ reason="the new process ended before it was ready: its own lines say why" status=1 /);
			server.rewrite({ www: '/nonexistent' });
			await attempt(/\/nonexistent[^]*event=restart-failed/);
			server.rewrite({ www: undefined, log: { target: '/nonexistent/log' } });
			await attempt(/event=log-failed[^]*event=restart-failed/);
			assert.ok(socket.connected);
			assert.equal(server.started.length, 1);
			// And then it works.
			server.rewrite({ log: undefined });
			await server.renew();
			assert.equal((await Session.open(server)).answer.status, 200);
			await eventually(() => !socket.connected, 'the client to leave');
		}),
	);

	test('feeds that come and go with it: the connection to Redis stays, and what is new is subscribed to', limit(), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort());
			const feed = (channel) => ({ channel, event: channel, ...single });
			const server = await Renewed.start(cleanup, { workers: 2, redis: redis.url, feeds: [feed('old'), feed('kept')], connectionStateRecovery });
			await server.ready();
			const socket = await connect(cleanup, server, MODES.websocket);
			const inboxes = ['old', 'kept', 'new'].map((event) => collect(socket, event));
			const back = once(socket, 'connect');
			server.rewrite({ feeds: [feed('new'), feed('kept')] });
			const client = async () => /id=(\d+) [^\n]*name=siocast[^\n]*\b(?:sub|psub)=[1-9]/.exec(await redis.client.command('CLIENT', 'LIST'))?.[1];
			const before = await client();
			await server.renew();
			await back;
			await redis.client.hasSubscribers(['new', 'kept']);
			for (const channel of ['old', 'kept', 'new']) await redis.client.command('PUBLISH', channel, '1');
			assert.equal((await inboxes[1].next())[0], 1);
			assert.equal((await inboxes[2].next())[0], 1);
			assert.deepEqual(inboxes[0].items, []);
			assert.equal(await client(), before);
			// Nobody was sent anything of the new feed that he has not got.
			assert.equal(socket.recovered, true);
		}),
	);

	test('a Unix socket and its file, a second signal, and the end', limit(), () =>
		withCleanup(async (cleanup) => {
			const file = path.join(await cleanup.folder(), 'sock');
			const port = await freePort();
			const server = await Renewed.start(cleanup, { listen: [`127.0.0.1:${port}`, `unix:${file}`], workers: 2, drain: { seconds: 1 } }, { port });
			for (let i = 0; i < 3; i++) {
				await server.renew();
				for (const where of [port, file]) assert.equal((await Session.open({ ...server, port: where })).answer.status, 200);
			}
			process.kill(server.pid, 'SIGUSR2');
			process.kill(server.pid, 'SIGUSR2');
			await eventually(() => server.started.length === 5, 'the next process');
			assert.equal((await request(server.admin, 'GET', '/livez')).status, 200);
			await server.stop();
			assert.equal(fs.existsSync(file), false);
		}),
	);
});
