// SPDX-License-Identifier: MIT
//
// Waiting, never sleeping: every wait is for an event, has a limit and says what it waited for.
// E2E_SLOW=3 stretches every limit for builds with sanitizers (and is set by itself for them, see daemon.mjs).

export const SLOW = Number(process.env.E2E_SLOW || 1);

// The usual limit of one wait. A test that works needs a tiny part of it.
export const LIMIT_MS = 20_000 * SLOW;

/** The options of a node:test case: its overall limit. */
export function limit(seconds = 60) {
	return { timeout: seconds * 1000 * SLOW };
}

/**
 * Settles like `promise`, or fails after `ms` with the text `what`. A wait that nobody has use for any more does not keep the process: there
 * are tests that begin one for what may come or not.
 */
export function within(promise, what, ms = LIMIT_MS) {
	let timer;
	const late = new Promise((_, reject) => {
		timer = setTimeout(() => reject(new Error(`waited ${ms} ms in vain for ${what}`)), ms);
		timer.unref();
	});
	return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/**
 * Calls `probe` until it returns something true, for states outside this process that tell nobody when they
 * change (a port that opens, a counter of another program). Errors count as "not yet".
 */
export async function eventually(probe, what, ms = LIMIT_MS) {
	const end = Date.now() + ms;
	let last;
	for (;;) {
		try {
			const value = await probe();
			if (value) return value;
			last = undefined;
		} catch (error) {
			last = error;
		}
		if (Date.now() >= end) {
			throw new Error(`waited ${ms} ms in vain for ${what}${last ? ` (last: ${last.message})` : ''}`);
		}
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
}

/** Things that arrive, in order, and whoever waits for the next one. */
export class Inbox {
	constructor(name) {
		this.name = name;
		this.items = [];
		this.total = 0;
		this.waiting = [];
		this.failure = null;
	}

	push(item) {
		this.items.push(item);
		this.total++;
		this.#wake();
	}

	/** No more will come: whoever waits, or comes to wait when the items are used up, gets `error`. */
	fail(error) {
		this.failure ??= error;
		this.#wake();
	}

	#wake() {
		const all = this.waiting;
		this.waiting = [];
		for (const wake of all) wake();
	}

	#changed() {
		return new Promise((resolve) => this.waiting.push(resolve));
	}

	/** Takes the next item. */
	next(what = 'something', ms = LIMIT_MS) {
		return within(this.#take(), `${what} from ${this.name}`, ms);
	}

	async #take() {
		while (this.items.length === 0) {
			if (this.failure) throw this.failure;
			await this.#changed();
		}
		return this.items.shift();
	}

	/** Waits until `test(items)` is true for what has arrived and was not taken; takes nothing. */
	until(test, what, ms = LIMIT_MS) {
		const watch = async () => {
			while (!test(this.items)) {
				if (this.failure) throw this.failure;
				await this.#changed();
			}
			return this.items;
		};
		return within(watch(), `${what} from ${this.name}`, ms).catch((error) => {
			error.message += ` (${this.total} arrived so far)`;
			throw error;
		});
	}
}

/** The next event `name` of an emitter: its arguments, as an array. */
export function once(emitter, name, what = `event "${name}"`, ms = LIMIT_MS) {
	return within(new Promise((resolve) => emitter.once(name, (...args) => resolve(args))), what, ms);
}
