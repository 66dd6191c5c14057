// SPDX-License-Identifier: MIT
//
// The engine options of the configuration: transports, upgrades, time limits, cookie, CORS, path.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { REFERENCE, SIOCAST_ONLY, startSiocast } from './lib/daemon.mjs';
import { Session, TEXT, openDirect, openJoined, polling, websocket } from './lib/engine.mjs';
import { request } from './lib/http.mjs';
import { suite } from './lib/suite.mjs';
import { limit } from './lib/wait.mjs';
import { tryUpgrade } from './lib/ws.mjs';

const start = (config) => (cleanup) => startSiocast(cleanup, config);
const TRANSPORT_UNKNOWN = '{"code":0,"message":"Transport unknown"}';

suite('transports: polling only', start({ engine: { transports: ['polling'] } }), (server) => {
	test('the other one is unknown', limit(), async () => {
		const answer = await request(server.port, 'GET', websocket(server.path));
		assert.equal(answer.status, 400);
		assert.equal(answer.text, TRANSPORT_UNKNOWN);
		const { wire, answer: refused } = await tryUpgrade(server.port, websocket(server.path));
		assert.equal(refused.status, 400);
		assert.match(refused.text, /Transport unknown/);
		await wire.closed();
		assert.equal((await Session.open(server)).answer.status, 200);
	});
});

suite('transports: websocket only', start({ engine: { transports: ['websocket'] } }), (server) => {
	test('the other one is unknown', limit(), async () => {
		const answer = await request(server.port, 'GET', polling(server.path));
		assert.equal(answer.status, 400);
		assert.equal(answer.text, TRANSPORT_UNKNOWN);
		(await openDirect(server)).close();
	});
});

suite('allowUpgrades: false', start({ engine: { allowUpgrades: false } }), (server) => {
	test('no upgrades are offered, polling and direct WebSockets work', limit(), async () => {
		const session = await Session.open(server);
		assert.deepEqual(session.open.upgrades, []);
		await session.post('40');
		assert.match((await session.packets())[0], /^40\{/);
		(await openDirect(server)).close();
	});
});

suite('engine numbers', start({ engine: { pingInterval: 11000, pingTimeout: 7000, maxHttpBufferSize: 5000 } }), (server) => {
	test('are told to the client and kept', limit(), async () => {
		const session = await Session.open(server);
		const { pingInterval, pingTimeout, maxPayload } = session.open;
		assert.deepEqual([pingInterval, pingTimeout, maxPayload], [11000, 7000, 5000]);
		assert.equal((await session.post(`4${'x'.repeat(5000)}`)).status, 413);
	});
});

const UNSUPPORTED = '{"code":5,"message":"Unsupported protocol version"}';
const handshake = (server, query) => request(server.port, 'GET', `${server.path}?transport=polling${query}`);

suite('allowEIO3: false', start({ engine: { allowEIO3: false } }), (server) => {
	test('revision 3 is refused, revision 4 is not', limit(), async () => {
		for (const query of ['&EIO=3', '&EIO=2', '', '&EIO=', '&EIO=x']) assert.equal((await handshake(server, query)).text, UNSUPPORTED);
		assert.equal((await handshake(server, '&EIO=4')).status, 200);
	});
});

suite('allowEIO3: true', start({ engine: { allowEIO3: true } }), (server) => {
	test('revision 3 is served, and a session keeps to the revision it began with', limit(), async () => {
		const answer = await handshake(server, '&EIO=3');
		assert.equal(answer.status, 200);
		const [, sid] = /"sid":"([^"]+)"/.exec(answer.text);
		// The official server takes everything but 4 for 3.
		for (const query of REFERENCE ? ['&EIO=4'] : ['&EIO=4', '&EIO=5', '&EIO=x']) {
			const other = await handshake(server, `${query}&sid=${sid}`);
			assert.equal(other.text, '{"code":3,"message":"Bad request"}', query);
		}
	});

	test('a handshake that names no revision means 3, one that names another is refused', limit(), async () => {
		for (const query of ['', '&EIO=']) assert.match((await handshake(server, query)).text, /^\d+:0\{"sid":/, query);
		if (REFERENCE) return;
		for (const query of ['&EIO=5', '&EIO=x', '&EIO=34']) assert.equal((await handshake(server, query)).text, UNSUPPORTED, query);
	});
});

suite('upgradeTimeout', start({ engine: { upgradeTimeout: 300 } }), (server) => {
	test('a probe that leads to nothing is closed; polling goes on and another upgrade works', limit(), async () => {
		const session = await Session.open(server);
		await session.post('40');
		await session.packets();
		const socket = await session.webSocket();
		await socket.text('2probe');
		assert.equal(await socket.nextText(), '3probe');
		assert.deepEqual((await socket.ended()).before, []);
		await socket.closed();
		await session.post('40/unknown,');
		assert.deepEqual(await session.packets(), ['44/unknown,{"message":"Invalid namespace"}']);
		const again = await session.webSocket();
		await again.text('2probe');
		assert.equal(await again.nextText(), '3probe');
		await again.text('5');
		await again.text('40/unknown,');
		assert.equal(await again.nextText(), '44/unknown,{"message":"Invalid namespace"}');
		again.close();
	});

	test('a silent WebSocket is closed too', limit(), async () => {
		const session = await Session.open(server);
		const socket = await session.webSocket();
		assert.deepEqual((await socket.ended()).before, []);
	});
});

suite('connectTimeout', start({ engine: { connectTimeout: 400 } }), (server) => {
	test('who joins no namespace in time is closed, over polling and WebSocket', limit(), async () => {
		const session = await Session.open(server);
		const poll = await session.startPoll();
		const direct = await openDirect(server);
		assert.equal((await poll.answer).text, '1');
		assert.equal((await session.poll()).status, 400);
		assert.deepEqual((await direct.ended()).before, []);
	});

	test('a refused join does not stop the clock, a granted one does', limit(), async () => {
		const member = await openJoined(server);
		const refused = await openDirect(server);
		await refused.text('40/unknown,');
		assert.equal(await refused.nextText(), '44/unknown,{"message":"Invalid namespace"}');
		assert.deepEqual((await refused.ended()).before, []);
		await member.text('40/unknown,');
		assert.equal(await member.nextText(), '44/unknown,{"message":"Invalid namespace"}');
		member.close();
	});
});

suite('cors: nobody', start({ cors: { origin: false } }), (server) => {
	test('no header of it in any answer, and OPTIONS is an ordinary request', limit(), async () => {
		const origin = { Origin: 'http://a.example' };
		const answer = await request(server.port, 'GET', polling(server.path), origin);
		assert.equal(answer.status, 200);
		assert.equal(answer.header('access-control-allow-origin'), undefined);
		const options = await request(server.port, 'OPTIONS', polling(server.path), origin);
		assert.equal(options.status, 400);
		assert.equal(options.text, '{"code":2,"message":"Bad handshake method"}');
	});
});

suite('cookie: true', start({ engine: { cookie: true } }), (server) => {
	test('is set by the handshake over polling, and by nothing else', limit(), async () => {
		const session = await Session.open(server);
		assert.equal(session.answer.header('set-cookie'), `io=${session.sid}; Path=/; HttpOnly; SameSite=Lax`);
		const post = await session.post('40');
		assert.equal(post.header('set-cookie'), undefined);
		assert.equal((await session.poll()).header('set-cookie'), undefined);
		const socket = await openDirect(server);
		assert.equal(socket.answer.header('set-cookie'), undefined);
		socket.close();
	});
});

suite('cookie with a name of its own', start({ engine: { cookie: { name: 'lb', path: '/x', sameSite: 'strict' } } }), (server) => {
	test('is set as configured', limit(), async () => {
		const session = await Session.open(server);
		assert.equal(session.answer.header('set-cookie'), `lb=${session.sid}; Path=/x; HttpOnly; SameSite=Strict`);
	});
});

const fixed = { cors: { origin: 'https://page.example', credentials: true } };

suite('cors: one origin with credentials', start(fixed), (server) => {
	test('is named in every answer, whoever asks', limit(), async () => {
		const session = await Session.open(server);
		const other = { Origin: 'https://other.example' };
		const post = await request(server.port, 'POST', session.target, { ...TEXT, ...other }, '40');
		const error = await request(server.port, 'GET', polling(server.path, 'nope'), other);
		for (const answer of [session.answer, post, error]) {
			assert.equal(answer.header('access-control-allow-origin'), 'https://page.example');
			assert.equal(answer.header('access-control-allow-credentials'), 'true');
			assert.match(answer.header('vary'), /\bOrigin\b/);
		}
	});
});

suite('cors: a list of origins', start({ cors: { origin: ['https://a.example', 'https://b.example'] } }), (server) => {
	test('the one that asks is named when it is on the list', limit(), async () => {
		const ask = (origin) => request(server.port, 'GET', polling(server.path), { Origin: origin });
		for (const origin of ['https://a.example', 'https://b.example']) {
			const answer = await ask(origin);
			assert.equal(answer.header('access-control-allow-origin'), origin);
			assert.match(answer.header('vary'), /\bOrigin\b/);
		}
		const other = await ask('https://c.example');
		assert.equal(other.status, 200);
		assert.notEqual(other.header('access-control-allow-origin'), 'https://c.example');
		assert.notEqual(other.header('access-control-allow-origin'), '*');
	});
});

suite('path', start({ path: '/some/where/' }), (server) => {
	test('moves everything', limit(), async () => {
		assert.equal((await Session.open(server)).answer.status, 200);
		(await openDirect(server)).close();
		assert.equal((await request(server.port, 'GET', polling('/socket.io/'))).status, 404);
	});
});

suite('addTrailingSlash: false', start({ path: '/socket.io', engine: { addTrailingSlash: false } }), (server) => {
	test('the path works without its last slash', limit(), async () => {
		const answer = await request(server.port, 'GET', polling('/socket.io'));
		assert.equal(answer.status, 200);
		assert.equal(answer.text[0], '0');
		const socket = await openDirect({ port: server.port, path: '/socket.io' });
		socket.close();
	});
});

const OTHERS = { Origin: 'https://evil.example' };
const OWN = { Origin: 'https://a.example' };
const FORBIDDEN = '{"code":4,"message":"Forbidden"}';
const jsonp = (server, sid, extra = '&j=0') => polling(server.path, sid, extra);

/** The answer to a WebSocket handshake. */
async function webSocketAnswer(server, headers, sid) {
	const { wire, answer } = await tryUpgrade(server.port, websocket(server.path, sid), headers);
	wire.close();
	return answer;
}

suite('origins that are kept out', start({ cors: { origin: [OWN.Origin] } }), (server) => {
	test('a WebSocket of another origin is refused, direct or as an upgrade, and the session goes on', limit(), async () => {
		const session = await Session.open(server);
		for (const sid of ['', session.sid]) {
			const answer = await webSocketAnswer(server, OTHERS, sid);
			assert.equal(answer.status, 403);
			assert.equal(answer.text, 'Forbidden');
			assert.equal((await webSocketAnswer(server, { Origin: 'null' }, sid)).status, 403);
		}
		assert.equal((await session.post('3')).status, 200);
		const socket = await session.webSocket(OWN);
		await socket.text('2probe');
		assert.equal(await socket.nextText(), '3probe');
		socket.close();
	});

	test('the origin that is allowed, the own one, with or without its scheme, and programs may', limit(), async () => {
		const host = `127.0.0.1:${server.port}`;
		for (const headers of [OWN, {}, { Origin: `http://${host}`, Host: host }, { Origin: host, Host: host }]) {
			assert.equal((await webSocketAnswer(server, headers)).status, 101);
		}
	});

	test('JSONP is off', limit(), async () => {
		for (const headers of [{}, OWN, OTHERS]) {
			const answer = await request(server.port, 'GET', jsonp(server), headers);
			assert.equal(answer.status, 403);
			assert.equal(answer.text, FORBIDDEN);
		}
	});

	test('polling is left to the browser', limit(), async () => {
		assert.equal((await request(server.port, 'GET', polling(server.path), OTHERS)).status, 200);
	});
}, SIOCAST_ONLY);

suite('origins that are kept out, with JSONP', start({ cors: { origin: [OWN.Origin] }, jsonp: true }), (server) => {
	test('scripts name no origin, the forms of their POSTs do', limit(), async () => {
		const answer = await request(server.port, 'GET', jsonp(server));
		assert.equal(answer.status, 200);
		const [, literal] = answer.text.match(/\((".*")\)/);
		const { sid } = JSON.parse(JSON.parse(literal).replace(/^[0-9]+:0/, '').replace(/^0/, ''));
		const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
		const post = (headers) => request(server.port, 'POST', jsonp(server, sid), { ...form, ...headers }, 'd=3');
		const refused = await post(OTHERS);
		assert.equal(refused.status, 403);
		assert.equal(refused.text, FORBIDDEN);
		assert.equal((await post(OWN)).status, 200);
	});
}, SIOCAST_ONLY);

suite('JSONP turned off', start({ jsonp: false }), (server) => {
	test('it is refused for everybody', limit(), async () => {
		assert.equal((await request(server.port, 'GET', jsonp(server))).status, 403);
		assert.equal((await request(server.port, 'GET', polling(server.path))).status, 200);
	});
}, SIOCAST_ONLY);
