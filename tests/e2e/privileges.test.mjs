// SPDX-License-Identifier: MIT
//
// What the daemon may do once it has started: as root it becomes another user when everything is open, for good and in all of its
// threads, and goes on serving; what that user could not do is told at the start.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { SIOCAST, SIOCAST_ONLY, configure, feedsReady, launchSiocast } from './lib/daemon.mjs';
import { Session, openDirect, openJoined } from './lib/engine.mjs';
import { Renewed } from './lib/handover.mjs';
import { SECRET, token } from './lib/hook.mjs';
import { request } from './lib/http.mjs';
import { accepts, freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { LIMIT_MS, eventually, limit } from './lib/wait.mjs';

// A user that every system has, by the entry of getent.
const USER = 'daemon';
const [, , UID, GID] = spawnSync('getent', ['passwd', USER], { encoding: 'utf8' }).stdout.split(':').map(Number);

// The leak checker cannot look into a process that has become another user.
const env = { ASAN_OPTIONS: 'detect_leaks=0' };
const NO_ROOT = SIOCAST_ONLY || (process.getuid() !== 0 && 'only root can become another user');

/** The program where whoever it becomes finds it, too: the folder that it was built in may be root's alone. */
async function programForAll(cleanup) {
	const folder = await cleanup.folder();
	const program = path.join(folder, 'siocast');
	fs.chmodSync(folder, 0o755);
	fs.copyFileSync(SIOCAST, program);
	fs.chmodSync(program, 0o755);
	return program;
}

/** Launches it and waits for the line that says that all threads run: before, it has privileges, and listens already. */
async function launchWhole(cleanup, setup, options = { env }) {
	const child = await launchSiocast(cleanup, setup, options);
	await child.whileRunning(eventually(() => child.output.includes('event=started'), 'the line of the start'));
	return child;
}

/** The fields of /proc/PID/status that tell of privileges, for each thread. */
function privilegesOf(pid) {
	const threads = fs.readdirSync(`/proc/${pid}/task`);
	return threads.map((thread) => {
		const lines = fs.readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8').split('\n');
		const fields = Object.fromEntries(lines.map((line) => line.split(/:\s*/)));
		return {
			ids: [...fields.Uid.split('\t'), ...fields.Gid.split('\t')].map(Number),
			groups: fields.Groups.trim().split(' ').filter(Boolean).map(Number),
			capabilities: ['CapInh', 'CapPrm', 'CapEff', 'CapAmb'].map((name) => BigInt(`0x${fields[name]}`)),
			bounding: BigInt(`0x${fields.CapBnd}`),
			noNew: fields.NoNewPrivs,
		};
	});
}

function assertNone(threads, least) {
	assert.ok(threads.length >= least, `${threads.length} threads`);
	for (const { capabilities, bounding, noNew } of threads) {
		assert.deepEqual(capabilities, [0n, 0n, 0n, 0n]);
		assert.equal(bounding, 0n);
		assert.equal(noNew, '1');
	}
}

/** A port that only root may have. */
async function lowPort() {
	for (let port = 1023; port > 600; port--) if (!(await accepts(port))) return port;
	throw new Error('no low port is free');
}

/** A www folder; index.html may be read by this user only, or by everybody. */
async function makeSite(cleanup, mode) {
	const www = path.join(await cleanup.folder(), 'www');
	fs.mkdirSync(www);
	fs.writeFileSync(path.join(www, 'index.html'), 'the page');
	fs.chmodSync(path.join(www, 'index.html'), mode);
	fs.chmodSync(www, 0o755);
	return www;
}

describe('root becomes a user', { skip: NO_ROOT }, () => {
	test('in all threads, with everything served: a low port, a Unix socket, files, Redis with a password of root\'s', limit(), () =>
		withCleanup(async (cleanup) => {
			const folder = await cleanup.folder();
			const redis = await startRedis(cleanup, await freePort());
			await redis.client.command('ACL', 'SETUSER', 'caster', 'on', '>p@ss word', 'allchannels', '+@all');
			fs.writeFileSync(path.join(folder, 'password'), 'p@ss word\n', { mode: 0o600 });
			const [port, unix] = [await lowPort(), path.join(folder, 'siocast.sock')];
			const setup = await configure(cleanup, {
				listen: [`127.0.0.1:${port}`, `unix:${unix}`],
				user: USER,
				group: String(GID),
				workers: 2,
				www: await makeSite(cleanup, 0o644),
				// By name, which a thread of libuv's looks up, and which begins after all that.
				redis: { url: `redis://caster@localhost:${redis.port}`, passwordFile: path.join(folder, 'password') },
				feeds: [{ channel: 'news' }],
			});
			const server = { ...setup, port };
			const program = await programForAll(cleanup);
			const child = await launchWhole(cleanup, server, { env, wrap: (_, args) => [program, args] });
			await feedsReady(redis, setup);
			const threads = privilegesOf(child.pid);
			assertNone(threads, 4);
			for (const { ids, groups } of threads) {
				assert.deepEqual(ids, [UID, UID, UID, UID, GID, GID, GID, GID]);
				assert.ok(groups.includes(GID) && !groups.includes(0), `groups ${groups}`);
			}
			await child.says(new RegExp(`event=privileges uid=${UID} gid=${GID} capabilities=0 bounding=0 no-new-privileges=1`));
			assert.doesNotMatch(child.output, /runs-as-root|privileges-remain|user-kept/);

			assert.equal((await request(port, 'GET', '/')).text, 'the page');
			const { uid, gid } = fs.statSync(unix);
			assert.deepEqual([uid, gid], [UID, GID]);
			assert.equal((await Session.open({ port: unix, path: setup.path })).answer.status, 200);
			const socket = await openJoined(server);
			await redis.client.publishAll('news', ['"hello"']);
			assert.equal(await socket.nextText(), '451-["news",{"_placeholder":true,"num":0}]');

			// The next process has no more rights. The port is open already; what root alone can read is not for it.
			const renewed = await Renewed.of(cleanup, server, child);
			process.kill(renewed.pid, 'SIGUSR2');
			await child.says(/siocast\.json: permission denied[^]*event=restart-failed /);
			for (const file of [setup.file, path.join(folder, 'password')]) fs.chownSync(file, UID, GID);
			for (const dir of [path.dirname(setup.file), path.dirname(setup.config.www), folder]) fs.chmodSync(dir, 0o755);
			await renewed.renew();
			assertNone(privilegesOf(renewed.pid), 4);
			assert.ok(privilegesOf(renewed.pid).every(({ ids }) => ids[0] === UID));
			assert.equal((await Session.open({ port: unix, path: setup.path })).answer.status, 200);
			const next = await openJoined(server);
			await redis.client.publishAll('news', ['"again"']);
			assert.equal(await next.nextText(), '451-["news",{"_placeholder":true,"num":0}]');
			await renewed.stop();
		}),
	);

	test('whose files are not to be read: it says so and does not start', limit(), () =>
		withCleanup(async (cleanup) => {
			const token = path.join(await cleanup.folder(), 'token');
			fs.writeFileSync(token, 'a-token-of-some-length-0123456789\n', { mode: 0o600 });
			const www = await makeSite(cleanup, 0o600);
			for (const [unreadable, more] of [[www, { www }], [token, { publish: { tokenFile: token } }]]) {
				const { file } = await configure(cleanup, { user: USER, ...more });
				const { status, stderr } = spawnSync(SIOCAST, ['-c', file], { encoding: 'utf8', timeout: LIMIT_MS, env: { ...process.env, ...env } });
				assert.ok(stderr.includes(`event=privileges-failed user=${USER} file="${unreadable}" error="permission denied"`), stderr);
				assert.equal(status, 1);
			}
		}),
	);

	test('whose keys are not to be read again: it says so, and the keys count', limit(), () =>
		withCleanup(async (cleanup) => {
			const folder = await cleanup.folder();
			const keys = [0o600, 0o644].map((mode) => {
				const file = path.join(folder, `key-${mode}`);
				fs.writeFileSync(file, mode === 0o600 ? SECRET : `another ${SECRET}`, { mode });
				return { alg: 'HS256', secretFile: file };
			});
			fs.chmodSync(folder, 0o755);
			const setup = await configure(cleanup, { user: USER, auth: { jwt: { keys } } });
			const child = await launchWhole(cleanup, setup);
			const [hidden, open] = keys.map(({ secretFile }) => secretFile);
			assert.ok(child.output.includes(`event=key-file-unreadable file="${hidden}" user=${USER} error="permission denied"`), child.output);
			assert.ok(!child.output.includes(open), child.output);
			const socket = await openDirect(setup);
			await socket.text(`40${JSON.stringify({ token: token({ sub: 'ann' }) })}`);
			assert.match(await socket.nextText(), /^40\{/);
			await child.stop();
		}),
	);

	test('who cannot remove the socket: it is told, and the next start replaces it', limit(), () =>
		withCleanup(async (cleanup) => {
			const unix = path.join(await cleanup.folder(), 'siocast.sock');
			const port = await freePort();
			const setup = { ...(await configure(cleanup, { listen: [`127.0.0.1:${port}`, `unix:${unix}`], user: USER })), port };
			for (let i = 0; i < 2; i++) {
				const child = await launchWhole(cleanup, setup);
				assert.ok(child.output.includes(`event=socket-stays address=unix:${unix} user=${USER}`), child.output);
				assert.equal((await Session.open({ port: unix, path: setup.path })).answer.status, 200);
				await child.stop();
				assert.ok(fs.existsSync(unix));
			}
		}),
	);

	test('when that is forbidden it does not go on as root', limit(), () =>
		withCleanup(async (cleanup) => {
			const { file } = await configure(cleanup, { user: USER });
			// As a container without CAP_SETUID and CAP_SETGID.
			const args = ['--bounding-set=-setuid,-setgid', SIOCAST, '-c', file];
			const { status, stderr } = spawnSync('setpriv', args, { encoding: 'utf8', timeout: LIMIT_MS, env: { ...process.env, ...env } });
			assert.ok(stderr.includes(`event=privileges-failed user=${USER} error="operation not permitted"`), stderr);
			assert.equal(status, 1);
		}),
	);
});

describe('without a user to become', { skip: NO_ROOT }, () => {
	test('root keeps its number, and no capability in any thread', limit(), () =>
		withCleanup(async (cleanup) => {
			const child = await launchWhole(cleanup, await configure(cleanup, { workers: 2 }), {});
			assertNone(privilegesOf(child.pid), 4);
			await child.says(/warn +event=runs-as-root/);
			await child.stop();
		}),
	);

	test('who is not root stays who that is, and gives up the capability that a low port took', limit(), () =>
		withCleanup(async (cleanup) => {
			const [port, admin] = [await lowPort(), await freePort()];
			// As by AmbientCapabilities of a unit. The program and the folder of its file may be root's alone: it is opened
			// before, and configured by variables.
			const low = '-all,+net_bind_service';
			const who = `--reuid=65534 --regid=65534 --clear-groups --inh-caps=${low} --ambient-caps=${low}`;
			const become = `exec 3<"$0" setpriv ${who} /proc/self/fd/3`;
			const variables = { SIOCAST_LISTEN: `127.0.0.1:${port}`, SIOCAST_ADMIN: `127.0.0.1:${admin}`, SIOCAST_USER: USER };
			const setup = { port, admin, path: '/socket.io/' };
			const child = await launchWhole(cleanup, setup, {
				wrap: (command) => ['bash', ['-c', become, command]],
				env: { ...env, ...variables, SIOCAST_WORKERS: '2' },
			});
			assert.equal((await Session.open(setup)).answer.status, 200);
			for (const { ids, capabilities, noNew } of privilegesOf(child.pid)) {
				assert.deepEqual(ids, Array(8).fill(65534));
				assert.deepEqual(capabilities, [0n, 0n, 0n, 0n]);
				assert.equal(noNew, '1');
			}
			assert.ok(child.output.includes(`event=user-kept uid=65534 user=${USER}`), child.output);
			assert.doesNotMatch(child.output, /runs-as-root|privileges-remain/);
			await child.stop();
		}),
	);
});
