// SPDX-License-Identifier: MIT
//
// A client of each generation in Chromium, over each way to connect, and the pages of their years: the quick part of what
// browser/run.mjs does.

import assert from 'node:assert/strict';
import { describe, test, before } from 'node:test';
import { limit } from '../tests/e2e/lib/wait.mjs';
import { missing } from './browser/chromium.mjs';
import { cellsOf, runBrowser } from './browser/runner.mjs';
import { FAST } from './browser/scenarios.mjs';
import { slowness } from './lib/options.mjs';

const OPTIONS = {
	clients: ['1.0.6', '1.7.4', '2.5.0', '3.1.3', '4.8.4'],
	transports: ['polling', 'websocket', 'upgrade', 'jsonp'],
	scenarios: FAST,
	messages: 300,
	parallel: 2,
	// The load of the machine is known too late, so that every limit has some room. Nothing waits for one that is not reached.
	slow: Math.max(Number(process.env.SLOW) || slowness(), 4),
};

describe('official clients in Chromium', { skip: missing() }, () => {
	let results = [];
	before(async () => {
		results = await runBrowser('siocast', OPTIONS);
	}, limit(360));

	for (const { kind, scenarios } of cellsOf(OPTIONS, 'siocast')) {
		test(`${kind.version} ${kind.transport}`, () => {
			const mine = results.filter(({ version, transport }) => version === kind.version && transport === kind.transport);
			assert.deepEqual(mine.filter(({ ok }) => !ok).map(({ scenario, detail }) => `${scenario}: ${detail}`), []);
			assert.equal(mine.length, scenarios.length);
		});
	}
});
