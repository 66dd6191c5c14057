// SPDX-License-Identifier: MIT
//
// Handlers that choose: conditions, rates, and messages of their own for Redis; and what is wrong with them, told with its place.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { ask, collect, connect, createClient, connected } from './lib/client.mjs';
import { SIOCAST, SIOCAST_ONLY, configure, startSiocast } from './lib/daemon.mjs';
import { metric } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { RedisClient, startRedis } from './lib/redis.mjs';
import { suite } from './lib/suite.mjs';
import { limit, once } from './lib/wait.mjs';

const DAY = 86400000;
const on = {
	connection: [{ publish: { channel: 'up', headers: ['user-agent', 'x-none'] } }],
	choose: [
		{
			if: { '/args/0/n': { '>': 5 }, '/query/kind': 'a' },
			then: [{ if: { '/args/1': { exists: true } }, ack: ['large', '{2}'] }, { ack: ['large'] }],
			else: [{ ack: ['small'] }],
		},
	],
	raw: [{ publish: { channel: 'up', message: '{1}' } }],
	built: [{ publish: { channel: 'up', message: { by: '{sid}', all: ['...{args}'] } } }],
	few: [{ rate: { events: 3, per: DAY } }, { ack: ['{1}'] }],
	last: [{ rate: { events: 1, per: DAY, then: 'disconnect' } }, { ack: [] }],
};
const config = {
	workers: 2,
	namespaces: { '/': { on }, '/slow': { on: { e: [{ ack: ['{1}'] }] }, rate: { events: 2, per: DAY, then: 'drop' } } },
};

async function start(cleanup) {
	const redis = await startRedis(cleanup, await freePort());
	const heard = await RedisClient.open(cleanup, redis.port);
	await heard.subscribe('up');
	return { cleanup, heard, ...(await startSiocast(cleanup, { ...config, redis: redis.url })) };
}

suite('actions', start, (server) => {
	const next = async () => (await server.heard.messages.next('a message')).message;
	const open = (options) => connect(server.cleanup, server, { transports: ['websocket'], query: { kind: 'a' }, ...options });

	test('the envelope of a connection', limit(), async () => {
		const options = { auth: { token: 1 }, extraHeaders: { 'User-Agent': 'test "1"' }, query: { kind: 'a', q: 'x y' } };
		const socket = await open(options);
		const { query, ...rest } = JSON.parse(await next());
		assert.deepEqual(rest, {
			event: 'connection', args: [], sid: socket.id, nsp: '/', auth: { token: 1 }, address: '127.0.0.1',
			headers: { 'user-agent': 'test "1"' },
		});
		assert.equal(query.q, 'x y');
		socket.disconnect();
	});

	test('conditions', limit(), async () => {
		const [a, b] = [await open(), await open({ query: { kind: 'b' } })];
		await next();
		await next();
		assert.deepEqual(await ask(a, 'choose', { n: 6 }), ['large']);
		assert.deepEqual(await ask(a, 'choose', { n: 6 }, [1]), ['large', [1]]);
		assert.deepEqual(await ask(a, 'choose', { n: 5 }), ['small']);
		assert.deepEqual(await ask(a, 'choose'), ['small']);
		assert.deepEqual(await ask(b, 'choose', { n: 6 }), ['small']);
		a.disconnect();
		b.disconnect();
	});

	test('messages of their own', limit(), async () => {
		const socket = await open();
		await next();
		socket.emit('raw', 'te"xt é');
		assert.equal(String(await next()), 'te"xt é');
		socket.emit('raw', Buffer.from([0, 255, 10]));
		assert.deepEqual(Buffer.from(await next()), Buffer.from([0, 255, 10]));
		socket.emit('raw', { a: [1, null] });
		assert.equal(String(await next()), '{"a":[1,null]}');
		socket.emit('built', 1, 'x');
		assert.deepEqual(JSON.parse(await next()), { by: socket.id, all: [1, 'x'] });
		socket.disconnect();
	});

	test('rates', limit(), async () => {
		const socket = await open();
		await next();
		const answers = [];
		for (let i = 0; i < 6; i++) socket.emit('few', i, (n) => answers.push(n));
		assert.deepEqual(await ask(socket, 'choose'), ['small']);
		assert.deepEqual(answers, [0, 1, 2]);
		const slow = createClient(server.cleanup, server, { namespace: '/slow', transports: ['websocket'] });
		await connected(slow);
		for (let i = 0; i < 3; i++) slow.emit('other', i);
		slow.emit('e', 1, () => assert.fail('beyond the rate'));
		const gone = once(socket, 'disconnect');
		await ask(socket, 'last');
		socket.emit('last', () => assert.fail('beyond the rate'));
		assert.deepEqual((await gone)[0], 'io server disconnect');
		assert.equal(await metric(server, 'events_over_rate_total{namespace="/",then="drop"}'), 3);
		assert.equal(await metric(server, 'events_over_rate_total{namespace="/",then="disconnect"}'), 1);
		slow.disconnect();
	});

	test('mistakes have their place', limit(), async () => {
		const wrong = { a: [{ if: { '/args/0': { '>': 1, '=': 2 } }, join: 'x' }, { rate: { events: 0, per: 1 } }, { broadcast: { room: 'x' } }] };
		const { file } = await configure(server.cleanup, { namespaces: { '/': { on: wrong } } });
		const error = await promisify(execFile)(SIOCAST, ['-t', '-c', file]).catch((e) => e);
		assert.match(error.stderr, /:\d+:\d+: namespaces\.\/\.on\.\/args\/0\.=: unknown operator; .*\n[^\n]*\n *\^/);
		assert.match(error.stderr, /:\d+:\d+: namespaces\.\/\.on: \/a\/1\/rate\/events: must be a whole number from 1 to 1000000\n[^\n]*\n *\^/);
		assert.match(error.stderr, /:\d+:\d+: namespaces\.\/\.on: \/a\/2\/broadcast: needs an "event"\n[^\n]*\n *\^/);
	});
}, SIOCAST_ONLY);
