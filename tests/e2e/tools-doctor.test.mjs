// SPDX-License-Identifier: MIT
//
// `siocast doctor`: a Redis that is set up wrongly in several ways, and an nginx that passes no Upgrade on, answers out of a cache,
// cuts off what is idle, or has a certificate that soon expires.

import assert from 'node:assert/strict';
import path from 'node:path';
import { execFileSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { SIOCAST_ONLY, configure, feedsReady, startSiocast } from './lib/daemon.mjs';
import { metric } from './lib/metrics.mjs';
import { runNginx, startNginx } from './lib/nginx.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { tool } from './lib/tool.mjs';
import { eventually, limit } from './lib/wait.mjs';

/** What it finds, as "mark topic: text". */
function doctor(setup, ...args) {
	const { status, out, err } = tool(['doctor', '-c', setup.file, '--json', ...args]);
	assert.equal(err, '');
	const findings = out.trimEnd().split('\n').map((line) => JSON.parse(line));
	for (const f of findings) assert.equal(f.cure === undefined, f.mark === 'ok', JSON.stringify(f));
	assert.equal(status, findings.some((f) => f.mark === 'fail') ? 1 : 0);
	return findings.map((f) => `${f.mark} ${f.topic}: ${f.text}`);
}

const has = (found, pattern) => assert.ok(found.some((line) => pattern.test(line)), `${pattern} in\n${found.join('\n')}`);
const bad = (found, topic) => found.filter((line) => !line.startsWith('ok') && line.split(' ')[1] === `${topic}:`);

describe('siocast doctor', { skip: SIOCAST_ONLY }, () => {
	test('finds what Redis refuses, and limits that are too narrow', limit(), () =>
		withCleanup(async (cleanup) => {
			const port = await freePort();
			const redis = await startRedis(cleanup, port);
			const feeds = [{ channel: 'news' }, { pattern: 'ticks.*' }];
			const setup = await configure(cleanup, { feeds, redis: `redis://caster:pw@127.0.0.1:${port}`, namespaces: { '/': { on: { x: [{ publish: 'y' }] } } } });
			await redis.client.command('ACL', 'SETUSER', 'caster', 'on', '>pw', '&*', '~*', '+@all');
			const well = doctor(setup);
			assert.deepEqual(bad(well, 'redis'), []);
			has(well, /^ok redis: .* answers: version \d+\.\d+$/);
			has(well, /^(ok|warn) kernel: io_uring /);
			has(well, /^\w+ kernel: .*files may be open/);
			await redis.client.command('CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 1mb 512kb 60');
			has(doctor(setup), /^warn redis: .* cuts a subscriber off at 1048576 bytes, and limits\.messageBytes is 16777216/);
			await redis.client.command('ACL', 'SETUSER', 'caster', 'resetchannels', '&news');
			has(doctor(setup), /^fail redis: .* refuses "ticks\.\*" of the feeds: NOPERM/);
			has(doctor(setup), /^warn redis: .* refuses to publish: NOPERM/);
			await redis.client.command('ACL', 'SETUSER', 'caster', '-info', '-config');
			has(doctor(setup), /^warn redis: .* does not say which version/);
			has(doctor(setup), /^warn redis: .* does not say how far behind/);
			await redis.client.command('REPLICAOF', '127.0.0.1', '1');
			await redis.client.command('ACL', 'SETUSER', 'caster', '+@all');
			has(doctor(setup), /^warn redis: .* is a replica/);
			await redis.client.command('ACL', 'SETUSER', 'caster', 'resetpass', '>other');
			has(doctor(setup), /^fail redis: .*: AUTH refused: WRONGPASS/);
			await redis.child.kill();
			has(doctor(setup), /^fail redis: .*: connection refused$/);
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
			has(doctor(server, '--url', `http://127.0.0.1:${deaf}`), /^fail proxy: no WebSocket through .*: no WebSocket: HTTP\/1\.1 4/);

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
			has(found, /^warn certificate: the certificate expires in [45] days$/);
			has(found, /^ok proxy: WebSockets go through$/);
			has(doctor(server, '--url', url), /^fail proxy: https:.*certificate/i);
		}),
	);
});
