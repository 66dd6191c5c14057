// SPDX-License-Identifier: MIT
//
// What those hear who look after siocast: a service manager such as systemd, and whoever reads the log.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { connectMode } from './lib/client.mjs';
import { SIOCAST, SIOCAST_ONLY, configure, feedsReady, launchSiocast } from './lib/daemon.mjs';
import { accepts, freePort } from './lib/ports.mjs';
import { Child } from './lib/process.mjs';
import { startRedis } from './lib/redis.mjs';
import { eventually, limit } from './lib/wait.mjs';

const MANAGER = path.join(path.dirname(fileURLToPath(import.meta.url)), 'lib/manager.py');

/** Listens as a service manager does. `heard()` gives all lines so far that a process said, in their order. */
async function startManager(cleanup) {
	const socket = path.join(await cleanup.folder(), 'notify');
	const child = new Child('python3', [MANAGER, socket], { stdin: 'pipe', graceful: false });
	cleanup.add(child, () => child.stop());
	const told = () => child.output.split('\n').filter((line) => line.endsWith('}')).map((line) => JSON.parse(line));
	await child.whileRunning(eventually(() => told().length > 0, 'the manager to listen'));
	return {
		socket,
		heard: (pid) => told().filter((one) => one.pid === pid).flatMap((one) => one.lines),
	};
}

describe('a service manager', { skip: SIOCAST_ONLY }, () => {
	test('hears that siocast is ready, what it does, and that it stops', limit(), () =>
		withCleanup(async (cleanup) => {
			const manager = await startManager(cleanup);
			const redis = await startRedis(cleanup, await freePort());
			const setup = await configure(cleanup, { redis: redis.url, workers: 2, feeds: [{ channel: 'news', event: 'news' }] });
			const child = await launchSiocast(cleanup, setup, { env: { NOTIFY_SOCKET: manager.socket } });
			await eventually(() => manager.heard(child.pid).includes('READY=1'), 'READY=1');
			assert.ok(await accepts(setup.port));
			const status = () => manager.heard(child.pid).filter((line) => line.startsWith('STATUS='));
			assert.match(status()[0], /^STATUS=0 clients by WebSocket, 0 by polling; [01] of 1 Redis subscribed$/);
			await feedsReady(redis, setup);
			await connectMode(cleanup, setup, 'websocket');
			await eventually(() => /^STATUS=[01] clients by WebSocket, 0 by polling; 1 of 1 Redis/.test(status().at(-1)), 'the next status');
			await child.stop();
			const all = manager.heard(child.pid);
			assert.ok(all.includes('STOPPING=1'));
			assert.equal(all.filter((line) => line === 'READY=1').length, 1);
			assert.ok(!all.some((line) => line.startsWith('WATCHDOG')), 'nobody asked for that');
		}),
	);

	test('that watches siocast hears again and again that it works', limit(), () =>
		withCleanup(async (cleanup) => {
			const manager = await startManager(cleanup);
			const setup = await configure(cleanup, { workers: 2 });
			const child = await launchSiocast(cleanup, setup, { env: { NOTIFY_SOCKET: manager.socket, WATCHDOG_USEC: '200000' } });
			const beats = () => manager.heard(child.pid).filter((line) => line === 'WATCHDOG=1').length;
			await eventually(() => beats() >= 3, 'the third beat');
			// A process that stands still is not well, whatever its kernel says.
			process.kill(child.pid, 'SIGSTOP');
			await eventually(async () => {
				const before = beats();
				await new Promise((resolve) => setTimeout(resolve, 500));
				return beats() === before;
			}, 'silence');
			const before = beats();
			process.kill(child.pid, 'SIGCONT');
			await eventually(() => beats() > before, 'the next beat');
		}),
	);

	test('that cannot be reached is missed by nobody else', limit(), () =>
		withCleanup(async (cleanup) => {
			const setup = await configure(cleanup);
			const child = await launchSiocast(cleanup, setup, { env: { NOTIFY_SOCKET: '/nonexistent/notify' } });
			await connectMode(cleanup, setup, 'websocket');
			assert.match(child.output, /error event=notify-failed hint="the service manager is told nothing" error="no such file or directory"/);
		}),
	);
});

describe('the log', { skip: SIOCAST_ONLY }, () => {
	const linesOf = (text) => text.split('\n').filter((line) => line);

	test('goes as JSON into a file, and into a new one when that was moved away', limit(), () =>
		withCleanup(async (cleanup) => {
			const folder = await cleanup.folder();
			const file = path.join(folder, 'siocast.log');
			const setup = await configure(cleanup, { log: { format: 'json', target: file, level: 'debug' } });
			const child = await launchSiocast(cleanup, setup);
			const started = linesOf(fs.readFileSync(file, 'utf8')).map((line) => JSON.parse(line));
			assert.deepEqual(started.find((line) => line.event === 'started').pid, String(child.pid));
			assert.ok(started.every(({ time, level }) => !Number.isNaN(Date.parse(time)) && /^(error|warn|info|debug)$/.test(level)));
			fs.renameSync(file, `${file}.1`);
			child.child.kill('SIGUSR1');
			await eventually(() => fs.existsSync(file) && fs.readFileSync(file, 'utf8').includes('"event":"log-reopened"'), 'the new file');
			await child.stop();
			assert.match(fs.readFileSync(file, 'utf8'), /"event":"stopped"\}\n$/);
			assert.doesNotMatch(fs.readFileSync(`${file}.1`, 'utf8'), /"event":"stop/);
			assert.equal(child.output, '');
		}),
	);

	test('that cannot be opened is the end of the start', limit(), () =>
		withCleanup(async (cleanup) => {
			const setup = await configure(cleanup, { log: { target: '/nonexistent/siocast.log' } });
			const child = new Child(SIOCAST, ['-c', setup.file], { graceful: false });
			cleanup.add(child, () => child.stop());
			assert.equal((await child.ended).code, 1);
			assert.match(child.output, /error event=log-failed file="\/nonexistent\/siocast.log" error="no such file or directory"/);
		}),
	);
});
