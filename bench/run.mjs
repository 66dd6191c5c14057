// SPDX-License-Identifier: MIT
//
// Measures, prints, and writes bench/results/ and bench/REPORT.md. Started by bench/run, which prepares the machine; README.md in
// this folder tells how to use it.

import { parseArgs } from 'node:util';
import { machine, processors } from './lib/machine.mjs';
import { report, scenarioTable } from './lib/report.mjs';
import { lastResults, openResults, saveResults } from './lib/results.mjs';
import { grouped, planned, runTogether } from './lib/rounds.mjs';
import { choose, chooseServers, mustBeNamed, shrink } from './lib/scenarios.mjs';

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));

const { values, positionals } = parseArgs({
	options: {
		rounds: { type: 'string' },
		quick: { type: 'boolean' },
		only: { type: 'string' },
		plan: { type: 'boolean' },
		report: { type: 'boolean' },
		dry: { type: 'boolean' },
		tiny: { type: 'boolean' },
		minutes: { type: 'string', default: '95' },
	},
	allowPositionals: true,
});

const log = (text) => console.error(text);
const minutes = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.round(seconds % 60)).padStart(2, '0')}`;

function showPlan(chosen, context) {
	let sum = 0;
	for (const group of grouped(chosen)) {
		for (const [at, scenario] of group.entries()) {
			const seconds = planned(scenario, context, at > 0);
			sum += seconds;
			console.log(`${minutes(sum).padStart(6)}  ${scenario.name.padEnd(20)} ${Math.round(seconds).toString().padStart(4)} s  ${scenario.title}`);
		}
	}
	console.log(`The plan: ${chosen.length} scenarios, ${context.rounds} rounds, about ${minutes(sum)} minutes\n`);
}

function show(scenario, result) {
	console.log(`\n${scenario.name}: ${scenario.title} (${Math.round(result.took)} s, ${result.planned} planned)\n`);
	for (const { title, columns } of scenario.tables ?? [scenario]) {
		if (title && scenario.tables) console.log(`${title}\n`);
		if (Object.keys(result.servers).length > 0) console.log(`${scenarioTable(columns, result)}\n`);
	}
	for (const [id, why] of Object.entries(result.failed)) console.log(`left out: ${id}: ${why}`);
}

/** A scenario measured again with some servers only keeps what it knows of the others: they are other rounds, so ratios suffer. */
function merged(old, result, only) {
	if (!only || !old) return result;
	return { ...result, mixed: true, servers: { ...old.servers, ...result.servers }, failed: { ...old.failed, ...result.failed } };
}

async function measureAll() {
	const quick = Boolean(values.quick);
	const wanted = choose(positionals, quick);
	const chosen = values.tiny ? wanted.map(shrink) : wanted;
	const rounds = Number(values.rounds ?? (values.tiny ? 1 : quick ? 2 : 5));
	// Short runs are to look at; only what has its rounds goes into the report.
	const keep = !quick && !values.dry && !values.tiny;
	const context = { rounds, log, keep, choose: chooseServers(values.only?.split(','), quick) };
	showPlan(chosen, context);
	if (values.plan) return;
	const facts = machine();
	const whole = positionals.length === 0 && !values.only;
	const { file, results } = keep ? openResults(facts, { whole, named: mustBeNamed }) : { results: { runs: [], scenarios: {} } };
	// A part is added to what another machine may have measured: which one is said of each run.
	if (whole || !results.machine) results.machine = facts;
	const run = { date: facts.date, machine: processors(facts), commit: facts.commit, load: facts.load, rounds, took: 0, what: whole ? 'everything' : positionals.join(' ') || values.only };
	results.runs.push(run);
	const begun = Date.now();
	const late = [];
	const done = (scenario, result) => {
		results.scenarios[scenario.name] = merged(results.scenarios[scenario.name], result, values.only);
		run.took = (Date.now() - begun) / 1000;
		show(scenario, result);
		if (!keep) return;
		saveResults(file, results);
		report(results);
	};
	for (const group of grouped(chosen)) {
		const left = Number(values.minutes) * 60 - (Date.now() - begun) / 1000;
		const needed = group.reduce((sum, scenario, at) => sum + planned(scenario, context, at > 0), 0);
		if (needed > left) late.push(...group.map(({ name }) => name));
		else await runTogether(group, context, done);
	}
	console.log(`\nMedians of ${rounds} interleaved rounds, least and most in brackets. ${minutes((Date.now() - begun) / 1000)} minutes.`);
	if (keep) console.log(`Written: ${file}, bench/REPORT.md, bench/plots/`);
	if (late.length > 0) console.log(`No time was left; to be added by: ./run bench ${late.join(' ')}`);
	const measured = chosen.filter(({ name }) => !late.includes(name));
	const failed = measured.filter(({ name }) => Object.keys(results.scenarios[name].failed).length > 0).map(({ name }) => name);
	if (failed.length > 0) console.log(`With something left out: ${failed.join(' ')}`);
}

if (values.report) report(lastResults().results);
else await measureAll();
process.exit(0);
