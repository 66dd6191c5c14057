// SPDX-License-Identifier: MIT
//
// Clients that want to be written to a few times in a second only: by their own choice, and by the room that they are in. Those of
// older generations are in compat/pace.test.mjs.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { MODES, ask, collect, connect, connectMode } from './lib/client.mjs';
import { Cutter } from './lib/cutter.mjs';
import { SIOCAST_ONLY, feedsReady, startSiocast } from './lib/daemon.mjs';
import { SEPARATOR, Session } from './lib/engine.mjs';
import { metric } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { eventually, limit, once } from './lib/wait.mjs';

const siocastOnly = { ...limit(60), skip: SIOCAST_ONLY };
const batch = { interval: 5 };
const json = { encode: 'json', batch };
const feeds = [
	{ ...json, channel: 'quotes', event: 'quotes', slow: { latestPer: '/s' }, lagEvent: true },
	{ ...json, channel: 'news', event: 'news' },
	{ ...json, channel: 'rooms', event: 'room', room: ['fast.{/s}', 'slow.{/s}'], slow: { latestPer: '/s' } },
	{ ...json, channel: 'rooms', event: 'each', room: ['fast.{/s}', 'slow.{/s}'] },
];
const PER_SECOND = 4;
const namespaces = {
	'/': {
		on: {
			connection: [{ if: { '/query/pace': { exists: true } }, pace: '{query.pace}' }],
			pace: [{ pace: '{1}' }, { ack: [] }],
			join: [{ join: '{1}' }, { ack: [] }],
			hello: [{ ack: [] }],
		},
		rooms: { rate: { 'slow.*': { perSecond: PER_SECOND } } },
	},
};

async function setUp(cleanup, config = {}) {
	const redis = await startRedis(cleanup, await freePort());
	const server = await startSiocast(cleanup, { redis: redis.url, feeds, namespaces, ...config });
	await feedsReady(redis, server);
	const publish = (channel, message) => redis.client.command('PUBLISH', channel, JSON.stringify(message));
	return { redis, server, publish };
}

const KEYS = ['a', 'b', 'c'];

/** Publishes messages on the channels, one after the other as `healthy` gets them, for a while. Gives all of them. */
async function flood(publish, channels, healthy, heard) {
	const inbox = collect(healthy, heard);
	const all = [];
	const end = performance.now() + 700;
	while (performance.now() < end || all.length < 20) {
		const message = { s: KEYS[all.length % 7 % KEYS.length], n: all.length };
		all.push(message);
		for (const channel of channels) await publish(channel, message);
		await inbox.next();
	}
	return all;
}

/** The arguments of an event, one list for each time that it came. */
function keep(socket, event) {
	const got = [];
	socket.on(event, (list) => got.push(list));
	return got;
}

/** Each time at most one batch came, with the newest of each key; and the last of all is there. */
async function assertNewest(got, all, since) {
	const last = KEYS.map((s) => all.findLast((m) => m.s === s)).filter(Boolean);
	await eventually(() => last.every(({ n }) => got.flat().some((m) => m.n === n)), 'the newest of each key');
	const seconds = (performance.now() - since) / 1000;
	const numbers = got.flat().map(({ n }) => n);
	assert.deepEqual(numbers, [...new Set(numbers)].sort((a, b) => a - b));
	assert.ok(got.length <= seconds * PER_SECOND + 2, `${got.length} batches in ${seconds} s`);
	assert.ok(numbers.length < all.length);
}

for (const mode of Object.keys(MODES)) {
	test(`a client's own choice (${mode})`, siocastOnly, () =>
		withCleanup(async (cleanup) => {
			const { server, publish } = await setUp(cleanup);
			const healthy = await connect(cleanup, server, MODES.websocket);
			const paced = await connectMode(cleanup, server, mode);
			const [quotes, news, lags] = ['quotes', 'news', 'siocast:lag'].map((event) => keep(paced, event));
			const since = performance.now();
			await ask(paced, 'pace', PER_SECOND);
			const all = await flood(publish, ['news', 'quotes'], healthy, 'quotes');
			await assertNewest(quotes, all, since);
			// What has no keys comes whole and in order.
			await eventually(() => news.flat().length === all.length, 'all news');
			assert.deepEqual(news.flat(), all);
			assert.equal(await metric(server, 'slow_replaced_total'), all.length - quotes.flat().length);
			// Who polls is behind between two polls, as ever.
			if (mode === 'websocket') assert.deepEqual(lags, []);
		}),
	);
}

test('as many polls as its pace has', siocastOnly, () =>
	withCleanup(async (cleanup) => {
		const { server, publish } = await setUp(cleanup);
		const healthy = await connect(cleanup, server, MODES.websocket);
		const session = await Session.open(server, `&pace=${PER_SECOND}`);
		await session.post('40');
		await session.packets();
		const since = performance.now();
		const flooded = flood(publish, ['news'], healthy, 'news');
		let polls = 0;
		const got = [];
		const readOn = async (enough) => {
			while (!enough()) {
				for (const packet of (await session.poll()).text.split(SEPARATOR)) {
					if (packet === '2') await session.post('3');
					else got.push(...JSON.parse(packet.slice(2))[1]);
				}
				polls++;
			}
		};
		let all = null;
		flooded.then((list) => { all = list; }, () => {});
		await readOn(() => all && got.length >= all.length);
		assert.deepEqual(got, await flooded);
		// And the ping, if one came.
		const seconds = (performance.now() - since) / 1000;
		assert.ok(polls <= seconds * PER_SECOND + 3, `${polls} polls in ${seconds} s`);
	}),
);

test('a room has a pace: who is in it has, and who is in another gets everything', siocastOnly, () =>
	withCleanup(async (cleanup) => {
		const { server, publish } = await setUp(cleanup);
		const fast = await connect(cleanup, server, MODES.websocket);
		const slow = await connect(cleanup, server, MODES.websocket);
		const both = await connect(cleanup, server, MODES.websocket);
		const [every, newest] = [keep(fast, 'each'), keep(slow, 'room')];
		const [eachSlow, eachBoth] = [keep(slow, 'each'), keep(both, 'each')];
		await ask(fast, 'join', KEYS.map((s) => `fast.${s}`));
		const since = performance.now();
		await ask(slow, 'join', KEYS.map((s) => `slow.${s}`));
		await ask(both, 'join', KEYS.flatMap((s) => [`fast.${s}`, `slow.${s}`]));
		const all = await flood(publish, ['rooms'], fast, 'room');
		// Each key has a stream of its own here.
		const last = KEYS.map((s) => all.findLast((m) => m.s === s)).filter(Boolean);
		await eventually(() => last.every(({ n }) => newest.flat().some((m) => m.n === n)), 'the newest of each key');
		const seconds = (performance.now() - since) / 1000;
		assert.ok(newest.length <= KEYS.length * (seconds * PER_SECOND + 2), `${newest.length} batches in ${seconds} s`);
		assert.ok(newest.flat().length < all.length);
		for (const got of [every, eachSlow, eachBoth]) {
			await eventually(() => got.flat().length === all.length, 'everything');
			assert.deepEqual(got.flat(), all);
		}
	}),
);

test('what may not wait comes behind what was sent before it', siocastOnly, () =>
	withCleanup(async (cleanup) => {
		const { server, publish } = await setUp(cleanup, { workers: 1 });
		const healthy = await connect(cleanup, server, MODES.websocket);
		const heard = collect(healthy, 'news');
		for (const mode of ['websocket', 'polling']) {
			const paced = await connectMode(cleanup, server, mode, { query: { pace: 1 } });
			const got = keep(paced, 'news');
			for (let n = 0; n < 5; n++) {
				await publish('news', n);
				await heard.next();
				await ask(paced, 'hello');
				assert.deepEqual(got.flat(), [...Array(n + 1).keys()]);
			}
			paced.disconnect();
		}
	}),
);

test('nothing is dropped for a pace alone: what is much goes early', siocastOnly, () =>
	withCleanup(async (cleanup) => {
		const { server, publish } = await setUp(cleanup, { workers: 1, limits: { clientQueueBytes: 4096 } });
		const healthy = await connect(cleanup, server, MODES.websocket);
		const heard = collect(healthy, 'news');
		const all = [];
		const paced = await connect(cleanup, server, { ...MODES.websocket, query: { pace: 1 } });
		const got = keep(paced, 'news');
		for (let n = 0; n < 60; n++) {
			all.push({ n, x: 'x'.repeat(200) });
			await publish('news', all.at(-1));
			await heard.next();
		}
		await eventually(() => got.flat().length === all.length, 'all messages');
		assert.deepEqual(got.flat(), all);
		assert.equal(await metric(server, 'slow_dropped_total'), 0);
	}),
);

test('a client that comes back while something waited for its time has it', siocastOnly, () =>
	withCleanup(async (cleanup) => {
		const recovery = { connectionStateRecovery: { maxDisconnectionDuration: 60_000 } };
		const { server, publish } = await setUp(cleanup, recovery);
		const cutter = await Cutter.open(cleanup, server.port);
		const line = { url: cutter.url, path: server.path };
		const healthy = await connect(cleanup, server, MODES.websocket);
		const heard = collect(healthy, 'news');
		const say = async (n) => {
			await publish('news', n);
			await heard.next();
		};
		for (const mode of ['websocket', 'polling']) {
			const paced = await connectMode(cleanup, line, mode, { query: { pace: 1 } });
			const got = keep(paced, 'news');
			await say(0);
			await eventually(() => got.length === 1, 'the first message');
			for (let n = 1; n < 8; n++) {
				await say(n);
				if (n % 3) continue;
				const gone = once(paced, 'disconnect');
				cutter.cut();
				await gone;
				await say(++n);
				const back = once(paced, 'connect');
				cutter.mend();
				await back;
				assert.equal(paced.recovered, true);
			}
			await eventually(() => got.flat().includes(7), 'the last message');
			assert.deepEqual(got.flat(), [...Array(8).keys()]);
			paced.disconnect();
		}
	}),
);
