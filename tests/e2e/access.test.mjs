// SPDX-License-Identifier: MIT
//
// The access log: a line for each session that ends, with who it was and why, as text and as JSON; in the log, or in a file that is
// opened again by SIGUSR1. And what the log looks like that the journal reads.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { MODES, ask, connect, connectMode } from './lib/client.mjs';
import { SIOCAST, SIOCAST_ONLY, configure, startSiocast } from './lib/daemon.mjs';
import { Session, openDirect, openJoined, upgrade } from './lib/engine.mjs';
import { OP, RawSocket, frame } from './lib/ws.mjs';
import { LIMIT_MS, eventually, limit } from './lib/wait.mjs';

const options = { ...limit(), skip: SIOCAST_ONLY };
const on = { echo: [{ ack: ['{1}'] }], quit: [{ disconnect: true }] };
const FIELDS = ['event', 'address', 'transport', 'eio', 'sid', 'namespaces', 'seconds', 'bytes_in', 'bytes_out', 'sends', 'events', 'reason'];

/** The pairs of a line, behind time and level. */
const pairsOf = (line) => Object.fromEntries([...line.matchAll(/ ([a-z_]+)=("([^"]*)"|\S+)/g)].map(([, key, plain, quoted]) => [key, quoted ?? plain]));

async function start(cleanup, more = {}) {
	const folder = await cleanup.folder();
	const file = path.join(folder, 'access');
	const server = await startSiocast(cleanup, {
		accessLog: file, namespaces: { '/': { on }, '/a': { on } }, ...more,
	});
	const lines = async (from = file) => (await fs.readFile(from, 'utf8')).split('\n').slice(0, -1);
	return { ...server, folder, file, lines };
}

/** Waits for the line of a session; it is the only one. */
async function lineOf(server, sid, from) {
	const mine = async () => (await server.lines(from)).filter((line) => line.includes(sid));
	await eventually(async () => (await mine()).length > 0, `the line of ${sid}`);
	const all = await mine();
	assert.equal(all.length, 1);
	return all[0];
}

test('a line for each session: who it was, and why it ended', options, () =>
	withCleanup(async (cleanup) => {
		const server = await start(cleanup);
		const says = async (socket) => (await ask(socket, 'echo', 'x'.repeat(500)), socket.io.engine.id);

		// Gone as its user wants, over each transport.
		for (const mode of Object.keys(MODES)) {
			const socket = await connectMode(cleanup, server, mode);
			const sid = await says(socket);
			socket.disconnect();
			const line = await lineOf(server, sid);
			assert.match(line, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info {2}event=closed /);
			const pairs = pairsOf(line);
			assert.deepEqual(Object.keys(pairs), FIELDS);
			assert.equal(pairs.address, '127.0.0.1');
			assert.equal(pairs.transport, mode === 'polling' ? 'polling' : 'websocket');
			assert.equal(pairs.eio, '4');
			assert.equal(pairs.namespaces, '/');
			assert.equal(pairs.events, '1');
			assert.match(pairs.seconds, /^\d+\.\d{3}$/);
			assert.ok(Number(pairs.seconds) < 60);
			assert.ok(Number(pairs.bytes_in) > 500 && Number(pairs.bytes_in) < 700, line);
			assert.ok(Number(pairs.bytes_out) > 500 && Number(pairs.bytes_out) < 2000, line);
			assert.ok(Number(pairs.sends) >= 3 && Number(pairs.sends) < 200, line);
			assert.ok(['transport close', 'forced close'].includes(pairs.reason), line);
		}

		// Each other way to go.
		const ends = [
			['transport close', undefined, async (s) => s.raw(frame(OP.close))],
			['transport error', undefined, async (s) => s.close()],
			['parse error', undefined, async (s) => s.text('x')],
			['forced close', 'unknown packet type', async (s) => s.text('49')],
			['forced close', 'disconnect by a handler', async (s) => s.text('42["quit"]')],
		];
		for (const [reason, why, end] of ends) {
			const socket = await openJoined(server);
			cleanup.add(socket, () => socket.close());
			const { sid } = socket.open;
			await end(socket);
			const pairs = pairsOf(await lineOf(server, sid));
			assert.deepEqual([pairs.reason, pairs.why], [reason, why]);
			assert.equal(pairs.namespaces, '/');
		}
		// Too late with a pong, or with CONNECT: never in a namespace.
		for (const [engine, reason, why] of [
			[{ pingInterval: 300, pingTimeout: 300 }, 'ping timeout', undefined],
			[{ connectTimeout: 300 }, 'forced close', 'no CONNECT in time'],
		]) {
			const hasty = await start(cleanup, { engine });
			const idle = await openDirect(hasty);
			cleanup.add(idle, () => idle.close());
			const pairs = pairsOf(await lineOf(hasty, idle.open.sid));
			assert.deepEqual([pairs.reason, pairs.why, pairs.namespaces, pairs.events], [reason, why, '', '0']);
		}
		// In two namespaces; of revision 3; by an upgrade.
		const two = await openJoined(server);
		await two.text('40/a,');
		await two.nextText();
		await two.text('41/a,');
		two.close();
		assert.equal(pairsOf(await lineOf(server, two.open.sid)).namespaces, '/,/a');
		const old = await RawSocket.open(server.port, `${server.path}?EIO=3&transport=websocket`);
		const open = JSON.parse((await old.nextText()).slice(1));
		old.close();
		const three = pairsOf(await lineOf(server, open.sid));
		assert.deepEqual([three.eio, three.namespaces], ['3', '/']);
		const session = await Session.open(server);
		const socket = await upgrade(session);
		socket.close();
		assert.equal(pairsOf(await lineOf(server, session.sid)).transport, 'websocket');
	}),
);

test('as JSON, and SIGUSR1 opens the file again', options, () =>
	withCleanup(async (cleanup) => {
		const server = await start(cleanup, { log: { format: 'json', level: 'error' } });
		const first = await connect(cleanup, server, MODES.websocket);
		const [{ id }] = [first.io.engine];
		first.disconnect();
		const line = JSON.parse(await lineOf(server, id));
		assert.deepEqual(Object.keys(line), ['time', 'level', ...FIELDS]);
		assert.deepEqual([line.event, line.address, line.eio], ['closed', '127.0.0.1', '4']);
		const old = `${server.file}.1`;
		await fs.rename(server.file, old);
		process.kill(server.child.pid, 'SIGUSR1');
		await eventually(() => fs.stat(server.file), 'the file anew');
		const second = await connect(cleanup, server, MODES.websocket);
		const { id: other } = second.io.engine;
		second.disconnect();
		await lineOf(server, other);
		assert.equal((await server.lines(old)).length, 1);
		assert.equal((await server.lines()).length, 1);
	}),
);

test('in the log itself, or not at all', options, () =>
	withCleanup(async (cleanup) => {
		for (const accessLog of ['log', 'off']) {
			const server = await startSiocast(cleanup, { accessLog, namespaces: { '/': { on } } });
			const lines = () => server.child.output.split('\n').filter((line) => / info {2}event=closed /.test(line));
			const socket = await connect(cleanup, server, MODES.websocket);
			const { id } = socket.io.engine;
			socket.disconnect();
			if (accessLog === 'log') await eventually(() => lines().length === 1 && lines()[0].includes(id), 'its line');
			await server.child.kill();
			assert.equal(lines().length, accessLog === 'log' ? 1 : 0);
		}
	}),
);

test('a path that cannot be opened ends the start', options, () =>
	withCleanup(async (cleanup) => {
		const cases = [
			['/nonexistent/folder/access', /event=log-failed file="\/nonexistent\/folder\/access" error="no such file or directory"/],
			[true, /accessLog: expected "off", "log" or the path of a file, not a boolean/],
			['', /not an empty string/],
		];
		for (const [accessLog, said] of cases) {
			const { file } = await configure(cleanup, { accessLog });
			const { status, stderr } = spawnSync(SIOCAST, ['-c', file], { encoding: 'utf8', timeout: LIMIT_MS });
			assert.equal(status, 1);
			assert.match(stderr, said);
		}
	}),
);

test('what the journal reads has priorities and no time, from the first line to the last', options, () =>
	withCleanup(async (cleanup) => {
		for (const format of ['text', 'json']) {
			const file = path.join(await cleanup.folder(), 'stderr');
			const script = 'exec 2>>"$0"; JOURNAL_STREAM=$(stat -c %d:%i "$0") exec "$@"';
			const server = await startSiocast(
				cleanup,
				{ accessLog: 'log', log: { format, level: 'debug' }, namespaces: { '/': { on } } },
				{ wrap: (command, args) => ['/bin/sh', ['-c', script, file, command, ...args]] },
			);
			const socket = await connect(cleanup, server, MODES.websocket);
			socket.emit('nobody');
			await ask(socket, 'echo', 1);
			socket.disconnect();
			const read = async () => (await fs.readFile(file, 'utf8')).split('\n').slice(0, -1);
			await eventually(async () => (await read()).some((line) => line.includes('event-unhandled') || line.includes('unhandled')), 'a line at debug');
			await eventually(async () => (await read()).some((line) => /event("?[:=]"?)closed/.test(line)), 'the access line');
			await server.child.kill();
			const priorities = { error: 3, warn: 4, info: 6, debug: 7 };
			const seen = new Set();
			for (const line of await read()) {
				const [, priority, rest] = /^<([3467])>(.*)$/.exec(line) ?? assert.fail(line);
				const level = format === 'json' ? JSON.parse(rest).level : rest.split(' ')[0];
				assert.equal(priorities[level], Number(priority), line);
				assert.doesNotMatch(rest, /\d\d:\d\d:\d\d/);
				seen.add(level);
			}
			assert.ok(seen.has('debug') && seen.has('info') && seen.has('warn'), [...seen].join()); // no Redis: a warning
		}
	}),
);
