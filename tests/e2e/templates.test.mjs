// SPDX-License-Identifier: MIT
//
// The language of templates, as the official client and a feed see it: members, lists, the request's headers and cookies, rooms,
// reasons; and what `siocast -t` says where a placeholder cannot stand.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { MODES, ask, collect, connect, connectMode, connected, createClient } from './lib/client.mjs';
import { SIOCAST, SIOCAST_ONLY, configure, feedsReady, startSiocast } from './lib/daemon.mjs';
import { freePort } from './lib/ports.mjs';
import { RedisClient, startRedis } from './lib/redis.mjs';
import { suite } from './lib/suite.mjs';
import { LIMIT_MS, eventually, limit, once } from './lib/wait.mjs';

const ON = {
	connection: [
		{ emit: ['hello', '{header.X-User}', '{cookie.connect.sid}', '{query}', '{header.none}', 'for {header.x-user}', '{rooms}'] },
		{ join: ['user.{header.x-user}', 'sid.{cookie.connect.sid}'] },
		{ emit: ['joined', '{rooms}'] },
	],
	subscribe: [{ join: 'sym.{1}' }, { ack: ['{rooms}'] }],
	'subscribe one': [{ join: '{1.symbol}' }, { ack: ['{1.symbol}', '{1/a~1b}', '{rooms}'] }],
	'subscribe all': [{ join: '{nsp}{args}' }, { ack: ['{rooms}'] }],
	product: [{ join: '{1}.{2}' }, { ack: ['{rooms}'] }],
	unsubscribe: [{ leave: 'sym.{1}' }, { ack: ['{rooms}'] }],
	'leave all': [{ leave: '{rooms}' }, { ack: ['{rooms}'] }],
	braces: [{ ack: ['{{1}} is {1}', 'US$ 5', '{$}1', { '{1}': '{event}' }] }],
	disconnect: [{ publish: 'gone.{reason}' }],
	'*': [{ publish: 'up.{event}' }],
};

// What may be missing, whole objects, and names that letters do not spell.
const NAMES = ['a b', 'a.b', 'a/b', 'a~b', 'a[b]', 'a"b\\', 'a?b', 'é', 'a=b&c'];
const MAYBE = {
	connection: [
		{ emit: ['objects', '{auth}', '{query}', '{header}', 'auth {auth}'] },
		{ emit: ['missing', '{auth.id?}', '{query.x?}', 'last', '{auth/a b?}'] },
		{ emit: ['names', ...NAMES.map((name) => `{query/${name.replaceAll('~', '~0').replaceAll('/', '~1')}}`)] },
	],
	ask: [{ ack: ['{1?}', ['{2?}', '{1.a?}'], '{3?}'] }],
};

const config = {
	logLevel: 'debug',
	namespaces: { '/': { on: ON }, '/all': { on: { connection: [{ emit: ['hello', '{header}', '{cookie}'] }] } }, '/maybe': { on: MAYBE } },
	feeds: [{ channel: 'quotes', event: 'quote {/type}', room: 'sym.{/symbol}', encode: 'json', batch: { interval: 0 } }],
};

async function start(cleanup) {
	const redis = await startRedis(cleanup, await freePort());
	const server = await startSiocast(cleanup, { ...config, redis: redis.url });
	return { cleanup, redis, ...server };
}

const extraHeaders = { 'X-User': 'ann', Cookie: 'a=1; connect.sid=s%3Ax%2By+z; connect.sid=2', 'X-Other': 'secret' };
const hello = ['ann', 's:x+y+z', null, 'for ann', []];

for (const mode of Object.keys(MODES)) {
	suite(`templates, ${mode}`, start, (server) => {
		const open = () => connectMode(server.cleanup, server, mode, { extraHeaders, query: { 'a b': 'ü"' } });

		test('headers, cookies and the query of the handshake', limit(), async () => {
			const socket = createClient(server.cleanup, server, { ...MODES[mode], extraHeaders, query: { 'a b': 'ü"' } });
			const greeted = once(socket, 'hello');
			const joined = once(socket, 'joined');
			await connected(socket);
			const [user, sid, query, ...rest] = await greeted;
			assert.deepEqual([user, sid, ...rest], hello);
			assert.equal(query['a b'], 'ü"');
			assert.equal(query.EIO, '4');
			assert.deepEqual(await joined, [['user.ann', 'sid.s:x+y+z']]);
			socket.disconnect();
		});

		test('a room for each element of a list', limit(), async () => {
			const socket = await open();
			const base = ['user.ann', 'sid.s:x+y+z'];
			assert.deepEqual(await ask(socket, 'subscribe', ['A', 'Bé', 7]), [[...base, 'sym.A', 'sym.Bé', 'sym.7']]);
			assert.deepEqual(await ask(socket, 'unsubscribe', ['A', 7]), [[...base, 'sym.Bé']]);
			assert.deepEqual(await ask(socket, 'subscribe', 'C'), [[...base, 'sym.Bé', 'sym.C']]);
			assert.deepEqual(await ask(socket, 'leave all'), [[]]);
			assert.deepEqual(await ask(socket, 'subscribe all', 'x', 'y'), [['/x', '/y']]);
			assert.deepEqual(await ask(socket, 'product', ['a'], 'b'), [['/x', '/y', 'a.b']]);
			socket.disconnect();
		});

		test('members of an argument', limit(), async () => {
			const socket = await open();
			await ask(socket, 'leave all');
			const order = { symbol: ['A', 'B'], 'a/b': { deep: [1] } };
			assert.deepEqual(await ask(socket, 'subscribe one', order), [['A', 'B'], { deep: [1] }, ['A', 'B']]);
			socket.disconnect();
		});

		test('a feed reaches the rooms', limit(), async () => {
			const socket = await open();
			const quotes = collect(socket, 'quote bid');
			await feedsReady(server.redis, server);
			await ask(socket, 'subscribe', ['ACME', 'X']);
			const publish = (quote) => server.redis.client.publish('quotes', JSON.stringify(quote));
			await publish({ type: 'bid', symbol: 'OTHER' });
			await publish({ type: 'bid', symbol: { ACME: 1 } }); // an object is no room
			await publish({ type: 'bid', symbol: 'X', price: 1.5 });
			assert.deepEqual(await quotes.next(), [{ type: 'bid', symbol: 'X', price: 1.5 }]);
			socket.disconnect();
		});

		test('text that looks like a placeholder', limit(), async () => {
			const socket = await open();
			assert.deepEqual(await ask(socket, 'braces', 2), ['{1} is 2', 'US$ 5', '$1', { '{1}': 'braces' }]);
			socket.disconnect();
		});

		test('event and reason in the name of a channel', limit(), async () => {
			const listener = await RedisClient.open(server.cleanup, server.redis.port);
			await listener.command('PING');
			await listener.subscribe('up.any event');
			await listener.subscribe('gone.client namespace disconnect');
			const socket = await open();
			socket.emit('any event', 1);
			// The client of the test before may be told of late.
			while ((await listener.messages.next()).channel !== 'up.any event');
			socket.disconnect();
			const { message } = await listener.messages.next();
			assert.deepEqual(JSON.parse(message).args, ['client namespace disconnect']);
			await listener.close();
		});
	}, SIOCAST_ONLY);
}

suite('templates', start, (server) => {
	test('all headers and cookies, where they are asked for', limit(), async () => {
		const socket = createClient(server.cleanup, server, { ...MODES.websocket, extraHeaders, namespace: '/all' });
		const greeted = once(socket, 'hello');
		await connected(socket);
		const [headers, cookies] = await greeted;
		assert.equal(headers['x-other'], 'secret');
		assert.equal(headers.upgrade, 'websocket');
		assert.equal(headers.cookie, extraHeaders.Cookie);
		assert.deepEqual(cookies, { a: '1', 'connect.sid': 's:x+y+z' });
		socket.disconnect();
	});

	for (const [name, options] of Object.entries(MODES)) {
		test(`whole objects, and what is missing, ${name}`, limit(), async () => {
			const open = async (auth, query) => {
				const socket = createClient(server.cleanup, server, { ...options, namespace: '/maybe', auth, query });
				const all = ['objects', 'missing', 'names'].map((event) => once(socket, event));
				await connected(socket);
				const [objects, missing, names] = await Promise.all(all);
				return { socket, objects, missing, names };
			};
			const query = Object.fromEntries(NAMES.map((key, i) => [key, `${i} "é`]));
			const nobody = await open(undefined, query);
			const [auth, whole, header, text] = nobody.objects;
			assert.deepEqual([auth, text], [{}, 'auth {}']);
			for (const key of NAMES) assert.equal(whole[key], query[key]);
			assert.match(header.host, /^127/);
			assert.deepEqual(nobody.missing, ['last']);
			assert.deepEqual(nobody.names, Object.values(query));
			const somebody = await open({ id: null, 'a b': 7 }, { x: '' });
			assert.deepEqual(somebody.objects[0], { id: null, 'a b': 7 });
			assert.deepEqual(somebody.missing, [null, '', 'last', 7]);
			for (const [args, expected] of [[[], [[]]], [[1], [1, []]], [[{ a: 1 }, 2, 3], [{ a: 1 }, [2, 1], 3]], [[null], [null, []]]]) {
				const answer = await new Promise((resolve) => somebody.socket.emit('ask', ...args, (...all) => resolve(all)));
				assert.deepEqual(answer, expected);
			}
			nobody.socket.disconnect();
			somebody.socket.disconnect();
		});
	}

	test('what is left out is told with its reason', limit(), async () => {
		const socket = await connect(server.cleanup, server, MODES.websocket);
		assert.deepEqual(await ask(socket, 'subscribe', null), [[]]);
		assert.deepEqual(await ask(socket, 'product', ['a'], ['b']), [[]]);
		const lines = [
			/action-skipped.* name="connection" action=join target="user\.\{header\.x-user\}" why="a value is missing"/,
			/action-skipped.* name="subscribe" action=join target="sym\.\{1\}" why="a value is missing"/,
			/action-skipped.* name="product" action=join target="\{1\}\.\{2\}" why="two lists in one name"/,
		];
		for (const line of lines) await eventually(() => line.test(server.child.output), `a line like ${line}`);
		socket.disconnect();
	});
}, SIOCAST_ONLY);

// What stands where, and what the message must name.
const MISTAKES = [
	[{ feeds: [{ channel: 'a', room: '{auth.x}' }] }, /feeds\[0\]\.room: \{auth\.x\} stands for nothing in a feed: there are \{channel\}/],
	[{ feeds: [{ pattern: 'a.*', event: '{1.symbol}' }] }, /event: \{1\.symbol\}: \{1\} has no members in a feed/],
	[{ on: { x: [{ join: '{channel}' }] } }, /\/x\/0\/join: \{channel\} stands for nothing in the handler of an event: there are \{1\}/],
	[{ on: { x: [{ join: '{/symbol}' }] } }, /\/x\/0\/join: \{\/symbol\} is a value in a feed's message/],
	[{ on: { x: [{ emit: ['y', { z: ['{reason}'] }] }] } }, /\/x\/0\/emit\/1\/z\/0: \{reason\} stands for nothing/],
	[{ on: { connection: [{ emit: ['y', '{event}'] }] } }, /\/connection\/0\/emit\/1: \{event\} stands for nothing at "connection": there are \{auth\}/],
	[{ on: { disconnect: [{ publish: 'x.{1}' }] } }, /\/disconnect\/0\/publish: \{1\} stands for nothing at "disconnect": there are \{reason\}/],
	[{ on: { x: [{ publish: '{rooms}' }] } }, /\{rooms\} is a list and cannot be in one name/],
	[{ on: { x: [{ join: '{query}' }] } }, /\{query\} is an object and names nothing; .*\{query\.name\}/],
	[{ on: { x: [{ join: '$1' }] } }, /\/x\/0\/join: "\$1" of siocast 0\.1 is "\{1\}" now/],
	[{ on: { x: [{ join: '$1.symbol' }] } }, /is "\{1\.symbol\}" now/],
	[{ on: { x: [{ emit: ['y', '...$args'] }] } }, /is "\{args\}" now/],
	[{ on: { x: [{ emit: ['y', 'for $auth.user.name!'] }] } }, /is "\{auth\.user\.name\}" now/],
	[{ on: { x: [{ emit: ['y', { z: '{auth?}' }] }] } }, /cannot end with '\?', but for a whole element of a list/],
	[{ on: { x: [{ emit: ['y', '{"a":1}'] }] } }, /unknown placeholder .*"\{\{" is a brace/],
];

describe('siocast -t', { skip: SIOCAST_ONLY }, () => {
	for (const [part, pattern] of MISTAKES) {
		test(JSON.stringify(part), limit(), () =>
			withCleanup(async (cleanup) => {
				const { on, ...rest } = part;
				const { file } = await configure(cleanup, { ...rest, ...(on && { namespaces: { '/': { on } } }) });
				const { status, stderr } = spawnSync(SIOCAST, ['-t', '-c', file], { encoding: 'utf8', timeout: LIMIT_MS });
				assert.match(stderr, pattern);
				assert.equal(status, 1);
			}),
		);
	}
});
