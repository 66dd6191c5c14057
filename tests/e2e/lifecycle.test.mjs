// SPDX-License-Identifier: MIT
//
// The daemon's own life: what it says and does when it stops, how much it logs, and what a client costs that asks for more than
// it reads.

import assert from 'node:assert/strict';
import net from 'node:net';
import { describe, test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { MODES, connect, connectMode, ask } from './lib/client.mjs';
import { SIOCAST_ONLY, startSiocast } from './lib/daemon.mjs';
import { request } from './lib/http.mjs';
import { freePort } from './lib/ports.mjs';
import { RedisClient, startRedis } from './lib/redis.mjs';
import { eventually, limit } from './lib/wait.mjs';
import { frame, upgradeRequest } from './lib/ws.mjs';

describe('the daemon', { skip: SIOCAST_ONLY }, () => {
	test('tells applications about the clients it leaves when it stops', limit(), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort());
			const on = { 'message-with-ack': [{ publish: 'uplink' }, { ack: [true] }], disconnect: [{ publish: 'left' }] };
			const server = await startSiocast(cleanup, { redis: redis.url, workers: 2, namespaces: { '/': { on } } });
			const listener = await RedisClient.open(cleanup, redis.port);
			await listener.subscribe('left');
			await listener.subscribe('uplink');
			const sockets = [];
			for (const mode of Object.keys(MODES)) sockets.push(await connectMode(cleanup, server, mode, { reconnection: false }));
			// The connection that publishes is made with the first message.
			assert.deepEqual(await ask(sockets[0], 'message-with-ack'), [true]);
			assert.equal((await listener.messages.next()).channel, 'uplink');
			const ids = sockets.map((socket) => socket.id).sort();
			await server.child.stop();
			const left = [];
			for (let i = 0; i < sockets.length; i++) {
				const { channel, message } = await listener.messages.next();
				assert.equal(channel, 'left');
				const { args, sid } = JSON.parse(message);
				assert.deepEqual(args, ['server shutting down']);
				left.push(sid);
			}
			assert.deepEqual(left.sort(), ids);
		}),
	);

	for (const [level, expected] of [
		['error', false],
		['info', true],
	]) {
		test(`logLevel ${level}`, limit(), () =>
			withCleanup(async (cleanup) => {
				const server = await startSiocast(cleanup, { logLevel: level });
				await server.child.stop();
				assert.equal(server.child.output.includes('event=started'), expected, server.child.output);
			}),
		);
	}

	test('a client that asks for more than it reads is disconnected, and no other', limit(60), () =>
		withCleanup(async (cleanup) => {
			const on = { message: [{ emit: ['message-back', '...$args'] }], 'message-with-ack': [{ ack: ['...$args'] }] };
			const limits = { clientQueueBytes: 65536 };
			const server = await startSiocast(cleanup, { limits, namespaces: { '/': { on } } });
			const other = await connect(cleanup, server, MODES.websocket);
			const greedy = net.connect(server.port, '127.0.0.1');
			cleanup.add(greedy, () => greedy.destroy());
			greedy.on('error', () => {});
			greedy.pause(); // it never reads
			greedy.write(upgradeRequest(`${server.path}?EIO=4&transport=websocket`).bytes);
			greedy.write(frame(1, '40'));
			const event = frame(1, `42["message","${'x'.repeat(50000)}"]`);
			const dropped = async () => {
				for (let i = 0; i < 20 && !greedy.destroyed; i++) greedy.write(event);
				const { metrics } = JSON.parse((await request(server.admin, 'GET', '/stats')).text);
				return metrics.slow_disconnected_total === 1;
			};
			await eventually(dropped, 'the client to be disconnected');
			assert.deepEqual(await ask(other, 'message-with-ack', 'still here'), ['still here']);
		}),
	);
});
