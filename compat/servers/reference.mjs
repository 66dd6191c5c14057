// SPDX-License-Identifier: MIT
//
// An official server (1.7.4, 2.5.1 or 4.8.4) that does what contract.mjs says, written as its users wrote such servers:
//	node reference.mjs VERSION CONFIG.json
// It understands the part of siocast's configuration that the suite uses: engine, cors, namespaces with their handlers, feeds.

import fs from 'node:fs';
import http from 'node:http';
import { Cleanup, RedisClient } from '../lib/tools.mjs';
import { atLeast, load } from '../lib/versions.mjs';

const [version, file] = process.argv.slice(2);
const config = JSON.parse(fs.readFileSync(file, 'utf8'));
const LIFE_CYCLE = ['connection', 'disconnect'];

const httpServer = http.createServer((req, res) => {
	res.writeHead(404);
	res.end();
});

function createServer() {
	const create = load(`server-${version}`);
	if (!atLeast(version, '3')) return create(httpServer, config.engine ?? {});
	// What the older ones do without being asked.
	const cors = config.cors ?? { origin: true, credentials: true };
	return new create.Server(httpServer, { allowEIO3: true, ...config.engine, cors });
}

function placeholder(name, context) {
	const { socket, args } = context;
	if (name === 'auth') return socket.handshake.auth ?? null;
	if (name === 'sid') return socket.id;
	if (name === 'nsp') return socket.nsp.name;
	if (name.startsWith('query.')) return socket.handshake.query[name.slice('query.'.length)] ?? null;
	return args[Number(name) - 1];
}

function expand(list, context) {
	return list.flatMap((part) => {
		if (part === '...{args}') return context.args;
		const name = typeof part === 'string' && /^\{(.*)\}$/.exec(part)?.[1];
		return name ? [placeholder(name, context)] : [part];
	});
}

// Up to 2.x a room is joined a moment later.
function room(context, verb, value) {
	const [name] = expand([value], context);
	if (atLeast(version, '3')) return context.socket[verb](name);
	return new Promise((resolve) => context.socket[verb](name, resolve));
}

const actions = {
	join: (context, value) => room(context, 'join', value),
	leave: (context, value) => room(context, 'leave', value),
	emit: (context, value) => context.socket.emit(...expand(value, context)),
	ack: (context, value) => context.ack?.(...expand(value, context)),
	broadcast: (context, { room: rooms, event, args = [], self }) => {
		const { socket } = context;
		const names = rooms === undefined ? [] : expand([rooms].flat(), context).flat();
		if (rooms !== undefined && names.length === 0) return;
		const to = names.reduce((target, name) => target.to(name), self ? socket.nsp : socket.broadcast);
		to.emit(...expand([event, ...args], context));
	},
	disconnect: (context, value) => context.socket.disconnect(value),
	publish: (context, value) => {
		const { socket, event, args, redis } = context;
		redis?.publish(value, JSON.stringify({ event, args, sid: socket.id, nsp: socket.nsp.name })).catch(() => {});
	},
};

async function run(list, context) {
	for (const step of list) {
		for (const [name, value] of Object.entries(step)) {
			const later = actions[name](context, value);
			if (later instanceof Promise) await later;
		}
	}
}

function serveNamespace(io, name, on, redis) {
	io.of(name).on('connection', (socket) => {
		run(on.connection ?? [], { socket, args: [], redis });
		for (const [event, list] of Object.entries(on)) {
			if (LIFE_CYCLE.includes(event)) continue;
			socket.on(event, (...args) => {
				const ack = typeof args.at(-1) === 'function' ? args.pop() : undefined;
				run(list, { socket, event, args, ack, redis });
			});
		}
		socket.on('disconnect', (reason) => run(on.disconnect ?? [], { socket, event: 'disconnect', args: [reason], redis }));
	});
}

function frame(message) {
	const head = Buffer.alloc(4);
	head.writeUInt32BE(message.length);
	return Buffer.concat([head, message]);
}

const formats = {
	array: (messages) => Buffer.from(`[${messages.join(',')}]`),
	lines: (messages) => Buffer.from(`${messages.join('\n')}\n`),
	frames: (messages) => Buffer.concat(messages.map(frame)),
};

function broadcast(io, feed, name, messages) {
	// Without an interval, json and text travel as they are.
	const alone = feed.batch.interval === 0 && feed.encode !== 'binary';
	const bytes = alone ? messages[0] : formats[feed.batch.format ?? 'array'](messages);
	const all = io.of(feed.namespace ?? '/');
	const target = name === undefined ? all : all.to(name);
	if (feed.encode === 'json') target.emit(feed.event, JSON.parse(bytes));
	else target.emit(feed.event, feed.encode === 'text' ? bytes.toString() : bytes);
}

async function serveFeed(io, feed, cleanup, port) {
	const client = await RedisClient.open(cleanup, port);
	const batches = new Map();
	const flush = (name) => {
		broadcast(io, feed, name, batches.get(name));
		batches.delete(name);
	};
	await client.subscribe(feed.pattern ?? feed.channel);
	for (;;) {
		const { channel, message } = await client.messages.next('a message', 2 ** 31 - 1);
		const name = feed.room && channel.slice(feed.pattern.indexOf('*'));
		if (feed.batch.interval === 0) {
			broadcast(io, feed, name, [message]);
			continue;
		}
		if (!batches.has(name)) {
			batches.set(name, []);
			setTimeout(flush, feed.batch.interval, name);
		}
		batches.get(name).push(message);
	}
}

function fail(error) {
	console.error(error);
	process.exit(1);
}

const io = createServer();
const redisPort = Number(new URL(config.redis).port);
const cleanup = new Cleanup();
const redis = redisPort > 1 ? await RedisClient.open(cleanup, redisPort) : null;
for (const [name, { on = {} }] of Object.entries(config.namespaces)) serveNamespace(io, name, on, redis);
for (const feed of redis ? config.feeds : []) serveFeed(io, feed, cleanup, redisPort).catch(fail);
// The tools end their programs with another status.
process.removeAllListeners('SIGTERM');
process.on('SIGTERM', () => {
	// As its users end it; what keeps the process alive does not matter.
	io.close();
	setImmediate(() => process.exit());
});
httpServer.listen(Number(config.listen[0].split(':').at(-1)), '127.0.0.1');
