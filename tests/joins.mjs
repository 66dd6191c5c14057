// SPDX-License-Identifier: MIT
//
// Joins race messages, see e2e/lib/joins.mjs: node tests/joins.mjs [JOINS] [MESSAGES A SECOND] [WORKERS]. SIOCAST names the program.

import { withCleanup } from './e2e/lib/cleanup.mjs';
import { startSiocast } from './e2e/lib/daemon.mjs';
import { feeds, namespaces, race } from './e2e/lib/joins.mjs';
import { freePort } from './e2e/lib/ports.mjs';
import { startRedis } from './e2e/lib/redis.mjs';

const [joins = 10_000, rate = 5_000, workers = 2] = process.argv.slice(2).map(Number);

await withCleanup(async (cleanup) => {
	const redis = await startRedis(cleanup, await freePort());
	const server = await startSiocast(cleanup, { redis: redis.url, workers, feeds, namespaces });
	const r = await race(cleanup, server, redis, { joins, rate, sockets: 2 });
	for (const failure of r.failures) console.log(failure);
	console.log(
		`${r.joins} joins in ${r.seconds.toFixed(1)} s, ${Math.round(r.rate)} messages/s, ${workers} workers: ${r.failures.length} failures`,
	);
	process.exitCode = r.failures.length ? 1 : 0;
});
