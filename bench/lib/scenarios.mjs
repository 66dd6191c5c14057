// SPDX-License-Identifier: MIT
//
// All scenarios, in the order in which they are measured and reported. A scenario says how many clients get what from which
// servers, what a round does where it is more than one window, and which figures make its tables.

import { complete } from './complete.mjs';
import { capacity } from './scenarios/capacity.mjs';
import { clients } from './scenarios/clients.mjs';
import { compact } from './scenarios/compact.mjs';
import { fanout } from './scenarios/fanout.mjs';
import { flames } from './scenarios/flames.mjs';
import { ingest } from './scenarios/ingest.mjs';
import { manyNodes } from './scenarios/nodes.mjs';
import { recovery } from './scenarios/recovery.mjs';
import { special } from './scenarios/special.mjs';
import { story } from './scenarios/story.mjs';

export const scenarios = [...story, ...ingest, ...capacity, ...fanout, ...clients, ...special, ...compact, ...recovery, ...manyNodes, ...flames].map(complete);

/** Those that take so long that they are measured only when they are named. */
export const mustBeNamed = scenarios.filter(({ named }) => named).map(({ name }) => name);

// What `--quick` looks at, with the servers that matter most: under three minutes.
const QUICK = ['story-230', 'fan-out-1k-250', 'fan-out-1k-3000', 'polling', 'ingest-max', 'workers'];
const QUICK_SERVERS = ['floor', 'floor-ingest', 'siocast', 'siocast-2', 'other', 'tuned', 'uws-tuned'];

/** Those with one of the given names, or whose name begins with it; when none is given all but those that must be named. */
export function choose(names, quick) {
	const wanted = names.length > 0 ? names : quick ? QUICK : [''];
	const whole = new Set(scenarios.map(({ name }) => name));
	const meant = (name) => wanted.some((start) => (whole.has(start) ? name === start : name.startsWith(start)));
	const chosen = scenarios.filter(({ name, named }) => (names.length > 0 || !named) && meant(name));
	if (chosen.length === 0) throw new Error(`no scenario ${names.join(' ')}; there are ${scenarios.map(({ name }) => name).join(' ')}`);
	return chosen;
}

const TINY = 0.02;

/** The same scenario with few clients and short windows: `--tiny` tries the benchmark itself, its figures mean nothing. */
export function shrink(scenario) {
	const { options } = scenario;
	const less = (n, least) => n && Math.max(least, Math.round(n * TINY));
	const rooms = less(options.rooms, 2);
	const flood = options.flood && { ...options.flood, messages: less(options.flood.messages, 1000) };
	const small = { clients: less(options.clients, options.clients > 1 ? 20 : 1), rooms, seconds: Math.min(options.seconds, 0.5) };
	const channels = options.rooms ? { channels: rooms } : {};
	const several = Object.fromEntries(['joins', 'burst'].filter((name) => options[name]).map((name) => [name, Math.min(options[name], rooms)]));
	return { ...scenario, options: { ...options, ...small, ...channels, ...several, ...(flood ? { flood } : {}), profileSeconds: 1, scale: TINY } };
}

/** Which of a scenario's servers are measured: `only` a list of ids, or all. */
export function chooseServers(only, quick) {
	const other = process.env.OTHER ? ['other'] : [];
	return (ids) => {
		const all = ids.includes('siocast') ? [...ids, ...other] : ids;
		if (only) return all.filter((id) => only.includes(id));
		return quick ? all.filter((id) => QUICK_SERVERS.includes(id)) : all;
	};
}
