// SPDX-License-Identifier: MIT
//
// The official servers with the handlers of the differential test. Started by targets.mjs as
//	node reference.mjs VERSION CONFIG.json
// CONFIG: namespaces (the names, "/" among them); servers, each with port and options (of the Server). One process has them all:
// most of what it takes to start is to load the library.

import { createRequire } from 'node:module';
import fs from 'node:fs';
import http from 'node:http';

const require = createRequire(import.meta.url);
const [version, file] = process.argv.slice(2);
const config = JSON.parse(fs.readFileSync(file, 'utf8'));

const library = require(`server-${version}`);

function openServer(options) {
	// What Socket.IO does not want is the application's: here nobody's.
	const httpServer = http.createServer((req, res) => {
		res.writeHead(404);
		res.end();
	});
	const io = version[0] === '4' ? new library.Server(httpServer, options) : library(httpServer, options);
	return { httpServer, io };
}

/** The last argument is the acknowledgement when the client asked for one. */
function split(all) {
	const ack = typeof all[all.length - 1] === 'function' ? all.pop() : () => {};
	return { args: all, ack };
}

function handle(socket) {
	socket.on('echo', (...all) => {
		const { args, ack } = split(all);
		socket.emit('echo', ...args);
		ack(...args);
	});
	socket.on('leave', () => socket.disconnect(false));
	socket.on('quit', () => socket.disconnect(true));
	// A client's mistake must not end the process.
	socket.on('error', () => {});
}

process.on('SIGTERM', () => process.exit());
for (const { port, options } of config.servers) {
	const { httpServer, io } = openServer(options);
	for (const name of config.namespaces) io.of(name).on('connection', handle);
	httpServer.listen(port, '127.0.0.1');
}
