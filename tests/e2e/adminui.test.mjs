// SPDX-License-Identifier: MIT
//
// The official Admin UI: what its page is told and asked, beside what the official server tells it; and the page itself, in Chromium.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import { chromium } from 'playwright-core';
import { Server } from 'socket.io';
import { ADAPTERS, startNode } from './lib/adapters.mjs';
import { withCleanup } from './lib/cleanup.mjs';
import { MODES, ask, collect, connect, connected, createClient } from './lib/client.mjs';
import { SIOCAST_ONLY, TOP, configure, launchSiocast, startSiocast } from './lib/daemon.mjs';
import { request } from './lib/http.mjs';
import { metric } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { reload, startReloadable } from './lib/reload.mjs';
import { tool } from './lib/tool.mjs';
import { LIMIT_MS, eventually, limit, once, within } from './lib/wait.mjs';

const official = createRequire(`${TOP}/client-js/official/package.json`);
const { instrument } = official('@socket.io/admin-ui');
const bcrypt = official('bcryptjs');

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const GOOD = { username: 'admin', password: 'pä"ss' };
const HANDLERS = { on: { ping: [{ ack: [] }], join: [{ join: '{1}' }, { ack: [] }] } };

/** A file with the hash of a password; cost: 2^cost rounds. */
async function hashFile(cleanup, { password = GOOD.password, cost = 6, hash = bcrypt.hashSync(password, cost) } = {}) {
	const file = path.join(await cleanup.folder(), 'hash');
	fs.writeFileSync(file, `${hash}\n`);
	return file;
}

const ui = (passwordFile, more) => ({ adminUI: { username: GOOD.username, passwordFile, ...more } });

/** A siocast with two workers that serves it. */
async function start(cleanup, more = {}, options = {}) {
	const file = await hashFile(cleanup, options);
	const config = { workers: 2, namespaces: { '/': HANDLERS, '/chat': HANDLERS }, ...ui(file, options.ui), ...more };
	return { ...(await startSiocast(cleanup, config)), file };
}

/** Comes in as the page does. Gives the socket, and what it gets, as {session, config, server_stats}. */
async function logIn(cleanup, server, auth = GOOD, options = {}) {
	const socket = createClient(cleanup, server, { namespace: '/admin', withCredentials: true, auth, ...options });
	const got = {};
	for (const event of ['session', 'config', 'server_stats', 'all_sockets']) got[event] = collect(socket, event);
	await connected(socket);
	return { socket, ...got };
}

/** Why it is not let in. */
async function refused(cleanup, server, auth, options = {}) {
	const socket = createClient(cleanup, server, { namespace: '/admin', reconnection: false, auth, ...options });
	const told = new Promise((resolve, reject) => {
		socket.once('connect_error', resolve);
		socket.once('connect', () => reject(new Error('it came in')));
	});
	socket.connect();
	const error = await within(told, 'the refusal');
	socket.disconnect();
	return [error.message, error.data];
}

const WRONG = ['invalid credentials', undefined];

/** What the official package makes of a server of Node, until the end: it goes on for ever. */
function instrumented(cleanup, io, options) {
	const { setInterval: original } = globalThis;
	globalThis.setInterval = (...args) => {
		const timer = original(...args);
		return cleanup.add(timer, () => clearInterval(timer));
	};
	instrument(io, { auth: { type: 'basic', username: GOOD.username, password: bcrypt.hashSync(GOOD.password, 4) }, mode: 'production', ...options });
	globalThis.setInterval = original;
}

/** The official server with the same. */
async function startOfficial(cleanup, options = {}) {
	const http = createServer();
	const io = new Server(http);
	const listening = once(http, 'listening', 'the server of Node');
	http.listen(0, '127.0.0.1');
	await listening;
	cleanup.add(io, () => new Promise((resolve) => io.close(resolve)));
	instrumented(cleanup, io, { readonly: true, ...options });
	return { io, url: `http://127.0.0.1:${http.address().port}`, path: '/socket.io/' };
}

/** The shape of a value: names and kinds. */
function shape(value) {
	if (Array.isArray(value)) return [...new Set(value.map((v) => JSON.stringify(shape(v))))].sort();
	if (value === null || typeof value !== 'object') return typeof value;
	return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, shape(v)]));
}

/** Figures of which one is for which a test is true. */
async function statsWith(inbox, test, what) {
	for (;;) {
		const [stats] = await inbox.next(what);
		if (test(stats)) return stats;
	}
}

describe('the Admin UI', { skip: SIOCAST_ONLY }, () => {
	test('tells what the official server tells, of all workers', limit(), () =>
		withCleanup(async (cleanup) => {
			const server = await start(cleanup, { node: 'a1' });
			const clients = [];
			for (let i = 0; i < 6; i++) clients.push(await connect(cleanup, server, { ...(i % 2 ? MODES.websocket : MODES.polling), namespace: i ? '/chat' : '/' }));
			const page = await logIn(cleanup, server, GOOD, MODES.websocket);
			const [session] = await page.session.next();
			assert.match(session, /^[0-9a-f]{56}$/);
			const known = await logIn(cleanup, await startOfficial(cleanup), GOOD, MODES.websocket);
			assert.deepEqual(await page.config.next(), await known.config.next());
			const all = (stats) => stats.clientsCount === 7 && stats.namespaces.find(({ name }) => name === '/chat').socketsCount === 5;
			const stats = await statsWith(page.server_stats, all, 'figures of all workers');
			assert.equal(stats.pollingClientsCount, 3);
			assert.deepEqual(Object.fromEntries(stats.namespaces.map((n) => [n.name, n.socketsCount])), { '/': 1, '/chat': 5, '/admin': 1 });
			assert.deepEqual([stats.serverId, stats.pid], [`${stats.hostname}#a1`, server.child.pid]);
			// Something of each kind happens, here and there.
			const busy = setInterval(() => {
				for (const socket of [...clients, page.socket, known.socket]) if (socket.connected) socket.emit('ping', 'x');
			}, 50);
			cleanup.add(busy, () => clearInterval(busy));
			const theirs = await statsWith(known.server_stats, (s) => s.aggregatedEvents.length, 'figures of the official server');
			const ours = await statsWith(page.server_stats, (s) => s.aggregatedEvents.some((e) => e.type === 'packetsIn' && e.count > 10), 'events');
			assert.deepEqual(Object.keys(ours), Object.keys(theirs));
			assert.deepEqual(shape(ours), shape(theirs));
			assert.ok(ours.uptime > 0 && ours.aggregatedEvents.every((e) => e.timestamp % 1000 === 0 && Math.abs(e.timestamp - Date.now()) < LIMIT_MS));
			clients[1].disconnect();
			const closed = await statsWith(page.server_stats, (s) => s.aggregatedEvents.some((e) => e.type === 'rawDisconnection'), 'the end of a client');
			assert.deepEqual(closed.aggregatedEvents.filter((e) => e.type === 'rawDisconnection').map(({ subType, count }) => [subType, count]), [['transport close', 1]]);
			assert.equal(page.session.total, 1);
			// What the page of another mode could order has no effect, and hurts nobody.
			page.socket.emit('_disconnect', '/chat', true);
			page.socket.emit('join', '/chat', 'r');
			await statsWith(page.server_stats, (s) => s.clientsCount === 6, 'figures afterwards');
			assert.ok(clients[3].connected);
		}),
	);

	test('lets in by the password, or a session of it, at any worker', limit(), () =>
		withCleanup(async (cleanup) => {
			const server = await start(cleanup);
			const { session } = await logIn(cleanup, server);
			const [id] = await session.next();
			for (let i = 0; i < 8; i++) {
				const again = await logIn(cleanup, server, { sessionId: id }, i % 2 ? MODES.websocket : MODES.polling);
				await again.config.next();
				assert.equal(again.session.total, 0);
				again.socket.disconnect();
			}
			const bad = `${id.slice(0, -1)}${id.endsWith('0') ? '1' : '0'}`;
			const later = `f${id.slice(1)}`;
			for (const auth of [
				{ ...GOOD, password: 'pass' }, { ...GOOD, username: 'admim' }, { ...GOOD, username: 'Admin' }, { ...GOOD, password: `${GOOD.password}\0x` },
				{ ...GOOD, password: '' }, { ...GOOD, password: GOOD.password.repeat(200) }, { ...GOOD, password: 7 }, { username: GOOD.username }, { password: GOOD.password },
				{ sessionId: bad }, { sessionId: later }, { sessionId: id.toUpperCase() }, { sessionId: '' }, { sessionId: null }, { sessionId: { length: 56 } }, {}, undefined,
			])
				assert.deepEqual(await refused(cleanup, server, auth), WRONG, JSON.stringify(auth));
			assert.equal(await metric(server, 'connect_refused_total{reason="credentials"}'), 17);
			// A session that is wrong, and the right password.
			await (await logIn(cleanup, server, { ...GOOD, sessionId: bad })).session.next();
			// Another process knows it no more than the official one would.
			const other = await start(cleanup);
			assert.deepEqual(await refused(cleanup, other, { sessionId: id }), WRONG);
		}),
	);

	test('siocasts with the same peerKeyFile and password share sessions', limit(), () =>
		withCleanup(async (cleanup) => {
			const dir = await cleanup.folder();
			const [key, file, ports] = [path.join(dir, 'key'), await hashFile(cleanup), [await freePort(), await freePort()]];
			fs.writeFileSync(key, 'k'.repeat(40));
			const peers = { a: `127.0.0.1:${ports[0]}`, b: `127.0.0.1:${ports[1]}` };
			const nodes = [];
			for (const [i, node] of ['a', 'b'].entries()) {
				const setup = await configure(cleanup, { listen: [peers[node]], node, peers, peerKeyFile: key, ...ui(file) });
				Object.assign(setup, { port: ports[i], url: `http://${peers[node]}` });
				nodes.push({ ...setup, child: await launchSiocast(cleanup, setup) });
			}
			const [id] = await (await logIn(cleanup, nodes[0])).session.next();
			await (await logIn(cleanup, nodes[1], { sessionId: id })).config.next();
		}),
	);

	test('another password is in force at a reload, and ends sessions of the one before', limit(), () =>
		withCleanup(async (cleanup) => {
			const file = await hashFile(cleanup);
			const server = await startReloadable(cleanup, { workers: 2, ...ui(file) });
			const page = await logIn(cleanup, server);
			const [id] = await page.session.next();
			assert.deepEqual(await reload(server), { status: 200, changed: [], needsRestart: [] });
			(await logIn(cleanup, server, { sessionId: id })).socket.disconnect();
			fs.writeFileSync(file, bcrypt.hashSync('other', 5).replace(/^\$2a/, '$2y'));
			assert.deepEqual(await reload(server), { status: 200, changed: [], needsRestart: [] });
			assert.match(server.child.output, /event=admin-ui-login-changed/);
			assert.deepEqual(await refused(cleanup, server, GOOD), WRONG);
			assert.deepEqual(await refused(cleanup, server, { sessionId: id }), WRONG);
			assert.ok(page.socket.connected);
			await (await logIn(cleanup, server, { ...GOOD, password: 'other' })).session.next();
			assert.deepEqual((await reload(server, ui(file, { username: 'root' }))).changed, ['adminUI.username']);
			await (await logIn(cleanup, server, { username: 'root', password: 'other' })).session.next();
			// Namespaces change beside it.
			assert.deepEqual((await reload(server, { namespaces: { '/': {}, '/new': {} } })).changed, ['namespaces']);
			await connect(cleanup, server, { namespace: '/new' });
			const stats = await statsWith(page.server_stats, (s) => s.namespaces.some(({ name }) => name === '/new'), 'the new namespace');
			assert.ok(stats.namespaces.some(({ name }) => name === '/admin'));
			// What is no hash changes nothing.
			fs.writeFileSync(file, 'other');
			const failed = await reload(server);
			assert.equal(failed.status, 422);
			assert.match(failed.errors[0], /adminUI\.passwordFile: .*: it has no bcrypt hash/);
			await (await logIn(cleanup, server, { username: 'root', password: 'other' })).session.next();
			// Whether there is one takes a restart, and is told as long as that is so.
			for (let i = 0; i < 2; i++) {
				const answer = await reload(server, { adminUI: undefined });
				assert.equal(answer.status, 200);
				assert.ok(answer.needsRestart.some((option) => option.startsWith('adminUI')), answer.needsRestart.join());
			}
			await (await logIn(cleanup, server, { username: 'root', password: 'other' })).session.next();
		}),
	);

	test('passwords are checked beside the clients, few at a time', limit(120), () =>
		withCleanup(async (cleanup) => {
			const server = await start(cleanup, { workers: 1 }, { cost: 12 });
			const client = await connect(cleanup, server, MODES.websocket);
			const wrong = [];
			for (let i = 0; i < 40; i++) {
				const socket = createClient(cleanup, server, { namespace: '/admin', reconnection: false, auth: { ...GOOD, password: `${i}` }, ...MODES.websocket });
				socket.once('connect_error', (error) => wrong.push(error.message));
				socket.connect();
			}
			await eventually(() => wrong.includes('authentication unavailable'), 'a refusal without a check');
			// No wait for the time of a check: of those that have their turn one after the other some are still waiting.
			for (let i = 0; i < 100; i++) await ask(client, 'ping');
			assert.ok(wrong.length < 40, 'a hundred acks come before all checks');
			assert.ok((await metric(server, 'connects_waiting{namespace="/admin"}')) > 0);
			await eventually(() => wrong.length === 40, 'all answers');
			const checked = wrong.filter((message) => message === 'invalid credentials').length;
			assert.ok(checked >= 16 && checked < 40, `${checked} were checked`);
			assert.equal(await metric(server, 'connect_refused_total{reason="credentials"}'), checked);
			assert.equal(await metric(server, 'connect_refused_total{reason="unavailable"}'), 40 - checked);
			await (await logIn(cleanup, server)).session.next();
		}),
	);

	test('who leaves while the password is checked is forgotten, and a server that ends does not wait for the rest', limit(), () =>
		withCleanup(async (cleanup) => {
			const server = await start(cleanup, {}, { cost: 11 });
			const waiting = () => metric(server, 'connects_waiting{namespace="/admin"}');
			const begin = async (n) => {
				const sockets = [];
				for (let i = 0; i < n; i++) {
					const socket = createClient(cleanup, server, { namespace: '/admin', reconnection: false, auth: { ...GOOD, password: 'x' }, ...MODES.websocket });
					socket.connect();
					sockets.push(socket);
				}
				await eventually(async () => (await waiting()) > n / 2, 'checks that wait');
				return sockets;
			};
			for (const socket of await begin(8)) socket.io.engine.close();
			await eventually(async () => (await waiting()) === 0, 'the end of all of them');
			// Nothing is left that the next one would have to wait for but the check that had begun.
			await (await logIn(cleanup, server)).session.next();
			await begin(8);
			await server.child.stop();
		}),
	);

	test('auth false lets anybody in, and options are named as in the official one', limit(), () =>
		withCleanup(async (cleanup) => {
			const options = { auth: false, namespaceName: '/watch', serverId: 'köln "1"', page: '/x/ui', readonly: true, mode: 'production' };
			const server = await startSiocast(cleanup, { adminUI: options, workers: 2 });
			const page = await logIn(cleanup, server, undefined, { namespace: '/watch' });
			await page.config.next();
			const [stats] = await page.server_stats.next();
			assert.equal(stats.serverId, options.serverId);
			assert.ok(stats.namespaces.some(({ name }) => name === '/watch'));
			assert.equal(page.session.total, 0);
			assert.deepEqual(await refused(cleanup, server), ['Invalid namespace', undefined]);
			assert.equal((await request(server.port, 'GET', '/x/ui/index.html')).status, 200);
			assert.equal((await request(server.port, 'GET', '/admin-ui/')).status, 404);
		}),
	);

	test('nothing is there without it', limit(), () =>
		withCleanup(async (cleanup) => {
			const server = await startSiocast(cleanup, { workers: 2 });
			assert.deepEqual(await refused(cleanup, server, GOOD), ['Invalid namespace', undefined]);
			assert.equal((await request(server.port, 'GET', '/admin-ui/')).status, 404);
			const threads = (pid) => fs.readdirSync(`/proc/${pid}/task`).map((id) => fs.readFileSync(`/proc/${pid}/task/${id}/comm`, 'utf8').trim());
			assert.ok(!threads(server.child.pid).includes('siocast-login'));
			const other = await start(cleanup);
			await eventually(() => threads(other.child.pid).includes('siocast-login'), 'the thread of passwords');
		}),
	);

	test('its page is served as client files are', limit(), () =>
		withCleanup(async (cleanup) => {
			const server = await start(cleanup, { cors: { origin: ['https://admin.socket.io'], credentials: true } });
			const folder = await request(server.port, 'GET', '/admin-ui?a');
			assert.deepEqual([folder.status, folder.header('location')], [301, '/admin-ui/?a']);
			const page = await request(server.port, 'GET', '/admin-ui/');
			assert.match(page.header('content-type'), /^text\/html/);
			const files = [...page.text.matchAll(/(?:href|src)="?((?:css|js|favicon)[^">]*)/g)].map(([, name]) => name);
			assert.ok(files.length >= 5);
			for (const name of files) {
				const answer = await request(server.port, 'GET', `/admin-ui/${name}`);
				const there = fs.readFileSync(path.join(TOP, 'client-js/official/node_modules/@socket.io/admin-ui/ui/dist', name));
				assert.ok(answer.status === 200 && answer.body.equals(there), name);
				const known = await request(server.port, 'GET', `/admin-ui/${name}`, { 'If-None-Match': answer.header('etag') });
				assert.equal(known.status, 304);
			}
			for (const name of ['nothing', 'js/', 'js/nothing.js', '../siocast.json', 'js/app.0d7d7845.js.map', 'index.html/'])
				assert.equal((await request(server.port, 'GET', `/admin-ui/${name}`)).status, 404, name);
			assert.equal((await request(server.port, 'POST', '/admin-ui/')).status, 405);
			// The page at admin.socket.io asks from there.
			const hello = await request(server.port, 'GET', '/socket.io/?EIO=4&transport=polling', { Origin: 'https://admin.socket.io' });
			assert.equal(hello.header('access-control-allow-origin'), 'https://admin.socket.io');
			assert.equal(hello.header('access-control-allow-credentials'), 'true');
		}),
	);

	test('in a cluster with Node each page sees all servers', limit(), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort());
			const adapter = { mode: 'member' };
			const servers = [];
			for (const serverId of ['one', 'two']) servers.push(await start(cleanup, { redis: redis.url, adapter }, { ui: { serverId } }));
			const node = await startNode(cleanup, ADAPTERS['8.3'], redis.port);
			instrumented(cleanup, node.io, { serverId: 'node' });
			for (const server of [...servers, { url: node.url, path: '/socket.io/' }]) {
				const page = await logIn(cleanup, server);
				const seen = new Set();
				while (seen.size < 3) seen.add((await page.server_stats.next('the figures of three servers'))[0].serverId);
				assert.deepEqual([...seen].sort(), ['node', 'one', 'two']);
			}
		}),
	);

	test('in development mode the page is told what happens, as by the official server', limit(), () =>
		withCleanup(async (cleanup) => {
			const handlers = { on: { join: [{ join: '{1}' }, { ack: [] }], say: [{ emit: ['said', '{1}', { a: '{1}' }] }, { ack: [] }], leave: [{ leave: '{1}' }, { ack: [] }] } };
			const ours = await start(cleanup, { workers: 1, namespaces: { '/': handlers } }, { ui: { mode: 'development' } });
			const theirs = await startOfficial(cleanup, { mode: 'development' });
			theirs.io.on('connection', (socket) => {
				socket.on('join', async (room, ack) => (await socket.join(room), ack()));
				socket.on('say', (what, ack) => (socket.emit('said', what, { a: what }), ack()));
				socket.on('leave', async (room, ack) => (await socket.leave(room), ack()));
			});
			const seen = [];
			for (const server of [ours, theirs]) {
				const early = await connect(cleanup, server, MODES.websocket);
				await ask(early, 'join', 'before');
				const page = await logIn(cleanup, server, GOOD, MODES.websocket);
				const [[config], [sockets]] = [await page.config.next(), await page.all_sockets.next()];
				const events = [];
				page.socket.onAny((name, ...args) => name.startsWith('server') || events.push([name, ...args]));
				// One that polls first, as most do: its session goes over to WebSocket.
				const client = await connect(cleanup, server, { ...MODES.upgrade, query: { token: 'é' } });
				const { id } = client;
				await eventually(() => events.some(([name]) => name === 'socket_updated'), 'the upgrade');
				await ask(client, 'join', 'room "1"');
				await ask(client, 'say', [1, null]);
				await ask(client, 'leave', 'room "1"');
				await ask(client, 'join', 'last');
				client.disconnect();
				await eventually(() => events.filter(([name]) => name === 'room_left').length === 3, 'the end');
				const date = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
				const told = events.map(([name, ...args]) => {
					if (name === 'socket_updated') return [name, args[0].id === id, args[0].nsp, args[0].transport];
					assert.match(args.at(-1), date);
					assert.ok(Math.abs(Date.parse(args.at(-1)) - Date.now()) < LIMIT_MS);
					return [name, ...args.slice(0, -1).map((arg) => (arg === id ? 'id' : arg))];
				});
				const connectedAs = told.find(([name]) => name === 'socket_connected')[1];
				assert.equal(connectedAs.handshake.query.token, 'é');
				assert.match(connectedAs.handshake.address, /127\.0\.0\.1$/);
				assert.deepEqual([connectedAs.id, connectedAs.rooms, connectedAs.transport], [id, [id], 'polling']);
				assert.deepEqual(sockets.map((s) => [s.nsp, s.rooms.length]).sort(), [['/', 2], ['/admin', 1]]);
				assert.deepEqual(sockets.find(({ nsp }) => nsp === '/').rooms, [early.id, 'before']);
				// An upgrade comes when it comes; of a socket there may be more in a query than is kept.
				const about = (socket) => ({ ...shape(socket), handshake: Object.keys(socket.handshake).sort() });
				seen.push({ config, all: sockets.map(about), socket: about(connectedAs), told: told.filter(([name]) => !['socket_connected', 'socket_updated'].includes(name)),
					order: told.map(([name]) => name).filter((name) => name !== 'socket_updated'), updated: told.filter(([name]) => name === 'socket_updated').at(-1) });
			}
			assert.deepEqual(seen[0], seen[1]);
		}),
	);

	test('in development mode each page has the sockets of all workers, and orders what is allowed', limit(), () =>
		withCleanup(async (cleanup) => {
			const server = await start(cleanup, {}, { ui: { mode: 'development', readonly: false } });
			const clients = [];
			for (let i = 0; i < 20; i++) clients.push(await connect(cleanup, server, { ...(i % 2 ? MODES.websocket : MODES.polling), namespace: i % 3 ? '/' : '/chat' }));
			const page = await logIn(cleanup, server);
			const second = await logIn(cleanup, server);
			const [{ supportedFeatures }] = await page.config.next();
			assert.deepEqual(supportedFeatures, ['EMIT', 'JOIN', 'LEAVE', 'DISCONNECT', 'MJOIN', 'MLEAVE', 'MDISCONNECT', 'AGGREGATED_EVENTS', 'ALL_EVENTS']);
			const [sockets] = await second.all_sockets.next();
			assert.deepEqual(sockets.map(({ id }) => id).sort(), [...clients, page.socket, second.socket].map(({ id }) => id).sort());
			assert.equal(new Set(sockets.map(({ clientId }) => clientId)).size, 22);
			const [first, other] = clients.filter((_, i) => i % 3);
			const inRoom = collect(second.socket, 'room_joined');
			page.socket.emit('join', '/', 'r', first.id);
			page.socket.emit('join', '/', 'r', other.id);
			for (let i = 0; i < 2; i++) assert.equal((await inRoom.next())[1], 'r');
			const got = [collect(first, 'hello'), collect(other, 'hello'), collect(clients[4], 'hello')];
			page.socket.emit('emit', '/', 'r', 'hello', 1, { b: [2] });
			page.socket.emit('leave', '/', 'r', other.id);
			page.socket.emit('emit', '/', 'r', 'hello', 2);
			page.socket.emit('emit', '/', null, 'hello', 3);
			assert.deepEqual([await got[0].next(), await got[0].next(), await got[0].next()], [[1, { b: [2] }], [2], [3]]);
			assert.deepEqual([await got[1].next(), await got[1].next()], [[1, { b: [2] }], [3]]);
			assert.deepEqual(await got[2].next(), [3]);
			// What makes no sense has no effect.
			for (const order of [['join', '/'], ['join', 7, 'r'], ['join', '/', null, first.id], ['_disconnect', 'chat', true], ['emit', '/', null, 7], ['emit', '/', null, 'connect'], ['emit', '/', 7, 'x'], ['x'], ['emit']])
				page.socket.emit(...order);
			const gone = collect(second.socket, 'socket_disconnected');
			const { id } = first;
			const ended = once(first, 'disconnect', 'the end of one');
			page.socket.emit('_disconnect', '/', false, id);
			assert.deepEqual(await ended, ['io server disconnect', undefined]);
			assert.deepEqual((await gone.next()).slice(0, 3), ['/', id, 'server namespace disconnect']);
			page.socket.emit('_disconnect', '/chat', true, null);
			await eventually(() => clients.every((client, i) => i % 3 || !client.connected), 'the end of those in /chat');
			assert.ok(other.connected);
			assert.match(server.child.output, /event=admin-ui-order order=close nsp="\/chat"/);
			assert.match(server.child.output, /event=admin-ui-order order=join nsp="\/" room="r" for="/);
		}),
	);

	test('orders are for whom they are allowed, and only where somebody looks anything is told', limit(), () =>
		withCleanup(async (cleanup) => {
			const server = await start(cleanup, { workers: 1 }, { ui: { mode: 'development' } });
			const client = await connect(cleanup, server, MODES.websocket);
			const page = await logIn(cleanup, server, GOOD, MODES.websocket);
			assert.deepEqual((await page.config.next())[0].supportedFeatures, ['AGGREGATED_EVENTS', 'ALL_EVENTS']);
			page.socket.emit('_disconnect', '/', true, null);
			page.socket.emit('emit', '/', null, 'hello');
			const joined = collect(page.socket, 'event_received');
			await ask(client, 'ping', 'x'); // behind the orders
			assert.deepEqual((await joined.next()).slice(0, 3), ['/', client.id, ['ping', 'x']]);
			assert.ok(client.connected);
			assert.doesNotMatch(server.child.output, /admin-ui-order/);
			// Those that came back have a list of now; nothing is kept for them.
			page.socket.disconnect();
			for (let i = 0; i < 10; i++) await ask(client, 'ping', i);
			page.socket.connect();
			const lists = page.all_sockets;
			await lists.next();
			assert.equal((await lists.next())[0].length, 2);
			await ask(client, 'ping', 'y');
			assert.deepEqual((await joined.next())[2], ['ping', 'y']);
		}),
	);

	test('mistakes in the configuration are told', limit(), () =>
		withCleanup(async (cleanup) => {
			const file = await hashFile(cleanup);
			const check = async (adminUI, more = {}) => {
				const setup = await configure(cleanup, { adminUI, ...more });
				const { status, err } = tool(['check', '-c', setup.file]);
				return [status, err.replaceAll(setup.file, 'F').replaceAll(path.dirname(file), 'D')];
			};
			assert.equal((await check({ username: 'a', passwordFile: file }))[0], 0);
			for (const [adminUI, why, more] of [
				[{ mode: 'production' }, /adminUI: it needs "username" and "passwordFile", or "auth": false/],
				[{ username: 'a' }, /adminUI\.passwordFile: it is missing/],
				[{ passwordFile: file }, /adminUI\.username: it is missing/],
				[{ username: 'a', passwordFile: file, auth: false }, /adminUI\.auth: false lets anybody in/],
				[{ auth: { type: 'basic', username: 'a', password: 'b' } }, /adminUI\.auth: expected false, by which anybody may use it, not an object/],
				[{ username: 'a', passwordFile: `${file}s` }, /adminUI\.passwordFile: D\/hashs: no such file/],
				[{ username: 'a', passwordFile: await hashFile(cleanup, { hash: 'secret' }) }, /it has no bcrypt hash, which begins with/],
				[{ username: 'a', passwordFile: await hashFile(cleanup, { hash: '$2b$10$short' }) }, /it has no whole bcrypt hash/],
				[{ username: 'a', passwordFile: await hashFile(cleanup, { hash: bcrypt.hashSync('x', 4).replace('$04$', '$20$') }) }, /it has a bcrypt hash with a cost above 16/],
				[{ username: 'a', passwordFile: file, mode: 'debug' }, /adminUI\.mode: "debug" is none of "production", "development"/],
				[{ username: 'a', passwordFile: file, namespaceName: 'admin' }, /adminUI\.namespaceName: it needs a namespace of its own/],
				[{ username: 'a', passwordFile: file }, /adminUI\.namespaceName: that namespace stands in "namespaces"/, { namespaces: { '/admin': {} } }],
				[{ username: 'a', passwordFile: file, page: '/socket.io' }, /adminUI\.page: that is where "path" is/],
				[{ username: 'a', passwordFile: file, page: 'ui' }, /adminUI\.page: "ui" is no path/],
				[{ usernam: 'a' }, /adminUI\.usernam: unknown key; did you mean "username"\?/],
			]) {
				const [status, err] = await check(adminUI, more);
				assert.equal(status, 1, JSON.stringify(adminUI));
				assert.match(err, why);
			}
			assert.match((await check({ auth: false }, { listen: ['0.0.0.0:3000'] }))[1], /adminUI\.auth: whoever reaches "0\.0\.0\.0:3000" sees/);
		}),
	);
});

const NO_BROWSER = SIOCAST_ONLY || (fs.existsSync(CHROMIUM) ? false : `there is no ${CHROMIUM}`);

/** A page in a browser of its own, where it asks to log in; with the list of what went wrong on it. */
async function browse(cleanup, server) {
	const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'] });
	cleanup.add(browser, () => browser.close());
	const context = await browser.newContext();
	// Fonts and icons, which are nothing for a test.
	await context.route((url) => !url.href.startsWith(server.url), (route) => route.abort());
	const problems = [];
	const open = async () => {
		const page = await context.newPage();
		page.setDefaultTimeout(LIMIT_MS);
		page.on('pageerror', (error) => problems.push(error.message));
		page.on('response', (response) => response.status() >= 400 && problems.push(`${response.status()} for ${response.url()}`));
		await page.goto(`${server.url}/admin-ui/`);
		return page;
	};
	return { open, problems };
}

async function fillIn(page, server, password) {
	const form = page.locator('.v-dialog');
	await form.getByLabel('Server URL').fill(server.url);
	await form.getByLabel('Username').fill(GOOD.username);
	await form.getByLabel('Password').fill(password);
	await form.getByRole('button', { name: 'Connect' }).click();
	return form;
}

describe('the page of the Admin UI in Chromium', { skip: NO_BROWSER }, () => {
	test('logs in, and shows the server with its clients', limit(120), () =>
		withCleanup(async (cleanup) => {
			const server = await start(cleanup, {}, { ui: { serverId: 'the-server' } });
			for (let i = 0; i < 5; i++) await connect(cleanup, server, i % 2 ? MODES.websocket : MODES.polling);
			const { open, problems } = await browse(cleanup, server);
			const page = await open();
			await fillIn(page, server, 'wrong');
			await page.getByText('Invalid credentials').waitFor();
			await (await fillIn(page, server, GOOD.password)).waitFor({ state: 'hidden' });
			const servers = async (where) => {
				await where.goto(`${server.url}/admin-ui/#/servers/`);
				const row = where.getByRole('row').filter({ hasText: 'the-server' });
				await row.waitFor();
				return row;
			};
			const row = await servers(page);
			await row.filter({ has: page.getByRole('cell', { name: '6', exact: true }) }).waitFor();
			// Another page comes in by the session that the first has kept.
			const second = await open();
			await (await servers(second)).filter({ has: second.getByRole('cell', { name: '7', exact: true }) }).waitFor();
			assert.equal(await second.locator('.v-dialog').isVisible(), false);
			assert.deepEqual(problems, []);
		}),
	);

	test('shows sockets in development mode, and puts one out at the press of a button', limit(120), () =>
		withCleanup(async (cleanup) => {
			const server = await start(cleanup, {}, { ui: { mode: 'development', readonly: false } });
			const early = await connect(cleanup, server, MODES.websocket);
			const { open, problems } = await browse(cleanup, server);
			const page = await open();
			await (await fillIn(page, server, GOOD.password)).waitFor({ state: 'hidden' });
			await page.getByRole('link', { name: 'Sockets' }).click();
			const late = await connect(cleanup, server, MODES.polling);
			const row = ({ id }) => page.getByRole('row').filter({ hasText: id });
			await row(early).filter({ hasText: 'WebSocket' }).waitFor();
			await row(late).filter({ hasText: 'HTTP long-polling' }).waitFor();
			const ended = once(late, 'disconnect', 'the end');
			await row(late).getByRole('button').last().click();
			assert.equal((await ended)[0], 'io server disconnect');
			assert.ok(early.connected);
			await page.getByText('disconnected', { exact: true }).first().waitFor();
			assert.deepEqual(problems, []);
		}),
	);
});
