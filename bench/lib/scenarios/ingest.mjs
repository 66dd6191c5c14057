// SPDX-License-Identifier: MIT
//
// What a message from Redis costs before anybody gets it. bench/flood stands for Redis and streams; one client gets everything, in
// batches, and its count shows that nothing was lost.

import { GENERATOR, PER_EVENT, toFloor, toSiocast } from '../columns.mjs';

const SIZE = 250;
const SERVERS = ['siocast', 'tuned', 'naive', 'uws-tuned', 'v1-tuned', 'python'];

async function ingestRound(bed) {
	const { cpuNs, seconds, sent, report } = await bed.window();
	const busy = cpuNs / 1e9;
	return {
		us: cpuNs / sent.messages / 1000,
		core: (100 * busy) / bed.options.seconds,
		rate: sent.messages / seconds,
		perCore: sent.messages / busy,
		perEvent: report.messages.sum / report.events.sum,
		generator: 100 * report.generator.cpu,
		limit: report.generator.limit,
	};
}

const options = (flood, seconds) => ({
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

export const ingest = [
	{
		group: 'The story',
		name: 'ingest-24k',
		title: '24,000 messages/s from Redis',
		about: 'All of them in batches of 200 ms (naive: one by one) to one client; none is lost. CPU of the whole process.',
		servers: SERVERS,
		options: options({ rate: 24000, seconds: 1.2 }, 1.2),
		columns: [{ key: 'core', title: '% of a core', digits: 1 }, toSiocast('core'), ...COLUMNS.filter(({ ratio }) => !ratio)],
		plot: { key: 'core', title: 'CPU, % of a core', low: true },
		round: ingestRound,
	},
	{
		group: 'Ingest',
		name: 'ingest-max',
		title: 'As many messages as a server takes',
		about: 'The source sends 500,000 messages as fast as they are read; the time runs until the client has the last one.',
		servers: ['floor', 'siocast', 'tuned', 'uws-tuned'],
		options: { ...options({ rate: 0, messages: 500000 }, 1), floorMode: 'ingest' },
		columns: [{ key: 'rate', title: 'messages/s', digits: 0 }, toSiocast('rate'), ...COLUMNS.filter(({ ratio }) => !ratio), toFloor('us')],
		plot: { key: 'rate', title: 'messages per second', low: false },
		round: ingestRound,
		plan: ({ rounds, choose }) => choose(['floor', 'siocast', 'tuned', 'uws-tuned']).length * (2 + (rounds + 1) * 2.5),
	},
];
