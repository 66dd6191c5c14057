// SPDX-License-Identifier: MIT
//
// What handlers broadcast, beside the official servers: `socket.broadcast.emit`, `socket.to(room).emit`, `socket.to(a).to(b).emit`
// and `io.to(room).emit`. The same configuration, the same clients (those of the server's own generation), the same conversation;
// what each client gets must be the same, packet by packet. siocast has two workers, so some clients are not on the sender's.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Cleanup } from '../tests/e2e/lib/cleanup.mjs';
import { SLOW, limit } from '../tests/e2e/lib/wait.mjs';
import { Client } from './lib/client.mjs';
import { startServer } from './lib/servers.mjs';

const OWN_CLIENT = { '1.7.4': '1.7.4', '2.5.1': '2.5.0', '4.8.4': '4.8.4' };

const on = {
	join: [{ join: '{1}' }, { ack: [] }],
	all: [{ broadcast: { event: 'said', args: ['...{args}'] } }],
	room: [{ broadcast: { room: '{1}', event: 'said', args: ['{sid}', '{2}'] } }],
	both: [{ broadcast: { room: ['r', 's'], event: 'said', args: ['both'] } }],
	everyone: [{ broadcast: { event: 'said', args: ['{1}'], self: true } }, { emit: ['then', 1] }],
	members: [{ broadcast: { room: 'r', event: 'said', args: ['members'], self: true } }, { ack: ['{1}'] }],
	end: [{ broadcast: { event: 'end', self: true } }],
	disconnect: [{ broadcast: { room: 'r', event: 'left', args: ['{sid}'] } }],
};

const limits = { limit: 20_000 * SLOW };

/** Connects, and keeps the packets of the engine as they came, from now on. */
async function connect(cleanup, kind, server) {
	const client = new Client(kind, server.url, limits);
	cleanup.add(client, () => client.close());
	const packets = [];
	await client.connected();
	client.engine.on('packet', ({ type, data }) => {
		if (type === 'message') packets.push(typeof data === 'string' ? data : Buffer.from(data).toString('hex'));
	});
	return { client, packets, ended: client.next('end') };
}

/** To revision 3 siocast writes what is not ASCII as escapes (doc/design.md, section 5), which mean the same. */
function unescaped(packet) {
	return packet.replace(/\\u([0-9a-f]{4})/g, (all, code) => (parseInt(code, 16) < 0x80 ? all : String.fromCharCode(parseInt(code, 16))));
}

/** What four clients get: a and b in r, c in r and s, d in none; e leaves. */
async function converse(cleanup, kind, server) {
	const [a, b, c, d, e] = await Promise.all([1, 2, 3, 4, 5].map(() => connect(cleanup, kind, server)));
	const ids = [a, b, c, d, e].map(({ client }) => client.socket.id);
	await a.client.ask('join', 'r');
	await b.client.ask('join', 'r');
	await c.client.ask('join', 'r');
	await c.client.ask('join', 's');
	// Others than a speak first, and are heard: between two senders there is no order.
	const heard = c.client.next('said');
	d.client.socket.emit('room', 'nobody', 'to nobody');
	d.client.socket.emit('room', 's', 'to s');
	await heard;
	const told = Promise.all([a, b, c].map(({ client }) => client.next('left')));
	e.client.socket.disconnect();
	await told;
	a.client.socket.emit('all', 1, 'é€😀 \u2028 \0', { n: 1.5, list: [null, true, {}] });
	a.client.socket.emit('all');
	a.client.socket.emit('room', 'r', 'to r');
	a.client.socket.emit('both');
	a.client.socket.emit('all', a.client.binary(Buffer.from([0, 255, 4])), { deep: [a.client.binary(Buffer.from('b'))] });
	a.client.socket.emit('everyone', 'é');
	assert.deepEqual(await a.client.ask('members', 7), [7]);
	a.client.socket.emit('end');
	await Promise.all([a, b, c, d].map(({ ended }) => ended));
	const name = (text) => ids.reduce((t, id, i) => t.replaceAll(id, `<${'abcde'[i]}>`), text);
	return [a, b, c, d].map(({ packets }) => packets.map((packet) => name(unescaped(packet))));
}

for (const [version, own] of Object.entries(OWN_CLIENT)) {
	describe(`as server ${version}`, () => {
		const cleanup = new Cleanup();
		const servers = [];
		before(async () => {
			const options = { namespaces: { '/': { on } }, feeds: [] };
			servers.push(...(await Promise.all([version, 'siocast'].map((name) => startServer(cleanup, name, options)))));
		}, limit(120));
		after(() => cleanup.run());

		for (const transport of ['polling', 'websocket']) {
			test(transport, limit(90), async () => {
				const kind = { version: own, build: 'node', transport };
				const [wanted, got] = await Promise.all(servers.map((server) => converse(cleanup, kind, server)));
				assert.ok(wanted[2].length > 8, 'the official server has spoken');
				assert.deepEqual(got, wanted);
			});
		}
	});
}
