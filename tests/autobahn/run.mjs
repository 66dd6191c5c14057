// SPDX-License-Identifier: MIT
//
// Runs the cases against eio-echo and prints a line for each group. COUNT: messages in each case of 9.7, 9.8, 12 and 13, which
// are 1000 in the suite. CASES: the beginnings of the numbers that are run.
//
//     node tests/autobahn/run.mjs [COUNT] [CASES...]

import { Cleanup } from '../e2e/lib/cleanup.mjs';
import { startEcho } from '../e2e/lib/daemon.mjs';
import { openDirect } from '../e2e/lib/engine.mjs';
import { CASES } from './cases.mjs';

/** Runs those cases, hands each result on, and gives how many there were of each kind. */
export async function runCases(count, chosen, onResult) {
	const cleanup = new Cleanup();
	const totals = {};
	try {
		const server = await startEcho(cleanup, { maxPayload: 16 * 1024 * 1024, deflate: true });
		for (const { id, run } of CASES.filter((one) => chosen(one.id))) {
			let socket;
			const open = async (headers) => (socket = await openDirect(server, '', headers));
			const result = await run(open, count).catch((error) => `FAILED ${error.message}`);
			socket?.close();
			totals[result.split(' ')[0]] = (totals[result.split(' ')[0]] ?? 0) + 1;
			onResult(id, result);
		}
	} finally {
		await cleanup.run();
	}
	return totals;
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
	const [count = '1000', ...prefixes] = process.argv.slice(2);
	const chosen = (id) => prefixes.length === 0 || prefixes.some((prefix) => `${id}.`.startsWith(`${prefix}.`));
	const groups = {};
	const totals = await runCases(Number(count), chosen, (id, result) => {
		const group = id.split('.').slice(0, 2).join('.').replace(/^([2345]|10)\..*/, '$1');
		if (result !== 'OK') console.log(`${id} ${result}`);
		groups[group] ??= {};
		groups[group][result.split(' ')[0]] = (groups[group][result.split(' ')[0]] ?? 0) + 1;
	});
	for (const [group, results] of Object.entries(groups)) console.log(group, JSON.stringify(results));
	console.log(JSON.stringify(totals));
	process.exitCode = totals.FAILED ? 1 : 0;
}
