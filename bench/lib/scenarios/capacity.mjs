// SPDX-License-Identifier: MIT
//
// How much each server can do, and how late messages are at a part of that. The rate rises until a server no longer keeps up: until
// the last byte comes more than 100 ms after the schedule's end, or one message in a hundred is more than 100 ms late; where messages
// wait for a batch, that time is added.

import { GENERATOR, MBPS, toSiocast } from '../columns.mjs';
import { figures } from '../measure.mjs';

const LATE_MS = 100;
const BUSY = 85; // per cent of the server's processor
const MAX_STEPS = 12;
const LEAST = 4; // messages in a window, however slow the server is
const SLOWEST = LEAST / 20; // messages a second: a window of 20 s. Who does not keep up with that never does
const SHARES = [25, 50, 80];
const COMMON_RATE = 8; // nearly all servers keep up with that
const COMMON_SECONDS = 1.5;
const LATENCY_SECONDS = 0.6;
const NO_LIMITS = { clientQueueBytes: 1073741824, workerQueueBytes: 4294967296 };

/** A window of so many seconds, or longer where that would be too few messages. */
const lasting = (seconds, rate) => Math.max(seconds, LEAST / rate);

/** One window at a rate: what it gave, or null when the server did not keep up. */
async function tryRate(bed, rate) {
	const seconds = lasting(bed.options.seconds, rate);
	let window;
	try {
		window = await bed.window({ rate, seconds, settleMs: 5000 });
	} catch (error) {
		if (!/in vain/.test(error.message)) throw error;
		return null;
	}
	const { report } = window;
	const { batch } = bed.options;
	const lag = (report.seconds - seconds) * 1000;
	const kept = Math.max(lag, report.latency_us.p99 / 1000) < LATE_MS + batch;
	return kept ? { rate, seconds, window } : null;
}

/**
 * The highest rate that the server keeps up with: up or down in steps that grow, until it does at one and does not at the other; then
 * between these two, until they differ by no more than `precision`.
 */
export async function findMaximum(attempt, start, rise, precision) {
	let good = null;
	let bad = null;
	let rate = start;
	let factor = rise;
	for (let step = 0; step < MAX_STEPS && rate >= SLOWEST && !(good && bad); step++) {
		const result = await attempt(rate);
		if (result) good = result;
		else bad = rate;
		rate = result ? rate * factor : rate / factor;
		factor **= 1.4;
	}
	if (!good) throw new Error(`does not keep up with ${bad.toFixed(1)} messages/s`);
	while (bad && bad / good.rate > precision) {
		const between = Math.sqrt(good.rate * bad);
		const result = await attempt(between);
		if (result) good = result;
		else bad = between;
	}
	return good;
}

/** The first time from a guess, made from the cost of the warm-up; later from what was found before. */
async function maximum(bed, round) {
	const attempt = (rate) => tryRate(bed, rate);
	if (round > 1) return findMaximum(attempt, bed.maximum * 0.97, 1.07, 1.1);
	const { cpuNs: used, sent } = await bed.window();
	const full = 1e9 / (used / sent.messages);
	return findMaximum(attempt, full * 0.8, 1.3, 1.15);
}

/** The rate was held down by something else than a server that had not all of its processor to do when it kept up no longer. */
function capacityOf(bed, { rate, seconds, window }) {
	const { report } = window;
	const { generator, core } = figures(window, Math.max(seconds, report.seconds));
	return { rate, deliveries: rate * bed.options.clients, core, generator, limit: report.generator.limit || core < BUSY };
}

/** How late messages are at a rate. */
async function latency(bed, key, rate) {
	const seconds = lasting(key === 'common' ? COMMON_SECONDS : LATENCY_SECONDS, rate);
	const { p50, p99, p999, spread, spread99 } = figures(await bed.window({ rate, seconds }));
	return { [`${key}_p50`]: p50, [`${key}_p99`]: p99, [`${key}_p999`]: p999, [`${key}_spread`]: spread, [`${key}_spread99`]: spread99 };
}

async function saturationRound(bed, { round }) {
	const found = await maximum(bed, round);
	bed.maximum = found.rate;
	const values = capacityOf(bed, found);
	const loads = [...SHARES.map((share) => [`l${share}`, (bed.maximum * share) / 100]), ['common', COMMON_RATE]];
	for (const [key, rate] of loads) Object.assign(values, await latency(bed, key, rate));
	return values;
}

const latencyColumns = (key) => [
	{ key: `${key}_p50`, title: 'p50 ms', digits: 2 },
	{ key: `${key}_p99`, title: 'p99 ms', digits: 2 },
	{ key: `${key}_p999`, title: 'p99.9 ms', digits: 2 },
	{ key: `${key}_spread`, title: 'first to last, p50 ms', digits: 2 },
	{ key: `${key}_spread99`, title: 'p99 ms', digits: 2 },
];

async function throughputRound(bed, { round }) {
	const found = await maximum(bed, round);
	bed.maximum = found.rate;
	const { seconds, window } = found;
	return { ...capacityOf(bed, found), mbps: (window.report.received * 8) / 1e6 / Math.max(seconds, window.report.seconds) };
}

export const capacity = [
	{
		group: 'Saturation and latency',
		name: 'saturation',
		title: '1,000 clients, 250 bytes, not batched: the most each server keeps up with',
		about:
			'Every client gets every message. “(limit)”: the server had less than 85 % of its processor to do, or the generator more than 90 % of its own: something else held the rate down, and the server’s CPU at this rate tells how much was left. At low rates a window has no fewer than 4 messages: p99 is then mostly how long a pass takes. A server (and the floor) that sends what has become due meanwhile together can do far more than one that sends each message by itself.',
		options: { transport: 'websocket', clients: 1000, size: 250, rate: 10, batch: 0, seconds: 0.6, join: true, load: { sample: 8 } },
		tables: [
			{
				columns: [
					{ key: 'deliveries', title: 'deliveries/s', digits: 0 },
					toSiocast('deliveries'),
					{ key: 'rate', title: 'messages/s', digits: 1 },
					{ key: 'core', title: 'CPU % at that rate', digits: 0 },
					GENERATOR,
				],
				plot: { key: 'deliveries', title: 'deliveries per second', low: false },
			},
			...SHARES.map((share) => ({
				title: `Latency, PUBLISH to client, at ${share} % of each server's own maximum`,
				columns: latencyColumns(`l${share}`),
			})),
			{
				title: `Latency at one load for all, ${COMMON_RATE} messages/s to each of the 1,000 clients; for a server whose maximum above is less, that is too much`,
				columns: latencyColumns('common'),
				plot: { key: 'common_p99', title: 'p99 latency, ms', low: true },
			},
		],
		round: saturationRound,
		plan: ({ ids, rounds }) => ids.length * (8 + (rounds - 1) * 1.8 + rounds * 4.3),
	},
	{
		group: 'The story',
		name: 'throughput',
		title: 'The highest total',
		about: '100 clients, 3 KB and some 30 KB, in batches of 200 ms or 256 KB, which at high rates are full after milliseconds (naive: one by one): the most that one core sends, and keeps up. siocast’s limits on what may wait for a client are raised; the others have none. The floor is held up by full sockets, for each of which it waits.',
		options: { transport: 'websocket', clients: 100, mix: 'story', rate: 100, batch: 200, seconds: 1, coalesce: 1000, mayStall: true, limits: NO_LIMITS, load: { sample: 100 } },
		columns: [MBPS, toSiocast('mbps'), { key: 'rate', title: 'messages/s to each', digits: 0 }, { key: 'core', title: 'CPU % at that rate', digits: 0 }, GENERATOR],
		plot: { key: 'mbps', title: 'Mb/s', low: false },
		round: throughputRound,
		plan: ({ ids, rounds }) => ids.length * (10 + (rounds - 1) * 3),
	},
];
