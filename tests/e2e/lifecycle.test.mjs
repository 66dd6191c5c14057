// SPDX-License-Identifier: MIT
//
// The daemon's own life: what it says and does when it stops, how much it logs, and what a client costs that asks for more than
// it reads.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import { describe, test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { MODES, ask, collect, connect, connectMode } from './lib/client.mjs';
import { SIOCAST_ONLY, startSiocast } from './lib/daemon.mjs';
import { Session, openDirect, upgrade } from './lib/engine.mjs';
import { Exchange, Wire, request, requestBytes } from './lib/http.mjs';
import { freePort } from './lib/ports.mjs';
import { RedisClient, startRedis } from './lib/redis.mjs';
import { eventually, limit } from './lib/wait.mjs';
import { frame, upgradeRequest } from './lib/ws.mjs';

async function metricsOf(server) {
	return JSON.parse((await request(server.admin, 'GET', '/stats')).text).metrics;
}

describe('the daemon', { skip: SIOCAST_ONLY }, () => {
	for (const [workers, name] of [[1, 'one worker'], [2, 'two workers']]) {
		test(`tells applications about the clients it leaves when it stops, ${name}`, limit(), () =>
			withCleanup(async (cleanup) => {
				const redis = await startRedis(cleanup, await freePort());
				const on = { 'message-with-ack': [{ publish: 'uplink' }, { ack: [true] }], disconnect: [{ publish: 'left' }] };
				const server = await startSiocast(cleanup, { redis: redis.url, workers, namespaces: { '/': { on } } });
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

		// Told "close", or nothing, some clients take it for the wish of their user and stay away. See compat/languages.
		test(`tells each client in the way that brings it back when it stops, ${name}`, limit(), () =>
			withCleanup(async (cleanup) => {
				const server = await startSiocast(cleanup, { workers });
				const begin = async (query) => {
					const { text } = await request(server.port, 'GET', `${server.path}?transport=polling&${query}`);
					const target = `${server.path}?transport=polling&${query}&sid=${/[\w-]{20}/.exec(text)[0]}`;
					// To revision 3 the server says something of its own accord: CONNECT, here or to the next poll.
					if (query.startsWith('EIO=3') && !text.endsWith('40')) await request(server.port, 'GET', target);
					return target;
				};
				const targets = [await begin('EIO=4'), await begin('EIO=3&b64=1'), await begin('EIO=4&j=5')];
				const sockets = [await openDirect(server), await upgrade(await Session.open(server))];
				sockets.push(await (await Session.open(server)).webSocket());
				const hold = async (target) => {
					const before = (await metricsOf(server)).polls_total;
					const poll = await Exchange.start(server.port, 'GET', target);
					await eventually(async () => (await metricsOf(server)).polls_total > before, 'the poll to arrive');
					return poll;
				};
				const polls = [];
				for (const target of targets) polls.push(await hold(target));
				const scriptPoll = polls.pop();
				await server.child.stop();
				for (const poll of polls) {
					const answer = await poll.answer;
					assert.equal(answer.status, 503);
					assert.equal(answer.text, '');
					assert.equal(answer.header('connection'), 'close');
				}
				assert.equal((await scriptPoll.answer).text, '___eio[5]("1");');
				for (const socket of sockets) {
					const closed = await socket.inbox.until((items) => items.some(({ close }) => close), 'the close frame');
					assert.equal(closed.find(({ close }) => close).code, 1001);
				}
			}),
		);

		test(`has a thread for Redis only beside several workers, or where messages may be long: ${name}`, limit(), () =>
			withCleanup(async (cleanup) => {
				const redis = await startRedis(cleanup, await freePort());
				const most = 16 << 20;
				for (const messageBytes of [most, most + 1]) {
					const feeds = [{ channel: 'news', event: 'news', encode: 'json', batch: { interval: 0 } }];
					const limits = { messageBytes, clientQueueBytes: 2 * most };
					const server = await startSiocast(cleanup, { redis: redis.url, workers, feeds, limits });
					await eventually(async () => (await request(server.admin, 'GET', '/readyz')).status === 200, 'its subscription');
					const tasks = `/proc/${server.child.pid}/task`;
					const names = fs.readdirSync(tasks).map((tid) => fs.readFileSync(`${tasks}/${tid}/comm`, 'utf8').trim());
					const own = workers > 1 || messageBytes > most;
					assert.equal(names.filter((thread) => thread === 'siocast-feed').length, own ? 1 : 0);
					if (!own || workers > 1) continue;
					const inbox = collect(await connect(cleanup, server), 'news');
					for (const n of [most, 10]) await redis.client.publish('news', JSON.stringify('x'.repeat(n - 2)));
					for (const n of [most, 10]) assert.equal((await inbox.next())[0].length, n - 2);
				}
			}),
		);
	}

	test('ends in order while clients still come', limit(120), () =>
		withCleanup(async (cleanup) => {
			const disconnect = [{ publish: 'left' }];
			for (let round = 0; round < 8; round++) {
				const server = await startSiocast(cleanup, { workers: 2, namespaces: { '/': { on: { disconnect } } } });
				const come = async () => {
					const wire = await Wire.open(server.port);
					const handshake = requestBytes('GET', `${server.path}?EIO=3&transport=polling`);
					// Until the connection ends; what is answered meanwhile is either a session or that there are no more.
					for (let status = 200; status === 200 || status === 503; ) {
						await wire.send(handshake);
						({ status } = await wire.response('GET'));
					}
					wire.close();
					return true;
				};
				const clients = Array.from({ length: 8 }, () => come().catch((error) => error.message));
				await eventually(async () => (await metricsOf(server)).sessions_opened_total > 50, 'sessions to begin');
				await server.child.stop();
				for (const outcome of await Promise.all(clients)) assert.match(String(outcome), /ended|EPIPE|ECONN/);
			}
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
			const on = { message: [{ emit: ['message-back', '...{args}'] }], 'message-with-ack': [{ ack: ['...{args}'] }] };
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
				return (await metricsOf(server)).slow_disconnected_total === 1;
			};
			await eventually(dropped, 'the client to be disconnected');
			assert.deepEqual(await ask(other, 'message-with-ack', 'still here'), ['still here']);
		}),
	);
});
