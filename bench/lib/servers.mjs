// SPDX-License-Identifier: MIT
//
// The servers under test, all started and fed the same way: {name, start(cleanup, redis, options)} gives {port, child, feed}.
// options: clients, size, rate, batch (ms). feed(seconds) has the server send messages for so long and gives their number.

import path from 'node:path';
import { startSiocast, feedsReady } from '../../tests/e2e/lib/daemon.mjs';
import { accepts, freePort } from '../../tests/e2e/lib/ports.mjs';
import { Child } from '../../tests/e2e/lib/process.mjs';
import { eventually } from '../../tests/e2e/lib/wait.mjs';
import { onServerCore } from './machine.mjs';
import { BENCH, answer, flags, publish } from './programs.mjs';

const EVENT = 'ticks';

function fromRedis(cleanup, redis, { size, rate }) {
	return (seconds) => publish(cleanup, { redis: `127.0.0.1:${redis.port}`, channel: EVENT, size, rate, seconds });
}

/** `program`: another siocast than the one just built. */
function siocast(name, program) {
	return {
		name,
		async start(cleanup, redis, options) {
			const feeds = [{ channel: EVENT, event: EVENT, batch: { interval: options.batch } }];
			const config = { workers: 1, redis: redis.url, feeds, namespaces: { '/': {} } };
			const wrap = (command, args) => onServerCore(program ?? command, args);
			const server = await startSiocast(cleanup, config, { wrap });
			await feedsReady(redis, server);
			return { ...server, feed: fromRedis(cleanup, redis, options) };
		},
	};
}

/** It has its own schedule, which a signal starts: `seconds` is fixed at the start. */
const floor = {
	name: 'floor',
	async start(cleanup, _redis, { clients, size, rate, batch, seconds }) {
		const port = await freePort();
		// As in the servers, a batch begins with a message and is sent `batch` ms later.
		const perBlock = Math.floor((rate * batch) / 1000) + 1;
		const options = { listen: `127.0.0.1:${port}`, clients, size, rate: rate / perBlock, seconds, batch: perBlock };
		const [command, args] = onServerCore(path.join(BENCH, 'floor'), flags(options));
		const child = new Child(command, args, { name: 'floor', graceful: false });
		cleanup.add(child, () => child.stop());
		await answer(child, 0, 'listening');
		let runs = 1;
		const feed = () => {
			child.child.kill('SIGUSR1');
			return answer(child, runs++, 'the end of its schedule');
		};
		return { port, child, feed };
	},
};

function peer(name, script, extra = () => ({})) {
	return {
		name,
		async start(cleanup, redis, options) {
			const port = await freePort();
			const own = { port, redis: redis.url, event: EVENT, ...extra(options) };
			const [command, args] = onServerCore(process.execPath, [path.join(BENCH, 'peers', script), ...flags(own)]);
			const child = new Child(command, args, { name, graceful: false, env: { NODE_ENV: 'production' } });
			cleanup.add(child, () => child.stop());
			await child.whileRunning(eventually(() => accepts(port), `${name} on port ${port}`));
			await child.whileRunning(redis.client.hasSubscribers([EVENT]));
			return { port, child, feed: fromRedis(cleanup, redis, options) };
		},
	};
}

export const servers = {
	floor,
	siocast: siocast('siocast'),
	other: siocast('other siocast', process.env.OTHER),
	tuned: peer('socket.io tuned', 'socketio-tuned.mjs', ({ batch }) => ({ batch })),
	naive: peer('socket.io naive', 'socketio-naive.mjs'),
};
