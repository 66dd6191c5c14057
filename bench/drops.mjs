#!/usr/bin/env node
// SPDX-License-Identifier: MIT
//
// Connections that break again and again, and what is missing afterwards: official clients, whose connections are cut for two
// seconds, one at a time and at random, while messages are published. Each client must have every message once and in order,
// or the word that it begins anew.
//
//     node bench/drops.mjs [--clients 1000] [--processes 4] [--seconds 600] [--rate 100] [--cut 2000] [--every 10000] [--workers 2]
//                          [--interval 50] [--transport websocket|polling] [--all] [--pin] [--json]
//     node bench/drops.mjs --short      100 clients for 20 seconds
//     node bench/drops.mjs --peer       against socket.io with its adapter for Redis Streams (npm ci in bench/peers)
//
// --all cuts all connections at once; --pin gives the server processors of its own; --json tells all in one line. Ends with status 1 when a
// message was lost or came twice, or a client began anew, but for --json. `./run bench drops` runs both and adds them to REPORT.md.
//
// Catching up is the time from the client's attempt to its `connect`. It is told in two parts, up to the open WebSocket or poll and
// from there on, which is where recovery is; and beside it what of it the client's process neither ran nor waited for a processor, by the
// scheduler: only that can be the server's. The rest is the clients', hundreds of which share a process (drops-clients.mjs), as is what their
// timers are late with.

import { fork } from 'node:child_process';
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { withCleanup } from '../tests/e2e/lib/cleanup.mjs';
import { feedsReady, startSiocast } from '../tests/e2e/lib/daemon.mjs';
import { readMetrics, sumOf } from '../tests/e2e/lib/metrics.mjs';
import { accepts, freePort } from '../tests/e2e/lib/ports.mjs';
import { Child } from '../tests/e2e/lib/process.mjs';
import { startRedis } from '../tests/e2e/lib/redis.mjs';
import { eventually } from '../tests/e2e/lib/wait.mjs';
import { onServerCore } from './lib/machine.mjs';

const { values } = parseArgs({
	options: {
		clients: { type: 'string', default: '1000' },
		processes: { type: 'string', default: '4' },
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
		pin: { type: 'boolean', default: false },
		json: { type: 'boolean', default: false },
	},
});
const number = (name, short) => (values.short ? short : Number(values[name]));
const CLIENTS = number('clients', 100);
const SECONDS = number('seconds', 20);
const CUT_MS = Number(values.cut);
const EVERY_MS = number('every', 4000);
const PROCESSES = Math.min(CLIENTS, Number(values.processes));

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Some of the clients, in a process of their own: as many as their share. */
class Readers {
	static async start(cleanup, server, share) {
		const { transport, all } = values;
		const program = fileURLToPath(new URL('drops-clients.mjs', import.meta.url));
		const child = fork(program, [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
		const readers = new Readers(child);
		cleanup.add(child, () => child.exitCode === null && child.kill());
		child.send({ url: server.url, path: server.path, clients: share, transport, all, cutMs: CUT_MS, everyMs: EVERY_MS });
		await readers.answer();
		return readers;
	}

	constructor(child) {
		this.child = child;
	}

	answer() {
		return new Promise((resolve, reject) => {
			const ended = () => reject(new Error('a process with clients has ended'));
			this.child.once('exit', ended);
			this.child.once('message', (message) => {
				this.child.off('exit', ended);
				resolve(message);
			});
		});
	}

	ask(message) {
		const answer = this.answer();
		this.child.send(message);
		return answer;
	}
}

const percentile = (list, p) => list.sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * p))] ?? 0;

const times = (list) => ({ p50: percentile(list, 0.5), p99: percentile(list, 0.99) });
const tellTimes = (what, { p50, p99 }) => console.log(`${what}: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`);

/** Seconds of processor that a process has used, all its threads together. */
function cpuOf(pid) {
	const fields = fs.readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ');
	return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** With --pin the server has a processor to itself, as under bench/run. */
const pinned = (command, args) => (values.pin ? onServerCore(command, args, Number(values.workers)) : [command, args]);

async function startOurs(cleanup, redis) {
	const server = await startSiocast(cleanup, {
		workers: Number(values.workers),
		redis: redis.url,
		feeds: [{ channel: 'm', event: 'm', encode: 'json', batch: { interval: Number(values.interval) } }],
		connectionStateRecovery: { maxDisconnectionDuration: 120000 },
	}, { wrap: pinned });
	await feedsReady(redis, server);
	return server;
}

async function startPeer(cleanup, redis) {
	const port = await freePort();
	const program = fileURLToPath(new URL('peers/recovery.mjs', import.meta.url));
	const flags = ['--port', String(port), '--redis', redis.url, '--event', 'm', '--batch', values.interval];
	const [command, args] = pinned(process.execPath, [program, ...flags]);
	const child = new Child(command, args, { name: 'socket.io', graceful: false });
	cleanup.add(child, () => child.stop());
	await child.whileRunning(eventually(() => accepts(port), 'the peer to listen'));
	return { url: `http://127.0.0.1:${port}`, path: '/socket.io/', child };
}

/** Publishes numbers by the clock; how many. */
async function publishAll(redis) {
	const start = Date.now();
	let n = 0;
	while (Date.now() - start < SECONDS * 1000) {
		const due = Math.floor(((Date.now() - start) / 1000) * Number(values.rate));
		for (; n < due; n++) redis.client.command('PUBLISH', 'm', String(n));
		await sleep(5);
	}
	return n;
}

/** All that the processes have counted, together. */
function add(parts, sent, cpu) {
	const sum = (name) => parts.reduce((all, part) => all + part[name], 0);
	const list = (name) => parts.flatMap((part) => part[name]);
	const counts = Object.fromEntries(['received', 'lost', 'twice', 'anew', 'behind'].map((name) => [name, sum(name)]));
	const all = Object.fromEntries(['catching', 'opening', 'recovering', 'others'].map((name) => [name, times(list(name))]));
	const late = { p50: Math.max(...parts.map((part) => part.late.p50)), p99: Math.max(...parts.map((part) => part.late.p99)) };
	return { clients: CLIENTS, seconds: SECONDS, sent, ...counts, returns: list('catching').length, ...all, late, cpu };
}

function tell(all) {
	console.log(`${all.clients} clients, ${all.seconds} s, ${all.sent} messages, ${all.received} received, ${all.returns} returns`);
	console.log(`lost ${all.lost}, twice ${all.twice}, began anew ${all.anew}, behind at the end ${all.behind}`);
	tellTimes('catching up', all.catching);
	tellTimes('of that up to the open connection', all.opening);
	tellTimes('and from there', all.recovering);
	tellTimes('of all that the process with the client waited for others', all.others);
	tellTimes(`timers of the ${PROCESSES} processes with clients came late by, at worst`, all.late);
	console.log(`the server used ${all.cpu.toFixed(2)} s of processor; load average ${fs.readFileSync('/proc/loadavg', 'latin1').split(' ')[0]}`);
}

async function tellResults(server) {
	const families = await readMetrics(server);
	for (const result of ['recovered', 'unknown', 'offset', 'gap', 'too much', 'memory']) {
		const count = sumOf(families, `recoveries_total{result="${result}"}`);
		if (count) console.log(`${result}: ${count}`);
	}
}

await withCleanup(async (cleanup) => {
	const redis = await startRedis(cleanup, await freePort());
	const server = await (values.peer ? startPeer : startOurs)(cleanup, redis);
	const share = (i) => Math.floor(((i + 1) * CLIENTS) / PROCESSES) - Math.floor((i * CLIENTS) / PROCESSES);
	const readers = await Promise.all(Array.from({ length: PROCESSES }, (_, i) => Readers.start(cleanup, server, share(i))));
	const cpu = cpuOf(server.child.pid);
	readers.forEach(({ child }) => child.send({ cut: true }));
	const sent = await publishAll(redis);
	const parts = await Promise.all(readers.map((one) => one.ask({ last: sent - 1 })));
	const all = add(parts, sent, cpuOf(server.child.pid) - cpu);
	if (values.json) {
		console.log(JSON.stringify(all));
	} else {
		tell(all);
		if (!values.peer) await tellResults(server);
	}
	readers.forEach(({ child }) => child.send({ end: true }));
	if (!values.json && (all.lost || all.twice || all.anew || all.behind)) process.exitCode = 1;
});
