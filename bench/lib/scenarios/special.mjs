// SPDX-License-Identifier: MIT
//
// Scenarios that look at one property: writes per flush, compression, a second worker.

import { GENERATOR, PER_EVENT, US, US_EVENT, toFloor, toSiocast } from '../columns.mjs';
import { figures, pause } from '../measure.mjs';
import { threadTimes } from '../machine.mjs';
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
	title: '500 clients, 250 bytes, 200 messages/s in batches of 200 ms',
	about: 'About 41 messages are due in one flush. Writes are the system calls that send, counted by strace in windows of their own.',
	servers: ['floor', 'siocast', 'tuned', 'uws-tuned'],
	options: { transport: 'websocket', clients: 500, coalesce: 1000, size: 250, rate: 200, batch: 200, seconds: 1.2 },
	columns: [US, toFloor('us'), toSiocast('us'), US_EVENT, PER_EVENT, { key: 'writes', title: 'writes per client and flush', digits: 2 }],
	plot: { key: 'us', title: 'CPU per delivered message, µs', low: true },
	round: flushRound,
	plan: ({ rounds, choose }) => choose(flush.servers).length * (4 + rounds * 1.9 + 3),
};

// --- compression ---

async function compressRound(bed) {
	const window = await bed.window();
	const { us, generator } = figures(window);
	const { report } = window;
	return { us, wire: report.received / report.messages.sum, generator, limit: report.generator.limit };
}

function compressed(name, title, transport, on) {
	return {
		group: 'Compression',
		name,
		title,
		about: on
			? 'Every client offers compression, the server has it on for packets of 1 KB and more.'
			: 'The same without compression, to compare.',
		servers: ['siocast', 'tuned'],
		options: {
			transport,
			clients: 200,
			coalesce: 1000,
			size: 3000,
			rate: 10,
			batch: 0,
			seconds: 1.2,
			compress: on,
			load: on ? { [transport === 'polling' ? 'gzip' : 'deflate']: true } : {},
		},
		columns: [US, toSiocast('us'), { key: 'wire', title: 'bytes on the wire per message', digits: 0 }, GENERATOR],
	};
}

// --- a second worker ---

const BURSTS = 8;

/** How long the busiest thread was at work or waited for a processor: that is how long the burst took. */
function busiest(before, after) {
	const old = new Map(before.map((thread) => [thread.tid, thread]));
	const times = after.map(({ tid, ran, waited }) => ran + waited - (old.get(tid)?.ran ?? 0) - (old.get(tid)?.waited ?? 0));
	return Math.max(...times);
}

/** Waits until the threads have stopped working. */
async function still(pid) {
	const total = () => threadTimes(pid).reduce((sum, { ran }) => sum + ran, 0);
	for (let last = -1; ; ) {
		const now = total();
		if (now - last < 200_000 && last >= 0) return;
		last = now;
		await pause(40);
	}
}

/** Nobody reads while the server sends into the buffers of the kernel: so all processors are the server's. */
async function burstRound(bed) {
	const { child, feed } = bed.running;
	let ns = 0;
	let sent = 0;
	bed.load.signal('SIGUSR1');
	await pause(100);
	const cpu = bed.cpu();
	for (let i = 0; i < BURSTS; i++) {
		const before = threadTimes(child.pid);
		sent += (await feed({ size: bed.options.size, rate: 1000, seconds: 0.001 })).messages;
		await still(child.pid);
		ns += busiest(before, threadTimes(child.pid));
	}
	const used = bed.cpu() - cpu;
	bed.load.signal('SIGHUP');
	const want = sent * bed.options.clients;
	let report;
	for (let tries = 0; tries < 200; tries++) {
		report = await bed.load.report();
		if (report.messages.sum >= want) break;
		await pause(50);
	}
	if (report.messages.sum !== want || report.messages.min !== report.messages.max || report.sample.bad > 0) {
		throw new Error(`${want} expected: ${JSON.stringify(report)}`);
	}
	return { deliveries: want / (ns / 1e9), us: used / want / 1000 };
}

const scaling = {
	group: 'Workers',
	name: 'workers',
	title: '10,000 clients, 1 KB: one worker and two',
	about: `${BURSTS} messages, one after the other, while no client reads: the server has both processors, and each message goes into the buffers of the kernel. The time is that of the busiest thread, running or ready to run. Afterwards all clients read, and every count must be right.`,
	servers: ['siocast', 'siocast-2'],
	options: { transport: 'websocket', clients: 10000, size: 1000, rate: 1000, batch: 0, seconds: 0.001, load: { hold: true, rcvbuf: 65536 } },
	columns: [{ key: 'deliveries', title: 'deliveries/s', digits: 0 }, { key: 'deliveries', title: '÷ one worker', digits: 2, ratio: 'siocast' }, US],
	plot: { key: 'deliveries', title: 'deliveries per second', low: false },
	warm: burstRound,
	round: burstRound,
	plan: ({ rounds }) => 2 * (6 + (rounds + 1) * 3),
};

export const special = [
	flush,
	scaling,
	compressed('deflate-off', '200 WebSocket clients, 3 KB, plain', 'websocket', false),
	compressed('deflate', '200 WebSocket clients, 3 KB, permessage-deflate', 'websocket', true),
	compressed('gzip-off', '200 polling clients, 3 KB, plain', 'polling', false),
	compressed('gzip', '200 polling clients, 3 KB, gzip', 'polling', true),
];
