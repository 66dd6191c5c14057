// SPDX-License-Identifier: MIT
//
// The programs of bench/ against the server: clients of both revisions, over each way to connect, get every message once and
// to the byte, and the load generator says so. All figures hang on that. And it must see what is missing or wrong.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { SIOCAST_ONLY, TOP, feedsReady, startSiocast } from './lib/daemon.mjs';
import { freePort } from './lib/ports.mjs';
import { Child } from './lib/process.mjs';
import { startRedis } from './lib/redis.mjs';
import { suite } from './lib/suite.mjs';
import { eventually, limit } from './lib/wait.mjs';

const CLIENTS = 20;
const MESSAGES = 60;

/** Compiles the programs as bench/run does, but faster. */
async function compile(dir, ...programs) {
	const files = fs.readdirSync(path.join(TOP, 'bench')).filter((name) => name.endsWith('.c'));
	const shared = ['bench/bench.c', 'bench/hist.c', 'bench/payload.c', 'eio/buf.c', 'eio/base64.c'];
	const one = (program) => {
		const own = files.filter((name) => name.startsWith(program)).map((name) => `bench/${name}`);
		const args = ['-std=gnu11', '-O0', '-D_GNU_SOURCE=', '-I.', '-o', path.join(dir, program), ...own, ...shared, '-lm', '-lz', '-lssl', '-lcrypto'];
		return promisify(execFile)(process.env.CC ?? 'cc', args, { cwd: TOP });
	};
	await Promise.all(programs.map(one));
}

const lines = (child) => child.output.split('\n').slice(0, -1).filter((line) => line.startsWith('{'));

/** The nth line of JSON that a program writes. */
async function line(child, n, what) {
	return JSON.parse(await child.whileRunning(eventually(() => lines(child)[n], `${child.name}: ${what}`)));
}

async function startLoad({ cleanup, dir, port }, ...args) {
	const all = ['--url', `127.0.0.1:${port}`, '--clients', String(CLIENTS), '--sample', '1', ...args];
	const child = new Child(path.join(dir, 'load'), all, { name: `load ${args.join(' ')}` });
	cleanup.add(child, () => child.stop());
	const { ready } = await line(child, 0, 'all joined');
	assert.equal(ready, CLIENTS);
	child.child.kill('SIGUSR1');
	let reports = 0;
	const report = () => {
		child.child.kill('SIGUSR2');
		return line(child, ++reports, 'report');
	};
	/** The report, when every client has so many messages or more. */
	const done = (messages) =>
		eventually(async () => {
			const r = await report();
			return r.messages.min >= messages && r;
		}, `${child.name}: ${messages} messages`);
	const release = () => child.child.kill('SIGHUP');
	return { name: child.name, report, done, release };
}

async function publish({ dir, redis }, ...args) {
	const all = ['--redis', `127.0.0.1:${redis.port}`, '--messages', String(MESSAGES), ...args];
	const { stdout } = await promisify(execFile)(path.join(dir, 'publish'), all);
	const sent = JSON.parse(stdout);
	assert.equal(sent.messages, MESSAGES);
	assert.equal(sent.behind_us.count, MESSAGES);
}

function assertExact({ name }, report, messages) {
	const { sample } = report;
	assert.deepEqual([report.messages.min, report.messages.max], [messages, messages], name);
	assert.equal(report.bytes.min, report.bytes.max, name);
	assert.equal(report.open, CLIENTS, name);
	const { gaps, disorder, bad, first_bad } = sample;
	assert.deepEqual({ gaps, disorder, bad, first_bad }, { gaps: 0, disorder: 0, bad: 0, first_bad: '' }, name);
	assert.equal(sample.messages, messages * CLIENTS, name);
}

const KINDS = ['websocket', 'polling', 'upgrade'].flatMap((transport) =>
	['3', '4'].flatMap((eio) => [[], ['--b64']].map((b64) => ['--transport', transport, '--eio', eio, ...b64])),
);

const join = [{ join: '{1}' }, { ack: [true] }];
const on = { join, leave: [{ leave: '{1}' }] };

async function start(cleanup) {
	const dir = await cleanup.folder();
	await compile(dir, 'load', 'publish', 'flood', 'storm');
	const redis = await startRedis(cleanup, await freePort());
	const feeds = [
		{ channel: 'ticks', event: 'ticks', batch: { interval: 0 } },
		{ channel: 'frames', event: 'ticks', batch: { interval: 20, format: 'frames' } },
		{ channel: 'rooms.0', event: 'ticks', room: 'r0', batch: { interval: 20, format: 'lines' } },
		{ channel: 'rooms.1', event: 'ticks', room: 'r1', encode: 'json', batch: { interval: 20 } },
	];
	// Pings pass by while messages come.
	const engine = { pingInterval: 300, pingTimeout: 20000 };
	const server = await startSiocast(cleanup, { redis: redis.url, engine, feeds, namespaces: { '/': { on } } });
	await feedsReady(redis, server);
	return { cleanup, dir, redis, ...server };
}

suite(
	'the programs of bench/',
	start,
	(context) => {
		test('every way to connect is exact', limit(), async () => {
			const loads = await Promise.all(KINDS.map((args) => startLoad(context, ...args)));
			await publish(context, '--rate', '200', '--mix', 'story');
			for (const load of loads) assertExact(load, await load.done(MESSAGES), MESSAGES);
		});

		test('frames, held back and read at once', limit(), async () => {
			const load = await startLoad(context, '--hold', '--rcvbuf', '1000000');
			await publish(context, '--rate', '0', '--channel', 'frames');
			assert.equal((await load.report()).messages.max, 0);
			load.release();
			assertExact(load, await load.done(MESSAGES), MESSAGES);
		});

		test('rooms, as they come and go', limit(), async () => {
			const some = ['--join', 'join', '--rooms', '2', '--churn', '200', '--expect-any'];
			const loads = await Promise.all([[], ['--eio', '3', '--transport', 'polling']].map((args) => startLoad(context, ...some, ...args)));
			await publish(context, '--rate', '300', '--channel', 'rooms', '--channels', '2');
			for (const load of loads) {
				const report = await load.done(1);
				assert.ok(report.messages.max <= MESSAGES / 2, `${report.messages.max} messages`);
				assert.equal(report.sample.bad + report.sample.disorder, 0, report.sample.first_bad);
				assert.ok(report.churned > 0);
			}
		});

		test('bytes that were not published and messages that came before are seen', limit(), async () => {
			const load = await startLoad(context);
			await publish(context, '--rate', '0', '--channel', 'ticks', '--size', '300');
			await context.redis.client.command('PUBLISH', 'ticks', '{"seq":7,"t":1,"ch":0,"n":200}');
			const report = await load.done(MESSAGES + 1);
			assert.equal(report.sample.bad, CLIENTS);
			await publish(context, '--rate', '0', '--channel', 'ticks');
			assert.equal((await load.done(2 * MESSAGES + 1)).sample.disorder, MESSAGES * CLIENTS);
		});

		test('a storm of clients that come back', limit(), async () => {
			const { cleanup, dir, redis } = context;
			const feeds = [{ channel: 'storm', event: 'ticks', encode: 'json', batch: { interval: 10 } }];
			const connectionStateRecovery = { maxDisconnectionDuration: 60_000, history: { messages: 10 * MESSAGES } };
			const server = await startSiocast(cleanup, { redis: redis.url, feeds, namespaces: { '/': {} }, connectionStateRecovery, workers: 2 });
			await feedsReady(redis, server);
			const args = ['--url', `127.0.0.1:${server.port}`, '--clients', String(CLIENTS), '--inflight', '7'];
			const storm = new Child(path.join(dir, 'storm'), args, { name: 'storm', graceful: false });
			cleanup.add(storm, () => storm.stop());
			let lines = 0;
			const ask = (signal) => {
				storm.child.kill(signal);
				return line(storm, ++lines, signal);
			};
			const all = (messages) =>
				eventually(async () => {
					const { min, max } = (await ask('SIGHUP')).messages;
					return min === messages && max === messages;
				}, `${messages} messages`);
			assert.equal((await line(storm, 0, 'all connected')).ready, CLIENTS);
			for (const round of [1, 3]) {
				await publish(context, '--rate', '0', '--channel', 'storm');
				await all(round * MESSAGES);
				assert.equal((await ask('SIGUSR1')).cut, CLIENTS);
				await publish(context, '--rate', '0', '--channel', 'storm');
				const back = await ask('SIGUSR2');
				assert.deepEqual([back.returned, back.recovered, back.latency_us.count], [CLIENTS, CLIENTS, CLIENTS]);
				await all((round + 1) * MESSAGES);
			}
			// Who cannot be recovered is not counted as if he were.
			await ask('SIGUSR1');
			for (let i = 0; i < 12; i++) await publish(context, '--rate', '0', '--channel', 'storm');
			assert.equal((await ask('SIGUSR2')).recovered, 0);
		});

		test('a tree with edges, in its short form', limit(120), async () => {
			const { cleanup, dir } = context;
			const args = [path.join(TOP, 'bench/edges.mjs'), '--short', '--json', '--clients', String(CLIENTS)];
			const child = new Child(process.execPath, args, { name: 'edges.mjs', env: { BENCH_PROGRAMS: dir } });
			cleanup.add(child, () => child.kill());
			const { code } = await child.ended;
			assert.equal(code, 0, child.tail());
			const { total, single, batched, memory, passing } = JSON.parse(lines(child)[0]);
			assert.equal(total, 2 * CLIENTS);
			for (const [form, messages] of [[single, 5], [batched, 40]]) {
				assert.equal(form.messages, messages);
				assert.ok(form.exact, JSON.stringify(form));
				assert.deepEqual([form.lost, form.whole, form.checked, form.receivers], [0, 100, total, 1]);
				assert.ok(form.p50 > 0 && form.p99 >= form.p50 && form.max >= form.p99, JSON.stringify(form));
				// The 250 bytes of a message, and what stands around them.
				assert.ok(form.redisBytes > 280 && form.redisBytes < 500, JSON.stringify(form));
				assert.ok(form.relayBytes > 500, JSON.stringify(form));
			}
			// Of each batch one for each edge; eight messages are one, unless the publisher was held up.
			assert.equal(single.batches, 2 * 5);
			assert.ok(batched.batches >= 2 * 5 && batched.batches < 2 * 40, `${batched.batches} batches`);
			assert.ok(memory.hub > 0 && memory.edge > 0);
			assert.ok(passing.redis > 0 && passing.hub > 0 && passing.edge > 0, JSON.stringify(passing));
		});

		test('a flood in the place of Redis', limit(), async () => {
			const { cleanup, dir } = context;
			const port = await freePort();
			const args = ['--listen', `127.0.0.1:${port}`, '--messages', '5000', '--channels', '3'];
			const flood = new Child(path.join(dir, 'flood'), args, { name: 'flood', graceful: false });
			cleanup.add(flood, () => flood.stop());
			await line(flood, 0, 'listening');
			const feeds = [{ pattern: 'ticks.*', event: 'ticks' }];
			const limits = { clientQueueBytes: 268435456 };
			const server = await startSiocast(cleanup, { redis: `redis://127.0.0.1:${port}/0`, feeds, namespaces: { '/': {} }, limits });
			await eventually(async () => (await fetch(`http://127.0.0.1:${server.admin}/readyz`)).ok, 'its subscription');
			const load = await startLoad({ ...context, ...server });
			flood.child.kill('SIGUSR1');
			const sent = await line(flood, 1, 'the end');
			assert.equal(sent.messages, 5000);
			assert.equal(sent.bytes, 5000 * 250);
			assertExact(load, await load.done(5000), 5000);
		});
	},
	SIOCAST_ONLY,
);
