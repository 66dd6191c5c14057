// SPDX-License-Identifier: MIT
//
// What the kernel sees of a broadcast: for every WebSocket client one write with all of the flush in it, the text frame of the
// event and its attachment.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { REFERENCE, configure, feedsReady, launchSiocast } from './lib/daemon.mjs';
import { openJoined } from './lib/engine.mjs';
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

for (const [name, batch, messages, events] of [
	['a message alone', { interval: 0 }, 1, ['news']],
	['a batch', { interval: 100 }, 7, ['news']],
	['two feeds due at once', { interval: 100 }, 7, ['news', 'copy']],
]) {
	test(`${name}: one write for each client`, { ...limit(), skip: reasonToSkip() }, () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort());
			const feeds = events.map((event) => ({ channel: 'news', event, batch }));
			const setup = await configure(cleanup, { redis: redis.url, feeds });
			const trace = path.join(await cleanup.folder(), 'trace');
			const options = ['-f', '-qq', '-s', '100000', '-e', `trace=${CALLS}`, '-e', 'signal=none', '-o', trace];
			const child = await launchSiocast(cleanup, setup, {
				wrap: (command, args) => ['strace', [...options, command, ...args]],
				// The leak checker cannot work in a traced process.
				env: { ASAN_OPTIONS: 'detect_leaks=0' },
			});
			await feedsReady(redis, setup);
			const sockets = [];
			for (let i = 0; i < CLIENTS; i++) sockets.push(await openJoined(setup));
			const texts = Array.from({ length: messages }, (_, i) => JSON.stringify(`${MARK} ${i}`));
			await redis.client.publishAll('news', texts);
			for (const socket of sockets) {
				for (const event of events) {
					assert.equal(await socket.nextText(), `451-["${event}",{"_placeholder":true,"num":0}]`);
					assert.equal((await socket.next()).binary.toString(), `[${texts.join(',')}]`);
				}
				socket.close();
			}
			// strace passes signals on to nobody: the daemon is stopped by its own pid, and strace ends with it.
			const daemon = await eventually(() => childOf(child.pid), 'the traced process');
			process.kill(daemon, 'SIGTERM');
			await child.stop();
			const lines = fs.readFileSync(trace, 'utf8').split('\n');
			const writes = lines.filter((line) => line.includes(MARK) || line.includes('451-['));
			assert.equal(writes.length, CLIENTS, writes.join('\n'));
			for (const line of writes) {
				assert.ok(line.split('451-[').length - 1 === events.length && line.includes(`${MARK} ${messages - 1}`), line);
				assert.doesNotMatch(line, /unfinished/);
			}
		}),
	);
}

function childOf(pid) {
	return Number(fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0]);
}
