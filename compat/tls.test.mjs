// SPDX-License-Identifier: MIT
//
// Official clients of three generations over TLS, by each transport, with an authority of the test's own: events both ways, small
// and large, from Redis and from handlers; and Chromium with the client that siocast serves.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { chromium } from 'playwright-core';
import { authority as newAuthority } from '../tests/e2e/lib/certificates.mjs';
import { certificate } from '../tests/e2e/lib/secure.mjs';
import { limit } from '../tests/e2e/lib/wait.mjs';
import { Client } from './lib/client.mjs';
import { SIOCAST } from './lib/servers.mjs';
import { Child, Cleanup, accepts, eventually, freePort, startRedis, withCleanup } from './lib/tools.mjs';

const CLIENTS = ['1.7.4', '2.5.0', '4.8.4'];
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const PAGE = `<script src="/socket.io/socket.io.js"></script><script>
const seen = [];
const socket = io();
socket.on('news', (text) => seen.push(text));
</script>`;

async function start(cleanup) {
	const redis = await startRedis(cleanup, await freePort());
	const [port, admin] = [await freePort(), await freePort()];
	const authority = await newAuthority(cleanup);
	const dir = await cleanup.folder();
	const file = path.join(dir, 'siocast.json');
	fs.writeFileSync(path.join(dir, 'index.html'), PAGE);
	fs.writeFileSync(file, JSON.stringify({
		listen: [{ address: `127.0.0.1:${port}`, tls: await certificate(authority) }],
		admin: `127.0.0.1:${admin}`,
		redis: redis.url,
		workers: 2,
		www: dir,
		engine: { maxHttpBufferSize: 4_000_000 },
		feeds: [{ channel: 'news', event: 'news', encode: 'text', batch: { interval: 0, maxBytes: 4_000_000 } }],
		namespaces: { '/': { on: { echo: [{ ack: ['{1}'] }] } } },
	}));
	const child = new Child(SIOCAST, ['-c', file], { name: 'siocast' });
	cleanup.add(child, () => child.stop());
	await child.whileRunning(eventually(() => child.exited || accepts(admin), child.name));
	await redis.client.hasSubscribers(['news']);
	return { redis, trusted: fs.readFileSync(authority.ca), url: `https://localhost:${port}` };
}

describe('over TLS', () => {
	const cleanup = new Cleanup();
	const context = {};
	before(async () => {
		Object.assign(context, await start(cleanup));
	}, limit());
	after(() => cleanup.run());

	for (const version of CLIENTS) {
		for (const transport of ['polling', 'websocket', 'upgrade']) {
			test(`client ${version} by ${transport}`, limit(), () => withCleanup(async (mine) => {
				const { url, redis, trusted } = context;
				const client = new Client({ version, build: 'node', transport }, url, { limit: 30_000, ca: trusted });
				mine.add(client, () => client.close());
				await client.connected();
				if (transport === 'upgrade') await eventually(() => client.engine.transport.name === 'websocket', 'the upgrade');
				const news = client.collect('news');
				for (const bytes of [10, 20_000, 1_000_000]) {
					const text = crypto.randomBytes(bytes / 2).toString('hex');
					await redis.client.publish('news', text);
					const [got] = await news.next('news');
					assert.ok(String(got) === text);
					const [back] = await client.ask('echo', text);
					assert.ok(back === text);
				}
			}));
		}
	}

	test('a page in Chromium', { ...limit(), skip: fs.existsSync(CHROMIUM) ? false : `there is no ${CHROMIUM}` }, () =>
		withCleanup(async (mine) => {
			const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu', '--disable-quic'] });
			mine.add(browser, () => browser.close());
			const page = await browser.newPage({ ignoreHTTPSErrors: true });
			await page.goto(context.url);
			await page.waitForFunction('socket.connected && socket.io.engine.transport.name === "websocket"');
			await context.redis.client.publish('news', 'to a page');
			await page.waitForFunction('seen.length > 0');
			assert.deepEqual(await page.evaluate('seen'), ['to a page']);
		}));
});
