// SPDX-License-Identifier: MIT
//
// The servers under test, all started and fed the same way: {name, start(cleanup, options)} gives {port, child, pids(), feed(...)},
// and `client` says what bench/load must know of it. Each has a Redis of its own, so that what one is sent, no other hears.
//
// options: clients, size, rate, burst, batch (ms), channels, rooms, joins, lists, workers, compress, profile, flood; see scenarios/.
// feed({seconds, size, rate, mix}) sends messages for so long and tells what was sent.

import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { startSiocast } from '../../tests/e2e/lib/daemon.mjs';
import { accepts, freePort } from '../../tests/e2e/lib/ports.mjs';
import { startRedis } from '../../tests/e2e/lib/redis.mjs';
import { eventually } from '../../tests/e2e/lib/wait.mjs';
import { children, onServerCore } from './machine.mjs';
import { BENCH, Program, flags, publish, startFlood } from './programs.mjs';

export const EVENT = 'ticks';
const START_MS = 30_000;

// No heartbeat falls into a window: it would be one of a server that is not measured at the moment, too.
const PING_MS = 3_600_000;

/** How many processors a server may use. */
const coresOf = ({ workers = 1, unpinned }) => (unpinned ? os.cpus().length : workers);

/** What the publisher and the servers call the channels. */
function channelNames({ channels = 1 }) {
	return channels > 1 ? Array.from({ length: channels }, (_, i) => `${EVENT}.${i}`) : [EVENT];
}

/** The rooms of a message with a list of them. Each client is in two. */
const listed = (lists) => ['r', 'xr'].flatMap((name) => Array.from({ length: lists }, (_, i) => `${name}${i}`));

/** Where messages come from: a Redis and bench/publish, or bench/flood in the place of both. */
async function startSource(cleanup, options) {
	const port = await freePort();
	if (options.flood) {
		const { messages, seconds, ...rest } = options.flood;
		const flood = await startFlood(cleanup, { listen: `127.0.0.1:${port}`, ...(messages ? { messages } : { seconds }), ...rest });
		const feed = () => {
			flood.signal('SIGUSR1');
			return flood.next('the end of its schedule');
		};
		return { url: `redis://127.0.0.1:${port}/0`, address: `127.0.0.1:${port}`, subscribed: async () => {}, feed };
	}
	const redis = await startRedis(cleanup, port);
	const { channels = 1, lists } = options;
	const around = lists ? { before: `{"to":${JSON.stringify(listed(lists))},"data":`, after: '}' } : {};
	const base = { redis: `127.0.0.1:${port}`, channel: EVENT, channels, ...around };
	return {
		url: redis.url,
		subscribed: () => redis.client.hasSubscribers(channelNames(options)),
		feed: ({ seconds, size, rate, mix, burst }) =>
			publish(cleanup, { ...base, seconds, rate, burst, ...(mix ? { mix } : { size }) }),
	};
}

function siocastFeeds(options) {
	const batch = { interval: options.batch ?? 0, ...options.batchLimits };
	if (options.lists) return [{ channel: EVENT, event: EVENT, payload: '{/data}', room: '{/to}', batch }];
	if (options.rooms) return [{ pattern: `${EVENT}.*`, event: EVENT, room: 'r{1}', batch }];
	if (options.recovery) return [{ channel: EVENT, event: EVENT, encode: 'json', batch }];
	return channelNames(options).map((channel) => ({ channel, event: EVENT, batch }));
}

/** Where a process may have 20,000 files, 19,000 clients fit only when they are asked for: each worker takes an equal share. */
function manyClients({ clients }) {
	return clients > 18_000 ? { maxConnections: clients + 800 } : {};
}

/** `program`: another siocast than the one just built. */
function siocast(name, program) {
	return {
		name,
		client: {},
		async start(cleanup, options) {
			const source = await startSource(cleanup, options);
			const compress = options.compress ? { perMessageDeflate: true, httpCompression: true } : {};
			const on = {
				join: [{ join: options.lists ? ['{1}', 'x{1}'] : '{1}' }, { ack: [true] }],
				leave: [{ leave: '{1}' }, { ack: [true] }],
			};
			const config = {
				workers: options.workers ?? 1,
				redis: source.url,
				engine: { pingInterval: PING_MS, ...compress },
				feeds: siocastFeeds(options),
				namespaces: { '/': { on } },
				...(options.recovery ? { connectionStateRecovery: { maxDisconnectionDuration: 120_000 } } : {}),
				limits: { ...manyClients(options), ...options.limits },
			};
			const wrap = (command, args) => onServerCore(program ?? command, args, coresOf(options));
			const server = await startSiocast(cleanup, config, { wrap });
			if (options.rooms) await eventually(() => ready(server.admin), 'its subscriptions', START_MS);
			else await source.subscribed();
			return { ...server, pids: () => [server.child.pid], feed: source.feed, source };
		},
	};
}

async function ready(admin) {
	const answer = await fetch(`http://127.0.0.1:${admin}/readyz`);
	await answer.arrayBuffer();
	return answer.ok;
}

/** What the floor does in the place of a server that has these options. */
function floorMode({ clients, rooms, joins, transport }) {
	const polling = transport === 'polling';
	if (clients === 0) return polling ? 'idle-polling' : 'idle';
	if (joins) return 'tick';
	if (rooms) return 'rooms';
	return polling ? 'polling' : 'send';
}

/** It has its own schedule, which is written to it. Without clients at its start it holds those that come. */
const floorOf = (name, variant) => ({
	name,
	client: {},
	async start(cleanup, options) {
		const { clients, channels = 1, join, joins } = options;
		const port = await freePort();
		const mode = options.floorMode ?? floorMode(options);
		const own = { listen: `127.0.0.1:${port}`, mode, clients: clients || undefined, channels, join, joins, variant };
		const [command, args] = onServerCore(path.join(BENCH, 'floor'), flags(own), coresOf(options));
		const program = new Program(cleanup, command, args, { name: 'floor', stdin: 'pipe' });
		await program.next('to listen');
		const feed = ({ size, rate, mix, batch = 0, seconds }) => {
			if (mode === 'tick') {
				program.child.child.stdin.write(`${rate / channels} ${seconds} ${size} 1\n`);
				return program.next('the end of its schedule');
			}
			// As in the servers, a batch begins with a message and is sent `batch` ms later.
			const perBlock = Math.floor(((rate / channels) * batch) / 1000) + 1;
			program.child.child.stdin.write(`${rate / perBlock} ${seconds} ${mix ? 0 : size} ${perBlock}\n`);
			return program.next('the end of its schedule');
		};
		return { port, child: program.child, pids: () => [program.child.pid], feed, program };
	},
});

const floor = floorOf('floor');

/** Subscribes and counts bytes: what it costs to get messages at all. It has no clients. */
const floorIngest = {
	name: 'floor',
	client: {},
	async start(cleanup, options) {
		const source = await startSource(cleanup, options);
		const own = flags({ mode: 'ingest', redis: source.address, channel: EVENT });
		const program = new Program(cleanup, ...onServerCore(path.join(BENCH, 'floor'), own), { name: 'floor' });
		await program.next('to subscribe');
		return { child: program.child, pids: () => [program.child.pid], feed: source.feed, program };
	},
};

function peerFlags({ batch = 0, channels = 1, rooms, compress }, { port, url, naive }) {
	return flags({
		port,
		redis: url,
		event: EVENT,
		batch: naive ? 0 : batch,
		channels,
		rooms: Boolean(rooms),
		naive,
		compress: Boolean(compress),
		ping: PING_MS,
	});
}

/** A peer that is one program. `script`: its file and flags; `naive`: parse and emit each message. */
function peer(name, command, script, { naive = false, client = {} } = {}) {
	return {
		name,
		client,
		async start(cleanup, options) {
			const port = await freePort();
			const source = await startSource(cleanup, options);
			const before = command(options);
			const args = [...before.slice(1), path.join(BENCH, 'peers', script[0]), ...script.slice(1)];
			const [program, all] = onServerCore(before[0], [...args, ...peerFlags(options, { port, url: source.url, naive })], coresOf(options));
			const { child } = new Program(cleanup, program, all, { name, env: { NODE_ENV: 'production' } });
			await child.whileRunning(eventually(() => accepts(port), `${name} on port ${port}`, START_MS));
			await child.whileRunning(source.subscribed());
			return { port, child, pids: () => [child.pid], feed: source.feed, source };
		},
	};
}

// Names for perf. V8 does not tell it of code that it moves or forgets, so it must not.
const PROFILED = ['--perf-basic-prof', '--no-compact-code-space', '--no-flush-bytecode', '--no-flush-baseline-code'];

const node = ({ profile }) => [
	process.execPath,
	'--expose-gc',
	...(profile ? PROFILED : []),
];
const python = () => ['/usr/bin/python3'];
const EIO3 = { client: { eio: 3 } };

// Of its connections nginx keeps a sixteenth free, and closes what has not said anything yet to that end.
function nchanConfiguration(dir, port, { compress }) {
	return `
load_module /usr/lib/nginx/modules/ngx_nchan_module.so;
${process.getuid() === 0 ? 'user root;' : ''}
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid ${dir}/nginx.pid;
error_log stderr error;
events { worker_connections 24000; }
http {
	access_log off;
	keepalive_requests 1000000000;
	client_body_temp_path ${dir}/body;
	proxy_temp_path ${dir}/proxy;
	fastcgi_temp_path ${dir}/fastcgi;
	uwsgi_temp_path ${dir}/uwsgi;
	scgi_temp_path ${dir}/scgi;
	nchan_shared_memory_size 256M;
	server {
		listen 127.0.0.1:${port} backlog=4096;
		client_max_body_size 100m;
		client_body_buffer_size 1m;
		location = /pub {
			nchan_publisher;
			nchan_channel_id ${EVENT};
			nchan_message_timeout 5s;
			${compress ? 'nchan_deflate_message_for_websocket on;' : ''}
		}
		location = /sub {
			nchan_subscriber websocket;
			nchan_channel_id ${EVENT};
			nchan_subscriber_first_message newest;
		}
		location ~ ^/pub/(.+)$ {
			nchan_publisher;
			nchan_channel_id $1;
			nchan_message_timeout 5s;
		}
		location ~ ^/sub/(.+)$ {
			nchan_subscriber websocket;
			nchan_channel_id $1;
			nchan_subscriber_first_message newest;
		}
	}
}
`;
}

/** nginx with nchan, and the bridge that posts to it; what both use counts. */
const nchan = {
	name: 'nginx + nchan',
	client: { path: '/sub', transport: 'nchan-ws', join: undefined },
	async start(cleanup, options) {
		const port = await freePort();
		const source = await startSource(cleanup, options);
		const dir = await cleanup.folder();
		const file = path.join(dir, 'nginx.conf');
		await fs.writeFile(file, nchanConfiguration(dir, port, options));
		const [command, args] = onServerCore('/usr/sbin/nginx', ['-p', dir, '-c', file, '-e', path.join(dir, 'error.log')], coresOf(options));
		const { child } = new Program(cleanup, command, args, { name: 'nginx' });
		await child.whileRunning(eventually(() => accepts(port), 'nginx', START_MS));
		const script = [path.join(BENCH, 'peers/nchan-bridge.mjs'), ...peerFlags(options, { port, url: source.url, naive: false })];
		const bridge = new Program(cleanup, ...onServerCore(process.execPath, script), { name: 'nchan-bridge' });
		await bridge.next('to subscribe');
		await source.subscribed();
		const workers = children(child.pid);
		return { port, child, pids: () => [...workers, bridge.child.pid], memoryPids: () => workers, feed: source.feed, source };
	},
};

/** What nobody hears, of `nodes`. */
export const UNHEARD = 'unheard';

/** Several siocasts of one Redis, for scenarios/nodes.mjs: {redis, nodes}. */
export async function startNodes(cleanup, options, n) {
	const redis = await startRedis(cleanup, await freePort());
	const feeds = [...siocastFeeds(options), { channel: UNHEARD, event: UNHEARD, room: 'nobody' }];
	const config = { redis: redis.url, engine: { pingInterval: PING_MS }, feeds };
	const nodes = [];
	for (let i = 0; i < n; i++) nodes.push(await startSiocast(cleanup, config));
	return { redis, nodes };
}

const several = (nodes) => ({ name: `siocast, ${nodes} nodes`, nodes });

/** Those that are more than one server; startNodes() starts them. */
export const NODES = { 'nodes-2': several(2), 'nodes-4': several(4) };

export const servers = {
	floor,
	'floor-ingest': floorIngest,
	'floor-uring': {
		...floor,
		name: 'floor (io_uring)',
		start: (cleanup, options) => floor.start(cleanup, { ...options, floorMode: 'uring' }),
	},
	'floor-gather': floorOf('floor (sendmsg)', 'gather'),
	siocast: siocast('siocast'),
	'siocast-2': {
		...siocast('siocast, two workers'),
		start: (cleanup, options) => siocast('siocast').start(cleanup, { ...options, workers: 2 }),
	},
	other: siocast('other siocast', process.env.OTHER),
	tuned: peer('Socket.IO 4.8/ws tuned', node, ['socketio.mjs']),
	naive: peer('Socket.IO 4.8/ws naive', node, ['socketio.mjs'], { naive: true }),
	'uws-tuned': peer('Socket.IO 4.8/uWebSockets tuned', node, ['socketio.mjs', '--engine', 'uws']),
	'uws-naive': peer('Socket.IO 4.8/uWebSockets naive', node, ['socketio.mjs', '--engine', 'uws'], { naive: true }),
	'v1-tuned': peer('Socket.IO 1.7.4 tuned', node, ['socketio1.mjs'], EIO3),
	'v1-naive': peer('Socket.IO 1.7.4 naive', node, ['socketio1.mjs'], { ...EIO3, naive: true }),
	'tuned-streams': peer('Socket.IO 4.8/ws, adapter for Redis Streams', node, ['recovery.mjs']),
	python: peer('python-socketio tuned', python, ['python.py']),
	nchan,
	...NODES,
};
