// SPDX-License-Identifier: MIT
//
// What goes wrong in real life: Redis away, the daemon away, clients that stop reading, no files left to open.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MODES, ask, collect, connect, connectMode } from './lib/client.mjs';
import { SIOCAST_ONLY, configure, feedsReady, launchSiocast, startSiocast } from './lib/daemon.mjs';
import { SEPARATOR, Session, openJoined, websocket } from './lib/engine.mjs';
import { Wire } from './lib/http.mjs';
import { withCleanup } from './lib/cleanup.mjs';
import { metric } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { eventually, limit, once } from './lib/wait.mjs';
import { upgradeRequest } from './lib/ws.mjs';

const modes = Object.keys(MODES);
const namespaces = { '/': { on: { 'message-with-ack': [{ ack: ['...{args}'] }] } } };
const feeds = [{ channel: 'news', event: 'news', encode: 'json', batch: { interval: 0 } }];
const siocastOnly = { ...limit(120), skip: SIOCAST_ONLY };

/** Clients of all modes that count how often they lost the connection, with what they hear. */
async function connectAll(cleanup, server) {
	return Promise.all(
		modes.map(async (mode) => {
			const socket = await connectMode(cleanup, server, mode);
			const client = { mode, socket, news: collect(socket, 'news'), lost: 0 };
			socket.on('disconnect', () => client.lost++);
			return client;
		}),
	);
}

async function assertHear(clients, redis, message) {
	await redis.client.publish('news', JSON.stringify(message));
	for (const { mode, news } of clients) assert.deepEqual(await news.next(`"${message}" for ${mode}`), [message]);
}

async function assertAnswers(clients, text) {
	for (const { socket } of clients) assert.deepEqual(await ask(socket, 'message-with-ack', text), [text]);
}

test('Redis goes and comes back: the clients stay and data flows again', siocastOnly, () =>
	withCleanup(async (cleanup) => {
		const port = await freePort();
		let redis = await startRedis(cleanup, port);
		const server = await startSiocast(cleanup, { redis: redis.url, feeds, namespaces });
		await feedsReady(redis, server);
		const clients = await connectAll(cleanup, server);
		await assertHear(clients, redis, 'before');
		for (let round = 0; round < 2; round++) {
			await redis.child.kill();
			await assertAnswers(clients, `without Redis ${round}`);
			redis = await startRedis(cleanup, port);
			await feedsReady(redis, server);
			await assertHear(clients, redis, `after ${round}`);
		}
		for (const { mode, lost } of clients) assert.equal(lost, 0, mode);
	}),
);

test('started while Redis is away: clients connect, data flows once it is there', siocastOnly, () =>
	withCleanup(async (cleanup) => {
		const port = await freePort();
		const server = await startSiocast(cleanup, { redis: `redis://127.0.0.1:${port}/0`, feeds, namespaces });
		const clients = await connectAll(cleanup, server);
		await assertAnswers(clients, 'no Redis yet');
		const redis = await startRedis(cleanup, port);
		await feedsReady(redis, server);
		await assertHear(clients, redis, 'now');
		for (const { mode, lost } of clients) assert.equal(lost, 0, mode);
	}),
);

test('Redis hangs up on the subscriber: it subscribes again', siocastOnly, () =>
	withCleanup(async (cleanup) => {
		const redis = await startRedis(cleanup, await freePort());
		const server = await startSiocast(cleanup, { redis: redis.url, feeds, namespaces });
		await feedsReady(redis, server);
		const clients = await connectAll(cleanup, server);
		for (let round = 0; round < 3; round++) {
			assert.ok((await redis.client.command('CLIENT', 'KILL', 'TYPE', 'pubsub')) >= 1);
			await feedsReady(redis, server);
			await assertHear(clients, redis, `round ${round}`);
		}
	}),
);

for (const [how, end] of [
	['killed', (child) => child.kill()],
	['stopped', (child) => child.stop()],
]) {
	test(`the daemon is ${how} and started again: clients reconnect by themselves`, limit(120), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort());
			const setup = await configure(cleanup, { redis: redis.url, feeds, namespaces });
			const first = await launchSiocast(cleanup, setup);
			await feedsReady(redis, setup);
			const clients = await connectAll(cleanup, setup);
			await assertHear(clients, redis, 'before');
			const left = clients.map(({ socket }) => once(socket, 'disconnect'));
			const back = clients.map(({ socket }) => once(socket, 'connect'));
			await end(first);
			// A page told to go ("io server disconnect") would not come back by itself.
			for (const [reason] of await Promise.all(left)) assert.match(reason, /^transport (close|error)$/);
			await launchSiocast(cleanup, setup);
			await Promise.all(back);
			await feedsReady(redis, setup);
			await assertAnswers(clients, 'again');
			await assertHear(clients, redis, 'after');
		}),
	);
}

const bulk = [
	{ channel: 'bulk', event: 'bulk', batch: { interval: 0 } },
	{ channel: 'strict', event: 'strict', batch: { interval: 0 }, slow: 'disconnect' },
];
const CHUNK = 'x'.repeat(100_000);

/** Publishes `count` big messages, each once the healthy client has got the one before. */
async function pour(redis, inbox, channel, count) {
	for (let n = 0; n < count; n++) {
		await redis.client.publish(channel, JSON.stringify({ n, CHUNK }));
		const [buffer] = await inbox.next(`big message ${n}`);
		assert.ok(buffer.subarray(0, 20).toString().startsWith(`[{"n":${n},`));
	}
}

test('a client that stops reading does not hurt the others, and goes on with whole packets', siocastOnly, () =>
	withCleanup(async (cleanup) => {
		const redis = await startRedis(cleanup, await freePort());
		const server = await startSiocast(cleanup, { redis: redis.url, feeds: bulk, namespaces });
		await feedsReady(redis, server);
		const healthy = await connect(cleanup, server, MODES.websocket);
		const heard = collect(healthy, 'bulk');
		const stopped = await openJoined(server);
		cleanup.add(stopped, () => stopped.close());
		stopped.wire.socket.pause();
		const idle = await Session.open(server);
		await idle.post('40');
		await idle.packets();
		// Far more than the kernel's buffers hold.
		await pour(redis, heard, 'bulk', 400);
		const late = await idle.poll();
		assert.equal(late.status, 200);
		assert.ok(late.body.length < 4_000_000, `${late.body.length} bytes waited for a client that does not poll`);
		for (const packet of late.text.split(SEPARATOR)) assert.match(packet.slice(0, 20), /^(451-\["bulk",|b[A-Za-z0-9+/]+|2$)/);
		stopped.wire.socket.resume();
		await redis.client.publish('bulk', JSON.stringify({ n: 'last' }));
		let packets = 0;
		for (let binary = ''; !binary.startsWith('[{"n":"last"'); packets++) {
			assert.equal(await stopped.nextText(), '451-["bulk",{"_placeholder":true,"num":0}]');
			binary = (await stopped.next()).binary.toString();
			assert.doesNotThrow(() => JSON.parse(binary));
		}
		assert.ok(packets < 400, `all ${packets} packets were kept for a client that did not read`);
	}),
);

test('a feed with "slow": "disconnect" lets go of a client that stops reading', siocastOnly, () =>
	withCleanup(async (cleanup) => {
		const redis = await startRedis(cleanup, await freePort());
		const server = await startSiocast(cleanup, { redis: redis.url, feeds: bulk, namespaces });
		await feedsReady(redis, server);
		const healthy = await connect(cleanup, server, MODES.websocket);
		const heard = collect(healthy, 'strict');
		const stopped = await openJoined(server);
		cleanup.add(stopped, () => stopped.close());
		stopped.wire.socket.pause();
		await pour(redis, heard, 'strict', 400);
		stopped.wire.socket.resume();
		await stopped.closed();
		assert.ok(healthy.connected);
	}),
);

test('no files left to open: those inside go on, and it recovers', siocastOnly, () =>
	withCleanup(async (cleanup) => {
		const redis = await startRedis(cleanup, await freePort());
		const wrap = (command, args) => ['sh', ['-c', 'ulimit -n 64 && exec "$0" "$@"', command, ...args]];
		const setup = await configure(cleanup, { redis: redis.url, feeds, namespaces });
		await launchSiocast(cleanup, setup, { wrap });
		await feedsReady(redis, setup);
		const inside = await connect(cleanup, setup, MODES.websocket);
		const client = { mode: 'inside', socket: inside, news: collect(inside, 'news') };
		for (let round = 0; round < 2; round++) {
			const crowd = await Promise.all(Array.from({ length: 150 }, () => Wire.open(setup.port)));
			await assertAnswers([client], `crowded ${round}`);
			await assertHear([client], redis, `crowded ${round}`);
			for (const wire of crowd) wire.close();
			const late = await connect(cleanup, setup, { ...MODES.websocket, timeout: 5000 });
			await assertAnswers([{ socket: late }], 'in again');
			late.disconnect();
		}
	}),
);

// A machine that was suspended, or a processor that others had: what clients sent in time counts, though the time is over.
test('pongs and upgrades that came while the daemon was held up count', siocastOnly, () =>
	withCleanup(async (cleanup) => {
		const engine = { pingInterval: 1000, pingTimeout: 1000, upgradeTimeout: 1000 };
		const server = await startSiocast(cleanup, { engine, namespaces });
		const direct = await openJoined(server);
		assert.equal(await direct.nextText('a ping'), '2');

		const probe = await (await Session.open(server)).webSocket();
		await probe.text('2probe');
		assert.equal(await probe.nextText('the answer to the probe'), '3probe');

		server.child.child.kill('SIGSTOP');
		await direct.text('3');
		await probe.text('5');
		await probe.text('40');
		await new Promise((resolve) => setTimeout(resolve, 1500));
		server.child.child.kill('SIGCONT');
		assert.equal(await direct.nextText('the next ping'), '2');
		assert.match(await probe.nextText('CONNECT'), /^40/);
	}),
);

test('maxConnections is what all workers have together, whichever gets how many', siocastOnly, () =>
	withCleanup(async (cleanup) => {
		const max = 12;
		const server = await startSiocast(cleanup, { workers: 6, limits: { maxConnections: max }, namespaces });
		const open = [];
		for (let round = 0; round < 4; round++) {
			// With two for each worker some of these would be refused nearly always.
			while (open.length < max) open.push(await openJoined(server));
			for (let i = 0; i < 6; i++) await assert.rejects(openJoined(server));
			assert.equal(await metric(server, 'connections_refused_total'), 6 * (round + 1));
			for (const socket of open.splice(0, 5)) socket.close();
			await eventually(async () => (await metric(server, 'connections')) === max - 5, 'five connections to end');
		}
		for (const socket of open) socket.close();
	}),
);

test('maxConnections counts what is open, also after WebSockets that were cut while they opened', siocastOnly, () =>
	withCleanup(async (cleanup) => {
		const max = 4;
		const server = await startSiocast(cleanup, { workers: 1, limits: { maxConnections: max }, namespaces });
		const sample = (name) => metric(server, name);
		const settled = (n) => eventually(async () => (await sample('connections')) === n, `${n} open connections`);
		const attempt = async (target) => {
			const wire = await Wire.open(server.port);
			await wire.send(upgradeRequest(target).bytes);
			return wire;
		};

		for (let round = 0; round < 5; round++) {
			const { sid } = await Session.open(server);
			await settled(0);
			for (const target of [websocket(server.path), websocket(server.path, sid)]) {
				(await attempt(target)).socket.resetAndDestroy();
				await settled(0);
			}
		}
		assert.equal(await sample('sessions{transport="websocket"}'), 0);

		const open = [];
		while (open.length < max) open.push(await openJoined(server));
		await assert.rejects(openJoined(server));
		await settled(max);
		assert.equal(await sample('connections_refused_total'), 1);
		open.pop().close();
		await settled(max - 1);
		open.push(await openJoined(server));
		for (const socket of open) socket.close();
	}),
);
