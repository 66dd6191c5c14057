// SPDX-License-Identifier: MIT
//
// Engine.IO over a direct WebSocket: packets, frames good and bad, limits, heartbeats, closing.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { REFERENCE, startEcho } from './lib/daemon.mjs';
import { forgotten, openDirect, polling, websocket } from './lib/engine.mjs';
import { Wire } from './lib/http.mjs';
import { suite } from './lib/suite.mjs';
import { limit } from './lib/wait.mjs';
import { OP, RawSocket, frame, upgradeRequest } from './lib/ws.mjs';

async function assertEchoes(socket, text = 'alive') {
	await socket.text(`4${text}`);
	assert.equal(await socket.nextText(), `4${text}`);
}

/** These bytes end the session, with this close code (undefined: any, or none). */
async function assertFatal(server, bytes, code) {
	const socket = await openDirect(server);
	await socket.raw(bytes);
	const { before, close } = await socket.ended();
	assert.deepEqual(before, []);
	if (code !== undefined) assert.equal(close?.code, code);
	await socket.closed();
	await forgotten(server, socket.open.sid);
}

suite('WebSocket packets', (cleanup) => startEcho(cleanup, { maxPayload: 1000 }), (server) => {
	test('text of every kind comes back', limit(), async () => {
		const socket = await openDirect(server);
		const strings = ['', ' ', 'é', '€', '漢字かな', '😀 astral', '\u2028\u2029', 'nul\u0000nul', '\x1e', '"\\\r\n\t'];
		for (const text of strings) await assertEchoes(socket, text);
		socket.close();
	});

	test('binary comes back as it was', limit(), async () => {
		const socket = await openDirect(server);
		for (const n of [0, 1, 125, 126, 127, 255, 256, 1000]) {
			const bytes = Buffer.from(Array.from({ length: n }, (_, i) => (i * 7) & 0xff));
			await socket.binary(bytes);
			const { binary } = await socket.next();
			assert.deepEqual(Buffer.from(binary), bytes);
		}
		socket.close();
	});

	test('text and binary keep their order', limit(), async () => {
		const socket = await openDirect(server);
		const parts = [];
		for (let i = 0; i < 50; i++) parts.push(frame(OP.text, `4${i}`), frame(OP.binary, Buffer.from([i])));
		await socket.raw(Buffer.concat(parts));
		for (let i = 0; i < 50; i++) {
			assert.equal(await socket.nextText(), `4${i}`);
			assert.deepEqual((await socket.next()).binary, Buffer.from([i]));
		}
		socket.close();
	});

	test('base64 text is understood from anyone', limit(), async () => {
		const socket = await openDirect(server);
		await socket.text('bAQIDBA==');
		assert.deepEqual((await socket.next()).binary, Buffer.from([1, 2, 3, 4]));
		socket.close();
	});

	test('b64=1 in the URL: binary comes as base64 text', limit(), async () => {
		const socket = await openDirect(server, '&b64=1');
		await socket.binary(Buffer.from([1, 2, 3, 4]));
		assert.equal(await socket.nextText(), 'bAQIDBA==');
		socket.close();
	});

	test('packets without a meaning here are ignored', limit(), async () => {
		const socket = await openDirect(server);
		for (const text of ['0', '3', '5', '6', '3probe']) await socket.text(text);
		await assertEchoes(socket);
		socket.close();
	});

	test('malformed packets and pings end the session', limit(), async () => {
		for (const text of ['', '9', 'garbage', '7x', '2', '2probe']) await assertFatal(server, frame(OP.text, text));
	});

	const loses = REFERENCE ? 'the official server loses messages that come before its own first' : false;
	test('the first messages may come with the upgrade request', { ...limit(), skip: loses }, async () => {
		const wire = await Wire.open(server.port);
		const { bytes } = upgradeRequest(websocket(server.path));
		await wire.send(Buffer.concat([bytes, frame(OP.text, '4early'), frame(OP.binary, Buffer.from([7]))]));
		const answer = await wire.response();
		assert.equal(answer.status, 101);
		const socket = new RawSocket(wire, answer, 'early');
		assert.equal((await socket.nextText())[0], '0');
		assert.equal(await socket.nextText(), '4early');
		assert.deepEqual((await socket.next()).binary, Buffer.from([7]));
		socket.close();
	});

	test('the upgrade request may come byte by byte', limit(), async () => {
		const wire = await Wire.open(server.port);
		const { bytes } = upgradeRequest(websocket(server.path));
		for (const byte of bytes) await wire.send(Buffer.from([byte]));
		const answer = await wire.response();
		assert.equal(answer.status, 101);
		const socket = new RawSocket(wire, answer, 'slow');
		assert.equal((await socket.nextText())[0], '0');
		await assertEchoes(socket);
		socket.close();
	});

	test('a connection that was used for polling can become a WebSocket', limit(), async () => {
		const wire = await Wire.open(server.port);
		await wire.send(`GET ${polling(server.path)} HTTP/1.1\r\nHost: a\r\n\r\n`);
		assert.equal((await wire.response()).status, 200);
		await wire.send(upgradeRequest(websocket(server.path)).bytes);
		const answer = await wire.response();
		assert.equal(answer.status, 101);
		const socket = new RawSocket(wire, answer, 'after polling');
		assert.equal((await socket.nextText())[0], '0');
		await assertEchoes(socket);
		socket.close();
	});

	test('header values in other spellings open a WebSocket too', limit(), async () => {
		const headers = { Connection: 'keep-alive, Upgrade', Upgrade: 'WebSocket' };
		const socket = await openDirect(server, '', headers);
		await assertEchoes(socket);
		socket.close();
	});

	test('of the sub-protocols offered the first is chosen', limit(), async () => {
		const socket = await openDirect(server, '', { 'Sec-WebSocket-Protocol': 'one, two' });
		assert.equal(socket.answer.header('sec-websocket-protocol'), 'one');
		await assertEchoes(socket);
		socket.close();
		const plain = await openDirect(server);
		assert.equal(plain.answer.header('sec-websocket-protocol'), undefined);
		plain.close();
	});

	test('compression is not agreed to, being off', limit(), async () => {
		const offer = 'permessage-deflate; client_max_window_bits';
		const socket = await openDirect(server, '', { 'Sec-WebSocket-Extensions': offer });
		assert.equal(socket.answer.header('sec-websocket-extensions'), undefined);
		await assertEchoes(socket, 'x'.repeat(900));
		socket.close();
	});

	test('transport=polling on an upgrade: accepted and closed', limit(), async () => {
		const socket = await RawSocket.open(server.port, polling(server.path));
		const { before } = await socket.ended();
		assert.deepEqual(before, []);
		await socket.closed();
	});
});

suite('WebSocket frames', (cleanup) => startEcho(cleanup, { maxPayload: 1000 }), (server) => {
	test('fragments are put together, pings between them answered', limit(), async () => {
		const socket = await openDirect(server);
		await socket.raw(frame(OP.text, '4frag', { fin: false }));
		await socket.raw(frame(OP.continuation, 'men', { fin: false }));
		await socket.raw(frame(OP.ping, 'between'));
		await socket.raw(frame(OP.continuation, '', { fin: false }));
		await socket.raw(frame(OP.continuation, 'ted'));
		// A pong may also leave behind the next message (RFC 6455 section 5.5.3: as soon as is practical).
		const both = [await socket.next(), await socket.next()];
		assert.deepEqual(both.find((item) => 'pong' in item), { pong: 'between' });
		assert.deepEqual(both.find((item) => 'text' in item), { text: '4fragmented' });
		await socket.raw(frame(OP.binary, Buffer.from([1]), { fin: false }));
		await socket.raw(frame(OP.continuation, Buffer.from([2])));
		assert.deepEqual((await socket.next()).binary, Buffer.from([1, 2]));
		socket.close();
	});

	test('a character may be cut in two by a fragment', limit(), async () => {
		const socket = await openDirect(server);
		const bytes = Buffer.from('4€😀');
		for (let cut = 1; cut < bytes.length; cut++) {
			await socket.raw(frame(OP.text, bytes.subarray(0, cut), { fin: false }));
			await socket.raw(frame(OP.continuation, bytes.subarray(cut)));
			assert.equal(await socket.nextText(), '4€😀');
		}
		socket.close();
	});

	test('a frame may come byte by byte', limit(), async () => {
		const socket = await openDirect(server);
		for (const byte of frame(OP.text, `4${'y'.repeat(200)}`)) await socket.raw(Buffer.from([byte]));
		assert.equal(await socket.nextText(), `4${'y'.repeat(200)}`);
		socket.close();
	});

	test('pings are answered with their payload', limit(), async () => {
		const socket = await openDirect(server);
		for (const payload of ['', 'x', 'p'.repeat(125)]) {
			await socket.raw(frame(OP.ping, payload));
			assert.deepEqual(await socket.next(), { pong: payload });
		}
		await socket.raw(frame(OP.pong, 'unasked'));
		await assertEchoes(socket);
		socket.close();
	});

	test('exactly the limit is accepted, also in fragments', limit(), async () => {
		const socket = await openDirect(server);
		await assertEchoes(socket, 'x'.repeat(999));
		await socket.raw(frame(OP.text, `4${'x'.repeat(499)}`, { fin: false }));
		await socket.raw(frame(OP.continuation, 'x'.repeat(500)));
		assert.equal((await socket.nextText()).length, 1000);
		socket.close();
	});

	test('one byte more is closed with 1009', limit(), async () => {
		await assertFatal(server, frame(OP.text, `4${'x'.repeat(1000)}`), 1009);
		await assertFatal(server, frame(OP.binary, Buffer.alloc(1001)), 1009);
		const pieces = [frame(OP.text, `4${'x'.repeat(499)}`, { fin: false }), frame(OP.continuation, 'x'.repeat(501))];
		await assertFatal(server, Buffer.concat(pieces), 1009);
	});

	test('a frame that announces terabytes is closed with 1009, by the first byte too many', limit(), async () => {
		const head = Buffer.from([0x82, 0xff, 0, 0, 0x7f, 0, 0, 0, 0, 0, 1, 2, 3, 4]);
		await assertFatal(server, Buffer.concat([head, Buffer.alloc(2000)]), 1009);
	});

	test('bytes that are not UTF-8 are closed with 1007', limit(), async () => {
		await assertFatal(server, frame(OP.text, Buffer.from([0x34, 0xff, 0xfe])), 1007);
		await assertFatal(server, frame(OP.text, Buffer.from([0x34, 0xed, 0xa0, 0x80])), 1007);
		await assertFatal(server, frame(OP.text, Buffer.from([0x34, 0xe2, 0x82])), 1007);
	});

	test('frames against the rules end the session', limit(), async () => {
		await assertFatal(server, frame(OP.text, '4x', { rsv: 4 }), 1002);
		await assertFatal(server, frame(OP.text, '4x', { mask: false }), 1002);
		await assertFatal(server, frame(3, '4x'), 1002);
		await assertFatal(server, frame(OP.continuation, '4x'), 1002);
		await assertFatal(server, frame(OP.ping, 'x'.repeat(126)), 1002);
		await assertFatal(server, frame(OP.ping, 'x', { fin: false }), 1002);
		await assertFatal(server, frame(OP.ping, 'x', { rsv: 4 }), 1002);
		await assertFatal(server, Buffer.concat([frame(OP.text, '4x', { fin: false }), frame(OP.text, '4y')]), 1002);
	});

	test('close frames say what they may', limit(), async () => {
		const code = (n, ...reason) => frame(OP.close, Buffer.from([n >> 8, n & 0xff, ...reason]));
		for (const bad of [frame(OP.close, Buffer.from([3])), code(0), code(999), code(1004), code(1005), code(1006),
			code(1015), code(2999), code(5000)]) await assertFatal(server, bad, 1002);
		await assertFatal(server, code(1000, 0xff), 1007);
		for (const good of [1000, 1001, 1003, 1011, 3000, 4999]) await assertFatal(server, code(good), good);
	});

	test('nothing behind a close frame is handled', limit(), async () => {
		await assertFatal(server, Buffer.concat([frame(OP.close), frame(OP.text, '4x'), frame(OP.ping, 'x')]));
	});

	test('one bad connection does not touch the others', limit(), async () => {
		const good = await openDirect(server);
		await assertFatal(server, frame(OP.text, 'garbage'));
		await assertEchoes(good);
		good.close();
	});
});

suite('WebSocket heartbeat', (cleanup) => startEcho(cleanup, { pingInterval: 400, pingTimeout: 400 }), (server) => {
	test('a ping after each interval, as long as it is answered', limit(), async () => {
		const socket = await openDirect(server);
		let since = Date.now();
		for (let i = 0; i < 4; i++) {
			assert.equal(await socket.nextText(), '2');
			const waited = Date.now() - since;
			assert.ok(waited > 300, `a ping after ${waited} ms`);
			since = Date.now();
			await socket.text('3');
		}
		await assertEchoes(socket);
		socket.close();
	});

	test('without an answer the connection is closed', limit(), async () => {
		const since = Date.now();
		const socket = await openDirect(server);
		assert.equal(await socket.nextText(), '2');
		const { before } = await socket.ended();
		assert.deepEqual(before, []);
		const waited = Date.now() - since;
		assert.ok(waited > 600, `closed after ${waited} ms`);
		await socket.closed();
	});
});

suite('WebSocket close', (cleanup) => startEcho(cleanup), (server) => {
	test('by a close frame of the client, which is answered', limit(), async () => {
		const socket = await openDirect(server);
		await socket.raw(frame(OP.close, Buffer.from([0x03, 0xe8])));
		const { close } = await socket.ended();
		assert.equal(close?.code, 1000);
		await socket.closed();
		await forgotten(server, socket.open.sid);
	});

	test('by a close frame without a code', limit(), async () => {
		const socket = await openDirect(server);
		await socket.raw(frame(OP.close));
		await socket.ended();
		await socket.closed();
		await forgotten(server, socket.open.sid);
	});

	test('by the end of the connection', limit(), async () => {
		const sockets = [await openDirect(server), await openDirect(server)];
		sockets[0].wire.socket.end();
		sockets[1].wire.socket.resetAndDestroy();
		await sockets[0].closed();
		await forgotten(server, sockets[0].open.sid);
		await forgotten(server, sockets[1].open.sid);
	});
});
