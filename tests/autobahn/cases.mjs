// SPDX-License-Identifier: MIT
//
// The cases of the Autobahn test suite (fuzzing client), by their published numbers and descriptions. They run over Engine.IO: a
// session is opened first, and a message of text is the packet "4" and the text, so that what the suite calls an empty text is
// one byte long here, and of a text of N bytes the first is the "4". Binary messages are themselves.
//
// Each case is {id, run}; run(open, count) gives how it behaved: OK, NON-STRICT, INFORMATIONAL or UNIMPLEMENTED, and throws when
// it failed.

import assert from 'node:assert/strict';
import { within } from '../e2e/lib/wait.mjs';
import { OP, deflateMessage, frame } from '../e2e/lib/ws.mjs';
import { DATA } from './data.mjs';
import { UTF8 } from './utf8.mjs';

const KB = 1024;
const MB = 1024 * 1024;

/** Text as a packet. */
const packet = (text) => Buffer.concat([Buffer.from('4'), Buffer.from(text)]);
/** A packet of n bytes; none is the packet "4". */
const sized = (n) => Buffer.from(`4${'*'.repeat(Math.max(n - 1, 0))}`);
const bytes = (n, value = 0xfe) => Buffer.alloc(n, value);
const text = (data, options) => frame(OP.text, data, options);
const binary = (data, options) => frame(OP.binary, data, options);
const ping = (data = '', options) => frame(OP.ping, data, options);
const more = (data, options) => frame(OP.continuation, data, options);
const code = (n, reason = '') => Buffer.concat([Buffer.from([n >> 8, n & 0xff]), Buffer.from(reason)]);
const close = (payload = code(1000)) => frame(OP.close, payload);
const PART = { fin: false };

/** One message in frames of this size. */
function fragments(opcode, data, size) {
	const frames = [];
	for (let at = 0; at === 0 || at < data.length; at += size) {
		frames.push(frame(at ? OP.continuation : opcode, data.subarray(at, at + size), { fin: at + size >= data.length }));
	}
	return frames;
}

/** Sends frames, the bytes of each in pieces of this size. */
async function send(socket, frames, chop = Infinity) {
	const all = Buffer.concat([frames].flat());
	for (let at = 0; at < all.length; at += chop) await socket.raw(all.subarray(at, Math.min(at + chop, all.length)));
}

/** What came, in the form in which it is expected. */
function seen(item) {
	if (item.text !== undefined) return `text ${item.text}`;
	if (item.binary !== undefined) return `binary ${item.binary.toString('latin1')}`;
	if (item.pong !== undefined) return `pong ${item.pong}`;
	return JSON.stringify(item);
}
const texts = (...all) => all.map((data) => `text ${data}`);
const binaries = (...all) => all.map((data) => `binary ${data.toString('latin1')}`);
const pongs = (...all) => all.map((data) => `pong ${Buffer.from(data).toString()}`);

async function expectItems(socket, expected) {
	for (const one of expected) assert.ok(seen(await socket.next()) === one, `not what was expected: ${one.slice(0, 60)}`);
}

/** The server ends the connection within a second, after it has sent a close frame with this code. */
async function expectEnd(socket, expectedCode, before = []) {
	const { before: items, close: last } = await socket.ended();
	assert.deepEqual(items.map(seen), before);
	assert.equal(last?.code, expectedCode);
	await within(socket.wire.closed(), 'the end of the connection', 1000);
}

/** Everything expected comes, then we close, and the server answers. */
function echoes(frames, expected, chop) {
	return async (open) => {
		const socket = await open();
		await send(socket, frames, chop);
		await expectItems(socket, expected);
		await socket.raw(close());
		await expectEnd(socket, 1000);
		return 'OK';
	};
}

/** What is expected comes, and then the server fails the connection. */
function fails(frames, before = [], chop = Infinity, expectedCode = 1002) {
	return async (open) => {
		const socket = await open();
		await send(socket, frames, chop).catch(() => {});
		await expectEnd(socket, expectedCode, before);
		return 'OK';
	};
}

function framing() {
	const sizes = [0, 125, 126, 127, 128, 65535, 65536, 65536];
	const chop = (i) => (i === 7 ? 997 : Infinity);
	return {
		...Object.fromEntries(sizes.map((n, i) => [`1.1.${i + 1}`, echoes(text(sized(n)), texts(sized(n)), chop(i))])),
		...Object.fromEntries(sizes.map((n, i) => [`1.2.${i + 1}`, echoes(binary(bytes(n)), binaries(bytes(n)), chop(i))])),
	};
}

function pings() {
	const raw = Buffer.from([0x00, 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0x00, 0xff]);
	const ten = Array.from({ length: 10 }, (_, i) => `payload-${i}`);
	const pong = (data) => frame(OP.pong, data);
	return {
		2.1: echoes(ping(), pongs('')),
		2.2: echoes(ping('Hello, world!'), pongs('Hello, world!')),
		2.3: echoes(ping(raw), pongs(raw)),
		2.4: echoes(ping(bytes(125)), pongs(bytes(125))),
		2.5: fails(ping(bytes(126))),
		2.6: echoes(ping(bytes(125)), pongs(bytes(125)), 1),
		2.7: echoes(pong(''), []),
		2.8: echoes(pong('unsolicited pong payload'), []),
		2.9: echoes([pong('unsolicited pong payload'), ping('ping payload')], pongs('ping payload')),
		'2.10': echoes(ten.map((data) => ping(data)), pongs(...ten)),
		2.11: echoes(ten.map((data) => ping(data)), pongs(...ten), 1),
	};
}

function reserved() {
	const hello = packet('Hello, world!');
	const echoed = texts(hello);
	return {
		3.1: fails(text(hello, { rsv: 1 })),
		3.2: fails([text(hello), text(hello, { rsv: 2 }), ping()], echoed),
		3.3: fails([text(hello), text(hello, { rsv: 3 }), ping()], echoed, 1),
		3.4: fails([text(hello), text(hello, { rsv: 4 }), ping()], echoed, 1),
		3.5: fails(binary(hello, { rsv: 5 })),
		3.6: fails(ping(hello, { rsv: 6 })),
		3.7: fails(frame(OP.close, code(1000), { rsv: 7 })),
	};
}

function opcodes() {
	const hello = packet('Hello, world!');
	const group = (first, from) => ({
		[`${first}.1`]: fails(frame(from)),
		[`${first}.2`]: fails(frame(from + 1, 'reserved opcode payload')),
		[`${first}.3`]: fails([text(hello), frame(from + 2), ping()], texts(hello)),
		[`${first}.4`]: fails([text(hello), frame(from + 3, hello), ping()], texts(hello), 1),
		[`${first}.5`]: fails([text(hello), frame(from + 4, hello), ping()], texts(hello), 1),
	});
	return { ...group('4.1', 3), ...group('4.2', 11) };
}

function fragmentation() {
	const [one, two] = [packet('fragment1'), Buffer.from('fragment2')];
	const whole = Buffer.concat([one, two]);
	const split = [text(one, PART), more(two)];
	const around = [text(one, PART), ping('ping payload'), more(two)];
	const both = [...pongs('ping payload'), ...texts(whole)];
	const orphan = (fin) => [more('non-continuation payload', { fin }), text(packet('Hello, world!'))];
	const five = ['fragment1', 'fragment2', 'fragment3', 'fragment4', 'fragment5'];
	const parts = five.map((data, i) => frame(i ? OP.continuation : OP.text, i ? data : packet(data), { fin: i === 4 }));
	const withPings = [parts[0], parts[1], ping('pongme 1!'), parts[2], parts[3], ping('pongme 2!'), parts[4]];
	const answers = [...pongs('pongme 1!', 'pongme 2!'), ...texts(packet(five.join('')))];
	return {
		5.1: fails([ping('fragment1', PART), more(two)]),
		5.2: fails([frame(OP.pong, 'fragment1', PART), more(two)]),
		5.3: echoes(split, texts(whole)),
		5.4: echoes(split, texts(whole), 8),
		5.5: echoes(split, texts(whole), 1),
		5.6: echoes(around, both),
		5.7: echoes(around, both, 8),
		5.8: echoes(around, both, 1),
		5.9: fails(orphan(true)),
		'5.10': fails(orphan(true), [], 8),
		5.11: fails(orphan(true), [], 1),
		5.12: fails(orphan(false)),
		5.13: fails(orphan(false), [], 8),
		5.14: fails(orphan(false), [], 1),
		5.15: fails([...split, ...orphan(false)], texts(whole)),
		5.16: fails([...orphan(false), ...orphan(false)]),
		5.17: fails([...orphan(true), ...orphan(true)]),
		5.18: fails([text(one, PART), text(two)]),
		5.19: echoes(withPings, answers),
		'5.20': echoes(withPings, answers, 8),
	};
}

/** Bad text must be refused when it is recognised, not when it is complete: pieces come with a pause between them. */
function failFast(pieces) {
	return async (open) => {
		const socket = await open();
		let refused = false;
		socket.inbox.until((items) => items.length > 0, 'a refusal').then(() => (refused = true), () => {});
		await socket.raw(pieces[0]);
		// An answered ping tells that all before it was looked at; between the chops of a frame there is none.
		await new Promise((resolve) => setTimeout(resolve, 100));
		assert.equal(refused, false, 'refused too early');
		await socket.raw(pieces[1]);
		await new Promise((resolve) => setTimeout(resolve, 300));
		const fast = refused;
		if (!fast) await socket.raw(pieces[2]);
		await expectEnd(socket, 1007);
		return fast ? 'OK' : 'NON-STRICT';
	};
}

function utf8() {
	const hello = packet('Hello-µ@ßöäüàá-UTF-8!!');
	const kosme = Buffer.from('κόσμε');
	const [good, bad, rest] = [packet(kosme), Buffer.from('f4908080', 'hex'), Buffer.from('edited')];
	const surrogate = packet(Buffer.concat([kosme, Buffer.from('eda080', 'hex'), rest]));
	const begun = [...good, bad[0]];
	const inOne = text(Buffer.concat([good, bad, rest]));
	const head = inOne.length - good.length - bad.length - rest.length;
	const chops = (...ends) => ends.map((end, i) => inOne.subarray(i ? ends[i - 1] : 0, end));
	const cases = {
		'6.1.1': echoes(text(packet('')), texts(packet(''))),
		'6.1.2': echoes([text(packet(''), PART), more('', PART), more('')], texts(packet(''))),
		'6.1.3': echoes([text(packet(''), PART), more('middle frame payload', PART), more('')], texts(packet('middle frame payload'))),
		'6.2.1': echoes(text(hello), texts(hello)),
		'6.2.2': echoes([text(hello.subarray(0, 13), PART), more(hello.subarray(13))], texts(hello)),
		'6.2.3': echoes(fragments(OP.text, hello, 1), texts(hello)),
		'6.2.4': echoes(fragments(OP.text, packet(kosme), 1), texts(packet(kosme))),
		'6.3.1': fails(text(surrogate), [], Infinity, 1007),
		'6.3.2': fails(fragments(OP.text, surrogate, 1), [], Infinity, 1007),
		'6.4.1': failFast([text(good, PART), more(bad, PART), more(rest)]),
		'6.4.2': failFast([text(Buffer.from(begun), PART), more(bad.subarray(1), PART), more(rest)]),
		'6.4.3': failFast(chops(head + good.length, head + good.length + bad.length, inOne.length)),
		'6.4.4': failFast(chops(head + good.length + 1, head + good.length + 2, inOne.length)),
	};
	for (const [group, list] of Object.entries(UTF8)) {
		list.forEach(([valid, data], i) => {
			const sent = text(packet(data));
			cases[`6.${group}.${i + 1}`] = valid ? echoes(sent, texts(packet(data))) : fails(sent, [], Infinity, 1007);
		});
	}
	return cases;
}

/** What comes behind a close frame is not handled, and the frame itself is answered. */
function closes(frames, expectedCode = 1000, before = []) {
	return async (open) => {
		const socket = await open();
		await send(socket, frames).catch(() => {});
		await expectEnd(socket, expectedCode, before);
		return 'OK';
	};
}

function closing() {
	const hello = packet('Hello World!');
	const valid = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999];
	const invalid = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999];
	const big = sized(256 * KB);
	const informational = (run) => async (open) => {
		await run(open);
		return 'INFORMATIONAL';
	};
	return {
		'7.1.1': echoes(text(hello), texts(hello)),
		'7.1.2': closes([close(), close()]),
		'7.1.3': closes([close(), ping()]),
		'7.1.4': closes([close(), text(hello)]),
		'7.1.5': closes([text(packet('fragment1'), PART), close(), more('fragment2')]),
		'7.1.6': informational(closes([text(big), close(), ping()], 1000, texts(big))),
		'7.3.1': closes(close(Buffer.alloc(0)), null),
		'7.3.2': closes(close(Buffer.from('a')), 1002),
		'7.3.3': closes(close(code(1000))),
		'7.3.4': closes(close(code(1000, 'Hello World!'))),
		'7.3.5': closes(close(code(1000, '*'.repeat(123)))),
		'7.3.6': closes(close(code(1000, '*'.repeat(124))), 1002),
		'7.5.1': closes(close(code(1000, Buffer.from('cebae1bdb9cf83cebceda080656469746564', 'hex'))), 1007),
		...Object.fromEntries(valid.map((n, i) => [`7.7.${i + 1}`, closes(close(code(n)), n)])),
		...Object.fromEntries(invalid.map((n, i) => [`7.9.${i + 1}`, closes(close(code(n)), 1002)])),
		'7.13.1': informational(closes(close(code(5000)), 1002)),
		'7.13.2': informational(closes(close(code(65535)), 1002)),
	};
}

/** Messages one after the other, each when the one before it has come back. */
function roundTrips(opcode, n) {
	return async (open, count) => {
		const socket = await open();
		const data = opcode === OP.text ? sized(n) : bytes(n);
		const expected = opcode === OP.text ? texts(data) : binaries(data);
		for (let i = 0; i < count; i++) {
			await socket.raw(frame(opcode, data));
			await expectItems(socket, expected);
		}
		await socket.raw(close());
		await expectEnd(socket, 1000);
		return 'OK';
	};
}

function limits() {
	const cases = {};
	const add = (first, list) => list.forEach((run, i) => (cases[`${first}.${i + 1}`] = run));
	const echoed = { [OP.text]: (n) => [sized(n), texts(sized(n))], [OP.binary]: (n) => [bytes(n), binaries(bytes(n))] };
	// A message is made when its case begins: all of them together would be large.
	const late = (opcode, n, frames, chop) => async (open) => {
		const [data, expected] = echoed[opcode](n);
		return echoes(frames(data), expected, chop)(open);
	};
	for (const [k, opcode] of [OP.text, OP.binary].entries()) {
		const whole = (data) => frame(opcode, data);
		add(`9.${1 + k}`, [64 * KB, 256 * KB, MB, 4 * MB, 8 * MB, 16 * MB].map((n) => late(opcode, n, whole)));
		add(`9.${3 + k}`, [64, 256, KB, 4 * KB, 16 * KB, 64 * KB, 256 * KB, MB, 4 * MB].map((size) =>
			late(opcode, 4 * MB, (data) => fragments(opcode, data, size))));
		add(`9.${5 + k}`, [64, 128, 256, 512, 1024, 2048].map((chop) => late(opcode, MB, whole, chop)));
		add(`9.${7 + k}`, [0, 16, 64, 256, 1024, 4096].map((n) => roundTrips(opcode, n)));
	}
	cases['10.1.1'] = echoes(fragments(OP.text, sized(65536), 1300), texts(sized(65536)));
	return cases;
}

// Bytes of a message, and of its frames (0: one frame).
const COMPRESSED_SIZES = [16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072]
	.map((n) => [n, 0])
	.concat([[8192, 256], [16384, 256], [32768, 256], [65536, 256], [131072, 256], [131072, 1024], [131072, 4096], [131072, 32768]]);

/** Compressed messages of this size come back as they were. */
function compressed(data, [n, size], offer) {
	return async (open, count) => {
		const socket = await open({ 'Sec-WebSocket-Extensions': offer });
		if (!socket.answer.header('sec-websocket-extensions')) {
			socket.close();
			return 'UNIMPLEMENTED';
		}
		const opcode = data.binary ? OP.binary : OP.text;
		for (let i = 0, at = 0; i < count; i++, at = (at + n) % (data.bytes.length - n)) {
			const piece = data.bytes.subarray(at, at + n);
			const sent = data.binary ? piece : Buffer.concat([Buffer.from('4'), piece.subarray(1)]);
			const [first, ...rest] = fragments(opcode, deflateMessage(sent), size || Infinity);
			first[0] |= 0x40;
			await send(socket, [first, ...rest]);
			await expectItems(socket, data.binary ? binaries(sent) : texts(sent));
		}
		await socket.raw(close());
		await expectEnd(socket, 1000);
		return 'OK';
	};
}

function compression() {
	const cases = {};
	const name = 'permessage-deflate';
	const usual = `${name}; client_no_context_takeover; client_max_window_bits`;
	const wanted = [
		'',
		'; server_no_context_takeover',
		'; server_max_window_bits=8',
		'; server_max_window_bits=15',
		'; server_no_context_takeover; server_max_window_bits=8',
		'; server_no_context_takeover; server_max_window_bits=15',
	].map((what) => usual + what);
	const offers = [...wanted, [wanted[4], wanted[1], wanted[0]].join(', ')];
	const add = (first, data, offer) =>
		COMPRESSED_SIZES.forEach((size, i) => (cases[`${first}.${i + 1}`] = compressed(data, size, offer)));
	Object.values(DATA).forEach((data, i) => add(`12.${i + 1}`, data, usual));
	offers.forEach((offer, i) => add(`13.${i + 1}`, DATA.json, offer));
	return cases;
}

export const CASES = Object.entries({
	...framing(),
	...pings(),
	...reserved(),
	...opcodes(),
	...fragmentation(),
	...utf8(),
	...closing(),
	...limits(),
	...compression(),
})
	.map(([id, run]) => ({ id, run, order: id.split('.').map(Number) }))
	.sort((a, b) => a.order.reduce((found, n, i) => found || n - (b.order[i] ?? 0), 0));
