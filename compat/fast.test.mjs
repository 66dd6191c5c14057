// SPDX-License-Identifier: MIT
//
// The quick part of the suite as a test of node:test: every generation and every way to connect, against siocast. A test per
// client and way; it fails with the scenarios that failed.
//	node --test-reporter=tap fast.test.mjs

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { readOptions } from './lib/options.mjs';
import { cellsOf, runServer } from './lib/runner.mjs';

const options = readOptions(['--fast']);
const labelOf = ({ version, build, transport }) => `siocast ${version} ${build} ${transport}`;
const found = new Map();
let rest = [];

before(async () => {
	const all = await runServer('siocast', options, (label, results) => found.set(label, results));
	rest = all.filter(({ version }) => version === '-');
}, { timeout: 280_000 });

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
