// SPDX-License-Identifier: MIT
//
// A master with replicas, and sentinels that watch it: real ones, which fail over when the master has not answered for a second.

import fs from 'node:fs/promises';
import path from 'node:path';
import { Child } from './process.mjs';
import { accepts, freePort } from './ports.mjs';
import { RedisClient, startRedis } from './redis.mjs';
import { eventually } from './wait.mjs';

const REPLICA = ['--repl-diskless-sync-delay', '0'];

/** `lines`: more of its configuration. */
export async function startSentinel(cleanup, name, master, quorum, lines = []) {
	const port = await freePort();
	const dir = await cleanup.folder();
	const file = path.join(dir, 'sentinel.conf');
	const watch = [`monitor ${name} 127.0.0.1 ${master.port} ${quorum}`, `down-after-milliseconds ${name} 1000`, `failover-timeout ${name} 3000`, ...lines];
	await fs.writeFile(file, [`port ${port}`, 'bind 127.0.0.1', `dir ${dir}`, ...watch.map((line) => `sentinel ${line}`), ''].join('\n'));
	const child = new Child('redis-server', [file, '--sentinel'], { name: 'redis-sentinel' });
	cleanup.add(child, () => child.stop());
	await child.whileRunning(eventually(() => accepts(port), `redis-sentinel on port ${port}`));
	return { child, port, client: await RedisClient.open(cleanup, port) };
}

/** `args`: of each server. Ready when all know each other. */
export async function startWatched(cleanup, { name = 'mymaster', replicas = 1, sentinels = 3, args = [], lines = [] } = {}) {
	const all = [...REPLICA, ...args];
	const master = await startRedis(cleanup, await freePort(), { args: all });
	const servers = [master];
	for (let i = 0; i < replicas; i++)
		servers.push(await startRedis(cleanup, await freePort(), { args: [...all, '--replicaof', '127.0.0.1', String(master.port)] }));
	const watchers = [];
	for (let i = 0; i < sentinels; i++) watchers.push(await startSentinel(cleanup, name, master, Math.floor(sentinels / 2) + 1, lines));
	const agree = async ({ client }) => {
		const text = String(await client.command('INFO', 'sentinel'));
		return new RegExp(`name=${name},status=ok,address=127.0.0.1:${master.port},slaves=${replicas},sentinels=${sentinels}`).test(text);
	};
	for (const watcher of watchers) await eventually(() => agree(watcher), 'the sentinels to know each other and the replicas', 30_000);
	return { master, servers, sentinels: watchers, addresses: watchers.map(({ port }) => `127.0.0.1:${port}`) };
}

/** The server that the sentinels call the master now. */
export async function masterOf({ servers, sentinels }, name = 'mymaster') {
	const [, port] = (await sentinels[0].client.command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name)).map(String);
	return servers.find((server) => String(server.port) === port);
}

/** The ports of those that the sentinels call its replicas, and that are there. */
export async function replicasOf({ sentinels }, name = 'mymaster') {
	const all = await sentinels[0].client.command('SENTINEL', 'REPLICAS', name);
	const replicas = all.map((fields) => Object.fromEntries(fields.map(String).flatMap((word, i, list) => (i % 2 ? [] : [[word, list[i + 1]]]))));
	return replicas.filter(({ flags }) => flags === 'slave').map(({ port }) => Number(port));
}
