// SPDX-License-Identifier: MIT
//
// Who may connect: tokens, and an application that is asked.

import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { ask, connect, connected, createClient } from './lib/client.mjs';
import { SIOCAST_ONLY, startSiocast } from './lib/daemon.mjs';
import { openDirect, openJoined } from './lib/engine.mjs';
import { Session3 } from './lib/engine3.mjs';
import { Application, SECRET, inSeconds, token } from './lib/hook.mjs';
import { metric } from './lib/metrics.mjs';
import { suite } from './lib/suite.mjs';
import { eventually, limit, once } from './lib/wait.mjs';

const WS = { transports: ['websocket'] };
const ON = { connection: [{ emit: ['hello', '{claims.sub}', '{rooms}'] }], who: [{ ack: ['{claims}', '{rooms}'] }], join: [{ join: '{1}' }, { ack: [true] }] };

async function secretFile(cleanup, text = SECRET) {
	const file = path.join(await cleanup.folder(), 'secret');
	await fs.writeFile(file, `${text}\n`);
	return file;
}

async function startJwt(cleanup, more = {}) {
	const file = await secretFile(cleanup);
	const jwt = {
		keys: [{ alg: 'HS256', secretFile: file }],
		from: ['auth.token', 'query.token', 'header.authorization', 'cookie.jwt'],
		renew: 'auth',
		...more,
	};
	const server = await startSiocast(cleanup, { auth: { jwt }, namespaces: { '/': { on: ON }, '/open': { auth: false, on: ON } } });
	return { cleanup, secretFile: file, ...server };
}

/** What the official client hears of a refusal. */
async function refused(socket) {
	const error = once(socket, 'connect_error');
	socket.connect();
	const [{ message, data }] = await error;
	return { message, data };
}

suite('tokens', startJwt, (server) => {
	const good = token({ sub: 'ann', teams: ['a', 'b'] });

	test('a token may come in each of the places', limit(), async () => {
		const places = [
			{ auth: { token: good } },
			{ query: { token: good } },
			{ extraHeaders: { Authorization: `Bearer ${good}` } },
			{ extraHeaders: { Cookie: `a=b; jwt=${good}` } },
		];
		for (const options of places) {
			const socket = createClient(server.cleanup, server, { ...WS, ...options });
			const hello = once(socket, 'hello');
			await connected(socket);
			assert.deepEqual(await hello, ['ann', []]);
			assert.deepEqual(await ask(socket, 'who'), [{ sub: 'ann', teams: ['a', 'b'] }, []]);
			socket.disconnect();
		}
	});

	test('what is no good token is refused with a code', limit(), async () => {
		const cases = [
			[undefined, 'token required', 'token_required'],
			['x.y.z', 'token invalid', 'token_invalid'],
			[token({ sub: 'ann' }, 'another secret of more than thirty-two bytes'), 'token invalid', 'token_invalid'],
			[token({ sub: 'ann' }, SECRET, { alg: 'none' }), 'token invalid', 'token_invalid'],
			[token({ exp: inSeconds(-1) }), 'token expired', 'token_expired'],
			[token({ nbf: inSeconds(1000) }), 'token not active', 'token_not_active'],
		];
		for (const [text, message, code] of cases) {
			const socket = createClient(server.cleanup, server, { ...WS, auth: { token: text }, reconnection: false });
			assert.deepEqual(await refused(socket), { message, data: { code } });
			socket.disconnect();
		}
	});

	test('a namespace may leave it off', limit(), async () => {
		const socket = await connect(server.cleanup, server, { ...WS, namespace: '/open' });
		assert.deepEqual(await ask(socket, 'who'), [null, []]);
		socket.disconnect();
	});

	test('revision 3: the packet ERROR has the data', limit(), async () => {
		const session = await Session3.open(server);
		assert.deepEqual(await session.packets(), ['44{"code":"token_required"}']);
		const other = await Session3.open(server, { query: `&token=${good}` });
		assert.deepEqual(await other.packets(2), ['40', '42["hello","ann",[]]']);
	});

	test('whose token expires is put out, and told why', limit(), async () => {
		const expiring = token({ sub: 'ann', exp: inSeconds(3) });
		// Beside it a client of revision 3, which knows the packet ERROR: its event is "error".
		const old = await Session3.open(server, { query: `&token=${expiring}` });
		assert.deepEqual(await old.packets(2), ['40', '42["hello","ann",[]]']);
		const auth = { token: expiring };
		const socket = await connect(server.cleanup, server, { ...WS, auth, reconnection: false });
		const error = once(socket, 'token_expired');
		const gone = once(socket, 'disconnect');
		assert.deepEqual(await error, [{ message: 'token expired', data: { code: 'token_expired' } }]);
		assert.deepEqual((await gone).slice(0, 1), ['io server disconnect']);
		const again = once(socket, 'connect_error');
		socket.connect();
		assert.equal((await again)[0].data.code, 'token_expired');
		assert.deepEqual(await old.packets(2), ['44{"code":"token_expired"}', '41']);
		socket.disconnect();
	});

	test('a new token renews it, and rooms stay', limit(), async () => {
		const socket = await connect(server.cleanup, server, { ...WS, auth: { token: token({ sub: 'ann', exp: inSeconds(3) }) } });
		await ask(socket, 'join', 'r');
		assert.deepEqual(await ask(socket, 'auth', 'x'), [{ error: 'token_invalid', message: 'token invalid' }]);
		assert.deepEqual(await ask(socket, 'auth', token({ sub: 'bob' })), [{ error: 'token_invalid', message: 'token invalid' }]);
		assert.deepEqual(await ask(socket, 'auth', { token: token({ sub: 'ann', n: 2 }) }), [{ ok: true }]);
		assert.deepEqual(await ask(socket, 'who'), [{ sub: 'ann', n: 2 }, ['r']]);
		socket.disconnect();
	});

	test('a key that changes counts', limit(), async () => {
		const other = 'quite another secret of more than 32 bytes';
		await fs.writeFile(server.secretFile, other);
		await eventually(async () => {
			const socket = createClient(server.cleanup, server, { ...WS, auth: { token: token({ sub: 'x' }, other) }, reconnection: false });
			const result = await Promise.race([once(socket.connect(), 'connect').then(() => true), once(socket, 'connect_error').then(() => false)]);
			socket.disconnect();
			return result;
		}, 'the new key');
		const socket = createClient(server.cleanup, server, { ...WS, auth: { token: good }, reconnection: false });
		assert.equal((await refused(socket)).data.code, 'token_invalid');
		socket.disconnect();
		await fs.writeFile(server.secretFile, SECRET);
	});
}, SIOCAST_ONLY);

async function startHook(cleanup) {
	const app = await Application.start(cleanup, (question) => app.answer(question));
	const hook = { url: app.url, timeout: 500, cache: 60, headers: ['cookie', 'x-app'] };
	const server = await startSiocast(cleanup, {
		auth: { hook },
		engine: { connectTimeout: 60000 },
		namespaces: { '/': { on: ON }, '/open': { auth: null, on: ON } },
	});
	return { cleanup, app, ...server };
}

suite('the application is asked', startHook, (server) => {
	let name = 0;
	/** A client whose question is like no other's. */
	const client = (options = {}) => createClient(server.cleanup, server, { ...WS, reconnection: false, auth: { name: `n${name++}` }, ...options });

	test('what it is asked, and what it gives', limit(), async () => {
		server.app.answer = () => ({ body: { user: 7, claims: { role: 'x' }, rooms: ['a', 5], emit: [['news', { b: 1 }], ['second']] } });
		const socket = client({ auth: { t: 1 }, query: { q: 'a b' }, extraHeaders: { Cookie: 'sid=1', 'X-App': 'app', 'X-Other': 'no' } });
		const news = once(socket, 'news');
		const second = once(socket, 'second');
		const hello = once(socket, 'hello');
		await connected(socket);
		assert.deepEqual(await server.app.asked.next(), {
			type: 'connect', nsp: '/', auth: { t: 1 }, query: { q: 'a b' }, headers: { cookie: 'sid=1', 'x-app': 'app' }, address: '127.0.0.1', sid: socket.id,
		});
		assert.deepEqual(await news, [{ b: 1 }]);
		await second;
		assert.deepEqual(await hello, [7, ['a', '5']]);
		assert.deepEqual(await ask(socket, 'who'), [{ role: 'x', sub: 7 }, ['a', '5']]);
		socket.disconnect();
	});

	test('a refusal is the application\'s own', limit(), async () => {
		const cases = [
			[{ status: 403, body: { message: 'not you', data: { why: 'banned' } } }, { message: 'not you', data: { why: 'banned' } }],
			[{ status: 403, body: { message: 'é "quoted"' } }, { message: 'é "quoted"', data: undefined }],
			[{ status: 401 }, { message: 'Unauthorized', data: undefined }],
			[{ status: 404, body: [1] }, { message: 'Forbidden', data: undefined }],
			[{ status: 500 }, { message: 'authentication unavailable', data: { code: 'unavailable', retryAfter: 5 } }],
			[{ status: 503, headers: { 'Retry-After': '30' } }, { message: 'authentication unavailable', data: { code: 'unavailable', retryAfter: 30 } }],
			[{ status: 302, headers: { Location: server.app.url } }, { message: 'authentication unavailable', data: { code: 'unavailable', retryAfter: 5 } }],
			[{ status: 200, body: 'yes' }, { message: 'authentication unavailable', data: { code: 'unavailable', retryAfter: 5 } }],
			[undefined, { message: 'authentication unavailable', data: { code: 'unavailable', retryAfter: 5 } }], // a timeout
		];
		for (const [answer, expected] of cases) {
			server.app.answer = () => answer;
			const socket = client();
			assert.deepEqual(await refused(socket), expected);
			socket.disconnect();
		}
	});

	test('revision 3', limit(), async () => {
		server.app.answer = () => ({ status: 403, body: { message: 'not you', data: { why: 1 } } });
		assert.deepEqual(await (await Session3.open(server, { query: '&u=a1' })).packets(), ['44{"why":1}']);
		server.app.answer = () => ({ status: 403, body: { message: 'not you' } });
		assert.deepEqual(await (await Session3.open(server, { query: '&u=a2' })).packets(), ['44"not you"']);
		server.app.answer = () => ({});
		assert.deepEqual(await (await Session3.open(server, { query: '&u=a3' })).packets(2), ['40', '42["hello",null,[]]']);
	});

	test('the same question is asked once, and its answer is kept', limit(), async () => {
		let answer;
		const waits = new Promise((resolve) => (answer = resolve));
		server.app.answer = () => waits;
		const before = server.app.questions;
		const sockets = Array.from({ length: 5 }, () => client({ auth: { same: 1 } }));
		for (const socket of sockets) socket.connect();
		await eventually(async () => {
			const text = await (await fetch(`http://127.0.0.1:${server.admin}/metrics`)).text();
			return /^siocast_connects_waiting\{namespace="\/"\} 5$/m.test(text);
		}, 'five that wait');
		const all = sockets.map((socket) => once(socket, 'hello'));
		answer({ body: { user: 'u' } });
		for (const hello of await Promise.all(all)) assert.deepEqual(hello, ['u', []]);
		const later = client({ auth: { same: 1 } });
		const hello = once(later, 'hello');
		later.connect();
		assert.deepEqual(await hello, ['u', []]);
		assert.equal(server.app.questions - before, 1);
		for (const socket of [...sockets, later]) socket.disconnect();
	});

	test('who waits is not in: an event ends it in revision 4, and is ignored in revision 3', limit(), async () => {
		server.app.answer = () => undefined;
		const socket = await openDirect(server);
		await socket.text('40{"early":1}');
		await socket.text('42["who"]');
		await socket.closed();
		const before = server.app.questions;
		const session = await Session3.open(server, { query: '&early=1' });
		await eventually(() => server.app.questions > before, 'the question');
		server.app.answer = () => ({});
		await session.ask('POST', { 'Content-Type': 'text/plain;charset=UTF-8' }, '10:420["who"]');
		const other = await openJoined(server, '/open,');
		assert.equal(await other.nextText(), '42/open,["hello",null,[]]');
		await other.text('42/open,0["who"]');
		assert.equal(await other.nextText('its ack'), '43/open,0[null,[]]');
		const [answer] = await session.packets();
		assert.match(answer, /^44\{"code":"unavailable"/);
	});

	test('who asks twice is ended; who goes is forgotten', limit(), async () => {
		server.app.answer = () => undefined;
		const socket = await openDirect(server);
		await socket.text('40{"twice":1}');
		await socket.text('40{"twice":1}');
		await socket.closed();
		const waiting = async () => {
			const text = await (await fetch(`http://127.0.0.1:${server.admin}/metrics`)).text();
			return Number(/^siocast_hook_questions (\d+)$/m.exec(text)[1]);
		};
		await eventually(async () => (await waiting()) === 0, 'no question on its way');
	});
}, SIOCAST_ONLY);

test('a time for the first CONNECT holds while the application thinks', { ...limit(), skip: SIOCAST_ONLY }, () => withCleanup(async (cleanup) => {
	const app = await Application.start(cleanup, () => undefined);
	const server = await startSiocast(cleanup, { auth: { hook: { url: app.url, timeout: 600000 } }, engine: { connectTimeout: 100 } });
	const socket = await openDirect(server);
	await socket.text('40');
	await app.asked.next();
	await socket.closed();
}));

test('too many questions are refused at once, and others go on', { ...limit(), skip: SIOCAST_ONLY }, () => withCleanup(async (cleanup) => {
	const app = await Application.start(cleanup, () => undefined);
	const hook = { url: app.url, timeout: 600000, concurrent: 1, queue: 1 };
	const server = await startSiocast(cleanup, { auth: { hook }, namespaces: { '/': {}, '/open': { auth: false, on: ON } } });
	const sockets = [];
	for (let i = 0; i < 3; i++) {
		sockets.push(await openDirect(server));
		await sockets[i].text(`40{"n":${i}}`);
		if (i === 0) await app.asked.next();
	}
	assert.equal(await sockets[2].nextText(), '44{"message":"authentication unavailable","data":{"code":"unavailable","retryAfter":5}}');
	const other = await openJoined(server, '/open,');
	assert.equal(await other.nextText(), '42/open,["hello",null,[]]');
	await other.text('42/open,0["who"]');
	assert.equal(await other.nextText(), '43/open,0[null,[]]');
}));

test('rooms that clients may ask for', { ...limit(), skip: SIOCAST_ONLY }, () => withCleanup(async (cleanup) => {
	const keys = [{ alg: 'HS256', secretFile: await secretFile(cleanup) }];
	const on = { ...ON, connection: [{ join: 'lobby' }, { join: 'user.{claims.sub}' }, { join: '{auth.room}' }], fixed: [{ join: 'secret.all' }, { ack: [true] }] };
	const rooms = { allow: ['sym.*', 'user.{claims.sub}', 'team.{claims.teams}.*'], deny: ['*.secret*'] };
	const server = await startSiocast(cleanup, {
		auth: { jwt: { keys } }, namespaces: { '/': { on, rooms } }, limits: { roomsPerSocket: 8, roomNameLength: 12 },
	});
	const auth = { token: token({ sub: 'u*', teams: ['x', 'y'] }), room: 'lobby2' };
	const socket = await connect(cleanup, server, { ...WS, auth });
	const join = async (room) => (await ask(socket, 'join', room))[0];
	for (const room of ['sym.A', 'sym.', 'user.u*', 'team.x.1', 'team.y.']) assert.equal(await join(room), true, room);
	for (const room of ['', 'sym', 'user.ux', 'user.u', 'team.z.1', 'team.*.1', 'sym.secrets', 'lobby3', 'lobby2', 'a']) {
		assert.deepEqual(await join(room), { error: 'forbidden', room });
	}
	assert.deepEqual(await join('sym.012345678'), { error: 'room_name_too_long', room: 'sym.012345678' });
	assert.deepEqual(await ask(socket, 'fixed'), [true]); // not the client's choice
	assert.equal(await join('sym.B'), true);
	assert.deepEqual(await join('sym.C'), { error: 'too_many_rooms', room: 'sym.C' });
	const [, all] = await ask(socket, 'who');
	assert.deepEqual(all.sort(), ['lobby', 'secret.all', 'sym.', 'sym.A', 'sym.B', 'team.x.1', 'team.y.', 'user.u*']);
}));

/** A namespace whose joins the application is asked about, and a client that is let in without. */
async function startJoins(cleanup) {
	const app = await Application.start(cleanup, (question) => app.answer(question));
	const hook = { url: app.url, on: ['join'], rooms: ['private-*', 'team.?'], timeout: 500, cache: 60, headers: ['x-app'] };
	const on = { ...ON, join: [{ join: '{1}' }, { ack: ['{rooms}', '{claims}'] }], both: [{ join: ['{1}', 'private-fixed', '{2}'] }, { ack: ['{rooms}'] }] };
	const server = await startSiocast(cleanup, {
		workers: 1, auth: { hook }, namespaces: { '/': { on, rooms: { deny: ['*.x'] } } }, limits: { roomsPerSocket: 8, roomNameLength: 13 },
	});
	return { cleanup, app, ...server };
}

suite('the application is asked about rooms', startJoins, (server) => {
	const open = (options) => connect(server.cleanup, server, { ...WS, ...options });

	test('the question, and what an answer gives', limit(), async () => {
		server.app.answer = () => ({ body: { user: 7, claims: { role: 'x' }, emit: [['state', 1]] } });
		const socket = await open({ auth: { t: 1 }, query: { q: 'a' }, extraHeaders: { 'X-App': 'y' } });
		assert.deepEqual(await ask(socket, 'join', 'open'), [['open'], null]); // not asked about
		const state = once(socket, 'state');
		assert.deepEqual(await ask(socket, 'join', 'private-a'), [['open', 'private-a'], { role: 'x', sub: 7 }]);
		assert.deepEqual(await state, [1]);
		assert.deepEqual(await server.app.asked.next(), {
			type: 'join', room: 'private-a', nsp: '/', auth: { t: 1 }, query: { q: 'a' }, headers: { 'x-app': 'y' }, address: '127.0.0.1', claims: {}, sid: socket.id,
		});
		server.app.answer = () => ({});
		assert.deepEqual(await ask(socket, 'join', 'private-a'), [['open', 'private-a'], { role: 'x', sub: 7 }]); // in already
		assert.deepEqual(await ask(socket, 'join', 'team.a'), [['open', 'private-a', 'team.a'], { role: 'x', sub: 7 }]);
		assert.deepEqual((await server.app.asked.next()).claims, { role: 'x', sub: 7 });
		assert.deepEqual(await ask(socket, 'join', 'team.x'), [{ error: 'forbidden', room: 'team.x' }]);
		assert.deepEqual(await ask(socket, 'join', 'private-012345'), [{ error: 'room_name_too_long', room: 'private-012345' }]);
		assert.equal(server.app.asked.items.length, 0);
		socket.disconnect();
	});

	test('refusals', limit(), async () => {
		const socket = await open();
		const cases = [
			[{ status: 403, body: { message: 'é', data: [1] } }, { error: 'forbidden', room: 'private-b', message: 'é', data: [1] }],
			[{ status: 404, body: 'no' }, { error: 'forbidden', room: 'private-b' }],
			[{ status: 500 }, { error: 'unavailable', room: 'private-b', retryAfter: 5 }],
			[{ status: 503, headers: { 'Retry-After': '7' } }, { error: 'unavailable', room: 'private-b', retryAfter: 7 }],
			[{ status: 200, body: 'yes' }, { error: 'unavailable', room: 'private-b', retryAfter: 5 }],
			[undefined, { error: 'unavailable', room: 'private-b', retryAfter: 5 }], // a timeout
		];
		for (const [answer, expected] of cases) {
			server.app.answer = () => answer;
			assert.deepEqual(await ask(socket, 'join', 'private-b'), [expected]);
			await server.app.asked.next();
		}
		assert.deepEqual(await ask(socket, 'who'), [null, []]);
		socket.disconnect();
	});

	test('a list keeps its order, and what is configured is not asked about', limit(), async () => {
		const socket = await open();
		server.app.answer = ({ room }) => ({ status: room === 'private-2' ? 403 : 200 });
		const [refusal] = await ask(socket, 'both', ['z', 'private-1', 'y', 'private-2', 'private-3'], 'last');
		assert.deepEqual(refusal, { error: 'forbidden', room: 'private-2' });
		assert.deepEqual(await ask(socket, 'who'), [null, ['z', 'private-1', 'y', 'private-3', 'private-fixed', 'last']]);
		for (const room of ['private-1', 'private-2', 'private-3']) assert.equal((await server.app.asked.next()).room, room);
		// The ninth room is one too many, whatever the application says.
		server.app.answer = () => ({});
		await ask(socket, 'join', ['a', 'b']);
		assert.deepEqual(await ask(socket, 'join', 'private-9'), [{ error: 'too_many_rooms', room: 'private-9' }]);
		await server.app.asked.next();
		socket.disconnect();
	});

	test('the same question is asked once, its answer is kept, and who leaves is forgotten', limit(), async () => {
		let answer;
		server.app.answer = () => new Promise((resolve) => (answer = () => resolve({})));
		const sockets = await Promise.all(Array.from({ length: 3 }, () => open({ auth: { same: 2 }, reconnection: false })));
		const [gone, ...stay] = sockets;
		const acks = stay.map((socket) => ask(socket, 'join', 'private-c'));
		gone.emit('join', 'private-c');
		await server.app.asked.next();
		await eventually(async () => (await metric(server, 'events_held')) === 3, 'all to wait');
		gone.disconnect();
		await eventually(async () => (await metric(server, 'events_held')) === 2, 'one to be gone');
		answer();
		for (const ack of acks) assert.deepEqual(await ack, [['private-c'], null]);
		const later = await open({ auth: { same: 2 } });
		assert.deepEqual(await ask(later, 'both', ['private-c', 'z'], 'w'), [['private-c', 'z', 'private-fixed', 'w']]);
		assert.equal(server.app.asked.items.length, 0);
		for (const socket of [...stay, later]) socket.disconnect();
	});
}, SIOCAST_ONLY);
