// SPDX-License-Identifier: MIT
//
// Looks into a running server from outside: how many system calls it sends with.

import { Child } from '../../tests/e2e/lib/process.mjs';
import { within } from '../../tests/e2e/lib/wait.mjs';
import { pause } from './measure.mjs';

const CALLS = ['sendto', 'sendmsg', 'sendmmsg', 'write', 'writev', 'io_uring_enter'];
const ATTACH_MS = 500;

/** Runs `step` and counts the calls that send meanwhile; gives {calls, result}. Calls to wake a thread up are among them. */
export async function countWrites(pids, step) {
	const args = ['-f', '-q', '-c', '-U', 'calls,name', '-e', `trace=${CALLS.join(',')}`, ...pids.flatMap((pid) => ['-p', String(pid)])];
	const tracer = new Child('strace', args, { name: 'strace', graceful: false });
	try {
		await pause(ATTACH_MS);
		const result = await step();
		tracer.child.kill('SIGINT');
		await within(tracer.ended, 'strace to end');
		const counts = [...tracer.output.matchAll(/^\s*(\d+)\s+(\w+)\s*$/gm)].filter(([, , name]) => CALLS.includes(name));
		if (counts.length === 0) throw new Error(`strace: ${tracer.tail()}`);
		return { calls: counts.reduce((sum, [, n]) => sum + Number(n), 0), result };
	} finally {
		await tracer.stop();
	}
}
