// SPDX-License-Identifier: MIT
//
// A client that sends many requests and reads late: answers that the kernel did not take at once arrive whole and in order.

import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { SIOCAST_ONLY, startEcho } from './lib/daemon.mjs';
import { eventually, limit, once, within } from './lib/wait.mjs';

const REQUESTS = 40_000;

test('answers that had to wait are whole', { ...limit(60), skip: SIOCAST_ONLY }, () =>
	withCleanup(async (cleanup) => {
		const server = await startEcho(cleanup);
		const socket = net.connect(server.port, '127.0.0.1');
		cleanup.add(socket, () => socket.destroy());
		await once(socket, 'connect');
		socket.pause();
		const all = Buffer.from('GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(REQUESTS));
		// Both directions fill up before the first answer is read.
		socket.write(all);
		const broken = [];
		let answers = 0;
		let rest = '';
		const END = '\r\n\r\nNot Found\n';
		const done = new Promise((resolve) => {
			socket.on('data', (chunk) => {
				rest += chunk.toString('latin1');
				const parts = rest.split(END);
				rest = parts.pop();
				for (const head of parts) if (!head.startsWith('HTTP/1.1 404 Not Found\r\n')) broken.push(head.slice(0, 40));
				answers += parts.length;
				if (answers === REQUESTS) resolve();
			});
		});
		let sent = -1;
		const stuck = () => sent === (sent = socket.bytesWritten - socket.writableLength);
		await eventually(stuck, 'both directions to be full');
		socket.resume();
		await within(done, `${REQUESTS} answers`);
		assert.deepEqual(broken, []);
		assert.equal(answers, REQUESTS);
	}),
);
