// SPDX-License-Identifier: MIT
//
// Two workers on one port: whatever connection a request comes in by, it reaches its session, and an upgrade takes its socket
// along. Directly, with a new connection for every request, and through nginx with few connections shared by all.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import siocast from '../../client-js/siocast.mjs';
import { MODES, ask, collect, connectMode } from './lib/client.mjs';
import { REFERENCE, SIOCAST_ONLY, feedsReady, startSiocast } from './lib/daemon.mjs';
import { Session, TEXT, forgotten, polling, upgrade } from './lib/engine.mjs';
import { Wire, request, requestBytes } from './lib/http.mjs';
import { metric } from './lib/metrics.mjs';
import { startNginx } from './lib/nginx.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { suite } from './lib/suite.mjs';
import { limit } from './lib/wait.mjs';

const on = {
	message: [{ emit: ['message-back', '...{args}'] }],
	'message-with-ack': [{ ack: ['...{args}'] }],
};
const config = {
	workers: 2,
	namespaces: { '/': { on } },
	engine: { maxHttpBufferSize: 100000 },
	feeds: [{ channel: 'all', event: 'all', batch: { interval: 50 } }],
	limits: { clientQueueBytes: 268435456 },
};

async function joined(server) {
	const session = await Session.open(server);
	assert.equal((await session.post('40')).text, 'ok');
	assert.match((await session.packets())[0], /^40\{/);
	return session;
}

const said = (text) => `42["message","${text}"]`;
const heard = (text) => `42["message-back","${text}"]`;
const several = (n, body) => Promise.all(Array.from({ length: n }, (_, i) => body(i)));

suite('two workers', (cleanup) => startSiocast(cleanup, config), (server) => {
	test('polling over a new connection for every request', limit(), () =>
		several(10, async (who) => {
			const session = await joined(server);
			for (let i = 0; i < 10; i++) {
				const poll = await session.startPoll();
				assert.equal((await session.post(said(`${who}.${i}`))).text, 'ok');
				assert.equal((await poll.answer).text, heard(`${who}.${i}`));
			}
		}),
	);

	test('packets wait for the poll that comes by another way', limit(), () =>
		several(10, async (who) => {
			const session = await joined(server);
			for (let i = 0; i < 5; i++) await session.post(said(`${who}.${i}`));
			assert.deepEqual(await session.packets(5), [0, 1, 2, 3, 4].map((i) => heard(`${who}.${i}`)));
		}),
	);

	test('one connection with requests for all sessions', limit(), async () => {
		const sessions = await several(12, () => joined(server));
		const wire = await Wire.open(server.port);
		const ask = async (method, session, body) => {
			await wire.send(requestBytes(method, session.target, TEXT, body));
			return (await wire.response()).text;
		};
		for (let round = 0; round < 3; round++) {
			for (const [i, session] of sessions.entries()) assert.equal(await ask('POST', session, said(`${round}.${i}`)), 'ok');
			for (const [i, session] of sessions.entries()) assert.equal(await ask('GET', session), heard(`${round}.${i}`));
		}
		wire.close();
	});

	test('one connection with pipelined requests for all sessions: answers in order', limit(), async () => {
		const sessions = await several(12, () => joined(server));
		const wire = await Wire.open(server.port);
		const post = (session, i) => requestBytes('POST', session.target, TEXT, said(i));
		await wire.send(Buffer.concat(sessions.map(post)));
		for (const _ of sessions) assert.equal((await wire.response()).text, 'ok');
		await wire.send(Buffer.concat(sessions.map((session) => requestBytes('GET', session.target))));
		for (const i of sessions.keys()) assert.equal((await wire.response()).text, heard(i));
		wire.close();
	});

	test('upgrades over a new connection', limit(), () =>
		several(30, async (who) => {
			const session = await joined(server);
			await session.post(said(`${who} early`));
			const socket = await upgrade(session);
			await socket.text(said(`${who} late`));
			assert.equal(await socket.nextText(), heard(`${who} early`));
			assert.equal(await socket.nextText(), heard(`${who} late`));
			socket.close();
			await forgotten(server, session.sid);
		}),
	);

	test('polls are released while probing', limit(), () =>
		several(10, async () => {
			const session = await joined(server);
			const poll = await session.startPoll();
			const socket = await session.webSocket();
			await socket.text('2probe');
			assert.equal(await socket.nextText(), '3probe');
			assert.equal((await poll.answer).text, '6');
			assert.equal((await session.poll()).text, '6');
			await socket.text('5');
			await socket.text(said('through'));
			assert.equal(await socket.nextText(), heard('through'));
			socket.close();
		}),
	);

	test('a poll given up ends its session', limit(), () =>
		several(10, async () => {
			const session = await joined(server);
			const poll = await session.startPoll();
			// It is held once an event has gone through a first one in its place.
			await session.post(said('x'));
			assert.equal((await poll.answer).text, heard('x'));
			const held = await session.startPoll();
			await session.settle();
			held.cancel();
			await forgotten(server, session.sid);
		}),
	);

	test('two polls at once end the session: one gets 400, the other a close packet', limit(), () =>
		several(10, async () => {
			const session = await joined(server);
			const polls = await Promise.all([session.startPoll(), session.startPoll()]);
			const answers = await Promise.all(polls.map((poll) => poll.answer));
			const seen = answers.map(({ status, text }) => `${status} ${text}`).sort();
			assert.deepEqual(seen, ['200 1', '400 ']);
			await forgotten(server, session.sid);
		}),
	);

	test('a POST over the limit is 413 and does no harm', limit(), () =>
		several(6, async (who) => {
			const session = await joined(server);
			assert.equal((await session.post(`4${'x'.repeat(100000)}`)).status, 413);
			await session.post(said(who));
			assert.deepEqual(await session.packets(), [heard(who)]);
		}),
	);

	test('errors are the same everywhere', limit(), () =>
		several(10, async () => {
			const session = await joined(server);
			const wrong = `${session.sid.slice(0, -4)}AAAA`;
			const answer = await request(server.port, 'GET', polling(server.path, wrong));
			assert.equal(answer.text, '{"code":1,"message":"Session ID unknown"}');
			const put = await request(server.port, 'PUT', session.target);
			assert.equal(put.status, 500);
		}),
	);

	test('all this did go from worker to worker', { ...limit(), skip: SIOCAST_ONLY }, async () => {
		assert.ok((await metric(server, 'forwarded_requests_total')) > 0);
		assert.ok((await metric(server, 'moved_upgrades_total')) > 0);
	});
});

async function startBehindNginx(cleanup) {
	const redis = await startRedis(cleanup, await freePort());
	const server = await startSiocast(cleanup, { ...config, redis: redis.url });
	await feedsReady(redis, server);
	const nginx = await startNginx(cleanup, server.port);
	return { ...server, cleanup, redis, url: nginx.url, direct: server.port, port: nginx.port };
}

suite('two workers behind nginx', startBehindNginx, (server) => {
	const sockets = [];
	const COUNT = 1000;

	test('200 clients of all kinds, each answered for itself', limit(180), async () => {
		const kinds = Object.keys(MODES);
		// In groups, or the reconnection delays of a refused crowd would be part of the test.
		for (let at = 0; at < 200; at += 20) {
			sockets.push(...(await several(20, (i) => connectMode(server.cleanup, server, kinds[(at + i) % kinds.length]))));
		}
		const answers = await Promise.all(sockets.map((socket, i) => ask(socket, 'message-with-ack', i, socket.id)));
		assert.deepEqual(answers, sockets.map((socket, i) => [i, socket.id]));
	});

	test('all of them get everything, in order, once', limit(180), async () => {
		const lost = [];
		const inboxes = sockets.map((socket) => collect(socket, 'all'));
		for (const socket of sockets) socket.on('disconnect', (reason) => lost.push(reason));
		const messages = Array.from({ length: COUNT }, (_, n) => JSON.stringify({ n, text: `é€😀 ${n}` }));
		for (let at = 0; at < COUNT; at += 100) await server.redis.client.publishAll('all', messages.slice(at, at + 100));
		const expected = messages.map((message) => JSON.parse(message));
		const count = (items) => items.reduce((sum, [buffer]) => sum + siocast.decode(buffer).length, 0);
		for (const [i, inbox] of inboxes.entries()) {
			await inbox.until((items) => count(items) >= COUNT, `message ${COUNT - 1} for client ${i}`);
			assert.deepEqual(inbox.items.flatMap(([buffer]) => siocast.decode(buffer)), expected);
		}
		assert.deepEqual(lost, []);
	});

	test('and go on talking', limit(120), async () => {
		for (let round = 0; round < 3; round++) {
			await Promise.all(sockets.map(async (socket, i) => assert.deepEqual(await ask(socket, 'message-with-ack', i), [i])));
		}
		for (const socket of sockets) socket.disconnect();
	});

	test('requests did go from worker to worker', { ...limit(), skip: REFERENCE ? 'it has one' : false }, async () => {
		assert.ok((await metric(server, 'forwarded_requests_total')) > 0);
		assert.ok((await metric(server, 'moved_upgrades_total')) > 0);
	});
});

