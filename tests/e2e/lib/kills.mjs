// SPDX-License-Identifier: MIT
//
// Servers that are killed one after the other, while messages flow and official clients hold on: each is to have every message once
// and in order, or the word that it begins anew. All clients are at one server, and then at the next; or they are at all of them, which are nodes
// behind a proxy. tests/kills.mjs runs it at full length, elsewhere.test.mjs and nodes.test.mjs a few seconds of it.

import fs from 'node:fs';
import path from 'node:path';
import { createClient } from './client.mjs';
import { Cutter } from './cutter.mjs';
import { configure, launchSiocast } from './daemon.mjs';
import { startLb, startRoundRobin } from './fronts.mjs';
import { request } from './http.mjs';
import { readMetrics, sumOf } from './metrics.mjs';
import { freePort } from './ports.mjs';
import { startRedis } from './redis.mjs';
import { eventually } from './wait.mjs';

const namespaces = { '/': { on: { join: [{ join: '{1}' }, { ack: [] }] } } };

/** The same numbers to all, to a room at once, and to a room in batches. */
const feedsOf = (source) => {
	const from = source === 'stream' ? { stream: 'n', field: 'n' } : { channel: 'n' };
	const one = { ...from, encode: 'json' };
	return [
		{ ...one, event: 'all', batch: { interval: 0 } },
		{ ...one, event: 'room', room: 'a', batch: { interval: 0 } },
		{ ...one, event: 'batch', room: 'b', batch: { interval: 50 } },
	];
};

const ready = (server) => eventually(async () => (await request(server.admin, 'GET', '/readyz')).status === 200, 'siocast to be ready');

const DELAY_MS = 50; // half of that to three halves, before the first attempt to come back

/** One client, and what it got of each event. */
class Holder {
	constructor(cleanup, line, transports, tally) {
		this.tally = tally;
		this.next = {};
		this.socket = createClient(cleanup, line, { transports, reconnectionDelay: DELAY_MS, reconnectionDelayMax: 200 });
		this.socket.on('connect', () => this.#connected());
		this.socket.on('disconnect', () => {
			this.gone = performance.now();
		});
		this.socket.io.on('reconnect', (attempts) => {
			tally.attempts[attempts] = (tally.attempts[attempts] ?? 0) + 1;
		});
		for (const event of ['all', 'room']) this.socket.on(event, (n) => this.#got(event, n));
		this.socket.on('batch', (list) => list.forEach((n) => this.#got('batch', n)));
		this.socket.connect();
	}

	#connected() {
		if (this.was) {
			this.tally[this.socket.recovered ? 'recovered' : 'anew']++;
			this.tally.away = Math.max(this.tally.away, performance.now() - this.gone);
		}
		this.was = true;
		if (!this.socket.recovered) {
			this.next = {};
			this.joined = false;
		}
		// What it asked a server that was killed before the answer came, nobody may have done.
		if (this.joined) return;
		this.socket.emit('join', ['a', 'b'], () => {
			this.joined = true;
		});
	}

	#got(event, n) {
		const next = this.next[event] ?? n;
		if (n > next) this.tally.lost += n - next;
		if (n < next) this.tally.twice++;
		else this.next[event] = n + 1;
	}

	has(last) {
		return ['all', 'room', 'batch'].every((event) => this.next[event] === last + 1);
	}
}

const NAMES = 'abcdefgh';

/** Servers of one Redis, told apart by a name where a proxy stands in front of them. */
async function startServers(cleanup, n, { front, ...config }) {
	const servers = [];
	for (let i = 0; i < n; i++) servers.push({ ...(await configure(cleanup)), name: NAMES[i] });
	const peerKeyFile = config.connectionStateRecovery.elsewhere.secretFile;
	const peers = front === 'peers' || front === 'repeating' ? { peers: Object.fromEntries(servers.map(({ name, port }) => [name, `127.0.0.1:${port}`])), peerKeyFile } : {};
	for (const server of servers) {
		Object.assign(server.config, config, front ? { node: server.name, ...peers } : {});
		fs.writeFileSync(server.file, JSON.stringify(server.config));
		server.child = await launchSiocast(cleanup, server);
	}
	await Promise.all(servers.map(ready));
	return servers;
}

/** Where clients connect; `turn` has them go to another server, where all are at one. */
const FRONTS = {
	async one(cleanup, servers) {
		const cutter = await Cutter.open(cleanup, servers[0].port);
		const turn = (server) => {
			cutter.target = server.port;
		};
		return { url: cutter.url, path: servers[0].path, turn };
	},
	nginx: async (cleanup, servers) => ({ ...(await startLb.nginx(cleanup, servers)), turn() {} }),
	haproxy: async (cleanup, servers) => ({ ...(await startLb.haproxy(cleanup, servers)), turn() {} }),
	peers: async (cleanup, servers) => ({ ...(await startRoundRobin(cleanup, servers)), turn() {} }),
	repeating: async (cleanup, servers) => ({ ...(await startRoundRobin(cleanup, servers, { repeats: true })), turn() {} }),
};

/**
 * `source`: channel, psync or stream. `servers`: how many take turns; `kills` of them are killed, one each `every` ms, and started again.
 * `front`: nginx, haproxy, peers or repeating: all have clients, as nodes behind what `siocast lb` prints, or behind a proxy that knows no sessions,
 * and, the last one, sends polls a second time.
 * Gives what was counted: recovered, anew, lost, twice, sent, the longest time away in ms, how many were back at which attempt; and why, as the
 * servers count it: what one counts in its last moment is not in it.
 */
export async function kills(cleanup, { source, servers: n, clients, kills: total, every, rate, front, workers = 2, log = () => {} }) {
	const redis = await startRedis(cleanup, await freePort(), { args: ['--repl-diskless-sync-delay', '0'] });
	const secretFile = path.join(await cleanup.folder(), 'secret');
	fs.writeFileSync(secretFile, 'what all of them know, and no one else\n', { mode: 0o600 });
	const connectionStateRecovery = { maxDisconnectionDuration: 60000, elsewhere: { secretFile } };
	const config = { workers, redis: { url: redis.url, source: source === 'psync' ? 'psync' : 'subscribe' }, feeds: feedsOf(source), namespaces };
	const servers = await startServers(cleanup, n, { front, ...config, connectionStateRecovery });
	const line = await FRONTS[front ?? 'one'](cleanup, servers);
	const tally = { sent: 0, kills: 0, recovered: 0, anew: 0, lost: 0, twice: 0, away: 0, attempts: {}, why: {} };
	const note = (page) => {
		for (const result of ['recovered', 'unknown', 'offset', 'gap', 'redis']) tally.why[result] = (tally.why[result] ?? 0) + sumOf(page, `recoveries_total{result="${result}"}`);
	};

	const say = (number) => (source === 'stream' ? redis.client.command('XADD', 'n', 'MAXLEN', '~', '100000', '*', 'n', String(number)) : redis.client.publish('n', number));
	const publisher = setInterval(() => say(++tally.sent), 1000 / rate);
	try {
		const holders = Array.from({ length: clients }, (_, i) => new Holder(cleanup, line, [i % 2 ? 'polling' : 'websocket'], tally));
		await eventually(() => holders.every((holder) => holder.joined), 'all clients to be there');
		for (let k = 0; k < total; k++) {
			await new Promise((resolve) => setTimeout(resolve, every));
			const victim = servers[k % n];
			line.turn(servers[(k + 1) % n]);
			note(await readMetrics(victim));
			await victim.child.kill();
			tally.kills++;
			victim.child = await launchSiocast(cleanup, victim);
			await ready(victim);
			log(tally);
		}
		await eventually(() => holders.every((holder) => holder.socket.connected && holder.joined), 'all clients to be back');
		const there = tally.sent;
		await eventually(() => tally.sent > there + 10, 'some more to be sent');
		clearInterval(publisher);
		await eventually(() => holders.every((holder) => holder.has(tally.sent)), 'all clients to have the last message').catch(() => {
			tally.lost += holders.filter((holder) => !holder.has(tally.sent)).length;
		});
		for (const holder of holders) holder.socket.disconnect();
	} finally {
		clearInterval(publisher);
	}
	(await Promise.all(servers.map(readMetrics))).forEach(note);
	return tally;
}
