// SPDX-License-Identifier: MIT
//
// Restarts without a break under load, for tests/restart.mjs; handover.test.mjs has the short form.

import { MODES, connect } from './client.mjs';
import { Renewed, handshake } from './handover.mjs';
import { freePort } from './ports.mjs';
import { startRedis } from './redis.mjs';
import { SLOW, eventually, once } from './wait.mjs';

const BACK_MS = 60_000 * SLOW;

/** A client that counts what it has, and whether that is what it was to get. */
function watch(socket, tally) {
	const client = { socket, next: 0 };
	socket.on('n', (n) => {
		if (n > client.next) tally.lost += n - client.next;
		if (n < client.next) tally.twice++;
		client.next = Math.max(client.next, n + 1);
	});
	socket.on('connect', () => {
		tally[socket.recovered ? 'recovered' : 'anew']++;
	});
	return client;
}

/** Opens so many, of all transports, some at a time. */
async function openAll(cleanup, server, n, tally) {
	const clients = [];
	const modes = Object.values(MODES);
	while (clients.length < n) {
		const some = Array.from({ length: Math.min(50, n - clients.length) }, (_, i) =>
			connect(cleanup, server, { ...modes[i % 3], timeout: BACK_MS, reconnectionDelay: 1000, reconnectionDelayMax: 5000 }),
		);
		clients.push(...(await Promise.all(some)).map((socket) => watch(socket, tally)));
	}
	return clients;
}

/**
 * Does something so many times a second; gives what stops it and waits for the last. Where that is more than this process can do, which
 * has the clients, too, it does less: of a second's worth none is begun before others are over.
 */
function often(cleanup, perSecond, what) {
	let looked = performance.now();
	const all = new Set();
	let done = 0;
	let due = 0;
	const timer = setInterval(() => {
		const now = performance.now();
		due = Math.min(due + ((now - looked) / 1000) * perSecond, perSecond / 4);
		looked = now;
		for (; due >= 1 && all.size < perSecond; due--) {
			const one = what(done++).finally(() => all.delete(one));
			all.add(one);
		}
	}, 5);
	cleanup.add(timer, () => clearInterval(timer));
	return async () => {
		clearInterval(timer);
		await Promise.all(all);
		return done;
	};
}

/** `clients`, how many; `restarts`, how many, `every` so many ms; `rate` messages and `connections` in a second. */
export async function restarts(cleanup, { clients: n, restarts: times, every, rate, connections, workers, log }) {
	const tally = { restarts: 0, connections: 0, refused: 0, messages: 0, recovered: 0, anew: 0, lost: 0, twice: 0, reasons: {} };
	const redis = await startRedis(cleanup, await freePort());
	const feeds = [{ channel: 'n', event: 'n', encode: 'json', batch: { interval: 0 } }];
	const connectionStateRecovery = { maxDisconnectionDuration: 120000 * SLOW };
	const server = await Renewed.start(cleanup, { workers, redis: redis.url, feeds, connectionStateRecovery });
	await server.ready();
	const clients = await openAll(cleanup, server, n, tally);
	log(`${clients.length} clients`);
	const refuse = (error) => {
		tally.refused++;
		tally.reasons[error.message] = (tally.reasons[error.message] ?? 0) + 1;
	};
	const connecting = often(cleanup, connections, () => handshake(server).catch(refuse));
	let next = 0;
	const publishing = often(cleanup, rate, () => redis.client.command('PUBLISH', 'n', String(next++)));
	for (; tally.restarts < times; tally.restarts++) {
		const wait = new Promise((resolve) => setTimeout(resolve, every));
		const back = clients.map(({ socket }) => once(socket, 'connect', 'a client to be back', BACK_MS));
		await server.renew();
		await Promise.all(back).catch((error) => {
			// Who is not back, and what it is at.
			const away = clients.filter(({ socket }) => !socket.connected).map(({ socket }) => `${socket.io.opts.transports.join()}: ${socket.io._readyState} ${socket.io.engine?.readyState}`);
			throw new Error(`${error.message}: ${away.length} are away, such as ${away.slice(0, 5).join('; ')}\n${server.child.tail(20)}`);
		});
		log(`restart ${tally.restarts + 1}: ${/.*event=handed-over .* (ms=\d+)/s.exec(server.child.output)[1]}, ${JSON.stringify(tally)}`);
		await wait;
	}
	tally.connections = await connecting();
	tally.messages = await publishing();
	await eventually(() => clients.every((client) => client.next >= tally.messages), 'the last messages to arrive', BACK_MS).catch(() => undefined);
	for (const client of clients) tally.lost += tally.messages - client.next;
	return tally;
}
