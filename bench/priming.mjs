#!/usr/bin/env node
// SPDX-License-Identifier: MIT
//
// How long a live message takes while a feed is read from Redis (`prime`), beside how long it takes before nobody reads: one publisher, one
// client, one worker, and a hash of a million fields.
//
//     node bench/priming.mjs [--fields 1000000] [--rounds 3] [--bar 2]        SIOCAST names the program
//
// Each round starts siocast anew: live messages are timed while it reads, and then for as long again. Ends with status 1 when the p99 of the one
// is more than the bar times that of the other.

import { parseArgs } from 'node:util';
import { withCleanup } from '../tests/e2e/lib/cleanup.mjs';
import { MODES, connect } from '../tests/e2e/lib/client.mjs';
import { startSiocast } from '../tests/e2e/lib/daemon.mjs';
import { metric } from '../tests/e2e/lib/metrics.mjs';
import { freePort } from '../tests/e2e/lib/ports.mjs';
import { startRedis } from '../tests/e2e/lib/redis.mjs';
import { eventually } from '../tests/e2e/lib/wait.mjs';
import { cpuNs } from './lib/machine.mjs';

const { values } = parseArgs({
	options: { fields: { type: 'string', default: '1000000' }, rounds: { type: 'string', default: '3' }, bar: { type: 'string', default: '2' } },
});
const FIELDS = Number(values.fields);
const EVERY_MS = 2;
const feeds = [
	{ channel: 'q', event: 'q', encode: 'json', batch: { interval: 50 }, retain: { key: '/s', max: FIELDS }, retainBytes: 2 ** 31, prime: { hash: 'state' } },
	{ channel: 'live', event: 'live', namespace: '/live', encode: 'json', batch: { interval: 0 } },
];

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const percentile = (v, p) => v.toSorted((a, b) => a - b)[Math.min(v.length - 1, Math.floor(v.length * p))] ?? 0;
const tell = (what, v) => {
	const [half, most, all] = [0.5, 0.99, 1].map((p) => percentile(v, p).toFixed(2));
	console.log(`${what}: ${v.length} messages, p50 ${half} ms, p99 ${most} ms, longest ${all} ms`);
};

/** The times of messages, one every few milliseconds, for as long as `more` says. */
async function timed(redis, socket, more) {
	const times = [];
	const take = (sent) => sent && times.push(performance.now() - sent);
	socket.on('live', take);
	let n = 0;
	for (const start = performance.now(); await more(); ) {
		for (let i = 0; i < 50; i++) {
			// By schedule: what holds this process up counts for both alike.
			await sleep(Math.max(0, start + ++n * EVERY_MS - performance.now()));
			redis.client.command('PUBLISH', 'live', String(performance.now()));
		}
	}
	await eventually(async () => times.length === n, 'all messages');
	socket.off('live', take);
	return times;
}

async function round(redis) {
	let ratio;
	await withCleanup(async (cleanup) => {
		const server = await startSiocast(cleanup, { redis: redis.url, feeds, namespaces: { '/live': {} }, workers: 1, limits: { clientReplyBytes: 1_000_000_000 } });
		const socket = await connect(cleanup, server, { ...MODES.websocket, namespace: '/live' });
		await eventually(async () => (await redis.client.command('PUBLISH', 'live', '0')) > 0, 'the subscription');
		const began = performance.now();
		const cpu = cpuNs([server.child.pid, redis.child.pid]);
		const during = await timed(redis, socket, async () => (await metric(server, 'primed_total')) < FIELDS || (await metric(server, 'priming')) > 0);
		const took = performance.now() - began;
		const used = (cpuNs([server.child.pid, redis.child.pid]) - cpu) / 1e9;
		if ((await metric(server, 'retained_messages')) !== FIELDS) throw new Error('not all of it was read');
		const end = performance.now() + took;
		const without = await timed(redis, socket, async () => (await metric(server, 'primed_total'), performance.now() < end));
		console.log(`${FIELDS} fields were read in ${(took / 1000).toFixed(1)} s, of which siocast and Redis used ${used.toFixed(1)} s of processor`);
		tell('  meanwhile', during);
		tell('  afterwards', without);
		ratio = percentile(during, 0.99) / percentile(without, 0.99);
	});
	return ratio;
}

await withCleanup(async (cleanup) => {
	const redis = await startRedis(cleanup, await freePort());
	const fill = `for i = ARGV[1], ARGV[2] do redis.call('HSET', 'state', i, '{"s":' .. string.format('%d', i) .. ',"n":1,"text":"some words"}') end`;
	for (let at = 0; at < FIELDS; at += 100_000) await redis.client.command('EVAL', fill, '0', String(at), String(Math.min(at + 100_000, FIELDS) - 1));
	const ratios = [];
	for (let i = 0; i < Number(values.rounds); i++) ratios.push(await round(redis));
	const ratio = percentile(ratios, 0.5);
	console.log(`p99 while it reads is ${ratio.toFixed(2)} times that afterwards (${ratios.map((r) => r.toFixed(2)).join(', ')})`);
	if (ratio > Number(values.bar)) process.exitCode = 1;
});
