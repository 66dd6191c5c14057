#!/usr/bin/env node
// SPDX-License-Identifier: MIT
//
// The compatibility suite in Node: every official client, every way to connect, every scenario, against siocast and against the
// official servers. See README.md, or --help.

import { HELP, optionsFor, readOptions } from './lib/options.mjs';
import { Keeper, MatrixError, settled, writeMatrix } from './lib/matrix.mjs';
import { runServer, tell } from './lib/runner.mjs';

async function main() {
	const options = readOptions(process.argv.slice(2));
	if (options.help) {
		process.stdout.write(HELP);
		return 0;
	}
	if (options['matrix-only']) {
		await writeMatrix();
		return 0;
	}
	const keeper = options.save ? new Keeper('node') : null;
	const all = [];
	for (const server of options.servers) {
		const known = options.resume ? await settled('node', server) : undefined;
		const results = await runServer(server, { ...optionsFor(server, options), known }, (label, cell) => {
			tell(label, cell, options.verbose);
			keeper?.add(cell);
		});
		all.push(...results);
	}
	const failed = all.filter((result) => !result.ok);
	keeper?.add(all.filter(({ version }) => version === '-'));
	await keeper?.done();
	if (options.matrix) await writeMatrix();
	console.log(`${all.length - failed.length} passed, ${failed.length} failed`);
	// What the official servers cannot do is a finding, not a failure of this run.
	const ours = failed.filter((result) => !result.reference);
	return ours.length > 0 || (all.length === 0 && !options.resume) ? 1 : 0;
}

try {
	process.exitCode = await main();
} catch (error) {
	const known = error instanceof MatrixError || error.code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION' || error.name === 'UsageError';
	console.error(known ? `run.mjs: ${error.message}` : error);
	process.exitCode = 2;
}
