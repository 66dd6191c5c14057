// SPDX-License-Identifier: MIT
//
// Files over HTTP: the official client and the decoder below the Engine.IO path, and a folder of the operator's own.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { REFERENCE, SIOCAST_ONLY, TOP, startSiocast } from './lib/daemon.mjs';
import { Session, polling } from './lib/engine.mjs';
import { Wire, request, requestBytes } from './lib/http.mjs';
import { suite } from './lib/suite.mjs';
import { limit } from './lib/wait.mjs';

const DIST = fileURLToPath(new URL('./node_modules/socket.io-client/dist', import.meta.url));
const official = (name) => fs.readFileSync(path.join(DIST, name));
const decoder = (name) => fs.readFileSync(path.join(TOP, 'client-js', name));

const FILES = [
	['socket.io.js', official],
	['socket.io.js.map', official],
	['socket.io.min.js', official],
	['socket.io.min.js.map', official],
	['socket.io.esm.min.js', official],
	['socket.io.esm.min.js.map', official],
	['socket.io.msgpack.min.js', official],
	['socket.io.msgpack.min.js.map', official],
	['siocast.js', decoder],
	['siocast.mjs', decoder],
	['siocast-columns.js', decoder],
	['siocast-columns.mjs', decoder],
].filter(([, read]) => !REFERENCE || read === official);

function unpack(answer) {
	const encoding = answer.header('content-encoding');
	if (encoding === 'br') return zlib.brotliDecompressSync(answer.body);
	if (encoding === 'gzip') return zlib.gunzipSync(answer.body);
	assert.equal(encoding, undefined);
	return answer.body;
}

suite('client files', (cleanup) => startSiocast(cleanup), (server) => {
	const get = (name, headers, method = 'GET') => request(server.port, method, server.path + name, headers);

	for (const [name, read] of FILES) {
		test(name, limit(), async () => {
			const answer = await get(name);
			assert.equal(answer.status, 200);
			const type = name.endsWith('.map') ? 'application/json' : 'application/javascript';
			assert.match(answer.header('content-type'), new RegExp(`^(${type}|text/javascript)(; charset=utf-8)?$`));
			assert.ok(answer.body.equals(read(name)), 'the content is that of the package');
			const again = await get(`${name}?x=1`);
			assert.equal(again.status, 200);
			assert.equal(again.header('etag'), answer.header('etag'));
		});

		test(`${name}: 304, HEAD, compression`, limit(), async () => {
			const whole = await get(name);
			const etag = whole.header('etag');
			assert.match(etag, /^(W\/)?"[^"]+"$/);
			for (const value of [etag, `W/${etag}`]) {
				const same = await get(name, { 'If-None-Match': value });
				assert.equal(same.status, 304, value);
				assert.equal(same.body.length, 0);
			}
			assert.equal((await get(name, { 'If-None-Match': '"other"' })).status, 200);

			const wire = await Wire.open(server.port);
			await wire.send(requestBytes('HEAD', server.path + name));
			const head = await wire.response('HEAD');
			assert.equal(head.status, 200);
			assert.equal(head.header('etag'), etag);
			// Nothing but the head: the next answer follows at once.
			await wire.send(requestBytes('GET', polling(server.path, 'nope')));
			assert.equal((await wire.response()).status, 400);
			wire.close();

			for (const [accept, encoding] of [
				['gzip', 'gzip'],
				['br', 'br'],
				['gzip, deflate, br', 'br'],
			]) {
				const packed = await get(name, { 'Accept-Encoding': accept });
				assert.equal(packed.status, 200);
				// The official server takes its own pick of what is offered.
				if (!REFERENCE) assert.equal(packed.header('content-encoding'), encoding);
				assert.ok(packed.body.length < whole.body.length);
				assert.ok(unpack(packed).equals(whole.body));
			}
			for (const accept of ['identity', 'gzip;q=0, br;q=0']) {
				assert.equal((await get(name, { 'Accept-Encoding': accept })).header('content-encoding'), undefined);
			}
		});
	}

	test('the entity tag is that of the content, caches are told what it depends on', { ...limit(), skip: SIOCAST_ONLY }, async () => {
		const tags = await Promise.all(FILES.map(async ([name]) => (await get(name)).header('etag')));
		assert.equal(new Set(tags).size, FILES.length);
		const answer = await get('socket.io.min.js', { 'Accept-Encoding': 'gzip' });
		assert.match(answer.header('vary'), /\bAccept-Encoding\b/i);
		assert.ok(answer.header('cache-control'));
		const other = (await get('socket.io.min.js')).header('etag');
		const list = await get('socket.io.min.js', { 'If-None-Match': `"a", ${other}, "b"` });
		assert.equal(list.status, 304);
		assert.equal((await get('socket.io.min.js', { 'If-None-Match': '*' })).status, 304);
	});

	test('by the beginning of a version, and which there are', { ...limit(), skip: SIOCAST_ONLY }, async () => {
		const version = JSON.parse(official('../package.json')).version;
		for (const part of [version, version.replace(/\.\d+$/, ''), version.replace(/\..*/, '')]) {
			const answer = await get(`${part}/socket.io.min.js`);
			assert.equal(answer.status, 200, part);
			assert.ok(answer.body.equals(official('socket.io.min.js')));
		}
		for (const name of ['99.1.2/socket.io.js', '99/socket.io.min.js', `${version}/socket.io.nothing.js`]) {
			const answer = await get(name);
			assert.equal(answer.status, 404, name);
			assert.match(answer.text, /^Not found\. Versions of the client that are here: (\d+\.\d+\.\d+, )*\d+\.\d+\.\d+\.\n$/);
			assert.ok(answer.text.includes(version), answer.text);
		}
	});

	test('for a target in absolute form', { ...limit(), skip: SIOCAST_ONLY }, async () => {
		const wire = await Wire.open(server.port);
		await wire.send(requestBytes('GET', `http://a.example:80${server.path}socket.io.min.js?x#y`, {}));
		const answer = await wire.response();
		assert.equal(answer.status, 200);
		assert.ok(answer.body.equals(official('socket.io.min.js')));
		wire.close();
	});

	test('other names below the path are Engine.IO requests', limit(), async () => {
		for (const name of ['socket.io.jsx', 'socket.io', 'nothing.js', 'dist/socket.io.js', '../siocast.js']) {
			const answer = await get(name);
			assert.equal(answer.status, 400, name);
			assert.equal(answer.text, '{"code":0,"message":"Transport unknown"}', name);
		}
	});
});

suite('serveClient: false', (cleanup) => startSiocast(cleanup, { serveClient: false }), (server) => {
	test('the files are not there', limit(), async () => {
		// The names are then those of Engine.IO requests.
		for (const name of ['socket.io.js', 'siocast.js']) {
			assert.equal((await request(server.port, 'GET', server.path + name)).status, 400);
		}
	});
});

// A folder with good and forbidden things in it, and a secret beside it.
async function startWithFolder(cleanup) {
	const dir = await cleanup.folder();
	const www = path.join(dir, 'www');
	const write = (name, content) => {
		fs.mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
		fs.writeFileSync(path.join(dir, name), content);
	};
	write('secret.txt', 'secret');
	write('www-secret/index.html', 'secret');
	write('www/index.html', '<!doctype html>\n<p>home é</p>\n');
	write('www/sub/index.html', '<p>sub</p>');
	write('www/empty/readme.txt', 'no index here');
	write('www/.hidden', 'secret');
	write('www/.git/config', 'secret');
	write('www/sub/.env', 'secret');
	write('www/a b+ü.txt', 'odd name');
	write('www/big.bin', crypto.randomBytes(3_000_000));
	write('www/nothing.txt', '');
	for (const type of ['css', 'js', 'mjs', 'json', 'svg', 'png', 'jpg', 'ico', 'txt', 'woff2', 'webp', 'unknown']) {
		write(`www/file.${type}`, `content of ${type} `.repeat(200));
	}
	fs.symlinkSync(path.join(dir, 'secret.txt'), path.join(www, 'link.txt'));
	fs.symlinkSync('../secret.txt', path.join(www, 'relative.txt'));
	fs.symlinkSync(dir, path.join(www, 'linked'));
	fs.symlinkSync('/etc', path.join(www, 'sub/etc'));
	return { dir, www, ...(await startSiocast(cleanup, { www })) };
}

suite('a folder', startWithFolder, (server) => {
	const get = (target, headers, method = 'GET') => request(server.port, method, target, headers);

	test('index.html for a folder, and the way there', limit(), async () => {
		const home = await get('/');
		assert.equal(home.status, 200);
		assert.match(home.header('content-type'), /^text\/html; charset=utf-8$/i);
		assert.equal(home.text, '<!doctype html>\n<p>home é</p>\n');
		assert.equal((await get('/index.html')).text, home.text);
		assert.equal((await get('/?a=b')).text, home.text);
		assert.equal((await get('/sub/')).text, '<p>sub</p>');
		const redirect = await get('/sub');
		assert.equal(redirect.status, 301);
		assert.match(redirect.header('location'), /^(http:\/\/127\.0\.0\.1(:\d+)?)?\/sub\/$/);
		assert.ok([403, 404].includes((await get('/empty/')).status));
		assert.equal((await get('/nowhere')).status, 404);
		assert.equal((await get('/index.html/x')).status, 404);
	});

	test('types', limit(), async () => {
		for (const [name, type] of [
			['css', /^text\/css(;|$)/],
			['js', /^(text|application)\/javascript(;|$)/],
			['mjs', /^(text|application)\/javascript(;|$)/],
			['json', /^application\/json(;|$)/],
			['svg', /^image\/svg\+xml(;|$)/],
			['png', /^image\/png$/],
			['jpg', /^image\/jpeg$/],
			['ico', /^image\/(x-icon|vnd\.microsoft\.icon)$/],
			['txt', /^text\/plain(;|$)/],
			['woff2', /^font\/woff2$/],
			['webp', /^image\/webp$/],
			['unknown', /^application\/octet-stream$/],
		]) {
			const answer = await get(`/file.${name}`);
			assert.equal(answer.status, 200, name);
			assert.match(answer.header('content-type'), type);
			assert.equal(answer.text, `content of ${name} `.repeat(200));
		}
	});

	test('names with escapes, empty and big files', limit(), async () => {
		assert.equal((await get('/a%20b+%C3%BC.txt')).text, 'odd name');
		assert.equal((await get('/%69ndex.html')).status, 200);
		const nothing = await get('/nothing.txt');
		assert.equal(nothing.status, 200);
		assert.equal(nothing.header('content-length'), '0');
		const big = await get('/big.bin');
		assert.ok(big.body.equals(fs.readFileSync(path.join(server.www, 'big.bin'))));
	});

	test('entity tags, 304, HEAD, compression', limit(), async () => {
		const whole = await get('/file.css');
		const etag = whole.header('etag');
		const same = await get('/file.css', { 'If-None-Match': etag });
		assert.equal(same.status, 304);
		assert.equal(same.body.length, 0);
		const head = await get('/file.css', {}, 'HEAD');
		assert.equal(head.status, 200);
		assert.equal(head.header('content-length'), String(whole.body.length));
		for (const encoding of ['gzip', 'br']) {
			assert.ok(unpack(await get('/file.css', { 'Accept-Encoding': encoding })).equals(whole.body));
		}
	});

	test('a file that changes is served as it is then', limit(), async () => {
		const file = path.join(server.www, 'changing.txt');
		fs.writeFileSync(file, 'first');
		const first = await get('/changing.txt');
		assert.equal(first.text, 'first');
		fs.writeFileSync(file, 'second, longer');
		const second = await get('/changing.txt', { 'If-None-Match': first.header('etag') });
		assert.equal(second.status, 200);
		assert.equal(second.text, 'second, longer');
		fs.rmSync(file);
		assert.equal((await get('/changing.txt')).status, 404);
	});

	test('no way out of the folder, no hidden files, no links out', limit(), async () => {
		for (const target of [
			'/../secret.txt', '/sub/../../secret.txt', '/%2e%2e/secret.txt', '/%2E./secret.txt', '/..%2fsecret.txt', '/%2e%2e%2fsecret.txt',
			'/..%5csecret.txt', '/..\\secret.txt', '/%252e%252e/secret.txt', '/./../secret.txt', '/sub/%2e%2e/%2e%2e/secret.txt',
			'/../www-secret/', '//etc/passwd', '/%2fetc/passwd', '/etc/passwd', '/.hidden', '/.git/config', '/sub/.env', '/%2ehidden',
			'/.', '/..', '/link.txt', '/relative.txt', '/linked/secret.txt', '/sub/etc/passwd', '/index.html%00.txt', '/%00', '/%', '/%zz', '/%ff',
		]) {
			const answer = await get(target);
			assert.ok([400, 403, 404].includes(answer.status), `${target}: ${answer.status}`);
			assert.doesNotMatch(answer.text, /secret|root:/, target);
		}
		assert.equal((await get('/')).status, 200);
	});

	test('only for reading', limit(), async () => {
		for (const method of ['POST', 'PUT', 'DELETE']) {
			const answer = await request(server.port, method, '/index.html', {}, 'x');
			assert.ok([404, 405].includes(answer.status), `${method}: ${answer.status}`);
		}
		assert.equal((await get('/index.html')).status, 200);
	});

	test('Engine.IO works beside it', limit(), async () => {
		assert.equal((await Session.open(server)).answer.status, 200);
		assert.equal((await get(`${server.path}siocast.js`)).status, 200);
	});
}, SIOCAST_ONLY);
