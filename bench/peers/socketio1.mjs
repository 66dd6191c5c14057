// SPDX-License-Identifier: MIT
//
// A Socket.IO server of 2017, version 1.7.4 on the ws of that time; its clients speak revision 3 of the Engine.IO protocol.

import http from 'node:http';
import { createRequire } from 'node:module';
import { handle, options, passOn } from './peer.mjs';

const listen = createRequire(import.meta.url)('socket.io-1');
const opt = options();
const server = http.createServer();
const compression = opt.compress ? { threshold: 1024 } : false;
const io = listen(server, {
	pingInterval: opt.ping,
	pingTimeout: 60000,
	serveClient: false,
	perMessageDeflate: compression,
	httpCompression: compression,
});
handle(io);
await passOn(io, opt);
server.listen(opt.port, '127.0.0.1', 4096);
