// SPDX-License-Identifier: MIT
//
// Clients 1.x and 2.x, by raw requests: the forms of revision 3, and what "compat" makes of headers, cookies, preflights, JSONP
// and client files.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { SIOCAST, SIOCAST_ONLY, TOP, configure, startSiocast } from './lib/daemon.mjs';
import { withCleanup } from './lib/cleanup.mjs';
import { BINARY, FORM, Session3, TEXT, decodeBinary, encodeBinary, encodeText, formBody, runScript } from './lib/engine3.mjs';
import { Session, openDirect, polling } from './lib/engine.mjs';
import { request } from './lib/http.mjs';
import { suite } from './lib/suite.mjs';
import { LIMIT_MS, limit } from './lib/wait.mjs';
import { RawSocket } from './lib/ws.mjs';

const ORIGIN = { Origin: 'http://page.example' };
const BROWSER = { Accept: '*/*' };
const namespaces = { '/': { on: { echo: [{ emit: ['echo', '...{args}'] }] } } };
const start = (config) => (cleanup) => startSiocast(cleanup, { namespaces, ...config });

function assertCors(answer, origin) {
	assert.equal(answer.header('access-control-allow-origin'), origin ?? '*');
	assert.equal(answer.header('access-control-allow-credentials'), origin === undefined ? undefined : 'true');
	assert.equal(answer.header('vary'), undefined);
}

function assertNoCors(answer) {
	assert.deepEqual(answer.lines.filter((line) => /^access-control-/i.test(line)), []);
}

// A session that has seen its CONNECT, nothing unread.
async function connected(server, options) {
	const session = await Session3.open(server, options);
	assert.deepEqual(await session.packets(), ['40']);
	return session;
}

suite('revision 3, as it is by default', start({}), (server) => {
	for (const eio of [3, 2]) {
		test(`EIO=${eio}: the handshake is a binary payload, and so is every poll`, limit(), async () => {
			const session = await connected(server, { eio, headers: BROWSER });
			const { answer, open } = session;
			assert.equal(answer.header('content-type'), 'application/octet-stream');
			assert.equal(answer.header('cache-control'), 'no-store');
			assert.equal(answer.header('set-cookie'), undefined);
			assert.deepEqual(open.upgrades, ['websocket']);
			assert.deepEqual([open.pingInterval, open.pingTimeout], [25000, 20000]);
			await session.ask('POST', TEXT, encodeText(['2', '42["echo",1]']));
			const poll = await session.ask('GET');
			assert.equal(poll.header('content-type'), 'application/octet-stream');
			assert.equal(poll.body.toString('latin1'), '\0\x01\xff3\0\x01\x02\xff42["echo",1]');
		});
	}

	test('b64: the string form, in which binary is base64', limit(), async () => {
		const session = await connected(server, { query: '&b64=1' });
		assert.equal(session.answer.header('content-type'), 'text/plain; charset=UTF-8');
		const posted = await session.ask('POST', TEXT, encodeText(['451-["echo",{"_placeholder":true,"num":0}]', 'b4AQID']));
		assert.equal(posted.text, 'ok');
		assert.equal(posted.header('content-type'), 'text/html');
		assert.deepEqual(await session.packets(2), ['451-["echo",{"_placeholder":true,"num":0}]', 'b4AQID']);
	});

	test('text and binary in one binary payload', limit(), async () => {
		const session = await connected(server, { headers: BROWSER });
		const attachment = Buffer.from([4, 0, 0xff, 0x80]);
		const body = encodeBinary(['42["echo","é"]', '451-["echo",{"_placeholder":true,"num":0}]', attachment]);
		assert.equal((await session.ask('POST', BINARY, body)).text, 'ok');
		const [text, head, binary] = await session.packets(3);
		assert.deepEqual(JSON.parse(text.slice(2)), ['echo', 'é']);
		assert.match(text, /^[\x20-\x7e]*$/);
		assert.equal(head, '451-["echo",{"_placeholder":true,"num":0}]');
		assert.ok(attachment.equals(binary));
	});

	test('a page from elsewhere is answered so that credentials are allowed', limit(), async () => {
		const { answer } = await Session3.open(server, { headers: ORIGIN });
		assert.equal(answer.header('access-control-allow-origin'), ORIGIN.Origin);
		assert.equal(answer.header('access-control-allow-credentials'), 'true');
		assert.match(answer.header('vary'), /\bOrigin\b/);
	});

	test('a WebSocket', limit(), async () => {
		const socket = await RawSocket.open(server.port, `${server.path}?EIO=3&transport=websocket`);
		assert.deepEqual(JSON.parse((await socket.nextText()).slice(1)).upgrades, []);
		assert.equal(await socket.nextText(), '40');
		await socket.text('2');
		assert.equal(await socket.nextText(), '3');
		await socket.text('42["echo",1]');
		assert.equal(await socket.nextText(), '42["echo",1]');
		socket.close();
	});
}, SIOCAST_ONLY);

// Text as clients 1.x encode it on polling, and 1.0.x in Node on their WebSockets: the bytes of UTF-8, each taken for a character.
const twice = (text) => Buffer.from(text).toString('latin1');
const once = (text) => text;

suite('namespaces of revision 3 that are not ASCII', start({ namespaces: { ...namespaces, '/ü€😀': namespaces['/'] } }), (server) => {
	const JOIN = '40/ü€😀';
	const JOINED = '40/ü€😀,';
	const ECHO = '42/ü€😀,["echo","é"]';
	const ANSWER = '42/ü€😀,["echo","\\u00e9"]';

	for (const [what, query, encode, decode] of [
		['the binary form', '', once, once],
		['the string form of 2.x', '&b64=1', once, once],
		['the string form of 1.x', '&b64=1', twice, twice],
		['the binary form, from 1.x', '', twice, once],
		['scripts of 2.x', '&j=0', once, once],
		['scripts of 1.x', '&j=0', twice, twice],
	]) {
		test(what, limit(), async () => {
			const session = await connected(server, { query, headers: BROWSER });
			const form = query.startsWith('&j');
			for (const [packet, answer] of [[JOIN, JOINED], [ECHO, ANSWER]]) {
				const payload = encodeText([encode(packet)]);
				await session.ask('POST', form ? FORM : TEXT, form ? formBody(payload) : payload);
				assert.deepEqual(await session.packets(), [decode(answer)]);
			}
		});
	}

	test('a WebSocket', limit(), async () => {
		const socket = await RawSocket.open(server.port, `${server.path}?EIO=3&transport=websocket`);
		for (let skip = 0; skip < 2; skip++) await socket.nextText();
		for (const [packet, answer] of [[JOIN, JOINED], [ECHO, ANSWER]]) {
			await socket.text(packet);
			assert.equal(await socket.nextText(), answer);
		}
		socket.close();
	});
}, SIOCAST_ONLY);

suite('text on the WebSockets of revision 3', start({}), (server) => {
	const TEXTS = ['é', '漢 € 😀', 'ASCII'];
	const packetOf = (text) => `42${JSON.stringify(['echo', text])}`;
	const echoes = async (socket, encode) => {
		for (const text of TEXTS) {
			await socket.text(encode(packetOf(text)));
			assert.deepEqual(JSON.parse((await socket.nextText()).slice(2)), ['echo', text]);
		}
	};
	const upgraded = async (query) => {
		const session = await connected(server, { query });
		const target = session.target.replace('transport=polling', 'transport=websocket');
		const socket = await RawSocket.open(server.port, target);
		await socket.text('2probe');
		assert.equal(await socket.nextText(), '3probe');
		await socket.text('5');
		return socket;
	};

	const IN_NODE = {
		'with the cache buster of 1.0': '&t=1795720354433-0&b64=1',
		'with another name for the cache buster': '&stamp=1795720354433-0&b64=1',
		'without a cache buster': '&b64=1',
	};
	for (const [name, query] of Object.entries(IN_NODE)) {
		for (const [way, encode] of Object.entries({ once: String, twice })) {
			test(`after polling in Node ${name}: ${way}`, limit(), async () => {
				const socket = await upgraded(query);
				await echoes(socket, encode);
				socket.close();
			});
		}
	}

	// This text can be taken for one that was encoded twice; nobody must who cannot have sent that.
	for (const query of ['&t=Q8PHYm5&b64=1', '&t=1795720354433-0', '']) {
		test(`after polling with "${query}" nothing is guessed`, limit(), async () => {
			const socket = await upgraded(query);
			await socket.text(packetOf('Ã©'));
			assert.deepEqual(JSON.parse((await socket.nextText()).slice(2)), ['echo', 'Ã©']);
			socket.close();
		});
	}

	const direct = async (headers) => {
		const socket = await RawSocket.open(server.port, `${server.path}?EIO=3&transport=websocket`, headers);
		await socket.nextText('the handshake');
		assert.equal(await socket.nextText(), '40');
		return socket;
	};

	test('from the start, in Node: once or twice', limit(), async () => {
		for (const encode of [String, twice]) {
			const socket = await direct({ Origin: `127.0.0.1:${server.port}` });
			await echoes(socket, encode);
			socket.close();
		}
	});

	test('from the start, of a page: nothing is guessed', limit(), async () => {
		const socket = await direct(ORIGIN);
		await socket.text(packetOf('Ã©'));
		assert.deepEqual(JSON.parse((await socket.nextText()).slice(2)), ['echo', 'Ã©']);
		socket.close();
	});
}, SIOCAST_ONLY);

suite('JSONP', start({}), (server) => {
	const open = (j = 0) => connected(server, { query: `&b64=1&j=${j}` });

	test('answers are scripts that call back', limit(), async () => {
		const session = await Session3.open(server, { query: '&b64=1&j=17', headers: ORIGIN });
		assert.equal(session.answer.status, 200);
		assert.equal(session.answer.header('content-type'), 'text/javascript; charset=UTF-8');
		assert.equal(session.answer.header('x-content-type-options'), undefined);
		assert.equal(runScript(session.answer.text).index, 17);
		assert.deepEqual(await session.packets(), ['40']);
	});

	test('what is no digit does not get into the script', limit(), async () => {
		const odd = encodeURIComponent('1];alert(2)//');
		const answer = await request(server.port, 'GET', `${server.path}?EIO=3&transport=polling&b64=1&j=${odd}`);
		assert.match(answer.text, /^___eio\[12\]\("/);
	});

	const TEXTS = {
		plain: 'hello',
		quotes: '"\\"',
		'line ends': 'a\nb\r\nc',
		'backslash and n': '\\n \\\\n',
		'what forms escape': 'a+b c&d=e%20;é',
		'line ends of scripts': '\u2028\u2029',
		'astral and NUL': '😀\0',
	};
	for (const [name, text] of Object.entries(TEXTS)) {
		test(`a form with ${name}`, limit(), async () => {
			const session = await open();
			const packet = `42${JSON.stringify(['echo', text])}`;
			const posted = await session.ask('POST', FORM, formBody(encodeText([packet])));
			assert.equal(posted.text, 'ok');
			const [answer] = await session.packets();
			assert.deepEqual(JSON.parse(answer.slice(2)), ['echo', text]);
		});
	}

	test('a real newline between the values of a packet', limit(), async () => {
		const session = await open();
		await session.ask('POST', FORM, formBody(encodeText(['42["echo",\n1]'])));
		assert.deepEqual(await session.packets(), ['42["echo",1]']);
	});

	test('a form without a payload, or with two, is answered and means nothing', limit(), async () => {
		const session = await open();
		for (const body of ['', 'x=1', 'd=1%3A1&d=1%3A1']) assert.equal((await session.ask('POST', FORM, body)).text, 'ok', body);
		await session.ask('POST', FORM, formBody(encodeText(['42["echo",2]'])));
		assert.deepEqual(await session.packets(), ['42["echo",2]']);
	});

	test('binary is base64 in it, both ways', limit(), async () => {
		const session = await open();
		const packets = ['451-["echo",{"_placeholder":true,"num":0}]', 'b4/+8='];
		await session.ask('POST', FORM, formBody(encodeText(packets)));
		assert.deepEqual(await session.packets(2), packets);
	});
}, SIOCAST_ONLY);

// What the two earlier generations have in common, and what not.
const GENERATIONS = {
	'1.x': { pingTimeout: 60000, cookie: 'io=<sid>; Path=/; HttpOnly', limit: 100_000_000 },
	'2.x': { pingTimeout: 20000, cookie: 'io=<sid>; Path=/; HttpOnly; SameSite=Strict', limit: 1_000_000 },
};

for (const [compat, expected] of Object.entries(GENERATIONS)) {
	suite(`compat: ${compat}`, start({ compat }), (server) => {
		const cookieOf = (session) => expected.cookie.replace('<sid>', session.sid);

		test('the numbers of that generation', limit(), async () => {
			const { open } = await Session3.open(server);
			assert.deepEqual([open.pingInterval, open.pingTimeout], [25000, expected.pingTimeout]);
			assert.deepEqual((await Session.open(server)).open.maxPayload, expected.limit);
		});

		test('every polling answer has the cookie and the cross-origin headers', limit(), async () => {
			const session = await connected(server, { headers: ORIGIN });
			const ok = await session.ask('POST', { ...ORIGIN, ...TEXT }, '1:2');
			const poll = await session.ask('GET', ORIGIN);
			const options = await session.ask('OPTIONS', ORIGIN);
			for (const answer of [session.answer, poll, ok, options]) {
				assert.equal(answer.status, 200);
				assertCors(answer, ORIGIN.Origin);
				assert.equal(answer.header('set-cookie'), cookieOf(session));
				assert.equal(answer.header('cache-control'), 'no-store');
			}
		});

		test('without an Origin everybody may read', limit(), async () => {
			const session = await Session3.open(server);
			assertCors(session.answer);
			assertCors(await session.ask('POST', TEXT, '1:6'));
			const nobody = await Session3.open(server, { headers: { Origin: 'null' } });
			assertCors(nobody.answer, 'null');
		});

		test('OPTIONS of a session allows the content type and does no harm', limit(), async () => {
			const session = await connected(server);
			const asked = { ...ORIGIN, 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'content-type' };
			const answer = await session.ask('OPTIONS', asked);
			assert.equal(answer.status, 200);
			assert.equal(answer.text, '');
			assert.equal(answer.header('access-control-allow-headers'), 'Content-Type');
			assert.equal(answer.header('access-control-allow-methods'), undefined);
			await session.ask('POST', TEXT, encodeText(['42["echo",1]']));
			assert.deepEqual(await session.packets(), ['42["echo",1]']);
		});

		test('errors have the cross-origin headers and no cookie; OPTIONS without a session is one', limit(), async () => {
			const base = `${server.path}?EIO=3&transport=polling`;
			for (const [method, target, code] of [
				['OPTIONS', base, 2],
				['POST', base, 2],
				['GET', `${base}&sid=nope`, 1],
				['OPTIONS', `${base}&sid=nope`, 1],
				['GET', `${server.path}?EIO=3&transport=tcp`, 0],
			]) {
				const answer = await request(server.port, method, target, ORIGIN);
				assert.equal(answer.status, 400);
				assert.equal(answer.json.code, code);
				assert.equal(answer.header('content-type'), 'application/json');
				assertCors(answer, ORIGIN.Origin);
				assert.equal(answer.header('set-cookie'), undefined);
			}
		});

		test('JSONP has the cookie and no cross-origin headers', limit(), async () => {
			const session = await Session3.open(server, { query: '&b64=1&j=0', headers: ORIGIN });
			const ok = await session.ask('POST', { ...ORIGIN, ...FORM }, formBody('1:6'));
			for (const answer of [session.answer, ok]) {
				assertNoCors(answer);
				assert.equal(answer.header('set-cookie'), cookieOf(session));
			}
			assert.equal((await session.ask('OPTIONS', ORIGIN)).status, 500);
		});

		test('the 101 has neither, and neither have files', limit(), async () => {
			const target = `${server.path}?EIO=3&transport=websocket`;
			const socket = await RawSocket.open(server.port, target, ORIGIN);
			assertNoCors(socket.answer);
			assert.equal(socket.answer.header('set-cookie'), undefined);
			socket.close();
			assertNoCors(await request(server.port, 'GET', `${server.path}socket.io.js`, ORIGIN));
		});

		test('clients of today are answered in the same way', limit(), async () => {
			const session = await Session.open(server);
			assert.equal(session.answer.header('set-cookie'), cookieOf(session));
			assertCors(session.answer);
			const other = await request(server.port, 'POST', session.target, { ...TEXT, ...ORIGIN }, '40');
			assertCors(other, ORIGIN.Origin);
			(await openDirect(server)).close();
		});

		test('the largest body', limit(), async () => {
			const session = await connected(server);
			const big = encodeText([`42["echo","${'x'.repeat(1_000_000)}"]`]);
			const answer = await session.ask('POST', TEXT, big);
			assert.equal(answer.status, expected.limit > 1_000_000 ? 200 : 413);
		});
	}, SIOCAST_ONLY);
}

suite('compat with options of one\'s own', start({
	compat: '1.x',
	engine: { pingTimeout: 7000, cookie: { name: 'lb', path: '/x' } },
	cors: { origin: 'http://page.example' },
}), (server) => {
	test('they stand over it', limit(), async () => {
		const session = await Session3.open(server, { headers: { Origin: 'http://other.example' } });
		assert.equal(session.open.pingTimeout, 7000);
		assert.equal(session.answer.header('set-cookie'), `lb=${session.sid}; Path=/x; HttpOnly`);
		assert.equal(session.answer.header('access-control-allow-origin'), 'http://page.example');
		assert.equal(session.answer.header('access-control-allow-credentials'), undefined);
		const options = await request(server.port, 'OPTIONS', polling(server.path), ORIGIN);
		assert.equal(options.status, 204);
	});
}, SIOCAST_ONLY);

// The official client files, as npm installed them.
const INSTALLED = path.join(TOP, 'client-js/official/node_modules');
const VERSIONS = fs.readdirSync(INSTALLED).filter((name) => name.startsWith('client-')).map((name) => name.slice(7));
const content = (version, name) => fs.readFileSync(path.join(INSTALLED, `client-${version}`, 'dist', name));
// As users read them.
const NEWEST_FIRST = [...VERSIONS].sort((a, b) => b.localeCompare(a, 'en', { numeric: true })).join(', ');
const newest = (major) => VERSIONS.find((version) => version.startsWith(`${major}.`));
const files = (version) => fs.readdirSync(path.join(INSTALLED, `client-${version}`, 'dist'));
const get = (server, name, headers) => request(server.port, 'GET', server.path + name, headers);

suite('client files: every installed version', start({}), (server) => {
	for (const version of VERSIONS) {
		test(version, limit(), async () => {
			const names = files(version).filter((name) => name.startsWith('socket.io.'));
			assert.ok(names.includes('socket.io.js') && names.length >= 4);
			for (const name of names) {
				const answer = await get(server, `${version}/${name}`);
				assert.equal(answer.status, 200, name);
				assert.ok(answer.body.equals(content(version, name)), name);
				const packed = await get(server, `${version}/${name}`, { 'Accept-Encoding': 'gzip' });
				assert.equal(packed.header('content-encoding'), 'gzip');
				assert.ok(packed.body.length < answer.body.length / 2);
			}
		});
	}

	test('the newest is the one of the plain names', limit(), async () => {
		const version = newest(4);
		for (const name of files(version)) assert.ok((await get(server, name)).body.equals(content(version, name)), name);
		assert.match((await get(server, 'socket.io.js')).header('etag'), /^"[0-9a-f]{32}"$/);
	});

	test('a version by its beginning is the newest that begins so', limit(), async () => {
		for (const [wanted, version] of [['4', newest(4)], ['2', newest(2)], [newest(4).replace(/\.\d+$/, ''), newest(4)]]) {
			const answer = await get(server, `${wanted}/socket.io.js`);
			assert.ok(answer.body.equals(content(version, 'socket.io.js')), wanted);
		}
	});

	test('one that is not there is a 404 that lists those that are', limit(), async () => {
		for (const name of ['4.0.99/socket.io.js', '9/socket.io.js', '0.9.17/socket.io.min.js']) {
			const answer = await get(server, name);
			assert.equal(answer.status, 404, name);
			assert.equal(answer.header('content-type'), 'text/plain; charset=utf-8');
			assert.ok(answer.text.includes(NEWEST_FIRST), answer.text);
		}
	});

	test('other names below a version are Engine.IO requests', limit(), async () => {
		for (const name of [`${newest(4)}/package.json`, `${newest(4)}/`, `${newest(4)}/siocast.js`]) {
			assert.equal((await get(server, name)).text, '{"code":0,"message":"Transport unknown"}', name);
		}
	});
}, SIOCAST_ONLY);

for (const [compat, major, file] of [['1.x', 1, 'socket.io.min.js'], ['2.x', 2, 'socket.io.js']]) {
	suite(`client files: compat ${compat}`, start({ compat }), (server) => {
		test('are those of that generation, tagged with their version', limit(), async () => {
			const version = newest(major);
			const answer = await get(server, 'socket.io.js');
			assert.equal(answer.status, 200);
			assert.ok(answer.body.equals(content(version, file)));
			assert.equal(answer.header('content-type'), 'application/javascript');
			assert.equal(answer.header('etag'), `"${version}"`);
			assert.equal((await get(server, 'socket.io.js', { 'If-None-Match': `"${version}"` })).status, 304);
			assert.equal((await get(server, 'socket.io.js', { 'If-None-Match': '"0.9.0"' })).status, 200);
			const map = await get(server, 'socket.io.js.map');
			assert.equal(map.header('content-type'), 'application/json');
			assert.equal(map.header('etag'), `"${version}"`);
			assert.equal((await get(server, 'siocast.js')).status, 200);
		});
	}, SIOCAST_ONLY);
}

suite('client.version', start({ client: { version: '2' } }), (server) => {
	test('chooses what the plain names are, and nothing else', limit(), async () => {
		const answer = await get(server, 'socket.io.js');
		assert.ok(answer.body.equals(content(newest(2), 'socket.io.js')));
		assert.match(answer.header('etag'), /^"[0-9a-f]{32}"$/);
		assert.equal((await Session3.open(server)).answer.header('set-cookie'), undefined);
	});
}, SIOCAST_ONLY);

async function startWithClientFolder(cleanup) {
	const dir = await cleanup.folder();
	const script = `// ${crypto.randomUUID()}`;
	fs.writeFileSync(path.join(dir, 'socket.io.js'), script);
	fs.writeFileSync(path.join(dir, 'socket.io.own.js'), script);
	fs.writeFileSync(path.join(dir, 'other.js'), script);
	return { script, ...(await startSiocast(cleanup, { client: { dir } })) };
}

suite('client.dir', startWithClientFolder, (server) => {
	test('its files are those of the plain names, the versions are still there', limit(), async () => {
		for (const name of ['socket.io.js', 'socket.io.own.js']) assert.equal((await get(server, name)).text, server.script);
		for (const name of ['other.js', 'socket.io.min.js']) assert.equal((await get(server, name)).status, 400);
		assert.equal((await get(server, `${newest(4)}/socket.io.js`)).status, 200);
	});
}, SIOCAST_ONLY);

describe('a client that is not there', { skip: SIOCAST_ONLY }, () => {
	for (const [name, client, said] of [
		['a version', { version: '2.4.0' }, new RegExp(`siocast\\.json:\\d+:\\d+: client\\.version: version 2\\.4\\.0 is not installed; there are ${NEWEST_FIRST}$`, 'm')],
		['a folder', { dir: '/nonexistent/client' }, /siocast\.json:\d+:\d+: client\.dir: \/nonexistent\/client: no such file/],
	]) {
		test(`${name} that is configured: siocast does not start and says why`, limit(), () => withCleanup(async (cleanup) => {
			const { file } = await configure(cleanup, { client });
			const { status, stdout, stderr } = spawnSync(SIOCAST, ['-c', file], { encoding: 'utf8', timeout: LIMIT_MS });
			assert.equal(status, 1);
			assert.match(stdout + stderr, said);
		}));
	}
});

// The configurations of the migration guide, each of which stands there in full.
describe('doc/migrate-from-node.md', { skip: SIOCAST_ONLY }, () => {
	const guide = fs.readFileSync(path.join(TOP, 'doc/migrate-from-node.md'), 'utf8');
	const snippets = [...guide.matchAll(/^```jsonc\n(.*?)^```$/gms)].map(([, text]) => text);

	test('every configuration in it is accepted', limit(), () => withCleanup(async (cleanup) => {
		assert.ok(snippets.length >= 6);
		const file = path.join(await cleanup.folder(), 'guide.json');
		// One of them names it.
		fs.writeFileSync(path.join(path.dirname(file), 'secret'), 'x'.repeat(32));
		for (const text of snippets) {
			fs.writeFileSync(file, text);
			const { status, stderr } = spawnSync(SIOCAST, ['-t', '-c', file], { encoding: 'utf8', timeout: LIMIT_MS });
			assert.equal(status, 0, `${stderr}\n${text}`);
		}
	}));

	// What the constructors of socket.io and engine.io 1.7 (1.8), 2.5 (3.6) and 4.8 (6.6) read.
	const COMMON = [
		'path', 'serveClient', 'adapter', 'pingInterval', 'pingTimeout', 'upgradeTimeout', 'maxHttpBufferSize', 'transports',
		'allowUpgrades', 'cookie', 'perMessageDeflate', 'httpCompression', 'allowRequest', 'wsEngine', 'destroyUpgrade',
		'destroyUpgradeTimeout', 'origins', 'cookiePath', 'cookieHttpOnly',
	];
	const OPTIONS = {
		'1.x': COMMON,
		'2.x': [...COMMON, 'parser', 'handlePreflightRequest', 'initialPacket'],
		'3.x and 4.x': [
			...COMMON, 'parser', 'initialPacket', 'addTrailingSlash', 'connectTimeout', 'allowEIO3', 'cors.origin',
			'connectionStateRecovery', 'cleanupEmptyChildNamespaces',
		],
	};
	for (const [years, options] of Object.entries(OPTIONS)) {
		test(`every option of ${years} has a row`, () => {
			const chapter = guide.split(/^## /m).find((part) => part.includes(`Options of socket.io ${years}\n`));
			const named = [...chapter.matchAll(/^\| (`[^|]*) \|.*$/gm)].flatMap(([, cell]) => cell.match(/`[^`]*`/g));
			assert.deepEqual(options.filter((option) => !named.includes(`\`${option}\``)), []);
		});
	}
});

test('the decoder of these tests refuses what is no payload', () => {
	assert.deepEqual(decodeBinary(Buffer.from('0002ff34300103ff0401ff', 'hex')), ['40', Buffer.from([4, 1, 255])]);
	for (const hex of ['02', '0002ff34', '000aff34', '00ff', '02 01ff34']) {
		assert.throws(() => decodeBinary(Buffer.from(hex.replace(' ', ''), 'hex')), hex);
	}
});
