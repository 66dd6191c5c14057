#!/usr/bin/env node
// SPDX-License-Identifier: MIT
//
// Connections that break again and again, and what is missing afterwards: official clients, whose connections are cut for two
// seconds, one at a time and at random, while messages are published. Each client must have every message once and in order,
// or the word that it begins anew.
//
//     node bench/drops.mjs [--clients 1000] [--seconds 600] [--rate 100] [--cut 2000] [--every 10000] [--workers 2]
//                          [--interval 50] [--transport websocket|polling] [--all]
//     node bench/drops.mjs --short      100 clients for 20 seconds
//     node bench/drops.mjs --peer       against socket.io with its adapter for Redis Streams (npm ci in bench/peers)
//
// --all cuts all connections at once. Ends with status 1 when a message was lost or came twice, or a client began anew.
//
// Catching up is the time from the client's attempt to its `connect`. It is told in two parts, up to the open WebSocket or poll and
// from there on, which is where recovery is; and beside it how late the timers of this process were, in which all clients are: what
// they are late with is in both.

import fs from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { io } from '../tests/e2e/node_modules/socket.io-client/build/esm/index.js';
import { withCleanup } from '../tests/e2e/lib/cleanup.mjs';
import { feedsReady, startSiocast } from '../tests/e2e/lib/daemon.mjs';
import { readMetrics, sumOf } from '../tests/e2e/lib/metrics.mjs';
import { accepts, freePort } from '../tests/e2e/lib/ports.mjs';
import { Child } from '../tests/e2e/lib/process.mjs';
import { startRedis } from '../tests/e2e/lib/redis.mjs';
import { eventually } from '../tests/e2e/lib/wait.mjs';

const { values } = parseArgs({
	options: {
		clients: { type: 'string', default: '1000' },
		seconds: { type: 'string', default: '600' },
		rate: { type: 'string', default: '100' },
		cut: { type: 'string', default: '2000' },
		every: { type: 'string', default: '10000' },
		workers: { type: 'string', default: '2' },
		interval: { type: 'string', default: '50' },
		transport: { type: 'string', default: 'websocket' },
		all: { type: 'boolean', default: false },
		short: { type: 'boolean', default: false },
		peer: { type: 'boolean', default: false },
	},
});
const number = (name, short) => (values.short ? short : Number(values[name]));
const CLIENTS = number('clients', 100);
const SECONDS = number('seconds', 20);
const CUT_MS = Number(values.cut);
const EVERY_MS = number('every', 4000);

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** One client, and what it got. */
class Reader {
	constructor(server, seen) {
		this.next = null;
		this.faults = { lost: 0, twice: 0, anew: 0 };
		this.seen = seen;
		this.catching = [];
		this.opening = [];
		this.recovering = [];
		this.socket = io(server.url, {
			path: server.path,
			transports: [values.transport],
			forceNew: true,
			reconnectionDelay: CUT_MS,
			reconnectionDelayMax: CUT_MS,
			randomizationFactor: 0,
		});
		this.socket.on('m', (batch) => [].concat(batch).forEach((n) => this.take(n)));
		this.socket.on('connect', () => this.connected());
		this.socket.io.on('reconnect_attempt', () => (this.attempt = performance.now()));
		this.socket.io.on('open', () => (this.opened = performance.now()));
	}

	connected() {
		if (this.attempt) {
			const now = performance.now();
			this.catching.push(now - this.attempt);
			this.opening.push(this.opened - this.attempt);
			this.recovering.push(now - this.opened);
		}
		if (this.was && !this.socket.recovered) {
			this.faults.anew++;
			this.next = null;
		}
		this.was = true;
	}

	take(n) {
		this.seen.total++;
		if (this.next !== null && n > this.next) this.faults.lost += n - this.next;
		if (this.next !== null && n < this.next) this.faults.twice++;
		this.next = n + 1;
	}

	/** As a line that breaks: without a word. */
	cut() {
		const { transport } = this.socket.io.engine ?? {};

		if (!this.socket.connected) return;
		if (values.transport === 'websocket') transport.ws._socket?.destroy();
		else this.socket.io.engine.close();
	}
}

const percentile = (list, p) => list.sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * p))] ?? 0;

function tellTimes(what, list) {
	console.log(`${what}: p50 ${percentile(list, 0.5).toFixed(1)} ms, p99 ${percentile(list, 0.99).toFixed(1)} ms`);
}

/** Seconds of processor that a process has used, all its threads together. */
function cpuOf(pid) {
	const fields = fs.readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ');
	return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function startOurs(cleanup, redis) {
	const server = await startSiocast(cleanup, {
		workers: Number(values.workers),
		redis: redis.url,
		feeds: [{ channel: 'm', event: 'm', encode: 'json', batch: { interval: Number(values.interval) } }],
		connectionStateRecovery: { maxDisconnectionDuration: 120000 },
	});
	await feedsReady(redis, server);
	return server;
}

async function startPeer(cleanup, redis) {
	const port = await freePort();
	const program = fileURLToPath(new URL('peers/recovery.mjs', import.meta.url));
	const flags = ['--port', String(port), '--redis', redis.url, '--event', 'm', '--batch', values.interval];
	const child = new Child(process.execPath, [program, ...flags], { name: 'socket.io', graceful: false });
	cleanup.add(child, () => child.stop());
	await child.whileRunning(eventually(() => accepts(port), 'the peer to listen'));
	return { url: `http://127.0.0.1:${port}`, path: '/socket.io/', child };
}

await withCleanup(async (cleanup) => {
	const redis = await startRedis(cleanup, await freePort());
	const server = await (values.peer ? startPeer : startOurs)(cleanup, redis);
	const late_ms = monitorEventLoopDelay({ resolution: 5 });

	const seen = { total: 0 };
	const readers = [];
	for (let i = 0; i < CLIENTS; i++) {
		readers.push(new Reader(server, seen));
		if (i % 50 === 49) await sleep(20);
	}
	while (!readers.every((reader) => reader.socket.connected)) await sleep(50);

	const end = Date.now() + SECONDS * 1000;
	const timers = new Set();
	const cutLater = (reader) => {
		const timer = setTimeout(() => {
			timers.delete(timer);
			reader.cut();
			if (Date.now() < end) cutLater(reader);
		}, CUT_MS + Math.random() * EVERY_MS);
		timers.add(timer);
	};
	if (values.all) timers.add(setInterval(() => readers.forEach((reader) => reader.cut()), CUT_MS + EVERY_MS));
	else readers.forEach(cutLater);

	let n = 0;
	const start = Date.now();
	const cpu = cpuOf(server.child.pid);
	late_ms.enable();
	while (Date.now() < end) {
		const due = Math.floor(((Date.now() - start) / 1000) * Number(values.rate));
		for (; n < due; n++) redis.client.command('PUBLISH', 'm', String(n));
		await sleep(5);
	}
	for (const timer of timers) clearTimeout(timer);
	const late = Date.now() + 30000;
	while (Date.now() < late && !readers.every((reader) => reader.socket.connected && reader.next === n)) await sleep(50);

	const sum = (fault) => readers.reduce((all, reader) => all + reader.faults[fault], 0);
	const behind = readers.filter((reader) => reader.next !== n).length;
	const catching = readers.flatMap((reader) => reader.catching);
	const used = cpuOf(server.child.pid) - cpu;
	late_ms.disable();
	console.log(`${CLIENTS} clients, ${SECONDS} s, ${n} messages, ${seen.total} received, ${catching.length} returns`);
	console.log(`lost ${sum('lost')}, twice ${sum('twice')}, began anew ${sum('anew')}, behind at the end ${behind}`);
	tellTimes('catching up', catching);
	tellTimes('of that up to the open connection', readers.flatMap((reader) => reader.opening));
	tellTimes('and from there', readers.flatMap((reader) => reader.recovering));
	console.log(`timers of this process came late by: p50 ${(late_ms.percentile(50) / 1e6 - 5).toFixed(1)} ms, p99 ${(late_ms.percentile(99) / 1e6 - 5).toFixed(1)} ms`);
	console.log(`the server used ${used.toFixed(2)} s of processor; load average ${fs.readFileSync('/proc/loadavg', 'latin1').split(' ')[0]}`);
	const families = values.peer ? null : await readMetrics(server);
	for (const result of families ? ['recovered', 'unknown', 'offset', 'gap', 'too much', 'memory'] : []) {
		const count = sumOf(families, `recoveries_total{result="${result}"}`);
		if (count) console.log(`${result}: ${count}`);
	}
	readers.forEach((reader) => reader.socket.disconnect());
	if (sum('lost') || sum('twice') || sum('anew') || behind) process.exitCode = 1;
});
