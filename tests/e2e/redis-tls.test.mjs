// SPDX-License-Identifier: MIT
//
// Redis by TLS: every kind of connection, what certificates have to be, and lines that break in the middle of a record.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { authority } from './lib/certificates.mjs';
import { withCleanup } from './lib/cleanup.mjs';
import { collect, connect } from './lib/client.mjs';
import { SIOCAST, SIOCAST_ONLY, configure, startSiocast } from './lib/daemon.mjs';
import { request } from './lib/http.mjs';
import { metric } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { eventually, limit } from './lib/wait.mjs';

const single = { encode: 'json', batch: { interval: 0 } };
const ready = (server) => eventually(async () => (await request(server.admin, 'GET', '/readyz')).status === 200, 'siocast to be ready');
const logs = (server, what) => eventually(() => what.test(server.child.output), `the line ${what}`);

/** A redis-server with TLS on a port of its own, beside the plain one that tests use. */
async function startTlsRedis(cleanup, ca, certificate, args = []) {
	const tlsPort = await freePort();
	const tls = ['--tls-port', tlsPort, '--tls-cert-file', certificate.cert, '--tls-key-file', certificate.key];
	const all = [...tls, '--tls-ca-cert-file', ca.ca, '--tls-auth-clients', 'no', '--repl-diskless-sync-delay', '0', ...args];
	const redis = await startRedis(cleanup, await freePort(), { args: all.map(String) });
	return { ...redis, tlsPort };
}

/** Whether all that siocast has open at a Redis, and so many it should be, came by TLS. */
async function allByTls(redis, n) {
	const list = (await redis.client.command('CLIENT', 'LIST')).toString().split('\n');
	const ours = list.filter((line) => / name=siocast /.test(line));
	assert.equal(ours.length, n, list.join('\n'));
	for (const line of ours) assert.match(line, new RegExp(` laddr=127\\.0\\.0\\.1:${redis.tlsPort} `));
}

/** A line to a port that breaks once, behind so many bytes from there. */
async function breakingOnce(cleanup, target, bytes) {
	const sockets = new Set();
	let left = bytes;
	const server = net.createServer((near) => {
		const far = net.connect(target, '127.0.0.1');
		const end = () => [near, far].forEach((socket) => socket.destroy());
		for (const socket of [near, far]) sockets.add(socket.on('error', end).on('close', end));
		near.pipe(far);
		far.on('data', (chunk) => {
			const breaks = left > 0 && chunk.length >= left;
			if (breaks) near.write(chunk.subarray(0, left), end);
			else if (!near.write(chunk)) far.pause();
			left -= chunk.length;
		});
		near.on('drain', () => far.resume());
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	cleanup.add(server, () => {
		for (const socket of sockets) socket.destroy();
		return new Promise((resolve) => server.close(resolve));
	});
	return server.address().port;
}

describe('Redis by TLS', { concurrency: 2, skip: SIOCAST_ONLY }, () => {
	test('channels, what handlers publish, streams, what is retained and presence, with a password', limit(), () =>
		withCleanup(async (cleanup) => {
			const ca = await authority(cleanup);
			const redis = await startTlsRedis(cleanup, ca, await ca.issue());
			await redis.client.command('ACL', 'SETUSER', 'siocast', 'on', '>s3cret', '+@all', '&*', '~*');
			await redis.client.command('HSET', 'state', 'k', '{"s":"k","n":1}');
			const file = path.join(await cleanup.folder(), 'password');
			await fs.writeFile(file, 's3cret\n');
			const feeds = [
				{ channel: 'news', event: 'news', ...single },
				{ channel: 'fast', event: 'fast', encode: 'json', batch: { interval: 50, maxMessages: 1000 } },
				{ stream: 'orders', event: 'orders', field: 'data', ...single },
				{ channel: 'q', event: 'q', encode: 'json', retain: { key: '/s' }, prime: { hash: 'state' }, batch: { interval: 10 } },
			];
			const on = { connection: [{ join: 'room' }], say: [{ publish: { channel: 'news', message: { said: '{1}' } } }] };
			const server = await startSiocast(cleanup, {
				redis: { url: `rediss://siocast@localhost:${redis.tlsPort}`, passwordFile: file, tls: { ca: ca.ca } },
				feeds,
				namespaces: { '/': { on, presence: { rooms: ['*'], member: '{sid}', events: { here: 'here' } } } },
			});
			await ready(server);
			await logs(server, /event=ready role=subscribe tls=TLSv1\.3/);
			const socket = await connect(cleanup, server);
			const [news, fast, orders] = ['news', 'fast', 'orders'].map((event) => collect(socket, event));
			await redis.client.publish('news', '{"n":1}');
			assert.deepEqual(await news.next(), [{ n: 1 }]);
			socket.emit('say', 'hello');
			assert.deepEqual(await news.next(), [{ said: 'hello' }]);
			await redis.client.command('XADD', 'orders', '*', 'data', '[3]');
			assert.deepEqual(await orders.next(), [[3]]);
			// So many that reading pauses.
			const total = 20_000;
			await redis.client.publishAll('fast', Array.from({ length: total }, (_, n) => n), 50);
			const batches = await fast.until((all) => all.reduce((sum, [batch]) => sum + batch.length, 0) >= total, 'all messages');
			assert.deepEqual(batches.flatMap(([batch]) => batch), Array.from({ length: total }, (_, n) => n));
			await allByTls(redis, 6);
			assert.equal(await metric(server, 'redis_lost_total'), 0);
			assert.ok(!server.child.output.includes('s3cret'));
		}),
	);

	test('as a replica it misses nothing when its line breaks in the middle of a record', limit(), () =>
		withCleanup(async (cleanup) => {
			const ca = await authority(cleanup);
			const redis = await startTlsRedis(cleanup, ca, await ca.issue(), ['--repl-backlog-size', '64mb']);
			const port = await breakingOnce(cleanup, redis.tlsPort, 5_000_001);
			const url = `rediss://127.0.0.1:${port}`;
			const server = await startSiocast(cleanup, {
				redis: { url, source: 'psync', tls: { ca: ca.ca } },
				feeds: [{ channel: 'n', event: 'n', gapEvent: true, ...single }],
				limits: { messageBytes: 17_000_000, clientQueueBytes: 100_000_000, workerQueueBytes: 100_000_000, publishQueueBytes: 20_000_000 },
			});
			await ready(server);
			const inbox = collect(await connect(cleanup, server), 'n');
			const large = (n) => JSON.stringify([n, 'x'.repeat(16_000_000)]);
			for (let n = 0; n < 3; n++) await redis.client.publish('n', large(n));
			for (let n = 0; n < 3; n++) {
				const [[number, text]] = await inbox.next();
				assert.deepEqual([number, text.length], [n, 16_000_000]);
			}
			assert.equal(await metric(server, 'redis_lost_total'), 1);
			assert.equal(await metric(server, 'feed_gaps_total{feed="0"}'), 0);
		}),
	);

	test('a subscriber whose line breaks in the middle of a record comes back, and large messages are whole', limit(), () =>
		withCleanup(async (cleanup) => {
			const ca = await authority(cleanup);
			const redis = await startTlsRedis(cleanup, ca, await ca.issue());
			const port = await breakingOnce(cleanup, redis.tlsPort, 5_000_001);
			const server = await startSiocast(cleanup, {
				redis: { url: `rediss://127.0.0.1:${port}`, tls: { ca: ca.ca } },
				feeds: [{ channel: 'n', event: 'n', ...single }],
				engine: { maxHttpBufferSize: 20_000_000 },
				namespaces: { '/': { on: { say: [{ publish: { channel: 'n', message: ['{1}'] } }] } } },
				limits: { messageBytes: 17_000_000, clientQueueBytes: 100_000_000, workerQueueBytes: 100_000_000, publishQueueBytes: 20_000_000 },
			});
			await ready(server);
			const socket = await connect(cleanup, server, { transports: ['websocket'] });
			const inbox = collect(socket, 'n');
			await redis.client.publish('n', JSON.stringify('y'.repeat(16_000_000)));
			await logs(server, /event=lost reason="closed by the server"/);
			await eventually(async () => (await metric(server, 'redis_connects_total')) === 2, 'siocast to be back');
			await redis.client.publish('n', '"again"');
			assert.deepEqual(await inbox.next(), ['again']);
			const large = JSON.stringify('z'.repeat(16_000_000));
			await redis.client.publish('n', large);
			assert.equal((await inbox.next())[0].length, 16_000_000);
			socket.emit('say', 'w'.repeat(10_000_000));
			assert.equal((await inbox.next())[0][0].length, 10_000_000);
		}),
	);

	test('certificates that are not right are named in the log, and disturb nobody else', limit(), () =>
		withCleanup(async (cleanup) => {
			const [ca, other] = [await authority(cleanup), await authority(cleanup, 'another one')];
			const good = await startTlsRedis(cleanup, ca, await ca.issue());
			const expired = await startTlsRedis(cleanup, ca, await ca.issue(['127.0.0.1'], { days: -1 }));
			const asking = await startTlsRedis(cleanup, ca, await ca.issue(['127.0.0.1', 'redis.example']), ['--tls-auth-clients', 'yes']);
			const [ours, foreign] = [await ca.issue(['siocast']), await other.issue(['siocast'])];
			const url = ({ tlsPort }, host = '127.0.0.1') => `rediss://${host}:${tlsPort}`;
			const own = ({ cert, key }) => ({ ca: ca.ca, cert, key });
			const redis = [
				{ url: url(good), tls: { ca: ca.ca } },
				{ url: url(good), tls: { ca: other.ca } },
				{ url: url(good), tls: { ca: ca.ca, serverName: 'redis.example' } },
				url(good, 'localhost'), // which the system trusts nothing of
				{ url: url(expired), tls: { ca: ca.ca } },
				{ url: url(asking), tls: { ca: ca.ca } },
				{ url: url(asking), tls: own(foreign) },
				{ url: url(asking), tls: { ...own(ours), serverName: 'redis.example' } },
				{ url: `rediss://127.0.0.1:${good.port}`, tls: { ca: ca.ca } },
				`redis://127.0.0.1:${good.tlsPort}`,
			];
			const server = await startSiocast(cleanup, { redis, feeds: [{ channel: 'news', event: 'news', ...single }] });
			const name = (server, host = '127\\.0\\.0\\.1') => `redis=${host}:${server.tlsPort} event=lost reason=`;
			const refused = `"TLS: the server's certificate is refused: `;
			const untrusted = `${refused}(self-signed certificate in certificate chain, of 'CN=an authority|unable to get local issuer)`;
			for (const [which, reason] of [
				[name(good), untrusted],
				[name(good), `"TLS: the server's certificate is not for redis\\.example, but for localhost, 127\\.0\\.0\\.1"`],
				[name(good, 'localhost'), untrusted],
				[name(expired), `${refused}certificate has expired, of 'CN=127\\.0\\.0\\.1'"`],
				[name(asking), '"TLS: the server asks for a certificate"'],
				[name(asking), '"TLS: the server does not trust our certificate\'s authority"'],
				[`redis=127\\.0\\.0\\.1:${good.port} event=lost reason=`, '"(TLS: the server does not speak it|no answer to the TLS handshake; does it speak TLS)'],
				[name(good), '"(closed by the server|connection reset by peer)"'],
			])
				await logs(server, new RegExp(which + reason));
			// It waits longer each time, up to 5 s.
			await logs(server, /certificate has expired.* retry_ms=([4-9]\d\d|\d{4})\b/);

			await good.client.hasSubscribers(['news']);
			await asking.client.hasSubscribers(['news']);
			assert.equal(await metric(server, 'redis_connections'), 2);
			const news = collect(await connect(cleanup, server), 'news');
			for (const [i, { client }] of [good, asking].entries()) {
				await client.publish('news', String(i));
				assert.deepEqual(await news.next(), [i]);
			}
		}),
	);

	test('a server that says nothing to TLS is given up', limit(), () =>
		withCleanup(async (cleanup) => {
			const ca = await authority(cleanup);
			const sockets = new Set();
			const mute = net.createServer((socket) => sockets.add(socket.on('error', () => {})));
			await new Promise((resolve) => mute.listen(0, '127.0.0.1', resolve));
			cleanup.add(mute, () => mute.close());
			const { port } = mute.address();
			const server = await startSiocast(cleanup, {
				redis: { url: `rediss://127.0.0.1:${port}`, tls: { ca: ca.ca } },
				feeds: [{ channel: 'news', event: 'news', ...single }],
			});
			await logs(server, /event=lost reason="no answer to the TLS handshake; /);
			for (const socket of sockets) socket.destroy();
		}),
	);

	test('-t looks at the files', limit(), () =>
		withCleanup(async (cleanup) => {
			const ca = await authority(cleanup);
			const [one, two] = [await ca.issue(['a']), await ca.issue(['b'], { days: -1 })];
			const check = async (tls) => {
				const { file } = await configure(cleanup, { redis: { url: 'rediss://redis.example', tls } });
				const { stderr } = await promisify(execFile)(SIOCAST, ['-t', '-c', file]).catch((error) => error);
				return stderr;
			};
			assert.ok(!/redis/.test(await check({ ca: ca.ca, cert: one.cert, key: one.key })));
			assert.match(await check({ cert: one.cert, key: two.key }), /redis\.tls\.key: \S+: the key is not the certificate's\n/);
			assert.match(await check({ cert: one.key, key: one.key }), /redis\.tls\.cert: \S+: holds no certificate in PEM form\n/);
			assert.match(await check({ ca: `${ca.ca}.none` }), /redis\.tls\.ca: \S+: no such file or directory\n/);
			assert.match(await check({ cert: two.cert, key: two.key }), /warning: redis\.tls\.cert: \S+: the certificate has expired, or is not valid yet\n/);
		}),
	);
});
