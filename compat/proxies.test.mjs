// SPDX-License-Identifier: MIT
//
// Official clients of three generations through the proxies of contrib, by each transport, over TLS: events both ways, text and binary.
// What else these proxies have to do is in tests/e2e/proxies.test.mjs.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { authority as newAuthority } from '../tests/e2e/lib/certificates.mjs';
import { PROXIES, startProxy } from '../tests/e2e/lib/proxies.mjs';
import { limit } from '../tests/e2e/lib/wait.mjs';
import { Client } from './lib/client.mjs';
import { SIOCAST } from './lib/servers.mjs';
import { Child, Cleanup, accepts, eventually, freePort, startRedis, withCleanup } from './lib/tools.mjs';

const CLIENTS = ['1.7.4', '2.5.0', '4.8.4'];

async function start(cleanup, name) {
	const redis = await startRedis(cleanup, await freePort());
	const server = { port: await freePort(), admin: await freePort(), path: '/socket.io/' };
	const file = path.join(await cleanup.folder(), 'siocast.json');
	fs.writeFileSync(file, JSON.stringify({
		listen: [`127.0.0.1:${server.port}`],
		admin: `127.0.0.1:${server.admin}`,
		redis: redis.url,
		workers: 2,
		trustedProxies: '127.0.0.1',
		feeds: [
			{ channel: 'news', event: 'news', encode: 'text', batch: { interval: 0 } },
			{ channel: 'bytes', event: 'bytes', batch: { interval: 0 } },
		],
		namespaces: { '/': { on: { echo: [{ ack: ['{1}'] }] } } },
	}));
	const child = new Child(SIOCAST, ['-c', file], { name: 'siocast' });
	cleanup.add(child, () => child.stop());
	await child.whileRunning(eventually(() => child.exited || accepts(server.admin), child.name));
	await redis.client.hasSubscribers(['news', 'bytes']);
	const authority = await newAuthority(cleanup);
	const issued = await authority.issue(['localhost', '127.0.0.1']);
	// Some read it as another user.
	for (const one of Object.values(issued)) fs.chmodSync(one, 0o644);
	fs.chmodSync(path.dirname(issued.cert), 0o755);
	const proxy = await startProxy(cleanup, name, server, issued);
	const ca = fs.readFileSync(authority.ca);
	const status = () => new Promise((resolve, reject) => {
		https.get(`${proxy.url}/socket.io/?EIO=4&transport=none`, { ca }, (answer) => answer.resume().on('end', () => resolve(answer.statusCode))).on('error', reject);
	});
	// One that asks whether siocast is ready may not have done so yet.
	await eventually(async () => (await status()) < 500, `${name} to find siocast`);
	return { redis, ca, url: proxy.url };
}

for (const [name, skip] of PROXIES) {
	describe(`through ${name}`, { skip }, () => {
		const cleanup = new Cleanup();
		const context = {};
		before(async () => {
			Object.assign(context, await start(cleanup, name));
		}, limit());
		after(() => cleanup.run());

		for (const version of CLIENTS) {
			for (const transport of ['polling', 'websocket', 'upgrade']) {
				test(`client ${version} by ${transport}`, limit(), () => withCleanup(async (mine) => {
					const { url, redis, ca } = context;
					const client = new Client({ version, build: 'node', transport }, url, { limit: 30_000, ca });
					mine.add(client, () => client.close());
					await client.connected();
					if (transport === 'upgrade') await eventually(() => client.engine.transport.name === 'websocket', 'the upgrade');
					const [news, bytes] = [client.collect('news'), client.collect('bytes')];
					for (const text of ['Grüße', 'x'.repeat(300_000)]) {
						await redis.client.publish('news', text);
						assert.ok(String((await news.next('news'))[0]) === text);
						assert.ok((await client.ask('echo', text))[0] === text);
					}
					await redis.client.publish('bytes', '{"n":1}');
					assert.equal(Buffer.from((await bytes.next('bytes'))[0]).toString(), '[{"n":1}]');
				}));
			}
		}
	});
}
