// SPDX-License-Identifier: MIT
//
// The official Socket.IO client 4.8.4 against the handlers of a configuration, over each way to connect.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MODES, ask, collect, connect, connectMode, connected, createClient, upgraded } from './lib/client.mjs';
import { SIOCAST_ONLY, startSiocast } from './lib/daemon.mjs';
import { Session, openJoined } from './lib/engine.mjs';
import { freePort } from './lib/ports.mjs';
import { RedisClient, startRedis } from './lib/redis.mjs';
import { suite } from './lib/suite.mjs';
import { limit, once } from './lib/wait.mjs';

const EVERYTHING = {
	connection: [{ emit: ['hello', '{auth}', '{query.token}', '{sid}', '{nsp}'] }],
	message: [{ emit: ['message-back', '...{args}'] }],
	'message-with-ack': [{ ack: ['...{args}'] }],
	both: [{ emit: ['both-back', '{args}', '{1}'] }, { ack: ['{2}', true, null, 1.5, { a: ['{1}'] }] }],
	'empty-ack': [{ ack: [] }],
	subscribe: [{ join: '{1}' }, { ack: [true] }],
	unsubscribe: [{ leave: '{1}' }, { ack: [true] }],
	leave: [{ disconnect: false }],
	quit: [{ disconnect: true }],
	'*': [{ publish: 'uplink' }],
};

const config = {
	namespaces: { '/': { on: EVERYTHING }, '/admin': { on: EVERYTHING }, '/bare': {} },
	feeds: [{ pattern: 'ticks.*', event: 'ticks', room: '{1}', encode: 'json', batch: { interval: 20 } }],
};

async function start(cleanup) {
	const redis = await startRedis(cleanup, await freePort());
	const server = await startSiocast(cleanup, { ...config, redis: redis.url });
	return { cleanup, redis, ...server };
}

const bytes = (n, seed = 1) => Buffer.from(Array.from({ length: n }, (_, i) => (i * 31 + seed) & 0xff));

for (const mode of Object.keys(MODES)) {
	suite(`official client, ${mode}`, start, (server) => {
		const open = (options) => connectMode(server.cleanup, server, mode, options);

		/** Sends arguments through "message" and gives what comes back. */
		const echo = async (socket, ...args) => {
			const back = once(socket, 'message-back');
			socket.emit('message', ...args);
			return back;
		};

		test('connects with auth and query; the transport is the one asked for', limit(), async () => {
			const auth = { token: 'é€😀', nested: { list: [1, 2, { x: null }] } };
			const socket = createClient(server.cleanup, server, { ...MODES[mode], auth, query: { token: 'a b&c=ü' } });
			const hello = once(socket, 'hello');
			await connected(socket);
			assert.match(socket.id, /^[A-Za-z0-9_-]{20}$/);
			assert.deepEqual(await hello, [auth, 'a b&c=ü', socket.id, '/']);
			if (mode === 'upgrade') await upgraded(socket);
			assert.equal(socket.io.engine.transport.name, mode === 'polling' ? 'polling' : 'websocket');
			socket.disconnect();
		});

		test('connects without auth', limit(), async () => {
			const socket = createClient(server.cleanup, server, MODES[mode]);
			const hello = once(socket, 'hello');
			await connected(socket);
			const [auth, token, sid] = await hello;
			assert.ok(auth === null || (typeof auth === 'object' && Object.keys(auth).length === 0));
			assert.equal(token ?? null, null);
			assert.equal(sid, socket.id);
			socket.disconnect();
		});

		test('text of every kind comes back', limit(), async () => {
			const socket = await open();
			const strings = ['', 'ascii', 'é', '漢字かな交じり文', '😀🎉', '\u2028\u2029', 'a\u0000b', '\x1e', '"\\/\b\f\n\r\t', '\ud800x'];
			for (const text of strings) assert.deepEqual(await echo(socket, text), [text]);
			assert.deepEqual(await echo(socket, ...strings), strings);
			socket.disconnect();
		});

		test('values of every kind come back', limit(), async () => {
			const socket = await open();
			const values = [
				null, true, false, 0, -0.5, 1e21, 9007199254740991, [], {}, [[[]]],
				{ deep: { er: [1, { s: 'x', t: [] }] }, 'key with "quotes"': 1, __proto_: {}, 'é': 'ü' },
			];
			assert.deepEqual(await echo(socket, ...values), values);
			assert.deepEqual(await echo(socket), []);
			const deep = JSON.parse(`${'['.repeat(40)}${']'.repeat(40)}`);
			assert.deepEqual(await echo(socket, deep), [deep]);
			socket.disconnect();
		});

		test('binary comes back, wherever it stands', limit(), async () => {
			const socket = await open();
			const [a, b] = [bytes(10), bytes(300, 7)];
			assert.deepEqual(await echo(socket, a), [a]);
			assert.deepEqual(await echo(socket, Buffer.alloc(0)), [Buffer.alloc(0)]);
			const nested = { first: a, list: [1, b, { x: a }], text: 'between' };
			assert.deepEqual(await echo(socket, 'front', nested, b), ['front', nested, b]);
			const ten = Array.from({ length: 10 }, (_, i) => bytes(i + 1, i));
			assert.deepEqual(await echo(socket, ten), [ten]);
			socket.disconnect();
		});

		test('what looks like a placeholder in plain data stays what it is', limit(), async () => {
			const socket = await open();
			const fake = { _placeholder: true, num: 0 };
			assert.deepEqual(await echo(socket, fake), [fake]);
			socket.disconnect();
		});

		test('half a megabyte comes back, as text and as binary', limit(), async () => {
			const socket = await open();
			const text = 'a long text, é€😀. '.repeat(20000);
			assert.deepEqual(await echo(socket, text), [text]);
			const binary = bytes(500_000);
			const [back] = await echo(socket, binary);
			assert.ok(Buffer.compare(binary, back) === 0);
			socket.disconnect();
		});

		test('acknowledgements carry what the handlers give', limit(), async () => {
			const socket = await open();
			assert.deepEqual(await ask(socket, 'message-with-ack', 'x', 1, { y: 'é' }), ['x', 1, { y: 'é' }]);
			assert.deepEqual(await ask(socket, 'message-with-ack', bytes(5), [bytes(6)]), [bytes(5), [bytes(6)]]);
			assert.deepEqual(await ask(socket, 'empty-ack'), []);
			const back = once(socket, 'both-back');
			assert.deepEqual(await ask(socket, 'both', 'one', 'two'), ['two', true, null, 1.5, { a: ['one'] }]);
			assert.deepEqual(await back, [['one', 'two'], 'one']);
			const many = await Promise.all(Array.from({ length: 50 }, (_, i) => ask(socket, 'message-with-ack', i)));
			assert.deepEqual(many, many.map((_, i) => [i]));
			socket.disconnect();
		});

		test('a handler that acknowledges does nothing for an event that asks for none', limit(), async () => {
			const socket = await open();
			socket.emit('message-with-ack', 'nobody asked');
			assert.deepEqual(await echo(socket, 'still there'), ['still there']);
			socket.disconnect();
		});

		test('many events keep their order', limit(), async () => {
			const socket = await open();
			const back = collect(socket, 'message-back');
			for (let i = 0; i < 200; i++) socket.emit('message', i, i % 3 === 0 ? bytes(i) : 'text');
			await back.until((items) => items.length >= 200, '200 echoes');
			assert.deepEqual(back.items.map(([i]) => i), Array.from({ length: 200 }, (_, i) => i));
			assert.ok(back.items.every(([i, value]) => (i % 3 === 0 ? bytes(i).equals(value) : value === 'text')));
			socket.disconnect();
		});

		test('several namespaces on one connection', limit(), async () => {
			const root = createClient(server.cleanup, server, MODES[mode]);
			const admin = root.io.socket('/admin');
			const bare = root.io.socket('/bare');
			const hello = once(admin, 'hello');
			await Promise.all([connected(root), connected(admin), connected(bare)]);
			assert.equal(new Set([root.id, admin.id, bare.id, root.io.engine.id]).size, 4);
			assert.deepEqual((await hello)[3], '/admin');
			const wrong = collect(root, 'message-back');
			assert.deepEqual(await echo(admin, 'for admin'), ['for admin']);
			assert.deepEqual(await ask(admin, 'message-with-ack', 1), [1]);
			assert.deepEqual(await echo(root, 'for root'), ['for root']);
			assert.deepEqual(wrong.items, [['for root']]);
			admin.disconnect();
			assert.deepEqual(await echo(root, 'root stays'), ['root stays']);
			admin.connect();
			await connected(admin);
			assert.deepEqual(await echo(admin, 'admin is back'), ['admin is back']);
			root.disconnect();
			bare.disconnect();
			assert.deepEqual(await echo(admin, 'alone'), ['alone']);
			admin.disconnect();
		});

		test('an unknown namespace is refused, the connection stays', limit(), async () => {
			const root = await open();
			const nowhere = root.io.socket('/nowhere');
			const failed = once(nowhere, 'connect_error');
			nowhere.connect();
			const [error] = await failed;
			assert.equal(error.message, 'Invalid namespace');
			assert.equal(nowhere.connected, false);
			assert.deepEqual(await echo(root, 'fine'), ['fine']);
			root.disconnect();
		});

		test('the server can put a client out of a namespace', limit(), async () => {
			const root = await open();
			const admin = root.io.socket('/admin');
			admin.connect();
			await connected(admin);
			const out = once(admin, 'disconnect');
			admin.emit('leave');
			assert.equal((await out)[0], 'io server disconnect');
			assert.deepEqual(await echo(root, 'root stays'), ['root stays']);
			root.disconnect();
		});

		test('and close the whole connection', limit(), async () => {
			const root = await open();
			const out = once(root, 'disconnect');
			root.emit('quit');
			assert.equal((await out)[0], 'io server disconnect');
		});

		test('a client that leaves and comes back is a new one', limit(), async () => {
			const socket = await open();
			const first = socket.id;
			socket.disconnect();
			await connected(socket);
			assert.notEqual(socket.id, first);
			assert.deepEqual(await echo(socket, 'again'), ['again']);
			socket.disconnect();
		});

		test('rooms: joined and left by handlers', limit(), async () => {
			const [one, two] = [await open(), await open()];
			const heard = [collect(one, 'ticks'), collect(two, 'ticks')];
			assert.deepEqual(await ask(one, 'subscribe', 'A'), [true]);
			assert.deepEqual(await ask(two, 'subscribe', 'B'), [true]);
			await server.redis.client.hasSubscribers(['ticks.*']);
			const publish = (room, n) => server.redis.client.publish(`ticks.${room}`, JSON.stringify({ room, n }));
			await publish('B', 1);
			assert.deepEqual(await heard[1].next(), [[{ room: 'B', n: 1 }]]);
			await publish('A', 2);
			assert.deepEqual(await heard[0].next(), [[{ room: 'A', n: 2 }]]);
			assert.deepEqual(await ask(one, 'unsubscribe', 'A'), [true]);
			assert.deepEqual(await ask(two, 'subscribe', 'A'), [true]);
			await publish('A', 3);
			assert.deepEqual(await heard[1].next(), [[{ room: 'A', n: 3 }]]);
			assert.deepEqual(await ask(one, 'subscribe', 'B'), [true]);
			await publish('B', 4);
			assert.deepEqual(await heard[0].next(), [[{ room: 'B', n: 4 }]]);
			one.disconnect();
			two.disconnect();
		});

		test('events reach Redis by publish', limit(), async () => {
			const listener = await RedisClient.open(server.cleanup, server.redis.port);
			await listener.subscribe('uplink');
			const socket = await open();
			socket.emit('draw', { x: 1, text: 'é€😀"' }, [2, null]);
			const { channel, message } = await listener.messages.next();
			assert.equal(channel, 'uplink');
			const expected = { event: 'draw', args: [{ x: 1, text: 'é€😀"' }, [2, null]], sid: socket.id, nsp: '/' };
			assert.deepEqual(JSON.parse(message), expected);
			socket.disconnect();
		});

		test('an event nobody handles is ignored', limit(), async () => {
			const bare = await open({ namespace: '/bare' });
			bare.emit('anything', { at: 'all' }, bytes(3));
			bare.volatile.emit('more');
			const root = bare.io.socket('/');
			root.connect();
			await connected(root);
			assert.deepEqual(await echo(root, 'works'), ['works']);
			root.disconnect();
			bare.disconnect();
		});
	});
}

suite('raw packets', start, (server) => {
	test('an id is answered as it came, up to the largest a client can count', limit(), async () => {
		const socket = await openJoined(server);
		await socket.nextText('hello');
		for (const id of ['0', '1', '10', '4294967296', '9007199254740991']) {
			await socket.text(`42${id}["message-with-ack","x"]`);
			assert.equal(await socket.nextText(), `43${id}["x"]`);
		}
		await socket.text('42007["message-with-ack"]');
		assert.equal(await socket.nextText(), '437[]');
		socket.close();
	});

	test('answers name the namespace of their event', limit(), async () => {
		const socket = await openJoined(server, '/admin,');
		await socket.nextText('hello');
		await socket.text('42/admin,3["message-with-ack","x"]');
		assert.equal(await socket.nextText(), '43/admin,3["x"]');
		await socket.text('42/admin,["message","y"]');
		assert.equal(await socket.nextText(), '42/admin,["message-back","y"]');
		await socket.text('451-/admin,4["message-with-ack",{"_placeholder":true,"num":0}]');
		await socket.binary(Buffer.from([1, 2]));
		assert.equal(await socket.nextText(), '461-/admin,4[{"_placeholder":true,"num":0}]');
		assert.deepEqual((await socket.next()).binary, Buffer.from([1, 2]));
		socket.close();
	});

	test('an event in pieces over polling: text in one POST, attachments in others', limit(), async () => {
		const session = await Session.open(server);
		await session.post('40');
		await session.packets(2);
		const holder = (num) => `{"_placeholder":true,"num":${num}}`;
		await session.post(`452-7["message-with-ack",${holder(1)},${holder(0)}]`);
		await session.post('bAQ==');
		await session.post(`bAg==\x1e421["message-with-ack","next"]`);
		const expected = [`462-7[${holder(0)},${holder(1)}]`, 'bAg==', 'bAQ==', '431["next"]'];
		assert.deepEqual(await session.packets(4), expected);
	});

	test('binary arguments of a published event come along as base64', { ...limit(), skip: SIOCAST_ONLY }, async () => {
		const listener = await RedisClient.open(server.cleanup, server.redis.port);
		await listener.subscribe('uplink');
		const socket = await connect(server.cleanup, server, MODES.websocket);
		socket.emit('upload', { name: 'x', data: bytes(5) }, bytes(300));
		const { event, args, attachments } = JSON.parse((await listener.messages.next()).message);
		assert.equal(event, 'upload');
		const read = ({ _placeholder, num }) => _placeholder && Buffer.from(attachments[num], 'base64');
		assert.equal(args[0].name, 'x');
		assert.deepEqual([read(args[0].data), read(args[1])], [bytes(5), bytes(300)]);
		socket.disconnect();
	});
});

async function startPlain(cleanup) {
	return { cleanup, ...(await startSiocast(cleanup)) };
}

suite('an empty configuration', startPlain, (server) => {
	test('serves the main namespace', limit(), async () => {
		const socket = await connect(server.cleanup, server);
		assert.equal(socket.connected, true);
		socket.disconnect();
	});
});
