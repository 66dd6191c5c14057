// SPDX-License-Identifier: MIT
//
// Engine.IO over HTTP: handshakes, refusals, methods, CORS, and HTTP itself (connections, splitting, malformed requests).

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { REFERENCE, startEcho } from './lib/daemon.mjs';
import { Session, openDirect, polling, websocket } from './lib/engine.mjs';
import { Wire, request, requestBytes } from './lib/http.mjs';
import { suite } from './lib/suite.mjs';
import { limit } from './lib/wait.mjs';
import { tryUpgrade } from './lib/ws.mjs';

const ERRORS = [
	'Transport unknown',
	'Session ID unknown',
	'Bad handshake method',
	'Bad request',
	'Forbidden',
	'Unsupported protocol version',
];

function assertError(answer, code) {
	assert.equal(answer.status, 400);
	assert.equal(answer.header('content-type'), 'application/json');
	assert.equal(answer.text, `{"code":${code},"message":"${ERRORS[code]}"}`);
}

suite('Engine.IO handshake', (cleanup) => startEcho(cleanup, { maxPayload: 100000 }), (server) => {
	const open = (query, headers) => request(server.port, 'GET', `${server.path}${query}`, headers);

	test('over polling', limit(), async () => {
		const answer = await open('?EIO=4&transport=polling&t=abc');
		assert.equal(answer.status, 200);
		assert.equal(answer.header('content-type'), 'text/plain; charset=UTF-8');
		assert.equal(answer.header('cache-control'), 'no-store');
		assert.equal(answer.header('access-control-allow-origin'), undefined);
		assert.equal(answer.header('set-cookie'), undefined);
		const { sid } = JSON.parse(answer.text.slice(1));
		assert.match(sid, /^[A-Za-z0-9_-]{20}$/);
		const rest = '"upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":100000';
		assert.equal(answer.text, `0{"sid":"${sid}",${rest}}`);
	});

	test('over WebSocket', limit(), async () => {
		const socket = await openDirect(server);
		assert.match(socket.open.sid, /^[A-Za-z0-9_-]{20}$/);
		assert.deepEqual(socket.open.upgrades, []);
		assert.equal(socket.open.pingInterval, 25000);
		assert.equal(socket.open.pingTimeout, 20000);
		assert.equal(socket.open.maxPayload, 100000);
		socket.close();
	});

	test('gives every session an id of its own', limit(), async () => {
		const sids = await Promise.all(Array.from({ length: 20 }, async () => (await Session.open(server)).sid));
		assert.equal(new Set(sids).size, 20);
	});

	test('takes the query in any order, percent-encoded, repeated, with foreign keys', limit(), async () => {
		for (const query of [
			'?token=a%20b&t=x&transport=polling&EIO=4',
			'?EIO=%34&transport=%70olling',
			'?EIO=4&transport=tcp&transport=polling',
			'?EIO=4&transport=polling&sid=',
			'?EIO=4&transport=polling&b64=1',
			'foo/bar?EIO=4&transport=polling',
			'/?EIO=4&transport=polling',
		]) {
			const answer = await open(query);
			assert.equal(answer.status, 200, query);
			assert.equal(answer.text[0], '0', query);
		}
	});

	test('only below its path', limit(), async () => {
		for (const target of ['/engine.io?EIO=4&transport=polling', '/Engine.io/?EIO=4&transport=polling', '/']) {
			const answer = await request(server.port, 'GET', target);
			assert.equal(answer.status, 404, target);
		}
	});

	test('a browser of old that fears XSS is calmed', limit(), async () => {
		const answer = await open('?EIO=4&transport=polling', { 'User-Agent': 'Mozilla/5.0 (Trident/7.0; rv:11.0)' });
		assert.equal(answer.header('x-xss-protection'), '0');
		assert.equal((await open('?EIO=4&transport=polling')).header('x-xss-protection'), undefined);
	});
});

suite('Engine.IO refusals', (cleanup) => startEcho(cleanup), (server) => {
	const get = (query) => request(server.port, 'GET', `${server.path}${query}`);

	test('code 0: transport missing, unknown, not given in the URL', limit(), async () => {
		for (const query of ['', '?EIO=4', '?EIO=4&transport=', '?EIO=4&transport=tcp', '?EIO=4&transport=webtransport']) {
			assertError(await get(query), 0);
		}
		assertError(await get('?EIO=4&transport=Polling'), 0);
		assertError(await get('?transport=tcp&sid=nope'), 0);
	});

	test('code 1: unknown sid', limit(), async () => {
		assertError(await get('?EIO=4&transport=polling&sid=nope'), 1);
		assertError(await get(`?EIO=4&transport=polling&sid=${'A'.repeat(20)}`), 1);
		assertError(await get(`?EIO=4&transport=polling&sid=${'x'.repeat(2000)}`), 1);
		assertError(await get('?EIO=4&transport=polling&sid=__proto__'), 1);
		assertError(await get('?EIO=4&transport=websocket&sid=nope'), 1);
		assertError(await request(server.port, 'POST', polling(server.path, 'nope'), {}, '4x'), 1);
		const { sid } = await Session.open(server);
		assertError(await get(`?EIO=4&transport=polling&sid=${sid.slice(0, -1)}`), 1);
		assertError(await get(`?EIO=4&transport=polling&sid=${sid}x`), 1);
	});

	test('code 2: a handshake that is not GET', limit(), async () => {
		for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
			assertError(await request(server.port, method, polling(server.path), {}, 'x'), 2);
		}
		const head = await request(server.port, 'HEAD', polling(server.path));
		assert.equal(head.status, 400);
	});

	test('code 3: a WebSocket without upgrade', limit(), async () => {
		assertError(await get('?EIO=4&transport=websocket'), 3);
		const { sid } = await Session.open(server);
		assertError(await get(`?EIO=4&transport=websocket&sid=${sid}`), 3);
	});

	test('code 3: another revision in the middle of a session, which lives on', limit(), async () => {
		const session = await Session.open(server);
		const answer = await request(server.port, 'GET', `${server.path}?EIO=3&transport=polling&sid=${session.sid}`);
		assertError(answer, 3);
		await session.post('4still here');
		assert.deepEqual(await session.packets(), ['4still here']);
	});

	test('code 5: revision missing, odd, or 3 while it is not enabled', limit(), async () => {
		for (const query of ['?transport=polling', '?EIO=3&transport=polling', '?EIO=5&transport=polling']) {
			assertError(await get(query), 5);
		}
		for (const eio of ['', 'x', '44', '4x', '-4', '2']) assertError(await get(`?EIO=${eio}&transport=polling`), 5);
	});

	test('the transport is judged before everything else, the sid before the method', limit(), async () => {
		assertError(await request(server.port, 'POST', `${server.path}?EIO=3&transport=tcp&sid=x`, {}, 'x'), 0);
		assertError(await request(server.port, 'PUT', `${server.path}?EIO=3&transport=polling&sid=x`, {}, 'x'), 1);
		assertError(await request(server.port, 'POST', `${server.path}?EIO=3&transport=polling`, {}, 'x'), 2);
	});

	test('upgrades are refused in plain HTTP and the connection ends', limit(), async () => {
		for (const [query, text] of [
			['?EIO=4&transport=tcp', ERRORS[0]],
			['?EIO=4&transport=websocket&sid=nope', ERRORS[1]],
		]) {
			const { wire, answer } = await tryUpgrade(server.port, server.path + query);
			const head = `HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-type: text/html\r\nContent-Length: ${text.length}`;
			assert.equal(answer.head, head);
			assert.equal(answer.text, text);
			await wire.closed();
			assert.equal(wire.data.length, 0);
		}
	});

	// The official server completes the 101 first and then writes the refusal into the WebSocket.
	const otherwise = REFERENCE ? 'the official server says 101 before it refuses' : false;
	test('an upgrade of a revision that is not enabled is refused', { ...limit(), skip: otherwise }, async () => {
		for (const query of ['?EIO=3&transport=websocket', '?transport=websocket', '?EIO=x&transport=websocket']) {
			const { wire, answer } = await tryUpgrade(server.port, server.path + query);
			assert.equal(answer.status, 400);
			assert.equal(answer.text, ERRORS[5]);
			await wire.closed();
		}
	});

	test('an upgrade outside the path is not completed', limit(), async () => {
		const wire = await Wire.open(server.port);
		const bytes = requestBytes('GET', '/elsewhere', {
			Connection: 'Upgrade',
			Upgrade: 'websocket',
			'Sec-WebSocket-Version': '13',
			'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
		});
		await wire.send(bytes);
		await wire.closed();
		assert.doesNotMatch(wire.data.toString('latin1'), /^HTTP\/1\.1 101/);
	});

	test('a wrong or missing Sec-WebSocket-Version or -Key is refused with 400', limit(), async () => {
		for (const headers of [
			{ 'Sec-WebSocket-Version': '12' },
			{ 'Sec-WebSocket-Version': null },
			{ 'Sec-WebSocket-Key': null },
			{ 'Sec-WebSocket-Key': 'short' },
		]) {
			const { wire, answer } = await tryUpgrade(server.port, websocket(server.path), headers);
			assert.equal(answer.status, 400, JSON.stringify(headers));
			await wire.closed();
		}
	});
});

suite('Engine.IO methods within a session', (cleanup) => startEcho(cleanup), (server) => {
	test('other methods get 500 and do no harm', limit(), async () => {
		const session = await Session.open(server);
		for (const method of ['PUT', 'DELETE', 'HEAD', 'PATCH', 'OPTIONS']) {
			const answer = await request(server.port, method, session.target);
			assert.equal(answer.status, 500, method);
			assert.equal(answer.body.length, 0, method);
		}
		await session.post('4unharmed');
		assert.deepEqual(await session.packets(), ['4unharmed']);
	});
});

suite('Engine.IO with CORS', (cleanup) => startEcho(cleanup, { cors: true }), (server) => {
	const origin = { Origin: 'http://a.example' };

	test('every answer names the origin', limit(), async () => {
		const session = await Session.open(server);
		const ok = await request(server.port, 'POST', session.target, origin, '4x');
		const poll = await request(server.port, 'GET', session.target, origin);
		const error = await request(server.port, 'GET', polling(server.path, 'nope'), origin);
		const plain = await request(server.port, 'GET', polling(server.path));
		for (const answer of [ok, poll, error, plain]) {
			assert.equal(answer.header('access-control-allow-origin'), '*');
		}
		assert.equal(ok.text, 'ok');
		assert.equal(poll.text, '4x');
		assertError(error, 1);
	});

	test('the 101 too', limit(), async () => {
		const socket = await openDirect(server, '', origin);
		assert.equal(socket.answer.header('access-control-allow-origin'), '*');
		socket.close();
	});

	test('OPTIONS is a preflight, with a session and without', limit(), async () => {
		const session = await Session.open(server);
		for (const target of [polling(server.path), session.target]) {
			const answer = await request(server.port, 'OPTIONS', target, {
				...origin,
				'Access-Control-Request-Method': 'POST',
				'Access-Control-Request-Headers': 'x-a, x-b',
			});
			assert.equal(answer.status, 204);
			assert.equal(answer.header('content-length'), '0');
			assert.equal(answer.header('access-control-allow-origin'), '*');
			assert.equal(answer.header('access-control-allow-methods'), 'GET,HEAD,PUT,PATCH,POST,DELETE');
			assert.equal(answer.header('access-control-allow-headers'), 'x-a, x-b');
			assert.match(answer.header('vary'), /Access-Control-Request-Headers/);
		}
		const bare = await request(server.port, 'OPTIONS', polling(server.path), origin);
		assert.equal(bare.status, 204);
		assert.equal(bare.header('access-control-allow-headers'), undefined);
	});
});

suite('HTTP connections', (cleanup) => startEcho(cleanup), (server) => {
	const handshake = (headers, version) => requestBytes('GET', polling(server.path), headers, undefined, version);

	test('are kept alive', limit(), async () => {
		const wire = await Wire.open(server.port);
		await wire.send(handshake());
		const { sid } = JSON.parse((await wire.response()).text.slice(1));
		for (let i = 0; i < 10; i++) {
			await wire.send(requestBytes('POST', polling(server.path, sid), {}, `4number ${i}`));
			assert.equal((await wire.response()).text, 'ok');
			await wire.send(requestBytes('GET', polling(server.path, sid)));
			assert.equal((await wire.response()).text, `4number ${i}`);
		}
		await wire.send(requestBytes('GET', polling(server.path, 'nope')));
		assertError(await wire.response(), 1);
		await wire.send(requestBytes('PUT', polling(server.path, sid)));
		assert.equal((await wire.response()).status, 500);
		await wire.send(handshake());
		assert.equal((await wire.response()).status, 200);
		wire.close();
	});

	test('are closed when asked to', limit(), async () => {
		const wire = await Wire.open(server.port);
		await wire.send(handshake({ Connection: 'close' }));
		assert.equal((await wire.response()).status, 200);
		await wire.closed();
		assert.equal(wire.data.length, 0);
	});

	test('carry many sessions', limit(), async () => {
		const wire = await Wire.open(server.port);
		const sids = [];
		for (let i = 0; i < 3; i++) {
			await wire.send(handshake());
			sids.push(JSON.parse((await wire.response()).text.slice(1)).sid);
		}
		for (const sid of sids) {
			await wire.send(requestBytes('POST', polling(server.path, sid), {}, `4${sid}`));
			assert.equal((await wire.response()).text, 'ok');
		}
		for (const sid of [...sids].reverse()) {
			await wire.send(requestBytes('GET', polling(server.path, sid)));
			assert.equal((await wire.response()).text, `4${sid}`);
		}
		wire.close();
	});

	test('take pipelined requests and answer in order', limit(), async () => {
		const session = await Session.open(server);
		const wire = await Wire.open(server.port);
		await wire.send(
			Buffer.concat([
				requestBytes('GET', polling(server.path, 'nope')),
				handshake(),
				requestBytes('POST', session.target, {}, '4pipelined'),
				requestBytes('GET', session.target),
				requestBytes('GET', `${server.path}?EIO=4&transport=tcp`),
			]),
		);
		assertError(await wire.response(), 1);
		assert.equal((await wire.response()).text[0], '0');
		assert.equal((await wire.response()).text, 'ok');
		assert.equal((await wire.response()).text, '4pipelined');
		assertError(await wire.response(), 0);
		wire.close();
	});

	test('may end after the last byte of a request', limit(), async () => {
		const wire = await Wire.open(server.port);
		await wire.send(requestBytes('GET', polling(server.path, 'nope'), { Connection: 'close' }));
		wire.socket.end();
		assertError(await wire.response(), 1);
		wire.close();
	});

	test('deliver a request byte by byte', limit(), async () => {
		const session = await Session.open(server);
		const wire = await Wire.open(server.port);
		for (const byte of requestBytes('POST', session.target, {}, '4slow but sure')) {
			await wire.send(Buffer.from([byte]));
		}
		assert.equal((await wire.response()).text, 'ok');
		for (const byte of requestBytes('GET', session.target)) await wire.send(Buffer.from([byte]));
		assert.equal((await wire.response()).text, '4slow but sure');
		wire.close();
	});

	test('of HTTP/1.0 get an answer and end', limit(), async () => {
		const wire = await Wire.open(server.port);
		await wire.send(handshake({}, '1.0'));
		const answer = await wire.response();
		assert.equal(answer.status, 200);
		assert.equal(answer.text[0], '0');
		await wire.closed();
	});

	test('that do not speak HTTP get 400 and end', limit(), async () => {
		for (const bytes of [
			'nonsense\r\n\r\n',
			'GET /engine.io/?EIO=4&transport=polling HTTP/1.1\r\n\r\n',
			'GET /engine.io/ HTTP/1.1\r\nHost: a\r\nBad Header: x\r\n\r\n',
			'GET /engine.io/ HTTP/1.1\r\nHost: a\r\nOrigin: a\x00b\r\n\r\n',
			'POST /engine.io/ HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n',
			'POST /engine.io/ HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n',
			Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01]),
		]) {
			const wire = await Wire.open(server.port);
			await wire.send(Buffer.from(bytes, 'latin1'));
			const answer = await wire.response();
			assert.equal(answer.status, 400, JSON.stringify(bytes));
			await wire.closed();
		}
	});

	// Node's servers look for their path at the beginning of the target.
	const asSent = REFERENCE ? 'the official server takes the target as it was sent' : false;
	test('take targets in absolute form, and cut fragments', { ...limit(), skip: asSent }, async () => {
		for (const [before, after] of [
			['http://a.example', ''],
			['HTTP://a.example:8080', '#fragment'],
			['', '#?sid=nope'],
		]) {
			const open = await request(server.port, 'GET', before + polling(server.path) + after);
			assert.equal(open.status, 200, open.text);
			const { sid } = JSON.parse(open.text.slice(1));
			assert.equal((await request(server.port, 'POST', before + polling(server.path, sid) + after, {}, '4x')).text, 'ok');
			assert.equal((await request(server.port, 'GET', before + polling(server.path, sid) + after)).text, '4x');
			const { wire, answer } = await tryUpgrade(server.port, before + websocket(server.path) + after);
			assert.equal(answer.status, 101);
			wire.close();
		}
		assert.equal((await request(server.port, 'GET', 'http://user@a.example/')).status, 400);
		assert.equal((await request(server.port, 'GET', 'http://a.example')).status, 404);
	});

	test('take many headers, within the limit of a head', limit(), async () => {
		const headers = Object.fromEntries(Array.from({ length: 900 }, (_, i) => [`X-${i}`, i]));
		assert.equal((await request(server.port, 'GET', polling(server.path), headers)).status, 200);
		const more = Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`X-${i}`, i]));
		assert.equal((await request(server.port, 'GET', polling(server.path), more)).status, 431);
	});

	// RFC 9112 to the letter; Node is laxer in some of this.
	const lax = REFERENCE ? 'Node takes some of these' : false;
	test('are framed exactly, however the bytes come', { ...limit(), skip: lax }, async () => {
		const line = `GET ${polling(server.path)} HTTP/1.1\r\n`;
		const chunked = `POST ${polling(server.path, 'nope')} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n`;
		const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\n';
		for (const [status, bytes] of [
			[400, `\n${line}Host: a\r\n\r\n`],
			[400, `\r${line}Host: a\r\n\r\n`],
			[400, `${line}Host: a\rOrigin: b\r\n\r\n`],
			[400, `${line}Host: a\r\nOrigin: b\r\n c\r\n\r\n`],
			[400, `${line}Host: a\r\nOrigin : b\r\n\r\n`],
			[400, `${line}Host: a\r\nHost: a\r\n\r\n`],
			[400, `${line}${upgrade}\r\n`],
			[400, `GET ${server.path}\r\nHost: a\r\n\r\n`],
			[505, `GET ${server.path} HTTP/2.0\r\nHost: a\r\n\r\n`],
			[505, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
			[400, `POST ${server.path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n`],
			[501, `POST ${server.path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n`],
			[400, `POST ${server.path} HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n`],
			[400, `${chunked}1\n0\r\n0\r\n\r\n`],
			[400, `${chunked}1\r\n0\r0\r\n\r\n`],
			[400, `${chunked}1;a\r0\r\n0\r\n\r\n`],
			[400, `${chunked}0\r\nA: b\rC: d\r\n\r\n`],
			[501, 'CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n'],
		]) {
			for (const piece of [bytes.length, 1]) {
				const wire = await Wire.open(server.port);
				for (let at = 0; at < bytes.length; at += piece) await wire.send(bytes.slice(at, at + piece)).catch(() => {});
				const answer = await wire.response();
				assert.equal(answer.status, status, JSON.stringify(bytes));
				await wire.closed();
			}
		}
	});

	test('of HTTP/1.0, or with a body, are no WebSockets', { ...limit(), skip: lax }, async () => {
		for (const [version, headers] of [
			['1.0', {}],
			['1.1', { 'Content-Length': '5' }],
		]) {
			const wire = await Wire.open(server.port);
			const bytes = requestBytes('GET', websocket(server.path), {
				Connection: 'Upgrade',
				Upgrade: 'websocket',
				'Sec-WebSocket-Version': '13',
				'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
				...headers,
			}, undefined, version);
			await wire.send(bytes);
			if (version === '1.1') await wire.send('fra').then(() => wire.send('me'));
			assertError(await wire.response(), 3);
			wire.close();
		}
		assert.equal((await request(server.port, 'GET', polling(server.path))).status, 200);
	});

	test('with a head that never ends are refused', limit(), async () => {
		const wire = await Wire.open(server.port);
		// The server may close before it has read everything; what counts is that it ends this, and says why if it can.
		await wire.send(`GET ${server.path} HTTP/1.1\r\nHost: a\r\nX-Long: ${'x'.repeat(200000)}`).catch(() => {});
		await wire.closed();
		if (wire.data.length > 0) assert.match(wire.data.toString('latin1'), /^HTTP\/1\.1 (400|414|431) /);
		assert.equal((await request(server.port, 'GET', polling(server.path))).status, 200);
	});

	test('that come and go do no harm', limit(), async () => {
		for (const bytes of ['', 'G', 'GET /engine.io/ HTTP/1.1\r\n', 'POST /engine.io/?EIO=4&transport=polling HTTP/1.1\r\n']) {
			const wire = await Wire.open(server.port);
			await wire.send(bytes);
			wire.close();
		}
		assert.equal((await request(server.port, 'GET', polling(server.path))).status, 200);
	});
});
