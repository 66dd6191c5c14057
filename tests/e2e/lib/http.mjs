// SPDX-License-Identifier: MIT
//
// HTTP on a bare TCP connection: what is written is what goes out, and what comes back is read to the byte (Node's own client
// hides repeated headers, early answers and how a connection ends).

import net from 'node:net';
import { LIMIT_MS, within } from './wait.mjs';

const CRLF = '\r\n';

/** One TCP connection: bytes out, bytes in, and how it ended. */
export class Wire {
	/** Opens a connection to a port (of `host`) or to the path of a Unix socket and waits until it stands. */
	static async open(where, host = '127.0.0.1') {
		const address = typeof where === 'string' ? { path: where } : { port: where, host };
		const wire = new Wire(net.connect(address));
		await within(wire.connected, `a connection to ${where}`);
		return wire;
	}

	constructor(socket) {
		this.socket = socket;
		this.data = Buffer.alloc(0);
		this.ended = false;
		this.error = null;
		this.wake = [];
		socket.setNoDelay(true);
		this.connected = new Promise((resolve, reject) => {
			socket.once('connect', resolve);
			socket.once('error', reject);
		});
		this.connected.catch(() => {});
		socket.on('data', (chunk) => {
			this.data = this.data.length === 0 ? chunk : Buffer.concat([this.data, chunk]);
			this.#notify();
		});
		socket.on('error', (error) => {
			this.error = error;
		});
		socket.on('end', () => this.#finish());
		socket.on('close', () => this.#finish());
	}

	#finish() {
		this.ended = true;
		this.#notify();
	}

	#notify() {
		const all = this.wake;
		this.wake = [];
		for (const wake of all) wake();
	}

	/** Settles when bytes or the end arrive. */
	changed() {
		return new Promise((resolve) => this.wake.push(resolve));
	}

	/** Writes bytes; settles when the kernel has them. */
	send(bytes) {
		return new Promise((resolve, reject) => {
			this.socket.write(bytes, (error) => (error ? reject(error) : resolve()));
		});
	}

	/** Takes bytes as soon as `find(data)` returns how many. */
	async take(find, what, ms = LIMIT_MS) {
		const search = async () => {
			for (;;) {
				const n = find(this.data, this.ended);
				if (n >= 0) {
					const taken = this.data.subarray(0, n);
					this.data = this.data.subarray(n);
					return taken;
				}
				if (this.ended) {
					const seen = this.data.toString('latin1').slice(0, 200);
					const why = this.error ? `: ${this.error.code}` : '';
					throw new Error(`connection ended${why} before ${what}; unread: ${JSON.stringify(seen)}`);
				}
				await this.changed();
			}
		};
		return within(search(), what, ms);
	}

	bytes(n, what = `${n} bytes`) {
		return this.take((data) => (data.length >= n ? n : -1), what);
	}

	/** Everything up to the end of the connection. */
	rest(what = 'the end of the connection') {
		return this.take((data, ended) => (ended ? data.length : -1), what);
	}

	async #upTo(mark, what) {
		const bytes = await this.take((data) => {
			const at = data.indexOf(mark);
			return at < 0 ? -1 : at + mark.length;
		}, what);
		return bytes.subarray(0, bytes.length - mark.length).toString('latin1');
	}

	async #chunks() {
		const parts = [];
		for (;;) {
			const size = parseInt(await this.#upTo(CRLF, 'the size of a chunk'), 16);
			if (size === 0) {
				while ((await this.#upTo(CRLF, 'a trailer')) !== '');
				return Buffer.concat(parts);
			}
			parts.push(await this.bytes(size, 'a chunk'));
			await this.bytes(2, 'the end of a chunk');
		}
	}

	/** Reads one answer. `method` is that of the request: an answer to HEAD has no body. */
	async response(method = 'GET') {
		const head = await this.#upTo(CRLF + CRLF, 'the head of an answer');
		const lines = head.split(CRLF);
		const [, version, status, reason] = /^HTTP\/(\d\.\d) (\d{3})(?: (.*))?$/.exec(lines[0]) ?? [];
		if (status === undefined) throw new Error(`not a status line: ${JSON.stringify(lines[0])}`);
		const answer = new Answer(head, version, Number(status), reason, lines.slice(1));
		answer.body = await this.#body(answer, method);
		return answer;
	}

	async #body(answer, method) {
		if (method === 'HEAD' || answer.status === 204 || answer.status === 304 || answer.status < 200) {
			return Buffer.alloc(0);
		}
		if (/chunked/i.test(answer.header('transfer-encoding') ?? '')) return this.#chunks();
		const length = answer.header('content-length');
		return length === undefined ? this.rest('the body') : this.bytes(Number(length), 'the body');
	}

	/** The other side has closed; leaves what was not read yet in `data`. */
	async closed(what = 'the server to close the connection') {
		const watch = async () => {
			while (!this.ended) await this.changed();
		};
		await within(watch(), what);
	}

	close() {
		this.socket.destroy();
	}
}

/** An HTTP answer. */
export class Answer {
	constructor(head, version, status, reason, lines) {
		this.head = head;
		this.version = version;
		this.status = status;
		this.reason = reason ?? '';
		this.lines = lines;
		this.body = Buffer.alloc(0);
	}

	/** The value of a header, repeated ones joined; undefined when absent. */
	header(name) {
		const all = this.headers(name);
		return all.length === 0 ? undefined : all.join(', ');
	}

	headers(name) {
		const start = `${name.toLowerCase()}:`;
		return this.lines.filter((line) => line.toLowerCase().startsWith(start)).map((line) => line.slice(start.length).trim());
	}

	get text() {
		return this.body.toString('utf8');
	}

	get json() {
		return JSON.parse(this.text);
	}
}

/** The bytes of a request. `headers`: object or list of pairs. A body gets its Content-Length unless one is given. */
export function requestBytes(method, target, headers = {}, body, version = '1.1') {
	const pairs = Array.isArray(headers) ? [...headers] : Object.entries(headers);
	const has = (name) => pairs.some(([n]) => n.toLowerCase() === name);
	if (!has('host')) pairs.unshift(['Host', '127.0.0.1']);
	if (body !== undefined && !has('content-length') && !has('transfer-encoding')) {
		pairs.push(['Content-Length', String(Buffer.byteLength(body))]);
	}
	const head = [`${method} ${target} HTTP/${version}`, ...pairs.map(([n, v]) => `${n}: ${v}`), '', ''].join(CRLF);
	return Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(body ?? '')]);
}

/** A chunked body of the given parts. */
export function chunked(parts) {
	const all = parts.map((part) => {
		const bytes = Buffer.from(part);
		return Buffer.concat([Buffer.from(bytes.length.toString(16) + CRLF), bytes, Buffer.from(CRLF)]);
	});
	return Buffer.concat([...all, Buffer.from(`0${CRLF}${CRLF}`)]);
}

/** A request on a connection of its own that is under way: `answer` is a promise, `cancel()` cuts the connection. */
export class Exchange {
	static async start(port, method, target, headers, body) {
		const wire = await Wire.open(port);
		await wire.send(requestBytes(method, target, headers, body));
		return new Exchange(wire, method);
	}

	constructor(wire, method) {
		this.wire = wire;
		this.done = false;
		this.answer = wire.response(method).finally(() => {
			this.done = true;
			wire.close();
		});
		this.answer.catch(() => {});
	}

	cancel() {
		this.wire.close();
	}
}

/** One request on a connection of its own. */
export async function request(port, method, target, headers, body) {
	const exchange = await Exchange.start(port, method, target, headers, body);
	return exchange.answer;
}
