// SPDX-License-Identifier: MIT
//
// The configuration is read anew: by SIGHUP, `siocast reload` and POST /reload; what is wrong changes nothing.

import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, test } from 'node:test';
import { spawnSync } from 'node:child_process';
import { withCleanup } from './lib/cleanup.mjs';
import { connect } from './lib/client.mjs';
import { SIOCAST, SIOCAST_ONLY, configure, launchSiocast, startSiocast } from './lib/daemon.mjs';
import { request } from './lib/http.mjs';
import { Child } from './lib/process.mjs';
import { GOOD, reload, startReloadable, write } from './lib/reload.mjs';
import { eventually, limit } from './lib/wait.mjs';

const MANAGER = path.join(path.dirname(fileURLToPath(import.meta.url)), 'lib/manager.py');
const lines = (server, event) => server.child.output.split('\n').filter((line) => line.includes(`event=${event} `));

describe('a configuration that is read anew', { skip: SIOCAST_ONLY }, () => {
	test('by POST /reload: what changes live does, what takes a restart is named', limit(), () =>
		withCleanup(async (cleanup) => {
			const server = await startReloadable(cleanup, { workers: 2 });
			const client = await connect(cleanup, server);
			assert.deepEqual(await reload(server), { status: 200, changed: [], needsRestart: [] });
			const first = await reload(server, { log: { level: 'debug' }, workers: 3 });
			assert.deepEqual(first, { status: 200, changed: ['log.level'], needsRestart: ['workers'] });
			// What takes a restart is named as long as the file says something else than what runs.
			assert.deepEqual(await reload(server), { status: 200, changed: [], needsRestart: ['workers'] });
			await connect(cleanup, server, { namespace: '/nowhere' }).catch(() => undefined);
			await eventually(() => lines(server, 'connect-refused').length, 'a line of level debug');
			const last = await reload(server, { log: { format: 'json' }, workers: 2 });
			assert.deepEqual(last, { status: 200, changed: ['log.format', 'log.level'].sort().reverse(), needsRestart: [] });
			await eventually(() => server.child.output.includes('"event":"reloaded"'), 'a line of JSON');
			assert.ok(client.connected);
			assert.match(lines(server, 'restart-needed')[0], /options=1 unchanged="workers" hint=/);
		}),
	);

	test('by SIGHUP and by `siocast reload`, which finds the process by its file', limit(), () =>
		withCleanup(async (cleanup) => {
			const server = await startSiocast(cleanup);
			const other = await startSiocast(cleanup);
			await write(server, { drain: { seconds: 1 } });
			process.kill(server.child.pid, 'SIGHUP');
			await eventually(() => lines(server, 'reloaded').length === 1, 'SIGHUP to be heard');
			assert.match(lines(server, 'reloaded')[0], /options=1 changed="drain.seconds"/);
			await write(server, { drain: undefined });
			const said = spawnSync(SIOCAST, ['reload', '-c', path.basename(server.file)], { cwd: path.dirname(server.file), encoding: 'utf8' });
			assert.equal(said.status, 0, said.stderr);
			assert.match(said.stdout, new RegExp(`process ${server.child.pid} `));
			await eventually(() => lines(server, 'reloaded').length === 2, 'the command to be heard');
			assert.equal(lines(other, 'reloaded').length, 0);
			const unknown = path.join(path.dirname(server.file), 'unknown.json');
			await fs.writeFile(unknown, '{}');
			for (const [file, why] of [[unknown, 'no siocast runs with it'], [`${unknown}.gone`, 'No such file']]) {
				const refused = spawnSync(SIOCAST, ['reload', '-c', file], { encoding: 'utf8' });
				assert.equal(refused.status, 1);
				assert.ok(refused.stderr.includes(why), refused.stderr);
			}
		}),
	);

	test('with a mistake of any kind changes nothing, and says what -t says', limit(), () =>
		withCleanup(async (cleanup) => {
			const server = await startReloadable(cleanup);
			const client = await connect(cleanup, server);
			const good = JSON.stringify({ ...server.config, log: { level: 'debug' } });
			const wrong = [
				good.slice(0, -1),
				`${good}}`,
				good.replace('"workers"', '"wrokers"'),
				good.replace('"debug"', '"loud"'),
				good.replace('"127.0.0.1:1/0"', '"nonsense://x"').replace('redis://127.0.0.1:1/0', 'redis://127.0.0.1:x/0'),
				JSON.stringify({ ...server.config, log: { level: 'debug' }, www: '/nowhere/at/all' }),
				JSON.stringify({ ...server.config, log: { level: 'debug' }, feeds: [{ channel: 'a', event: 'connect' }, { chanel: 'b' }] }),
				JSON.stringify({ ...server.config, log: { level: 'debug' }, namespaces: { '/': { on: { a: [{ jion: 'x' }] } } } }),
				'',
			];
			for (const text of wrong) {
				await fs.writeFile(server.file, text);
				const answer = await reload(server);
				const tested = spawnSync(SIOCAST, ['-t', '-c', server.file], { encoding: 'utf8' });
				assert.equal(tested.status, 1);
				assert.equal(answer.status, 422);
				// Some lines of -t show the place in the file, and others warn.
				const said = tested.stderr.split('\n').filter((line) => line.startsWith(server.file) && !line.includes(': warning: '));
				assert.deepEqual(answer.errors, said);
			}
			await fs.rm(server.file);
			assert.equal((await reload(server)).status, 422);
			await eventually(() => lines(server, 'reload-failed').length === wrong.length + 1, 'a line for each');
			await fs.writeFile(server.file, good);
			assert.deepEqual(await reload(server), { status: 200, changed: ['log.level'], needsRestart: [] });
			assert.ok(client.connected);
		}),
	);

	test('only for those who have a token, and only by POST', limit(), () =>
		withCleanup(async (cleanup) => {
			const server = await startReloadable(cleanup);
			const ask = async (method, headers) => (await request(server.admin, method, '/reload', headers, method === 'POST' ? '' : undefined)).status;
			assert.equal(await ask('POST', {}), 401);
			assert.equal(await ask('POST', { Authorization: 'Bearer something-of-32-bytes-or-more!!!' }), 401);
			assert.equal(await ask('POST', { ...GOOD, Host: 'rebound.example' }), 403);
			assert.equal(await ask('GET', GOOD), 405);
			assert.equal(lines(server, 'reloaded').length, 0);
			assert.match((await request(server.admin, 'GET', '/')).text, /\n\/reload /);
			const without = await startSiocast(cleanup);
			assert.equal((await request(without.admin, 'POST', '/reload', GOOD, '')).status, 405);
			assert.doesNotMatch((await request(without.admin, 'GET', '/')).text, /reload/);
		}),
	);

	test('without a file, or while it ends, is refused', limit(), () =>
		withCleanup(async (cleanup) => {
			const server = await startReloadable(cleanup, { drain: { seconds: 30 } });
			const client = await connect(cleanup, server);
			server.child.child.kill('SIGTERM');
			await eventually(() => lines(server, 'draining').length, 'the end to begin');
			assert.deepEqual(await reload(server), { status: 422, errors: ['siocast ends'] });
			process.kill(server.child.pid, 'SIGHUP');
			await eventually(() => lines(server, 'reload-failed').length === 2, 'SIGHUP to be refused');
			client.disconnect();
			await server.child.stop();
			const setup = await configure(cleanup);
			const child = await launchSiocast(cleanup, setup, {
				wrap: (command) => [command, ['--listen', `127.0.0.1:${setup.port}`, '--admin', `127.0.0.1:${setup.admin}`, '--redis', '127.0.0.1:1', '--workers', '1']],
			});
			process.kill(child.pid, 'SIGHUP');
			await eventually(() => child.output.includes('reason="it was started without a file"'), 'SIGHUP to be refused');
		}),
	);

	test('is told to the service manager: when it begins, and when it is over', limit(), () =>
		withCleanup(async (cleanup) => {
			const socket = path.join(await cleanup.folder(), 'notify');
			const manager = new Child('python3', [MANAGER, socket], { stdin: 'pipe', graceful: false });
			cleanup.add(manager, () => manager.stop());
			const told = () => manager.output.split('\n').filter((line) => line.endsWith('}')).map((line) => JSON.parse(line));
			await manager.whileRunning(eventually(() => told().length > 0, 'the manager to listen'));
			const server = await startReloadable(cleanup, {}, { env: { NOTIFY_SOCKET: socket } });
			const before = process.hrtime.bigint() / 1000n;
			await reload(server);
			await fs.writeFile(server.file, '{');
			await reload(server);
			const heard = () => told().filter((one) => one.pid === server.child.pid).flatMap((one) => one.lines).filter((line) => !line.startsWith('STATUS='));
			await eventually(() => heard().filter((line) => line === 'READY=1').length === 3, 'the manager to hear all of it');
			const kinds = heard().map((line) => line.split('=')[0]);
			assert.deepEqual(kinds, ['READY', 'RELOADING', 'MONOTONIC_USEC', 'READY', 'RELOADING', 'MONOTONIC_USEC', 'READY']);
			assert.ok(BigInt(heard()[2].split('=')[1]) >= before, 'the clock is CLOCK_MONOTONIC');
		}),
	);
});
