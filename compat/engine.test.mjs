// SPDX-License-Identifier: MIT
//
// Engine.IO alone: the engine.io-client that each socket.io-client brings along, in Node, against examples/eio-echo. There is no
// JSON in which text could be escaped, so it must arrive as each generation encodes it.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';
import { Cleanup } from '../tests/e2e/lib/cleanup.mjs';
import { startEcho } from '../tests/e2e/lib/daemon.mjs';
import { limit } from '../tests/e2e/lib/wait.mjs';

// Of the package that is at the top of node_modules client 1.0.6 makes use.
const CLIENTS = ['1.0.6', '1.1.0', '1.3.7', '1.4.8', '1.5.1', '1.7.4', '2.0.4', '2.5.0', '3.1.3', '4.8.4'];
const WAYS = [['polling'], ['websocket'], ['polling', 'websocket']];
const TEXTS = ['ASCII', 'é', 'cash money €€€', '漢😀', '\uD800\uDC00-\uDB7F\uDFFF\uDB80\uDC00-\uDBFF\uDFFF\uE000-\uF8FF', 'пойду спать'];
const BINARY = [0, 255, 4, 128];

const require = createRequire(import.meta.url);
const engineOf = (version) => createRequire(require.resolve(`client-${version}`))('engine.io-client');

/** Sends everything, in one turn, when the event comes, and gives what comes back, up to the last of it. */
function echoes(engine, url, transports, messages, event) {
	return new Promise((resolve, reject) => {
		const socket = new engine.Socket(url, { transports });
		const received = [];
		socket.on('error', reject);
		socket.once(event, () => {
			for (const message of messages) socket.send(message);
		});
		socket.on('message', (message) => {
			received.push(typeof message === 'string' ? message : [...new Uint8Array(message)]);
			if (received.length < messages.length) return;
			socket.off('error');
			socket.close();
			resolve(received);
		});
	});
}

describe('engine.io-client', () => {
	const cleanup = new Cleanup();
	let server;
	before(async () => {
		server = await startEcho(cleanup, { allowEIO3: true });
	});
	after(() => cleanup.run());

	for (const version of CLIENTS) {
		for (const transports of WAYS) {
			test(`of client ${version}, ${transports.join(' and ')}`, limit(), async () => {
				// 1.0 and 1.1 send a whole pool of buffers for a small one; their pages are tested elsewhere.
				const binary = /^1\.[01]\./.test(version) ? [] : [Buffer.from(BINARY)];
				const sent = [...TEXTS, ...binary, 'last ü'];
				// An upgraded 1.0 differs from 1.1 by nothing but what it sends there: an answer to what it sent before cannot be right.
				const event = version.startsWith('1.0.') && transports.length > 1 ? 'upgrade' : 'open';
				const received = await echoes(engineOf(version), `ws://127.0.0.1:${server.port}`, transports, sent, event);
				assert.deepEqual(received, sent.map((item) => (typeof item === 'string' ? item : BINARY)));
			});
		}
	}
});
