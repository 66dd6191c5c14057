// SPDX-License-Identifier: MIT
//
// Counters that say why: each reason is made to happen, and counted once under its name and no other. The tables below have every reason
// that the page has, and the manual explains no others; one that nobody can bring about from outside says why not. Refusals are in
// metrics.test.mjs.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { ask, connect } from './lib/client.mjs';
import { SIOCAST_ONLY, TOP, feedsReady, startSiocast } from './lib/daemon.mjs';
import { Session, openDirect, openJoined } from './lib/engine.mjs';
import { Application } from './lib/hook.mjs';
import { labelValues, metric, moved } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { suite } from './lib/suite.mjs';
import { eventually, limit } from './lib/wait.mjs';

const WS = { transports: ['websocket'] };
const MEMORY = 'memory would have to be short: the unit tests fail each allocation in turn';

async function start(cleanup) {
	const redis = await startRedis(cleanup, await freePort());
	const app = await Application.start(cleanup, (question) => app.answer(question));
	const call = (name, more) => [{ call: { url: `${app.url}/${name}`, timeout: 60_000, ...more } }, { ack: ['done'] }];
	const feed = (channel, more) => ({ channel, event: channel, batch: { interval: 0 }, ...more });
	const server = await startSiocast(cleanup, {
		redis: redis.url,
		workers: 1, // each asks the application on its own
		connectionStateRecovery: {},
		engine: { maxHttpBufferSize: 1000 },
		limits: { messageBytes: 20 << 20 },
		feeds: [
			feed('news', { encode: 'json' }),
			feed('route', { event: '{/type}', encode: 'json' }),
			feed('text', { encode: 'text' }),
			feed('payload', { payload: '{/data}', encode: 'json' }),
			feed('lines', { batch: { interval: 0, format: 'lines' } }),
			feed('frames', { batch: { interval: 0, format: 'frames' } }),
		],
		namespaces: {
			'/': {
				on: {
					quit: [{ disconnect: true }],
					ask: call('ask'),
					late: call('late', { timeout: 50 }),
					narrow: call('narrow', { concurrent: 1, queue: 0 }),
					dead: [{ call: 'http://127.0.0.1:1/' }],
				},
			},
		},
	});
	await feedsReady(redis, server);
	return { cleanup, redis, app, ...server };
}

/** The words that the manual has for the values of a family. */
function explained(family) {
	const page = fs.readFileSync(path.join(TOP, 'doc/siocast.8'), 'utf8');
	const text = new RegExp(`^\\.It Cm (?:[a-z_]+ , )?${family}\\b.*\\n([^]*?)^\\.(?:It|El)`, 'm').exec(page)?.[1] ?? assert.fail(`siocast.8 has no ${family}`);
	return [...text.matchAll(/^\.Li (.*)$/gm)].flatMap(([, words]) => words.split(' , ').map((word) => word.replace(/ [,.;]$/, '').replaceAll('"', '')));
}

suite('reasons', start, (server) => {
	const gone = async (socket) => {
		await socket.ended();
		socket.close();
	};
	/** A client that says this, and is ended for it. */
	const says = (...packets) => async () => {
		const socket = await openJoined(server);
		for (const one of packets) await (Buffer.isBuffer(one) ? socket.binary(one) : socket.text(one));
		await gone(socket);
	};
	/** A client of a server of its own, whose numbers are otherwise. */
	const apart = (config, act) => async (family, reason) => {
		const other = await startSiocast(server.cleanup, config);
		await moved(other, family, () => act(other), { [reason]: 1 });
	};
	const publish = (channel, message) => () => server.redis.client.publish(channel, message);
	const attachment = (n) => `451-["a",{"_placeholder":true,"num":${n}}]`;

	/** Has the handler ask the application, which answers like that. */
	const asks = (name, answer) => async () => {
		server.app.answer = () => answer;
		const socket = await connect(server.cleanup, server, WS);
		await ask(socket, name);
		socket.disconnect();
	};
	/** The same for what is not answered; `act` goes on when the application has the question. */
	const waits = (name, act) => async () => {
		let answer;
		server.app.answer = () => new Promise((resolve) => (answer = () => resolve({ body: {} })));
		const socket = await connect(server.cleanup, server, WS);
		const done = ask(socket, name);
		done.catch(() => {});
		await eventually(() => answer, 'the question');
		await act(socket, answer, done);
		socket.disconnect();
	};

	const families = {
		sessions_closed_total: {
			'transport close': async () => (await connect(server.cleanup, server, WS)).disconnect(),
			// Two polls at a time.
			'transport error': async () => {
				const session = await Session.open(server);
				await session.post('40');
				await session.packets();
				const held = await session.startPoll();
				await session.poll();
				held.close?.();
			},
			'ping timeout': apart({ engine: { pingInterval: 50, pingTimeout: 50 } }, async (other) => gone(await openDirect(other))),
			'parse error': async () => {
				const socket = await openDirect(server);
				await socket.text('9');
				await gone(socket);
			},
			'forced close': says('42["quit"]'),
			'server shutting down': async (family, reason) => {
				// Of so many over so long the first goes soon, and the last is still there when that is seen.
				const other = await startSiocast(server.cleanup, { drain: { seconds: 20 } });
				const sockets = await Promise.all(Array.from({ length: 40 }, () => openDirect(other)));
				other.child.signal('SIGTERM');
				await eventually(async () => (await metric(other, `${family}{reason="${reason}"}`)) > 0, 'the first to be closed');
				other.child.signal('SIGTERM'); // it does not wait for the others then
				for (const socket of sockets) await gone(socket);
			},
		},
		feed_dropped_total: {
			route: publish('route', '{}'),
			json: publish('news', '{'),
			utf8: publish('text', Buffer.from([0xff])),
			payload: publish('payload', '{"other":1}'),
			line: publish('lines', '"a\nb"'),
			size: publish('frames', `"${'x'.repeat(17 << 20)}"`),
			messageBytes: publish('news', `"${'x'.repeat(21 << 20)}"`),
			memory: MEMORY,
		},
		hook_questions_total: {
			'2xx': asks('ask', { body: {} }),
			'4xx': asks('ask', { status: 403 }),
			'other status': asks('ask', { status: 500 }),
			failed: asks('dead'),
			timeout: waits('late', (socket, answer, done) => done),
			'too large': asks('ask', { body: { ack: ['x'.repeat(1100000)] } }),
			// One may be on its way at a time, and none may wait.
			'queue full': async (family, reason) => {
				const first = waits('narrow', async (socket, answer, done) => {
					const other = await connect(server.cleanup, server, WS);
					await moved(server, family, () => ask(other, 'narrow'), { [reason]: 1 });
					other.disconnect();
					answer();
					await done;
				});
				await first();
			},
			cancelled: waits('ask', (socket) => socket.disconnect()),
		},
		clients_ended_total: {
			'connect timeout': apart({ engine: { connectTimeout: 50 } }, async (other) => gone(await openDirect(other))),
			disconnect: says('42["quit"]'),
			moved: async () => {
				const [old, again] = [await openDirect(server), await openDirect(server)];
				await old.text('40');
				const { pid } = JSON.parse((await old.nextText()).slice(2));
				await server.redis.client.publish('news', '1');
				const [, , offset] = JSON.parse((await old.nextText()).slice(2));
				await again.text(`40${JSON.stringify({ pid, offset })}`);
				await gone(old);
				again.close();
			},
			memory: MEMORY,
		},
		packets_invalid_total: {
			empty: says('4'),
			type: says('49'),
			attachments: says('45x["a"]'),
			'too many attachments': says('4599999-["a"]'),
			payload: says('42{'),
			depth: says(`42["a",${'['.repeat(400)}${']'.repeat(400)}]`),
			namespace: 'text is UTF-8 when it comes here: a WebSocket with other text is closed, and in bodies U+FFFD stands for it, as in Node',
			'text in binary': says(attachment(0), '42["a"]'),
			'stray binary': says(Buffer.from('x')),
			placeholder: says(attachment(5), Buffer.from('x')),
			'attachment bytes': 'as many as may be announced may be as long as a packet may be; the unit tests of sio have other limits',
			'already joined': says('40'),
			'not joined': says('42/x,["a"]'),
			'connect error': says('44{"a":1}'),
		},
	};

	for (const [family, reasons] of Object.entries(families)) {
		test(`${family}: each reason`, limit(), async () => {
			const values = await labelValues(server, family);
			assert.deepEqual(Object.keys(reasons).sort(), values);
			const words = explained(family);
			for (const value of values) assert.ok(words.includes(value), `siocast.8 explains ${value} of ${family}: ${words}`);
		});
		for (const [reason, act] of Object.entries(reasons)) {
			if (typeof act === 'string') continue;
			test(`${family}: ${reason}`, limit(), () => (act.length === 2 ? act(family, reason) : moved(server, family, act, { [reason]: 1 })));
		}
	}
}, SIOCAST_ONLY);
