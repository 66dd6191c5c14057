// SPDX-License-Identifier: MIT
//
// perMessageDeflate and httpCompression, switched on: what is agreed, that everything arrives in both directions and in every
// way to connect, that each client gets only what it asked for, and that nothing compressed can do harm.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import zlib from 'node:zlib';
import { chromium } from 'playwright-core';
import siocast from '../../client-js/siocast.mjs';
import { MODES, ask, collect, connect, connectMode } from './lib/client.mjs';
import { REFERENCE, feedsReady, startSiocast } from './lib/daemon.mjs';
import { SEPARATOR, Session, openDirect, openJoined, polling, websocket } from './lib/engine.mjs';
import { Session3, decodeBinary, runScript } from './lib/engine3.mjs';
import { request } from './lib/http.mjs';
import { metric } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { suite } from './lib/suite.mjs';
import { eventually, limit } from './lib/wait.mjs';
import { OP, RawSocket, deflateMessage, frame, tryUpgrade } from './lib/ws.mjs';

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';
const OFFER = { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' };
const AGREED = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';
const BOTH = { perMessageDeflate: true, httpCompression: true };

const echo = { '/': { on: { echo: [{ emit: ['echo', '...{args}'] }], ask: [{ ack: ['...{args}'] }] } } };
const feeds = [
	{ channel: 'json', event: 'json', encode: 'json', batch: { interval: 20 } },
	{ channel: 'binary', event: 'binary', encode: 'binary', batch: { interval: 20 } },
	{ channel: 'text', event: 'text', encode: 'text', batch: { interval: 0, format: 'lines' } },
];

const starter = (engine, more = {}) => async (cleanup) => {
	const redis = await startRedis(cleanup, await freePort());
	const server = await startSiocast(cleanup, { redis: redis.url, engine, namespaces: echo, feeds, ...more });
	await feedsReady(redis, server);
	return { cleanup, redis, ...server };
};

/** Text that shrinks, of n bytes, with something in it that is not ASCII. */
const words = (n) => 'tick €12.50 AAPL '.repeat(n).slice(0, n - 40).padEnd(n, '.');

const before = (server) => metric(server, 'compression_bytes_total{side="before"}');
const after = (server) => metric(server, 'compression_bytes_total{side="after"}');

/** Opens a WebSocket with extensions offered; gives what was agreed. */
async function agreed(server, offer) {
	const { wire, answer } = await tryUpgrade(server.port, websocket(server.path), { 'Sec-WebSocket-Extensions': offer });
	wire.close();
	assert.equal(answer.status, 101);
	return answer.header('sec-websocket-extensions');
}

const publishers = {
	json: (n) => ({ n, pad: words(3000) }),
	binary: (n) => ({ n, pad: words(3000) }),
	text: (n) => ({ n, pad: words(3000) }),
};
const unpack = {
	json: ([messages]) => messages,
	binary: ([buffer]) => siocast.decode(buffer),
	text: ([text]) => [JSON.parse(text)],
};

/** Publishes `count` messages on every channel, and sees them come to the sockets: complete, in order. */
async function streams(server, sockets, count) {
	const inboxes = sockets.flatMap((socket) => feeds.map(({ event }) => ({ event, inbox: collect(socket, event), seen: [] })));
	for (let n = 0; n < count; n++) {
		for (const { channel } of feeds) await server.redis.client.publish(channel, JSON.stringify(publishers[channel](n)));
	}
	for (const { event, inbox, seen } of inboxes) {
		await inbox.until((items) => {
			while (items.length > 0) seen.push(...unpack[event](items.shift()));
			return seen.length >= count;
		}, `${count} messages of ${event}`);
		assert.deepEqual(seen, Array.from({ length: count }, (_, n) => publishers[event](n)));
	}
}

suite('permessage-deflate', starter({ perMessageDeflate: true }), (server) => {
	test('offers are met or declined as RFC 7692 says', limit(), async () => {
		assert.equal(await agreed(server, 'permessage-deflate'), AGREED);
		assert.equal(await agreed(server, 'permessage-deflate; client_max_window_bits'), AGREED);
		assert.equal(await agreed(server, 'permessage-deflate; server_max_window_bits="15"'), `${AGREED}; server_max_window_bits=15`);
		assert.equal(await agreed(server, 'permessage-deflate; server_max_window_bits=10, permessage-deflate'), AGREED);
		assert.equal(await agreed(server, 'permessage-deflate; server_max_window_bits=10'), undefined);
		assert.equal(await agreed(server, 'permessage-deflate; more'), undefined);
		assert.equal(await agreed(server, 'x-webkit-deflate-frame'), undefined);
		assert.equal(await agreed(server, ',;="'), undefined);
	});

	test('the official client takes and sends compressed messages', limit(), async () => {
		const [plain, sent] = [await before(server), await after(server)];
		const socket = await connect(server.cleanup, server, { ...MODES.websocket, perMessageDeflate: { threshold: 0 } });
		assert.equal(socket.io.engine.transport.ws.extensions, 'permessage-deflate');
		const inbox = collect(socket, 'echo');
		for (const value of ['', 'x', words(1023), words(1024), words(300_000), { a: [1, { b: words(5000) }] }, Buffer.alloc(70_000, 'ab')]) {
			socket.emit('echo', value);
			assert.deepEqual(await inbox.next(), [value]);
			assert.deepEqual(await ask(socket, 'ask', value, 7), [value, 7]);
		}
		const ratio = ((await after(server)) - sent) / ((await before(server)) - plain);
		assert.ok(ratio > 0 && ratio < 0.2, `compressed to ${ratio}`);
	});

	test('broadcasts reach clients with and without it, of both revisions', limit(), async () => {
		const deflate = { perMessageDeflate: { threshold: 1024 } };
		const sockets = await Promise.all([
			connectMode(server.cleanup, server, 'websocket', deflate),
			connectMode(server.cleanup, server, 'upgrade', deflate),
			connectMode(server.cleanup, server, 'websocket', { ...deflate, query: { b64: '1' } }),
			connectMode(server.cleanup, server, 'websocket', { perMessageDeflate: false }),
			connectMode(server.cleanup, server, 'polling'),
		]);
		await streams(server, sockets, 60);
	});

	test('below the threshold messages are plain, from it on compressed', limit(), async () => {
		const socket = await openJoined(server, '', OFFER);
		for (const [n, compressed] of [[1023, false], [1024, true], [1025, true]]) {
			const text = `42["echo","${words(n - 12)}"]`.slice(0, n - 2).padEnd(n - 2, '.').concat('"]');
			const packet = text.replace(/^42\["echo","/, '42["echo","');
			await socket.text(packet);
			const answer = await socket.next();
			assert.equal(answer.text, packet);
			assert.equal(Buffer.byteLength(packet) >= 1024, answer.compressed !== undefined, `${n} ${compressed}`);
		}
		socket.close();
	});

	test('what does not shrink is sent as it is', limit(), async () => {
		const socket = await openJoined(server, '', OFFER);
		const noise = Buffer.from(Array.from({ length: 4000 }, (_, i) => (Math.imul(i + 1, 2654435761) >>> 13) & 0xff));
		await socket.text('451-["echo",{"_placeholder":true,"num":0}]');
		await socket.binary(zlib.deflateRawSync(noise));
		assert.match(await socket.nextText(), /^451-/);
		const { binary, compressed } = await socket.next();
		assert.deepEqual(binary, zlib.deflateRawSync(noise));
		assert.equal(compressed, undefined);
		socket.close();
	});

	test('a compressed message may come in fragments, be empty, or end in a final block', limit(), async () => {
		const socket = await openJoined(server, '', OFFER);
		const packet = `42["echo","${words(2000)}"]`;
		const data = deflateMessage(packet);
		await socket.raw(frame(OP.text, data.subarray(0, 10), { fin: false, rsv: 4 }));
		await socket.raw(frame(OP.ping, 'between'));
		await socket.raw(frame(OP.continuation, data.subarray(10, 50), { fin: false }));
		await socket.raw(frame(OP.continuation, data.subarray(50)));
		// A pong may also leave behind the next message (RFC 6455 section 5.5.3: as soon as is practical).
		const both = [await socket.next(), await socket.next()];
		assert.deepEqual(both.find((item) => 'pong' in item), { pong: 'between' });
		assert.equal(both.find((item) => 'text' in item)?.text, packet);
		await socket.raw(frame(OP.text, Buffer.concat([zlib.deflateRawSync(packet), Buffer.from([0])]), { rsv: 4 }));
		assert.equal(await socket.nextText(), packet);
		await socket.raw(frame(OP.binary, Buffer.from([0]), { rsv: 4 }));
		// An empty binary message that no event announced is fatal to the session, as it is when it comes plain.
		assert.deepEqual((await socket.ended()).before, []);
	});

	test('windows may be as small as the client likes', limit(), async () => {
		const socket = await openJoined(server, '', OFFER);
		const packet = `42["echo","${words(60_000)}"]`;
		for (const windowBits of [9, 12, 15]) {
			await socket.raw(frame(OP.text, deflateMessage(packet, { windowBits }), { rsv: 4 }));
			assert.equal(await socket.nextText(), packet);
		}
		socket.close();
	});

	for (const [what, bytes, code] of [
		['garbage', () => [frame(OP.text, Buffer.from('no deflate at all'), { rsv: 4 })], 1007],
		['something cut off', () => [frame(OP.text, deflateMessage(words(5000)).subarray(0, -3), { rsv: 4 })], 1007],
		['text that is not UTF-8', () => [frame(OP.text, deflateMessage(Buffer.alloc(2000, 0xff)), { rsv: 4 })], 1007],
		['a bomb', () => [frame(OP.text, deflateMessage(Buffer.alloc(200_000_000)), { rsv: 4 })], 1009],
		['one byte too much', () => [frame(OP.text, deflateMessage(Buffer.alloc(1_000_001, 'x')), { rsv: 4 })], 1009],
		['the bit on a continuation', () => [
			frame(OP.text, deflateMessage('4').subarray(0, 1), { fin: false, rsv: 4 }),
			frame(OP.continuation, deflateMessage('4').subarray(1), { rsv: 4 }),
		], 1002],
	]) {
		test(`${what} closes that WebSocket with ${code}, and no other`, limit(), async () => {
			const other = await openJoined(server, '', OFFER);
			const socket = await openJoined(server, '', OFFER);
			for (const part of bytes()) await socket.raw(part);
			assert.equal((await socket.ended()).close.code, code);
			await other.raw(frame(OP.text, deflateMessage('42["echo",1]'), { rsv: 4 }));
			assert.equal(await other.nextText(), '42["echo",1]');
			other.close();
		});
	}

	test('a message of the largest size is taken', limit(), async () => {
		const socket = await openJoined(server, '', OFFER);
		const packet = `42["echo","${'x'.repeat(1_000_000 - 13)}"]`;
		assert.equal(packet.length, 1_000_000);
		await socket.raw(frame(OP.text, deflateMessage(packet), { rsv: 4 }));
		assert.equal(await socket.nextText(), packet);
		socket.close();
	});

	test('the bit without the extension ends the connection', limit(), async () => {
		const socket = await openJoined(server);
		await socket.raw(frame(OP.text, deflateMessage('42["echo",1]'), { rsv: 4 }));
		assert.deepEqual((await socket.ended()).before, []);
	});
});

suite('permessage-deflate with settings', starter({
	perMessageDeflate: { threshold: 100, serverMaxWindowBits: 10, zlibDeflateOptions: { level: 9 } },
}), (server) => {
	test('the window is told, and the threshold kept', limit(), async () => {
		const socket = await openJoined(server, '', OFFER);
		assert.equal(socket.answer.header('sec-websocket-extensions'), `${AGREED}; server_max_window_bits=10`);
		for (const n of [60, 200, 100_000]) {
			const packet = `42["echo","${words(n)}"]`;
			await socket.text(packet);
			const { text, compressed } = await socket.next();
			assert.equal(text, packet);
			assert.equal(compressed !== undefined, n >= 100);
		}
		socket.close();
	});

	test('the official client reads it', limit(), async () => {
		const socket = await connect(server.cleanup, server, { ...MODES.websocket, perMessageDeflate: true });
		assert.deepEqual(await ask(socket, 'ask', words(50_000)), [words(50_000)]);
	});
});

suite('compression on two workers', starter(BOTH, { workers: 2 }), (server) => {
	test('all clients get everything', limit(), async () => {
		const modes = ['websocket', 'upgrade', 'polling', 'websocket', 'websocket', 'upgrade', 'polling', 'websocket'];
		const sockets = await Promise.all(modes.map((mode, i) =>
			connectMode(server.cleanup, server, mode, { perMessageDeflate: i === 3 ? false : { threshold: 1024 } })));
		await streams(server, sockets, 100);
		assert.ok((await after(server)) < (await before(server)) / 4);
		assert.ok((await metric(server, 'deflate_websockets_total')) >= 5);
	});
});

const DECODE = { gzip: zlib.gunzipSync, deflate: zlib.inflateSync, undefined: (body) => body };
const plainOf = (answer) => DECODE[answer.header('content-encoding')](answer.body);

suite('compressed answers of polls', starter({ httpCompression: true }), (server) => {
	/** A joined polling session, with nothing waiting. */
	async function joined(extra) {
		const session = await Session.open(server, extra);
		await session.post('40');
		assert.match((await session.packets(1))[0], /^40/);
		return session;
	}

	test('in the coding that the client prefers', limit(), async () => {
		const session = await joined();
		for (const [accept, coding] of [
			['gzip', 'gzip'],
			['deflate', 'deflate'],
			['gzip, deflate, br, zstd', 'gzip'],
			['deflate, gzip', 'deflate'],
			['gzip;q=0.2, deflate;q=0.5', 'deflate'],
			['GZIP', 'gzip'],
			['*', 'gzip'],
			['*, gzip;q=0', 'deflate'],
			['gzip;q=0', undefined],
			['br', undefined],
			['identity', undefined],
			['', undefined],
		]) {
			const packet = `42["echo","${words(4000)}"]`;
			await session.post(packet);
			const answer = await session.poll({ 'Accept-Encoding': accept });
			assert.equal(answer.header('content-encoding'), coding, accept);
			assert.equal(answer.header('content-type'), 'text/plain; charset=UTF-8');
			assert.equal(plainOf(answer).toString(), packet);
			assert.ok(coding === undefined || answer.body.length < 1000);
		}
	});

	test('from the threshold on', limit(), async () => {
		const session = await joined();
		for (const [n, coding] of [[1023, undefined], [1024, 'gzip']]) {
			const packet = `42["echo","${'z'.repeat(n - 13)}"]`;
			assert.equal(packet.length, n);
			await session.post(packet);
			const answer = await session.poll({ 'Accept-Encoding': 'gzip' });
			assert.equal(answer.header('content-encoding'), coding);
			assert.equal(plainOf(answer).toString(), packet);
		}
	});

	test('several packets in one, some of them short', limit(), async () => {
		for (const accept of ['gzip', 'deflate']) {
			const session = await joined();
			const packets = [1, 30, 2000, 5, 100_000, 900].map((n) => `42["echo","${words(n + 50)}"]`);
			packets.push('42["echo",1]');
			await session.post(packets.join(SEPARATOR));
			const answer = await session.poll({ 'Accept-Encoding': accept });
			assert.equal(answer.header('content-encoding'), accept);
			assert.equal(plainOf(answer).toString(), packets.join(SEPARATOR));
		}
	});

	test('scripts too', limit(), async () => {
		const ask = (sid, headers) => request(server.port, 'GET', `${polling(server.path, sid)}&j=3`, headers);
		const { text } = await ask('');
		const { sid } = JSON.parse(runScript(text).payload.slice(1));
		const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
		const post = (packet) => request(server.port, 'POST', `${polling(server.path, sid)}&j=3`, form, `d=${encodeURIComponent(packet)}`);
		await post('40');
		await ask(sid);
		await post(`42["echo","${words(3000)}"]`);
		const answer = await ask(sid, { 'Accept-Encoding': 'gzip' });
		assert.equal(answer.header('content-encoding'), 'gzip');
		assert.match(answer.header('content-type'), /^text\/javascript/);
		assert.equal(runScript(zlib.gunzipSync(answer.body).toString()).payload, `42["echo","${words(3000)}"]`);
	});

	test('the binary form of revision 3', limit(), async () => {
		const session = await Session3.open(server, { headers: { Accept: '*/*' } });
		await session.ask('GET', { Accept: '*/*' }); // CONNECT
		for (let n = 0; n < 3; n++) await server.redis.client.publish('binary', JSON.stringify({ n, pad: words(2000) }));
		const answer = await session.ask('GET', { Accept: '*/*', 'Accept-Encoding': 'gzip' });
		assert.equal(answer.header('content-encoding'), 'gzip');
		assert.equal(answer.header('content-type'), 'application/octet-stream');
		const packets = decodeBinary(zlib.gunzipSync(answer.body));
		assert.ok(packets.length >= 2);
	});

	test('WebSockets stay plain', limit(), async () => {
		assert.equal(await agreed(server, 'permessage-deflate'), undefined);
		const socket = await openDirect(server, '', OFFER);
		socket.close();
	});
});

suite('compression in a browser', async (cleanup) => {
	const server = await starter(BOTH, { cors: { origin: true } })(cleanup);
	const browser = await chromium.launch({ executablePath: EXECUTABLE, args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'] });
	cleanup.add(browser, () => browser.close());
	return { browser, ...server };
}, (server) => {
	for (const transport of ['websocket', 'polling']) {
		test(`Chromium takes it by ${transport}`, limit(120), async () => {
			const page = await server.browser.newPage();
			const codings = [];
			page.on('response', (response) => codings.push(response.headers()['content-encoding']));
			await page.goto(`${server.url}/nothing-here`);
			await page.addScriptTag({ url: `${server.url}${server.path}socket.io.js` });
			const opened = await page.evaluate((name) => new Promise((resolve) => {
				window.seen = [];
				window.socket = window.io({ transports: [name] });
				window.socket.on('json', (messages) => window.seen.push(...messages));
				window.socket.on('connect', () => resolve(window.socket.io.engine.transport.ws?.extensions));
			}), transport);
			if (transport === 'websocket') assert.equal(opened, AGREED);
			const text = words(200_000);
			const back = await page.evaluate((value) => new Promise((resolve) => window.socket.emit('ask', value, resolve)), text);
			assert.equal(back, text);
			for (let n = 0; n < 50; n++) await server.redis.client.publish('json', JSON.stringify(publishers.json(n)));
			await eventually(() => page.evaluate(() => window.seen.length >= 50), 'the messages on the page');
			assert.deepEqual(await page.evaluate(() => window.seen), Array.from({ length: 50 }, (_, n) => publishers.json(n)));
			if (transport === 'polling') assert.ok(codings.includes('gzip'));
			await page.close();
		});
	}
}, REFERENCE || !fs.existsSync(EXECUTABLE) ? `not about ${REFERENCE ? 'the official server' : 'this machine'}` : false);
