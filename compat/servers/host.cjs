// SPDX-License-Identifier: MIT
//
// Runs the servers of servers/ in one process, to save their starts:
//	node host.cjs '[{"file", "port", "packages"}, …]'
// `packages`: what socket.io and redis mean in that file, because here they are installed in several versions.

const Module = require('module');
const path = require('path');

let packages = {};
const { _resolveFilename: resolve } = Module;

Module._resolveFilename = function (request, parent, ...rest) {
	const ours = parent && path.dirname(path.dirname(parent.filename || '')) === __dirname;
	return resolve.call(this, (ours && packages[request]) || request, parent, ...rest);
};

for (const server of JSON.parse(process.argv[2])) {
	packages = server.packages;
	process.env.PORT = server.port;
	require(server.file);
}
process.on('SIGTERM', () => process.exit());
