// SPDX-License-Identifier: MIT
//
// A Socket.IO server of today, as its documentation shows it: --engine ws, which comes with it, or --engine uws, uWebSockets.js.

import http from 'node:http';
import { createRequire } from 'node:module';
import { Server } from 'socket.io';
import { handle, options, passOn } from './peer.mjs';

const HOST = '127.0.0.1';
const require = createRequire(import.meta.url);
const opt = options();

/** uWebSockets.js out of an npm package that falls back to JavaScript when its binary does not load: then there is no such peer. */
function nativeUws() {
	const uws = require('@trufflesuite/uws-js-unofficial');
	const binary = Object.keys(require.cache).find((file) => /uws[^/]*\.node$/.test(file));
	if (!binary || typeof uws.us_listen_socket_close !== 'function') {
		throw new Error(`uWebSockets.js has no native binary for Node ${process.version} (ABI ${process.versions.modules})`);
	}
	return uws;
}

const io = new Server({
	pingInterval: opt.ping,
	perMessageDeflate: opt.compress ? { threshold: 1024 } : false,
	httpCompression: opt.compress ? { threshold: 1024 } : false,
});
handle(io);
await passOn(io, opt);
if (opt.engine === 'uws') {
	const uws = nativeUws();
	const app = uws.App();
	// By itself it skips what a client is more than 64 KB late with, and pings idle ones; the other servers do neither.
	const compression = opt.compress ? { compression: uws.SHARED_COMPRESSOR } : {};
	io.attachApp(app, { maxBackpressure: 1073741824, idleTimeout: 0, ...compression });
	app.listen(HOST, opt.port, (token) => {
		if (!token) throw new Error(`cannot listen on port ${opt.port}`);
	});
} else {
	const server = http.createServer();
	io.attach(server);
	server.listen(opt.port, HOST, 4096);
}
