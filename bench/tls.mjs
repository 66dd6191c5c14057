// SPDX-License-Identifier: MIT
//
// What TLS costs: siocast that speaks it, beside siocast with nginx in front, and without any. The processor time of all their
// processes for each delivery to a client, and for each handshake; and how long others wait during handshakes.
//
//	node bench/tls.mjs [CLIENTS [SECONDS]]        SIOCAST names the program; bench/run compiles load, publish and crowd

import tls from 'node:tls';
import { spawnSync } from 'node:child_process';
import { authority as newAuthority } from '../tests/e2e/lib/certificates.mjs';
import { withCleanup } from '../tests/e2e/lib/cleanup.mjs';
import { feedsReady } from '../tests/e2e/lib/daemon.mjs';
import { runNginx } from '../tests/e2e/lib/nginx.mjs';
import { freePort } from '../tests/e2e/lib/ports.mjs';
import { Child } from '../tests/e2e/lib/process.mjs';
import { startRedis } from '../tests/e2e/lib/redis.mjs';
import { certificate, startSecure } from '../tests/e2e/lib/secure.mjs';
import { eventually } from '../tests/e2e/lib/wait.mjs';
import { children, cpuNs } from './lib/machine.mjs';
import { BENCH, Load, publish } from './lib/programs.mjs';

const [clients, seconds] = [Number(process.argv[2] ?? 500), Number(process.argv[3] ?? 4)];
const ROUNDS = 5;
const SIZES = [200, 3000, 16000];
const RATE = 20;
const HANDSHAKES_PER_S = 200;

const median = (v) => v.toSorted((a, b) => a - b)[v.length >> 1];
const around = (v, digits = 2) => `${median(v).toFixed(digits)} (${Math.min(...v).toFixed(digits)}–${Math.max(...v).toFixed(digits)})`;

/** nginx that speaks TLS with the same certificate and passes all on. */
async function startProxy(cleanup, upstream, { cert, key }) {
	const port = await freePort();
	const nginx = await runNginx(cleanup, port, `
	map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
	upstream backend { server 127.0.0.1:${upstream}; keepalive 64; }
	server {
		listen 127.0.0.1:${port} ssl backlog=1024;
		ssl_certificate ${cert};
		ssl_certificate_key ${key};
		ssl_session_tickets on;
		location / {
			proxy_pass http://backend;
			proxy_http_version 1.1;
			proxy_set_header Host $host;
			proxy_set_header Upgrade $http_upgrade;
			proxy_set_header Connection $connection_upgrade;
			proxy_read_timeout 3600s;
			proxy_buffering off;
		}
	}`);
	return { port, pids: () => [nginx.child.pid, ...children(nginx.child.pid)] };
}

async function start(cleanup) {
	const redis = await startRedis(cleanup, await freePort());
	const authority = await newAuthority(cleanup);
	const plain = await freePort();
	const files = await certificate(authority);
	const siocast = await startSecure(cleanup, authority, {
		rules: files,
		listen: [`127.0.0.1:${plain}`],
		redis: redis.url,
		engine: { pingInterval: 3_600_000 },
		feeds: [{ channel: 'ticks', event: 'ticks', batch: { interval: 0 } }],
		limits: { maxConnections: 10_000 },
	});
	await feedsReady(redis, siocast);
	const nginx = await startProxy(cleanup, plain, files);
	const ways = {
		plain: { port: plain, pids: () => [siocast.child.pid] },
		tls: { port: siocast.port, tls: true, pids: () => [siocast.child.pid] },
		nginx: { port: nginx.port, tls: true, pids: () => [siocast.child.pid, ...nginx.pids()] },
	};
	return { redis, siocast, plain, ways };
}

/** Microseconds of processor time for a delivery. */
async function deliver(cleanup, redis, way, load, size) {
	load.begin();
	const before = cpuNs(way.pids());
	const sent = await publish(cleanup, { redis: `127.0.0.1:${redis.port}`, channel: 'ticks', seconds, rate: RATE, size });
	const want = clients * sent.messages;
	await eventually(async () => (await load.report()).messages.sum >= want, 'every client to have every message');
	return (cpuNs(way.pids()) - before) / 1000 / want;
}

async function deliveries(cleanup, { redis, ways }, transport) {
	for (const size of SIZES) {
		const found = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
		for (let round = 0; round <= ROUNDS; round++) {
			for (const [name, way] of Object.entries(ways)) {
				const load = await Load.start(cleanup, { url: `127.0.0.1:${way.port}`, clients, transport, tls: way.tls, coalesce: 1000 });
				const us = await deliver(cleanup, redis, way, load, size);
				if (round > 0) found[name].push(us);
				await load.stop();
			}
		}
		const ratios = found.tls.map((us, i) => us / found.nginx[i]);
		const all = Object.entries(found).map(([name, v]) => `${name} ${around(v)}`).join(', ');
		console.log(`${transport}, ${size} bytes: µs of CPU for a delivery: ${all}; tls / nginx ${around(ratios)}`);
	}
}

/** Handshakes in a row, each a connection of its own. */
function handshakes(way, ...args) {
	const before = cpuNs(way.pids());
	const { stdout } = spawnSync('openssl', ['s_time', '-connect', `127.0.0.1:${way.port}`, '-time', String(seconds), ...args], { encoding: 'utf8' });
	const [, n] = /^(\d+) connections in \d+ real seconds/m.exec(stdout) ?? [];
	return (cpuNs(way.pids()) - before) / 1000 / Number(n);
}

async function waits(port) {
	const args = ['--to', `127.0.0.1:${port}`, '--flood', '0', '--seconds', String(seconds)];
	const crowd = new Child(`${BENCH}/crowd`, args, { name: 'crowd' });
	await crowd.ended;
	const { p50, p99, max } = JSON.parse(crowd.output.split('\n').find((line) => line.startsWith('{'))).waits;
	return `p50 ${p50} p99 ${p99} max ${max} µs`;
}

/** So many handshakes in a second, until the function that is returned is called: how many were done. */
function shakeOn(port) {
	let done = 0;
	const timer = setInterval(() => {
		for (let i = 0; i < HANDSHAKES_PER_S / 100; i++) {
			const socket = tls.connect({ port, rejectUnauthorized: false }, () => {
				done++;
				socket.destroy();
			});
			socket.on('error', () => {});
		}
	}, 10);
	return () => {
		clearInterval(timer);
		return done;
	};
}

await withCleanup(async (cleanup) => {
	const setup = await start(cleanup);
	for (const transport of ['websocket', 'polling']) await deliveries(cleanup, setup, transport);
	for (const [what, ...args] of [['full', '-new'], ['resumed, TLS 1.2', '-reuse', '-tls1_2']]) {
		for (const name of ['tls', 'nginx']) {
			const us = [];
			for (let i = 0; i < 3; i++) us.push(handshakes(setup.ways[name], ...args));
			console.log(`handshakes (${what}), ${name}: ${around(us, 0)} µs of CPU, ${(1e6 / median(us)).toFixed(0)} in a second of it`);
		}
	}
	console.log(`others, nobody shakes hands: ${await waits(setup.plain)}`);
	const stop = shakeOn(setup.siocast.port);
	console.log(`others, with handshakes: ${await waits(setup.plain)}`);
	console.log(`${(stop() / seconds).toFixed(0)} handshakes/s were done meanwhile`);
});
