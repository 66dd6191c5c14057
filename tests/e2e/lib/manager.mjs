// SPDX-License-Identifier: MIT
//
// A service manager as far as it listens to what it is told.

import fs from 'node:fs';
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
		/** The names of the descriptors that it keeps. */
		kept: () => told().at(-1).kept ?? [],
		/** Starts a program with what it keeps; gives what it writes, and what ends it. */
		async start(command, args, { env = {} } = {}) {
			const output = path.join(await cleanup.folder(), 'output');
			fs.writeFileSync(output, '');
			const text = () => fs.readFileSync(output, 'utf8');
			child.child.stdin.write(`${JSON.stringify({ start: [command, ...args], env: { ...env, NOTIFY_SOCKET: socket }, output })}\n`);
			await child.whileRunning(eventually(() => /event=started workers=\d+ pid=\d+\n/.test(text()), 'it to start').catch((error) => {
				throw new Error(`${error.message}:\n${text()}`);
			}));
			const pid = Number(/event=started workers=\d+ pid=(\d+)\n/.exec(text())[1]);
			const stop = async () => {
				if (/event=stopped\n/.test(text())) return;
				process.kill(pid, 'SIGTERM');
				await eventually(() => /event=stopped\n/.test(text()), 'it to stop');
			};
			cleanup.add(output, stop);
			return { pid, text, stop };
		},
		heard: (pid) => told().filter((one) => one.pid === pid).flatMap((one) => one.lines),
	};
}
