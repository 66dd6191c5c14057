// SPDX-License-Identifier: MIT
//
// The proxies of contrib, each with the file that is there: only addresses, certificates and folders are a test's own, and
// the lines for TLS that stand in it as comments.

import fs from 'node:fs';
import path from 'node:path';
import { TOP } from './daemon.mjs';
import { runNginx } from './nginx.mjs';
import { accepts, freePort } from './ports.mjs';
import { Child } from './process.mjs';
import { eventually } from './wait.mjs';

const contrib = (name) => fs.readFileSync(path.join(TOP, 'contrib', name), 'utf8');
const PATH = `${process.env.PATH}:/usr/sbin`;

/** The first place on the way to a program, or undefined. */
function which(name) {
	return PATH.split(':').map((dir) => path.join(dir, name)).find((file) => fs.existsSync(file));
}

/** Replaces, each of which has to be there. */
function change(text, ...changes) {
	return changes.reduce((all, [from, to]) => {
		const next = all.replaceAll(from, to);
		if (next === all) throw new Error(`nothing to replace: ${from}`);
		return next;
	}, text);
}

/** Runs a proxy until the end of the test; it is up when it listens on the port. */
async function run(cleanup, name, args, port, env) {
	const child = new Child(name, args, { name, graceful: false, env: { PATH, ...env } });
	cleanup.add(child, () => child.stop());
	await child.whileRunning(eventually(() => accepts(port), `${name} on port ${port}`));
	return child;
}

async function nginx(cleanup, port, { server, certificate }) {
	const plain = await freePort();
	const text = change(
		contrib('nginx.conf'),
		['127.0.0.1:3000', `127.0.0.1:${server.port}`],
		['\tlisten 80;', `\tlisten 127.0.0.1:${plain};`],
		['\tlisten [::]:80;\n', ''],
		['# listen 443 ssl http2;', `listen 127.0.0.1:${port} ssl http2;`],
		['# ssl_certificate     /etc/ssl/certs/example.pem', `ssl_certificate ${certificate.cert}`],
		['# ssl_certificate_key /etc/ssl/private/example.key', `ssl_certificate_key ${certificate.key}`],
	);
	return (await runNginx(cleanup, port, text)).child;
}

async function haproxy(cleanup, port, { server, certificate, dir, changes }) {
	const file = path.join(dir, 'haproxy.cfg');
	const text = change(
		contrib('haproxy.cfg'),
		['maxconn 20000', 'maxconn 1000'],
		['bind :80', `bind 127.0.0.1:${await freePort()}`],
		['# bind :443 ssl crt /etc/haproxy/example.pem', `bind 127.0.0.1:${port} ssl crt ${certificate.both}`],
		['siocast1 127.0.0.1:3000 check port 9464 inter 5s', `siocast1 127.0.0.1:${server.port} check port ${server.admin} inter 1s`],
		...changes,
	);
	fs.writeFileSync(file, text);
	return run(cleanup, 'haproxy', ['-db', '-f', file], port);
}

async function caddy(cleanup, port, { server, certificate, dir }) {
	const file = path.join(dir, 'Caddyfile');
	const text = change(
		contrib('Caddyfile'),
		['example.com {', `{\n\tadmin off\n\tauto_https disable_redirects\n}\n\nhttps://localhost:${port} {\n\tbind 127.0.0.1`],
		['# tls /etc/ssl/certs/example.pem /etc/ssl/private/example.key', `tls ${certificate.cert} ${certificate.key}`],
		['127.0.0.1:3000', `127.0.0.1:${server.port}`],
		['health_port 9464', `health_port ${server.admin}`],
	);
	fs.writeFileSync(file, text);
	return run(cleanup, 'caddy', ['run', '--adapter', 'caddyfile', '--config', file], port, { HOME: dir, XDG_DATA_HOME: dir, XDG_CONFIG_HOME: dir });
}

async function apache2(cleanup, port, { server, certificate, dir }) {
	const file = path.join(dir, 'apache.conf');
	const modules = ['mpm_event', 'authz_core', 'ssl', 'http2', 'proxy', 'proxy_http', 'dir', 'mime'];
	const site = change(
		contrib('apache.conf'),
		['*:443', `127.0.0.1:${port}`],
		['/etc/ssl/certs/example.pem', certificate.cert],
		['/etc/ssl/private/example.key', certificate.key],
		['127.0.0.1:3000', `127.0.0.1:${server.port}`],
		['/var/www/html', dir],
	);
	fs.writeFileSync(
		file,
		`ServerRoot ${dir}
PidFile ${dir}/apache.pid
DefaultRuntimeDir ${dir}
ErrorLog ${dir}/error.log
ServerName localhost
Listen 127.0.0.1:${port}
TypesConfig /dev/null
${process.getuid() === 0 ? 'User www-data\nGroup www-data' : ''}
${modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
${site}`,
	);
	return run(cleanup, 'apache2', ['-DFOREGROUND', '-f', file], port);
}

const starts = { nginx, haproxy, caddy, apache2 };

/** The names of all proxies, and why one is not tried; false: it is. */
export const PROXIES = Object.keys(starts).map((name) => [name, which(name) ? false : `there is no ${name}`]);

/**
 * Starts a proxy in front of a server, with a certificate for localhost. `changes`: what HAProxy's file has otherwise, as [from, to].
 * Gives {port, url, child, path}.
 */
export async function startProxy(cleanup, name, server, certificate, changes = []) {
	const [port, dir] = [await freePort(), await cleanup.folder()];
	const child = await starts[name](cleanup, port, { server, certificate, dir, changes });
	return { child, port, path: server.path, url: `https://localhost:${port}` };
}
