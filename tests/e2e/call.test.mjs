// SPDX-License-Identifier: MIT
//
// Handlers that ask the application: what they ask, what its answers do, and who waits meanwhile.

import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { ask, collect, connect, connected, createClient } from './lib/client.mjs';
import { SIOCAST_ONLY, startSiocast } from './lib/daemon.mjs';
import { openJoined } from './lib/engine.mjs';
import { Application } from './lib/hook.mjs';
import { metric } from './lib/metrics.mjs';
import { suite } from './lib/suite.mjs';
import { eventually, limit, once } from './lib/wait.mjs';

const WS = { transports: ['websocket'] };

async function start(cleanup) {
	const app = await Application.start(cleanup, (question) => app.answer(question));
	const call = { url: app.url, timeout: 600, headers: ['x-app'] };
	const on = {
		'*': [{ call }, { emit: ['after', '{event}', '{rooms}'] }, { ack: ['mine'] }],
		plain: [{ ack: ['{1}'] }],
		dead: [{ call: { url: 'http://127.0.0.1:1/', timeout: 600000 } }, { ack: ['never'] }],
		join: [{ join: '{1}' }],
	};
	const server = await startSiocast(cleanup, { workers: 2, namespaces: { '/': { on }, '/other': { on: { plain: on.plain } } }, limits: { heldEvents: 3, heldBytes: 3000 } });
	return { cleanup, app, ...server };
}

suite('call', start, (server) => {
	const open = (options) => connect(server.cleanup, server, { ...WS, ...options });
	const waiting = () => metric(server, 'hook_questions');

	test('the question, and an answer with everything in it', limit(), async () => {
		const [a, b] = [await open({ extraHeaders: { 'X-App': 'é', 'X-Other': 'no' } }), await open()];
		await b.emit('join', 'r');
		await ask(b, 'plain');
		const heard = [collect(a, 'one'), collect(a, 'two'), collect(b, 'two'), collect(a, 'after'), collect(b, 'other')];
		server.app.answer = () => ({
			body: {
				ack: [{ n: 1 }, 'é'], join: ['r', 7], emit: [['one', 1, [2]]],
				broadcast: [{ room: 'r', event: 'two', args: [{ to: 'r' }], self: true }, { event: 'other', except: [a.id] }, { room: a.id, event: 'one', args: ['id'], self: true }],
			},
		});
		assert.deepEqual(await ask(a, 'say', { big: 1 }, Buffer.from('abc')), [{ n: 1 }, 'é']);
		const question = await server.app.asked.next();
		assert.equal(question.address, '127.0.0.1');
		delete question.address;
		assert.deepEqual(question, {
			type: 'event', event: 'say', args: [{ big: 1 }, { _placeholder: true, num: 0 }], attachments: ['YWJj'], sid: a.id, nsp: '/', rooms: [], headers: { 'x-app': 'é' },
		});
		assert.deepEqual(await heard[0].next(), [1, [2]]);
		assert.deepEqual(await heard[0].next(), ['id']);
		assert.deepEqual(await heard[1].next(), [{ to: 'r' }]);
		assert.deepEqual(await heard[2].next(), [{ to: 'r' }]);
		assert.deepEqual(await heard[3].next(), ['say', ['r', '7']]);
		assert.deepEqual(await heard[4].next(), []);
		server.app.answer = () => ({ body: { leave: ['r'] } });
		assert.deepEqual(await ask(a, 'bye'), ['mine']);
		assert.deepEqual(await heard[3].next(), ['bye', ['7']]);
		await server.app.asked.next();
		for (const socket of [a, b]) socket.disconnect();
	});

	test('answers that are none', limit(), async () => {
		const socket = await open();
		const after = collect(socket, 'after');
		const unavailable = [{ error: 'unavailable', retryAfter: 5 }];
		const cases = [
			[{ status: 422, body: { message: 'no', data: { why: 1 } } }, [{ error: 'refused', status: 422, message: 'no', data: { why: 1 } }]],
			[{ status: 404 }, [{ error: 'refused', status: 404 }]],
			[{ status: 503, headers: { 'Retry-After': '9' } }, [{ error: 'unavailable', retryAfter: 9 }]],
			[{ status: 307, headers: { Location: server.app.url } }, unavailable],
			[{ status: 200, body: 'text' }, unavailable],
			[{ status: 200, body: { ack: [1], emit: [['disconnect']] } }, unavailable],
			[undefined, unavailable], // a timeout
		];
		for (const [answer, expected] of cases) {
			server.app.answer = () => answer;
			assert.deepEqual(await ask(socket, 'x'), expected);
		}
		assert.deepEqual(await ask(socket, 'dead'), unavailable);
		assert.deepEqual(await ask(socket, 'plain', 'end'), ['end']);
		assert.deepEqual(after.items, []); // what stands behind them was not done
		assert.equal(await metric(server, 'handlers_calls_total{result="refused"}'), 2);
		assert.equal(await metric(server, 'handlers_calls_total{result="failed"}'), 6);
		socket.disconnect();
	});

	test('the events of a socket wait for their turn, others do not', limit(), async () => {
		const release = {};
		server.app.answer = ({ event }) => new Promise((resolve) => (release[event] = () => resolve({ body: { ack: [event] } })));
		const [a, b] = [await open(), await open()];
		const acks = [];
		const send = (...args) => a.emit(...args, (...answer) => acks.push(answer[0]));
		send('first');
		send('plain', 'second');
		send('third', Buffer.from([1, 2]));
		await eventually(() => release.first, 'the first question');
		assert.deepEqual(await ask(b, 'plain', 'b'), ['b']);
		const other = await open({ namespace: '/other', forceNew: false, manager: a.io });
		assert.deepEqual(await ask(other, 'plain', 'other'), ['other']);
		assert.equal(await metric(server, 'events_held'), 3);
		assert.deepEqual(acks, []);
		release.first();
		await eventually(() => release.third, 'the third question');
		assert.deepEqual(acks, ['first', 'second']);
		release.third();
		await eventually(() => acks.length === 3, 'the third answer');
		assert.deepEqual(acks, ['first', 'second', 'third']);
		assert.equal(await metric(server, 'events_held'), 0);
		for (const socket of [a, b, other]) socket.disconnect();
	});

	test('no more wait than there is room for', limit(), async () => {
		let release;
		server.app.answer = () => new Promise((resolve) => (release = () => resolve({})));
		const before = await metric(server, 'events_held_dropped_total');
		const socket = await open();
		const first = ask(socket, 'first');
		await eventually(() => release, 'the question');
		const acks = [1, 2].map((n) => ask(socket, 'plain', n));
		const large = ask(socket, 'plain', 'x'.repeat(3001));
		acks.push(ask(socket, 'plain', 3));
		const more = ask(socket, 'plain', 4);
		socket.emit('plain', 5);
		assert.deepEqual(await large, [{ error: 'busy' }]);
		assert.deepEqual(await more, [{ error: 'busy' }]);
		release();
		assert.deepEqual(await first, ['mine']);
		assert.deepEqual(await Promise.all(acks), [[1], [2], [3]]);
		assert.equal((await metric(server, 'events_held_dropped_total')) - before, 3);
		socket.disconnect();
	});

	test('who leaves is forgotten, whichever way', limit(), async () => {
		let asked = 0;
		server.app.answer = () => void asked++;
		const gone = [];
		for (const leave of [(s) => s.disconnect(), (s) => s.io.engine.transport.ws.terminate(), (s) => s.io.engine.close()]) {
			const socket = await open({ reconnection: false });
			for (const event of ['x', 'y']) socket.emit(event, { a: 1 });
			gone.push([socket, leave]);
		}
		await eventually(() => asked === 3, 'three questions');
		for (const [socket, leave] of gone) leave(socket);
		await eventually(async () => (await waiting()) === 0 && (await metric(server, 'events_held')) === 0, 'nothing to wait for');
		assert.equal(asked, 3);
	});

	test('an answer may end the connection', limit(), async () => {
		const socket = await open({ reconnection: false });
		server.app.answer = () => ({ body: { ack: ['bye'], disconnect: true } });
		const end = once(socket, 'disconnect');
		const later = collect(socket, 'after');
		const bye = ask(socket, 'x');
		socket.emit('y');
		assert.deepEqual(await bye, ['bye']);
		assert.equal((await end)[0], 'io server disconnect');
		assert.deepEqual(later.items, []);
	});
}, SIOCAST_ONLY);

test('the application hears of connections and their ends, over a Unix socket', { ...limit(), skip: SIOCAST_ONLY }, () => withCleanup(async (cleanup) => {
	const file = path.join(await cleanup.folder(), 'app.sock');
	const app = await Application.start(cleanup, ({ type, auth }) => (type === 'connection' ? { body: { join: [`user.${auth.id}`] } } : {}), file);
	const call = { url: `http+unix://${encodeURIComponent(file)}/hook`, headers: [] };
	const on = { connection: [{ call }, { emit: ['hello', '{rooms}'] }], who: [{ ack: ['{rooms}'] }], disconnect: [{ call }] };
	const server = await startSiocast(cleanup, { namespaces: { '/': { on } } });
	const socket = createClient(cleanup, server, { ...WS, auth: { id: 7 }, query: { q: 1 } });
	const hello = once(socket, 'hello');
	// Sent with the CONNECT, it waits for the handlers of connection.
	const who = new Promise((resolve) => socket.once('connect', () => resolve(ask(socket, 'who'))));
	await connected(socket);
	const { sid, ...question } = await app.asked.next();
	assert.deepEqual(question, { type: 'connection', event: 'connection', args: [], nsp: '/', rooms: [], auth: { id: 7 }, query: { ...question.query, q: '1' }, headers: {}, address: '127.0.0.1' });
	assert.deepEqual(await hello, [['user.7']]);
	assert.deepEqual(await who, [['user.7']]);
	socket.disconnect();
	const { type, args, rooms, ...end } = await app.asked.next();
	assert.deepEqual([type, args, rooms, end.sid], ['disconnect', ['client namespace disconnect'], ['user.7'], sid]);
}));

test('too many questions are refused at once', { ...limit(), skip: SIOCAST_ONLY }, () => withCleanup(async (cleanup) => {
	const app = await Application.start(cleanup, () => undefined);
	const call = { url: app.url, timeout: 600000, concurrent: 1, queue: 1 };
	const server = await startSiocast(cleanup, { workers: 1, namespaces: { '/': { on: { x: [{ call }], plain: [{ ack: [1] }] } } } });
	const sockets = [];
	for (let i = 0; i < 3; i++) {
		sockets.push(await openJoined(server));
		await sockets[i].text(`42${i}["x"]`);
		if (i < 2) await eventually(async () => (await metric(server, 'hook_questions')) === i + 1, 'the question');
	}
	assert.equal(await sockets[2].nextText(), '432[{"error":"unavailable","retryAfter":5}]');
	await sockets[2].text('423["plain"]');
	assert.equal(await sockets[2].nextText(), '433[1]');
}));
