// SPDX-License-Identifier: MIT
//
// A password or a certificate of Redis that becomes another one: what is connected stays, what connects from then on says and
// believes what stands in the files now.

import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { authority } from './lib/certificates.mjs';
import { withCleanup } from './lib/cleanup.mjs';
import { collect, connect } from './lib/client.mjs';
import { SIOCAST_ONLY } from './lib/daemon.mjs';
import { request } from './lib/http.mjs';
import { metric } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { reload, startReloadable } from './lib/reload.mjs';
import { eventually, limit } from './lib/wait.mjs';

const feeds = [
	{ channel: 'news', event: 'news', encode: 'json', batch: { interval: 0 } },
	{ stream: 'orders', event: 'orders', field: 'data', encode: 'json', batch: { interval: 0 } },
];
const on = { say: [{ publish: { channel: 'news', message: { said: '{1}' } } }] };

const ready = (server) => eventually(async () => (await request(server.admin, 'GET', '/readyz')).status === 200, 'siocast to be ready');

/** What is published, by a client as well, and what is added to a stream, arrives. */
async function works(redis, socket, n) {
	const [news, orders] = ['news', 'orders'].map((event) => collect(socket, event));
	await redis.client.publish('news', String(n));
	assert.deepEqual(await news.next(), [n]);
	socket.emit('say', 'x');
	assert.deepEqual(await news.next(), [{ said: 'x' }]);
	await redis.client.command('XADD', 'orders', '*', 'data', String(n));
	assert.deepEqual(await orders.next(), [n]);
}

describe('Redis, changed live', { skip: SIOCAST_ONLY }, () => {
	for (const workers of [1, 2]) {
		test(`a user and a password, with ${workers} worker(s)`, limit(), () =>
			withCleanup(async (cleanup) => {
				const redis = await startRedis(cleanup, await freePort());
				const user = (name, password) => redis.client.command('ACL', 'SETUSER', name, 'reset', 'on', `>${password}`, '+@all', '&*', '~*');
				await user('one', 'first-secret');
				const passwordFile = path.join(await cleanup.folder(), 'password');
				await fs.writeFile(passwordFile, 'first-secret\n');
				const at = (name) => ({ url: `redis://${name}@127.0.0.1:${redis.port}/0`, passwordFile });
				const server = await startReloadable(cleanup, { workers, redis: at('one'), feeds, namespaces: { '/': { on } } });
				await ready(server);
				const socket = await connect(cleanup, server);
				await works(redis, socket, 1);
				// The file's name is the same, and nothing is connected anew.
				await fs.writeFile(passwordFile, 'second-secret\n');
				assert.deepEqual(await reload(server), { status: 200, changed: ['redis'], needsRestart: [] });
				assert.deepEqual(await reload(server), { status: 200, changed: [], needsRestart: [] });
				await works(redis, socket, 2);
				assert.equal(await metric(server, 'redis_lost_total'), 0);
				for (const [name, n] of [['one', 3], ['two', 4]]) {
					await user(name, 'second-secret');
					await reload(server, { redis: at(name) });
					const before = await metric(server, 'redis_connects_total');
					for (const type of ['pubsub', 'normal']) await redis.client.command('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes');
					await eventually(async () => (await metric(server, 'redis_connects_total')) >= before + 2, 'it to connect anew');
					await ready(server);
					const list = (await redis.client.command('CLIENT', 'LIST')).toString();
					assert.match(list, new RegExp(` name=siocast .* user=${name} `));
					await works(redis, socket, n);
				}
				assert.ok(socket.connected);
				// A wrong one is for those that connect, too, and the next reload mends it.
				await fs.writeFile(passwordFile, 'wrong\n');
				await reload(server);
				await redis.client.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
				await eventually(() => /event=lost reason="AUTH refused/.test(server.child.output), 'the password to be refused');
				await fs.writeFile(passwordFile, 'second-secret\n');
				await reload(server);
				await ready(server);
				await works(redis, socket, 5);
				for (const secret of ['first-secret', 'second-secret']) assert.ok(!server.child.output.includes(secret));
			}),
		);
	}

	test('servers in another order, and another source, take a restart; then nothing of them changes', limit(), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort());
			const server = await startReloadable(cleanup, { redis: redis.url, feeds, namespaces: { '/': { on } } });
			await ready(server);
			const socket = await connect(cleanup, server);
			for (const other of [['redis://127.0.0.1:1/0', redis.url], { url: redis.url, source: 'psync' }]) {
				assert.deepEqual(await reload(server, { redis: other }), { status: 200, changed: [], needsRestart: ['redis'] });
			}
			assert.match(server.child.output, /event=redis-stays reason="/);
			await redis.client.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
			await eventually(() => server.child.output.includes('event=lost'), 'the connection to be lost');
			await ready(server);
			await works(redis, socket, 1);
			assert.deepEqual(await reload(server, { redis: redis.url }), { status: 200, changed: [], needsRestart: [] });
		}),
	);

	test('the authority and our own certificate, read from their files again', limit(), () =>
		withCleanup(async (cleanup) => {
			const [one, two] = [await authority(cleanup), await authority(cleanup)];
			const [port, tlsPort] = [await freePort(), await freePort()];
			const folder = await cleanup.folder();
			const files = { ca: path.join(folder, 'ca.pem'), cert: path.join(folder, 'cert.pem'), key: path.join(folder, 'key.pem') };
			const issue = async (ca) => {
				const own = await ca.issue();
				await fs.copyFile(ca.ca, files.ca);
				await fs.copyFile(own.cert, files.cert);
				await fs.copyFile(own.key, files.key);
			};
			const start = async (ca) => {
				const its = await ca.issue();
				const args = ['--tls-port', tlsPort, '--tls-cert-file', its.cert, '--tls-key-file', its.key, '--tls-ca-cert-file', ca.ca];
				return startRedis(cleanup, port, { args: [...args, '--tls-auth-clients', 'yes'].map(String) });
			};
			await issue(one);
			const redis = await start(one);
			const config = { url: `rediss://localhost:${tlsPort}`, tls: files };
			const server = await startReloadable(cleanup, { redis: config, feeds, namespaces: { '/': { on } } });
			await ready(server);
			const socket = await connect(cleanup, server);
			await works(redis, socket, 1);
			assert.deepEqual(await reload(server), { status: 200, changed: [], needsRestart: [] });
			await redis.child.stop();
			const again = await start(two);
			await eventually(() => /event=lost reason="[^"]*TLS/.test(server.child.output), 'the authority to be unknown');
			await issue(two);
			assert.deepEqual((await reload(server)).changed, ['redis']);
			await ready(server);
			await works(again, socket, 2);
			await fs.writeFile(files.ca, 'no certificate');
			assert.equal((await reload(server)).status, 422);
			const before = await metric(server, 'redis_connects_total');
			await again.client.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
			// It says that it is ready until it has noticed.
			await eventually(async () => (await metric(server, 'redis_connects_total')) > before, 'it to connect anew');
			await ready(server);
			await works(again, socket, 3);
		}),
	);
});
