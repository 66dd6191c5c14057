// SPDX-License-Identifier: MIT
//
// What the page of `./run demo` would see: itself, the client and the decoder, and, as a client that polls, a batch of ticks. With no package
// of npm: fresh systems have none. Called by tests/fresh: node tests/fresh-demo.mjs URL

import assert from 'node:assert/strict';

const [url] = process.argv.slice(2);

async function get(path, options) {
	const answer = await fetch(url + path, { ...options, signal: AbortSignal.timeout(10_000) });
	assert.equal(answer.status, 200, `${path}: ${answer.status}`);
	return answer.text();
}

for (const [path, has] of [
	['/', '<script src="/socket.io/socket.io.js">'],
	['/socket.io/socket.io.js', 'Socket.IO'],
	['/socket.io/siocast.js', 'decode'],
]) {
	assert.ok((await get(path)).includes(has), `${path} has no ${has}`);
}

const engine = '/socket.io/?EIO=4&transport=polling';
const { sid } = JSON.parse((await get(engine)).slice(1));
const session = `${engine}&sid=${sid}`;
await get(session, { method: 'POST', body: '40' });
let seen = '';
while (!seen.includes('451-["ticks",')) seen += `${await get(session)}\x1e`;
const batch = seen.split('\x1e').find((packet) => packet.startsWith('b'));
assert.ok(JSON.parse(Buffer.from(batch.slice(1), 'base64').toString()).length > 0);
