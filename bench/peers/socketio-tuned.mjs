// SPDX-License-Identifier: MIT
//
// The Socket.IO server of a later version, after a look at the profile: messages stay bytes, and with --batch MS they leave
// together, as one JSON array in one binary event.

import { listen, options, subscribe } from './peer.mjs';

const OPEN = Buffer.from('[');
const COMMA = Buffer.from(',');
const CLOSE = Buffer.from(']');

const { port, redis, event, batch } = options();
const io = listen(port);
let waiting = [];

function flush() {
	const parts = waiting;
	waiting = [];
	parts.push(CLOSE);
	io.emit(event, Buffer.concat(parts));
}

function collect(message) {
	if (waiting.length === 0) setTimeout(flush, batch);
	waiting.push(waiting.length === 0 ? OPEN : COMMA, message);
}

await subscribe(redis, event, batch > 0 ? collect : (message) => io.emit(event, message), { buffers: true });
