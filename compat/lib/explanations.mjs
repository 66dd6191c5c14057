// SPDX-License-Identifier: MIT
//
// Why a server fails where it does: the first rule that fits a failed result gives the text of MATRIX.md. What no rule fits is
// told by what the scenario said.

import { TRANSPORTS, atLeast } from './versions.mjs';

// Begins with polling, in a browser that has ArrayBuffers.
const xhr2 = ({ build, transport }) => build !== 'node' && (transport === 'polling' || TRANSPORTS[transport]?.upgrades);
const direct = ({ transport }) => transport.startsWith('websocket');
const before = (version, other) => !atLeast(version, other);

// Scenarios of Node and of Chromium in which all text is ASCII: what encoders do to the rest explains nothing there.
const ASCII = [
	'connect', 'text-ascii', 'text-nul', 'text-controls', 'binary', 'binary-empty', 'big-binary', 'namespaces', 'namespace-query',
	'namespace-refused', 'refused', 'rooms', 'client-leaves', 'client-returns', 'server-leaves', 'server-puts-out',
	'server-disconnects', 'heartbeats', 'client-notices', 'server-notices', 'dead-server', 'restart', 'crash', 'cross-connect',
	'cross-binary', 'cross-stranger',
];
const hasText = ({ scenario }) => !ASCII.includes(scenario);

const RULES = [
	{
		fits: ({ version }) => version === '-',
		why: 'The server did not end cleanly when it was told to.',
	},
	{
		fits: ({ server, version }) => before(server, '3') && atLeast(version, '3'),
		why: 'Revision 4 of Engine.IO is younger than this server: 3.x and 4.x clients refuse what it answers, or are refused.',
	},
	{
		fits: ({ build, scenario, transport }) => build === 'debian' && scenario === 'restart' && transport === 'polling',
		why: 'A server that ends says "close" to polls that are held: python-socketio takes that for the end, and stays away for ever.',
	},
	{
		fits: ({ server, version }) => version === 'python3-socketio-client' && atLeast(server, '2'),
		why: 'python3-socketio-client reads only the binary form of a poll; servers from 2.0 on answer text.',
	},
	{
		fits: (result) => atLeast(result.server, '2') && before(result.version, '1.4') && xhr2(result),
		why: 'Browser clients 1.0 to 1.3 read only the binary form of a poll; servers from 2.0 on answer text.',
	},
	{
		fits: ({ server, version, scenario, transport }) => server.startsWith('4.') && before(version, '3') &&
			scenario === 'server-notices' && TRANSPORTS[transport].upgrades,
		why: 'After the upgrade to WebSocket this server watches the heartbeat of a revision 3 client no more: sessions whose cable ' +
			'was cut stay for ever.',
	},
	{
		fits: (result) => before(result.version, '1.1') && hasText(result),
		why: 'Clients 1.0 encode text twice on every transport; no server does on WebSockets, and from 2.0 on none on polling either, so ' +
			'that text that is not ASCII arrives broken or ends the connection, in either direction.',
	},
	{
		fits: (result) => atLeast(result.server, '2') && before(result.version, '2') && !direct(result) && hasText(result),
		why: 'Clients 1.x encode text twice on polling, servers from 2.0 on once: the first character that is not ASCII arrives broken ' +
			'or ends the session, in either direction.',
	},
	{
		fits: (result) => result.server.startsWith('1.') && atLeast(result.version, '2') && !direct(result) && hasText(result),
		why: 'Servers 1.x encode text twice on polling, clients from 2.0 on once: the first character that is not ASCII arrives broken ' +
			'or ends the session, in either direction.',
	},
];

const ruleOf = (result) => (result.server === 'siocast' ? undefined : RULES.find(({ fits }) => fits(result)));

/** Whether a reference server's failed result has a reason that is known. */
export function isExplained(result) {
	return ruleOf(result) !== undefined;
}

/** The reason of a failed result of a reference server; siocast's own failures are told as they are. */
export function explain(result) {
	return ruleOf(result)?.why ?? `Not explained: ${result.detail.replace(/\d{3,}/g, 'N').slice(0, 120)}`;
}
