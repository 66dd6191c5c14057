// SPDX-License-Identifier: MIT
//
// Child processes: their output kept for the report of a failure, their end watched, stopped by pid. A child that ends badly
// (not at once on SIGTERM, with a status other than 0, or with the report of a sanitizer) fails the test that started it.

import { spawn } from 'node:child_process';
import { SLOW, eventually, within } from './wait.mjs';

const STOP_MS = 15_000 * SLOW;
const SANITIZER = /(ERROR: (Address|Leak|Thread|Memory)Sanitizer|WARNING: ThreadSanitizer|runtime error:)/;
const KEEP_BYTES = 200_000;

// What is still running when this process ends (a test cut off by its limit, say) must not outlive it.
const running = new Set();
process.on('exit', () => {
	for (const child of running) child.child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));

export class Child {
	/** `options`: env, cwd, name, stdin; `graceful: false` for programs whose exit status on SIGTERM does not matter. */
	constructor(command, args, options = {}) {
		this.name = options.name ?? command;
		this.graceful = options.graceful ?? true;
		this.output = '';
		this.exited = false;
		this.stopped = false;
		this.told = false;
		this.child = spawn(command, args, {
			cwd: options.cwd,
			env: { ...process.env, ...options.env },
			stdio: [options.stdin ?? 'ignore', 'pipe', 'pipe'],
		});
		running.add(this);
		const keep = (chunk) => {
			this.output += chunk;
			if (this.output.length > 2 * KEEP_BYTES) this.output = this.output.slice(-KEEP_BYTES);
		};
		this.child.stdout.setEncoding('utf8').on('data', keep);
		this.child.stderr.setEncoding('utf8').on('data', keep);
		this.ended = new Promise((resolve) => {
			this.child.once('error', (error) => {
				this.output += `${error.message}\n`;
				this.#end(resolve, { code: 127, signal: null });
			});
			this.child.once('close', (code, signal) => this.#end(resolve, { code, signal }));
		});
	}

	#end(resolve, how) {
		if (this.exited) return;
		this.exited = true;
		running.delete(this);
		resolve(how);
	}

	get pid() {
		return this.child.pid;
	}

	/** The last lines of the output, for messages. */
	tail(lines = 30) {
		return this.output.trimEnd().split('\n').slice(-lines).join('\n');
	}

	/** Settles when the promise does, but fails at once when the program ends first. */
	whileRunning(promise) {
		const death = this.ended.then(({ code, signal }) => {
			throw new Error(`${this.name} ended (${signal ?? `status ${code}`}):\n${this.tail()}`);
		});
		death.catch(() => {});
		return Promise.race([promise, death]);
	}

	/**
	 * Waits until the output, so far or to come, matches. What a program has written, and for which others have proof, may still
	 * be in the pipe: whoever looks at `output` at once looks too early now and then.
	 */
	async says(pattern) {
		const said = () => pattern.test(this.output);
		await eventually(() => said() || this.exited, `${this.name} to write ${pattern}`).catch(() => {});
		if (!said()) throw new Error(`${this.name} did not write ${pattern}:\n${this.tail()}`);
	}

	/** Ends it without ceremony, as a crash would. What it then leaves is no longer judged. */
	async kill() {
		this.graceful = false;
		if (!this.exited) this.child.kill('SIGKILL');
		await within(this.ended, `the end of ${this.name}`);
	}

	/** Sends a signal that ends it, maybe later. stop() then waits for that, and takes it for a clean end if it was one. */
	signal(name) {
		this.told = true;
		this.child.kill(name);
	}

	/** SIGTERM, then SIGKILL. Fails when the end was not a clean one. Judges once, however often it is called. */
	async stop() {
		if (this.stopped) return;
		this.stopped = true;
		const early = this.exited && !this.told;
		if (!this.exited) this.child.kill('SIGTERM');
		const how = await within(this.ended, 'SIGTERM to work', STOP_MS).catch(() => null);
		if (how === null) {
			await this.kill();
			throw new Error(`${this.name} did not end on SIGTERM:\n${this.tail()}`);
		}
		if (SANITIZER.test(this.output)) throw new Error(`sanitizer report of ${this.name}:\n${this.tail(120)}`);
		if (this.graceful && (how.code !== 0 || early)) {
			const when = early ? 'ended before it was told to' : 'did not end cleanly on SIGTERM';
			throw new Error(`${this.name} ${when} (${how.signal ?? `status ${how.code}`}):\n${this.tail()}`);
		}
	}
}
