// SPDX-License-Identifier: MIT
//
// The admin port: alive, ready, figures; and none of it on the public port.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { MODES, ask, connect } from './lib/client.mjs';
import { SIOCAST_ONLY, feedsReady, startSiocast } from './lib/daemon.mjs';
import { openJoined } from './lib/engine.mjs';
import { Wire, request } from './lib/http.mjs';
import { metric, parseMetrics, readMetrics, sumOf } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { eventually, limit, once } from './lib/wait.mjs';

const config = {
	feeds: [{ channel: 'news', event: 'news', encode: 'json', batch: { interval: 0 } }],
	namespaces: { '/': { on: { 'message-with-ack': [{ ack: ['...{args}'] }] } } },
};

// A name that neither of the two formats can show as it is.
const ODD = '/a"\\b';

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

	test('/ lists what there is, and every path of it is there', limit(), () =>
		withCleanup(async (cleanup) => {
			const server = await startSiocast(cleanup);
			const list = await request(server.admin, 'GET', '/');
			assert.equal(list.status, 200);
			const paths = list.text.trim().split('\n').map((line) => line.split(' ')[0]);
			assert.deepEqual(paths, ['/livez', '/readyz', '/metrics', '/stats', '/rooms']);
			for (const path of paths) assert.notEqual((await request(server.admin, 'GET', path)).status, 404);
		}),
	);

	test('only by names that it knows', limit(), () =>
		withCleanup(async (cleanup) => {
			const server = await startSiocast(cleanup, { adminHosts: ['metrics.example.org'] });
			const ask = async (Host, path = '/stats') => request(server.admin, 'GET', path, { Host });
			for (const host of [`127.0.0.1:${server.admin}`, 'localhost', 'siocast', 'metrics.example.org:9464', '[::1]:1']) {
				assert.equal((await ask(host)).status, 200);
			}
			for (const path of ['/', '/livez', '/readyz', '/metrics', '/stats', '/nothing']) {
				const refused = await ask('rebound.example', path);
				assert.equal(refused.status, 403);
				assert.match(refused.text, /^unknown host; name it in adminHosts$/m);
			}
		}),
	);

	test('what is asked is bounded', limit(), () =>
		withCleanup(async (cleanup) => {
			const server = await startSiocast(cleanup, { limits: { headerBytes: 1024, headerSeconds: 1 } });
			assert.equal((await request(server.admin, 'GET', '/livez', { 'X-Long': 'x'.repeat(2000) })).status, 431);
			// Nobody waits longer for a body that is of no use.
			const slow = await Wire.open(server.admin);
			await slow.send('GET /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n');
			await slow.closed();
		}),
	);

	test('metrics move', limit(), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort());
			const server = await startSiocast(cleanup, { ...config, redis: redis.url, workers: 2 });
			await feedsReady(redis, server);
			const before = await readMetrics(server);
			assert.equal(sumOf(before, 'sessions{transport="websocket"}'), 0);
			const sockets = [];
			for (let i = 0; i < 3; i++) sockets.push(await connect(cleanup, server, MODES.websocket));
			const heard = sockets.map((socket) => once(socket, 'news'));
			await redis.client.publish('news', '{"n":1}');
			await Promise.all(heard);
			assert.deepEqual(await ask(sockets[0], 'message-with-ack', 1), [1]);
			sockets[0].emit('nobody handles this');
			await ask(sockets[0], 'message-with-ack', 2);
			const during = await readMetrics(server);
			const moved = (name) => sumOf(during, name) - sumOf(before, name);
			assert.equal(sumOf(during, 'sessions{transport="websocket"}'), 3);
			assert.equal(sumOf(during, 'sockets'), 3);
			assert.equal(moved('feed_messages_total'), 1);
			assert.equal(moved('broadcasts_delivered_total'), 3);
			const took = (send, what) => moved(`delivery_seconds_${what}{send="${send}"}`);
			assert.ok(took('first', 'count') > 0);
			assert.equal(took('first', 'count'), took('last', 'count'));
			assert.ok(took('first', 'sum') >= 0 && took('last', 'sum') > took('first', 'sum'));
			assert.ok(took('last', 'sum') < 10);
			assert.equal(moved('events_received_total'), 3);
			assert.equal(moved('events_unhandled_total'), 1);
			for (const socket of sockets) socket.disconnect();
			await eventually(async () => (await metric(server, 'sessions{transport="websocket"}')) === 0, 'the sessions to end');
			const stats = (await request(server.admin, 'GET', '/stats')).json;
			assert.equal(stats.workers, 2);
		}),
	);

	test('feeds, namespaces and threads are told apart', limit(), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort());
			const server = await startSiocast(cleanup, {
				redis: redis.url,
				workers: 2,
				feeds: [
					{ channel: 'news', event: 'news', encode: 'json', namespace: ODD, batch: { interval: 0 } },
					{ channel: 'news', event: 'some', where: { '/n': 1 }, batch: { interval: 20 } },
				],
				namespaces: { '/': {}, [ODD]: {} },
			});
			await feedsReady(redis, server);
			const plain = await connect(cleanup, server, MODES.websocket);
			const odd = await openJoined(server, `${ODD},`); // the official client would make another name of it
			cleanup.add(odd, () => odd.close());
			const heard = [odd.nextText('news'), once(plain, 'some')];
			const before = await readMetrics(server);
			for (const body of ['{"n":1}', '{"n":1}', '{"n":2}', 'x']) await redis.client.publish('news', body);
			await Promise.all(heard);
			await odd.text(`42${ODD},["unknown"]`);
			await eventually(async () => (await metric(server, 'events_unhandled_total')) === 1, 'the event');
			// The two messages of the second feed may be in one batch or in two.
			const batched = 'feed_batch_messages_sum{feed="1"}';
			await eventually(async () => sumOf(await readMetrics(server), batched) - sumOf(before, batched) === 2, 'both');
			const after = await readMetrics(server);
			const moved = (what) => sumOf(after, what) - sumOf(before, what);
			assert.equal(moved('feed_messages_total'), 4);
			assert.equal(moved('feed_filtered_total{feed="0"}'), 0);
			assert.equal(moved('feed_filtered_total{feed="1"}'), 1);
			assert.equal(moved('feed_filtered_total'), 1);
			assert.equal(moved('feed_dropped_total{reason="json"}'), 2);
			assert.equal(moved('feed_dropped_total{feed="1",reason="json"}'), 1);
			assert.equal(moved('feed_batch_messages_bucket{feed="0",le="1"}'), 3);
			assert.equal(moved('feed_batch_messages_sum{feed="0"}'), moved('feed_batches_total{feed="0"}'));
			assert.equal(moved('feed_batch_messages_sum{feed="1"}'), 2);
			assert.equal(moved('feed_batch_messages_count{feed="1"}'), moved('feed_batches_total{feed="1"}'));
			assert.equal(sumOf(after, 'sockets{namespace="/"}'), 1);
			assert.equal(sumOf(after, 'sockets{namespace="/a\\"\\\\b"}'), 1);
			assert.equal(moved('events_received_total{namespace="/a\\"\\\\b"}'), 1);
			for (const thread of ['siocast-work-0', 'siocast-work-1', 'siocast-feed'])
				assert.ok(sumOf(after, `thread_turn_seconds_count{thread="${thread}"}`) > 0);
			const stats = (await request(server.admin, 'GET', '/stats')).json.metrics;
			assert.equal(stats.sockets, 2);
			assert.equal(stats.by_namespace[ODD].sockets, 1);
			assert.equal(stats.feed_dropped_total.json, 2);
			assert.equal(stats.by_feed[1].feed_dropped_total.json, 1);
			assert.equal(stats.by_feed[1].feed_batch_messages.sum, 2);
			for (const [name, { type, samples }] of after)
				if (type !== 'histogram' && !/^process_|_build_info$|_capacity_ratio$/.test(name)) assert.ok(name.replace('siocast_', '') in stats, `${name} of ${samples.length} is in /stats`);
		}),
	);

	test('the process, the program, and how busy it is', limit(), () =>
		withCleanup(async (cleanup) => {
			const begun = Date.now() / 1000;
			const server = await startSiocast(cleanup, { workers: 2 });
			const value = (metrics, name) => metrics.get(name).samples[0].value;
			const before = await readMetrics(server);
			assert.match(before.get('siocast_build_info').samples[0].labels.version, /^\d+\.\d+\.\d+/);
			assert.ok(Math.abs(value(before, 'process_start_time_seconds') - begun) < 60);
			assert.ok(value(before, 'process_resident_memory_bytes') > 1_000_000);
			assert.ok(value(before, 'process_max_fds') >= value(before, 'process_open_fds'));
			// One more client is one more file.
			await connect(cleanup, server, MODES.websocket);
			await eventually(
				async () => value(await readMetrics(server), 'process_open_fds') > value(before, 'process_open_fds'), 'the file');
			assert.ok(value(before, 'siocast_capacity_ratio') <= 1);
			// Nothing but requests: some part of a second, and not all of it.
			const load = async () => {
				for (let i = 0; i < 200; i++) await request(server.port, 'GET', '/socket.io/?EIO=4&transport=polling');
				const ratio = value(await readMetrics(server), 'siocast_capacity_ratio');
				return ratio > 0 && ratio <= 1;
			};
			await eventually(load, 'a worker to be busy');
			const { process: told, version, capacity_ratio: ratio } = (await request(server.admin, 'GET', '/stats')).json;
			assert.ok(told.cpu_seconds > 0 && told.open_fds > 0 && ratio > 0 && /^\d/.test(version));
		}),
	);

	test('as many feeds as there may be leave the page short', limit(120), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort());
			const feeds = Array.from({ length: 4096 }, (_, i) => ({ channel: 'all', event: `e${i}`, room: `r${i}`, encode: 'text' }));
			const server = await startSiocast(cleanup, { redis: redis.url, feeds });
			await feedsReady(redis, server);
			const before = await readMetrics(server);
			await redis.client.publish('all', 'x');
			await eventually(async () => (await metric(server, 'feed_messages_total')) > sumOf(before, 'feed_messages_total'), 'it');
			const { text } = await request(server.admin, 'GET', '/metrics');
			assert.ok(text.length < 600_000, `${text.length} bytes`);
			const after = parseMetrics(text);
			assert.equal(after.get('siocast_feed_unheard_total').samples.length, 257);
			const moved = (what) => sumOf(after, what) - sumOf(before, what);
			assert.equal(moved('feed_unheard_total'), 4096);
			assert.equal(moved('feed_unheard_total{feed="255"}'), 1);
			assert.equal(moved('feed_unheard_total{feed="other"}'), 4096 - 256);
			const stats = await request(server.admin, 'GET', '/stats');
			assert.equal(Object.keys(stats.json.metrics.by_feed).length, 257);
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
