// SPDX-License-Identifier: MIT
//
// One conversation of raw requests with one server, written down: a list of entries, in which ids are replaced by names and
// what differs from run to run is left out. Two servers that behave alike give the same list.

import { Exchange, Wire, requestBytes } from '../../tests/e2e/lib/http.mjs';
import { eventually } from '../../tests/e2e/lib/wait.mjs';
import { OP, RawSocket, frame, upgradeRequest } from '../../tests/e2e/lib/ws.mjs';
import zlib from 'node:zlib';
import crypto from 'node:crypto';
import { body, packetsOf, payloadOf } from './payload.mjs';

// Of no weight: the clock, the name of the server, and how a body is framed (it is compared itself).
const IGNORED = new Set(['date', 'server', 'keep-alive', 'content-length', 'transfer-encoding', 'sec-websocket-accept']);
const ID = /^[A-Za-z0-9_-]{20}$/;
const MASKED_IDS = /"(sid|pid)":"[A-Za-z0-9_-]{20}"/g;
const ESCAPES = /\\u(00[89a-f][0-9a-f]|0[1-9a-f][0-9a-f]{2}|[1-9a-f][0-9a-f]{3})/g;

const isText = (bytes) => bytes.equals(Buffer.from(bytes.toString('utf8'))) && !/[\x00-\x08\x0b\x0c\x0e-\x1d]/.test(bytes);
const printable = (bytes) => (isText(bytes) ? bytes.toString('utf8') : `hex:${bytes.toString('hex')}`);

function unpack(answer) {
	switch (answer.header('content-encoding')) {
		case 'gzip':
			return zlib.gunzipSync(answer.body);
		case 'deflate':
			return zlib.inflateSync(answer.body);
		case 'br':
			return zlib.brotliDecompressSync(answer.body);
		default:
			return answer.body;
	}
}

// A file is compared by its digest: half a megabyte in a message helps nobody.
const digest = (bytes) => `${bytes.length} bytes, sha1 ${crypto.createHash('sha1').update(bytes).digest('hex')}`;

export class Conversation {
	/** `server`: {port, path, profile}; `eio`: the revision to speak. */
	constructor(cleanup, server, eio) {
		this.cleanup = cleanup;
		this.profile = server.profile;
		this.port = server.port;
		this.path = server.path;
		this.eio = eio;
		this.entries = [];
		this.sids = [];
		this.side = null;
	}

	// --- writing down --------------------------------------------------------------------------------------------------

	/** Replaces the ids of sessions seen so far, and of sockets, by names. */
	mask(text) {
		let masked = text;
		this.sids.forEach((sid, i) => {
			masked = masked.replaceAll(sid, `<sid${i || ''}>`);
		});
		return masked.replace(MASKED_IDS, '"$1":"<id>"');
	}

	/** The same for an open packet, whose id is not known yet. */
	maskNew(text) {
		this.#learn([text]);
		return this.packet(text);
	}

	/** A packet's text. In revision 3 siocast escapes what is not ASCII; the text is the same. */
	packet(text) {
		const masked = this.mask(text);
		return this.eio === 3 ? masked.replace(ESCAPES, (all, hex) => String.fromCharCode(parseInt(hex, 16))) : masked;
	}

	note(entry) {
		this.entries.push(entry);
		return entry;
	}

	#headers(answer) {
		const found = {};
		for (const line of answer.lines) {
			const colon = line.indexOf(':');
			const name = line.slice(0, colon).toLowerCase();
			if (IGNORED.has(name)) continue;
			const value = this.mask(line.slice(colon + 1).trim());
			found[name] = found[name] === undefined ? value : `${found[name]}, ${value}`;
		}
		// HTTP/1.1 keeps connections alive unless something is said.
		if (found.connection?.toLowerCase() === 'keep-alive') delete found.connection;
		// Tokens, in which case does not matter.
		for (const name of ['connection', 'upgrade']) if (found[name]) found[name] = found[name].toLowerCase();
		return found;
	}

	#answer(step, answer, options) {
		const bytes = unpack(answer);
		// The sid is known before it is written down, also in a cookie.
		const payload = options.packets && answer.status === 200 ? this.#payload(answer, bytes) : null;
		const entry = { step, status: answer.status, headers: this.#headers(answer) };
		if (payload) entry.payload = { ...payload, packets: payload.packets.map((packet) => this.packet(packet)) };
		else entry.body = bytes.length > 4000 ? digest(bytes) : this.mask(printable(bytes));
		return this.note(entry);
	}

	#payload(answer, bytes) {
		const unpacked = { header: (name) => answer.header(name), body: bytes, text: bytes.toString('utf8') };
		const payload = payloadOf(this.eio, unpacked);
		this.#learn(payload.packets);
		return payload;
	}

	// The sid of an open packet.
	#learn(packets) {
		if (packets[0]?.[0] !== '0') return;
		const { sid } = JSON.parse(packets[0].slice(1));
		if (!ID.test(sid)) this.note({ step: 'session', sid });
		this.sids.push(sid);
		this.sid = sid;
	}

	// --- requests ------------------------------------------------------------------------------------------------------

	/** `?…` below the path of the server, or a whole target; <sid> is replaced. */
	target(query) {
		const whole = query[0] === '/' ? query : this.path + query;
		return whole.replaceAll('<sid>', this.sid ?? '');
	}

	start(method, query, headers = {}, data) {
		return Exchange.start(this.port, method, this.target(query), headers, data);
	}

	/** One request on a connection of its own, its answer written down. `options.packets`: its body is a payload. */
	async ask(method, query, headers, data, options = {}) {
		const exchange = await this.start(method, query, headers, data);
		return this.#answer(`${method} ${query}`, await exchange.answer, options);
	}

	get(query, headers, options) {
		return this.ask('GET', query, headers, undefined, options);
	}

	/** The answer of a request that is under way. */
	async answered(step, exchange, options = {}) {
		return this.#answer(step, await exchange.answer, options);
	}

	/** Bytes as they are, on one connection: what comes back (answers to `methods`, one after the other), and the end. */
	async raw(step, bytes, methods = ['GET']) {
		const wire = await Wire.open(this.port);
		this.cleanup.add(wire, () => wire.close());
		await wire.send(bytes);
		for (const method of methods) {
			try {
				const answer = await wire.response(method);
				this.#answer(step, answer, {});
				if (/close/i.test(answer.header('connection') ?? '')) {
					await wire.closed();
					return;
				}
			} catch (error) {
				if (!wire.ended) throw error;
				this.note({ step, ended: 'without an answer' });
				return;
			}
		}
		wire.close();
	}

	/** A request written by hand: head lines, without the empty line at the end. */
	rawHead(step, lines, data = '', methods) {
		const text = ([...lines, '', ''].join('\r\n') + data).replaceAll('<path>', this.path);
		return this.raw(step, Buffer.from(text, 'latin1'), methods);
	}

	/** Round trips, until a server with one thread has dealt with all that was sent before: it accepts, reads, answers, writes. */
	async settle() {
		const bytes = requestBytes('GET', this.target(`?EIO=${this.eio}&transport=polling&sid=settle`));
		for (let i = 0; i < 4; i++) await this.#roundTrip(bytes);
	}

	// On a connection that is kept for it: most of what the test would do otherwise is to open and close connections.
	async #roundTrip(bytes) {
		const kept = this.side !== null && !this.side.ended;
		if (!kept) {
			const wire = await Wire.open(this.port);
			this.side = this.cleanup.add(wire, () => wire.close());
		}
		try {
			await this.side.send(bytes);
			await this.side.response('GET');
		} catch (error) {
			// A server ends a connection that was idle for some seconds.
			if (!kept || !this.side.ended) throw error;
			await this.#roundTrip(bytes);
		}
	}

	// --- a polling session ---------------------------------------------------------------------------------------------

	get polling() {
		return `?EIO=${this.eio}&transport=polling&sid=<sid>${this.extra ?? ''}`;
	}

	/** A handshake; `extra` goes into the query of this and of all that follows. Nothing is written down. */
	async open(extra = '') {
		this.extra = extra;
		const answer = await (await this.start('GET', `?EIO=${this.eio}&transport=polling${extra}`)).answer;
		if (answer.status !== 200) throw new Error(`handshake: ${answer.status} ${answer.text}`);
		const packets = packetsOf(this.eio, answer);
		this.#learn(packets);
		return packets;
	}

	/** Sends packets as a client of this session does: over JSONP as a form. The answer; nothing is written down. */
	async deliver(...packets) {
		const data = body(this.eio, ...packets);
		const jsonp = /&j=/.test(this.extra);
		const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
		const sent = jsonp ? ['POST', this.polling, form, `d=${encodeURIComponent(data)}`] : ['POST', this.polling, {}, data];
		return (await this.start(...sent)).answer;
	}

	/** A session that is connected to the namespace "/", and nothing waits for it. Nothing is written down. */
	async join(extra = '') {
		const packets = await this.open(extra);
		if (this.eio === 4) await this.deliver('40');
		while (!packets.some((packet) => packet.startsWith('40'))) {
			packets.push(...packetsOf(this.eio, await (await this.start('GET', this.polling)).answer));
		}
	}

	poll(headers) {
		return this.get(this.polling, headers, { packets: true });
	}

	startPoll(headers) {
		return this.start('GET', this.polling, headers);
	}

	post(data, headers = { 'Content-Type': 'text/plain;charset=UTF-8' }) {
		return this.ask('POST', this.polling, headers, data);
	}

	/**
	 * What is done while a poll is held: everything it and the polls after it bring, and whether the session lives. How packets
	 * are spread over answers is not compared.
	 */
	async whilePolling(act, options = {}) {
		const poll = await this.startPoll(options.headers);
		await this.settle();
		if (poll.done) this.note({ step: 'the poll', held: false });
		await act();
		await this.settle();
		const held = !poll.done;
		if (held && !(await this.#wakePoll(poll))) return;
		const entry = await this.answered('the poll', poll, { packets: true });
		entry.held = held;
		let next = await this.startPoll();
		while ((await this.#answeredAtOnce(next)) && (await next.answer).status === 200) {
			this.#join(entry, await next.answer);
			next = await this.startPoll();
		}
		await this.alive();
		next.cancel();
	}

	// A request on a new connection may have its turn later than round trips on an old one, but not later than on a newer one.
	async #answeredAtOnce(poll) {
		await this.settle();
		if (poll.done) return true;
		this.side.close();
		this.side = null;
		await this.settle();
		return poll.done;
	}

	#join(entry, answer) {
		const { packets, canonical } = payloadOf(this.eio, answer);
		entry.payload.packets.push(...packets.map((packet) => this.packet(packet)));
		entry.payload.canonical &&= canonical;
	}

	// Makes something to poll for. Returns whether that was delivered.
	async #wakePoll(poll) {
		const { status } = await this.deliver('42["echo","wake"]');
		await this.settle();
		if (poll.done) return true;
		this.note({ step: 'the poll', held: true, unanswered: true, wakeUp: status });
		poll.cancel();
		return false;
	}

	/** Whether the session is still there: a noop is accepted or refused. */
	async alive() {
		const answer = await this.deliver('6');
		return this.note({ step: 'the session', status: answer.status, body: answer.text });
	}

	/** Waits until the session is gone, as it must sooner or later. */
	async gone() {
		await eventually(async () => {
			const { text } = await this.deliver('6');
			return text === '{"code":1,"message":"Session ID unknown"}';
		}, `the end of session ${this.sid}`);
		this.note({ step: 'the session', gone: true });
	}

	// --- WebSockets ----------------------------------------------------------------------------------------------------

	/** An upgrade request and its answer; the socket when it was accepted. */
	async webSocket(query, headers, quiet = false) {
		const wire = await Wire.open(this.port);
		this.cleanup.add(wire, () => wire.close());
		const { bytes } = upgradeRequest(this.target(query), headers);
		await wire.send(bytes);
		const step = `upgrade ${query}`;
		let answer;
		try {
			answer = await wire.response('GET');
		} catch (error) {
			if (!wire.ended) throw error;
			this.note({ step, ended: 'without an answer' });
			return null;
		}
		if (!quiet) this.#answer(step, answer, {});
		if (answer.status === 101) return new RawSocket(wire, answer, query);
		if (/close/i.test(answer.header('connection') ?? '')) await wire.closed();
		return null;
	}

	/** A direct WebSocket, joined to "/". Nothing is written down. */
	async direct(extra = '') {
		const socket = await this.webSocket(`?EIO=${this.eio}&transport=websocket${extra}`, {}, true);
		if (socket === null) throw new Error('no WebSocket');
		this.#learn([await socket.nextText('the open packet')]);
		if (this.eio === 4) await socket.text('40');
		const joined = await socket.nextText('CONNECT');
		if (!joined.startsWith('40')) throw new Error(`CONNECT answered by ${joined}`);
		return socket;
	}

	#message(message) {
		if (message.text !== undefined) return this.packet(message.text);
		if (message.binary !== undefined) return `<${message.binary.toString('hex')}>`;
		if (message.close) return `close frame ${message.code ?? 'without status'}`;
		return message.end ? 'end' : JSON.stringify(message);
	}

	/** Everything the server sends up to the answer to an echo, or up to the end. */
	async untilEcho(step, socket) {
		// What the official server does later than at once is done after round trips.
		await this.settle();
		// Who has been thrown out cannot speak any more.
		await socket.text('42["echo","done"]').catch(() => {});
		return this.#until(step, socket, (item) => item.text === '42["echo","done"]');
	}

	/** Everything up to an answered ping of the WebSocket protocol, for sockets that speak no Socket.IO (yet). */
	async untilPong(step, socket) {
		await this.settle();
		await socket.raw(frame(OP.ping, 'done')).catch(() => {});
		return this.#until(step, socket, (item) => item.pong === 'done');
	}

	untilEnd(step, socket) {
		return this.#until(step, socket, () => false);
	}

	// What is no frame: Node refuses some WebSockets in the words of HTTP, behind the 101.
	#unreadable(socket, error) {
		if (error !== socket.inbox.failure) throw error;
		socket.close();
		return { unreadable: error.message, end: true };
	}

	async #until(step, socket, isLast) {
		const received = [];
		for (;;) {
			const item = await socket.next(`the end of "${step}"`).catch((error) => this.#unreadable(socket, error));
			if (isLast(item)) break;
			// A close frame is the news; whether the connection then ends with or before its answer is the kernel's.
			if (item.unreadable) received.push(`unreadable: ${item.unreadable}`);
			else if (!item.end) received.push(this.#message(item));
			else if (!received.some((text) => text.startsWith('close frame'))) received.push('end');
			if (item.end || item.close) break;
		}
		return this.note({ step, received });
	}
}
