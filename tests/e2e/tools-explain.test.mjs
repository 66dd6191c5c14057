// SPDX-License-Identifier: MIT
//
// `siocast explain`: what it tells of a message is what clients then get, and /rooms of the admin port knows who is there.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { ask, collect, connect } from './lib/client.mjs';
import { SIOCAST_ONLY, configure, feedsReady, startSiocast } from './lib/daemon.mjs';
import { request } from './lib/http.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { ready, rooms, startEdge, startHub } from './lib/relay.mjs';
import { tool } from './lib/tool.mjs';
import { limit } from './lib/wait.mjs';

const config = {
	workers: 2,
	feeds: [
		{ pattern: 'ticks.*', event: 'tick {1}', room: '{/to}', encode: 'json', where: { '/kind': 'a' }, batch: { interval: 10 } },
		{ channel: 'news', namespace: '/n', event: 'news', encode: 'json', batch: { interval: 0 }, payload: ['{/text}'], spread: true },
	],
	namespaces: { '/': { on: { join: [{ join: '{1}' }, { ack: ['done'] }] } }, '/n': {} },
};

const explain = (server, ...args) => tool(['explain', '-c', server.file, ...args]);

describe('siocast explain', { skip: SIOCAST_ONLY }, () => {
	test('tells what then comes, and to how many', limit(), () =>
		withCleanup(async (cleanup) => {
			const port = await freePort();
			const redis = await startRedis(cleanup, port);
			const server = await startSiocast(cleanup, { ...config, redis: `redis://127.0.0.1:${port}` });
			await feedsReady(redis, server);
			const [a, b, c] = await Promise.all([1, 2, 3].map(() => connect(cleanup, server)));
			for (const socket of [a, b]) await ask(socket, 'join', 'room é&=');
			const counted = await request(server.admin, 'GET', `/rooms?room=${encodeURIComponent('room é&=')}&room=none`);
			assert.deepEqual(JSON.parse(counted.text), {
				namespace: '/',
				clients: 3,
				rooms: [{ room: 'room é&=', clients: 2 }, { room: 'none', clients: 0 }],
			});
			assert.equal((await request(server.admin, 'GET', `/rooms?${'room=a&'.repeat(101)}`)).status, 400);
			assert.deepEqual(JSON.parse((await request(server.admin, 'GET', '/rooms?namespace=/nowhere')).text).clients, 0);
			const message = '{"kind":"a","to":"room é&=","n":12345678901234567890}';
			const { status, out, err } = explain(server, '--json', 'ticks.x', message);
			assert.equal(status, 0, err);
			const told = JSON.parse(out);
			assert.deepEqual([told.event, told.rooms, told.clients, told.sent], ['tick x', ['room é&='], 2, true]);
			const inboxes = [a, b].map((socket) => collect(socket, told.event));
			await redis.client.command('PUBLISH', 'ticks.x', message);
			for (const inbox of inboxes) {
				assert.deepEqual([told.event, ...(await inbox.next())], JSON.parse(told.packets[0].slice(1)));
			}
			const text = explain(server, 'ticks.x', message).out;
			assert.match(text, /^feeds\[0\]: pattern ticks\.\*\n {2}event {5}tick x\n/);
			assert.match(text, /\n {2}clients {3}2\n {2}costs {5}\d+ bytes for each, by WebSocket, \d+ in all\n$/);
			const lonely = explain(server, 'news', '{"text":"x"}');
			assert.equal(lonely.status, 0);
			assert.match(lonely.out, /2\/n,\["news","x"\]/);
			assert.match(lonely.out, /nobody is there now: it is dropped\n {2}cure {6}let a page connect to the namespace: nobody is in it\n$/);
			const empty = explain(server, 'ticks.x', '{"kind":"a","to":"nowhere"}');
			assert.equal(empty.status, 0);
			assert.match(empty.out, /nobody is there now: it is dropped\n {2}cure {6}3 clients are in the namespace, and none in the room: a page has to ask, .*"join"\n$/);
			assert.equal(c.connected, true);
		}),
	);

	test('says why nothing would arrive', limit(), () =>
		withCleanup(async (cleanup) => {
			const server = await configure(cleanup, config);
			const cases = [
				[['ticks.x', '{"kind":"b"}'], /not sent {2}where: does not match at \/kind\n {2}there {5}"b"\n {2}cure {6}compare it with "where"/],
				[['ticks.x', '{"kind":["a"]}'], /not sent {2}where: does not match at \/kind\n {2}there {5}\["a"\]\n {2}cure/],
				[['ticks.x', '{"Kind":"a"}'], /not sent {2}where: does not match at \/kind\n {2}there {5}nothing\n {2}cure/],
				[['ticks.x', '{"kind":"a"}'], /not sent {2}room: has no value in the message\n {2}cure {6}publish it with the member that "room"/],
				[['ticks.x', 'text'], /not sent {2}json: not one JSON value\n {2}cure {6}publish one JSON value/],
				[['news', '{}'], /not sent {2}payload: has no value in the message\n {2}cure {6}.*"payloadDefault"/],
				[['nwes'], /^no feed is for nwes: .*\n {2}cure {6}publish where a feed is.*\nfeeds\[0\]: pattern ticks\.\*\nfeeds\[1\]: channel news\n$/],
			];
			for (const [args, expected] of cases) {
				const { status, out } = explain(server, ...args);
				assert.equal(status, 1);
				assert.match(out, expected);
			}
			const filtered = JSON.parse(explain(server, '--json', 'ticks.x', '{"kind":{"b":1}}').out);
			assert.deepEqual([filtered.sent, filtered.pointer, filtered.found], [false, '/kind', '{"b":1}']);
			assert.match(explain(server, 'news').out, /depends {3}on the message: give one\n/);
			const away = explain(server, 'news', '{"text":"\\u001b[31m"}');
			assert.equal(away.status, 0);
			assert.match(away.err, /not known: no siocast answers on the admin port\n/);
			assert.doesNotMatch(away.out, /\x1b/);
			assert.equal(explain(server).status, 2);
		}),
	);

	test('says who gets a message twice, which is so', limit(), () =>
		withCleanup(async (cleanup) => {
			const port = await freePort();
			const redis = await startRedis(cleanup, port);
			const as = { event: 'tick', encode: 'json', batch: { interval: 0 } };
			const server = await startSiocast(cleanup, {
				...config,
				redis: `redis://127.0.0.1:${port}`,
				feeds: [
					{ channel: 'ticks.a', room: ['r', '{/also}'], ...as },
					{ pattern: 'ticks.*', room: '{1}', ...as },
					{ pattern: 'tick*', ...as, event: 'other' },
					{ channel: 'ticks.r', ...as },
				],
			});
			await feedsReady(redis, server);
			const socket = await connect(cleanup, server);
			for (const room of ['a', 'r']) await ask(socket, 'join', room);
			const inbox = collect(socket, 'tick');
			const cases = [
				// [channel, message, feeds that say so with the one they name, how often it comes]
				['ticks.a', '{"also":"x"}', {}, 2], // by two rooms that are not the same, in both of which the client is
				['ticks.a', '{"also":"a"}', { 1: 0 }, 2],
				['ticks.r', '{}', { 1: 3 }, 2],
				['ticks.q', '{}', {}, 0],
			];
			for (const [channel, message, twice, times] of cases) {
				const told = explain(server, '--json', channel, message).out.trim().split('\n').map((line) => JSON.parse(line));
				assert.deepEqual(Object.fromEntries(told.filter((one) => one.twice !== undefined).map((one) => [one.feed, one.twice])), twice, channel);
				const { out } = explain(server, channel, message);
				assert.equal(out.split('gets the message twice').length - 1, Object.keys(twice).length, out);
				await redis.client.command('PUBLISH', channel, message);
				for (let i = 0; i < times; i++) assert.deepEqual(await inbox.next(channel), [JSON.parse(message)]);
			}
			// And nothing more came.
			await redis.client.command('PUBLISH', 'ticks.a', '"the last"');
			assert.deepEqual(await inbox.next('the last'), ['the last']);
			const twins = await configure(cleanup, { feeds: [{ channel: 'news' }, { channel: 'news', encode: 'json' }] });
			const checked = tool(['check', '-c', twins.file]);
			assert.match(checked.err, /warning: feeds\[1\]: feeds\[0\] sends the same event of the same messages there: each would come twice\n/);
			assert.match(explain(twins, 'news', '1').out, /twice {5}feeds\[0\] sends this event there, too: .*\n {2}cure {6}keep one of them/);
		}),
	);

	test('tells of no message that it comes twice by ways that it cannot both go', limit(), () =>
		withCleanup(async (cleanup) => {
			const feeds = ['channel', 'stream', 'shard'].map((kind) => ({ [kind]: 'news', event: 'news', encode: 'json', batch: { interval: 0 } }));
			const redis = await startRedis(cleanup, await freePort());
			const server = await startSiocast(cleanup, { feeds: feeds.slice(0, 2), redis: redis.url });
			await ready(server);
			const inbox = collect(await connect(cleanup, server), 'news');
			const twice = (setup) => {
				const { out } = explain(setup, '--json', 'news', '{"data":"1"}');
				return Object.fromEntries(out.trim().split('\n').map((line) => JSON.parse(line)).map((one) => [Object.keys(one)[1], one.twice]));
			};
			assert.deepEqual(twice(server), { channel: undefined, stream: undefined });
			assert.doesNotMatch(explain(server, 'news', '{"data":"1"}').out, /twice/);
			await redis.client.command('XADD', 'news', '*', 'data', '1');
			await redis.client.command('PUBLISH', 'news', '{"data":"2"}');
			const got = [(await inbox.next())[0], (await inbox.next())[0]].map(({ data }) => data);
			assert.deepEqual(got.sort(), ['1', '2']);
			// PUBLISH reaches the one, SPUBLISH the other.
			assert.deepEqual(twice(await configure(cleanup, { feeds, redis: redis.url })), { channel: undefined, shard: undefined, stream: undefined });
			// What is published to siocast itself reaches both.
			const intake = await startSiocast(cleanup, { redis: undefined, feeds: [feeds[0], feeds[2]], intake: `127.0.0.1:${await freePort()}` });
			assert.deepEqual(twice(intake), { channel: undefined, shard: 0 });
			assert.match(explain(intake, 'news', '1').out, /message twice, when it comes by the intake or POST \/publish\n/);
			const both = collect(await connect(cleanup, intake), 'news');
			assert.equal(tool(['publish', '-c', intake.file, '-q', 'news', '3']).status, 0);
			for (let i = 0; i < 2; i++) assert.deepEqual(await both.next(), [3]);
		}),
	);

	test('of a hub it tells of edges, too', limit(), () =>
		withCleanup(async (cleanup) => {
			const { hub, folder } = await startHub(cleanup, { adapter: { mode: 'member', dialects: ['classic'] } });
			const one = (...args) => JSON.parse(explain(hub, '--json', ...args).out);
			const there = (told) => [told.clients, told.edges];
			assert.match(explain(hub, 'news', '1').out, /nobody is there now: it is dropped\n {2}cure {6}let a page connect/);
			const edge = await startEdge(cleanup, hub.port, folder);
			const socket = await connect(cleanup, edge);
			await rooms(hub, 1);
			// Somebody is in the namespace there, and nobody in the room.
			assert.deepEqual(there(one('news', '1')), [0, true]);
			const all = explain(hub, 'news', '1').out;
			assert.match(all, /\n {2}clients {3}0 here, and those of edges\n {2}costs {5}\d+ bytes for each, by WebSocket, 0 in all here\n$/);
			assert.deepEqual(there(one('room:x', '1')), [0, undefined]);
			assert.match(explain(hub, 'room:x', '1').out, /clients {3}0\n.*\n {2}but .*dropped\n {2}cure {6}0 clients are in the namespace here, and maybe others at edges, and none in the room: a page has to ask/);
			await ask(socket, 'join', 'x');
			await rooms(hub, 2);
			assert.deepEqual(there(one('room:x', '1')), [0, true]);
			assert.doesNotMatch(explain(hub, 'room:x', '1').out, / but | cure /);
			await ask(await connect(cleanup, hub), 'join', ['x', 'y']);
			assert.deepEqual(there(one('room:x', '1')), [1, true]);
			assert.deepEqual(there(one('room:y', '1')), [1, undefined]);
			// Events of Node go to edges, orders do not.
			const event = ['socket.io#/#', '93a7656d697474657283a47479706502a46461746192a17401a36e7370a12f82a5726f6f6d7392a178a179a5666c61677380'];
			assert.deepEqual(there(one(...event)), [2, true]);
			assert.match(explain(hub, ...event).out, /\n {2}clients {3}at most 2 here, and those of edges\n$/);
			const joins = ['socket.io-request#/#', JSON.stringify({ type: 2, opts: { rooms: ['y', 'x'], except: [], flags: {} }, rooms: ['c'] })];
			assert.deepEqual(there(one(...joins)), [2, undefined]);
			const answer = JSON.parse((await request(hub.admin, 'GET', '/rooms?room=x&room=y')).text);
			assert.deepEqual(answer, {
				namespace: '/',
				clients: 1,
				edges: true,
				rooms: [{ room: 'x', clients: 1, edges: true }, { room: 'y', clients: 1, edges: false }],
			});
		}),
	);

	test('asks about as many rooms at once as the admin port takes', limit(), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort());
			const long = 'é'.repeat(80);
			for (const headerBytes of [1024, undefined]) {
				const server = await startSiocast(cleanup, {
					...config,
					redis: redis.url,
					feeds: [{ channel: 'many', event: 'many', encode: 'json', room: `{/rooms}`, batch: { interval: 0 } }],
					limits: { headerBytes },
				});
				const socket = await connect(cleanup, server);
				const names = Array.from({ length: 120 }, (_, i) => (headerBytes ? `room-${i}` : long + i));
				for (const room of [names[0], names[60], names[119]]) await ask(socket, 'join', room);
				const { out, err } = explain(server, '--json', 'many', JSON.stringify({ rooms: names }));
				assert.equal(err, '');
				assert.equal(JSON.parse(out).clients, 3);
			}
		}),
	);

	test('says when the name of a room is too long to ask about it', limit(), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort());
			const feeds = [{ channel: 'one', room: '{/room}', encode: 'json' }];
			const server = await startSiocast(cleanup, { ...config, redis: redis.url, feeds, limits: { headerBytes: 1024 } });
			const { err } = explain(server, 'one', JSON.stringify({ room: 'é'.repeat(200) }));
			assert.equal(err, 'siocast explain: who is in the rooms is not known: the name is longer than the admin port takes: limits.headerBytes\n');
		}),
	);

	test('knows what adapters and emitters of Node say', limit(), () =>
		withCleanup(async (cleanup) => {
			const server = await configure(cleanup, { ...config, adapter: { mode: 'member', dialects: ['classic', 'streams'], streamCount: 2 } });
			const opts = { rooms: ['a', 7], except: ['b'], flags: {} };
			const cases = [
				// [ 'emitter', { type: 2, data: ['t', 1], nsp: '/' }, { rooms: ['r1', 'r2'], flags: {} } ]
				[['socket.io#/#', '93a7656d697474657283a47479706502a46461746192a17401a36e7370a12f82a5726f6f6d7392a27231a27232a5666c61677380'], 0,
					/^adapter: classic, member\n {2}means {5}an event\n {2}namespace \/\n {2}rooms {5}r1, r2\n {2}data {6}\["t",1\]\n$/],
				[['socket.io-request#/n#', JSON.stringify({ type: 2, opts, rooms: ['c'] })], 0, /sockets join rooms\n {2}namespace \/n\n {2}rooms {5}a, 7\n {2}except {4}b\n {2}join {6}c\n$/],
				[['socket.io-request#/#', '{"type":5,"requestId":"x","opts":{}}'], 0, /a question: what sockets are/],
				[['socket.io-1', JSON.stringify({ nsp: '/', type: '3', data: JSON.stringify({ packet: { type: 2, data: ['e'] }, opts }) })], 0, /streams, emit-only\n {2}means {5}an event/],
				[['socket.io#/#', 'text'], 1, /not understood\n {2}because {3}unreadable\n$/],
				[['socket.io#/#'], 1, /give one/],
				[['other#/#', 'text'], 1, /^no feed is for other#\/#/],
			];
			for (const [args, wanted, expected] of cases) {
				const { status, out } = explain(server, ...args);
				assert.match(out, expected);
				assert.equal(status, wanted);
			}
			const { out } = explain(server, '--json', 'socket.io-request#/#', JSON.stringify({ type: 4, opts, close: true }));
			const { clients, ...told } = JSON.parse(out);
			assert.equal(clients, undefined);
			assert.deepEqual(told, { adapter: 'classic', mode: 'member', meaning: 'sockets are put out', namespace: '/', rooms: ['a', '7'], except: ['b'], names: [] });
		}),
	);
});
