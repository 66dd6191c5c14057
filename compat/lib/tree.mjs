// SPDX-License-Identifier: MIT
//
// "siocast-relay": clients are at an edge, which has what they get from a hub that alone knows Redis.

import fs from 'node:fs/promises';
import path from 'node:path';
import { Child, accepts, eventually, freePort } from './tools.mjs';

const ready = async (port) => (await fetch(`http://127.0.0.1:${port}/readyz`)).status === 200;

export class Tree {
	/** As Nodes.prepare(). */
	static async prepare(cleanup, kind, config, siocast, startMs) {
		const tree = new Tree();
		const folder = await cleanup.folder();
		const [hub, port, admin] = [await freePort(), await freePort(), await freePort()];
		const peerKeyFile = path.join(folder, 'key');
		await fs.writeFile(peerKeyFile, 'a key for the tree of the compatibility suite\n');
		Object.assign(tree, { kind, siocast, startMs, path: '/socket.io/', port, admin, url: `http://127.0.0.1:${port}`, children: [] });
		const { redis, feeds, ...rest } = config;
		const all = [
			{ name: 'hub', port: hub, config: { ...config, node: 'hub', listen: [`127.0.0.1:${hub}`], peerKeyFile, relay: { edges: true } } },
			{ name: 'edge', port, config: { ...rest, node: 'edge', listen: [`127.0.0.1:${port}`], admin: `127.0.0.1:${admin}`, peerKeyFile, redis: { source: `siocast://127.0.0.1:${hub}` } } },
		];
		tree.nodes = all.map(({ name, port: at, config: own }) => ({ name, port: at, own, file: path.join(folder, `${name}.json`) }));
		for (const { own, file } of tree.nodes) await fs.writeFile(file, JSON.stringify(own, null, '\t'));
		return tree;
	}

	async start() {
		this.children = this.nodes.map(({ name, file }) => new Child(this.siocast, ['-c', file], { name: `${this.kind} ${name}` }));
		const up = ({ port }) => eventually(() => accepts(port), `${this.kind} on port ${port}`, this.startMs);
		await Promise.all(this.nodes.map((node, i) => this.children[i].whileRunning(up(node))));
		await eventually(() => ready(this.admin), 'the edge to be ready', this.startMs);
	}

	/** An orderly end. */
	async stop() {
		await Promise.all(this.children.map((child) => child.stop()));
	}

	/** An end like that of a crash. */
	async kill() {
		await Promise.all(this.children.map((child) => child.kill()));
	}
}
