// SPDX-License-Identifier: MIT
//
// What the kernel sees of a broadcast: for every WebSocket client one write with all of the flush in it, the text frame of the
// event and its attachment; or, by io_uring, one system call that hands over a send for every client. Where io_uring is refused,
// whenever that is, it is the former. And the same for the polls that a broadcast answers.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { REFERENCE, configure, feedsReady, launchSiocast } from './lib/daemon.mjs';
import { Session, openJoined } from './lib/engine.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { withCleanup } from './lib/cleanup.mjs';
import { eventually, limit } from './lib/wait.mjs';

const CLIENTS = 5;
const MARK = 'mark-of-the-message';
const CALLS = 'write,writev,pwrite64,send,sendto,sendmsg,sendmmsg,sendfile,splice';

function reasonToSkip() {
	if (REFERENCE) return 'about siocast';
	// Tracing may also be forbidden.
	const { status } = spawnSync('strace', ['-o', '/dev/null', 'true']);
	return status === 0 ? false : 'strace is missing or may not trace';
}

/** siocast under strace, with clients. After `stop` the lines of the trace. */
async function startTraced(
	cleanup,
	{ events, batch, rooms = false, clients = CLIENTS, engine = {}, calls, more = [], open = openJoined },
) {
	const redis = await startRedis(cleanup, await freePort());
	const room = (event) => `room of ${event}`;
	const feeds = events.map((event) => ({ channel: 'news', event, batch, ...(rooms ? { room: room(event) } : {}) }));
	const namespaces = rooms ? { '/': { on: { connection: [{ join: events.map(room) }] } } } : {};
	const setup = await configure(cleanup, { redis: redis.url, feeds, namespaces, engine });
	const trace = path.join(await cleanup.folder(), 'trace');
	const options = ['-f', '-qq', '-s', '100000', '-e', `trace=${calls}`, '-e', 'signal=none', ...more, '-o', trace];
	const child = await launchSiocast(cleanup, setup, {
		wrap: (command, args) => ['strace', [...options, command, ...args]],
		// The leak checker cannot work in a traced process.
		env: { ASAN_OPTIONS: 'detect_leaks=0' },
	});
	await feedsReady(redis, setup);
	const sockets = [];
	for (let i = 0; i < clients; i++) sockets.push(await open(setup));
	const stop = async () => {
		for (const socket of sockets) socket.close?.();
		// strace passes signals on to nobody: the daemon is stopped by its own pid, and strace ends with it.
		const daemon = await eventually(() => childOf(child.pid), 'the traced process');
		process.kill(daemon, 'SIGTERM');
		await child.stop();
		return fs.readFileSync(trace, 'utf8').split('\n');
	};
	return { redis, sockets, child, stop };
}

/** Publishes messages, and sees that every client has them in one event of each name. */
async function broadcast({ redis, sockets }, events, messages) {
	const texts = Array.from({ length: messages }, (_, i) => JSON.stringify(`${MARK} ${i}`));
	await redis.client.publishAll('news', texts);
	for (const socket of sockets) {
		for (const event of events) {
			assert.equal(await socket.nextText(), `451-["${event}",{"_placeholder":true,"num":0}]`);
			assert.equal((await socket.next()).binary.toString(), `[${texts.join(',')}]`);
		}
	}
}

/** The lines of a trace with each call in one: strace writes it in two when another thread makes one meanwhile. */
function wholeCalls(lines) {
	const begun = new Map();
	const whole = [];
	for (const line of lines) {
		const [, thread, rest] = /^(\d+) +(.*)$/.exec(line) ?? [];
		const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest);
		if (rest?.endsWith(' <unfinished ...>')) begun.set(thread, rest.slice(0, -' <unfinished ...>'.length));
		else if (rest) whole.push(resumed ? begun.get(thread) + resumed[1] : rest);
	}
	return whole;
}

/**
 * What was done with siocast's own rings: how many there were, and the number of sends handed over by each call. libuv has rings too
 * since 1.45, for what it tells epoll, here by their descriptors; only siocast asks for SUBMIT_ALL.
 */
function ringUse(lines) {
	const use = { rings: 0, sends: [], foreign: [] };
	const ours = new Map();
	for (const call of wholeCalls(lines)) {
		const setup = /^io_uring_setup\(.* = (\d+)$/.exec(call);
		const enter = /^io_uring_enter\((\d+), .* = (\d+)$/.exec(call);
		if (setup) ours.set(setup[1], call.includes('IORING_SETUP_SUBMIT_ALL'));
		if (setup && ours.get(setup[1])) use.rings++;
		else if (setup) use.foreign.push(setup[1]);
		if (enter && ours.get(enter[1])) use.sends.push(Number(enter[2]));
	}
	return use;
}

const isWrite = (line) => line.includes(MARK) || line.includes('451-[');

function assertOneWriteEach(lines, events, messages, clients = CLIENTS) {
	const writes = lines.filter(isWrite);
	assert.equal(writes.length, clients, writes.join('\n'));
	for (const line of writes) {
		assert.ok(line.split('451-[').length - 1 === events.length && line.includes(`${MARK} ${messages - 1}`), line);
		assert.doesNotMatch(line, /unfinished/);
	}
}

const KINDS = [
	['a message alone', { interval: 0 }, 1, ['news']],
	['a batch', { interval: 100 }, 7, ['news']],
	['two feeds due at once', { interval: 100 }, 7, ['news', 'copy']],
	['four rooms of each client due at once', { interval: 100 }, 7, ['news', 'copy', 'third', 'fourth'], true],
];

for (const [name, batch, messages, events, rooms] of KINDS) {
	test(`${name}: one write for each client`, { ...limit(), skip: reasonToSkip() }, () =>
		withCleanup(async (cleanup) => {
			const traced = await startTraced(cleanup, { events, batch, rooms, engine: { ioUring: false }, calls: CALLS });
			await broadcast(traced, events, messages);
			assertOneWriteEach(await traced.stop(), events, messages);
		}),
	);

	test(`${name}: one system call for all clients with io_uring`, { ...limit(), skip: reasonToSkip() }, (t) =>
		withCleanup(async (cleanup) => {
			const calls = `${CALLS},io_uring_setup,io_uring_enter`;
			const traced = await startTraced(cleanup, { events, batch, rooms, calls });
			await broadcast(traced, events, messages);
			const lines = await traced.stop();
			const { rings, sends } = ringUse(lines);
			if (rings === 0) {
				// Not built in or forbidden here: then it has to be as without.
				assertOneWriteEach(lines, events, messages);
				t.skip('no io_uring here');
				return;
			}
			assert.deepEqual(lines.filter(isWrite), []);
			assert.equal(sends.filter((n) => n === CLIENTS).length, 1, lines.filter((line) => line.includes('io_uring')).join('\n'));
		}),
	);
}

test('large batches leave one by one: putting them together would cost more than a write', { ...limit(), skip: reasonToSkip() }, () =>
	withCleanup(async (cleanup) => {
		const events = ['news', 'copy'];
		const traced = await startTraced(cleanup, { events, batch: { interval: 100 }, engine: { ioUring: false }, calls: CALLS });
		const text = JSON.stringify(MARK.padEnd(60_000, '.'));
		await traced.redis.client.publish('news', text);
		for (const socket of traced.sockets) {
			for (const event of events) {
				assert.equal(await socket.nextText(), `451-["${event}",{"_placeholder":true,"num":0}]`);
				assert.equal((await socket.next()).binary.toString(), `[${text}]`);
			}
		}
		const begun = (await traced.stop()).filter((line) => line.includes('451-['));
		assert.equal(begun.length, CLIENTS * events.length, begun.map((line) => line.slice(0, 200)).join('\n'));
	}),
);

test('a WebSocket opens: the 101 alone, then the open packet', { ...limit(), skip: reasonToSkip() }, () =>
	withCleanup(async (cleanup) => {
		const traced = await startTraced(cleanup, { events: ['news'], batch: { interval: 0 }, calls: `${CALLS},setsockopt` });
		const lines = await traced.stop();
		assert.deepEqual(lines.filter((line) => line.includes('TCP_CORK')), []);
		const writes = lines.filter((line) => /HTTP\/1\.1 101|\\"sid\\":.*\\"upgrades\\":/.test(line));
		assert.equal(writes.length, 2 * CLIENTS, writes.join('\n'));
		for (const line of writes) assert.ok(line.includes('HTTP/1.1 101') !== line.includes('upgrades'), line);
	}),
);

test('a client alone: a write, io_uring or not', { ...limit(), skip: reasonToSkip() }, () =>
	withCleanup(async (cleanup) => {
		const [, batch, messages, events] = KINDS[0];
		const traced = await startTraced(cleanup, { events, batch, clients: 1, calls: `${CALLS},io_uring_enter` });
		await broadcast(traced, events, messages);
		assertOneWriteEach(await traced.stop(), events, messages, 1);
	}),
);

/** Options of strace by which a rule does not touch the rings of libuv, which ends the process when it cannot use one; or nothing. */
async function sparingLibuv(cleanup, { events, batch }) {
	const traced = await startTraced(cleanup, { events, batch, calls: 'io_uring_setup', clients: 0 });
	const { foreign } = ringUse(await traced.stop());
	// They are the same in each run: they are opened before there is a second thread.
	if (foreign.length === 0) return [];
	const option = ['-e', `trace-fds=!${foreign.join(',')}`];
	const { status } = spawnSync('strace', [...option, '-o', '/dev/null', 'true']);
	return status === 0 ? option : null;
}

for (const [name, rule, kind = KINDS[1]] of [
	['the set-up is refused', 'io_uring_setup:error=EPERM'],
	['the kernel has none', 'io_uring_setup:error=ENOSYS'],
	['only the set-up is allowed', 'io_uring_enter:error=EPERM'],
	['sends are refused later on', 'io_uring_enter:error=EPERM:when=2+'],
	['sends to clients with several rooms are refused later on', 'io_uring_enter:error=EPERM:when=2+', KINDS[3]],
]) {
	test(`without io_uring because ${name}`, { ...limit(), skip: reasonToSkip() }, (t) =>
		withCleanup(async (cleanup) => {
			const [, batch, messages, events, rooms] = kind;
			const calls = `${CALLS},io_uring_setup,io_uring_enter`;
			// A set-up may be refused to all: libuv then goes without.
			const spare = rule.startsWith('io_uring_enter') ? await sparingLibuv(cleanup, { events, batch }) : [];
			if (!spare) {
				t.skip('this strace cannot tell the rings of siocast from those of libuv');
				return;
			}
			const more = ['-e', `inject=${rule}`, ...spare];
			const traced = await startTraced(cleanup, { events, batch, rooms, calls, more });
			for (let i = 0; i < 2; i++) await broadcast(traced, events, messages);
			const lines = await traced.stop();
			// What was refused waits for its socket, block by block.
			assert.equal(lines.filter(isWrite).length, (rooms ? 1 + events.length : 2) * CLIENTS);
			const logged = traced.child.output.split('event=no-io-uring').length - 1;
			assert.equal(logged, name.endsWith('later on') ? 0 : 1, traced.child.output);
		}),
	);
}

/** A polling session that has joined. */
async function openPolling(server) {
	const session = await Session.open(server);
	await session.post('40');
	const [answer] = await session.packets();
	assert.match(answer, /^40\{/);
	return session;
}

for (const ioUring of [true, false]) {
	test(`polls held together are answered ${ioUring ? 'in one system call with io_uring' : 'by one write each'}`, { ...limit(), skip: reasonToSkip() }, (t) =>
		withCleanup(async (cleanup) => {
			const calls = `${CALLS},io_uring_setup,io_uring_enter`;
			const traced = await startTraced(cleanup, { events: ['news'], batch: { interval: 0 }, engine: { ioUring }, calls, open: openPolling });
			const polls = [];
			for (const session of traced.sockets) polls.push(await session.startPoll());
			await traced.sockets[0].settle();
			await traced.redis.client.publishAll('news', [`{"n":"${MARK} 0"}`]);
			for (const { answer } of polls) assert.match((await answer).text, /^451-\["news",\{"_placeholder":true,"num":0\}\]\x1eb[\w+/=]+$/);
			const lines = await traced.stop();
			const writes = lines.filter((line) => line.includes('451-['));
			const { rings, sends } = ringUse(lines);
			if (rings === 0) {
				assert.equal(writes.length, CLIENTS, writes.join('\n'));
				if (ioUring) t.skip('no io_uring here');
				return;
			}
			assert.ok(ioUring);
			assert.deepEqual(writes, []);
			assert.equal(sends.filter((n) => n === CLIENTS).length, 1, lines.filter((line) => line.includes('io_uring')).join('\n'));
		}),
	);
}

function childOf(pid) {
	return Number(fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
}
