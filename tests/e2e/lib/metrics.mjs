// SPDX-License-Identifier: MIT
//
// What the admin port says of itself: /metrics, read as strictly as the text format of Prometheus (0.0.4) is written down.

import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { request } from './http.mjs';
import { eventually } from './wait.mjs';

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = '([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\\\\n]|\\\\[\\\\"n])*)"';
const SAMPLE = new RegExp(`^(${NAME})(?:\\{(${LABEL}(?:,${LABEL})*)\\})? (\\d+(?:\\.\\d+)?)$`);
const SUFFIXES = { histogram: ['_bucket', '_sum', '_count'], counter: [''], gauge: [''] };

const unescape = (value) => value.replace(/\\(.)/g, (_, c) => (c === 'n' ? '\n' : c));

/** A label set as an object; fails when a name is there twice. */
function labelsOf(text = '') {
	const labels = {};
	for (const [, name, value] of text.matchAll(new RegExp(LABEL, 'g'))) {
		assert.ok(!(name in labels), `label ${name} twice in ${text}`);
		labels[name] = unescape(value);
	}
	return labels;
}

/** Name, labels and value of one line. */
function parseSample(line) {
	const match = SAMPLE.exec(line);
	assert.ok(match, `not a sample: ${line}`);
	return { name: match[1], labels: labelsOf(match[2]), value: Number(match.at(-1)) };
}

const key = ({ name, labels }) => JSON.stringify([name, Object.entries(labels).sort()]);
const without = (labels, name) => Object.fromEntries(Object.entries(labels).filter(([n]) => n !== name));
const number = (le) => (le === '+Inf' ? Infinity : Number(le));

/** Each label set of a histogram: buckets that ascend to +Inf and never fall, a sum, and the count of the last bucket. */
function checkHistogram(name, samples) {
	const sets = new Map();
	for (const s of samples) {
		const id = key({ name, labels: without(s.labels, 'le') });
		if (!sets.has(id)) sets.set(id, { buckets: [], sums: [], counts: [] });
		const set = sets.get(id);
		if (s.name === `${name}_bucket`) set.buckets.push([number(s.labels.le), s.value]);
		else (s.name === `${name}_sum` ? set.sums : set.counts).push(s.value);
	}
	for (const [id, { buckets, sums, counts }] of sets) {
		assert.ok(sums.length === 1 && counts.length === 1, `one sum and one count: ${id}`);
		for (let i = 1; i < buckets.length; i++)
			assert.ok(buckets[i][0] > buckets[i - 1][0] && buckets[i][1] >= buckets[i - 1][1], `ascending: ${id}`);
		assert.deepEqual(buckets.at(-1), [Infinity, counts[0]], id);
	}
}

/** One family from its lines: HELP, TYPE, samples. */
function checkFamily(name, { type, samples }) {
	for (const s of samples) {
		assert.ok(SUFFIXES[type].some((suffix) => s.name === name + suffix), `${s.name} is not of ${type} ${name}`);
		assert.equal('le' in s.labels, s.name === `${name}_bucket`, s.name);
	}
	assert.equal(name.endsWith('_total'), type === 'counter', `${name} is a ${type}`);
	const sets = new Set(samples.map((s) => Object.keys(without(s.labels, 'le')).sort().join()));
	assert.ok(sets.size <= 1, `${name} has the same labels everywhere: ${[...sets].join(' or ')}`);
	if (type === 'histogram') checkHistogram(name, samples);
}

/** A page as a map of families: name to { type, help, samples }. Fails on whatever the format does not allow. */
export function parseMetrics(text) {
	const families = new Map();
	const seen = new Set();
	assert.ok(text.endsWith('\n'), 'the last line is ended');
	const lines = text.slice(0, -1).split('\n');
	let name = null; // of the family at hand: all its lines stand together
	for (let i = 0; i < lines.length; i++) {
		const help = new RegExp(`^# HELP (${NAME}) ((?:[^\\\\]|\\\\[\\\\n])+)$`).exec(lines[i]);
		if (help) {
			name = help[1];
			assert.ok(!families.has(name), `${name} twice`);
			const type = new RegExp(`^# TYPE ${name} (counter|gauge|histogram)$`).exec(lines[++i]);
			assert.ok(type, `TYPE after HELP: ${lines[i]}`);
			families.set(name, { type: type[1], help: help[2], samples: [] });
			continue;
		}
		assert.ok(!lines[i].startsWith('#') && name !== null, `not expected: ${lines[i]}`);
		const sample = parseSample(lines[i]);
		assert.ok(!seen.has(key(sample)), `twice: ${lines[i]}`);
		seen.add(key(sample));
		families.get(name).samples.push(sample);
	}
	for (const [n, family] of families) checkFamily(n, family);
	return families;
}

/** The page of a server's admin port. */
export async function readMetrics(server) {
	const answer = await request(server.admin, 'GET', '/metrics');
	assert.equal(answer.status, 200);
	assert.match(answer.header('content-type'), /^text\/plain; version=0\.0\.4/);
	return parseMetrics(answer.text);
}

/** The sum of all samples of a page that have the name and at least the labels of `what`, as 'feed_dropped_total{reason="json"}'. */
export function sumOf(families, what) {
	const { name, labels } = parseSample(`siocast_${what} 0`);
	const samples = families.get(name.replace(/_(bucket|sum|count)$/, ''))?.samples ?? families.get(name)?.samples ?? [];
	const found = samples.filter((s) => s.name === name && Object.entries(labels).every(([n, v]) => s.labels[n] === v));
	assert.ok(found.length > 0, `no ${what}`);
	return found.reduce((sum, { value }) => sum + value, 0);
}

/** The same of what a server says now. */
export const metric = async (server, what) => sumOf(await readMetrics(server), what);

// Labels that say whose a sample is, not what for.
const WHOSE = ['worker', 'namespace', 'redis', 'feed', 'thread'];
const whatFor = (labels) => Object.entries(labels).filter(([name]) => !WHOSE.includes(name)).map(([, value]) => value).join();

/** What a family counts apart: the values of the label it has for that, such as reasons, sorted. */
export async function labelValues(server, family) {
	return [...new Set((await readMetrics(server)).get(`siocast_${family}`).samples.map(({ labels }) => whatFor(labels)))].sort();
}

/** What moved in a family while `act` ran, by those values, is `want` before long. */
export async function moved(server, family, act, want) {
	const read = async () => {
		const all = new Map();
		for (const { labels, value } of (await readMetrics(server)).get(`siocast_${family}`).samples)
			all.set(whatFor(labels), (all.get(whatFor(labels)) ?? 0) + value);
		return all;
	};
	const before = await read();
	const difference = async () => Object.fromEntries([...await read()].map(([key, n]) => [key, n - before.get(key)]).filter(([, n]) => n !== 0));
	let seen;
	await act();
	await eventually(async () => isDeepStrictEqual((seen = await difference()), want), `${family} to move`)
		.catch((error) => assert.deepEqual(seen, want, error.message));
}
