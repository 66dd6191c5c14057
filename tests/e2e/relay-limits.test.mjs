// SPDX-License-Identifier: MIT
//
// The relay where there is much of something, or where one side is away: rooms and questions by the hundred, small queues, a hub that is
// started anew without a break, an edge that is.

import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { MODES, ask, collect, connect } from './lib/client.mjs';
import { Cutter } from './lib/cutter.mjs';
import { SIOCAST_ONLY, launchSiocast } from './lib/daemon.mjs';
import { Session } from './lib/engine.mjs';
import { Renewed } from './lib/handover.mjs';
import { request } from './lib/http.mjs';
import { metric } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { KEY, heard, namespaces, numbers, on, range, ready, rewrite, rooms, startEdge, startHub } from './lib/relay.mjs';
import { startRedis } from './lib/redis.mjs';
import { StrangerHub, TERMS, TYPE, bytes, frame, number, packets } from './lib/stranger-hub.mjs';
import { eventually, limit, once, within } from './lib/wait.mjs';

const single = { encode: 'json', batch: { interval: 0 } };
const lost = (edge) => eventually(async () => (await request(edge.admin, 'GET', '/readyz')).status !== 200, 'the edge to notice');
const retained = (hub, n) => eventually(async () => (await metric(hub, 'retained_messages')) === n, `${n} to be retained`);

/** A hub, and an edge with a line between them that can be cut. */
async function startBoth(cleanup, hubConfig, edgeConfig) {
	const { redis, hub, folder } = await startHub(cleanup, hubConfig);
	const line = await Cutter.open(cleanup, hub.port);
	const edge = await startEdge(cleanup, line.port, folder, edgeConfig);
	return { redis, hub, line, edge, folder };
}

describe('the queue of an edge', { skip: SIOCAST_ONLY }, () => {
	test('takes as many rooms as there are, whatever its size', limit(), () =>
		withCleanup(async (cleanup) => {
			const { redis, hub, line, edge } = await startBoth(cleanup, { relay: { queueBytes: 65536 } });
			const sockets = [];
			for (let i = 0; i < 3; i++) {
				const socket = await connect(cleanup, edge, MODES.websocket);
				await ask(socket, 'join', range(0, 900).map((n) => `room ${i}.${n}`));
				sockets.push(socket);
			}
			await rooms(hub, 2701);
			// And once more, all at once.
			line.cut();
			await lost(edge);
			await ask(sockets[0], 'leave', range(0, 900).map((n) => `room 0.${n}`));
			line.mend();
			await rooms(hub, 1801);
			await ready(edge);
			const got = collect(sockets[1], 'room');
			await heard(redis, [got], 'room:room 1.899');
			assert.equal(await metric(hub, 'relay_hub_cut_total'), 0);
			assert.equal(await metric(edge, 'relay_gaps_total'), 0);
		}),
	);

	test('is not full of what the edge has, however short messages are, and takes one that is longer than it', limit(), () =>
		withCleanup(async (cleanup) => {
			const { redis, hub, edge } = await startBoth(cleanup, { relay: { queueBytes: 65536 } });
			const news = collect(await connect(cleanup, edge, MODES.websocket), 'news');
			await rooms(hub, 1);
			await heard(redis, [news], 'news');
			for (let n = 0; n < 3000; n += 100) {
				await Promise.all(range(n, n + 100).map((i) => redis.client.publish('news', `{"n":${i}}`)));
				await news.until((items) => items.length === n + 100, `${n + 100} of them`);
			}
			await redis.client.publish('news', JSON.stringify({ n: 3000, text: 'x'.repeat(200000) }));
			await news.until((items) => items.length === 3001, 'a long one');
			assert.deepEqual(numbers(news), range(0, 3001));
			assert.equal(await metric(hub, 'relay_hub_cut_total'), 0);
		}),
	);

	test('has room for what is retained, one after the other', limit(), () =>
		withCleanup(async (cleanup) => {
			const feeds = [{ pattern: 's:*', event: 'state', room: '{1}', retain: 'last', ...single }];
			const { redis, hub, line, edge } = await startBoth(cleanup, { feeds, relay: { queueBytes: 1000000 } });
			for (const n of range(0, 40)) await redis.client.publish(`s:${n}`, JSON.stringify({ n, text: 'x'.repeat(100000) }));
			await retained(hub, 40);
			line.cut();
			await lost(edge);
			const got = [];
			for (const n of range(0, 40)) {
				const socket = await connect(cleanup, edge, MODES.websocket);
				got.push(collect(socket, 'state'));
				await ask(socket, 'join', String(n));
			}
			line.mend();
			for (const [n, inbox] of got.entries()) assert.equal((await inbox.next('what is retained'))[0].n, n);
			assert.equal(await metric(hub, 'relay_hub_cut_total'), 0);
			assert.equal(await metric(edge, 'relay_gaps_total'), 0);
		}),
	);
});

describe('a worker of an edge that is behind', { skip: SIOCAST_ONLY }, () => {
	for (const connectionStateRecovery of [undefined, { maxDisconnectionDuration: 60000 }])
		test(`gets everything, if later${connectionStateRecovery ? ', where clients are recovered' : ''}`, limit(), () =>
			withCleanup(async (cleanup) => {
				const { redis, hub, edge } = await startBoth(cleanup, {}, { connectionStateRecovery, limits: { workerQueueBytes: 65536 } });
				const inboxes = [];
				for (let i = 0; i < 2; i++) inboxes.push(collect(await connect(cleanup, edge, MODES.websocket), 'news'));
				await rooms(hub, 1);
				await heard(redis, inboxes, 'news');
				const text = 'x'.repeat(50000);
				await Promise.all(range(0, 3000).map((n) => redis.client.publish('news', JSON.stringify(n % 500 ? { n } : { n, text }))));
				for (const inbox of inboxes) {
					await inbox.until((items) => items.at(-1)?.[0].n === 2999, 'the last');
					assert.deepEqual(numbers(inbox), range(0, 3000));
				}
				assert.equal(await metric(edge, 'relay_dropped_total'), 0);
			}),
		);
});

describe('a question about what is retained', { skip: SIOCAST_ONLY }, () => {
	test('is not answered by what was answered to the connection before', limit(), () =>
		withCleanup(async (cleanup) => {
			const feeds = [{ pattern: 's:*', event: 'state', room: '{1}', retain: 'last', ...single }];
			const { redis, hub, line, edge } = await startBoth(cleanup, { feeds });
			const [a, b] = [await connect(cleanup, edge, MODES.websocket), await connect(cleanup, edge, MODES.websocket)];
			const near = await connect(cleanup, hub, MODES.websocket);
			const got = collect(b, 'state'), there = collect(near, 'state');
			await ask(near, 'join', 'x');
			await redis.client.publish('s:x', '{"n":1}');
			assert.deepEqual(await there.next(), [{ n: 1 }]);
			await rooms(hub, 1);
			const asked = await metric(hub, 'relay_hub_asked_total');
			// The edge joins, asks and leaves, and hears nothing of that by this connection.
			line.hold();
			await ask(a, 'join', 'x');
			await eventually(async () => (await metric(hub, 'relay_hub_asked_total')) > asked, 'the question');
			await ask(a, 'leave', 'x');
			await rooms(hub, 1);
			line.cut();
			await lost(edge);
			await redis.client.publish('s:x', '{"n":2}');
			assert.deepEqual(await there.next(), [{ n: 2 }]);
			await ask(b, 'join', 'x');
			line.mend();
			await ready(edge);
			assert.equal(await metric(edge, 'relay_connects_total{how="resumed"}'), 1);
			assert.deepEqual(await got.next(), [{ n: 2 }]);
		}),
	);

	test('says who asks, from the first one on', limit(), () =>
		withCleanup(async (cleanup) => {
			const feeds = [{ channel: 's', event: 'state', except: ['{/but}'], retain: 'last', ...single }];
			const { redis, hub, folder } = await startHub(cleanup, { feeds });
			const line = await Cutter.open(cleanup, hub.port);
			line.cut();
			const edge = await startEdge(cleanup, line.port, folder, { wait: false });
			const [a, b] = [await connect(cleanup, edge, MODES.websocket), await connect(cleanup, edge, MODES.websocket)];
			const [ga, gb] = [collect(a, 'state'), collect(b, 'state')];
			await redis.client.publish('s', JSON.stringify({ n: 1, but: [b.id] }));
			await retained(hub, 1);
			line.mend();
			assert.equal((await ga.next())[0].n, 1);
			await ready(edge);
			await eventually(async () => (await metric(edge, 'relay_asking')) === 0, 'all answers');
			await redis.client.publish('s', JSON.stringify({ n: 2, but: [] }));
			assert.equal((await gb.next())[0].n, 2);
		}),
	);

	test('of who has gone does not wait until the hub is back', limit(), () =>
		withCleanup(async (cleanup) => {
			const feeds = [{ channel: 'news', event: 'news', retain: 'last', ...single }];
			const { redis, hub, line, edge } = await startBoth(cleanup, { feeds });
			line.cut();
			await lost(edge);
			const stays = await connect(cleanup, edge, MODES.websocket);
			for (let i = 0; i < 12; i++) {
				await Promise.all(range(0, 60).map(async () => {
					const session = await Session.open(edge);
					await session.post('40');
					await session.packets();
					await session.post('1');
				}));
			}
			assert.ok((await metric(edge, 'relay_asking')) < 400, 'they are forgotten');
			line.mend();
			await ready(edge);
			await eventually(async () => (await metric(edge, 'relay_asking')) === 0, 'all answers');
			const news = collect(stays, 'news');
			await rooms(hub, 1);
			await heard(redis, [news], 'news');
		}),
	);

	test('that the hub takes for too long is told so, and messages are counted', limit(), () =>
		withCleanup(async (cleanup) => {
			const feeds = [{ channel: 'news', event: 'news', retain: 'last', ...single }];
			const { hub, edge } = await startBoth(cleanup, { feeds, limits: { messageBytes: 1024 } }, { limits: { roomNameLength: 65536 } });
			const socket = await connect(cleanup, edge, { ...MODES.websocket, reconnection: false });
			const gone = once(socket, 'disconnect');
			await ask(socket, 'say', 'news', 'x'.repeat(300000));
			await eventually(async () => (await metric(hub, 'relay_hub_long_total')) === 1, 'the message');
			socket.emit('join', range(0, 5).map((n) => `${n}${'x'.repeat(60000)}`));
			await gone;
			assert.equal(await metric(hub, 'relay_hub_long_total'), 2);
			assert.equal(await metric(edge, 'relay_failures_total'), 0);
			await hub.child.says(/event=relay-frame-too-long node=edge type=\d+ bytes=30\d+ hint="limits.messageBytes"/);
		}),
	);
});

describe('an edge', { skip: SIOCAST_ONLY }, () => {
	test('is in its namespaces, and in those that come and go with a reload', limit(), () =>
		withCleanup(async (cleanup) => {
			const more = { ...namespaces, '/late': { on } };
			const { redis, hub, edge } = await startBoth(cleanup, { feeds: [{ channel: 'late', event: 'late', namespace: '/late', ...single }], namespaces: more });
			const count = (n) => eventually(async () => (await metric(hub, 'relay_hub_rooms')) === n, `${n} namespaces`);
			await count(2);
			rewrite(edge, { namespaces: more });
			process.kill(edge.child.pid, 'SIGHUP');
			await count(3);
			const socket = await connect(cleanup, edge, { ...MODES.websocket, namespace: '/late' });
			const late = collect(socket, 'late');
			await redis.client.publish('late', '{"n":1}');
			assert.deepEqual(await late.next(), [{ n: 1 }]);
			socket.disconnect();
			rewrite(edge, { namespaces: { '/': { on } } });
			process.kill(edge.child.pid, 'SIGHUP');
			await count(1);
		}),
	);

	test('that is started anew has a gap for those who come back', limit(), () =>
		withCleanup(async (cleanup) => {
			const connectionStateRecovery = { maxDisconnectionDuration: 60000 };
			const stateFile = path.join(await cleanup.folder(), 'state');
			const { redis, hub, edge } = await startBoth(cleanup, { connectionStateRecovery }, { connectionStateRecovery, stateFile });
			const socket = await connect(cleanup, edge, MODES.websocket);
			const room = collect(socket, 'room');
			await ask(socket, 'join', 'x');
			await rooms(hub, 2);
			await heard(redis, [room], 'room:x');
			const back = once(socket, 'connect');
			await edge.child.stop();
			await redis.client.publish('room:x', '{"n":1}');
			edge.child = await launchSiocast(cleanup, edge);
			await back;
			// It did not get that one, so it begins anew.
			assert.equal(socket.recovered, false);
			assert.deepEqual(room.items, []);
		}),
	);
});

describe('what an edge publishes', { skip: SIOCAST_ONLY }, () => {
	test('comes to Redis once, though the connection is lost on its way', limit(), () =>
		withCleanup(async (cleanup) => {
			const { redis, hub, line, edge } = await startBoth(cleanup);
			const socket = await connect(cleanup, edge, MODES.websocket);
			const news = collect(await connect(cleanup, hub, MODES.websocket), 'news');
			let n = 0;
			const say = async (count) => {
				for (const until = n + count; n < until; n++) await ask(socket, 'say', 'news', `{"n":${n}}`);
			};
			await heard(redis, [news], 'news');
			for (let turn = 0; turn < 3; turn++) {
				await say(20);
				line.deafen();
				await say(20);
				line.cut();
				await lost(edge);
				line.mend();
				await ready(edge);
				await say(20);
			}
			await news.until((items) => items.at(-1)?.[0].n === n - 1, 'the last of them');
			assert.deepEqual(numbers(news), range(0, n));
			assert.equal(await metric(edge, 'relay_unpublished_total'), 0);
			assert.equal(await metric(edge, 'relay_published_total'), n);
		}),
	);

	test('is counted as not published when the hub begins anew', limit(), () =>
		withCleanup(async (cleanup) => {
			const { hub, line, edge } = await startBoth(cleanup);
			const socket = await connect(cleanup, edge, MODES.websocket);
			line.deafen();
			for (const n of range(0, 10)) await ask(socket, 'say', 'news', `{"n":${n}}`);
			await hub.child.kill();
			hub.child = await launchSiocast(cleanup, hub);
			await eventually(async () => (await metric(edge, 'relay_unpublished_total')) === 10, 'them to be counted');
		}),
	);
});

describe('a hub that is not ready', { skip: SIOCAST_ONLY }, () => {
	const pause = () => new Promise((resolve) => setTimeout(resolve, 1500));
	const isReady = async (server) => (await request(server.admin, 'GET', '/readyz')).status === 200;
	const sessions = (edge, n) => eventually(async () => (await metric(edge, 'relay_connects_total{how="new"}')) === n, `session ${n}`);

	test('leaves the gap of its edges open until it has Redis', limit(), () =>
		withCleanup(async (cleanup) => {
			const { redis, hub, edge } = await startBoth(cleanup);
			const socket = await connect(cleanup, edge, MODES.websocket);
			const news = collect(socket, 'news'), gaps = collect(socket, 'siocast:gap');
			await rooms(hub, 1);
			await redis.child.kill();
			await hub.child.kill();
			hub.child = await launchSiocast(cleanup, hub);
			await sessions(edge, 2);
			await pause();
			assert.equal(await isReady(edge), false);
			assert.equal(gaps.total, 0);
			const began = Date.now();
			const again = await startRedis(cleanup, redis.port);
			const [gap] = await gaps.next('a gap');
			assert.ok(gap.to >= began, JSON.stringify([gap, began]));
			await ready(edge);
			await again.client.publish('news', '{"n":1}');
			assert.deepEqual(await news.next(), [{ n: 1 }]);
			assert.equal(gaps.total, 1);
		}),
	);

	test('leaves that of those below it open until it has its own', limit(), () =>
		withCleanup(async (cleanup) => {
			const { redis, hub, folder } = await startHub(cleanup);
			const middle = await startEdge(cleanup, hub.port, folder, { node: 'middle', relay: { edges: true } });
			const leaf = await startEdge(cleanup, middle.port, folder);
			const socket = await connect(cleanup, leaf, MODES.websocket);
			const news = collect(socket, 'news'), gaps = collect(socket, 'siocast:gap');
			await rooms(hub, 1);
			await hub.child.kill();
			await middle.child.kill();
			middle.child = await launchSiocast(cleanup, middle);
			await sessions(leaf, 2);
			await pause();
			assert.equal(await isReady(leaf), false);
			assert.equal(gaps.total, 0);
			hub.child = await launchSiocast(cleanup, hub);
			const [gap] = await gaps.next('a gap');
			assert.equal(gap.channel, 'news');
			await ready(leaf);
			await redis.client.publish('news', '{"n":1}');
			assert.deepEqual(await news.next(), [{ n: 1 }]);
			assert.equal(gaps.total, 1);
		}),
	);

	test('waits until Redis has answered for what is on demand', limit(), () =>
		withCleanup(async (cleanup) => {
			const feeds = [{ pattern: 'price:*', event: 'price', room: '{1}', subscribe: { mode: 'on-demand', linger: 0 }, ...single }];
			const { redis, hub, line, edge } = await startBoth(cleanup, { feeds, relay: { resumeSeconds: 0 } });
			const socket = await connect(cleanup, edge, MODES.websocket);
			const got = collect(socket, 'price');
			await ask(socket, 'join', 'a');
			await redis.client.hasSubscribers(['price:a']);
			line.cut();
			await lost(edge);
			await eventually(async () => (await redis.client.command('PUBSUB', 'NUMSUB', 'price:a'))[1] === 0, 'the hub to leave it');
			const began = Date.now();
			await redis.client.command('CLIENT', 'PAUSE', '3000', 'ALL');
			line.mend();
			await ready(edge);
			assert.ok(Date.now() - began >= 2900, 'not before Redis answers');
			await redis.client.publish('price:a', '1');
			assert.deepEqual(await got.next(), [1]);
		}),
	);

	test('and no longer, while others join all the time', limit(), () =>
		withCleanup(async (cleanup) => {
			const feeds = [{ pattern: 'price:*', event: 'price', room: '{1}', subscribe: { mode: 'on-demand', linger: 0 }, ...single }];
			const redis = await startRedis(cleanup, await freePort());
			const line = await Cutter.open(cleanup, redis.port, 100);
			const { hub, folder } = await startHub(cleanup, { redis: `redis://127.0.0.1:${line.port}`, feeds });
			const near = await connect(cleanup, hub, MODES.websocket);
			let n = 0;
			const joins = setInterval(() => near.emit('join', `${n++}`), 20);
			try {
				await eventually(() => n > 20, 'some joins');
				const began = Date.now();
				const edge = await startEdge(cleanup, hub.port, folder, { wait: false });
				const socket = await connect(cleanup, edge, MODES.websocket);
				const got = collect(socket, 'price');
				await ask(socket, 'join', 'a');
				await ready(edge);
				assert.ok(Date.now() - began < 8000, 'it is not waited for those that came later');
				await redis.client.hasSubscribers(['price:a']);
				await redis.client.publish('price:a', '1');
				assert.deepEqual(await got.next(), [1]);
			} finally {
				clearInterval(joins);
			}
		}),
	);
});

describe('a hub with the key that says what no hub says', { skip: SIOCAST_ONLY }, () => {
	const event = packets('2["hello",1]');
	const cases = {
		'a binary packet': frame(TYPE.batch, number(1), TERMS, packets(Buffer.from('2["hello",1]'))),
		'an empty packet': frame(TYPE.audience, bytes('/'), number(0), number(0), TERMS, packets('')),
		'a packet that does not end': frame(TYPE.batch, number(1), TERMS, packets('2["hello",1')),
		'a room that there is not': frame(TYPE.batch, number(99), TERMS, event),
	};

	for (const [recovery, connectionStateRecovery] of [['', undefined], [', where clients are recovered', { maxDisconnectionDuration: 60000 }]])
		test(`is told so, and costs nobody anything${recovery}`, limit(), () =>
			withCleanup(async (cleanup) => {
				const hub = await StrangerHub.open(cleanup, KEY);
				const edge = await startEdge(cleanup, hub.port, await cleanup.folder(), { namespaces: { '/': { on } }, connectionStateRecovery });
				const hello = collect(await connect(cleanup, edge, MODES.websocket), 'hello');
				let failures = 0;
				for (const [what, said] of Object.entries(cases)) {
					const conversation = await hub.conversations.next(what);
					conversation.say(Buffer.concat([frame(TYPE.batch, number(1), TERMS, event), said]));
					await within(conversation.ended, `the end after ${what}`);
					assert.equal((await hello.next(what))[0], 1);
					await eventually(async () => (await metric(edge, 'relay_failures_total{reason="protocol"}')) === failures + 1, what);
					failures++;
				}
				const last = await hub.conversations.next();
				last.say(frame(TYPE.batch, number(1), TERMS, event));
				assert.equal((await hello.next('the last'))[0], 1);
				assert.equal(hello.total, Object.keys(cases).length + 1);
			}),
		);
});

describe('a hub that is started anew without a break', { skip: SIOCAST_ONLY }, () => {
	test('costs the clients of its edges nothing that a gap does not tell', limit(120), () =>
		withCleanup(async (cleanup) => {
			const { redis, hub, folder } = await startHub(cleanup);
			const server = await Renewed.of(cleanup, hub, hub.child);
			const edge = await startEdge(cleanup, hub.port, folder);
			const socket = await connect(cleanup, edge, MODES.websocket);
			const news = collect(socket, 'news'), gaps = collect(socket, 'siocast:gap');
			const at = [];
			let stopped = false;
			await rooms(hub, 1);
			await heard(redis, [news], 'news');
			const publishing = (async () => {
				while (!stopped) {
					at.push(Date.now());
					await redis.client.publish('news', JSON.stringify({ n: at.length - 1 }));
					await new Promise((resolve) => setTimeout(resolve, 2));
				}
			})();
			cleanup.add(publishing, () => {
				stopped = true;
			});
			for (let turn = 1; turn <= 3; turn++) {
				const before = news.items.length;
				await news.until((items) => items.length > before + 20, 'some of them');
				await server.renew();
				await gaps.until((items) => items.length === turn, 'a gap');
				await ready(edge);
			}
			const n = at.length;
			await news.until((items) => items.at(-1)?.[0].n > n + 20, 'what comes behind the last gap');
			stopped = true;
			await publishing;
			const got = numbers(news);
			assert.deepEqual(got, [...new Set(got)].toSorted((x, y) => x - y), 'in order, and each once');
			const have = new Set(got);
			const missed = range(got[0], got.at(-1)).filter((i) => !have.has(i));
			// A message is on its way for a moment before the hub has it, and the edge.
			for (const i of missed)
				assert.ok(gaps.items.some(([{ from, to }]) => at[i] >= from - 500 && at[i] <= to + 500), `${i}, published at ${at[i]}, in one of ${JSON.stringify(gaps.items)}`);
			assert.equal(gaps.total, 3);
			assert.equal(await metric(edge, 'relay_gaps_total'), 3);
		}),
	);
});
