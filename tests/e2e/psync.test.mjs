// SPDX-License-Identifier: MIT
//
// Redis as its own tree: what is published passes replicas, and siocast may be one. Links are cut under load, and all is counted.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { collect, connect } from './lib/client.mjs';
import { SIOCAST_ONLY, startSiocast } from './lib/daemon.mjs';
import { withCleanup } from './lib/cleanup.mjs';
import { request } from './lib/http.mjs';
import { metric } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { eventually, limit } from './lib/wait.mjs';

const single = { encode: 'json', batch: { interval: 0 } };
const atOnce = ['--repl-diskless-sync-delay', '0'];

const ready = (server) => eventually(async () => (await request(server.admin, 'GET', '/readyz')).status === 200, 'siocast to be ready');
const logs = (server, what) => eventually(() => what.test(server.child.output), `the line ${what}`);

/** Publishes 0 … total-1, and calls `cut` now and then in between. */
async function publishNumbers(redis, channel, total, cut) {
	for (let n = 0; n < total; n++) {
		const published = redis.client.publish(channel, n);
		if (n % 50 === 0) await published;
		if (n % 500 === 250) await cut();
	}
}

function checkNumbers(items, total) {
	assert.deepEqual(items.map(([n]) => n), Array.from({ length: total }, (_, n) => n));
}

async function replicaOf(cleanup, master) {
	const redis = await startRedis(cleanup, await freePort(), { args: [...atOnce, '--replicaof', '127.0.0.1', String(master.port)] });
	await eventually(async () => /master_link_status:up/.test(await redis.client.command('INFO', 'replication')), 'the replica');
	return redis;
}

describe('what replicas of Redis are sent', { concurrency: 2, skip: SIOCAST_ONLY }, () => {
	test('as a replica siocast misses nothing when its link is cut under load', limit(), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort(), { args: atOnce });
			await redis.client.command('SET', 'large', 'x'.repeat(5_000_000));
			const feeds = [
				{ channel: 'n', event: 'n', gapEvent: true, ...single },
				{ pattern: ['n*', '[m-o]'], event: 'p', ...single },
				{ channel: 'other', event: 'other', ...single },
			];
			const server = await startSiocast(cleanup, { redis: { url: redis.url, source: 'psync' }, feeds, workers: 2 });
			await ready(server);
			assert.ok(Number(/total_net_output_bytes:(\d+)/.exec(await redis.client.command('INFO', 'stats'))[1]) < 1_000_000, 'it is sent none of the data');
			const socket = await connect(cleanup, server);
			const [numbers, both, other] = ['n', 'p', 'other'].map((event) => collect(socket, event));
			const total = 3000;
			await publishNumbers(redis, 'n', total, async () => {
				// It comes back after a while only, and what was cut already cannot be cut.
				await eventually(async () => /connected_slaves:1/.test(await redis.client.command('INFO', 'replication')), 'siocast to be back');
				await redis.client.command('CLIENT', 'KILL', 'TYPE', 'replica');
			});
			checkNumbers(await numbers.until((all) => all.length >= total, 'all numbers'), total);
			await both.until((all) => all.length >= 2 * total, 'each for both patterns');
			assert.ok((await metric(server, 'redis_lost_total')) >= 2);
			assert.equal(await metric(server, 'feed_gaps_total{feed="0"}'), 0);

			// In transactions and scripts, too.
			const script = "redis.call('set', 'x', '1') redis.call('publish', 'other', '1') redis.call('publish', 'other', '2')";
			await redis.client.command('EVAL', script, '0');
			for (const command of [['MULTI'], ['PUBLISH', 'other', '3'], ['SET', 'x', '2'], ['PUBLISH', 'other', '4'], ['EXEC']])
				await redis.client.command(...command);
			for (const n of [1, 2, 3, 4]) assert.deepEqual(await other.next(), [n]);
			// Who waits for replicas does not wait for this one.
			await redis.client.command('SET', 'x', '3');
			assert.equal(await redis.client.command('WAIT', '1', '10'), 0);
		}),
	);

	test('what Redis does not have any more is told as a gap', limit(), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort(), { args: [...atOnce, '--repl-backlog-size', '16384'] });
			const acl = (...rules) => redis.client.command('ACL', 'SETUSER', 'siocast', ...rules);
			await acl('on', '>pw', '+replconf', '+client|setname');
			const feeds = [
				{ channel: 'n', event: 'n', gapEvent: true, ...single },
				{ pattern: 'p*', event: 'n', gapEvent: true, ...single },
			];
			const url = `redis://siocast:pw@127.0.0.1:${redis.port}`;
			const server = await startSiocast(cleanup, { redis: [{ url, source: 'psync' }], feeds });
			await logs(server, /event=lost reason="NOPERM [^"]+'psync'/);
			await acl('+psync');
			await ready(server);
			const socket = await connect(cleanup, server);
			const [numbers, gaps] = ['n', 'siocast:gap'].map((event) => collect(socket, event));
			await redis.client.publish('n', '1');
			assert.deepEqual(await numbers.next(), [1]);
			await acl('-psync');
			await redis.client.command('CLIENT', 'KILL', 'TYPE', 'replica');
			await redis.client.publish('n', JSON.stringify('x'.repeat(100_000)));
			await acl('+psync');
			for (const channel of ['n', 'p*']) {
				const [gap] = await gaps.next();
				assert.equal(gap.channel, channel);
				assert.ok(gap.from <= gap.to);
			}
			await redis.client.publish('n', '2');
			assert.deepEqual(await numbers.next(), [2]);
			assert.equal(await metric(server, 'feed_gaps_total{feed="0"}'), 1);
		}),
	);

	test('a replica of a replica has all that is published on the master, though links are cut under load', limit(), () =>
		withCleanup(async (cleanup) => {
			const master = await startRedis(cleanup, await freePort(), { args: atOnce });
			const middle = await replicaOf(cleanup, master);
			const leaf = await replicaOf(cleanup, middle);
			const feeds = [{ channel: 'n', event: 'n', gapEvent: true, ...single }];
			// Two below the leaf: a subscriber, and a replica of it.
			const servers = [leaf.url, { url: leaf.url, source: 'psync' }].map((redis) => startSiocast(cleanup, { redis, feeds }));
			const inboxes = [];
			for (const server of await Promise.all(servers)) {
				await ready(server);
				inboxes.push(collect(await connect(cleanup, server), 'n'));
			}
			const total = 3000;
			let cuts = 0;
			await publishNumbers(master, 'n', total, () => (cuts++ % 2 ? master : middle).client.command('CLIENT', 'KILL', 'TYPE', 'replica'));
			for (const inbox of inboxes) checkNumbers(await inbox.until((all) => all.length >= total, 'all numbers'), total);
			assert.ok(cuts >= 6);
		}),
	);
});
