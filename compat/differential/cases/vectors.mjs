// SPDX-License-Identifier: MIT
//
// The client's side of tests/vectors/protocol-vectors.json, played again to running servers: each odd packet that was ever
// recorded, over WebSocket and as a POST.

import fs from 'node:fs';
import path from 'node:path';
import { TOP } from '../../../tests/e2e/lib/daemon.mjs';

const file = path.join(TOP, 'tests/vectors/protocol-vectors.json');
const { vectors } = JSON.parse(fs.readFileSync(file, 'utf8'));

/** The recorded reactions by revision and name; one recording of each is enough, its input is what counts. */
function recorded(kind) {
	const found = new Map();
	for (const vector of vectors) {
		const [, eio, name] = /^srv-[\d.]+-eio(\d)-(?:ws|post)-(.*)$/.exec(vector.id) ?? [];
		if (name === undefined || !vector.id.includes(`-eio${eio}-${kind}-`)) continue;
		found.set(`${eio}-${name}`, { ...vector, name, eio: Number(eio) });
	}
	if (found.size === 0) throw new Error(`no recorded reactions to ${kind}`);
	return [...found.values()];
}

// After these no echo comes. Who has left the namespace gets none, and 1.7.4 hears nothing more behind some mistakes.
const SILENT = ['disconnect-then-event'];
const SILENT_1X = ['empty', 'disconnect-payload', 'attach-nodash', 'stray-binary', 'extra-binary'];
const isSilent = (c, name) => SILENT.includes(name) || (c.profile === 'v1' && SILENT_1X.includes(name));

const overWebSocket = recorded('ws').map(({ name, eio, frames }) => ({
	name: `vector-ws-${name}`,
	eio: [eio],
	run: async (c) => {
		const socket = await c.direct();
		for (const { text, binary } of frames) {
			await (text === undefined ? socket.binary(Buffer.from(binary, 'hex')) : socket.text(text)).catch(() => {});
			// Node leaves some of its work for later; the next packet must not overtake it.
			await c.settle();
		}
		await (isSilent(c, name) ? c.untilPong(name, socket) : c.untilEcho(name, socket));
		socket.close();
	},
}));

const overPolling = recorded('post').map(({ name, eio, wire, transport, content_type: type }) => ({
	name: `vector-post-${name}`,
	eio: [eio],
	run: async (c) => {
		await c.join();
		const octets = type ? type === 'application/octet-stream' : transport === 'polling-binary' || name === 'octet-stream';
		const headers = { 'Content-Type': octets ? 'application/octet-stream' : 'text/plain;charset=UTF-8' };
		await c.whilePolling(() => c.post(Buffer.from(wire.hex, 'hex'), headers));
	},
}));

export const cases = [...overWebSocket, ...overPolling];
