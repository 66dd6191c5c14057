// SPDX-License-Identifier: MIT
//
// A master whose address Sentinel knows: found by its name, followed when another server becomes it, by every kind of connection.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs/promises';
import net from 'node:net';
import { describe, test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { MODES, connect } from './lib/client.mjs';
import { SIOCAST, SIOCAST_ONLY, configure } from './lib/daemon.mjs';
import { request } from './lib/http.mjs';
import { metric } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { RedisClient, startRedis } from './lib/redis.mjs';
import { reload, startReloadable } from './lib/reload.mjs';
import { masterOf, replicasOf, startSentinel, startWatched } from './lib/sentinel.mjs';
import { SLOW, eventually, limit } from './lib/wait.mjs';

const feed = (name, more = {}) => ({ channel: name, event: name, encode: 'json', batch: { interval: 10 }, ...more });
const STATE = feed('s', { retain: { key: '/s' }, prime: { hash: 's' } });
const NAMESPACES = { '/': { on: { up: [{ publish: { channel: 'a', message: '{1}' } }] } } };

const ready = (server) => eventually(async () => (await request(server.admin, 'GET', '/readyz')).status === 200, 'siocast to be ready', 30_000 * SLOW);

/** Whose clients are all that siocast has open. */
const connectedTo = async (redis) => (String(await redis.client.command('CLIENT', 'LIST')).match(/ name=siocast/g) ?? []).length;

function heard(socket, event) {
	const all = [];
	socket.on(event, (batch) => all.push(...(Array.isArray(batch) ? batch : [batch])));
	return all;
}

async function start(cleanup, redis, config = {}) {
	const server = await startReloadable(cleanup, { redis, feeds: [feed('a'), STATE], namespaces: NAMESPACES, ...config });
	const client = await connect(cleanup, server, MODES.websocket);
	return { server, client };
}

/** A sentinel that says what it is told to say; gives its address. */
async function fakeSentinel(cleanup, answers) {
	const asked = [];
	const server = net.createServer((socket) => {
		socket.on('error', () => {});
		socket.on('data', (chunk) => {
			for (const [, command] of String(chunk).matchAll(/\*\d+\r\n\$\d+\r\n(\w+)\r\n/g)) {
				if (command !== 'SENTINEL') {
					socket.write('+OK\r\n');
					continue;
				}
				const answer = answers[Math.min(asked.length, answers.length - 1)];
				asked.push(answer);
				if (answer === null) continue;
				if (typeof answer === 'string') socket.write(answer);
				else socket.write(`*2\r\n$9\r\n127.0.0.1\r\n$${String(answer).length}\r\n${answer}\r\n`);
			}
		});
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	cleanup.add(server, () => new Promise((resolve) => server.close(resolve)));
	return { asked, address: `127.0.0.1:${server.address().port}` };
}

describe('Sentinel', { skip: SIOCAST_ONLY }, () => {
	for (const [how, fail] of [
		['is killed', (master) => master.child.kill()],
		['answers no more', (master) => process.kill(master.child.pid, 'SIGSTOP')],
	])
		test(`the master ${how}: every connection goes to the next one`, limit(120), () =>
			withCleanup(async (cleanup) => {
				const watched = await startWatched(cleanup, { replicas: 2 });
				const { master } = watched;
				await master.client.command('HSET', 's', 'x', '{"s":"x","n":1}');
				const url = 'redis://mymaster';
				// One that is not there is passed over.
				const sentinels = [`127.0.0.1:${await freePort()}`, ...watched.addresses];
				const { server, client } = await start(cleanup, { url, sentinels });
				const [a, s] = [heard(client, 'a'), heard(client, 's')];
				await ready(server);
				client.emit('up', '1');
				await eventually(() => a.length === 1, 'what was published');
				assert.equal(await connectedTo(master), 3);
				await server.child.says(/event=primed values=1 /);
				// Nobody is told of it: whoever goes to the next one has to read it there.
				await master.client.command('HSET', 's', 'x', '{"s":"x","n":2}');
				assert.equal(await master.client.command('WAIT', '2', '10000'), 2);
				if (how === 'answers no more') cleanup.add(master, () => process.kill(master.child.pid, 'SIGCONT'));
				await fail(master);
				const { port } = await eventually(async () => {
					const now = await masterOf(watched);
					return now !== master && now;
				}, 'another master', 60_000);
				const from = Date.now();
				// Sentinel ends the connections of who becomes a master, too.
				const next = { port, client: await RedisClient.open(cleanup, port) };
				await eventually(async () => (await connectedTo(next)) === 3, 'siocast at the next master', 30_000);
				assert.ok(Date.now() - from < 5000 * SLOW, `it took ${Date.now() - from} ms`);
				await ready(server);
				// What was missed was read there.
				await eventually(() => s.some(({ n }) => n === 2), 'what is retained there');
				await next.client.publish('a', '2');
				client.emit('up', '3');
				await eventually(() => a.length === 3, 'what is published there');
				assert.deepEqual(a, [1, 2, 3]);
				assert.match((await request(server.admin, 'GET', '/readyz')).text, /redis mymaster subscribed/);
				if (how === 'answers no more') process.kill(master.child.pid, 'SIGCONT');
				else await startRedis(cleanup, master.port);
				// The one before comes back, and is none.
				await eventually(async () => (await replicasOf(watched)).includes(master.port), 'it to be a replica', 60_000);
				assert.equal(await connectedTo(next), 3);
				await next.client.publish('a', '4');
				await eventually(() => a.length === 4, 'the next message');
			}),
		);

	test('with passwords, of the servers and of the sentinels', limit(120), () =>
		withCleanup(async (cleanup) => {
			const watched = await startWatched(cleanup, { name: 'other', replicas: 0, sentinels: 1 });
			await watched.sentinels[0].client.command('ACL', 'SETUSER', 'default', 'resetpass', '>watch');
			await watched.master.client.command('CONFIG', 'SET', 'requirepass', 'data');
			const { server, client } = await start(cleanup, { url: 'redis://:data@other', sentinels: `redis://:watch@${watched.addresses[0]}` });
			const a = heard(client, 'a');
			await ready(server);
			client.emit('up', '1');
			await eventually(() => a.length === 1, 'what was published');
		}),
	);

	test('who is said to be the master, and is not', limit(), () =>
		withCleanup(async (cleanup) => {
			const master = await startRedis(cleanup, await freePort());
			const replica = await startRedis(cleanup, await freePort(), { args: ['--replicaof', '127.0.0.1', String(master.port)] });
			const nobody = await freePort();
			const late = await fakeSentinel(cleanup, [replica.port, nobody, '*-1\r\n', '-ERR No such master\r\n', null, '*2\r\n:1\r\n:2\r\n', '?', '*1\r\n*2\r\n', master.port]);
			const { server, client } = await start(cleanup, { url: 'redis://m', sentinels: late.address }, { feeds: [feed('a')], log: { level: 'debug' } });
			const a = heard(client, 'a');
			await ready(server);
			assert.equal(await connectedTo(replica), 0);
			client.emit('up', '1');
			await eventually(() => a.length === 1, 'what was published');
			const text = server.child.output;
			for (const why of [
				`the master 127.0.0.1:${replica.port}: it is a replica`,
				`the master 127.0.0.1:${nobody}: connection refused`,
				`sentinel ${late.address}: it knows no master of that name`,
				`sentinel ${late.address}: ERR No such master`,
				`sentinel ${late.address}: no answer in time`,
			])
				assert.ok(text.includes(why), `${why} in\n${text}`);
			// Of two the one that knew it is asked first.
			assert.ok(late.asked.includes(master.port));
		}),
	);

	test('who may not be asked for his role is believed', limit(), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort());
			await redis.client.command('ACL', 'SETUSER', 'siocast', 'on', '>secret', '~*', '&*', '+@all', '-role');
			const one = await fakeSentinel(cleanup, [redis.port]);
			const { server } = await start(cleanup, { url: 'redis://siocast:secret@m/1', sentinels: [one.address] }, { feeds: [feed('a')] });
			await ready(server);
		}),
	);

	test('other sentinels, and another name, at a reload', limit(), () =>
		withCleanup(async (cleanup) => {
			const [one, other] = [await startRedis(cleanup, await freePort()), await startRedis(cleanup, await freePort())];
			const [first, second] = [await fakeSentinel(cleanup, [one.port]), await fakeSentinel(cleanup, [other.port])];
			const { server, client } = await start(cleanup, { url: 'redis://m', sentinels: first.address }, { feeds: [feed('a')] });
			const a = heard(client, 'a');
			await ready(server);
			for (const [redis, to, how] of [
				[{ url: 'redis://m', sentinels: second.address }, other, 'separate'],
				[{ url: `redis://127.0.0.1:${other.port}` }, other, 'same'],
				[{ url: 'redis://n', sentinels: [first.address, second.address] }, one, 'separate'],
			]) {
				const before = server.child.output.length;
				assert.deepEqual((await reload(server, { redis })).changed, ['redis']);
				await eventually(() => server.child.output.slice(before).includes(`event=redis-moved how=${how}`), `it to go over: ${how}`, 30_000 * SLOW);
				const n = a.length + 1;
				await to.client.publish('a', String(n));
				await eventually(() => a.length === n, 'the message');
			}
			assert.deepEqual(a, [1, 2, 3]);
			assert.equal(await metric(server, 'redis_move_gaps_total'), 0);
		}),
	);

	test('mistakes of a configuration', limit(), () =>
		withCleanup(async (cleanup) => {
			const check = async (redis) => {
				const { file } = await configure(cleanup, { redis, feeds: [feed('a')] });
				return String(spawnSync(SIOCAST, ['-t', '-c', file]).stderr);
			};
			const sentinels = ['127.0.0.1'];
			assert.match(await check({ url: 'redis://m:6379', sentinels }), /redis\.url: with sentinels it is redis:\/\/NAME, the name of a master, without a port/);
			assert.match(await check({ url: 'unix:///tmp/x', sentinels }), /redis\.url: with sentinels/);
			assert.match(await check({ url: 'redis://m', sentinels: [] }), /redis\.sentinels: /);
			assert.match(await check({ url: 'redis://m', sentinels: ['127.0.0.1', 'x://y'] }), /redis\.sentinels\[1\]: unknown scheme/);
			assert.match(await check({ url: 'redis://m', sentinels: ['127.0.0.1/3'] }), /redis\.sentinels\[0\]: a sentinel has no databases/);
			assert.equal(await check({ url: 'redis://m', sentinels: '127.0.0.1', sentinelPasswordFile: '/dev/null' }).then((text) => /sentinelPasswordFile/.test(text)), true);
			assert.equal(await check({ url: 'redis://:pw@m/2', sentinels: '127.0.0.1' }).then((text) => /redis/.test(text)), false);
		}),
	);

	// A link that asks them at this moment has been told of another address that has none.
	test('that says nothing any more is left for a plain address', limit(), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort());
			const fake = await fakeSentinel(cleanup, [redis.port, null]);
			const { server, client } = await start(cleanup, { url: 'redis://mymaster', sentinels: [fake.address] }, { feeds: [feed('a')] });
			const a = heard(client, 'a');
			await ready(server);
			// The first that is published: its connection asks for the master.
			client.emit('up', '1');
			await eventually(() => fake.asked.length > 1, 'the sentinel to be asked once more');
			assert.equal((await reload(server, { redis: redis.url })).status, 200);
			await eventually(() => server.child.output.includes('event=redis-moved'), 'the move', 30_000 * SLOW);
			await ready(server);
			client.emit('up', '2');
			await eventually(() => a.at(-1) === 2, 'what is published then', 30_000 * SLOW);
		}),
	);

	for (const [what, answer, reason] of [
		['an error with a quote', '-ERR no" event=ready role="subscribe\x1b[2J\r\n', /reason="sentinel \S+: ERR no\\x22 event=ready role=\\x22subscribe\\x1b\[2J" /],
		['a host with a quote', '*2\r\n$9\r\na" b="c d\r\n$4\r\n6379\r\n', /its answer is no address" /],
		['a port below zero', '*2\r\n$9\r\n127.0.0.1\r\n$5\r\n-1234\r\n', /its answer is no address" /],
		['a port too high', '*2\r\n$9\r\n127.0.0.1\r\n$5\r\n65536\r\n', /its answer is no address" /],
	])
		test(`says ${what}: nothing of it gets loose in the log`, limit(), () =>
			withCleanup(async (cleanup) => {
				const fake = await fakeSentinel(cleanup, [answer]);
				const { server } = await start(cleanup, { url: 'redis://mymaster', sentinels: [fake.address] }, { feeds: [feed('a')] });
				await server.child.says(reason);
				assert.ok(!/event=ready role=\w/.test(server.child.output));
			}),
		);

	test('whose password is another one says so', limit(), () =>
		withCleanup(async (cleanup) => {
			const master = await startRedis(cleanup, await freePort());
			const { port } = await startSentinel(cleanup, 'mymaster', master, 1, []);
			const sentinel = await RedisClient.open(cleanup, port);
			await sentinel.command('ACL', 'SETUSER', 'default', 'resetpass', '>right');
			const passwordFile = `${await cleanup.folder()}/password`;
			await fs.writeFile(passwordFile, 'wrong\n');
			const { server } = await start(cleanup, { url: 'redis://mymaster', sentinels: [`127.0.0.1:${port}`], sentinelPasswordFile: passwordFile }, { feeds: [feed('a')] });
			await server.child.says(/reason="sentinel \S+: AUTH refused: /);
		}),
	);
});
