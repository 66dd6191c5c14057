// SPDX-License-Identifier: MIT
//
// One client in one way against one server: a process of its own, because old clients may throw where nobody can catch it.
// Started by run.mjs with a job as JSON; every finished scenario is sent to the parent.

import { Client } from '../lib/client.mjs';
import { startServer } from '../lib/servers.mjs';
import { Cleanup, Inbox, RedisClient } from '../lib/tools.mjs';
import { closesWell } from '../lib/versions.mjs';
import { SCENARIOS } from './scenarios.mjs';

// A server that fails again and again is not waited for as long as a good one, nor is one whose failures are known.
const LIMITS = { good: 8000, reference: 4000, failing: 800 };
const PATIENCE = { good: 30_000, reference: 12_000 };

/** What a scenario works with. */
class Cell {
	constructor(job, shared, impatient) {
		this.kind = job.kind;
		this.server = job.server;
		this.quick = job.quick;
		this.messages = job.messages;
		this.redis = shared.redis;
		this.shared = shared;
		this.cleanup = new Cleanup();
		const which = job.reference ? 'reference' : 'good';
		this.limit = (impatient ? LIMITS.failing : LIMITS[which]) * job.slow;
		this.patience = impatient ? this.limit : PATIENCE[which] * job.slow;
	}

	/** A text that nobody else uses. */
	mark() {
		return `${process.pid}-${this.shared.marks++}`;
	}

	/** A client that has begun to connect; closed at the end. */
	begin({ server = this.server, ...options } = {}) {
		const client = new Client(this.kind, server.url, { limit: this.limit, ...options });
		return this.cleanup.add(client, () => client.close());
	}

	/** A connected client that has been greeted; what the greeting said is in `hello`. */
	async open(options) {
		const client = this.begin(options);
		const hello = client.next('hello');
		await client.connected();
		client.hello = await hello;
		return client;
	}

	/** A server of this scenario's own, of the kind under test. It has no files to serve, and so is there sooner. */
	start() {
		return startServer(this.cleanup, this.shared.serverKind, { serveClient: false });
	}

	/** Waits for what the server publishes on a channel; other cells hear and use it too. */
	async told(channel, test, what = `a message on ${channel}`) {
		const inbox = this.shared.told[channel];
		const items = await inbox.until((all) => all.some(test), what, this.limit);
		return items.find(test);
	}
}

async function listen(cleanup, port, channel) {
	const inbox = new Inbox(channel);
	const client = await RedisClient.open(cleanup, port);
	await client.subscribe(channel);
	const pump = async () => {
		for (;;) inbox.push(JSON.parse((await client.messages.next('anything', 2 ** 31 - 1)).message));
	};
	pump().catch(() => {});
	return inbox;
}

// What is thrown outside of any promise belongs to whatever runs.
const running = new Set();

// A client defect that a browser only logs (see closesWell).
function expected(kind, error) {
	const all = error instanceof AggregateError ? error.errors : [error];
	return !closesWell(kind) && all.every((each) => each?.name === 'RangeError');
}

function onStray(error) {
	for (const fail of running) fail(new Error(`uncaught: ${error?.message ?? error}`));
}

// An assertion says much about big values: the first lines that differ are enough.
function briefly(error) {
	const lines = error.message.split('\n').map((line) => line.trim());
	if (error.code !== 'ERR_ASSERTION') return lines.slice(0, 8).join(' | ').slice(0, 600);
	const differing = lines.filter((line) => /^[+-] /.test(line) && line !== '+ actual - expected');
	return [lines[0], ...differing.slice(0, 4)].join(' | ').slice(0, 400);
}

async function runOne(scenario, job, shared, impatient) {
	const cell = new Cell(job, shared, impatient);
	const begun = Date.now();
	let fail;
	const stray = new Promise((_, reject) => {
		fail = reject;
	});
	running.add(fail);
	let detail = null;
	try {
		await Promise.race([scenario.run(cell), stray]);
	} catch (error) {
		detail = briefly(error);
	}
	running.delete(fail);
	stray.catch(() => {});
	try {
		await cell.cleanup.run();
	} catch (error) {
		if (!expected(job.kind, error)) detail ??= `at the end: ${briefly(error)}`;
	}
	return { scenario: scenario.name, ok: detail === null, detail, ms: Date.now() - begun };
}

function report(result) {
	return new Promise((resolve) => process.send(result, resolve));
}

// One after the other. Without a connection the rest need not be tried.
async function runLane(scenarios, job, shared) {
	let failures = 0;
	for (const scenario of scenarios) {
		if (shared.hopeless) {
			await report({ scenario: scenario.name, ok: false, detail: 'not tried: cannot connect', ms: 0 });
			continue;
		}
		const result = await runOne(scenario, job, shared, failures >= (job.reference ? 2 : 3));
		if (!result.ok) failures++;
		if (scenario.name === 'connect' && !result.ok) shared.hopeless = true;
		await report(result);
	}
}

async function main() {
	const job = JSON.parse(process.argv[2]);
	const cleanup = new Cleanup();
	process.on('uncaughtException', (error) => expected(job.kind, error) || onStray(error));
	process.on('unhandledRejection', onStray);
	process.on('SIGTERM', () => process.exit(1));
	process.on('disconnect', () => process.exit(1));
	const shared = { marks: 0, serverKind: job.serverKind, redis: null, told: {}, hopeless: false };
	if (job.redisPort) {
		shared.redis = await RedisClient.open(cleanup, job.redisPort);
		for (const channel of ['heard', 'gone']) shared.told[channel] = await listen(cleanup, job.redisPort, channel);
	}
	const chosen = SCENARIOS.filter((scenario) => job.scenarios.includes(scenario.name));
	await runLane(chosen.filter(({ name }) => name === 'connect'), job, shared);
	// The waiting ones all at once, beside the others; those that keep this process busy by themselves.
	const rest = chosen.filter(({ name, busy }) => name !== 'connect' && !busy);
	const lanes = [rest.filter(({ slow }) => !slow), ...rest.filter(({ slow }) => slow).map((scenario) => [scenario])];
	await Promise.all(lanes.map((lane) => runLane(lane, job, shared)));
	await runLane(chosen.filter(({ busy }) => busy), job, shared);
	await cleanup.run();
	process.exit(0);
}

await main();
