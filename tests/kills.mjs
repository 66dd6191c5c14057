// SPDX-License-Identifier: MIT
//
// Servers that are killed (SIGKILL) every few seconds, one after the other, while clients hold on and the next server takes over:
// each client has every message once and in order, or begins anew and knows it.
//
//     node tests/kills.mjs [channel|psync|stream] [--front nginx|haproxy|peers|repeating] [--servers N] [--clients N] [--kills N] [--every MS] [--rate N] [--workers N]
//
// With --front the clients are at all of them, three nodes behind what `siocast lb` prints, or (peers) behind nginx without any affinity,
// or (repeating) behind one that asks another node what one has not answered.
// Channels want four servers, since what came by one can be found again only by a server that has run for ten seconds. Ends with
// status 1 when a message was lost or came twice, or nobody was recovered.

import { parseArgs } from 'node:util';
import { withCleanup } from './e2e/lib/cleanup.mjs';
import { kills } from './e2e/lib/kills.mjs';

const { values, positionals } = parseArgs({
	allowPositionals: true,
	options: {
		front: { type: 'string' },
		servers: { type: 'string' },
		clients: { type: 'string', default: '100' },
		kills: { type: 'string', default: '60' },
		every: { type: 'string', default: '5000' },
		rate: { type: 'string', default: '100' },
		workers: { type: 'string', default: '2' },
	},
});
let failed = false;
for (const source of positionals.length ? positionals : ['stream', 'psync', 'channel']) {
	const servers = Number(values.servers ?? (values.front ? 3 : source === 'channel' ? 4 : 2));
	const numbers = Object.fromEntries(['clients', 'kills', 'every', 'rate', 'workers'].map((name) => [name, Number(values[name])]));
	const log = ({ kills: done, recovered, anew, lost, twice, away }) => {
		process.stdout.write(`\r${source}: ${done} kills, ${recovered} recovered, ${anew} anew, ${lost} lost, ${twice} twice, away ${away.toFixed(0)} ms at most `);
	};
	let tally;
	await withCleanup(async (cleanup) => {
		tally = await kills(cleanup, { source, servers, front: values.front, ...numbers, log });
	});
	console.log(`\n${source}: ${JSON.stringify(tally)}`);
	failed ||= tally.lost > 0 || tally.twice > 0 || tally.recovered === 0;
}
process.exitCode = failed ? 1 : 0;
