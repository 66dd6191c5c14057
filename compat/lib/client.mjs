// SPDX-License-Identifier: MIT
//
// One way to speak to every official client: its socket with what differs between the generations taken away, and nothing else.

import { LANGUAGES, connectLanguage } from './languages.mjs';
import { loadPage } from './stand-in.mjs';
import { Inbox, within } from './tools.mjs';
import { TRANSPORTS, atLeast, bundlePath, closesWell, load } from './versions.mjs';

// What a client gives when a namespace is refused.
const refusal = (version) => (atLeast(version, '3') ? 'connect_error' : 'error');

function isBinary(value) {
	const tag = Object.prototype.toString.call(value);
	return tag === '[object ArrayBuffer]' || ArrayBuffer.isView(value);
}

function bytesOf(value) {
	if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
	return Buffer.from(new Uint8Array(value));
}

/** A copy made of this realm's objects, with every binary as a Buffer: what has come from a client, ready to be compared. */
export function plain(value) {
	if (value === null || typeof value !== 'object') return value;
	if (isBinary(value)) return bytesOf(value);
	if (Array.isArray(value)) return Array.from(value, plain);
	return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plain(member)]));
}

export class Client {
	/**
	 * Begins to connect. `kind`: {version, build, transport}; `url`: of the server, without namespace. `options`: namespace (with
	 * its query, if any), beside (more namespaces, for clients that name all of theirs at once), limit in ms of every wait, and what
	 * goes to the client itself.
	 */
	constructor(kind, url, { limit = 6000, ...options } = {}) {
		this.kind = kind;
		this.limit = limit;
		this.page = null;
		if (kind.version in LANGUAGES) Object.assign(this, connectLanguage(kind, url, options));
		else this.#connect(kind, url, options);
	}

	#connect({ version, build, transport }, url, { namespace = '', beside, ...options }) {
		const { options: how, xhr1 } = TRANSPORTS[transport];
		this.page = build === 'bundle' ? loadPage(bundlePath(version), url, { xhr1 }) : null;
		this.io = this.page ? this.page.io : load(`client-${version}`);
		this.socket = this.io(url + namespace, { forceNew: true, reconnection: false, ...how, ...options });
	}

	/** Another namespace on the same connection; it connects by itself. */
	also(namespace) {
		const other = Object.create(Client.prototype);
		const { kind, limit, page, io } = this;
		return Object.assign(other, { kind, limit, page, io, socket: this.socket.io.socket(namespace) });
	}

	get engine() {
		return this.socket.io.engine;
	}

	/** A value as an application of this build would send it: Buffer in Node, ArrayBuffer in a browser. */
	binary(buffer) {
		if (this.page) return this.page.binary(buffer);
		const bytes = Buffer.from(buffer);
		// These are older than Buffers made of ArrayBuffers, and send something else when they meet one.
		if (!atLeast(this.kind.version, '1.3')) Object.defineProperty(bytes, 'buffer', { value: undefined });
		return bytes;
	}

	/** Settles like `promise`, but not later than the limit. */
	soon(promise, what) {
		const result = within(promise, what, this.limit);
		// Whoever has given up something else before does not come back for this one.
		result.catch(() => {});
		return result;
	}

	/** The next event of that name: its arguments. */
	next(event, what = `event "${event}"`) {
		return this.soon(new Promise((resolve) => this.socket.once(event, (...args) => resolve(args.map(plain)))), what);
	}

	/** Collects the arguments of every event of that name from now on. */
	collect(event) {
		const inbox = new Inbox(`event "${event}"`);
		this.socket.on(event, (...args) => inbox.push(args.map(plain)));
		return inbox;
	}

	/** Waits for the connection; fails at once when it cannot be made. */
	connected() {
		if (this.socket.connected) return this;
		const done = new Promise((resolve, reject) => {
			const failed = (what) => (error) => reject(new Error(`${what}: ${error?.message ?? error}`));
			this.socket.once('connect', () => resolve(this));
			this.socket.once('connect_error', failed('connect_error'));
			this.socket.once('connect_timeout', failed('connect_timeout'));
			this.socket.once('error', failed('error'));
		});
		return this.soon(done, 'the connection');
	}

	/** Waits for the refusal of the namespace: its message. */
	async refused() {
		const told = new Promise((resolve) => this.socket.once(refusal(this.kind.version), resolve));
		const error = await this.soon(told, 'the refusal of the namespace');
		return typeof error === 'object' ? error.message : error;
	}

	/** Waits until WebSocket has taken over from polling. */
	async upgraded() {
		const { engine } = this;
		if (engine.transport.name === 'websocket') return this;
		await this.soon(new Promise((resolve) => engine.once('upgrade', resolve)), 'the upgrade to WebSocket');
		return this;
	}

	emit(...args) {
		this.socket.emit(...args);
	}

	/** Emits and waits for the acknowledgement: its arguments. */
	ask(...args) {
		const answer = new Promise((resolve) => this.socket.emit(...args, (...values) => resolve(values.map(plain))));
		return this.soon(answer, `the ack of "${args[0]}"`);
	}

	/** Sends arguments through "message" and gives what comes back. */
	echo(...args) {
		const back = this.next('message-back');
		this.emit('message', ...args);
		return back;
	}

	/** Waits for the end of the engine's connection; to be called before it can happen. */
	ended() {
		const { engine } = this;
		return this.soon(new Promise((resolve) => engine.once('close', () => setImmediate(resolve))), 'the end of the connection');
	}

	/** Collects the packets of that type that the engine reads from now on. */
	packets(type) {
		const inbox = new Inbox(`${type} packets`);
		this.engine.on('packet', (packet) => {
			if (packet.type === type) inbox.push(packet);
		});
		return inbox;
	}

	close() {
		if (this.end) return this.end();
		// What does not end well leaves no poll behind.
		if (!closesWell(this.kind)) this.page.leave();
		return this.socket.disconnect();
	}
}
