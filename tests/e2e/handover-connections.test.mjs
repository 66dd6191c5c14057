// SPDX-License-Identifier: MIT
//
// A restart without a break, as connections see it: whatever a client has said, or not yet, its request is answered by the one process or
// by the other.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import tls from 'node:tls';
import { describe, test } from 'node:test';
import { authority as newAuthority } from './lib/certificates.mjs';
import { withCleanup } from './lib/cleanup.mjs';
import { MODES, connect } from './lib/client.mjs';
import { SIOCAST, SIOCAST_ONLY, launchSiocast } from './lib/daemon.mjs';
import { Session } from './lib/engine.mjs';
import { Renewed } from './lib/handover.mjs';
import { Wire } from './lib/http.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { certificate } from './lib/secure.mjs';
import { SLOW, eventually, limit, once, within } from './lib/wait.mjs';

const HANDSHAKE = 'GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: localhost\r\n\r\n';

/** A connection by way of a port of ours, which lets `n` pieces through that the client sends, and the others when it is released. */
async function heldUp(cleanup, port, n) {
	const held = [];
	let to;
	let more = n;
	const relay = net.createServer((from) => {
		to = net.connect(port, '127.0.0.1');
		cleanup.add(to, () => to.destroy());
		from.on('data', (piece) => (more-- > 0 ? to.write(piece) : held.push(piece)));
		to.on('data', (piece) => from.write(piece)).on('close', () => from.destroy()).on('error', () => {});
		from.on('error', () => {});
	});
	await new Promise((resolve) => relay.listen(0, '127.0.0.1', resolve));
	cleanup.add(relay, () => relay.close());
	return {
		port: relay.address().port,
		waits: () => eventually(() => held.length > 0, 'something to be held up'),
		release() {
			more = Infinity;
			for (const piece of held.splice(0)) to.write(piece);
		},
	};
}

const secure = (cleanup, port, trusted, options = {}) => {
	const socket = tls.connect({ port, host: '127.0.0.1', servername: 'localhost', ca: trusted, ...options });
	cleanup.add(socket, () => socket.destroy());
	const ready = within(new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject)), 'a handshake');
	ready.catch(() => {});
	return { wire: new Wire(socket), ready };
};

/** Listeners of all kinds, in two workers. */
async function startAll(cleanup) {
	const authority = await newAuthority(cleanup);
	const [port, tlsPort, proxied] = [await freePort(), await freePort(), await freePort()];
	const file = path.join(await cleanup.folder(), 'sock');
	const rules = { ...(await certificate(authority)), clientCA: authority.ca, verifyClient: 'optional', hsts: 1000 };
	const listen = [`127.0.0.1:${port}`, `unix:${file}`, { address: `127.0.0.1:${tlsPort}`, tls: rules }, { address: `127.0.0.1:${proxied}`, proxyProtocol: true }];
	const server = await Renewed.start(cleanup, { listen, workers: 2, engine: { pingInterval: 250_000 }, trustedProxies: '127.0.0.1', namespaces: { '/': { on: { connection: [{ emit: ['whose', '{tls.subject}'] }] } } } }, { port });
	return Object.assign(server, { tlsPort, proxied, unix: file, trusted: fs.readFileSync(authority.ca), authority });
}

async function answered(wire, bytes, what) {
	if (bytes) await wire.send(bytes);
	const answer = await wire.response();
	assert.equal(answer.status, 200, what);
	return answer;
}

describe('connections, through a restart without a break', { skip: SIOCAST_ONLY }, () => {
	test('each is answered, whatever it has said before', limit(120), () =>
		withCleanup(async (cleanup) => {
			const server = await startAll(cleanup);
			const open = async (where) => {
				const wire = await Wire.open(where);
				cleanup.add(wire, () => wire.socket.destroy());
				return wire;
			};
			const waiting = [];
			const later = (what, wire, bytes) => waiting.push({ what, wire, bytes });
			for (const [name, where, first = ''] of [['plain', server.port], ['Unix', server.unix], ['proxied', server.proxied, 'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n']]) {
				later(`${name}: it has said nothing`, await open(where), first + HANDSHAKE);
				for (const cut of [1, 30, first.length + 1, (first + HANDSHAKE).length - 1]) {
					const wire = await open(where);
					await wire.send((first + HANDSHAKE).slice(0, cut));
					later(`${name}: ${cut} bytes`, wire, (first + HANDSHAKE).slice(cut));
				}
				const wire = await open(where);
				await answered(wire, first + HANDSHAKE, name);
				later(`${name}: behind an answer`, wire, HANDSHAKE);
			}
			// A poll that is held ends with its session, and says that the connection does, too.
			const polling = await open(server.port);
			const { sid } = JSON.parse((await answered(polling, HANDSHAKE)).text.slice(1));
			await polling.send(`GET /socket.io/?EIO=4&transport=polling&sid=${sid} HTTP/1.1\r\nHost: x\r\n\r\n`);
			const admin = await open(server.admin);
			await answered(admin, 'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n');
			later('the admin port', admin, 'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n');
			later('the admin port: it has said nothing', await open(server.admin), 'GET /livez HTTP/1.1\r\nHost: x\r\n\r\n');
			// TLS: before its first byte, in the middle of its handshake, behind that, behind an answer.
			const silent = await heldUp(cleanup, server.tlsPort, 0);
			const first = secure(cleanup, silent.port, server.trusted);
			await silent.waits();
			later('TLS, no byte', first.wire, HANDSHAKE);
			const middle = await heldUp(cleanup, server.tlsPort, 1);
			const second = secure(cleanup, middle.port, server.trusted, { maxVersion: 'TLSv1.2' });
			await middle.waits();
			later('TLS, in its handshake', second.wire, HANDSHAKE);
			const own = await server.authority.issue(['client'], { days: 30, subject: 'ann' });
			const idle = secure(cleanup, server.tlsPort, server.trusted, { cert: fs.readFileSync(own.cert), key: fs.readFileSync(own.key) });
			await idle.ready;
			later('TLS, behind its handshake', idle.wire, HANDSHAKE);
			const kept = secure(cleanup, server.tlsPort, server.trusted);
			await kept.ready;
			await answered(kept.wire, HANDSHAKE);
			await kept.wire.send(HANDSHAKE.slice(0, 30));
			later('TLS, in a head', kept.wire, HANDSHAKE.slice(30));
			await server.renew();
			silent.release();
			middle.release();
			await Promise.all([first.ready, second.ready]);
			const answers = new Map();
			for (const { what, wire, bytes } of waiting) answers.set(what, await answered(wire, bytes, what));
			for (const [what, answer] of answers) if (what.startsWith('TLS')) assert.match(answer.head, /Strict-Transport-Security/i, what);
			// Whose certificate it was has come along.
			const session = new Session(server, JSON.parse(answers.get('TLS, behind its handshake').text.slice(1)));
			await session.post('40');
			assert.equal((await session.packets(2))[1], '42["whose","CN=ann"]');
			const last = await polling.response();
			assert.deepEqual([last.status, last.header('Connection')], [503, 'close']);
			// Who has its TLS in the process before has one answer, and then that ends.
			for (const { what, wire } of waiting.filter(({ what }) => /^TLS, (in|behind)/.test(what))) await eventually(() => wire.ended, `the end of ${what}`);
			await server.child.says(/event=left connections=\d+ lost=0 cut=0 [^]*event=adopted connections=\d+ closed=0\n/);
		}),
	);

	test('through two of them, one behind the other', limit(120), () =>
		withCleanup(async (cleanup) => {
			const server = await startAll(cleanup);
			const middle = await heldUp(cleanup, server.tlsPort, 1);
			const shaking = secure(cleanup, middle.port, server.trusted);
			await middle.waits();
			const silent = await Wire.open(server.port);
			cleanup.add(silent, () => silent.socket.destroy());
			const [first] = server.started;
			await server.renew();
			await server.renew();
			// The first process is there as long as somebody has his TLS there; what it passes on goes to the third one.
			process.kill(first, 0);
			middle.release();
			await shaking.ready;
			await answered(shaking.wire, HANDSHAKE, 'TLS');
			await answered(silent, HANDSHAKE, 'plain');
			await eventually(() => server.child.output.split('event=left ').length === 3, 'both to have ended');
			assert.equal(server.child.output.split(/event=left [^\n]*lost=0 cut=0 /).length, 3);
		}),
	);

	test('whoever has his TLS in the process before is cut off when that is told to end', limit(120), () =>
		withCleanup(async (cleanup) => {
			const server = await startAll(cleanup);
			const kept = secure(cleanup, server.tlsPort, server.trusted);
			await kept.ready;
			await answered(kept.wire, HANDSHAKE);
			const [first] = server.started;
			await server.renew();
			server.child.told = true;
			await eventually(() => /event=handed-over/.test(server.child.output), 'the next process to have it all');
			process.kill(first, 'SIGTERM');
			const { child } = server.child;
			await eventually(() => child.exitCode !== null || child.signalCode, 'the end of the first');
			assert.equal(child.exitCode, 0);
			await kept.wire.closed();
			await server.child.says(/event=left connections=\d+ lost=0 cut=1 /);
			await answered(await Wire.open(server.port), HANDSHAKE.replace('Host', 'Connection: close\r\nHost'));
			process.kill(server.pid, 'SIGTERM');
			await server.child.says(/event=stopping signal=SIGTERM/);
		}),
	);

	test('what is no listener any more takes its own along, and its file', limit(), () =>
		withCleanup(async (cleanup) => {
			const folder = await cleanup.folder();
			const [port, other] = [await freePort(), await freePort()];
			const [gone, kept] = ['gone', 'kept'].map((name) => `unix:${path.join(folder, name)}`);
			const server = await Renewed.start(cleanup, { listen: [`127.0.0.1:${port}`, gone, kept], workers: 2 }, { port });
			const wire = await Wire.open(path.join(folder, 'kept'));
			cleanup.add(wire, () => wire.socket.destroy());
			server.rewrite({ listen: [kept, `127.0.0.1:${other}`] });
			await server.renew();
			await answered(wire, HANDSHAKE, 'a listener that stays');
			await answered(await Wire.open(other), HANDSHAKE.replace('Host', 'Connection: close\r\nHost'), 'a new one');
			assert.equal(fs.existsSync(path.join(folder, 'gone')), false);
			await assert.rejects(Wire.open(port));
			server.port = other;
			await server.stop();
			assert.deepEqual(fs.readdirSync(folder), []);
		}),
	);
});

/** A server whose program is at a path of its own, to be another one then. */
async function startReplaceable(cleanup, config) {
	const program = path.join(await cleanup.folder(), 'siocast');
	fs.symlinkSync(SIOCAST, program);
	const server = await Renewed.start(cleanup, config, { wrap: (_, args) => [program, args] });
	return Object.assign(server, {
		replace(text) {
			fs.rmSync(program, { force: true });
			if (text === SIOCAST) fs.symlinkSync(SIOCAST, program);
			else if (text) fs.writeFileSync(program, text, { mode: 0o755 });
		},
	});
}

describe('a next process that is none', { skip: SIOCAST_ONLY }, () => {
	test('leaves this one as it was; signals meanwhile count', limit(120), () =>
		withCleanup(async (cleanup) => {
			const server = await startReplaceable(cleanup, { workers: 2 });
			const wire = await Wire.open(server.port);
			cleanup.add(wire, () => wire.socket.destroy());
			const failures = () => server.child.output.split('event=restart-failed').length - 1;
			for (const [text, says] of [
				[null, /event=restart-failed program="[^"]*" [^\n]*no such file/],
				['#!/nonexistent/shell\n', /event=restart-failed program="[^"]*" /],
				['no program', /event=restart-failed program="[^"]*" /],
				['#!/bin/sh\nexit 3\n', /event=restart-failed pid=\d+ [^\n]* status=3 /],
				['#!/bin/sh\nkill -SEGV $$\n', /event=restart-failed pid=\d+ /],
				['#!/bin/bash\nprintf nonsense >&3\nexec sleep 1000\n', /event=restart-failed pid=\d+ /],
			]) {
				const before = failures();
				server.replace(text);
				process.kill(server.pid, 'SIGUSR2');
				await eventually(() => failures() > before, `it to say so of ${text}`);
				await server.child.says(says);
				await answered(wire, HANDSHAKE, text);
			}
			// One that takes its time: a second signal changes nothing, and the end of this process is its end, too.
			server.replace('#!/bin/sh\nexec sleep 1000\n');
			const begun = () => [...server.child.output.matchAll(/event=restart pid=(\d+) /g)];
			const before = begun().length;
			process.kill(server.pid, 'SIGUSR2');
			await eventually(() => begun().length > before, 'it to be started');
			process.kill(server.pid, 'SIGUSR2');
			await server.child.says(/event=restart-ignored reason="one is under way"/);
			const all = begun();
			await answered(wire, HANDSHAKE, 'meanwhile');
			await server.stop();
			assert.throws(() => process.kill(Number(all.at(-1)[1]), 0), /ESRCH/);
		}),
	);

	test('that ends when it has said that it is ready costs a start, and no state', limit(120), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort(), { args: ['--repl-diskless-sync-delay', '0'] });
			const stateFile = path.join(await cleanup.folder(), 'state');
			const feeds = [{ channel: 'n', event: 'n', encode: 'json', batch: { interval: 0 } }];
			const server = await startReplaceable(cleanup, { redis: { url: redis.url, source: 'psync' }, feeds, stateFile, connectionStateRecovery: { maxDisconnectionDuration: 60000 } });
			await server.ready();
			const socket = await connect(cleanup, server, MODES.websocket);
			const got = once(socket, 'n');
			await redis.client.publish('n', '1');
			await got;
			const back = once(socket, 'connect', 'the client to be back', 60_000 * SLOW);
			server.replace('#!/bin/sh\nprintf ready >&3\n');
			Object.assign(server.child, { told: true, graceful: false });
			process.kill(server.pid, 'SIGUSR2');
			await server.child.says(/event=handing-over-failed [^]*event=state-saved file="\/[^"]*" [^\n]* sessions=1 /);
			server.child.told = true;
			assert.equal((await within(server.child.ended, 'its end')).code, 1);
			// As the service manager does it.
			const second = await launchSiocast(cleanup, server);
			await second.says(/event=state-loaded file="\/[^"]*" [^\n]* sessions=1 /);
			await back;
			assert.equal(socket.recovered, true);
		}),
	);

	test('a manager that ends all processes meanwhile ends the next one, with what there is', limit(120), () =>
		withCleanup(async (cleanup) => {
			const stateFile = path.join(await cleanup.folder(), 'state');
			const server = await Renewed.start(cleanup, { stateFile, workers: 2, connectionStateRecovery: { maxDisconnectionDuration: 60000 } });
			const [first] = server.started;
			const next = () => /event=handing-over pid=(\d+)/.exec(server.child.output)?.[1];
			process.kill(first, 'SIGUSR2');
			await eventually(() => next(), 'the next process to be ready');
			// On a busy machine the first may have ended by now.
			try {
				process.kill(first, 'SIGTERM');
			} catch (error) {
				assert.equal(error.code, 'ESRCH');
			}
			process.kill(Number(next()), 'SIGTERM');
			server.child.told = true;
			await eventually(() => server.child.exited, 'both to end');
			await server.child.says(/event=started [^]*event=handing-over [^]*event=started [^]*event=stopping signal=SIGTERM[^]*event=state-saved file="\//);
		}),
	);
});
