// SPDX-License-Identifier: MIT
//
// Polls that come a second time. Who sends one again has not got the answer: what was in it is lost, so the session ends and the client
// comes back. A poll is told from the next one by its `t`, and clients that have none, or always the same, are served as ever.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { connected, createClient } from './lib/client.mjs';
import { SIOCAST_ONLY, startEcho } from './lib/daemon.mjs';
import { Session } from './lib/engine.mjs';
import { startRepeating } from './lib/fronts.mjs';
import { request } from './lib/http.mjs';
import { metric } from './lib/metrics.mjs';
import { nodeOf, startNodes } from './lib/peers.mjs';
import { suite } from './lib/suite.mjs';
import { eventually, limit } from './lib/wait.mjs';

const UNKNOWN = { code: 1, message: 'Session ID unknown' };

suite('a poll that comes again', (cleanup) => startEcho(cleanup), (server) => {
	/** Something for the client, and the answer to its poll with that `t`. */
	const poll = async (session, t, text) => {
		assert.equal((await session.post(`4${text}`)).text, 'ok');
		return request(session.port, 'GET', `${session.target}${t}`);
	};

	test('ends its session', limit(), async () => {
		const session = await Session.open(server, '&t=P8abcde');
		for (const t of ['P8abcdf', 'P8abcdf.0', 'P8abcdg']) assert.equal((await poll(session, `&t=${t}`, t)).text, `4${t}`);
		const again = await poll(session, '&t=P8abcdg', 'what comes next');
		assert.deepEqual([again.status, again.json], [400, UNKNOWN]);
		assert.deepEqual((await session.poll()).json, UNKNOWN);
	});

	test('is none of a client whose polls are all alike, or have the time', limit(), async () => {
		const alike = ['', '&t=', '&t=x', '&t=1795720354', '&t=1795720354433', '&t=1795720354.25'].map((t) => [t, t, t]);
		const seconds = [354, 354, 355, 355, 356, 356].map((n) => `&t=1795720${n}`);
		const fractions = [354.25, 354.25, 355.5, 355.5].map((n) => `&t=1795720${n}`);
		for (const all of [...alike, seconds, fractions]) {
			const session = await Session.open(server, all[0]);
			for (const [i, t] of all.entries()) assert.equal((await poll(session, t, i)).text, `4${i}`, all.join(' '));
		}
	});
}, SIOCAST_ONLY);

describe('three nodes behind a proxy that sends a poll again', { skip: SIOCAST_ONLY }, () => {
	/** By the second node goes what the first one answers to a client, until that node ends in the middle of it. */
	const end = async (cleanup, how) => {
		const { redis, nodes } = await startNodes(cleanup, { connectionStateRecovery: {}, namespaces: { '/': {} } });
		const [a, b, c] = nodes;
		const front = await startRepeating(cleanup, a, b, c);
		const socket = createClient(cleanup, front, { transports: ['polling'], reconnectionDelay: 50, randomizationFactor: 0 });
		const [got, recovered] = [[], []];
		socket.on('news', (n) => got.push(n));
		socket.on('connect', () => recovered.push(socket.recovered));
		await connected(socket);
		const publish = (n) => redis.client.command('PUBLISH', 'news', String(n));
		const answers = () => metric(a, 'sends_total{transport="polling",eio="4"}');
		await publish(1);
		await eventually(() => got.length === 1, 'the first message');
		// The answer to the handshake is counted among answers, but was no poll.
		await eventually(async () => (await metric(a, 'polls_total')) === (await answers()), 'a poll to be held');
		const before = await answers();
		b.child.child.kill('SIGSTOP');
		await publish(2);
		await eventually(async () => (await answers()) === before + 1, 'the answer to be on its way');
		await how(b.child);
		await eventually(() => got.length === 2, 'the second message');
		await publish(3);
		await eventually(() => got.at(-1) === 3, 'the third message');
		assert.equal(nodeOf(socket.io.engine.id), 'a');
		assert.deepEqual([got, recovered[0]], [[1, 2, 3], false]);
		return { recovered, repeated: await metric(a, 'polls_repeated_total'), passed: await metric(c, 'peer_requests_total{direction="out"}') };
	};

	test('lose nothing in silence when the one between is killed', limit(90), () =>
		withCleanup(async (cleanup) => {
			const { recovered, repeated, passed } = await end(cleanup, (child) => child.kill());
			assert.deepEqual([recovered, repeated], [[false, true], 1]);
			assert.ok(passed >= 2, `${passed} passed on by the third node`);
		}),
	);

	test('nor when it ends in order', limit(90), () =>
		withCleanup(async (cleanup) => {
			await end(cleanup, (child) => {
				child.signal('SIGTERM');
				child.child.kill('SIGCONT');
			});
		}),
	);
});
