// SPDX-License-Identifier: MIT
//
// What a server must do for the scenarios, in the words of siocast's configuration. The reference server understands the same
// words; for another server (--url) this file is the description.

const message = [{ emit: ['message-back', '...{args}'] }];
const withAck = [{ ack: ['...{args}'] }];

const everywhere = {
	connection: [{ emit: ['hello', '{nsp}', '{query.token}', '{auth}', '{sid}'] }],
	message,
	'message-with-ack': withAck,
	// What the server has understood, told to others: an echo alone would hide two mistakes that cancel out.
	tell: [{ publish: 'heard' }],
	subscribe: [{ join: '{1}' }, { ack: [true] }],
	unsubscribe: [{ leave: '{1}' }, { ack: [true] }],
	leave: [{ disconnect: false }],
	quit: [{ disconnect: true }],
	disconnect: [{ publish: 'gone' }],
};

/** The namespaces. Every other name must be refused as unknown. */
export const NAMESPACES = { '/': { on: everywhere }, '/admin': { on: everywhere } };

function form(encode, format, interval) {
	const name = `${encode}-${format}${interval === 0 ? '-alone' : ''}`;
	return { pattern: `${name}.*`, event: name, room: '{1}', encode, batch: { interval, format } };
}

/**
 * A feed of each encoding and format: what is published on the channel `<event>.<room>` reaches the room. The last goes to
 * everybody.
 */
export const FEEDS = [
	form('binary', 'array', 40),
	form('binary', 'lines', 40),
	form('binary', 'frames', 40),
	form('json', 'array', 40),
	form('text', 'array', 40),
	form('text', 'lines', 40),
	form('binary', 'array', 0),
	form('json', 'array', 0),
	form('text', 'lines', 0),
	{ channel: 'news', event: 'news', encode: 'json', batch: { interval: 0 } },
];

/**
 * Heartbeats quick enough to be waited for; the time-out leaves room for a busy machine. python3-socketio-client says something
 * once a second and gives a poll up after pingTimeout: with one of a second it ended its own session now and then, at every server.
 */
export function quickHeartbeat(slow) {
	return { pingInterval: 400, pingTimeout: 1500 * Math.min(slow, 4) };
}

/**
 * The patience of a server on a busy machine: an early client that is at work on half a megabyte may not get to anything else for
 * longer than an upgrade may take.
 */
export function patience(slow) {
	return slow > 1 ? { upgradeTimeout: 10_000 * slow, pingTimeout: 20_000 * slow } : {};
}
