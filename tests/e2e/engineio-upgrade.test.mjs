// SPDX-License-Identifier: MIT
//
// The upgrade of an Engine.IO session from polling to WebSocket: probing, releasing polls, order, and everything that can go
// wrong half-way without harm to the session.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SIOCAST_ONLY, startEcho } from './lib/daemon.mjs';
import { Session, forgotten, openDirect, upgrade, websocket } from './lib/engine.mjs';
import { suite } from './lib/suite.mjs';
import { eventually, limit } from './lib/wait.mjs';
import { OP, RawSocket, frame } from './lib/ws.mjs';

async function probe(socket) {
	await socket.text('2probe');
	assert.equal(await socket.nextText('the answer to the probe'), '3probe');
}

async function assertEchoes(socket, text = 'alive') {
	await socket.text(`4${text}`);
	assert.equal(await socket.nextText(), `4${text}`);
}

async function assertPolls(session, text = 'polling') {
	assert.equal((await session.post(`4${text}`)).text, 'ok');
	assert.deepEqual(await session.packets(), [`4${text}`]);
}

suite('upgrade', (cleanup) => startEcho(cleanup), (server) => {
	test('probe, upgrade, then everything over the WebSocket', limit(), async () => {
		const session = await Session.open(server);
		await assertPolls(session);
		const socket = await upgrade(session);
		await assertEchoes(socket);
		await socket.binary(Buffer.from([1, 2, 3]));
		assert.deepEqual((await socket.next()).binary, Buffer.from([1, 2, 3]));
		socket.close();
	});

	test('without a probe', limit(), async () => {
		const session = await Session.open(server);
		const socket = await session.webSocket();
		await socket.text('5');
		await assertEchoes(socket);
		socket.close();
	});

	test('the poll held when the probe comes is released by a noop', limit(), async () => {
		const session = await Session.open(server);
		const poll = await session.startPoll();
		await session.settle();
		const socket = await session.webSocket();
		await probe(socket);
		assert.equal((await poll.answer).text, '6');
		socket.close();
	});

	test('so are one that comes later and the next, and further ones are held for longer each time, up to 100 ms', { ...limit(), skip: SIOCAST_ONLY }, async () => {
		const timed = async (session) => {
			const before = performance.now();
			assert.equal((await session.poll()).text, '6');
			return performance.now() - before;
		};
		// A machine that is busy makes things late, but not each time, and nothing early.
		await eventually(async () => {
			const session = await Session.open(server);
			const socket = await session.webSocket();
			await probe(socket);
			const first = await timed(session);
			const second = await timed(session);
			// 1, 2, 4, … 64 ms.
			for (let i = 0; i < 7; i++) await timed(session);
			for (let i = 0; i < 2; i++) assert.ok((await timed(session)) > 90);
			socket.close();
			return first < 90 && second < 90;
		}, 'a poll that is released at once');
	});

	test('so is every further poll, until the upgrade is done', limit(), async () => {
		const session = await Session.open(server);
		const socket = await session.webSocket();
		await probe(socket);
		for (let i = 0; i < 5; i++) assert.equal((await session.poll()).text, '6');
		await socket.text('5');
		await assertEchoes(socket);
		socket.close();
	});

	test('what waited for a poll leaves over the WebSocket after the upgrade, in order, nothing before it', limit(), async () => {
		const session = await Session.open(server);
		await session.post('4before');
		const socket = await session.webSocket();
		await probe(socket);
		await session.post('4while\x1ebAQID');
		await socket.text('5');
		await socket.text('4after');
		assert.equal(await socket.nextText(), '4before');
		assert.equal(await socket.nextText(), '4while');
		assert.deepEqual((await socket.next()).binary, Buffer.from([1, 2, 3]));
		assert.equal(await socket.nextText(), '4after');
		socket.close();
	});

	test('a poll while probing takes what is there', limit(), async () => {
		const session = await Session.open(server);
		const socket = await session.webSocket();
		await probe(socket);
		await session.post('4by poll');
		assert.equal((await session.poll()).text, '4by poll');
		await socket.text('5');
		await assertEchoes(socket);
		socket.close();
	});

	test('polling is over afterwards: code 3, and the session does not mind', limit(), async () => {
		const session = await Session.open(server);
		const socket = await upgrade(session);
		await assertEchoes(socket);
		for (const answer of [await session.poll(), await session.post('4x')]) {
			assert.equal(answer.status, 400);
			assert.equal(answer.text, '{"code":3,"message":"Bad request"}');
		}
		await assertEchoes(socket);
		socket.close();
	});

	test('a POST that is still under way finds its session', limit(), async () => {
		const session = await Session.open(server);
		const socket = await session.webSocket();
		await probe(socket);
		assert.equal((await session.post('4late post')).text, 'ok');
		await socket.text('5');
		assert.equal(await socket.nextText(), '4late post');
		socket.close();
	});

	test('a poll held when the upgrade comes is released', limit(), async () => {
		const session = await Session.open(server);
		const socket = await session.webSocket();
		const poll = await session.startPoll();
		await session.settle();
		await socket.text('5');
		const answer = await poll.answer;
		assert.equal(answer.status, 200);
		assert.match(answer.text, /^[16]$/);
		await assertEchoes(socket);
		socket.close();
	});

	test('a second WebSocket while probing is accepted and closed, the first goes on', limit(), async () => {
		const session = await Session.open(server);
		const socket = await session.webSocket();
		await probe(socket);
		const second = await session.webSocket();
		assert.deepEqual((await second.ended()).before, []);
		await second.closed();
		await socket.text('5');
		await assertEchoes(socket);
		socket.close();
	});

	test('so is one after the upgrade, and one to a session that began as WebSocket', limit(), async () => {
		const session = await Session.open(server);
		const upgraded = await upgrade(session);
		await assertEchoes(upgraded);
		const direct = await openDirect(server);
		for (const [socket, sid] of [
			[upgraded, session.sid],
			[direct, direct.open.sid],
		]) {
			const second = await RawSocket.open(server.port, websocket(server.path, sid));
			assert.deepEqual((await second.ended()).before, []);
			await second.closed();
			await assertEchoes(socket);
			socket.close();
		}
	});

	test('anything but a probe or an upgrade ends the WebSocket, not the session', limit(), async () => {
		const frames = ['2', '3', '3probe', '4hello', '6', '1', 'garbage', ''].map((text) => frame(OP.text, text));
		frames.push(frame(OP.binary, Buffer.from([1, 2])), frame(OP.text, Buffer.from([0xff])), frame(3, 'x'));
		for (const [i, bytes] of frames.entries()) {
			const session = await Session.open(server);
			const socket = await session.webSocket();
			await socket.raw(bytes);
			assert.deepEqual((await socket.ended(`frame ${i} to end the WebSocket`)).before, []);
			await socket.closed();
			await assertPolls(session, `frame ${i}`);
			const again = await upgrade(session);
			await assertEchoes(again);
			again.close();
		}
	});

	test('garbage after the probe too', limit(), async () => {
		const session = await Session.open(server);
		const socket = await session.webSocket();
		await probe(socket);
		await socket.text('4not yet');
		assert.deepEqual((await socket.ended()).before, []);
		await assertPolls(session);
	});

	test('a WebSocket that goes away while probing leaves the session polling', limit(), async () => {
		const session = await Session.open(server);
		const socket = await session.webSocket();
		await probe(socket);
		socket.close();
		// Polls are released by noops for as long as the server has not noticed.
		await eventually(async () => {
			const poll = await session.startPoll();
			await session.post('4here');
			if ((await poll.answer).text === '4here') return true;
			assert.deepEqual(await session.packets(), ['4here']);
			return false;
		}, 'the end of the probing');
		const again = await upgrade(session);
		await assertEchoes(again);
		again.close();
	});

	test('probing twice on one WebSocket is answered twice', limit(), async () => {
		const session = await Session.open(server);
		const socket = await session.webSocket();
		await probe(socket);
		await probe(socket);
		await socket.text('5');
		await assertEchoes(socket);
		socket.close();
	});

	test('a session that ends while probing takes the WebSocket with it', limit(), async () => {
		const session = await Session.open(server);
		const socket = await session.webSocket();
		await probe(socket);
		assert.equal((await session.post('1')).text, 'ok');
		assert.deepEqual((await socket.ended()).before, []);
		await socket.closed();
		assert.equal((await session.poll()).text, '{"code":1,"message":"Session ID unknown"}');
	});

	test('the end of the WebSocket is the end of an upgraded session', limit(), async () => {
		const session = await Session.open(server);
		const socket = await upgrade(session);
		await assertEchoes(socket);
		socket.close();
		await forgotten(server, session.sid);
	});

	test('many at once', limit(), async () => {
		const one = async (i) => {
			const session = await Session.open(server);
			await session.post(`4early ${i}`);
			const socket = await upgrade(session);
			assert.equal(await socket.nextText(), `4early ${i}`);
			await assertEchoes(socket, `late ${i}`);
			socket.close();
		};
		await Promise.all(Array.from({ length: 50 }, (_, i) => one(i)));
	});
});

suite('heartbeat across the upgrade', (cleanup) => startEcho(cleanup, { pingInterval: 400, pingTimeout: 800 }), (server) => {
	test('pings go on', limit(), async () => {
		const session = await Session.open(server);
		const socket = await upgrade(session);
		for (let i = 0; i < 3; i++) {
			assert.equal(await socket.nextText(), '2');
			await socket.text('3');
		}
		await assertEchoes(socket);
		socket.close();
	});

	test('a silent client is closed', limit(), async () => {
		const session = await Session.open(server);
		const socket = await upgrade(session);
		assert.equal(await socket.nextText(), '2');
		assert.deepEqual((await socket.ended()).before, []);
	});
});
