// SPDX-License-Identifier: MIT
//
// POST /publish of the admin port: messages that take the way of the feeds, events for clients, who may, and what it says.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { ask, collect, connect } from './lib/client.mjs';
import { SIOCAST, SIOCAST_ONLY, configure, launchSiocast } from './lib/daemon.mjs';
import { request } from './lib/http.mjs';
import { metric } from './lib/metrics.mjs';
import { suite } from './lib/suite.mjs';
import { LIMIT_MS, limit } from './lib/wait.mjs';

const TOKEN = 'a-token-of-32-bytes-or-something';
const JSON_TYPE = { 'Content-Type': 'application/json' };
const GOOD = { ...JSON_TYPE, Authorization: `Bearer ${TOKEN}` };

const CONFIG = {
	publish: { tokenFile: 'token', maxBytes: 1000 },
	feedDefaults: { encode: 'json', batch: { interval: 0 } },
	feeds: [
		{ channel: 'news' },
		{ pattern: 'ticks.*', event: 'tick', room: '{1}' },
		{ channel: 'text', encode: 'text' },
	],
	namespaces: {
		'/': { on: { join: [{ join: '{1}' }, { ack: [] }] } },
		'/admin': { on: { join: [{ join: '{1}' }, { ack: [] }] } },
	},
};

async function start(cleanup, workers) {
	const setup = await configure(cleanup, { ...CONFIG, workers });
	const tokenFile = path.join(path.dirname(setup.file), 'token');
	fs.writeFileSync(tokenFile, `${TOKEN}\n`);
	return { ...setup, tokenFile, child: await launchSiocast(cleanup, setup) };
}

const post = (server, body, headers = GOOD) =>
	request(server.admin, 'POST', '/publish', headers, typeof body === 'string' ? body : JSON.stringify(body));

// Without Redis, with one worker that runs the feed, and with several.
for (const workers of [1, 3]) {
	suite(`POST /publish, workers: ${workers}`, (cleanup) => start(cleanup, workers), (server) => {
		test('messages take the way of the feeds, events go to clients, all in their order', limit(), () => withCleanup(async (cleanup) => {
			const sockets = [];
			for (let i = 0; i < 4; i++) sockets.push(await connect(cleanup, server, { transports: [i % 2 ? 'websocket' : 'polling'] }));
			const admin = await connect(cleanup, server, { namespace: '/admin' });
			await ask(sockets[0], 'join', 'ACME');
			await ask(admin, 'join', 'ACME');
			const seen = [...sockets, admin].map((socket) => {
				const list = [];
				socket.onAny((...event) => list.push(event));
				return list;
			});
			const ends = [...sockets, admin].map((socket) => collect(socket, 'end'));
			const answer = await post(server, [
				{ channel: 'news', message: { n: 1, exact: 'ÄÖÜ' } },
				{ event: 'all', args: [1, ['zwei'], { drei: null }] },
				{ channel: 'ticks.ACME', message: 2.5 },
				{ channel: 'ticks.OTHER', message: 3 },
				{ channel: 'text', message: 'no "JSON"' },
				{ channel: 'of nobody', message: 0 },
				{ room: 'ACME', event: 'room' },
				{ namespace: '/admin', event: 'alarm', args: ['x'] },
				{ namespace: '/admin', room: 'ACME', event: 'inside', args: [true] },
				{ namespace: '/unknown', event: 'lost' },
				{ event: 'end' },
				{ namespace: '/admin', event: 'end' },
			]);
			assert.equal(answer.status, 200, answer.text);
			assert.deepEqual(answer.json, { accepted: 12 });
			for (const end of ends) await end.next();
			const all = ['all', 1, ['zwei'], { drei: null }];
			const rest = [['news', { n: 1, exact: 'ÄÖÜ' }], all, ['text', 'no "JSON"'], ['end']];
			assert.deepEqual(seen[0], [rest[0], all, ['tick', 2.5], rest[2], ['room'], ['end']]);
			for (const list of seen.slice(1, 4)) assert.deepEqual(list, rest);
			assert.deepEqual(seen[4], [['alarm', 'x'], ['inside', true], ['end']]);
		}));

		test('several rooms, each client once, and who is left out', limit(), () => withCleanup(async (cleanup) => {
			const modes = ['websocket', 'polling', 'websocket', 'polling', 'websocket'];
			const sockets = [];
			for (const mode of modes) sockets.push(await connect(cleanup, server, { transports: [mode] }));
			const rooms = [['a'], ['a', 'b'], ['b', 'c'], ['c'], []];
			for (const [i, names] of rooms.entries()) for (const name of names) await ask(sockets[i], 'join', name);
			const seen = sockets.map((socket) => {
				const list = [];
				socket.onAny((event, ...args) => list.push([event, ...args].join(' ')));
				return list;
			});
			const ends = sockets.map((socket) => collect(socket, 'end'));
			const answer = await post(server, [
				{ room: ['a', 'b'], event: 'ab', args: [1] },
				{ room: ['a', 'b', 'a', 'nobody'], except: 'c', event: 'ab-c' },
				{ room: 'a', except: [sockets[1].id], event: 'a-1' },
				{ except: ['a', sockets[4].id], event: 'not a' },
				{ room: [sockets[3].id, sockets[4].id], event: 'ids' },
				{ room: [], event: 'nobody' },
				{ event: 'end' },
			]);
			assert.deepEqual([answer.status, answer.json], [200, { accepted: 7 }]);
			for (const end of ends) await end.next();
			assert.deepEqual(seen, [
				['ab 1', 'ab-c', 'a-1', 'end'],
				['ab 1', 'ab-c', 'end'],
				['ab 1', 'not a', 'end'],
				['not a', 'ids', 'end'],
				['ids', 'end'],
			]);
		}));

		test('a request with the key of another is taken once', limit(), () => withCleanup(async (cleanup) => {
			const socket = await connect(cleanup, server);
			const once = collect(socket, 'once');
			const end = collect(socket, 'finally');
			const keyed = { ...GOOD, 'Idempotency-Key': `key of ${workers}` };
			const body = [{ event: 'once', args: [1] }, { event: 'once', args: [2] }];
			for (let i = 0; i < 3; i++) {
				const answer = await post(server, body, keyed);
				assert.deepEqual([answer.status, answer.json], [200, { accepted: 2 }]);
			}
			assert.equal((await post(server, [...body, { event: 'once' }], keyed)).status, 422);
			assert.equal((await post(server, { event: 'once', args: [3] }, { ...GOOD, 'Idempotency-Key': 'x'.repeat(256) })).status, 400);
			// A mistake is not remembered.
			const wrong = { ...GOOD, 'Idempotency-Key': `another of ${workers}` };
			assert.equal((await post(server, { event: 1 }, wrong)).status, 400);
			assert.equal((await post(server, { event: 'finally' }, wrong)).status, 200);
			await end.next();
			assert.deepEqual(once.items, [[1], [2]]);
			assert.equal(await metric(server, 'publish_requests_total{result="again"}'), 2);
		}));
	}, SIOCAST_ONLY);
}

suite('what POST /publish refuses', (cleanup) => start(cleanup, 2), (server) => {
	const refused = async (answer, status, error) => {
		assert.equal(answer.status, status, answer.text);
		assert.equal(answer.header('content-type'), 'application/json');
		assert.equal(answer.json.error, error);
	};

	test('who has no token', limit(), async () => {
		const none = await post(server, { event: 'e' }, JSON_TYPE);
		await refused(none, 401, 'a bearer token is needed');
		assert.equal(none.header('www-authenticate'), 'Bearer');
		for (const said of [`Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(1)}`, `Basic ${TOKEN}`, 'Bearer']) {
			await refused(await post(server, { event: 'e' }, { ...JSON_TYPE, Authorization: said }), 401, 'wrong token');
		}
		await refused(await post(server, 'x'.repeat(2000), JSON_TYPE), 401, 'a bearer token is needed');
		assert.equal(await metric(server, 'publish_requests_total{result="token"}'), 6);
	});

	test('what is no publication, as a whole', limit(), () => withCleanup(async (cleanup) => {
		const socket = await connect(cleanup, server);
		const got = collect(socket, 'e');
		await refused(await post(server, '{"event":'), 400, 'the body is not one JSON value');
		await refused(await post(server, ''), 400, 'the body is not one JSON value');
		await refused(await post(server, { event: 'disconnect' }), 400, '"event" is a reserved name, clients would refuse it');
		const third = await post(server, [{ event: 'e', args: [1] }, { event: 'e', args: [2] }, { event: 'e', args: 3 }]);
		await refused(third, 400, '"args" must be a list');
		assert.equal(third.json.at, 2);
		await refused(await post(server, { event: 'e', args: ['x'.repeat(1000)] }), 413, 'the body is larger than publish.maxBytes');
		for (const type of ['text/plain', 'application/jsonx', 'application/x-www-form-urlencoded']) {
			await refused(await post(server, { event: 'e' }, { ...GOOD, 'Content-Type': type }), 415, 'the body must be application/json');
		}
		await post(server, { event: 'e', args: ['good'] }, { ...GOOD, 'Content-Type': 'application/json; charset=utf-8' });
		assert.deepEqual(await got.next(), ['good']);
	}));

	test('other methods, and names that a page could have', limit(), async () => {
		for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
			const answer = await request(server.admin, method, '/publish', GOOD);
			assert.equal(answer.status, 405);
			assert.equal(answer.header('allow'), 'POST');
		}
		const rebound = await post(server, { event: 'e' }, { ...GOOD, Host: 'evil.example.org' });
		assert.equal(rebound.status, 403);
		assert.match((await request(server.admin, 'GET', '/')).text, /^\/publish /m);
	});

	test('the file is read anew, and one that is gone lets nobody in', limit(), async () => {
		const next = 'the-next-token-of-many-bytes';
		fs.writeFileSync(server.tokenFile, `${next}\n${TOKEN}\n`);
		for (const token of [next, TOKEN]) {
			assert.equal((await post(server, [], { ...JSON_TYPE, Authorization: `Bearer ${token}` })).status, 200);
		}
		fs.writeFileSync(server.tokenFile, next);
		await refused(await post(server, []), 401, 'wrong token');
		fs.unlinkSync(server.tokenFile);
		await refused(await post(server, []), 503, 'the tokens cannot be read');
		fs.writeFileSync(server.tokenFile, TOKEN);
		assert.deepEqual((await post(server, [])).json, { accepted: 0 });
	});

	test('a configuration that cannot work', limit(), () => withCleanup(async (cleanup) => {
		const check = async (config) => {
			const { file } = await configure(cleanup, config);
			const { status, stderr } = spawnSync(SIOCAST, ['-t', '-c', file], { encoding: 'utf8', timeout: LIMIT_MS });
			assert.equal(status, 1);
			return stderr;
		};
		assert.match(await check({ publish: { tokenFile: 'missing' } }), /siocast\.json:\d+:\d+: publish\.tokenFile: .*missing: no such file/);
		assert.match(await check({ publish: { tokenFile: '/dev/null' }, admin: false }), /publish\.tokenFile: "admin" is not set/);
		assert.match(await check({ publish: { tokenFile: 3 } }), /publish\.tokenFile: expected the path of a file or null, not a number/);
		assert.match(await check({ publish: { token: 'x' } }), /publish\.token: unknown key/);
	}));
}, SIOCAST_ONLY);

suite('without publish', (cleanup) => configure(cleanup, { ...CONFIG, publish: {} }), (setup) => {
	test('there is no /publish', limit(), () => withCleanup(async (cleanup) => {
		await launchSiocast(cleanup, setup);
		assert.equal((await post(setup, { event: 'e' })).status, 405);
		assert.equal((await request(setup.admin, 'GET', '/publish')).status, 404);
		assert.doesNotMatch((await request(setup.admin, 'GET', '/')).text, /publish/);
	}));
}, SIOCAST_ONLY);
