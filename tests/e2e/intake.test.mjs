// SPDX-License-Identifier: MIT
//
// The intake: clients of Redis publish to siocast itself. Libraries as applications have them, what becomes of messages, and who is a burden.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { withCleanup } from './lib/cleanup.mjs';
import { ask, collect, connect, connected, createClient } from './lib/client.mjs';
import { SIOCAST_ONLY, TOP, configure, launchSiocast, startSiocast } from './lib/daemon.mjs';
import { Renewed } from './lib/handover.mjs';
import { request } from './lib/http.mjs';
import { metric } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { RedisClient, startRedis } from './lib/redis.mjs';
import { suite } from './lib/suite.mjs';
import { tool } from './lib/tool.mjs';
import { eventually, limit, once, within } from './lib/wait.mjs';

const packages = createRequire(`${TOP}/tests/adapters/package.json`);
const PUBLISH_PY = fileURLToPath(new URL('./lib/publish.py', import.meta.url));

const single = { encode: 'json', batch: { interval: 0 } };
const text = { encode: 'text', batch: { interval: 0 } };
const HANDLERS = { join: [{ join: '{1}' }, { ack: [] }], say: [{ publish: { channel: 'said', message: '{1}' } }] };
const FEEDS = [
	{ channel: 'news', event: 'news', ...text },
	{ channel: 'said', event: 'said', ...text },
	{ pattern: 'ticks.*', event: 'tick', room: '{1}', ...single },
	{ pattern: 'ticks.A*', event: 'a', where: { '/n': { '>': 1 } }, retain: 'last', ...single },
];

/** A siocast without Redis: {intake: its port}. `options`: of the intake; more: of the configuration. */
async function start(cleanup, options = {}, more = {}, run = startSiocast) {
	const intake = await freePort();
	const server = await run(cleanup, {
		redis: undefined,
		intake: { address: `127.0.0.1:${intake}`, ...options },
		feeds: FEEDS,
		namespaces: { '/': { on: HANDLERS } },
		...more,
	});
	return Object.assign(server, { intake });
}

async function passwordFile(cleanup, password = 'secret') {
	const file = path.join(await cleanup.folder(), 'password');
	fs.writeFileSync(file, password);
	return file;
}

/** What a raw connection says until it ends. */
function say(port, bytes) {
	return within(new Promise((resolve, reject) => {
		let got = '';
		const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes));
		socket.on('data', (some) => (got += some.toString('latin1')));
		socket.on('error', reject);
		socket.on('close', () => resolve(got));
	}), 'the end of a connection');
}

const bulk = (...words) => `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;

/** Libraries: each gives a client that is connected, with `publish` and `end`. */
const LIBRARIES = {
	'node-redis 2': async (port, password) => callbacks(packages('redis-2').createClient(port, '127.0.0.1', { password })),
	'node-redis 3': async (port, password) => callbacks(packages('redis-3').createClient(port, '127.0.0.1', { password })),
	'node-redis 4': (port, password) => promises(packages('redis-4').createClient({ url: `redis://127.0.0.1:${port}`, password, name: 'n4' })),
	'node-redis 5, RESP2': (port, password) => promises(packages('redis-5').createClient({ url: `redis://127.0.0.1:${port}`, password })),
	'node-redis 5, RESP3': (port, password) => promises(packages('redis-5').createClient({ url: `redis://127.0.0.1:${port}`, password, RESP: 3, name: 'n5', database: 3 })),
	ioredis: async (port, password) => {
		const { Redis } = packages('ioredis');
		const redis = new Redis({ port, password, connectionName: 'io', db: 2 });
		await once(redis, 'ready', 'ioredis');
		return { publish: (...args) => redis.publish(...args), refused: () => redis.get('key'), end: () => redis.quit() };
	},
};

async function callbacks(client) {
	await once(client, 'ready', 'the client to be ready');
	const call = (name, ...args) => new Promise((resolve, reject) => client[name](...args, (error, value) => (error ? reject(error) : resolve(value))));
	return { publish: (...args) => call('publish', ...args), refused: () => call('get', 'key'), end: () => call('quit') };
}

async function promises(client) {
	client.on('error', () => {});
	await within(client.connect(), 'the client to connect');
	return { publish: (...args) => client.publish(...args), refused: () => client.get('key'), end: () => client.quit() };
}

for (const password of [undefined, 'secret'])
	suite(`libraries, ${password ? 'with' : 'without'} a password`, async (cleanup) => {
		const server = await start(cleanup, password ? { passwordFile: await passwordFile(cleanup, password) } : {}, { workers: 2 });
		const socket = await connect(cleanup, server);
		return { server, news: collect(socket, 'news') };
	}, (context) => {
		for (const [name, open] of Object.entries(LIBRARIES))
			test(name, limit(), async () => {
				const client = await open(context.server.intake, password);
				assert.equal(await within(client.publish('nobody', 'x'), 'an answer'), 0);
				const sent = Array.from({ length: 200 }, (_, i) => `${name} ${i} \u20ac`);
				assert.deepEqual(await within(Promise.all(sent.map((message) => client.publish('news', message))), 'all answers'), sent.map(() => 1));
				await assert.rejects(within(client.refused(), 'an answer'), /unknown command '?get'?/i);
				await within(client.end(), 'the end');
				for (const message of sent) assert.deepEqual(await context.news.next(), [message]);
			});

		test('redis-cli', limit(), async (t) => {
			const args = ['-p', String(context.server.intake), ...(password ? ['-a', password, '--no-auth-warning'] : [])];
			const cli = (...more) => spawnSync('redis-cli', [...args, ...more], { encoding: 'utf8', timeout: 20000 });
			if (cli('--version').error) return t.skip('redis-cli is not installed');
			assert.equal(cli('publish', 'news', 'by hand').stdout, '1\n');
			assert.equal(cli('-3', 'publish', 'news', 'by RESP3').stdout, '1\n');
			assert.match(cli('subscribe', 'news').stdout, /^ERR unknown command 'subscribe', with args beginning with: 'news' \n/);
			const typed = spawnSync('redis-cli', args, { input: 'publish news "from a line"\nping\n', encoding: 'utf8', timeout: 20000 });
			assert.equal(typed.stdout, '1\nPONG\n');
			for (const message of ['by hand', 'by RESP3', 'from a line']) assert.deepEqual(await context.news.next(), [message]);
		});

		test('redis-py', limit(), async (t) => {
			if (spawnSync('/usr/bin/python3', ['-c', 'import redis']).status !== 0) return t.skip('python3-redis is not installed');
			const { stdout, stderr } = spawnSync('/usr/bin/python3', [PUBLISH_PY, context.server.intake, password ?? ''], { encoding: 'utf8', timeout: 20000 });
			assert.equal(stdout, "True py 1 1\n[1, 1, 1]\nunknown command 'GET', with args beginning with: 'key' \n".replace('py', stdout.match(/True (\S+)/)?.[1] ?? 'py'), stderr);
			for (let i = 1; i < 6; i++) assert.deepEqual(await context.news.next(), [`py ${i}`]);
		});

		test('who has no password is refused', { ...limit(), skip: !password && 'there is none' }, async () => {
			assert.match(await say(context.server.intake, `${bulk('PUBLISH', 'news', 'x')}AUTH wrong\r\nQUIT\r\n`), /^-NOAUTH .*\r\n-WRONGPASS .*\r\n\+OK\r\n$/);
			assert.ok(await metric(context.server, 'intake_errors_total{reason="password"}') >= 1);
		});
	}, SIOCAST_ONLY);

suite('messages', (cleanup) => start(cleanup, {}, { workers: 2 }), (server) => {
	test('go to the feeds of their channel and patterns, and the answer is how many', limit(), () =>
		withCleanup(async (cleanup) => {
			const socket = await connect(cleanup, server);
			const got = collect(socket, 'tick');
			const a = collect(socket, 'a');
			await ask(socket, 'join', 'AB');
			const client = await RedisClient.open(cleanup, server.intake);
			assert.equal(await client.publish('ticks.AB', '{"n":1}'), 2);
			assert.equal(await client.command('SPUBLISH', 'ticks.AB', '{"n":2}'), 2);
			assert.equal(await client.publish('ticks.C', '{"n":3}'), 1);
			assert.equal(await client.publish('ticks.AB', 'no JSON'), 2);
			assert.equal(await client.publish('ticks.AB', '{"n":4}'), 2);
			assert.deepEqual([await got.next(), await got.next(), await got.next()], [[{ n: 1 }], [{ n: 2 }], [{ n: 4 }]]);
			assert.deepEqual([await a.next(), await a.next()], [[{ n: 2 }], [{ n: 4 }]]);
			// What is retained comes to who joins later.
			const joins = createClient(cleanup, server);
			const later = collect(joins, 'a');
			await connected(joins);
			assert.deepEqual(await later.next(), [{ n: 4 }]);
			const { out } = tool(['explain', '-c', server.file, 'ticks.AB', '{"n":5}']);
			assert.match(out, /tick/);
		}));

	test('handlers publish to the feeds where there is no Redis', limit(), () =>
		withCleanup(async (cleanup) => {
			const socket = await connect(cleanup, server);
			const said = collect(await connect(cleanup, server), 'said');
			socket.emit('say', 'hello');
			assert.deepEqual(await said.next(), ['hello']);
			assert.ok(await metric(server, 'publish_sent_total{redis="intake"}') >= 1);
		}));

	test('commands: publish, doctor, tail', limit(), () =>
		withCleanup(async (cleanup) => {
			const news = collect(await connect(cleanup, server), 'news');
			assert.match(tool(['publish', '-c', server.file, 'news'], { input: 'one\ntwo\n' }).out, /^2 published, to 2 subscribers in all\n$/);
			assert.deepEqual([await news.next(), await news.next()], [['one'], ['two']]);
			assert.match(tool(['doctor', '-c', server.file]).out, new RegExp(`ok +intake: 127.0.0.1:${server.intake} answers; there is no Redis beside it`));
			assert.match(tool(['tail', '-c', server.file, 'news']).err, /there is no Redis to hear/);
		}));

	test('in parts of any size, behind others, in one turn', limit(), () =>
		withCleanup(async (cleanup) => {
			const news = collect(await connect(cleanup, server), 'news');
			const large = 'y'.repeat(300000);
			const bytes = Buffer.from(`${bulk('PUBLISH', 'news', 'first')}${bulk('PUBLISH', 'news', large)}PUBLISH news last\r\nQUIT\r\n`);
			const socket = net.connect(server.intake, '127.0.0.1');
			let answer = '';
			socket.setNoDelay(true).on('data', (some) => (answer += some));
			for (let at = 0, n = 1; at < bytes.length; at += n, n = at < 60 ? 1 : 7919) {
				await new Promise((resolve) => socket.write(bytes.subarray(at, at + n), resolve));
			}
			await once(socket, 'close', 'the end');
			assert.equal(answer, ':1\r\n:1\r\n:1\r\n+OK\r\n');
			assert.deepEqual([await news.next(), await news.next(), await news.next()], [['first'], [large], ['last']]);
		}));

	test('the counters add up', limit(), () =>
		withCleanup(async (cleanup) => {
			const client = await RedisClient.open(cleanup, server.intake);
			const before = await metric(server, 'intake_commands_total{command="publish"}');
			await client.publishAll('news', Array(1000).fill('x'));
			await eventually(async () => (await metric(server, 'intake_commands_total{command="publish"}')) - before === 1000, 'all to be counted');
			assert.equal(await metric(server, 'intake_connections'), 1);
			await assert.rejects(client.command('XADD', 'a', '*', 'b', 'c'), /unknown command 'XADD'/);
			await eventually(async () => (await metric(server, 'intake_errors_total{reason="unknown command"}')) >= 1, 'the error to be counted');
			assert.equal((await request(server.admin, 'GET', '/readyz')).status, 200);
		}));
}, SIOCAST_ONLY);

suite('burdens', (cleanup) => start(cleanup, {}, { limits: { messageBytes: 100000 } }), (server) => {
	test('too many, and who says nothing', limit(), () =>
		withCleanup(async (cleanup) => {
			const server = await start(cleanup, { maxClients: 4, timeout: 1 });
			const all = [];
			for (let i = 0; i < 4; i++) all.push(await RedisClient.open(cleanup, server.intake));
			for (const client of all) await client.command('PING');
			assert.equal(await say(server.intake, ''), '-ERR max number of clients reached\r\n');
			assert.equal(await metric(server, 'intake_refused_total'), 1);
			// They are closed after a second, and others come in.
			await eventually(async () => (await metric(server, 'intake_idle_total')) === 4, 'the idle connections to be closed');
			assert.equal(await say(server.intake, 'QUIT\r\n'), '+OK\r\n');
		}));

	test('a message that is too long is refused, and the connection stays', limit(), () =>
		withCleanup(async (cleanup) => {
			const client = await RedisClient.open(cleanup, server.intake);
			await assert.rejects(client.publish('news', 'x'.repeat(100001)), /100001 bytes are more than limits.messageBytes, 100000/);
			assert.equal(await client.publish('news', 'x'.repeat(100000)), 1);
			await assert.rejects(client.publish('news', 'x'.repeat(20_000_000)), /20000000 bytes/);
			assert.equal(await client.publish('news', 'x'), 1);
		}));

	test('who reads no answers is not read, and nobody else waits', limit(), () =>
		withCleanup(async (cleanup) => {
			const socket = net.connect(server.intake, '127.0.0.1');
			cleanup.add(socket, () => socket.destroy());
			socket.on('error', () => {}).pause();
			const word = 'x'.repeat(50000);
			const block = Buffer.from(bulk('ECHO', word).repeat(20));
			// Until nothing is taken any more: so much is in the kernel and here.
			let written = 0;
			while (written < 200e6 && socket.writableLength < 4e6) {
				socket.write(block);
				written += block.length;
				await new Promise((resolve) => setImmediate(resolve));
			}
			assert.ok(socket.writableLength >= 4e6, `${written} bytes were taken`);
			const held = await metric(server, 'intake_held_bytes');
			assert.ok(held < 3e6, `${held} bytes are held`);
			const client = await RedisClient.open(cleanup, server.intake);
			for (let i = 0; i < 20; i++) assert.equal(await client.publish('news', String(i)), 1);
		}));

	test('a flood is no wall', limit(), () =>
		withCleanup(async (cleanup) => {
			const block = Buffer.from('PING\r\n'.repeat(20000));
			const floods = [0, 1].map(() => {
				const socket = net.connect(server.intake, '127.0.0.1');
				cleanup.add(socket, () => socket.destroy());
				socket.on('error', () => {}).resume();
				const flood = () => !socket.destroyed && socket.write(block, () => setImmediate(flood));
				flood();
				return socket;
			});
			const client = await RedisClient.open(cleanup, server.intake);
			for (let i = 0; i < 50; i++) assert.equal(await client.publish('news', String(i)), 1);
			for (const socket of floods) assert.ok(socket.bytesRead > 0);
		}));
}, SIOCAST_ONLY);

test('messages come from a Redis and by the intake', { ...limit(), skip: SIOCAST_ONLY }, () =>
	withCleanup(async (cleanup) => {
		const redis = await startRedis(cleanup, await freePort());
		const server = await start(cleanup, {}, { redis: redis.url });
		await redis.client.hasSubscribers(['news']);
		const socket = await connect(cleanup, server);
		const news = collect(socket, 'news');
		const said = collect(socket, 'said');
		const client = await RedisClient.open(cleanup, server.intake);
		assert.equal(await client.publish('news', 'here'), 1);
		assert.deepEqual(await news.next(), ['here']);
		assert.equal(await redis.client.publish('news', 'there'), 1);
		assert.deepEqual(await news.next(), ['there']);
		// What handlers publish goes to Redis.
		socket.emit('say', 'hello');
		assert.deepEqual(await said.next(), ['hello']);
		assert.equal(await metric(server, `publish_sent_total{redis="127.0.0.1:${redis.port}"}`), 1);
	}));

test('a restart without a break: what was answered reaches who comes back', { ...limit(), skip: SIOCAST_ONLY }, () =>
	withCleanup(async (cleanup) => {
		const more = { workers: 2, connectionStateRecovery: true };
		const server = await start(cleanup, {}, more, (c, config) => Renewed.start(c, config));
		const socket = await connect(cleanup, server, { reconnectionDelay: 10 });
		const news = collect(socket, 'news');
		const { Redis } = packages('ioredis');
		const redis = new Redis({ port: server.intake, retryStrategy: () => 10, maxRetriesPerRequest: null });
		cleanup.add(redis, () => redis.disconnect());
		let renewed = false;
		const renewing = server.renew().then(() => (renewed = true));
		let n = 0;
		for (; !renewed || n < 200; n++) assert.equal(await within(redis.publish('news', String(n)), 'an answer'), 1);
		await renewing;
		assert.equal(await redis.publish('news', String(n)), 1);
		// One that was not answered is published again by the library: it may come twice, and nothing is missing.
		const seen = [];
		while (seen.at(-1) !== n) seen.push(Number((await news.next())[0]));
		assert.deepEqual([...new Set(seen)], Array.from({ length: n + 1 }, (_, i) => i));
		assert.equal(socket.recovered, true);
	}));

test('a restart with stateFile: sessions recover', { ...limit(), skip: SIOCAST_ONLY }, () =>
	withCleanup(async (cleanup) => {
		const stateFile = path.join(await cleanup.folder(), 'state');
		const first = await start(cleanup, {}, { stateFile, connectionStateRecovery: true });
		const socket = await connect(cleanup, first, { reconnectionDelay: 50 });
		const news = collect(socket, 'news');
		const client = await RedisClient.open(cleanup, first.intake);
		await client.publish('news', 'before');
		assert.equal((await news.next())[0], 'before');
		const { id } = socket;
		const back = once(socket, 'connect', 'the client to come back');
		await first.child.stop();
		await launchSiocast(cleanup, first);
		await back;
		assert.equal(socket.recovered, true);
		assert.equal(socket.id, id);
		await (await RedisClient.open(cleanup, first.intake)).publish('news', 'after');
		assert.equal((await news.next())[0], 'after');
	}));

test('a Unix socket', { ...limit(), skip: SIOCAST_ONLY }, () =>
	withCleanup(async (cleanup) => {
		const file = path.join(await cleanup.folder(), 'intake.sock');
		const server = await start(cleanup, { address: `unix:${file}`, passwordFile: await passwordFile(cleanup) });
		const { Redis } = packages('ioredis');
		const redis = new Redis({ path: file, password: 'secret' });
		cleanup.add(redis, () => redis.disconnect());
		assert.equal(await redis.publish('news', 'x'), 1);
		assert.match(tool(['publish', '-c', server.file, 'news', 'x']).out, /^1 published/);
		await server.child.stop();
		assert.ok(!fs.existsSync(file));
	}));

test('what siocast -t says', { ...limit(), skip: SIOCAST_ONLY }, () =>
	withCleanup(async (cleanup) => {
		const check = async (config) => {
			const { file } = await configure(cleanup, { redis: undefined, listen: '127.0.0.1:3000', admin: '127.0.0.1:9100', ...config });
			return tool(['-t', '-c', file]);
		};
		const file = await passwordFile(cleanup);
		const good = [
			{ intake: '127.0.0.1:6380' },
			{ intake: { address: '0.0.0.0:6380', passwordFile: file } },
			{ intake: { address: '0.0.0.0:6380', protectedMode: false } },
			{ intake: '[::1]:6380', feeds: FEEDS },
		];
		for (const config of good) assert.match((await check(config)).out, /: ok/, JSON.stringify(config));
		const bad = [
			[{ intake: '0.0.0.0:6380' }, /intake: "0.0.0.0:6380": whoever reaches that could publish; give a "passwordFile"/],
			[{ intake: '127.0.0.1:0' }, /intake: "127.0.0.1:0": it needs a port that clients can know/],
			[{ intake: '127.0.0.1:3000' }, /intake: "127.0.0.1:3000": clients connect there, by listen\[0\]/],
			[{ intake: '127.0.0.1:9100' }, /intake: "127.0.0.1:9100": that is the admin port/],
			[{ intake: {} }, /intake: it needs an "address"/],
			[{ intake: 6380 }, /intake: expected an address, an object or false, not a number/],
			[{ intake: { address: '127.0.0.1:6380', passwordFile: '/nonexistent' } }, /intake.passwordFile: \/nonexistent: no such file/],
			[{ intake: '127.0.0.1:6380', feeds: [{ stream: 's', event: 's' }] }, /feeds\[0\].stream: that is in Redis, and "redis" is not given beside "intake"/],
			[{ intake: '127.0.0.1:6380', adapter: { mode: 'emit-only' } }, /adapter.mode: that is in Redis/],
			[{ intake: '127.0.0.1:6380', connectionStateRecovery: { elsewhere: true } }, /connectionStateRecovery/],
		];
		for (const [config, wanted] of bad) {
			const { status, err } = await check(config);
			assert.equal(status, 1, JSON.stringify(config));
			assert.match(err, wanted);
		}
	}));
