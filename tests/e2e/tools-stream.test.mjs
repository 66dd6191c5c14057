// SPDX-License-Identifier: MIT
//
// Commands that publish and listen: publish, tail at Redis and as a page, record and replay; and health.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { ask, collect, connect } from './lib/client.mjs';
import { SIOCAST, SIOCAST_ONLY, configure, feedsReady, startSiocast } from './lib/daemon.mjs';
import { openJoined } from './lib/engine.mjs';
import { freePort } from './lib/ports.mjs';
import { Child } from './lib/process.mjs';
import { startRedis } from './lib/redis.mjs';
import { startEdge, startHub } from './lib/relay.mjs';
import { tool } from './lib/tool.mjs';
import { eventually, limit, within } from './lib/wait.mjs';

/** A Redis with a password, and a configuration that names it. */
async function start(cleanup, config = {}) {
	const port = await freePort();
	const redis = await startRedis(cleanup, port);
	await redis.client.command('ACL', 'SETUSER', 'caster', 'on', '>pass word', '~*', '&*', '+@all');
	const setup = await configure(cleanup, { redis: `redis://caster:pass%20word@127.0.0.1:${port}`, ...config });
	return { ...setup, redis };
}

/** A command that goes on, and listens already. */
async function listen(cleanup, setup, command, ...args) {
	const child = new Child(SIOCAST, [command, '-c', setup.file, ...args.map(String)], { name: `siocast ${command}` });
	cleanup.add(child, () => child.exited || child.stop());
	await child.whileRunning(eventually(() => /: (subscribed|connected)\n/.test(child.output), `${child.name} to listen`));
	return child;
}

/** What a command printed that ended by itself. */
async function finished(child) {
	const { code, signal } = await within(child.ended, `the end of ${child.name}`);
	assert.deepEqual([code, signal], [0, null], child.output);
	return child.output;
}

const lines = (output) => output.split('\n').filter((line) => line.startsWith('{'));

describe('commands on streams of messages', { skip: SIOCAST_ONLY }, () => {
	test('publish says how many got it, and takes lines', limit(), () =>
		withCleanup(async (cleanup) => {
			const setup = await start(cleanup);
			const heard = await listen(cleanup, setup, 'tail', '--json', '--count', '2503', 'a', 'b*');
			const publish = (args, options) => tool(['publish', '-c', setup.file, ...args], options);
			assert.equal(publish(['a', 'one']).out, '1 published, to 1 subscribers in all\n');
			assert.equal(publish(['nobody', 'x']).out, '1 published, to 0 subscribers in all\n');
			assert.equal(publish(['-q', 'bcd', 'two']).out, '');
			const many = Array.from({ length: 2500 }, (_, i) => `{"n":${i}}`);
			assert.equal(publish(['a', '-'], { input: many.join('\n') }).out, '2500 published, to 2500 subscribers in all\n');
			assert.equal(publish(['a'], { input: 'é\x1b\n' }).out, '1 published, to 1 subscribers in all\n');
			const told = lines(await finished(heard)).map((line) => JSON.parse(line));
			assert.deepEqual(told.map((m) => m.message), ['one', 'two', ...many, 'é\x1b']);
			assert.equal(told[1].channel, 'bcd');
			assert.equal(publish(['--stream', 'data', 's', 'v']).out, '1 added\n');
			assert.deepEqual((await setup.redis.client.command('XRANGE', 's', '-', '+'))[0][1].map(String), ['data', 'v']);
			const wrong = publish(['--stream', 'data', 's', 'v', 'w']);
			assert.equal(wrong.status, 2);
			await setup.redis.client.command('SET', 's2', 'v');
			const refused = publish(['--stream', 'data', 's2', 'v']);
			assert.equal(refused.status, 1);
			assert.match(refused.err, /WRONGTYPE/);
		}),
	);

	test('publish says why it cannot', limit(), () =>
		withCleanup(async (cleanup) => {
			const setup = await start(cleanup);
			const away = tool(['publish', '--redis', 'redis://127.0.0.1:1', 'a', 'b']);
			assert.equal(away.status, 1);
			assert.match(away.err, /^siocast publish: 127\.0\.0\.1:1: connection refused\n$/);
			const denied = tool(['publish', '--redis', `redis://caster:wrong@127.0.0.1:${setup.redis.port}`, 'a', 'b']);
			assert.equal(denied.status, 1);
			assert.match(denied.err, /AUTH refused: WRONGPASS/);
			assert.doesNotMatch(denied.err, /wrong@|:wrong/);
		}),
	);

	test('tail shows what a terminal may see, and tells rates', limit(), () =>
		withCleanup(async (cleanup) => {
			const setup = await start(cleanup);
			const shown = await listen(cleanup, setup, 'tail', '--count', 1, '*');
			await setup.redis.client.command('PUBLISH', 'x\x1b', 'a\x1b[2J\u202eb');
			const output = await finished(shown);
			assert.match(output, /^x\\u001b a\\u001b\[2J\\u202eb$/m);
			assert.match(output, / 1 messages .*\/s .* bytes\/s {2}in all$/m);
			const rates = await listen(cleanup, setup, 'tail', '--rates', '*');
			await setup.redis.client.command('PUBLISH', 'x', 'abc');
			await eventually(() => / 1 messages .* bytes\/s {2}x\n.*in all\n/.test(rates.output), 'rates to be told');
			await rates.stop();
			for (const args of [[], ['--auth', '{}', 'x'], ['--url', 'http://a', '--emit', '{}'], ['--count', 'x', 'y']])
				assert.equal(tool(['tail', '-c', setup.file, ...args]).status, 2);
		}),
	);

	test('tail --url is a page', limit(), () =>
		withCleanup(async (cleanup) => {
			const port = await freePort();
			const redis = await startRedis(cleanup, port);
			const server = await startSiocast(cleanup, {
				redis: `redis://127.0.0.1:${port}`,
				engine: { pingInterval: 100 },
				feeds: [
					{ channel: 'a', namespace: '/n', room: 'r', event: 'batch', batch: { interval: 0 } },
					{ channel: 'b', namespace: '/n', event: 'one', encode: 'json', batch: { interval: 0 } },
				],
				namespaces: { '/': {}, '/n': { on: { connection: [{ emit: ['hello', '{auth}'] }], join: [{ join: '{1}' }, { emit: ['joined'] }] } } },
			});
			await feedsReady(redis, server);
			const args = ['--url', server.url, '--namespace', '/n', '--auth', '{"k":[1]}', '--emit', '["join","r"]', '--json', '--count', 4];
			const page = await listen(cleanup, server, 'tail', ...args);
			await page.whileRunning(eventually(() => page.output.includes('"joined"'), 'the page to be in its room'));
			await redis.client.command('PUBLISH', 'a', `["${'x'.repeat(70000)}"]`);
			await redis.client.command('PUBLISH', 'b', '{"n":12345678901234567890}');
			const told = lines(await finished(page)).map((line) => JSON.parse(line));
			assert.deepEqual(told.map((m) => m.channel), ['hello', 'joined', 'batch', 'one']);
			assert.equal(told[0].message, '{"k":[1]}');
			assert.equal(told[2].message, `[["${'x'.repeat(70000)}"]]`);
			assert.equal(told[3].message, '{"n":12345678901234567890}');
			const filtered = await listen(cleanup, server, 'tail', '--url', server.url, '--namespace', '/n', '--json', '--count', 1, 'o*');
			await redis.client.command('PUBLISH', 'b', '1');
			assert.equal(JSON.parse(lines(await finished(filtered))[0]).channel, 'one');
			const refused = tool(['tail', '-c', server.file, '--url', server.url, '--namespace', '/none']);
			assert.equal(refused.status, 1);
			assert.match(refused.err, /refuses: .*Invalid namespace/);
			const nobody = tool(['tail', '-c', server.file, '--url', `http://127.0.0.1:${server.admin}`]);
			assert.match(nobody.err, /no WebSocket: HTTP\/1\.1 404/);
			const lasting = await listen(cleanup, server, 'tail', '--url', server.url);
			await server.child.stop();
			const { code } = await within(lasting.ended, 'the page to end');
			assert.equal(code, 1, lasting.output);
			assert.match(lasting.output, /siocast tail: the server (closed|disconnected)/);
		}),
	);

	test('what is recorded can be replayed, at any speed', limit(), () =>
		withCleanup(async (cleanup) => {
			const setup = await start(cleanup, { feeds: [{ channel: 'x', encode: 'json', batch: { interval: 0 } }] });
			const file = path.join(await cleanup.folder(), 'tape.jsonl');
			const recording = await listen(cleanup, setup, 'record', '--count', 3, file, '*');
			const bytes = Buffer.from([0, 255, 1]);
			await setup.redis.client.command('PUBLISH', 'x', '{"a":"é"}');
			await setup.redis.client.command('PUBLISH', 'y', bytes);
			await setup.redis.client.command('PUBLISH', 'x', '');
			await finished(recording);
			const tape = fs.readFileSync(file, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line));
			assert.deepEqual(tape.map(({ ms, ...rest }) => rest), [
				{ channel: 'x', message: '{"a":"é"}' },
				{ channel: 'y', base64: bytes.toString('base64') },
				{ channel: 'x', message: '' },
			]);
			assert.ok(tape[0].ms === 0 && tape[1].ms <= tape[2].ms);
			const again = path.join(path.dirname(file), 'again.jsonl');
			const second = await listen(cleanup, setup, 'record', '--count', 3, again, '*');
			assert.equal(tool(['replay', '-c', setup.file, '--speed', '0', file]).out, '3 published\n');
			await finished(second);
			const strip = (f) => fs.readFileSync(f, 'utf8').replaceAll(/"ms":[0-9.]+,/g, '');
			assert.equal(strip(again), strip(file));
			const slow = [0, 400, 800].map((ms) => JSON.stringify({ ms, channel: 'z', message: String(ms), note: 'by hand' })).join('\n');
			const took = (speed) => {
				const began = process.hrtime.bigint();
				assert.equal(tool(['replay', '-c', setup.file, '--speed', speed, '-'], { input: slow }).out, '3 published\n');
				return Number(process.hrtime.bigint() - began) / 1e6;
			};
			assert.ok(took('2') >= 400);
			assert.ok(took('0.8') >= 1000);
			for (const [text, why] of [['{"ms":0}', /-:1: "channel" is missing/], ['{"ms":0,"channel":"z","message":""}\nx', /-:2: not one JSON value/]]) {
				const wrong = tool(['replay', '-c', setup.file, '-'], { input: text });
				assert.equal(wrong.status, 1);
				assert.match(wrong.err, why);
			}
			assert.equal(tool(['replay', '-c', setup.file, `${file}.none`]).status, 1);
			assert.equal(tool(['record', '-c', setup.file, '/nonexistent/tape', 'x']).status, 1);
		}),
	);

	test('top shows clients and feeds', limit(), () =>
		withCleanup(async (cleanup) => {
			const port = await freePort();
			const redis = await startRedis(cleanup, port);
			const server = await startSiocast(cleanup, {
				redis: `redis://127.0.0.1:${port}`,
				workers: 2,
				limits: { clientQueueBytes: 16_000_000 },
				feeds: [{ channel: 'a' }, { channel: 'b', encode: 'json', batch: { interval: 0 } }, { channel: 'c', room: 'r\x1b[2Jé', encode: 'json', batch: { interval: 0 } }],
				namespaces: { '/': { on: { join: [{ join: '{1}' }, { ack: [true] }] } } },
			});
			await feedsReady(redis, server);
			const socket = await connect(cleanup, server, { transports: ['websocket'] });
			const inbox = collect(socket, 'b');
			const child = new Child(SIOCAST, ['top', '-c', server.file, '--interval', '0.2'], { name: 'siocast top', graceful: false });
			cleanup.add(child, () => child.kill());
			await child.whileRunning(eventually(() => /clients {2}1 websocket, 0 polling/.test(child.output), 'the first look'));
			await redis.client.publishAll('b', Array.from({ length: 50 }, () => '"x"'));
			for (let i = 0; i < 50; i++) await inbox.next();
			await child.whileRunning(eventually(() => /\n {8}1 +[1-9][0-9.]* .*\n {8}0 +0\.0 /.test(child.output), 'the feed that sends most to come first'));
			assert.doesNotMatch(child.output, /\x1b/);
			// The rooms of both workers are one line each; whoever does not read is told of.
			const stopped = await openJoined(server);
			cleanup.add(stopped, () => stopped.close());
			stopped.wire.socket.pause();
			await ask(socket, 'join', 'r\x1b[2Jé');
			await redis.client.publish('c', JSON.stringify('x'.repeat(100_000)));
			await redis.client.publishAll('b', Array.from({ length: 20 }, () => JSON.stringify('x'.repeat(400_000))));
			for (let i = 0; i < 20; i++) await inbox.next();
			const look = () => tool(['top', '-c', server.file, '--count', '1']).out;
			await eventually(() => new RegExp(`slowest clients\n +[1-9][0-9.]+ .* ${stopped.open.sid} websocket\n`).test(look()), 'the one that is slow');
			assert.match(look(), /\n +clients +MB sent {3}room, since it has members\n +2 +1[0-9]\.[0-9] {3}\/ \(everyone\)\n +1 +0\.1 {3}\/ r\\u001b\[2Jé\n/);
			assert.equal(tool(['top', '--admin', '127.0.0.1:1']).status, 1);
			assert.equal(tool(['top', '--count', '0']).status, 2);
		}),
	);

	test('top shows the edges of a hub, and the hub of an edge', limit(), () =>
		withCleanup(async (cleanup) => {
			const { hub, folder } = await startHub(cleanup);
			const look = (server) => tool(['top', '-c', server.file, '--count', '1']).out;
			assert.match(look(hub), /\nredis {4}1 connections .*\nedges {4}0 connected, 0 away {3}0\.0 batches\/s {3}out 0\.0 KB\/s\n/);
			const edge = await startEdge(cleanup, hub.port, folder);
			assert.match(look(hub), /\nedges {4}1 connected, 0 away /);
			assert.match(look(edge), /\nhub {6}connected {3}0\.0 batches\/s {3}0\.0 KB\/s {3}gaps 0\n/);
			assert.doesNotMatch(look(edge), /\nredis/);
			await hub.child.kill();
			await eventually(() => /\nhub {6}away /.test(look(edge)), 'the hub to be missed');
		}),
	);

	test('health is an exit status', limit(), () =>
		withCleanup(async (cleanup) => {
			const port = await freePort();
			const server = await startSiocast(cleanup, { redis: `redis://127.0.0.1:${port}`, feeds: [{ channel: 'x' }] });
			const health = (...args) => tool(['health', '-c', server.file, ...args]);
			assert.equal(health().status, 1);
			assert.match(health().out, /away\nnot ready\n$/);
			assert.equal(health('--live').status, 0);
			await startRedis(cleanup, port);
			await eventually(() => health().status === 0, 'siocast to be ready');
			const unix = path.join(await cleanup.folder(), 'admin.sock');
			assert.equal(health('--admin', `unix:${unix}`).status, 1);
			const none = tool(['health', '--listen', '127.0.0.1:1']);
			assert.equal(none.status, 1);
			assert.match(none.err, /no "admin"/);
			assert.equal(health('--timeout', 'x').status, 2);
		}),
	);
});
