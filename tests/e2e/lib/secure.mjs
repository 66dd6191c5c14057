// SPDX-License-Identifier: MIT
//
// siocast with TLS, and connections to it.

import fs from 'node:fs';
import tls from 'node:tls';
import { spawnSync } from 'node:child_process';
import { configure, launchSiocast } from './daemon.mjs';
import { Wire, requestBytes } from './http.mjs';
import { within } from './wait.mjs';

export const HANDSHAKE = requestBytes('GET', '/socket.io/?EIO=4&transport=polling', { Connection: 'close' });

/** A certificate of an authority, as siocast wants it: {cert, key}. */
export async function certificate(authority, names, options) {
	const { cert, key } = await authority.issue(names, { days: 30, ...options });
	return { cert, key };
}

/** Starts siocast with TLS on its port. `config` as always; `rules`: members of "tls". */
export async function startSecure(cleanup, authority, { rules = {}, listen = [], ...config } = {}) {
	const setup = await configure(cleanup, config);
	const files = rules.cert || rules.certificates ? {} : await certificate(authority);
	setup.config.listen = [{ address: `127.0.0.1:${setup.port}`, tls: { ...files, ...rules } }, ...listen];
	fs.writeFileSync(setup.file, JSON.stringify(setup.config));
	const child = await launchSiocast(cleanup, setup);
	const trusted = fs.readFileSync(authority.ca);
	return { ...setup, child, files, authority, trusted, url: `https://localhost:${setup.port}` };
}

/** A connection after its handshake. */
export async function openSecure(cleanup, server, options = {}) {
	const socket = tls.connect({ port: server.port, host: '127.0.0.1', servername: 'localhost', ca: server.trusted, ...options });
	cleanup.add(socket, () => socket.destroy());
	await within(new Promise((resolve, reject) => {
		socket.once('secureConnect', resolve);
		socket.once('error', reject);
	}), 'a handshake');
	socket.on('error', () => {});
	return socket;
}

/** What s_client says of a connection; it sends nothing. */
export function sClient(server, ...args) {
	const all = ['s_client', '-connect', `127.0.0.1:${server.port}`, '-CAfile', server.authority.ca, ...args];
	const { stdout, stderr } = spawnSync('openssl', all, { input: '', encoding: 'utf8', timeout: 20_000 });
	return stdout + stderr;
}

export async function get(cleanup, server, bytes = HANDSHAKE, options = {}) {
	const wire = new Wire(await openSecure(cleanup, server, options));
	await wire.send(bytes);
	return wire.response();
}

export async function certificateOf(cleanup, server, servername) {
	const socket = await openSecure(cleanup, server, { servername, checkServerIdentity: () => undefined });
	const { CN } = socket.getPeerCertificate().subject;
	socket.destroy();
	return CN;
}
