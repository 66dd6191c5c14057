// SPDX-License-Identifier: MIT
//
// Nodes that know each other: what is for another node's session they pass on.

import fs from 'node:fs';
import path from 'node:path';
import { configure, feedsReady, launchSiocast } from './daemon.mjs';
import { freePort } from './ports.mjs';
import { startRedis } from './redis.mjs';

export const NAMES = ['a', 'b', 'c'];
export const KEY = 'a key that all of the nodes have, and no one else';

/** The name of the node that a session is at. */
export const nodeOf = (sid) => sid.slice(2, 2 + 'ABCDEFG'.indexOf(sid[1]));

/** Starts them, with a Redis. `peers`: by default by their names. */
export async function startNodes(cleanup, { names = NAMES, peers, keys = [], ...config } = {}) {
	const redis = await startRedis(cleanup, await freePort());
	const folder = await cleanup.folder();
	const nodes = [];
	for (const name of names) {
		const peerKeyFile = path.join(folder, `key-${name}`);
		fs.writeFileSync(peerKeyFile, `${keys[nodes.length] ?? KEY}\n`, { mode: 0o600 });
		nodes.push({ name, ...(await configure(cleanup)), peerKeyFile });
	}
	const all = Object.fromEntries(nodes.map(({ name, port }) => [name, `127.0.0.1:${port}`]));
	for (const node of nodes) {
		node.config = {
			...node.config,
			node: node.name,
			peers: peers?.(node, nodes) ?? all,
			peerKeyFile: node.peerKeyFile,
			redis: redis.url,
			workers: 2,
			feeds: [{ channel: 'news', event: 'news', encode: 'json', batch: { interval: 0 } }],
			namespaces: { '/': { on: { connection: [{ emit: ['from', '{address}'] }], echo: [{ ack: ['{1}'] }] } } },
			trustedProxies: '127.0.0.1',
			...config,
		};
		fs.writeFileSync(node.file, JSON.stringify(node.config));
		node.child = await launchSiocast(cleanup, node);
		await feedsReady(redis, node);
	}
	return { redis, nodes };
}
