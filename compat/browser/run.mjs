#!/usr/bin/env node
// SPDX-License-Identifier: MIT
//
// The compatibility suite in Chromium: every official client as its own file for browsers, in real pages. See --help.

import fs from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { Keeper, settled } from '../lib/matrix.mjs';
import { slowness } from '../lib/options.mjs';
import { CLIENTS, FAST_CLIENTS, SERVERS } from '../lib/versions.mjs';
import { WAYS, runBrowser } from './runner.mjs';
import { FAST, SCENARIOS } from './scenarios.mjs';

const NAMES = SCENARIOS.map(({ name }) => name);
const HELP = `Usage: node browser/run.mjs [OPTION]...
Runs the official Socket.IO clients in headless Chromium against siocast and against the official servers.

  --server LIST      siocast (default), 1.7.4, 2.5.1, 4.8.4, or all
  --url URL          another server, which must do what lib/contract.mjs says; with --redis PORT its Redis on this machine
  --clients LIST     versions, such as 1.7.4,4.8.4; default: all
  --transports LIST  ${WAYS.join(', ')}; default: all
  --scenarios LIST   names, or the beginning of names; default: all
  --messages N       of each feed scenario, a fifth of them where each is an event of its own; default: 10000
  --parallel N       pages at a time, 1 or 2; default: 2
  --fast             a subset that covers every generation and transport
  --save             keeps the results in build/compat/, over those of earlier runs, for MATRIX.md (node run.mjs --matrix-only)
  --resume           leaves out what is kept there as passed, or as failed for a reason that is known
  --json FILE        keeps them in a file
  --verbose          names every scenario, not only those that failed

Lists are separated by commas. Environment: SIOCAST, the program under test; CHROMIUM, the browser; SLOW=3 stretches every
limit (default: by the load of the machine).
Exit status: 0 when siocast (or the server of --url) passed everything.
`;

function choose(name, text, known) {
	if (text === undefined || text === 'all') return known;
	const wanted = text.split(',');
	const unknown = wanted.find((start) => !known.some((item) => item.startsWith(start)));
	if (unknown !== undefined) throw new Error(`--${name} ${unknown}: known are ${known.join(', ')}`);
	return known.filter((item) => wanted.some((start) => (name === 'scenarios' ? item.startsWith(start) : item === start)));
}

const TYPES = {
	server: 'string', url: 'string', redis: 'string', clients: 'string', transports: 'string', scenarios: 'string',
	messages: 'string', parallel: 'string', json: 'string', save: 'boolean', resume: 'boolean', fast: 'boolean', verbose: 'boolean', help: 'boolean',
};

function readOptions(args) {
	const types = Object.entries(TYPES).map(([name, type]) => [name, { type }]);
	const { values } = parseArgs({ args, options: Object.fromEntries(types) });
	const { fast = false } = values;
	return {
		...values,
		servers: values.url ? ['url'] : choose('server', values.server ?? 'siocast', SERVERS),
		clients: choose('clients', values.clients ?? (fast ? FAST_CLIENTS.join() : 'all'), CLIENTS),
		transports: choose('transports', values.transports, WAYS),
		scenarios: values.scenarios || !fast ? choose('scenarios', values.scenarios, NAMES) : FAST,
		messages: Number(values.messages ?? (fast ? 500 : 10_000)),
		parallel: Math.min(2, Number(values.parallel ?? 2)),
		redisPort: Number(values.redis ?? 0),
		slow: Number(process.env.SLOW) || slowness(),
	};
}

/** One line per cell, and the failures below it. */
function tell(label, results, verbose) {
	const passed = results.filter((result) => result.ok).length;
	const ms = results.reduce((sum, result) => sum + result.ms, 0);
	console.log(`${passed === results.length ? 'ok  ' : 'FAIL'} ${label} ${passed}/${results.length} ${(ms / 1000).toFixed(1)} s`);
	const untried = results.filter(({ detail }) => detail?.startsWith('not tried'));
	for (const { scenario, ok, detail, ms: each } of results.filter((result) => !untried.includes(result))) {
		if (verbose && ok) console.log(`     ok ${scenario} ${each} ms`);
		if (!ok) console.log(`     not ok ${scenario}: ${detail}`);
	}
	if (untried.length > 0) console.log(`     ${untried.length} more not tried`);
}

async function main() {
	const options = readOptions(process.argv.slice(2));
	if (options.help) {
		process.stdout.write(HELP);
		return 0;
	}
	const keeper = options.save ? new Keeper('chromium') : null;
	const all = [];
	for (const server of options.servers) {
		const known = options.resume ? await settled('chromium', server) : undefined;
		const some = await runBrowser(server, { ...options, known }, (label, results) => {
			tell(label, results, options.verbose);
			keeper?.add(results);
		});
		all.push(...some);
	}
	await keeper?.done();
	if (options.json) await fs.writeFile(options.json, JSON.stringify(all, null, '\t'));
	const failed = all.filter((result) => !result.ok);
	console.log(`${all.length - failed.length} passed, ${failed.length} failed`);
	// What the official servers cannot do is a finding, not a failure of this run.
	return (all.length === 0 && !options.resume) || failed.some((result) => !result.reference) ? 1 : 0;
}

process.exitCode = await main();
