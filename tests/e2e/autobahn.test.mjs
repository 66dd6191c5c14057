// SPDX-License-Identifier: MIT
//
// The 517 cases of the Autobahn test suite (tests/autobahn), with few messages in those that send many.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CASES } from '../autobahn/cases.mjs';
import { runCases } from '../autobahn/run.mjs';
import { REFERENCE } from './lib/daemon.mjs';
import { limit } from './lib/wait.mjs';

test('all cases behave as tests/autobahn/README.md says', { ...limit(600), skip: REFERENCE && 'for eio-echo' }, async () => {
	assert.equal(CASES.length, 517);
	const others = [];
	const totals = await runCases(2, () => true, (id, result) => {
		const explained = id.startsWith('13.3.') || id.startsWith('13.5.') ? 'UNIMPLEMENTED' : 'INFORMATIONAL';
		if (result !== 'OK' && result !== explained) others.push(`${id} ${result}`);
	});
	assert.deepEqual(others, []);
	assert.deepEqual(totals, { OK: 478, INFORMATIONAL: 3, UNIMPLEMENTED: 36 });
});
