// SPDX-License-Identifier: MIT
//
// Several siocasts of one Redis: what each message costs Redis and each node, and what a delivery costs, with 1, 2 and 4 nodes. The
// model of doc/scale.md is made of these. And a tree of them, a hub with edges.

import os from 'node:os';
import path from 'node:path';
import { withCleanup } from '../../../tests/e2e/lib/cleanup.mjs';
import { feedsReady } from '../../../tests/e2e/lib/daemon.mjs';
import { metric } from '../../../tests/e2e/lib/metrics.mjs';
import { eventually } from '../../../tests/e2e/lib/wait.mjs';
import { PEERS, because } from '../complete.mjs';
import { cpuNs, onServerCore } from '../machine.mjs';
import { BENCH, Load, Program, flags, publish } from '../programs.mjs';
import { EVENT, NODES, UNHEARD, startNodes } from '../servers.mjs';

// Of messages that nobody hears many are sent: one costs little.
const UNHEARD_RATE = 20_000;

/** Sends, waits until all of it is done, and gives the processor time of the nodes and of Redis, in ns. */
async function cost(cleanup, { nodes, redis }, message, done) {
	const pids = nodes.map(({ child }) => child.pid);
	const before = [cpuNs(pids), cpuNs([redis.child.pid])];
	const sent = await publish(cleanup, { redis: `127.0.0.1:${redis.port}`, ...message });
	await eventually(() => done(sent.messages), 'all messages to be taken', 30_000);
	return { sent: sent.messages, nodes: cpuNs(pids) - before[0], redis: cpuNs([redis.child.pid]) - before[1] };
}

async function unheard(cleanup, all, { size, seconds }) {
	const taken = () => Promise.all(all.nodes.map((node) => metric(node, 'feed_messages_total')));
	const before = await taken();
	const done = async (n) => (await taken()).every((now, i) => now - before[i] >= n);
	return cost(cleanup, all, { channel: UNHEARD, size, rate: UNHEARD_RATE, seconds }, done);
}

async function delivered(cleanup, all, loads, { size, rate, seconds, clients }) {
	for (const load of loads) load.begin();
	const done = async (n) => {
		const reports = await Promise.all(loads.map((load) => load.report()));
		return reports.every(({ messages }) => messages.sum >= n * clients);
	};
	return cost(cleanup, all, { channel: EVENT, size, rate, seconds }, done);
}

async function capacityRound(bed) {
	let values;
	await withCleanup(async (cleanup) => {
		const { clients } = bed.options;
		const all = await startNodes(cleanup, bed.options, bed.id === 'siocast' ? 1 : NODES[bed.id].nodes);
		const n = all.nodes.length;
		const loads = [];
		for (const [i, node] of all.nodes.entries()) {
			await feedsReady(all.redis, node);
			loads.push(await Load.start(cleanup, { url: `127.0.0.1:${node.port}`, clients, coalesce: 1000, source: 1 + i }));
		}
		const nothing = await unheard(cleanup, all, bed.options);
		const something = await delivered(cleanup, all, loads, bed.options);
		const taking = nothing.nodes / nothing.sent / n;
		const sending = (something.nodes - something.sent * n * taking) / (something.sent * n * clients);
		values = { redis: nothing.redis / nothing.sent / 1000, taking: taking / 1000, sending: sending / 1000 };
	});
	return values;
}

const nodes = {
	group: 'Many nodes',
	name: 'capacity',
	title: 'One Redis and 1, 2 or 4 nodes of one worker, 250 clients at each, messages of 250 bytes',
	about: 'First 20,000 messages a second that nobody hears, then 50 a second, not batched, to all clients. The processor time of Redis for each message, with what the publisher costs it; that of each node for each message; and that of the nodes for each delivery, without what they take for the message. All share both processors. Not part of a whole run: `./run bench capacity`.',
	absent: because('what several nodes add to each other is asked here of siocast alone', 'floor', ...PEERS),
	more: Object.keys(NODES),
	named: true,
	fresh: true,
	warm: async () => {},
	options: { transport: 'websocket', clients: 250, size: 250, rate: 50, batch: 0, seconds: 2, unpinned: true },
	columns: [
		{ key: 'redis', title: 'µs of Redis per message', digits: 2 },
		{ key: 'taking', title: 'µs of each node per message', digits: 3 },
		{ key: 'sending', title: 'µs per delivery', digits: 2 },
	],
	plot: { key: 'redis', title: 'µs of Redis per message', low: true },
	round: capacityRound,
	plan: ({ ids, rounds }) => ids.length * rounds * 8,
};

const EDGES = 13;
const EDGES_MS = 900_000;

// How messages came, and what they cost.
const FORM = {
	p50: ['p50 ms', 0],
	p99: ['p99 ms', 0],
	max: ['the last, ms', 0],
	whole: ['% of messages once', 3],
	lost: ['lost', 0],
	edges: ['CPU µs of the edges per message and client', 2],
	redisBytes: ['bytes that Redis sends per message', 0],
	relayBytes: ['the hub', 0],
};
// What the results have besides.
const ALSO = ['messages', 'p999', 'closed', 'relayGaps', 'perEvent', 'clients'];
const columnsOf = (form) => Object.entries(FORM).map(([key, [title, digits]]) => ({ key: `${form}_${key}`, title, digits }));
const valuesOf = (form, figures) => Object.fromEntries([...Object.keys(FORM), ...ALSO].map((key) => [`${form}_${key}`, figures[key]]));

/** bench/edges.mjs, on all processors. With so many connections its end takes a while, too. */
async function edgesRound(bed) {
	let values;
	await withCleanup(async (cleanup) => {
		const { clients, size, scale } = bed.options;
		const own = { json: true, size, clients, ...(scale ? { short: true } : { edges: EDGES }) };
		const [command, args] = onServerCore(process.execPath, [path.join(BENCH, 'edges.mjs'), ...flags(own)], os.cpus().length);
		const program = new Program(cleanup, command, args, { name: 'edges.mjs' });
		const { total, seconds, memory, passing, single, batched } = await program.next('the end', EDGES_MS);
		await program.child.ended;
		const bytes = { hubMb: memory.hub / 2 ** 20, edgeMb: memory.edge / 2 ** 20, clientKb: memory.client / 1024, kernelKb: memory.kernel / 1024 };
		const costs = { redisUs: passing.redis, hubUs: passing.hub, edgeUs: passing.edge };
		values = { total, seconds, ...costs, every: single.every / 1000, ...bytes, ...valuesOf('single', single), ...valuesOf('batched', batched) };
	});
	return values;
}

const edges = {
	group: 'Many nodes',
	name: 'edges',
	title: `A tree: one Redis, a hub, ${EDGES} edges with 19,000 WebSockets each, messages of 250 bytes`,
	about: 'First 200 messages a second for five seconds, before there are clients: what they cost Redis, the hub and an edge. Then, with all clients, one message after the other, not batched, and then eight at a time in a batch of 200 ms, ten times each, fewer where the machine is slow; every client checks every byte and the order. Everything is on the same processors, the clients, too, so latency is how long these take for a quarter of a million sends and reads, and says little of a tree of several machines. What the processes take while nothing is published is not counted. Not part of a whole run: `./run bench edges`.',
	absent: because('a tree is made of siocasts', 'floor', ...PEERS),
	named: true,
	fresh: true,
	warm: async () => {},
	roundsOf: () => 1,
	stepMs: EDGES_MS + 60_000,
	options: { transport: 'websocket', clients: 19_000, size: 250, rate: 0.2, batch: 0, seconds: 50, unpinned: true },
	tables: [
		{
			columns: [
				{ key: 'total', title: 'clients', digits: 0 },
				{ key: 'seconds', title: 'connected after s', digits: 0 },
				{ key: 'every', title: 's from one to the next', digits: 1 },
				{ key: 'redisUs', title: 'CPU µs of Redis per message', digits: 0 },
				{ key: 'hubUs', title: 'of the hub', digits: 0 },
				{ key: 'edgeUs', title: 'of an edge without clients', digits: 0 },
				{ key: 'hubMb', title: 'MB of the hub', digits: 1 },
				{ key: 'edgeMb', title: 'of an edge', digits: 1 },
				{ key: 'clientKb', title: 'KB of an edge per client', digits: 2 },
				{ key: 'kernelKb', title: 'KB of the kernel for both ends', digits: 2 },
			],
		},
		{ title: 'Not batched, PUBLISH to client', columns: columnsOf('single') },
		{ title: 'Eight at a time, in a batch of 200 ms', columns: columnsOf('batched') },
	],
	round: edgesRound,
	plan: ({ ids }) => ids.length * 300,
};

export const manyNodes = [nodes, edges];
