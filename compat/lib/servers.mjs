// SPDX-License-Identifier: MIT
//
// Starts the servers under test, all with the same behaviour (contract.mjs): siocast, and the official servers of three
// generations. A server can be stopped or killed and started again on its port.

import fs from 'node:fs/promises';
import path from 'node:path';
import { FEEDS, NAMESPACES } from './contract.mjs';
import { Nodes } from './nodes.mjs';
import { Child, accepts, eventually, freePort } from './tools.mjs';
import { COMPAT, SEVERAL } from './versions.mjs';

export const SIOCAST = path.resolve(process.env.SIOCAST ?? path.join(COMPAT, '../siocast'));

// Long, for a busy machine: one that ends instead is noticed at once.
const START_MS = 120_000;

class Server {
	constructor(kind, port, command, args, patterns) {
		this.kind = kind;
		this.port = port;
		this.path = '/socket.io/';
		this.url = `http://127.0.0.1:${port}`;
		this.command = command;
		this.args = args;
		this.patterns = patterns;
		this.child = null;
	}

	async start() {
		const child = new Child(this.command, this.args, { name: this.kind });
		this.child = child;
		await child.whileRunning(eventually(() => accepts(this.port), `${this.kind} on port ${this.port}`, START_MS));
	}

	/** An orderly end. */
	stop() {
		return this.child.stop();
	}

	/** An end like that of a crash. */
	kill() {
		return this.child.kill();
	}
}

/**
 * Starts a server of one of the SERVERS; stopped by `cleanup`. `options`: `redis` (what startRedis gave; without it there are
 * no feeds), and any part of a siocast configuration: `engine`, `cors`, `namespaces`, `feeds`, `www`, `client`, ... The reference
 * servers understand engine, cors, namespaces and feeds.
 */
export async function startServer(cleanup, kind, options = {}) {
	const { redis, ...rest } = options;
	const [port, admin] = [await freePort(), await freePort()];
	const config = {
		listen: [`127.0.0.1:${port}`],
		redis: redis?.url ?? 'redis://127.0.0.1:1/0',
		namespaces: NAMESPACES,
		feeds: redis ? FEEDS : [],
		...rest,
	};
	const file = path.join(await cleanup.folder(), 'config.json');
	// Nobody is slow here on purpose: a client that falls behind for a moment must not lose anything.
	const common = { workers: 2, limits: { clientQueueBytes: 268435456 } };
	const ours = { admin: `127.0.0.1:${admin}`, ...common };
	if (SEVERAL.includes(kind)) {
		const nodes = await Nodes.prepare(cleanup, kind, { ...common, ...config }, SIOCAST, START_MS);
		cleanup.add(nodes, () => nodes.stop());
		await nodes.start();
		const patterns = config.feeds.map((feed) => feed.pattern ?? feed.channel);
		if (redis) await redis.client.hasSubscribers(nodes.nodes.flatMap(() => patterns));
		return nodes;
	}
	await fs.writeFile(file, JSON.stringify(kind === 'siocast' ? { ...ours, ...config } : config, null, '\t'));
	const reference = [path.join(COMPAT, 'servers/reference.mjs'), kind, file];
	const [command, args] = kind === 'siocast' ? [SIOCAST, ['-c', file]] : [process.execPath, reference];
	const server = new Server(kind, port, command, args, config.feeds.map((feed) => feed.pattern ?? feed.channel));
	cleanup.add(server, () => server.child?.stop());
	await server.start();
	if (redis) await redis.client.hasSubscribers(server.patterns);
	return server;
}
