// SPDX-License-Identifier: MIT
//
// What the peers share: their command line, a Socket.IO server, a subscription.

import http from 'node:http';
import { parseArgs } from 'node:util';
import { createClient } from 'redis';
import { Server } from 'socket.io';

/** {port, redis, event, batch}: event is the name of the channel too, batch an interval in ms, 0 for none. */
export function options() {
	const { values } = parseArgs({
		options: {
			port: { type: 'string' },
			redis: { type: 'string' },
			event: { type: 'string', default: 'ticks' },
			batch: { type: 'string', default: '0' },
		},
	});
	return { ...values, port: Number(values.port), batch: Number(values.batch) };
}

/** A Socket.IO server as its documentation shows it, on the WebSocket engine that comes with it. */
export function listen(port) {
	const server = http.createServer();
	const io = new Server(server);
	server.listen(port, '127.0.0.1');
	return io;
}

/** Calls `heard(message)` for each message of the channel, a string or, with `buffers`, a Buffer. */
export async function subscribe(url, channel, heard, { buffers = false } = {}) {
	const client = createClient({ url });
	client.on('error', (error) => {
		console.error(error);
		process.exit(1);
	});
	await client.connect();
	await client.subscribe(channel, heard, buffers);
}

process.on('SIGTERM', () => process.exit(0));
