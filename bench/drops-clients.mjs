// SPDX-License-Identifier: MIT
//
// Some of the clients of bench/drops.mjs, which starts this program and talks with it by messages: what they are, cut, the last number, end.

import fs from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { io } from '../tests/e2e/node_modules/socket.io-client/build/esm/index.js';

const WAIT_MS = 30_000;
const LATE_EVERY_MS = 5;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** How long this process, whose work is all done by one thread, has run or waited for a processor; in ms. Else it waits for others. */
function ownMs() {
	const [ran, waited] = fs.readFileSync('/proc/self/schedstat', 'latin1').split(' ');
	return (Number(ran) + Number(waited)) / 1e6;
}

/** One client, and what it got. */
class Reader {
	constructor({ url, path, transport, cutMs }) {
		this.transport = transport;
		this.next = null;
		Object.assign(this, { received: 0, lost: 0, twice: 0, anew: 0, catching: [], opening: [], recovering: [], others: [] });
		const reconnection = { reconnectionDelay: cutMs, reconnectionDelayMax: cutMs, randomizationFactor: 0 };
		this.socket = io(url, { path, transports: [transport], forceNew: true, ...reconnection });
		this.socket.on('m', (batch) => [].concat(batch).forEach((n) => this.take(n)));
		this.socket.on('connect', () => this.connected());
		this.socket.io.on('reconnect_attempt', () => {
			this.attempt = performance.now();
			this.own = ownMs();
		});
		this.socket.io.on('open', () => (this.opened = performance.now()));
	}

	connected() {
		if (this.attempt) {
			const now = performance.now();
			this.catching.push(now - this.attempt);
			this.opening.push(this.opened - this.attempt);
			this.recovering.push(now - this.opened);
			this.others.push(Math.max(0, now - this.attempt - (ownMs() - this.own)));
		}
		if (this.was && !this.socket.recovered) {
			this.anew++;
			this.next = null;
		}
		this.was = true;
	}

	take(n) {
		this.received++;
		if (this.next !== null && n > this.next) this.lost += n - this.next;
		if (this.next !== null && n < this.next) this.twice++;
		this.next = n + 1;
	}

	/** As a line that breaks: without a word. */
	cut() {
		const { transport } = this.socket.io.engine ?? {};

		if (!this.socket.connected) return;
		if (this.transport === 'websocket') transport.ws._socket?.destroy();
		else this.socket.io.engine.close();
	}
}

const readers = [];
const late = monitorEventLoopDelay({ resolution: LATE_EVERY_MS });
let options;
let cutting = null;

async function begin(given) {
	options = given;
	for (let i = 0; i < options.clients; i++) {
		readers.push(new Reader(options));
		if (i % 20 === 19) await sleep(20);
	}
	while (!readers.every(({ socket }) => socket.connected)) await sleep(50);
	process.send({ ready: true });
}

/** Each at a time of its own, or all of them at one. */
function cutAgain() {
	const timers = new Set();
	const later = (reader) => {
		const timer = setTimeout(() => {
			timers.delete(timer);
			reader.cut();
			later(reader);
		}, options.cutMs + Math.random() * options.everyMs);
		timers.add(timer);
	};
	if (options.all) timers.add(setInterval(() => readers.forEach((reader) => reader.cut()), options.cutMs + options.everyMs));
	else readers.forEach(later);
	late.enable();
	cutting = timers;
}

async function end(last) {
	for (const timer of cutting) clearTimeout(timer);
	late.disable();
	const has = (reader) => reader.socket.connected && reader.next === last + 1;
	for (const until = Date.now() + WAIT_MS; Date.now() < until && !readers.every(has); ) await sleep(50);
	const sum = (name) => readers.reduce((all, reader) => all + reader[name], 0);
	const list = (name) => readers.flatMap((reader) => reader[name]);
	process.send({
		...Object.fromEntries(['received', 'lost', 'twice', 'anew'].map((name) => [name, sum(name)])),
		...Object.fromEntries(['catching', 'opening', 'recovering', 'others'].map((name) => [name, list(name)])),
		behind: readers.filter((reader) => reader.next !== last + 1).length,
		late: { p50: late.percentile(50) / 1e6 - LATE_EVERY_MS, p99: late.percentile(99) / 1e6 - LATE_EVERY_MS },
	});
}

process.on('message', (message) => {
	if (message.clients) begin(message);
	else if (message.cut) cutAgain();
	else if (message.last !== undefined) end(message.last);
	else process.exit(0);
});
process.on('disconnect', () => process.exit(1));
