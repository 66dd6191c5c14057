// SPDX-License-Identifier: MIT
//
// What handlers broadcast to others, over each transport, from worker to worker.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MODES, ask, collect, connectMode } from './lib/client.mjs';
import { SIOCAST_ONLY, startSiocast } from './lib/daemon.mjs';
import { metric } from './lib/metrics.mjs';
import { suite } from './lib/suite.mjs';
import { limit } from './lib/wait.mjs';

const MANY = 200;
const on = {
	join: [{ join: '{1}' }, { ack: ['{rooms}'] }],
	say: [{ broadcast: { room: '{1.rooms}', except: '{1.except}', event: 'said', args: ['{2}'] } }],
	tell: [{ broadcast: { event: 'told', args: ['{sid}', '...{args}'], self: true } }],
	disconnect: [{ broadcast: { event: 'left', args: ['{sid}', '{reason}'] } }],
};

const config = (workers) => ({ workers, namespaces: { '/': { on } } });

for (const workers of [1, 2]) {
	suite(`${workers} worker(s)`, async (cleanup) => ({ cleanup, ...(await startSiocast(cleanup, config(workers))) }), (server) => {
		// Several of each kind: with two workers the kernel puts some of them on either.
		const open = () => Promise.all([...Object.keys(MODES), ...Object.keys(MODES)].map((mode) => connectMode(server.cleanup, server, mode)));
		const close = (sockets) => sockets.map((socket) => socket.disconnect());

		test('each client once, and the sender last of all', limit(), async () => {
			const sockets = await open();
			const [sender, ...others] = sockets;
			for (const [i, socket] of sockets.entries()) assert.deepEqual(await ask(socket, 'join', ['a', `b${i}`]), [['a', `b${i}`]]);
			const said = sockets.map((socket) => collect(socket, 'said'));
			const told = sockets.map((socket) => collect(socket, 'told'));
			sender.emit('say', { rooms: ['a', 'b1', 'b2', 'none'], except: ['b3', others[3].id] }, Buffer.from([0, 255]));
			sender.emit('say', { rooms: [] }, 'nobody');
			sender.emit('say', {}, 'nobody');
			sender.emit('tell', 'done', Buffer.from('x'));
			for (const inbox of told) assert.deepEqual(await inbox.next(), [sender.id, 'done', Buffer.from('x')]);
			for (const [i, inbox] of said.entries()) {
				const wanted = i === 0 || i === 3 || i === 4 ? [] : [[Buffer.from([0, 255])]];
				assert.deepEqual(inbox.items, wanted, `client ${i}`);
			}
			close(sockets);
		});

		test('the order of one sender is kept', limit(), async () => {
			const sockets = await open();
			const told = sockets.map((socket) => collect(socket, 'told'));
			for (let i = 0; i < MANY; i++) sockets[0].emit('tell', i);
			for (const inbox of told) {
				const items = await inbox.until((all) => all.length === MANY, 'all of them');
				assert.deepEqual(items.map(([, i]) => i), Array.from({ length: MANY }, (_, i) => i));
			}
			close(sockets);
		});

		test('who leaves is told of', limit(), async () => {
			const sockets = await open();
			const [first, second, ...rest] = sockets;
			const left = rest.map((socket) => collect(socket, 'left'));
			const ids = [first.id, second.id];
			first.disconnect();
			second.io.engine.close();
			for (const inbox of left) {
				// Those of the tests before may still be leaving.
				const ours = (all) => all.filter(([id]) => ids.includes(id));
				const items = await inbox.until((all) => ours(all).length === 2, 'both');
				assert.deepEqual(Object.fromEntries(ours(items)), { [ids[0]]: 'client namespace disconnect', [ids[1]]: 'transport close' });
			}
			close(sockets);
			assert.ok((await metric(server, 'handlers_broadcasts_total')) > MANY);
			assert.equal(await metric(server, 'handlers_broadcasts_dropped_total'), 0);
		});
	}, SIOCAST_ONLY);
}
