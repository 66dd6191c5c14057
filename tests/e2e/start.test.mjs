// SPDX-License-Identifier: MIT
//
// What the daemon finds when it starts: descriptors that are closed, a log that nobody reads, no /dev/urandom.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { SIOCAST_ONLY, startSiocast } from './lib/daemon.mjs';
import { Session, openDirect } from './lib/engine.mjs';
import { request } from './lib/http.mjs';
import { limit } from './lib/wait.mjs';

/** Runs it by a shell that does something with the descriptors first. */
const shell = (redirections) => ({
	wrap: (command, args) => ['bash', ['-c', `exec "$@" ${redirections}`, 'bash', command, ...args]],
});

/** Fills the pipe: nobody can write to it. */
function fill(fd) {
	try {
		for (;;) fs.writeSync(fd, Buffer.alloc(4096, '.'));
	} catch (error) {
		if (error.code !== 'EAGAIN') throw error;
	}
}

function drain(fd) {
	const bytes = Buffer.alloc(1 << 17);
	let text = '';
	try {
		for (let n; (n = fs.readSync(fd, bytes)) > 0;) text += bytes.toString('latin1', 0, n);
	} catch (error) {
		if (error.code !== 'EAGAIN') throw error;
	}
	return text;
}

describe('the start', { skip: SIOCAST_ONLY }, () => {
	for (const closed of ['<&-', '>&-', '2>&-', '>&- 2>&-', '<&- >&- 2>&-']) {
		test(`with ${closed}, and an end in order`, limit(), () =>
			withCleanup(async (cleanup) => {
				const server = await startSiocast(cleanup, { workers: 2 }, shell(closed));
				for (const fd of [0, 1, 2]) {
					const to = fs.readlinkSync(`/proc/${server.child.pid}/fd/${fd}`);
					assert.match(to, /^(\/dev\/null|pipe:|socket:)/);
				}
				assert.equal((await Session.open(server)).answer.status, 200);
				await server.child.stop();
			}),
		);
	}

	test('with a log that nobody reads: nothing waits for it, and what was dropped is told', limit(), () =>
		withCleanup(async (cleanup) => {
			const fifo = path.join(await cleanup.folder(), 'log');
			assert.equal(spawnSync('mkfifo', [fifo]).status, 0);
			const fd = fs.openSync(fifo, fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
			cleanup.add(fd, () => fs.closeSync(fd));
			fill(fd);
			const server = await startSiocast(cleanup, { workers: 2 }, shell(`2>"${fifo}"`));
			assert.equal((await Session.open(server)).answer.status, 200);
			const metrics = (await request(server.admin, 'GET', '/metrics')).text;
			const dropped = Number(/^siocast_log_lines_dropped_total (\d+)$/m.exec(metrics)[1]);
			assert.ok(dropped > 0);
			assert.match(drain(fd), /^\.+$/);
			await server.child.stop();
			const lines = drain(fd).trim().split('\n');
			assert.match(lines[0], /event=log-lines-dropped lines=\d+$/);
			assert.ok(Number(/lines=(\d+)$/.exec(lines[0])[1]) >= dropped);
			assert.match(lines[1], /event=stopping/);
		}),
	);

	const hide = ['-rm', 'bash', '-c', 'mount -t tmpfs none /dev && exec "$@"', 'bash'];
	const hidden = spawnSync('unshare', [...hide, 'test', '!', '-e', '/dev/urandom']).status === 0;
	test('without /dev/urandom', { ...limit(), skip: !hidden && 'no namespaces of one\'s own' }, () =>
		withCleanup(async (cleanup) => {
			const wrap = (command, args) => ['unshare', [...hide, command, ...args]];
			const server = await startSiocast(cleanup, {}, { wrap });
			const ids = [(await Session.open(server)).sid];
			for (let i = 0; i < 2; i++) {
				const socket = await openDirect(server);
				ids.push(socket.open.sid);
				socket.wire.close();
			}
			assert.equal(new Set(ids).size, 3);
		}),
	);
});
