// SPDX-License-Identifier: MIT
//
// A server with its clients, kept up while rounds go over all of them, and one window of measurement in which it sends.

import { eventually } from '../../tests/e2e/lib/wait.mjs';
import { cpuNs, deferredNs } from './machine.mjs';
import { Load } from './programs.mjs';
import { servers } from './servers.mjs';

const SETTLE_MS = 15_000;
const QUIET_MS = 100;

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** How often something is divided by round-robin: of `total` over `n`, the share of number i. */
const share = (total, n, i) => Math.floor(total / n) + (i < total % n ? 1 : 0);

/** How many messages all clients together must get: all get all, or each what came on its room's channel. */
export function expected({ clients, rooms, joins = 1, channels }, sent) {
	if (!rooms) return clients * sent.messages;
	let sum = 0;
	for (let i = 0; i < rooms; i++) {
		// Client number i is in the rooms i, i + step, …, round about.
		const step = Math.floor(rooms / joins);
		for (let j = 0; j < joins; j++) sum += share(sent.messages, channels, (i + j * step) % rooms) * share(clients, rooms, i);
	}
	return sum;
}

/** The options of bench/load for a server and a scenario. */
function loadOptions(server, running, options) {
	const { clients, transport = 'websocket', rooms = options.lists, joins, load = {} } = options;
	const join = rooms ? 'join' : undefined;
	const base = { url: `127.0.0.1:${running.port}`, clients, transport, join, rooms, joins };
	return { ...base, coalesce: options.coalesce, processes: options.processes, ...load, ...server.client };
}

export class Bed {
	/** Starts the server and its clients, and lets it warm up. */
	static async raise(cleanup, id, options) {
		const server = servers[id];
		const running = await server.start(cleanup, options);
		const bed = new Bed(cleanup, id, server, running, options);
		if (options.clients > 0) await bed.connect();
		return bed;
	}

	constructor(cleanup, id, server, running, options) {
		Object.assign(this, { cleanup, id, server, running, options, load: null });
	}

	/** Clients as the scenario has them, or with other options. */
	async connect(changes = {}) {
		const options = loadOptions(this.server, this.running, { ...this.options, ...changes });
		const load = await this.running.child.whileRunning(Load.start(this.cleanup, options));
		this.load ??= load;
		return load;
	}

	/** Ends the clients and the server. */
	async lower() {
		await this.load?.stop();
		await this.running.child.stop();
	}

	/** What the server has cost so far, with what its processor's softirq thread did for it. */
	cpu() {
		return cpuNs(this.running.pids()) + deferredNs();
	}

	/** Waits until every client has what was sent. Fails when they do not get it. */
	async #delivered(sent, options) {
		if (options.loose) return this.#quiet();
		const want = expected(options, sent);
		let report;
		const complete = async () => {
			report = await this.load.report();
			return report.messages.sum >= want;
		};
		const ms = options.settleMs ?? SETTLE_MS;
		await this.running.child.whileRunning(eventually(complete, 'every client to have every message', ms)).catch((error) => {
			throw new Error(`${error.message.split('\n')[0]}: ${want} expected, ${JSON.stringify(report)}`);
		});
		return report;
	}

	/** Where clients come and go nobody knows how many messages they must get: waits until no more come. */
	async #quiet() {
		for (let last = -1; ; ) {
			const report = await this.load.report();
			if (report.messages.sum === last) return report;
			last = report.messages.sum;
			await pause(100);
		}
	}

	/** After a window that failed: what is still under way must not be counted in the next. */
	async #drain() {
		for (let last = -1, tries = 0; tries < 100; tries++) {
			const { received } = await this.load.report();
			if (received === last) return;
			last = received;
			await pause(200);
		}
	}

	/**
	 * Sends for some seconds and measures. `changes`: other size, rate, mix or seconds than the scenario's. Gives cpuNs, seconds, sent
	 * and the clients' report.
	 */
	async window(changes = {}) {
		try {
			return await this.#window({ ...this.options, ...changes });
		} catch (error) {
			const { child } = this.running;
			if (child.exited) throw new Error(`${child.name} ended: ${child.tail(8)}`);
			if (this.load) await this.#drain();
			throw error;
		}
	}

	async #window(options) {
		await pause(QUIET_MS);
		this.load.begin();
		const before = this.cpu();
		const begun = performance.now();
		const sent = await this.running.child.whileRunning(this.running.feed(options));
		const report = await this.#delivered(sent, options);
		const seconds = (performance.now() - begun) / 1000;
		const used = this.cpu() - before;
		assertExact(options, report, sent);
		return { cpuNs: used, options, seconds, sent, report };
	}
}

/** A delivery that is not exactly what was sent is no measurement. */
function assertExact(options, report, sent) {
	const { sample, messages, bytes } = report;
	const wrong = [];
	if (options.loose) {
		if (report.open !== report.clients || sample.disorder + sample.bad > 0 || messages.sum === 0) wrong.push('lost, disorder or wrong bytes');
	} else if (messages.sum !== expected(options, sent)) wrong.push('messages more than sent');
	const alike = !options.rooms;
	if (alike && messages.min !== messages.max) wrong.push('clients with different counts');
	if (alike && bytes.min !== bytes.max) wrong.push('clients with different byte counts');
	if (options.load?.deflate && report.wire.deflating !== report.clients) wrong.push('no compression was agreed on');
	if (report.open !== report.clients) wrong.push('connections lost');
	if (!options.loose && sample.gaps + sample.disorder + sample.bad > 0) wrong.push('gaps, disorder or wrong bytes');
	// A source is held back by who takes its messages; a client's socket that was full is a wait that is not the server's.
	if (sent.stalls > 0 && !options.flood && !options.mayStall) wrong.push('sockets that were full');
	if (wrong.length > 0) throw new Error(`${wrong.join(', ')}: ${JSON.stringify(sent)} ${JSON.stringify(report)}`);
}

/** The figures that most tables have, out of one window. */
export function figures({ cpuNs: used, options = {}, sent, seconds, report }, scheduled) {
	const { messages, events, frames, latency_us: latency, spread_us: spread, generator } = report;
	return {
		us: used / messages.sum / 1000,
		usEvent: used / events.sum / 1000,
		usTick: options.batch ? used / (report.clients * ((options.seconds * 1000) / options.batch)) / 1000 : undefined,
		usFrame: used / frames.sum / 1000,
		core: used / 1e7 / (scheduled ?? seconds),
		perEvent: messages.sum / events.sum,
		mbps: (report.received * 8) / 1e6 / seconds,
		p50: latency.p50 / 1000,
		p99: latency.p99 / 1000,
		p999: latency['p99.9'] / 1000,
		spread: spread.p50 / 1000,
		spread99: spread.p99 / 1000,
		generator: 100 * generator.cpu,
		late: (sent.late_us?.p99 ?? 0) / 1000,
	};
}
