// SPDX-License-Identifier: MIT
//
// "Why does nothing arrive?": with --log-level debug the daemon says what it refused, left out and ended, a line each, and no more
// than a few of a kind; with info it says nothing of it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MODES, collect, connect } from './lib/client.mjs';
import { SIOCAST_ONLY, feedsReady, startSiocast } from './lib/daemon.mjs';
import { Session, openDirect, openJoined } from './lib/engine.mjs';
import { withCleanup } from './lib/cleanup.mjs';
import { metric } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { request } from './lib/http.mjs';
import { eventually, limit } from './lib/wait.mjs';

const options = { ...limit(), skip: SIOCAST_ONLY };

const config = {
	engine: { pingInterval: 25000 },
	limits: { roomsPerSocket: 1 },
	namespaces: { '/': { on: { subscribe: [{ join: '{1}' }], quit: [{ disconnect: true }] } } },
};

const atLevel = (level) => ({ wrap: (command, args) => [command, [...args, '--log-level', level]] });

/** Starts the daemon; `lines(event)` gives what it has written about an event. */
async function start(cleanup, level, more = {}) {
	const server = await startSiocast(cleanup, { ...config, ...more }, atLevel(level));
	const lines = (event) => server.child.output.split('\n').filter((line) => line.includes(`event=${event} `));
	return { ...server, lines };
}

/** Waits for the line of an event and checks it: whole, but for its time. */
async function says(server, event, pattern) {
	const [line] = await eventually(() => server.lines(event).length > 0 && server.lines(event), `a line of ${event}`);
	assert.match(line, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z debug event=/);
	assert.match(line, pattern);
	assert.equal(server.lines(event).length, 1, `one line of ${event}`);
}

/** A joined client that says one packet. */
async function client(cleanup, server, packet) {
	const socket = await openJoined(server);
	cleanup.add(socket, () => socket.close());
	await socket.text(packet);
	return socket;
}

// What a client does, and the line about it.
const closed = (rest) => new RegExp(`event=session-closed sid=[\\w-]{20} ${rest} transport=\\w+ eio=4 seconds=\\d+ suppressed=0$`);
const lines = [
	{
		name: 'a namespace that is not configured',
		act: (cleanup, server) => client(cleanup, server, '40/no"pe,'),
		event: 'connect-refused',
		line: /event=connect-refused sid=[\w-]{20} nsp="\/no\\x22pe" why="Invalid namespace" suppressed=0$/,
		counter: 'connect_refused_total',
	},
	{
		name: 'an event that no handler is for',
		act: (cleanup, server) => client(cleanup, server, '42["nobody",1]'),
		event: 'event-unhandled',
		line: /event=event-unhandled sid=[\w-]{20} nsp="\/" name="nobody" suppressed=0$/,
		counter: 'events_unhandled_total',
	},
	{
		name: 'an action that its arguments make nothing of',
		act: (cleanup, server) => client(cleanup, server, '42["subscribe",{"no":"room"}]'),
		event: 'action-skipped',
		line: /event=action-skipped sid=[\w-]{20} nsp="\/" name="subscribe" action=join target="\{1\}" why="[a-z ,]+" suppressed=0$/,
		counter: 'handlers_skipped_total',
	},
	{
		name: 'a join over the limit',
		act: (cleanup, server) => client(cleanup, server, '42["subscribe",["a","b"]]'),
		event: 'join-refused',
		line: /event=join-refused sid=[\w-]{20} nsp="\/" room="b" limit=limits.roomsPerSocket max=1 suppressed=0$/,
		counter: 'joins_refused_total',
	},
	{
		name: 'an unknown session',
		act: (cleanup, server) => request(server.port, 'GET', `${server.path}?EIO=4&transport=polling&sid=gone`),
		event: 'request-refused',
		line: /event=request-refused why="Session ID unknown" target="\/socket.io\/\?EIO=4&transport=polling&sid=gone" suppressed=0$/,
		counter: 'requests_refused_total',
	},
	{
		name: 'an invalid packet',
		act: (cleanup, server) => client(cleanup, server, '42{'),
		event: 'session-closed',
		line: closed('reason="forced close" why="invalid payload"'),
		counter: 'packets_invalid_total{reason="payload"}',
	},
	{
		name: 'a client that disconnects',
		act: async (cleanup, server) => (await connect(cleanup, server, MODES.websocket)).disconnect(),
		event: 'session-closed',
		line: closed('reason="transport close"'),
		counter: 'sessions_closed_total{reason="transport close"}',
	},
	{
		name: 'a handler that disconnects',
		act: (cleanup, server) => client(cleanup, server, '42["quit"]'),
		event: 'session-closed',
		line: closed('reason="forced close" why="disconnect by a handler"'),
		counter: 'clients_ended_total{reason="disconnect"}',
	},
	{
		name: 'a client that does not answer pings',
		more: { engine: { pingInterval: 100, pingTimeout: 100 } },
		act: (cleanup, server) => openJoined(server),
		event: 'session-closed',
		line: closed('reason="ping timeout"'),
		counter: 'sessions_closed_total{reason="ping timeout"}',
	},
	{
		name: 'a client that asks for no namespace',
		more: { engine: { connectTimeout: 100 } },
		act: (cleanup, server) => openDirect(server),
		event: 'session-closed',
		line: closed('reason="forced close" why="no CONNECT in time"'),
		counter: 'clients_ended_total{reason="connect timeout"}',
	},
];

for (const { name, act, event, line, counter: count, more } of lines) {
	test(`${name} has a line at debug, and none at info`, options, () =>
		withCleanup(async (cleanup) => {
			const server = await start(cleanup, 'debug', more);
			await act(cleanup, server);
			await says(server, event, line);
			const quiet = await start(cleanup, 'info', more);
			await act(cleanup, quiet);
			await eventually(async () => (await metric(quiet, count)) === 1, `${count} to be 1`);
			assert.doesNotMatch(quiet.child.output, / debug |event=(session|request|connect-refused|join|action|event)-/);
		}),
	);
}

test('messages that are not sent have a line that says which part of the feed it was', options, () =>
	withCleanup(async (cleanup) => {
		const redis = await startRedis(cleanup, await freePort());
		const feeds = [
			{ channel: 'ticks', event: '{/type}', room: 'r.{/id}', where: { '/on': true }, batch: { interval: 0 } },
			{ channel: 'news', event: 'news', encode: 'json', batch: { interval: 0 } },
		];
		const server = await start(cleanup, 'debug', { redis: redis.url, feeds });
		await feedsReady(redis, server);
		const reader = await connect(cleanup, server, MODES.websocket);
		const heard = collect(reader, 'news');
		const said = (part) => server.lines('message-not-sent').filter((line) => line.includes(` part=${part} `));
		const cases = [
			['where', '{"type":"a","id":1,"on":false}', /feed=0 channel="ticks" .* reason="does not match" room="" message=".*" suppressed=0$/],
			['event', '{"id":1,"on":true}', /feed=0 channel="ticks" .* reason="has no value in the message" room="" /],
			['room', '{"type":"a","on":true}', /feed=0 channel="ticks" .* reason="has no value in the message" room="" /],
			['members', '{"type":"a","id":7,"on":true}', /feed=0 channel="ticks" .* reason="nobody is there" room="r.7" /],
			['json', 'no json', /feed=0 channel="ticks" .* reason="not one JSON value" room="" message="no json" suppressed=0$/],
		];
		for (const [, message] of cases) await redis.client.publish('ticks', message);
		await redis.client.publish('news', '1');
		await heard.next('the message behind them');
		for (const [part, , line] of cases) {
			await eventually(() => said(part).length === 1, `the line of ${part}`);
			assert.match(said(part)[0], line);
		}
		assert.equal(server.lines('message-not-sent').length, cases.length);
	}),
);

test('a client that does not read has a line', options, () =>
	withCleanup(async (cleanup) => {
		const redis = await startRedis(cleanup, await freePort());
		const feeds = [{ channel: 'bulk', event: 'bulk', batch: { interval: 0 }, slow: 'disconnect' }];
		const server = await start(cleanup, 'debug', { redis: redis.url, feeds });
		await feedsReady(redis, server);
		const healthy = await connect(cleanup, server, MODES.websocket);
		const heard = collect(healthy, 'bulk');
		const stopped = await openJoined(server);
		cleanup.add(stopped, () => stopped.close());
		stopped.wire.socket.pause();
		const big = JSON.stringify('x'.repeat(100_000));
		for (let n = 0; n < 2000 && server.lines('session-closed').length === 0; n++) {
			await redis.client.publish('bulk', big);
			await heard.next('a big message');
		}
		await says(server, 'session-closed', closed('reason="forced close" why="too slow"'));
		assert.equal(await metric(server, 'slow_disconnected_total'), 1);
		assert.ok(healthy.connected);
	}),
);

test('a flood of one kind writes a few lines, and hides no other kind', options, () =>
	withCleanup(async (cleanup) => {
		const server = await start(cleanup, 'debug');
		const socket = await openJoined(server);
		cleanup.add(socket, () => socket.close());
		for (let i = 0; i < 3000; i++) socket.text('42["nobody"]');
		await socket.text('40/nowhere');
		await says(server, 'connect-refused', /nsp="\/nowhere"/);
		await eventually(async () => (await metric(server, 'events_unhandled_total')) === 3000, '3000 events');
		assert.ok(server.lines('event-unhandled').length <= 10, `${server.lines('event-unhandled').length} lines`);

		const faulty = await Promise.all(Array.from({ length: 50 }, () => openJoined(server)));
		for (const one of faulty) await one.text('49');
		await eventually(async () => (await metric(server, 'packets_invalid_total{reason="type"}')) === 50, '50 faults');
		const polling = await Session.open(server);
		await polling.post('1');
		await eventually(() => server.lines('session-closed').some((line) => line.includes('transport=polling')), 'its end');
		const ends = server.lines('session-closed').filter((line) => line.includes('why="unknown packet type"'));
		assert.ok(ends.length >= 5 && ends.length <= 10, `${ends.length} lines`);
	}),
);
