// SPDX-License-Identifier: MIT
//
// Batches in columns: how long they are, what they cost to make and to read. No clients and no network: bench/columns.mjs measures.

import path from 'node:path';
import { withCleanup } from '../../../tests/e2e/lib/cleanup.mjs';
import { PEERS, because } from '../complete.mjs';
import { BENCH, Program } from '../programs.mjs';

export const DATA = ['market', 'quotes', 'sensors', 'logs', 'match'];
export const SIZES = [60, 1000];

const TITLES = { market: 'the demo’s market', quotes: 'quotes', sensors: 'readings of sensors', logs: 'log lines', match: 'a match’s state' };

/** The names of the values of a data set, by how many messages are in a batch. */
export const keyOf = (what, name, size) => `${what}_${name}_${size}`;

async function columnsRound({ options }) {
	const values = {};
	const sizes = options.scale ? SIZES.slice(0, 1) : SIZES;
	await withCleanup(async (cleanup) => {
		const program = new Program(cleanup, process.execPath, [path.join(BENCH, 'columns.mjs'), '--json', ...sizes.map(String)], { name: 'columns.mjs' });
		for (let left = DATA.length * sizes.length; left > 0; left--) {
			const { name, size, json, columns, encode_us, decode_us: read } = await program.next('a row', 120_000);
			const told = { share: (100 * columns) / json, encode: encode_us, read: read.columns, faster: read.parse / read.columns, array: read.array / read.columns };
			for (const [what, value] of Object.entries(told)) values[keyOf(what, name, size)] = value;
		}
	});
	return values;
}

const tableOf = (what, title, digits, size) => ({
	title: `${title}, ${size} messages in a batch`,
	columns: DATA.map((name) => ({ key: keyOf(what, name, size), title: TITLES[name], digits })),
});

const columns = {
	group: 'Compact batches',
	name: 'columns',
	title: 'A batch in columns, beside the JSON array of the same messages',
	about: 'Five kinds of messages: what the demo publishes, and what is made in the shapes of public feeds (bench/lib/datasets.mjs). A batch is encoded once for all clients. Reading is in Chromium, from the binary that came to every message as a value; the array is a text that is parsed, and, in the last tables, as the page gets it: a binary, which has to become text first. Of all rounds the fastest counts.',
	absent: { floor: 'there is nothing to encode', ...because('it has no such format', ...PEERS) },
	options: { clients: 0 },
	fresh: true,
	warm: async () => {},
	round: columnsRound,
	roundsOf: () => 1,
	stepMs: 300_000,
	tables: SIZES.flatMap((size) => [
		tableOf('share', '% of the bytes of the JSON', 1, size),
		tableOf('encode', 'Encoding, CPU µs a message', 3, size),
		tableOf('read', 'Reading, µs a message', 3, size),
		tableOf('faster', 'Parsing the array ÷ reading the columns', 2, size),
		tableOf('array', 'Reading the array as a binary ÷ reading the columns', 2, size),
	]),
	plan: () => 60,
};

export const compact = [columns];
