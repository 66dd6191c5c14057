// SPDX-License-Identifier: MIT
//
// Everything the official server 4.8.4 was recorded doing for clients of revision 4, replayed: HTTP exchanges, bodies of POSTs,
// and sequences of WebSocket frames.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { REFERENCE, startSiocast } from './lib/daemon.mjs';
import { Session, TEXT, openDirect, settle } from './lib/engine.mjs';
import { Application } from './lib/hook.mjs';
import { request } from './lib/http.mjs';
import { suite } from './lib/suite.mjs';
import { httpExchanges, reactions } from './lib/vectors.mjs';
import { limit } from './lib/wait.mjs';

// The recorded server echoes an event, or acknowledges it when it has an id; a configured handler does always the same, so
// there are two servers.
const ECHO = { '/': { on: { echo: [{ emit: ['echo', '...{args}'] }] } }, '/admin': {} };
const ACK = { '/': { on: { echo: [{ ack: ['...{args}'] }] } }, '/admin': {} };
const cors = { origin: false };
const engine = { pingInterval: 25000, pingTimeout: 20000, maxHttpBufferSize: 1000000, allowEIO3: false };

const withoutSid = (text) => text.replace(/"sid":"[A-Za-z0-9_-]{20}"/g, '"sid":"<sid>"');

suite('recorded HTTP exchanges', (cleanup) => startSiocast(cleanup, { engine, cors, jsonp: true, namespaces: ECHO }), (server) => {
	for (const { id, request: sent, response } of httpExchanges()) {
		// The body of this one was the recorded server's own page.
		const foreign = id.endsWith('no-slash');
		// This one is better told to be a script than to be plain text, which browsers may refuse to run.
		const script = id.endsWith('jsonp') && !REFERENCE;
		test(id, limit(), async () => {
			const { sid } = sent.path.includes('<sid>') ? await Session.open(server) : { sid: '' };
			const target = sent.path.replace('<sid>', sid);
			const body = sent.body === '' ? undefined : sent.body;
			const answer = await request(server.port, sent.method, target, sent.headers, body);
			assert.equal(answer.status, response.status);
			if (!foreign) assert.equal(answer.text.replace(/(sid\\?":\\?")[A-Za-z0-9_-]{20}/, '$1<sid>'), response.body);
			if (foreign) return;
			const type = script ? 'text/javascript; charset=UTF-8' : response.headers['content-type'];
			assert.equal(answer.header('content-type'), type);
			for (const name of ['x-xss-protection', 'access-control-allow-origin']) {
				assert.equal(answer.header(name), response.headers[name], name);
			}
			// More answers than the recorded ones may say this.
			if (response.headers['cache-control']) assert.equal(answer.header('cache-control'), 'no-store');
		});
	}
});

async function joined(server) {
	const session = await Session.open(server);
	assert.equal((await session.post('40')).text, 'ok');
	const [packet] = await session.packets();
	assert.equal(withoutSid(packet), '40{"sid":"<sid>"}');
	return session;
}

suite('recorded POST bodies', (cleanup) => startSiocast(cleanup, { engine, namespaces: ECHO }), (server) => {
	for (const { name, transport, wire, expect } of reactions('post')) {
		test(name, limit(), async () => {
			const session = await joined(server);
			const poll = await session.startPoll();
			await session.settle();
			const headers = transport === 'polling-binary' ? { 'Content-Type': 'application/octet-stream' } : TEXT;
			const post = await session.post(Buffer.from(wire.hex, 'hex'), headers);
			assert.equal(post.status, expect.post_status);
			assert.equal(post.text, expect.post_body);
			if (expect.pending_get !== null) {
				const answer = await poll.answer;
				assert.equal(answer.status, expect.pending_get.status);
				assert.equal(answer.header('content-type'), expect.pending_get.content_type);
				assertPayload(name, answer.text, expect.pending_get.utf8);
			}
			if (!expect.session_open_afterwards) {
				assert.equal((await session.poll()).text, '{"code":1,"message":"Session ID unknown"}');
				return;
			}
			await session.post('42["echo","later"]');
			const later = expect.pending_get === null ? [(await poll.answer).text] : await session.packets();
			// The attachment of the event may still have been on its way.
			if (name === 'b64-event' && later[0] === 'bAQID') later.shift();
			if (later.length === 0) later.push(...(await session.packets()));
			assert.deepEqual(later, ['42["echo","later"]']);
		});
	}
});

// Where the exact bytes are a matter of the moment at which the official server looks at its buffer.
function assertPayload(name, text, recorded) {
	if (name === 'good-bad' && !REFERENCE) {
		// The event before the malformed packet may be answered before the session ends.
		assert.ok([recorded, '42["echo","ok"]', `42["echo","ok"]\x1e${recorded}`].includes(text), text);
	} else if (name === 'b64-event' && !REFERENCE) {
		// The attachment may leave in the same answer as its event.
		assert.ok([recorded, `${recorded}\x1ebAQID`].includes(text), text);
	} else {
		assert.equal(text, recorded);
	}
}

// Left out, each with its reason.
const NOT_HERE = {
	...(REFERENCE ? { 'connect-denied': 'the recorded server refused by a middleware of its own' } : {}),
	'attach-0': 'no attachment to wait for: the packet is complete here',
	'attach-exp': 'an exponent as the number of attachments: only digits are digits here',
};

function message(item) {
	return item.binary === undefined ? { text: withoutSid(item.text) } : { binary: Buffer.from(item.binary, 'hex') };
}

async function replayFrames(server, { frames, expect }) {
	const socket = await openDirect(server);
	await socket.text('40');
	assert.equal(withoutSid(await socket.nextText()), '40{"sid":"<sid>"}');
	for (const item of frames) {
		const sent = item.binary === undefined ? socket.text(item.text) : socket.binary(message(item).binary);
		// Where the session ends, it may end before the last frame.
		await (expect.closed ? sent.catch(() => {}) : sent);
		// The recording waited between frames; the official server opens a namespace twice when asked twice at once.
		await settle(server.port, server.path);
	}
	for (const item of expect.received) {
		const got = await socket.next();
		assert.deepEqual(got.text === undefined ? { binary: Buffer.from(got.binary) } : { text: withoutSid(got.text) }, message(item));
	}
	if (expect.closed) {
		const { before, close } = await socket.ended();
		assert.deepEqual(before, []);
		assert.equal(close?.code ?? null, expect.close_code);
		return;
	}
	// Nothing else came and the session works: the next message is the answer to this.
	await socket.text('40/unknown,');
	assert.equal(await socket.nextText(), '44/unknown,{"message":"Invalid namespace"}');
	socket.close();
}

const answersAck = ({ name }) => /^echo-.*ack$/.test(name);

// The recorded server had a middleware that let nobody into /deny.
async function startWithDoor(cleanup) {
	if (REFERENCE) return startSiocast(cleanup, { engine, namespaces: ECHO });
	const application = await Application.start(cleanup, () => ({ status: 403, body: { message: 'nope' } }));
	const deny = { auth: { hook: { url: application.url } } };
	return startSiocast(cleanup, { engine, namespaces: { ...ECHO, '/deny': deny } });
}

suite('recorded WebSocket frames', startWithDoor, (server) => {
	for (const vector of reactions('ws').filter((v) => !answersAck(v))) {
		test(vector.name, { ...limit(), skip: NOT_HERE[vector.name] ?? false }, () => replayFrames(server, vector));
	}
});

suite('recorded acknowledgements', (cleanup) => startSiocast(cleanup, { engine, namespaces: ACK }), (server) => {
	for (const vector of reactions('ws').filter(answersAck)) test(vector.name, limit(), () => replayFrames(server, vector));
});
