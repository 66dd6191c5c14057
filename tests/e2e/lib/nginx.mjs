// SPDX-License-Identifier: MIT
//
// A private nginx in front of the server: few upstream connections, kept alive and shared by everybody, as a proxy in
// production does it.

import fs from 'node:fs/promises';
import path from 'node:path';
import { Child } from './process.mjs';
import { accepts, freePort } from './ports.mjs';
import { eventually } from './wait.mjs';

/** The whole of a configuration around what stands in its http block. */
function configuration(dir, inside) {
	const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
	return `
${process.getuid() === 0 ? 'user root;' : ''}
daemon off;
worker_processes 1;
pid ${dir}/nginx.pid;
error_log stderr warn;
events { worker_connections 4096; }
http {
	access_log off;
	${folders.map((name) => `${name}_temp_path ${dir}/${name};`).join('\n\t')}
	${inside}
}
`;
}

/** A site that passes everything on, in few connections. */
function passOn(port, upstream) {
	return `
	map $http_upgrade $connection_upgrade {
		default upgrade;
		'' '';
	}
	upstream backend {
		server 127.0.0.1:${upstream};
		keepalive 8;
	}
	server {
		listen 127.0.0.1:${port} backlog=1024;
		client_max_body_size 10m;
		location / {
			proxy_pass http://backend;
			proxy_http_version 1.1;
			proxy_set_header Host $host;
			proxy_set_header Upgrade $http_upgrade;
			proxy_set_header Connection $connection_upgrade;
			proxy_read_timeout 300s;
		}
	}
`;
}

/** Starts nginx before the server on `upstream`; gives its {port, url}. */
export async function startNginx(cleanup, upstream) {
	const port = await freePort();
	return runNginx(cleanup, port, passOn(port, upstream));
}

/** Starts nginx with that in its http block, which listens on `port`; gives its {port, url}. */
export async function runNginx(cleanup, port, inside) {
	const dir = await cleanup.folder();
	const file = path.join(dir, 'nginx.conf');
	await fs.writeFile(file, configuration(dir, inside));
	const args = ['-p', dir, '-c', file, '-e', path.join(dir, 'error.log')];
	const child = new Child('nginx', args, { name: 'nginx', env: { PATH: `${process.env.PATH}:/usr/sbin` } });
	cleanup.add(child, () => child.stop());
	await child.whileRunning(eventually(() => accepts(port), 'nginx'));
	return { port, url: `http://127.0.0.1:${port}`, child };
}
