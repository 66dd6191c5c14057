#!/usr/bin/env node
// SPDX-License-Identifier: MIT
//
// Makes tests/vectors/adapter-vectors.json: what the emitters publish in Redis, with the libraries that they were released with, and what
// a server that reads it with the library of its time hands to its clients. To be run after `npm install` in this folder.

import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);
const of = (name) => createRequire(join(here, 'node_modules', name, 'package.json'));

const js = of('emitter-1.1')('msgpack-js');
const lite = of('emitter-2.0')('msgpack-lite');
const notepack2 = of('emitter-3.2')('notepack.io');
const notepack3 = of('emitter-5.1')('notepack.io');

/** Each emitter, and how those read who read it. */
const emitters = {
	'0.2': { make: (redis) => require('emitter-0.2')(redis), decode: js.decode },
	'1.1': { make: (redis) => require('emitter-1.1')(redis), decode: js.decode },
	'2.0': { make: (redis) => require('emitter-2.0')(redis), decode: lite.decode },
	'3.2': { make: (redis) => require('emitter-3.2')(redis), decode: notepack2.decode },
	'4.1': { make: (redis) => new (require('emitter-4.1').Emitter)(redis), decode: of('emitter-4.1')('notepack.io').decode },
	'5.1': { make: (redis) => new (require('emitter-5.1').Emitter)(redis), decode: notepack3.decode },
};

/** JSON with placeholders, and what they are for. */
function toJson(value) {
	const attachments = [];
	const visit = (v) => {
		if (v instanceof Uint8Array || v instanceof ArrayBuffer) {
			attachments.push(Buffer.from(v).toString('hex'));
			return { _placeholder: true, num: attachments.length - 1 };
		}
		if (v instanceof Date || v === null || typeof v !== 'object') return v;
		return Array.isArray(v) ? v.map(visit) : Object.fromEntries(Object.entries(v).map(([k, w]) => [k, visit(w)]));
	};
	const text = JSON.stringify(visit(value));
	return { text, attachments };
}

const long = (n) => 'é'.repeat(n / 2);
const values = {
	scalars: [null, true, false, 0, 1, 127, 128, 255, 256, 65535, 65536, 4294967295, -1, -32, -33, -128, -129, -32768, -32769, -2147483648],
	'large numbers': [4294967296, -2147483649, 2 ** 53 - 1, -(2 ** 53) + 1, 2 ** 60, 1e21, -1e300],
	fractions: [0.1, -0.5, 1 / 3, 5e-324, 1.7976931348623157e308],
	'no numbers': [NaN, Infinity, -Infinity, -0],
	strings: ['', 'a', '"\\/\b\f\n\r\t\u0000\u007f', 'é\u{1F600}\u2028', long(30), long(32), long(254), long(256)],
	lists: [[], [[]], [[[1], 2], 3], Array.from({ length: 15 }, (_, i) => i), Array.from({ length: 16 }, (_, i) => i)],
	maps: [{}, { a: {} }, { '': 1, 'a b': [{}] }, Object.fromEntries(Array.from({ length: 15 }, (_, i) => [`k${i}`, i])), Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`k${i}`, i]))],
	nothing: [undefined, { a: undefined, b: 1 }, [undefined]],
	'nothing before text': [undefined, 'text that is long enough to be skipped'],
	dates: [new Date(0), new Date(1500), new Date(-1), new Date(253402300799999), new Date(1e15), new Date(-62167219200001), new Date(951827696789)],
	binary: [Buffer.alloc(0), Buffer.from('010203', 'hex'), { in: [Buffer.alloc(300, 0xda)] }],
	arrays: [new Uint8Array([1, 2, 3, 4]), new Uint8Array(8), new Uint8Array([0]).buffer],
	deep: [Array(150).fill(0).reduce((inner) => [inner], 'x')],
};

const vectors = [];

/** Of what is broadcast on one channel, who gets it: the rule for those of versions that publish once for each room. */
function expected(channel, [packet, opts], id) {
	const room = id >= '1' && id < '3' && opts.rooms.length > 1 ? /#[^#]*#(.*)#$/.exec(channel)[1] : undefined;
	const { text, attachments } = toJson(packet.data);
	const at = opts.rooms.indexOf(room);
	return {
		nsp: packet.nsp ?? '/',
		rooms: at < 0 ? opts.rooms : [room],
		except: [...(at < 0 ? [] : opts.rooms.slice(0, at)), ...(opts.except ?? [])],
		fleeting: Boolean(opts.flags.volatile),
		data: text,
		attachments,
	};
}

function record(version, name, send) {
	const { make, decode } = emitters[version];
	let n = 0;
	const publish = (channel, message) => {
		const payload = Buffer.from(message);
		const list = decode(payload);
		const id = `emitter ${version}: ${name}${n++ ? ` (${n})` : ''}`;
		vectors.push({ id, channel, payload: payload.toString('hex'), ...expected(channel, list.slice(-2), version) });
	};
	send(make({ publish, hset: () => {} }));
}

for (const version of Object.keys(emitters)) {
	for (const [name, list] of Object.entries(values)) {
		record(version, name, (to) => to.emit('values', ...list));
	}
	record(version, 'a room of a namespace', (to) => to.of('/chat').to('r').emit('t', 1));
	record(version, 'several rooms', (to) => to.to('r1').to('r2').to('r3').emit('t', 1));
	record(version, 'a room with a sign', (to) => to.to('a#b#').emit('t'));
	record(version, 'volatile', (to) => to.volatile.emit('t'));
	if (version >= '4') record(version, 'exceptions', (to) => to.to('r').except(['x', 'y']).emit('t'));
}

// PHP's emitter: no flags are an empty list, strings from 32 bytes on have two bytes of length.
const php = (nsp, rooms, flags) => Buffer.concat([
	Buffer.from('9283a474797065', 'hex'), Buffer.from('02a46461746192a174', 'hex'), Buffer.from([0xda, 0, 40]), Buffer.alloc(40, 'x'),
	js.encode('nsp'), js.encode(nsp), Buffer.from('82', 'hex'), js.encode('rooms'), js.encode(rooms), js.encode('flags'), Buffer.from(flags, 'hex')]);
for (const [name, nsp, rooms, flags, fleeting] of [['an event', '/', [], '90', false], ['rooms', '/chat', ['a', 'b'], '81a8766f6c6174696c65c3', true]])
	vectors.push({ id: `PHP: ${name}`, channel: 'socket.io#emitter', payload: php(nsp, rooms, flags).toString('hex'), nsp, rooms, except: [], fleeting, data: JSON.stringify(['t', 'x'.repeat(40)]), attachments: [] });

const lines = vectors.map((v) => `\t\t${JSON.stringify(v)}`).join(',\n');
writeFileSync(join(here, '../vectors/adapter-vectors.json'), `{\n\t"key": "socket.io",\n\t"vectors": [\n${lines}\n\t]\n}\n`);
console.log(`${vectors.length} vectors`);
