// SPDX-License-Identifier: MIT
//
// What a Redis may refuse, and what it may send: an ACL that forbids channels, messages without measure, a server that is busy, full,
// protected, or does not take the password.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import { describe, test } from 'node:test';
import { collect, connect } from './lib/client.mjs';
import { SIOCAST_ONLY, feedsReady, startSiocast } from './lib/daemon.mjs';
import { withCleanup } from './lib/cleanup.mjs';
import { request } from './lib/http.mjs';
import { metric } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { eventually, limit } from './lib/wait.mjs';

const single = { encode: 'json', batch: { interval: 0 } };
const feeds = [
	{ channel: 'news', event: 'news', ...single },
	{ channel: 'secret', event: 'secret', ...single },
	{ pattern: 'tick.*', event: 'tick', ...single },
];

const readyz = (server) => request(server.admin, 'GET', '/readyz');
const ready = (server) => eventually(async () => (await readyz(server)).status === 200, 'siocast to be ready');
const logs = (server, what) => eventually(() => what.test(server.child.output), `the line ${what}`);
const peakKilobytes = ({ child }) => Number(/^VmHWM:\s*(\d+)/m.exec(fs.readFileSync(`/proc/${child.pid}/status`, 'utf8'))[1]);
const address = Object.values(os.networkInterfaces()).flat().find((each) => each.family === 'IPv4' && !each.internal)?.address;

// They mostly wait for processes to start: so they do that together.
describe('a Redis that refuses', { concurrency: 2, skip: SIOCAST_ONLY }, () => {
	test('a channel that the ACL forbids stops its feed alone, until it is allowed', limit(), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort());
			const acl = (...rules) => redis.client.command('ACL', 'SETUSER', 'siocast', ...rules);
			await acl('on', '>pw', '+@all', 'resetchannels', '&news', '&tick.*');
			const server = await startSiocast(cleanup, { redis: `redis://siocast:pw@127.0.0.1:${redis.port}`, feeds });
			await ready(server);
			const refused = (n) => metric(server, `feed_refused{feed="${n}"}`);
			assert.deepEqual([await refused(0), await refused(1), await refused(2)], [0, 1, 0]);
			assert.match((await readyz(server)).text, /^redis \S+ subscribed, refuses 1$/m);
			assert.equal(JSON.parse((await request(server.admin, 'GET', '/stats')).text).redis[0].refused, 1);
			await logs(server, /event=subscription-refused channel="secret" reason="NOPERM [^"]+" refused=1 /);

			const socket = await connect(cleanup, server);
			const [news, secret, tick] = ['news', 'secret', 'tick'].map((event) => collect(socket, event));
			await redis.client.publish('news', '1');
			await redis.client.publish('tick.a', '2');
			assert.deepEqual([await news.next(), await tick.next()], [[1], [2]]);

			await acl('&secret');
			await logs(server, /event=subscription-allowed channel="secret" refused=0/);
			await redis.client.publish('secret', '3');
			assert.deepEqual(await secret.next(), [3]);
			assert.equal(await refused(1), 0);
			assert.equal(await metric(server, 'redis_connects_total'), 1, 'it did all that on one connection');

			// Redis disconnects whoever has what is forbidden from now on.
			await acl('resetchannels', '&secret', '&news');
			await eventually(async () => (await refused(2)) === 1, 'the pattern to be refused');
			await ready(server);
			await redis.client.publish('news', '4');
			assert.deepEqual(await news.next(), [4]);
		}),
	);

	test('a user that may not subscribe at all is not ready, and is as soon as it may', limit(), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort());
			const acl = (...rules) => redis.client.command('ACL', 'SETUSER', 'siocast', ...rules);
			await acl('on', '>pw', '+@all', '&*', '-subscribe', '-psubscribe', '-ping', '-client');
			const server = await startSiocast(cleanup, { redis: `redis://siocast:pw@127.0.0.1:${redis.port}`, feeds });
			await logs(server, /event=subscription-refused pattern="tick\.\*" reason="NOPERM [^"]+'psubscribe' command" refused=3/);
			assert.equal((await readyz(server)).status, 503);
			await acl('+subscribe');
			await ready(server);
			assert.match((await readyz(server)).text, /subscribed, refuses 1/);
			await acl('+psubscribe');
			await feedsReady(redis, server);
			assert.equal(await metric(server, 'redis_connects_total'), 1);
		}),
	);

	test('a message above limits.messageBytes is dropped while it arrives, and nothing else', limit(), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort());
			const most = 100_000;
			const server = await startSiocast(cleanup, { redis: redis.url, feeds, limits: { messageBytes: most } });
			await feedsReady(redis, server);
			const socket = await connect(cleanup, server);
			const [news, tick] = ['news', 'tick'].map((event) => collect(socket, event));
			const text = (n) => JSON.stringify('x'.repeat(n - 2));
			const before = peakKilobytes(server);
			let dropped = 0;
			for (const size of [most + 1, 30_000_000]) {
				for (const [channel, inbox] of [['news', news], ['tick.a', tick]]) {
					await redis.client.publish(channel, text(most));
					await redis.client.publish(channel, text(size));
					await redis.client.publish(channel, '"behind"');
					assert.equal((await inbox.next())[0].length, most - 2, 'as long as is allowed');
					assert.deepEqual(await inbox.next(), ['behind']);
				}
				dropped++;
				assert.equal(await metric(server, 'feed_dropped_total{feed="0",reason="messageBytes"}'), dropped);
				assert.equal(await metric(server, 'feed_dropped_total{feed="2",reason="messageBytes"}'), dropped);
				assert.equal(await metric(server, 'redis_too_long_total'), 2 * dropped);
			}
			assert.ok(peakKilobytes(server) - before < 20_000, `${peakKilobytes(server) - before} KB more for messages of 30 MB`);
			await logs(server, /channel="news" event=message-too-long bytes=100001 /);
			assert.equal(await metric(server, 'redis_lost_total'), 0);
		}),
	);

	test('a Redis that is busy with a script is waited for', limit(), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort(), { args: ['--busy-reply-threshold', '1'] });
			const other = await redis.client.constructor.open(cleanup, redis.port);
			const script = other.command('EVAL', 'while true do end', '0').catch((error) => error);
			await eventually(() => redis.client.command('PING').then(() => false, (error) => /BUSY/.test(error.message)), 'the script');
			const server = await startSiocast(cleanup, { redis: redis.url, feeds });
			await logs(server, /event=subscription-refused channel="news" reason="BUSY /);
			assert.equal((await readyz(server)).status, 503);
			await redis.client.command('SCRIPT', 'KILL');
			assert.match((await script).message, /killed/);
			await feedsReady(redis, server);
			await ready(server);
			assert.equal(await metric(server, 'redis_connects_total'), 1);
		}),
	);

	// It takes subscriptions and messages meanwhile, but no PING and none of what presence asks.
	test('a Redis that is loading its data is used as far as it answers', limit(), () =>
		withCleanup(async (cleanup) => {
			const args = ['--dir', await cleanup.folder(), '--rdbcompression', 'no'];
			const before = await startRedis(cleanup, await freePort(), { args });
			await before.client.command('EVAL', 'for i = 1, 2000 do redis.call("SET", i, string.rep("x", 1000)) end', '0');
			await before.client.command('SAVE');
			await before.child.stop();
			args.push('--key-load-delay', '20000', '--loading-process-events-interval-bytes', '1024');
			const redis = await startRedis(cleanup, await freePort(), { args, loads: true });
			const presence = { rooms: ['*'], member: '{sid}', events: { here: 'here' } };
			const namespaces = { '/': { presence, on: { connection: [{ join: 'room' }] } } };
			const server = await startSiocast(cleanup, { redis: redis.url, feeds, namespaces, presence: { expiry: 1000 } });
			await ready(server);
			const news = collect(await connect(cleanup, server), 'news');
			await redis.client.publish('news', '1');
			assert.deepEqual(await news.next(), [1]);
			await logs(server, /event=presence-refused reason="LOADING /);
			await assert.rejects(redis.client.command('PING'), /^Error: LOADING/);
			await redis.client.command('CONFIG', 'SET', 'key-load-delay', '0');
			const state = () => redis.client.command('KEYS', 'siocast:*').then(({ length }) => length > 0, () => false);
			await eventually(state, 'the state of its presence');
			assert.equal(await metric(server, 'redis_lost_total'), 0);
		}),
	);

	test('a replica that has lost its master and serves nothing is subscribed to', limit(), () =>
		withCleanup(async (cleanup) => {
			const port = await freePort();
			const redis = await startRedis(cleanup, port);
			await redis.client.command('CONFIG', 'SET', 'replica-serve-stale-data', 'no');
			await redis.client.command('REPLICAOF', '127.0.0.1', '1');
			await assert.rejects(redis.client.command('PING'), /MASTERDOWN/);
			const server = await startSiocast(cleanup, { redis: redis.url, feeds });
			await ready(server);
			const socket = await connect(cleanup, server);
			const news = collect(socket, 'news');
			await redis.client.publish('news', '1');
			assert.deepEqual(await news.next(), [1]);
		}),
	);

	test('what Redis says while it hangs up is in the log: too many clients', limit(), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort());
			await redis.client.command('CONFIG', 'SET', 'maxclients', '1');
			const server = await startSiocast(cleanup, { redis: redis.url, feeds });
			await logs(server, /event=lost reason="[^"]+; it said: ERR max number of clients reached"/);
			await redis.client.command('CONFIG', 'SET', 'maxclients', '100');
			await ready(server);
		}),
	);

	test('what Redis says while it hangs up is in the log: protected mode', { ...limit(), skip: !address && 'this machine has no address but its own' }, () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort(), { bind: '0.0.0.0' });
			const server = await startSiocast(cleanup, { redis: `redis://${address}:${redis.port}`, feeds });
			await logs(server, /event=lost reason="[^"]+; it said: DENIED Redis is running in protected mode/);
		}),
	);

	test('no answer to AUTH puts the password into the log', limit(), () =>
		withCleanup(async (cleanup) => {
			const secret = 'correct-horse';
			const start = async (args) => {
				const redis = await startRedis(cleanup, await freePort(), { args });
				const server = await startSiocast(cleanup, { redis: `redis://:${secret}@127.0.0.1:${redis.port}`, feeds });
				await logs(server, /event=lost reason="AUTH refused: /);
				return { redis, server };
			};
			const unknown = await start(['--rename-command', 'AUTH', '']);
			await assert.rejects(unknown.redis.client.command('AUTH', secret), new RegExp(secret), 'Redis repeats it');
			await logs(unknown.server, /reason="AUTH refused: ERR unknown command"/);
			const without = await start([]);
			await logs(without.server, /reason="AUTH refused: ERR AUTH <password> called without any password configured"/);
			await without.redis.client.command('CONFIG', 'SET', 'requirepass', 'another');
			await logs(without.server, /reason="AUTH refused: WRONGPASS invalid username-password pair"/);
			for (const { server } of [unknown, without]) assert.ok(!server.child.output.includes(secret));
			await without.redis.client.command('CONFIG', 'SET', 'requirepass', secret);
			await ready(without.server);
		}),
	);
});
