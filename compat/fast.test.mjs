// SPDX-License-Identifier: MIT
//
// The quick part of the suite as a test of node:test: every generation and every way to connect, against siocast. A test per
// client and way; it fails with the scenarios that failed.
//	node --test-reporter=tap fast.test.mjs

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { limit } from '../tests/e2e/lib/wait.mjs';
import { readOptions } from './lib/options.mjs';
import { cellsOf, runServer } from './lib/runner.mjs';

const options = readOptions(['--fast']);
// The load of the machine is known too late, so that every limit has some room. Nothing waits for one that is not reached.
options.slow = Math.max(options.slow, 4);
const labelOf = ({ version, build, transport }) => `siocast ${version} ${build} ${transport}`;
const found = new Map();
let rest = [];

before(async () => {
	const all = await runServer('siocast', options, (label, results) => found.set(label, results));
	rest = all.filter(({ version }) => version === '-');
}, limit(360));

for (const { kind, scenarios } of cellsOf(options, 'siocast')) {
	test(labelOf(kind), () => {
		const results = found.get(labelOf(kind)) ?? [];
		const failed = results.filter((result) => !result.ok).map(({ scenario, detail }) => `${scenario}: ${detail}`);
		assert.deepEqual(failed, []);
		assert.equal(results.length, scenarios.length, 'every scenario ran');
	});
}

test('the server ends as it should', () => {
	assert.deepEqual(rest.map(({ scenario, detail }) => `${scenario}: ${detail}`), []);
});
