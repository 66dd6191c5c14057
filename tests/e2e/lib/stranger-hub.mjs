// SPDX-License-Identifier: MIT
//
// A hub that has the key, and says what it is told to: frames as src/relay/frame.h has them.

import crypto from 'node:crypto';
import net from 'node:net';
import { Inbox } from './wait.mjs';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

export const TYPE = { hello: 1, proof: 2, welcome: 3, join: 5, leave: 6, sync: 7, ack: 8, room: 11, batch: 13, synced: 14, audience: 15 };

export function number(n) {
	const bytes = [];
	for (; n > 127; n = Math.floor(n / 128)) bytes.push((n % 128) | 128);
	return Buffer.from([...bytes, n]);
}

export const bytes = (value) => Buffer.concat([number(Buffer.byteLength(value)), Buffer.from(value)]);

/** A frame of parts, each a Buffer or one byte. */
export function frame(type, ...parts) {
	const body = Buffer.concat(parts.map((part) => (typeof part === 'number' ? Buffer.from([part]) : part)));
	return Buffer.concat([number(body.length + 1), Buffer.from([type]), body]);
}

/** The packets of a batch: a string is text that ends in JSON, a Buffer is binary. */
export const packets = (...all) => Buffer.concat([number(all.length), ...all.map((packet) => Buffer.concat([Buffer.from([typeof packet === 'string' ? 2 : 1]), bytes(packet)]))]);

/** Terms of a batch: of no particular feed. */
export const TERMS = Buffer.concat([Buffer.from([0]), Buffer.alloc(8, 7)]);

function takeNumber(buffer, at) {
	let n = 0;
	for (let i = 0; at + i < buffer.length; i++) {
		n += (buffer[at + i] & 127) * 128 ** i;
		if (buffer[at + i] < 128) return [n, at + i + 1];
	}
	return null;
}

/** What an edge says on one connection. */
class Conversation {
	constructor(hub, socket) {
		this.hub = hub;
		this.socket = socket;
		this.http = Buffer.alloc(0);
		this.said = Buffer.alloc(0);
		this.open = false;
		this.ended = new Promise((resolve) => socket.on('close', resolve));
		socket.on('error', () => {});
		socket.on('data', (data) => this.#read(data));
	}

	#read(data) {
		this.http = Buffer.concat([this.http, data]);
		if (!this.open) {
			const end = this.http.indexOf('\r\n\r\n');
			if (end < 0) return;
			const key = /^sec-websocket-key: *(\S+)/im.exec(this.http.toString('latin1'))[1];
			const accept = crypto.createHash('sha1').update(key + GUID).digest('base64');
			this.socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: siocast-relay\r\n\r\n`);
			this.http = this.http.subarray(end + 4);
			this.open = true;
		}
		while (this.#unmask());
		while (this.#take());
	}

	/** One message of the WebSocket. */
	#unmask() {
		const b = this.http;
		if (b.length < 2) return false;
		const short = b[1] & 127, wide = short < 126 ? 0 : short === 126 ? 2 : 8;
		if (b.length < 6 + wide) return false;
		const n = wide === 0 ? short : wide === 2 ? b.readUInt16BE(2) : Number(b.readBigUInt64BE(2));
		const from = 6 + wide;
		if (b.length < from + n) return false;
		const data = Buffer.from(b.subarray(from, from + n));
		for (let i = 0; i < n; i++) data[i] ^= b[2 + wide + (i & 3)];
		this.http = b.subarray(from + n);
		if ((b[0] & 15) === 2) this.said = Buffer.concat([this.said, data]);
		return true;
	}

	/** One frame of the relay. */
	#take() {
		const head = takeNumber(this.said, 0);
		if (!head || this.said.length < head[1] + head[0]) return false;
		const f = this.said.subarray(head[1], head[1] + head[0]);
		this.said = this.said.subarray(head[1] + head[0]);
		this.#answer(f[0], f.subarray(1));
		return true;
	}

	#answer(type, body) {
		if (type === TYPE.hello) {
			const own = Buffer.concat([Buffer.from('siocast-relay'), number(1), bytes('odd'), crypto.randomBytes(16)]);
			const proof = crypto.createHmac('sha256', this.hub.key).update(Buffer.concat([bytes('siocast relay hub'), body, own])).digest();
			this.say(frame(TYPE.hello, own, proof));
		} else if (type === TYPE.proof) {
			const epoch = crypto.randomBytes(16);
			this.say(frame(TYPE.welcome, 0, epoch, number(1), number(0), 0, number(1), epoch, number(0)));
		} else if (type === TYPE.join) {
			// Its number is that of the join.
			this.rooms = (this.rooms ?? 0) + 1;
			this.say(frame(TYPE.room, number(this.rooms), body));
		} else if (type === TYPE.sync) {
			this.say(frame(TYPE.synced, body));
			this.hub.conversations.push(this);
		}
	}

	/** Sends bytes of the relay. */
	say(data) {
		const head = data.length < 126 ? Buffer.from([0x82, data.length]) : Buffer.from([0x82, 126, data.length >> 8, data.length & 255]);
		this.socket.write(Buffer.concat([head, data]));
	}
}

export class StrangerHub {
	/** `conversations`: with an edge that is in all its rooms, each once. */
	static async open(cleanup, key) {
		const hub = Object.assign(new StrangerHub(), { key, conversations: new Inbox('edges') });
		const sockets = new Set();
		const server = net.createServer((socket) => {
			sockets.add(socket);
			socket.on('close', () => sockets.delete(socket));
			new Conversation(hub, socket);
		});
		await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
		hub.port = server.address().port;
		return cleanup.add(hub, () => {
			for (const socket of sockets) socket.destroy();
			return new Promise((resolve) => server.close(resolve));
		});
	}
}
