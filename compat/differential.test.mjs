// SPDX-License-Identifier: MIT
//
// Raw requests to the official servers and to siocast: whatever differs must be a known difference (differential/known.mjs).

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { Cleanup } from '../tests/e2e/lib/cleanup.mjs';
import { limit } from '../tests/e2e/lib/wait.mjs';
import { allCases, runAll, unusedKnown } from './differential/suite.mjs';
import { Pairs } from './differential/targets.mjs';

const PARALLEL = 8;
const show = (value) => (value === undefined ? 'absent' : JSON.stringify(value).slice(0, 300));

/** What is wrong with a case, as lines of text. */
function complaints({ id, error, unexplained = [] }) {
	if (error) return [`${id}: ${error}`];
	return unexplained.map(({ path, step, reference, siocast }) =>
		`${id}, ${step}, ${path}: the reference says ${show(reference)}, siocast ${show(siocast)}`);
}

function groups() {
	const found = new Map();
	for (const testCase of allCases()) {
		const name = `${testCase.profile}: ${testCase.group}`;
		found.set(name, [...(found.get(name) ?? []), testCase]);
	}
	return found;
}

describe('siocast answers like the official servers', () => {
	const cleanup = new Cleanup();
	const pairs = new Pairs(cleanup);
	const results = [];
	after(() => cleanup.run());

	for (const [name, cases] of groups()) {
		test(`${name}, ${cases.length} cases`, limit(180), async () => {
			const some = await runAll(pairs, cases, PARALLEL);
			results.push(...some);
			assert.deepEqual(some.flatMap(complaints), []);
		});
	}

	test('every known difference is still one', () => {
		assert.deepEqual(unusedKnown(results).map(({ cases, path, reason }) => `${cases} ${path}: ${reason}`), []);
	});
});
