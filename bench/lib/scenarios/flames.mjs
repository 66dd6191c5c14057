// SPDX-License-Identifier: MIT
//
// Where the time goes: a profile of each server under a load of the story, drawn as a flame graph, and its samples by kind.

import fs from 'node:fs/promises';
import path from 'node:path';
import { NO_POLLING } from '../complete.mjs';
import { flameGraph } from '../flame.mjs';
import { SEND, hottest, record, shareOf } from '../perf.mjs';
import { PLOTS } from '../svg.mjs';
import { servers } from '../servers.mjs';
import { ingestOptions } from './ingest.mjs';

const KERNEL = /^(entry_SYSCALL_64.*|do_syscall_64|asm_sysvec_.*|asm_.*interrupt|asm_exc_.*|ret_from_fork.*)$/;

/** What a reader knows a part of a profile by, the first that fits a stack from outside in. */
const KINDS = [
	['send', 'sending, in the kernel', SEND],
	['gc', 'garbage collection', /v8::internal::(Heap::(Collect|Scavenge|PerformGarbage)|Scaveng|MarkCompact|Sweeper|MinorGC|IncrementalMark|ConcurrentMark|MarkingVisitor)/],
	['json', 'JSON', /Json(Parser|Stringif)|JSON|_json|scanstring|c_make_encoder/],
	['read', 'reading from sockets, in the kernel', /^__x64_sys_(read|readv|recvfrom|recvmsg)$/],
	['wait', 'waiting and waking, in the kernel', /^__x64_sys_(epoll_\w+|poll|ppoll|futex)$|^schedule$/],
];

function kindsOf(root) {
	const kinds = KINDS.map(([key, title, names]) => [key, title, shareOf(root, names)]);
	return Object.fromEntries(kinds.map(([key, title, share]) => [key, { title, share }]));
}

async function flameRound(bed, { scenario, keep }) {
	const { id, options, cleanup } = bed;
	const dwarf = id.startsWith('siocast') || id === 'other' || id === 'floor';
	// The profiled window is thrown away as a measurement; the load is the same.
	const root = await record(cleanup, bed.running.pids(), () => bed.window({ seconds: options.profileSeconds }), { dwarf });
	const name = `flame-${scenario.name.replace('profile-', '')}-${id}.svg`;
	if (keep) {
		await fs.mkdir(PLOTS, { recursive: true });
		await fs.writeFile(path.join(PLOTS, name), flameGraph(root, `${servers[id].name}: ${scenario.title}`));
	}
	bed.profile = {
		file: name,
		samples: root.count,
		kinds: kindsOf(root),
		hottest: hottest(root, 8),
	};
	const send = 100 * shareOf(root, SEND);
	return { send, rest: 100 - send, kernel: 100 * shareOf(root, KERNEL), samples: root.count };
}

function profile(name, title, options, absent = {}) {
	const scenario = {
		group: 'Where the time goes',
		name: `profile-${name}`,
		title,
		about: 'Samples of one recorded window, with call graphs; “sending” is all that happens in and below the system calls that send, which on loopback goes down to the receiver’s socket.',
		absent,
		options: { transport: 'websocket', batch: 200, profile: true, ...options },
		columns: [
			{ key: 'send', title: '% sending, in the kernel', digits: 1 },
			{ key: 'rest', title: '% everything else', digits: 1 },
			{ key: 'kernel', title: '% in the kernel at all', digits: 1 },
			{ key: 'samples', title: 'samples', digits: 0 },
		],
		roundsOf: () => 1,
		// At a load of the story siocast does next to nothing: it is watched longer.
		optionsOf: (id) => (id === 'siocast' && options.batch !== 0 ? { profileSeconds: 10 } : {}),
		plan: ({ ids }) => ids.length * 5 + 10,
	};
	scenario.round = (bed, context) => flameRound(bed, { ...context, scenario });
	scenario.after = (run) => {
		run.extra = { profiles: Object.fromEntries([...run.beds].map(([id, bed]) => [id, bed.profile])) };
	};
	return scenario;
}

const SECONDS = { seconds: 1, profileSeconds: 2.5 };

export const flames = [
	profile('polling', '10 polling clients × 20 messages/s', { clients: 10, size: 250, rate: 20, transport: 'polling', ...SECONDS }, { nchan: NO_POLLING }),
	profile('350', '10 clients × 350 small messages/s', { clients: 10, size: 250, rate: 350, ...SECONDS }),
	profile('mix', '10 clients × 200 messages/s of 3 KB, some of 30 KB', { clients: 10, mix: 'story', rate: 200, ...SECONDS }),
	profile('230', '230 clients × 6 messages/s', { clients: 230, size: 250, rate: 6, ...SECONDS }),
	profile('525', '525 clients × 2 messages/s', { clients: 525, size: 250, rate: 2, ...SECONDS }),
	profile('24k', '24,000 messages/s from Redis', { ...ingestOptions({ rate: 24000, seconds: 2.5 }, 2.5), profileSeconds: 2.5 }, { floor: 'it only reads' }),
	profile('fan-out', '1,000 clients × 20 messages/s of 3 KB, not batched', { clients: 1000, size: 3000, rate: 20, batch: 0, coalesce: 1000, ...SECONDS }),
];
