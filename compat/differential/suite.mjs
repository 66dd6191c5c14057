// SPDX-License-Identifier: MIT
//
// The cases with the set-ups they run on, and how one is run.

import { withCleanup } from '../../tests/e2e/lib/cleanup.mjs';
import { within } from '../../tests/e2e/lib/wait.mjs';
import { differences, explain } from './compare.mjs';
import { Conversation } from './conversation.mjs';
import { known } from './known.mjs';
import { cases as crossOrigin } from './cases/cross-origin.mjs';
import { cases as files } from './cases/files.mjs';
import { cases as http } from './cases/http.mjs';
import { cases as malformed } from './cases/malformed.mjs';
import { cases as polling } from './cases/polling.mjs';
import { cases as vectors } from './cases/vectors.mjs';
import { cases as webSocket } from './cases/websocket.mjs';

const GROUPS = { http, crossOrigin, files, malformed, polling, webSocket, vectors };
const USUAL = { 3: ['v4', 'v2', 'v1'], 4: ['v4'] };

function profilesOf({ profiles }, eio) {
	if (profiles === undefined) return USUAL[eio];
	return typeof profiles === 'function' ? profiles(eio) : profiles;
}

/** Every case on every set-up: {id, group, profile, eio, run}. */
export function allCases() {
	const all = [];
	for (const [group, cases] of Object.entries(GROUPS)) {
		for (const testCase of cases) {
			for (const eio of testCase.eio ?? [3, 4]) {
				for (const profile of profilesOf(testCase, eio)) {
					all.push({ id: `${profile}/eio${eio}/${testCase.name}`, group, profile, eio, run: testCase.run });
				}
			}
		}
	}
	const ids = new Set(all.map(({ id }) => id));
	if (ids.size !== all.length) throw new Error('two cases have the same name');
	return all;
}

/** What one server says. A conversation that breaks off is told apart by its last entry. */
async function listen(cleanup, pair, port, { run, eio }) {
	const conversation = new Conversation(cleanup, { port, path: pair.path, profile: pair.name }, eio);
	try {
		await run(conversation);
	} catch (error) {
		conversation.note({ step: 'broken off', error: conversation.mask(error.message.replaceAll(String(port), '<port>')) });
	}
	return conversation.entries;
}

/** Runs a case on both servers: {id, unexplained, explained}, lists of differences. */
export async function runCase(pairs, testCase) {
	const result = { id: testCase.id, unexplained: [], explained: [] };
	await withCleanup(async (cleanup) => {
		const pair = await pairs.get(testCase.profile);
		const both = Promise.all([
			listen(cleanup, pair, pair.reference, testCase),
			listen(cleanup, pair, pair.siocast, testCase),
		]);
		const [reference, siocast] = await within(both, `case ${testCase.id}`, 60_000);
		// A conversation that did not come to its end has compared nothing, whatever the other one did.
		const brokenOff = [...reference, ...siocast].find(({ step }) => step === 'broken off');
		if (brokenOff) throw new Error(`broken off: ${brokenOff.error}`);
		for (const difference of differences(reference, siocast)) {
			const reason = explain(known, testCase.id, difference);
			if (reason) result.explained.push({ ...difference, reason: reason.reason, known: known.indexOf(reason) });
			else result.unexplained.push(difference);
		}
	});
	return result;
}

/** Runs cases, some of them at a time: what runCase() gives and `ms`; a case that cannot be run has an `error`. */
export async function runAll(pairs, cases, parallel) {
	const results = [];
	const waiting = [...cases];
	const work = async () => {
		for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
			const { id } = next;
			const begun = Date.now();
			const result = await runCase(pairs, next).catch((error) => ({ id, error: error.message }));
			results.push({ ...result, ms: Date.now() - begun });
		}
	};
	await Promise.all(Array.from({ length: parallel }, work));
	return results;
}

/** The known differences that none of these results needed. */
export function unusedKnown(results) {
	const used = new Set(results.flatMap(({ explained = [] }) => explained.map((one) => one.known)));
	return known.filter((one, i) => !used.has(i));
}
