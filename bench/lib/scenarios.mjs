// SPDX-License-Identifier: MIT
//
// What is measured. A scenario says how many clients get what, and from which servers; the rate is one that all of them hold.

// What a delivery costs the server. The clients only look for data every millisecond (bench/load --help says why).
const FAN_OUT = {
	transport: 'websocket',
	clients: 1000,
	coalesce: 1000,
	batch: 0,
	seconds: 4,
	servers: ['floor', 'siocast', 'tuned', 'naive'],
};

export const scenarios = [
	{ ...FAN_OUT, name: 'fan-out-250', size: 250, rate: 20 },
	{ ...FAN_OUT, name: 'fan-out-3000', size: 3000, rate: 20 },
	{ ...FAN_OUT, name: 'fan-out-10k-3000', size: 3000, rate: 2, clients: 10000 },
	{ ...FAN_OUT, name: 'flush-250', size: 250, rate: 22, batch: 200 },
];

/** Those whose name begins with one of the given; all of them when none is given. */
export function choose(names) {
	const chosen = scenarios.filter(({ name }) => names.length === 0 || names.some((start) => name.startsWith(start)));
	if (chosen.length === 0) throw new Error(`no scenario ${names.join(' ')}; there are ${scenarios.map(({ name }) => name).join(' ')}`);
	return chosen;
}
