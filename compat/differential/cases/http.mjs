// SPDX-License-Identifier: MIT
//
// Handshakes and refusals over plain HTTP: query strings, headers, methods, paths.
//
// A case: `name`; `run(c)`, a conversation; `eio`, the revisions it is for (3 and 4 unless given); `profiles`, the set-ups it
// is run on (v4 for revision 4; v4, v2 and v1 for revision 3, unless given).

const ORIGIN = { Origin: 'http://a.example' };
const IE11 = 'Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko';
const MSIE = 'Mozilla/5.0 (compatible;MSIE 9.0;Windows NT 6.1)';

/** A single GET; `packets` when a payload is expected. */
const get = (name, query, headers, packets = false) => ({
	name,
	run: (c) => c.get(query.replace('<eio>', c.eio), headers, { packets }),
});

const handshakes = [
	get('handshake', '?EIO=<eio>&transport=polling&t=a', {}, true),
	get('handshake-origin', '?EIO=<eio>&transport=polling', ORIGIN, true),
	get('handshake-b64', '?EIO=<eio>&transport=polling&b64=1', {}, true),
	...['true', '0', 'x', ''].map((value) => get(`handshake-b64-${value || 'empty'}`, `?EIO=<eio>&transport=polling&b64=${value}`, {}, true)),
	get('handshake-jsonp', '?EIO=<eio>&transport=polling&b64=1&j=0', {}, true),
	get('handshake-jsonp-origin', '?EIO=<eio>&transport=polling&b64=1&j=0', ORIGIN, true),
	get('handshake-jsonp-long', '?EIO=<eio>&transport=polling&b64=1&j=1234567890', {}, true),
	get('handshake-jsonp-not-digits', '?EIO=<eio>&transport=polling&b64=1&j=a1b2);alert(3', {}, true),
	get('handshake-ie11', '?EIO=<eio>&transport=polling', { 'User-Agent': IE11 }, true),
	get('handshake-msie', '?EIO=<eio>&transport=polling', { 'User-Agent': MSIE }, true),
	get('handshake-order', '?token=a%20b&t=x&transport=polling&EIO=<eio>', {}, true),
	get('handshake-empty-sid', '?EIO=<eio>&transport=polling&sid=', {}, true),
	get('handshake-below', 'foo/bar?EIO=<eio>&transport=polling', {}, true),
	get('handshake-slashes', '/?EIO=<eio>&transport=polling'.replace(/^\//, '%2f'), {}, true),
	get('handshake-plus', '?EIO=<eio>&transport=polling&x=a+b&y=%2B', {}, true),
	get('handshake-odd-escapes', '?EIO=<eio>&transport=polling&x=%zz&y=%&z=%E9', {}, true),
	get('handshake-no-values', '?EIO=<eio>&transport=polling&&x&=y&', {}, true),
	get('handshake-percent', '?EIO=<eio>&transport=%70olling', {}, true),
	get('handshake-header-case', '?EIO=<eio>&transport=polling', [['HOST', '127.0.0.1'], ['oRIGIN', 'http://a.example']], true),
	get('handshake-cookie-sent', '?EIO=<eio>&transport=polling', { Cookie: 'io=something; other=1' }, true),
	get('handshake-referer', '?EIO=<eio>&transport=polling', { Referer: 'http://a.example/page' }, true),
	get('handshake-accept', '?EIO=<eio>&transport=polling', { Accept: 'text/html', 'Accept-Encoding': 'gzip, deflate, br' }, true),
	get('handshake-origin-null', '?EIO=<eio>&transport=polling', { Origin: 'null' }, true),
];

const errors = [
	get('err0-transport', '?EIO=<eio>&transport=tcp', ORIGIN),
	get('err0-none', ''),
	get('err0-no-transport', '?EIO=<eio>'),
	get('err0-empty', '?EIO=<eio>&transport='),
	get('err0-case', '?EIO=<eio>&transport=Polling'),
	get('err0-space', '?EIO=<eio>&transport=polling%20'),
	get('err0-prototype', '?EIO=<eio>&transport=__proto__'),
	get('err0-constructor', '?EIO=<eio>&transport=constructor'),
	get('err0-before-sid', '?EIO=<eio>&transport=tcp&sid=nope'),
	get('err0-semicolon', '?EIO=<eio>;transport=polling'),
	get('err0-webtransport', '?EIO=<eio>&transport=webtransport'),
	get('err1-sid', '?EIO=<eio>&transport=polling&sid=nope', ORIGIN),
	get('err1-plain', '?EIO=<eio>&transport=polling&sid=nope'),
	get('err1-long', `?EIO=<eio>&transport=polling&sid=${'x'.repeat(3000)}`),
	get('err1-prototype', '?EIO=<eio>&transport=polling&sid=__proto__'),
	get('err1-has-own', '?EIO=<eio>&transport=polling&sid=hasOwnProperty'),
	get('err1-well-formed', `?EIO=<eio>&transport=polling&sid=${'A'.repeat(20)}`),
	get('err1-bytes', '?EIO=<eio>&transport=polling&sid=%00%ff%22'),
	get('err1-websocket', '?EIO=<eio>&transport=websocket&sid=nope'),
	get('err3-ws-get', '?EIO=<eio>&transport=websocket'),
	get('err3-ws-get-origin', '?EIO=<eio>&transport=websocket', ORIGIN),
	{
		name: 'err1-post',
		run: (c) => c.ask('POST', `?EIO=${c.eio}&transport=polling&sid=nope`, { 'Content-Type': 'text/plain' }, '4x'),
	},
	{
		name: 'err3-ws-get-sid',
		run: async (c) => {
			await c.join();
			await c.get(`?EIO=${c.eio}&transport=websocket&sid=<sid>`);
			await c.alive();
		},
	},
	{
		name: 'err3-other-revision',
		run: async (c) => {
			await c.join();
			await c.ask('POST', `?EIO=${7 - c.eio}&transport=polling&sid=<sid>`, {}, '6');
			await c.ask('POST', '?EIO=x&transport=polling&sid=<sid>', {}, '6');
			await c.ask('POST', '?transport=polling&sid=<sid>', {}, '6');
		},
		profiles: ['v4'],
	},
	...['', 'x', '1', '5', '44', '4x', '-4', '%34'].map((value) => ({
		name: `revision-${value || 'empty'}`,
		run: (c) => c.get(`?EIO=${value}&transport=polling`, {}, { packets: true }),
		eio: [4],
	})),
	{ name: 'revision-missing', run: (c) => c.get('?transport=polling', {}, { packets: true }), eio: [4] },
	...['', '&EIO='].map((none) => ({
		name: `revision-none${none && '-empty'}`,
		run: async (c) => {
			await c.get(`?transport=polling${none}`, {}, { packets: true });
			const target = `?transport=polling${none}&sid=<sid>`;
			await c.get(target, {}, { packets: c.sid !== undefined });
			await c.ask('POST', target, {}, '17:42["echo","none"]');
			await c.get(target, {}, { packets: c.sid !== undefined });
		},
		eio: [3],
		profiles: ['v4', 'v1', 'v4-without-eio3'],
	})),
	{ name: 'revision-2', run: (c) => c.get('?EIO=2&transport=polling', {}, { packets: true }), eio: [3] },
	{ name: 'revision-twice', run: (c) => c.get('?EIO=3&EIO=4&transport=polling', {}, { packets: true }), eio: [4] },
	{ name: 'transport-twice', run: (c) => c.get(`?EIO=${c.eio}&transport=tcp&transport=polling`, {}, { packets: true }) },
	{ name: 'sid-twice', run: (c) => c.get(`?EIO=${c.eio}&transport=polling&sid=a&sid=b`) },
	{ name: 'err5', run: (c) => c.get('?EIO=3&transport=polling', ORIGIN), eio: [3], profiles: ['v4-without-eio3'] },
	{
		name: 'err5-websocket',
		run: (c) => c.webSocket('?EIO=3&transport=websocket'),
		eio: [3],
		profiles: ['v4-without-eio3'],
	},
	{ name: 'err5-after-transport', run: (c) => c.get('?EIO=3&transport=tcp'), eio: [3], profiles: ['v4-without-eio3'] },
	{
		name: 'err5-after-method',
		run: (c) => c.ask('POST', '?EIO=3&transport=polling', {}, 'x'),
		eio: [3],
		profiles: ['v4-without-eio3'],
	},
];

const methods = ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD'].flatMap((method) => [
	{
		name: `method-${method}`,
		run: (c) => c.ask(method, `?EIO=${c.eio}&transport=polling`, ORIGIN, method === 'HEAD' ? undefined : 'x'),
	},
	{
		name: `method-${method}-sid`,
		run: async (c) => {
			await c.join();
			if (method === 'POST') await c.post('');
			else await c.ask(method, c.polling, ORIGIN);
			await c.alive();
		},
	},
	{
		name: `method-${method}-unknown-sid`,
		run: (c) => c.ask(method, `?EIO=${c.eio}&transport=polling&sid=nope`, {}, method === 'HEAD' ? undefined : 'x'),
	},
]);

// Outside its path every server is another application: the status alone says what is meant.
const outside = (name, target) => ({
	name: `path-${name}`,
	run: async (c) => {
		const { entries } = c;
		const entry = await c.get(target.replace('<eio>', c.eio));
		entries[entries.length - 1] = { step: entry.step, status: entry.status };
	},
});

const paths = [
	outside('no-slash', '/socket.io?EIO=<eio>&transport=polling'),
	outside('case', '/Socket.io/?EIO=<eio>&transport=polling'),
	outside('root', '/?EIO=<eio>&transport=polling'),
	outside('longer', '/socket.iox/?EIO=<eio>&transport=polling'),
	outside('escaped', '/socket%2eio/?EIO=<eio>&transport=polling'),
	outside('doubled', '//socket.io/?EIO=<eio>&transport=polling'),
	outside('dots', '/x/../socket.io/?EIO=<eio>&transport=polling'),
	{ ...get('own-path', '/live/feed/?EIO=<eio>&transport=polling', {}, true), profiles: ['v4-path'] },
	{ ...outside('own-instead-of-default', '/socket.io/?EIO=<eio>&transport=polling'), profiles: ['v4-path'] },
	{ ...outside('own-no-slash', '/live/feed?EIO=<eio>&transport=polling'), profiles: ['v4-path'] },
	{ ...get('no-slash-path', '/socket.io?EIO=<eio>&transport=polling', {}, true), profiles: ['v4-no-slash'] },
	{ ...get('no-slash-with-slash', '/socket.io/?EIO=<eio>&transport=polling', {}, true), profiles: ['v4-no-slash'] },
];

const options = [
	{ ...get('times', '?EIO=<eio>&transport=polling', {}, true), profiles: ['v4-times'] },
	{ ...get('only-websocket', '?EIO=<eio>&transport=polling', {}, true), profiles: ['v4-websocket-only'] },
	{ ...get('only-polling', '?EIO=<eio>&transport=polling', {}, true), profiles: ['v4-polling-only'] },
	{ ...get('only-polling-websocket', '?EIO=<eio>&transport=websocket'), profiles: ['v4-polling-only'] },
	{ ...get('no-upgrades', '?EIO=<eio>&transport=polling', {}, true), profiles: ['v4-no-upgrades'] },
	{ ...get('max-payload', '?EIO=<eio>&transport=polling', {}, true), profiles: ['v4-small'] },
];

export const cases = [...handshakes, ...errors, ...methods, ...paths, ...options];
