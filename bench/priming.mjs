#!/usr/bin/env node
// SPDX-License-Identifier: MIT
//
// How long a live message takes while a feed is read from Redis (`prime`): one publisher, one client, one worker, and a hash of a million
// fields.
//
//     node bench/priming.mjs [--fields 1000000] [--rounds 3] [--bar 2]        SIOCAST names the program
//
// Each round starts siocast anew: live messages are timed while it reads; then for as long while nobody reads; and then while another
// siocast reads the same from another Redis, with which this one has nothing to do but the processors that they share. What a message
// takes longer in the first than in the last is what siocast and Redis hold it up by; what is left is that others want to run. Ends with
// status 1 when the p99 of the first is more than the bar times the larger one of both others.

import { parseArgs } from 'node:util';
import { withCleanup } from '../tests/e2e/lib/cleanup.mjs';
import { MODES, connect } from '../tests/e2e/lib/client.mjs';
import { startSiocast } from '../tests/e2e/lib/daemon.mjs';
import { metric } from '../tests/e2e/lib/metrics.mjs';
import { freePort } from '../tests/e2e/lib/ports.mjs';
import { startRedis } from '../tests/e2e/lib/redis.mjs';
import { eventually } from '../tests/e2e/lib/wait.mjs';
import { cpuNs, threadTimes } from './lib/machine.mjs';

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

/**
 * The times of messages, one every few milliseconds, for as long as `more` says. It is asked when all that was sent has come: what asks
 * and what sends are one process, and a message that came meanwhile would wait for it.
 */
async function timed(redis, socket, more) {
	const times = [];
	const take = (sent) => sent && times.push(performance.now() - sent);
	socket.on('live', take);
	for (let n = 0; await more(); ) {
		const start = performance.now();
		for (let i = 1; i <= 50; i++, n++) {
			// By schedule: what holds this process up counts for all alike.
			await sleep(Math.max(0, start + i * EVERY_MS - performance.now()));
			redis.client.command('PUBLISH', 'live', String(performance.now()));
		}
		await eventually(async () => times.length === n, 'all messages');
	}
	socket.off('live', take);
	return times;
}

const config = (redis) => ({ redis: redis.url, feeds, namespaces: { '/live': {} }, workers: 1, limits: { clientReplyBytes: 1_000_000_000 } });
const isReading = async (server) => (await metric(server, 'primed_total')) < FIELDS || (await metric(server, 'priming')) > 0;

/** Messages that are timed, and what the processes had of the processors meanwhile, and waited for them, in percent of the time. */
async function phase(what, redis, server, socket, more) {
	const began = performance.now();
	const pids = { siocast: server.child.pid, Redis: redis.child.pid, publisher: process.pid };
	const before = Object.values(pids).map(threadTimes);
	const times = await timed(redis, socket, more);
	const ms = performance.now() - began;
	tell(`  ${what}`, times);
	const sum = (threads, key) => threads.reduce((all, thread) => all + thread[key], 0) / 1e6;
	const share = Object.values(pids).map((pid, i) => {
		const [ran, waited] = ['ran', 'waited'].map((key) => ((sum(threadTimes(pid), key) - sum(before[i], key)) / ms) * 100);
		return `${Object.keys(pids)[i]} ran ${ran.toFixed(0)}% and waited ${waited.toFixed(0)}%`;
	});
	console.log(`    of that time ${share.join(', ')} for a processor`);
	return { times, ms, p99: percentile(times, 0.99) };
}

async function round(redis, other) {
	let ratio;
	await withCleanup(async (cleanup) => {
		const server = await startSiocast(cleanup, config(redis));
		const socket = await connect(cleanup, server, { ...MODES.websocket, namespace: '/live' });
		await eventually(async () => (await redis.client.command('PUBLISH', 'live', '0')) > 0, 'the subscription');
		const cpu = cpuNs([server.child.pid, redis.child.pid]);
		const during = await phase('meanwhile', redis, server, socket, () => isReading(server));
		const used = (cpuNs([server.child.pid, redis.child.pid]) - cpu) / 1e9;
		if ((await metric(server, 'retained_messages')) !== FIELDS) throw new Error('not all of it was read');
		console.log(`  ${FIELDS} fields were read in ${(during.ms / 1000).toFixed(1)} s, of which siocast and Redis used ${used.toFixed(1)} s of processor`);
		const end = performance.now() + during.ms;
		const without = await phase('afterwards', redis, server, socket, async () => (await isReading(server), performance.now() < end));
		const reader = await startSiocast(cleanup, config(other));
		const beside = await phase('while another siocast reads', redis, server, socket, () => isReading(reader));
		ratio = during.p99 / Math.max(without.p99, beside.p99);
	});
	return ratio;
}

async function filled(cleanup) {
	const redis = await startRedis(cleanup, await freePort());
	const fill = `for i = ARGV[1], ARGV[2] do redis.call('HSET', 'state', i, '{"s":' .. string.format('%d', i) .. ',"n":1,"text":"some words"}') end`;
	for (let at = 0; at < FIELDS; at += 100_000) await redis.client.command('EVAL', fill, '0', String(at), String(Math.min(at + 100_000, FIELDS) - 1));
	return redis;
}

await withCleanup(async (cleanup) => {
	const redis = await filled(cleanup);
	const other = await filled(cleanup);
	const ratios = [];
	for (let i = 0; i < Number(values.rounds); i++) ratios.push(await round(redis, other));
	const ratio = percentile(ratios, 0.5);
	console.log(`p99 while it reads is ${ratio.toFixed(2)} times that of the same without (${ratios.map((r) => r.toFixed(2)).join(', ')})`);
	if (ratio > Number(values.bar)) process.exitCode = 1;
});
