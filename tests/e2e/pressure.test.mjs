// SPDX-License-Identifier: MIT
//
// Nobody takes the server down: clients that ask for more than they read, that leave no turn to others, that hold what they
// do not use. Each test is an attack, bounded in count and time; it passes when the daemon does not notice much of it.

import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import { test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { SIOCAST_ONLY, configure, feedsReady, launchSiocast, startSiocast } from './lib/daemon.mjs';
import { SEPARATOR, Session, TEXT, forgotten, openDirect, polling, settle } from './lib/engine.mjs';
import { Wire, request, requestBytes } from './lib/http.mjs';
import { metric } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { SLOW, eventually, limit } from './lib/wait.mjs';

const siocastOnly = { ...limit(120), skip: SIOCAST_ONLY };
const MB = 1_000_000;

/** What a program has in memory, in bytes. A sanitizer keeps what was freed, so with one the figure says nothing. */
async function memory(server) {
	const status = await fs.readFile(`/proc/${server.child.pid}/status`, 'utf8');
	return 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(status)[1]);
}

async function assertMemory(server, before, most, what) {
	const grown = (await memory(server)) - before;
	if (SLOW === 1) assert.ok(grown < most, `${what} took ${(grown / MB).toFixed(1)} MB`);
}

/** About so many bytes of whole copies. */
function repeated(bytes, size) {
	return Buffer.concat(Array(Math.floor(size / bytes.length)).fill(bytes));
}

/** A connection that sends and reads nothing. */
async function deaf(cleanup, port) {
	const wire = await Wire.open(port);
	cleanup.add(wire, () => wire.close());
	wire.socket.on('error', () => {});
	wire.socket.pause();
	return wire;
}

/** Sends bytes again and again until nothing is taken any more for a while; how many have gone. */
async function fill(wire, bytes, most) {
	const { socket } = wire;
	for (let last = -1, still = 0; still < 25 && socket.bytesWritten < most && !socket.destroyed; ) {
		while (socket.writableLength < 4 * bytes.length && socket.bytesWritten < most) socket.write(bytes);
		await new Promise((resolve) => setTimeout(resolve, 20));
		const gone = socket.bytesWritten - socket.writableLength;
		still = gone === last ? still + 1 : 0;
		last = gone;
	}
	return socket.bytesWritten - socket.writableLength;
}

for (const where of ['port', 'admin']) {
	test(`who asks and asks and reads nothing is not read either (${where})`, siocastOnly, () =>
		withCleanup(async (cleanup) => {
			const server = await startSiocast(cleanup, {});
			const target = where === 'port' ? '/nothing' : '/metrics';
			const wire = await deaf(cleanup, server[where]);
			const before = await memory(server);
			const sent = await fill(wire, repeated(requestBytes('GET', target), 65_536), 40 * MB);
			assert.ok(sent < 39 * MB, `${sent} bytes of requests were taken`);
			await assertMemory(server, before, 10 * MB, 'answers that nobody reads');
		}),
	);
}

test('an answer that is not read ends its connection, a slow download does not', siocastOnly, () =>
	withCleanup(async (cleanup) => {
		const www = await cleanup.folder();
		await fs.writeFile(`${www}/large.bin`, Buffer.alloc(12 * MB, 'siocast '));
		const server = await startSiocast(cleanup, { www, limits: { keepAliveSeconds: SLOW } });
		const slow = await deaf(cleanup, server.port);
		const never = await deaf(cleanup, server.port);
		// Much more than the kernel keeps.
		for (const wire of [slow, never]) await wire.send(repeated(requestBytes('GET', '/large.bin'), 400));
		let [got, goal] = [0, 0];
		slow.socket.on('data', (chunk) => {
			got += chunk.length;
			slow.data = Buffer.alloc(0);
			// Here, not by who waits: a fast machine has read everything until that one looks.
			if (got >= goal) slow.socket.pause();
		});
		slow.socket.pause();
		// Longer than what is allowed, with pauses that are shorter. Each step is more than what a kernel waits for to be read
		// before it opens a closed window.
		for (let i = 0; i < 8; i++) {
			await new Promise((resolve) => setTimeout(resolve, 400));
			goal = got + 4 * MB;
			slow.socket.resume();
			await eventually(() => got >= goal, 'the next bytes');
		}
		goal = Infinity;
		slow.socket.resume();
		await eventually(() => got > 60 * MB, 'the rest of a slow download');
		await eventually(async () => (await metric(server, 'connections')) === 0, 'the end of the other connection');
	}),
);

// Stopped, the server has all of the flood before it when it goes on, and the two requests behind it.
test('a flood of requests leaves others their turn', siocastOnly, () =>
	withCleanup(async (cleanup) => {
		const server = await startSiocast(cleanup, {});
		const [wire, other] = [await Wire.open(server.port), await Wire.open(server.port)];
		for (const each of [wire, other]) cleanup.add(each, () => each.close());
		const want = requestBytes('GET', '/nothing');
		server.child.child.kill('SIGSTOP');
		const sent = wire.send(repeated(want, 4 * MB));
		await other.send(Buffer.concat([want, want]));
		await new Promise((resolve) => setTimeout(resolve, 200));
		server.child.child.kill('SIGCONT');
		for (let i = 0; i < 2; i++) await other.response('GET');
		assert.ok(wire.data.length < MB / 2, `${wire.data.length} bytes were answered before`);
		await sent;
	}),
);

test('a flood of events in one POST leaves others their turn', siocastOnly, () =>
	withCleanup(async (cleanup) => {
		const server = await startSiocast(cleanup, { namespaces: { '/': { on: { a: [{ leave: 'none' }] } } } });
		const [wire, other] = [await Wire.open(server.port), await Wire.open(server.port)];
		for (const each of [wire, other]) cleanup.add(each, () => each.close());
		const session = await Session.open(server);
		await session.post('40');
		const events = 100_000;
		await wire.send(requestBytes('POST', session.target, TEXT, Array(events).fill('42["a"]').join(SEPARATOR)));
		let meanwhile = 0;
		for (; wire.data.length === 0; meanwhile++) {
			await other.send(requestBytes('GET', '/nothing'));
			await other.response('GET');
		}
		assert.equal((await wire.response('POST')).text, 'ok');
		assert.ok(meanwhile >= 5, `${meanwhile} requests of another were answered meanwhile`);
		assert.equal(await metric(server, 'events_received_total{namespace="/"}'), events);
	}),
);

test('who polls again without having read what the poll before brought ends', siocastOnly, () =>
	withCleanup(async (cleanup) => {
		const redis = await startRedis(cleanup, await freePort());
		const feeds = [{ channel: 'news', event: 'news', encode: 'json', batch: { interval: 0, maxBytes: 50 * MB } }];
		const server = await startSiocast(cleanup, { redis: redis.url, feeds });
		await feedsReady(redis, server);
		const session = await Session.open(server);
		await session.post('40');
		await session.packets();
		// More than the kernel keeps of what is not read.
		const message = JSON.stringify('x'.repeat(12 * MB));
		const before = await memory(server);
		let polls = 0;
		for (; polls < 10; polls++) {
			const wire = await deaf(cleanup, server.port);
			await wire.send(requestBytes('GET', session.target));
			await settle(server.port, server.path);
			if ((await metric(server, 'sessions{transport="polling"}')) === 0) break;
			await redis.client.publish('news', message);
			await eventually(async () => (await metric(server, 'broadcasts_total')) > polls, 'the message to be taken');
		}
		assert.ok(polls < 10, 'the session is still there');
		await assertMemory(server, before, 80 * MB, 'answers that nobody reads');
	}),
);

test('who asks for acks and does not fetch them is ended, small as they are', siocastOnly, () =>
	withCleanup(async (cleanup) => {
		const server = await startSiocast(cleanup, { namespaces: { '/': { on: { a: [{ ack: [] }] } } } });
		const session = await Session.open(server);
		await session.post('40');
		const before = await memory(server);
		for (let round = 0; round < 2; round++) {
			const events = Array.from({ length: 50_000 }, (_, i) => `42${100_000 + i}["a"]`);
			await session.post(events.join(SEPARATOR));
		}
		await forgotten(server, session.sid);
		assert.equal(await metric(server, 'slow_disconnected_total'), 1);
		await assertMemory(server, before, 6 * MB, 'acks that nobody fetches');
	}),
);

test('who pings by itself and does not read is ended', siocastOnly, () =>
	withCleanup(async (cleanup) => {
		const server = await startSiocast(cleanup, {});
		const open = await request(server.port, 'GET', `${server.path}?EIO=3&transport=polling&b64=1`);
		const { sid } = JSON.parse(/\{.*?\}/.exec(open.text)[0]);
		const target = `${server.path}?EIO=3&transport=polling&b64=1&sid=${sid}`;
		const before = await memory(server);
		for (let round = 0; round < 2; round++) await request(server.port, 'POST', target, TEXT, '1:2'.repeat(100_000));
		assert.equal((await request(server.port, 'POST', target, TEXT, '1:2')).text, '{"code":1,"message":"Session ID unknown"}');
		await assertMemory(server, before, 6 * MB, 'pongs that nobody fetches');
	}),
);

test('sessions without connections are bounded: those that nobody uses go first, then no more begin', siocastOnly, () =>
	withCleanup(async (cleanup) => {
		const max = 20;
		const namespaces = { '/': { on: { a: [{ ack: ['{query.name}'] }] } } };
		const server = await startSiocast(cleanup, { limits: { maxSessions: max }, namespaces });
		const open = () => metric(server, 'sessions{transport="polling"}');
		const first = await Session.open(server);
		const joined = await Session.open(server, `&name=ann&fat=${'x'.repeat(8000)}`);
		await joined.post('40');
		await joined.packets();
		const patient = await Session.open(server);
		const held = await patient.startPoll();
		for (let i = 0; i < 3 * max; i++) await Session.open(server, `&fat=${'x'.repeat(8000)}`);
		assert.equal(await open(), max);
		await forgotten(server, first.sid);
		assert.equal((await joined.post('421["a"]')).text, 'ok');
		assert.deepEqual(await joined.packets(), ['431["ann"]']);
		assert.ok(!held.done);
		assert.equal(await metric(server, 'sessions_evicted_total'), 2 * max + 3);
		held.cancel();
		await eventually(async () => (await open()) === max - 1, 'the end of the session that polled');

		// Those that are in a namespace stay.
		const late = [];
		while (late.length < max - 1) {
			const session = await Session.open(server);
			await session.post('40');
			late.push(session);
		}
		assert.equal((await request(server.port, 'GET', polling(server.path))).status, 503);
		await assert.rejects(openDirect(server), / 503 /);
		assert.equal(await metric(server, 'sessions_refused_total'), 2);
		await late[0].post('1');
		await openDirect(server).then((socket) => socket.close());
		assert.equal((await joined.post('422["a"]')).text, 'ok');
	}),
);

// What the next request on a connection does must not end the session that is just being answered.
test('handshakes behind each other on one connection, when there is room for one session', siocastOnly, () =>
	withCleanup(async (cleanup) => {
		const server = await startSiocast(cleanup, { limits: { maxSessions: 1 } });
		const wire = await Wire.open(server.port);
		cleanup.add(wire, () => wire.close());
		const count = 50;
		const handshake = requestBytes('GET', polling(server.path));
		await wire.send(repeated(handshake, count * handshake.length));
		let sessions = 0;
		for (let i = 0; i < count; i++) if ((await wire.response('GET')).status === 200) sessions++;
		assert.ok(sessions > 0);
		await eventually(async () => (await metric(server, 'sessions{transport="polling"}')) <= 1, 'one session to be left');
	}),
);

test('a crowd leaves files for Redis and for the admin port', siocastOnly, () =>
	withCleanup(async (cleanup) => {
		const port = await freePort();
		const feeds = [{ channel: 'news', event: 'news' }];
		const wrap = (command, args) => ['sh', ['-c', 'ulimit -n 80 && exec "$0" "$@"', command, ...args]];
		const setup = await configure(cleanup, { redis: `redis://127.0.0.1:${port}`, feeds });
		const child = await launchSiocast(cleanup, setup, { wrap });
		await child.says(/event=files limit=80/);
		const files = /event=files limit=80 connections=(\d+)/.exec(child.output);
		assert.ok(files && Number(files[1]) > 4 && Number(files[1]) < 60, child.output);
		const crowd = [];
		const come = async () => {
			const wire = await Wire.open(setup.port);
			cleanup.add(wire, () => wire.close());
			wire.socket.on('error', () => {});
			crowd.push(wire);
		};
		while (crowd.length < 120) await come();
		const ready = async () => (await request(setup.admin, 'GET', '/readyz')).status;
		assert.equal(await ready(), 503);
		await startRedis(cleanup, port);
		// Whoever is turned away tries again.
		await eventually(async () => {
			for (let i = 0; i < 20; i++) await come();
			return (await ready()) === 200;
		}, 'Redis to be reached');
		assert.ok(child.output.split('accept-paused').length <= 2, child.output);
	}),
);

test('a body that nobody wants is refused before it comes, and not kept', siocastOnly, () =>
	withCleanup(async (cleanup) => {
		const server = await startSiocast(cleanup, {});
		const head = (target, length) => requestBytes('POST', target, { 'Content-Length': length, Connection: 'keep-alive' });
		const before = await memory(server);
		for (const [target, status] of [
			['/nothing', 404],
			[`${server.path}socket.io.js`, 405],
			[polling(server.path), 400],
			[polling(server.path, 'unknown'), 400],
		]) {
			const wires = [];
			for (let i = 0; i < 20; i++) {
				const wire = await Wire.open(server.port);
				cleanup.add(wire, () => wire.close());
				await wire.send(head(target, 900_000));
				assert.equal((await wire.response('POST')).status, status, target);
				await wire.send(Buffer.alloc(800_000, 'x'));
				wires.push(wire);
			}
			await assertMemory(server, before, 6 * MB, `bodies for ${target}`);
			// What follows the body is a request again.
			await wires[0].send(Buffer.concat([Buffer.alloc(100_000, 'x'), requestBytes('GET', '/nothing')]));
			assert.equal((await wires[0].response('GET')).status, 404);
			for (const wire of wires) wire.close();
		}
		const wire = await Wire.open(server.port);
		cleanup.add(wire, () => wire.close());
		await wire.send(requestBytes('POST', '/nothing', { 'Content-Length': 10, Expect: '100-continue' }));
		assert.equal((await wire.response('POST')).status, 404);
		const broken = await Wire.open(server.port);
		cleanup.add(broken, () => broken.close());
		await broken.send(requestBytes('POST', '/nothing', { 'Transfer-Encoding': 'chunked' }));
		assert.equal((await broken.response('POST')).status, 404);
		await broken.send('no length\r\n');
		await broken.closed();
		assert.equal(broken.data.length, 0);
	}),
);

test('a request has a time, whatever comes of it meanwhile', siocastOnly, () =>
	withCleanup(async (cleanup) => {
		const server = await startSiocast(cleanup, { limits: { requestSeconds: 2, headerSeconds: 1 } });
		const session = await Session.open(server);
		const slow = async (first, more) => {
			const wire = await Wire.open(server.port);
			cleanup.add(wire, () => wire.close());
			wire.socket.on('error', () => {});
			const begun = Date.now();
			await wire.send(first);
			const drip = setInterval(() => wire.socket.write(more), 200);
			cleanup.add(drip, () => clearInterval(drip));
			await wire.closed();
			clearInterval(drip);
			return (Date.now() - begun) / 1000;
		};
		const body = requestBytes('POST', session.target, { 'Content-Length': 100_000 });
		const took = await Promise.all([
			slow(body, '6'),
			// What is behind a request that was answered at once is a head like any other.
			slow(Buffer.concat([requestBytes('GET', '/nothing'), Buffer.from('GET /not')]), 'h'),
		]);
		assert.ok(took[0] > 1.5 && took[1] < took[0], `${took} s`);
	}),
);

test('namespaces and auth of a client are bounded', siocastOnly, () =>
	withCleanup(async (cleanup) => {
		const names = ['/', ...Array.from({ length: 4 }, (_, i) => `/n${i}`)];
		const namespaces = Object.fromEntries(names.map((name) => [name, {}]));
		const server = await startSiocast(cleanup, { namespaces, limits: { namespacesPerClient: 3, authBytes: 100 } });
		const socket = await openDirect(server);
		cleanup.add(socket, () => socket.close());
		const connect = async (name, auth = '') => {
			await socket.text(`40${name},${auth}`);
			return socket.nextText('the answer to CONNECT');
		};
		assert.equal(await connect('/n0', `{"a":"${'x'.repeat(100)}"}`), '44/n0,{"message":"Authentication data too large"}');
		assert.match(await connect('/n0', `{"a":"${'x'.repeat(90)}"}`), /^40\/n0,/);
		assert.match(await connect('/n1'), /^40\/n1,/);
		assert.match(await connect('/n2'), /^40\/n2,/);
		assert.equal(await connect('/n3'), '44/n3,{"message":"Too many namespaces"}');
		await socket.text('41/n0,');
		assert.match(await connect('/n3'), /^40\/n3,/);
		assert.equal(await metric(server, 'connect_refused_total'), 2);
	}),
);
