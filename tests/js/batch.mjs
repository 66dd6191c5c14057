// SPDX-License-Identifier: MIT
// What the decoder's tests share: the three batch formats as the server makes them, and random numbers that repeat.

export const LF = 0x0a;

/** A batch of raw messages (Buffers) in one format. */
export const formats = {
	array: (messages) => Buffer.concat([Buffer.from("["), ...messages.flatMap((m, i) => (i ? [Buffer.from(","), m] : [m])), Buffer.from("]")]),
	lines: (messages) => Buffer.concat(messages.flatMap((m) => [m, Buffer.from([LF])])),
	frames: (messages) =>
		Buffer.concat(
			messages.flatMap((m) => {
				const head = Buffer.alloc(4);
				head.writeUInt32BE(m.length);
				return [head, m];
			}),
		),
};

/** Numbers in [0, n), the same on every run (xorshift32). */
export function random(seed) {
	let x = seed;
	return (n) => {
		x ^= x << 13;
		x ^= x >>> 17;
		x ^= x << 5;
		return (x >>> 0) % n;
	};
}

/** A random JSON value, strings full of what could mislead a scanner. */
export function randomValue(rnd, depth = 0) {
	const pieces = ['"', "\\", "[", "]", "{", "}", ",", ":", "\n", "\0", "é", "€", "𝄞", "\u2028", "\uFEFF", "a", " ", "\\\\\"", "\u001e"];
	const text = () => Array.from({ length: rnd(12) }, () => pieces[rnd(pieces.length)]).join("");
	switch (rnd(depth > 3 ? 5 : 8)) {
		case 0: return null;
		case 1: return rnd(2) === 1;
		case 2: return rnd(1000000) - 500000;
		case 3: return rnd(1000) / 7;
		case 4: return text();
		case 5: return Array.from({ length: rnd(5) }, () => randomValue(rnd, depth + 1));
		default: return Object.fromEntries(Array.from({ length: rnd(5) }, () => [text(), randomValue(rnd, depth + 1)]));
	}
}
