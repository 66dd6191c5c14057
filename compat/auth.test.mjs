// SPDX-License-Identifier: MIT
//
// Clients that are refused: what goes over the wire, from siocast whose application refuses and from servers in Node with a
// middleware that does, and what official clients of three generations hear.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';
import { Cleanup } from '../tests/e2e/lib/cleanup.mjs';
import { startSiocast } from '../tests/e2e/lib/daemon.mjs';
import { Session } from '../tests/e2e/lib/engine.mjs';
import { Session3 } from '../tests/e2e/lib/engine3.mjs';
import { Application } from '../tests/e2e/lib/hook.mjs';
import { freePort } from '../tests/e2e/lib/ports.mjs';
import { eventually, limit, once } from '../tests/e2e/lib/wait.mjs';
import { OP, RawSocket, frame } from '../tests/e2e/lib/ws.mjs';

const require = createRequire(import.meta.url);

// By the parameter `why`: what the middleware calls next() with, and what the application answers.
const REFUSALS = {
	plain: { message: 'not you' },
	quoted: { message: 'a "quoted" \\ word' },
	foreign: { message: 'é \u2028 漢' }, // in revision 3 siocast writes escapes, on purpose
	data: { message: 'not you', data: { code: 7, list: ['a', null] } },
	text: { message: 'not you', data: 'because' },
};

function startNode(cleanup, version) {
	return freePort().then(async (port) => {
		const { Server } = require(`server-${version}`);
		const io = version === '4.8.4' ? new Server(port, { allowEIO3: true }) : require(`server-${version}`)(port, { serveClient: false });
		cleanup.add(io, () => io.close());
		io.use((socket, next) => {
			const { message, data } = REFUSALS[socket.handshake.query.why];
			next(Object.assign(new Error(message), data === undefined ? {} : { data }));
		});
		return { port, path: '/socket.io/', url: `http://127.0.0.1:${port}` };
	});
}

describe('a refusal', () => {
	const cleanup = new Cleanup();
	const servers = {};

	before(async () => {
		for (const version of ['1.7.4', '2.5.1', '4.8.4']) servers[version] = await startNode(cleanup, version);
		const app = await Application.start(cleanup, ({ query }) => ({ status: 403, body: REFUSALS[query.why] }));
		servers.siocast = await startSiocast(cleanup, { auth: { hook: { url: app.url } } });
	}, limit(60));
	after(() => cleanup.run());

	for (const why of Object.keys(REFUSALS)) {
		test(`${why}: the same bytes in revision 4`, limit(), async () => {
			const heard = async (server) => {
				const session = await Session.open(server, `&why=${why}`);
				await session.post('40');
				return session.packets();
			};
			assert.deepEqual(await heard(servers.siocast), await heard(servers['4.8.4']));
		});

		for (const version of why === 'foreign' ? [] : ['1.7.4', '2.5.1']) {
			test(`${why}: the same bytes in revision 3 as from ${version}`, limit(), async () => {
				const heard = async (server) => {
					const session = await Session3.open(server, { query: `&why=${why}&b64=1` });
					let packets = await session.packets();
					// Node is in "/" for a moment before its middleware has decided.
					packets = packets.filter((packet) => packet !== '40');
					return packets.length ? packets : session.packets();
				};
				assert.deepEqual(await heard(servers.siocast), await heard(servers[version]));
			});
		}
	}

	for (const [version, event] of [['1.7.4', 'error'], ['2.5.0', 'error'], ['4.8.4', 'connect_error']]) {
		test(`client ${version} hears the same`, limit(), async () => {
			const io = require(`client-${version}`);
			const hears = async (server) => {
				const socket = io(`${server.url}/?why=data`, { query: 'why=data', forceNew: true, reconnection: false, autoConnect: true });
				try {
					const [error] = await once(socket, event);
					return error instanceof Error ? { message: error.message, data: error.data } : error;
				} finally {
					socket.close();
				}
			};
			const reference = servers[version === '2.5.0' ? '2.5.1' : version];
			assert.deepEqual(await hears(servers.siocast), await hears(reference));
		});
	}
});

// While a middleware thinks: what a client sends then. A packet in a list is waited for, not sent.
const EVENT = '42["x"]';
const WHILE_WAITING = {
	nothing: [],
	'an event': [EVENT],
	'many events': Array.from({ length: 200 }, () => EVENT),
	'an event that wants an ack': ['420["x"]'],
	'a binary event': ['451-["x",{"_placeholder":true,"num":0}]', Buffer.from('abc')],
	'an ack': ['430["x"]'],
	'that it leaves': ['41'],
	'that it wants another namespace': ['40/open,'],
	'that it wants one that is not there': ['40/none,'],
	'an error of its own': ['44"x"'],
	'the same again': ['40'],
	'in revision 4, an event for another namespace': ['40/open,', ['40/open,{"sid":"…"}'], '42/open,0["probe"]'],
};
// What siocast says on purpose where Node says something else (section 13 of doc/design.md): Node makes two sockets of two CONNECTs.
const DIFFERS = { '4.8.4: the same again': ['closed'], '2.5.1: the same again': ['40', 'in'], '1.7.4: the same again': ['40', 'in'] };

/** A server whose "/" lets nobody in until it is opened; `asked` counts who waits. */
class Gate {
	constructor() {
		this.asked = 0;
		this.waiting = [];
	}

	pass(letIn) {
		this.asked++;
		this.waiting.push(letIn);
	}

	open() {
		for (const letIn of this.waiting.splice(0)) letIn();
	}
}

async function startGatedNode(cleanup, version) {
	const port = await freePort();
	const { Server } = require(`server-${version}`);
	const io = version === '4.8.4' ? new Server(port, { allowEIO3: true }) : require(`server-${version}`)(port, { serveClient: false });
	const gate = new Gate();
	cleanup.add(io, () => io.close());
	io.use((socket, next) => gate.pass(next));
	for (const nsp of [io.of('/'), io.of('/open')]) {
		nsp.on('connection', (socket) => {
			socket.on('x', (...args) => socket.emit('x heard', args.length));
			socket.on('probe', (ack) => ack('ok'));
		});
	}
	return { port, path: '/socket.io/', gate };
}

async function startGatedSiocast(cleanup) {
	const gate = new Gate();
	const app = await Application.start(cleanup, () => new Promise((resolve) => gate.pass(() => resolve({}))));
	const on = { x: [{ emit: ['x heard', 1] }], probe: [{ ack: ['ok'] }] };
	const auth = { hook: { url: app.url, timeout: 600000 } };
	const server = await startSiocast(cleanup, { namespaces: { '/': { on, auth }, '/open': { on } } });
	return { ...server, gate };
}

/** What a client hears that says `sent` while it waits: its packets, without ids; at last whether it is in. */
async function heardMeanwhile(server, revision, sent) {
	const { gate } = server;
	const before = gate.asked;
	const socket = await RawSocket.open(server.port, `${server.path}?EIO=${revision}&transport=websocket`);
	const heard = [];
	let over = false;
	/** Reads packets up to the first that is wanted, which is left out. */
	const take = async (until) => {
		while (!over) {
			const message = await socket.next('a packet');
			if (message.close || message.end) {
				heard.push('closed');
				over = true;
			} else if (message.pong === undefined) {
				// 1.x writes no comma behind a namespace that nothing follows.
				const text = message.text.replace(/"sid":"[^"]*"/, '"sid":"…"').replace(/^40\/[^,]*$/, '$&,');
				if (until(text)) return;
				heard.push(text);
			} else if (until('pong')) {
				return;
			}
		}
	};
	await take((text) => text[0] === '0');
	if (revision === 4) await socket.text('40');
	await eventually(() => gate.asked > before, 'the question');
	for (const packet of sent) {
		if (Array.isArray(packet)) await take((text) => text === packet[0]);
		else if (typeof packet === 'string') await socket.text(packet);
		else await socket.binary(revision === 3 ? Buffer.concat([Buffer.from([4]), packet]) : packet);
	}
	// Behind its answer the server has read all of that.
	await socket.raw(frame(OP.ping));
	await take((text) => text === 'pong');
	gate.open();
	if (!over && !heard.some((text) => /^40(\{.*)?$/.test(text))) {
		await take((text) => /^40(\{.*)?$/.test(text));
		if (!over) heard.push(revision === 3 ? '40' : '40{"sid":"…"}');
	}
	if (!over) {
		await socket.text('427["probe"]');
		await take((text) => text === '437["ok"]');
		if (!over) heard.push('in');
	}
	socket.close();
	// To revision 3 other namespaces wait for "/" in Node, and not in siocast.
	return revision === 3 ? [...heard.filter((text) => text === '40'), ...heard.filter((text) => text !== '40')] : heard;
}

describe('what a client says while it waits to be let in', () => {
	const cleanup = new Cleanup();
	const servers = {};

	before(async () => {
		for (const version of ['1.7.4', '2.5.1', '4.8.4']) servers[version] = await startGatedNode(cleanup, version);
		servers.siocast = await startGatedSiocast(cleanup);
	}, limit(60));
	after(() => cleanup.run());

	for (const [version, revision] of [['1.7.4', 3], ['2.5.1', 3], ['4.8.4', 4]]) {
		for (const [name, sent] of Object.entries(WHILE_WAITING)) {
			if (name.startsWith('in revision 4') && revision !== 4) continue;
			test(`${name}: as ${version}`, limit(), async () => {
				const theirs = await heardMeanwhile(servers[version], revision, sent);
				const expected = DIFFERS[`${version}: ${name}`];
				assert.deepEqual(await heardMeanwhile(servers.siocast, revision, sent), expected ?? theirs);
				if (expected) assert.notDeepEqual(theirs, expected);
			});
		}
	}
});
