// SPDX-License-Identifier: MIT
//
// Runs inside the vm context of a page before the client file: the page's own XMLHttpRequest, WebSocket and DOM, on top of
// compat.host (stand-in.mjs). Only what official clients use, but that as a browser does it. Gives the function that makes the
// page's ArrayBuffers.

/* global compat, location */
(function (global) {
	'use strict';

	const { host, xhr1 } = compat;
	delete global.compat;

	global.window = global;
	global.self = global;
	global.navigator = { userAgent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36' };
	global.console = { log: host.log, warn: host.log, error: host.log };
	global.addEventListener = function () {};
	global.removeEventListener = function () {};
	for (const name of ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval']) global[name] = host[name];

	const ownBytes = (bytes) => new Uint8Array(bytes).buffer;
	const absolute = (url) => (/^[a-z]+:/.test(url) ? url : location.origin + url);

	// Strings travel as UTF-8; everything binary as a copy of its bytes.
	function bodyOf(data) {
		if (data === undefined || data === null) return null;
		if (data instanceof ArrayBuffer) return new Uint8Array(data.slice(0));
		if (data instanceof Blob) return data.bytes;
		if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
		return host.encode(String(data));
	}

	class Blob {
		constructor(parts = [], options = {}) {
			const all = parts.map(bodyOf);
			this.size = all.reduce((n, bytes) => n + bytes.length, 0);
			this.type = options.type ?? '';
			this.bytes = new Uint8Array(this.size);
			let at = 0;
			for (const bytes of all) {
				this.bytes.set(bytes, at);
				at += bytes.length;
			}
		}

		get [Symbol.toStringTag]() {
			return 'Blob';
		}
	}

	class FileReader {
		readAsArrayBuffer(blob) {
			this.finish(() => ownBytes(blob.bytes));
		}

		readAsDataURL(blob) {
			this.finish(() => `data:${blob.type || 'application/octet-stream'};base64,${host.base64(blob.bytes)}`);
		}

		finish(make) {
			host.setTimeout(() => {
				this.result = make();
				if (this.onload) this.onload({ target: this });
			}, 0);
		}
	}

	class XMLHttpRequest {
		constructor() {
			this.readyState = 0;
			this.status = 0;
			this.withCredentials = false;
			this.timeout = 0;
			this.sent = {};
			this.received = {};
			this.body = new ArrayBuffer(0);
			this.stop = null;
			if (!xhr1) this.responseType = '';
		}

		open(method, url, async) {
			if (async === false) throw new Error('synchronous requests are not for pages');
			this.method = method;
			this.url = absolute(url);
			this.change(1);
		}

		setRequestHeader(name, value) {
			this.sent[name] = String(value);
		}

		getResponseHeader(name) {
			const value = this.received[name.toLowerCase()];
			return value === undefined ? null : String(value);
		}

		getAllResponseHeaders() {
			return Object.entries(this.received).map(([name, value]) => `${name}: ${value}\r\n`).join('');
		}

		// As in a browser, text and bytes exclude each other.
		get responseText() {
			if (this.responseType) throw new Error('InvalidStateError: responseText of an ArrayBuffer response');
			return host.decode(new Uint8Array(this.body));
		}

		get response() {
			if (xhr1) return undefined;
			return this.responseType === 'arraybuffer' ? this.body : this.responseText;
		}

		send(data) {
			const body = bodyOf(data);
			const headers = { ...this.sent, 'User-Agent': global.navigator.userAgent };
			if (this.method !== 'GET') headers.Origin = location.origin;
			if (body !== null && !Object.keys(headers).some((name) => /^content-type$/i.test(name)) && typeof data === 'string') {
				headers['Content-Type'] = 'text/plain;charset=UTF-8';
			}
			if (body !== null) headers['Content-Length'] = body.length;
			this.stop = host.request(this.method, this.url, headers, body, {
				head: (status, received) => {
					this.status = status;
					this.received = received;
					this.change(2);
				},
				end: (bytes) => {
					this.body = ownBytes(bytes);
					this.change(3);
					this.change(4);
					if (this.onload) this.onload();
				},
				fail: () => {
					this.status = 0;
					this.change(4);
					if (this.onerror) this.onerror();
				},
			});
		}

		abort() {
			if (this.stop) this.stop();
			this.stop = null;
			this.readyState = 0;
		}

		change(state) {
			this.readyState = state;
			if (this.onreadystatechange) this.onreadystatechange();
		}
	}

	class WebSocket {
		constructor(url, protocols) {
			const list = protocols === undefined ? [] : [].concat(protocols);
			this.url = url;
			this.readyState = 0;
			this.bufferedAmount = 0;
			this.binaryType = 'blob';
			this.socket = host.webSocket(absolute(url), list, location.origin, {
				open: () => {
					this.readyState = 1;
					if (this.onopen) this.onopen({ type: 'open' });
				},
				message: (data, isBinary) => {
					if (isBinary && this.binaryType !== 'arraybuffer') throw new Error('a Blob was asked for');
					if (this.onmessage) this.onmessage({ type: 'message', data: isBinary ? ownBytes(data) : data });
				},
				error: () => {
					if (this.onerror) this.onerror({ type: 'error' });
				},
				close: (code, reason) => {
					this.readyState = 3;
					if (this.onclose) this.onclose({ type: 'close', code, reason });
				},
			});
		}

		send(data) {
			this.socket.send(typeof data === 'string' ? data : bodyOf(data));
		}

		close() {
			if (this.readyState < 2) this.readyState = 2;
			this.socket.close();
		}
	}
	Object.assign(WebSocket, { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 });

	class Element {
		constructor(tagName) {
			this.tagName = tagName;
			this.style = {};
			this.children = [];
			this.parentNode = null;
		}

		setAttribute(name, value) {
			this[name] = value;
		}

		appendChild(child) {
			return this.insertBefore(child, null);
		}

		insertBefore(child, before) {
			const at = before === null ? this.children.length : this.children.indexOf(before);
			this.children.splice(at, 0, child);
			child.parentNode = this;
			child.inserted();
			return child;
		}

		removeChild(child) {
			const at = this.children.indexOf(child);
			if (at < 0) throw new Error('NotFoundError');
			this.children.splice(at, 1);
			child.parentNode = null;
			return child;
		}

		inserted() {}
	}

	class Script extends Element {
		inserted() {
			if (!this.src) return;
			let good = false;
			host.request('GET', absolute(this.src), {}, null, {
				head: (status, headers) => {
					// With nosniff a browser runs no script of another type.
					const type = String(headers['content-type']);
					const strict = headers['x-content-type-options'] === 'nosniff';
					good = status === 200 && (!strict || /javascript/.test(type));
				},
				end: (bytes) => {
					if (!good) this.onerror && this.onerror(new Error('script'));
					else host.run(host.decode(bytes));
				},
				fail: () => this.onerror && this.onerror(new Error('script')),
			});
		}
	}

	class Form extends Element {
		submit() {
			const field = this.children.find((child) => child.tagName === 'textarea');
			// Browsers write line ends of a form as CR LF.
			const value = field.value.replace(/\r\n|\r|\n/g, '\r\n');
			const encoded = encodeURIComponent(value).replace(/%20/g, '+').replace(/[!'()~]/g, (c) => `%${c.charCodeAt(0).toString(16)}`);
			const body = host.encode(`${field.name}=${encoded}`);
			const headers = {
				'Content-Type': 'application/x-www-form-urlencoded',
				'Content-Length': body.length,
				Origin: location.origin,
			};
			const target = () => this.children.find((child) => child.tagName === 'iframe' && child.name === this.target);
			const loaded = () => {
				// What has been taken out of the page loads nothing any more.
				const frame = this.parentNode && target();
				if (frame && frame.onload) frame.onload();
			};
			// An error page is loaded like any other.
			host.request('POST', absolute(this.action), headers, body, { head() {}, end: loaded, fail: loaded });
		}
	}

	function createElement(name) {
		if (!/^[a-z]+$/.test(name)) throw new Error('InvalidCharacterError');
		if (name === 'script') return new Script(name);
		return name === 'form' ? new Form(name) : new Element(name);
	}

	const head = new Element('head');
	const first = head.appendChild(new Script('script'));
	global.document = {
		createElement,
		head,
		body: new Element('body'),
		getElementsByTagName: (name) => (name === 'script' ? [first] : []),
	};
	global.btoa = host.btoa;
	global.atob = host.atob;
	global.Blob = Blob;
	global.FileReader = FileReader;
	global.XMLHttpRequest = XMLHttpRequest;
	global.WebSocket = WebSocket;
	return ownBytes;
})(this);
