// SPDX-License-Identifier: MIT
//
// A stream of messages that Redis sends one by one: in batches it is taken in with few wake-ups of the feed thread, complete and in
// order; where a feed passes on single messages, each is taken at once.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import siocast from '../../client-js/siocast.mjs';
import { collect, connect } from './lib/client.mjs';
import { REFERENCE, feedsReady, startSiocast } from './lib/daemon.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { withCleanup } from './lib/cleanup.mjs';
import { limit } from './lib/wait.mjs';

const ROUND_MS = 300;
const ROUNDS = 60;
const EVERY_MS = 0.15;

/** How often the feed thread has waited for something. */
function waits({ child }) {
	const tasks = `/proc/${child.pid}/task`;
	const name = (tid) => fs.readFileSync(path.join(tasks, tid, 'comm'), 'utf8').trim();
	const tid = fs.readdirSync(tasks).find((each) => name(each) === 'siocast-feed');
	return Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(fs.readFileSync(path.join(tasks, tid, 'status'), 'utf8'))[1]);
}

/** Publishes numbers from `first` on for a while, one by one, and busy in between: a timer would send them in bursts. */
function publishOneByOne(redis, first) {
	const start = performance.now();
	let next = first;
	for (let now = start; now - start < ROUND_MS; now = performance.now()) {
		if (now - start < (next - first) * EVERY_MS) continue;
		redis.client.publish('ticks', String(next++)).catch(() => {});
	}
	return next;
}

/** Two workers, for there the feed has a thread of its own. */
async function startOne(cleanup, redis, alone) {
	const feeds = [{ channel: 'ticks', event: 'ticks', batch: { interval: 100 } }];
	if (alone) feeds.push({ channel: 'alone', event: 'alone', encode: 'json', batch: { interval: 0 } });
	const server = await startSiocast(cleanup, { workers: 2, redis: redis.url, feeds });
	await feedsReady(redis, server);
	const socket = await connect(cleanup, server);
	const heard = collect(socket, 'ticks');
	const seen = [];
	const until = async (n) => {
		while (seen.length < n) seen.push(...siocast.decode((await heard.next())[0]));
		assert.deepEqual(seen, Array.from({ length: n }, (_, i) => i));
	};
	return { server, until };
}

for (const [name, options] of [['TCP', {}], ['a Unix socket', { unix: true }]]) {
	const skip = REFERENCE ? 'about siocast' : false;

	test(`a fast stream over ${name} wakes up a server of batches seldom, and one of single messages each time`, { ...limit(240), skip }, () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort(), options);
			const batched = await startOne(cleanup, redis, false);
			const single = await startOne(cleanup, redis, true);
			let sent = 0;
			// The two have the same messages at the same time. When the machine is too busy to send them one by one, both wake up seldom.
			const round = async () => {
				const before = [batched, single].map(({ server }) => waits(server));
				sent = publishOneByOne(redis, sent);
				await Promise.all([batched.until(sent), single.until(sent)]);
				const [few, many] = [batched, single].map(({ server }, i) => waits(server) - before[i]);
				return { few, many };
			};
			for (let i = 1, n = await round(); n.many <= 2 * n.few; i++, n = await round()) assert.ok(i < ROUNDS, JSON.stringify(n));
			// And a burst that is more than one read.
			const burst = Array.from({ length: 10_000 }, (_, i) => String(sent + i));
			await redis.client.publishAll('ticks', burst, 2500);
			sent += burst.length;
			await Promise.all([batched.until(sent), single.until(sent)]);
		}),
	);
}
