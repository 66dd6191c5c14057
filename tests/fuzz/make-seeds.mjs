#!/usr/bin/env node
// SPDX-License-Identifier: MIT
//
// Makes what the fuzz targets start from, out of the vectors: tests/fuzz/seeds/NAME/ with one file per input, called by its SHA-1 as
// libFuzzer does it, and tests/fuzz/seeds/NAME.dict with the words of its language. With --check nothing is written: it ends with 1
// when something is not as it would make it.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const top = join(here, '../..');
const { vectors, http_exchanges: exchanges } = JSON.parse(readFileSync(join(top, 'tests/vectors/protocol-vectors.json')));
const { vectors: adapters } = JSON.parse(readFileSync(join(top, 'tests/vectors/adapter-vectors.json')));
const columns = JSON.parse(readFileSync(join(top, 'tests/vectors/columns-vectors.json')));

/** So many inputs of each target, and none longer than this: they are in git, and the fuzzer is fast with short ones. */
const MOST = 24;
const LONGEST = 1000;

const bytes = (...parts) => Buffer.concat(parts.map((p) => (typeof p === 'number' ? Buffer.from([p]) : Buffer.from(p))));
const wire = (vector) => (vector.wire.hex === undefined ? Buffer.from(vector.wire.utf8) : Buffer.from(vector.wire.hex, 'hex'));
const attachments = (vector) => (vector.wire.attachments ?? []).map((hex) => Buffer.from(hex, 'hex'));
const of = (layer, ...transports) => vectors.filter((v) => v.layer === layer && (transports.length === 0 || transports.includes(v.transport)));

/** Preceded by its length, as several targets want it. */
const piece = (data, most, flag = 0) => bytes(flag | Math.min(data.length, most), data.subarray(0, most));

/** A WebSocket frame from a client, whose mask changes nothing. */
const frame = (first, data) => bytes(first, 0x80 | Math.min(data.length, 126), data.length < 126 ? '' : Buffer.from([0, data.length]), '\0\0\0\0', data);

/** The JSON in Socket.IO packets. */
const json = of('sio')
	.map((v) => /[[{"].*$/s.exec(v.wire.utf8 ?? '')?.[0])
	.filter(Boolean);

// HTTP, beside what the vectors have: each way to frame a body, and what is wrong in each place.
const HEAD = 'POST /s HTTP/1.1\r\nHost: a\r\n';
const CHUNKED = `${HEAD}Transfer-Encoding: chunked\r\n\r\n`;
const framings = [
	`${HEAD}Content-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\nHost: a\r\n\r\n`,
	`\r\n\r\n${HEAD}content-length: 0\r\nConnection: close\r\n\r\n`,
	`${CHUNKED}3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n`,
	`${CHUNKED}0a;name=value;other="quoted \\" pair"\r\n0123456789\r\n00\r\nTrailer: x\r\nHost:\r\n\r\n`,
	`${HEAD}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
	`${HEAD}Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\nContent-Length: 1\r\n\r\n0\r\n\r\n`,
	`${CHUNKED}3\nabc\r0\r\nA: b\r C: d\n\r\n`,
	'GET http://host:80/path?query#fragment HTTP/1.1\r\nHost: other\r\n\r\nGET ws://host?q HTTP/1.1\r\nHost:\r\n\r\n',
	'GET /w HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Key: x\r\n\r\n\x81\x00',
	'GET /w HTTP/1.1\r\nHost: a\r\nUpgrade: h2c, websocket\r\nConnection: upgrade\r\nContent-Length: 2\r\n\r\nabGET /',
	'GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\nblank : c\r\n: d\r\n\r\n',
	'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
	'OPTIONS * HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\nCONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\nGET /\r\n',
];
const request = ({ method, path, headers, body }) =>
	`${method} ${path} HTTP/1.1\r\nHost: a\r\n${Object.entries(headers ?? {}).map(([k, v]) => `${k}: ${v}\r\n`).join('')}` +
	`${body ? `Content-Length: ${Buffer.byteLength(body)}\r\n` : ''}\r\n${body ?? ''}`;
const requests = [...framings, ...exchanges.map((e) => request(e.request))];
const HTTP_WORDS = [
	...['GET ', 'HEAD ', 'POST ', 'OPTIONS ', 'PUT ', 'CONNECT ', 'PRI * ', ' HTTP/1.1', ' HTTP/1.0', ' HTTP/2.0', 'http://', '#', '?'],
	...['\r\n', '\r\n\r\n', '\r', '\n', '\n\n', '\r\r\n', '\r\n ', '\r\n\t', ' :', ':', ': ', ',', ';', '="', '\\"', '0\r\n', '\r\n0\r\n\r\n'],
	...['Host', 'Content-Length', 'Transfer-Encoding', 'chunked', 'gzip, chunked', 'identity', 'Connection', 'close', 'keep-alive'],
	...['Upgrade', 'upgrade', 'websocket', 'h2c', 'Expect', '100-continue', 'Cookie', 'Origin', 'Content-Type', 'ffffffffffffffff'],
];
const JSON_WORDS = ['{', '}', '[', ']', ',', ':', '"', '\\"', '\\\\', '\\u0000', '\\ud83d\\ude00', 'true', 'false', 'null', '-0', '1e5', '0.5', '\xff'];
const PACKET_WORDS = [...JSON_WORDS, '{"_placeholder":true,"num":0}', '0{', '2[', '3', '1-', '51-', '61-', '/admin,', '/a,', '?a=b', '["connect"]'];
const CONFIG = `{ // all kinds of values
	"listen": ["127.0.0.1:3000", "unix:/run/a"], "admin": "[::1]:9100", "redis": ["redis://u:p@h:1/2", "unix:/r"], "workers": 2, /* two */
	"feeds": [
		{ "channel": "ticks", "event": "tick", "encode": "json", "format": "array", "interval": 250, "slow": "latest" },
		{ "pattern": "a.*", "event": "{1}", "room": "{/s}", "where": { "/a": { "in": [1, "b", null] } }, "encode": "binary", "format": "frames" }
	],
	"on": { "connection": [{ "join": ["a", "{query.x}"] }], "*": [{ "emit": ["e", "{args}"] }, { "publish": ["c", "{1}"] }] },
	"engine": { "cookie": { "name": "io", "sameSite": "lax" }, "pingInterval": 1000, "allowEIO3": true, "maxPayload": 1e5 },
	"cors": { "origin": ["http://a"], "credentials": true }, "limits": { "headerBytes": 1024, "clientQueueBytes": 5000 },
	"compat": "2.x", "client": { "version": "4" }, "www": "/tmp", "namespaces": ["/", "/a"]
}`;

/** Flags and two lengths of fuzz_feed_stream: each encoding and format, with and without an interval. */
const batches = [0, 1, 2, 3, 6, 9, 12, 13, 14, 15, 17, 18, 21];

/** Records of what is written down of a feed (src/feed/saving.h): numbers, and texts. */
const number = (n) => (n < 128 ? bytes(n) : bytes(0x80 | (n & 0x7f), number(n >> 7)));
const record = (...fields) => bytes(...fields.map((f) => (typeof f === 'number' ? number(f) : bytes(number(Buffer.byteLength(f)), f))));
const PID = 'AbcdefghijklmnopqrsT';
const savings = {
	head: record(1, 4999000, 1, 20, 1, 2, 0),
	plainHead: record(1, 4999000, 0),
	feeds: bytes(...[1, 2, 3, 4].map((print) => record(2, print, print === 4 ? 3 : 0))),
	places: bytes(record(3, 'redis:1', 1, 's', '1-1 5'), record(3, 'redis:1', 0, '', `${'0123456789'.repeat(4)} 77`)),
	rooms: bytes(record(4, '/', 1, '', 2), record(4, '/', 0, 'room', 0)),
	session: record(5, PID, PID.slice(0, 15), 10, 3, 4, 5, 1, 0, 0, 0, 0, 6, 2, 2, 0, 0, 1, 4),
	broadcasts: bytes(record(6, 0, 7, 3, 100, 1, 1, 1, 0, 3, '2["e",1,"7"]', 0), record(6, 4, 9, 1, 50, 2, 2, 0, 1, 1, 'x', 1, '451-["b"]', 2, 'bytes', 0)),
	states: bytes(record(7, 0, 'e', '/', 0, 'room', 0), record(7, 1, 'e', '/', 0, '1:a,1:b,', 1, 2, 'a', 'b', 1, 'c')),
	retained: bytes(record(8, 0, '"k', 10, '{"k":"k"}'), record(8, 1, '', 0, '1')),
};
const saved = ({ head, feeds, places, rooms, session, broadcasts, states, retained }) => bytes(head, feeds, places, rooms, session, broadcasts, states, retained);

const targets = {
	adapter: {
		seeds: [
			...adapters.filter((v) => v.payload.length < 500).map((v) => bytes(v.channel.replace(/^socket.io/, 'k'), '\n', Buffer.from(v.payload, 'hex'))).filter((_, i) => i % 4 === 0),
			'k-request#/#\n{"type":2,"opts":{"rooms":["a",7],"except":["b"]},"rooms":["c"]}',
			'k-request#/a#\n{"requestid":"x","type":6,"sid":"s","close":true}',
			'k#/#\n{"type":3,"data":{"packet":{"type":2,"data":["e",1]},"opts":{"rooms":["a"],"except":[],"flags":{}},"requestId":"x"},"uid":"u","nsp":"/"}',
			'k#/#\n{"type":7,"data":{"opts":{"rooms":[],"except":[]},"requestId":"x"},"uid":"u","nsp":"/"}',
			'/\n{"packet":{"type":2,"data":["e"]},"opts":{"rooms":[],"except":[],"flags":{}}}',
			'/a\ngqZwYWNrZXSCpHR5cGUCpGRhdGGSoWLEAgECpG9wdHODpXJvb21zkKZleGNlcHSQpWZsYWdzgA==',
		].map((s) => Buffer.from(s)),
		words: ['\x92\x83', '\x93\xa1', '\xa4type\x02', '\xa4data\x92\xa1', '\xa3nsp\xa1/', '\xa5rooms\x91\xa1r', '\xa5flags\x80', '\xa6except\x90', '\xc4\x01', '\xd8\x00\x01', '\xd4\x00\x00', 'k#/#\n', 'k#/#r#\n', 'k-request#/#\n'],
	},
	msgpack: {
		seeds: [
			...adapters.filter((v) => v.payload.length < 300).map((v) => Buffer.from(v.payload, 'hex')).filter((_, i) => i % 7 === 0),
			'[1,-1,1.5,"\\u00e9",{"a":[null,true,{}]},[[[[[[[[[[[1]]]]]]]]]]]]',
			'[{"_placeholder":true,"num":0}]',
		].map((s) => Buffer.from(s)),
		words: ['\x92', '\x81\xa1', '\xc4\x01', '\xd8\x00\x01', '\xcb', '\xcf', '\xdd', '{"_placeholder":true,"num":0}', '1e400', '-0'],
	},
	admin_publication: {
		seeds: [
			'{"channel":"news","message":{"a": 1.50}}',
			'{"channel":"c","message":"a \\"text\\"\\u0041"}',
			'{"event":"e","args":[1, "x"],"namespace":"/a","room":"r"}',
			' [ {"event":"e","room":["a","\\u00e9","a"],"except":"x"} , {"channel":"c","message":[]} ] ',
			'{"event":"e","room":[],"except":["y",""]}',
			'[{"event":"disco\\u006enect"}]',
			...json.slice(0, 8).map((s) => `{"event":"e","args":${s}}`),
		].map((s) => Buffer.from(s)),
		words: [...JSON_WORDS, '"channel":', '"message":', '"event":', '"args":[', '"namespace":"/', '"room":', '"except":', '["a","b"]'],
	},
	columns: {
		seeds: [
			...columns.batches.filter((v) => v.byHand).slice(0, 10).map((v) => bytes(0, Buffer.from(v.batch, 'hex'))),
			...columns.batches.slice(0, 8).map((v) => bytes(1, v.array)),
			...columns.batches.slice(8, 14).map((v) => bytes(2, Buffer.from(v.batch, 'hex'))),
		],
		words: [...JSON_WORDS, '\x01\x00', '[[', ']]', '},{', '1.50', '-0', '1e5'],
	},
	config: {
		seeds: [
			CONFIG,
			...CONFIG.split('\n').slice(1, -1).map((line) => `{${line.replace(/,[^,]*$/, '')}}`),
			'{"a\\n\\u009b": 1, "listen": "\\u0007\x7f", "feeds": {"\xc2\x85": "\\ud800"}}',
			'[{"listen": 1e400}',
		].map((s) => (typeof s === 'string' ? Buffer.from(s, 'latin1') : s)),
		words: [
			...JSON_WORDS,
			...['//', '/*', '*/', '"listen"', '"admin"', '"redis"', '"feeds"', '"channel"', '"event"', '"room"', '"where"', '"on"', '"join"'],
			...['"leave"', '"emit"', '"ack"', '"publish"', '"engine"', '"cors"', '"origin"', '"client"', '"compat"', '"limits"', '"cookie"'],
			...['{1}', '{/a}', '{{', '*', '\\n', '\\u009b', '\x7f', '\xc2\x85'],
		],
		longest: 2000,
	},
	eio_inbound: {
		// One frame, two frames with a ping between, an extended length, a close frame; their masks are mostly zero.
		seeds: of('eio', 'websocket').map((v, i) => {
			const data = wire(v);
			const half = data.length >> 1;
			const opcode = v.wire.utf8 === undefined ? 2 : 1;
			const parts = [frame(opcode, data.subarray(0, half)), frame(0x89, Buffer.from('ping')), frame(0x80, data.subarray(half))];
			return bytes(i, frame(0x80 | opcode, data), ...(i % 3 ? parts : []), i % 4 ? '' : frame(0x81, Buffer.alloc(150, 'a')), frame(0x88, Buffer.from('\x03\xe8bye', 'latin1')));
		}),
		words: ['\x81\x80', '\x82\x80', '\x01\x80', '\x80\x80', '\x88\x82', '\x89\x80', '\xc1\x80', '\x81\xfe\x00\x7e', '\x81\xff', '\x00\x00\x00\x00', '\x03\xe8', '\xe2\x82\xac'],
	},
	eio_jsonp: {
		seeds: [...of('eio', 'jsonp').map(wire), ...of('eio', 'polling').map((v) => bytes('d=', encodeURIComponent(v.wire.utf8 ?? '')))],
		words: ['d=', '&', '=', '%5C', '%5Cn', '%0A', '%', '+', '\\n', '\\\\n', '\xe2\x80\xa8', 'sid='],
	},
	eio_payload: {
		// The first byte is the rule about text, of three, and three times the form.
		seeds: of('eio').map((v) => {
			const forms = { polling: v.revision === 4 ? 0 : 1, 'polling-binary': 2, websocket: v.revision === 4 ? 3 : 4, jsonp: 1 };
			return bytes(3 * forms[v.transport] + (v.id.startsWith('eio3a') ? 2 : 1), wire(v));
		}),
		words: ['\x1e', '\x00\x01\xff4', '\x01\x02\xff', '1:', '10:', 'b', 'b4', '0', '1', '2probe', '3probe', '4', '5', '6', '\xc3\x83\xc2\xa9', '='],
	},
	eio_peer: {
		seeds: [
			'10.0.0.0/8\n10.1.1.1\nX-Forwarded-For: 192.0.2.1, 10.2.2.2:80\r\n\r\n',
			'unix\n\nX-Forwarded-For: [2001:db8::9]:443,,unknown\r\nX-Forwarded-For: ::1\r\n\r\n',
			'::ffff:10.0.0.0/104\n[::ffff:10.0.0.1]:5\nX-Forwarded-For: 10.0.0.2, ::ffff:10.0.0.3\r\n\r\n',
			'2001:db8::/33\n2001:db8::1\nX-Forwarded-For: 2001:db8:8000::1, 2001:db8:1::1\r\n\r\n',
			'::/0\n::\nX-Forwarded-For:\r\n\r\n',
			'10.0.0.0/8\n10.1.1.1\nForwarded: for="[2001:db8::9]:443";by=_x, proto=https; For=192.0.2.1 , for="a\\"b"\r\n\r\n',
		].map((s) => Buffer.from(s)),
		words: ['10.0.0.0/8', '127.0.0.1', '::1', '::ffff:', 'unix', '/0', '/32', '/128', '[', ']', ']:', ':80', ', ', '\r\n\r\n', '\r\nX-Forwarded-For: ', '\r\nForwarded: ', 'for=', '";', '\\', 'unknown', '%eth0'],
	},
	eio_proxy_header: {
		seeds: [
			'PROXY TCP4 192.0.2.7 192.0.2.1 56324 443\r\nGET',
			'PROXY TCP6 2001:db8::7 ::1 0 65535\r\n',
			'PROXY UNKNOWN a b c\r\n\x16',
			'\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\xc0\0\x02\x01\xdc\x04\x01\xbb',
			`\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x2b${'\x20'.repeat(36)}\x04\0\x04abcd`,
			'\r\n\r\n\0\r\nQUIT\n\x20\0\0\0x',
		].map((s) => Buffer.from(s, 'latin1')),
		words: ['PROXY ', 'TCP4 ', 'TCP6 ', 'UNKNOWN', '\r\n', ' 443', '\r\n\r\n\0\r\nQUIT\n\x21', '\x11\0\x0c', '\x21\0\x24', '\x31\0\xd8'],
	},
	eio_session: {
		// Polls, POSTs with a message in them, a probe and the upgrade, frames, time.
		seeds: of('eio', 'polling', 'websocket')
			.filter((v) => wire(v).length < 30)
			.map((v, i) => {
				const data = piece(wire(v), 30);
				const probe = [5, 6, piece(Buffer.from('2probe'), 30), 6, piece(Buffer.from('5'), 30)];
				return bytes(i % 8 | (i % 3) << 3, 0x8b, 1, 0x80, 1, 2, data, 0x84, 0, ...(i % 2 ? probe : []), 0x87, data, 0x89, 200, 0x8b, 0, 0x80, 0x8a, i, 0x8d, i);
			}),
		words: ['\x80', '\x05\x06\x062probe', '\x06\x015', '\x87', '\x89\xff', '\x8d\x01', '\x01\x02\x0242', '\x84\x00'],
	},
	eio_utf8: {
		seeds: [...of('eio', 'websocket').map(wire), ...['\xed\xa0\x80', '\xf4\x90\x80\x80', '\xc0\x80', '\xe2\x82'].map((s) => Buffer.from(s.padStart(63, 'a'), 'latin1'))],
		words: ['\xc2\x80', '\xdf\xbf', '\xe0\xa0\x80', '\xed\x9f\xbf', '\xed\xa0\x80', '\xef\xbf\xbf', '\xf0\x90\x80\x80', '\xf4\x8f\xbf\xbf', '\xf4\x90\x80\x80', '\xc0\x80'],
	},
	feed_saving: {
		seeds: [
			bytes(1, saved(savings)),
			bytes(0, saved(savings)),
			bytes(1, savings.plainHead, savings.feeds, savings.places, savings.states, savings.retained),
			...['head', 'feeds', 'places', 'rooms', 'session', 'broadcasts', 'states', 'retained'].map((name) => bytes(1, saved({ ...savings, [name]: '' }))),
			bytes(1, savings.head, savings.rooms, savings.session, savings.session),
			bytes(1, savings.head, savings.feeds, savings.states, savings.states, savings.retained),
			bytes(1, savings.head, savings.rooms, savings.broadcasts, savings.broadcasts),
		],
		words: [...Object.values(savings), '\x01/\x01\x00', '\x07redis:1'].filter((word) => word.length <= 40),
	},
	feed_shape: {
		seeds: json.map((s, i) => bytes([2, 130, 1, 195, 193, 160, 4, 66][i % 8], ['', '/0', '/a /a/b', '/1/num /_placeholder'][i % 4], '\n', ['', '{/0}', '{/a?}', 'is {/1}: {text}', '{message}'][i % 5], '\n', s)),
		words: [...JSON_WORDS, '{channel}', '{1}', '{/a}', '{/0}', '{message}', '{message.a}', '{text}', '?}', '/a/b', '/0', '~0', '~1', ' ', '\n'],
	},
	feed_stored: {
		seeds: [
			'hqdzaW9jYXN0tEFBQUFBQUFBQUFBQUFBQUFBQUFBo3NpZKFzo3BpZKFwpXJvb21zkqFhoWKkZGF0YYCiYXSYAaEvoTWhMKF4oKF5kqCheg==',
			'gadzaW9jYXN0tEFBQUFBQUFBQUFBQUFBQUFBQUFB',
		].flatMap((text) => [bytes(0, text), bytes(1, Buffer.from(text, 'base64'))]).concat([
			bytes(2, '1Dx~MlqpA-ETqRzvu.pAj'),
			bytes(2 + 4 + 32, 'Xk.1~zdui06_9NuOvS.5By,1Xy.1jQQt0!0,6,1:1,2,zz'),
			bytes(3, '0~ZBAT0'),
		]),
		words: ['siocast', 'sid', 'pid', 'rooms', 'data', 'at', '\x86', '\x81', '\xb4', '\x90', '\x98\x01', '\xd9\x20', '\xda\x01\x00', '\xdb', '\xdc', '\xdd', '\x80', '~', '!0,', ':0,0,', '.'],
	},
	feed_stream: {
		seeds: batches.map((how, i) => bytes(how, i % 8, 200, ...json.slice(5 * i, 5 * i + 5).map((s) => piece(Buffer.from(s), 120)))),
		words: JSON_WORDS,
	},
	handlers_answer: {
		seeds: [
			'{"leave":["a"],"join":["b",7],"emit":[["e",1,[2]],[3]],"broadcast":[{"room":"r","except":["x","y"],"event":"e","args":[ 1 ],"self":true},{"event":"f"}],"ack":[{"a":1}],"disconnect":true}',
			' {"broadcast":[{"room":[],"event":"\\u0061","args":[]}],"ack":null} ',
			'{"message":"no \\u00e9","data":{"a":[1]}}',
			...json.slice(0, 8),
		].map((s) => Buffer.from(s)),
		words: [...JSON_WORDS, '"leave":[', '"join":["a"]', '"emit":[["e"', '"broadcast":[{"event":"e"', '"room":', '"except":', '"args":[', '"self":true', '"ack":[', '"disconnect":', '"message":"', '"data":'],
	},
	handlers_request: {
		seeds: [
			...exchanges.map((e) => `${Object.entries(e.request.headers ?? {}).map(([k, v]) => `${k}: ${v}\r\n`).join('')}\r\n`),
			'Cookie: a=b; c="d e"; =f; g\r\nCookie: a=\xff\r\nA: \xc3\xa9\r\nA: x\r\n\r\n',
			'token=a%20b&a=1&a=2&=x&%00=%ff+',
		].map((s) => Buffer.from(s, 'latin1')),
		words: ['Cookie: ', 'cookie', 'A: ', '; ', '=', '"', '\r\n', '\r\n\r\n', '%00', '%ff', '+', '&', '\xff', '\\'],
	},
	http: { seeds: requests.map((s) => Buffer.from(s, 'latin1')), words: [...HTTP_WORDS, '\xc3\xa9'], first: framings.length },
	http_framing: { seeds: requests.map((s) => Buffer.from(s, 'latin1')), words: HTTP_WORDS, first: framings.length },
	presence_wire: {
		seeds: [
			'["n1",1]\n["/","room"]\n17',
			'["n1",2,"hello"]\n["/","room","42"]\n[42,{"name":"Ada"}]',
			'["n1",3,"all"]\n["/",null]\n17',
			'["n1",4,"bye"]\n["/a","r","x"]\n["x",null]',
			'["n1",5,[["+","/","room",42,{"name":"Ada"}],["-","/","room","42"],["#","/",null,17]]]\n\n',
			'["n\\u00e9",999999999999999999,[["+","/\\ud800","\\u0000","a\\"b",[1]],["-","/","r",1.5e3],["?"],5]]\n["/"]\n[]',
		].map((s) => Buffer.from(s)),
		words: [...JSON_WORDS, '"+"', '"-"', '"#"', '"hello"', '"all"', '"bye"', '["n",1,[', '["/","r","m"]', '\n', '\n["/",null]\n'],
	},
	redis_reply: {
		first: 2,
		seeds: [
			'*1\r\n*2\r\n$1\r\ns\r\n*2\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n*2\r\n$3\r\n1-2\r\n*4\r\n$1\r\na\r\n$1\r\n2\r\n$0\r\n\r\n$9\r\nnine long\r\n',
			'*14\r\n$6\r\nlength\r\n:1\r\n$17\r\nlast-generated-id\r\n$3\r\n1-2\r\n$20\r\nmax-deleted-entry-id\r\n$3\r\n1-1\r\n$13\r\nentries-added\r\n:2\r\n$11\r\nfirst-entry\r\n*2\r\n$3\r\n1-2\r\n*2\r\n$1\r\na\r\n$1\r\n1\r\n$10\r\nlast-entry\r\n$-1\r\n$6\r\ngroups\r\n:0\r\n',
			...json.map((s, i) => {
				const bulk = (text) => `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
				const message = `*3\r\n${bulk('message')}${bulk(`c${i}`)}${bulk(s)}`;
				const pattern = `*4\r\n${bulk('pmessage')}${bulk('c*')}${bulk(`c${i}`)}${bulk(s)}`;
				return `*3\r\n${bulk('subscribe')}${bulk('c')}:1\r\n${i % 2 ? message : pattern}${message}`;
			}),
			'+OK\r\n-NOAUTH Authentication required.\r\n:5\r\n$-1\r\n*-1\r\n*0\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n+PONG\r\n',
		].map((s) => Buffer.from(s)),
		words: ['\r\n', '*3\r\n', '*4\r\n', '$7\r\nmessage\r\n', '$8\r\npmessage\r\n', '$9\r\nsubscribe\r\n', ':1\r\n', '+OK\r\n', '-ERR ', '$-1\r\n', '*-1\r\n'],
	},
	redis_replication: {
		seeds: [
			...json.map((s, i) => {
				const id = '0123456789'.repeat(4);
				const bulk = (text) => `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
				const snapshot = i % 2 ? `$5\r\nREDIS` : `$EOF:${id}\r\nREDIS${id}`;
				const message = `*3\r\n${bulk('publish')}${bulk(`c${i}`)}${bulk(s)}`;
				return `+FULLRESYNC ${id} ${i}\r\n${snapshot}*1\r\n${bulk('PING')}${message}*2\r\n${bulk('SELECT')}${bulk('0')}${message}`;
			}),
			'-NOMASTERLINK wait\r\n',
		].map((s) => Buffer.from(s)),
		words: ['\r\n', '*3\r\n', '$7\r\npublish\r\n', '*1\r\n$4\r\nPING\r\n', '*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n', '+FULLRESYNC ', '+CONTINUE', '$EOF:'],
	},	redis_topology: {
		seeds: [
			'MOVED 3999 127.0.0.1:6381\n*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:7000\r\n',
			'MOVED 1 2001:db8::1:6379\n*2\r\n*4\r\n:0\r\n:5\r\n*3\r\n$0\r\n\r\n:7000\r\n$2\r\nid\r\n*3\r\n$1\r\nb\r\n:7001\r\n$2\r\nid\r\n*3\r\n:6\r\n:6\r\n*3\r\n$1\r\nb\r\n:7002\r\n$2\r\nid\r\n',
			'ASK 5 :1\n*1\r\n*3\r\n:1\r\n:1\r\n*4\r\n$1\r\n?\r\n:7000\r\n$2\r\nid\r\n*4\r\n$2\r\nip\r\n$7\r\n1.2.3.4\r\n$1\r\nx\r\n*1\r\n:1\r\n',
			'CLUSTERDOWN Hash slot not served\n*1\r\n*3\r\n:1\r\n:1\r\n*4\r\n$-1\r\n:7000\r\n$2\r\nid\r\n*0\r\n',
			'TRYAGAIN\n*0\r\n',
		].map((s) => Buffer.from(s)),
		words: ['\r\n', '*2\r\n', '*3\r\n', '*4\r\n', ':0\r\n', ':16383\r\n', '$-1\r\n', '$1\r\n?\r\n', '$2\r\nip\r\n', '$8\r\nhostname\r\n', 'MOVED ', 'ASK ', 'CLUSTERDOWN', '{', '}'],
	},

	relay: {
		seeds: (() => {
			const text = (value) => piece(Buffer.from(value), 127);
			const said = (type, ...parts) => piece(bytes(type, ...parts), 127);
			const terms = (flags, ...keys) => bytes(flags, '12345678', ...keys);
			const packets = bytes(2, 2, text('2["e",[1,22]]'), 1, text('\0\x01'));
			const marks = bytes(2, 5, 0, 7, 11, 11, 0, 2, 7, 'keyofthe', 2, 'keyother');
			return [
				bytes(said(1, 'siocast-relay', 1, text('a'), '0123456789abcdef'), said(2, Buffer.alloc(32), Buffer.alloc(16), 3, 4), said(3, 1, Buffer.alloc(16), 3, 4, 0, 1, Buffer.alloc(16), 1, text('/'), text('news'))),
				bytes(said(5, 0, text('/'), text('room')), said(5, 1, text('/n'), 0), said(6, 0, text('/'), text('room')), said(7, 1), said(8, 2), said(9, text('a'), 'b'), said(10)),
				bytes(said(11, 9, 0, text('/'), text('room')), said(13, 9, terms(13), packets), said(12, 9), said(14, 1), said(17)),
				said(15, text('/'), 2, text('a'), text('b'), 1, text('c'), terms(16), packets),
				said(13, 1, terms(33, marks), 1, 2, text('2["e",[1,22]]')),
				said(18, 1, text('/'), text('id'), 2, text('a'), text('b'), 1, text('c')),
				said(19, 0, 3, 1, piece(bytes(1, 2, text('2["s",1]')), 127)),
				Buffer.from([0xff, 0xff, 0x03, 13, 1, 2, 3]),
			];
		})(),
		words: ['siocast-relay', '\x01/', '\x0d\x01', '\x0f\x01/', '\x80\x01', '\xff\xff\x03', '2["e",1]'],
	},
	resp: {
		seeds: [
			'*3\r\n$7\r\nPUBLISH\r\n$1\r\na\r\n$5\r\nhello\r\n*1\r\n$4\r\nPING\r\n',
			'*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n*3\r\n$8\r\nSPUBLISH\r\n$0\r\n\r\n$25\r\n0123456789012345678901234\r\nQUIT\r\n',
			'HELLO 3 AUTH default secret SETNAME me\r\nCLIENT SETINFO lib-name x\nPUBLISH "a\\x41" \'b c\'\r\nCLIENT REPLY SKIP\nPING\n',
			'CLIENT REPLY OFF\nPUBLISH a b\nCLIENT REPLY ON\nRESET\nSELECT 16\nCOMMAND INFO ping\nINFO\nCLIENT INFO\nGET a b c\n',
			'*0\r\n*-1\r\n*17\r\n$1\r\na\r\n$1\r\nb\r\n*1\r\n$-1\r\n',
			'*1\r\nPING\r\n',
			'PUBLISH "a\r\n',
			'*11\r\n',
		].map((s) => Buffer.from(s)),
		words: [
			...['\r\n', '*1\r\n', '*3\r\n', '*0\r\n', '*-1\r\n', '$-1\r\n', '$0\r\n\r\n', '$1\r\na\r\n', '$7\r\nPUBLISH\r\n', '$4\r\nPING\r\n', '$6\r\nCLIENT\r\n'],
			...['PUBLISH ', 'SPUBLISH ', 'PING', 'ECHO ', 'AUTH ', 'secret', 'default', 'HELLO 3 ', 'SETNAME ', 'RESET', 'SELECT ', 'CLIENT ', 'REPLY ', 'SKIP', 'OFF', 'ON'],
			...['SETINFO ', 'LIB-NAME ', 'COMMAND ', 'DOCS', 'INFO', 'QUIT', '"', '\\x41', "'", '\\"', '16384', '536870913', '2147483648'],
		],
	},
	sio_client: {
		seeds: of('sio').map((v) => {
			const data = wire(v);
			const before = v.revision === 5 ? piece(Buffer.from('0'), 127) : bytes();
			return bytes(v.revision === 5 ? 0 : 1, before, piece(Buffer.from('0/a'), 127), piece(data, 127), ...attachments(v).map((a) => piece(a, 127, 0x80)));
		}),
		words: PACKET_WORDS,
	},
	sio_json: { seeds: json.map((s) => Buffer.from(s)), words: JSON_WORDS },
	sio_packet: { seeds: of('sio').map(wire), words: PACKET_WORDS },
	template: {
		seeds: json.map((s, i) => Buffer.from(`${['{channel}', 'a.{1}-{/a/0}', '{0}{{{1.b}}}', '{args}', '{auth.a?}', '{header.x}{cookie.y}'][i % 6]}\n${['a.*', '*', 'a?[b-c]*'][i % 3]}\na.b${i}\n${s}`)),
		words: [...JSON_WORDS, '{channel}', '{1}', '{2.a}', '{/a}', '{args}', '{auth}', '{query.a}', '{header.a}', '{cookie.a}', '{event}', '{rooms}', '{sid}', '{nsp}', '{reason}', '{{', '}}', '?}', '\n', '*', '[^a-b]'],
	},
};

/** The first ones, then those that lie evenly in the rest, shortest first where they are alike. */
function choose({ seeds, first = 0, longest = LONGEST }) {
	const named = new Map();
	const add = (seed) => named.set(createHash('sha1').update(seed).digest('hex'), seed);
	const rest = seeds.slice(first).filter((s) => s.length > 0 && s.length <= longest);
	seeds.slice(0, first).forEach(add);
	const step = Math.max(1, rest.length / (MOST - first));
	for (let at = 0; at < rest.length; at += step) add(rest[Math.floor(at)]);
	return named;
}

/** A word of a dictionary, in quotes. */
const quoted = (word) => `"${[...Buffer.from(word, 'latin1')].map((b) => (b > 0x20 && b < 0x7f && b !== 0x22 && b !== 0x5c ? String.fromCharCode(b) : `\\x${b.toString(16).padStart(2, '0')}`)).join('')}"`;

/** What there should be: contents by the path below seeds/. */
function everything() {
	const files = new Map();
	for (const [name, target] of Object.entries(targets)) {
		for (const [hash, seed] of choose(target)) files.set(`${name}/${hash}`, seed);
		files.set(`${name}.dict`, Buffer.from(`${[...new Set(target.words)].map(quoted).join('\n')}\n`));
	}
	return files;
}

const folder = join(here, 'seeds');
const wanted = everything();
const present = existsSync(folder)
	? readdirSync(folder, { withFileTypes: true }).flatMap((e) => (e.isDirectory() ? readdirSync(join(folder, e.name)).map((f) => `${e.name}/${f}`) : [e.name]))
	: [];
if (process.argv[2] === '--check') {
	const amiss = present.filter((f) => !wanted.has(f));
	for (const [f, content] of wanted) if (!present.includes(f) || !readFileSync(join(folder, f)).equals(content)) amiss.push(f);
	for (const f of amiss.sort()) console.log(`tests/fuzz/seeds/${f} is not as tests/fuzz/make-seeds.mjs makes it`);
	process.exit(amiss.length ? 1 : 0);
}
rmSync(folder, { recursive: true, force: true });
for (const [f, content] of wanted) {
	mkdirSync(dirname(join(folder, f)), { recursive: true });
	writeFileSync(join(folder, f), content);
}
