// SPDX-License-Identifier: MIT
//
// A TCP relay in front of a server that can fall silent: connections stay, but nothing passes any more, as when a cable is cut.

import net from 'node:net';
import { freePort } from './tools.mjs';

export class Gate {
	static async open(cleanup, targetPort) {
		const gate = new Gate(await freePort(), targetPort);
		await new Promise((resolve, reject) => {
			gate.server.once('error', reject);
			gate.server.listen(gate.port, '127.0.0.1', resolve);
		});
		return cleanup.add(gate, () => gate.close());
	}

	constructor(port, targetPort) {
		this.port = port;
		this.url = `http://127.0.0.1:${port}`;
		this.sockets = new Set();
		this.silent = false;
		this.server = net.createServer((near) => this.#relay(near, net.connect(targetPort, '127.0.0.1')));
	}

	#relay(near, far) {
		for (const [from, to] of [[near, far], [far, near]]) {
			this.sockets.add(from);
			from.setNoDelay(true);
			from.on('data', (chunk) => this.silent || to.write(chunk));
			from.on('error', () => {});
			from.on('close', () => {
				this.sockets.delete(from);
				if (!this.silent) to.destroy();
			});
		}
	}

	/** From now on nothing passes, in either direction. */
	fallSilent() {
		this.silent = true;
	}

	close() {
		for (const socket of this.sockets) socket.destroy();
		return new Promise((resolve) => this.server.close(resolve));
	}
}
