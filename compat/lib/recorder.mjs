// SPDX-License-Identifier: MIT
//
// A client whose socket's whole experience is written down: every event, ack and refusal, as the page would see it.

import { Client, plain } from './client.mjs';
import { within } from './tools.mjs';

let questions = 0;

export class RecordedClient extends Client {
	/** As a Client. Whatever arrives is in `events` ({name: [arguments, …]}) and `acks`. */
	constructor(version, url, options) {
		super({ version, build: 'node', transport: 'websocket' }, url, options);
		this.events = {};
		this.acks = [];
		this.waiting = [];
		const { onevent } = Object.getPrototypeOf(this.socket);
		// Every generation hands each event to this.
		this.socket.onevent = (packet) => {
			this.#note(packet.data);
			return onevent.call(this.socket, packet);
		};
	}

	#note([name, ...args]) {
		(this.events[name] ??= []).push(args.filter((arg) => typeof arg !== 'function').map(plain));
		for (const wake of this.waiting.splice(0)) wake();
	}

	/** Waits until that many events of the name have come in all. */
	async received(name, count) {
		const watch = async () => {
			while ((this.events[name]?.length ?? 0) < count) await new Promise((resolve) => this.waiting.push(resolve));
		};
		await within(watch(), `event "${name}" number ${count}`, this.limit).catch((error) => {
			throw new Error(`${error.message}; so far: ${JSON.stringify(this.events)}`);
		});
	}

	/** Waits until the server has done what was sent before: it refuses a namespace only then. */
	async settled() {
		await this.also(`/settled-${++questions}`).refused();
	}

	/** As Client.ask; the answer is noted. */
	async ask(...args) {
		const answer = await super.ask(...args);
		this.acks.push([args[0], ...answer]);
		return answer;
	}

	/** Waits for the refusal: its message, and its data where the client has such. */
	async refusal() {
		const told = new Promise((resolve) => {
			for (const event of ['error', 'connect_error']) this.socket.once(event, (error) => resolve({ event, error }));
			this.socket.once('connect', () => resolve({ event: 'connect' }));
		});
		const { event, error } = await this.soon(told, 'the refusal');
		if (!(error instanceof Error)) return { event, error: plain(error) };
		return { event, message: error.message, data: plain(error.data) };
	}
}
