// SPDX-License-Identifier: MIT
//
// What the runs have found, kept in build/compat/<environment>-<server>.json, and what is made of it: MATRIX.md, and its first
// table once more in the README of the project. Environments: node (run.mjs), chromium (browser/). A result is
// {version, build, transport, scenario, ok, detail}.

import fs from 'node:fs/promises';
import path from 'node:path';
import { SCENARIOS, applies } from '../node/scenarios.mjs';
import { explain, isExplained } from './explanations.mjs';
import { ALL_CLIENTS, COMPAT, REFERENCES, SERVERS, TRANSPORTS, offers } from './versions.mjs';

export const RESULTS = path.join(COMPAT, '../build/compat');
const README = path.join(COMPAT, '../README.md');

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

/** What is known already of a server: it passed, or failed for a reason that is known. Gives a test of a kind and a scenario. */
export async function settled(environment, server) {
	const results = (await read(path.join(RESULTS, `${environment}-${server}.json`))).map((result) => ({ ...result, server }));
	const keys = new Set(results.filter((result) => result.ok || isExplained(result)).map(keyOf));
	return (kind, scenario) => keys.has(keyOf({ ...kind, scenario }));
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
		if (++this.cells % 4 === 0) this.#save();
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

const scenarios = new Map(SCENARIOS.map((scenario) => [scenario.name, scenario]));

// What was kept before a scenario was given up, or given up for this client, does not count.
function stillThere(environment, result) {
	if (environment !== 'node' || result.version === '-') return true;
	const scenario = scenarios.get(result.scenario);
	return scenario !== undefined && applies(scenario, result);
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
	'node debian': 'Clients in other languages, as Debian has them',
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
	for (const version of ALL_CLIENTS) {
		const row = results.filter((result) => result.version === version);
		if (row.length === 0) continue;
		const cells = transports.map((transport) => cellText(row.filter((result) => result.transport === transport)));
		const release = row.find((result) => result.release)?.release ?? '';
		lines.push(`| ${`${version} ${release}`.trim()} | ${cells.join(' | ')} |`);
	}
	return lines;
}

const GENERATIONS = [
	['1.0', /^1\.0\./], ['1.1 to 1.3', /^1\.[123]\./], ['1.4 to 1.7', /^1\.[4567]\./], ['2.x', /^2\./], ['3.x', /^3\./], ['4.x', /^4\./],
	['in Python', /^python3-/],
];

// Ways to connect, by what a reader looks for.
const WAYS = [
	['polling', ['polling', 'polling-base64', 'polling-xhr1']], ['WebSocket', ['websocket', 'websocket-base64']],
	['upgrade', ['upgrade', 'timestamps']], ['JSONP', ['jsonp']],
];

/** The matrix in short: a line per generation, siocast in every way, the official servers in all ways together. */
function summary(results) {
	const servers = REFERENCES.filter((server) => results.some((result) => result.server === server));
	const of = (list, server) => list.filter((result) => result.server === server);
	const cell = (list) => (list.length > 0 ? count(list) : '–');
	const head = [
		'clients', ...WAYS.map(([way]) => `siocast: ${way}`),
		...servers.map((server) => `Node ${server}${server.startsWith('4') ? ' with allowEIO3' : ''}`),
	];
	const lines = [`| ${head.join(' | ')} |`, `|${'---|'.repeat(head.length)}`];
	for (const [generation, pattern] of GENERATIONS) {
		const row = results.filter((result) => pattern.test(result.version));
		if (row.length === 0) continue;
		const ours = WAYS.map(([, names]) => cell(of(row, 'siocast').filter(({ transport }) => names.includes(transport))));
		const theirs = servers.map((server) => cell(of(row, server)));
		lines.push(`| ${[generation, ...ours, ...theirs].join(' | ')} |`);
	}
	return lines;
}

const unique = (list) => [...new Set(list)];

// 1.1.0, 1.2.1, 1.3.7 of all that were tried becomes "1.1.0 to 1.3.7" when nothing between them is missing.
function ranges(versions) {
	const at = unique(versions).map((version) => ALL_CLIENTS.indexOf(version)).sort((a, b) => a - b);
	const parts = [];
	for (let i = 0; i < at.length; i++) {
		let end = i;
		while (at[end + 1] === at[end] + 1) end++;
		parts.push(end > i ? `${ALL_CLIENTS[at[i]]} to ${ALL_CLIENTS[at[end]]}` : (ALL_CLIENTS[at[i]] ?? 'the server itself'));
		i = end;
	}
	return parts.join(', ');
}

// Results that failed for the same reason, a line each.
function reasons(failed) {
	return [...groupBy(failed, explain)].map(([why, list]) => {
		const where = `clients ${ranges(list.map((result) => result.version))}`;
		const what = unique(list.map((result) => result.scenario)).join(', ');
		const ways = unique(list.map((result) => `${result.transport}${result.environment === 'chromium' ? ' (Chromium)' : ''}`)).join(', ');
		return `- ${why} (${list.length} results; ${where}; ${ways}; ${what})`;
	});
}

function differences(results) {
	const lines = [];
	const ours = new Set(results.filter((result) => result.server === 'siocast' && !result.ok)
		.map((result) => `${result.environment} ${keyOf(result)}`));
	const failing = (server) => results.filter((result) => result.server === server && !result.ok);
	const part = (title, list) => lines.push('', `### ${title}`, '', ...(list.length > 0 ? reasons(list) : ['Nothing.']));
	for (const server of REFERENCES) {
		const theirs = failing(server);
		part(`socket.io ${server} fails, siocast does not`, theirs.filter((result) => !ours.has(`${result.environment} ${keyOf(result)}`)));
	}
	part('siocast fails', failing('siocast'));
	return lines;
}

function groupBy(list, keyOfItem) {
	const groups = new Map();
	for (const item of list) groups.set(keyOfItem(item), [...(groups.get(keyOfItem(item)) ?? []), item]);
	return groups;
}

// What siocast has not been tried with, so that nobody takes it for passed.
function notRun(results) {
	const ran = new Set(results.filter(({ server }) => server === 'siocast').map(({ version, build, transport }) => `${version} ${build} ${transport}`));
	const lines = [];
	for (const build of ['node', 'bundle', 'debian']) {
		const ways = (version) => Object.keys(TRANSPORTS).filter((way) => offers(version, build, way) && !ran.has(`${version} ${build} ${way}`));
		for (const version of ALL_CLIENTS.filter((each) => ways(each).length > 0)) lines.push(`- ${version} (${build}): ${ways(version).join(', ')}`);
	}
	return lines.length > 0 ? ['', '## Not run yet', '', ...lines] : [];
}

const BEGIN = '<!-- made by ./run compat -->\n\n';
const END = '\n\n<!-- end -->';

// The README shows the first table; tests/lint/matrix checks that it is the same.
async function updateReadme(lines) {
	const text = await fs.readFile(README, 'utf8');
	const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
	if (from < 0 || to < from) throw new MatrixError(`${README}: the place for the table is gone`);
	await fs.writeFile(README, text.slice(0, from + BEGIN.length) + lines.join('\n') + text.slice(to));
}

/** Writes MATRIX.md, and the table of the README, from everything that has been kept. */
export async function writeMatrix() {
	const results = await readAll();
	if (results.length === 0) throw new MatrixError(`nothing in ${RESULTS}: run with --save first`);
	const short = summary(results);
	const lines = [
		'# The compatibility matrix',
		'',
		'Made by `./run compat`; do not edit. A cell counts the scenarios that passed, of those that apply to the client; what they and the',
		'ways to connect are is in [README.md](README.md). In short, Node and Chromium together; against the official servers ran one or two',
		'clients of each generation, in fewer ways and scenarios:',
		'',
		...short,
		'',
		'In the tables that follow, siocast is in bold, the official servers are beside it.',
	];
	for (const [name, title] of Object.entries(TITLES)) {
		const some = results.filter(({ environment, build }) => `${environment} ${build}` === name);
		if (some.length > 0) lines.push('', `## ${title}`, '', ...table(some));
	}
	lines.push('', '## Differences', ...differences(results), ...notRun(results), '');
	await fs.writeFile(path.join(COMPAT, 'MATRIX.md'), lines.join('\n'));
	await updateReadme(short);
}
