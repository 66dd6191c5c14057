// SPDX-License-Identifier: MIT
//
// One measurement: a fresh server and fresh clients, a warm-up, then messages for some seconds, and what they cost.

import path from 'node:path';
import { withCleanup } from '../../tests/e2e/lib/cleanup.mjs';
import { Child } from '../../tests/e2e/lib/process.mjs';
import { eventually } from '../../tests/e2e/lib/wait.mjs';
import { cpuNs, residentBytes } from './machine.mjs';
import { startLoad } from './programs.mjs';

const SETTLE_MS = 10_000;
const QUIET_MS = 300;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until every client has what was sent; throws when they do not get it. */
async function allDelivered(load, sent) {
	let report;
	const complete = async () => {
		report = await load.report();
		return report.messages.min >= sent.messages;
	};
	await eventually(complete, 'every client to have every message', SETTLE_MS).catch((error) => {
		throw new Error(`${error.message}: ${sent.messages} sent, ${JSON.stringify(report)}`);
	});
	return report;
}

/** A delivery that is not exactly what was sent is no measurement. */
function assertExact(report, sent) {
	const { sample, messages, bytes } = report;
	const wrong = [];
	if (messages.max !== sent.messages) wrong.push('messages more than sent');
	if (bytes.min !== bytes.max) wrong.push('clients with different byte counts');
	if (report.open !== report.clients) wrong.push('connections lost');
	if (sample.gaps + sample.disorder + sample.bad > 0) wrong.push('gaps, disorder or wrong bytes');
	if (sent.stalls > 0) wrong.push('sockets that were full');
	if (wrong.length > 0) throw new Error(`${wrong.join(', ')}: ${JSON.stringify(sent)} ${JSON.stringify(report)}`);
}

/** With BENCH_PERF=FOLDER every measured window is recorded there, for flame graphs. */
async function startPerf(cleanup, pid, name) {
	if (!process.env.BENCH_PERF) return async () => {};
	const file = path.join(process.env.BENCH_PERF, `${name.replaceAll(/[^a-z0-9.]+/gi, '-')}.perf`);
	const args = ['record', '-q', '-g', '-F', '4999', '-e', 'cpu-clock', '-o', file, '-p', String(pid)];
	const child = new Child('perf', args, { name: 'perf', graceful: false });
	cleanup.add(child, () => child.stop());
	await pause(QUIET_MS);
	return async () => {
		child.child.kill('SIGINT');
		await child.ended;
	};
}

/**
 * Measures one server once. `scenario`: name, clients, transport, coalesce, size, rate, batch, seconds. Gives cpuNs, messages (delivered,
 * all clients together) and the load generator's report.
 */
export async function measure(redis, server, scenario) {
	let result;
	await withCleanup(async (cleanup) => {
		const running = await server.start(cleanup, redis, scenario);
		const { clients, transport, coalesce, seconds } = scenario;
		const load = await startLoad(cleanup, { url: `127.0.0.1:${running.port}`, clients, transport, coalesce });
		// The warm-up is a whole run, so that what a JIT compiler has to learn is learnt.
		await allDelivered(load, await running.child.whileRunning(running.feed(seconds)));
		await pause(QUIET_MS);

		const stopPerf = await startPerf(cleanup, running.child.pid, `${scenario.name} ${server.name}`);
		load.begin();
		const before = cpuNs(running.child.pid);
		const sent = await running.child.whileRunning(running.feed(seconds));
		const report = await allDelivered(load, sent);
		const used = cpuNs(running.child.pid) - before;
		await stopPerf();
		assertExact(report, sent);
		const { messages, events } = report;
		result = { cpuNs: used, messages: messages.sum, events: events.sum, rss: residentBytes(running.child.pid), sent, report };
	});
	return result;
}
