// SPDX-License-Identifier: MIT
//
// The admin port: alive, ready, figures; and none of it on the public port.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { MODES, ask, connect } from './lib/client.mjs';
import { SIOCAST_ONLY, feedsReady, startSiocast } from './lib/daemon.mjs';
import { request } from './lib/http.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { eventually, limit, once } from './lib/wait.mjs';

const config = {
	feeds: [{ channel: 'news', event: 'news', encode: 'json', batch: { interval: 0 } }],
	namespaces: { '/': { on: { 'message-with-ack': [{ ack: ['...{args}'] }] } } },
};

/** All samples of /metrics, by name and labels; fails on a line that is none. */
async function metrics(server) {
	const answer = await request(server.admin, 'GET', '/metrics');
	assert.equal(answer.status, 200);
	assert.match(answer.header('content-type'), /^text\/plain; version=0\.0\.4/);
	const samples = new Map();
	for (const line of answer.text.trimEnd().split('\n')) {
		if (/^# (HELP|TYPE) [a-z_]+ ./.test(line)) continue;
		const [, name, value] = /^([a-z_]+(?:\{[a-z_]+="[^"]*"(?:,[a-z_]+="[^"]*")*\})?) (\d+(?:\.\d+)?)$/.exec(line) ?? [];
		assert.ok(name !== undefined, `not a sample: ${line}`);
		assert.ok(!samples.has(name), `twice: ${name}`);
		samples.set(name, Number(value));
	}
	return samples;
}

function value(samples, start) {
	const found = [...samples].filter(([name]) => name.replace(/^siocast_/, '').startsWith(start));
	assert.ok(found.length > 0, `no ${start}`);
	return found.reduce((sum, [, n]) => sum + n, 0);
}

describe('admin port', { skip: SIOCAST_ONLY }, () => {
	test('alive always, ready while Redis is there', limit(), () =>
		withCleanup(async (cleanup) => {
			const port = await freePort();
			const server = await startSiocast(cleanup, { ...config, redis: `redis://127.0.0.1:${port}/0` });
			const ask = async (path) => (await request(server.admin, 'GET', path)).status;
			assert.equal(await ask('/livez'), 200);
			assert.equal(await ask('/readyz'), 503);
			const redis = await startRedis(cleanup, port);
			await eventually(async () => (await ask('/readyz')) === 200, 'siocast to be ready');
			await redis.child.kill();
			await eventually(async () => (await ask('/readyz')) === 503, 'siocast to notice');
			assert.equal(await ask('/livez'), 200);
		}),
	);

	test('metrics move', limit(), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort());
			const server = await startSiocast(cleanup, { ...config, redis: redis.url, workers: 2 });
			await feedsReady(redis, server);
			const before = await metrics(server);
			assert.equal(value(before, 'sessions{transport="websocket"}'), 0);
			const sockets = [];
			for (let i = 0; i < 3; i++) sockets.push(await connect(cleanup, server, MODES.websocket));
			const heard = sockets.map((socket) => once(socket, 'news'));
			await redis.client.publish('news', '{"n":1}');
			await Promise.all(heard);
			assert.deepEqual(await ask(sockets[0], 'message-with-ack', 1), [1]);
			sockets[0].emit('nobody handles this');
			await ask(sockets[0], 'message-with-ack', 2);
			const during = await metrics(server);
			const moved = (name) => value(during, name) - value(before, name);
			assert.equal(value(during, 'sessions{transport="websocket"}'), 3);
			assert.equal(value(during, 'sockets'), 3);
			assert.equal(moved('feed_messages_total'), 1);
			assert.equal(moved('broadcasts_delivered_total'), 3);
			assert.equal(moved('events_received_total'), 3);
			assert.equal(moved('events_unhandled_total'), 1);
			for (const socket of sockets) socket.disconnect();
			await eventually(async () => value(await metrics(server), 'sessions{transport="websocket"}') === 0, 'the sessions to end');
			const stats = (await request(server.admin, 'GET', '/stats')).json;
			assert.equal(stats.workers, 2);
		}),
	);

	test('not on the public port, and the public not on this', limit(), () =>
		withCleanup(async (cleanup) => {
			const server = await startSiocast(cleanup);
			for (const path of ['/metrics', '/livez', '/readyz', '/stats']) {
				assert.equal((await request(server.port, 'GET', path)).status, 404);
				assert.equal((await request(server.admin, 'HEAD', path)).body.length, 0);
				assert.equal((await request(server.admin, 'POST', path, {}, 'x')).status, 405);
			}
			assert.equal((await request(server.admin, 'GET', '/socket.io/?EIO=4&transport=polling')).status, 404);
			assert.equal((await request(server.admin, 'GET', 'http://127.0.0.1/livez#x')).status, 200);
		}),
	);
});
