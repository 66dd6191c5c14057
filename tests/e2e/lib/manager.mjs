// SPDX-License-Identifier: MIT
//
// A service manager as far as it listens to what it is told.

import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child } from './process.mjs';
import { eventually } from './wait.mjs';

const MANAGER = path.join(path.dirname(fileURLToPath(import.meta.url)), 'manager.py');

/** Listens as a service manager does. `heard()` gives all lines so far that a process said, in their order. */
export async function startManager(cleanup) {
	const socket = path.join(await cleanup.folder(), 'notify');
	const child = new Child('python3', [MANAGER, socket], { stdin: 'pipe', graceful: false });
	cleanup.add(child, () => child.stop());
	const told = () => child.output.split('\n').filter((line) => line.endsWith('}')).map((line) => JSON.parse(line));
	await child.whileRunning(eventually(() => told().length > 0, 'the manager to listen'));
	return {
		socket,
		heard: (pid) => told().filter((one) => one.pid === pid).flatMap((one) => one.lines),
	};
}
