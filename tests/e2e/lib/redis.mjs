// SPDX-License-Identifier: MIT
//
// A private redis-server.

import path from 'node:path';
import { Child } from './process.mjs';
import { accepts } from './ports.mjs';
import { RedisClient } from './resp.mjs';
import { eventually } from './wait.mjs';

export { RedisClient };

/**
 * Starts a redis-server on `port` with nothing kept on disk and waits until it answers PING. `unix`: its url is a socket's; `bind`:
 * the address it listens on; `args`: more of its options; `loads`: it has so much to load that it will not answer yet.
 */
export async function startRedis(cleanup, port, { unix = false, bind = '127.0.0.1', args: more = [], loads = false } = {}) {
	const dir = await cleanup.folder();
	const args = ['--port', String(port), '--bind', bind, '--save', '', '--appendonly', 'no', '--dir', dir, ...more];
	// A burst of a test must not make Redis cut the subscriber off: that has its own tests.
	args.push('--client-output-buffer-limit', 'pubsub 0 0 0', '--daemonize', 'no');
	const socket = path.join(dir, 'redis.sock');
	if (unix) args.push('--unixsocket', socket);
	const child = new Child('redis-server', args, { name: 'redis-server' });
	cleanup.add(child, () => child.stop());
	await child.whileRunning(eventually(() => accepts(port), `redis-server on port ${port}`));
	const client = await RedisClient.open(cleanup, port);
	const answer = await client.command('PING').catch(({ message }) => message);
	if (loads ? !answer.startsWith('LOADING') : answer !== 'PONG') throw new Error(`redis-server answered ${answer} to PING`);
	return { child, port, client, url: unix ? `unix://${socket}` : `redis://127.0.0.1:${port}/0` };
}
