// SPDX-License-Identifier: MIT
//
// What the intake takes, beside a Redis: bench/publish sends messages of 250 bytes, pipelined, as fast as they are answered, to siocast
// itself, or to a Redis to which siocast is subscribed. Messages in a second until the last has been answered and taken, and the processor
// time of siocast for each, and with Redis of both. The ratios are of medians.
//
//	node bench/intake.mjs [MESSAGES [ROUNDS]]        SIOCAST names the program; bench/run compiles publish

import { withCleanup } from '../tests/e2e/lib/cleanup.mjs';
import { feedsReady, startSiocast } from '../tests/e2e/lib/daemon.mjs';
import { metric } from '../tests/e2e/lib/metrics.mjs';
import { freePort } from '../tests/e2e/lib/ports.mjs';
import { startRedis } from '../tests/e2e/lib/redis.mjs';
import { eventually } from '../tests/e2e/lib/wait.mjs';
import { cpuNs } from './lib/machine.mjs';
import { publish } from './lib/programs.mjs';

const [messages, rounds] = [Number(process.argv[2] ?? 500_000), Number(process.argv[3] ?? 5)];
const SIZE = 250;

const median = (v) => v.toSorted((a, b) => a - b)[v.length >> 1];
const around = (v, digits) => `${median(v).toFixed(digits)} (${Math.min(...v).toFixed(digits)}–${Math.max(...v).toFixed(digits)})`;

/** Both ways, each with the processes whose time counts. The feed retains, so every message goes through to the end of it. */
async function start(cleanup) {
	const feeds = [{ channel: 'ticks', event: 'ticks', retain: 'last', batch: { interval: 20 } }];
	const redis = await startRedis(cleanup, await freePort());
	const behind = await startSiocast(cleanup, { redis: redis.url, feeds });
	const port = await freePort();
	const alone = await startSiocast(cleanup, { redis: undefined, intake: `127.0.0.1:${port}`, feeds });
	await feedsReady(redis, behind);
	return {
		intake: { server: alone, port, pids: [alone.child.pid] },
		redis: { server: behind, port: redis.port, pids: [behind.child.pid, redis.child.pid] },
	};
}

async function round(cleanup, { server, port, pids }) {
	const taken = () => metric(server, 'feed_messages_total');
	const wanted = (await taken()) + messages;
	const before = pids.map((pid) => cpuNs([pid]));
	const begun = performance.now();
	await publish(cleanup, { redis: `127.0.0.1:${port}`, channel: 'ticks', size: SIZE, rate: 0, messages });
	await eventually(async () => (await taken()) >= wanted, 'the last message');
	const seconds = (performance.now() - begun) / 1000;
	const used = pids.map((pid, i) => (cpuNs([pid]) - before[i]) / messages / 1000);
	return { rate: messages / seconds, us: used[0], all: used.reduce((a, b) => a + b) };
}

await withCleanup(async (cleanup) => {
	const ways = await start(cleanup);
	const results = { intake: [], redis: [] };
	for (let i = 0; i <= rounds; i++)
		for (const name of Object.keys(results)) {
			const result = await round(cleanup, ways[name]);
			if (i > 0) results[name].push(result); // the first is to warm up
		}
	const of = (name, key) => results[name].map((r) => r[key]);
	console.log(`${messages} messages of ${SIZE} bytes, ${rounds} rounds`);
	for (const name of Object.keys(results))
		console.log(`${name.padEnd(8)}${around(of(name, 'rate'), 0)} messages/s, µs of CPU: siocast ${around(of(name, 'us'), 3)}, all servers ${around(of(name, 'all'), 3)}`);
	const ratio = (key) => (median(of('intake', key)) / median(of('redis', key))).toFixed(2);
	console.log(`intake to Redis: messages/s × ${ratio('rate')}, µs of siocast × ${ratio('us')}, µs of all × ${ratio('all')}`);
});
