// SPDX-License-Identifier: MIT
//
// HTTP that is broken, or odd and legal: siocast reads requests with the parser that Node itself has.

const HANDSHAKE = 'GET <path>?EIO=4&transport=polling HTTP/1.1';
const LATER = 'GET <path>?transport=tcp HTTP/1.1\r\nHost: x\r\n\r\n';

const head = (name, lines, data, methods) => ({
	name: `http-${name}`,
	eio: [4],
	profiles: ['v4'],
	run: (c) => c.rawHead(name, lines, data, methods),
});
const refused = (name, ...lines) => head(name, lines);

// Not for the endpoint, so another application's: the status alone says what is meant.
const outside = (name, ...lines) => ({
	...head(name, lines),
	run: async (c) => {
		await c.rawHead(name, lines);
		for (const entry of c.entries) for (const key of ['headers', 'body']) delete entry[key];
	},
});

export const cases = [
	refused('garbage', '\x01\x02\x03'),
	refused('no-version', 'GET <path>?transport=tcp', 'Host: x'),
	refused('version-3', 'GET <path>?transport=tcp HTTP/3.7', 'Host: x'),
	refused('method-lower', 'get <path>?transport=tcp HTTP/1.1', 'Host: x'),
	refused('method-unknown', 'FOO <path>?transport=tcp HTTP/1.1', 'Host: x'),
	refused('no-target', 'GET  HTTP/1.1', 'Host: x'),
	refused('space-in-target', 'GET <path>?transport=tcp x HTTP/1.1', 'Host: x'),
	refused('no-host', 'GET <path>?transport=tcp HTTP/1.1'),
	refused('host-empty', 'GET <path>?transport=tcp HTTP/1.1', 'Host:'),
	refused('host-twice', 'GET <path>?transport=tcp HTTP/1.1', 'Host: a', 'Host: b'),
	refused('header-no-colon', 'GET <path>?transport=tcp HTTP/1.1', 'Host: x', 'nothing'),
	refused('header-space-before-colon', 'GET <path>?transport=tcp HTTP/1.1', 'Host: x', 'X-A : 1'),
	refused('header-empty-name', 'GET <path>?transport=tcp HTTP/1.1', 'Host: x', ': 1'),
	refused('header-control', 'GET <path>?transport=tcp HTTP/1.1', 'Host: x', 'X-A: a\x01b'),
	refused('header-nul', 'GET <path>?transport=tcp HTTP/1.1', 'Host: x', 'X-A: a\x00b'),
	refused('origin-control', `${HANDSHAKE}`, 'Host: x', 'Origin: a\x01b'),
	refused('header-latin1', 'GET <path>?transport=tcp HTTP/1.1', 'Host: x', 'X-A: \xe9'),
	refused('header-folded', 'GET <path>?transport=tcp HTTP/1.1', 'Host: x', 'X-A: a', ' b'),
	refused('header-huge', 'GET <path>?transport=tcp HTTP/1.1', 'Host: x', `X-A: ${'a'.repeat(20_000)}`),
	refused('headers-many', 'GET <path>?transport=tcp HTTP/1.1', 'Host: x', ...Array.from({ length: 400 }, (_, i) => `X-${i}: ${'b'.repeat(40)}`)),
	refused('length-twice', 'POST <path>?transport=tcp HTTP/1.1', 'Host: x', 'Content-Length: 1', 'Content-Length: 2'),
	refused('length-letters', 'POST <path>?transport=tcp HTTP/1.1', 'Host: x', 'Content-Length: abc'),
	refused('length-negative', 'POST <path>?transport=tcp HTTP/1.1', 'Host: x', 'Content-Length: -1'),
	refused('length-huge', 'POST <path>?transport=tcp HTTP/1.1', 'Host: x', `Content-Length: ${'9'.repeat(30)}`),
	refused('length-and-chunked', 'POST <path>?transport=tcp HTTP/1.1', 'Host: x', 'Content-Length: 1', 'Transfer-Encoding: chunked'),
	refused('encoding-unknown', 'POST <path>?transport=tcp HTTP/1.1', 'Host: x', 'Transfer-Encoding: gzip'),
	outside('absolute-target', 'GET http://127.0.0.1<path>?transport=tcp HTTP/1.1', 'Host: x'),
	outside('target-star', 'OPTIONS * HTTP/1.1', 'Host: x'),
	outside('connect', 'CONNECT example:80 HTTP/1.1', 'Host: x'),
	refused('http-1-0', 'GET <path>?transport=tcp HTTP/1.0'),
	refused('http-1-0-keep-alive', 'GET <path>?transport=tcp HTTP/1.0', 'Connection: keep-alive'),
	refused('connection-close', 'GET <path>?transport=tcp HTTP/1.1', 'Host: x', 'Connection: close'),
	refused('fragment', 'GET <path>?transport=tcp#x HTTP/1.1', 'Host: x'),
	refused('utf8-target', 'GET <path>?transport=tcp&x=\xc3\xa9 HTTP/1.1', 'Host: x'),
	refused('long-target', `GET <path>?transport=tcp&x=${'y'.repeat(7000)} HTTP/1.1`, 'Host: x'),
	refused('empty-line-first', '\r\nGET <path>?transport=tcp HTTP/1.1', 'Host: x'),
	refused('upgrade-h2c', 'GET <path>?transport=tcp HTTP/1.1', 'Host: x', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA'),
	head('chunk-size-bad', ['POST <path>?transport=tcp HTTP/1.1', 'Host: x', 'Transfer-Encoding: chunked'], 'xyz\r\n'),
	head('pipelined', ['GET <path>?transport=tcp HTTP/1.1', 'Host: x'], 'GET <path> HTTP/1.1\r\nHost: x\r\n\r\n', ['GET', 'GET']),
	head('body-of-refused', ['POST <path>?transport=tcp HTTP/1.1', 'Host: x', 'Content-Length: 5'], `abcde${LATER}`, ['POST', 'GET']),
];
