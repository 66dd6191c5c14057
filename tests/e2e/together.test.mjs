// SPDX-License-Identifier: MIT
//
// Everything that brings a page its state, at once: retain with rooms, where, remove, columns and an event of its own, priming, latestPer,
// paces of rooms and of clients, history, recovery, gaps and lags told, a file for the state; by clients of each generation over each
// transport, from each source. Meanwhile lines are cut, rooms are joined and left, Redis hangs and loses connections, the configuration is
// read anew, and siocast is stopped and started. At the end each page shows what is so, and nothing has gone back or come twice.

import assert from 'node:assert/strict';
import path from 'node:path';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import siocast from '../../client-js/siocast-columns.mjs';
import { withCleanup } from './lib/cleanup.mjs';
import { Cutter } from './lib/cutter.mjs';
import { SIOCAST_ONLY, launchSiocast } from './lib/daemon.mjs';
import { request } from './lib/http.mjs';
import { TRANSPORTS, VERSIONS } from './lib/joins.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { reload, startReloadable } from './lib/reload.mjs';
import { eventually, limit } from './lib/wait.mjs';

const require = createRequire(new URL('../../client-js/official/', import.meta.url));
const ROOMS = [0, 1, 2, 3];
const KEYS = 40;
const on = { enter: [{ join: 'r{1}' }, { ack: [] }], exit: [{ leave: 'r{1}' }, { ack: [] }], pace: [{ pace: '{1}' }, { ack: [] }] };

/** Two feeds of the same messages: what there is of each key in its room, and all of them in their order. */
const feedsOf = (source, interval) => {
	const from = source === 'stream' ? { stream: 'n', field: 'n' } : { channel: 'n' };
	const both = { ...from, where: { '/keep': true }, lagEvent: true, gapEvent: true, history: { seconds: 30, messages: 5000 } };
	const keyed = { retain: { key: '/s', max: 1000 }, remove: { where: { '/gone': true } }, snapshotEvent: '{event}:all', slow: { latestPer: '/s' } };
	const prime = source === 'stream' ? {} : { prime: { hash: 'state' } };
	return [
		{ ...both, ...keyed, ...prime, event: 'keys', room: 'r{/room}', batch: { interval, format: 'columns' } },
		{ ...both, event: 'row', encode: 'json', omit: ['/x'], retain: 50, batch: { interval: 30 } },
	];
};

/** What is so: the newest of each key, and every message that is to be seen. */
class World {
	constructor(redis, source) {
		Object.assign(this, { redis, source, n: 0, newest: new Map(), shown: [], place: new Map() });
	}

	async say(k, { keep = true, gone = false } = {}) {
		const message = { s: `k${k}`, room: k % ROOMS.length, n: ++this.n, keep, gone, x: 'x'.repeat(k) };
		const { client } = this.redis;
		const text = JSON.stringify(message);
		if (keep) {
			this.place.set(this.n, this.shown.length);
			this.shown.push(this.n);
			this.newest.set(k, this.n);
		}
		const all = [client.command('MULTI')];
		if (keep) all.push(gone ? client.command('HDEL', 'state', message.s) : client.command('HSET', 'state', message.s, text));
		all.push(this.source === 'stream' ? client.command('XADD', 'n', '*', 'n', text) : client.command('PUBLISH', 'n', text));
		await Promise.all([...all, client.command('EXEC')]);
	}

	/** Says this and that until it is stopped. */
	start() {
		this.running = (async () => {
			for (let i = 0; !this.stopped; i++) {
				await this.say((i * 7) % KEYS, { keep: i % 11 > 0, gone: i % 13 === 0 });
				await new Promise((resolve) => setTimeout(resolve, 3));
			}
		})();
		this.running.catch(() => undefined);
	}

	async stop() {
		this.stopped = true;
		await this.running;
		for (let k = 0; k < KEYS; k++) await this.say(k);
	}
}

/** A page: what it shows of each room that it wants, and the last row. */
class Page {
	constructor(cleanup, url, version, transport, world) {
		const library = require(`client-${version}`);
		const options = { transports: TRANSPORTS[transport], forceNew: true, reconnectionDelay: 50, reconnectionDelayMax: 300 };
		Object.assign(this, { name: `${version} ${transport}`, world, wants: new Set(ROOMS), rooms: new Map(), asked: new Map(), failures: [], row: 0 });
		this.socket = siocast.resume((library.io ?? library)(url, options));
		cleanup.add(this.socket, () => this.socket.disconnect());
		this.socket.on('connect', () => this.#connected());
		this.socket.on('keys:all', (batch) => this.#take(batch));
		this.socket.on('keys', (batch) => this.#take(batch));
		this.socket.on('row', (list) => list.forEach((row) => this.#next(row)));
	}

	#connected() {
		if (this.socket.recovered) {
			// What was asked for when the line broke, nobody may have done.
			for (const [room, { what }] of this.asked) this.#ask(what, room);
			return;
		}
		this.row = 0;
		this.rooms.clear();
		this.asked.clear();
		for (const room of this.wants) this.enter(room);
	}

	#ask(what, room) {
		const request = { what };
		this.asked.set(room, request);
		this.socket.emit(what, room, () => {
			if (this.asked.get(room) !== request) return;
			this.asked.delete(room);
			if (what === 'exit') this.rooms.delete(room);
		});
	}

	enter(room) {
		this.wants.add(room);
		this.rooms.set(room, new Map());
		this.#ask('enter', room);
	}

	exit(room) {
		this.wants.delete(room);
		this.#ask('exit', room);
	}

	/** Enters what it has left, and leaves what it is in, when it has been answered. */
	turn(room) {
		if (!this.socket.connected || this.asked.has(room)) return;
		if (this.wants.has(room)) this.exit(room);
		else this.enter(room);
	}

	#take(batch) {
		for (const { s, room, n, keep } of siocast.decode(batch)) {
			const was = this.rooms.get(room)?.get(s) ?? 0;
			if (!keep || n < was) this.failures.push(`${s}: ${n} behind ${was}`);
			this.rooms.get(room)?.set(s, n);
		}
	}

	#next({ n, x }) {
		const { place, shown, source } = this.world;
		const wanted = shown[place.get(this.row) + 1];
		// What is published on a channel while nobody subscribes is lost.
		if (this.row && (source === 'channel' ? n <= this.row : n !== wanted)) this.failures.push(`row ${n} behind ${this.row}, not ${wanted}`);
		if (x !== undefined) this.failures.push(`row ${n} has what is left out`);
		this.row = n;
	}

	/** What is missing to the whole. */
	get missing() {
		const all = [...this.wants].flatMap((room) => [...Array(KEYS).keys()].filter((k) => k % ROOMS.length === room).map((k) => [room, k]));
		const keys = all.filter(([room, k]) => this.rooms.get(room)?.get(`k${k}`) !== this.world.newest.get(k)).map(([, k]) => `k${k}`);
		return this.row === this.world.n ? keys : [...keys, `row ${this.row}`];
	}
}

const ready = (server) => eventually(async () => (await request(server.admin, 'GET', '/readyz')).status === 200, 'siocast to be ready');

/** Each thing that may happen, several times. */
async function live({ server, redis, cutter, pages, source, world }) {
	const until = async (more) => {
		const n = world.n + more;
		await eventually(() => world.n >= n, 'some messages');
	};
	for (let i = 0; i < 3; i++) {
		for (const [k, page] of pages.entries()) page.turn((k + i) % ROOMS.length);
		await until(20);
		cutter.cut();
		await until(10 + 20 * i);
		cutter.mend();
		await until(30);
		for (const [k, { socket }] of pages.entries()) socket.emit('pace', (k + i) % 3 ? 0 : 5);
		assert.equal((await reload(server, { feeds: feedsOf(source, [10, 50, 20][i]) })).status, 200);
		await until(20);
		process.kill(redis.child.pid, 'SIGSTOP');
		await new Promise((resolve) => setTimeout(resolve, 100));
		process.kill(redis.child.pid, 'SIGCONT');
		await redis.client.command('CLIENT', 'KILL', 'TYPE', { channel: 'pubsub', psync: 'replica', stream: 'normal' }[source], 'SKIPME', 'yes');
		await until(30);
		if (i === 1) {
			await server.child.stop();
			await until(20);
			server.child = await launchSiocast(world.cleanup, server);
		}
	}
}

describe('everything at once', { skip: SIOCAST_ONLY }, () => {
	for (const source of ['channel', 'psync', 'stream'])
		test(`by ${source}`, limit(120), () =>
			withCleanup(async (cleanup) => {
				const redis = await startRedis(cleanup, await freePort(), { args: ['--repl-diskless-sync-delay', '0', '--repl-backlog-size', '16mb'] });
				const server = await startReloadable(cleanup, {
					workers: 2,
					redis: { url: redis.url, source: source === 'psync' ? 'psync' : 'subscribe' },
					feeds: feedsOf(source, 20),
					connectionStateRecovery: { maxDisconnectionDuration: 60000 },
					stateFile: path.join(await cleanup.folder(), 'state'),
					namespaces: { '/': { on, rooms: { rate: { r3: { perSecond: 5 } } } } },
				});
				await ready(server);
				const cutter = await Cutter.open(cleanup, server.port);
				const world = Object.assign(new World(redis, source), { cleanup });
				const pages = VERSIONS.flatMap((version) => Object.keys(TRANSPORTS).map((transport) => new Page(cleanup, cutter.url, version, transport, world)));
				world.start();
				await eventually(() => pages.every((page) => page.socket.connected && page.row), 'all pages to show something');
				await live({ server, redis, cutter, pages, source, world });
				await eventually(() => pages.every((page) => page.socket.connected && !page.asked.size), 'all pages to be back');
				await ready(server);
				await world.stop();
				const late = new Page(cleanup, cutter.url, VERSIONS.at(-1), 'websocket', world);
				for (const page of [...pages, late]) {
					await eventually(() => !page.missing.length, `${page.name} to have everything`).catch(({ message }) => assert.fail(`${message}: ${page.missing}`));
					assert.deepEqual(page.failures, [], page.name);
				}
			}),
		);
});
