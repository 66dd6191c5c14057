// SPDX-License-Identifier: MIT
//
// TLS: what is agreed, by which certificate; sessions taken up again; the same bytes as without it. The official clients of three
// generations over it are in compat/tls.test.mjs, its files in tls-files.test.mjs.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import tls from 'node:tls';
import { test } from 'node:test';
import { authority as newAuthority } from './lib/certificates.mjs';
import { withCleanup } from './lib/cleanup.mjs';
import { MODES, collect, connect, upgraded } from './lib/client.mjs';
import { SIOCAST_ONLY, feedsReady } from './lib/daemon.mjs';
import { Wire, requestBytes } from './lib/http.mjs';
import { metric } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { Child } from './lib/process.mjs';
import { startRedis } from './lib/redis.mjs';
import { HANDSHAKE, certificate, certificateOf, get, openSecure, sClient, startSecure } from './lib/secure.mjs';
import { suite } from './lib/suite.mjs';
import { eventually, limit, within } from './lib/wait.mjs';
import { OP, deflateMessage, frame, upgradeRequest } from './lib/ws.mjs';

suite('TLS', async (cleanup) => {
	const redis = await startRedis(cleanup, await freePort());
	const authority = await newAuthority(cleanup);
	const plain = await freePort();
	const certificates = [
		await certificate(authority, ['localhost', '*.wild.test', '127.0.0.1'], { subject: 'first' }),
		await certificate(authority, ['b.wild.test', 'second.test'], { subject: 'second' }),
	];
	const server = await startSecure(cleanup, authority, {
		workers: 2,
		redis: redis.url,
		rules: { certificates, hsts: 31536000 },
		listen: [{ address: `127.0.0.1:${plain}`, redirect: 'https' }],
		engine: { maxHttpBufferSize: 20_000_000, perMessageDeflate: { threshold: 64 } },
		limits: { messageBytes: 20_000_000, clientQueueBytes: 50_000_000, clientReplyBytes: 50_000_000 },
		feeds: [{ channel: 'news', event: 'news', encode: 'text', batch: { interval: 0, maxBytes: 20_000_000 } }],
		namespaces: { '/': { on: { echo: [{ ack: ['{1}'] }] } } },
	});
	await feedsReady(redis, server);
	return { redis, server, plain };
}, (context) => {
	test('TLS 1.2 and 1.3, nothing older; http/1.1 by ALPN, or nothing', limit(), () => {
		const { server } = context;
		assert.match(sClient(server, '-tls1_3', '-alpn', 'h2,http/1.1'), /ALPN protocol: http\/1\.1[^]*Verify return code: 0/);
		assert.match(sClient(server, '-tls1_2'), /New, TLSv1\.2, Cipher is ECDHE-ECDSA-AES128-GCM-SHA256/);
		assert.match(sClient(server, '-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'), /alert protocol version/);
		assert.match(sClient(server, '-alpn', 'h2'), /alert no application protocol/);
		assert.match(sClient(server), /No ALPN negotiated/);
	});

	test('the certificate by the name asked for', limit(), () => withCleanup(async (cleanup) => {
		const { server } = context;
		const names = ['localhost', 'a.wild.test', 'b.wild.test', 'second.test', 'nobody.test', undefined];
		const found = [];
		for (const name of names) found.push(await certificateOf(cleanup, server, name ?? ''));
		assert.deepEqual(found, ['first', 'first', 'second', 'second', 'first', 'first']);
	}));

	for (const version of ['TLSv1.2', 'TLSv1.3']) {
		test(`sessions of ${version} are taken up again by any worker`, limit(), () => withCleanup(async (cleanup) => {
			const { server } = context;
			const range = { minVersion: version, maxVersion: version };
			const first = tls.connect({ port: server.port, servername: 'localhost', ca: server.trusted, ...range });
			cleanup.add(first, () => first.destroy());
			const session = within(new Promise((resolve) => first.once('session', resolve)), 'a ticket');
			first.write(HANDSHAKE);
			const ticket = await session;
			const before = await metric(server, 'tls_resumed_total');
			// Each goes to either of the two workers.
			for (let i = 0; i < 12; i++) {
				const wire = new Wire(await openSecure(cleanup, server, { session: ticket, ...range }));
				assert.ok(wire.socket.isSessionReused());
				await wire.send(HANDSHAKE);
				assert.equal((await wire.response()).status, 200);
			}
			await eventually(async () => (await metric(server, 'tls_resumed_total')) === before + 12, 'the count');
		}));
	}

	test('an answer says that https is to be used from now on', limit(), () => withCleanup(async (cleanup) => {
		const answer = await get(cleanup, context.server);
		assert.equal(answer.status, 200);
		assert.equal(answer.header('strict-transport-security'), 'max-age=31536000');
		const file = await get(cleanup, context.server, requestBytes('GET', '/socket.io/socket.io.js', { Connection: 'close' }));
		assert.equal(file.status, 200);
		assert.equal(file.header('strict-transport-security'), 'max-age=31536000');
		assert.equal(file.body.length, Number(file.header('content-length')));
	}));

	test('who speaks HTTP there is told so, and goes on there', limit(), () => withCleanup(async () => {
		const { server, plain } = context;
		const wrong = await Wire.open(server.port);
		await wrong.send(HANDSHAKE);
		assert.equal((await wrong.response()).status, 400);
		await wrong.closed();
		const wire = await Wire.open(plain);
		const ask = async (method, host) => {
			await wire.send(requestBytes(method, '/socket.io/?a=b', { Host: host }, method === 'POST' ? 'body' : undefined));
			const answer = await wire.response(method);
			return `${answer.status} ${answer.header('location')}`;
		};
		assert.equal(await ask('GET', 'example.com:8080'), '301 https://example.com/socket.io/?a=b');
		assert.equal(await ask('HEAD', '[::1]:80'), '301 https://[::1]/socket.io/?a=b');
		assert.equal(await ask('POST', 'example.com'), '308 https://example.com/socket.io/?a=b');
		await wire.send(upgradeRequest('/socket.io/?EIO=4&transport=websocket', { Host: 'x.test' }).bytes);
		const last = await wire.response();
		assert.equal(`${last.status} ${last.header('location')}`, '301 https://x.test/socket.io/?EIO=4&transport=websocket');
		await wire.closed();
	}));

	for (const mode of Object.keys(MODES)) {
		test(`the official client by ${mode}: events, small and large, both ways`, limit(), () => withCleanup(async (cleanup) => {
			const { server, redis } = context;
			const socket = await connect(cleanup, server, { ...MODES[mode], ca: server.trusted });
			if (mode === 'upgrade') await upgraded(socket);
			const news = collect(socket, 'news');
			for (const bytes of [1, 1000, 16384, 100_000, 6_000_000]) {
				const text = crypto.randomBytes(bytes).toString('hex').slice(0, bytes);
				await redis.client.publish('news', text);
				assert.equal(String((await news.next())[0]), text);
				assert.ok((await within(socket.emitWithAck('echo', text), 'the echo')) === text);
			}
		}));
	}

	test('a WebSocket with compressed messages', limit(), () => withCleanup(async (cleanup) => {
		const { server, redis } = context;
		const wire = new Wire(await openSecure(cleanup, server));
		const offer = { 'Sec-WebSocket-Extensions': 'permessage-deflate' };
		await wire.send(upgradeRequest('/socket.io/?EIO=4&transport=websocket', offer).bytes);
		const answer = await wire.response();
		assert.equal(answer.status, 101);
		assert.match(answer.header('sec-websocket-extensions'), /permessage-deflate/);
		await wire.send(frame(OP.text, deflateMessage('40'), { rsv: 4 }));
		await wire.take((data) => data.indexOf('40{'), 'the answer to CONNECT');
		await redis.client.publish('news', 'x'.repeat(10_000));
		// The header of a compressed frame of some dozen bytes.
		await wire.take((data) => data.findIndex((byte, i) => byte === 0xc1 && data[i + 1] < 100), 'a compressed frame');
	}));

	test('a reader that stops gets all of it when it reads on', limit(), () => withCleanup(async (cleanup) => {
		const { server, redis } = context;
		const socket = await connect(cleanup, server, { ...MODES.websocket, ca: server.trusted, perMessageDeflate: false });
		const other = await connect(cleanup, server, { ...MODES.websocket, ca: server.trusted });
		const [news, heard] = [collect(socket, 'news'), collect(other, 'news')];
		const raw = socket.io.engine.transport.ws._socket;
		raw.pause();
		const sent = [];
		for (let i = 0; i < 200; i++) {
			sent.push(`${i} ${crypto.randomBytes(25_000).toString('hex')}`);
			await redis.client.publish('news', sent[i]);
		}
		for (let i = 0; i < 200; i++) await heard.next();
		await eventually(async () => (await metric(server, 'connections_behind')) > 0, 'the reader to be behind');
		raw.resume();
		for (const text of sent) assert.ok(String((await news.next())[0]) === text);
		await eventually(async () => (await metric(server, 'connections_behind')) === 0, 'nobody to be behind');
	}));

	test('the end is told: close_notify behind the last frame', limit(), () => withCleanup(async (cleanup) => {
		const server = await startSecure(cleanup, context.server.authority);
		const args = ['s_client', '-connect', `127.0.0.1:${server.port}`, '-quiet', '-no_ign_eof'];
		const client = new Child('openssl', args, { name: 's_client', stdin: 'pipe' });
		cleanup.add(client, () => client.kill());
		client.child.stdin.write(upgradeRequest('/socket.io/?EIO=4&transport=websocket').bytes);
		await client.whileRunning(eventually(() => client.output.includes('"sid"'), 'the open packet'));
		await server.child.stop();
		const { code } = await within(client.ended, 'the end of s_client');
		assert.doesNotMatch(client.output, /unexpected eof/);
		assert.equal(code, 0);
	}));
}, SIOCAST_ONLY);
