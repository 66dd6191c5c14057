// SPDX-License-Identifier: MIT
//
// What a message from Redis costs before anybody gets it. bench/flood stands for Redis and streams; one client gets everything, in
// batches, and its count shows that nothing was lost.

import { GENERATOR, PER_EVENT, toFloor, toSiocast } from '../columns.mjs';
import { pause } from '../measure.mjs';

const SIZE = 250;
const FLOOR = 'floor-ingest';
// So that nobody takes longer than some seconds.
const MAX_MESSAGES = { [FLOOR]: 1_000_000, siocast: 1_000_000, other: 1_000_000, tuned: 500_000, 'uws-tuned': 500_000, 'v1-tuned': 500_000 };
const FEW_MESSAGES = 50_000;

/** The floor tells itself when it began and had the last byte. */
async function floorRound(bed) {
	const { program, feed } = bed.running;
	program.signal('SIGUSR1');
	await pause(100);
	const before = bed.cpu();
	const sent = await feed();
	await pause(300);
	const used = bed.cpu() - before;
	program.signal('SIGUSR2');
	const { seconds } = await program.next('a report');
	return {
		us: used / sent.messages / 1000,
		core: used / 1e7 / bed.options.seconds,
		rate: sent.messages / Math.min(seconds, sent.seconds),
		perCore: sent.messages / (used / 1e9),
	};
}

async function ingestRound(bed) {
	if (!bed.load) return floorRound(bed);
	const { cpuNs, sent, report } = await bed.window();
	const busy = cpuNs / 1e9;
	return {
		us: cpuNs / sent.messages / 1000,
		core: (100 * busy) / bed.options.seconds,
		// Until the client had the last of them.
		rate: sent.messages / report.seconds,
		perCore: sent.messages / busy,
		perEvent: report.messages.sum / report.events.sum,
		generator: 100 * report.generator.cpu,
		limit: report.generator.limit,
	};
}

/** One client that gets all that bench/flood sends. */
export const ingestOptions = (flood, seconds) => ({
	transport: 'websocket',
	clients: 1,
	size: SIZE,
	rate: flood.rate,
	batch: 200,
	seconds,
	settleMs: 60000,
	flood: { size: SIZE, ...flood },
	// One client takes all there is, tens of megabytes a second: it must not count as a slow one.
	limits: { clientQueueBytes: 1073741824, workerQueueBytes: 4294967296 },
	load: { sample: 1 },
});

const COLUMNS = [
	{ key: 'us', title: 'CPU µs per message', digits: 3 },
	toSiocast('us'),
	{ key: 'perCore', title: 'messages per second of CPU', digits: 0 },
	PER_EVENT,
	GENERATOR,
];

const withoutClients = (id) => (id === FLOOR ? { clients: 0 } : {});

export const ingest = [
	{
		group: 'The story',
		name: 'ingest-24k',
		title: '24,000 messages/s from Redis',
		about: 'All of them in batches of 200 ms (naive: one by one) to one client; none is lost. CPU of the whole process. bench/flood stands for Redis, and sends each message when it is due. The floor reads and counts bytes.',
		floor: FLOOR,
		options: ingestOptions({ rate: 24000, seconds: 1 }, 1),
		optionsOf: withoutClients,
		columns: [{ key: 'core', title: '% of a core', digits: 1 }, toSiocast('core'), { ...toFloor('core'), ratio: FLOOR }, ...COLUMNS.filter(({ ratio }) => !ratio)],
		plot: { key: 'core', title: 'CPU, % of a core', low: true },
		round: ingestRound,
	},
	{
		group: 'Ingest',
		name: 'ingest-max',
		title: 'As many messages as a server takes',
		about: 'bench/flood, in the place of Redis, which is slower, sends 1,000,000 messages of 250 bytes as fast as they are read (to slower servers 500,000 or 50,000), a server passes them on in batches of 20 ms, at most 1,000 messages or 256 KB (naive: one by one); the time runs until the client has the last one. siocast’s limits on what may wait for a client are raised, as the client takes all of it. The floor reads and counts bytes.',
		floor: FLOOR,
		options: { ...ingestOptions({ rate: 0 }, 1), batch: 20 },
		optionsOf: (id) => ({ ...withoutClients(id), flood: { size: SIZE, rate: 0, messages: MAX_MESSAGES[id] ?? FEW_MESSAGES } }),
		columns: [{ key: 'rate', title: 'messages/s', digits: 0 }, toSiocast('rate'), ...COLUMNS.filter(({ ratio }) => !ratio), { key: 'us', title: '÷ floor', digits: 1, ratio: FLOOR }],
		plot: { key: 'rate', title: 'messages per second', low: false },
		round: ingestRound,
		plan: ({ ids, rounds }) => ids.length * (1 + (rounds + 0.7) * 0.6),
	},
];
