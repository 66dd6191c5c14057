// SPDX-License-Identifier: MIT
//
// The results on disk: one file per day, to which partial runs add what they measured.

import fs from 'node:fs';
import path from 'node:path';
import { BENCH } from './programs.mjs';

const FOLDER = path.join(BENCH, 'results');

function newest() {
	if (!fs.existsSync(FOLDER)) return null;
	const names = fs.readdirSync(FOLDER).filter((name) => /^\d{4}-\d\d-\d\d\.json$/.test(name));
	return names.length > 0 ? path.join(FOLDER, names.sort().at(-1)) : null;
}

/** What a whole run does not measure, as it has to be named, stays what it was: those scenarios of older results, and the runs that measured
 * nothing else. */
export function carried(old, names) {
	const scenarios = Object.entries(old?.scenarios ?? {}).filter(([name]) => names.includes(name));
	const runs = (old?.runs ?? []).filter(({ what }) => what.split(' ').every((name) => names.includes(name)));
	return { runs, scenarios: Object.fromEntries(scenarios) };
}

const read = (file) => JSON.parse(fs.readFileSync(file, 'utf8'));

/** Where a run puts its results: a whole run into a new file, a partial one into the newest. `named`: scenarios that are not in a whole run. */
export function openResults(machine, { whole, named = [] }) {
	fs.mkdirSync(FOLDER, { recursive: true });
	// A whole run makes all pictures anew; what is no longer drawn must not stay.
	if (whole) fs.rmSync(path.join(BENCH, 'plots'), { recursive: true, force: true });
	const last = newest();
	const today = path.join(FOLDER, `${machine.date.slice(0, 10)}.json`);
	if (whole || !last) return { file: today, results: { machine, ...carried(last && read(last), named) } };
	return { file: last, results: read(last) };
}

/** The newest results, to make the report from them again. */
export function lastResults() {
	const file = newest();
	if (!file) throw new Error('no results yet');
	return { file, results: read(file) };
}

// Figures are noise after the fifth digit.
const compact = (key, value) => (typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value);

/** Written as a whole, so that a run that is cut off leaves what was there. */
export function saveResults(file, results) {
	const text = JSON.stringify(results, compact, '\t').replace(/\[\n\t+(?:-?[\d.e+-]+|null)(?:,\n\t+(?:-?[\d.e+-]+|null))*\n\t+\]/g, (list) => list.replace(/\n\t+/g, ' ').replace('[ ', '[').replace(' ]', ']'));
	fs.writeFileSync(`${file}.part`, `${text}\n`);
	fs.renameSync(`${file}.part`, file);
}

export function saveShort(text) {
	fs.writeFileSync(path.join(FOLDER, 'short.md'), text);
}
