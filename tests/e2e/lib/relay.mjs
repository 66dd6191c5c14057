// SPDX-License-Identifier: MIT
//
// A hub with a Redis, and edges of it.

import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { configure, feedsReady, launchSiocast } from './daemon.mjs';
import { request } from './http.mjs';
import { metric } from './metrics.mjs';
import { freePort } from './ports.mjs';
import { startRedis } from './redis.mjs';
import { eventually } from './wait.mjs';

export const KEY = 'a key that hub and edges have, and no one else';
export const on = {
	join: [{ join: '{1}' }, { ack: ['{rooms}'] }],
	leave: [{ leave: '{1}' }, { ack: [1] }],
	here: [{ ack: [1] }],
	say: [{ publish: { channel: '{1}', message: '{2}' } }, { ack: [1] }],
};
export const namespaces = { '/': { on }, '/other': { on } };
export const feeds = [
	{ channel: 'news', event: 'news', encode: 'json', batch: { interval: 0 }, gapEvent: true },
	{ pattern: 'room:*', event: 'room', room: '{1}', encode: 'json', batch: { interval: 0 }, slow: 'drop-oldest' },
	{ channel: 'bytes', event: 'bytes', encode: 'binary', batch: { interval: 0, format: 'frames' } },
	{ channel: 'text', event: 'text', encode: 'text', batch: { interval: 0 }, namespace: '/other' },
	{ channel: 'list', event: 'list', encode: 'json', batch: { interval: 20 } },
	{ channel: 'many', event: 'many', encode: 'json', room: ['{/rooms}'], except: ['{/but}'], batch: { interval: 0 } },
];

export const ready = (server) => eventually(async () => (await request(server.admin, 'GET', '/readyz')).status === 200, 'siocast to be ready');

export function keyFile(folder, key = KEY) {
	const file = path.join(folder, `key-${crypto.randomBytes(4).toString('hex')}`);
	fs.writeFileSync(file, `${key}\n`, { mode: 0o600 });
	return file;
}

/** Another configuration in the place of a server's. */
export function rewrite(server, changes) {
	server.config = { ...server.config, ...changes };
	fs.writeFileSync(server.file, JSON.stringify(server.config));
}

export async function startHub(cleanup, config = {}) {
	const folder = await cleanup.folder();
	const redis = await startRedis(cleanup, await freePort());
	const hub = await configure(cleanup, {
		node: 'hub', redis: redis.url, workers: 2, feeds, namespaces, peerKeyFile: keyFile(folder), ...config,
		relay: { edges: true, ...config.relay },
	});
	hub.child = await launchSiocast(cleanup, hub);
	if (hub.config.feeds.some(({ subscribe }) => subscribe)) await ready(hub);
	else await feedsReady(redis, hub);
	return { redis, hub, folder };
}

/** An edge of a hub, or of whatever is behind a port. */
export async function startEdge(cleanup, port, folder, { key = KEY, wait = true, ...config } = {}) {
	const edge = await configure(cleanup, {
		node: 'edge', workers: 2, namespaces, peerKeyFile: keyFile(folder, key), ...config,
		redis: { source: `siocast://127.0.0.1:${port}` }, relay: { lingerSeconds: 0, ...config.relay },
	});
	edge.child = await launchSiocast(cleanup, edge);
	if (wait) await ready(edge);
	return edge;
}

/** Waits until the hub is asked for so many rooms: that of everyone is one, and of "/other" it is always, which does not count here. */
export const rooms = (hub, n) => eventually(async () => (await metric(hub, 'relay_hub_rooms')) === n + (n > 0), `${n} rooms at the hub`);
export const numbers = (inbox) => inbox.items.map(([{ n }]) => n);
export const range = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);

/** Waits until clients are in the rooms at the hub, too: what is published there comes. */
export async function heard(redis, inboxes, channel) {
	for (const inbox of inboxes) {
		await eventually(async () => {
			await redis.client.publish(channel, '{"n":-1}');
			return inbox.items.length > 0;
		}, `what is published to ${channel}`);
	}
	const mark = Math.floor(Math.random() * 1e9);
	await redis.client.publish(channel, JSON.stringify({ n: mark }));
	for (const inbox of inboxes) {
		await inbox.until((items) => items.at(-1)?.[0].n === mark, 'the last of them');
		inbox.items.length = 0;
	}
}
