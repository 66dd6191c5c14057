// SPDX-License-Identifier: MIT
//
// What clients cost that are just there, come, go, poll or stop: memory, connect storms, polling, joins and leaves, a reader that stopped.

import { GENERATOR, P50, P99, P999, US, toFloor, toSiocast } from '../columns.mjs';
import { NO_POLLING, PEERS, SAME_PROGRAM, because } from '../complete.mjs';
import { Bed, figures, pause } from '../measure.mjs';
import { cpuNs, memoryBytes } from '../machine.mjs';
import { summary } from '../stats.mjs';
import { withCleanup } from '../../../tests/e2e/lib/cleanup.mjs';

// --- memory ---

const STEPS = [1000, 10000, 19000];
const STILL_NS = 2_000_000;
const COLLECTS = /^(tuned|naive|uws|v1)/;

/** Waits until a server no longer has anything to do. */
async function still(pids) {
	for (let last = -1, tries = 0; tries < 100; tries++) {
		await pause(200);
		const now = cpuNs(pids);
		if (last >= 0 && now - last < STILL_NS) return;
		last = now;
	}
}

async function memoryNow(bed) {
	const { memoryPids, pids, child } = bed.running;
	await still(pids());
	// The Node peers collect their garbage on this signal.
	if (COLLECTS.test(bed.id)) {
		child.child.kill('SIGUSR2');
		await still(pids());
	}
	return memoryBytes((memoryPids ?? pids)());
}

/** A fresh server each round: memory once taken from the system is not given back. */
async function memoryRound(outer, context) {
	const values = {};
	const { id, options } = outer;
	await withCleanup(async (cleanup) => {
		const bed = await Bed.raise(cleanup, id, { ...options, unpinned: true });
		const before = await memoryNow(bed);
		let clients = 0;
		for (const [at, n] of STEPS.entries()) {
			const step = n * (options.scale ?? 1);
			await bed.connect({ clients: step - clients, load: { first: clients, source: 1 + 20 * at } });
			clients = step;
			values[`kb${n}`] = ((await memoryNow(bed)) - before) / step / 1024;
		}
	}).catch((error) => {
		if (Object.keys(values).length === 0) throw error;
		context.log(`memory ${id}: ${error.message}`);
	});
	return values;
}

const memory = {
	group: 'Idle connections',
	name: 'memory',
	title: 'User-space memory per idle WebSocket connection, KB',
	about:
		'The growth of the memory that is not of a file (anonymous, and shared by its share), divided by the number of connections; what the kernel holds for a socket is not in it. A fresh server each round; Node collects its garbage before it is looked at. nchan: its worker alone. The floor knows a file descriptor and what it answered last. As no time is measured, all servers are up at once, on both processors.',
	absent: SAME_PROGRAM,
	// 19,000 clients fit into 20,000 files only when they are asked for.
	options: { transport: 'websocket', clients: 0, batch: 0, size: 250, rate: 1, seconds: 1, limits: { maxConnections: STEPS.at(-1) + 800 } },
	columns: STEPS.map((n) => ({ key: `kb${n}`, title: `${n.toLocaleString('en')} clients`, digits: 2 })).concat(toSiocast('kb10000')),
	plot: { key: 'kb10000', title: 'KB per connection, 10,000 clients', low: true },
	fresh: true,
	warm: async () => {},
	round: memoryRound,
	parallel: true,
	plan: ({ rounds }) => 4 + rounds * 48,
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

function storm(transport, title, absent) {
	return {
		group: 'Connect storms',
		name: `connect-${transport}`,
		title: `${STORM.toLocaleString('en')} clients connect, ${title}`,
		about: 'A hundred at a time, until each has joined the namespace (nchan: until the 101). On a WebSocket siocast sends the open packet 1 to 2 ms after the 101, in a packet of its own, because many programs lose it otherwise: of connects one after the other that takes 2,000 instructions and a system call more than one packet for both (callgrind, strace), and those 1 to 2 ms.',
		absent: { ...SAME_PROGRAM, ...absent },
		options: { transport, clients: 0, size: 250, rate: 1, batch: 0, seconds: 1 },
		columns: [
			{ key: 'usConnect', title: 'CPU µs per connect', digits: 0 },
			...('floor' in absent ? [] : [toFloor('usConnect')]),
			toSiocast('usConnect'),
			{ key: 'perSecond', title: 'connects/s', digits: 0 },
			{ ...P50, title: 'p50 ms' },
			P99,
		],
		plot: { key: 'usConnect', title: 'CPU per connect, µs', low: true },
		warm: stormRound,
		round: stormRound,
		plan: ({ ids, rounds }) => ids.length * (0.7 + (rounds + 0.6) * (transport === 'upgrade' ? 1.6 : 0.8)),
	};
}

// --- joins and leaves ---

const churn = {
	group: 'In the wild',
	name: 'churn',
	title: '1,000 clients in 10 rooms, 500 of them a second leave and join',
	about: '10 messages/s of 250 bytes to each room, not batched. Clients between two rooms miss messages, so only order and content are checked.',
	absent: { floor: 'its rooms do not change', nchan: 'its clients cannot leave a channel and stay' },
	options: {
		transport: 'websocket',
		clients: 1000,
		rooms: 10,
		channels: 10,
		size: 250,
		rate: 100,
		batch: 0,
		seconds: 1,
		loose: true,
		load: { churn: 500 },
	},
	columns: [US, toSiocast('us'), P50, P99, P999, GENERATOR],
};

// --- a reader that stopped ---

const STOPPED = 10;
const STOPPED_SECONDS = 1.8; // more than the 4 MB that the kernel keeps for each
const STOPPED_BYTES = 65536; // of their receive buffers, so that the kernel does not take it all in

/** The same window without and with clients that read nothing. */
async function stoppedRound(bed) {
	const { p50, p99, us } = figures(await bed.window());
	const before = memoryBytes(bed.running.pids());
	const slow = await bed.connect({ clients: STOPPED, load: { stopped: STOPPED, rcvbuf: STOPPED_BYTES } });
	const window = await bed.window({ seconds: Math.max(bed.options.seconds, STOPPED_SECONDS) });
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
		'30 KB × 100 messages/s to each, not batched, for 1.8 seconds: 3 MB/s that the stopped ones do not take, of which the kernel keeps about 4 MB for each, and for siocast little more than 128 KB. What is it to the others, and how much does the server keep for them? siocast drops what is over limits.clientQueueBytes (1 MB); the others keep everything (uWebSockets because it is told to, as in all scenarios).',
	absent: { floor: 'it would wait for those that stopped' },
	options: { transport: 'websocket', clients: 100, size: 30000, rate: 100, batch: 0, seconds: 0.8, load: { sample: 4 } },
	columns: [
		{ key: 'p99', title: 'p99 ms', digits: 2 },
		{ key: 'p99Stopped', title: 'p99 ms with stopped', digits: 2 },
		{ key: 'us', title: 'CPU µs per message', digits: 1 },
		{ key: 'usStopped', title: 'with stopped', digits: 1 },
		{ key: 'memory', title: 'MB kept', digits: 1 },
	],
	round: stoppedRound,
	plan: ({ ids, rounds }) => ids.length * (1.2 + rounds * 3.2),
};

// --- one reader of a thousand that stopped ---

const ONE = { clients: 1, load: { stopped: 1, rcvbuf: STOPPED_BYTES } };

const ONE_TIMES = 4; // that it comes and goes, in a round
const ONE_WINDOWS = 4; // each time without it, and with it
const ONE_ROUNDS = 3;

async function windowsInto(list, bed, n) {
	for (let i = 0; i < n; i++) list.push(figures(await bed.window()));
}

/** Many windows without it and with it by turns, and those without it first and last: the machine changes by more than what is
 * looked for, and the p99 of one window is what the slowest message of it met. So the medians of all are compared. The first window
 * with it fills what the kernel takes, and does not count. */
async function oneStoppedRound(bed) {
	const without = [];
	const beside = [];
	for (let i = 0; i < (bed.options.scale ? 1 : ONE_TIMES); i++) {
		await windowsInto(without, bed, ONE_WINDOWS);
		const slow = await bed.connect(ONE);
		await bed.window();
		await windowsInto(beside, bed, ONE_WINDOWS);
		await slow.stop();
		await pause(300);
	}
	await windowsInto(without, bed, ONE_WINDOWS);
	const middle = (list, key) => summary(list.map((one) => one[key])).median;
	return {
		p50: middle(without, 'p50'),
		p99: middle(without, 'p99'),
		p50Stopped: middle(beside, 'p50'),
		p99Stopped: middle(beside, 'p99'),
		more99: (middle(beside, 'p99') / middle(without, 'p99') - 1) * 100,
		us: middle(without, 'us'),
		usStopped: middle(beside, 'us'),
	};
}

const oneStopped = {
	group: 'In the wild',
	name: 'stopped-one',
	title: '1,000 clients, beside one that stopped reading',
	about:
		'3 KB × 40 messages/s to each, not batched: 120 KB/s that the one does not take. What is it to the others? A round is 20 windows without it and 16 with it, in turns of four, and the medians of both are compared.',
	absent: {
		floor: 'it would wait for the one that stopped',
		...because('what ten that stopped are to it is in the scenario before this one', ...PEERS),
	},
	options: { transport: 'websocket', clients: 1000, size: 3000, rate: 40, batch: 0, seconds: 1, load: { sample: 16 } },
	columns: [
		{ key: 'p50', title: 'p50 ms', digits: 2 },
		{ key: 'p50Stopped', title: 'with the one', digits: 2 },
		{ key: 'p99', title: 'p99 ms', digits: 2 },
		{ key: 'p99Stopped', title: 'with the one', digits: 2 },
		{ key: 'more99', title: 'p99 more, %', digits: 1 },
		{ key: 'us', title: 'CPU µs per message', digits: 1 },
		{ key: 'usStopped', title: 'with the one', digits: 1 },
	],
	round: oneStoppedRound,
	roundsOf: (id, rounds) => Math.min(rounds, ONE_ROUNDS),
	plan: ({ ids, rounds }) => ids.length * (4 + Math.min(rounds, ONE_ROUNDS) * 50),
};

// --- polling ---

const POLLING = {
	group: 'Long-polling',
	name: 'polling',
	title: '200 polling clients × 20 messages/s',
	about: '250 bytes, not batched. A message is one poll for siocast, the floor and the naive; bytes are two for the tuned Socket.IO, as event and attachment come one after the other. CPU per poll that was answered, and per event.',
	absent: { nchan: NO_POLLING },
	options: { transport: 'polling', clients: 200, size: 250, rate: 20, batch: 0, seconds: 1, coalesce: 1000 },
	columns: [
		{ key: 'usFrame', title: 'CPU µs per poll', digits: 2 },
		toFloor('usFrame'),
		toSiocast('usFrame'),
		{ key: 'usEvent', title: 'per event', digits: 2 },
		GENERATOR,
	],
	plot: { key: 'usFrame', title: 'CPU per poll, µs', low: true },
};

const POLLING_1K = {
	...POLLING,
	name: 'polling-1k',
	title: '1,000 polling clients × 5 messages/s',
	options: { ...POLLING.options, clients: 1000, rate: 5 },
};

export const clients = [
	memory,
	storm('websocket', 'WebSocket', {}),
	storm('polling', 'long-polling', { nchan: NO_POLLING }),
	storm('upgrade', 'long-polling and upgrade to WebSocket', {
		nchan: NO_POLLING,
		floor: 'it does not upgrade; both parts of it are in the two tables before',
	}),
	POLLING,
	POLLING_1K,
	churn,
	stopped,
	oneStopped,
];
