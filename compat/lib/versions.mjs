// SPDX-License-Identifier: MIT
//
// The clients of the suite, the ways they connect, and which client knows which way. The versions are those of package.json,
// where each has the name client-<version>; the servers have the names server-<version>.

import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { LANGUAGES } from './languages.mjs';

export const COMPAT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

const { dependencies } = JSON.parse(fs.readFileSync(path.join(COMPAT, 'package.json'), 'utf8'));

function versionsOf(prefix) {
	const names = Object.keys(dependencies).filter((name) => name.startsWith(prefix));
	return names.map((name) => name.slice(prefix.length)).sort((a, b) => compare(a, b));
}

function compare(a, b) {
	const [x, y] = [a, b].map((version) => version.split('.').map(Number));
	return x[0] - y[0] || x[1] - y[1] || x[2] - y[2];
}

/** Whether `version` is `other` or later; '4.3' stands for 4.3.0. A client in another language is as old as its generation. */
export function atLeast(version, other) {
	return compare(LANGUAGES[version]?.like ?? version, `${other}.0.0`) >= 0;
}

/** Every official client, oldest first. */
export const CLIENTS = versionsOf('client-');

/** And those in other languages. */
export const ALL_CLIENTS = [...CLIENTS, ...Object.keys(LANGUAGES)];

/** The official servers that stand beside ours. */
export const REFERENCES = versionsOf('server-');

/** Everything that can be under test. */
export const SERVERS = ['siocast', ...REFERENCES];

/** Several siocasts as one server, see nodes.mjs: only when they are asked for by name. */
export const SEVERAL = ['siocast-lb', 'siocast-peers'];

/** A few clients that cover every revision, text rule and decoder. */
export const FAST_CLIENTS = ['1.0.6', '1.1.0', '1.3.7', '1.7.4', '2.0.4', '2.5.0', '3.1.3', '4.2.0', '4.8.4'];

/** A few that cover every generation, and the ways that differ, for the official servers: all against each would take half a day. */
export const REFERENCE_CLIENTS = ['1.0.6', '1.3.7', '1.7.4', '2.5.0', '3.1.3', '4.8.4', ...Object.keys(LANGUAGES)];
export const REFERENCE_WAYS = ['polling', 'websocket', 'upgrade', 'jsonp'];

/** Of FAST_CLIENTS those whose builds for Node do something else than the files for browsers. */
const FAST_NODE = ['1.0.6', '1.7.4', '2.5.0', '3.1.3', '4.8.4'];

/** Whether a quick run includes this: each generation in the ways that it does not share with others. */
export function isFast({ version, build, transport }) {
	if (build === 'debian') return transport !== 'websocket';
	if (!FAST_CLIENTS.includes(version)) return false;
	if (build === 'node') return FAST_NODE.includes(version) && ['polling', 'websocket'].includes(transport);
	return transport !== 'timestamps' || version === '1.7.4' || version === '4.8.4';
}

/** The Engine.IO revision that the client speaks. */
export function revision(version) {
	return atLeast(version, '3') ? 4 : 3;
}

/**
 * The ways to connect: the options that a page would give, and who has them. `upgrades`: the client ends on WebSocket though it
 * began with polling. Builds: 'node' is what require() gives in Node, 'bundle' the file for browsers; 'debian' is a client in another
 * language.
 */
export const TRANSPORTS = {
	polling: { options: { transports: ['polling'] } },
	websocket: { options: { transports: ['websocket'] } },
	upgrade: { options: {}, upgrades: true },
	'polling-base64': { options: { transports: ['polling'], forceBase64: true } },
	'websocket-base64': { options: { transports: ['websocket'], forceBase64: true } },
	timestamps: { options: { timestampRequests: true, timestampParam: 'stamp' }, upgrades: true },
	jsonp: { options: { transports: ['polling'], forceJSONP: true }, builds: ['bundle'], before: '4.3' },
	// A browser whose XMLHttpRequest knows no ArrayBuffer. Later clients no longer look.
	'polling-xhr1': { options: { transports: ['polling'] }, builds: ['bundle'], before: '3', xhr1: true },
};

/** Whether this client can connect that way. */
export function offers(version, build, transport) {
	if (version in LANGUAGES) return build === 'debian' && LANGUAGES[version].transports.includes(transport);
	if (build === 'debian') return false;
	const { builds, before } = TRANSPORTS[transport];
	return (!builds || builds.includes(build)) && (!before || !atLeast(version, before));
}

/**
 * Whether the client survives the end of its connection. JSONP of the first versions calls itself without end when it is closed,
 * or ends, after a POST; in browsers too.
 */
export function closesWell({ version, transport }) {
	return transport !== 'jsonp' || atLeast(version, '1.2');
}

const require = createRequire(path.join(COMPAT, 'package.json'));

/** The folder of an installed package. */
export function packageFolder(name) {
	return path.join(COMPAT, 'node_modules', name);
}

/** What require() of an installed package gives. */
export function load(name) {
	return require(name);
}

/** The path of the client's file for browsers, as the server of its year would have served it. */
export function bundlePath(version) {
	const file = atLeast(version, '1.7') ? 'dist/socket.io.js' : 'socket.io.js';
	return path.join(packageFolder(`client-${version}`), file);
}
