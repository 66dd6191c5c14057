// SPDX-License-Identifier: MIT
//
// The PROXY protocol: both versions, in pieces and before TLS, by HAProxy, and what becomes of those that do not keep to it.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import { describe, test } from 'node:test';
import tls from 'node:tls';
import { authority } from './lib/certificates.mjs';
import { withCleanup } from './lib/cleanup.mjs';
import { MODES, collect, connectMode } from './lib/client.mjs';
import { SIOCAST_ONLY, configure, launchSiocast } from './lib/daemon.mjs';
import { TEXT, polling } from './lib/engine.mjs';
import { Wire, requestBytes } from './lib/http.mjs';
import { metric } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { PROXIES, startProxy } from './lib/proxies.mjs';
import { eventually, limit, within } from './lib/wait.mjs';

const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
const v2 = (hex) => Buffer.concat([SIGNATURE, Buffer.from(hex.replace(/ /g, ''), 'hex')]);
const V4 = 'c0000207 c0000201 dc04 01bb'; // from 192.0.2.7

const HEADERS = [
	['PROXY TCP4 192.0.2.7 192.0.2.1 56324 443\r\n', '192.0.2.7'],
	['PROXY TCP6 2001:db8::7 ::1 1 2\r\n', '2001:db8::7'],
	['PROXY UNKNOWN\r\n', '127.0.0.1'],
	[v2(`2111000c ${V4}`), '192.0.2.7'],
	[v2(`21110013 ${V4} 04 0004 00000000`), '192.0.2.7'], // with a TLV
	[v2('20000000'), '127.0.0.1'], // LOCAL
	[v2('21000002 0000'), '127.0.0.1'], // a family that has no addresses
].map(([header, address]) => [Buffer.from(header), address]);

const WRONG = ['PROXY TCP4 192.0.2.7\r\n', 'PROXY TCP4 999.0.2.7 192.0.2.1 1 2\r\n', v2('1111000c'), v2(`2111ffff ${V4}`), requestBytes('GET', '/')];

/** siocast with `listen` as given for its port: members of an object. More of its configuration. */
async function start(cleanup, listener, config = {}) {
	const setup = await configure(cleanup, {
		workers: 2,
		trustedProxies: '127.0.0.1',
		namespaces: { '/': { on: { connection: [{ emit: ['from', '{address}'] }], echo: [{ emit: ['echo', '...{args}'] }] } } },
		...config,
	});
	const plain = await freePort();
	setup.config.listen = [`127.0.0.1:${plain}`, { address: `0.0.0.0:${setup.port}`, proxyProtocol: true, ...listener }];
	fs.writeFileSync(setup.file, JSON.stringify(setup.config));
	return { ...setup, plain, child: await launchSiocast(cleanup, setup) };
}

/** The address that siocast tells who is connected by such a line. */
async function addressOf(wire, path) {
	await wire.send(requestBytes('GET', polling(path)));
	const { sid } = JSON.parse((await wire.response()).text.slice(1));
	await wire.send(requestBytes('POST', polling(path, sid), TEXT, '40'));
	await wire.response();
	for (;;) {
		await wire.send(requestBytes('GET', polling(path, sid)));
		const event = (await wire.response()).text.split('\x1e').find((packet) => packet.startsWith('42'));
		if (event) return JSON.parse(event.slice(2))[1];
	}
}

/** Whether siocast closes a connection that sends that. */
async function isClosed(port, bytes, localAddress = '127.0.0.1') {
	const socket = net.connect({ port, host: '127.0.0.1', localAddress });
	socket.on('error', () => {});
	const closed = new Promise((resolve) => socket.once('close', resolve));
	socket.resume();
	socket.write(bytes);
	await within(closed, 'the connection to be closed');
}

describe('the PROXY protocol', { concurrency: 2, skip: SIOCAST_ONLY }, () => {
	test('both versions say who it is, whole, with what follows, and in pieces', limit(), () =>
		withCleanup(async (cleanup) => {
			const server = await start(cleanup, {});
			for (const [header, address] of HEADERS) {
				for (const step of [0, 1, header.length - 1]) {
					const wire = await Wire.open(server.port);
					if (!step) await wire.send(header);
					for (let at = 0; step && at < header.length; at += step) {
						await wire.send(header.subarray(at, at + step));
						// It is read before the next piece comes, mostly.
						await new Promise((resolve) => setImmediate(resolve));
					}
					assert.equal(await addressOf(wire, server.path), address);
					wire.close();
				}
			}
			assert.equal(await metric(server, 'proxy_refused_total'), 0);
			// The other address is as ever.
			assert.equal(await addressOf(await Wire.open(server.plain), server.path), '127.0.0.1');
		}),
	);

	test('TLS begins behind it', limit(), () =>
		withCleanup(async (cleanup) => {
			const ca = await authority(cleanup);
			const { cert, key } = await ca.issue();
			const server = await start(cleanup, { tls: { cert, key } });
			for (const [header, address] of HEADERS.slice(0, 4)) {
				const socket = net.connect(server.port, '127.0.0.1');
				cleanup.add(socket, () => socket.destroy());
				socket.write(header);
				const secure = tls.connect({ socket, servername: 'localhost', ca: fs.readFileSync(ca.ca) });
				await within(new Promise((resolve, reject) => secure.once('secureConnect', resolve).once('error', reject)), 'TLS');
				assert.equal(await addressOf(new Wire(secure), server.path), address);
			}
		}),
	);

	test('what is no such header ends its connection only, as do silence and who is no proxy', limit(), () =>
		withCleanup(async (cleanup) => {
			const server = await start(cleanup, {}, { limits: { headerSeconds: 1 } });
			const good = await Wire.open(server.port);
			await good.send(HEADERS[0][0]);
			assert.equal(await addressOf(good, server.path), '192.0.2.7');
			for (const bytes of WRONG) await isClosed(server.port, bytes);
			await isClosed(server.port, ''); // says nothing
			await isClosed(server.port, 'PROXY TCP4 ');
			await isClosed(server.port, HEADERS[0][0], '127.0.0.2'); // is not trusted
			await eventually(async () => (await metric(server, 'proxy_refused_total')) === WRONG.length + 3, 'all to be counted');
			// Who only looks whether somebody is there breaks no rule.
			const look = net.connect(server.port, '127.0.0.1');
			await within(new Promise((resolve) => look.once('connect', resolve)), 'a connection');
			look.end();
			await within(new Promise((resolve) => look.resume().once('close', resolve)), 'its end');
			assert.equal(await metric(server, 'proxy_refused_total'), WRONG.length + 3);
			assert.equal(await addressOf(good, server.path), '192.0.2.7');
			good.close();
		}),
	);

	const [, skip] = PROXIES.find(([name]) => name === 'haproxy');
	for (const version of ['send-proxy', 'send-proxy-v2']) {
		test(`HAProxy with ${version}`, { skip, ...limit() }, () =>
			withCleanup(async (cleanup) => {
				const server = await start(cleanup, {});
				const ca = await authority(cleanup);
				const files = await ca.issue();
				const proxy = await startProxy(cleanup, 'haproxy', server, files, [[' check port', ` ${version} check port`]]);
				const trusted = fs.readFileSync(ca.ca);
				// From an address of its own: 127.0.0.1 is the proxy's.
				const from = () => tls.connect({ port: proxy.port, host: '127.0.0.1', localAddress: '127.0.0.2', servername: 'localhost', ca: trusted });
				await eventually(async () => {
					const wire = new Wire(from());
					await wire.send(requestBytes('GET', polling(proxy.path), { Connection: 'close' }));
					return (await wire.response()).status === 200;
				}, 'HAProxy to find siocast');
				assert.equal(await addressOf(new Wire(from()), proxy.path), '127.0.0.2');
				for (const mode of Object.keys(MODES)) {
					const socket = await connectMode(cleanup, proxy, mode, { ca: trusted });
					const echo = collect(socket, 'echo');
					socket.emit('echo', mode);
					assert.deepEqual(await echo.next(), [mode]);
				}
			}),
		);
	}
});
