// SPDX-License-Identifier: MIT
//
// WebSockets: refused upgrades, the upgrade of a polling session, frames good and bad.

import { OP, frame } from '../../../tests/e2e/lib/ws.mjs';
import { body } from '../payload.mjs';

const both = { eio: [3, 4] };
const query = (c, rest = '') => `?EIO=${c.eio}&transport=websocket${rest}`;

const refused = (name, target, headers, rest = {}) => ({
	name: `ws-${name}`,
	...both,
	...rest,
	run: async (c) => {
		const socket = await c.webSocket(typeof target === 'function' ? target(c) : target, headers);
		// Accepted after all, or so it seems: Node refuses behind the 101.
		if (socket) await c.untilPong('after the 101', socket);
	},
});

const refusals = [
	refused('err0', '?transport=tcp'),
	refused('err0-none', ''),
	refused('err1', (c) => query(c, '&sid=nope')),
	refused('err1-origin', (c) => query(c, '&sid=nope'), { Origin: 'http://a.example' }),
	refused('err0-disabled', (c) => query(c), {}, { profiles: ['v4-polling-only'] }),
	refused('polling', (c) => `?EIO=${c.eio}&transport=polling`),
	refused('version-8', (c) => query(c), { 'Sec-WebSocket-Version': '8' }),
	refused('version-none', (c) => query(c), { 'Sec-WebSocket-Version': null }),
	refused('key-none', (c) => query(c), { 'Sec-WebSocket-Key': null }),
	refused('key-short', (c) => query(c), { 'Sec-WebSocket-Key': 'abc' }),
	refused('other-protocol', (c) => query(c), { Upgrade: 'h2c' }),
	refused('other-path', '/elsewhere'),
];

const accepted = (name, headers, rest = {}) => ({
	name: `ws-${name}`,
	...both,
	...rest,
	run: async (c) => (await c.webSocket(query(c, rest.extra), headers))?.close(),
});

const acceptances = [
	accepted('plain', {}),
	accepted('origin', { Origin: 'http://a.example' }),
	accepted('protocol', { 'Sec-WebSocket-Protocol': 'one, two' }),
	accepted('deflate', { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' }),
	accepted('extension-unknown', { 'Sec-WebSocket-Extensions': 'x-nothing' }),
	accepted('upper', { Upgrade: 'WebSocket', Connection: 'keep-alive, Upgrade' }),
	accepted('version-13-only', { 'Sec-WebSocket-Version': '13' }),
	accepted('b64', {}, { extra: '&b64=1' }),
	{ ...accepted('no-revision', {}), eio: [3], run: async (c) => (await c.webSocket('?transport=websocket'))?.close() },
	accepted('times', {}, { profiles: ['v4-times'] }),
];

const open = (name, extra = '') => ({
	name: `ws-open-${name}`,
	...both,
	run: async (c) => {
		const socket = await c.webSocket(query(c, extra), {}, true);
		if (c.eio === 4) await socket.text('40');
		const received = [await socket.nextText('the open packet'), await socket.nextText('CONNECT')];
		c.note({ step: 'open', received: received.map((text) => c.maskNew(text)) });
		await c.untilEcho('echo', socket);
		socket.close();
	},
});

/** Frames on an open, joined WebSocket: what they bring. */
const frames = (name, send, rest = {}) => ({
	name: `ws-frames-${name}`,
	...both,
	...rest,
	run: async (c) => {
		const socket = await c.direct(rest.extra);
		await send(socket, c);
		// 1.7.4 hears nothing more behind an empty message.
		const silent = c.profile === 'v1' && name === 'empty-message';
		await (silent ? c.untilPong(name, socket) : c.untilEcho(name, socket));
		socket.close();
	},
});

const texts = (name, ...all) => frames(name, async (socket) => {
	for (const text of all) await socket.text(text);
});
const raws = (name, ...all) => frames(name, (socket) => socket.raw(Buffer.concat(all)));
const EVENT = '451-["echo",{"_placeholder":true,"num":0}]';
const four = { eio: [4] };
const three = { eio: [3] };

const conversations = [
	texts('echo', '42["echo","é漢😀\u2028\\u0000"]'),
	texts('ack', '4212["echo",1,{"a":[]}]'),
	texts('ping', '2'),
	texts('ping-data', '2abc'),
	texts('pong', '3'),
	texts('close-packet', '1'),
	texts('noop', '6'),
	texts('open-packet', '0'),
	texts('upgrade-packet', '5'),
	texts('empty-message', '4'),
	texts('bad-type', '9'),
	texts('letter', 'x'),
	texts('empty', ''),
	frames('binary', async (socket) => {
		await socket.text(EVENT);
		await socket.binary(Buffer.from([1, 2, 3]));
	}, four),
	frames('binary-typed', async (socket) => {
		await socket.text(EVENT);
		await socket.binary(Buffer.from([4, 1, 2, 3]));
	}, three),
	frames('binary-untyped', async (socket) => {
		await socket.text(EVENT);
		await socket.binary(Buffer.from([9, 1, 2, 3]));
	}, three),
	frames('binary-empty', async (socket, c) => {
		await socket.text(EVENT);
		await socket.binary(c.eio === 4 ? Buffer.alloc(0) : Buffer.from([4]));
	}),
	frames('binary-nothing', async (socket) => {
		await socket.text(EVENT);
		await socket.binary(Buffer.alloc(0));
	}, three),
	frames('base64', async (socket, c) => {
		await socket.text(EVENT);
		await socket.text(c.eio === 4 ? 'bAQID' : 'b4AQID');
	}),
	frames('b64-session', async (socket, c) => {
		await socket.text(EVENT);
		await socket.binary(Buffer.from(c.eio === 4 ? [1, 2] : [4, 1, 2]));
	}, { extra: '&b64=1' }),
	raws('fragments', frame(OP.text, '42["ec', { fin: false }), frame(OP.continuation, 'ho",', { fin: false }), frame(OP.continuation, '"x"]')),
	raws('fragments-with-ping', frame(OP.text, '42["ec', { fin: false }), frame(OP.ping, 'p'), frame(OP.continuation, 'ho",1]')),
	raws('ws-ping', frame(OP.ping, 'hello')),
	raws('ws-pong', frame(OP.pong, 'hello')),
	raws('ws-close-1000', frame(OP.close, Buffer.from([3, 232]))),
	raws('ws-close-empty', frame(OP.close)),
	raws('ws-close-bad-code', frame(OP.close, Buffer.from([0, 1]))),
	raws('ws-unmasked', frame(OP.text, '42["echo",1]', { mask: false })),
	raws('ws-rsv', frame(OP.text, '42["echo",1]', { rsv: 4 })),
	raws('ws-opcode-3', frame(3, 'x')),
	raws('ws-opcode-11', frame(11, 'x')),
	raws('ws-continuation-first', frame(OP.continuation, 'x')),
	raws('ws-text-in-fragments', frame(OP.text, '42["', { fin: false }), frame(OP.text, '42["echo",1]')),
	raws('ws-ping-too-long', frame(OP.ping, 'x'.repeat(126))),
	raws('ws-ping-fragmented', frame(OP.ping, 'x', { fin: false })),
	raws('ws-bad-utf8', frame(OP.text, Buffer.from([0x34, 0xff, 0xfe]))),
	raws('ws-surrogate', frame(OP.text, Buffer.from([0x34, 0xed, 0xa0, 0x80]))),
];

const limits = { 3: ['v4-small', 'v2-small'], 4: ['v4-small'] };
const sizes = [['at', 1000], ['over', 1001]].map(([name, bytes]) => ({
	name: `ws-limit-${name}`,
	...both,
	profiles: (eio) => limits[eio],
	run: async (c) => {
		const socket = await c.direct();
		await socket.text(`42["echo","${'x'.repeat(bytes - 12)}"]`);
		const entry = await c.untilEcho(`${bytes} bytes`, socket);
		entry.received = entry.received.map((text) => (text.length > 100 ? `${text.length} bytes` : text));
	},
}));

/** An upgrade, step by step, of a joined polling session. */
const upgrade = (name, act, rest = {}) => ({
	name: `upgrade-${name}`,
	...both,
	...rest,
	run: async (c) => {
		await c.join();
		await act(c);
	},
});
const probe = async (c) => {
	const socket = await c.webSocket(query(c, '&sid=<sid>'), {}, true);
	await socket.text('2probe');
	c.note({ step: 'probe', answer: await socket.nextText('the answer to the probe') });
	return socket;
};

const upgrades = [
	upgrade('whole', async (c) => {
		const socket = await probe(c);
		await socket.text('5');
		await c.untilEcho('upgraded', socket);
		await c.poll();
		await c.post(body(c.eio, '6'));
		await c.untilEcho('still there', socket);
	}),
	upgrade('waiting-packets', async (c) => {
		const socket = await probe(c);
		await c.post(body(c.eio, '42["echo",1]', '42["echo",2]'));
		await c.settle();
		await socket.text('5');
		await c.untilEcho('what waited', socket);
	}),
	upgrade('held-poll', async (c) => {
		const poll = await c.startPoll();
		await c.settle();
		const socket = await probe(c);
		await c.answered('the poll', poll, { packets: true });
		await c.poll();
		await socket.text('5');
		await c.untilEcho('upgraded', socket);
	}),
	upgrade('without-probe', async (c) => {
		const socket = await c.webSocket(query(c, '&sid=<sid>'), {}, true);
		await socket.text('5');
		await c.untilEcho('upgraded', socket);
	}),
	upgrade('while-probing', async (c) => {
		const first = await probe(c);
		const second = await c.webSocket(query(c, '&sid=<sid>'));
		await c.untilEnd('the second', second);
		await first.text('5');
		await c.untilEcho('upgraded', first);
	}),
	upgrade('when-upgraded', async (c) => {
		const first = await probe(c);
		await first.text('5');
		await c.untilEcho('upgraded', first);
		const second = await c.webSocket(query(c, '&sid=<sid>'));
		await c.untilEnd('the second', second);
		await c.untilEcho('the first', first);
	}),
	upgrade('again-after-failure', async (c) => {
		const first = await probe(c);
		await first.raw(frame(OP.close));
		await c.untilEnd('the first', first);
		await c.settle();
		const second = await probe(c);
		await second.text('5');
		await c.untilEcho('upgraded', second);
	}),
	...[['ping', '2'], ['message', '42["echo",1]'], ['garbage', 'x'], ['pong', '3probe'], ['other-probe', '2prob']].map(([name, text]) =>
		upgrade(`instead-of-probe-${name}`, async (c) => {
			const socket = await c.webSocket(query(c, '&sid=<sid>'), {}, true);
			await socket.text(text);
			await c.untilEnd(name, socket);
			await c.alive();
		})),
	upgrade('binary-instead-of-probe', async (c) => {
		const socket = await c.webSocket(query(c, '&sid=<sid>'), {}, true);
		await socket.binary(Buffer.from([4, 1]));
		await c.untilEnd('binary', socket);
		await c.alive();
	}),
	upgrade('message-after-probe', async (c) => {
		const socket = await probe(c);
		await socket.text('42["echo",1]');
		await c.untilEnd('message', socket);
		await c.alive();
	}),
	upgrade('not-allowed', async (c) => {
		const socket = await c.webSocket(query(c, '&sid=<sid>'));
		if (socket) await c.untilEnd('after the 101', socket);
		await c.alive();
	}, { profiles: ['v4-no-upgrades'] }),
	upgrade('refused-version', async (c) => {
		await c.webSocket(query(c, '&sid=<sid>'), { 'Sec-WebSocket-Version': '8' });
		await c.alive();
	}),
	upgrade('other-transport', async (c) => {
		await c.webSocket('?transport=tcp&sid=<sid>');
		await c.alive();
	}),
	upgrade('session-closed-while-probing', async (c) => {
		const socket = await probe(c);
		await c.post(body(c.eio, '1'));
		await c.untilEnd('the WebSocket', socket);
		await c.gone();
	}),
];

export const cases = [
	...refusals,
	...acceptances,
	open('plain'),
	open('b64', '&b64=1'),
	open('user-query', '&token=abc'),
	...conversations,
	...sizes,
	...upgrades,
];
