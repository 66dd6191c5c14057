// SPDX-License-Identifier: MIT
//
// What clients cost that are just there, come, go, poll or stop: memory, connect storms, polling, joins and leaves, a reader that stopped.

import { GENERATOR, P50, P99, P999, US, toFloor, toSiocast } from '../columns.mjs';
import { Bed, figures, pause } from '../measure.mjs';
import { memoryBytes } from '../machine.mjs';
import { withCleanup } from '../../../tests/e2e/lib/cleanup.mjs';

// --- memory ---

const STEPS = [1000, 10000, 19000];
const SETTLE_MS = 700;

async function memoryNow(bed) {
	await pause(SETTLE_MS);
	const { memoryPids, pids, child } = bed.running;
	// The Node peers collect their garbage on this signal.
	if (bed.collects) {
		child.child.kill('SIGUSR2');
		await pause(SETTLE_MS);
	}
	return memoryBytes((memoryPids ?? pids)());
}

/** A fresh server each round: memory once taken from the system is not given back. */
async function memoryRound(outer, context) {
	const values = {};
	const { id, options } = outer;
	await withCleanup(async (cleanup) => {
		const bed = await Bed.raise(cleanup, id, { ...options, clients: 0 });
		bed.collects = /^(tuned|naive|uws|v1)/.test(id);
		const before = await memoryNow(bed);
		let clients = 0;
		for (const [at, n] of STEPS.entries()) {
			const step = n * (options.scale ?? 1);
			await bed.connect({ clients: step - clients, load: { first: clients, source: 1 + 20 * at } });
			clients = step;
			values[`kb${n}`] = ((await memoryNow(bed)) - before) / step / 1024;
		}
	});
	context.log(`memory ${id}: ${JSON.stringify(values)}`);
	return values;
}

const MEMORY = ['siocast', 'tuned', 'uws-tuned', 'v1-tuned', 'nchan'];

const memory = {
	group: 'Idle connections',
	name: 'memory',
	title: 'User-space memory per idle WebSocket connection, KB',
	about:
		'The growth of the proportional set size, divided by the number of connections; what the kernel holds for a socket is not in it. A fresh server each round; Node collects its garbage before it is looked at. nchan: its worker alone.',
	servers: MEMORY,
	options: { transport: 'websocket', clients: 0, batch: 0, size: 250, rate: 1, seconds: 1 },
	columns: STEPS.map((n) => ({ key: `kb${n}`, title: `${n.toLocaleString('en')} clients`, digits: 2 })).concat(toSiocast('kb10000')),
	plot: { key: 'kb10000', title: 'KB per connection, 10,000 clients', low: true },
	warm: async () => {},
	round: memoryRound,
	// The servers other than siocast take long to connect so many; their memory does not vary, so they have fewer rounds.
	roundsOf: (id, rounds) => (id === 'siocast' ? rounds : Math.min(rounds, 2)),
	plan: ({ rounds, choose }) => choose(MEMORY).reduce((sum, id) => sum + (id === 'siocast' ? rounds * 7 : Math.min(rounds, 2) * 14), 0),
};

// --- connect storms ---

const STORM = 1000;

/** New clients to a server that is up already; they leave again afterwards. */
async function stormRound(bed) {
	await pause(150);
	const before = bed.cpu();
	const clients = STORM * (bed.options.scale ?? 1);
	const load = await bed.connect({ clients });
	const used = bed.cpu() - before;
	const { seconds, connect_us: connect } = load.ready[0];
	await load.stop();
	await pause(300);
	return {
		perSecond: clients / seconds,
		usConnect: used / clients / 1000,
		p50: connect.p50 / 1000,
		p99: connect.p99 / 1000,
	};
}

function storm(transport, title, servers) {
	return {
		group: 'Connect storms',
		name: `connect-${transport}`,
		title: `${STORM.toLocaleString('en')} clients connect, ${title}`,
		about: 'A hundred at a time, until each has joined the namespace.',
		servers,
		options: { transport, clients: 0, size: 250, rate: 1, batch: 0, seconds: 1 },
		columns: [
			{ key: 'usConnect', title: 'CPU µs per connect', digits: 0 },
			toSiocast('usConnect'),
			{ key: 'perSecond', title: 'connects/s', digits: 0 },
			{ ...P50, title: 'p50 ms' },
			P99,
		],
		plot: { key: 'usConnect', title: 'CPU per connect, µs', low: true },
		warm: stormRound,
		round: stormRound,
		plan: ({ rounds, choose }) => choose(servers).length * (2 + (rounds + 1) * 1.2),
	};
}

const STORM_SERVERS = ['siocast', 'tuned', 'uws-tuned', 'v1-tuned', 'python'];

// --- joins and leaves ---

const churn = {
	group: 'In the wild',
	name: 'churn',
	title: '1,000 clients in 10 rooms, 500 of them a second leave and join',
	about: '10 messages/s of 250 bytes to each room, not batched. Clients between two rooms miss messages, so only order and content are checked.',
	servers: ['siocast', 'tuned', 'naive', 'uws-tuned'],
	options: {
		transport: 'websocket',
		clients: 1000,
		rooms: 10,
		channels: 10,
		size: 250,
		rate: 100,
		batch: 0,
		seconds: 1.5,
		loose: true,
		load: { churn: 500 },
	},
	columns: [US, toSiocast('us'), P50, P99, P999, GENERATOR],
};

// --- a reader that stopped ---

const STOPPED = 10;

/** The same window without and with clients that read nothing. */
async function stoppedRound(bed) {
	const { p50, p99, us } = figures(await bed.window());
	const before = memoryBytes(bed.running.pids());
	const slow = await bed.connect({ clients: STOPPED, load: { stopped: STOPPED } });
	const window = await bed.window();
	const after = memoryBytes(bed.running.pids());
	await slow.stop();
	await pause(300);
	const worse = figures(window);
	return {
		p50,
		p99,
		p50Stopped: worse.p50,
		p99Stopped: worse.p99,
		us,
		usStopped: worse.us,
		memory: (after - before) / 1048576,
		limit: window.report.generator.limit,
	};
}

const stopped = {
	group: 'In the wild',
	name: 'stopped-reader',
	title: `100 clients, beside ${STOPPED} that stopped reading`,
	about:
		'30 KB × 100 messages/s to each, not batched: 3 MB/s that the stopped ones do not take. What is it to the others, and how much does the server keep for them? siocast drops what is over limits.clientQueueBytes, the Node servers have no limit.',
	servers: ['siocast', 'tuned', 'uws-tuned'],
	options: { transport: 'websocket', clients: 100, size: 30000, rate: 100, batch: 0, seconds: 1, load: { sample: 4 } },
	columns: [
		{ key: 'p99', title: 'p99 ms', digits: 2 },
		{ key: 'p99Stopped', title: 'p99 ms with stopped', digits: 2 },
		{ key: 'us', title: 'CPU µs per message', digits: 1 },
		{ key: 'usStopped', title: 'with stopped', digits: 1 },
		{ key: 'memory', title: 'MB kept', digits: 1 },
	],
	round: stoppedRound,
	plan: ({ rounds, choose }) => choose(stopped.servers).length * (3 + rounds * 3.8),
};

// --- polling ---

const POLLING = {
	group: 'Long-polling',
	name: 'polling',
	title: '200 polling clients × 20 messages/s',
	about: '250 bytes, not batched: about one poll per message. CPU per poll that was answered.',
	servers: ['floor', 'siocast', 'tuned', 'uws-tuned', 'v1-tuned', 'python'],
	options: { transport: 'polling', clients: 200, size: 250, rate: 20, batch: 0, seconds: 1.2, coalesce: 1000 },
	columns: [
		{ key: 'usFrame', title: 'CPU µs per poll', digits: 2 },
		toFloor('usFrame'),
		toSiocast('usFrame'),
		{ key: 'usEvent', title: 'per event', digits: 2 },
		GENERATOR,
	],
	plot: { key: 'usFrame', title: 'CPU per poll, µs', low: true },
};

export const clients = [
	memory,
	storm('websocket', 'WebSocket', [...STORM_SERVERS, 'nchan']),
	storm('polling', 'long-polling', STORM_SERVERS),
	storm('upgrade', 'long-polling and upgrade to WebSocket', STORM_SERVERS),
	POLLING,
	{ ...POLLING, name: 'polling-1k', title: '1,000 polling clients × 5 messages/s', options: { ...POLLING.options, clients: 1000, rate: 5 }, servers: ['floor', 'siocast', 'tuned'] },
	churn,
	stopped,
];
