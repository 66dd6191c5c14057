// SPDX-License-Identifier: MIT
//
// A line that can be cut: TCP connections to a port, passed on byte by byte.

import net from 'node:net';

export class Cutter {
	/** Opens it in front of `target`, a port of this machine, whose answers come so many milliseconds later. */
	static async open(cleanup, target, lag = 0) {
		const cutter = new Cutter(target, lag);
		await new Promise((resolve) => cutter.server.listen(0, '127.0.0.1', resolve));
		cutter.port = cutter.server.address().port;
		cutter.url = `http://127.0.0.1:${cutter.port}`;
		return cleanup.add(cutter, () => cutter.close());
	}

	constructor(target, lag) {
		this.target = target;
		this.lag = lag;
		this.pairs = new Set();
		this.broken = false;
		this.server = net.createServer((near) => this.#accept(near));
	}

	#accept(near) {
		if (this.broken) {
			near.destroy();
			return;
		}
		const far = net.connect(this.target, '127.0.0.1');
		const pair = { near, far };
		const end = () => {
			this.pairs.delete(pair);
			near.destroy();
			far.destroy();
		};
		this.pairs.add(pair);
		for (const [from, to] of [[near, far], [far, near]]) {
			from.setNoDelay(true);
			from.on('error', end);
			from.on('close', end);
			if (this.lag && from === far) from.on('data', (bytes) => setTimeout(() => near.destroyed || near.write(bytes), this.lag));
			else from.pipe(to);
		}
	}

	/** Cuts all connections; nobody gets through until `mend`. */
	cut() {
		this.broken = true;
		for (const { near, far } of this.pairs) {
			near.destroy();
			far.destroy();
		}
	}

	/** What the target says waits until `release`. */
	hold() {
		for (const { near, far } of this.pairs) far.unpipe(near);
	}

	/** What clients say does not reach the target any more. */
	deafen() {
		for (const { near, far } of this.pairs) near.unpipe(far);
	}

	release() {
		for (const { near, far } of this.pairs) far.pipe(near);
	}

	/** Cuts the clients' side only: the server hears nothing of it, and nothing from them. */
	silence() {
		for (const { near, far } of this.pairs) {
			near.unpipe(far);
			far.unpipe(near);
			far.removeAllListeners('close');
			near.removeAllListeners('close');
			near.destroy();
		}
	}

	mend() {
		this.broken = false;
	}

	close() {
		this.cut();
		return new Promise((resolve) => this.server.close(resolve));
	}
}
