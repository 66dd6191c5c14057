// SPDX-License-Identifier: MIT
//
// Free TCP ports. They are taken below the range the kernel uses for outgoing connections, so that no client of a test running
// next to this one can sit on the port between the look and the use.

import net from 'node:net';

const LOWEST = 12_000;
const HIGHEST = 32_000;

let next = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));

function isFree(port) {
	return new Promise((resolve) => {
		const server = net.createServer();
		server.once('error', () => resolve(false));
		server.listen({ port, host: '127.0.0.1' }, () => server.close(() => resolve(true)));
	});
}

export async function freePort() {
	for (let tries = 0; tries < 1000; tries++) {
		const port = next++;
		if (next > HIGHEST) next = LOWEST;
		if (await isFree(port)) return port;
	}
	throw new Error('no free TCP port found');
}

/** Whether something accepts connections on the port. */
export function accepts(port, host = '127.0.0.1') {
	return new Promise((resolve) => {
		const socket = net.connect({ port, host });
		socket.once('connect', () => {
			socket.destroy();
			resolve(true);
		});
		socket.once('error', () => resolve(false));
	});
}
