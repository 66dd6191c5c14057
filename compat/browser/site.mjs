// SPDX-License-Identifier: MIT
//
// The files of the pages, as a folder: for every client version the pages with that client beside them
// (/1.7.4/plain.html, /1.7.4/socket.io.js), and what they share in /lib. siocast serves the folder itself ("www"); for other
// servers the browser is told to take the files from here; for cross-origin pages there is a small server.

import fs from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CLIENTS, COMPAT, bundlePath, packageFolder } from '../lib/versions.mjs';
import { freePort } from '../lib/tools.mjs';

const PAGES = path.join(path.dirname(fileURLToPath(import.meta.url)), 'pages');

/** Files of /lib: name and where it comes from. */
const LIBRARIES = {
	'siocast.js': path.join(COMPAT, '../client-js/siocast.js'),
	'scenarios.js': path.join(PAGES, 'scenarios.js'),
	'jquery-1.11.3.js': path.join(packageFolder('jquery-1.11.3'), 'dist/jquery.js'),
	'jquery-current.js': path.join(packageFolder('jquery-current'), 'dist/jquery.js'),
	'underscore-1.6.0.js': path.join(packageFolder('underscore-1.6.0'), 'underscore.js'),
	'underscore-current.js': path.join(packageFolder('underscore-current'), 'underscore-umd.js'),
	'backbone-1.1.2.js': path.join(packageFolder('backbone-1.1.2'), 'backbone.js'),
	'backbone-current.js': path.join(packageFolder('backbone-current'), 'backbone.js'),
	'd3-3.js': path.join(packageFolder('d3-3'), 'd3.js'),
	'd3-7.js': path.join(packageFolder('d3-7'), 'dist/d3.js'),
};

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8' };

/** Makes the folder; removed by `cleanup`. */
export async function makeSite(cleanup, versions = CLIENTS) {
	const folder = await cleanup.folder();
	const pages = (await fs.readdir(PAGES)).filter((name) => name.endsWith('.html'));
	await fs.mkdir(path.join(folder, 'lib'));
	for (const [name, file] of Object.entries(LIBRARIES)) await fs.copyFile(file, path.join(folder, 'lib', name));
	for (const version of versions) {
		await fs.mkdir(path.join(folder, version));
		await fs.copyFile(bundlePath(version), path.join(folder, version, 'socket.io.js'));
		for (const name of pages) await fs.copyFile(path.join(PAGES, name), path.join(folder, version, name));
	}
	return folder;
}

/** A file of the site: {body, type}, or null. */
async function fileOf(folder, url) {
	const { pathname } = new URL(url, 'http://site');
	const file = path.join(folder, path.normalize(pathname));
	const body = file.startsWith(folder + path.sep) ? await fs.readFile(file).catch(() => null) : null;
	return body && { body, type: TYPES[path.extname(file)] ?? 'application/octet-stream' };
}

/** Serves the site on an origin of its own: its URL. */
export async function serveSite(cleanup, folder) {
	const port = await freePort();
	const server = http.createServer(async (req, res) => {
		const found = await fileOf(folder, req.url);
		res.writeHead(found ? 200 : 404, { 'Content-Type': found?.type ?? 'text/plain', 'Cache-Control': 'no-store' });
		res.end(found?.body);
	});
	await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
	cleanup.add(server, () => {
		server.closeAllConnections();
		return new Promise((resolve) => server.close(resolve));
	});
	return `http://127.0.0.1:${port}`;
}

/** Makes a browser context find the site on the origin of a server that has no files of its own. */
export async function graftSite(context, folder, url) {
	// A page that no server sent is a page from nowhere, which may not speak to this machine unless it is allowed to.
	await context.grantPermissions(['local-network-access'], { origin: url });
	await context.route(new RegExp(`^${url}/(lib|\\d+\\.\\d+\\.\\d+)/`), async (route) => {
		const found = await fileOf(folder, route.request().url());
		await route.fulfill(found ? { body: found.body, contentType: found.type } : { status: 404, body: '' });
	});
}
