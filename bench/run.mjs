// SPDX-License-Identifier: MIT
//
// Measures and prints. Started by bench/run, which prepares the machine.
// With OTHER=PROGRAM another siocast is measured beside the one just built: what did a change bring?
// Rounds are interleaved (each server once, then all of them again), so that a slow minute of the machine meets all alike.

import { parseArgs } from 'node:util';
import { withCleanup } from '../tests/e2e/lib/cleanup.mjs';
import { freePort } from '../tests/e2e/lib/ports.mjs';
import { startRedis } from '../tests/e2e/lib/redis.mjs';
import { machine } from './lib/machine.mjs';
import { measure } from './lib/measure.mjs';
import { choose } from './lib/scenarios.mjs';
import { servers } from './lib/servers.mjs';
import { spread, summary, table } from './lib/stats.mjs';

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

const { values, positionals } = parseArgs({
	options: { rounds: { type: 'string' }, quick: { type: 'boolean' }, servers: { type: 'string' } },
	allowPositionals: true,
});
const ROUNDS = Number(values.rounds ?? (values.quick ? 3 : 5));
const SECONDS = values.quick ? 1 : undefined;

/** Each server once per round; a Map from server to its results. */
async function runRounds(redis, scenario) {
	const others = process.env.OTHER ? ['other'] : [];
	const wanted = values.servers?.split(',') ?? [...scenario.servers, ...others];
	const results = new Map(wanted.map((id) => [id, []]));
	for (let round = 1; round <= ROUNDS; round++) {
		for (const id of wanted) {
			const result = await measure(redis, servers[id], scenario);
			results.get(id).push(result);
			const us = (result.cpuNs / result.messages / 1000).toFixed(2);
			console.error(`${scenario.name} round ${round}/${ROUNDS} ${servers[id].name}: ${us} µs`);
		}
	}
	return results;
}

const cost = ({ cpuNs, messages }) => cpuNs / messages / 1000;

/** Ratios are taken within each round, where both sides met the same machine. */
function ratio(results, base) {
	return base ? spread(summary(results.map((r, i) => cost(r) / cost(base[i])))) : '–';
}

const COLUMNS = [
	['server', (id) => servers[id].name],
	['CPU µs per delivered message', (id, results) => spread(summary(results.map(cost)))],
	['per event', (id, results) => summary(results.map(({ cpuNs, events }) => cpuNs / events / 1000)).median.toFixed(2)],
	['÷ floor', (id, results, all) => ratio(results, all.get('floor'))],
	['÷ siocast', (id, results, all) => ratio(results, all.get('siocast'))],
	['messages per event', (id, results) => summary(results.map(({ messages, events }) => messages / events)).median.toFixed(1)],
	['generator CPU', (id, results) => `${(100 * Math.max(...results.map(({ report }) => report.generator.cpu))).toFixed(0)} %`],
];

function latency(name) {
	return (id, results) => summary(results.map(({ report }) => report.latency_us[name] / 1000)).median.toFixed(1);
}

// Only clients that wait for data see when it came.
const LATENCY = ['p50', 'p99', 'p99.9'].map((name) => [`${name} ms`, latency(name)]);

function print(scenario, all) {
	const { name, clients, transport, coalesce, size, rate, batch } = scenario;
	const batches = batch > 0 ? `batches of ${batch} ms` : 'not batched';
	console.log(`\n${name}: ${clients} clients (${transport}), ${size} bytes, ${rate} messages/s each, ${batches}\n`);
	const columns = coalesce > 0 ? COLUMNS : [...COLUMNS, ...LATENCY];
	const rows = [...all].map(([id, results]) => columns.map(([, value]) => value(id, results, all)));
	console.log(table(columns.map(([head]) => head), rows));
}

await withCleanup(async (cleanup) => {
	const redis = await startRedis(cleanup, await freePort());
	console.log(JSON.stringify(machine()));
	for (const scenario of choose(positionals)) {
		print(scenario, await runRounds(redis, { ...scenario, seconds: SECONDS ?? scenario.seconds }));
	}
	console.log(`\nMedians of ${ROUNDS} interleaved rounds, least and most in brackets; each round has a fresh server and fresh clients.`);
});
