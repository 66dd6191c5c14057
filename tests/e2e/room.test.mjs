// SPDX-License-Identifier: MIT
//
// No place is left for one more connection: who has said nothing for a while makes room, who has waited for the longest
// first, and nobody who is at something.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { SIOCAST_ONLY, startSiocast } from './lib/daemon.mjs';
import { Session, openJoined } from './lib/engine.mjs';
import { Wire, request } from './lib/http.mjs';
import { metric } from './lib/metrics.mjs';
import { eventually, limit } from './lib/wait.mjs';

const siocastOnly = { ...limit(60), skip: SIOCAST_ONLY };
const namespaces = { '/': {} };

/** A server with `max` places, all of which are free: whoever looked whether it is there has left. */
async function start(cleanup, max) {
	const server = await startSiocast(cleanup, { workers: 1, limits: { maxConnections: max }, namespaces });
	await eventually(async () => (await metric(server, 'connections')) === 0, 'all places to be free');
	return server;
}

/** A client that gets in as soon as there is room for it. */
async function getsIn(server) {
	let socket;
	await eventually(async () => {
		socket = await openJoined(server).catch(() => undefined);
		return socket !== undefined;
	}, 'room for one more');
	return socket;
}

const open = (server, n) => Promise.all(Array.from({ length: n }, () => Wire.open(server.port)));

test('connections that say nothing, or half of it, keep nobody away', siocastOnly, () =>
	withCleanup(async (cleanup) => {
		const server = await start(cleanup, 8);
		const silent = await open(server, 4);
		const half = await open(server, 4);
		for (const wire of half) await wire.send('GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHo');
		await eventually(async () => (await metric(server, 'connections')) === 8, 'eight connections');
		const clients = [];
		for (let i = 0; i < 8; i++) clients.push(await getsIn(server));
		for (const wire of [...silent, ...half]) await wire.rest();
		assert.equal(await metric(server, 'connections_displaced_total'), 8);

		// All who are left have joined: there is no room among them.
		const refused = await metric(server, 'connections_refused_total');
		await assert.rejects(openJoined(server));
		assert.equal(await metric(server, 'connections_refused_total'), refused + 1);
		assert.equal(await metric(server, 'connections_displaced_total'), 8);
		for (const client of clients) {
			await client.text('40/other,');
			assert.match(await client.nextText('the answer'), /^44\/other,/);
		}
	}),
);

test('who has waited for the longest goes first, also behind an answer', siocastOnly, () =>
	withCleanup(async (cleanup) => {
		const server = await start(cleanup, 3);
		const wires = await open(server, 3);
		// From now on the first is the one that came last.
		await wires[0].send(`GET ${server.path}?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\n\r\n`);
		assert.equal((await wires[0].response()).status, 200);
		for (const wire of [wires[1], wires[2], wires[0]]) {
			const left = wires.filter((other) => other !== wire && !other.ended);
			await getsIn(server);
			await wire.rest('the end of who has waited for the longest');
			assert.deepEqual(left.filter((other) => other.ended), []);
		}
		assert.equal(await metric(server, 'connections_displaced_total'), 3);
	}),
);

test('polls that are held and bodies that arrive are not in the way', siocastOnly, () =>
	withCleanup(async (cleanup) => {
		const server = await start(cleanup, 4);
		const session = await Session.open(server);
		await session.post('40');
		await session.packets();
		const other = await Session.open(server);
		const poll = await session.startPoll();
		const [post, late] = await open(server, 2);
		await post.send(`POST ${other.target} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n4`);
		await eventually(async () => (await metric(server, 'connections')) === 3, 'three connections');
		await getsIn(server);
		await getsIn(server);
		await late.rest();
		await assert.rejects(openJoined(server));
		await post.send('0');
		assert.equal((await post.response()).text, 'ok');
		poll.cancel();
	}),
);

test('the admin port answers beside connections that ask it nothing', siocastOnly, () =>
	withCleanup(async (cleanup) => {
		const server = await start(cleanup, 0);
		const port = server.admin;
		const wires = await Promise.all(Array.from({ length: 60 }, () => Wire.open(port)));
		await eventually(async () => {
			const answer = await request(port, 'GET', '/livez').catch(() => undefined);
			return answer?.status === 200;
		}, 'an answer of the admin port');
		assert.ok(wires.some((wire) => !wire.ended));
	}),
);
