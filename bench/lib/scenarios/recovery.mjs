// SPDX-License-Identifier: MIT
//
// Clients that lose their connections and come back (`connectionStateRecovery`), beside the only way in which Socket.IO recovers them when a process
// ends: its adapter for Redis Streams.

import path from 'node:path';
import { withCleanup } from '../../../tests/e2e/lib/cleanup.mjs';
import { eventually } from '../../../tests/e2e/lib/wait.mjs';
import { toSiocast } from '../columns.mjs';
import { PEERS, because } from '../complete.mjs';
import { cpuNs, deferredNs } from '../machine.mjs';
import { BENCH, Program, flags, startStorm } from '../programs.mjs';
import { servers } from '../servers.mjs';

const MISSED = 20;
const BEFORE = 5;
const STORM_ROUNDS = 7; // one differs from the next by a tenth

const NO_RECOVERY = {
	floor: 'it knows nobody again',
	...because('it has no recovery', 'v1-tuned', 'v1-naive', 'python', 'nchan'),
	...because('its adapter is in memory: what Socket.IO recommends for recovery is the one for Redis Streams', 'tuned', 'naive', 'uws-tuned', 'uws-naive'),
};

/** All clients are cut, something is sent, and all come back at once. */
async function stormRound(bed) {
	let values;
	await withCleanup(async (cleanup) => {
		const { clients, inflight, size } = bed.options;
		const running = await servers[bed.id].start(cleanup, bed.options);
		const storm = await startStorm(cleanup, { url: `127.0.0.1:${running.port}`, clients, inflight });
		const feed = (messages) => running.feed({ size, rate: 100, seconds: messages / 100 });
		const { messages: first } = await feed(BEFORE);
		const got = async () => (await storm.ask('SIGHUP', 'what came')).messages;
		await eventually(async () => (await got()).min === first, 'all to have what came first', 30_000);
		await storm.ask('SIGUSR1', 'the cut');
		const { messages: missed } = await feed(MISSED);
		const cpu = cpuNs(running.pids()) + deferredNs();
		const back = await storm.ask('SIGUSR2', 'all to be back', 120_000);
		const used = cpuNs(running.pids()) + deferredNs() - cpu;
		if (back.recovered !== clients) throw new Error(`${clients - back.recovered} of ${clients} clients were not recovered`);
		await eventually(async () => (await got()).min >= first + missed, 'all to have what they missed', 30_000);
		const { min, max } = await got();
		if (min !== first + missed || max !== min) throw new Error(`clients have ${min} to ${max} messages of ${first + missed}`);
		const { cpu: worked, wait } = back.generator;
		values = { us: used / clients / 1000, seconds: back.seconds, p99: back.latency_us.p99 / 1000, limit: worked + wait > 0.9 };
	});
	return values;
}

const storm = {
	group: 'Recovery',
	name: 'recovery-storm',
	title: '10,000 clients come back at once, and each has missed 20 messages of 250 bytes',
	about: 'All connections are closed; something is published; then all connect anew, at most 1,000 of them between connect() and the answer to their CONNECT, with pid and offset. The CPU is that of the server from the first connect() on until all are back: handshakes, recovery, and what was missed. Every client must be recovered and have every message once. What Redis does for the adapter is not in it. A fresh server each round.',
	absent: NO_RECOVERY,
	more: ['tuned-streams'],
	fresh: true,
	warm: async () => {},
	options: { transport: 'websocket', clients: 10_000, inflight: 1000, size: 250, rate: 100, batch: 50, seconds: 0.2, recovery: true },
	columns: [
		{ key: 'us', title: 'CPU µs per recovered client', digits: 1 },
		toSiocast('us'),
		{ key: 'seconds', title: 'until all are back, s', digits: 2 },
		{ key: 'p99', title: 'p99 of one, ms', digits: 0 },
	],
	plot: { key: 'us', title: 'CPU per recovered client, µs', low: true },
	round: stormRound,
	roundsOf: (id, rounds) => Math.min(rounds, STORM_ROUNDS),
	plan: ({ ids, rounds }) => Math.min(rounds, STORM_ROUNDS) * ids.reduce((sum, id) => sum + (id === 'siocast' ? 4 : 14), 0),
};

const DROPS_SECONDS = 600;

/** bench/drops.mjs, with official clients. */
async function dropsRound(bed) {
	let values;
	await withCleanup(async (cleanup) => {
		const { clients, scale } = bed.options;
		const own = { clients, seconds: scale ? 8 : DROPS_SECONDS, workers: 1, pin: true, json: true, peer: bed.id !== 'siocast' };
		const program = new Program(cleanup, process.execPath, [path.join(BENCH, 'drops.mjs'), ...flags(own)], { name: 'drops.mjs' });
		const all = await program.next('the end', (DROPS_SECONDS + 120) * 1000);
		const whole = 100 * (1 - (all.lost + all.twice) / (all.sent * clients));
		values = { whole, lost: all.lost, twice: all.twice, anew: all.anew, p50: all.catching.p50, p99: all.catching.p99, others: all.others.p99, late: all.late.p99, returns: all.returns, cpu: all.cpu };
	});
	return values;
}

const drops = {
	group: 'Recovery',
	name: 'drops',
	title: '1,000 official clients (4.8.4), each cut for two seconds again and again for ten minutes, 100 messages/s',
	about: 'Every client is cut once in 2 to 12 seconds, at random, by destroying its socket, and comes back after 2 seconds. Catching up is from the attempt to connect until `connect`, when what was missed is there. The clients are in four processes on one processor, with Redis and the publisher; how late their timers came is in their figures. What is for others is what of catching up a client process neither ran nor waited for a processor: the most that the server can have taken. Not part of a whole run: `./run bench drops`.',
	absent: NO_RECOVERY,
	more: ['tuned-streams'],
	fresh: true,
	named: true,
	warm: async () => {},
	roundsOf: () => 1,
	stepMs: (DROPS_SECONDS + 180) * 1000,
	options: { transport: 'websocket', clients: 1000, size: 4, rate: 100, batch: 50, seconds: DROPS_SECONDS, recovery: true },
	columns: [
		{ key: 'p99', title: 'catching up: p99 ms', digits: 0 },
		{ key: 'p50', title: 'p50 ms', digits: 0 },
		{ key: 'others', title: 'of it for others: p99 ms', digits: 1 },
		{ key: 'whole', title: '% of messages once', digits: 3 },
		{ key: 'lost', title: 'lost', digits: 0 },
		{ key: 'twice', title: 'twice', digits: 0 },
		{ key: 'anew', title: 'began anew', digits: 0 },
		{ key: 'returns', title: 'returns', digits: 0 },
		{ key: 'late', title: 'timers of clients late by, p99 ms', digits: 0 },
		{ key: 'cpu', title: 's of CPU', digits: 0 },
	],
	plot: { key: 'p99', title: 'p99 of catching up, ms', low: true },
	round: dropsRound,
	plan: ({ ids }) => ids.length * (DROPS_SECONDS + 30),
};

export const recovery = [storm, drops];
