// SPDX-License-Identifier: MIT
//
// The proxies whose files are in contrib, with TLS and HTTP/2 towards the browser: each transport, the upgrade, a browser, and
// where clients come from.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import http2 from 'node:http2';
import path from 'node:path';
import { describe, test } from 'node:test';
import tls from 'node:tls';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';
import { authority } from './lib/certificates.mjs';
import { withCleanup } from './lib/cleanup.mjs';
import { MODES, collect, connectMode } from './lib/client.mjs';
import { SIOCAST_ONLY, TOP, feedsReady, startSiocast } from './lib/daemon.mjs';
import { freePort } from './lib/ports.mjs';
import { PROXIES, startProxy } from './lib/proxies.mjs';
import { startRedis } from './lib/redis.mjs';
import { eventually, limit, within } from './lib/wait.mjs';

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';
const ARGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'];

/** A session of HTTP/2, which asks for paths of the server. */
async function openHttp2(cleanup, proxy, ca) {
	// From an address of its own: 127.0.0.1 is the proxy's.
	const from = { host: '127.0.0.1', port: proxy.port, localAddress: '127.0.0.2' };
	const createConnection = () => tls.connect({ ...from, servername: 'localhost', ALPNProtocols: ['h2'], ca });
	const session = http2.connect(proxy.url, { createConnection });
	cleanup.add(session, () => session.destroy());
	session.on('error', () => {});
	await within(new Promise((resolve, reject) => session.once('connect', resolve).once('error', reject)), 'HTTP/2');
	assert.equal(session.socket.alpnProtocol, 'h2');
	const ask = (method, target, { headers = {}, body = '' } = {}) => {
		const stream = session.request({ ':method': method, ':path': target, ...headers });
		const answer = new Promise((resolve, reject) => {
			let status;
			let text = '';
			stream.on('response', (got) => (status = got[':status']));
			stream.setEncoding('utf8').on('data', (chunk) => (text += chunk));
			stream.on('end', () => resolve({ status, text })).on('error', reject);
		});
		if (method !== 'GET') stream.end(body);
		return within(answer, `${method} ${target}`);
	};
	return ask;
}

/** Opens a session by HTTP/2, joins, and polls until a packet comes; gives that packet. */
async function firstEvent(ask, headers) {
	const target = '/socket.io/?EIO=4&transport=polling';
	const opened = await ask('GET', target, { headers });
	assert.equal(opened.status, 200, opened.text);
	const { sid } = JSON.parse(opened.text.slice(1));
	assert.deepEqual(await ask('POST', `${target}&sid=${sid}`, { body: '40', headers }), { status: 200, text: 'ok' });
	let packets = [];
	while (!packets.some((packet) => packet.startsWith('42'))) {
		packets = (await ask('GET', `${target}&sid=${sid}`, { headers })).text.split('\x1e');
	}
	await ask('POST', `${target}&sid=${sid}`, { body: '1', headers });
	return packets.find((packet) => packet.startsWith('42'));
}

async function startBehind(cleanup, name, config = {}) {
	const redis = await startRedis(cleanup, await freePort());
	const server = await startSiocast(cleanup, {
		redis: redis.url,
		workers: 2,
		trustedProxies: '127.0.0.1',
		feeds: [{ channel: 'news', event: 'news', encode: 'json', batch: { interval: 0 } }],
		namespaces: { '/': { on: { connection: [{ emit: ['from', '{address}'] }], echo: [{ emit: ['echo', '...{args}'] }] } } },
		...config,
	});
	await feedsReady(redis, server);
	const ca = await authority(cleanup);
	const certificate = await ca.issue(['localhost', '127.0.0.1']);
	// Some read it as another user.
	for (const file of Object.values(certificate)) fs.chmodSync(file, 0o644);
	fs.chmodSync(path.dirname(certificate.cert), 0o755);
	const proxy = await startProxy(cleanup, name, server, certificate);
	const trusted = fs.readFileSync(ca.ca);
	const ask = await openHttp2(cleanup, proxy, trusted);
	// One that asks whether siocast is ready may not have done so yet.
	await eventually(async () => (await ask('GET', '/socket.io/socket.io.js')).status < 500, `${name} to find siocast`);
	return { redis, server, proxy, ask, ca: trusted };
}

async function inChromium(cleanup, { proxy, redis }) {
	const browser = await chromium.launch({ executablePath: EXECUTABLE, args: ARGS });
	cleanup.add(browser, () => browser.close());
	const page = await browser.newPage({ ignoreHTTPSErrors: true });
	await page.goto(`${proxy.url}/socket.io/?EIO=4&transport=polling`);
	await page.addScriptTag({ path: path.join(TOP, 'tests/e2e/node_modules/socket.io-client/dist/socket.io.js') });
	await page.evaluate(async () => {
		window.socket = globalThis.io();
		window.news = new Promise((resolve) => window.socket.on('news', resolve));
		await new Promise((resolve) => window.socket.on('connect', resolve));
		const { engine } = window.socket.io;
		if (engine.transport.name !== 'websocket') await new Promise((resolve) => engine.once('upgrade', resolve));
	});
	await redis.client.publish('news', '"in the browser"');
	assert.equal(await page.evaluate(() => window.news), 'in the browser');
	const protocols = await page.evaluate(() => performance.getEntriesByType('resource').map((entry) => entry.nextHopProtocol));
	assert.ok(protocols.length > 0 && protocols.every((protocol) => protocol === 'h2'), protocols.join());
}

describe('the proxies of contrib', { concurrency: 2, skip: SIOCAST_ONLY }, () => {
	for (const [name, skip] of PROXIES) {
		test(name, { skip, ...limit(90) }, () =>
			withCleanup(async (cleanup) => {
				const context = await startBehind(cleanup, name);
				const { redis, proxy, ask, ca } = context;
				// What a client says of itself does not count.
				const lie = { 'x-forwarded-for': '192.0.2.7', forwarded: 'for=192.0.2.8' };
				assert.equal(await firstEvent(ask, lie), '42["from","127.0.0.2"]');

				for (const mode of Object.keys(MODES)) {
					const socket = await connectMode(cleanup, proxy, mode, { ca });
					const [news, echo] = ['news', 'echo'].map((event) => collect(socket, event));
					await redis.client.publish('news', JSON.stringify(mode));
					assert.deepEqual(await news.next(), [mode]);
					socket.emit('echo', Buffer.from([1, 2, 3]), 'x'.repeat(100_000));
					const [bytes, text] = await echo.next();
					assert.deepEqual([...bytes, text.length], [1, 2, 3, 100_000]);
					socket.disconnect();
				}
				if (fs.existsSync(EXECUTABLE)) await inChromium(cleanup, context);
			}),
		);
	}

	test('those that are not run are YAML at least', limit(), async (t) => {
		const read = 'import sys, yaml\nfor name in sys.argv[1:]: assert isinstance(yaml.safe_load(open(name)), dict)';
		const files = ['traefik.yaml', 'envoy.yaml'].map((name) => path.join(TOP, 'contrib', name));
		const { stderr } = await promisify(execFile)('python3', ['-c', read, ...files]).catch((error) => error);
		if (/No module named|ENOENT/.test(stderr ?? '')) t.skip('there is no Python with yaml');
		else assert.equal(stderr, '');
	});
});
