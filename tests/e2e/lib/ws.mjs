// SPDX-License-Identifier: MIT
//
// A WebSocket client that does what it is told, also what no good client would do: own frames on a bare TCP connection.

import crypto from 'node:crypto';
import zlib from 'node:zlib';
import { Inbox } from './wait.mjs';
import { Wire, requestBytes } from './http.mjs';

export const OP = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** The bytes of a frame from a client. `options`: fin, rsv, mask (false for the forbidden unmasked frame). */
export function frame(opcode, payload = '', options = {}) {
	const { fin = true, rsv = 0, mask = true } = options;
	const data = Buffer.from(payload);
	const n = data.length;
	const wide = n < 126 ? 0 : n < 65536 ? 2 : 8;
	const head = Buffer.alloc(2 + wide);
	head[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
	head[1] = (mask ? 0x80 : 0) | (wide === 0 ? n : wide === 2 ? 126 : 127);
	if (wide === 2) head.writeUInt16BE(n, 2);
	if (wide === 8) head.writeBigUInt64BE(BigInt(n), 2);
	if (!mask) return Buffer.concat([head, data]);
	const key = crypto.randomBytes(4);
	const masked = Buffer.from(data);
	for (let i = 0; i < n; i++) masked[i] ^= key[i & 3];
	return Buffer.concat([head, key, masked]);
}

/** What a client sends to open a WebSocket. `headers` overrides (a value of null removes one). */
export function upgradeRequest(target, headers = {}) {
	const key = crypto.randomBytes(16).toString('base64');
	const all = {
		Host: '127.0.0.1',
		Connection: 'Upgrade',
		Upgrade: 'websocket',
		'Sec-WebSocket-Version': '13',
		'Sec-WebSocket-Key': key,
		...headers,
	};
	const pairs = Object.entries(all).filter(([, value]) => value !== null);
	return { key, bytes: requestBytes('GET', target, pairs) };
}

/** Sends an upgrade request and reads the answer, whatever it is; the connection stays with the caller. */
export async function tryUpgrade(port, target, headers) {
	const wire = await Wire.open(port);
	const { key, bytes } = upgradeRequest(target, headers);
	await wire.send(bytes);
	return { wire, key, answer: await wire.response('GET') };
}

/** The data of a message of permessage-deflate, and the other way round. */
export function deflateMessage(data, options) {
	return zlib.deflateRawSync(data, { finishFlush: zlib.constants.Z_SYNC_FLUSH, ...options }).subarray(0, -4);
}
export function inflateMessage(data) {
	const whole = Buffer.concat([data, Buffer.from([0, 0, 0xff, 0xff])]);
	return zlib.inflateRawSync(whole, { finishFlush: zlib.constants.Z_SYNC_FLUSH });
}

/**
 * An open WebSocket. What comes in are messages: {text}, {binary}, {ping}, {pong} and at last {close, code, reason}. Those that
 * came compressed say how long they were in `compressed`.
 */
export class RawSocket {
	static async open(port, target, headers) {
		const { wire, key, answer } = await tryUpgrade(port, target, headers);
		if (answer.status !== 101) {
			wire.close();
			throw new Error(`upgrade of ${target} answered ${answer.status} ${answer.text}`);
		}
		const expected = crypto.createHash('sha1').update(key + GUID).digest('base64');
		if (answer.header('sec-websocket-accept') !== expected) throw new Error('wrong Sec-WebSocket-Accept');
		return new RawSocket(wire, answer, target);
	}

	constructor(wire, answer, name) {
		this.wire = wire;
		this.answer = answer;
		this.inbox = new Inbox(`WebSocket ${name}`);
		this.#read().catch((error) => this.inbox.fail(error));
	}

	async #read() {
		let parts = [];
		let kind = 0;
		let deflated = false;
		for (;;) {
			const received = await this.#readFrame();
			if (received === null) break;
			const { opcode, fin, payload, rsv1 } = received;
			if (rsv1 && !this.answer.header('sec-websocket-extensions')) {
				throw new Error('a frame with reserved bits, although no extension was agreed');
			}
			if (opcode >= OP.close) {
				this.#control(opcode, payload);
				continue;
			}
			if (opcode !== OP.continuation) [kind, deflated] = [opcode, rsv1];
			parts.push(payload);
			if (!fin) continue;
			const sent = Buffer.concat(parts);
			const whole = deflated ? inflateMessage(sent) : sent;
			parts = [];
			const message = kind === OP.text ? { text: whole.toString('utf8') } : { binary: whole };
			this.inbox.push(deflated ? { ...message, compressed: sent.length } : message);
		}
		this.inbox.push({ end: true });
		this.inbox.fail(new Error('the WebSocket has ended'));
	}

	#control(opcode, payload) {
		if (opcode === OP.ping) this.inbox.push({ ping: payload.toString() });
		else if (opcode === OP.pong) this.inbox.push({ pong: payload.toString() });
		else {
			const code = payload.length >= 2 ? payload.readUInt16BE(0) : null;
			this.inbox.push({ close: true, code, reason: payload.subarray(2).toString() });
			// A good client echoes the close frame; without it a server may wait for one.
			this.raw(frame(OP.close, payload.subarray(0, 2))).catch(() => {});
		}
	}

	// Waits for the next frame without a limit: nothing has to arrive on an idle WebSocket.
	async #readFrame() {
		for (;;) {
			const parsed = parseFrame(this.wire.data);
			if (parsed !== null) {
				this.wire.data = this.wire.data.subarray(parsed.size);
				return parsed;
			}
			if (this.wire.ended) return null;
			await this.wire.changed();
		}
	}

	raw(bytes) {
		return this.wire.send(bytes);
	}

	text(text) {
		return this.raw(frame(OP.text, text));
	}

	binary(data) {
		return this.raw(frame(OP.binary, data));
	}

	/** The next message. */
	next(what = 'a message') {
		return this.inbox.next(what);
	}

	/** The next message, which must be text. */
	async nextText(what = 'a text message') {
		const message = await this.next(what);
		if (message.text === undefined) throw new Error(`expected ${what}, got ${JSON.stringify(message)}`);
		return message.text;
	}

	/** Waits for the end; gives everything that came before it and the close frame, if there was one. */
	async ended(what = 'the server to close the WebSocket') {
		await this.inbox.until((items) => items.some((item) => item.close || item.end), what);
		const before = this.inbox.items.filter((item) => !item.close && !item.end);
		return { before, close: this.inbox.items.find((item) => item.close) ?? null };
	}

	/** The TCP connection is over too. */
	closed() {
		return this.wire.closed();
	}

	close() {
		this.wire.close();
	}
}

function parseFrame(data) {
	if (data.length < 2) return null;
	const short = data[1] & 0x7f;
	const wide = short < 126 ? 0 : short === 126 ? 2 : 8;
	if (data.length < 2 + wide) return null;
	const n = wide === 0 ? short : wide === 2 ? data.readUInt16BE(2) : Number(data.readBigUInt64BE(2));
	const size = 2 + wide + n;
	if (data[1] & 0x80) throw new Error('a frame from a server must not be masked');
	if (data[0] & 0x30) throw new Error('a frame with reserved bits that no extension has');
	if (data.length < size) return null;
	const [fin, rsv1] = [(data[0] & 0x80) !== 0, (data[0] & 0x40) !== 0];
	return { fin, rsv1, opcode: data[0] & 0x0f, payload: data.subarray(2 + wide, size), size };
}
