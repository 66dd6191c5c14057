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
//
// --all cuts all connections at once. Ends with status 1 when a message was lost or came twice, or a client began anew.

import { parseArgs } from 'node:util';
import { io } from '../tests/e2e/node_modules/socket.io-client/build/esm/index.js';
import { withCleanup } from '../tests/e2e/lib/cleanup.mjs';
import { feedsReady, startSiocast } from '../tests/e2e/lib/daemon.mjs';
import { readMetrics, sumOf } from '../tests/e2e/lib/metrics.mjs';
import { freePort } from '../tests/e2e/lib/ports.mjs';
import { startRedis } from '../tests/e2e/lib/redis.mjs';

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
	}

	connected() {
		if (this.attempt) this.catching.push(performance.now() - this.attempt);
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

await withCleanup(async (cleanup) => {
	const redis = await startRedis(cleanup, await freePort());
	const server = await startSiocast(cleanup, {
		workers: Number(values.workers),
		redis: redis.url,
		feeds: [{ channel: 'm', event: 'm', encode: 'json', batch: { interval: Number(values.interval) } }],
		connectionStateRecovery: { maxDisconnectionDuration: 120000 },
	});
	await feedsReady(redis, server);

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
	const families = await readMetrics(server);
	console.log(`${CLIENTS} clients, ${SECONDS} s, ${n} messages, ${seen.total} received, ${catching.length} returns`);
	console.log(`lost ${sum('lost')}, twice ${sum('twice')}, began anew ${sum('anew')}, behind at the end ${behind}`);
	console.log(`catching up: p50 ${percentile(catching, 0.5).toFixed(1)} ms, p99 ${percentile(catching, 0.99).toFixed(1)} ms`);
	for (const result of ['recovered', 'unknown', 'offset', 'gap', 'too much', 'memory']) {
		const count = sumOf(families, `recoveries_total{result="${result}"}`);
		if (count) console.log(`${result}: ${count}`);
	}
	readers.forEach((reader) => reader.socket.disconnect());
	if (sum('lost') || sum('twice') || sum('anew') || behind) process.exitCode = 1;
});
