// SPDX-License-Identifier: MIT
//
// Small servers in Node as people publish them, and the configurations of siocast that replace them: the same messages and the same clients
// for both, and whatever a client receives must be equal. See lib/replaced.mjs.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { GENERATIONS, allServers, playInstead, playReference, referenceOf, startInstead, startStages } from './lib/replaced.mjs';
import { Cleanup, withCleanup } from './lib/tools.mjs';
import { limit } from '../tests/e2e/lib/wait.mjs';

const servers = await allServers();

// What the migration guide shows of these servers is what is tested here.
test('doc/migrate-from-node.md shows these servers', () => {
	const guide = fs.readFileSync(new URL('../doc/migrate-from-node.md', import.meta.url), 'utf8');
	const patterns = guide.match(/^### Patterns\n.*?(?=^### )/ms)[0].split(/^#### /m).slice(1);
	assert.ok(patterns.length >= 13);
	for (const pattern of patterns) {
		const [, name] = pattern.match(/\(\.\.\/compat\/servers\/([a-z-]+)\)/);
		const server = servers.find((one) => one.name === name);
		const read = (file) => fs.readFileSync(path.join(server.folder, file), 'utf8');
		const code = read('server.cjs') + (server.app ? read('app.cjs') : '');
		const blocks = (language) => [...pattern.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, text]) => text);
		assert.equal(blocks('js').length, server.app ? 2 : 1, name);
		for (const snippet of blocks('js')) assert.ok(code.includes(snippet), `${name} has no such part:\n${snippet}`);
		assert.deepEqual(blocks('jsonc'), [read('siocast.json')]);
	}
});

describe('siocast in the place of a server', { concurrency: 3 }, () => {
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
