// SPDX-License-Identifier: MIT
//
// Runs one scenario: all its servers are started with their clients and stay up; then each round measures every one of them, so
// that a slow minute of the machine meets all alike. A server that fails is left out by name and reason; the others go on.

import { withCleanup } from '../../tests/e2e/lib/cleanup.mjs';
import { within } from '../../tests/e2e/lib/wait.mjs';
import { Bed, figures } from './measure.mjs';
import { servers } from './servers.mjs';

const ATTEMPTS = 3;
const STEP_MS = 180_000;

const reason = (error) => String(error.message).split('\n').filter(Boolean).slice(0, 3).join(' ').slice(0, 400);

/** What a scenario does in a round unless it says otherwise. */
export async function standardRound(bed) {
	const window = await bed.window();
	return { ...figures(window, bed.options.seconds), limit: window.report.generator.limit };
}

async function warmUp(bed) {
	if (bed.options.clients > 0) await bed.window();
}

/** Some windows fail by accident of the machine; they are repeated and counted. */
async function attempt(step, note) {
	for (let i = 1; ; i++) {
		try {
			return await within(step(), 'one measurement', STEP_MS);
		} catch (error) {
			if (i === ATTEMPTS) throw error;
			note(reason(error));
		}
	}
}

class Run {
	constructor(scenario, context) {
		Object.assign(this, { scenario, context, beds: new Map(), results: {}, failed: {} });
	}

	fail(id, error) {
		this.failed[id] = reason(error);
		this.context.log(`${this.scenario.name}: ${servers[id].name} is left out: ${error.message}`);
		this.beds.delete(id);
		delete this.results[id];
	}

	async raise(cleanup, id) {
		const { scenario, context } = this;
		const result = { name: servers[id].name, values: {}, repeated: [], limited: 0 };
		try {
			const refused = await scenario.unfit?.(id);
			if (refused) throw new Error(refused);
			const options = { ...scenario.options, ...scenario.optionsOf?.(id) };
			const bed = await attempt(() => Bed.raise(cleanup, id, options), (why) => result.repeated.push(why));
			this.results[id] = result;
			await attempt(() => (scenario.warm ?? warmUp)(bed, context), (why) => result.repeated.push(why));
			this.beds.set(id, bed);
		} catch (error) {
			this.fail(id, error);
		}
	}

	async measure(id, bed, round) {
		const { scenario, context } = this;
		const result = this.results[id];
		const step = () => (scenario.round ?? standardRound)(bed, { ...context, round, run: this });
		const { limit = false, ...values } = await attempt(step, (why) => result.repeated.push(why));
		for (const [key, value] of Object.entries(values)) (result.values[key] ??= []).push(value);
		if (limit) result.limited++;
		const main = scenario.columns?.[0] ?? scenario.tables[0].columns[0];
		context.log(`${scenario.name} ${round}/${context.rounds} ${result.name}: ${values[main.key]?.toFixed(main.digits ?? 2)} ${main.title}`);
	}

	async rounds() {
		for (let round = 1; round <= this.context.rounds; round++) {
			for (const [id, bed] of this.beds) {
				if (round > (this.scenario.roundsOf?.(id, this.context.rounds) ?? Infinity)) continue;
				try {
					await this.measure(id, bed, round);
				} catch (error) {
					this.fail(id, error);
				}
			}
		}
	}
}

/** Gives {name, date, took, rounds, servers: {id: {name, values: {key: [per round]}, repeated, limited}}, failed: {id: reason}}. */
export async function runScenario(scenario, context) {
	const begun = Date.now();
	const run = new Run(scenario, context);
	const clean = withCleanup(async (cleanup) => {
		for (const id of context.choose(scenario.servers)) await run.raise(cleanup, id);
		await run.rounds();
		await scenario.after?.(run);
	});
	// What does not end well is told, but the figures are there.
	await clean.catch((error) => {
		context.log(`${scenario.name}: ${error.message}`);
		if (Object.keys(run.failed).length === 0) run.unclean = reason(error);
	});
	return {
		name: scenario.name,
		date: new Date(begun).toISOString(),
		took: (Date.now() - begun) / 1000,
		rounds: context.rounds,
		servers: run.results,
		failed: run.failed,
		...(run.unclean ? { unclean: run.unclean } : {}),
		...(run.extra ? { extra: run.extra } : {}),
	};
}

/** How many seconds it will take, about. */
export function planned(scenario, context) {
	if (scenario.plan) return scenario.plan(context);
	const { clients, seconds } = scenario.options;
	const setUp = 1.2 + seconds + clients / 3500;
	return context.choose(scenario.servers).length * (setUp + context.rounds * (seconds * (scenario.windows ?? 1) + 0.4));
}
