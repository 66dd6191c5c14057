// SPDX-License-Identifier: MIT
//
// Pairs of servers that are set up alike: an official one, and siocast. A pair is started when the first case needs it.

import fs from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { SIOCAST } from '../../tests/e2e/lib/daemon.mjs';
import { accepts, freePort } from '../../tests/e2e/lib/ports.mjs';
import { Child } from '../../tests/e2e/lib/process.mjs';
import { eventually } from '../../tests/e2e/lib/wait.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const NAMESPACES = ['/', '/admin'];
const HANDLERS = {
	echo: [{ emit: ['echo', '...{args}'] }, { ack: ['...{args}'] }],
	leave: [{ disconnect: false }],
	quit: [{ disconnect: true }],
};

const A = 'http://a.example';
const B = 'http://b.example';
const OWN_COOKIE = { name: 'sess', path: '/live', httpOnly: false, sameSite: 'strict', maxAge: 3600 };

/** A 4.8.4 with its options, and the configuration of siocast that means the same. */
const v4 = (options, siocast) => ({
	version: '4.8.4',
	options: { allowEIO3: true, ...options },
	siocast: { compat: '4.x', cors: { origin: false }, jsonp: true, ...siocast },
});
const cors = (options, siocast = options) => v4({ cors: options }, { cors: siocast });
const engine = (options, siocast = options) => v4(options, { engine: siocast });

export const PROFILES = {
	v4: v4({}, {}),
	'v4-without-eio3': engine({ allowEIO3: false }),
	'v4-cors': cors({ origin: '*' }),
	'v4-cors-credentials': cors({ origin: [A, B], credentials: true }),
	'v4-cors-fixed': cors({ origin: A }),
	'v4-cors-reflect': cors({ origin: true, credentials: true }),
	'v4-cors-full': cors({
		origin: [A],
		methods: ['GET', 'POST'],
		allowedHeaders: ['X-One', 'X-Two'],
		exposedHeaders: ['X-Three'],
		maxAge: 600,
	}),
	'v4-cookie': engine({ cookie: true }),
	'v4-cookie-own': v4({ cookie: { ...OWN_COOKIE } }, { engine: { cookie: OWN_COOKIE } }),
	'v4-polling-only': engine({ transports: ['polling'] }),
	'v4-websocket-only': engine({ transports: ['websocket'] }),
	'v4-no-upgrades': engine({ allowUpgrades: false, upgradeTimeout: 300 }),
	'v4-small': engine({ maxHttpBufferSize: 1000 }),
	'v4-times': engine({ pingInterval: 1234, pingTimeout: 567 }),
	'v4-path': v4({ path: '/live/feed' }, { path: '/live/feed' }),
	'v4-no-slash': v4({ addTrailingSlash: false }, { engine: { addTrailingSlash: false } }),
	'v4-no-client': v4({ serveClient: false }, { serveClient: false }),
	v2: { version: '2.5.1', options: {}, siocast: { compat: '2.x' } },
	'v2-small': {
		version: '2.5.1',
		options: { maxHttpBufferSize: 1000 },
		siocast: { compat: '2.x', engine: { maxHttpBufferSize: 1000 } },
	},
	v1: { version: '1.7.4', options: {}, siocast: { compat: '1.x' } },
	'v1-no-cookie': { version: '1.7.4', options: { cookie: false }, siocast: { compat: '1.x', engine: { cookie: false } } },
};

async function launch(cleanup, name, command, args, ports) {
	const child = new Child(command, args, { name });
	cleanup.add(child, () => child.stop());
	for (const port of ports) await child.whileRunning(eventually(() => accepts(port), `${name} on port ${port}`));
}

async function writeJson(cleanup, name, value) {
	const file = path.join(await cleanup.folder(), name);
	await fs.writeFile(file, JSON.stringify(value, null, '\t'));
	return file;
}

/** The official servers of one version, all in one process: their ports by the names of the profiles. */
async function startReferences(cleanup, version) {
	const ports = new Map();
	const servers = [];
	for (const [name, { version: wanted, options }] of Object.entries(PROFILES)) {
		if (wanted !== version) continue;
		const port = await freePort();
		ports.set(name, port);
		servers.push({ port, options });
	}
	const file = await writeJson(cleanup, 'reference.json', { namespaces: NAMESPACES, servers });
	const args = [path.join(HERE, 'reference.mjs'), version, file];
	await launch(cleanup, `socket.io ${version}`, process.execPath, args, [...ports.values()]);
	return ports;
}

// The set-ups whose files are asked for. To prepare them is most of what it takes to start.
const WITH_FILES = /^(v4|v2|v1|v4-cors.*)$/;

async function startSiocast(cleanup, name, profile) {
	const port = await freePort();
	const namespaces = Object.fromEntries(NAMESPACES.map((name) => [name, { on: HANDLERS }]));
	// Nobody listens on port 1: no Redis is needed here.
	const serveClient = WITH_FILES.test(name);
	const config = { listen: `127.0.0.1:${port}`, workers: 1, serveClient, redis: 'redis://127.0.0.1:1/0', logLevel: 'error', namespaces };
	const file = await writeJson(cleanup, 'siocast.json', { ...config, ...profile.siocast });
	await launch(cleanup, 'siocast', SIOCAST, ['-c', file], [port]);
	return port;
}

/** Starts pairs on demand. `get(name)` gives {name, version, path, reference, siocast}: the last two are ports. */
export class Pairs {
	constructor(cleanup) {
		this.cleanup = cleanup;
		this.started = new Map();
		this.references = new Map();
	}

	get(name) {
		return once(this.started, name, () => this.#start(name));
	}

	async #start(name) {
		const profile = PROFILES[name];
		if (profile === undefined) throw new Error(`no profile is called ${name}`);
		const { version } = profile;
		const [references, siocast] = await Promise.all([
			once(this.references, version, () => startReferences(this.cleanup, version)),
			startSiocast(this.cleanup, name, profile),
		]);
		const base = (profile.options.path ?? '/socket.io/').replace(/\/?$/, '/');
		return { name, version, path: base, reference: references.get(name), siocast };
	}
}

// What is in the map, or what `make` gives.
function once(map, key, make) {
	if (!map.has(key)) map.set(key, make());
	return map.get(key);
}
