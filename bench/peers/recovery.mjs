// SPDX-License-Identifier: MIT
//
// Socket.IO with connection state recovery as its documentation has it: the adapter for Redis Streams, which is the one that
// outlives its process. bench/drops.mjs and its clients are the same as for siocast; what comes on the channel leaves in batches.
//
//     node recovery.mjs --port N --redis URL --event m --batch 50

import { createServer } from 'node:http';
import { createAdapter } from '@socket.io/redis-streams-adapter';
import { createClient } from 'redis';
import { Server } from 'socket.io';
import { options, subscribe } from './peer.mjs';

const opt = options();
const client = createClient({ url: opt.redis });
await client.connect();
const io = new Server({
	adapter: createAdapter(client),
	connectionStateRecovery: { maxDisconnectionDuration: 120000 },
	pingInterval: opt.ping,
	perMessageDeflate: false,
});
let waiting = [];

function flush() {
	const batch = waiting;
	waiting = [];
	io.emit(opt.event, batch);
}

await subscribe(opt, (message) => {
	waiting.push(JSON.parse(message));
	if (opt.batch === 0) flush();
	else if (waiting.length === 1) setTimeout(flush, opt.batch);
});
const server = createServer();
io.attach(server);
server.listen(opt.port, '127.0.0.1', 4096);
