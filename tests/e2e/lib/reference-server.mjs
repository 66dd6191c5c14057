// SPDX-License-Identifier: MIT
//
// The official servers, doing what the programs under test are configured to do. Started by daemon.mjs as
//	node reference-server.mjs engine|socketio CONFIG.json
// The Socket.IO one understands the part of siocast's configuration that the tests of both use: engine options, cors, the
// handlers, and feeds with batches.

import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { Server as EngineServer } from 'engine.io';
import { Server as SocketServer } from 'socket.io';
import { Cleanup } from './cleanup.mjs';
import { RedisClient } from './resp.mjs';

const [kind, file] = process.argv.slice(2);
const config = JSON.parse(fs.readFileSync(file, 'utf8'));

// As in the recorded exchanges, what the engine does not want is somebody else's: 404.
const httpServer = http.createServer((req, res) => {
	res.writeHead(404);
	res.end('notfound');
});

function startEngine() {
	const { pingInterval, pingTimeout, maxHttpBufferSize } = config;
	const cors = config.cors ? { origin: '*' } : false;
	const engine = new EngineServer({ pingInterval, pingTimeout, maxHttpBufferSize, cors, transports: ['polling', 'websocket'] });
	engine.attach(httpServer, { path: config.path });
	engine.on('connection', (socket) => {
		socket.on('message', (message) => socket.send(message));
	});
	httpServer.listen(config.port, '127.0.0.1');
}

function placeholder(name, context) {
	if (name === 'args') return context.args;
	if (name === 'auth') return context.auth;
	if (name === 'sid') return context.socket.id;
	if (name === 'nsp') return context.socket.nsp.name;
	if (name.startsWith('query.')) return context.socket.handshake.query[name.slice('query.'.length)];
	return context.args[Number(name) - 1];
}

// The value of a handler's template for this event: always an array, because of "...{args}".
function expand(template, context) {
	if (Array.isArray(template)) return [template.flatMap((part) => expand(part, context))];
	if (template !== null && typeof template === 'object') {
		return [Object.fromEntries(Object.entries(template).map(([key, value]) => [key, expand(value, context)[0]]))];
	}
	if (template === '...{args}') return context.args;
	const name = typeof template === 'string' && /^\{(.*)\}$/.exec(template)?.[1];
	return [name ? placeholder(name, context) : template];
}

const actions = {
	join: (context, value) => context.socket.join(expand(value, context)[0]),
	leave: (context, value) => context.socket.leave(expand(value, context)[0]),
	emit: (context, value) => context.socket.emit(...value.flatMap((part) => expand(part, context))),
	ack: (context, value) => context.ack?.(...value.flatMap((part) => expand(part, context))),
	disconnect: (context, value) => context.socket.disconnect(value),
	publish: (context, value) => {
		const { socket, event, args } = context;
		const heard = { event, args, sid: socket.id, nsp: socket.nsp.name };
		context.redis.publish(value, JSON.stringify(heard)).catch(() => {});
	},
};

function run(list, context) {
	for (const step of list ?? []) {
		for (const [name, value] of Object.entries(step)) actions[name](context, value);
	}
}

function handle(io, name, on, redis) {
	io.of(name).on('connection', (socket) => {
		const base = { socket, auth: socket.handshake.auth, args: [], redis };
		run(on.connection, base);
		socket.onAny((event, ...all) => {
			const ack = typeof all[all.length - 1] === 'function' ? all.pop() : undefined;
			run(on[event] ?? on['*'], { ...base, event, args: all, ack });
		});
	});
}

const encoders = {
	array: (messages) => Buffer.from(`[${messages.join(',')}]`),
	lines: (messages) => Buffer.from(`${messages.join('\n')}\n`),
	frames: (messages) => {
		const head = (m) => Buffer.from([m.length >>> 24, m.length >>> 16, m.length >>> 8, m.length]);
		return Buffer.concat(messages.flatMap((message) => [head(message), message]));
	},
};

function usable(feed, message) {
	const format = feed.batch?.format ?? 'array';
	if (feed.encode !== 'json' && format === 'lines') return !message.includes(10);
	if (format === 'frames') return true;
	try {
		JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(message));
		return true;
	} catch {
		return false;
	}
}

// `whole`: without an interval json and text travel as they are, without a batch around them.
function flush(io, feed, room, messages, whole) {
	const bytes = whole && ['json', 'text'].includes(feed.encode) ? messages[0] : encoders[feed.batch?.format ?? 'array'](messages);
	const namespace = io.of(feed.namespace ?? '/');
	const to = room === undefined ? namespace : namespace.to(room);
	if (feed.encode === 'json') to.emit(feed.event, JSON.parse(bytes));
	else to.emit(feed.event, feed.encode === 'text' ? bytes.toString() : bytes);
}

async function subscribe(io, feed, cleanup, port) {
	const client = await RedisClient.open(cleanup, port);
	const interval = feed.batch?.interval ?? 200;
	const source = feed.channel ?? feed.pattern;
	const pattern = new RegExp(`^${source.replace('.', '\\.').replace('*', '(.*)')}$`);
	const batches = new Map();
	await client.subscribe(source);
	for (;;) {
		const { channel, message } = await client.messages.next('a message', 2 ** 31 - 1);
		if (!usable(feed, message)) continue;
		const room = feed.room?.replace('{1}', pattern.exec(channel)[1] ?? '');
		if (interval === 0) {
			flush(io, feed, room, [message], true);
			continue;
		}
		if (!batches.has(room)) {
			batches.set(room, []);
			setTimeout(() => {
				const messages = batches.get(room);
				batches.delete(room);
				flush(io, feed, room, messages, false);
			}, interval);
		}
		batches.get(room).push(message);
	}
}

async function startSocketIo() {
	const cors = config.cors && { ...config.cors, origin: config.cors.origin === 'reflect' ? true : config.cors.origin };
	const io = new SocketServer(httpServer, {
		...config.engine,
		cors,
		path: config.path ?? '/socket.io/',
		serveClient: config.serveClient ?? true,
	});
	const port = Number(new URL(config.redis).port);
	const cleanup = new Cleanup();
	const redis = port > 1 ? await RedisClient.open(cleanup, port) : null;
	for (const [name, { on = {} }] of Object.entries(config.namespaces ?? { '/': {} })) handle(io, name, on, redis);
	for (const feed of redis ? (config.feeds ?? []) : []) {
		subscribe(io, feed, cleanup, port).catch((error) => {
			console.error(error);
			process.exitCode = 1;
		});
	}
	httpServer.listen(Number(config.listen[0].split(':')[1]), '127.0.0.1');
}

process.on('SIGTERM', () => process.exit());
net.setDefaultAutoSelectFamily?.(false);
await (kind === 'engine' ? startEngine() : startSocketIo());
