// SPDX-License-Identifier: MIT
//
// All scenarios, in the order in which they are measured and reported. A scenario says how many clients get what from which
// servers, what a round does where it is more than one window, and which figures make its tables.

import { capacity } from './scenarios/capacity.mjs';
import { clients } from './scenarios/clients.mjs';
import { fanout } from './scenarios/fanout.mjs';
import { flames } from './scenarios/flames.mjs';
import { ingest } from './scenarios/ingest.mjs';
import { special } from './scenarios/special.mjs';
import { story } from './scenarios/story.mjs';

export const scenarios = [...story, ...ingest, ...capacity, ...fanout, ...clients, ...special, ...flames];

// What `--quick` looks at, with the servers that matter most: under three minutes.
const QUICK = ['story-230', 'fan-out-1k-250', 'fan-out-1k-3000', 'flush', 'polling', 'ingest-max', 'connect-websocket', 'workers'];
const QUICK_SERVERS = ['floor', 'siocast', 'siocast-2', 'other', 'tuned', 'uws-tuned'];

/** Those whose name begins with one of the given; all of them when none is given. */
export function choose(names, quick) {
	const wanted = names.length > 0 ? names : quick ? QUICK : [''];
	const chosen = scenarios.filter(({ name }) => wanted.some((start) => name.startsWith(start)));
	if (chosen.length === 0) throw new Error(`no scenario ${names.join(' ')}; there are ${scenarios.map(({ name }) => name).join(' ')}`);
	return chosen;
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
