// SPDX-License-Identifier: MIT
//
// As much of a browser as the official client files need, for Node: each page is a vm context with XMLHttpRequest (with and
// without ArrayBuffer), WebSocket, and the part of the DOM that JSONP uses. What runs here took the same way through the client
// as in a browser; compat/browser/ proves the rest in a real one.
//
// The classes are made inside the context (page.js below), because clients ask for `instanceof ArrayBuffer` and the like.

import fs from 'node:fs';
import http from 'node:http';
import vm from 'node:vm';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';

const PAGE = new vm.Script(fs.readFileSync(fileURLToPath(new URL('page.js', import.meta.url)), 'utf8'), { filename: 'page.js' });
const scripts = new Map();

// What every browser says with an XMLHttpRequest, unless the page says otherwise.
const BROWSER = { Accept: '*/*', 'User-Agent': 'Mozilla/5.0 (compatible; stand-in)' };

function scriptOf(file) {
	if (!scripts.has(file)) scripts.set(file, new vm.Script(fs.readFileSync(file, 'utf8'), { filename: file }));
	return scripts.get(file);
}

/** What the page's classes are made of. Bytes cross as Uint8Array; the page copies them into arrays of its own. */
function hostOf(context, agent) {
	return {
		request(method, url, headers, body, events) {
			const { hostname, port, pathname, search } = new URL(url);
			const request = http.request({ method, hostname, port, path: pathname + search, headers: { ...BROWSER, ...headers }, agent }, (response) => {
				const parts = [];
				events.head(response.statusCode, response.headers);
				response.on('data', (part) => parts.push(part));
				response.on('end', () => events.end(Buffer.concat(parts)));
				response.on('error', () => events.fail());
			});
			let over = false;
			request.on('error', () => {
				if (!over) events.fail();
			});
			request.end(body === null ? undefined : Buffer.from(body));
			return () => {
				over = true;
				request.destroy();
			};
		},
		webSocket(url, protocols, origin, events) {
			const socket = new WebSocket(url, protocols, { origin });
			socket.binaryType = 'nodebuffer';
			socket.on('open', () => events.open());
			socket.on('message', (data, isBinary) => events.message(isBinary ? data : data.toString(), isBinary));
			socket.on('error', () => events.error());
			socket.on('close', (code, reason) => events.close(code, reason.toString()));
			return {
				send: (data) => socket.send(typeof data === 'string' ? data : Buffer.from(data)),
				close: () => socket.close(),
			};
		},
		decode: (bytes) => new TextDecoder().decode(bytes),
		encode: (text) => new TextEncoder().encode(text),
		run(source) {
			try {
				vm.runInContext(source, context, { filename: 'jsonp.js' });
			} catch (error) {
				// A page lives on after a bad script; the browser's console has the error.
				console.error(`jsonp: ${error.message}`);
			}
		},
		base64: (bytes) => Buffer.from(bytes).toString('base64'),
		btoa: (text) => btoa(text),
		atob: (text) => atob(text),
		log: (...words) => console.error(...words),
		setTimeout,
		clearTimeout,
		setInterval,
		clearInterval,
	};
}

/**
 * Loads a client file into a page of its own at `url`. `xhr1`: its XMLHttpRequest knows no ArrayBuffer. Gives {io, binary, leave}:
 * the client, what makes an ArrayBuffer of the page from bytes, and what ends all requests, as when the page is left.
 */
export function loadPage(file, url, { xhr1 = false } = {}) {
	const page = vm.createContext({});
	const { protocol, hostname, port, host, origin } = new URL(url);
	page.location = { protocol, hostname, port, host, origin, href: url, pathname: '/' };
	// As browsers do: connections are kept, six to a host.
	const agent = new http.Agent({ keepAlive: true, maxSockets: 6 });
	page.compat = { host: hostOf(page, agent), xhr1 };
	const binary = PAGE.runInContext(page);
	scriptOf(file).runInContext(page);
	return { io: page.io, binary, leave: () => agent.destroy() };
}
