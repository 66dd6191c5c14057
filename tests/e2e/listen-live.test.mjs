// SPDX-License-Identifier: MIT
//
// Addresses that come, go and change while siocast runs: nobody is refused where it goes on to listen, who is connected stays, and an
// address that cannot be had changes nothing.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { authority as newAuthority } from './lib/certificates.mjs';
import { withCleanup } from './lib/cleanup.mjs';
import { MODES, connect } from './lib/client.mjs';
import { SIOCAST_ONLY, configure, launchSiocast } from './lib/daemon.mjs';
import { Session, openJoined } from './lib/engine.mjs';
import { Renewed, handshake } from './lib/handover.mjs';
import { Wire, request, requestBytes } from './lib/http.mjs';
import { accepts, freePort } from './lib/ports.mjs';
import { GOOD, TOKEN, reload, startReloadable } from './lib/reload.mjs';
import { HANDSHAKE, certificateOf, get, openSecure } from './lib/secure.mjs';
import { eventually, limit, once } from './lib/wait.mjs';

const ACTIVATE = path.join(path.dirname(fileURLToPath(import.meta.url)), 'lib/activate.py');
const ECHO = { '/': { on: { echo: [{ emit: ['echo', '{1}'] }] } } };
const CHANGED = { status: 200, changed: ['listen'], needsRestart: [] };

/** Whether an event comes back. */
async function assertEchoes(socket, value) {
	await socket.text(`42["echo",${value}]`);
	let text;
	// On a busy machine a ping may have come first.
	while ((text = await socket.nextText()) === '2') await socket.text('3');
	assert.equal(text, `42["echo",${value}]`);
}

/** Whether a connection gets an answer, and goes on. */
async function assertAnswers(wire, what) {
	await wire.send(requestBytes('GET', '/socket.io/?EIO=4&transport=polling'));
	assert.equal((await wire.response()).status, 200, what);
}

/** Handshakes at a port, one after the other on connections of their own, until `stop()`, which fails when one was refused. */
function knock(server) {
	let goes = true;
	let count = 0;
	const all = Promise.all(
		[0, 1, 2, 3].map(async () => {
			while (goes) {
				await handshake(server);
				count++;
			}
		}),
	);
	all.catch(() => {});
	return {
		async stop() {
			goes = false;
			await all;
			return count;
		},
	};
}

describe('addresses to listen on', { skip: SIOCAST_ONLY }, () => {
	for (const workers of [1, 3])
		test(`come and go, with ${workers} worker(s)`, limit(), () =>
			withCleanup(async (cleanup) => {
				const server = await startReloadable(cleanup, { workers, namespaces: ECHO });
				const [first] = server.config.listen;
				const other = await freePort();
				const file = path.join(await cleanup.folder(), 'sock');
				const knocking = knock(server);
				const staying = await openJoined(server);
				for (let i = 0; i < 5; i++) {
					assert.deepEqual(await reload(server, { listen: [`localhost:${other}`, first, `unix:${file}`] }), CHANGED);
					const sockets = [];
					for (const port of [other, file])
						for (let k = 0; k < 4; k++) {
							await Session.open({ ...server, port });
							sockets.push(await openJoined({ ...server, port }));
						}
					assert.deepEqual(await reload(server, { listen: first }), CHANGED);
					assert.equal(await accepts(other), false);
					assert.equal(fs.existsSync(file), false);
					// Who came by an address that is gone stays.
					for (const [k, socket] of [staying, ...sockets].entries()) await assertEchoes(socket, k);
					for (const socket of sockets) socket.close();
				}
				assert.ok((await knocking.stop()) > 10);
				await server.child.says(/event=listeners-changed added=2 removed=0 same=1\n/);
				await server.child.says(/event=listeners-changed added=0 removed=2 same=1\n/);
				await server.child.says(new RegExp(`event=not-listening address=localhost:${other}\n`));
				// The same address in other words is the same.
				assert.deepEqual(await reload(server, { listen: [{ address: `localhost:${server.port}` }] }), CHANGED);
				await server.child.says(/event=listeners-changed added=0 removed=0 same=1\n/);
				await assertEchoes(staying, 9);
				staying.close();
			}),
		);

	test('one that cannot be had changes nothing, and is named', limit(), () =>
		withCleanup(async (cleanup) => {
			const server = await startReloadable(cleanup, { workers: 2 });
			const listen = server.config.listen[0];
			const stranger = net.createServer().listen(0, '127.0.0.1');
			cleanup.add(stranger, () => stranger.close());
			await once(stranger, 'listening');
			const free = await freePort();
			const folder = await cleanup.folder();
			const file = path.join(folder, 'sock');
			const taken = `127.0.0.1:${stranger.address().port}`;
			for (const [address, why] of [
				[taken, /address already in use/i],
				[`192.0.2.1:${free}`, /not available/],
				[`unix:${folder}/none/sock`, /no such file/i],
			]) {
				const answer = await reload(server, { listen: [`127.0.0.1:${free}`, `unix:${file}`, address], log: { level: 'debug' } });
				assert.equal(answer.status, 422);
				assert.ok(answer.errors[0].startsWith(`listen: "${address}": `), answer.errors[0]);
				assert.match(answer.errors[0], why);
				assert.equal(await accepts(free), false);
				assert.equal(fs.existsSync(file), false);
				assert.equal((await Session.open(server)).answer.status, 200);
			}
			assert.deepEqual(await reload(server, { listen, admin: taken }), {
				status: 422,
				errors: [`admin: "${taken}": address already in use`],
			});
			// Nothing of the other keys was taken, either.
			const last = await reload(server, { listen: [listen, `127.0.0.1:${free}`], admin: `127.0.0.1:${server.admin}` });
			assert.deepEqual(last, { status: 200, changed: ['listen', 'log.level'], needsRestart: [] });
			assert.equal(await accepts(free), true);
		}),
	);

	test('wider and narrower ones of the same port', limit(), () =>
		withCleanup(async (cleanup) => {
			const server = await startReloadable(cleanup, { workers: 2, namespaces: ECHO });
			const staying = await openJoined(server);
			const knocking = knock(server);
			for (const host of ['0.0.0.0', '127.0.0.1', '[::]', '0.0.0.0', '127.0.0.1']) {
				assert.deepEqual(await reload(server, { listen: `${host}:${server.port}` }), CHANGED);
				await assertEchoes(staying, 1);
			}
			assert.ok((await knocking.stop()) > 5);
			assert.equal(await accepts(server.port, '127.0.0.2'), false);
			staying.close();
		}),
	);

	test('have TLS, another certificate, a redirect, a proxy in front, or none of it', limit(), () =>
		withCleanup(async (cleanup) => {
			const authority = await newAuthority(cleanup);
			const one = await authority.issue(['localhost', '127.0.0.1'], { days: 30, subject: 'one' });
			const two = await authority.issue(['localhost', '127.0.0.1'], { days: 30, subject: 'two' });
			const server = await startReloadable(cleanup, { workers: 2, namespaces: ECHO });
			const address = server.config.listen[0];
			const secure = { ...server, trusted: fs.readFileSync(authority.ca) };
			const tls = ({ cert, key }, more) => ({ address, tls: { cert, key, ...more } });
			const plain = [await openJoined(server), await Wire.open(server.port)];
			assert.deepEqual(await reload(server, { listen: tls(one) }), CHANGED);
			assert.equal(await certificateOf(cleanup, secure, 'localhost'), 'one');
			const wire = new Wire(await openSecure(cleanup, secure));
			assert.deepEqual(await reload(server, { listen: tls(two, { hsts: 60 }) }), CHANGED);
			await server.child.says(/event=listeners-altered count=1\n/);
			assert.equal(await certificateOf(cleanup, secure, 'localhost'), 'two');
			assert.equal((await get(cleanup, secure)).header('strict-transport-security'), 'max-age=60');
			// Who connected before goes on as it began, and its listener had no header for it.
			await wire.send(requestBytes('GET', '/socket.io/?EIO=4&transport=polling'));
			assert.equal((await wire.response()).header('strict-transport-security'), undefined);
			assert.deepEqual(await reload(server, { listen: { address, redirect: 'https://example.com' } }), CHANGED);
			assert.equal((await request(server.port, 'GET', '/x')).header('location'), 'https://example.com/x');
			const proxied = await reload(server, { listen: { address, proxyProtocol: true }, trustedProxies: '127.0.0.1' });
			assert.equal(proxied.status, 200);
			const via = await Wire.open(server.port);
			await via.send('PROXY TCP4 192.0.2.1 127.0.0.1 5 6\r\n');
			assert.deepEqual(await reload(server, { listen: address }), CHANGED);
			await via.send(HANDSHAKE);
			assert.equal((await via.response()).status, 200);
			assert.equal((await Session.open(server)).answer.status, 200);
			await assertEchoes(plain[0], 1);
			for (const left of [plain[1], wire]) {
				await left.send(HANDSHAKE);
				assert.equal((await left.response()).status, 200);
				left.close();
			}
			plain[0].close();
			// Files that cannot be used are mistakes of the file.
			const wrong = await reload(server, { listen: tls({ cert: one.cert, key: two.key }) });
			assert.equal(wrong.status, 422);
			assert.match(wrong.errors[0], /listen.*tls/);
		}),
	);

	test('with TLS: the one is another, the other stays, with its sessions that can be taken up again', limit(), () =>
		withCleanup(async (cleanup) => {
			const authority = await newAuthority(cleanup);
			const [one, two, three] = await Promise.all(['one', 'two', 'three'].map((subject) => authority.issue(undefined, { days: 30, subject })));
			const other = await freePort();
			const secure = (at, { cert, key }, more) => ({ address: `127.0.0.1:${at}`, tls: { cert, key, ...more } });
			const server = await startReloadable(cleanup, { workers: 2 });
			const { port } = server;
			assert.deepEqual(await reload(server, { listen: [secure(port, one), secure(other, two)] }), CHANGED);
			const [at, beside] = [port, other].map((where) => ({ ...server, port: where, trusted: fs.readFileSync(authority.ca) }));
			const wires = [];
			for (const where of [at, beside]) wires.push(new Wire(await openSecure(cleanup, where)));
			const tickets = [];
			for (const where of [at, beside]) {
				const socket = await openSecure(cleanup, where, { maxVersion: 'TLSv1.2' });
				tickets.push(socket.getSession());
				socket.destroy();
			}
			const resumes = async (where, session) => {
				const socket = await openSecure(cleanup, where, { maxVersion: 'TLSv1.2', session });
				const resumed = socket.isSessionReused();
				socket.destroy();
				return resumed;
			};
			// A certificate that cannot be used leaves both as they were, with all else of that file.
			const before = server.config.listen;
			for (const bad of [{ cert: three.cert, key: one.key }, { cert: `${three.cert}.none`, key: three.key }]) {
				const answer = await reload(server, { listen: [secure(port, three, { minVersion: '1.3' }), secure(other, bad)], log: { level: 'debug' } });
				assert.equal(answer.status, 422);
				assert.match(answer.errors[0], /listen\[1\]/);
				assert.deepEqual([await certificateOf(cleanup, at, 'localhost'), await certificateOf(cleanup, beside, 'localhost')], ['one', 'two']);
			}
			assert.deepEqual(await reload(server, { listen: before, log: undefined }), { status: 200, changed: [], needsRestart: [] });
			assert.deepEqual(await reload(server, { listen: [secure(port, three), before[1]] }), CHANGED);
			await server.child.says(/event=listeners-altered count=1\n/);
			assert.deepEqual([await certificateOf(cleanup, at, 'localhost'), await certificateOf(cleanup, beside, 'localhost')], ['three', 'two']);
			assert.deepEqual([await resumes(at, tickets[0]), await resumes(beside, tickets[1])], [false, true]);
			assert.deepEqual(await reload(server, { listen: [secure(port, three, { minVersion: '1.3' }), before[1]] }), CHANGED);
			await assert.rejects(openSecure(cleanup, at, { maxVersion: 'TLSv1.2' }));
			assert.equal(await resumes(beside, tickets[1]), true);
			for (const wire of wires) {
				await wire.send(HANDSHAKE);
				assert.equal((await wire.response()).status, 200);
			}
		}),
	);

	test('of the admin port, and its names; whether there is one takes a restart', limit(), () =>
		withCleanup(async (cleanup) => {
			const server = await startReloadable(cleanup);
			const before = server.admin;
			const wire = await Wire.open(before);
			const admin = await freePort();
			const name = async (host) => (await request(server.admin, 'GET', '/livez', { Host: host })).status;
			assert.equal(await name('metrics.example'), 403);
			const moved = await reload(server, { admin: `127.0.0.1:${admin}`, adminHosts: ['metrics.example'] });
			assert.deepEqual(moved, { status: 200, changed: ['admin', 'adminHosts'], needsRestart: [] });
			server.admin = admin;
			assert.equal(await name('metrics.example'), 200);
			assert.equal(await accepts(before), false);
			await wire.send(requestBytes('GET', '/livez'));
			assert.equal((await wire.response()).status, 200);
			const { publish } = server.config;
			const needsRestart = ['admin', 'publish.tokenFile'];
			assert.deepEqual(await reload(server, { admin: false, publish: undefined }), { status: 200, changed: [], needsRestart });
			assert.deepEqual((await reload(server)).needsRestart.sort(), needsRestart);
			assert.equal(await name('metrics.example'), 200);
			assert.deepEqual(await reload(server, { admin: `localhost:${admin}`, adminHosts: [], publish }), {
				status: 200,
				changed: ['admin', 'adminHosts'],
				needsRestart: [],
			});
			assert.equal(await name('metrics.example'), 403);
			assert.equal(await name('localhost'), 200);
		}),
	);

	test('are handed over as they are then; while a restart is under way nothing is read', limit(), () =>
		withCleanup(async (cleanup) => {
			const [port, other, gone] = [await freePort(), await freePort(), await freePort()];
			const tokenFile = path.join(await cleanup.folder(), 'token');
			fs.writeFileSync(tokenFile, TOKEN);
			const config = { listen: [`127.0.0.1:${port}`, `127.0.0.1:${gone}`], workers: 2, publish: { tokenFile } };
			const server = await Renewed.start(cleanup, config, { port });
			assert.deepEqual(await reload(server, { listen: [`127.0.0.1:${other}`, `127.0.0.1:${port}`] }), CHANGED);
			const knocking = [knock({ ...server, port }), knock({ ...server, port: other })];
			// The next process waits for its configuration.
			const text = fs.readFileSync(server.file);
			fs.rmSync(server.file);
			assert.equal(spawnSync('mkfifo', [server.file]).status, 0);
			process.kill(server.pid, 'SIGUSR2');
			await server.child.says(/event=restart pid=/);
			const answer = await request(server.admin, 'POST', '/reload', GOOD, '');
			assert.equal(answer.status, 422);
			assert.match(answer.text, /a restart is under way/);
			const fifo = await fs.promises.open(server.file, 'w');
			await fifo.writeFile(text);
			fs.rmSync(server.file);
			await fifo.close();
			fs.writeFileSync(server.file, text);
			await eventually(() => server.started.length === 2, 'the next process to start');
			for (const one of knocking) assert.ok((await one.stop()) > 0);
			assert.equal(await accepts(gone), false);
			// Of the sockets of now nothing was left over, and what is new is listened on by the next process as by any.
			assert.doesNotMatch(server.child.output, /event=descriptor-unused/);
			assert.deepEqual(await reload(server, { listen: [`127.0.0.1:${gone}`, `127.0.0.1:${port}`] }), CHANGED);
			assert.deepEqual(await Promise.all([port, other, gone].map((one) => accepts(one))), [true, false, true]);
		}),
	);

	test('are handed over as they are then, with who has come by one that is gone or by a new one', limit(), () =>
		withCleanup(async (cleanup) => {
			const [port, added, gone] = [await freePort(), await freePort(), await freePort()];
			const folder = await cleanup.folder();
			const [file, goneFile] = ['sock', 'gone'].map((name) => path.join(folder, name));
			const authority = await newAuthority(cleanup);
			const tls = await authority.issue(undefined, { days: 30 });
			const tokenFile = path.join(await cleanup.folder(), 'token');
			fs.writeFileSync(tokenFile, TOKEN);
			const [staying, leaving, coming] = [port, gone, added].map((at) => `127.0.0.1:${at}`);
			const config = { listen: [leaving, staying, `unix:${goneFile}`], workers: 2, publish: { tokenFile } };
			const server = await Renewed.start(cleanup, config, { port });
			const wires = new Map();
			const open = async (what, where) => {
				for (const said of [false, true]) {
					const wire = where.trusted ? new Wire(await openSecure(cleanup, where)) : await Wire.open(where);
					cleanup.add(wire, () => wire.socket.destroy());
					wires.set(`${what}, ${said ? 'behind an answer' : 'silent'}`, wire);
					if (said) await assertAnswers(wire, what);
				}
			};
			const secure = { ...server, port: added, trusted: fs.readFileSync(authority.ca) };
			await open('gone', gone);
			await open('gone, Unix', goneFile);
			await open('staying', port);
			const clients = [await connect(cleanup, server, MODES.websocket)];
			assert.deepEqual(await reload(server, { listen: [{ address: coming, tls: { cert: tls.cert, key: tls.key } }, `unix:${file}`, staying] }), CHANGED);
			await open('new, TLS', secure);
			await open('new, Unix', file);
			// Who came by an address that is gone goes on with this process until the next one works.
			for (const [what, wire] of wires) if (what.endsWith('answer')) await assertAnswers(wire, what);
			clients.push(await connect(cleanup, { ...server, url: `https://127.0.0.1:${added}` }, { ...MODES.polling, ca: secure.trusted }));
			const back = clients.map((client) => once(client, 'connect', 'a client to be back'));
			await server.renew();
			for (const [what, wire] of wires) await assertAnswers(wire, what);
			await Promise.all(back);
			assert.equal(await accepts(gone), false);
			assert.deepEqual(fs.readdirSync(folder), ['sock']);
			await Session.open({ ...server, port: file });
			await server.child.says(/event=left connections=\d+ lost=0 cut=0 [^]*event=adopted connections=\d+ closed=0\n/);
			assert.doesNotMatch(server.child.output, /event=descriptor-unused/);
			// What the next process has got goes as what it has opened does.
			assert.deepEqual(await reload(server, { listen: [leaving, staying] }), CHANGED);
			assert.deepEqual(await Promise.all([port, gone, added].map((one) => accepts(one))), [true, true, false]);
			assert.deepEqual(fs.readdirSync(folder), []);
		}),
	);

	test('that a service manager holds wait when they are gone, and are taken again when they come back', limit(), () =>
		withCleanup(async (cleanup) => {
			const setup = await configure(cleanup, { workers: 2 });
			const held = setup.config.listen[0];
			const other = await freePort();
			const tokenFile = path.join(await cleanup.folder(), 'token');
			fs.writeFileSync(tokenFile, TOKEN);
			fs.writeFileSync(setup.file, JSON.stringify(Object.assign(setup.config, { publish: { tokenFile } })));
			const child = await launchSiocast(cleanup, setup, {
				wrap: (command, args) => ['python3', [ACTIVATE, JSON.stringify([[held, 'x']]), command, ...args]],
			});
			for (let i = 0; i < 3; i++) {
				assert.deepEqual(await reload(setup, { listen: `127.0.0.1:${other}` }), CHANGED);
				await child.says(/warn {2}event=not-listening address=\S+ hint="a service manager holds this socket/);
				const waits = handshake(setup);
				await handshake({ ...setup, port: other });
				assert.deepEqual(await reload(setup, { listen: held }), CHANGED);
				await waits;
				assert.equal(await accepts(other), false);
			}
			for (let i = 0; i < 8; i++) await handshake(setup);
		}),
	);

	test('below 1024, after privileges were given up', { ...limit(), skip: process.getuid() !== 0 && 'only root can become another user' }, () =>
		withCleanup(async (cleanup) => {
			const setup = await configure(cleanup, { user: 'daemon' });
			const folder = path.dirname(setup.file);
			const tokenFile = path.join(folder, 'token');
			fs.writeFileSync(tokenFile, TOKEN);
			fs.writeFileSync(setup.file, JSON.stringify(Object.assign(setup.config, { publish: { tokenFile } })));
			fs.chmodSync(folder, 0o755);
			const server = { ...setup, child: await launchSiocast(cleanup, setup, { env: { ASAN_OPTIONS: 'detect_leaks=0' } }) };
			await server.child.says(/event=started/);
			const [address] = server.config.listen;
			let low = 1023;
			while (await accepts(low)) low--;
			const unprivileged = Number(fs.readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
			const answer = await reload(server, { listen: [address, `127.0.0.1:${low}`] });
			if (unprivileged > low)
				assert.deepEqual(answer.errors, [
					`listen: "127.0.0.1:${low}": permission denied (ports below 1024 take a privilege that siocast gave up at its start: a restart opens it)`,
				]);
			const file = path.join(folder, 'sock'); // the folder is root's
			assert.deepEqual((await reload(server, { listen: [address, `unix:${file}`] })).errors, [
				`listen: "unix:${file}": permission denied (siocast may have become another user at its start)`,
			]);
			await handshake(server);
			// Its own port is root's socket, and stays; another one is no matter.
			const other = await freePort();
			assert.deepEqual(await reload(server, { listen: [address, `127.0.0.1:${other}`] }), CHANGED);
			await handshake({ ...server, port: other });
			await handshake(server);
			const wider = await reload(server, { listen: `0.0.0.0:${server.port}` });
			assert.equal(wider.status, 422);
			assert.match(wider.errors[0], new RegExp(`address already in use \\("${address}" is in the way`));
		}),
	);
});
