// SPDX-License-Identifier: MIT
//
// Runs the differential test by hand:
//	node compat/differential/run.mjs [--filter TEXT] [--profile NAME] [--all] [--parallel 4] [--json FILE]
// Prints each difference that is not known as both sides have it, and where it was seen; --all the known ones too, with their
// reasons.

import fs from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { withCleanup } from '../../tests/e2e/lib/cleanup.mjs';
import { allCases, runAll, unusedKnown } from './suite.mjs';
import { Pairs } from './targets.mjs';

const { values: options } = parseArgs({
	options: {
		filter: { type: 'string', default: '' },
		profile: { type: 'string' },
		all: { type: 'boolean', default: false },
		json: { type: 'string' },
		parallel: { type: 'string', default: '4' },
	},
});

const LONGEST = 300;
const show = (value) => (value === undefined ? 'absent' : JSON.stringify(value).slice(0, LONGEST));

/** Differences that say the same are printed once, with the cases in which they were seen. */
class Report {
	constructor() {
		this.groups = new Map();
	}

	add(id, { path, step, reference, siocast, reason }) {
		const key = JSON.stringify([path.replace(/^\d+\./, ''), show(reference), show(siocast), reason]);
		if (!this.groups.has(key)) this.groups.set(key, []);
		this.groups.get(key).push(`${id} (${step})`);
	}

	print() {
		for (const [key, where] of this.groups) {
			const [path, reference, siocast, reason] = JSON.parse(key);
			console.log(`${path}${reason ? `: ${reason}` : ''}\n\treference  ${reference}\n\tsiocast    ${siocast}`);
			for (const line of where.slice(0, 12)) console.log(`\t\t${line.slice(0, 160)}`);
			if (where.length > 12) console.log(`\t\t... ${where.length} in all`);
		}
	}
}

await withCleanup(async (cleanup) => {
	const pairs = new Pairs(cleanup);
	const report = new Report();
	const wanted = allCases().filter(({ id, profile }) => id.includes(options.filter) && (options.profile ?? profile) === profile);
	const results = await runAll(pairs, wanted, Number(options.parallel));
	for (const { id, error, unexplained = [], explained = [] } of results) {
		if (error) console.log(`${id}  ${error}`);
		for (const one of unexplained) report.add(id, one);
		if (options.all) for (const one of explained) report.add(id, one);
	}
	report.print();
	const bad = results.filter((result) => result.error || result.unexplained.length > 0);
	const unused = wanted.length === allCases().length ? unusedKnown(results) : [];
	for (const { cases, path, reason } of unused) console.log(`explains nothing any more: ${cases} ${path} (${reason})`);
	if (options.json) await fs.writeFile(options.json, JSON.stringify(results, null, '\t'));
	console.log(`${results.length - bad.length} of ${results.length} cases alike or explained`);
	if (bad.length + unused.length > 0) process.exitCode = 1;
});
