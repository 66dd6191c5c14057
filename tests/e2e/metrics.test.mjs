// SPDX-License-Identifier: MIT
//
// What is counted, as families: each label value is seen, once for what it is for, and nothing else moves. And the page is as
// Prometheus wants it: by promtool where that is installed, and by the rules of it that can be told here.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { ask, connect, createClient } from './lib/client.mjs';
import { SIOCAST_ONLY, TOP, feedsReady, startSiocast } from './lib/daemon.mjs';
import { Session, openJoined, polling, websocket } from './lib/engine.mjs';
import { Session3, TEXT } from './lib/engine3.mjs';
import { request } from './lib/http.mjs';
import { Application, SECRET, token } from './lib/hook.mjs';
import { labelValues, metric, moved, readMetrics, sumOf } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { suite } from './lib/suite.mjs';
import { eventually, limit, once } from './lib/wait.mjs';
import { RawSocket, tryUpgrade } from './lib/ws.mjs';

const WS = { transports: ['websocket'] };

async function start(cleanup) {
	const redis = await startRedis(cleanup, await freePort());
	const app = await Application.start(cleanup, (question) => app.answer(question));
	const secretFile = path.join(await cleanup.folder(), 'secret');
	await fs.writeFile(secretFile, SECRET);
	const passwordFile = path.join(path.dirname(secretFile), 'hash');
	await fs.writeFile(passwordFile, '$2a$04$MehXyoIu5OUd6Y8hcwPKX..ZI6dDDfxtCf7jbTZJWCG8Lt4wTWaAi'); // nobody's password in this test
	const on = { join: [{ join: '{1}' }, { ack: [true] }], hang: [{ call: { url: app.url } }, { ack: ['{1}'] }] };
	const server = await startSiocast(cleanup, {
		redis: redis.url,
		workers: 2,
		engine: { connectTimeout: 600_000 },
		cors: { origin: ['https://good.example'] },
		feeds: [{ channel: 'news', event: 'news', encode: 'json', batch: { interval: 0 } }],
		namespaces: {
			'/': { on, rooms: { deny: ['no-*'] } },
			'/a': {}, '/b': {},
			'/token': { auth: { jwt: { keys: [{ alg: 'HS256', secretFile }] } } },
			'/asked': { auth: { hook: { url: app.url, timeout: 5000 } } },
		},
		adminUI: { username: 'admin', passwordFile },
		limits: { roomsPerSocket: 2, roomNameLength: 30, namespacesPerClient: 2, authBytes: 1000 },
	});
	await feedsReady(redis, server);
	return { cleanup, redis, app, ...server };
}

suite('metrics', start, (server) => {
	const open = (options) => connect(server.cleanup, server, { ...WS, ...options });

	test('the page is as Prometheus wants it', limit(), async () => {
		const families = await readMetrics(server); // reads it strictly
		for (const [name, { help, type, samples }] of families) {
			assert.match(name, /^(siocast|process)_[a-z_]+$/);
			assert.ok(help.endsWith('.') && !help.startsWith(name), `${name}: ${help}`);
			assert.doesNotMatch(name, /(milli|micro|nano)seconds|_(ms|us|kb|mb|kilobytes|counter|gauge|histogram)(_|$)/, 'base units, and no type in it');
			if (type !== 'counter') assert.doesNotMatch(name, /_(total|count|sum|bucket)$/);
			for (const { labels } of samples)
				for (const label of Object.keys(labels)) assert.match(label, /^(le|[a-z]+)$/);
		}
		const page = (await request(server.admin, 'GET', '/metrics')).text;
		const promtool = spawnSync('promtool', ['check', 'metrics'], { input: page, encoding: 'utf8' });
		if (!promtool.error) assert.equal(promtool.stdout + promtool.stderr, '');
	});

	test('workers are told apart, and are one sum in /stats', limit(), async () => {
		const sockets = [];
		for (let i = 0; i < 8; i++) sockets.push(await open());
		const families = await readMetrics(server);
		const each = ['0', '1'].map((worker) => sumOf(families, `sessions{worker="${worker}",transport="websocket"}`));
		assert.equal(each[0] + each[1], 8);
		for (const name of ['sessions', 'sends_total', 'connect_refused_total', 'delivery_queue_seconds'])
			assert.deepEqual([...new Set(families.get(`siocast_${name}`).samples.map(({ labels }) => labels.worker))], ['0', '1'], name);
		const { metrics } = (await request(server.admin, 'GET', '/stats')).json;
		assert.equal(metrics.sessions.websocket, 8);
		assert.deepEqual(['0', '1'].map((worker) => metrics.by_worker[worker].sessions.websocket), each);
		assert.ok(metrics.by_worker[0].sends_total['websocket,4'] + metrics.by_worker[1].sends_total['websocket,4'] >= 8);
		assert.equal(typeof metrics.by_worker[0].broadcasts_total, 'number', 'all tables of a worker are there');
		for (const socket of sockets) socket.disconnect();
	});

	test('requests that are refused: each reason', limit(), async () => {
		const get = (target, headers) => () => request(server.port, 'GET', target, headers);
		const { path: at } = server;
		const good = `${at}?EIO=4&transport=websocket`;
		const cases = {
			transport: get(`${at}?EIO=4&transport=pigeon`),
			sid: get(polling(at, '0nobody')),
			method: () => request(server.port, 'POST', polling(at), {}, 'x'),
			'bad request': get(`${at}?EIO=4&transport=websocket`),
			forbidden: () => tryUpgrade(server.port, good, { Origin: 'https://bad.example' }),
			revision: get(`${at}?EIO=9&transport=polling`),
			websocket: () => tryUpgrade(server.port, good, { 'Sec-WebSocket-Key': 'short' }),
			path: () => tryUpgrade(server.port, '/elsewhere', {}),
		};
		for (const [reason, act] of Object.entries(cases)) await moved(server, 'requests_refused_total', act, { [reason]: 1 });
		assert.deepEqual([...Object.keys(cases), 'full'].sort(), await labelValues(server, 'requests_refused_total'));
	});

	test('no more sessions', limit(), async () => {
		const full = await startSiocast(server.cleanup, { limits: { maxSessions: 1 } });
		const first = await openJoined(full);
		await moved(full, 'requests_refused_total', () => tryUpgrade(full.port, websocket(full.path), {}), { full: 1 });
		assert.equal(await metric(full, 'sessions_refused_total'), 1);
		first.close();
	});

	test('clients that are not let in: each reason', limit(), async () => {
		const refused = (namespace, options) => async () => {
			const socket = createClient(server.cleanup, server, { ...WS, namespace, ...options });
			const error = once(socket, 'connect_error');
			socket.connect();
			await error;
			socket.disconnect();
		};
		const crowd = async () => {
			const socket = await openJoined(server);
			for (const namespace of ['/a', '/b']) {
				await socket.text(`40${namespace},`);
				await socket.nextText();
			}
			socket.close();
		};
		const answers = (answer, act) => () => {
			server.app.answer = () => answer;
			return act();
		};
		const cases = {
			namespace: refused('/nowhere'),
			namespaces: crowd,
			'auth bytes': refused('/', { auth: { long: 'x'.repeat(2000) } }),
			token: refused('/token', { auth: { token: token({}, 'another secret of more than thirty-two bytes') } }),
			credentials: refused('/admin', { auth: { username: 'admin', password: 'wrong' } }),
			application: answers({ status: 403 }, refused('/asked')),
			unavailable: answers({ status: 500 }, refused('/asked')),
		};
		for (const [reason, act] of Object.entries(cases)) await moved(server, 'connect_refused_total', act, { [reason]: 1 });
		assert.deepEqual(Object.keys(cases).sort(), await labelValues(server, 'connect_refused_total'));
	});

	test('joins that are refused: each reason', limit(), async () => {
		const socket = await open();
		const cases = { roomNameLength: ['x'.repeat(31)], forbidden: ['no-1'], roomsPerSocket: ['a', 'b', 'c'] };
		for (const [reason, rooms] of Object.entries(cases)) await moved(server, 'joins_refused_total', () => ask(socket, 'join', rooms), { [reason]: 1 });
		assert.deepEqual(Object.keys(cases).sort(), await labelValues(server, 'joins_refused_total'));
		socket.disconnect();
	});

	test('what is sent, by transport and revision, and the forms that are made of it', limit(), async () => {
		const pollers = [await Session.open(server), await Session3.open(server)];
		await pollers[0].post('40');
		await pollers[0].packets();
		const sockets = [await openJoined(server), await RawSocket.open(server.port, `${server.path}?EIO=3&transport=websocket`)];
		for (let i = 0; i < 2; i++) await sockets[1].nextText(); // open, and CONNECT
		await pollers[1].packets(); // CONNECT
		const text = '{"n":"é"}';
		const kinds = ['polling,4', 'polling,3', 'websocket,4', 'websocket,3'];
		const before = await readMetrics(server);
		const held = [pollers[0].poll(), pollers[1].ask('GET')];
		await eventually(async () => (await metric(server, 'polls_total')) - sumOf(before, 'polls_total') >= 2, 'both polls');
		const forms = { 'websocket,4,plain,no': 1, 'websocket,3,plain,no': 1, 'polling,4,base64,no': 1, 'polling,3,base64,no': 1 };
		await moved(server, 'broadcast_forms_total', async () => {
			await server.redis.client.publish('news', text);
			await Promise.all([...held, ...sockets.map((socket) => socket.nextText())]);
		}, forms);
		const after = await readMetrics(server);
		for (const kind of kinds) {
			const [transport, eio] = kind.split(',');
			const labels = `{transport="${transport}",eio="${eio}"}`;
			assert.equal(sumOf(after, `sends_total${labels}`) - sumOf(before, `sends_total${labels}`), 1, kind);
			const bytes = sumOf(after, `bytes_sent_total${labels}`) - sumOf(before, `bytes_sent_total${labels}`);
			assert.ok(bytes > text.length && bytes < 100, `${bytes} of ${kind}`);
		}
		assert.ok(sumOf(after, 'feed_batch_bytes_total{feed="0"}') - sumOf(before, 'feed_batch_bytes_total{feed="0"}') > text.length);
		for (const socket of sockets) socket.close();
		await pollers[0].post('1');
		await pollers[1].ask('POST', TEXT, '1:1');
	});

	test('times: of calls, of questions, of deliveries, of threads', limit(), async () => {
		const socket = await open();
		server.app.answer = () => ({ body: { ack: [1] } });
		const before = await readMetrics(server);
		await ask(socket, 'hang');
		const heard = once(socket, 'news');
		await server.redis.client.publish('news', '1');
		await heard;
		const grown = async (name) => (await metric(server, `${name}_count`)) - sumOf(before, `${name}_count`);
		assert.equal(await grown('hook_seconds'), 1);
		assert.equal(await grown('handlers_call_seconds'), 1);
		await eventually(async () => (await grown('delivery_queue_seconds')) >= 1, 'the delivery');
		await eventually(async () => (await grown('thread_late_seconds')) >= 1, 'a timer');
		socket.disconnect();
	});

	// What stands in contrib is there: each name, and each value of a label that is asked for.
	const read = (name) => fs.readFile(path.join(TOP, name), 'utf8');
	const expressions = async () => {
		const rules = await read('contrib/siocast.rules.yml');
		const board = JSON.parse(await read('contrib/grafana.json'));
		const queries = board.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
		const alerts = [...rules.matchAll(/^ {8}expr: (.*)$/gm)].map(([, expr]) => expr);
		assert.equal(alerts.length, [...rules.matchAll(/^ {6}- alert: /gm)].length);
		assert.ok(alerts.length >= 15 && queries.length >= 40, `${alerts.length} alerts, ${queries.length} queries`);
		return [...alerts, ...queries];
	};

	test('alerts and dashboard ask for what there is', limit(), async () => {
		const families = await readMetrics(server);
		for (const expr of await expressions()) {
			const asked = [...expr.matchAll(/\b((?:siocast|process)_[a-z_]+)(?:\{([^}]*)\})?/g)];
			assert.ok(asked.length > 0 || /^up\{/.test(expr), expr);
			for (const [, name, selector = ''] of asked) {
				const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ''));
				assert.ok(family, `${name} of ${expr}`);
				assert.equal(family.type === 'histogram', /_(bucket|sum|count)$/.test(name), name);
				for (const [, label, how, value] of selector.matchAll(/([a-z]+)(=~?)"([^"]*)"/g)) {
					if (['job', 'instance'].includes(label)) continue; // Prometheus' own
					for (const one of how === '=~' ? value.split('|') : [value])
						assert.ok(family.samples.some(({ labels }) => labels[label] === one), `${name}{${label}="${one}"}`);
				}
			}
			for (const [, by, , name] of expr.matchAll(/by \(([a-z, ]+)\) \(((?:rate|increase)\()?(siocast_[a-z_]+)/g)) {
				const family = families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ''));
				for (const label of by.split(', '))
					assert.ok(['instance', 'le'].includes(label) || family.samples.some(({ labels }) => label in labels), `${label} of ${name}`);
			}
		}
		const promtool = spawnSync('promtool', ['check', 'rules', path.join(TOP, 'contrib/siocast.rules.yml')], { encoding: 'utf8' });
		if (!promtool.error) assert.equal(promtool.status, 0, promtool.stdout + promtool.stderr);
	});

	test('doc/operations.md explains each alert, and names what there is', limit(), async () => {
		const text = await read('doc/operations.md');
		const names = (from, pattern) => [...from.matchAll(pattern)].map(([, name]) => name).sort();
		assert.deepEqual(names(text, /^\| `(Siocast[A-Za-z]+)` \|/gm), names(await read('contrib/siocast.rules.yml'), /- alert: (\S+)/g));
		const families = await readMetrics(server);
		for (const name of names(text, /`(siocast_[a-z_]+)/g)) assert.ok(families.has(name), name);
		const manual = (await read('doc/siocast.8')) + (await read('doc/siocast.conf.5'));
		for (const key of names(text, /`(?:limits|engine|batch)\.([a-zA-Z]+)`/g)) assert.match(manual, new RegExp(`\\b${key}\\b`), key);
	});

	test('Redis, by server', limit(), async () => {
		const { host } = new URL(server.redis.url);
		assert.ok(await metric(server, `redis_connections{redis="${host}"}`) >= 1);
		assert.equal(await metric(server, `redis_unread_bytes{redis="${host}"}`), 0);
		assert.ok(await metric(server, `redis_connects_total{redis="${host}"}`) >= 1);
	});
}, SIOCAST_ONLY);
