// SPDX-License-Identifier: MIT
//
// Engine.IO long-polling: payloads, overlapping and cut requests, limits, heartbeats, closing.

import assert from 'node:assert/strict';
import zlib from 'node:zlib';
import { test } from 'node:test';
import { startEcho } from './lib/daemon.mjs';
import { SEPARATOR, Session, TEXT, polling } from './lib/engine.mjs';
import { Wire, chunked, request, requestBytes } from './lib/http.mjs';
import { suite } from './lib/suite.mjs';
import { limit, once } from './lib/wait.mjs';

const GONE = '{"code":1,"message":"Session ID unknown"}';

/** The session answers no more. */
async function assertGone(session) {
	const answer = await session.poll();
	assert.equal(answer.status, 400);
	assert.equal(answer.text, GONE);
}

/** The session works. */
async function assertAlive(session, text = 'alive') {
	assert.equal((await session.post(`4${text}`)).text, 'ok');
	assert.deepEqual(await session.packets(), [`4${text}`]);
}

/** The body of a POST of a new session is malformed: it is answered ok, a held poll gets a close packet, the session ends. */
async function assertFatal(server, body) {
	const session = await Session.open(server);
	const poll = await session.startPoll();
	await session.settle();
	const answer = await session.post(body);
	assert.equal(answer.status, 200, JSON.stringify(body));
	assert.equal(answer.text, 'ok', JSON.stringify(body));
	assert.equal((await poll.answer).text, '1', JSON.stringify(body));
	await assertGone(session);
}

suite('polling payloads', (cleanup) => startEcho(cleanup), (server) => {
	test('POST is answered ok as text/html, polls as text/plain', limit(), async () => {
		const session = await Session.open(server);
		const ok = await session.post('4hello');
		assert.equal(ok.status, 200);
		assert.equal(ok.header('content-type'), 'text/html');
		assert.equal(ok.header('content-length'), '2');
		assert.equal(ok.text, 'ok');
		const poll = await session.poll();
		assert.equal(poll.status, 200);
		assert.equal(poll.header('content-type'), 'text/plain; charset=UTF-8');
		assert.equal(poll.header('cache-control'), 'no-store');
		assert.equal(poll.text, '4hello');
	});

	test('a held poll is answered by the first packet', limit(), async () => {
		const session = await Session.open(server);
		const poll = await session.startPoll();
		await session.settle();
		assert.equal(poll.done, false);
		await session.post('4now');
		assert.equal((await poll.answer).text, '4now');
	});

	test('packets that wait leave together', limit(), async () => {
		const session = await Session.open(server);
		for (const text of ['one', 'two', 'three']) await session.post(`4${text}`);
		assert.equal((await session.poll()).text, ['4one', '4two', '4three'].join(SEPARATOR));
	});

	test('several packets in one POST', limit(), async () => {
		const session = await Session.open(server);
		await session.post(['4a', '4b', '6', '4c'].join(SEPARATOR));
		assert.deepEqual(await session.packets(3), ['4a', '4b', '4c']);
	});

	test('a hundred packets in one POST', limit(), async () => {
		const session = await Session.open(server);
		const all = Array.from({ length: 100 }, (_, i) => `4packet ${i}`);
		await session.post(all.join(SEPARATOR));
		assert.deepEqual(await session.packets(100), all);
	});

	test('text of every kind comes back byte for byte', limit(), async () => {
		const session = await Session.open(server);
		const strings = ['', ' ', 'é', '€', '漢字かな', '😀 astral', '\u2028\u2029', 'nul\u0000nul', '\u0001\u007f', '"\\\r\n\t'];
		for (const text of strings) {
			assert.equal((await session.post(`4${text}`)).text, 'ok');
			assert.deepEqual(await session.packets(), [`4${text}`]);
		}
	});

	test('binary travels as b and base64, in order with text', limit(), async () => {
		const session = await Session.open(server);
		await session.post(['4before', 'bAQIDBA==', 'b', `b${Buffer.alloc(300, 0xff).toString('base64')}`, '4after'].join(SEPARATOR));
		const echoed = await session.packets(5);
		assert.deepEqual(echoed.slice(0, 3), ['4before', 'bAQIDBA==', 'b']);
		assert.deepEqual(Buffer.from(echoed[3].slice(1), 'base64'), Buffer.alloc(300, 0xff));
		assert.equal(echoed[4], '4after');
	});

	test('base64 without its padding is understood', limit(), async () => {
		const session = await Session.open(server);
		await session.post('bAQI');
		assert.deepEqual(await session.packets(), ['bAQI=']);
	});

	test('all bytes survive base64 both ways', limit(), async () => {
		const session = await Session.open(server);
		const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
		for (let cut = 0; cut < 3; cut++) {
			const part = bytes.subarray(cut);
			await session.post(`b${part.toString('base64')}`);
			assert.deepEqual(await session.packets(), [`b${part.toString('base64')}`]);
		}
	});

	test('the content type of a POST does not matter, unless it says octets', limit(), async () => {
		const session = await Session.open(server);
		for (const type of ['text/plain', 'application/json', 'text/plain; charset=utf-8', 'x']) {
			assert.equal((await session.post(`4${type}`, { 'Content-Type': type })).text, 'ok');
			assert.deepEqual(await session.packets(), [`4${type}`]);
		}
		assert.equal((await session.post('4none', {})).text, 'ok');
		assert.deepEqual(await session.packets(), ['4none']);
	});

	test('a POST of octets ends the session', limit(), async () => {
		const session = await Session.open(server);
		const poll = await session.startPoll();
		await session.settle();
		const answer = await session.post('40', { 'Content-Type': 'application/octet-stream' });
		assert.equal(answer.status, 400);
		assert.equal(answer.body.length, 0);
		assert.equal((await poll.answer).text, '1');
		await assertGone(session);
	});

	test('a chunked body', limit(), async () => {
		const session = await Session.open(server);
		const body = chunked(['4in ', 'many', ' ', 'small chunks']);
		const answer = await request(server.port, 'POST', session.target, { ...TEXT, 'Transfer-Encoding': 'chunked' }, body);
		assert.equal(answer.text, 'ok');
		assert.deepEqual(await session.packets(), ['4in many small chunks']);
	});

	test('packets without a meaning here are ignored', limit(), async () => {
		const session = await Session.open(server);
		for (const body of ['0', '6', '5', '3', '5:4aaaa', '3probe', '6x']) assert.equal((await session.post(body)).text, 'ok');
		await assertAlive(session);
	});

	test('malformed payloads end the session', limit(), async () => {
		const bodies = ['', SEPARATOR, `6${SEPARATOR}`, `${SEPARATOR}6`, `6${SEPARATOR}${SEPARATOR}6`, '9', 'garbage', '7x', 'B'];
		for (const body of bodies) await assertFatal(server, body);
	});

	test('a ping from the client ends the session', limit(), async () => {
		for (const body of ['2', '2probe']) await assertFatal(server, body);
	});

	test('what stands behind a malformed packet is not delivered', limit(), async () => {
		const session = await Session.open(server);
		const poll = await session.startPoll();
		await session.settle();
		assert.equal((await session.post(`4good${SEPARATOR}9bad${SEPARATOR}4late`)).text, 'ok');
		// Whether the echo of the good one still leaves is a matter of the moment.
		const allowed = ['1', '4good', `4good${SEPARATOR}1`];
		const { text } = await poll.answer;
		assert.ok(allowed.includes(text), text);
		await assertGone(session);
	});

	test('a big poll answer arrives whole, whatever encoding is offered', limit(), async () => {
		const session = await Session.open(server);
		const text = `4${'abcdefghij'.repeat(30000)}`;
		await session.post(text);
		const answer = await session.poll({ 'Accept-Encoding': 'gzip, deflate' });
		const encoding = answer.header('content-encoding');
		const body = encoding === 'gzip' ? zlib.gunzipSync(answer.body) : encoding ? zlib.inflateSync(answer.body) : answer.body;
		assert.equal(body.toString(), text);
	});
});

suite('overlapping and cut polling requests', (cleanup) => startEcho(cleanup), (server) => {
	test('a second GET ends the session: 400 for one, a close packet for the other', limit(), async () => {
		const session = await Session.open(server);
		const first = await session.startPoll();
		await session.settle();
		const second = await session.poll();
		assert.equal(second.status, 400);
		assert.equal(second.body.length, 0);
		const answer = await first.answer;
		assert.equal(answer.status, 200);
		assert.equal(answer.text, '1');
		await assertGone(session);
	});

	test('a second POST ends the session: 400, and the first is cut off', limit(), async () => {
		const session = await Session.open(server);
		const wire = await Wire.open(server.port);
		await wire.send(requestBytes('POST', session.target, { 'Content-Length': '100' }, '4half'));
		await session.settle();
		const second = await session.post('4x');
		assert.equal(second.status, 400);
		assert.equal(second.body.length, 0);
		await wire.closed();
		assert.equal(wire.data.length, 0);
		await assertGone(session);
	});

	test('a GET and a POST at once are normal', limit(), async () => {
		const session = await Session.open(server);
		const wire = await Wire.open(server.port);
		await wire.send(requestBytes('POST', session.target, { 'Content-Length': '5' }, '4ha'));
		const poll = await session.startPoll();
		await session.settle();
		await wire.send('lf');
		assert.equal((await wire.response()).text, 'ok');
		assert.equal((await poll.answer).text, '4half');
		wire.close();
	});

	test('a GET given up ends the session', limit(), async () => {
		const session = await Session.open(server);
		const poll = await session.startPoll();
		await session.settle();
		poll.cancel();
		await once(poll.wire.socket, 'close');
		await session.settle();
		await assertGone(session);
	});

	test('a POST given up half-way ends the session', limit(), async () => {
		const session = await Session.open(server);
		const poll = await session.startPoll();
		const wire = await Wire.open(server.port);
		await wire.send(requestBytes('POST', session.target, { 'Content-Length': '100' }, '4half'));
		await session.settle();
		wire.close();
		assert.equal((await poll.answer).text, '1');
		await assertGone(session);
	});

	test('one session ending does not touch another', limit(), async () => {
		const [good, bad] = [await Session.open(server), await Session.open(server)];
		const poll = await good.startPoll();
		await good.settle();
		await bad.post('garbage');
		await assertGone(bad);
		assert.equal(poll.done, false);
		await good.post('4untouched');
		assert.equal((await poll.answer).text, '4untouched');
	});
});

suite('the limit of a POST', (cleanup) => startEcho(cleanup, { maxPayload: 1000 }), (server) => {
	const body = (n) => `4${'x'.repeat(n - 1)}`;

	test('exactly the limit is accepted', limit(), async () => {
		const session = await Session.open(server);
		assert.equal(session.open.maxPayload, 1000);
		assert.equal((await session.post(body(1000))).text, 'ok');
		assert.deepEqual(await session.packets(), [body(1000)]);
	});

	test('the limit counts bytes, not characters', limit(), async () => {
		const session = await Session.open(server);
		assert.equal((await session.post(`4${'é'.repeat(500)}`)).status, 413);
		assert.equal((await session.post(`4x${'é'.repeat(499)}`)).text, 'ok');
	});

	for (const [how, headers, wrap] of [
		['', {}, (text) => text],
		[', chunked', { 'Transfer-Encoding': 'chunked' }, (text) => chunked([text.slice(0, 400), text.slice(400)])],
	]) {
		test(`one byte more is 413${how}, and the session stays open`, limit(), async () => {
			const session = await Session.open(server);
			const poll = await session.startPoll();
			await session.settle();
			const answer = await request(server.port, 'POST', session.target, headers, wrap(body(1001)));
			assert.equal(answer.status, 413);
			assert.equal(answer.body.length, 0);
			await session.settle();
			assert.equal(poll.done, false);
			await session.post('4still open');
			assert.equal((await poll.answer).text, '4still open');
		});
	}

	test('much more is 413 as well, readable for a client that writes first and reads later', limit(), async () => {
		const session = await Session.open(server);
		const answer = await session.post(body(300_000));
		assert.equal(answer.status, 413);
		await assertAlive(session);
	});
});

suite('polling heartbeat', (cleanup) => startEcho(cleanup, { pingInterval: 400, pingTimeout: 400 }), (server) => {
	test('a ping after each interval, as long as it is answered', limit(), async () => {
		const session = await Session.open(server);
		assert.equal(session.open.pingInterval, 400);
		assert.equal(session.open.pingTimeout, 400);
		let since = Date.now();
		for (let i = 0; i < 4; i++) {
			const answer = await session.poll();
			assert.equal(answer.text, '2');
			const waited = Date.now() - since;
			assert.ok(waited > 300, `a ping after ${waited} ms`);
			since = Date.now();
			assert.equal((await session.post('3')).text, 'ok');
		}
	});

	test('without an answer a held poll gets a close packet and the session ends', limit(), async () => {
		const session = await Session.open(server);
		assert.equal((await session.poll()).text, '2');
		const last = await session.poll();
		assert.equal(last.status, 200);
		assert.equal(last.text, '1');
		await assertGone(session);
	});

	test('a session nobody polls ends too', limit(), async () => {
		const idle = await Session.open(server);
		const watch = await Session.open(server);
		// The clock of this test is a session opened later that answers its first ping and dies of its second.
		assert.equal((await watch.poll()).text, '2');
		await watch.post('3');
		assert.equal((await watch.poll()).text, '2');
		assert.equal((await watch.poll()).text, '1');
		await assertGone(idle);
	});

	test('a pong nobody asked for is harmless', limit(), async () => {
		const session = await Session.open(server);
		await session.post('3');
		await session.post('4x');
		const [first] = await session.packets();
		assert.equal(first, '4x');
	});
});

suite('polling close', (cleanup) => startEcho(cleanup), (server) => {
	test('by the client: the held poll gets a noop', limit(), async () => {
		const session = await Session.open(server);
		const poll = await session.startPoll();
		await session.settle();
		assert.equal((await session.post('1')).text, 'ok');
		assert.equal((await poll.answer).text, '6');
		await assertGone(session);
	});

	test('by the client: the rest of the payload is dropped', limit(), async () => {
		const session = await Session.open(server);
		const poll = await session.startPoll();
		await session.settle();
		assert.equal((await session.post(`1${SEPARATOR}4late`)).text, 'ok');
		assert.equal((await poll.answer).text, '6');
		await assertGone(session);
	});

	test('by the client, without a poll', limit(), async () => {
		const session = await Session.open(server);
		assert.equal((await session.post('1')).text, 'ok');
		await assertGone(session);
		const post = await request(server.port, 'POST', polling(server.path, session.sid), TEXT, '4x');
		assert.equal(post.text, GONE);
	});
});
