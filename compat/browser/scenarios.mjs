// SPDX-License-Identifier: MIT
//
// The scenarios of the plain page (what they do is in pages/scenarios.js), and what each needs:
//	for       which clients and ways of connecting have it at all
//	redis     the server's Redis (feeds, and what the server tells others)
//	own       a server of its own that can be stopped and started
//	quick     the server with quick heartbeats; gate: behind a relay that can fall silent
//	cross     the page is on another origin than the server; stranger: on one that the server does not allow
//	not       servers that cannot be asked
//	page      a page of its own instead of the plain one
//	limit     how long one wait may take, in ms

import { FEEDS } from '../lib/contract.mjs';
import { atLeast, closesWell } from '../lib/versions.mjs';

// A page takes ten seconds for as many messages of their own as arrive together in one.
const ALONE = 5;

const feeds = FEEDS.filter((feed) => feed.room).map((feed) => ({
	name: `feed-${feed.event}`,
	run: 'feed',
	redis: true,
	limit: 30_000,
	setting: (cell, id) => ({ feed: { event: feed.event, room: id, count: feed.event.endsWith('-alone') ? Math.ceil(cell.messages / ALONE) : cell.messages } }),
}));

// A client that does not end well cannot be asked to.
const closes = (version, transport) => closesWell({ version, transport });

const major = (version) => Number(version.split('.')[0]);
const upgrade = (version, transport) => transport === 'upgrade';

// Pages of their years, with the clients of their years; they connect as such pages do, by default.
const pages = [
	{ name: 'page-backbone-2015', page: 'backbone-2015', for: (version, transport) => upgrade(version, transport) && major(version) < 3 },
	{ name: 'page-backbone-today', page: 'backbone-today', for: (version, transport) => upgrade(version, transport) && atLeast(version, '4.6') },
	{ name: 'page-d3-2015', page: 'd3-2015', for: (version, transport) => upgrade(version, transport) && major(version) < 3 },
	{ name: 'page-d3-today', page: 'd3-today', for: (version, transport) => upgrade(version, transport) && major(version) >= 3 },
].map((scenario) => ({ ...scenario, redis: true }));

const plain = [
	{ name: 'connect' },
	{ name: 'texts' },
	{ name: 'told', redis: true },
	{ name: 'objects' },
	{ name: 'binary' },
	{ name: 'attachments' },
	{ name: 'blob' },
	{ name: 'big', limit: 20_000 },
	{ name: 'big-batch', run: 'bigBatch', redis: true },
	{ name: 'order' },
	{ name: 'acks' },
	{ name: 'namespaces' },
	{ name: 'namespace-query', run: 'namespaceQuery', for: (version) => atLeast(version, '1.5') },
	{ name: 'auth', for: (version) => atLeast(version, '3') },
	{ name: 'refused' },
	{ name: 'rooms', redis: true },
	{ name: 'client-leaves', run: 'clientLeaves', redis: true, for: closes },
	{ name: 'server-leaves', run: 'serverLeaves', for: closes },
	{ name: 'restart', run: 'reconnect', own: true, for: closes },
	{ name: 'heartbeats', run: 'heartbeat', quick: true },
	{ name: 'dead-server', run: 'deadServer', quick: true, gate: true, for: closes },
];

const cross = ['connect', 'texts', 'binary', 'acks', 'big', 'order'].map((name) => {
	const { run = name, limit } = plain.find((scenario) => scenario.name === name);
	return { name: `cross-${name}`, run, limit, cross: true };
});

// A WebSocket may be opened from everywhere, and 1.x and 2.x servers let everybody in.
const polls = (version, transport) => transport === 'polling' || transport === 'polling-base64';
const rules = [
	{ name: 'cross-stranger', run: 'stranger', cross: true, stranger: true, for: polls, not: ['1.7.4', '2.5.1'] },
	{ name: 'cross-headers', run: 'headers', cross: true, for: (version, transport) => atLeast(version, '3') && polls(version, transport) },
];

export const SCENARIOS = [...plain, ...feeds, ...cross, ...rules, ...pages];

/** A quick choice, for every change of the server. */
export const FAST = [
	'connect', 'texts', 'told', 'binary', 'attachments', 'acks', 'namespaces', 'refused', 'feed-binary-array', 'feed-json-array',
	'cross-connect', 'cross-binary', 'cross-stranger', 'cross-headers', ...pages.map(({ name }) => name),
];
