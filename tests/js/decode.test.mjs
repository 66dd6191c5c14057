// SPDX-License-Identifier: MIT
// siocast.decode, split and on: formats, kinds of buffers, errors.
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { createRequire } from "node:module";
import { test } from "node:test";
import vm from "node:vm";
import { formats, random, randomValue } from "./batch.mjs";

const siocast = createRequire(import.meta.url)("../../client-js/siocast.js");
const { decode, split } = siocast;
const raw = (...texts) => texts.map((t) => Buffer.from(t));
const strings = (parts) => parts.map((p) => Buffer.from(p).toString());

test("every format gives the messages back", () => {
	const values = [{ symbol: "ACME", price: 1.5 }, [1, [2, "]"]], "text, with \"quotes\" and ]", "żółć €𝄞", 0, null, true, {}, []];
	const messages = values.map((v) => Buffer.from(JSON.stringify(v)));
	for (const [name, make] of Object.entries(formats)) {
		for (let n = 1; n <= values.length; n++) {
			const batch = make(messages.slice(0, n));
			assert.deepEqual(decode(batch), values.slice(0, n), name);
			assert.deepEqual(split(batch).map((b) => Buffer.from(b)), messages.slice(0, n), name);
		}
	}
});

test("random messages survive every format, decoded and split", () => {
	const rnd = random(2463534242);
	for (let round = 0; round < 500; round++) {
		const values = Array.from({ length: 1 + rnd(6) }, () => randomValue(rnd));
		const indent = [0, 1, "\t"][rnd(3)];
		for (const [name, make] of Object.entries(formats)) {
			// A message over several lines cannot travel in lines; the server sees to that.
			const messages = values.map((v) => Buffer.from(JSON.stringify(v, null, name === "lines" ? 0 : indent)));
			const batch = make(messages);
			assert.deepEqual(decode(batch), values);
			assert.deepEqual(split(batch).map((b) => Buffer.from(b)), messages);
		}
	}
});

test("an array that begins or ends oddly is still an array", () => {
	assert.deepEqual(decode(Buffer.from("[[1],[2]]")), [[1], [2]]);
	assert.deepEqual(decode(Buffer.from(" [ 1 , 2 ] ")), [1, 2]);
	assert.deepEqual(strings(split(Buffer.from(" [ 1 , {\"a\" : [2 , 3]} ] "))), ["1", '{"a" : [2 , 3]}']);
	assert.deepEqual(decode(Buffer.from("[]")), []);
	assert.deepEqual(split(Buffer.from("[]")), []);
	assert.deepEqual(split(Buffer.from("[ \t]")), []);
});

test("lines whose messages are arrays are not taken for an array", () => {
	assert.deepEqual(decode(Buffer.from("[1]\n[2]\n")), [[1], [2]]);
	assert.deepEqual(decode(Buffer.from("[1,2]\n")), [[1, 2]]);
});

test("an empty batch has no messages", () => {
	assert.deepEqual(decode(new ArrayBuffer(0)), []);
	assert.deepEqual(split(new ArrayBuffer(0)), []);
	assert.deepEqual(decode(""), []);
	assert.deepEqual(split(""), []);
});

test("every kind of buffer, with its offset and length respected", () => {
	for (const make of Object.values(formats)) {
		const batch = make(raw('{"a":"é"}', "2"));
		const padded = new Uint8Array(batch.length + 16).fill(0x21);
		padded.set(batch, 8);
		const exact = padded.slice(8, 8 + batch.length).buffer;
		const kinds = [
			exact,
			new Uint8Array(exact),
			new Uint8Array(padded.buffer, 8, batch.length),
			new DataView(padded.buffer, 8, batch.length),
			new Uint8ClampedArray(padded.buffer, 8, batch.length),
			Buffer.from(padded.buffer, 8, batch.length),
			vm.runInNewContext("new Uint8Array(bytes).buffer", { bytes: [...batch] }),
			vm.runInNewContext("new Uint8Array(bytes)", { bytes: [...batch] }),
		];
		for (const kind of kinds) {
			assert.deepEqual(decode(kind), [{ a: "é" }, 2]);
			assert.deepEqual(strings(split(kind)), ['{"a":"é"}', "2"]);
		}
	}
});

test("split shares the memory of the batch", () => {
	for (const make of Object.values(formats)) {
		const bytes = Uint8Array.from(make(raw("1", "2")));
		for (const part of split(bytes)) assert.equal(part.buffer, bytes.buffer);
	}
});

test("strings of text feeds", () => {
	assert.deepEqual(decode('["é",{"a":1}]'), ["é", { a: 1 }]);
	assert.deepEqual(decode('"é"\n{"a":1}\n'), ["é", { a: 1 }]);
	assert.deepEqual(strings(split('["é€𝄞",2]')), ['"é€𝄞"', "2"]);
	assert.deepEqual(strings(split("é\n\n𝄞x\n")), ["é", "", "𝄞x"]);
	assert.deepEqual([...split("\ud800\n")[0]], [0xef, 0xbf, 0xbd]);
	assert.deepEqual([...split("\udc00\ud800x\n")[0]], [0xef, 0xbf, 0xbd, 0xef, 0xbf, 0xbd, 0x78]);
	assert.throws(() => decode("\0\0\0\x011"), /frames is binary/);
	assert.throws(() => split("\0\0\0\x011"), /frames is binary/);
});

test("the array of a json feed passes through", () => {
	const batch = [{ a: 1 }];
	assert.equal(decode(batch), batch);
});

test("messages that are not JSON can be split", () => {
	const messages = [Buffer.from([0xff, 0xfe, 0x22, 0x5b]), Buffer.from("plain text"), Buffer.alloc(0), Buffer.from("€,]")];
	for (const make of [formats.lines, formats.frames]) {
		assert.deepEqual(split(make(messages)).map((b) => Buffer.from(b)), messages);
	}
	const big = Buffer.alloc(70000, 0x0a);
	assert.deepEqual(split(formats.frames([big, big])).map((b) => Buffer.from(b)), [big, big]);
});

test("a frame cut anywhere is an error that says where", () => {
	const batch = formats.frames(raw('{"a":1}', "[2]"));
	const ends = new Set([0, 11, batch.length]);
	for (let n = 0; n <= batch.length; n++) {
		const cut = batch.subarray(0, n);
		if (ends.has(n)) {
			assert.equal(decode(cut).length, [...ends].indexOf(n));
		} else {
			assert.throws(() => decode(cut), { name: "Error", message: n < 11 ? /frame 0 at byte 0 is truncated/ : /frame 1 at byte 11 is truncated/ });
			assert.throws(() => split(cut), /truncated/);
		}
	}
	assert.throws(() => split(Uint8Array.of(0, 0, 0, 1, 0x31, 0xff, 0xff, 0xff, 0xff, 1)), /1 of its 4294967295 bytes/);
});

test("bad JSON is an error that names the message", () => {
	assert.throws(() => decode(Buffer.from('[1,{"a"]')), { name: "Error", message: /^siocast: the batch is not JSON \(.*\): \[1,\{"a"\]$/s });
	assert.throws(() => decode(Buffer.from("1\nx\n")), /message 1 is not JSON/);
	assert.throws(() => decode(Buffer.from("1\n\n2\n")), /message 1 is not JSON/);
	assert.throws(() => decode(formats.frames(raw("1", "2", "{"))), /message 2 is not JSON/);
	assert.throws(() => decode(Buffer.from("x".repeat(500))), (e) => e.message.length < 250);
});

test("JSON that is no array is no batch", () => {
	assert.throws(() => decode(Buffer.from('{"a":1}')), /a JSON object, not an array/);
	assert.throws(() => decode(Buffer.from("null")), /a JSON null/);
	assert.throws(() => decode("1"), /a JSON number/);
});

test("split refuses what is no array", () => {
	for (const bad of ["1", "[", "]", "x]", "[1", "1]", "[1,]", "[,1]", "[1,,2]", "[,]", '["]', '["\\"]', "[[1]", "[1]]", "[}{]", "[{]", " "]) {
		assert.throws(() => split(Buffer.from(bad)), /siocast: not a batch/, bad);
	}
});

test("anything else is refused by name", () => {
	for (const bad of [undefined, null, 5, true, {}, () => 0, new Date()]) {
		assert.throws(() => decode(bad), /expected an ArrayBuffer/);
		assert.throws(() => split(bad), /expected an ArrayBuffer/);
	}
});

test("big numbers and large batches", () => {
	const message = Buffer.from(JSON.stringify({ seq: 1, text: "x".repeat(30000) + "é" }));
	for (const make of Object.values(formats)) {
		assert.equal(decode(make(Array(200).fill(message))).length, 200);
	}
	// What a page cannot hold in a number it can still read as it was sent.
	assert.deepEqual(strings(split(Buffer.from("[9007199254740993]"))), ["9007199254740993"]);
});

test("on() hands out messages until it is ended", () => {
	const socket = new EventEmitter();
	const got = [];
	const off = siocast.on(socket, "ticks", (m) => got.push(m));
	socket.emit("ticks", formats.array(raw("1", "2")));
	socket.emit("other", formats.array(raw("9")));
	socket.emit("ticks", formats.lines(raw("3")), "further argument");
	assert.deepEqual(got, [1, 2, 3]);
	off();
	socket.emit("ticks", formats.array(raw("4")));
	assert.deepEqual(got, [1, 2, 3]);
	assert.equal(socket.listenerCount("ticks"), 0);
});

test("on() ends with an emitter that has no off()", () => {
	const socket = new EventEmitter();
	socket.off = undefined;
	const off = siocast.on(socket, "ticks", () => assert.fail());
	off();
	assert.equal(socket.listenerCount("ticks"), 0);
});
