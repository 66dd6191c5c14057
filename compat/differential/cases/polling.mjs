// SPDX-License-Identifier: MIT
//
// Long-polling: what a POST may hold, content types, overlapping requests, limits, compression, JSONP.

import { Wire, chunked, requestBytes } from '../../../tests/e2e/lib/http.mjs';
import { binaryBody3, body } from '../payload.mjs';

const TEXT = { 'Content-Type': 'text/plain;charset=UTF-8' };
const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' };
const OCTETS = { 'Content-Type': 'application/octet-stream' };
const ECHO = '42["echo","x"]';

const joined = (name, act, rest = {}) => ({
	name,
	...rest,
	run: async (c) => {
		await c.join(rest.extra);
		await act(c);
	},
});

/** A POST while a poll is held. `data` is a body or makes one for a revision. */
const post = (name, data, headers = TEXT, rest = {}) =>
	joined(`post-${name}`, (c) => c.whilePolling(() => c.post(typeof data === 'function' ? data(c.eio) : data, headers)), rest);

const both = { eio: [3, 4] };
const four = { eio: [4] };
const three = { eio: [3] };

const contentTypes = [
	['none', {}],
	['plain', { 'Content-Type': 'text/plain' }],
	['upper', { 'CONTENT-TYPE': 'TEXT/PLAIN' }],
	['latin1', { 'Content-Type': 'text/plain; charset=iso-8859-1' }],
	['json', { 'Content-Type': 'application/json' }],
	['nonsense', { 'Content-Type': 'nonsense' }],
	['form', FORM],
	['octets-with-parameter', { 'Content-Type': 'application/octet-stream; charset=utf-8' }],
].map(([name, headers]) => post(`type-${name}`, (eio) => body(eio, ECHO), headers, both));

const bodies = [
	post('echo', (eio) => body(eio, ECHO), TEXT, both),
	post('two', (eio) => body(eio, ECHO, ECHO), TEXT, both),
	post('many', (eio) => body(eio, ...Array(40).fill(eio === 4 ? '6' : '2')), TEXT, both),
	post('message-empty', (eio) => body(eio, '4'), TEXT, both),
	post('type-letter', (eio) => body(eio, 'a'), TEXT, both),
	post('nul', (eio) => body(eio, '42["echo","a\\u0000b"]'), TEXT, both),
	post('utf8', (eio) => body(eio, '42["echo","é漢😀\u2028"]'), TEXT, both),
	...['\xff\xfe', '\xe2\x82', '\xc0\xaf', '\xed\xa0\x80', 'a\xf0\x9f\x98z'].map((bytes, i) => post(`bad-utf8-${i}`, (eio) => {
		const units = `42["echo","${Buffer.from(bytes, 'latin1')}"]`.length;
		return Buffer.from(`${eio === 4 ? '' : `${units}:`}42["echo","${bytes}"]`, 'latin1');
	}, TEXT, both)),
	post('octets', () => Buffer.from(ECHO), OCTETS, four),
	post('binary-form', () => binaryBody3(ECHO, '2'), OCTETS, three),
	post('binary-form-empty', () => Buffer.alloc(0), OCTETS, three),
	post('binary-event', () => binaryBody3('451-["echo",{"_placeholder":true,"num":0}]', Buffer.from([4, 1, 2, 3])), OCTETS, three),
	post('base64', (eio) => body(eio, '451-["echo",{"_placeholder":true,"num":0}]', eio === 4 ? 'bAQID' : 'b4AQID'), TEXT, both),
	...['AQ\nID', 'AQID\n', ' A\tQ\r\nID=', 'AQ = ='].map((base64, i) => post(`base64-white-${i}`, (eio) =>
		body(eio, '451-["echo",{"_placeholder":true,"num":0}]', `b${eio === 4 ? '' : 4}${base64}`), TEXT, both)),
	post('base64-url-alphabet', (eio) => body(eio, '451-["echo",{"_placeholder":true,"num":0}]', `b${eio === 4 ? '' : 4}-_8`), TEXT, both),
	post('ping', (eio) => body(eio, '2'), TEXT, both),
	post('ping-data', (eio) => body(eio, '2abc'), TEXT, both),
];

async function overlap(c, first, second) {
	await c.settle();
	const answer = await second();
	await c.settle();
	if (first.done) await c.answered('the first', first, { packets: true });
	else c.note({ step: 'the first', unanswered: true });
	first.cancel();
	await c.gone();
	return answer;
}

/** A POST that has sent its head and the first byte of its body. */
async function halfPost(c) {
	const wire = await Wire.open(c.port);
	c.cleanup.add(wire, () => wire.close());
	await wire.send(requestBytes('POST', c.target(c.polling), { ...TEXT, 'Content-Length': '10' }, '4'));
	return wire;
}

const mechanics = [
	joined('poll-overlap', async (c) => {
		const first = await c.startPoll();
		await overlap(c, first, () => c.poll());
	}, both),
	joined('post-overlap', async (c) => {
		const wire = await halfPost(c);
		await c.settle();
		await c.post(body(c.eio, '6'));
		await wire.closed();
		c.note({ step: 'the first', connection: 'ended', bytes: wire.data.length });
		await c.gone();
	}, both),
	joined('poll-aborted', async (c) => {
		const poll = await c.startPoll();
		await c.settle();
		poll.cancel();
		await c.gone();
	}, both),
	joined('post-aborted', async (c) => {
		const wire = await halfPost(c);
		await c.settle();
		wire.close();
		await c.gone();
	}, both),
	joined('post-chunked', (c) => c.whilePolling(async () => {
		const data = body(c.eio, ECHO);
		const headers = [['Host', 'x'], ['Content-Type', 'text/plain'], ['Transfer-Encoding', 'chunked']];
		await c.raw('POST in chunks', Buffer.concat([
			requestBytes('POST', c.target(c.polling), headers),
			chunked([data.slice(0, 5), data.slice(5)]),
		]), ['POST']);
	}), both),
	joined('post-expect', (c) => c.whilePolling(async () => {
		const wire = await Wire.open(c.port);
		c.cleanup.add(wire, () => wire.close());
		const data = body(c.eio, ECHO);
		const headers = { ...TEXT, Expect: '100-continue', 'Content-Length': String(data.length) };
		await wire.send(requestBytes('POST', c.target(c.polling), headers));
		const go = await wire.response('POST');
		c.note({ step: 'Expect', status: go.status });
		await wire.send(Buffer.from(data));
		const answer = await wire.response('POST');
		c.note({ step: 'POST', status: answer.status, body: answer.text });
	}), both),
	joined('two-requests-on-one-connection', (c) => c.whilePolling(async () => {
		const data = body(c.eio, ECHO);
		await c.raw('pipelined', Buffer.concat([
			requestBytes('POST', c.target(c.polling), TEXT, data),
			requestBytes('GET', c.target('?transport=tcp')),
		]), ['POST', 'GET']);
	}), both),
	joined('close-packet', async (c) => {
		await c.post(body(c.eio, '1'));
		await c.poll();
	}, both),
	joined('server-closes-unpolled', async (c) => {
		await c.post(body(c.eio, '42["quit"]'));
		await c.settle();
		await c.poll();
		// Without a poll the end has half a minute's time.
		await c.poll();
		await c.gone();
	}, both),
	joined('server-closes-polled', (c) => c.whilePolling(() => c.post(body(c.eio, '42["quit"]'))), both),
	joined('server-leaves', (c) => c.whilePolling(() => c.post(body(c.eio, '42["leave"]'))), both),
	joined('poll-with-waiting', async (c) => {
		await c.post(body(c.eio, ECHO, ECHO, ECHO));
		await c.settle();
		await c.poll();
	}, both),
	joined('binary-waiting', async (c) => {
		await c.post(body(c.eio, '452-["echo",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]', ...(c.eio === 4 ? ['bAQI=', 'bAwQ='] : ['b4AQI=', 'b4AwQ='])));
		await c.settle();
		await c.poll();
	}, both),
	joined('binary-waiting-b64', async (c) => {
		await c.post(body(c.eio, '451-["echo",{"_placeholder":true,"num":0}]', c.eio === 4 ? 'bAQI=' : 'b4AQI='));
		await c.settle();
		await c.poll();
	}, { ...both, extra: '&b64=1' }),
	joined('poll-with-body', async (c) => {
		await c.post(body(c.eio, ECHO));
		await c.settle();
		await c.ask('GET', c.polling, {}, 'a body', { packets: true });
		await c.alive();
	}, both),
];

const limits = { 3: ['v4-small', 'v2-small'], 4: ['v4-small'] };
/** A body of exactly this many bytes. */
function sized(eio, bytes) {
	const whole = (n) => body(eio, `42["echo","${'x'.repeat(n)}"]`);
	let n = bytes - whole(0).length;
	while (whole(n).length > bytes) n--;
	return whole(n);
}
const sizes = [['at', 1000], ['over', 1001], ['far-over', 50_000]].map(([name, bytes]) =>
	joined(`limit-${name}`, async (c) => {
		await c.whilePolling(async () => {
			const data = sized(c.eio, bytes);
			await c.raw(`POST of ${bytes}`, requestBytes('POST', c.target(c.polling), TEXT, data), ['POST']);
		});
	}, { ...both, profiles: (eio) => limits[eio] }));
const chunkedLimit = joined('limit-chunked', async (c) => {
	await c.whilePolling(async () => {
		const headers = { ...TEXT, 'Transfer-Encoding': 'chunked' };
		const data = Buffer.concat([requestBytes('POST', c.target(c.polling), headers), chunked([sized(c.eio, 1001)])]);
		await c.raw('POST of 1001 in chunks', data, ['POST']);
	});
}, { ...both, profiles: (eio) => limits[eio] });

/** A big answer: the reference compresses from 1024 bytes on. */
const compression = ['gzip', 'deflate', 'br', 'gzip, deflate, br', 'identity', '*', 'gzip;q=0'].map((accept) =>
	joined(`poll-encoding-${accept.replace(/[^a-z0-9]+/g, '-')}`, async (c) => {
		await c.post(body(c.eio, `42["echo","${'abcdefgh'.repeat(400)}"]`));
		await c.settle();
		await c.poll({ 'Accept-Encoding': accept });
	}, both));

const jsonp = (name, data, rest = both) =>
	joined(`jsonp-${name}`, (c) => c.whilePolling(() => c.post(data(c.eio), FORM)), { ...rest, extra: '&b64=1&j=7' });
const form = (text) => `d=${encodeURIComponent(text)}`;

const jsonps = [
	jsonp('echo', (eio) => form(body(eio, ECHO))),
	jsonp('plus', (eio) => form(body(eio, '42["echo","a+b c&d=e"]'))),
	jsonp('space-as-plus', (eio) => form(body(eio, '42["echo","a b"]')).replaceAll('%20', '+')),
	jsonp('unicode', (eio) => form(body(eio, '42["echo","é漢😀"]'))),
	jsonp('quotes', (eio) => form(body(eio, '42["echo","\\"\\\\"]'))),
	jsonp('separators', (eio) => form(body(eio, '42["echo","\\u2028\\u2029"]'))),
	jsonp('separators-raw', (eio) => form(body(eio, '42["echo","\u2028\u2029"]'))),
	jsonp('newline-escaped', (eio) => `d=${encodeURIComponent(body(eio, '42["echo","a\\nb"]').replace(/\\n/g, '\\\\n'))}`),
	jsonp('newline-raw', () => `d=${encodeURIComponent('10:42["x",\\n1]')}`, three),
	jsonp('without-d', () => 'x=1'),
	jsonp('twice-d', (eio) => `${form(body(eio, ECHO))}&${form(body(eio, ECHO))}`),
	jsonp('empty', () => ''),
	jsonp('d-empty', () => 'd='),
	jsonp('garbage', () => 'd=%zz%'),
	jsonp('other-first', (eio) => `x=1&${form(body(eio, ECHO))}`),
	jsonp('ping', (eio) => form(body(eio, '2'))),
	jsonp('base64', (eio) => form(body(eio, '451-["echo",{"_placeholder":true,"num":0}]', eio === 4 ? 'bAQID' : 'b4AQID'))),
	joined('jsonp-text-post', (c) => c.whilePolling(() => c.post(body(c.eio, ECHO), TEXT)), { ...both, extra: '&b64=1&j=7' }),
	{
		name: 'jsonp-other-index',
		...both,
		run: async (c) => {
			await c.join('&b64=1&j=7');
			await c.post(form(body(c.eio, ECHO)), FORM);
			await c.settle();
			await c.get(`?EIO=${c.eio}&transport=polling&sid=<sid>&b64=1&j=8`, {}, { packets: true });
		},
	},
	{
		name: 'jsonp-without-index-later',
		...both,
		run: async (c) => {
			await c.join('&b64=1&j=7');
			await c.post(form(body(c.eio, ECHO)), FORM);
			await c.settle();
			await c.get(`?EIO=${c.eio}&transport=polling&sid=<sid>`, {}, { packets: true });
		},
	},
];

export const cases = [
	...contentTypes,
	...bodies,
	...mechanics,
	...sizes,
	chunkedLimit,
	...compression,
	...jsonps,
];
