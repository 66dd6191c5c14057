// SPDX-License-Identifier: MIT
//
// Runs scenarios: all servers are started with their clients and stay up; then each round measures every one of them, so that a slow
// minute of the machine meets all alike. A server that fails is left out by name and reason and keeps what it has; the others go on.
// Scenarios that differ only in what is sent share their servers.

import { withCleanup } from '../../tests/e2e/lib/cleanup.mjs';
import { within } from '../../tests/e2e/lib/wait.mjs';
import { Bed, figures } from './measure.mjs';
import { AT_ONCE, standardSeconds } from './plan.mjs';
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
async function attempt(step, note, stepMs = STEP_MS) {
	for (let i = 1; ; i++) {
		try {
			return await within(Promise.resolve(step()), 'one measurement', stepMs);
		} catch (error) {
			if (i === ATTEMPTS) throw error;
			note(reason(error));
		}
	}
}

/** Calls `step` for each, some at the same time. */
async function inParallel(items, atOnce, step) {
	const left = [...items];
	const one = async () => {
		while (left.length > 0) await step(left.shift());
	};
	await Promise.all(Array.from({ length: atOnce }, one));
}

class Run {
	/** `kept`: the servers that the scenario before had, by id. */
	constructor(scenario, context, kept) {
		Object.assign(this, { scenario, context, kept, beds: new Map(), results: {}, failed: {}, begun: Date.now() });
		this.planned = Math.round(planned(scenario, context, kept.size > 0));
	}

	/** It is not measured any more. */
	fail(id, error) {
		const rounds = Math.max(0, ...Object.values(this.results[id].values).map((all) => all.length));
		this.failed[id] = `${rounds > 0 ? `after ${rounds} rounds: ` : ''}${reason(error)}`;
		this.context.log(`${this.scenario.name}: ${servers[id].name} is left out: ${error.message}`);
		this.beds.delete(id);
		this.kept.delete(id);
		if (rounds === 0) delete this.results[id];
	}

	async raise(cleanup, id) {
		const { scenario, context, kept } = this;
		const options = { ...scenario.options, ...scenario.optionsOf?.(id) };
		try {
			const refused = await scenario.unfit?.(id);
			if (refused) throw new Error(refused);
			const note = (why) => this.results[id].repeated.push(why);
			const raise = () => (scenario.fresh ? { id, options } : Bed.raise(cleanup, id, options));
			const bed = kept.get(id) ?? (await attempt(raise, note));
			bed.options = options;
			kept.set(id, bed);
			// Others are being set up meanwhile: what fails here may be of that.
			await attempt(() => (scenario.warm ?? warmUp)(bed, context), () => {});
			this.beds.set(id, bed);
		} catch (error) {
			this.fail(id, error);
		}
	}

	/** Nothing is measured yet, so some are set up at the same time. */
	async raiseAll(cleanup) {
		const ids = this.context.choose(this.scenario.servers);
		for (const id of ids) this.results[id] = { name: servers[id].name, values: {}, repeated: [], limited: 0 };
		await inParallel(ids, this.scenario.atOnce ?? AT_ONCE, (id) => this.raise(cleanup, id));
		const raised = ids.filter((id) => this.beds.has(id));
		this.beds = new Map(raised.map((id) => [id, this.beds.get(id)]));
	}

	/** What a round did not give stands as null in the list, so that rounds can be compared. */
	#keep(result, values, round) {
		for (const key of new Set([...Object.keys(values), ...Object.keys(result.values)])) {
			const all = (result.values[key] ??= []);
			while (all.length < round - 1) all.push(null);
			all.push(values[key] ?? null);
		}
	}

	async measure(id, round) {
		const { scenario, context } = this;
		const result = this.results[id];
		const step = () => (scenario.round ?? standardRound)(this.beds.get(id), { ...context, round, run: this });
		try {
			const { limit = false, ...values } = await attempt(step, (why) => result.repeated.push(why), scenario.stepMs);
			this.#keep(result, values, round);
			if (limit) result.limited++;
			const main = scenario.columns?.[0] ?? scenario.tables[0].columns[0];
			context.log(`${scenario.name} ${round}/${context.rounds} ${result.name}: ${values[main.key]?.toFixed(main.digits ?? 2)} ${main.title}`);
		} catch (error) {
			this.fail(id, error);
		}
	}

	async rounds() {
		const { parallel, roundsOf } = this.scenario;
		for (let round = 1; round <= this.context.rounds; round++) {
			const ids = [...this.beds.keys()].filter((id) => round <= (roundsOf?.(id, this.context.rounds) ?? Infinity));
			await inParallel(ids, parallel ? ids.length : 1, (id) => this.measure(id, round));
		}
	}

	result() {
		const { scenario, context, planned: seconds, begun, extra } = this;
		return {
			name: scenario.name,
			date: new Date(begun).toISOString(),
			planned: seconds,
			took: (Date.now() - begun) / 1000,
			rounds: context.rounds,
			servers: this.results,
			failed: this.failed,
			...(extra ? { extra } : {}),
		};
	}
}

/**
 * Measures scenarios that share their servers, or a single one. `done(scenario, result)` is called after each with {name, date, planned,
 * took, rounds, servers: {id: {name, values: {key: [per round]}, repeated, limited}}, failed: {id: reason}}.
 */
export async function runTogether(scenarios, context, done) {
	const kept = new Map();
	let run;
	let unclean;
	const all = withCleanup(async (cleanup) => {
		for (const scenario of scenarios) {
			if (run) done(run.scenario, run.result());
			run = new Run(scenario, context, kept);
			await run.raiseAll(cleanup);
			await run.rounds();
			await scenario.after?.(run);
		}
		// One after the other, as the clean-up does it, takes long.
		await Promise.all([...kept.values()].map((bed) => bed.lower?.()));
	});
	// What does not end well is told, but the figures are there.
	await all.catch((error) => {
		context.log(`${run.scenario.name}: ${error.message}`);
		if (Object.keys(run.failed).length === 0) unclean = { unclean: reason(error) };
	});
	done(run.scenario, { ...run.result(), ...unclean });
}

/** Scenarios in groups that share their servers: those one after the other with the same `together`. */
export function grouped(scenarios) {
	const groups = [];
	for (const scenario of scenarios) {
		const last = groups.at(-1);
		if (scenario.together && last?.[0].together === scenario.together) last.push(scenario);
		else groups.push([scenario]);
	}
	return groups;
}

/** How many seconds it will take, about. */
export function planned(scenario, context, raised = false) {
	const ids = context.choose(scenario.servers);
	const { rounds } = context;
	if (scenario.plan) return scenario.plan({ ids, rounds });
	return standardSeconds(ids, rounds, scenario.options, { windows: scenario.windows, raised });
}
