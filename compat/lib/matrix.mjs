// SPDX-License-Identifier: MIT
//
// What the runs have found, kept in build/compat/<environment>-<server>.json, and MATRIX.md, which is made of it.
// Environments: node (run.mjs), chromium (browser/). A result is {version, build, transport, scenario, ok, detail}.

import fs from 'node:fs/promises';
import path from 'node:path';
import { SCENARIOS } from '../node/scenarios.mjs';
import { explain } from './explanations.mjs';
import { CLIENTS, COMPAT, REFERENCES, SERVERS, TRANSPORTS } from './versions.mjs';

export const RESULTS = path.join(COMPAT, '../build/compat');

export class MatrixError extends Error {}

const keyOf = ({ version, build, transport, scenario }) => `${version} ${build} ${transport} ${scenario}`;

async function read(file) {
	try {
		return JSON.parse(await fs.readFile(file, 'utf8'));
	} catch (error) {
		if (error.code === 'ENOENT') return [];
		throw new MatrixError(`${file}: ${error.message}`);
	}
}

/** Keeps the results of a run. What an earlier run has found for other cells stays. */
export async function saveResults(environment, results) {
	await fs.mkdir(RESULTS, { recursive: true });
	for (const server of new Set(results.map((result) => result.server))) {
		const file = path.join(RESULTS, `${environment}-${server}.json`);
		const mine = results.filter((result) => result.server === server);
		const cells = new Map((await read(file)).map((result) => [keyOf(result), result]));
		for (const result of mine) cells.set(keyOf(result), result);
		await fs.writeFile(file, `${JSON.stringify([...cells.values()], null, '\t')}\n`);
	}
}

/** Keeps results while a long run goes on: what is known is not lost when it is cut off. */
export class Keeper {
	constructor(environment) {
		this.environment = environment;
		this.waiting = [];
		this.cells = 0;
		this.saved = Promise.resolve();
	}

	add(results) {
		this.waiting.push(...results);
		if (++this.cells % 10 === 0) this.#save();
	}

	#save() {
		const results = this.waiting.splice(0);
		this.saved = this.saved.then(() => saveResults(this.environment, results));
	}

	done() {
		this.#save();
		return this.saved;
	}
}

const applies = new Map(SCENARIOS.map((scenario) => [scenario.name, scenario.for ?? (() => true)]));

// What was kept before a scenario was given up, or given up for this client, does not count.
function stillThere(environment, result) {
	return environment !== 'node' || result.version === '-' || (applies.get(result.scenario)?.(result) ?? false);
}

async function readAll() {
	const all = [];
	for (const environment of ['node', 'chromium']) {
		for (const server of SERVERS) {
			const results = await read(path.join(RESULTS, `${environment}-${server}.json`));
			const some = results.filter((result) => stillThere(environment, result));
			all.push(...some.map((result) => ({ ...result, environment, server })));
		}
	}
	return all;
}

const TITLES = {
	'node node': 'Node: what `require("socket.io-client")` gives',
	'node bundle': 'Node: the client file for browsers, with XMLHttpRequest, WebSocket and JSONP as a page has them',
	'chromium chromium': 'Chromium: the client file as the page loads it',
};

const count = (results) => `${results.filter((result) => result.ok).length}/${results.length}`;

function cellText(results) {
	const parts = [];
	for (const server of SERVERS) {
		const some = results.filter((result) => result.server === server);
		if (some.length === 0) continue;
		parts.push(server === 'siocast' ? `**${count(some)}**` : `${server}: ${count(some)}`);
	}
	return parts.join('<br>') || '–';
}

function table(results) {
	const transports = [...new Set(results.map((result) => result.transport))];
	const known = Object.keys(TRANSPORTS);
	transports.sort((a, b) => known.indexOf(a) - known.indexOf(b));
	const lines = [`| client | ${transports.join(' | ')} |`, `|---|${transports.map(() => '---|').join('')}`];
	for (const version of CLIENTS) {
		const row = results.filter((result) => result.version === version);
		if (row.length === 0) continue;
		const cells = transports.map((transport) => cellText(row.filter((result) => result.transport === transport)));
		lines.push(`| ${version} | ${cells.join(' | ')} |`);
	}
	return lines;
}

const GENERATIONS = [
	['1.0', /^1\.0\./], ['1.1 to 1.3', /^1\.[123]\./], ['1.4 to 1.7', /^1\.[4567]\./], ['2.x', /^2\./], ['3.x', /^3\./], ['4.x', /^4\./],
];

/** The matrix in short, for the README: a line per generation, a column per server. */
function summary(results) {
	const servers = SERVERS.filter((server) => results.some((result) => result.server === server));
	const name = (server) => (server === 'siocast' ? 'siocast' : `socket.io ${server}${server.startsWith('4') ? ' with allowEIO3' : ''}`);
	const lines = [`| clients | ${servers.map(name).join(' | ')} |`, `|---|${servers.map(() => '---|').join('')}`];
	for (const [generation, pattern] of GENERATIONS) {
		const row = results.filter((result) => pattern.test(result.version));
		if (row.length === 0) continue;
		lines.push(`| ${generation} | ${servers.map((server) => count(row.filter((result) => result.server === server))).join(' | ')} |`);
	}
	return lines;
}

const unique = (list) => [...new Set(list)];

// 1.1.0, 1.2.1, 1.3.7 of all that were tried becomes "1.1.0 to 1.3.7" when nothing between them is missing.
function ranges(versions) {
	const at = unique(versions).map((version) => CLIENTS.indexOf(version)).sort((a, b) => a - b);
	const parts = [];
	for (let i = 0; i < at.length; i++) {
		let end = i;
		while (at[end + 1] === at[end] + 1) end++;
		parts.push(end > i ? `${CLIENTS[at[i]]} to ${CLIENTS[at[end]]}` : (CLIENTS[at[i]] ?? 'the server itself'));
		i = end;
	}
	return parts.join(', ');
}

function differences(results) {
	const lines = [];
	for (const server of [...REFERENCES, 'siocast']) {
		const failed = results.filter((result) => result.server === server && !result.ok);
		const groups = Map.groupBy ? Map.groupBy(failed, explain) : groupBy(failed, explain);
		const title = server === 'siocast' ? 'siocast fails' : `socket.io ${server} fails, siocast does not`;
		lines.push('', `### ${title}`, '');
		if (groups.size === 0) lines.push('Nothing.');
		for (const [why, list] of groups) {
			const where = `clients ${ranges(list.map((result) => result.version))}`;
			const what = unique(list.map((result) => result.scenario)).join(', ');
			const ways = unique(list.map((result) => `${result.transport}${result.environment === 'chromium' ? ' (Chromium)' : ''}`)).join(', ');
			lines.push(`- ${why} (${list.length} results; ${where}; ${ways}; ${what})`);
		}
	}
	return lines;
}

function groupBy(list, keyOfItem) {
	const groups = new Map();
	for (const item of list) groups.set(keyOfItem(item), [...(groups.get(keyOfItem(item)) ?? []), item]);
	return groups;
}

/** Writes MATRIX.md from everything that has been kept. */
export async function writeMatrix() {
	const results = await readAll();
	if (results.length === 0) throw new MatrixError(`nothing in ${RESULTS}: run with --save first`);
	const lines = [
		'# The compatibility matrix',
		'',
		'Made by `./run compat`; do not edit. A cell counts the scenarios that passed, of those that apply to',
		'the client: siocast in bold, the official servers beside it. README.md says what the scenarios and transports are.',
		'',
		...summary(results),
	];
	for (const [name, title] of Object.entries(TITLES)) {
		const some = results.filter(({ environment, build }) => `${environment} ${build}` === name);
		if (some.length > 0) lines.push('', `## ${title}`, '', ...table(some));
	}
	lines.push('', '## Differences', ...differences(results), '');
	await fs.writeFile(path.join(COMPAT, 'MATRIX.md'), lines.join('\n'));
}
