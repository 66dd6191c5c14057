// SPDX-License-Identifier: MIT
//
// The programs of this folder as objects: the load generator, the publishers, the floor. Each tells in lines of JSON.

import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child } from '../../tests/e2e/lib/process.mjs';
import { Inbox } from '../../tests/e2e/lib/wait.mjs';

export const BENCH = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

// Until thousands of clients have joined the slowest server.
const READY_MS = 120_000;
const ANSWER_MS = 60_000;

/** Command line arguments out of an object: {clients: 5, b64: true} is --clients 5 --b64. */
export function flags(options) {
	return Object.entries(options).flatMap(([name, value]) => {
		if (value === undefined || value === false) return [];
		return value === true ? [`--${name}`] : [`--${name}`, String(value)];
	});
}

/** A child whose lines of JSON are awaited one after the other. */
export class Program {
	constructor(cleanup, command, args, options = {}) {
		this.child = new Child(command, args, { graceful: false, ...options });
		cleanup.add(this.child, () => this.child.stop());
		this.answers = new Inbox(this.child.name);
		let rest = '';
		this.child.child.stdout.on('data', (chunk) => {
			const lines = (rest + chunk).split('\n');
			rest = lines.pop();
			for (const line of lines) if (line.startsWith('{')) this.answers.push(JSON.parse(line));
		});
	}

	/** The next line; fails at once when the program ends instead. */
	next(what, ms = ANSWER_MS) {
		return this.child.whileRunning(this.answers.next(what, ms));
	}

	signal(name) {
		this.child.child.kill(name);
	}

	stop() {
		return this.child.stop();
	}
}

// Where bench/run has compiled them; a test compiles its own.
const PROGRAMS = process.env.BENCH_PROGRAMS ?? BENCH;

const own = (cleanup, name, options) => new Program(cleanup, path.join(PROGRAMS, name), flags(options), { name });

const sum = (numbers) => numbers.reduce((a, b) => a + b, 0);

function addCounts(parts) {
	return {
		sum: sum(parts.map((part) => part.sum)),
		min: Math.min(...parts.map((part) => part.min)),
		max: Math.max(...parts.map((part) => part.max)),
	};
}

/** Histograms of several processes cannot be added from their quantiles: the worst one stands for all. */
const worst = (parts) => parts.reduce((a, b) => (b.p99 > a.p99 ? b : a));

/** At work or in line for the processor all the time: it could not have taken more. */
const atLimit = ({ limit, cpu, wait }) => limit || cpu + wait > 0.95;

/** Cells of several histograms, [[ns, count], …], as one. */
function addCells(parts) {
	const all = new Map();
	for (const [ns, count] of parts.flat()) all.set(ns, (all.get(ns) ?? 0) + count);
	return [...all].sort(([a], [b]) => a - b);
}

/** The reports of several load generators as if they were one. */
function merge(reports) {
	if (reports.length === 1) return { ...reports[0], generator: { ...reports[0].generator, limit: atLimit(reports[0].generator) } };
	const all = (name) => reports.map((report) => report[name]);
	const sample = Object.fromEntries(
		['clients', 'messages', 'gaps', 'disorder', 'bad'].map((name) => [name, sum(all('sample').map((part) => part[name]))]),
	);
	return {
		...reports[0],
		...Object.fromEntries(['clients', 'open', 'received', 'pings'].map((name) => [name, sum(all(name))])),
		...Object.fromEntries(['frames', 'events', 'messages', 'bytes'].map((name) => [name, addCounts(all(name))])),
		seconds: Math.max(...all('seconds')),
		sample: { ...sample, first_bad: all('sample').map((part) => part.first_bad).find(Boolean) ?? '' },
		latency_us: worst(all('latency_us')),
		spread_us: worst(all('spread_us')),
		...(reports[0].latency_cells ? { latency_cells: addCells(all('latency_cells')) } : {}),
		generator: { cpu: sum(all('generator').map((part) => part.cpu)), limit: all('generator').some(atLimit) },
	};
}

/** Clients in one or several processes; to the caller they are one. */
export class Load {
	/** `options`: those of bench/load; `processes`: among how many the clients are divided. */
	static async start(cleanup, { processes = 1, clients, ...options }) {
		const programs = [];
		let first = 0;
		for (let i = 0; i < processes; i++) {
			const n = Math.floor(((i + 1) * clients) / processes) - first;
			const place = processes > 1 ? { first, source: 1 + 20 * i } : {};
			programs.push(own(cleanup, 'load', { ...options, ...place, clients: n }));
			first += n;
		}
		const ready = await Promise.all(programs.map((program) => program.next('all clients to connect', READY_MS)));
		return new Load(programs, ready);
	}

	/** Those of several servers as one. */
	static together(loads) {
		return new Load(loads.flatMap(({ programs }) => programs), loads.flatMap(({ ready }) => ready));
	}

	constructor(programs, ready) {
		this.programs = programs;
		this.ready = ready;
	}

	/** SIGUSR1: all counts start from zero. */
	begin() {
		for (const program of this.programs) program.signal('SIGUSR1');
	}

	/** What came since, to each process. */
	reports() {
		const ask = (program) => {
			program.signal('SIGUSR2');
			return program.next('a report');
		};
		return Promise.all(this.programs.map(ask));
	}

	/** The same in all. */
	async report() {
		return merge(await this.reports());
	}

	signal(name) {
		for (const program of this.programs) program.signal(name);
	}

	async stop() {
		await Promise.all(this.programs.map((program) => program.stop()));
	}
}

/** Runs bench/publish to its end; what it says it sent. */
export async function publish(cleanup, options) {
	const program = own(cleanup, 'publish', options);
	const { code, signal } = await program.child.ended;
	if (code !== 0) throw new Error(`publish ended (${signal ?? `status ${code}`}):\n${program.child.tail()}`);
	return program.answers.next('its report');
}

/** bench/flood, which stands for a Redis server; ready when it listens. */
export async function startFlood(cleanup, options) {
	const program = own(cleanup, 'flood', options);
	await program.next('to listen');
	return program;
}

/** bench/storm, ready when all its clients are connected. `ask`: a signal, and the line that answers it. */
export async function startStorm(cleanup, options) {
	const program = own(cleanup, 'storm', options);
	await program.next('all clients to connect', READY_MS);
	const ask = (signal, what, ms) => {
		program.signal(signal);
		return program.next(what, ms);
	};
	return { ask };
}
