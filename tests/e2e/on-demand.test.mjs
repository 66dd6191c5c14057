// SPDX-License-Identifier: MIT
//
// Feeds on demand: Redis is asked for a channel while somebody is in a room that it goes to, and for nothing else.

import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { EMITTERS, redisClient } from './lib/adapters.mjs';
import { withCleanup } from './lib/cleanup.mjs';
import { MODES, ask, collect, connect } from './lib/client.mjs';
import { SIOCAST_ONLY, configure, startSiocast } from './lib/daemon.mjs';
import { Renewed } from './lib/handover.mjs';
import { request } from './lib/http.mjs';
import { metric } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { GOOD, reload, startReloadable } from './lib/reload.mjs';
import { tool } from './lib/tool.mjs';
import { eventually, limit, once } from './lib/wait.mjs';

const LINGER = 200;
const FOREVER = 3600000;
const namespaces = {
	'/': { on: { join: [{ join: '{1}' }, { ack: ['{rooms}'] }], leave: [{ leave: '{1}' }, { ack: [1] }], here: [{ ack: [1] }] } },
};

/** A feed of "price:*", whose messages go to the room of what the star stands for. */
const feed = (linger = LINGER, more = {}) => ({
	pattern: 'price:*',
	event: 'price',
	room: '{1}',
	encode: 'json',
	batch: { interval: 0 },
	subscribe: { mode: 'on-demand', linger },
	...more,
});

/** What a server is subscribed to: its channels, without those of sockets' own rooms, which have the names of their ids. */
async function channels(redis, but = []) {
	const own = new Set(but.map(({ id }) => `price:${id}`));
	const all = await redis.client.command('PUBSUB', 'CHANNELS');
	return all.map(String).filter((name) => !own.has(name) && !name.startsWith('siocast:')).sort();
}

const patterns = (redis) => redis.client.command('PUBSUB', 'NUMPAT');

async function hears(redis, want, sockets = []) {
	let now;
	const same = async () => JSON.stringify((now = await channels(redis, sockets))) === JSON.stringify([...want].sort());
	await eventually(same, 'the channels').catch(({ message }) => assert.deepEqual(now, [...want].sort(), message));
}

/** How often Redis has been asked for channels, and to leave some. */
async function commands(redis) {
	const text = String(await redis.client.command('INFO', 'commandstats'));
	const calls = (name) => Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(text)?.[1] ?? 0);
	return [calls('subscribe'), calls('unsubscribe')];
}

const ready = (server) => eventually(async () => (await request(server.admin, 'GET', '/readyz')).status === 200, 'siocast to be ready');

async function start(cleanup, config = {}, { redis: options, reloadable = false } = {}) {
	const redis = await startRedis(cleanup, await freePort(), options);
	const server = await (reloadable ? startReloadable : startSiocast)(cleanup, { redis: redis.url, feeds: [feed()], namespaces, ...config });
	await ready(server);
	return { redis, server };
}

/** Joins, and waits until Redis knows. */
async function join(redis, socket, room) {
	await ask(socket, 'join', room);
	for (const name of [room].flat()) await redis.client.hasSubscribers([`price:${name}`]);
}

describe('on demand', { skip: SIOCAST_ONLY }, () => {
	for (const workers of [1, 2])
		test(`channels come and go with those who hear them, on ${workers} worker(s)`, limit(), () =>
			withCleanup(async (cleanup) => {
				const { redis, server } = await start(cleanup, { workers });
				const [a, b, c] = await Promise.all([MODES.websocket, MODES.polling, MODES.websocket].map((mode) => connect(cleanup, server, mode)));
				const all = [a, b, c];
				const got = all.map((socket) => collect(socket, 'price'));
				await hears(redis, [], all);
				await join(redis, a, 'ACME');
				await join(redis, b, 'ACME');
				await join(redis, c, ['X', 'Y']);
				await hears(redis, ['price:ACME', 'price:X', 'price:Y'], all);
				assert.equal(await patterns(redis), 0);
				assert.equal(await redis.client.publish('price:ACME', '1'), 1);
				assert.equal(await redis.client.publish('price:X', '2'), 1);
				assert.equal(await redis.client.publish('price:other', '3'), 0);
				assert.deepEqual([await got[0].next(), await got[1].next(), await got[2].next()], [[1], [1], [2]]);
				assert.equal(await metric(server, 'feed_channels'), 6);
				// Whoever is left hears on; then nobody does.
				await ask(a, 'leave', 'ACME');
				c.disconnect();
				await hears(redis, ['price:ACME'], [a, b]);
				await redis.client.publish('price:ACME', '4');
				assert.deepEqual(await got[1].next(), [4]);
				await ask(b, 'leave', 'ACME');
				await hears(redis, [], all);
				await eventually(async () => (await metric(server, 'feed_channels')) === 2, 'the gauge to fall');
				assert.deepEqual(got.map((inbox) => inbox.total), [1, 2, 1]);
			}),
		);

	test('who leaves and comes back within the linger costs no command, and misses nothing', limit(), () =>
		withCleanup(async (cleanup) => {
			const { redis, server } = await start(cleanup, { feeds: [feed(FOREVER)] });
			const socket = await connect(cleanup, server, MODES.websocket);
			const got = collect(socket, 'price');
			await join(redis, socket, 'a');
			const before = await commands(redis);
			for (let i = 0; i < 20; i++) {
				await ask(socket, 'leave', 'a');
				await ask(socket, 'join', 'a');
				await redis.client.publish('price:a', String(i));
				assert.deepEqual(await got.next(), [i]);
			}
			assert.deepEqual(await commands(redis), before);
		}),
	);

	test('a room is one channel, whatever its name', limit(), () =>
		withCleanup(async (cleanup) => {
			const { redis, server } = await start(cleanup, { limits: { roomNameLength: 65536 } });
			const socket = await connect(cleanup, server, MODES.websocket);
			const got = collect(socket, 'price');
			const names = ['*', 'a?c', '[a-z]', '\\*', 'with a space', 'a\r\nb', '\r\n*1\r\n$8\r\nFLUSHALL\r\n', 'nul\0nul', '\0', '', 'ä€𝄞', "'\"", 'price:', 'x'.repeat(65000)];
			for (const name of names) await ask(socket, 'join', name);
			await hears(redis, names.map((name) => `price:${name}`), [socket]);
			assert.equal(await patterns(redis), 0);
			for (const [i, name] of names.entries()) {
				assert.equal(await redis.client.publish(`price:${name}`, String(i)), 1);
				assert.deepEqual(await got.next(), [i]);
			}
			for (const other of ['price:abc', 'price:q', 'price:anything', 'other', '']) assert.equal(await redis.client.publish(other, '0'), 0);
			for (const name of names) await ask(socket, 'leave', name);
			await hears(redis, [], [socket]);
			assert.equal(got.total, names.length);
		}),
	);

	for (const workers of [1, 2])
		test(`ten thousand rooms at once, on ${workers} worker(s)`, limit(), () =>
			withCleanup(async (cleanup) => {
				const { redis, server } = await start(cleanup, { workers, limits: { roomsPerSocket: 10000 } });
				const socket = await connect(cleanup, server, MODES.websocket);
				const got = collect(socket, 'price');
				const rooms = Array.from({ length: 10000 }, (_, i) => `room-${i}`);
				await ask(socket, 'join', rooms);
				await eventually(async () => (await channels(redis, [socket])).length === 10000, 'all channels');
				for (const i of [0, 5000, 9999]) {
					await redis.client.publish(`price:room-${i}`, String(i));
					assert.deepEqual(await got.next(), [i]);
				}
				socket.disconnect();
				await hears(redis, []);
				assert.equal(await metric(server, 'feed_channels'), 0);
			}),
		);

	test('rooms that others put sockets into count as well', limit(), () =>
		withCleanup(async (cleanup) => {
			const { redis, server } = await start(cleanup, { adapter: { mode: 'emit-only', dialects: ['classic', 'sharded'] }, namespaces: { '/': { on: { ...namespaces['/'].on, connection: [{ join: '{query.room}' }] } } } });
			const socket = await connect(cleanup, server, { ...MODES.websocket, query: { room: 'first' } });
			const got = collect(socket, 'price');
			await redis.client.hasSubscribers(['price:first']);
			const emitter = EMITTERS[5.1](redisClient(cleanup, 'ioredis', redis.port));
			emitter.in('first').socketsJoin('second');
			await redis.client.hasSubscribers(['price:second']);
			await redis.client.publish('price:second', '"x"');
			assert.deepEqual(await got.next(), ['x']);
			emitter.in('second').socketsLeave('first');
			await eventually(async () => !(await channels(redis)).includes('price:first'), 'the first channel to go');
		}),
	);

	test('a channel that Redis forbids takes no other with it', limit(), () =>
		withCleanup(async (cleanup) => {
			const { redis, server } = await start(cleanup, { feeds: [feed(FOREVER)] });
			await redis.client.command('ACL', 'SETUSER', 'default', 'resetchannels', '&price:a', '&price:b', '&price:d*');
			const socket = await connect(cleanup, server, MODES.websocket);
			const got = collect(socket, 'price');
			const refused = () => metric(server, 'feed_refused');
			await ask(socket, 'join', ['a', 'forbidden', 'b']);
			await redis.client.hasSubscribers(['price:a', 'price:b']);
			// Its own room's is the other one.
			await eventually(async () => (await refused()) === 2, 'two channels to be refused');
			assert.match(server.child.output, /event=subscription-refused channel="price:[^"]+" reason="NOPERM/);
			for (const name of ['a', 'b']) {
				await redis.client.publish(`price:${name}`, `"${name}"`);
				assert.deepEqual(await got.next(), [name]);
			}
			assert.equal((await request(server.admin, 'GET', '/readyz')).status, 200);
			// It is asked for again.
			await redis.client.command('ACL', 'SETUSER', 'default', 'allchannels');
			await redis.client.hasSubscribers(['price:forbidden']);
			await eventually(async () => (await refused()) === 0, 'nothing to be refused any more');
		}),
	);

	test('one that is forbidden and left is not refused any more', limit(), () =>
		withCleanup(async (cleanup) => {
			const { redis, server } = await start(cleanup, { feeds: [feed(0, { room: 'p-{1}' })] });
			await redis.client.command('ACL', 'SETUSER', 'default', 'resetchannels', '&price:a');
			const socket = await connect(cleanup, server, MODES.websocket);
			await ask(socket, 'join', ['p-a', 'p-b']);
			await eventually(async () => (await metric(server, 'feed_refused')) === 1, 'one to be refused');
			await ask(socket, 'leave', 'p-b');
			await eventually(async () => (await metric(server, 'feed_refused')) === 0, 'it to be forgotten');
			await eventually(async () => (await metric(server, 'feed_channels')) === 1, 'one channel');
			socket.disconnect();
			await hears(redis, []);
		}),
	);

	test('beside a feed that is subscribed to always each has a message once', limit(), () =>
		withCleanup(async (cleanup) => {
			const batch = { interval: 0 };
			const feeds = [
				feed(),
				{ pattern: 'price:*', event: 'always', encode: 'json', batch },
				{ channel: 'price:a', event: 'channel', encode: 'json', batch },
				feed(LINGER, { channel: ['price:a', 'price:b'], pattern: undefined, event: 'named', room: 'r:{channel}' }),
				feed(LINGER, { event: 'middle', pattern: 'p*ice:*', room: '{1}ice:{2}' }),
			];
			const { redis, server } = await start(cleanup, { feeds });
			const socket = await connect(cleanup, server, MODES.websocket);
			const names = ['price', 'always', 'channel', 'named', 'middle'];
			const got = names.map((name) => collect(socket, name));
			assert.equal(await patterns(redis), 1);
			await join(redis, socket, 'a');
			for (const room of ['r:price:a', 'r:price:c', 'rice:a', 'rice:b']) await ask(socket, 'join', room);
			const named = ['r:price:a', 'r:price:c'].flatMap((room) => [`price:${room}`, `p${room}`]);
			await hears(redis, ['price:a', 'price:b', 'price:rice:a', 'price:rice:b', ...named], [socket]);
			await redis.client.publish('price:a', '1');
			await redis.client.publish('price:b', '2');
			await redis.client.publish('price:a', '3');
			const want = [[[1], [3]], [[1], [2], [3]], [[1], [3]], [[1], [3]], [[1], [2], [3]]];
			for (const [i, list] of want.entries()) for (const item of list) assert.deepEqual(await got[i].next(), item, names[i]);
			await ask(socket, 'here');
			assert.deepEqual(got.map(({ total }) => total), want.map(({ length }) => length));
		}),
	);

	test('a connection that is lost is made anew, and the gap is told once', limit(), () =>
		withCleanup(async (cleanup) => {
			const { redis, server } = await start(cleanup, { feeds: [feed(FOREVER, { gapEvent: true }), feed(FOREVER, { event: 'same', gapEvent: true })] });
			const socket = await connect(cleanup, server, MODES.websocket);
			const got = collect(socket, 'price');
			const gaps = collect(socket, 'siocast:gap');
			await join(redis, socket, ['a', 'b', 'c']);
			for (let i = 0; i < 2; i++) {
				await redis.client.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
				const [gap] = await gaps.next();
				assert.equal(gap.channel, 'price:*');
				assert.ok(gap.from <= gap.to);
				await hears(redis, ['price:a', 'price:b', 'price:c'], [socket]);
				await redis.client.publish('price:b', String(i));
				assert.deepEqual(await got.next(), [i]);
			}
			// Each of the two feeds has one, and clients hear one.
			assert.equal(await metric(server, 'feed_gaps_total'), 4);
			assert.equal(gaps.total, 2);
		}),
	);

	test('what changes while Redis is away is so when it is back', limit(), () =>
		withCleanup(async (cleanup) => {
			const { redis, server } = await start(cleanup, { feeds: [feed(0, { room: 'p-{1}' })] });
			const socket = await connect(cleanup, server, MODES.websocket);
			const got = collect(socket, 'price');
			await ask(socket, 'join', ['p-a', 'p-b']);
			await hears(redis, ['price:a', 'price:b']);
			await redis.child.kill();
			await eventually(async () => (await request(server.admin, 'GET', '/readyz')).status !== 200, 'siocast to notice');
			await ask(socket, 'join', 'p-c');
			await ask(socket, 'leave', 'p-a');
			await ask(socket, 'join', 'p-d');
			await ask(socket, 'leave', 'p-d');
			const again = await startRedis(cleanup, redis.port);
			await hears(again, ['price:b', 'price:c']);
			await ready(server);
			await again.client.publish('price:c', '1');
			assert.deepEqual(await got.next(), [1]);
		}),
	);

	for (const workers of [1, 3])
		test(`in the end that is heard which somebody is there for, on ${workers} worker(s)`, limit(), () =>
			withCleanup(async (cleanup) => {
				const feeds = [feed(0, { room: 'p-{1}' }), feed(50, { pattern: '*:price', room: '{1}-p' })];
				const { redis, server } = await start(cleanup, { workers, feeds }, { reloadable: true });
				const sockets = await Promise.all(Array.from({ length: 6 }, () => connect(cleanup, server, MODES.websocket)));
				const held = sockets.map(() => new Set());
				const until = Date.now() + 2000;
				let turns = 0;
				const flap = async (socket, i) => {
					while (Date.now() < until) {
						const k = Math.floor(Math.random() * 20);
						const room = Math.random() < 0.5 ? `p-${k}` : `${k}-p`;
						const joins = !held[i].has(room);
						held[i][joins ? 'add' : 'delete'](room);
						socket.emit(joins ? 'join' : 'leave', room);
						if (++turns % 50 === 0) await ask(socket, 'here');
					}
					await ask(socket, 'here');
				};
				const reloading = (async () => {
					for (let i = 0; Date.now() < until; i++) assert.equal((await reload(server, { feeds: i % 2 ? feeds : [...feeds].reverse() })).status, 200);
				})();
				await Promise.all([...sockets.map(flap), reloading]);
				const rooms = [...new Set(held.flatMap((set) => [...set]))];
				await hears(redis, rooms.map((room) => (room.startsWith('p-') ? `price:${room.slice(2)}` : `${room.slice(0, -2)}:price`)));
				assert.ok(turns > 100, `${turns} turns`);
			}),
		);

	test('each of several servers is asked', limit(), () =>
		withCleanup(async (cleanup) => {
			const redis = [await startRedis(cleanup, await freePort()), await startRedis(cleanup, await freePort())];
			const server = await startSiocast(cleanup, { redis: redis.map(({ url }) => url), feeds: [feed()], namespaces });
			await ready(server);
			const socket = await connect(cleanup, server, MODES.websocket);
			const got = collect(socket, 'price');
			await ask(socket, 'join', 'a');
			for (const [i, one] of redis.entries()) {
				await hears(one, ['price:a'], [socket]);
				await one.client.publish('price:a', String(i));
				assert.deepEqual(await got.next(), [i]);
			}
			await ask(socket, 'leave', 'a');
			for (const one of redis) await hears(one, [], [socket]);
		}),
	);

	test('what is published without Redis needs no subscription', limit(), () =>
		withCleanup(async (cleanup) => {
			const { redis, server } = await start(cleanup, { feeds: [feed(FOREVER, { room: ['p-{1}', 'q-{1}'] })] }, { reloadable: true });
			const socket = await connect(cleanup, server, MODES.websocket);
			const got = collect(socket, 'price');
			await ask(socket, 'join', 'q-a');
			await hears(redis, ['price:a']);
			for (const [message, channel] of ['price:z', 'price:a', 'other'].entries()) {
				const answer = await request(server.admin, 'POST', '/publish', { ...GOOD, 'Content-Type': 'application/json' }, JSON.stringify({ channel, message }));
				assert.equal(answer.status, 200, answer.text);
			}
			assert.deepEqual(await got.next(), [1]);
			assert.equal(await metric(server, 'feed_unheard_total'), 1);
		}),
	);
});

describe('on demand, told', { skip: SIOCAST_ONLY }, () => {
	test('by explain', limit(), () =>
		withCleanup(async (cleanup) => {
			const server = await configure(cleanup, { feeds: [feed(), feed(LINGER, { subscribe: 'always', event: 'always' })], namespaces });
			const explain = (...args) => tool(['explain', '-c', server.file, ...args]);
			const { status, out } = explain('price:a', '5');
			assert.equal(status, 0, out);
			assert.match(out, /^feeds\[1\]: pattern price:\*\n {2}event {5}always\n[^]*\nfeeds\[0\]: pattern price:\*\n {2}hears {5}on demand: [^]*\n {2}room {6}a\n/);
			const told = explain('--json', 'price:a', '5').out.trim().split('\n').map((line) => JSON.parse(line));
			assert.deepEqual(told.map(({ feed: i, onDemand, event, rooms, sent }) => [i, onDemand, event, rooms, sent]), [[1, false, 'always', ['a'], true], [0, true, 'price', ['a'], true]]);
			assert.equal(explain('other', '5').status, 1);
		}),
	);

	test('by check, where it cannot be', limit(), () =>
		withCleanup(async (cleanup) => {
			const folder = await cleanup.folder();
			const secretFile = path.join(folder, 'secret');
			await fs.writeFile(secretFile, 'a secret of siocasts, which is long enough\n');
			const check = async (config) => tool(['check', '-c', (await configure(cleanup, { feeds: [feed()], namespaces, ...config })).file]);
			assert.equal((await check({})).status, 0);
			const cases = [
				[{ connectionStateRecovery: { elsewhere: { secretFile } } }, /feeds\[0\]\.subscribe: "on-demand" cannot be: siocasts between which clients are recovered/],
				[{ redis: { url: 'redis://127.0.0.1:1', source: 'psync' } }, /feeds\[0\]\.subscribe: "on-demand" cannot be: whoever reads as a replica/],
				[{ feeds: [feed(LINGER, { room: 'all' })] }, /feeds\[0\]\.subscribe: "on-demand" and this "room": of "price:\*" several channels/],
			];
			for (const [config, expected] of cases) {
				const { status, out, err } = await check(config);
				assert.notEqual(status, 0);
				assert.match(out + err, expected);
			}
		}),
	);
});

describe('on demand, for who comes back', { skip: SIOCAST_ONLY }, () => {
	const connectionStateRecovery = { maxDisconnectionDuration: 5000 };

	test('a channel is kept as long as its last client may come back', limit(), () =>
		withCleanup(async (cleanup) => {
			const { redis, server } = await start(cleanup, { feeds: [feed(0, { room: 'p-{1}' })], connectionStateRecovery });
			const socket = await connect(cleanup, server, MODES.websocket);
			const got = collect(socket, 'price');
			await ask(socket, 'join', 'p-a');
			await redis.client.hasSubscribers(['price:a']);
			await redis.client.publish('price:a', '0');
			assert.equal((await got.next())[0], 0);
			const gone = once(socket, 'disconnect');
			const back = once(socket, 'connect');
			socket.io.engine.close();
			await gone;
			await redis.client.publish('price:a', '1');
			await back;
			assert.equal(socket.recovered, true);
			assert.equal((await got.next())[0], 1);
			// Who says goodbye does not come back; who just goes might, for five seconds.
			socket.io.reconnection(false);
			socket.io.engine.close();
			const left = Date.now();
			await hears(redis, ['price:a']);
			await hears(redis, []);
			assert.ok(Date.now() - left > 4000, `${Date.now() - left} ms`);
		}),
	);

	for (const workers of [1, 2])
		test(`a restart without a break loses nothing, on ${workers} worker(s)`, limit(), () =>
			withCleanup(async (cleanup) => {
				const redis = await startRedis(cleanup, await freePort());
				const server = await Renewed.start(cleanup, { workers, redis: redis.url, feeds: [feed(LINGER, { room: 'p-{1}' })], namespaces, connectionStateRecovery: { maxDisconnectionDuration: 60000 } });
				await server.ready();
				const sockets = [];
				for (let i = 0; i < 6; i++) sockets.push(await connect(cleanup, server, Object.values(MODES)[i % 2]));
				const got = sockets.map(() => []);
				for (const [i, socket] of sockets.entries()) {
					socket.on('price', (n) => got[i].push(n));
					await ask(socket, 'join', [`p-${i}`, 'p-all']);
				}
				const names = ['all', 0, 1, 2, 3, 4, 5].map((name) => `price:${name}`);
				await hears(redis, names);
				let n = 0;
				let going = true;
				const publishing = (async () => {
					for (; going; n++) {
						assert.equal(await redis.client.publish('price:all', String(n)), 1, `message ${n}`);
						await new Promise((resolve) => setTimeout(resolve, 2));
					}
				})();
				publishing.catch(() => undefined);
				for (let i = 0; i < 2; i++) {
					const seen = n;
					await eventually(() => n > seen + 50, 'some messages');
					await server.renew();
				}
				const seen = n;
				await eventually(() => n > seen + 50, 'some messages more');
				going = false;
				await publishing;
				const all = Array.from({ length: n }, (_, i) => i);
				for (const [i, list] of got.entries()) {
					await eventually(() => list.length >= n, `all ${n} for client ${i}: ${list.length}`);
					assert.deepEqual(list, all, `client ${i}`);
				}
				await hears(redis, names);
				assert.doesNotMatch(server.child.output, /event=gap/);
				// And what nobody hears any more goes.
				sockets[0].disconnect();
				await hears(redis, names.filter((name) => name !== 'price:0'));
			}),
		);

	test('the next process keeps channels until it knows who is there, also where nobody is recovered', limit(), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort());
			const on = { connection: [{ join: '{query.room}' }] };
			const server = await Renewed.start(cleanup, { workers: 2, redis: redis.url, feeds: [feed(5000, { room: 'p-{1}' })], namespaces: { '/': { on } } });
			await server.ready();
			const sockets = await Promise.all(['a', 'b'].map((name) => connect(cleanup, server, { ...MODES.websocket, query: { room: `p-${name}` } })));
			await hears(redis, ['price:a', 'price:b']);
			const before = await commands(redis);
			let going = true;
			const publishing = (async () => {
				while (going) assert.equal(await redis.client.publish('price:a', '0'), 1);
			})();
			publishing.catch(() => undefined);
			sockets[1].io.reconnection(false);
			const back = once(sockets[0], 'connect');
			await server.renew();
			await back;
			const got = collect(sockets[0], 'price');
			await got.next();
			// The other one is not back, and after ten seconds it is not expected any more.
			await hears(redis, ['price:a']);
			going = false;
			await publishing;
			assert.deepEqual(await commands(redis), [before[0], before[1] + 1]);
		}),
	);
});

describe('on demand, with feeds that change', { skip: SIOCAST_ONLY }, () => {
	const change = async (server, feeds) => {
		const answer = await reload(server, { feeds });
		assert.deepEqual([answer.status, answer.needsRestart], [200, []], JSON.stringify(answer));
	};

	test('nothing of what stays is lost', limit(), () =>
		withCleanup(async (cleanup) => {
			const other = (i) => feed(LINGER + i, { pattern: 'other:*', event: 'other' });
			const { redis, server } = await start(cleanup, { workers: 2, feeds: [feed(), other(0)] }, { reloadable: true });
			const socket = await connect(cleanup, server, MODES.websocket);
			const got = [];
			socket.on('price', (n) => got.push(n));
			await join(redis, socket, 'a');
			await redis.client.hasSubscribers(['other:a']);
			const before = await commands(redis);
			let n = 0;
			let going = true;
			const publishing = (async () => {
				for (; going; n++) assert.equal(await redis.client.publish('price:a', String(n)), 1);
			})();
			publishing.catch(() => undefined);
			for (let i = 1; i <= 20; i++) await change(server, i % 2 ? [other(i), feed(), feed(LINGER, { event: `e${i}`, room: 'x' + '{1}' })] : [feed(), other(i)]);
			going = false;
			await publishing;
			await eventually(() => got.length >= n, `all ${n}`);
			assert.deepEqual(got, Array.from({ length: n }, (_, i) => i));
			assert.deepEqual(await commands(redis), before);
		}),
	);

	test('a feed goes on demand, and back', limit(), () =>
		withCleanup(async (cleanup) => {
			const always = feed(LINGER, { subscribe: 'always' });
			const { redis, server } = await start(cleanup, { workers: 2, feeds: [always] }, { reloadable: true });
			const socket = await connect(cleanup, server, MODES.websocket);
			const got = collect(socket, 'price');
			await ask(socket, 'join', 'a');
			for (let i = 0; i < 3; i++) {
				assert.deepEqual([await channels(redis), await patterns(redis)], [[], 1]);
				await redis.client.publish('price:a', '"always"');
				assert.deepEqual(await got.next(), ['always']);
				await change(server, [feed()]);
				await hears(redis, ['price:a', ...Array.from({ length: i }, (_, k) => `price:b${k}`)], [socket]);
				await eventually(async () => (await patterns(redis)) === 0, 'the pattern to go');
				await redis.client.publish('price:a', '"on demand"');
				assert.deepEqual(await got.next(), ['on demand']);
				await ask(socket, 'join', `b${i}`);
				await redis.client.hasSubscribers([`price:b${i}`]);
				await change(server, [always]);
				await eventually(async () => (await patterns(redis)) === 1 && (await channels(redis)).length === 0, 'the channels to go');
			}
			await change(server, []);
			await eventually(async () => (await patterns(redis)) === 0, 'nothing to be left');
			await change(server, [feed()]);
			await hears(redis, ['price:a', 'price:b0', 'price:b1', 'price:b2'], [socket]);
			assert.equal(got.total, 6);
		}),
	);

	test('Redis at another address hears of all channels', limit(), () =>
		withCleanup(async (cleanup) => {
			const { redis, server } = await start(cleanup, { feeds: [feed(FOREVER, { room: 'p-{1}' })] }, { reloadable: true });
			const other = await startRedis(cleanup, await freePort());
			const socket = await connect(cleanup, server, MODES.websocket);
			const got = collect(socket, 'price');
			await ask(socket, 'join', ['p-a', 'p-b']);
			await hears(redis, ['price:a', 'price:b']);
			const answer = await reload(server, { redis: other.url });
			assert.equal(answer.status, 200, JSON.stringify(answer));
			await hears(other, ['price:a', 'price:b']);
			await hears(redis, []);
			await other.client.publish('price:b', '1');
			assert.deepEqual(await got.next(), [1]);
			await ask(socket, 'join', 'p-c');
			await hears(other, ['price:a', 'price:b', 'price:c']);
		}),
	);
});
