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
import { limit, once } from '../tests/e2e/lib/wait.mjs';

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
