// SPDX-License-Identifier: MIT
//
// What the Node peers share: their command line, a subscription, and the two ways to use a Socket.IO server.

import { parseArgs } from 'node:util';
import { createClient } from 'redis';

const OPEN = Buffer.from('[');
const COMMA = Buffer.from(',');
const CLOSE = Buffer.from(']');

// The most that a batch holds: siocast's defaults.
const BATCH_MESSAGES = 1000;
const BATCH_BYTES = 262144;

const FLAGS = {
	engine: { type: 'string', default: 'ws' },
	port: { type: 'string' },
	redis: { type: 'string' },
	event: { type: 'string', default: 'ticks' },
	batch: { type: 'string', default: '0' },
	channels: { type: 'string', default: '1' },
	rooms: { type: 'boolean', default: false },
	naive: { type: 'boolean', default: false },
	compress: { type: 'boolean', default: false },
	ping: { type: 'string', default: '25000' },
};

/**
 * {port, redis, event, ...}: event is the name of the channel too; with several channels they are EVENT.0, EVENT.1 and so on,
 * and with `rooms` what comes on EVENT.3 is for room r3. batch: an interval in ms, 0 for none. ping: between heartbeats, in ms.
 */
export function options() {
	const { values } = parseArgs({ options: FLAGS });
	const numbers = ['port', 'batch', 'channels', 'ping'].map((name) => [name, Number(values[name])]);
	return { ...values, ...Object.fromEntries(numbers) };
}

/** Calls `heard(message, channel)` for each message, a string or, with `buffers`, a Buffer. */
export async function subscribe({ redis, event, channels }, heard, buffers) {
	const client = createClient({ url: redis });
	client.on('error', (error) => {
		console.error(error);
		process.exit(1);
	});
	await client.connect();
	const names = channels > 1 ? Array.from({ length: channels }, (_, i) => `${event}.${i}`) : [event];
	await client.subscribe(names, heard, buffers);
}

/**
 * Collects messages per channel and gives them to `send` as one JSON array, `interval` ms after the first, or when they are as many
 * as fit into a batch.
 */
function batches(interval, send) {
	const waiting = new Map();
	const flush = (name, batch) => {
		clearTimeout(batch.timer);
		waiting.delete(name);
		batch.parts.push(CLOSE);
		send(Buffer.concat(batch.parts), name);
	};
	const begin = (name) => {
		const batch = { parts: [], messages: 0, bytes: 1 };
		batch.timer = setTimeout(flush, interval, name, batch);
		waiting.set(name, batch);
		return batch;
	};
	return (message, channel) => {
		const name = String(channel);
		let batch = waiting.get(name);
		if (batch && batch.bytes + message.length + 1 > BATCH_BYTES) {
			flush(name, batch);
			batch = undefined;
		}
		batch ??= begin(name);
		batch.parts.push(batch.messages > 0 ? COMMA : OPEN, message);
		batch.bytes += message.length + 1;
		if (++batch.messages >= BATCH_MESSAGES || batch.bytes >= BATCH_BYTES) flush(name, batch);
	};
}

/**
 * Passes on what is published. As in a first version of such a server (--naive): each message is parsed and emitted as an object. As
 * in a later one, after a look at the profile: messages stay bytes, and with --batch they leave together.
 */
export async function passOn(io, opt) {
	const target = (channel) => (opt.rooms ? io.to(`r${channel.slice(opt.event.length + 1)}`) : io);
	const emit = (message, channel) => target(String(channel)).emit(opt.event, message);
	if (opt.naive) await subscribe(opt, (message, channel) => emit(JSON.parse(message), channel), false);
	else await subscribe(opt, opt.batch > 0 ? batches(opt.batch, emit) : emit, true);
}

/** What clients may ask for. */
export function handle(io) {
	io.on('connection', (socket) => {
		socket.on('join', (room, done) => {
			socket.join(room);
			done?.(true);
		});
		socket.on('leave', (room, done) => {
			socket.leave(room);
			done?.(true);
		});
	});
}

// So that memory is compared without the garbage that only waits to be collected (needs --expose-gc).
process.on('SIGUSR2', () => global.gc?.());
process.on('SIGTERM', () => process.exit(0));
