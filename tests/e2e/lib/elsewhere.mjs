// SPDX-License-Identifier: MIT
//
// Several siocasts of one Redis, between which clients change, and clients that count what they get.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { ask, connect, connected, createClient, upgraded } from './client.mjs';
import { Cutter } from './cutter.mjs';
import { startSiocast } from './daemon.mjs';
import { request } from './http.mjs';
import { freePort } from './ports.mjs';
import { startRedis } from './redis.mjs';
import { eventually, once } from './wait.mjs';

export const on = {
	join: [{ join: '{1}' }, { ack: ['{rooms}'] }],
	leave: [{ leave: '{1}' }, { ack: ['{rooms}'] }],
	rooms: [{ ack: ['{sid}', '{rooms}'] }],
	tell: [{ emit: ['own', '{1}'] }, { ack: [] }],
};
export const namespaces = { '/': { on }, '/chat': { on: { ...on, shout: [{ broadcast: { event: 'shouted', args: ['{1}'], self: true } }, { ack: [] }] } } };
export const MODES = { polling: ['polling'], websocket: ['websocket'], upgrade: ['polling', 'websocket'] };

/** The same feeds of each kind of source: one for all, one for a room, one in batches, one that a page hears of at once and last. */
export const FEEDS = {
	stream: [
		{ stream: 's', field: 'n', event: 'n', encode: 'json', batch: { interval: 0 } },
		{ stream: 'r', field: 'n', event: 'r', room: 'a', encode: 'json', batch: { interval: 0 } },
		{ stream: 's', field: 'n', event: 'batch', room: 'b', encode: 'json', batch: { interval: 30 } },
	],
	pubsub: [
		{ channel: 's', event: 'n', encode: 'json', batch: { interval: 0 } },
		{ channel: 'r', event: 'r', room: 'a', encode: 'json', batch: { interval: 0 } },
		{ channel: 's', event: 'batch', room: 'b', encode: 'json', batch: { interval: 30 } },
	],
};
export const SOURCES = { stream: { feeds: FEEDS.stream }, pubsub: { feeds: FEEDS.pubsub }, psync: { feeds: FEEDS.pubsub, source: 'psync' } };

/** Servers that share a Redis and a secret, and a line to one of them, which can be laid to another. */
export class Servers {
	static async start(cleanup, { feeds, source = 'subscribe', n = 2, workers = 1, secrets = [], redisArgs = [], ...more }) {
		const all = new Servers();
		const folder = await cleanup.folder();
		all.cleanup = cleanup;
		all.redis = await startRedis(cleanup, await freePort(), { args: ['--repl-diskless-sync-delay', '0', ...redisArgs] });
		all.isStream = Boolean(feeds[0].stream);
		all.list = [];
		for (let i = 0; i < n; i++) {
			const secretFile = path.join(folder, `secret${i}`);
			fs.writeFileSync(secretFile, `${secrets[i] ?? 'a secret that all servers have'}\n`);
			const connectionStateRecovery = { maxDisconnectionDuration: 60000, ...more.recovery, elsewhere: { secretFile } };
			const redis = { url: all.redis.url, source };
			const server = await startSiocast(cleanup, { workers, redis, feeds, namespaces, ...more.config, connectionStateRecovery });
			await eventually(async () => (await request(server.admin, 'GET', '/readyz')).status === 200, 'siocast to be ready');
			all.list.push(server);
		}
		all.cutter = await Cutter.open(cleanup, all.list[0].port);
		all.line = { url: all.cutter.url, path: all.list[0].path };
		all.sent = 0;
		return all;
	}

	publish(key, n) {
		return this.isStream ? this.redis.client.command('XADD', key, '*', 'n', String(n)) : this.redis.client.command('PUBLISH', key, String(n));
	}

	/** The next number for all, and for the room. */
	async next() {
		const n = ++this.sent;
		await Promise.all([this.publish('s', n), this.publish('r', n)]);
	}

	/** Numbers, one after the other, until told to stop. */
	flow() {
		let stops = false;
		const ended = (async () => {
			while (!stops) {
				await this.next();
				await new Promise((resolve) => setTimeout(resolve, 3));
			}
		})();
		return () => {
			stops = true;
			return ended;
		};
	}

	/** From now on clients reach the i-th server. */
	turnTo(i) {
		this.cutter.target = this.list[i].port;
	}

	/** The line is laid to another server, and that of the one that is told is killed. */
	async kill(i, to) {
		this.turnTo(to);
		await this.list[i].child.kill();
	}
}

/** A client, in both rooms, and all that it gets. `session`: what it comes back with. */
export async function member(servers, { session, ...options } = {}) {
	const socket = createClient(servers.cleanup, servers.line, { reconnectionDelay: 20, reconnectionDelayMax: 50, randomizationFactor: 0, ...options });
	Object.assign(socket, session);
	const got = { n: [], r: [], batch: [] };
	socket.on('n', (n) => got.n.push(n));
	socket.on('r', (n) => got.r.push(n));
	socket.on('batch', (list) => got.batch.push(...list));
	await connected(socket);
	if (options.transports?.length === 2) await upgraded(socket);
	return Object.assign(socket, { got });
}

export const enter = async (socket) => {
	await ask(socket, 'join', ['a', 'b']);
	for (const list of Object.values(socket.got)) list.length = 0;
};

/** Once and in order up to the last, in each of its streams. */
export function whole(name, list, last) {
	assert.ok(list.length > 0, `${name}: something`);
	assert.deepEqual(list, Array.from({ length: list.length }, (_, i) => list[0] + i), `${name}: once and in order`);
	assert.equal(list.at(-1), last, `${name}: all`);
}

export async function hasAll(socket, last) {
	await eventually(() => ['n', 'r', 'batch'].every((name) => socket.got[name].at(-1) === last), () => JSON.stringify(Object.values(socket.got).map((list) => list.at(-1))));
	for (const name of ['n', 'r', 'batch']) whole(name, socket.got[name], last);
}

/** Until the offsets of all servers say where that is for others, too: of channels only what came in the last ten seconds can be found. */
export async function known(servers) {
	const probes = await Promise.all(servers.list.map((server) => connect(servers.cleanup, server, { transports: ['websocket'] })));
	const stop = servers.flow();
	const says = (socket) => /~.{5}.+/.test(socket._lastOffset ?? '');
	await eventually(() => probes.every(says), 'places that others know', 40_000);
	await stop();
	probes.forEach((socket) => socket.disconnect());
}

export const back = (sockets) => Promise.all(sockets.map((socket) => once(socket, 'connect')));
