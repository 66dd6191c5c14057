// SPDX-License-Identifier: MIT
//
// Where siocast listens: several addresses, IPv6, Unix sockets, and addresses that cannot be had.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { SIOCAST, SIOCAST_ONLY, configure, launchSiocast, startSiocast } from './lib/daemon.mjs';
import { Session, TEXT, openJoined, polling } from './lib/engine.mjs';
import { Application } from './lib/hook.mjs';
import { Wire, requestBytes } from './lib/http.mjs';
import { freePort } from './lib/ports.mjs';
import { LIMIT_MS, limit, once } from './lib/wait.mjs';

const HANDSHAKE = requestBytes('GET', '/socket.io/?EIO=4&transport=polling', { Connection: 'close' });

async function assertServes(where, host) {
	const wire = await Wire.open(where, host);
	await wire.send(HANDSHAKE);
	const answer = await wire.response();
	assert.equal(answer.status, 200);
	assert.equal(answer.text[0], '0');
	wire.close();
}

/** Adds addresses to the one every configuration gets here. */
async function configureMore(cleanup, ...addresses) {
	const port = await freePort();
	const setup = await configure(cleanup, { listen: [`127.0.0.1:${port}`, ...addresses], workers: 2 });
	return { ...setup, port };
}

describe('listen', { skip: SIOCAST_ONLY }, () => {
	test('several addresses, IPv4 and IPv6', limit(), () =>
		withCleanup(async (cleanup) => {
			const [second, sixth] = [await freePort(), await freePort()];
			const setup = await configureMore(cleanup, `localhost:${second}`, `[::1]:${sixth}`);
			await launchSiocast(cleanup, setup);
			for (let i = 0; i < 5; i++) {
				await assertServes(setup.port);
				await assertServes(second);
				await assertServes(sixth, '::1');
			}
		}),
	);

	test('a Unix socket: polling, WebSocket, and a file left by a crash', limit(), () =>
		withCleanup(async (cleanup) => {
			const file = path.join(await cleanup.folder(), 'siocast.sock');
			const setup = await configureMore(cleanup, `unix:${file}`);
			const first = await launchSiocast(cleanup, setup);
			const server = { port: file, path: setup.path };
			for (let i = 0; i < 5; i++) {
				await assertServes(file);
				const session = await Session.open(server);
				await session.post('40');
				assert.match((await session.packets())[0], /^40\{/);
				(await openJoined(server)).close();
			}
			await first.kill();
			assert.ok(fs.existsSync(file));
			await launchSiocast(cleanup, setup);
			await assertServes(file);
		}),
	);

	test('where clients come from, directly and by way of proxies', limit(), () =>
		withCleanup(async (cleanup) => {
			const app = await Application.start(cleanup, () => ({}));
			const file = path.join(await cleanup.folder(), 'siocast.sock');
			const [dual, other] = [await freePort(), await freePort()];
			const asked = { on: { connection: [{ emit: ['from', '{address}'] }] }, auth: { hook: { url: app.url } } };
			const setup = await configure(cleanup, {
				listen: [`[::]:${dual}`, `unix:${file}`, `[::1]:${other}`],
				workers: 2,
				trustedProxies: ['127.0.0.1', '10.0.0.0/8', 'unix'],
				namespaces: { '/': asked, '/untold': { ...asked, auth: { hook: { url: app.url, address: false } } } },
			});
			await launchSiocast(cleanup, { ...setup, port: dual });
			const via = { 'X-Forwarded-For': '198.51.100.1, 192.0.2.1, 10.1.1.1' };
			const cases = [
				[dual, {}, '127.0.0.1'], // ::ffff:127.0.0.1
				[dual, via, '192.0.2.1'],
				[file, {}, null],
				[file, { 'X-Forwarded-For': '2001:DB8:0::9' }, '2001:db8::9'],
			];
			for (const [port, headers, address] of cases) {
				const server = { port, path: setup.path };
				const session = await Session.open(server, '', headers);
				await session.post('40');
				assert.equal((await session.packets(2))[1], `42["from",${JSON.stringify(address)}]`);
				assert.equal((await app.asked.next()).address, address);
				const socket = await openJoined(server, '', headers);
				assert.equal(await socket.nextText(), `42["from",${JSON.stringify(address)}]`);
				assert.equal((await app.asked.next()).address, address);
				await socket.text('40/untold,');
				assert.equal('address' in (await app.asked.next()), false);
				socket.close();
			}
			// One header counts, which the proxies write; the other one is what a client has said.
			const forwarded = await startSiocast(cleanup, {
				trustedProxies: ['127.0.0.1', '10.0.0.0/8'],
				forwardedHeader: 'forwarded',
				namespaces: { '/': { on: asked.on } },
			});
			for (const [headers, address] of [
				[via, '127.0.0.1'],
				[{ ...via, Forwarded: 'for=198.51.100.2, For="[2001:db8::9]:4711";proto=https, for=10.1.1.1' }, '2001:db8::9'],
				[{ Forwarded: 'for=192.0.2.7, for="10.1.1.1' }, '127.0.0.1'],
			]) {
				const socket = await openJoined(forwarded, '', headers);
				assert.equal(await socket.nextText(), `42["from",${JSON.stringify(address)}]`);
				socket.close();
			}
			// Who is no proxy may say what it likes.
			const wire = await Wire.open(other, '::1');
			await wire.send(requestBytes('GET', polling(setup.path), via));
			const { sid } = JSON.parse((await wire.response()).text.slice(1));
			await wire.send(requestBytes('POST', polling(setup.path, sid), TEXT, '40'));
			await wire.response();
			assert.equal((await app.asked.next()).address, '::1');
			wire.close();
		}),
	);

	test('a port another siocast has: its connections are not shared', limit(), () =>
		withCleanup(async (cleanup) => {
			const setup = await configureMore(cleanup);
			await launchSiocast(cleanup, setup);
			const { status, stderr } = spawnSync(SIOCAST, ['-c', setup.file], { encoding: 'utf8', timeout: LIMIT_MS });
			assert.equal(status, 1, stderr);
			assert.match(stderr, /address already in use/);
			await assertServes(setup.port);
		}),
	);

	test('an address that is taken, or not ours: a line that names it, and status 1', limit(), () =>
		withCleanup(async (cleanup) => {
			const other = net.createServer().listen(0, '127.0.0.1');
			cleanup.add(other, () => other.close());
			await once(other, 'listening');
			const taken = `127.0.0.1:${other.address().port}`;
			for (const address of [taken, `192.0.2.1:${await freePort()}`, 'unix:/nonexistent/folder/socket']) {
				const setup = await configure(cleanup, { listen: [address] });
				const { status, stderr } = spawnSync(SIOCAST, ['-c', setup.file], { encoding: 'utf8', timeout: LIMIT_MS });
				assert.equal(status, 1, `${address}: ${stderr}`);
				assert.ok(stderr.includes(address.replace('unix:', '')), `${address}: ${stderr}`);
			}
		}),
	);
});
