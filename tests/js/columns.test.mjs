// SPDX-License-Identifier: MIT
// Batches in columns: the vectors of doc/columns.md, hostile ones, and columns for charts.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import vm from "node:vm";
import { formats, random } from "./batch.mjs";

const siocast = createRequire(import.meta.url)("../../client-js/siocast-columns.js");
const SOURCES = ["siocast.js", "siocast-columns.js"].map((name) => readFileSync(new URL(`../../client-js/${name}`, import.meta.url), "utf8"));
const { batches, refused } = JSON.parse(readFileSync(new URL("../vectors/columns-vectors.json", import.meta.url)));
const bytes = (hex) => new Uint8Array(Buffer.from(hex, "hex"));

/** The texts of the messages in an array, as the decoder for arrays finds them; but with the blanks around them. */
function messagesOf(array) {
	const found = [];
	let depth = 0;
	let from = 1;
	for (let i = 1; i < array.length - 1; i++) {
		if (array[i] === '"') for (i++; array[i] !== '"'; i++) if (array[i] === "\\") i++;
		if ("[{".includes(array[i])) depth++;
		if ("]}".includes(array[i])) depth--;
		if (array[i] === "," && depth === 0) {
			found.push(array.slice(from, i));
			from = i + 1;
		}
	}
	return [...found, array.slice(from, -1)];
}

/** Same values, same keys in the same order, and plain objects all of them. */
function assertSame(got, array, name) {
	assert.deepEqual(got, JSON.parse(array), name);
	assert.equal(JSON.stringify(got), JSON.stringify(JSON.parse(array)), name);
}

test("every vector gives its messages, and their text byte for byte", () => {
	for (const { name, array, batch } of batches) {
		assertSame(siocast.decode(bytes(batch)), array, name);
		assert.deepEqual(siocast.split(bytes(batch)).map((m) => Buffer.from(m).toString()), messagesOf(array), name);
	}
});

test("and without TextDecoder, as in old browsers", () => {
	const old = vm.createContext({});
	for (const source of SOURCES) vm.runInContext(source, old);
	for (const { name, array, batch } of batches) {
		assert.equal(JSON.stringify(old.siocast.decode(bytes(batch))), JSON.stringify(JSON.parse(array)), name);
	}
});

test("what is no batch is refused", () => {
	for (const { name, batch, text } of refused.filter((r) => r.batch.startsWith("01") && r.batch.endsWith("00") && r.batch.length > 2)) {
		assert.throws(() => siocast.decode(bytes(batch)), /^Error: siocast: not a batch in columns: /, name);
		if (!text) assert.throws(() => siocast.split(bytes(batch)), /^Error: siocast: not a batch in columns: /, name);
	}
});

test("whatever is changed on the way, it is decoded or refused, and nothing else happens", () => {
	for (const { name, array, batch } of batches) {
		const good = bytes(batch);
		for (let bit = 0; bit < good.length * 8; bit++) {
			const bad = good.slice();
			bad[bit >> 3] ^= 1 << (bit & 7);
			for (const decode of [siocast.decode, siocast.split]) {
				try {
					decode(bad);
				} catch (e) {
					assert.match(e.message, /^siocast: /, name);
				}
			}
		}
		assertSame(siocast.decode(good), array, name);
	}
	assert.deepEqual(Object.keys(Object.prototype), []);
	assert.equal(Object.prototype.a, undefined);
});

test("__proto__ is a key like any other", () => {
	const [message] = siocast.decode(bytes(batches.find((v) => v.name.includes("__proto__")).batch));
	assert.deepEqual(Object.keys(message), ["a", "__proto__", "constructor"]);
	assert.equal(Object.getPrototypeOf(message), Object.prototype);
});

test("messages share no object, with each other or with those of the next batch", () => {
	for (const name of ["by hand: the same object in all rows", "by hand: a dictionary of other texts", "objects in objects"]) {
		const { array, batch } = batches.find((v) => v.name === name);
		const all = siocast.decode(bytes(batch));
		const before = JSON.stringify(all);
		const object = all.find((m) => typeof m === "object");
		object.a = "changed";
		assert.equal(JSON.stringify(all).split("changed").length, 2, name);
		assertSame(siocast.decode(bytes(batch)), array, name);
		assert.notEqual(JSON.stringify(all), before);
	}
	const first = batches.filter((v) => !v.byHand).map((v) => [v, siocast.decode(bytes(v.batch))]);
	for (const [{ name, array }, messages] of first) assertSame(messages, array, name);
});

test("every kind of buffer, with its offset and length respected", () => {
	const { array, batch } = batches.find((v) => v.name === "quotes");
	const padded = new Uint8Array(batch.length / 2 + 16).fill(0x21);
	padded.set(bytes(batch), 8);
	const exact = bytes(batch);
	for (const kind of [exact, exact.buffer, Buffer.from(exact), new DataView(padded.buffer, 8, exact.length), padded.subarray(8, 8 + exact.length)]) {
		assertSame(siocast.decode(kind), array);
	}
});

test("lines and frames that begin or end as columns do are what they are", () => {
	const odd = [Buffer.from("\x01"), Buffer.from("x\0")];
	assert.deepEqual(siocast.split(formats.lines(odd)).map((m) => Buffer.from(m)), odd);
	assert.deepEqual(siocast.split(formats.frames(odd)).map((m) => Buffer.from(m)), odd);
});

test("columns(): the same of every format, typed where there are numbers", () => {
	for (const { name, array, batch } of batches) {
		const of = siocast.columns(bytes(batch));
		assert.deepEqual(of, siocast.columns(Buffer.from(array)), name);
		assert.equal(of.length, JSON.parse(array).length, name);
	}
	const messages = [{ t: 1, a: { "x/y": 2.5, z: "s" }, l: [1] }, { t: 2, a: { "x/y": null } }, { t: 3, b: 7 }];
	for (const make of Object.values(formats)) {
		const { length, values } = siocast.columns(make(messages.map((m) => Buffer.from(JSON.stringify(m)))));
		assert.equal(length, 3);
		assert.deepEqual(Object.keys(values).sort(), ["/a/x~1y", "/a/z", "/b", "/l", "/t"]);
		assert.deepEqual(values["/t"], new Float64Array([1, 2, 3]));
		assert.deepEqual(values["/a/x~1y"], new Float64Array([2.5, NaN, NaN]));
		assert.deepEqual(values["/b"], new Float64Array([NaN, NaN, 7]));
		assert.deepEqual(Array.from(values["/a/z"]), ["s", undefined, undefined]);
		assert.deepEqual(values["/l"][0], [1]);
	}
	assert.deepEqual(siocast.columns([{ a: 1 }, { a: 2 }]).values["/a"], new Float64Array([1, 2]));
});

test("columns(): what is kept of a batch is not touched by the next", () => {
	const rnd = random(88675123);
	const kept = batches.map((v) => ({ v, of: siocast.columns(bytes(v.batch)) }));
	for (let i = 0; i < 50; i++) siocast.decode(bytes(batches[rnd(batches.length)].batch));
	for (const { v, of } of kept) assert.deepEqual(of, siocast.columns(Buffer.from(v.array)), v.name);
});
