// SPDX-License-Identifier: MIT
//
// The relay: edges take finished batches from a hub, and are in rooms there as their own clients are. Redis sees the hub only.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { describe, test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { MODES, ask, collect, connect, connectMode } from './lib/client.mjs';
import { Cutter } from './lib/cutter.mjs';
import { SIOCAST_ONLY, TOP, configure, feedsReady, launchSiocast } from './lib/daemon.mjs';
import { SEPARATOR, Session } from './lib/engine.mjs';
import { request } from './lib/http.mjs';
import { feeds as racing, namespaces as racers, race } from './lib/joins.mjs';
import { metric } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { feeds, heard, keyFile, namespaces, numbers, on, range, ready, rewrite, rooms, startEdge, startHub } from './lib/relay.mjs';
import { GOOD, TOKEN } from './lib/reload.mjs';
import { tool } from './lib/tool.mjs';
import { eventually, limit } from './lib/wait.mjs';

describe('an edge', { skip: SIOCAST_ONLY }, () => {
	for (const workers of [1, 2])
		test(`has what its hub sends, by each transport, with ${workers} worker(s)`, limit(), () =>
			withCleanup(async (cleanup) => {
				const { redis, hub, folder } = await startHub(cleanup, { workers });
				const edge = await startEdge(cleanup, hub.port, folder, { workers });
				const sockets = [];
				for (const server of [hub, edge]) for (const mode of Object.keys(MODES)) sockets.push(await connectMode(cleanup, server, mode));
				const other = await connect(cleanup, edge, { ...MODES.websocket, namespace: '/other' });
				const got = Object.fromEntries(['news', 'bytes', 'list'].map((event) => [event, sockets.map((s) => collect(s, event))]));
				const texts = collect(other, 'text');
				await rooms(hub, 1);
				await heard(redis, got.news, 'news');
				for (let n = 0; n < 100; n++) {
					await redis.client.publish('news', JSON.stringify({ n, text: 'ünï\u0000"' }));
					await redis.client.publish('list', JSON.stringify({ n }));
				}
				await redis.client.command('PUBLISH', 'bytes', Buffer.from([0, 255, 1, 254]));
				await redis.client.publish('text', 'plain "text" ☃');
				for (const inbox of got.news) {
					await inbox.until((items) => items.length >= 100, 'all news');
					assert.deepEqual(numbers(inbox), range(0, 100));
					assert.equal(inbox.items[0][0].text, 'ünï\u0000"');
				}
				for (const inbox of got.bytes) assert.deepEqual([...(await inbox.next())[0]], [0, 0, 0, 4, 0, 255, 1, 254]);
				for (const inbox of got.list) {
					await inbox.until((items) => items.flatMap(([list]) => list).length >= 100, 'all of the list');
					assert.deepEqual(inbox.items.flatMap(([list]) => list.map(({ n }) => n)), range(0, 100));
				}
				assert.deepEqual(await texts.next(), ['plain "text" ☃']);
				// Redis has one subscriber, which is the hub.
				assert.equal((await redis.client.command('PUBSUB', 'NUMSUB', 'news'))[1], 1);
				const clients = String(await redis.client.command('CLIENT', 'LIST')).split('\n').filter((line) => / p?sub=[1-9]/.test(line));
				assert.equal(clients.length, 1);
				assert.equal(await metric(hub, 'relay_edges'), 1);
				assert.equal(await metric(edge, 'relay_gaps_total'), 0);
			}),
		);

	test('is in the rooms that its clients are in, and in no others', limit(), () =>
		withCleanup(async (cleanup) => {
			const { redis, hub, folder } = await startHub(cleanup);
			const edge = await startEdge(cleanup, hub.port, folder);
			const [a, b] = [await connect(cleanup, edge, MODES.websocket), await connect(cleanup, edge, MODES.polling)];
			const [ga, gb] = [collect(a, 'room'), collect(b, 'room')];
			await ask(a, 'join', ['x', 'y']);
			await ask(b, 'join', ['y', 'z']);
			await rooms(hub, 4);
			await heard(redis, [gb], 'room:z');
			const before = await metric(edge, 'relay_batches_total');
			for (const room of ['x', 'y', 'z', 'nobody']) await redis.client.publish(`room:${room}`, JSON.stringify({ room }));
			await gb.until((items) => items.length === 2, 'two rooms');
			await ga.until((items) => items.length === 2, 'two rooms');
			assert.deepEqual(ga.items.map(([{ room }]) => room), ['x', 'y']);
			assert.deepEqual(gb.items.map(([{ room }]) => room), ['y', 'z']);
			assert.equal((await metric(edge, 'relay_batches_total')) - before, 3);
			// Whoever is the last to leave takes the edge out of it; the room of both stays.
			await ask(a, 'leave', ['x', 'y']);
			await rooms(hub, 3);
			b.disconnect();
			await rooms(hub, 1);
			await ask(a, 'join', 'x');
			await rooms(hub, 2);
			await heard(redis, [ga], 'room:x');
		}),
	);

	test('tells several rooms, and exceptions, apart', limit(), () =>
		withCleanup(async (cleanup) => {
			const { redis, hub, folder } = await startHub(cleanup);
			const edge = await startEdge(cleanup, hub.port, folder);
			const sockets = [];
			for (const list of [['a'], ['b'], ['a', 'b'], ['a', 'c']]) {
				const socket = await connect(cleanup, edge, MODES.websocket);
				await ask(socket, 'join', list);
				sockets.push({ got: collect(socket, 'many') });
			}
			await rooms(hub, 4);
			await eventually(async () => {
				await redis.client.publish('many', JSON.stringify({ rooms: ['a', 'b'], but: [], n: -1 }));
				return sockets.every(({ got }) => got.items.length);
			}, 'all to hear');
			await redis.client.publish('many', JSON.stringify({ rooms: ['a', 'b'], but: ['c'], n: 1 }));
			await redis.client.publish('many', JSON.stringify({ rooms: ['b'], but: [], n: 2 }));
			await redis.client.publish('many', JSON.stringify({ rooms: ['a', 'b'], but: [], n: 3 }));
			const want = [[1, 3], [1, 2, 3], [1, 2, 3], [3]];
			for (const [i, { got }] of sockets.entries()) {
				await got.until((items) => items.at(-1)[0].n === 3, 'the last');
				assert.deepEqual(numbers(got).filter((n) => n >= 0), want[i]);
			}
		}),
	);

	test('publishes at its hub what its clients say', limit(), () =>
		withCleanup(async (cleanup) => {
			const { hub, folder } = await startHub(cleanup);
			const edge = await startEdge(cleanup, hub.port, folder);
			const socket = await connect(cleanup, edge, MODES.websocket);
			const got = collect(socket, 'news');
			await rooms(hub, 1);
			await ask(socket, 'say', 'news', '{"n":7}');
			assert.deepEqual(await got.next(), [{ n: 7 }]);
			assert.equal(await metric(edge, 'relay_published_total'), 1);
			assert.equal(await metric(hub, 'relay_hub_published_total'), 1);
		}),
	);

	test('that loses its connection goes on where it was: nothing is lost, and nothing comes twice', limit(), () =>
		withCleanup(async (cleanup) => {
			const { redis, hub, folder } = await startHub(cleanup);
			const line = await Cutter.open(cleanup, hub.port);
			const edge = await startEdge(cleanup, line.port, folder);
			const socket = await connect(cleanup, edge, MODES.websocket);
			const news = collect(socket, 'news'), room = collect(socket, 'room'), gaps = collect(socket, 'siocast:gap');
			await ask(socket, 'join', 'x');
			await rooms(hub, 2);
			await heard(redis, [news], 'news');
			await heard(redis, [room], 'room:x');
			let n = 0;
			for (let turn = 0; turn < 4; turn++) {
				const until = n + 200;
				for (; n < until; n++) {
					if (n === until - 150) line.cut();
					if (n === until - 50) line.mend();
					await redis.client.publish(n % 2 ? 'news' : 'room:x', JSON.stringify({ n }));
				}
				await news.until((items) => items.at(-1)?.[0].n === n - 1, 'the last of news');
			}
			await room.until((items) => items.at(-1)?.[0].n === n - 2, 'the last of the room');
			assert.deepEqual(numbers(news), range(0, n).filter((i) => i % 2));
			assert.deepEqual(numbers(room), range(0, n).filter((i) => i % 2 === 0));
			assert.equal(gaps.total, 0);
			assert.equal(await metric(edge, 'relay_gaps_total'), 0);
			assert.ok((await metric(edge, 'relay_connects_total{how="resumed"}')) >= 4);
			assert.equal(await metric(hub, 'relay_hub_greeted_total{how="new"}'), 1);
		}),
	);

	test('joins and leaves while its connection is lost', limit(), () =>
		withCleanup(async (cleanup) => {
			const { redis, hub, folder } = await startHub(cleanup);
			const line = await Cutter.open(cleanup, hub.port);
			const edge = await startEdge(cleanup, line.port, folder);
			const socket = await connect(cleanup, edge, MODES.websocket);
			const got = collect(socket, 'room');
			await ask(socket, 'join', ['a', 'b']);
			await rooms(hub, 3);
			line.cut();
			await eventually(async () => (await request(edge.admin, 'GET', '/readyz')).status !== 200, 'the edge to notice');
			await ask(socket, 'leave', 'a');
			await ask(socket, 'join', ['c', 'd']);
			await ask(socket, 'leave', 'd');
			line.mend();
			await ready(edge);
			await rooms(hub, 3);
			await heard(redis, [got], 'room:c');
			for (const name of ['a', 'd', 'b']) await redis.client.publish(`room:${name}`, JSON.stringify({ name }));
			assert.deepEqual(await got.next(), [{ name: 'b' }]);
		}),
	);

	test('has a gap when its hub begins anew, and tells it', limit(), () =>
		withCleanup(async (cleanup) => {
			const { redis, hub, folder } = await startHub(cleanup);
			const edge = await startEdge(cleanup, hub.port, folder);
			const socket = await connect(cleanup, edge, MODES.websocket);
			const news = collect(socket, 'news'), gaps = collect(socket, 'siocast:gap');
			await rooms(hub, 1);
			await heard(redis, [news], 'news');
			await hub.child.kill();
			await eventually(async () => (await request(edge.admin, 'GET', '/readyz')).status !== 200, 'the edge to notice');
			const noticed = Date.now();
			// Its clients stay.
			assert.deepEqual(await ask(socket, 'here'), [1]);
			hub.child = await launchSiocast(cleanup, hub);
			await feedsReady(redis, hub);
			await ready(edge);
			const [gap] = await gaps.next('a gap');
			assert.equal(gap.channel, 'news');
			assert.ok(gap.from <= noticed && gap.to >= noticed, JSON.stringify([gap, noticed]));
			await heard(redis, [news], 'news');
			assert.equal(await metric(edge, 'relay_gaps_total'), 1);
			assert.equal(gaps.total, 1);
		}),
	);

	test('begins anew itself, and the hub forgets it', limit(), () =>
		withCleanup(async (cleanup) => {
			const { redis, hub, folder } = await startHub(cleanup, { relay: { resumeSeconds: 1 } });
			const edge = await startEdge(cleanup, hub.port, folder);
			const socket = await connect(cleanup, edge, { ...MODES.websocket });
			const news = collect(socket, 'news');
			await rooms(hub, 1);
			await edge.child.kill();
			await rooms(hub, 0);
			assert.equal(await metric(hub, 'relay_edges_away'), 0);
			edge.child = await launchSiocast(cleanup, edge);
			await ready(edge);
			await rooms(hub, 1);
			await heard(redis, [news], 'news');
		}),
	);

	test('may be the hub of others', limit(), () =>
		withCleanup(async (cleanup) => {
			const { redis, hub, folder } = await startHub(cleanup);
			const middle = await startEdge(cleanup, hub.port, folder, { node: 'middle', relay: { edges: true } });
			const leaves = [await startEdge(cleanup, middle.port, folder), await startEdge(cleanup, middle.port, folder)];
			const sockets = [];
			for (const server of [hub, middle, ...leaves]) sockets.push(await connect(cleanup, server, MODES.websocket));
			const news = sockets.map((socket) => collect(socket, 'news')), room = sockets.map((socket) => collect(socket, 'room'));
			for (const socket of sockets) await ask(socket, 'join', 'x');
			await rooms(hub, 2);
			await rooms(middle, 2);
			await heard(redis, news, 'news');
			await heard(redis, room, 'room:x');
			for (const n of range(0, 200)) await redis.client.publish(n % 2 ? 'news' : 'room:x', JSON.stringify({ n }));
			for (const inbox of [...news, ...room]) await inbox.until((items) => items.length >= 100, 'all');
			for (const inbox of news) assert.deepEqual(numbers(inbox), range(0, 200).filter((n) => n % 2));
			for (const inbox of room) assert.deepEqual(numbers(inbox), range(0, 200).filter((n) => n % 2 === 0));
			// What is said at a leaf goes all the way up.
			await ask(sockets[3], 'say', 'news', '{"n":9}');
			for (const inbox of news) await inbox.until((items) => items.at(-1)[0].n === 9, 'what a leaf said');
			assert.equal((await redis.client.command('PUBSUB', 'NUMSUB', 'news'))[1], 1);
			// A gap at the top is one for all below.
			const gaps = sockets.slice(1).map((socket) => collect(socket, 'siocast:gap'));
			await hub.child.kill();
			hub.child = await launchSiocast(cleanup, hub);
			for (const inbox of gaps) assert.equal((await inbox.next('a gap'))[0].channel, 'news');
		}),
	);

	for (const workers of [1, 2])
		test(`gets what is published over HTTP and broadcast by handlers at its hub, too, with ${workers} worker(s)`, limit(), () =>
			withCleanup(async (cleanup) => {
				const folder = await cleanup.folder();
				const tokenFile = path.join(folder, 'token');
				fs.writeFileSync(tokenFile, TOKEN, { mode: 0o600 });
				const shout = { ...namespaces, '/': { on: { ...on, shout: [{ broadcast: { event: 'shout', args: ['{1}'], room: 'x' } }, { ack: [1] }] } } };
				const { hub } = await startHub(cleanup, { workers, publish: { tokenFile }, namespaces: shout });
				const edge = await startEdge(cleanup, hub.port, folder);
				const [far, near] = [await connect(cleanup, edge, MODES.websocket), await connect(cleanup, hub, MODES.websocket)];
				const hello = collect(far, 'hello'), shouts = collect(far, 'shout');
				await ask(far, 'join', 'x');
				await eventually(async () => (await metric(hub, 'relay_hub_rooms')) >= 2, 'the rooms');
				const body = JSON.stringify({ event: 'hello', args: ['x', { y: 1 }], room: 'x' });
				const answer = await request(hub.admin, 'POST', '/publish', { ...GOOD, 'Content-Type': 'application/json' }, body);
				assert.equal(answer.status, 200, answer.text);
				assert.deepEqual(await hello.next(), ['x', { y: 1 }]);
				await ask(near, 'shout', 'loud');
				assert.deepEqual(await shouts.next(), ['loud']);
			}),
		);
});

describe('what a hub retains', { skip: SIOCAST_ONLY }, () => {
	for (const depth of [1, 2])
		test(`comes to who joins at an edge, ${depth} below it, without a gap and without a repeat, while it races what is published`, limit(), () =>
			withCleanup(async (cleanup) => {
				const { redis, hub, folder } = await startHub(cleanup, { feeds: racing, namespaces: racers });
				let edge = hub;
				for (let i = 0; i < depth; i++) edge = await startEdge(cleanup, edge.port, folder, { namespaces: racers, relay: { edges: true } });
				const like = { ...edge, config: { feeds: racing } };
				const { joins, failures } = await race(cleanup, like, redis, { joins: 60, rate: 2000, sockets: 1, seconds: 3 });
				assert.deepEqual(failures, []);
				assert.ok(joins > 20, `${joins} joins`);
				assert.ok((await metric(hub, 'relay_hub_asked_total')) > 20);
			}),
		);

	test('is asked for anew when the edge has been out of a room meanwhile', limit(), () =>
		withCleanup(async (cleanup) => {
			const retaining = [{ pattern: 's:*', event: 'state', room: '{1}', encode: 'json', retain: 'last', batch: { interval: 0 } }];
			const { redis, hub, folder } = await startHub(cleanup, { feeds: retaining });
			const line = await Cutter.open(cleanup, hub.port);
			const edge = await startEdge(cleanup, line.port, folder);
			const [a, b] = [await connect(cleanup, edge, MODES.websocket), await connect(cleanup, edge, MODES.websocket)];
			const got = collect(b, 'state');
			await redis.client.publish('s:x', '{"n":1}');
			await eventually(async () => (await metric(hub, 'retained_messages')) === 1, 'it to be retained');
			await rooms(hub, 1);
			const asked = await metric(hub, 'relay_hub_asked_total');
			// The answer to the first is under way all the time.
			line.hold();
			await ask(a, 'join', 'x');
			await eventually(async () => (await metric(hub, 'relay_hub_asked_total')) > asked, 'the question');
			await ask(a, 'leave', 'x');
			await rooms(hub, 1);
			await redis.client.publish('s:x', '{"n":2}');
			await ask(b, 'join', 'x');
			await rooms(hub, 2);
			line.release();
			assert.deepEqual(await got.next(), [{ n: 2 }]);
		}),
	);

	test('comes when the hub is back, for who came while it was away', limit(), () =>
		withCleanup(async (cleanup) => {
			const retaining = [{ channel: 'state', event: 'state', encode: 'json', retain: 'last', batch: { interval: 0 } }];
			const { redis, hub, folder } = await startHub(cleanup, { feeds: retaining });
			const line = await Cutter.open(cleanup, hub.port);
			const edge = await startEdge(cleanup, line.port, folder);
			await redis.client.publish('state', '{"n":1}');
			await eventually(async () => (await metric(hub, 'retained_messages')) === 1, 'it to be retained');
			line.cut();
			await eventually(async () => (await request(edge.admin, 'GET', '/readyz')).status !== 200, 'the edge to notice');
			const sockets = [await connect(cleanup, edge, MODES.websocket), await connect(cleanup, edge, MODES.polling)];
			const got = sockets.map((socket) => collect(socket, 'state'));
			for (const socket of sockets) await ask(socket, 'here');
			line.mend();
			for (const inbox of got) assert.deepEqual(await inbox.next(), [{ n: 1 }]);
			await redis.client.publish('state', '{"n":2}');
			for (const inbox of got) assert.deepEqual(await inbox.next(), [{ n: 2 }]);
		}),
	);
});

describe('a client of an edge', { skip: SIOCAST_ONLY }, () => {
	test('that is behind gets the newest of each key, as at the hub', limit(), () =>
		withCleanup(async (cleanup) => {
			const batch = { interval: 5 }, slow = { latestPer: '/s' };
			const keyed = [
				{ channel: 'q', event: 'json', encode: 'json', batch, slow, lagEvent: true },
				{ channel: 'q', event: 'text', encode: 'text', batch: { ...batch, format: 'lines' }, slow },
				{ channel: 'q', event: 'columns', batch: { ...batch, format: 'columns' }, slow },
				{ channel: 'q', event: 'bare', encode: 'json', batch: { interval: 0 }, slow },
			];
			const { redis, hub, folder } = await startHub(cleanup, { feeds: keyed });
			const edge = await startEdge(cleanup, hub.port, folder, { workers: 1 });
			const healthy = await connect(cleanup, edge, MODES.websocket);
			const heard = collect(healthy, 'json');
			await rooms(hub, 1);
			const session = await Session.open(edge);
			await session.post('40');
			await session.packets();
			const quote = (s, n) => `{"s":"${s}","n":${n},"t":"é\\n"}`;
			const all = [quote('a', 1), quote('b', 2), quote('a', 3), quote('c', 4), quote('b', 5), '{"n":6}'];
			for (const message of all) {
				await redis.client.publish('q', message);
				await heard.next(message);
			}
			const newest = [quote('a', 3), quote('c', 4), quote('b', 5), '{"n":6}'];
			const packets = (await session.poll()).text.split(SEPARATOR);
			assert.ok(packets.includes(`42["json",[${newest}]]`), packets.join('\n'));
			assert.ok(packets.includes(`42["text",${JSON.stringify(newest.map((m) => `${m}\n`).join(''))}]`), packets.join('\n'));
			for (const message of newest) assert.ok(packets.includes(`42["bare",${message}]`), packets.join('\n'));
			assert.ok(packets.some((packet) => packet.startsWith('42["siocast:lag"')));
		}),
	);

	test('comes back to its session, and has what it missed', limit(), () =>
		withCleanup(async (cleanup) => {
			const connectionStateRecovery = { maxDisconnectionDuration: 60000 };
			const { redis, hub, folder } = await startHub(cleanup, { connectionStateRecovery });
			const edge = await startEdge(cleanup, hub.port, folder, { connectionStateRecovery, relay: { lingerSeconds: 0 } });
			const line = await Cutter.open(cleanup, edge.port);
			const socket = await connect(cleanup, { ...edge, url: line.url }, { ...MODES.websocket, reconnectionDelay: 50 });
			const room = collect(socket, 'room');
			await ask(socket, 'join', 'x');
			await rooms(hub, 2);
			await heard(redis, [room], 'room:x');
			for (let n = 0; n < 60; n++) {
				if (n === 20) {
					line.cut();
					await eventually(() => !socket.connected, 'the client to notice');
				}
				if (n === 40) line.mend();
				await redis.client.publish('room:x', JSON.stringify({ n }));
			}
			await room.until((items) => items.at(-1)?.[0].n === 59, 'the last');
			assert.equal(socket.recovered, true);
			assert.deepEqual(numbers(room), range(0, 60));
			// A gap of the hub is one for who was away from the edge meanwhile, and so is one of the edge.
			line.cut();
			await eventually(() => !socket.connected, 'the client to notice');
			await redis.client.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
			await eventually(async () => (await metric(hub, 'feed_gaps_total')) > 0, 'the gap of the hub');
			await heard(redis, [collect(await connect(cleanup, edge, MODES.websocket), 'news')], 'news');
			line.mend();
			await eventually(() => socket.connected, 'the client to come back');
			assert.equal(socket.recovered, false);
			await ask(socket, 'join', 'x');
			line.cut();
			await eventually(() => !socket.connected, 'the client to notice');
			await hub.child.kill();
			hub.child = await launchSiocast(cleanup, hub);
			await eventually(async () => (await metric(edge, 'relay_gaps_total')) === 1, 'the gap');
			line.mend();
			await eventually(() => socket.connected, 'the client to come back');
			assert.equal(socket.recovered, false);
		}),
	);
});

describe('an edge that is slow', { skip: SIOCAST_ONLY }, () => {
	test('is cut off, with a bound for what waits for it, and has a gap', limit(), () =>
		withCleanup(async (cleanup) => {
			const { redis, hub, folder } = await startHub(cleanup, { relay: { queueBytes: 1000000 } });
			const line = await Cutter.open(cleanup, hub.port);
			const edge = await startEdge(cleanup, line.port, folder);
			const fine = await startEdge(cleanup, hub.port, folder);
			const sockets = [await connect(cleanup, edge, MODES.websocket), await connect(cleanup, fine, MODES.websocket)];
			const [slow, good] = sockets.map((socket) => collect(socket, 'news'));
			const gaps = collect(sockets[0], 'siocast:gap');
			await rooms(hub, 1);
			await heard(redis, [slow, good], 'news');
			line.hold();
			const text = 'x'.repeat(10000);
			let n = 0, most = 0;
			await eventually(async () => {
				for (let i = 0; i < 50; i++) await redis.client.publish('news', JSON.stringify({ n: n++, text }));
				most = Math.max(most, await metric(hub, 'relay_hub_waiting_bytes'));
				return (await metric(hub, 'relay_hub_cut_total{reason="slow"}')) === 1;
			}, 'the slow edge to be cut');
			assert.ok(most > 0 && most <= 2000000, `${most} bytes waited`);
			line.cut();
			line.mend();
			await gaps.next('a gap');
			await good.until((items) => items.length === n, 'all of it');
			assert.deepEqual(numbers(good), range(0, n));
			await heard(redis, [slow], 'news');
			assert.equal(await metric(fine, 'relay_gaps_total'), 0);
		}),
	);
});

describe('who is no edge, and who is no hub', { skip: SIOCAST_ONLY }, () => {
	test('another key is refused, and told', limit(), () =>
		withCleanup(async (cleanup) => {
			const { hub, folder } = await startHub(cleanup);
			const edge = await startEdge(cleanup, hub.port, folder, { key: 'another key, which is as long as it has to be', wait: false });
			await edge.child.says(/event=relay-refused reason="the hub has another key in peerKeyFile"/);
			assert.notEqual((await request(edge.admin, 'GET', '/readyz')).status, 200);
			assert.equal(await metric(hub, 'relay_edges'), 0);
			assert.ok((await metric(edge, 'relay_failures_total{reason="refused"}')) >= 1);
		}),
	);

	test('edges of each other, and of themselves, are told to be a circle', limit(), () =>
		withCleanup(async (cleanup) => {
			const folder = await cleanup.folder();
			const tokenFile = path.join(folder, 'token');
			fs.writeFileSync(tokenFile, TOKEN, { mode: 0o600 });
			const all = [];
			for (const node of ['a', 'b', 'c']) all.push(await configure(cleanup, { node, workers: 2, namespaces, peerKeyFile: keyFile(folder), relay: { edges: true }, publish: { tokenFile } }));
			const [a, b, c] = all;
			for (const [one, other] of [[a, b], [b, a], [c, c]]) rewrite(one, { redis: { source: `siocast://127.0.0.1:${other.port}` } });
			for (const one of all) one.child = await launchSiocast(cleanup, one);
			await c.child.says(/event=relay-refused reason="it is an edge of this one itself/);
			const refused = () => [a, b].filter((one) => /event=relay-refused reason="it is an edge of this one itself/.test(one.child.output));
			await eventually(() => refused().length, 'one of them to notice');
			// Both may, where they come at the same moment: then one of them is the first to come again.
			const edges = () => Promise.all([a, b].map((one) => metric(one, 'relay_edges')));
			await eventually(async () => (await edges()).toSorted().join() === '0,1', 'one to be the edge of the other');
			// What is sent at one of them comes once.
			const sockets = [await connect(cleanup, a, MODES.websocket), await connect(cleanup, b, MODES.websocket)];
			const got = sockets.map((socket) => collect(socket, 'hello'));
			const above = [a, b][(await edges()).indexOf(1)];
			const answer = await request(above.admin, 'POST', '/publish', { ...GOOD, 'Content-Type': 'application/json' }, JSON.stringify({ event: 'hello', args: [1] }));
			assert.equal(answer.status, 200, answer.text);
			for (const inbox of got) assert.deepEqual(await inbox.next(), [1]);
			assert.deepEqual(got.map((inbox) => inbox.total), [1, 1]);
		}),
	);

	test('what is no hub is told to be none', limit(), () =>
		withCleanup(async (cleanup) => {
			const folder = await cleanup.folder();
			const plain = await configure(cleanup, { namespaces });
			await launchSiocast(cleanup, plain);
			const edge = await startEdge(cleanup, plain.port, folder, { wait: false });
			await edge.child.says(/event=relay-lost reason=/);
			assert.ok(await eventually(async () => (await metric(edge, 'relay_failures_total{reason="unreached"}')) >= 2, 'two attempts'));
		}),
	);

	test('garbage, half a greeting, and long frames end the connection, and nothing else', limit(), () =>
		withCleanup(async (cleanup) => {
			const { redis, hub, folder } = await startHub(cleanup);
			const edge = await startEdge(cleanup, hub.port, folder);
			const socket = await connect(cleanup, edge, MODES.websocket);
			const news = collect(socket, 'news');
			await rooms(hub, 1);
			const head = `GET /siocast-relay HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${crypto.randomBytes(16).toString('base64')}\r\n\r\n`;
			const frame = (bytes) => Buffer.concat([Buffer.from([0x82, 0x80 | 126, bytes.length >> 8, bytes.length & 255, 0, 0, 0, 0]), bytes]);
			const hello = (version) => Buffer.concat([Buffer.from([13 + 1 + 1 + 16 + 1, 1]), Buffer.from('siocast-relay'), Buffer.from([version, 0]), crypto.randomBytes(16)]);
			const proof = Buffer.concat([Buffer.from([32 + 16 + 2 + 1, 2]), crypto.randomBytes(48), Buffer.alloc(2)]);
			const bad = [
				Buffer.from('GET / HTTP/1.1\r\n\r\n'), frame(crypto.randomBytes(300)), frame(Buffer.alloc(5)), frame(Buffer.alloc(20, 255)),
				frame(Buffer.from([0x80, 0x80, 0x80, 0x80, 0x10, 1])), frame(Buffer.from([2, 5, 1])), frame(hello(2)), frame(Buffer.concat([hello(1), proof])),
				frame(Buffer.concat([hello(1), Buffer.from([1, 10])])), frame(Buffer.concat([hello(1), hello(1)])),
			];
			for (const bytes of bad) {
				const stranger = net.connect(hub.port, '127.0.0.1');
				cleanup.add(stranger, () => stranger.destroy());
				const ended = new Promise((resolve) => stranger.on('close', resolve).on('error', resolve));
				stranger.resume();
				stranger.write(head);
				stranger.write(bytes);
				// A hub that closes waits for the other side to do so, too, for a while.
				stranger.on('data', (data) => data.includes(Buffer.from([0x88])) && stranger.end());
				await ended;
			}
			assert.ok((await metric(hub, 'relay_hub_refused_total')) >= bad.length - 3);
			assert.ok((await metric(hub, 'relay_hub_refused_total{reason="key"}')) >= 1);
			assert.ok((await metric(hub, 'relay_hub_refused_total{reason="version"}')) >= 1);
			await heard(redis, [news], 'news');
			assert.equal(await metric(edge, 'relay_failures_total'), 0);
		}),
	);

	test('a crowd that says nothing does not keep an edge away', limit(), () =>
		withCleanup(async (cleanup) => {
			const { hub, folder } = await startHub(cleanup);
			const head = `GET /siocast-relay HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${crypto.randomBytes(16).toString('base64')}\r\n\r\n`;
			for (let i = 0; i < 600; i++) {
				const stranger = net.connect(hub.port, '127.0.0.1');
				cleanup.add(stranger, () => stranger.destroy());
				stranger.on('error', () => {});
				stranger.resume();
				stranger.write(head);
			}
			await eventually(async () => (await metric(hub, 'relay_hub_refused_total{reason="full"}')) > 0, 'the crowd');
			await startEdge(cleanup, hub.port, folder);
			assert.equal(await metric(hub, 'relay_edges'), 1);
		}),
	);

	test('another hub, or other feeds, take a restart of an edge', limit(), () =>
		withCleanup(async (cleanup) => {
			const { redis, hub, folder } = await startHub(cleanup);
			const edge = await startEdge(cleanup, hub.port, folder);
			const socket = await connect(cleanup, edge, MODES.websocket);
			const news = collect(socket, 'news');
			rewrite(edge, { redis: { source: 'siocast://127.0.0.1:1' } });
			process.kill(edge.child.pid, 'SIGHUP');
			await edge.child.says(/the hub is another/);
			rewrite(edge, { feeds: [{ channel: 'a', event: 'a' }] });
			process.kill(edge.child.pid, 'SIGHUP');
			await edge.child.says(/an edge has those of its hub/);
			await rooms(hub, 1);
			await heard(redis, [news], 'news');
		}),
	);

	test('configurations that cannot be are refused with a word why', limit(), () =>
		withCleanup(async (cleanup) => {
			const folder = await cleanup.folder();
			const peerKeyFile = keyFile(folder);
			const edge = { redis: { source: 'siocast://hub:3000' }, peerKeyFile };
			const bad = [
				[{ redis: { source: 'siocast://hub:3000' } }, /"peerKeyFile" is missing/],
				[{ redis: { source: 'siocast://hub' }, peerKeyFile }, /expected the address of a hub/],
				[{ redis: { source: 'http://hub' }, peerKeyFile }, /"http:\/\/hub" is none of "subscribe", "psync"/],
				[{ redis: { source: 'siocast://hub:3000', url: 'redis://x' }, peerKeyFile }, /redis\.url: "source" is a hub/],
				[{ redis: ['redis://x', { source: 'siocast://hub:3000' }], peerKeyFile }, /a hub stands alone/],
				[{ ...edge, feeds: [{ channel: 'a', event: 'a' }] }, /feeds: an edge has those of its hub/],
				[{ ...edge, intake: '127.0.0.1:6380' }, /intake: an edge has no feeds/],
				[{ ...edge, adapter: { mode: 'emit-only' } }, /adapter\.mode: that is in Redis/],
				[{ relay: { edges: true } }, /relay\.edges: "peerKeyFile" is missing/],
				[{ relay: { edges: true }, peerKeyFile, workers: 64 }, /a hub has at most 63 workers/],
			];
			for (const [config, why] of bad) {
				const file = path.join(folder, 'bad.json');
				fs.writeFileSync(file, JSON.stringify(config));
				const { status, err } = tool(['-t', '-c', file]);
				assert.equal(status, 1, JSON.stringify(config));
				assert.match(err, why);
			}
			const file = path.join(folder, 'odd.json');
			fs.writeFileSync(file, JSON.stringify({ relay: { edges: true }, peerKeyFile, listen: `unix:${path.join(folder, 'socket')}`, feeds: [{ channel: 'a', event: 'a' }] }));
			const { status, err } = tool(['-t', '-c', file]);
			assert.equal(status, 0, err);
			assert.match(err, /no address of "listen" is for edges/);
		}),
	);
});

describe('a hub whose feeds change', { skip: SIOCAST_ONLY }, () => {
	test('goes on, and its edges learn of which gaps to tell', limit(), () =>
		withCleanup(async (cleanup) => {
			const { redis, hub, folder } = await startHub(cleanup);
			const edge = await startEdge(cleanup, hub.port, folder);
			const socket = await connect(cleanup, edge, MODES.websocket);
			const news = collect(socket, 'news'), more = collect(socket, 'more'), gaps = collect(socket, 'siocast:gap');
			await rooms(hub, 1);
			await heard(redis, [news], 'news');
			rewrite(hub, { feeds: [...feeds.slice(1), { channel: 'more', event: 'more', encode: 'json', batch: { interval: 0 }, gapEvent: true }] });
			process.kill(hub.child.pid, 'SIGHUP');
			await redis.client.hasSubscribers(['more']);
			await heard(redis, [more], 'more');
			await hub.child.kill();
			hub.child = await launchSiocast(cleanup, hub);
			assert.deepEqual((await gaps.next('a gap'))[0].channel, 'more');
			assert.equal(gaps.total, 1);
		}),
	);
});

describe('what is written of a tree', { skip: SIOCAST_ONLY }, () => {
	test('works', limit(), () =>
		withCleanup(async (cleanup) => {
			const folder = await cleanup.folder();
			const text = fs.readFileSync(path.join(TOP, 'doc/scale.md'), 'utf8');
			const [hubs, edges] = ['"relay"', 'siocast://'].map((word) => JSON.parse([...text.matchAll(/^```json\n(.*?)^```$/gms)].find(([, inside]) => inside.includes(word))[1]));
			const { feeds: written, relay, node } = hubs;
			const redis = await startRedis(cleanup, await freePort());
			const hub = await configure(cleanup, { node, feeds: written, relay, redis: redis.url, peerKeyFile: keyFile(folder) });
			hub.child = await launchSiocast(cleanup, hub);
			const edge = await configure(cleanup, { ...edges, listen: [`127.0.0.1:${await freePort()}`], redis: { source: `siocast://127.0.0.1:${hub.port}` }, peerKeyFile: keyFile(folder) });
			edge.port = Number(edge.config.listen[0].split(':')[1]);
			edge.url = `http://${edge.config.listen[0]}`;
			edge.child = await launchSiocast(cleanup, edge);
			await ready(edge);
			const socket = await connect(cleanup, edge, MODES.websocket);
			const price = collect(socket, 'price:ACME');
			socket.emit('watch', 'ACME');
			await redis.client.hasSubscribers(['price:ACME']);
			await redis.client.publish('price:ACME', '{"n":1}');
			const [batch] = await price.next();
			assert.match(Buffer.from(batch).toString(), /"n":1/);
		}),
	);
});
