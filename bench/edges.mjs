#!/usr/bin/env node
// SPDX-License-Identifier: MIT
//
// A relay tree with a quarter of a million clients on one machine: one Redis, one hub, 13 edges, and 19,000 WebSockets at each. Messages are published
// to Redis, one by one and in batches, and each client must have each of them once, in order, and to the byte.
//
//     node bench/edges.mjs [--edges 13] [--clients 19000] [--every 5000] [--times 10] [--size 250] [--burst 8] [--interval 200]
//                          [--sample 1] [--ping 3600000] [--json]
//     node bench/edges.mjs --short      2 edges with 50 clients each: seconds
//
// --clients are those of each edge. Each --every ms one message is published to a feed that does not batch, --times times, and then
// --burst of them at a time to one that batches for --interval ms. When one took longer than half of --every to reach all clients, so that they would
// wait for one another, --every is twice that. One client in --sample is checked to the byte and times its messages; of all the messages
// are counted; they are fewer times when all would take more than five minutes. --ping: heartbeats, by default none.
//
// What a message costs Redis, the hub and an edge is measured before there are clients, 200 a second.
//
// Everything is on the same processors, so latency is mostly how long these take for so many sends and reads: it tells what is lost, and
// what an edge, the hub, Redis and the kernel need, and is no measure of a tree of several machines. `./run bench edges` does it in a network of
// its own and adds it to REPORT.md. Ends with status 1 when a message was lost or came twice, but for --json.

import os from 'node:os';
import { parseArgs } from 'node:util';
import { withCleanup } from '../tests/e2e/lib/cleanup.mjs';
import { atRest, connectAll, costOfPassing, figuresOf, groupsOf, lower, memoryOf, send, startTree } from './lib/edges.mjs';
import { factsOfMachine, lacking } from './lib/enough.mjs';

const USUAL = { edges: 13, clients: 19_000, every: 5000, times: 10, size: 250, burst: 8, interval: 200, sample: 1, ping: 3_600_000 };
const SHORT = { edges: 2, clients: 50, every: 100, times: 5, interval: 20 };

const { values } = parseArgs({
	options: {
		...Object.fromEntries(Object.keys(USUAL).map((name) => [name, { type: 'string' }])),
		short: { type: 'boolean', default: false },
		json: { type: 'boolean', default: false },
	},
});
const MOST_MS = 150_000; // of each form
const LEAST_TIMES = 3;
const PASSING_RATE = 200;
const PASSING_SECONDS = 5;
const given = Object.fromEntries(Object.entries(values).filter(([name]) => name in USUAL).map(([name, text]) => [name, Number(text)]));
const options = { ...USUAL, ...(values.short ? SHORT : {}), ...given };

const log = (text) => console.error(text);
const count = (n) => n.toLocaleString('en');
const kb = (bytes) => `${(bytes / 1024).toFixed(2)} KB`;
const mb = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MB`;

/** What clients have added, for each of them, and what hub and edges have. */
function memoryFigures(before, after) {
	const total = options.edges * options.clients;
	return {
		hub: after.hub, edge: after.edges / options.edges, client: (after.edges - before.edges) / total,
		kernel: (after.slab - before.slab) / total, all: before.available - after.available,
	};
}

/** Publishes to both feeds, when one message has shown how long it takes to reach all. */
async function sendAll(cleanup, all, rest) {
	const { size, burst } = options;
	const warm = figuresOf(await send(cleanup, all, { channel: 'single', size, burst: 1, every: 1000, times: 1 }), rest);
	if (!warm.exact) throw new Error(`a first message did not reach all clients: ${JSON.stringify(warm)}`);
	log(`a message has reached all clients after ${warm.max.toFixed(0)} ms`);
	const every = Math.max(options.every, Math.ceil(2 * warm.max));
	const times = Math.min(options.times, Math.max(LEAST_TIMES, Math.floor(MOST_MS / every)));
	const forms = { single: 1, batched: burst };
	const results = {};
	for (const [channel, n] of Object.entries(forms)) {
		results[channel] = { every, burst: n, ...figuresOf(await send(cleanup, all, { channel, size, burst: n, every, times }), rest) };
		log(`${channel}: p99 ${results[channel].p99.toFixed(0)} ms`);
	}
	return results;
}

async function measure(cleanup) {
	const tree = await startTree(cleanup, options);
	const passing = await costOfPassing(cleanup, tree, { size: options.size, rate: PASSING_RATE, seconds: values.short ? 0.5 : PASSING_SECONDS });
	log(`a message costs the hub ${passing.hub.toFixed(0)} µs`);
	const before = memoryOf(tree);
	const began = performance.now();
	const load = await connectAll(cleanup, tree, options, log);
	const seconds = (performance.now() - began) / 1000;
	const groups = groupsOf(tree, load);
	const rest = await atRest(groups, values.short ? 500 : undefined);
	const memory = memoryFigures(before, memoryOf(tree));
	const results = await sendAll(cleanup, { tree, load, groups }, rest);
	return { tree, load, figures: { ...options, total: options.edges * options.clients, seconds, memory, passing, rest, ...results, load: os.loadavg() } };
}

function tellOne(what, { messages, burst, every, ...own }) {
	const { edges, size, interval } = options;
	const times = burst > 1 ? `${burst} at a time, in a batch of ${interval} ms` : 'one at a time, not batched';
	console.log(`\n${what}: ${messages} messages of ${size} bytes, ${times}, each ${(every / 1000).toFixed(1)} s`);
	console.log(own.exact ? 'each client had each message once, in order and to the byte'
		: `lost ${own.lost}, clients have ${own.least} to ${own.most} messages, ${own.disorder} out of order, ${own.bad} with wrong bytes, ${own.closed} connections closed, ${own.relayGaps} gaps of edges`);
	console.log(`PUBLISH to client: p50 ${own.p50.toFixed(1)} ms, p99 ${own.p99.toFixed(1)} ms, p99.9 ${own.p999.toFixed(1)} ms, the last ${own.max.toFixed(1)} ms`);
	console.log(`processor for a message and client: the edges ${own.edges.toFixed(2)} µs (${own.perEvent.toFixed(2)} µs for an event), the clients ${own.clients.toFixed(2)} µs, the kernel's own threads ${own.softirq.toFixed(2)} µs`);
	console.log(`bytes for a message: Redis sent ${own.redisBytes.toFixed(0)} to ${own.receivers} client, the hub ${own.relayBytes.toFixed(0)} to ${edges} edges`);
}

function tell({ edges, clients, total, seconds, memory, passing, rest, single, batched, load }) {
	const share = (name, n = 1) => `${(rest[name] / n / 1e6).toFixed(2)} ms`;
	console.log(`${edges} edges × ${count(clients)} clients = ${count(total)}, connected in ${seconds.toFixed(0)} s`);
	console.log(`memory: the hub ${mb(memory.hub)}, an edge ${mb(memory.edge)}, of which a client ${kb(memory.client)}; the kernel's objects for both ends of a connection ${kb(memory.kernel)}; ${mb(memory.all)} less are available than before the clients`);
	console.log(`processor for a message before there were clients, ${PASSING_RATE} a second: Redis ${passing.redis.toFixed(0)} µs with its publisher, the hub ${passing.hub.toFixed(0)} µs, an edge ${passing.edge.toFixed(0)} µs`);
	console.log(`at rest, processor in a second: the hub ${share('hub')}, an edge ${share('edges', edges)}, Redis ${share('redis')} (not counted below)`);
	tellOne('single', single);
	tellOne('batched', batched);
	console.log(`\n${os.cpus().length} processors for all of it, load average ${load.map((v) => v.toFixed(1)).join(' ')}`);
}

const lacks = lacking({ processes: options.edges, clients: options.clients, bytes: options.size * options.burst }, factsOfMachine());
if (lacks.length > 0) {
	log(`edges.mjs: this machine has no room for ${options.edges} × ${count(options.clients)} clients:\n${lacks.join('\n')}`);
	process.exit(1);
}
await withCleanup(async (cleanup) => {
	const { tree, load, figures } = await measure(cleanup);
	if (values.json) console.log(JSON.stringify(figures));
	else tell(figures);
	if (!values.json && !(figures.single.exact && figures.batched.exact)) process.exitCode = 1;
	await lower(tree, load);
});
