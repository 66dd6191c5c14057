// SPDX-License-Identifier: MIT
//
// Sockets that are open before siocast is: by a launcher that hands them over as systemd does, and by systemd's own.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { SIOCAST, SIOCAST_ONLY, configure, launchSiocast } from './lib/daemon.mjs';
import { Session, openDirect } from './lib/engine.mjs';
import { request } from './lib/http.mjs';
import { freePort } from './lib/ports.mjs';
import { Child } from './lib/process.mjs';
import { eventually, limit } from './lib/wait.mjs';

const ACTIVATE = path.join(path.dirname(fileURLToPath(import.meta.url)), 'lib/activate.py');
const activator = ['systemd-socket-activate', '/usr/bin/systemd-socket-activate'].find((name) => spawnSync(name, ['--version']).status === 0);

const activate = (...sockets) => ({ wrap: (command, args) => ['python3', [ACTIVATE, JSON.stringify(sockets), command, ...args]] });

describe('sockets that are open already', { skip: SIOCAST_ONLY }, () => {
	for (const workers of [1, 3])
		test(`are taken by their address, ${workers} worker(s)`, limit(), () =>
			withCleanup(async (cleanup) => {
				const file = path.join(await cleanup.folder(), 'sock');
				const port = await freePort();
				const setup = { ...(await configure(cleanup, { listen: [`127.0.0.1:${port}`, `unix:${file}`], workers })), port };
				const admin = setup.config.admin;
				const child = await launchSiocast(cleanup, setup, activate([`unix:${file}`, 'x'], [admin, ''], [`127.0.0.1:${port}`, 'x']));
				await child.says(new RegExp(`event=listening address=127.0.0.1:${port} port=${port} inherited=1\n`));
				await child.says(/event=listening address=unix:.* inherited=1\n/);
				await child.says(/event=listening admin=\S+ port=\d+ inherited=1\n/);
				assert.doesNotMatch(child.output, /event=descriptor-unused/);
				for (const where of [port, file])
					for (let i = 0; i < 8; i++) {
						await Session.open({ port: where, path: setup.path });
						await openDirect({ port: where, path: setup.path });
					}
				assert.equal((await request(setup.admin, 'GET', '/livez')).status, 200);
				// The socket is another's, and so is its file.
				await child.stop();
				assert(fs.existsSync(file));
			}),
		);

	test('several of one address are shared out, and each is served', limit(), () =>
		withCleanup(async (cleanup) => {
			const setup = await configure(cleanup, { workers: 2 });
			const address = setup.config.listen[0];
			const sockets = Array.from({ length: 5 }, () => [address, 'siocast.socket', 'again']);
			const child = await launchSiocast(cleanup, setup, activate(...sockets));
			assert.doesNotMatch(child.output, /event=descriptor-unused/);
			// The kernel divides connections among all five.
			for (let i = 0; i < 60; i++) assert.equal((await Session.open(setup)).answer.status, 200);
		}),
	);

	test('or by their name, where they are bound to something else', limit(), () =>
		withCleanup(async (cleanup) => {
			const [one, two, admin] = [await freePort(), await freePort(), await freePort()];
			const setup = await configure(cleanup, { listen: ['0.0.0.0:80', '0.0.0.0:443'], admin: '0.0.0.0:9464' });
			const known = { ...setup, port: one, admin };
			const child = await launchSiocast(
				cleanup,
				known,
				activate([`127.0.0.1:${two}`, 'listen-1'], [`127.0.0.1:${admin}`, 'admin'], [`[::1]:${await freePort()}`, 'stranger'], [`127.0.0.1:${one}`, 'listen']),
			);
			for (const port of [one, two]) assert.equal((await Session.open({ ...setup, port })).answer.status, 200);
			await child.says(/warn {2}event=descriptor-unused fd=5 name="stranger" port=\d+ hint="no address of listen or admin/);
		}),
	);

	test('one that nobody listens on, or that is for another process, is left alone', limit(), () =>
		withCleanup(async (cleanup) => {
			const setup = await configure(cleanup);
			const child = await launchSiocast(cleanup, setup, activate([`127.0.0.1:${await freePort()}`, 'listen', 'quiet']));
			await child.says(/event=descriptor-unused fd=3 name="listen"/);
			assert.match(child.output, /event=listening address=\S+ port=\d+\n/);
			const other = await configure(cleanup);
			const second = await launchSiocast(cleanup, other, activate([`127.0.0.1:${await freePort()}`, 'listen', 'other']));
			assert.doesNotMatch(second.output, /inherited|descriptor-unused/);
		}),
	);

	test('what makes no sense is the end of the start', limit(), () =>
		withCleanup(async (cleanup) => {
			const setup = await configure(cleanup);
			for (const fds of ['', '-1', 'x', '3x', '99999999999999999999', '700']) {
				const child = new Child('bash', ['-c', 'LISTEN_PID=$$ LISTEN_FDS=$1 exec "$2" -c "$3"', 'bash', fds, SIOCAST, setup.file], { graceful: false });
				cleanup.add(child, () => child.stop());
				assert.equal((await child.ended).code, 1, fds);
				await child.says(/error event=inheritance-failed /);
			}
		}),
	);

	test('by systemd-socket-activate', { ...limit(), skip: !activator && 'it is not installed' }, () =>
		withCleanup(async (cleanup) => {
			const setup = await configure(cleanup, { workers: 2 });
			const child = new Child(activator, ['-l', `127.0.0.1:${setup.port}`, SIOCAST, '-c', setup.file], { name: 'siocast' });
			cleanup.add(child, () => child.stop());
			// It starts siocast when somebody connects.
			await child.whileRunning(eventually(async () => (await Session.open(setup)).answer.status === 200, 'an answer'));
			await child.says(/event=listening address=\S+ port=\d+ inherited=1\n/);
		}),
	);
});
