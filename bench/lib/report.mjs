// SPDX-License-Identifier: MIT
//
// bench/REPORT.md and bench/plots/ out of the results. Every figure in them comes from there, but for those of reasons.mjs that say so.

import fs from 'node:fs';
import path from 'node:path';
import { barRows, inWords, missed, reader, shortTable } from './bars.mjs';
import { saveCosts } from './costs.mjs';
import { processors } from './machine.mjs';
import { BENCH } from './programs.mjs';
import { saveShort } from './results.mjs';
import { scenarios } from './scenarios.mjs';
import { servers } from './servers.mjs';
import { known, ratios, spread, summary, table } from './stats.mjs';
import { PLOTS, barChart, lineChart } from './svg.mjs';

const tablesOf = (scenario) => scenario.tables ?? [{ columns: scenario.columns, plot: scenario.plot }];

/** One cell: a value's median with the least and most, or its ratio to another server's, round by round. */
function cell(column, id, result) {
	const { key, digits = 2, ratio, short } = column;
	const own = result.servers[id].values[key];
	const values = ratio ? ratios(own, result.servers[ratio]?.values[key]) : known(own);
	if (values.length === 0) return '–';
	const text = short || values.length === 1 ? summary(values).median.toFixed(digits) : spread(summary(values), digits);
	return key === 'generator' && result.servers[id].limited > 0 ? `${text} (limit)` : text;
}

/** The table of a scenario as text; `columns` of one of its tables. */
export function scenarioTable(columns, result) {
	const used = columns.filter(({ ratio }) => !ratio || result.servers[ratio]);
	const rows = Object.keys(result.servers).map((id) => [result.servers[id].name, ...used.map((column) => cell(column, id, result))]);
	return table(['server', ...used.map(({ title }) => title)], rows);
}

const KINDS = [['siocast', 'ours'], ['floor', 'base'], ['uws', 'uws'], ['v1', 'v1'], ['python', 'python'], ['nchan', 'nchan']];
const kindOf = (id) => KINDS.find(([start]) => id.startsWith(start))?.[1] ?? 'ws';

function plotOf({ key, title, low }, scenario, result, at) {
	const rows = Object.entries(result.servers)
		.filter(([, { values }]) => known(values[key]).length > 0)
		.map(([id, { name, values }]) => ({
			name,
			kind: kindOf(id),
			naive: id.endsWith('naive'),
			summary: summary(known(values[key])),
		}));
	if (rows.length < 2) return '';
	const file = `${scenario.name}${at > 0 ? `-${key.replaceAll('_', '-')}` : ''}.svg`;
	const subtitle = `${title}; ${low ? 'less' : 'more'} is better. Medians of ${result.rounds} rounds, lines from least to most; grey: times siocast`;
	fs.writeFileSync(path.join(PLOTS, file), barChart({ title: scenario.title, subtitle, rows }));
	return `\n![${title}: ${scenario.title}](plots/${file})\n`;
}

function notes(result) {
	const lines = Object.entries(result.failed).map(([id, why]) => `- left out: ${servers[id]?.name ?? id}: ${why}`);
	for (const { name, repeated, limited } of Object.values(result.servers)) {
		if (limited > 0) lines.push(`- ${name}: in ${limited} of ${result.rounds} rounds something else than the server’s processor was the limit (the generator, or full sockets)`);
		if (repeated.length > 0) lines.push(`- ${name}: ${repeated.length} measurement(s) repeated; the first: ${repeated[0].slice(0, 160)}`);
	}
	if (result.mixed) lines.push('- some servers of this table were measured in another run: ratios are not of the same rounds');
	if (result.unclean) lines.push(`- at the end: ${result.unclean}`);
	return lines.length > 0 ? `\n${lines.join('\n')}\n` : '';
}

const percent = (share) => `${(100 * share).toFixed(share < 0.095 ? 1 : 0)} %`;

/** Servers by name that have a text in common, as sentences: [[id, text]]. */
function together(pairs) {
	const names = new Map();
	for (const [id, text] of pairs) names.set(text, [...(names.get(text) ?? []), servers[id].name]);
	return [...names].map(([text, all]) => `${all.join(', ')}: ${text}`).join('; ');
}

/** Who is not in the table. */
function absentees(scenario, result) {
	const lines = [];
	const absent = together(Object.entries(scenario.absent));
	if (absent) lines.push(`Not in the table: ${absent}.`);
	const missing = scenario.servers.filter((id) => !result.servers[id] && !result.failed[id]);
	if (missing.length > 0) lines.push(`Not measured yet: ${missing.map((id) => servers[id].name).join(', ')}.`);
	return lines.map((line) => `\n${line}\n`).join('');
}

/** What burns, in a sentence made of the profile. */
function sentence(name, { kinds, hottest, samples }) {
	const known = Object.values(kinds).filter(({ share }) => share >= 0.005);
	known.sort((a, b) => b.share - a.share);
	const other = Math.max(0, 1 - known.reduce((sum, { share }) => sum + share, 0));
	const parts = known.map(({ title, share }) => `${percent(share)} ${title}`);
	const top = hottest.slice(0, 4).map(([symbol, share]) => `\`${symbol.replaceAll('|', '\\|').slice(0, 60)}\` ${percent(share)}`);
	return `**${name}** (${samples} samples): ${parts.join(', ')}, ${percent(other)} all the rest. Most time of its own: ${top.join(', ')}.`;
}

function profiles(result) {
	const all = Object.entries(result.extra?.profiles ?? {}).filter(([, profile]) => profile);
	return all.map(([id, profile]) => `\n- ${sentence(result.servers[id]?.name ?? id, profile)} [Flame graph](plots/${profile.file})`).join('');
}

function section(scenario, result) {
	const parts = [`### ${scenario.title}\n\n${scenario.about} (\`${scenario.name}\`)\n`];
	tablesOf(scenario).forEach(({ title, columns, plot }, at) => {
		if (title) parts.push(`\n${title}:\n`);
		if (Object.keys(result.servers).length > 0) parts.push(`\n${scenarioTable(columns, result)}\n`);
		if (plot) parts.push(plotOf(plot, scenario, result, at));
	});
	parts.push(absentees(scenario, result), notes(result), profiles(result));
	return parts.join('').trimEnd();
}

const GROWTH = ['siocast', 'floor', 'tuned', 'uws-tuned', 'v1-tuned', 'python', 'nchan'];

/** Cost per delivery over the number of clients. */
function growthPlot(results) {
	const { median } = reader(results);
	const cost = (k, id) => median(`growth-${k}k`, id, 'us');
	const counts = [1, 10, 19].filter((k) => cost(k, 'siocast') !== undefined);
	if (counts.length < 2) return '';
	const points = (id) => counts.map((k) => [k * 1000, cost(k, id) / cost(1, id)]).filter(([, y]) => y > 0);
	const series = GROWTH.map((id) => ({ name: servers[id].name, points: points(id) })).filter((one) => one.points.length > 1);
	const chart = lineChart({
		title: 'What a delivery costs as the number of clients grows',
		subtitle: 'CPU per delivered message of 1 KB, over the number of clients; 1 is what it costs the same server with 1,000',
		series,
		ticks: counts.map((k) => k * 1000),
	});
	fs.writeFileSync(path.join(PLOTS, 'growth.svg'), chart);
	return '\n![Cost per delivery over the number of clients](plots/growth.svg)\n';
}

function machineText({ machine, runs }) {
	const { versions } = machine;
	const rows = [
		['machine', `${processors(machine)}, ${(machine.memory / 2 ** 30).toFixed(0)} GB`],
		['system', `${machine.system}, Linux ${machine.kernel}, TCP ${machine.congestion}, ${machine.openFiles} open files`],
		['sysctl', Object.entries(machine.sysctl).map(([name, value]) => `${name} = ${value}`).join('; ')],
		['versions', Object.entries(versions).map(([name, value]) => `${name} ${value}`).join('; ')],
		['source', `commit ${machine.commit || 'unknown'}${machine.dirty ? ', changed' : ''}`],
		['runs', runs.map(({ date, load, rounds, took, what, commit, machine: on }) => `${date.slice(0, 16).replace('T', ' ')} UTC: ${what}${commit ? ` (commit ${commit})` : ''}, ${rounds} rounds, ${Math.round(took / 60)} minutes, load average before ${load.map((v) => v.toFixed(2)).join(' ')}${on && on !== processors(machine) ? `, on ${on}` : ''}`).join('; ')],
	];
	return rows.map(([name, text]) => `- **${name}**: ${text}`).join('\n');
}

const SHORT_ABOUT = 'Medians. Of the two ways to write each Node server each row has the better one; the tables below have both. “≥”: something else than the server’s processor held the figure down.';

const INTRO = `# What siocast costs, measured

This file is made by \`./run bench\`; do not edit it. [README.md](README.md) tells the method and how to read the figures. In short:
the server has processor 0 to itself, everything else the others; in each round every server of a table is measured once, in
turn; a cell is the median of the rounds with the least and the most in brackets; ratios are taken within a round. Every
window is checked: each client must have got exactly what was sent.`;

export function report(results) {
	fs.mkdirSync(PLOTS, { recursive: true });
	const parts = [INTRO, machineText(results)];
	parts.push(`## Goals\n\n${table(['what', 'goal', 'measured', 'result'], barRows(results))}`);
	const reasons = missed(results);
	if (reasons.length > 0) parts.push(`Why those that are missed are missed, and what was tried:\n\n${reasons.join('\n')}`);
	const words = inWords(results);
	if (words.length > 0) parts.push(`In words:\n\n${words.map((text) => `- ${text}`).join('\n')}`);
	const [head, rows] = shortTable(results);
	const short = rows.length > 0 ? table(head, rows) : '';
	parts.push(`## In short\n\n${SHORT_ABOUT}\n\n${short}`);
	let group;
	for (const scenario of scenarios) {
		const result = results.scenarios[scenario.name];
		if (!result) continue;
		if (scenario.group !== group) {
			group = scenario.group;
			parts.push(`## ${group}${group === 'Growth' ? `\n${growthPlot(results)}` : ''}`.trimEnd());
		}
		parts.push(section(scenario, result));
	}
	const missing = scenarios.filter(({ name }) => !results.scenarios[name]).map(({ name }) => name);
	if (missing.length > 0) parts.push(`Not measured yet: ${missing.join(', ')}.`);
	fs.writeFileSync(path.join(BENCH, 'REPORT.md'), `${parts.join('\n\n')}\n`);
	saveShort(`${short}\n`);
	saveCosts(results);
}
