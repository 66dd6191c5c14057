// SPDX-License-Identifier: MIT
//
// An Engine.IO revision 3 session over polling, as clients 1.x and 2.x see it, by raw requests.

import { request } from './http.mjs';

export const TEXT = { 'Content-Type': 'text/plain;charset=UTF-8' };
export const BINARY = { 'Content-Type': 'application/octet-stream' };
export const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' };

/** The packets of a payload in string form, <length>:<packet>: texts. */
export function decodeText(text) {
	const packets = [];
	for (let at = 0; at < text.length;) {
		const colon = text.indexOf(':', at);
		const end = colon + 1 + Number(text.slice(at, colon));
		if (colon < 0 || !(end > colon) || end > text.length) throw new Error(`not a payload: ${JSON.stringify(text)}`);
		packets.push(text.slice(colon + 1, end));
		at = end;
	}
	return packets;
}

/** The packets of a payload in binary form: texts, or Buffers with their type byte first. */
export function decodeBinary(bytes) {
	const packets = [];
	for (let at = 0; at < bytes.length;) {
		const mark = bytes.indexOf(0xff, at);
		const digits = [...bytes.subarray(at + 1, mark)];
		const end = mark + 1 + Number(digits.join(''));
		const good = bytes[at] <= 1 && mark > at + 1 && digits.every((digit) => digit <= 9) && end <= bytes.length;
		if (!good) throw new Error(`not a binary payload: ${bytes.toString('hex')}`);
		const packet = bytes.subarray(mark + 1, end);
		packets.push(bytes[at] === 0 ? packet.toString('utf8') : packet);
		at = end;
	}
	return packets;
}

/** A payload in binary form of texts and Buffers. */
export function encodeBinary(packets) {
	return Buffer.concat(packets.flatMap((packet) => {
		const bytes = Buffer.from(packet);
		const digits = [...String(bytes.length)].map(Number);
		return [Buffer.from([typeof packet === 'string' ? 0 : 1, ...digits, 0xff]), bytes];
	}));
}

/** A payload in string form. */
export function encodeText(packets) {
	return packets.map((packet) => `${packet.length}:${packet}`).join('');
}

/** What a script of JSONP polling gives its callback, with the callback's number. */
export function runScript(text) {
	const [, index, literal] = /^___eio\[(\d+)\]\((".*")\);$/.exec(text) ?? [];
	if (literal === undefined) throw new Error(`not a JSONP answer: ${text}`);
	return { index: Number(index), payload: JSON.parse(literal) };
}

/** What a JSONP client sends for a payload: its newlines escaped in two ways, then a form. */
export function formBody(payload) {
	const escaped = payload.replace(/\\n/g, '\\\\n').replace(/\n/g, '\\n');
	return `d=${encodeURIComponent(escaped)}`;
}

/** A session. `query`: what else the URLs carry, such as '&b64=1&j=0'; `eio`: 3, or 2 as the oldest clients say. */
export class Session3 {
	static async open(server, { query = '', eio = 3, headers } = {}) {
		const base = `${server.path}?EIO=${eio}&transport=polling${query}`;
		const answer = await request(server.port, 'GET', base, headers);
		if (answer.status !== 200) throw new Error(`handshake: ${answer.status} ${answer.text}`);
		const session = new Session3(server, base, answer);
		const [first, ...rest] = session.decode(answer);
		if (first[0] !== '0') throw new Error(`handshake: ${first}`);
		session.open = JSON.parse(first.slice(1));
		session.sid = session.open.sid;
		session.unread = rest;
		return session;
	}

	constructor(server, base, answer) {
		this.port = server.port;
		this.base = base;
		this.answer = answer;
	}

	get target() {
		return `${this.base}&sid=${this.sid}`;
	}

	/** The packets of an answer, whichever form it has. */
	decode(answer) {
		const type = answer.header('content-type');
		if (type === 'application/octet-stream') return decodeBinary(answer.body);
		if (type.startsWith('text/javascript')) return decodeText(runScript(answer.text).payload);
		return decodeText(answer.text);
	}

	ask(method, headers, body) {
		return request(this.port, method, this.target, headers, body);
	}

	/** Polls until `count` packets have come, those of the handshake counted. */
	async packets(count = 1) {
		const all = this.unread;
		this.unread = [];
		while (all.length < count) {
			const answer = await this.ask('GET');
			if (answer.status !== 200) throw new Error(`poll: ${answer.status} ${answer.text}`);
			all.push(...this.decode(answer));
		}
		return all;
	}
}
