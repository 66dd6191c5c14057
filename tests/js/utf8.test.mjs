// SPDX-License-Identifier: MIT
// The decoder's own UTF-8 against TextDecoder, on good and on malformed input.
import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8Fallback } from "../../client-js/src/utf8.mjs";
import { random } from "./batch.mjs";

const reference = new TextDecoder("utf-8", { ignoreBOM: true });

function same(bytes) {
	const got = utf8Fallback(bytes);
	if (got !== reference.decode(bytes)) assert.fail(`differs for ${Buffer.from(bytes).toString("hex").slice(0, 200)}`);
}

test("every code point", () => {
	let text = "";
	for (let p = 0; p <= 0x10ffff; p++) {
		if (p < 0xd800 || p > 0xdfff) text += String.fromCodePoint(p);
	}
	assert.equal(utf8Fallback(Buffer.from(text)), text);
});

test("every pair of bytes, alone and between letters", () => {
	for (let a = 0; a < 256; a++) {
		for (let b = 0; b < 256; b++) {
			same(Uint8Array.of(a, b));
			same(Uint8Array.of(0x61, a, b, 0x62));
		}
	}
});

test("every start with every second byte, cut and continued", () => {
	const edges = [0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xe0, 0xed, 0xf0, 0xf4, 0xff];
	for (let a = 0xc0; a < 256; a++) {
		for (let b = 0x70; b < 0xd0; b++) {
			for (const c of edges) {
				same(Uint8Array.of(a, b, c));
				for (const d of edges) same(Uint8Array.of(a, b, c, d));
			}
		}
	}
});

test("random bytes and broken text", () => {
	const rnd = random(88675123);
	const good = Buffer.from("plain, żółć, €uro, 日本語, 𝄞🎉, \uFEFF");
	for (let round = 0; round < 20000; round++) {
		const bytes = round % 2 ? Buffer.from(good) : Buffer.alloc(rnd(40));
		const changes = round % 2 ? rnd(6) : bytes.length;
		for (let i = 0; i < changes; i++) bytes[round % 2 ? rnd(bytes.length) : i] = rnd(4) ? 0x80 + rnd(0x80) : rnd(256);
		same(bytes.subarray(0, rnd(bytes.length + 1)));
	}
});

test("a byte order mark stays", () => {
	assert.equal(utf8Fallback(Uint8Array.of(0xef, 0xbb, 0xbf, 0x31)), "\uFEFF1");
});

test("long text, over the size of a chunk", () => {
	const rnd = random(521288629);
	const letters = ["a", "é", "€", "𝄞"];
	for (const n of [8190, 8191, 8192, 8193, 16384, 100000]) {
		same(Buffer.from(Array.from({ length: n }, () => letters[rnd(4)]).join("")));
		same(Buffer.alloc(n, 0xff));
	}
});
