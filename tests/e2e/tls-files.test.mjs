// SPDX-License-Identifier: MIT
//
// TLS: certificates that change, those of clients, what siocast -t says of the files; and clients that never finish a handshake.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import tls from 'node:tls';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { authority as newAuthority } from './lib/certificates.mjs';
import { withCleanup } from './lib/cleanup.mjs';
import { ask, connected, createClient } from './lib/client.mjs';
import { SIOCAST, SIOCAST_ONLY } from './lib/daemon.mjs';
import { Wire, requestBytes } from './lib/http.mjs';
import { HANDSHAKE, certificate, certificateOf, get, openSecure, startSecure } from './lib/secure.mjs';
import { eventually, limit, once, within } from './lib/wait.mjs';

/** As programs that renew certificates do it. */
function replace(old, fresh) {
	fs.renameSync(fresh.key, old.key);
	fs.renameSync(fresh.cert, old.cert);
}

const alone = { ...limit(), skip: SIOCAST_ONLY };

test('certificates that change are used, and broken ones are not', alone, () => withCleanup(async (cleanup) => {
	const authority = await newAuthority(cleanup);
	const server = await startSecure(cleanup, authority);
	const old = await openSecure(cleanup, server);
	assert.equal(await certificateOf(cleanup, server), 'localhost');
	replace(server.files, await certificate(authority, undefined, { subject: 'fresh' }));
	await eventually(async () => (await certificateOf(cleanup, server)) === 'fresh', 'the new certificate');
	const read = () => server.child.output.split('event=certificates-read').length;
	const before = read();
	process.kill(server.child.pid, 'SIGHUP');
	await server.child.whileRunning(eventually(() => read() > before, 'a reload to read them'));
	fs.writeFileSync(server.files.key, 'broken');
	await server.child.whileRunning(eventually(() => /event=certificates-not-read .*old ones stay/.test(server.child.output), 'the log'));
	assert.equal(await certificateOf(cleanup, server), 'fresh');
	// What was connected before stays.
	const wire = new Wire(old);
	await wire.send(HANDSHAKE);
	assert.equal((await wire.response()).status, 200);
}));

test('clients with certificates: required, or only looked at', alone, () => withCleanup(async (cleanup) => {
	const authority = await newAuthority(cleanup);
	const stranger = await newAuthority(cleanup, 'stranger');
	const credentials = async (of) => {
		const { cert, key } = await certificate(of, ['client']);
		return { cert: fs.readFileSync(cert), key: fs.readFileSync(key) };
	};
	const [good, bad] = [await credentials(authority), await credentials(stranger)];
	for (const verifyClient of ['on', 'optional']) {
		const server = await startSecure(cleanup, authority, { rules: { clientCA: authority.ca, verifyClient } });
		const status = async (options) => (await get(cleanup, server, HANDSHAKE, options)).status;
		assert.equal(await status(good), 200);
		if (verifyClient === 'on') await assert.rejects(status({}));
		else assert.equal(await status({}), 200);
		await assert.rejects(status(bad));
	}
}));

test('{tls.subject} is what a client\'s certificate says, over each transport and in sessions that are taken up again', alone, () => withCleanup(async (cleanup) => {
	const authority = await newAuthority(cleanup);
	const on = { connection: [{ emit: ['you', '{tls.subject}', 'by {tls.subject}'] }, { join: 'of.{tls.subject}' }], rooms: [{ ack: ['{rooms}'] }] };
	const server = await startSecure(cleanup, authority, {
		rules: { clientCA: authority.ca, verifyClient: 'optional' },
		workers: 2,
		namespaces: { '/': { on } },
	});
	const credentials = async (subject) => {
		const { cert, key } = await certificate(authority, ['client'], { subject });
		return { cert: fs.readFileSync(cert), key: fs.readFileSync(key) };
	};
	const told = async (options, transports) => {
		const socket = createClient(cleanup, server, { transports, ca: server.trusted, ...options });
		const you = once(socket, 'you');
		await connected(socket);
		const args = await you;
		assert.deepEqual(await ask(socket, 'rooms'), [args[0] ? [`of.${args[0]}`] : []]);
		socket.disconnect();
		return args;
	};
	// What RFC 4514 escapes is escaped, what is beyond ASCII is as it is.
	for (const [name, subject] of [['Ann', 'CN=Ann'], ['Zoë, \"Z\" <z>', 'CN=Zoë\\, \\"Z\\" \\<z\\>'], ['x'.repeat(60), `CN=${'x'.repeat(60)}`]]) {
		const options = await credentials(name);
		for (const transports of [['websocket'], ['polling'], ['polling', 'websocket']])
			assert.deepEqual(await told(options, transports), [subject, `by ${subject}`]);
	}
	assert.deepEqual(await told({}, ['websocket']), [null, 'by ']);
	// By a ticket, with which no certificate is shown again.
	const options = await credentials('Bob');
	const first = await openSecure(cleanup, server, options);
	const session = await within(new Promise((resolve) => first.once('session', resolve)), 'a ticket');
	const again = await openSecure(cleanup, server, { session });
	assert.equal(again.isSessionReused(), true);
	const wire = new Wire(again);
	await wire.send(requestBytes('GET', '/socket.io/?EIO=4&transport=polling'));
	const { sid } = JSON.parse((await wire.response()).text.slice(1));
	await wire.send(requestBytes('POST', `/socket.io/?EIO=4&transport=polling&sid=${sid}`, {}, '40'));
	assert.equal((await wire.response()).status, 200);
	await wire.send(requestBytes('GET', `/socket.io/?EIO=4&transport=polling&sid=${sid}`));
	assert.match((await wire.response()).text, /42\["you","CN=Bob","by CN=Bob"\]/);
	const wrong = (text) => {
		const file = path.join(path.dirname(server.file), 'wrong.json');
		fs.writeFileSync(file, JSON.stringify({ feeds: [{ channel: 'a' }], namespaces: { '/': { on: { x: [{ join: text }] } } } }));
		return spawnSync(SIOCAST, ['-t', '-c', file], { encoding: 'utf8' }).stderr;
	};
	assert.match(wrong('{tls.subject}'), /warning: namespaces\.\/\.on\.x\[0\]\.join: \{tls\.subject\} stands for nothing: no address of "listen" has "clientCA"/);
	const said = spawnSync(SIOCAST, ['-t', '-c', server.file], { encoding: 'utf8' });
	assert.ok(said.status === 0 && !said.stderr.includes('stands for nothing'), said.stderr);
	for (const text of ['{tls}', '{tls.issuer}', '{tls.subject.CN}', '{tls/subject}']) assert.match(wrong(text), /of a client's TLS there is \{tls\.subject\}/, text);
}));

test('who says nothing, or not enough, goes like one without a request', alone, () => withCleanup(async (cleanup) => {
	const authority = await newAuthority(cleanup);
	const server = await startSecure(cleanup, authority, { limits: { headerSeconds: 1 } });
	const silent = await Wire.open(server.port);
	const half = await Wire.open(server.port);
	await half.send(Buffer.from([0x16, 3, 1, 2, 0, 1]));
	const idle = new Wire(await openSecure(cleanup, server));
	for (const wire of [silent, half, idle]) await wire.closed();
}));

test('siocast -t tells what is wrong with the files', alone, () => withCleanup(async (cleanup) => {
	const authority = await newAuthority(cleanup);
	const files = await certificate(authority);
	const other = await certificate(authority);
	const past = await certificate(authority, undefined, { days: -1 });
	const file = path.join(await cleanup.folder(), 'siocast.json');
	const check = (value) => {
		fs.writeFileSync(file, JSON.stringify({ listen: [value], feeds: [{ channel: 'a' }] }));
		return spawnSync(SIOCAST, ['-t', '-c', file], { encoding: 'utf8' }).stderr;
	};
	const address = '127.0.0.1:3443';
	assert.equal(check({ address, tls: files }), '');
	assert.match(check({ address, tls: { ...files, key: other.key } }), /:1:\d+: listen\[0\]\.tls\.key: .* not the key of .*\n.*\n *\^/);
	assert.match(check({ address, tls: { ...files, cert: '/nowhere.pem' } }), /tls\.cert: \/nowhere\.pem: No such file/);
	assert.match(check({ address, tls: { ...files, clientCA: files.key } }), /tls\.clientCA: .*no certificate in PEM/);
	assert.match(check({ address, tls: { certificates: [files, { ...files, key: other.key }] } }), /certificates\[1\]\.key: .* not the key/);
	assert.match(check({ address, tls: { cert: files.cert } }), /tls: it needs "cert" and "key"/);
	assert.match(check({ address, tls: { ...files, ciphers: 'none' } }), /tls\.ciphers: "none": no cipher/);
	assert.match(check({ address, tls: files, redirect: 'https' }), /"redirect" is for addresses without "tls"/);
	assert.match(check({ address, redirect: 'http://example.com' }), /redirect: expected "https"/);
	assert.match(check({ tls: files }), /listen\[0\]: it needs an "address"/);
	assert.match(check({ address, tls: past }), /warning: listen\[0\]\.tls\.cert: .*expired on \d{4}-\d\d-\d\d/);
	const soon = await certificate(authority, undefined, { days: 3 });
	assert.match(check({ address, tls: soon }), /warning: listen\[0\]\.tls\.cert: .*expires in [23] days, on \d{4}-\d\d-\d\d/);
	fs.chmodSync(files.key, 0o644);
	assert.match(check({ address, tls: files }), /warning: listen\[0\]\.tls\.key: .*others can read/);
}));

test('a flood of clients that never finish holds nobody up', alone, () => withCleanup(async (cleanup) => {
	const authority = await newAuthority(cleanup);
	const server = await startSecure(cleanup, authority);
	// As a client begins, and again and again.
	const hello = await new Promise((resolve) => {
		const listener = net.createServer((socket) => socket.once('data', (data) => {
			resolve(data);
			socket.destroy();
		}));
		listener.listen(0, '127.0.0.1', () => tls.connect(listener.address().port, '127.0.0.1').on('error', () => listener.close()));
	});
	const wires = await Promise.all(Array.from({ length: 200 }, () => Wire.open(server.port)));
	for (const wire of wires) wire.send(hello).catch(() => {});
	const answer = await get(cleanup, server);
	assert.equal(answer.status, 200);
	for (const wire of wires) wire.close();
}));
