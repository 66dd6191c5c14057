// SPDX-License-Identifier: MIT
//
// Clients that come back to another siocast of the same Redis, because theirs was killed: with their session and all that they
// missed, once and in order, or with the word that they begin anew.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { ask, collect, connect, connected, createClient } from './lib/client.mjs';
import { SIOCAST_ONLY, launchSiocast } from './lib/daemon.mjs';
import { FEEDS, MODES, SOURCES, Servers, back, enter, hasAll, known, member, namespaces, on, whole } from './lib/elsewhere.mjs';
import { request } from './lib/http.mjs';
import { kills } from './lib/kills.mjs';
import { metric } from './lib/metrics.mjs';
import { write } from './lib/reload.mjs';
import { eventually, limit, once } from './lib/wait.mjs';

describe('another siocast', { concurrency: 4, skip: SIOCAST_ONLY }, () => {
	for (const [name, setup] of Object.entries(SOURCES))
		for (const workers of name === 'stream' ? [1, 3] : [2])
			test(`${name}, ${workers} worker(s): killed while messages flow`, limit(), () =>
				withCleanup(async (cleanup) => {
					const servers = await Servers.start(cleanup, { ...setup, workers });
					const sockets = [];
					for (const transports of [...Object.values(MODES), ...Object.values(MODES)]) sockets.push(await member(servers, { transports }));
					await known(servers);
					await Promise.all(sockets.map(enter));
					const ids = sockets.map((socket) => socket.id);
					const stop = servers.flow();
					await eventually(() => sockets.every((socket) => socket.got.batch.length > 20), 'messages to flow');
					const returned = back(sockets);
					await servers.kill(0, 1);
					await returned;
					await stop();
					assert.deepEqual(sockets.map((socket) => socket.recovered), sockets.map(() => true));
					assert.deepEqual(sockets.map((socket) => socket.id), ids);
					for (const socket of sockets) {
						await hasAll(socket, servers.sent);
						assert.deepEqual((await ask(socket, 'rooms'))[1].sort(), ['a', 'b']);
					}
					assert.equal(await metric(servers.list[1], 'recoveries_total{result="recovered"}'), sockets.length);
				}),
			);

	test('who has received nothing yet, and who has nothing new', limit(), () =>
		withCleanup(async (cleanup) => {
			const servers = await Servers.start(cleanup, { feeds: FEEDS.stream, workers: 2 });
			await servers.next();
			await servers.next();
			// Offsets say where that is as soon as there was an entry.
			await eventually(async () => (await metric(servers.list[0], 'feed_messages_total')) === 4 && (await metric(servers.list[1], 'feed_messages_total')) === 4, 'both to have read it');
			const [fresh, idle] = [await member(servers, { transports: ['websocket'] }), await member(servers, { transports: ['polling'] })];
			await ask(idle, 'join', ['a', 'b']);
			const returned = back([fresh, idle]);
			await servers.kill(0, 1);
			await returned;
			assert.deepEqual([fresh.recovered, idle.recovered], [true, true]);
			await servers.next();
			// What came in the second before they did may be among it.
			await Promise.all([eventually(() => fresh.got.n.at(-1) === 3, 'it'), hasAll(idle, 3)]);
			whole('all', fresh.got.n, 3);
		}),
	);

	test('joins, leaves and what went to it alone are there, however late it was killed', limit(), () =>
		withCleanup(async (cleanup) => {
			const servers = await Servers.start(cleanup, { feeds: FEEDS.stream });
			await servers.next();
			const socket = await member(servers, { transports: ['websocket'] });
			const own = collect(socket, 'own');
			await servers.next();
			await eventually(() => socket.got.n.length, 'an offset');
			// The process is gone as soon as the ack is there.
			await ask(socket, 'join', ['a', 'b', 'c', 'd']);
			await ask(socket, 'leave', 'c');
			await ask(socket, 'tell', 'x');
			const returned = back([socket]);
			await servers.kill(0, 1);
			await returned;
			assert.equal(own.items.length, 1);
			assert.equal(socket.recovered, true);
			assert.deepEqual((await ask(socket, 'rooms'))[1].sort(), ['a', 'b', 'd']);
		}),
	);

	test('a session works once; what is made up, or of another secret, not at all', limit(), () =>
		withCleanup(async (cleanup) => {
			const servers = await Servers.start(cleanup, { feeds: FEEDS.stream, n: 3, secrets: [undefined, undefined, 'a secret that nobody else has'] });
			await servers.next();
			const socket = await member(servers, { transports: ['websocket'] });
			await enter(socket);
			await servers.next();
			await hasAll(socket, 2);
			const auth = { pid: socket._pid, offset: socket._lastOffset };
			assert.match(auth.pid, /^[\w-]{40}$/);
			const keys = async () => (await servers.redis.client.command('KEYS', 'sio:session:*')).length;
			assert.equal(await keys(), 1);
			socket.disconnect();
			await eventually(async () => (await keys()) === 0, 'it to be gone: the client has said good-bye');

			const other = await member(servers, { transports: ['websocket'] });
			await enter(other);
			await servers.next();
			await hasAll(other, 3);
			const session = { pid: other._pid, offset: other._lastOffset, id: other.id };
			await servers.list[0].child.kill();
			const forged = [session.pid.slice(0, 20), `${session.pid.slice(0, 39)}${session.pid.endsWith('A') ? 'E' : 'A'}`, `B${session.pid.slice(1)}`, `${session.pid}A`];
			for (const pid of forged) {
				const thief = await connect(cleanup, servers.list[1], { auth: { ...session, pid } });
				assert.equal(thief.recovered, false, pid);
				assert.notEqual(thief.id, other.id);
				thief.disconnect();
			}
			const stranger = createClient(cleanup, servers.list[2], { auth: session });
			stranger._pid = session.pid;
			await connected(stranger);
			assert.equal(stranger.recovered, false);

			// Two who say that they are the same, at once: whoever is second takes it from the first, or begins anew.
			other.disconnect();
			const twins = [1, 2].map(() => {
				const twin = createClient(cleanup, servers.list[1], { transports: ['websocket'], auth: session, reconnection: false });
				twin._pid = session.pid;
				return twin;
			});
			await Promise.all(twins.map(connected));
			const same = () => twins.filter((twin) => twin.connected && twin.id === session.id);
			await eventually(() => same().length === 1, 'one of them to have it');
			// Once it was said good-bye there is nothing to come back to.
			const [owner] = same();
			owner.disconnect();
			await eventually(async () => !(await servers.redis.client.command('EXISTS', `sio:session:${session.pid}`)), 'it to be gone');
			const late = createClient(cleanup, servers.list[1], { auth: session });
			late._pid = session.pid;
			await connected(late);
			assert.equal(late.recovered, false);
		}),
	);

	test('while Redis is away clients begin anew, and nobody waits for it', limit(), () =>
		withCleanup(async (cleanup) => {
			const servers = await Servers.start(cleanup, { feeds: FEEDS.stream });
			await servers.next();
			const socket = await member(servers, { transports: ['websocket'] });
			await enter(socket);
			await servers.next();
			await hasAll(socket, 2);
			// It takes what it is sent, and says nothing.
			servers.redis.child.child.kill('SIGSTOP');
			const doubt = once(socket, 'siocast:offset');
			await ask(socket, 'join', 'late');
			const [offset] = await doubt;
			const returned = back([socket]);
			await servers.kill(0, 1);
			await returned;
			assert.equal(socket.recovered, false);
			servers.redis.child.child.kill('SIGCONT');
			assert.ok((await metric(servers.list[1], 'recoveries_total{result="redis"}')) > 0);
			// What Redis had of the session was older than what the client knew: an offset says so.
			const again = createClient(cleanup, servers.list[1], { auth: { pid: socket._pid, offset } });
			await connected(again);
			assert.equal(again.recovered, false);
		}),
	);

	test('what a handler broadcasts no other server has', limit(), () =>
		withCleanup(async (cleanup) => {
			const servers = await Servers.start(cleanup, { feeds: FEEDS.stream.map((feed) => ({ ...feed, namespace: '/chat' })) });
			const sockets = await Promise.all([member(servers, { namespace: '/chat' }), member(servers, { namespace: '/chat' })]);
			const shouted = sockets.map((socket) => collect(socket, 'shouted'));
			await servers.next();
			await eventually(() => sockets.every((socket) => socket.got.n.length === 1), 'an offset that others know');
			// The second one is not there when the first of it is sent: nothing says to it that there was something.
			const { pid, offset } = { pid: sockets[1]._pid, offset: sockets[1]._lastOffset };
			const again = once(sockets[1], 'connect');
			sockets[1].io.engine.close();
			await ask(sockets[0], 'shout', 'x');
			await shouted[0].next();
			await again;
			assert.equal(sockets[1].recovered, true);
			assert.equal((await shouted[1].next())[0], 'x');
			const returned = back(sockets);
			await servers.kill(0, 1);
			await returned;
			assert.deepEqual(sockets.map((socket) => socket.recovered), [false, false]);
			const late = createClient(cleanup, servers.list[1], { namespace: '/chat', auth: { pid, offset } });
			await connected(late);
			assert.equal(late.recovered, false);
		}),
	);

	for (const [name, source] of Object.entries(SOURCES))
		test(`what a client was sent when it came back, and did not get, it gets from the next siocast: ${name}`, limit(90), () =>
			withCleanup(async (cleanup) => {
				const servers = await Servers.start(cleanup, { ...source, workers: 1 });
				const single = { transports: ['websocket'], reconnection: false };
				const sessionOf = ({ _pid, _lastOffset }) => ({ _pid, _lastOffset });
				await eventually(async () => {
					servers.turnTo(0);
					const early = await member(servers, single);
					await enter(early);
					await servers.next();
					await hasAll(early, servers.sent);
					early.io.engine.close();
					servers.turnTo(1);
					const late = await member(servers, { ...single, session: sessionOf(early) });
					late.disconnect();
					return late.recovered;
				}, 'places to be known to both', 30_000);
				servers.turnTo(0);
				const socket = await member(servers, single);
				await enter(socket);
				await servers.next();
				await hasAll(socket, servers.sent);
				const session = sessionOf(socket);
				socket.io.engine.close();
				const first = servers.sent + 1;
				for (let i = 0; i < 5; i++) await servers.next();
				// It is there again, but the answer is lost on its way: so it comes with what it had before.
				const lost = await member(servers, { ...single, session });
				assert.equal(lost.recovered, true);
				await hasAll(lost, servers.sent);
				lost.io.engine.close();
				await servers.next();
				servers.turnTo(1);
				const there = await member(servers, { ...single, session });
				assert.equal(there.recovered, true);
				await hasAll(there, servers.sent);
				for (const list of Object.values(there.got)) assert.equal(list[0], first);
			}),
		);

	test('servers are killed one after the other', limit(90), () =>
		withCleanup(async (cleanup) => {
			const tally = await kills(cleanup, { source: 'stream', servers: 2, clients: 10, kills: 3, every: 300, rate: 200 });
			assert.deepEqual([tally.kills, tally.lost, tally.twice], [3, 0, 0], JSON.stringify(tally));
			assert.ok(tally.recovered > 0, JSON.stringify(tally));
		}),
	);

	test('there and back, while both live', limit(), () =>
		withCleanup(async (cleanup) => {
			const servers = await Servers.start(cleanup, { feeds: FEEDS.stream, workers: 2 });
			await servers.next();
			const socket = await member(servers, { transports: ['websocket'] });
			await enter(socket);
			const { id } = socket;
			for (const to of [1, 0, 0, 1, 1, 0]) {
				await servers.next();
				servers.turnTo(to);
				const returned = back([socket]);
				servers.cutter.cut();
				await servers.next();
				servers.cutter.mend();
				await returned;
				assert.deepEqual([socket.recovered, socket.id], [true, id], `at ${to}`);
				await servers.next();
				await hasAll(socket, servers.sent);
			}
			// One that is not seen to have ended has its session taken from it.
			servers.turnTo(1);
			const returned = back([socket]);
			servers.cutter.silence();
			await returned;
			assert.equal(socket.recovered, true);
			await ask(socket, 'leave', 'a');
			const again = once(socket, 'connect');
			await servers.kill(1, 0);
			await again;
			assert.deepEqual([socket.recovered, (await ask(socket, 'rooms'))[1]], [true, ['b']]);
		}),
	);

	test('after an orderly end, too; not with other feeds', limit(), () =>
		withCleanup(async (cleanup) => {
			const servers = await Servers.start(cleanup, { feeds: FEEDS.stream, n: 2 });
			await servers.next();
			const socket = await member(servers, { transports: ['websocket'] });
			await enter(socket);
			await servers.next();
			await hasAll(socket, 2);
			let returned = back([socket]);
			servers.turnTo(1);
			await servers.list[0].child.stop();
			await servers.next();
			await returned;
			await hasAll(socket, 3);
			assert.equal(socket.recovered, true);
			const changed = { ...servers.list[0], config: { ...servers.list[1].config, feeds: [...FEEDS.stream, { stream: 't', event: 't' }] } };
			Object.assign(changed.config, { listen: servers.list[0].config.listen, admin: servers.list[0].config.admin });
			fs.writeFileSync(changed.file, JSON.stringify(changed.config));
			changed.child = await launchSiocast(cleanup, changed);
			await eventually(async () => (await request(changed.admin, 'GET', '/readyz')).status === 200, 'it to be ready');
			returned = back([socket]);
			await servers.kill(1, 0);
			await returned;
			assert.equal(socket.recovered, false);
		}),
	);

	test('one that ends and is there again, with a stateFile', limit(), () =>
		withCleanup(async (cleanup) => {
			const stateFile = path.join(await cleanup.folder(), 'state');
			const servers = await Servers.start(cleanup, { feeds: FEEDS.stream, n: 1, config: { stateFile } });
			const socket = await member(servers, { transports: ['websocket'] });
			await enter(socket);
			await servers.next();
			await hasAll(socket, 1);
			const { id } = socket;
			const returned = back([socket]);
			await servers.list[0].child.stop();
			await servers.next();
			servers.list[0].child = await launchSiocast(cleanup, servers.list[0]);
			await returned;
			assert.deepEqual([socket.recovered, socket.id], [true, id]);
			await hasAll(socket, 2);
			assert.deepEqual((await ask(socket, 'rooms'))[1].sort(), ['a', 'b']);
		}),
	);

	test('what Redis refused it gets when its client goes', limit(), () =>
		withCleanup(async (cleanup) => {
			const servers = await Servers.start(cleanup, { feeds: FEEDS.stream });
			await servers.next();
			const socket = await member(servers, { transports: ['websocket'], reconnection: false });
			await enter(socket);
			const { id } = socket;
			await servers.redis.client.command('ACL', 'SETUSER', 'default', '-eval');
			const doubt = once(socket, 'siocast:offset');
			await ask(socket, 'join', 'late');
			await doubt;
			await servers.redis.client.command('ACL', 'SETUSER', 'default', '+eval');
			await servers.next();
			await hasAll(socket, 2);
			socket.io.engine.close();
			const value = async () => Buffer.from(String(await servers.redis.client.command('GET', `sio:session:${socket._pid}`)), 'base64');
			await eventually(async () => (await value()).includes('late'), 'the session to be put', 3000);
			await servers.next();
			servers.turnTo(1);
			const returned = back([socket]);
			socket.connect();
			await returned;
			assert.deepEqual([socket.recovered, socket.id], [true, id]);
			await hasAll(socket, 3);
			assert.deepEqual((await ask(socket, 'rooms'))[1].sort(), ['a', 'b', 'late']);
		}),
	);

	test('what Redis had is older after it was away; what it gets then counts again', limit(60), () =>
		withCleanup(async (cleanup) => {
			const servers = await Servers.start(cleanup, { feeds: FEEDS.stream });
			await servers.next();
			const socket = await member(servers, { transports: ['websocket'] });
			await enter(socket);
			await servers.next();
			await hasAll(socket, 2);
			const { id } = socket;
			const before = socket._lastOffset;
			servers.redis.child.child.kill('SIGSTOP');
			const doubt = once(socket, 'siocast:offset');
			await ask(socket, 'join', 'late');
			const [offset] = await doubt;
			servers.redis.child.child.kill('SIGCONT');
			// Whose offsets they are: all but the last digit is the same, which says that something between the two may be lost.
			const node = (text) => /~(.{5})/.exec(text)?.[1];
			assert.ok(node(before), before);
			assert.equal(node(offset)?.slice(0, 4), node(before).slice(0, 4), `${before} ${offset}`);
			assert.notEqual(node(offset), node(before));
			// It is written once more by itself, with all of its rooms, and is as good as any.
			const value = async () => Buffer.from(String(await servers.redis.client.command('GET', `sio:session:${socket._pid}`)), 'base64');
			const stored = async () => (await value()).includes('late') && (await value()).includes(`~${node(offset)}`);
			await eventually(stored, 'the session to be written again', 15_000);
			await servers.next();
			await hasAll(socket, 3);
			const returned = back([socket]);
			await servers.kill(0, 1);
			await returned;
			await servers.next();
			assert.deepEqual([socket.recovered, socket.id], [true, id]);
			await hasAll(socket, 4);
			assert.deepEqual((await ask(socket, 'rooms'))[1].sort(), ['a', 'b', 'late']);
			// Nothing has come there since: how far it is says only what was said when it was taken in.
			const third = back([socket]);
			servers.cutter.cut();
			servers.cutter.mend();
			await third;
			assert.deepEqual([socket.recovered, socket.id], [true, id]);
			await hasAll(socket, 4);
		}),
	);

	for (const [name, slow, limits] of [
		['lost something, being slow,', 'drop-oldest', { clientQueueBytes: 3_000_000, clientQueueSeconds: 60 }],
		['is behind in a feed with latestPer', { latestPer: '/s' }, {}],
	])
		test(`who ${name} has no session in Redis, and begins anew`, limit(), () =>
			withCleanup(async (cleanup) => {
				const wide = { stream: 'wide', field: 'n', event: 'wide', encode: 'json', batch: { interval: 0 }, slow };
				// Nobody is missed meanwhile for not answering pings.
				const servers = await Servers.start(cleanup, { feeds: [...FEEDS.stream, wide], config: { limits, engine: { pingInterval: 600_000 } } });
				const pad = 'x'.repeat(40_000);
				const fill = (n) => servers.publish('wide', JSON.stringify({ s: `k${n}`, n, pad }));
				await servers.next();
				await fill(0);
				const [slowOne, healthy] = [await member(servers, { transports: ['websocket'] }), await member(servers, { transports: ['websocket'] })];
				await servers.next();
				await fill(0);
				await eventually(() => [slowOne, healthy].every(({ got }) => got.n.length), 'offsets');
				const has = async ({ _pid }) => Boolean(await servers.redis.client.command('EXISTS', `sio:session:${_pid}`));
				assert.deepEqual([await has(slowOne), await has(healthy)], [true, true]);
				slowOne.io.engine.transport.ws.pause(); // its socket alone would go on when ws has handled what it has
				// What the kernel takes for it comes first. The other one keeps up.
				let n = 0;
				let last = 0;
				healthy.on('wide', (m) => (last = [].concat(m).at(-1).n));
				for (let round = 0; round < 40 && (await has(slowOne)); round++) {
					await Promise.all(Array.from({ length: 30 }, () => fill(++n)));
					await eventually(() => last === n, 'the other one to have it');
				}
				await eventually(async () => !(await has(slowOne)), 'what Redis has of it to go');
				// That one may have been behind for a moment as well, but nothing took the place of another; it has something from behind that.
				await servers.next();
				await eventually(() => healthy.got.n.at(-1) === servers.sent, 'the last number');
				await eventually(() => has(healthy), 'the session of the other one');
				const returned = back([slowOne, healthy]);
				await servers.kill(0, 1);
				slowOne.io.engine.transport.ws._socket.destroy();
				await returned;
				assert.deepEqual([slowOne.recovered, healthy.recovered], [false, true]);
			}),
		);

	test('namespaces change while they live', limit(), () =>
		withCleanup(async (cleanup) => {
			const servers = await Servers.start(cleanup, { feeds: FEEDS.stream, workers: 2 });
			await servers.next();
			const socket = await member(servers, { transports: ['websocket'] });
			await enter(socket);
			await servers.next();
			await hasAll(socket, 2);
			const { id } = socket;
			const changed = { ...namespaces, '/': { on: { ...on, both: [{ join: ['c', 'd'] }, { ack: ['{rooms}'] }] } } };
			for (const server of servers.list) {
				await write(server, { namespaces: changed });
				server.child.child.kill('SIGHUP');
				await server.child.says(/event=reloaded/);
			}
			// What was joined before, and is joined by what is new, is in its session.
			assert.deepEqual((await ask(socket, 'both')).flat().sort(), ['a', 'b', 'c', 'd']);
			await servers.next();
			await hasAll(socket, 3);
			const returned = back([socket]);
			await servers.kill(0, 1);
			await servers.next();
			await returned;
			assert.deepEqual([socket.recovered, socket.id], [true, id]);
			await hasAll(socket, 4);
			assert.deepEqual((await ask(socket, 'rooms'))[1].sort(), ['a', 'b', 'c', 'd']);
		}),
	);
});
