// SPDX-License-Identifier: MIT
//
// The command line of run.mjs.

import os from 'node:os';
import { parseArgs } from 'node:util';
import { SCENARIOS } from '../node/scenarios.mjs';
import { LANGUAGES } from './languages.mjs';
import { ALL_CLIENTS, FAST_CLIENTS, REFERENCES, REFERENCE_CLIENTS, REFERENCE_WAYS, SERVERS, SEVERAL, TRANSPORTS, isFast } from './versions.mjs';

export const HELP = `Usage: node run.mjs [OPTION]...
Runs the official Socket.IO clients against siocast and against the official servers.

  --server LIST      siocast (default), 1.7.4, 2.5.1, 4.8.4, or all
                     siocast-lb, siocast-peers: three of two workers behind an nginx, with the maps that siocast lb prints,
                     or with none, so that they pass requests on
  --url URL          another server, which must do what lib/contract.mjs says; with --redis PORT its Redis on this machine
  --clients LIST     versions, such as 1.7.4,4.8.4, and ${Object.keys(LANGUAGES).join(', ')};
                     default: all, and for the official servers one or two of each generation
  --builds LIST      node (what require() gives), bundle (the file for browsers), debian (another language); default: all
  --transports LIST  ${Object.keys(TRANSPORTS).join(', ')};
                     default: all, and for the official servers ${REFERENCE_WAYS.join(', ')}
  --scenarios LIST   names, or the beginning of names: text,feed-json; default: all
  --messages N       of each feed scenario; default: 10000, and 2000 for the official servers
  --parallel N       cells at a time, 1 to 8; default: 3
  --fast             a subset that covers every generation and transport in less than a minute
  --save             keeps the results in build/compat/, over those of earlier runs
  --resume           leaves out what is kept there as passed, or as failed for a reason that is known
  --matrix           --save, and writes MATRIX.md of everything kept there
  --matrix-only      runs nothing, writes MATRIX.md
  --verbose          names every scenario, not only those that failed

Lists are separated by commas. Environment: SIOCAST, the program under test (default ../siocast); SLOW=3 stretches
every limit (default: by the load of the machine, 1 when it has nothing else to do).
Exit status: 0 when siocast (or the server of --url) passed everything.
`;

export class UsageError extends Error {
	name = 'UsageError';
}

const TYPES = {
	server: 'string', url: 'string', redis: 'string', clients: 'string', builds: 'string', transports: 'string', scenarios: 'string',
	messages: 'string', parallel: 'string', fast: 'boolean', matrix: 'boolean', 'matrix-only': 'boolean', save: 'boolean', resume: 'boolean', verbose: 'boolean', help: 'boolean',
};

function choose(name, text, known) {
	if (text === undefined || text === 'all') return known;
	const wanted = text.split(',');
	const unknown = wanted.find((item) => !known.includes(item));
	if (unknown !== undefined) throw new UsageError(`--${name} ${unknown}: known are ${known.join(', ')}`);
	return known.filter((item) => wanted.includes(item));
}

function chooseScenarios(text, known) {
	if (text === undefined) return known;
	const wanted = text.split(',');
	const unknown = wanted.find((prefix) => !known.some((name) => name.startsWith(prefix)));
	if (unknown !== undefined) throw new UsageError(`--scenarios ${unknown}: known are ${known.join(', ')}`);
	return known.filter((name) => wanted.some((prefix) => name.startsWith(prefix)));
}

function number(name, text, lowest, highest) {
	const value = Number(text);
	if (!Number.isInteger(value) || value < lowest || value > highest) {
		throw new UsageError(`--${name} ${text}: expected a number from ${lowest} to ${highest}`);
	}
	return value;
}

// One of each kind of thing that can go wrong; those that take long only where they differ.
const FAST_SCENARIOS = [
	'connect', 'text-mixed', 'text-understood', 'binary-attachments', 'big-text', 'acks', 'namespaces', 'namespace-query',
	'namespace-refused', 'rooms', 'client-leaves', 'server-puts-out', 'feed-binary-array', 'feed-json-array', 'heartbeats', 'restart',
];
const FAST_SLOW = ['polling', 'upgrade'];

/** Whether a quick run includes this scenario for this kind of client. */
function isFastScenario({ slow }, { build, transport }) {
	return !slow || (build !== 'node' && FAST_SLOW.includes(transport));
}

/** The factor of all limits: on a machine that has other work, everything takes longer. */
export function slowness() {
	const perProcessor = os.loadavg()[0] / os.availableParallelism();
	return Math.min(8, Math.max(1, Math.ceil(perProcessor / 1.5)));
}

export function readOptions(args) {
	const { values } = parseArgs({
		args,
		options: Object.fromEntries(Object.entries(TYPES).map(([name, type]) => [name, { type }])),
	});
	const names = SCENARIOS.map(({ name }) => name);
	const fast = values.fast ?? false;
	const several = SEVERAL.includes(values.server);
	if (several && (values.save || values.matrix)) throw new UsageError(`--server ${values.server}: what is found is not kept`);
	return {
		...values,
		fast,
		save: values.save || values.matrix || false,
		servers: values.url ? ['url'] : choose('server', values.server ?? 'siocast', several ? SEVERAL : SERVERS),
		clients: choose('clients', values.clients ?? (fast ? [...FAST_CLIENTS, ...Object.keys(LANGUAGES)].join(',') : 'all'), ALL_CLIENTS),
		fewer: fast ? {} : {
			...(values.clients ? {} : { clients: REFERENCE_CLIENTS }),
			...(values.transports ? {} : { transports: REFERENCE_WAYS }),
			...(values.messages ? {} : { messages: 2000 }),
		},
		builds: choose('builds', values.builds, ['node', 'bundle', 'debian']),
		transports: choose('transports', values.transports, Object.keys(TRANSPORTS)),
		scenarios: chooseScenarios(values.scenarios ?? (fast ? FAST_SCENARIOS.join(',') : undefined), names),
		messages: number('messages', values.messages ?? (fast ? 1000 : 10_000), 1, 1_000_000),
		parallel: number('parallel', values.parallel ?? 3, 1, 8),
		wants: fast ? (kind, scenario) => isFast(kind) && (!scenario || isFastScenario(scenario, kind)) : () => true,
		redisPort: values.redis === undefined ? 0 : number('redis', values.redis, 1, 65535),
		slow: Number(process.env.SLOW) || slowness(),
	};
}

/** The options for one of the servers. Of what only stands beside ours less will do, unless it was asked for. */
export function optionsFor(server, options) {
	return REFERENCES.includes(server) ? { ...options, ...options.fewer } : options;
}
