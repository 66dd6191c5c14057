// SPDX-License-Identifier: MIT
//
// Joins race messages: clients of every generation, over each transport, come and go while a publisher numbers its messages. What a
// client has in hand, the snapshot and all that follows, must be every number from the snapshot's first on, each once and in order.
// tests/joins.mjs runs it at full length, snapshots.test.mjs a few seconds of it.

import { createRequire } from 'node:module';
import siocast from '../../../client-js/siocast.mjs';
import { feedsReady } from './daemon.mjs';
import { eventually, once } from './wait.mjs';

const require = createRequire(new URL('../../../client-js/official/', import.meta.url));

export const VERSIONS = ['1.7.4', '2.5.0', '4.8.4'];
/** What a client of each is started with: the last goes over to WebSocket in the middle of it. */
export const TRANSPORTS = { polling: ['polling'], websocket: ['websocket'], upgrade: ['polling', 'websocket'] };

const KEYS = 100;
const NEWEST = 100;
const batch = { interval: 20 };
const bare = { interval: 0 };

/** One channel in every way to retain it. The room `keys` has one message for each of the KEYS, which are the last KEYS numbers. */
export const feeds = [
	{ channel: 'n', event: 'newest', room: 'newest', retain: NEWEST, batch },
	{ channel: 'n', event: 'keys', room: 'keys', retain: { key: '/key' }, encode: 'json', batch, snapshotEvent: '{event}:state' },
	{ channel: 'n', event: 'crowd', room: ['left', 'right'], retain: NEWEST, encode: 'json', batch },
	{ channel: 'slow', event: 'last', retain: 'last', encode: 'json', batch: bare },
];

export const namespaces = {
	'/': { on: { enter: [{ join: '{1}' }, { ack: [] }], exit: [{ leave: '{1}' }, { ack: [] }] } },
};

/** Counts up in Redis, so many in a second, until it is stopped. */
export class Publisher {
	constructor(redis, rate) {
		this.redis = redis;
		this.rate = rate;
		this.n = 0;
		this.slow = 0;
	}

	start() {
		const began = performance.now();
		this.running = (async () => {
			while (!this.stopped) {
				const due = Math.floor(((performance.now() - began) / 1000) * this.rate);
				const messages = [];
				// A machine that cannot do so many does as many as it can.
				for (; this.n < due && messages.length < 500; this.n++) messages.push(JSON.stringify({ n: this.n, key: `k${this.n % KEYS}` }));
				if (messages.length) await this.redis.client.publishAll('n', messages);
				if (this.n / 50 > this.slow) await this.redis.client.publish('slow', `{"n":${this.slow++}}`);
				await new Promise((resolve) => setTimeout(resolve, 2));
			}
		})();
		this.running.catch(() => {});
		return this;
	}

	async stop() {
		this.stopped = true;
		await this.running;
	}
}

const listOf = (payload) => (Array.isArray(payload) ? payload : siocast.decode(payload));

/** One socket that enters and leaves rooms, and looks at each number. */
class Joiner {
	constructor(cleanup, server, version, transport) {
		const client = require(`client-${version}`);
		this.name = `${version} ${transport}`;
		this.socket = (client.io ?? client)(server.url, { transports: TRANSPORTS[transport], forceNew: true });
		cleanup.add(this.socket, () => this.socket.disconnect());
		this.socket.on('disconnect', (reason) => (this.lost = reason));
		this.next = {};
		this.begun = {};
		this.failures = [];
		for (const [event, what] of [
			['newest', 'newest'],
			['keys', 'keys'],
			['keys:state', 'keys'],
			['crowd', 'crowd'],
		])
			this.socket.on(event, (payload) => this.#take(event, what, listOf(payload)));
		this.socket.on('last', (message) => this.#take('last', 'last', [message]));
	}

	#take(event, what, list) {
		const first = this.next[what] === undefined;
		if (what === 'keys' && first !== (event === 'keys:state')) this.#fail(`${event} ${first ? 'before' : 'behind'} the state`);
		if (what === 'keys' && first && list.length > KEYS) this.#fail(`${list.length} keys`);
		if (first) this.begun[what] = list.length;
		let next = first ? list[0].n : this.next[what];
		for (const { n } of list) {
			if (n !== next) this.#fail(`${event}: ${n} in place of ${next}${first ? ' in the snapshot' : ''}`);
			next = n + 1;
		}
		this.next[what] = next;
	}

	#fail(text) {
		this.failures.push(`${this.name}: ${text}`);
	}

	/** Waits until so many more numbers have come than the snapshot had. */
	follow(what, more = 1) {
		const wanted = () => this.failures.length || this.lost || (this.begun[what] && this.next[what] >= this.first(what) + more);
		return eventually(wanted, `${this.name} to follow ${what}`);
	}

	first(what) {
		this.ends ??= {};
		return (this.ends[what] ??= this.next[what]);
	}

	forget(...all) {
		for (const what of all) for (const map of [this.next, this.begun, this.ends ?? {}]) delete map[what];
	}

	ask(event, room) {
		return new Promise((resolve) => this.socket.emit(event, room, resolve));
	}

	/** Enters and leaves once. How many joins it was. */
	async round(i) {
		const rooms = [['newest'], ['keys'], ['left', 'right'], ['right', 'left'], ['newest', 'keys']][i % 5];
		const what = rooms.map((room) => (room === 'left' || room === 'right' ? 'crowd' : room));
		const asked = rooms.map((room) => this.ask('enter', room));
		await Promise.all(asked);
		// Some leave before anything can have come.
		if (i % 7 !== 6) for (const one of new Set(what)) await this.follow(one, i % 3);
		await Promise.all(rooms.map((room) => this.ask('exit', room)));
		this.forget(...what);
		return rooms.length;
	}
}

/** Joins until it was `joins` times. What went wrong, and how many joins there were. */
export async function race(cleanup, server, redis, { joins, rate, sockets = 4, seconds = 3600 }) {
	await feedsReady(redis, server);
	const publisher = new Publisher(redis, rate).start();
	const began = performance.now();
	const failures = [];
	let done = 0;
	await eventually(() => publisher.n > NEWEST && publisher.slow, 'some messages');
	const come = async (version, transport, k) => {
		for (let i = k; done < joins && performance.now() - began < seconds * 1000 && failures.length < 10; ) {
			const joiner = new Joiner(cleanup, server, version, transport);
			await once(joiner.socket, 'connect', `${joiner.name} to connect`);
			await joiner.follow('last', 0);
			done++;
			for (const end = i + 20; i < end && done < joins && !joiner.failures.length && !joiner.lost; i++) done += await joiner.round(i);
			if (joiner.lost) failures.push(`${joiner.name}: lost: ${joiner.lost}`);
			failures.push(...joiner.failures);
			joiner.socket.off('disconnect');
			joiner.socket.disconnect();
		}
	};
	const all = [];
	for (const version of VERSIONS)
		for (const transport of Object.keys(TRANSPORTS)) for (let k = 0; k < sockets; k++) all.push(come(version, transport, k));
	await Promise.all(all);
	const elapsed = (performance.now() - began) / 1000;
	await publisher.stop();
	return { joins: done, messages: publisher.n, seconds: elapsed, rate: publisher.n / elapsed, failures };
}
