// SPDX-License-Identifier: MIT
//
// The official client, ready for tests: nothing shared between clients, and what arrives kept in order.

import { io } from 'socket.io-client';
import { Inbox, once, within } from './wait.mjs';

/** The ways a client can connect. */
export const MODES = {
	polling: { transports: ['polling'] },
	websocket: { transports: ['websocket'] },
	upgrade: { transports: ['polling', 'websocket'] },
};

/** A socket of the official client that is not connected yet. Closed at the end of the test. */
export function createClient(cleanup, server, options = {}) {
	const { namespace = '/', ...rest } = options;
	const socket = io(`${server.url}${namespace}`, {
		path: server.path,
		forceNew: true,
		autoConnect: false,
		reconnectionDelay: 100,
		reconnectionDelayMax: 500,
		...rest,
	});
	cleanup.add(socket, () => socket.disconnect());
	return socket;
}

/** Waits until the socket is connected; fails at once when it is refused. */
export async function connected(socket) {
	if (socket.connected) return socket;
	const good = new Promise((resolve, reject) => {
		socket.once('connect', resolve);
		socket.once('connect_error', reject);
	});
	if (!socket.active) socket.connect();
	await within(good, 'a client to connect');
	socket.off('connect_error');
	return socket;
}

/** A connected socket of the official client. */
export function connect(cleanup, server, options) {
	return connected(createClient(cleanup, server, options));
}

/** Waits until the client of the default mode has gone over to WebSocket. */
export async function upgraded(socket) {
	const { engine } = socket.io;
	if (engine.transport.name !== 'websocket') await once(engine, 'upgrade', 'the upgrade to WebSocket');
	return socket;
}

/** A connected client of one of the MODES, upgraded when that is its mode. */
export async function connectMode(cleanup, server, mode, options = {}) {
	const socket = await connect(cleanup, server, { ...MODES[mode], ...options });
	return mode === 'upgrade' ? upgraded(socket) : socket;
}

/** Collects the arguments of an event from now on. */
export function collect(socket, event) {
	const inbox = new Inbox(`event "${event}"`);
	socket.on(event, (...args) => inbox.push(args));
	return inbox;
}

/** Emits and waits for the acknowledgement: its arguments. */
export function ask(socket, ...args) {
	return within(new Promise((resolve) => socket.emit(...args, (...answer) => resolve(answer))), `the ack of "${args[0]}"`);
}
