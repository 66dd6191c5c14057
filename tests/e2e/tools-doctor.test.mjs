// SPDX-License-Identifier: MIT
//
// `siocast doctor`: a Redis that is set up wrongly in several ways, too few files, feeds that send nothing, a hub that takes no edges, and
// an nginx that passes no Upgrade on, answers out of a cache, cuts off what is idle, or has a certificate that soon expires. What it says
// helps is done, and helps.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { execFileSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { ask, collect, connect } from './lib/client.mjs';
import { SIOCAST, SIOCAST_ONLY, configure, feedsReady, startSiocast } from './lib/daemon.mjs';
import { metric } from './lib/metrics.mjs';
import { runNginx, startNginx } from './lib/nginx.mjs';
import { freePort } from './lib/ports.mjs';
import { Child } from './lib/process.mjs';
import { startRedis } from './lib/redis.mjs';
import { heard, rooms, startEdge, startHub } from './lib/relay.mjs';
import { tool } from './lib/tool.mjs';
import { eventually, limit, within } from './lib/wait.mjs';

/** What it printed as JSON: each finding as {line: "mark topic: text", cure}. */
function findings({ status, out, err }) {
	assert.equal(err, '');
	const all = out.trimEnd().split('\n').map((line) => JSON.parse(line));
	for (const f of all) assert.equal(f.cure === undefined, f.mark === 'ok', JSON.stringify(f));
	assert.equal(status, all.some((f) => f.mark === 'fail') ? 1 : 0);
	return all.map((f) => ({ line: `${f.mark} ${f.topic}: ${f.text}`, cure: f.cure }));
}

const doctor = (setup, ...args) => findings(tool(['doctor', '-c', setup.file, '--json', ...args]));

/** The same while this process goes on. */
async function doctorMeanwhile(cleanup, setup) {
	const child = new Child(SIOCAST, ['doctor', '-c', setup.file, '--json'], { graceful: false });
	cleanup.add(child, () => child.stop());
	const { code } = await within(child.ended, 'its findings');
	return findings({ status: code, out: child.output, err: '' });
}

/** A way to a Redis that ends as soon as somebody says this; gives its port. */
async function cutAt(cleanup, upstream, word) {
	const server = net.createServer((client) => {
		const to = net.connect(upstream, '127.0.0.1');
		for (const [from, other] of [[client, to], [to, client]]) {
			from.on('error', () => other.destroy());
			from.on('close', () => other.destroy());
		}
		client.on('data', (chunk) => (chunk.includes(word) ? client.end() : to.write(chunk)));
		to.on('data', (chunk) => client.write(chunk));
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	cleanup.add(server, () => server.close());
	return server.address().port;
}

/** What it finds when whoever connects to the hub of `edge`, a setup, is answered so: by this process, which must not wait. */
async function doctorOfStranger(cleanup, edge, at, answer) {
	const server = net.createServer((socket) => {
		socket.on('error', () => {});
		socket.once('data', () => socket.write(Buffer.concat([Buffer.from('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n'), answer])));
		cleanup.add(socket, () => socket.destroy());
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	cleanup.add(server, () => server.close());
	at(server.address().port);
	return doctorMeanwhile(cleanup, edge);
}

/** It is among them, with that cure. */
function has(found, pattern, cure) {
	const all = found.filter(({ line }) => pattern.test(line));
	assert.ok(all.length > 0, `${pattern} in\n${found.map(({ line }) => line).join('\n')}`);
	if (cure) assert.ok(all.every((one) => cure.test(one.cure)), `${cure} in ${all.map((one) => one.cure).join('\n')}`);
}

const hasNot = (found, pattern) => assert.deepEqual(found.filter(({ line }) => pattern.test(line)), []);
const bad = (found, topic) => found.filter(({ line }) => !line.startsWith('ok') && line.split(' ')[1] === `${topic}:`);

/** A proxy that keeps each answer back for some time; gives its URL. WebSockets pass. */
async function keepBack(cleanup, upstream, ms) {
	const server = net.createServer((client) => {
		const to = net.connect(upstream, '127.0.0.1');
		let upgraded = false;
		client.on('data', (chunk) => {
			upgraded ||= /^upgrade:/im.test(chunk.toString('latin1'));
			to.write(chunk);
		});
		to.on('data', (chunk) => (upgraded ? client.write(chunk) : setTimeout(() => client.write(chunk), ms)));
		for (const [from, other] of [[client, to], [to, client]]) {
			from.on('error', () => other.destroy());
			from.on('close', () => other.destroy());
		}
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	cleanup.add(server, () => server.close());
	return `http://127.0.0.1:${server.address().port}`;
}

describe('siocast doctor', { skip: SIOCAST_ONLY }, () => {
	test('finds what Redis refuses, and limits that are too narrow', limit(), () =>
		withCleanup(async (cleanup) => {
			const port = await freePort();
			const redis = await startRedis(cleanup, port);
			const feeds = [{ channel: 'news' }, { pattern: 'ticks.*' }, { stream: 'log', event: 'log' }];
			const setup = await configure(cleanup, { feeds, redis: `redis://caster:pw@127.0.0.1:${port}`, namespaces: { '/': { on: { x: [{ publish: 'y' }] } } } });
			await redis.client.command('ACL', 'SETUSER', 'caster', 'on', '>pw', '&*', '~*', '+@all');
			const well = doctor(setup);
			assert.deepEqual(bad(well, 'redis'), []);
			has(well, /^ok redis: .* answers: version \d+\.\d+$/);
			has(well, /^(ok|warn) kernel: io_uring /);
			has(well, /^\w+ kernel: .*files may be open/);
			has(well, /^ok redis: .* lets a subscriber be behind as far as it likes$/);
			// Each cure is done, and then it is well.
			await redis.client.command('CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 1mb 512kb 60');
			const narrow = doctor(setup);
			has(narrow, /^warn redis: .* cuts a subscriber off at 1048576 bytes, and limits\.messageBytes is 16777216/, /^CONFIG SET client-output-buffer-limit "pubsub /);
			const [, limits] = /limit "([^"]+)"/.exec(narrow.find(({ cure }) => cure?.startsWith('CONFIG SET')).cure);
			await redis.client.command('CONFIG', 'SET', 'client-output-buffer-limit', limits);
			assert.deepEqual(bad(doctor(setup), 'redis'), []);

			await redis.client.command('ACL', 'SETUSER', 'caster', 'resetchannels', 'resetkeys');
			for (const [name, right] of [['log', '+xread +xinfo ~log'], ['news', '+subscribe &news'], ['ticks.*', '+psubscribe &ticks.*']]) {
				const found = doctor(setup);
				has(found, new RegExp(`^fail redis: .* refuses "${name.replaceAll('*', '\\*')}" of the feeds: NOPERM`), /^ACL SETUSER caster /);
				const [, rights] = /^ACL SETUSER caster (.*), and ACL SAVE/.exec(found.find(({ line }) => line.includes('of the feeds')).cure);
				assert.equal(rights, right);
				await redis.client.command('ACL', 'SETUSER', 'caster', ...rights.split(' '));
			}
			const allowed = doctor(setup);
			has(allowed, /^ok redis: .* allows the channels of the feeds$/);
			has(allowed, /^warn redis: .* refuses to publish on siocast:doctor: NOPERM/, /^ACL SETUSER caster \+publish, and &CHANNEL for each/);
			await redis.client.command('SET', 'log', 'no stream');
			has(doctor(setup), /^fail redis: .* refuses "log" of the feeds: WRONGTYPE/, /another "stream"/);
			await redis.client.command('DEL', 'log');

			await redis.client.command('ACL', 'SETUSER', 'caster', '-info', '-config');
			has(doctor(setup), /^warn redis: .* does not say which version/, /\+info$/);
			has(doctor(setup), /^warn redis: .* does not say how far behind/, /\+config\|get/);
			await redis.client.command('REPLICAOF', '127.0.0.1', '1');
			await redis.client.command('ACL', 'SETUSER', 'caster', '+@all');
			has(doctor(setup), /^warn redis: .* is a replica/, /name the primary/);
			await redis.client.command('ACL', 'SETUSER', 'caster', 'resetpass', '>other');
			has(doctor(setup), /^fail redis: .*: AUTH refused: WRONGPASS/, /user and the password .*passwordFile.*ACL LIST/);
			await redis.client.command('CONFIG', 'SET', 'requirepass', 'secret');
			const open = await configure(cleanup, { feeds, redis: `redis://127.0.0.1:${port}` });
			has(doctor(open), /^fail redis: .*: CLIENT SETNAME refused: NOAUTH/, /wants a password/);
			await redis.child.kill();
			has(doctor(setup), /^fail redis: .*: connection refused$/, /^start Redis/);
			const named = await configure(cleanup, { feeds, redis: 'redis://no-such-host.invalid' });
			has(doctor(named), /^fail redis: /, /the host that "redis" names/);
		}),
	);

	test('says so when a connection ends while it asks', limit(), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort());
			const feeds = [{ channel: 'news' }, { stream: 'log' }];
			for (const [word, known] of [['INFO', 0], ['client-output-buffer-limit', 1], ['XREAD', 2], ['SUBSCRIBE', 2]]) {
				const port = await cutAt(cleanup, redis.port, word);
				const found = await doctorMeanwhile(cleanup, await configure(cleanup, { feeds, redis: `redis://127.0.0.1:${port}` }));
				has(found, /^warn redis: 127\.0\.0\.1:\d+ did not answer to the end, so not all of it is known: ./, /ask again/);
				assert.equal(found.filter(({ line }) => / redis: /.test(line)).length, 1 + known, word);
				hasNot(found, /allows the channels|does not say/);
			}
			// The intake, too: that somebody else answers there is not known.
			const port = await cutAt(cleanup, redis.port, 'INFO');
			const found = await doctorMeanwhile(cleanup, await configure(cleanup, { feeds: [{ channel: 'x' }], intake: `127.0.0.1:${port}` }));
			has(found, /^fail intake: 127\.0\.0\.1:\d+: closed by the server/, /^start siocast/);
		}),
	);

	test('of a feed that reads as a replica it looks at the limit of replicas', limit(), () =>
		withCleanup(async (cleanup) => {
			const port = await freePort();
			const redis = await startRedis(cleanup, port);
			const setup = await configure(cleanup, { feeds: [{ channel: 'x' }], redis: { url: `redis://127.0.0.1:${port}`, source: 'psync' } });
			await redis.client.command('CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 1mb 0 0 replica 512mb 0 0');
			has(doctor(setup), /^ok redis: .* lets a replica be behind by 512 MB$/);
			hasNot(doctor(setup), /subscriber|channels of the feeds/);
			await redis.client.command('CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 0 0 0 replica 1mb 0 0');
			has(doctor(setup), /^warn redis: .* cuts a replica off at 1048576 bytes/, /client-output-buffer-limit "replica /);
		}),
	);

	test('does not warn of what handlers do not do', limit(), () =>
		withCleanup(async (cleanup) => {
			const port = await freePort();
			const redis = await startRedis(cleanup, port);
			await redis.client.command('ACL', 'SETUSER', 'caster', 'on', '>pw', '&news', '+@all', '-publish');
			const at = { feeds: [{ channel: 'news' }], redis: `redis://caster:pw@127.0.0.1:${port}` };
			const joins = await configure(cleanup, { ...at, namespaces: { '/': { on: { x: [{ join: 'y' }] } } } });
			hasNot(doctor(joins), /publish/);
			// On demand no pattern is subscribed to.
			await redis.client.command('ACL', 'SETUSER', 'caster', 'resetchannels', '&p:*', '-psubscribe');
			const demand = { pattern: 'p:*', room: '{1}', subscribe: 'on-demand', event: 'p' };
			const demanded = await configure(cleanup, { ...at, feeds: [demand], namespaces: { '/': { on: { x: [{ join: '{1}' }] } } } });
			has(doctor(demanded), /^ok redis: .* allows the channels of the feeds$/);
			await redis.client.command('ACL', 'SETUSER', 'caster', 'resetchannels', '&news');
			has(doctor(demanded), /^fail redis: .* refuses "p:\*" of the feeds: NOPERM/, /^ACL SETUSER caster \+subscribe &p:\*, /);
			const calls = await configure(cleanup, { ...at, namespaces: { '/': { on: { x: [{ call: 'http://127.0.0.1:1/' }] } } } });
			has(doctor(calls), /^warn redis: .* refuses to publish/);
		}),
	);

	test('finds how few files may be open, here and in the one that runs', limit(), () =>
		withCleanup(async (cleanup) => {
			const few = { feeds: [{ channel: 'x' }], limits: { maxConnections: 2000 } };
			const setup = await configure(cleanup, few);
			const here = (files) => findings(tool([], { shell: `ulimit -n ${files} && exec "$SIOCAST" doctor --json -c '${setup.file}'` }));
			has(here(512), /^fail kernel: limits\.maxConnections is 2000, and 512 files may be open here: enough for 448 connections$/, /LimitNOFILE=/);
			has(here(4096), /^ok kernel: 4096 files may be open here$/);
			has(here(4096), /^warn siocast: 127\.0\.0\.1:\d+, "admin": no siocast answers there: /, /^start it, or let "admin"/);
			// As many as siocast has: what this shell may open does not matter.
			const server = await startSiocast(cleanup, few, { wrap: (command, args) => ['bash', ['-c', 'ulimit -n 1024 && exec "$0" "$@"', command, ...args]] });
			assert.match(server.child.output, /event=few-files limits\.maxConnections=2000 connections=896 /);
			has(doctor(server), /^fail kernel: limits\.maxConnections is 2000, and 1024 files may be open in the siocast that runs: enough for 896 connections$/);
			has(doctor(server), /^ok siocast: one runs, and answers at 127\.0\.0\.1:\d+$/);
			const stranger = await configure(cleanup, { ...few, admin: `127.0.0.1:${server.port}` });
			has(doctor(stranger), /^warn siocast: .*somebody else answers there$/);
		}),
	);

	test('finds feeds that send nothing, and says what is missing', limit(), () =>
		withCleanup(async (cleanup) => {
			const port = await freePort();
			const redis = await startRedis(cleanup, port);
			const as = { encode: 'json', batch: { interval: 0 } };
			const server = await startSiocast(cleanup, {
				redis: `redis://127.0.0.1:${port}`,
				feeds: [
					{ channel: 'filtered', where: { '/n': '1' }, ...as },
					{ channel: 'room', room: 'r', ...as },
					{ channel: 'all', ...as },
					{ channel: 'json', event: 'json', where: { '/n': { exists: true } }, ...as },
				],
				namespaces: { '/': { on: { join: [{ join: 'r' }, { ack: [] }] } } },
			});
			await feedsReady(redis, server);
			has(doctor(server), /^ok feeds: no message has come since it was started$/);
			const publish = async (channel, message) => {
				const before = await metric(server, 'feed_messages_total');
				await redis.client.command('PUBLISH', channel, message);
				await eventually(async () => (await metric(server, 'feed_messages_total')) > before, `the message on ${channel}`);
			};
			for (const channel of ['filtered', 'room', 'all']) await publish(channel, '{"n":1}');
			await publish('json', 'no JSON');
			const alone = doctor(server);
			has(alone, /^warn feeds: feeds\[0\] has sent nothing: "where" was against all of its 1 messages$/, /siocast explain.*a number is no string/);
			has(alone, /^warn feeds: feeds\[1\] has sent nothing: nobody was there for any of its 1 messages; 0 clients are connected$/, /^let a page connect/);
			has(alone, /^warn feeds: feeds\[2\] has sent nothing: nobody was there/, /^let a page connect/);
			has(alone, /^warn feeds: feeds\[3\] could not send 1 messages \(reason json\)$/, /siocast explain/);
			const socket = await connect(cleanup, server, { transports: ['websocket'] });
			const heard = collect(socket, 'room');
			has(doctor(server), /^warn feeds: feeds\[1\] .*; 1 clients are connected$/, /after each connect, by an event for which there is a handler with "join"/);
			// What the cures say.
			await ask(socket, 'join');
			for (const channel of ['room', 'all']) await publish(channel, '{"n":1}');
			await publish('filtered', '{"n":"1"}');
			assert.deepEqual(await heard.next(), [{ n: 1 }]);
			await eventually(async () => (await metric(server, 'feed_batches_total')) === 3, 'what was published');
			hasNot(doctor(server), /has sent nothing/);
		}),
	);

	test('knows that clients are at edges, and that an edge has no feeds', limit(), () =>
		withCleanup(async (cleanup) => {
			const { redis, hub, folder } = await startHub(cleanup);
			const edge = await startEdge(cleanup, hub.port, folder);
			const lonely = /^warn feeds: feeds\[1\] has sent nothing: nobody was there for any of its 1 messages; 0 clients are connected here, and 1 edges$/;
			await redis.client.publish('room:x', '1');
			await eventually(async () => (await metric(hub, 'feed_messages_total')) > 0, 'the message');
			has(doctor(hub), lonely, /after each connect, by an event for which there is a handler with "join"/);
			has(doctor(edge), /^ok siocast: no batch has come from its hub since it was started$/);
			const socket = await connect(cleanup, edge, { transports: ['websocket'] });
			await ask(socket, 'join', 'x');
			await rooms(hub, 2);
			await heard(redis, [collect(socket, 'room')], 'room:x');
			hasNot(doctor(hub), /has sent nothing/);
			has(doctor(edge), /^ok siocast: [1-9]\d* batches have come from its hub since it was started$/);
			hasNot(doctor(edge), / feeds: /);
		}),
	);

	test('finds what is wrong with the hub of an edge', limit(), () =>
		withCleanup(async (cleanup) => {
			const folder = await cleanup.folder();
			const [peerKeyFile, other] = ['key', 'other'].map((name) => {
				const file = path.join(folder, name);
				fs.writeFileSync(file, `${name}: a key that is as long as a key has to be\n`, { mode: 0o600 });
				return file;
			});
			const hub = await startSiocast(cleanup, { node: 'top', peerKeyFile, relay: { edges: true }, feeds: [{ channel: 'x' }] });
			const edge = await configure(cleanup, { peerKeyFile, redis: { source: `siocast://127.0.0.1:${hub.port}` } });
			const at = (port, changes) => fs.writeFileSync(edge.file, JSON.stringify({ ...edge.config, ...changes, redis: { source: `siocast://127.0.0.1:${port}` } }));
			has(doctor(edge), /^ok hub: 127\.0\.0\.1:\d+ takes edges, and has the key: it is node top$/);
			// No edge was there: nothing is kept for it.
			assert.equal(await metric(hub, 'relay_edges'), 0);
			assert.equal(await metric(hub, 'relay_edges_away'), 0);
			assert.equal(await metric(hub, 'relay_hub_refused_total'), 0);
			at(hub.port, { peerKeyFile: other });
			has(doctor(edge), /^fail hub: 127\.0\.0\.1:\d+ has another key$/);
			at(hub.admin);
			has(doctor(edge), /^fail hub: 127\.0\.0\.1:\d+ takes no edges: it answers "HTTP\/1\.1 4\d\d/);
			const plain = await startSiocast(cleanup, { feeds: [{ channel: 'x' }] });
			at(plain.port);
			has(doctor(edge), /^fail hub: 127\.0\.0\.1:\d+ takes no edges: it answers "HTTP\/1\.1 4\d\d/);
			// Who takes the WebSocket and says something else, or what another version would.
			for (const [answer, finding] of [
				[Buffer.concat([Buffer.from([0x82, 17, 16, 4]), Buffer.from('another version')]), /^fail hub: .* refuses: another version$/],
				[Buffer.concat([Buffer.from([0x82, 16, 15, 1]), Buffer.from('siocast-relay'), Buffer.from([9])]), /^fail hub: .* is of another version, which speaks another protocol$/],
				[Buffer.from([0x82, 2, 1, 9]), /^fail hub: .* takes no edges: what it says is no greeting$/],
				[Buffer.from([0x81, 5, ...Buffer.from('hello')]), /^fail hub: .* takes no edges: what it says is no greeting$/],
				[Buffer.from([0x82, 2, 0x80, 0]), /^fail hub: .* takes no edges: what it says is no greeting$/],
			])
				has(await doctorOfStranger(cleanup, edge, at, answer), finding);
			await hub.child.kill();
			at(hub.port);
			has(doctor(edge), /^fail hub: 127\.0\.0\.1:\d+: .*/);
		}),
	);

	test('finds what a proxy does wrong', limit(), () =>
		withCleanup(async (cleanup) => {
			const port = await freePort();
			const redis = await startRedis(cleanup, port);
			const server = await startSiocast(cleanup, {
				redis: `redis://127.0.0.1:${port}`,
				feeds: [{ channel: 'x' }],
				engine: { pingInterval: 4000 },
			});
			await feedsReady(redis, server);
			const good = await startNginx(cleanup, server.port);
			const well = doctor(server, '--url', good.url, '--wait');
			assert.deepEqual(bad(well, 'proxy'), []);
			has(well, /^ok proxy: WebSockets go through$/);
			has(well, /^ok proxy: an idle WebSocket lasts until its ping$/);
			// Its sessions have gone, and not when they are missed, after pingInterval and pingTimeout.
			assert.equal(await metric(server, 'sessions_opened_total'), 3);
			await eventually(async () => (await metric(server, 'sessions')) === 0, 'its sessions to end', 5000);

			const deaf = await freePort();
			const pass = `proxy_pass http://127.0.0.1:${server.port};`;
			await runNginx(cleanup, deaf, `server { listen 127.0.0.1:${deaf}; location / { ${pass} } }`);
			has(doctor(server, '--url', `http://127.0.0.1:${deaf}`), /^fail proxy: no WebSocket through .*: no WebSocket: HTTP\/1\.1 4/, /siocast lb prints the lines for nginx/);

			const hasty = await freePort();
			const upgrade = 'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;';
			await runNginx(cleanup, hasty, `server { listen 127.0.0.1:${hasty}; location / { ${pass} ${upgrade} proxy_read_timeout 1s; } }`);
			has(doctor(server, '--url', `http://127.0.0.1:${hasty}`, '--wait'), /^fail proxy: an idle WebSocket was closed after \d+ ms/);

			const stale = await freePort();
			const dir = await cleanup.folder();
			const cache = 'proxy_cache c; proxy_cache_valid any 1m; proxy_ignore_headers Cache-Control; proxy_cache_key $request_uri;';
			const inside = `proxy_cache_path ${dir} keys_zone=c:1m; server { listen 127.0.0.1:${stale}; location / { ${pass} ${upgrade} ${cache} } }`;
			await runNginx(cleanup, stale, inside);
			has(doctor(server, '--url', `http://127.0.0.1:${stale}`), /^fail proxy: two handshakes at .* gave one session/);

			const late = await keepBack(cleanup, server.port, 2500);
			// The proxy is this process, which must not wait.
			const child = new Child(SIOCAST, ['doctor', '-c', server.file, '--json', '--url', late], { graceful: false });
			cleanup.add(child, () => child.stop());
			const { code } = await within(child.ended, 'its findings');
			const behind = findings({ status: code, out: child.output, err: '' });
			has(behind, /^warn proxy: a poll was answered after \d{4,} ms: something between keeps answers back$/, /proxy_buffering off/);

			has(doctor(server, '--url', `http://127.0.0.1:${server.admin}`), /^fail proxy: .* answers with 404, and not as siocast$/);
			has(doctor(server, '--url', 'http://127.0.0.1:1'), /^fail proxy: http:\/\/127\.0\.0\.1:1: .*/);
			assert.equal(tool(['doctor', '--url', 'nowhere']).status, 2);
			assert.equal(tool(['doctor', '--wait']).status, 2);
		}),
	);

	test('looks at the date of a certificate', limit(), () =>
		withCleanup(async (cleanup) => {
			const server = await startSiocast(cleanup, { feeds: [{ channel: 'x' }] });
			const dir = await cleanup.folder();
			const [key, cert] = ['key.pem', 'cert.pem'].map((name) => path.join(dir, name));
			const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '5', '-subj', '/CN=localhost'];
			execFileSync('openssl', [...args, '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert], { stdio: 'ignore' });
			const port = await freePort();
			const upgrade = 'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;';
			await runNginx(cleanup, port, `server { listen 127.0.0.1:${port} ssl; ssl_certificate ${cert}; ssl_certificate_key ${key};
				location / { proxy_pass http://127.0.0.1:${server.port}; ${upgrade} } }`);
			const url = `https://127.0.0.1:${port}`;
			const found = doctor(server, '--url', url, '--ca', cert);
			has(found, /^warn certificate: the certificate expires in [45] days$/, /^renew it: siocast takes the new file by itself/);
			has(found, /^ok proxy: WebSockets go through$/);
			has(doctor(server, '--url', url), /^fail proxy: https:.*certificate/i);
		}),
	);
});
