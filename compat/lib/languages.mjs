// SPDX-License-Identifier: MIT
//
// Clients in other languages, as Debian packages them: which there are, what they can, and a socket with the face of the official
// client's in front of each. Behind it stands a program of languages/ that uses the client and is spoken to in lines of JSON.

import { execFileSync, spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import { FEEDS } from './contract.mjs';

const DRIVERS = fileURLToPath(new URL('../languages', import.meta.url));
// Debian's own, which has Debian's packages.
const PYTHON = '/usr/bin/python3';

const later = 'connects to all its namespaces at once';
const modern = {
	like: '4.0.0',
	transports: ['polling', 'websocket', 'upgrade'],
	lacks: { 'namespace-query': 'knows no query of a namespace', namespaces: 'leaves all its namespaces at once', 'namespace-refused': later },
};
const old = {
	like: '1.3.0',
	transports: ['polling', 'upgrade'],
	lacks: { 'client-notices': 'takes silence for patience' },
	// Its errors of WebSockets are those of a module that Debian has no longer: it ends with its connection.
	lacksAfterUpgrade: /^(restart|crash)$/,
	lacksBinary: true,
};

/**
 * The clients. `like`: the official one whose generation it is of; `lacks`: the scenarios that it has not, and why;
 * `overtakes`: it has a thread for each message, and they are not always done in order.
 */
export const LANGUAGES = {
	'python3-socketio': { driver: 'python3_socketio.py', ...modern, overtakes: true },
	'python3-socketio-asyncio': { driver: 'python3_socketio_asyncio.py', ...modern },
	'python3-socketio-client': { driver: 'python3_socketio_client.py', ...old },
};

const BINARY = /^(binary|big-binary|order$|feed-binary)/;
const MUCH_BINARY = /^feed-binary/;

/** Whether this client has no such scenario. */
export function lacks({ version, transport }, scenario) {
	const language = LANGUAGES[version];
	if (language === undefined) return false;
	if (language.lacksBinary && BINARY.test(scenario)) return true;
	// What belongs together comes in two packets.
	if (language.overtakes && MUCH_BINARY.test(scenario)) return true;
	return scenario in language.lacks || (transport === 'upgrade' && (language.lacksAfterUpgrade?.test(scenario) ?? false));
}

/** Whether this client knows binary events. */
export function knowsBinary({ version }) {
	return !LANGUAGES[version]?.lacksBinary;
}

/** Whether messages may reach the application in another order than they came in. */
export function overtakes({ version }) {
	return LANGUAGES[version]?.overtakes ?? false;
}

/** The version of its package, as it is installed here. */
export function packageVersion(name) {
	return execFileSync(PYTHON, ['-W', 'ignore', path.join(DRIVERS, LANGUAGES[name].driver), '--version'], { encoding: 'utf8' }).trim();
}

const EVENTS = ['hello', 'message-back', ...FEEDS.map(({ event }) => event)];

// As JSON has it, and back.
const wrap = (key, value) => (value?.type === 'Buffer' ? { $binary: Buffer.from(value.data).toString('base64') } : value);
const unwrap = (key, value) => (value?.$binary === undefined ? value : Buffer.from(value.$binary, 'base64'));

/** What is said to one program, and what it tells, for all namespaces of its client. */
class Driver {
	constructor(name, order) {
		this.order = order;
		this.sockets = new Map();
		this.acks = new Map();
		this.asked = 0;
		this.errors = '';
		this.child = spawn(PYTHON, ['-W', 'ignore', path.join(DRIVERS, LANGUAGES[name].driver)], { stdio: 'pipe' });
		this.child.stderr.setEncoding('utf8').on('data', (text) => {
			this.errors = (this.errors + text).slice(-1000);
		});
		this.child.stdin.on('error', () => {});
		readline.createInterface({ input: this.child.stdout }).on('line', (line) => this.#told(JSON.parse(line, unwrap)));
		this.gone = new Promise((resolve) => this.child.on('close', resolve));
		this.gone.then(() => this.#each((socket) => socket.tell('error', [new Error(`the client ended: ${this.errors}`)])));
		this.connect();
	}

	#each(what) {
		for (const socket of this.sockets.values()) what(socket);
	}

	#told({ event, namespace, args, ack, packet, failed, transport }) {
		if (ack !== undefined) {
			this.acks.get(ack)?.(...args);
			this.acks.delete(ack);
		} else if (packet !== undefined) {
			this.#each((socket) => socket.io.engine.emit('packet', { type: packet }));
		} else if (failed !== undefined) {
			this.#each((socket) => socket.tell('connect_error', [new Error(failed)]));
		} else {
			if (transport !== undefined) this.transport = transport;
			this.sockets.get(namespace)?.tell(event, args);
		}
	}

	say(order) {
		this.child.stdin.write(`${JSON.stringify(order, wrap)}\n`);
	}

	connect() {
		this.say({ do: 'connect', events: EVENTS, ...this.order });
	}

	ask(order, callback) {
		this.acks.set(++this.asked, callback);
		this.say({ ...order, ack: this.asked });
	}

	end() {
		this.child.kill('SIGKILL');
		return this.gone;
	}
}

/** The socket of one namespace. What nobody listens to yet waits for the first who does. */
class Socket extends EventEmitter {
	constructor(driver, namespace) {
		super();
		this.driver = driver;
		this.namespace = namespace;
		this.connected = false;
		this.unheard = [];
		this.io = { engine: new EventEmitter(), socket: (other) => this.#also(other) };
		this.io.engine.transport = { get name() { return driver.transport; } };
		this.on('newListener', (event) => setImmediate(() => this.#catchUp(event)));
		driver.sockets.set(namespace, this);
	}

	#also(namespace) {
		if (this.driver.order.namespaces.includes(namespace)) return this.driver.sockets.get(namespace);
		this.driver.say({ do: 'also', namespace });
		return new Socket(this.driver, namespace);
	}

	#catchUp(event) {
		const [mine, others] = [[], []];
		for (const item of this.unheard) (item.event === event ? mine : others).push(item);
		this.unheard = others;
		for (const { args } of mine) this.tell(event, args);
	}

	tell(event, args) {
		if (event === 'connect') this.connected = true;
		if (event === 'disconnect') this.connected = false;
		if (event === 'disconnect') this.io.engine.emit('close');
		if (this.listenerCount(event) > 0) super.emit(event, ...args);
		else this.unheard.push({ event, args });
	}

	emit(event, ...args) {
		if (event === 'newListener' || event === 'removeListener') return super.emit(event, ...args);
		const order = { do: 'emit', event, namespace: this.namespace, args };
		if (typeof args.at(-1) === 'function') this.driver.ask(order, args.pop());
		else this.driver.say(order);
		return true;
	}

	connect() {
		this.driver.connect();
	}

	disconnect() {
		this.driver.say({ do: 'disconnect', namespace: this.namespace });
	}
}

const WAYS = { polling: ['polling'], websocket: ['websocket'], upgrade: ['polling', 'websocket'] };

// What the options of the official client are in Python.
function clientOptions({ reconnection = false, reconnectionDelay = 1000, reconnectionDelayMax = 5000, randomizationFactor = 0.5 }) {
	return {
		reconnection,
		reconnection_delay: reconnectionDelay / 1000,
		reconnection_delay_max: reconnectionDelayMax / 1000,
		randomization_factor: randomizationFactor,
	};
}

/** Begins to connect, as the `io` of an official client does. Gives {socket, end}. */
export function connectLanguage({ version, transport }, url, { namespace, query = {}, auth = null, beside = [], ...options }) {
	const namespaces = [...new Set([namespace || '/', ...beside])];
	const search = new URLSearchParams(query);
	const params = Object.fromEntries(search);
	const order = { url: version === 'python3-socketio-client' ? url : `${url}?${search}`, transports: WAYS[transport], namespaces, auth, query: params };
	const driver = new Driver(version, { ...order, client: clientOptions(options) });
	const sockets = namespaces.map((name) => new Socket(driver, name));
	return { socket: sockets[0], end: () => driver.end() };
}
