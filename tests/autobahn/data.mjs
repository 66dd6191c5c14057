// SPDX-License-Identifier: MIT
//
// What cases 12 and 13 send. The suite uses five files (a drama in German, a picture, a PDF, JSON and HTML); here is data of
// the same kinds, made anew and always the same.

const SIZE = 200_000;

// A small generator of numbers, so that every run sends the same bytes.
function dice(seed) {
	let state = seed;
	return (n) => {
		state = (Math.imul(state, 1103515245) + 12345) >>> 0;
		return (state >>> 8) % n;
	};
}

function filled(make) {
	const parts = [];
	for (let n = 0; n < SIZE;) {
		const part = Buffer.from(make());
		parts.push(part);
		n += part.length;
	}
	return Buffer.concat(parts);
}

function words(roll, n) {
	const syllables = ['ge', 'schwan', 'ken', 'te', 'ge', 'stal', 'ten', 'die', 'früh', 'sich', 'einst', 'dem', 'trü', 'ben', 'blick'];
	return Array.from({ length: n }, () => Array.from({ length: 1 + roll(3) }, () => syllables[roll(syllables.length)]).join(''));
}

const drama = dice(1);
const picture = dice(2);
const noise = dice(3);
const json = dice(4);
const html = dice(5);

// Text that is cut anywhere must be text: those two are ASCII.
export const DATA = {
	text: { binary: true, bytes: filled(() => `${words(drama, 6).join(' ')},\n`) },
	picture: { binary: true, bytes: filled(() => Array.from({ length: 64 }, (_, i) => (i * 3 + picture(5)) & 0xff)) },
	noise: { binary: true, bytes: filled(() => Array.from({ length: 64 }, () => noise(256))) },
	json: { binary: false, bytes: filled(() => `${JSON.stringify({ id: json(100000), price: json(1e6) / 100, ok: json(2) === 1 })},`) },
	html: { binary: false, bytes: filled(() => `<li class="c${html(9)}"><a href="/${html(1e6)}">item ${html(1e6)}</a></li>\n`) },
};
