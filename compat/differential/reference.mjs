// SPDX-License-Identifier: MIT
//
// The official servers with the handlers of the differential test. Started by targets.mjs as
//	node reference.mjs VERSION CONFIG.json
// CONFIG: port, options (of the Server), namespaces (the names, "/" among them).

import { createRequire } from 'node:module';
import fs from 'node:fs';
import http from 'node:http';

const require = createRequire(import.meta.url);
const [version, file] = process.argv.slice(2);
const config = JSON.parse(fs.readFileSync(file, 'utf8'));

// What Socket.IO does not want is the application's: here nobody's.
const httpServer = http.createServer((req, res) => {
	res.writeHead(404);
	res.end();
});

function openServer() {
	const library = require(`server-${version}`);
	return version[0] === '4' ? new library.Server(httpServer, config.options) : library(httpServer, config.options);
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

const io = openServer();
for (const name of config.namespaces) io.of(name).on('connection', handle);
process.on('SIGTERM', () => process.exit());
httpServer.listen(config.port, '127.0.0.1');
