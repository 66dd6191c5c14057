// SPDX-License-Identifier: MIT
//
// How long a scenario will take: out of what a delivery and a connect cost the servers, roughly, on a machine such as that of REPORT.md.

// Microseconds per delivered event, per connect.
const COSTS = {
	floor: [11, 40],
	'floor-uring': [11, 40],
	'floor-ingest': [0, 0],
	siocast: [11, 85],
	'siocast-2': [11, 85],
	tuned: [47, 560],
	naive: [40, 560],
	'uws-tuned': [14, 270],
	'uws-naive': [14, 270],
	'v1-tuned': [48, 550],
	'v1-naive': [48, 550],
	python: [140, 900],
	nchan: [16, 80],
};
const POLL_COSTS = 4; // times what a delivery over WebSocket costs
const START = 0.4; // seconds until a program is there
const AROUND = 0.17; // of each window

const WARM = 0.35; // of a window, as several warm up at the same time

export const AT_ONCE = 3; // servers that are set up at the same time

const naive = (id) => id.endsWith('naive');

/** Events that a server sends in a window of `seconds`. */
function events(id, { clients, rooms = 1, channels = 1, rate, batch = 0, seconds }) {
	const each = (rate * seconds) / rooms;
	const flushes = batch > 0 && !naive(id) ? channels * Math.ceil((seconds * 1000) / batch) : Infinity;
	return clients * Math.min(each, flushes);
}

export const costOf = (id) => COSTS[id] ?? COSTS.siocast;

/** One window. */
export function windowSeconds(id, options) {
	const [cost] = costOf(id);
	const times = options.transport === 'polling' ? POLL_COSTS : 1;
	const busy = (events(id, options) * cost * times) / 1e6;
	const tail = naive(id) || id.startsWith('floor') ? 0 : (options.batch ?? 0) / 1000;
	return Math.max(options.seconds + tail, busy) + AROUND;
}

/** Until all servers are there with their clients. */
export function setUpSeconds(ids, { clients }) {
	return ids.reduce((sum, id) => sum + START + (clients * costOf(id)[1]) / 1e6, 0) * 0.85;
}

/** A scenario of windows that are all alike. `raised`: its servers are those of the scenario before. */
export function standardSeconds(ids, rounds, options, { windows = 1, raised = false } = {}) {
	const once = ids.reduce((sum, id) => sum + windowSeconds(id, options), 0);
	return (raised ? 0 : setUpSeconds(ids, options)) + once * (WARM + rounds * windows) + 1;
}
