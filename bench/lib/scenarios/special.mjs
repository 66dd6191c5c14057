// SPDX-License-Identifier: MIT
//
// Scenarios that look at one property: writes per flush, compression, a second worker.

import { GENERATOR, PER_EVENT, US, US_EVENT, toFloor, toSiocast } from '../columns.mjs';
import { NO_POLLING, PEERS, because } from '../complete.mjs';
import { figures, pause } from '../measure.mjs';
import { threadTimes } from '../machine.mjs';
import { standardSeconds } from '../plan.mjs';
import { countWrites } from '../trace.mjs';

// --- one write per flush ---

async function flushRound(bed, { round }) {
	const window = await bed.window();
	const values = figures(window);
	// Counting system calls slows a server down, so it has a window of its own.
	const writes = round === 1 ? await countWrites(bed.running.pids(), () => bed.window()) : null;
	if (writes) bed.writes = writes.calls / writes.result.report.events.sum;
	return { us: values.us, usEvent: values.usEvent, perEvent: values.perEvent, writes: bed.writes, limit: window.report.generator.limit };
}

const flush = {
	group: 'Fan-out',
	name: 'flush',
	title: '200 clients, 250 bytes, 200 messages/s in batches of 200 ms',
	about: 'About 41 messages are due in one flush; the naive send each by itself. System calls that send, per event and client, are counted by strace in windows of their own; an io_uring_enter counts as one, however many sends it hands over.',
	options: { transport: 'websocket', clients: 200, coalesce: 1000, size: 250, rate: 200, batch: 200, seconds: 1 },
	columns: [US, toFloor('us'), toSiocast('us'), US_EVENT, PER_EVENT, { key: 'writes', title: 'system calls per client and flush', digits: 2 }],
	plot: { key: 'us', title: 'CPU per delivered message, µs', low: true },
	round: flushRound,
	plan: ({ ids, rounds }) => standardSeconds(ids, rounds, flush.options) + ids.length * 4,
};

// --- compression ---

async function compressRound(bed) {
	const window = await bed.window();
	const { us, generator } = figures(window);
	const { report } = window;
	const wire = report.received / report.messages.sum;
	if (bed.options.compress && wire > 0.8 * bed.options.size) throw new Error(`not compressed: ${wire} bytes per message`);
	return { us, wire, generator, limit: report.generator.limit };
}

const NO_COMPRESSION = { floor: 'it does not compress' };
const NO_DEFLATE = because('compression is agreed on, but broadcasts are handed to uWebSockets without asking for it', 'uws-tuned', 'uws-naive');

/** Plain and compressed tables have the same servers. */
function compressed(name, title, transport, absent) {
	const on = !name.endsWith('off');
	return {
		group: 'Compression',
		name,
		title,
		about: on
			? 'Every client offers compression, the server has it on for packets of 1 KB and more, at the level it has by itself: siocast 3, Node 6, aiohttp’s WebSockets 1. Node’s WebSockets keep the window from message to message, which makes messages smaller and costs memory; siocast and nchan compress a broadcast once.'
			: 'The same without compression, to compare.',
		absent,
		options: {
			transport,
			clients: 200,
			coalesce: 1000,
			size: 3000,
			rate: 10,
			batch: 0,
			seconds: 1,
			compress: on,
			load: on ? { [transport === 'polling' ? 'gzip' : 'deflate']: true } : {},
		},
		columns: [US, ...('floor' in absent ? [] : [toFloor('us')]), toSiocast('us'), { key: 'wire', title: 'bytes on the wire per message', digits: 0 }, GENERATOR],
		round: compressRound,
	};
}

// --- a second worker ---

const BURSTS = 6;
const BURST_MS = 800; // from one to the next; none takes half as long, but for a machine that others hold up
const STILL_NS = 100_000;

/** How long the busiest thread was at work or waited for a processor: that is how long the burst took. */
function busiest(before, after) {
	const old = new Map(before.map((thread) => [thread.tid, thread]));
	const times = after.map(({ tid, ran, waited }) => ran + waited - (old.get(tid)?.ran ?? 0) - (old.get(tid)?.waited ?? 0));
	return Math.max(...times);
}

/** The times of the threads between two bursts, when none of them works: as soon as that is so. */
async function timesAtRest(pid, until) {
	const sum = (threads) => threads.reduce((total, { ran }) => total + ran, 0);
	for (let before = threadTimes(pid); ; ) {
		await pause(5);
		const now = threadTimes(pid);
		if (sum(now) - sum(before) <= STILL_NS) return now;
		if (performance.now() > until) throw new Error('a burst took longer than there is time for one');
		before = now;
	}
}

/** All read again, and each must get what was sent. */
async function readAll(bed, want) {
	let report;
	bed.load.signal('SIGHUP');
	for (let tries = 0; tries < 200; tries++) {
		report = await bed.load.report();
		if (report.messages.sum >= want) break;
		await pause(50);
	}
	if (report.messages.sum !== want || report.messages.min !== report.messages.max || report.sample.bad > 0) {
		throw new Error(`${want} expected: ${JSON.stringify(report)}`);
	}
}

/**
 * Nobody reads while the server sends into the buffers of the kernel: so all processors are the server's. The publisher runs all the time,
 * and this program sleeps through the bursts and looks only between them.
 */
async function burstRound(bed) {
	const { child, feed } = bed.running;
	bed.load.signal('SIGUSR1');
	await pause(100);
	const cpu = bed.cpu();
	let before = await timesAtRest(child.pid, performance.now() + BURST_MS);
	const feeding = feed({ size: bed.options.size, rate: 1000 / BURST_MS, seconds: (BURSTS * BURST_MS) / 1000 });
	feeding.catch(() => {}); // it is awaited below, unless a burst is too long
	let ns = 0;
	const begun = performance.now();
	for (let i = 1; i <= BURSTS; i++) {
		await pause(begun + (i - 0.3) * BURST_MS - performance.now());
		const now = await timesAtRest(child.pid, begun + (i - 0.05) * BURST_MS);
		ns += busiest(before, now);
		before = now;
	}
	const { messages } = await feeding;
	const used = bed.cpu() - cpu;
	const want = messages * bed.options.clients;
	await readAll(bed, want);
	return { deliveries: want / (ns / 1e9), us: used / want / 1000, burst: ns / 1e6 / messages };
}

const ONE_PROCESS = 'it is one process with one thread; several of them need a balancer that keeps clients at theirs, and something that passes messages between them';

const scaling = {
	group: 'Workers',
	name: 'workers',
	title: '19,000 clients, 1 KB: one worker and two',
	about: `${BURSTS} messages, ${BURST_MS} ms apart, while no client reads: the server has both processors, and each message goes into the buffers of the kernel. The time is that of the busiest thread, running or ready to run. Afterwards all clients read, and every count must be right. What the softirq thread of the second processor did is not in the CPU figure. The floor has one thread.`,
	absent: { ...because(ONE_PROCESS, ...PEERS.filter((id) => id !== 'nchan')), nchan: 'what passes messages on from Redis to its workers is one process' },
	more: ['siocast-2'],
	options: { transport: 'websocket', clients: 19000, size: 1000, rate: 1000, batch: 0, seconds: 0.001, load: { hold: true, rcvbuf: 65536 } },
	columns: [
		{ key: 'deliveries', title: 'deliveries/s', digits: 0 },
		{ key: 'deliveries', title: '÷ one worker', digits: 2, ratio: 'siocast' },
		{ key: 'burst', title: 'ms per message to all', digits: 0 },
		US,
	],
	plot: { key: 'deliveries', title: 'deliveries per second', low: false },
	// Nobody else may work meanwhile.
	atOnce: 1,
	warm: burstRound,
	round: burstRound,
	plan: ({ ids, rounds }) => ids.length * (3 + (rounds + 1) * (BURSTS * BURST_MS / 1000 + 1)),
};

export const special = [
	flush,
	scaling,
	compressed('deflate-off', '200 WebSocket clients, 3 KB, plain', 'websocket', {}),
	compressed('deflate', '200 WebSocket clients, 3 KB, permessage-deflate', 'websocket', { ...NO_COMPRESSION, ...NO_DEFLATE }),
	compressed('gzip-off', '200 polling clients, 3 KB, plain', 'polling', { nchan: NO_POLLING }),
	compressed('gzip', '200 polling clients, 3 KB, gzip', 'polling', { ...NO_COMPRESSION, nchan: NO_POLLING }),
];
