// SPDX-License-Identifier: MIT
//
// The programs of this folder as objects: the load generator and the publisher. Each tells in lines of JSON.

import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child } from '../../tests/e2e/lib/process.mjs';
import { eventually } from '../../tests/e2e/lib/wait.mjs';

export const BENCH = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

// bench/load closes connections only when it ends, and tells in the standard error what went wrong before.
const READY_MS = 60_000;

/** Command line arguments out of an object: {clients: 5} is --clients 5. */
export function flags(options) {
	return Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
}

/** The lines of JSON that a child has written so far. */
function answers(child) {
	const lines = child.output.split('\n');
	lines.pop(); // not complete yet
	return lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
}

/** Waits for the nth line of JSON of a child. */
export function answer(child, n, what, ms = READY_MS) {
	return child.whileRunning(eventually(() => answers(child)[n], `${child.name}: ${what}`, ms));
}

/** Starts bench/load and waits until all its clients have joined. */
export async function startLoad(cleanup, options) {
	const child = new Child(path.join(BENCH, 'load'), flags(options), { name: 'load' });
	cleanup.add(child, () => child.stop());
	const ready = await answer(child, 0, 'all clients connected');
	let asked = 0;
	return {
		child,
		ready,
		/** All counts start from zero. */
		begin: () => child.child.kill('SIGUSR1'),
		/** What came since. */
		report: () => {
			child.child.kill('SIGUSR2');
			return answer(child, ++asked, 'report');
		},
	};
}

/** Runs bench/publish to its end; what it says it sent. */
export async function publish(cleanup, options) {
	const child = new Child(path.join(BENCH, 'publish'), flags(options), { name: 'publish', graceful: false });
	cleanup.add(child, () => child.stop());
	const { code, signal } = await child.ended;
	if (code !== 0) throw new Error(`publish ended (${signal ?? `status ${code}`}):\n${child.tail()}`);
	return answers(child)[0];
}
