// SPDX-License-Identifier: MIT
//
// What a test opens it hands to a Cleanup, which undoes everything in reverse order, whatever happened between. When undoing
// itself fails (a daemon that did not end cleanly, say), the test fails.

import { rmSync } from 'node:fs';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

// Folders that are still there when this process ends, because a test was cut off.
const folders = new Set();
process.on('exit', () => {
	for (const dir of folders) rmSync(dir, { recursive: true, force: true });
});

export class Cleanup {
	constructor() {
		this.steps = [];
	}

	/** Remembers to call `undo`; hands `thing` back. */
	add(thing, undo) {
		this.steps.push(undo);
		return thing;
	}

	/** A folder of its own, removed at the end. */
	async folder() {
		const dir = await fs.mkdtemp(path.join(os.tmpdir(), 'siocast-e2e-'));
		folders.add(dir);
		return this.add(dir, async () => {
			await fs.rm(dir, { recursive: true, force: true });
			folders.delete(dir);
		});
	}

	async run() {
		const failures = [];
		while (this.steps.length > 0) {
			const undo = this.steps.pop();
			try {
				await undo();
			} catch (error) {
				failures.push(error);
			}
		}
		if (failures.length === 1) throw failures[0];
		if (failures.length > 1) throw new AggregateError(failures, failures.map((f) => f.message).join('\n'));
	}
}

/** Runs `body(cleanup)` and undoes what it opened. */
export async function withCleanup(body) {
	const cleanup = new Cleanup();
	let failed = true;
	try {
		await body(cleanup);
		failed = false;
	} finally {
		// A failing body is the interesting news: do not let a failing clean-up hide it.
		if (failed) await cleanup.run().catch((error) => console.error(`clean-up: ${error.message}`));
		else await cleanup.run();
	}
}
