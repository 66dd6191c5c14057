// SPDX-License-Identifier: MIT
//
// A client of Redis in a few lines: pipelined commands, publishing, and a subscriber.

import net from 'node:net';
import { Inbox, eventually, within } from './wait.mjs';

function encode(args) {
	const parts = [Buffer.from(`*${args.length}\r\n`)];
	for (const arg of args) {
		const bytes = Buffer.isBuffer(arg) ? arg : Buffer.from(String(arg));
		parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'));
	}
	return Buffer.concat(parts);
}

/** Reads one reply of `data` at `at`: [value, end], or null when it is not complete. Bulk strings stay Buffers. */
function decode(data, at) {
	const eol = data.indexOf('\r\n', at);
	if (eol < 0) return null;
	const line = data.toString('latin1', at + 1, eol);
	let end = eol + 2;
	switch (String.fromCharCode(data[at])) {
		case '+':
			return [line, end];
		case '-':
			return [new Error(line), end];
		case ':':
			return [Number(line), end];
		case '$': {
			const n = Number(line);
			if (n < 0) return [null, end];
			return data.length < end + n + 2 ? null : [data.subarray(end, end + n), end + n + 2];
		}
		case '*': {
			const all = [];
			for (let i = 0; i < Number(line); i++) {
				const part = decode(data, end);
				if (part === null) return null;
				all.push(part[0]);
				end = part[1];
			}
			return [all, end];
		}
		default:
			throw new Error(`not RESP: ${data.toString('latin1', at, at + 40)}`);
	}
}

export class RedisClient {
	static async open(cleanup, port) {
		const client = new RedisClient(net.connect({ port, host: '127.0.0.1' }));
		cleanup.add(client, () => client.close());
		await within(client.connected, 'a connection to Redis');
		return client;
	}

	constructor(socket) {
		this.socket = socket;
		this.pending = [];
		this.data = Buffer.alloc(0);
		this.messages = new Inbox('Redis subscription');
		this.subscribed = false;
		this.connected = new Promise((resolve, reject) => {
			socket.once('connect', resolve);
			socket.once('error', reject);
		});
		this.connected.catch(() => {});
		socket.on('error', () => {});
		socket.on('close', () => this.#lost());
		socket.on('data', (chunk) => this.#feed(chunk));
	}

	#lost() {
		const error = new Error('the connection to Redis is closed');
		this.messages.fail(error);
		for (const { reject } of this.pending.splice(0)) reject(error);
	}

	#feed(chunk) {
		this.data = this.data.length === 0 ? chunk : Buffer.concat([this.data, chunk]);
		let at = 0;
		while (at < this.data.length) {
			const part = decode(this.data, at);
			if (part === null) break;
			at = part[1];
			this.#reply(part[0]);
		}
		this.data = this.data.subarray(at);
	}

	#reply(value) {
		const kind = this.subscribed && Array.isArray(value) ? value[0].toString() : '';
		if (kind === 'message') this.messages.push({ channel: value[1].toString(), message: value[2] });
		else if (kind === 'pmessage') this.messages.push({ channel: value[2].toString(), message: value[3] });
		else {
			const waiting = this.pending.shift();
			if (waiting === undefined) return;
			if (value instanceof Error) waiting.reject(value);
			else waiting.resolve(value);
		}
	}

	/** Sends one command; the reply. */
	command(...args) {
		const reply = this.#expect();
		this.socket.write(encode(args));
		return within(reply, `the reply to ${args[0]}`);
	}

	#expect() {
		return new Promise((resolve, reject) => this.pending.push({ resolve, reject }));
	}

	/** Publishes one message; the number of subscribers it reached. */
	publish(channel, message) {
		return this.command('PUBLISH', channel, message);
	}

	/** Publishes many messages, some hundred per write; fails when one of them reached nobody. */
	async publishAll(channel, messages, block = 500) {
		for (let at = 0; at < messages.length; at += block) {
			const some = messages.slice(at, at + block);
			const replies = some.map(() => this.#expect());
			this.socket.write(Buffer.concat(some.map((message) => encode(['PUBLISH', channel, message]))));
			const counts = await within(Promise.all(replies), `${some.length} replies to PUBLISH`);
			if (counts.some((n) => n < 1)) throw new Error(`a message on ${channel} reached no subscriber`);
		}
	}

	/** Subscribes to a channel, or with a star in it to a pattern. What arrives is in `messages`. */
	async subscribe(channel) {
		this.subscribed = true;
		await this.command(channel.includes('*') ? 'PSUBSCRIBE' : 'SUBSCRIBE', channel);
	}

	/** Waits until somebody listens to these channels and patterns. */
	async hasSubscribers(names) {
		const channels = names.filter((name) => !name.includes('*'));
		const patterns = new Set(names.filter((name) => name.includes('*')));
		await eventually(async () => {
			const counts = channels.length > 0 ? await this.command('PUBSUB', 'NUMSUB', ...channels) : [];
			const known = await this.command('PUBSUB', 'NUMPAT');
			return known >= patterns.size && counts.every((value, i) => i % 2 === 0 || value > 0);
		}, `a subscriber of ${names.join(', ')}`);
	}

	close() {
		this.socket.destroy();
	}
}
