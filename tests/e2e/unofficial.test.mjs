// SPDX-License-Identifier: MIT
//
// Clients that are not the official ones, by raw requests as those send them: they say little of themselves, read the first
// answer as C strings do, encode text in their own way, break base64 into lines. And clients that are a little too late.

import assert from 'node:assert/strict';
import net from 'node:net';
import { once } from 'node:events';
import { test } from 'node:test';
import { REFERENCE, SIOCAST_ONLY, startEcho, startSiocast } from './lib/daemon.mjs';
import { BINARY, FORM, Session3, TEXT, encodeBinary, encodeText, formBody } from './lib/engine3.mjs';
import { Session, openDirect, openJoined, polling, websocket } from './lib/engine.mjs';
import { request } from './lib/http.mjs';
import { suite } from './lib/suite.mjs';
import { limit } from './lib/wait.mjs';
import { RawSocket, upgradeRequest } from './lib/ws.mjs';

const on = { echo: [{ emit: ['echo', '...{args}'] }, { ack: ['...{args}'] }] };
const start = (config) => (cleanup) => startSiocast(cleanup, { namespaces: { '/': { on } }, ...config });
const PLAIN = 'text/plain; charset=UTF-8';
const EMBEDDED = { 'User-Agent': 'arduino-WebSocket-Client', Origin: 'file://' };
const EVENT = '451-["echo",{"_placeholder":true,"num":0}]';
const sidOf = (text) => /"sid":"([^"]+)"/.exec(text)[1];

suite('clients that say little', start({}), (server) => {
	const ask = (query, method = 'GET', body = undefined) =>
		request(server.port, method, `${server.path}?transport=polling${query}`, EMBEDDED, body);

	for (const revision of ['', '&EIO=', '&EIO=3']) {
		test(`polling and upgrade with "${revision}"`, limit(), async () => {
			const first = await ask(revision);
			assert.equal(first.header('content-type'), PLAIN);
			// The whole of it is one packet of text, whose length says so.
			const [, units, open] = /^(\d+):(0\{[ -~]*\})$/.exec(first.text);
			assert.equal(Number(units), open.length);
			const rest = `${revision}&sid=${sidOf(open)}`;
			assert.equal((await ask(rest)).text, '2:40');
			assert.equal((await ask(rest, 'POST', encodeText(['42["echo",1]']))).text, 'ok');
			assert.equal((await ask(rest)).text, '12:42["echo",1]');
			const socket = await RawSocket.open(server.port, `${server.path}?transport=websocket${rest}`, EMBEDDED);
			await socket.text('2probe');
			assert.equal(await socket.nextText(), '3probe');
			await socket.text('5');
			await socket.text('42["echo",2]');
			assert.equal(await socket.nextText(), '42["echo",2]');
			socket.close();
		});

		test(`a WebSocket with "${revision}"`, limit(), async () => {
			const socket = await RawSocket.open(server.port, `${server.path}?transport=websocket${revision}`, EMBEDDED);
			assert.match(await socket.nextText(), /^0\{/);
			assert.equal(await socket.nextText(), '40');
			await socket.text('2');
			assert.equal(await socket.nextText(), '3');
			socket.close();
		});
	}

	test('behind a sid no revision is that of the session', limit(), async () => {
		const session = await Session.open(server);
		const rest = `&sid=${session.sid}`;
		assert.equal((await ask(rest, 'POST', '40')).text, 'ok');
		assert.match((await ask(`${rest}&EIO=`)).text, /^40\{/);
		assert.equal((await ask(`${rest}&EIO=3`)).json.code, 3);
	});

	test('b64 with any value but none', limit(), async () => {
		for (const value of ['1', 'true', '0', 'false', '%20']) {
			const session = await Session3.open(server, { query: `&t=x&b64=${value}`, headers: { Accept: '*/*' } });
			assert.equal(session.answer.header('content-type'), PLAIN, value);
			await session.ask('POST', TEXT, encodeText([EVENT, 'b4AQID']));
			assert.deepEqual(await session.packets(3), ['40', EVENT, 'b4AQID'], value);
			const socket = await openDirect(server, `&b64=${value}`);
			await socket.text('40');
			await socket.nextText();
			await socket.text(EVENT);
			await socket.binary(Buffer.from([1, 2, 3]));
			assert.equal(await socket.nextText(), EVENT);
			assert.equal(await socket.nextText(), 'bAQID', value);
			socket.close();
		}
		const session = await Session3.open(server, { query: '&t=x&b64=' });
		assert.equal(session.answer.header('content-type'), 'application/octet-stream');
	});

	test('binary is text until the client sends the binary form', limit(), async () => {
		const session = await Session3.open(server, { headers: EMBEDDED });
		await session.ask('POST', TEXT, encodeText([EVENT, 'b4AQID']));
		const answer = await session.ask('GET');
		assert.equal(answer.header('content-type'), PLAIN);
		assert.equal(answer.text, encodeText(['40', EVENT, 'b4AQID']));
		await session.ask('POST', BINARY, encodeBinary([EVENT, Buffer.from([4, 1, 2, 3])]));
		const other = await session.ask('GET');
		assert.equal(other.header('content-type'), 'application/octet-stream');
		assert.deepEqual(session.decode(other), [EVENT, Buffer.from([4, 1, 2, 3])]);
		await session.ask('POST', TEXT, encodeText(['42["echo","é"]']));
		assert.equal((await session.ask('GET')).text, encodeText(['42["echo","\\u00e9"]']));
	});
}, SIOCAST_ONLY);

for (const [compat, together] of [['4.x', false], ['1.x', false], ['2.x', true]]) {
	suite(`the first answer, compat ${compat}`, start(compat === '4.x' ? {} : { compat }), (server) => {
		test(together ? 'CONNECT comes with the open packet' : 'the open packet is alone', limit(), async () => {
			for (const options of [{}, { query: '&b64=1' }, { query: '&b64=1&j=0' }, { headers: { Accept: '*/*' } }, { headers: EMBEDDED }]) {
				const session = await Session3.open(server, options);
				assert.deepEqual(session.unread, together ? ['40'] : []);
				assert.deepEqual(await session.packets(), ['40']);
			}
		});

		test('who shows nothing of itself', limit(), async () => {
			const { answer } = await Session3.open(server, { headers: EMBEDDED });
			assert.equal(answer.header('content-type'), compat === '1.x' ? 'application/octet-stream' : PLAIN);
		});
	}, SIOCAST_ONLY);
}

suite('text of a client that says EIO=2 and encodes once', start({}), (server) => {
	const TEXTS = ['é', 'ÿ', '\u0080', 'aéb', 'éèê', 'Ã', '€', '漢😀', 'é€', 'Ã©'];
	const packetOf = (text) => `42${JSON.stringify(['echo', text])}`;

	test('on polling', limit(), async () => {
		// The last one can be taken for text that was encoded twice, but not behind the others.
		const session = await Session3.open(server, { eio: 2 });
		await session.packets();
		for (const text of TEXTS) {
			assert.equal((await session.ask('POST', TEXT, encodeText([packetOf(text)]))).text, 'ok');
			const [packet] = await session.packets();
			assert.deepEqual(JSON.parse(packet.slice(2)), ['echo', text]);
		}
	});

	test('every character below U+0100 as the first', limit(), async () => {
		for (let c = 0x80; c < 0x100; c += 5) {
			const session = await Session3.open(server, { eio: 2, query: '&b64=1' });
			await session.packets();
			await session.ask('POST', TEXT, encodeText([packetOf(String.fromCharCode(c))]));
			assert.deepEqual(JSON.parse((await session.packets())[0].slice(2)), ['echo', String.fromCharCode(c)]);
		}
	});

	test('on a WebSocket', limit(), async () => {
		const socket = await RawSocket.open(server.port, `${server.path}?EIO=2&transport=websocket`);
		for (let skip = 0; skip < 2; skip++) await socket.nextText();
		for (const text of TEXTS) {
			await socket.text(packetOf(text));
			assert.deepEqual(JSON.parse((await socket.nextText()).slice(2)), ['echo', text]);
		}
		socket.close();
	});
}, SIOCAST_ONLY);

// Of Engine.IO alone: there is no JSON in which to escape.
suite('text that is no JSON', (cleanup) => startEcho(cleanup, { allowEIO3: true }), (server) => {
	const TEXTS = ['ASCII', 'é', 'cash money €€€', '漢 😀', '\ue000\uf8ff'];
	const twice = (text) => Buffer.from(text).toString('latin1');

	for (const [name, options, encode, read = encode] of [
		['of 1.0 to 1.3 in Node', { query: '&t=1795720354433-0&b64=1' }, twice],
		['of 1.4 to 1.7 in Node', { query: '&t=Q8PHYm5&b64=1' }, twice],
		['of 2.x in Node', { query: '&t=Q8PHYm5&b64=1' }, String],
		['of pages of 1.x', { query: '&t=Q8PHYm5', headers: { Accept: '*/*' } }, twice, String],
		['of pages of 1.0', { eio: 2, query: '&t=1795720354433-0&b64=1' }, twice],
		['of JSONP of 1.x', { query: '&b64=1&j=0' }, twice],
	]) {
		test(name, limit(), async () => {
			const session = await Session3.open(server, options);
			const form = options.query.includes('&j');
			for (const text of TEXTS) {
				const payload = encodeText([`4${encode(text)}`]);
				await session.ask('POST', form ? FORM : TEXT, form ? formBody(payload) : payload);
				assert.deepEqual(await session.packets(), [`4${read(text)}`]);
			}
		});
	}

	test('on the WebSockets of 1.0', limit(), async () => {
		for (const [query, encode] of [['EIO=2', twice], ['EIO=3', twice], ['EIO=3', String]]) {
			const socket = await RawSocket.open(server.port, `${server.path}?${query}&transport=websocket`);
			await socket.nextText();
			for (const text of TEXTS) {
				await socket.text(`4${encode(text)}`);
				assert.equal(await socket.nextText(), `4${encode(text)}`);
			}
			socket.close();
		}
	});
}, SIOCAST_ONLY);

suite('what came out of shape', start({}), (server) => {
	const joined = async () => {
		const session = await Session.open(server);
		await session.post('40');
		await session.packets();
		return session;
	};

	for (const [base64, bytes] of [['AQID\n', '010203'], ['AQ\r\nID', '010203'], [' A\tQ I D ', '010203'], ['AAECAwQ=\n', '0001020304'], ['AQ = =', '01']]) {
		const expected = `b${Buffer.from(bytes, 'hex').toString('base64')}`;

		test(`base64 with white space: ${JSON.stringify(base64)}`, limit(), async () => {
			const session = await joined();
			await session.post(`${EVENT}\x1eb${base64}`);
			assert.deepEqual(await session.packets(2), [EVENT, expected]);
			if (REFERENCE) return;
			const old = await Session3.open(server, { query: '&b64=1' });
			await old.ask('POST', TEXT, encodeText([EVENT, `b4${base64}`]));
			assert.deepEqual(await old.packets(3), ['40', EVENT, expected.replace('b', 'b4')]);
			const socket = await openJoined(server);
			await socket.text(EVENT);
			await socket.text(`b${base64}`);
			assert.equal(await socket.nextText(), EVENT);
			assert.equal((await socket.next()).binary.toString('hex'), bytes);
			socket.close();
		});
	}

	for (const [name, bytes] of [
		['bytes that begin nothing', '\xff\xfe'],
		['the beginning of a character', '\xe2\x82'],
		['an overlong form', '\xc0\xaf'],
		['half a surrogate pair', '\xed\xa0\x80'],
		['good and bad', 'a\xf0\x9f\x98z\xc3\xa9'],
	]) {
		test(`a POST that is not UTF-8: ${name}`, limit(), async () => {
			const session = await joined();
			await session.post(Buffer.from(`42["echo","${bytes}"]`, 'latin1'));
			const text = Buffer.from(bytes, 'latin1').toString();
			assert.deepEqual(await session.packets(), [`42${JSON.stringify(['echo', text])}`]);
			if (REFERENCE) return;
			for (const query of ['&b64=1', '&b64=1&j=0']) {
				const old = await Session3.open(server, { query });
				const packet = Buffer.from(`${`42["echo","${text}"]`.length}:42["echo","${bytes}"]`, 'latin1');
				const form = [...packet].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
				await old.ask('POST', query.includes('j') ? FORM : TEXT, query.includes('j') ? `d=${form}` : packet);
				const [, answer] = await old.packets(2);
				assert.deepEqual(JSON.parse(answer.slice(2)), ['echo', text], query);
			}
		});
	}

	test('on a WebSocket text that is not UTF-8 is an error, as ever', limit(), async () => {
		const socket = await openJoined(server);
		await socket.raw(Buffer.from([0x81, 0x83, 0, 0, 0, 0, 0x34, 0x32, 0xff]));
		assert.equal((await socket.ended()).close.code, 1007);
	});

	test('a binary packet that needs no attachment', { ...limit(), skip: SIOCAST_ONLY }, async () => {
		const session = await joined();
		await session.post('450-["echo",1]');
		assert.deepEqual(await session.packets(), ['42["echo",1]']);
		await session.post('450-7["echo",{"_placeholder":true,"num":0}]\x1e42["echo",2]');
		const all = ['42["echo",{"_placeholder":true,"num":0}]', '437[{"_placeholder":true,"num":0}]', '42["echo",2]'];
		assert.deepEqual(await session.packets(3), all);
	});
});

suite('a program that awaits "open" and then the first message', (cleanup) => startEcho(cleanup), (server) => {
	test('finds the open packet behind the 101', limit(), async () => {
		// The client's process may be late, too: more rounds then.
		let alone = 0;
		for (let i = 0; alone < 15; i++) {
			assert.ok(i < 300, `${alone} of ${i}`);
			const socket = net.connect(server.port, '127.0.0.1');
			socket.write(upgradeRequest(websocket(server.path)).bytes);
			const [first] = await once(socket, 'data');
			if (first.subarray(-4).toString() === '\r\n\r\n') alone++;
			else assert.match(first.toString('latin1'), /"sid"/);
			socket.destroy();
		}
	});
}, SIOCAST_ONLY);

suite('time limits', (cleanup) => startEcho(cleanup, { pingInterval: 400, pingTimeout: 300, allowEIO3: true }), (server) => {
	const until = (at) => new Promise((resolve) => setTimeout(resolve, at - performance.now()));
	const UNKNOWN = '{"code":1,"message":"Session ID unknown"}';

	// A server that is not given a processor for so long takes what came meanwhile for in time. That happens once, and not again and again.
	const isLate = async (round) => {
		for (let i = 0; i < 2; i++) if ((await round()) === UNKNOWN) return;
		assert.equal(await round(), UNKNOWN);
	};

	// Sessions one after the other: timers of the server come by each at another moment.
	for (let i = 0; i < 8; i++) {
		test(`who is late by milliseconds is late, ${i}`, limit(), () => isLate(async () => {
			const session = await Session.open(server);
			// The server began it before.
			await until(performance.now() + 702 + i);
			return (await session.post('3')).text;
		}));
	}

	test('an early ping does not shorten the time to answer', limit(), async () => {
		// A round in which this process was late says nothing.
		for (let i = 0, inTime = 0; inTime < 3; i++) {
			assert.ok(i < 40, `${inTime} of ${i} were in time`);
			const begun = performance.now();
			const session = await Session.open(server);
			assert.deepEqual(await session.packets(), ['2']);
			await until(begun + 670);
			const answer = await session.post('3');
			const ms = performance.now() - begun;
			if (ms >= 700) continue;
			assert.equal(answer.text, 'ok', `${ms} ms after it began`);
			inTime++;
		}
	});

	test('revision 3', limit(), () => isLate(async () => {
		const session = await Session3.open(server, { query: '&b64=1' });
		await until(performance.now() + 703);
		return (await session.ask('POST', TEXT, '1:2')).text;
	}));

	test('a WebSocket', limit(), async () => {
		const socket = await openDirect(server);
		const opened = performance.now();
		assert.equal(await socket.nextText(), '2');
		await until(opened + 705);
		await socket.text('4late').catch(() => {});
		const { before } = await socket.ended();
		assert.deepEqual(before, []);
	});
}, SIOCAST_ONLY);

suite('without revision 3', (cleanup) => startEcho(cleanup), (server) => {
	test('who names none asks for it, and is told', limit(), async () => {
		for (const query of ['', '&EIO=', '&EIO=3']) {
			const answer = await request(server.port, 'GET', `${server.path}?transport=polling${query}`);
			assert.equal(answer.text, '{"code":5,"message":"Unsupported protocol version"}');
		}
		assert.equal((await request(server.port, 'GET', polling(server.path))).status, 200);
	});
});
