// SPDX-License-Identifier: MIT
//
// Three siocasts as one server, behind an nginx without any affinity: "siocast-lb" has what `siocast lb` prints, "siocast-peers"
// sends each request to the next of them, and they pass on to one another what is another one's.

import fs from 'node:fs/promises';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { runNginx } from '../../tests/e2e/lib/nginx.mjs';
import { Child, accepts, eventually, freePort } from './tools.mjs';

const NAMES = ['a', 'b', 'c'];

/** The http block of an nginx that gives each request to the next node. */
const nextOf = (port, nodes) => `map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
	upstream nodes { ${nodes.map((node) => `server 127.0.0.1:${node.port};`).join(' ')} keepalive 16; }
	server {
		listen 127.0.0.1:${port};
		client_max_body_size 1g;
		location / {
			proxy_pass http://nodes;
			proxy_http_version 1.1;
			proxy_set_header Host $host;
			proxy_set_header Upgrade $http_upgrade;
			proxy_set_header Connection $connection_upgrade;
			proxy_buffering off;
			proxy_read_timeout 300s;
		}
	}`;

export class Nodes {
	/** `config`: of each of them; `siocast`: the program. The address is that of the nginx; none of them is started yet. */
	static async prepare(cleanup, kind, config, siocast, startMs) {
		const all = new Nodes();
		const folder = await cleanup.folder();
		Object.assign(all, { kind, siocast, startMs, path: '/socket.io/', port: await freePort(), children: [] });
		all.url = `http://127.0.0.1:${all.port}`;
		all.nodes = [];
		for (const name of NAMES) all.nodes.push({ name, port: await freePort(), file: path.join(folder, `${name}.json`) });
		const peerKeyFile = path.join(folder, 'key');
		await fs.writeFile(peerKeyFile, 'a key for the nodes of the compatibility suite\n');
		const peers = Object.fromEntries(all.nodes.map(({ name, port }) => [name, `127.0.0.1:${port}`]));
		for (const { name, port, file } of all.nodes) {
			const own = { node: name, listen: [`127.0.0.1:${port}`], ...(kind === 'siocast-peers' ? { peers, peerKeyFile } : {}) };
			await fs.writeFile(file, JSON.stringify({ ...config, ...own }, null, '\t'));
		}
		await runNginx(cleanup, all.port, kind === 'siocast-peers' ? nextOf(all.port, all.nodes) : all.printed());
		return all;
	}

	/** What `siocast lb` says, on a port of ours. */
	printed() {
		const args = ['lb', '-c', this.nodes[0].file, 'nginx', ...this.nodes.map(({ name, port }) => `${name}=127.0.0.1:${port}`)];
		const { status, stdout, stderr } = spawnSync(this.siocast, args, { encoding: 'utf8' });
		if (status !== 0) throw new Error(`siocast lb: ${stderr}`);
		return stdout.replace('listen 80;', `listen 127.0.0.1:${this.port};`);
	}

	async start() {
		this.children = this.nodes.map(({ name, file }) => new Child(this.siocast, ['-c', file], { name: `${this.kind} ${name}` }));
		const up = ({ port }) => eventually(() => accepts(port), `${this.kind} on port ${port}`, this.startMs);
		await Promise.all(this.nodes.map((node, i) => this.children[i].whileRunning(up(node))));
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
