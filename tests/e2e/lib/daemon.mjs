// SPDX-License-Identifier: MIT
//
// Starts the programs under test: siocast with a configuration file of its own, and the Engine.IO echo program. With
// TARGET=reference the official server of reference-server.mjs stands in their place, with the same configuration: what the
// tests expect is then checked against the original.

import fs from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child } from './process.mjs';
import { accepts, freePort } from './ports.mjs';
import { eventually } from './wait.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
export const TOP = path.resolve(HERE, '../../..');
export const SIOCAST = path.resolve(process.env.SIOCAST ?? path.join(TOP, 'siocast'));
export const EIO_ECHO = path.resolve(process.env.EIO_ECHO ?? path.join(path.dirname(SIOCAST), 'examples/eio-echo'));
export const MARKET = path.resolve(process.env.MARKET ?? path.join(path.dirname(SIOCAST), 'examples/market'));
export const REFERENCE = process.env.TARGET === 'reference';

/** For the `skip` option of tests about what the official server does not do, or does otherwise. */
export const SIOCAST_ONLY = REFERENCE ? 'not what the official server does' : false;

// Leaks count; the first report ends the program.
const SANITIZER_ENV = {
	ASAN_OPTIONS: process.env.ASAN_OPTIONS ?? 'detect_leaks=1:abort_on_error=0',
	UBSAN_OPTIONS: process.env.UBSAN_OPTIONS ?? 'print_stacktrace=1:halt_on_error=1',
	TSAN_OPTIONS: `${process.env.TSAN_OPTIONS ?? 'halt_on_error=1'}:suppressions=${path.join(HERE, 'tsan.supp')}`,
};

async function launch(cleanup, command, args, port, options = {}) {
	const child = new Child(command, args, { ...options, env: { ...SANITIZER_ENV, ...options.env } });
	cleanup.add(child, () => child.stop());
	await child.whileRunning(eventually(() => accepts(port), `${child.name} on port ${port}`));
	return child;
}

async function launchReference(cleanup, kind, config, port) {
	const file = path.join(await cleanup.folder(), 'reference.json');
	await fs.writeFile(file, JSON.stringify(config));
	return launch(cleanup, process.execPath, [path.join(HERE, 'reference-server.mjs'), kind, file], port, {
		name: 'reference server',
	});
}

/**
 * Starts the echo server. `options`: pingInterval, pingTimeout, maxPayload, cors, allowEIO3, deflate. Gives {port, path, child}.
 */
export async function startEcho(cleanup, options = {}) {
	const port = await freePort();
	const { pingInterval = 25000, pingTimeout = 20000, maxPayload = 1000000, cors = false, allowEIO3 = false, deflate = false } = options;
	const base = { port, path: '/engine.io/' };
	if (REFERENCE) {
		const config = { ...base, pingInterval, pingTimeout, maxHttpBufferSize: maxPayload, cors, allowEIO3, perMessageDeflate: deflate };
		return { ...base, child: await launchReference(cleanup, 'engine', config, port) };
	}
	const args = ['--port', port, '--path', base.path, '--ping-interval', pingInterval, '--ping-timeout', pingTimeout];
	args.push('--max-payload', maxPayload);
	if (cors) args.push('--cors');
	if (allowEIO3) args.push('--allow-eio3');
	if (deflate) args.push('--deflate');
	return { ...base, child: await launch(cleanup, EIO_ECHO, args.map(String), port, { name: 'eio-echo' }) };
}

/** Writes a configuration with addresses of its own; gives {port, admin, path, file, config, url}. */
export async function configure(cleanup, config = {}) {
	const port = await freePort();
	const admin = await freePort();
	const whole = {
		listen: [`127.0.0.1:${port}`],
		admin: `127.0.0.1:${admin}`,
		workers: 1,
		// Without a Redis of the test's own there is none: nobody listens on port 1.
		redis: 'redis://127.0.0.1:1/0',
		...config,
	};
	const file = path.join(await cleanup.folder(), 'siocast.json');
	await fs.writeFile(file, JSON.stringify(whole, null, '\t'));
	const url = `http://127.0.0.1:${port}`;
	return { port, admin, path: whole.path ?? '/socket.io/', file, config: whole, url };
}

/**
 * Starts siocast (or the reference) with the configuration of a `configure` call. `options`: env; `wrap(command, args)` to put
 * another program around it.
 */
export async function launchSiocast(cleanup, setup, options = {}) {
	if (REFERENCE) return launchReference(cleanup, 'socketio', setup.config, setup.port);
	const wrap = options.wrap ?? ((command, args) => [command, args]);
	const [command, args] = wrap(SIOCAST, ['-c', setup.file]);
	const child = await launch(cleanup, command, args, setup.port, { name: 'siocast', env: options.env });
	// Every worker listens before the first of them accepts; the admin port comes last.
	await child.whileRunning(eventually(() => accepts(setup.admin), `siocast's admin port ${setup.admin}`));
	return child;
}

/** Configures and starts in one. */
export async function startSiocast(cleanup, config, options) {
	const setup = await configure(cleanup, config);
	return { ...setup, child: await launchSiocast(cleanup, setup, options) };
}

/** Waits for the daemon to listen to the channels of all its feeds. */
export async function feedsReady(redis, server) {
	await redis.client.hasSubscribers(server.config.feeds.map((feed) => feed.channel ?? feed.pattern));
}
