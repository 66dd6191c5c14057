// SPDX-License-Identifier: MIT
//
// Small servers in Node as people publish them, and the configurations of siocast that replace them: the same messages and the same clients
// for both, and whatever a client receives must be equal. See lib/replaced.mjs.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { GENERATIONS, allServers, playInstead, playReference, referenceOf, startInstead, startStages } from './lib/replaced.mjs';
import { Cleanup, withCleanup } from './lib/tools.mjs';
import { limit } from '../tests/e2e/lib/wait.mjs';

const servers = await allServers();

describe('siocast in the place of a server', () => {
	const cleanup = new Cleanup();
	let stages;
	before(async () => {
		stages = await startStages(cleanup, servers);
	}, limit(120));
	after(() => cleanup.run());

	for (const server of servers) {
		test(server.name, limit(120), (t) => withCleanup(async (mine) => {
			const instead = await startInstead(mine, stages, server);
			for (const client of Object.keys(GENERATIONS)) {
				await t.test(`${server.name}: client ${client}, socket.io ${referenceOf(server, client)}`, () => withCleanup(async (own) => {
					const expected = await playReference(own, stages, server, client);
					assert.deepEqual(await playInstead(own, instead, server, client), expected);
				}));
			}
		}));
	}
});
