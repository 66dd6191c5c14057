// SPDX-License-Identifier: MIT
//
// What those hear who look after siocast: a service manager such as systemd, and whoever reads the log.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { MODES, connect, connectMode } from './lib/client.mjs';
import { SIOCAST, SIOCAST_ONLY, configure, feedsReady, launchSiocast, startSiocast } from './lib/daemon.mjs';
import { Session, openDirect, settle } from './lib/engine.mjs';
import { request } from './lib/http.mjs';
import { startManager } from './lib/manager.mjs';
import { accepts, freePort } from './lib/ports.mjs';
import { Child } from './lib/process.mjs';
import { startRedis } from './lib/redis.mjs';
import { TOKEN, reload, startReloadable } from './lib/reload.mjs';
import { SLOW, eventually, limit, once } from './lib/wait.mjs';

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

	test('keeps the sockets: who connects while there is no process is served by the next one', limit(), () =>
		withCleanup(async (cleanup) => {
			const manager = await startManager(cleanup);
			const [file, gone] = ['sock', 'gone'];
			const folder = await cleanup.folder();
			const port = await freePort();
			const listen = [`127.0.0.1:${port}`, `unix:${path.join(folder, file)}`, `unix:${path.join(folder, gone)}`];
			const setup = await configure(cleanup, { listen, workers: 2, stateFile: path.join(folder, 'state') });
			const start = () => manager.start(SIOCAST, ['-c', setup.file], { env: { FDSTORE: '64' } });
			const first = await start();
			// One of each worker, those of Unix sockets once, and the admin port's.
			await eventually(() => manager.kept().length === 5, `5 sockets to be kept: ${manager.kept()}`);
			assert.ok(manager.kept().every((name) => name === 'siocast-kept'));
			await first.stop();
			const waiting = [port, setup.admin, path.join(folder, file)].flatMap((where) =>
				Array.from({ length: 8 }, () => request(where, 'GET', where === setup.admin ? '/livez' : '/socket.io/?EIO=4&transport=polling')),
			);
			fs.rmSync(path.join(folder, gone));
			const second = await start();
			for (const answer of await Promise.all(waiting)) assert.equal(answer.status, 200);
			assert.match(second.text(), /event=listening address=127\.0\.0\.1:\d+ port=\d+ inherited=1\n/);
			assert.match(second.text(), /event=state-loaded /);
			// The file of that one was removed meanwhile, as systemd does with RuntimeDirectory=: so it was made anew.
			assert.match(second.text(), /event=listening address=unix:\S*gone port=0\n/);
			await Session.open({ ...setup, port: path.join(folder, gone) });
			await eventually(() => manager.kept().length === 5, 'the new ones to be kept');
			await second.stop();
			// What is no listener any more is kept no more, and its file is removed.
			fs.writeFileSync(setup.file, JSON.stringify({ ...setup.config, listen: listen.slice(0, 1) }));
			const third = await start();
			await eventually(() => manager.kept().length === 3, 'three to be kept');
			assert.deepEqual(fs.readdirSync(folder).filter((name) => name !== 'state'), []);
			await Session.open({ ...setup, port });
			// The next one, without a break, is kept as well.
			process.kill(third.pid, 'SIGUSR2');
			await eventually(() => third.text().split('event=started').length === 3, 'the next process');
			const fourth = Number(/event=handing-over pid=(\d+)/.exec(third.text())[1]);
			await eventually(() => manager.heard(fourth).includes('FDSTORE=1'), 'it to have its sockets kept');
			process.kill(fourth, 'SIGTERM');
			await eventually(() => third.text().split('event=stopped').length === 3, 'the end');
			// One that keeps less is told of, and siocast works.
			const few = await manager.start(SIOCAST, ['-c', setup.file], { env: { FDSTORE: '1' } });
			await eventually(() => /event=sockets-not-kept sockets=3 kept=1 /.test(few.text()), 'the word about the others');
			await Session.open({ ...setup, port });
		}),
	);

	test('keeps the sockets that there are after a reload', limit(), () =>
		withCleanup(async (cleanup) => {
			const manager = await startManager(cleanup);
			const folder = await cleanup.folder();
			const [port, gone, added, admin] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
			const [file, goneFile] = ['sock', 'gone'].map((name) => path.join(folder, name));
			const tokenFile = path.join(await cleanup.folder(), 'token');
			fs.writeFileSync(tokenFile, TOKEN);
			const at = `127.0.0.1:${port}`;
			const setup = await configure(cleanup, { listen: [at, `127.0.0.1:${gone}`, `unix:${goneFile}`], workers: 2, publish: { tokenFile } });
			const start = () => manager.start(SIOCAST, ['-c', setup.file], { env: { FDSTORE: '64' } });
			const first = await start();
			const told = () => manager.heard(first.pid).filter((line) => line === 'FDSTOREREMOVE=1').length;
			await eventually(() => manager.kept().length === 6, `6 sockets to be kept: ${manager.kept()}`);
			const listen = [`unix:${file}`, at, `127.0.0.1:${added}`, `[::1]:${added}`];
			assert.equal((await reload(setup, { listen })).status, 200);
			await eventually(() => manager.kept().length === 8, `8 sockets to be kept: ${manager.kept()}`);
			assert.equal(told(), 2);
			// Nobody waits at what nobody listens on.
			await eventually(async () => !(await accepts(gone)), 'the manager to have closed its copy');
			assert.deepEqual(fs.readdirSync(folder), ['sock']);
			// Another door, or another name of the same, is no other socket.
			assert.equal((await reload(setup, { listen: [...listen.slice(1), { address: listen[0], redirect: 'https://example.com' }] })).status, 200);
			assert.equal((await reload(setup, { listen, log: { level: 'debug' } })).status, 200);
			assert.equal(told(), 2);
			const before = setup.admin;
			assert.equal((await reload(setup, { admin: `127.0.0.1:${admin}` })).status, 200);
			setup.admin = admin;
			await eventually(() => told() === 3 && manager.kept().length === 8, 'the other admin port to be kept');
			await eventually(async () => !(await accepts(before)), 'the one before to be closed');
			await first.stop();
			const waiting = [port, added, file, admin].flatMap((where) =>
				Array.from({ length: 4 }, () => request(where, 'GET', where === admin ? '/livez' : '/socket.io/?EIO=4&transport=polling')),
			);
			const second = await start();
			for (const answer of await Promise.all(waiting)) assert.equal(answer.status, 200);
			assert.doesNotMatch(second.text(), /event=descriptor-unused/);
			assert.equal(second.text().split(' inherited=1').length, 6);
			// They are its own, as far as a reload goes.
			assert.equal((await reload(setup, { listen: at })).status, 200);
			assert.deepEqual(fs.readdirSync(folder), []);
			await eventually(() => manager.kept().length === 3, `3 sockets to be kept: ${manager.kept()}`);
			await eventually(async () => !(await accepts(added)), 'the manager to have closed its copies');
		}),
	);

	// Where clients connect is another place at once; Redis is only tried then.
	test('keeps the sockets that there are after a reload that has Redis at another address, too', limit(), () =>
		withCleanup(async (cleanup) => {
			const manager = await startManager(cleanup);
			const [one, other] = [await startRedis(cleanup, await freePort()), await startRedis(cleanup, await freePort())];
			const [port, added] = await Promise.all([freePort(), freePort()]);
			const tokenFile = path.join(await cleanup.folder(), 'token');
			fs.writeFileSync(tokenFile, TOKEN);
			const listen = [`127.0.0.1:${port}`];
			const setup = await configure(cleanup, { listen, redis: one.url, workers: 1, feeds: [{ channel: 'news', event: 'news' }], publish: { tokenFile } });
			const child = await manager.start(SIOCAST, ['-c', setup.file], { env: { FDSTORE: '64' } });
			await eventually(() => manager.kept().length === 2, `2 sockets to be kept: ${manager.kept()}`);
			await feedsReady(one, setup);
			const answer = await reload(setup, { listen: [...listen, `127.0.0.1:${added}`], redis: other.url });
			assert.deepEqual(answer, { status: 200, changed: ['listen', 'redis'], needsRestart: [] });
			await eventually(() => manager.kept().length === 3, `3 sockets to be kept: ${manager.kept()}`);
			await eventually(() => child.text().includes('event=redis-moved how=separate'), 'the move', 30_000 * SLOW);
			await child.stop();
			const waiting = request(added, 'GET', '/socket.io/?EIO=4&transport=polling');
			await manager.start(SIOCAST, ['-c', setup.file], { env: { FDSTORE: '64' } });
			assert.equal((await waiting).status, 200);
		}),
	);

	test('that cannot be reached is missed by nobody else', limit(), () =>
		withCleanup(async (cleanup) => {
			const setup = await configure(cleanup);
			const child = await launchSiocast(cleanup, setup, { env: { NOTIFY_SOCKET: '/nonexistent/notify' } });
			await connectMode(cleanup, setup, 'websocket');
			await child.says(/error event=notify-failed hint="the service manager is told nothing" error="no such file or directory"/);
		}),
	);
});

describe('draining', { skip: SIOCAST_ONLY }, () => {
	const ready = async (server) => (await request(server.admin, 'GET', '/readyz')).text;

	for (const [workers, name] of [[1, 'one worker'], [2, 'two workers']]) {
		test(`sends clients away one after the other, ${name}`, limit(), () =>
			withCleanup(async (cleanup) => {
				const manager = await startManager(cleanup);
				const redis = await startRedis(cleanup, await freePort());
				const setup = await configure(cleanup, {
					redis: redis.url,
					workers,
					drain: { seconds: 2 },
					feeds: [{ channel: 'news', event: 'news', encode: 'json', batch: { interval: 0 } }],
				});
				const child = await launchSiocast(cleanup, setup, { env: { NOTIFY_SOCKET: manager.socket } });
				await feedsReady(redis, setup);
				const sockets = [];
				for (let i = 0; i < 24; i++)
					sockets.push(await connect(cleanup, setup, { ...MODES[i % 2 ? 'websocket' : 'polling'], reconnection: false }));
				const left = sockets.map((socket) => once(socket, 'disconnect').then(() => performance.now()));
				assert.match(await ready(setup), /^ready$/m);
				child.signal('SIGTERM');
				await eventually(async () => /^draining\nnot ready$/m.test(await ready(setup)), 'the balancer to be told');
				assert.equal((await request(setup.port, 'GET', '/socket.io/?EIO=4&transport=polling')).status, 503);
				// Those that are still there miss nothing.
				await Promise.race(left);
				const heard = sockets.filter((socket) => socket.connected).map((socket) => Promise.race([once(socket, 'news'), once(socket, 'disconnect')]));
				assert.ok(heard.length > 0, 'all left at once');
				await redis.client.publish('news', '1');
				await Promise.all(heard);
				const times = (await Promise.all(left)).sort((a, b) => a - b);
				assert.ok(times.at(-1) - times[0] > 700, `all left within ${times.at(-1) - times[0]} ms`);
				assert.equal((await child.ended).code, 0);
				await child.says(/event=draining seconds=2\n[^]*event=drained\n/);
				const told = manager.heard(child.pid);
				assert.equal(told.filter((line) => line === 'STOPPING=1').length, 1);
				assert.ok(told.includes('EXTEND_TIMEOUT_USEC=32000000'));
			}),
		);
	}

	for (const workers of [1, 2])
		test(`is even for 200 clients, ${workers} worker(s): no moment has more of them than another`, limit(), () =>
			withCleanup(async (cleanup) => {
				const server = await startSiocast(cleanup, { workers, drain: { seconds: 2 } });
				const ends = { polling: [], websocket: [] };
				const ended = [];
				for (let i = 0; i < 100; i++) {
					const socket = await openDirect(server);
					ended.push(socket.ended().then(({ close }) => (ends.websocket.push(performance.now()), assert.equal(close.code, 1001))));
					const session = await Session.open(server);
					const { answer } = await session.startPoll();
					ended.push(answer.then(({ status }) => (ends.polling.push(performance.now()), assert.equal(status, 503))));
				}
				await settle(server.port, server.path);
				server.child.signal('SIGTERM');
				await Promise.all(ended);
				const all = [...ends.polling, ...ends.websocket].sort((a, b) => a - b);
				assert.ok(all.at(-1) - all[0] > 1000, `all within ${all.at(-1) - all[0]} ms`);
				for (const [transport, times] of Object.entries(ends)) {
					const quarters = [0, 0, 0, 0];
					for (const time of times) quarters[Math.min(3, Math.floor((4 * (time - all[0])) / (all.at(-1) - all[0])))]++;
					// 25 each if all were in turn; which of the two kinds a session is of is a matter of luck, and a busy machine lags.
					assert.ok(quarters.every((n) => n >= 6 && n <= 55), `${transport}: ${quarters}`);
				}
				assert.equal((await server.child.ended).code, 0);
			}),
		);

	test('ends when the last client has gone, and nobody waits who asks twice or by SIGINT', limit(), () =>
		withCleanup(async (cleanup) => {
			for (const signals of [['SIGTERM'], ['SIGTERM', 'SIGTERM'], ['SIGINT']]) {
				const server = await startSiocast(cleanup, { drain: { seconds: 3600 } });
				// Alone it may go at once; with somebody there the end would be an hour away.
				const alone = signals.length === 1 && signals[0] === 'SIGTERM';
				const socket = alone ? null : await connect(cleanup, server, { ...MODES.websocket, reconnection: false });
				const begun = performance.now();
				for (const signal of signals) {
					const lines = server.child.output.split('event=stopping').length;
					server.child.signal(signal);
					await eventually(() => server.child.output.split('event=stopping').length > lines, 'the signal');
				}
				assert.equal((await server.child.ended).code, 0);
				assert.ok(performance.now() - begun < 60_000);
				if (socket) await eventually(() => !socket.connected, 'the client to notice');
			}
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
			// The port listens before the line is written that says so.
			await eventually(() => /"event":"started"[^\n]*\n/.test(fs.readFileSync(file, 'utf8')), 'the line of the start');
			const lines = linesOf(fs.readFileSync(file, 'utf8')).map((line) => JSON.parse(line));
			assert.equal(lines.find((line) => line.event === 'started').pid, String(child.pid));
			assert.ok(lines.every(({ time, level }) => !Number.isNaN(Date.parse(time)) && /^(error|warn|info|debug)$/.test(level)));
			fs.renameSync(file, `${file}.1`);
			child.child.kill('SIGUSR1');
			await eventually(() => fs.existsSync(file) && fs.readFileSync(file, 'utf8').includes('"event":"log-reopened"'), 'the new file');
			await child.stop();
			assert.match(fs.readFileSync(file, 'utf8'), /"event":"stopped"\}\n$/);
			assert.doesNotMatch(fs.readFileSync(`${file}.1`, 'utf8'), /"event":"stop/);
			assert.equal(child.output, '');
		}),
	);

	test('has the first of lines that come again and again, and how many more there were', limit(), () =>
		withCleanup(async (cleanup) => {
			const server = await startReloadable(cleanup, { accessLog: 'log' });
			for (let i = 0; i < 30; i++) assert.equal((await reload(server)).status, 200);
			for (let i = 0; i < 30; i++) (await openDirect(server)).close();
			const lines = (text) => server.child.output.split('\n').filter((line) => line.includes(text));
			await eventually(() => lines(' event=closed ').length === 30, 'all of the access log');
			assert.equal(lines('event=reloaded').length, 20);
			await server.child.stop(); // what was not told yet is told then
			const told = lines('event=repeated').map((line) => line.slice(25));
			assert.deepEqual(told.filter((line) => line.includes('"reloaded"')), ['info  event=repeated line="reloaded" times=10']);
		}),
	);

	test('that cannot be opened is the end of the start', limit(), () =>
		withCleanup(async (cleanup) => {
			const setup = await configure(cleanup, { log: { target: '/nonexistent/siocast.log' } });
			const child = new Child(SIOCAST, ['-c', setup.file], { graceful: false });
			cleanup.add(child, () => child.stop());
			assert.equal((await child.ended).code, 1);
			await child.says(/error event=log-failed file="\/nonexistent\/siocast.log" error="no such file or directory"/);
		}),
	);
});
