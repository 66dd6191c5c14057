// SPDX-License-Identifier: MIT
//
// A siocast that is started anew without a break, by SIGUSR2. The process changes, so it is found by what it says.

import fs from 'node:fs';
import net from 'node:net';
import { configure, launchSiocast } from './daemon.mjs';
import { request } from './http.mjs';
import { eventually, within } from './wait.mjs';

export class Renewed {
	/** `options`: those of launchSiocast; port, where the configuration says where it listens. */
	static async start(cleanup, config, { port, ...options } = {}) {
		const setup = await configure(cleanup, config);
		if (port) Object.assign(setup, { port, url: `http://127.0.0.1:${port}` });
		return Renewed.of(cleanup, setup, await launchSiocast(cleanup, setup, options));
	}

	/** One that runs already, as `child`. */
	static async of(cleanup, setup, child) {
		const server = Object.assign(new Renewed(), { ...setup, cleanup, child });
		await eventually(() => server.started.length === 1, 'it to say that it has started');
		// Before the child is looked at: it is whoever runs then that has to be told.
		cleanup.add(server, () => server.stop());
		return server;
	}

	/** The processes that have started, in their order. */
	get started() {
		return [...this.child.output.matchAll(/event=started workers=\d+ pid=(\d+)\n/g)].map(([, pid]) => Number(pid));
	}

	get pid() {
		return this.started.at(-1);
	}

	/** Ends the one that runs, as any test that ends does. */
	async stop() {
		if (this.child.exited) return;
		this.child.told = true;
		process.kill(this.pid, 'SIGTERM');
		await within(this.child.ended, 'the last process to end');
	}

	/** Writes another configuration in the place of its own. */
	rewrite(change) {
		this.config = { ...this.config, ...change };
		fs.writeFileSync(this.file, JSON.stringify(this.config));
	}

	ready() {
		return eventually(async () => (await request(this.admin, 'GET', '/readyz')).status === 200, 'siocast to be ready');
	}

	/** Has it started anew, and waits until the next process works. */
	async renew() {
		const before = this.started.length;
		process.kill(this.pid, 'SIGUSR2');
		await eventually(() => this.started.length > before, 'the next process to start');
	}
}

/** A handshake on a connection of its own, whose request leaves as soon as there is a connection: fails when it is not answered 200. */
export function handshake({ port, path }) {
	return new Promise((resolve, reject) => {
		const socket = net.connect(port, '127.0.0.1');
		let text = '';
		socket.setEncoding('latin1').on('data', (some) => {
			text += some;
		});
		socket.once('error', reject);
		socket.once('close', () => {
			if (text.startsWith('HTTP/1.1 200 ')) resolve();
			else reject(new Error(`answered by "${text.slice(0, 40)}"`));
		});
		socket.write(`GET ${path}?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
	});
}
