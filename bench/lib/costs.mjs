// SPDX-License-Identifier: MIT
//
// The costs that the model of doc/capacity/ takes from the results: medians of siocast's.

import fs from 'node:fs';
import path from 'node:path';
import vm from 'node:vm';
import { reader } from './bars.mjs';
import { BENCH } from './programs.mjs';
import { table } from './stats.mjs';

const DOC = path.join(BENCH, '../doc');
const FILE = path.join(DOC, 'capacity/costs.js');
const PAGE = path.join(DOC, 'scale.md');

// A dashboard: 500 messages a second, of which a page shows a twenty-fifth; half of a second is soon enough for nobody, 200 ms are.
const SITE = { polling: 0.05, messages: 500, heard: 0.04, bytes: 250, interval: 200, nodes: 1, cores: 1, gigabits: 10, gigabytes: 16 };
/** The examples of doc/scale.md. */
export const EXAMPLES = [
	['10,000 clients, one core', { clients: 10_000 }],
	['19,000 clients, one core', { clients: 19_000 }],
	['100,000 clients, nodes of 4 cores', { clients: 100_000, cores: 4 }],
	['1,000,000 clients, nodes of 8 cores', { clients: 1_000_000, cores: 8 }],
	['1,000,000 clients, nodes of 8 cores, 20,000 messages/s of which each gets 0.1 %', { clients: 1_000_000, cores: 8, messages: 20_000, heard: 0.001 }],
	['100,000 clients, nodes of 4 cores, everybody gets all 20 messages/s of 3,000 bytes, not batched', { clients: 100_000, cores: 4, messages: 20, heard: 1, bytes: 3000, interval: 0 }],
].map(([what, more]) => [what, { ...SITE, ...more }]);

/** The functions of doc/capacity/model.js. */
export function loadModel() {
	const context = {};
	vm.runInNewContext(fs.readFileSync(path.join(DOC, 'capacity/model.js'), 'utf8'), context);
	return context;
}

/** Redis' cost of a message for each node more, and what is left for the message itself: a line through what was measured with 1 and 4 nodes. */
function redisCosts(median) {
	const [one, four] = ['siocast', 'nodes-4'].map((id) => median('capacity', id, 'redis'));
	if (one === undefined || four === undefined) return {};
	const node = Math.max(0, (four - one) / 3);
	return { redis: one - node, redisNode: node };
}

/** {name: [value, what it is]}, without those that were not measured. */
export function costsOf(results) {
	const { median } = reader(results);
	const { redis, redisNode } = redisCosts(median);
	const all = {
		small: [median('fan-out-1k-250', 'siocast', 'us'), 'µs of processor for a delivery of 250 bytes'],
		large: [median('fan-out-1k-3000', 'siocast', 'us'), 'the same of 3,000'],
		poll: [median('polling', 'siocast', 'usEvent'), 'µs for an event to a client that polls'],
		taken: [median('capacity', 'siocast', 'taking'), 'µs for a message that is taken from Redis, one by one; in crowds it is a tenth'],
		connect: [median('connect-websocket', 'siocast', 'usConnect'), 'µs for a WebSocket that connects'],
		kilobytes: [median('memory', 'siocast', 'kb10000'), 'KB of a connection'],
		redis: [redis, 'µs of Redis for a message, with what publishes it'],
		redisNode: [redisNode, 'and for each node that hears it'],
	};
	return Object.fromEntries(Object.entries(all).filter(([, [value]]) => value !== undefined));
}

export function costsText(results) {
	const lines = Object.entries(costsOf(results)).map(([name, [value, what]]) => `\t${name}: ${Number(value.toPrecision(3))}, // ${what}`);
	return `// Made by ./run bench from its results; do not edit.\nvar siocastCosts = {\n${lines.join('\n')}\n};\n`;
}

/** The table of doc/scale.md. */
export function examplesText(results) {
	const { siocastCapacity, siocastNodes } = loadModel();
	const costs = Object.fromEntries(Object.entries(costsOf(results)).map(([name, [value]]) => [name, Number(value.toPrecision(3))]));
	const rows = EXAMPLES.map(([what, site]) => {
		const nodes = siocastNodes(costs, site);
		const all = siocastCapacity(costs, { ...site, nodes: nodes || 1 });
		const used = Object.fromEntries(all.rows.map(({ name, used: part, of }) => [name.split(' (')[0], `${((100 * part) / of).toFixed(0)} %`]));
		return [what, String(nodes || 'more do not help'), used['processors of each node'], used['network of each node'], used.Redis, all.first.name.split(' (')[0], `${all.reconnect.toFixed(1)} s`];
	});
	return table(['site', 'nodes', 'their processors', 'their network', 'Redis', 'what ends first', 'clients of a lost node are back after'], rows);
}

const between = (text, mark, inner) => text.replace(new RegExp(`(<!-- ${mark} -->\\n\\n)[^]*?(\\n\\n<!-- end -->)`), (_, head, tail) => `${head}${inner}${tail}`);

export function saveCosts(results) {
	fs.writeFileSync(FILE, costsText(results));
	if (costsOf(results).redis !== undefined) fs.writeFileSync(PAGE, between(fs.readFileSync(PAGE, 'utf8'), 'examples', examplesText(results)));
}
