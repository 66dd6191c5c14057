// SPDX-License-Identifier: MIT
//
// Runs cells (one client in one way against one server) as processes, a few at a time, each with a time limit.

import { fork } from 'node:child_process';
import path from 'node:path';
import { SCENARIOS, applies } from '../node/scenarios.mjs';
import { patience, quickHeartbeat } from './contract.mjs';
import { packageVersion } from './languages.mjs';
import { startServer } from './servers.mjs';
import { freePort, startRedis, withCleanup } from './tools.mjs';
import { COMPAT, REFERENCES, SEVERAL, offers } from './versions.mjs';

const CELL = path.join(COMPAT, 'node/cell.mjs');
// A client that goes round in circles is ended from outside; nothing good comes near this.
const CELL_LIMIT_MS = 120_000;
const cellLimit = (slow) => CELL_LIMIT_MS * Math.min(slow, 4);

/** The cells of a run: {kind, scenarios}. */
export function cellsOf(options, serverKind) {
	const cells = [];
	for (const version of options.clients) {
		for (const build of options.builds) {
			for (const transport of options.transports) {
				const kind = { version, build, transport };
				if (!offers(version, build, transport) || !options.wants(kind)) continue;
				const scenarios = scenariosOf(kind, options, serverKind);
				if (scenarios.length > 0) cells.push({ kind, scenarios });
			}
		}
	}
	return cells;
}

function scenariosOf(kind, options, serverKind) {
	const foreign = serverKind === 'url';
	const possible = SCENARIOS.filter((scenario) => {
		if (foreign && (scenario.own || (scenario.redis && !options.redisPort))) return false;
		if (options.known?.(kind, scenario.name)) return false;
		return options.scenarios.includes(scenario.name) && options.wants(kind, scenario) && applies(scenario, kind);
	});
	return possible.map(({ name }) => name);
}

const address = ({ url, port, path: where }) => ({ url, port, path: where });

function runCell(cell, job, onResult) {
	return new Promise((resolve) => {
		const missing = new Set(cell.scenarios);
		const child = fork(CELL, [JSON.stringify({ ...job, ...cell })], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
		let output = '';
		const keep = (chunk) => {
			output = (output + chunk).slice(-2000);
		};
		child.stdout.setEncoding('utf8').on('data', keep);
		child.stderr.setEncoding('utf8').on('data', keep);
		const end = setTimeout(() => child.kill('SIGTERM'), cellLimit(job.slow));
		const harder = setTimeout(() => child.kill('SIGKILL'), cellLimit(job.slow) + 5000);
		child.on('message', (result) => {
			missing.delete(result.scenario);
			onResult(result);
		});
		child.on('close', (code, signal) => {
			clearTimeout(end);
			clearTimeout(harder);
			const why = `the process of this client ended (${signal ?? `status ${code}`}): ${output.trim()}`;
			for (const scenario of missing) onResult({ scenario, ok: false, detail: why, ms: 0 });
			resolve();
		});
	});
}

// withCleanup with a result. A server that ends badly has failed, but what was found before counts.
async function collected(serverKind, body) {
	let result;
	try {
		await withCleanup(async (cleanup) => {
			result = await body(cleanup);
		});
	} catch (error) {
		if (result === undefined) throw error;
		const detail = error.message.split('\n').slice(0, 2).join(' | ');
		console.log(`FAIL ${serverKind} at the end: ${detail}`);
		const nobody = { version: '-', build: '-', transport: '-', scenario: 'end of the server' };
		result.push({ server: serverKind, reference: REFERENCES.includes(serverKind), ...nobody, ok: false, detail, ms: 0 });
	}
	return result;
}

/** One line per cell, and the failures below it. */
export function tell(label, results, verbose) {
	const passed = results.filter((result) => result.ok).length;
	const ms = results.reduce((sum, result) => sum + result.ms, 0);
	console.log(`${passed === results.length ? 'ok  ' : 'FAIL'} ${label} ${passed}/${results.length} ${(ms / 1000).toFixed(1)} s`);
	for (const { scenario, ok, detail, ms: each } of results) {
		if (verbose && ok) console.log(`     ok ${scenario} ${each} ms`);
		if (!ok) console.log(`     not ok ${scenario}: ${detail}`);
	}
}

/**
 * Runs all cells of the options against one server. `onCell(label, results)` is told about each. Gives every result:
 * {server, reference, version, build, transport, scenario, ok, detail, ms}, and of a package its release.
 */
export function runServer(serverKind, options, onCell) {
	return collected(serverKind, async (cleanup) => {
		const reference = !['siocast', 'url', ...SEVERAL].includes(serverKind);
		const job = { serverKind, reference, messages: options.messages, slow: options.slow };
		if (serverKind === 'url') Object.assign(job, { server: { url: options.url }, redisPort: options.redisPort });
		else {
			const redis = await startRedis(cleanup, await freePort());
			const server = await startServer(cleanup, serverKind, { redis, engine: patience(options.slow) });
			const heartbeat = quickHeartbeat(options.slow);
			const quick = await startServer(cleanup, serverKind, { redis, feeds: [], engine: { ...patience(options.slow), ...heartbeat } });
			Object.assign(job, { server: address(server), quick: { ...address(quick), ...heartbeat }, redisPort: redis.port });
		}
		const all = [];
		const waiting = cellsOf(options, serverKind);
		const lane = async () => {
			for (let cell = waiting.shift(); cell; cell = waiting.shift()) {
				const { version, build, transport } = cell.kind;
				const known = { server: serverKind, reference, version, build, transport };
				if (build === 'debian') known.release = packageVersion(version);
				const results = [];
				await runCell(cell, job, (result) => results.push({ ...known, ...result }));
				all.push(...results);
				onCell(`${serverKind} ${version} ${build} ${transport}`, results);
			}
		};
		await Promise.all(Array.from({ length: options.parallel }, lane));
		return all;
	});
}
