// SPDX-License-Identifier: MIT
//
// A group of tests around one running server: started before the first, stopped (and judged) after the last.

import { after, before, describe } from 'node:test';
import { Cleanup } from './cleanup.mjs';

/**
 * `start(cleanup)` gives the properties of the object that `body(context)` gets; they are there once the tests run, not yet
 * while `body` declares them. `skip`: the reason to leave the group out, or false.
 */
export function suite(name, start, body, skip = false) {
	describe(name, { skip }, () => {
		const cleanup = new Cleanup();
		const context = {};
		before(async () => {
			Object.assign(context, await start(cleanup));
		});
		after(() => cleanup.run());
		body(context);
	});
}
