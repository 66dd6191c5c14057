// SPDX-License-Identifier: MIT
//
// The texts of cases 6.5 to 6.23, made by the rules of Markus Kuhn's UTF-8 decoder test, which the published list follows.
// Each is [valid, bytes].

const hex = (text) => Buffer.from(text.replace(/ /g, ''), 'hex');
const all = (valid, ...texts) => texts.map((text) => [valid, hex(text)]);
const range = (from, to, step = 1) => Array.from({ length: (to - from) / step }, (_, i) => from + i * step);

const KOSME = hex('ceba e1bdb9 cf83 cebc ceb5');
const BOUNDARIES = [2, 5, 7, 9, 11];
// The first bytes of sequences of 2 to 6 bytes, and what is missing of them.
const CUT = ['c0', 'e080', 'f08080', 'f8808080', 'fc80808080', 'df', 'efbf', 'f7bfbf', 'fbbfbfbf', 'fdbfbfbfbf'];
const SURROGATES = ['eda080', 'edadbf', 'edae80', 'edafbf'];

function nonCharacters() {
	const planes = range(1, 17).flatMap((plane) => [0xfffe, 0xffff].map((low) => plane * 0x10000 + low));
	return [0xfffe, 0xffff, ...planes].map((point) => [true, Buffer.from(String.fromCodePoint(point))]);
}

function lonelyStarts() {
	// The last of each range is left out there, too.
	return [[0xc0, 0xdf], [0xe0, 0xef], [0xf0, 0xf7], [0xf8, 0xfb], [0xfc, 0xfd]].map(([from, to]) => [
		false,
		Buffer.from(range(from, to).flatMap((byte) => [byte, 0x20])),
	]);
}

/** By the second number of the case. */
export const UTF8 = {
	5: [
		...['$', '¢', '€', '𤭢'].map((sign) => [true, Buffer.from(`hello${sign}world`)]),
		[true, KOSME],
	],
	6: range(1, KOSME.length + 1).map((n) => [BOUNDARIES.includes(n), KOSME.subarray(0, n)]),
	7: all(true, '00', 'c280', 'e0a080', 'f0908080'),
	8: all(false, 'f888808080', 'fc8480808080'),
	9: all(true, '7f', 'dfbf', 'efbfbf', 'f48fbfbf'),
	10: all(false, 'f7bfbfbf', 'fbbfbfbfbf', 'fdbfbfbfbfbf'),
	11: [...all(true, 'ed9fbf', 'ee8080', 'efbfbd', 'f48fbfbf'), ...all(false, 'f4908080')],
	12: [
		...all(false, '80', 'bf', '80bf', '80bf80', '80bf80bf', '80bf80bf80', '80bf80bf80bf'),
		[false, Buffer.from(range(0x80, 0xbf))],
	],
	13: lonelyStarts(),
	14: all(false, ...CUT),
	15: all(false, CUT.join('')),
	16: all(false, 'fe', 'ff', 'fefeffff'),
	17: all(false, 'c0af', 'e080af', 'f08080af', 'f8808080af', 'fc80808080af'),
	18: all(false, 'c1bf', 'e09fbf', 'f08fbfbf', 'f887bfbfbf', 'fc83bfbfbfbf'),
	19: all(false, 'c080', 'e08080', 'f0808080', 'f880808080', 'fc8080808080'),
	20: all(false, ...SURROGATES, 'edb080', 'edbe80', 'edbfbf'),
	21: all(false, ...SURROGATES.flatMap((high) => [`${high}edb080`, `${high}edbfbf`])),
	22: nonCharacters(),
	23: all(true, 'efbfb9', 'efbfba', 'efbfbb', 'efbfbc', 'efbfbd', 'efbfbe', 'efbfbf'),
};
