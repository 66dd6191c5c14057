// SPDX-License-Identifier: MIT
//
// A tree of siocasts: one Redis, a hub, and edges with thousands of clients each, for bench/edges.mjs.

import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { feedsReady, startSiocast } from '../../tests/e2e/lib/daemon.mjs';
import { metric } from '../../tests/e2e/lib/metrics.mjs';
import { freePort } from '../../tests/e2e/lib/ports.mjs';
import { startRedis } from '../../tests/e2e/lib/redis.mjs';
import { eventually } from '../../tests/e2e/lib/wait.mjs';
import { SPARE_BYTES, factsOfMachine } from './enough.mjs';
import { cpuNs, memoryBytes, memoryOfMachine, softirqPids } from './machine.mjs';
import { Load, publish } from './programs.mjs';
import { quantile } from './stats.mjs';

const EVENT = 'ticks';
const INFLIGHT = 1000; // connections that one process makes at a time: where others want the processors, too, each step of one waits long
const SOURCE_CLIENTS = 10_000; // so many has one address, see load_client.c
const SOURCES = 200;
const AT_ONCE = 4; // edges whose clients connect at the same time
const LOOK_MS = 500; // from one look to the next whether all has come: a look at 250,000 clients costs something
const LOST_MS = 20_000; // what nothing has come of for so long is lost
const REST_MS = 5000;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);
const pidsOf = (servers) => servers.map(({ child }) => child.pid);

async function isReady({ admin }) {
	const answer = await fetch(`http://127.0.0.1:${admin}/readyz`);
	await answer.arrayBuffer();
	return answer.ok;
}

/** {redis, hub, edges}: the hub alone knows Redis and has feeds, one that does not batch and one that does. */
export async function startTree(cleanup, { edges, clients, interval, ping }) {
	const redis = await startRedis(cleanup, await freePort());
	const peerKeyFile = path.join(await cleanup.folder(), 'peer.key');
	fs.writeFileSync(peerKeyFile, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
	const common = { peerKeyFile, engine: { pingInterval: ping }, namespaces: { '/': {} } };
	const feeds = Object.entries({ single: 0, batched: interval }).map(([channel, ms]) => ({ channel, event: EVENT, batch: { interval: ms } }));
	const hub = await startSiocast(cleanup, { ...common, node: 'hub', redis: redis.url, feeds, relay: { edges: true } });
	await feedsReady(redis, hub);
	const all = [];
	for (let i = 0; i < edges; i++) {
		const source = `siocast://127.0.0.1:${hub.port}`;
		const edge = await startSiocast(cleanup, { ...common, node: `e${i}`, redis: { source }, limits: { maxConnections: clients + 800 } });
		await eventually(() => isReady(edge), 'an edge to have its hub');
		all.push(edge);
	}
	return { redis, hub, edges: all };
}

/** All clients, those of each edge in a process of their own and from addresses of their own. */
export async function connectAll(cleanup, { edges }, { clients, sample }, log) {
	const inflight = Math.min(INFLIGHT, factsOfMachine().backlog ?? INFLIGHT);
	const addresses = Math.ceil(clients / SOURCE_CLIENTS);
	const loads = [];
	const left = [...edges.entries()];
	const one = async () => {
		while (left.length > 0) {
			const [i, { port, child }] = left.shift();
			const { MemAvailable: available } = memoryOfMachine();
			if (available < SPARE_BYTES) throw new Error(`no memory is left for more clients: ${loads.length} of ${edges.length} edges have theirs`);
			const own = { url: `127.0.0.1:${port}`, clients, sample, inflight, cells: true, source: 1 + ((i * addresses) % SOURCES) };
			loads.push(await child.whileRunning(Load.start(cleanup, own)));
			log(`${loads.length * clients} clients`);
		}
	};
	await Promise.all(Array.from({ length: AT_ONCE }, one));
	return Load.together(loads);
}

/** Memory, in bytes: of the programs, of the kernel's own objects, and what is left for anybody. */
export function memoryOf({ hub, edges }) {
	const { Slab: slab, MemAvailable: available } = memoryOfMachine();
	return { hub: memoryBytes(pidsOf([hub])), edges: memoryBytes(pidsOf(edges)), slab, available };
}

/** The processes whose processor time is told. */
export function groupsOf({ redis, hub, edges }, load) {
	return { redis: pidsOf([redis]), hub: pidsOf([hub]), edges: pidsOf(edges), clients: pidsOf(load.programs), softirq: softirqPids() };
}

/** The processor time of groups of processes from now on: a function that gives {ms, ns: {name: …}}. */
function timer(groups) {
	const read = () => Object.fromEntries(Object.entries(groups).map(([name, pids]) => [name, cpuNs(pids)]));
	const [before, began] = [read(), performance.now()];
	return () => {
		const after = read();
		const ns = Object.fromEntries(Object.keys(groups).map((name) => [name, after[name] - before[name]]));
		return { ms: performance.now() - began, ns };
	};
}

/** What they take in a second in which nothing is published, in ns. */
export async function atRest(groups, ms = REST_MS) {
	const stop = timer(groups);
	await sleep(ms);
	const { ms: took, ns } = stop();
	return Object.fromEntries(Object.entries(ns).map(([name, used]) => [name, (used * 1000) / took]));
}

/**
 * What a message costs Redis, the hub and an edge that has no clients yet: µs of processor. Many a second, so that it is more than what
 * they take at rest; edges are always in the room of everyone.
 */
export async function costOfPassing(cleanup, tree, { size, rate, seconds }) {
	const { redis, hub, edges } = tree;
	const taken = () => Promise.all(edges.map((edge) => metric(edge, 'relay_batches_total')));
	const before = await taken();
	const stop = timer({ redis: pidsOf([redis]), hub: pidsOf([hub]), edges: pidsOf(edges) });
	const { messages } = await publish(cleanup, { redis: `127.0.0.1:${redis.port}`, channel: 'single', size, rate, seconds });
	const passed = async () => (await taken()).every((n, i) => n - before[i] >= messages);
	await eventually(passed, 'each edge to have every message', LOST_MS);
	const { ns } = stop();
	const us = (name) => ns[name] / messages / 1000;
	return { redis: us('redis'), hub: us('hub'), edge: us('edges') / edges.length };
}

async function begin(load) {
	load.begin();
	const { messages } = await load.report();
	if (messages.max > 0) throw new Error('something comes that was not published');
}

/** The report when every client has so many messages, or when no more come. */
async function complete(load, messages) {
	for (let last = -1, since = Date.now(); ; await sleep(LOOK_MS)) {
		const report = await load.report();
		if (report.messages.sum !== last) since = Date.now();
		last = report.messages.sum;
		if (report.messages.min >= messages || Date.now() - since > LOST_MS) return report;
	}
}

/** The bytes that Redis has sent. An answer to this question is counted from the next one on. */
async function sentByRedis({ client }) {
	const text = String(await client.command('INFO', 'stats'));
	const out = Number(/^total_net_output_bytes:(\d+)/m.exec(text)[1]);
	return { out, own: `$${text.length}\r\n${text}\r\n`.length };
}

const RELAYED = ['relay_hub_sent_total', 'relay_hub_sent_bytes_total', 'relay_hub_dropped_total', 'relay_hub_cut_total'];

/** What hub and edges have counted. */
async function counted({ hub, edges }) {
	const all = Object.fromEntries(await Promise.all(RELAYED.map(async (name) => [name, await metric(hub, name)])));
	for (const name of ['relay_gaps_total', 'relay_dropped_total']) all[name] = sum(await Promise.all(edges.map((edge) => metric(edge, name))));
	return all;
}

const difference = (after, before) => Object.fromEntries(Object.keys(after).map((name) => [name, after[name] - before[name]]));

/** Publishes `burst` messages at a time, so many times, and waits until all clients have them: what was sent, came, and was used. */
export async function send(cleanup, { tree, load, groups }, { channel, size, burst, every, times }) {
	await begin(load);
	const before = { relay: await counted(tree), redis: await sentByRedis(tree.redis) };
	const stop = timer(groups);
	const rate = (1000 * burst) / every;
	const sent = await publish(cleanup, { redis: `127.0.0.1:${tree.redis.port}`, channel, size, burst, rate, messages: times * burst });
	await complete(load, sent.messages);
	const cpu = stop();
	const redis = await sentByRedis(tree.redis);
	// What comes twice comes late.
	await sleep(LOOK_MS);
	const report = await load.report();
	// Redis answers each PUBLISH to its publisher by four bytes, where there is one subscriber.
	const bytes = redis.out - before.redis.out - before.redis.own - 4 * sent.messages;
	return { sent, report, cpu, redisBytes: bytes, relay: difference(await counted(tree), before.relay) };
}

/** Whether each client has had each message once, in order and to the byte, on connections that are all still there. */
export function isExact({ sent, report, relay }) {
	const { messages, sample } = report;
	const wrong = sample.gaps + sample.disorder + sample.bad + relay.relay_gaps_total + relay.relay_dropped_total + relay.relay_hub_dropped_total + relay.relay_hub_cut_total;
	return wrong === 0 && messages.min === sent.messages && messages.max === sent.messages && report.open === report.clients;
}

/** The figures of what send() gives. `rest`: of atRest(), which is not counted. */
export function figuresOf(result, rest) {
	const { sent, report, cpu, redisBytes, relay } = result;
	const us = (name) => Math.max(0, cpu.ns[name] - (rest[name] * cpu.ms) / 1000) / 1000;
	const want = sent.messages * report.clients;
	const { gaps, disorder, bad } = report.sample;
	const lost = Math.max(gaps, want - report.messages.sum);
	const ms = (share) => quantile(report.latency_cells, share) / 1e6;
	return {
		messages: sent.messages, exact: isExact(result), lost, least: report.messages.min, most: report.messages.max, gaps, disorder, bad,
		closed: report.clients - report.open, checked: report.sample.clients, relayGaps: relay.relay_gaps_total,
		whole: 100 * (1 - (lost + disorder + bad + Math.max(0, report.messages.sum - want)) / want),
		p50: ms(0.5), p99: ms(0.99), p999: ms(0.999), max: ms(1),
		edges: us('edges') / want, perEvent: us('edges') / report.events.sum, clients: us('clients') / want,
		softirq: us('softirq') / want,
		redisBytes: redisBytes / sent.messages, receivers: sent.receivers / sent.messages,
		relayBytes: relay.relay_hub_sent_bytes_total / sent.messages, batches: relay.relay_hub_sent_total, seconds: cpu.ms / 1000,
	};
}

/** Ends the clients, then the edges, all at the same time. */
export async function lower({ edges }, load) {
	await load.stop();
	await Promise.all(edges.map(({ child }) => child.stop()));
}
