// SPDX-License-Identifier: MIT
//
// siocast is started anew without a break, again and again, while clients of all transports stay and others come: nobody is refused, and
// each client has every message once and in order.
//
//     node tests/restart.mjs [--clients N] [--restarts N] [--every MS] [--rate N] [--connections N] [--workers N]
//
// Ends with status 1 when somebody was refused, when a message was lost or came twice, or a client was not recovered.

import { parseArgs } from 'node:util';
import { withCleanup } from './e2e/lib/cleanup.mjs';
import { restarts } from './e2e/lib/restarts.mjs';

const { values } = parseArgs({
	options: {
		clients: { type: 'string', default: '2000' },
		restarts: { type: 'string', default: '6' },
		every: { type: 'string', default: '10000' },
		rate: { type: 'string', default: '20' },
		connections: { type: 'string', default: '200' },
		workers: { type: 'string', default: '2' },
	},
});
const numbers = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value)]));
let tally;
await withCleanup(async (cleanup) => {
	tally = await restarts(cleanup, { ...numbers, log: (text) => console.log(text) });
});
console.log(JSON.stringify(tally));
process.exitCode = tally.refused || tally.lost || tally.twice || tally.anew ? 1 : 0;
