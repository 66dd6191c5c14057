// SPDX-License-Identifier: MIT
//
// The client's own file, as the server gives it out. The servers of the three generations each have the client of theirs.

const FILE = 'socket.io.js';
const ALL = { eio: [4], profiles: ['v4', 'v2', 'v1'] };
const ENCODINGS = {
	gzip: 'gzip',
	deflate: 'deflate',
	br: 'br',
	all: 'gzip, deflate, br',
	identity: 'identity',
	star: '*',
	'gzip-zero': 'gzip;q=0',
	'gzip-low': 'gzip;q=0.1, deflate;q=0.5',
	none: '*;q=0, identity',
	unknown: 'zstd, compress',
};

const get = (name, query, headers) => ({ ...ALL, name: `file-${name}`, run: (c) => c.get(query, headers) });

/** A request with the ETag of the answer before it; the tag itself is compared in the first. */
const conditional = (name, value) => ({
	...ALL,
	name: `file-304-${name}`,
	run: async (c) => {
		const { headers } = await c.get(FILE);
		const answer = await c.get(FILE, { 'If-None-Match': value(headers.etag) });
		if (answer.body === '') delete answer.headers['content-type'];
	},
});

export const cases = [
	get('plain', FILE),
	get('query', `${FILE}?v=1`),
	get('origin', FILE, { Origin: 'http://a.example' }),
	get('map', 'socket.io.js.map'),
	get('min', 'socket.io.min.js'),
	get('min-map', 'socket.io.min.js.map'),
	get('esm', 'socket.io.esm.min.js'),
	get('msgpack', 'socket.io.msgpack.min.js'),
	get('unknown', 'socket.io.nothing.js'),
	get('suffix', 'socket.io.jsfoo'),
	get('below', 'socket.io.js/x'),
	get('above', '../socket.io.js'),
	get('dots', '..%2fpackage.json'),
	get('case', 'Socket.IO.js'),
	...Object.entries(ENCODINGS).map(([name, value]) => get(`encoding-${name}`, FILE, { 'Accept-Encoding': value })),
	conditional('exact', (etag) => etag),
	conditional('weak', (etag) => `W/${etag}`),
	conditional('other', () => '"other"'),
	conditional('list', (etag) => `"x", ${etag}`),
	conditional('star', () => '*'),
	...['HEAD', 'POST', 'PUT', 'OPTIONS'].map((method) => ({
		...ALL,
		name: `file-${method}`,
		run: (c) => c.ask(method, FILE, {}),
	})),
	{ eio: [4], profiles: ['v4-no-client'], name: 'file-not-served', run: (c) => c.get(FILE) },
];
