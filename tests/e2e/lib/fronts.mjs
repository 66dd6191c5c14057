// SPDX-License-Identifier: MIT
//
// What stands in front of several nodes of one site: what `siocast lb` prints for them, which sends every session home, or an nginx that knows
// nothing of sessions.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { runNginx } from './nginx.mjs';
import { accepts, freePort } from './ports.mjs';
import { Child } from './process.mjs';
import { tool } from './tool.mjs';
import { eventually } from './wait.mjs';

export const PATH = `${process.env.PATH}:/usr/sbin`;

/**
 * An nginx that gives each request to the next node, whatever it is about, as doc/scale.md has it. `repeats`: what a node does not answer it asks
 * another one, as it does when nobody says anything about it.
 */
export async function startRoundRobin(cleanup, nodes, { repeats = false } = {}) {
	const port = await freePort();
	const servers = (how) => nodes.map((node) => `server 127.0.0.1:${node.port} ${how};`).join(' ');
	const front = await runNginx(
		cleanup,
		port,
		`map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
	upstream siocast_new { ${servers('max_fails=0')} keepalive 8; }
	upstream siocast_sessions { ${servers('max_fails=1 fail_timeout=1s')} keepalive 8; }
	server {
		listen 127.0.0.1:${port};
		client_max_body_size 100m;
		proxy_http_version 1.1;
		proxy_set_header Host $host;
		proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
		proxy_set_header Upgrade $http_upgrade;
		proxy_set_header Connection $connection_upgrade;
		proxy_buffering off;
		location / {
			error_page 418 = @session;
			if ($arg_sid) { return 418; }
			proxy_pass http://siocast_new;
		}
		location @session {
			proxy_next_upstream ${repeats ? 'error timeout' : 'off'};
			proxy_pass http://siocast_sessions;
		}
	}`,
	);
	return { ...front, path: '/socket.io/' };
}

/**
 * An nginx by which sessions begin at `home`, and all of their polls come by way of `way`, another node. What that does not answer is asked of
 * `other`: so nginx does it when nobody says anything about it.
 */
export async function startRepeating(cleanup, home, way, other) {
	const port = await freePort();
	const front = await runNginx(
		cleanup,
		port,
		`upstream home { server 127.0.0.1:${home.port}; keepalive 8; }
	upstream way { server 127.0.0.1:${way.port}; server 127.0.0.1:${other.port} backup; keepalive 8; }
	map $arg_sid $to { default way; '' home; }
	server {
		listen 127.0.0.1:${port};
		proxy_http_version 1.1;
		proxy_set_header Host $host;
		proxy_set_header Connection '';
		location / { proxy_pass http://$to; }
	}`,
	);
	return { ...front, path: '/socket.io/' };
}

const lb = (proxy, nodes) => {
	const { status, out, err } = tool(['lb', '-c', nodes[0].file, proxy, ...nodes.map(({ name, port }) => `${name}=127.0.0.1:${port}`)]);
	assert.equal(status, 0, err);
	return out;
};

/** By the proxy: starts it with that. `nodes`: { name, port, file }. Gives its { port, url, path }. */
export const startLb = {
	async nginx(cleanup, nodes) {
		const port = await freePort();
		return { ...(await runNginx(cleanup, port, lb('nginx', nodes).replace('listen 80;', `listen 127.0.0.1:${port};`))), path: '/socket.io/' };
	},
	async haproxy(cleanup, nodes) {
		const [port, file] = [await freePort(), path.join(await cleanup.folder(), 'haproxy.cfg')];
		fs.writeFileSync(file, lb('haproxy', nodes).replace('bind :80', `bind 127.0.0.1:${port}`));
		const child = new Child('haproxy', ['-db', '-f', file], { name: 'haproxy', graceful: false, env: { PATH } });
		cleanup.add(child, () => child.stop());
		await child.whileRunning(eventually(() => accepts(port), 'haproxy'));
		return { port, url: `http://127.0.0.1:${port}`, path: '/socket.io/' };
	},
};
