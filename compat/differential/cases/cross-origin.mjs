// SPDX-License-Identifier: MIT
//
// Cross-origin headers and cookies, on every kind of answer.

const CORS = ['v4', 'v4-cors', 'v4-cors-credentials', 'v4-cors-fixed', 'v4-cors-reflect', 'v4-cors-full'];
const ORIGINS = {
	none: {},
	first: { Origin: 'http://a.example' },
	second: { Origin: 'http://b.example' },
	stranger: { Origin: 'http://c.example' },
	null: { Origin: 'null' },
	case: { Origin: 'HTTP://A.EXAMPLE' },
};
const PREFLIGHTS = {
	bare: {},
	post: { 'Access-Control-Request-Method': 'POST' },
	headers: { 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'content-type, x-a' },
};

const where = { 3: [...CORS, 'v2', 'v1'], 4: CORS };
const profiles = (eio) => where[eio];

const answers = Object.entries(ORIGINS).map(([name, origin]) => ({
	name: `cors-${name}`,
	profiles,
	run: async (c) => {
		await c.get(`?EIO=${c.eio}&transport=polling`, origin, { packets: true });
		await c.ask('POST', c.polling, { ...origin, 'Content-Type': 'text/plain;charset=UTF-8' }, c.eio === 4 ? '6' : '1:6');
		await c.get(`?EIO=${c.eio}&transport=polling&sid=nope`, origin);
		await c.get('?transport=tcp', origin);
		await c.ask('PUT', c.polling, origin, '');
		await c.get(`?EIO=${c.eio}&transport=polling&b64=1&j=0`, origin, { packets: true });
	},
}));

const upgrades = Object.entries(ORIGINS).map(([name, origin]) => ({
	name: `cors-upgrade-${name}`,
	profiles,
	run: async (c) => {
		const socket = await c.webSocket(`?EIO=${c.eio}&transport=websocket`, origin);
		socket?.close();
		await c.webSocket('?transport=tcp', origin);
	},
}));

const preflights = Object.entries(PREFLIGHTS).flatMap(([name, asked]) =>
	['none', 'first', 'stranger'].map((who) => ({
		name: `preflight-${name}-${who}`,
		profiles,
		run: async (c) => {
			await c.ask('OPTIONS', `?EIO=${c.eio}&transport=polling`, { ...ORIGINS[who], ...asked });
			await c.join();
			await c.ask('OPTIONS', c.polling, { ...ORIGINS[who], ...asked });
			await c.ask('OPTIONS', '?transport=tcp', { ...ORIGINS[who], ...asked });
			await c.alive();
		},
	})));

const files = ['none', 'first', 'stranger'].map((who) => ({
	name: `cors-file-${who}`,
	eio: [4],
	profiles: CORS,
	run: (c) => c.get('socket.io.js', ORIGINS[who]),
}));

const COOKIES = { 3: ['v4-cookie', 'v4-cookie-own', 'v2', 'v1', 'v1-no-cookie'], 4: ['v4-cookie', 'v4-cookie-own'] };

const cookies = [
	{
		name: 'cookie',
		profiles: (eio) => COOKIES[eio],
		run: async (c) => {
			await c.get(`?EIO=${c.eio}&transport=polling`, {}, { packets: true });
			await c.post(c.eio === 4 ? '6' : '1:6');
			await c.ask('OPTIONS', c.polling, { Origin: 'http://a.example' });
			await c.ask('PUT', c.polling, {}, '');
			await c.get('?transport=tcp');
		},
	},
	{
		name: 'cookie-poll',
		profiles: (eio) => COOKIES[eio],
		run: async (c) => {
			await c.join();
			await c.whilePolling(async () => {});
		},
	},
	{
		name: 'cookie-jsonp',
		profiles: (eio) => COOKIES[eio],
		run: (c) => c.get(`?EIO=${c.eio}&transport=polling&b64=1&j=0`, {}, { packets: true }),
	},
	{
		name: 'cookie-upgrade',
		profiles: (eio) => COOKIES[eio],
		run: async (c) => (await c.webSocket(`?EIO=${c.eio}&transport=websocket`)).close(),
	},
];

export const cases = [...answers, ...upgrades, ...preflights, ...files, ...cookies];
