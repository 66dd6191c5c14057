// SPDX-License-Identifier: MIT
//
// The differential test of servers: each folder of servers/ has a small server in Node as people publish them, the configuration of siocast
// that replaces it, and a scenario. The scenario is played to both; what its clients have received must be equal.
//
//	server.cjs      the server; app.cjs, if there is one, is what stays of the application when siocast has taken its place
//	siocast.json    the configuration
//	scenario.mjs    default: async (stage) => …; channels: what it publishes to, as subscribed; since: the first generation that can do
//	                this ('2', '4'); redis: the version of the package; alone: nobody of an earlier play may be left when it begins

import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { SIOCAST } from './servers.mjs';
import { RecordedClient } from './recorder.mjs';
import { Child, Inbox, RedisClient, accepts, eventually, freePort, startRedis } from './tools.mjs';
import { COMPAT, atLeast } from './versions.mjs';

const FOLDER = path.join(COMPAT, 'servers');
const LIMIT_MS = 60_000;

/** The clients, and the official server of each one's generation. */
export const GENERATIONS = { '1.7.4': '1.7.4', '2.5.0': '2.5.1', '4.8.4': '4.8.4' };

/** All servers: {name, folder, scenario, channels, since, redis, alone, app}. */
export async function allServers() {
	const names = fs.readdirSync(FOLDER).filter((name) => fs.existsSync(path.join(FOLDER, name, 'scenario.mjs')));
	return Promise.all(names.map(async (name) => {
		const folder = path.join(FOLDER, name);
		const { default: scenario, channels = [], since = '1', redis = '2.8.0', alone = false } = await import(pathToFileURL(path.join(folder, 'scenario.mjs')));
		return { name, folder, scenario, channels, since, redis, alone, app: fs.existsSync(path.join(folder, 'app.cjs')) };
	}));
}

/** The official server that the client's experience is compared with: that of its year, or the first that can do it. */
export function referenceOf(server, client) {
	return Object.values(GENERATIONS).find((version) => atLeast(version, server.since) && atLeast(version, GENERATIONS[client]));
}

/** Files of many servers in one process of Node; gives their ports by name. */
async function host(cleanup, name, env, jobs) {
	for (const job of jobs) job.port = await freePort();
	const child = new Child(process.execPath, [path.join(FOLDER, 'host.cjs'), JSON.stringify(jobs)], { name, env });
	cleanup.add(child, () => child.stop());
	const ready = Promise.all(jobs.map(({ file, port }) => eventually(() => accepts(port), `${name} with ${file}`, LIMIT_MS)));
	await child.whileRunning(ready);
	return new Map(jobs.map((job) => [job.name, job.port]));
}

/** One generation of the official servers with a Redis of its own. */
async function startReference(cleanup, version, servers) {
	const redis = await startRedis(cleanup, await freePort());
	const jobs = servers.filter(({ since }) => atLeast(version, since)).map(({ name, folder, redis: client }) => ({
		name,
		file: path.join(folder, 'server.cjs'),
		packages: { 'socket.io': `server-${version}`, redis: `redis-${client}` },
	}));
	const ports = await host(cleanup, `socket.io ${version}`, { REDIS_URL: redis.url.replace(/\/0$/, '') }, jobs);
	// Redis tells how many patterns there are, not which: all of them, then.
	await redis.client.hasSubscribers(servers.filter(({ since }) => atLeast(version, since)).flatMap(({ channels }) => channels));
	return { redis, ports };
}

/** Everything that all servers share: the official ones of each generation, the applications, and a Redis for siocast. */
export async function startStages(cleanup, servers) {
	const references = {};
	for (const version of Object.values(GENERATIONS)) references[version] = await startReference(cleanup, version, servers);
	const jobs = servers.filter(({ app }) => app).map(({ name, folder }) => ({ name, file: path.join(folder, 'app.cjs'), packages: {} }));
	const apps = jobs.length > 0 ? await host(cleanup, 'applications', {}, jobs) : new Map();
	return { references, apps, redis: await startRedis(cleanup, await freePort()) };
}

/** siocast with the configuration of a server, with this machine's ports in the place of those that it names. */
export async function startInstead(cleanup, stages, { name, folder }) {
	const [port, admin] = [await freePort(), await freePort()];
	const text = fs.readFileSync(path.join(folder, 'siocast.json'), 'utf8').replaceAll('127.0.0.1:8000', `127.0.0.1:${stages.apps.get(name)}`);
	const home = await cleanup.folder();
	fs.cpSync(folder, home, { recursive: true });
	fs.writeFileSync(path.join(home, 'siocast.json'), text);
	const addresses = ['--listen', `127.0.0.1:${port}`, '--admin', `127.0.0.1:${admin}`, '--redis', stages.redis.url, '--workers', '2'];
	const child = new Child(SIOCAST, ['-c', path.join(home, 'siocast.json'), ...addresses], { name: `siocast as ${name}` });
	cleanup.add(child, () => child.stop());
	const ready = async () => child.exited || (await fetch(`http://127.0.0.1:${admin}/readyz`)).status === 200;
	await child.whileRunning(eventually(ready, child.name, LIMIT_MS));
	return { port, http: admin, redis: stages.redis };
}

/** Everything that a scenario can do, and the book of what it saw. */
class Stage {
	constructor(cleanup, target, version) {
		this.cleanup = cleanup;
		this.target = target;
		this.version = version;
		this.clients = new Map();
		this.heardOf = {};
		this.refusals = {};
		this.answers = [];
		this.sets = new Set();
	}

	#open(name, options) {
		const { namespace, ...rest } = { transports: ['websocket'], namespace: '', limit: LIMIT_MS, ...options };
		const client = new RecordedClient(this.version, `http://127.0.0.1:${this.target.port}`, { namespace, ...rest });
		this.cleanup.add(client, () => client.close());
		return client;
	}

	/** A client that has connected. `options`: namespace, and what goes to the client itself. */
	connect = async (name, options) => {
		const client = this.#open(name, options);
		this.clients.set(name, client);
		await client.connected();
		client.id = client.socket.id.replace(/^.*#/, '');
		return client;
	};

	/** A client that is refused. `words`: what it is told must be the same. */
	refused = async (name, options, { words = true } = {}) => {
		const refusal = await this.#open(name, options).refusal();
		this.refusals[name] = words ? refusal : { event: refusal.event };
	};

	/** What is said on a channel from now on, as an Inbox of messages. */
	heard = async (channel) => {
		const client = await RedisClient.open(this.cleanup, this.target.redis.port);
		const inbox = new Inbox(channel);
		const list = (this.heardOf[channel] ??= []);
		await client.subscribe(channel);
		(async () => {
			for (;;) {
				const { message } = await client.messages.next('a message', 2 ** 31 - 1);
				list.push(message.toString());
				inbox.push(message.toString());
			}
		})().catch(() => {});
		return { next: () => inbox.next('a message', LIMIT_MS) };
	};

	/** Publishes a message: a text as it is, anything else as JSON. */
	publish = (channel, message) => this.publishAll([[channel, message]]);

	/** Several, at once. */
	publishAll = (list) => Promise.all(list.map(([channel, message]) =>
		this.target.redis.client.command('PUBLISH', channel, typeof message === 'string' ? message : JSON.stringify(message))));

	/** Posts JSON to the server; the answer's status is noted. */
	post = async (where, body, headers) => {
		const type = { 'Content-Type': 'application/json' };
		const url = `http://127.0.0.1:${this.target.http}${where}`;
		const answer = await fetch(url, { method: 'POST', headers: { ...type, ...headers }, body: JSON.stringify(body) });
		await answer.text();
		this.answers.push(answer.status);
	};

	/** The lists that this event brings are in no order. */
	unordered = (event) => this.sets.add(event);

	/** Waits until what every client has sent has been done. */
	settled = async () => {
		for (const client of this.clients.values()) await client.settled();
	};

	/** Whether the client is of a generation that has auth. */
	get modern() {
		return atLeast(this.version, '3');
	}

	/** What was seen, with the names of the clients in the place of their ids. */
	book() {
		const ids = [...this.clients].map(([name, { id }]) => [id, `<${name}>`]);
		const named = (value) => {
			if (typeof value === 'string') return ids.reduce((text, [id, name]) => text.replaceAll(id, name), value);
			if (value === null || typeof value !== 'object' || Buffer.isBuffer(value)) return value;
			if (Array.isArray(value)) return value.map(named);
			return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, named(member)]));
		};
		const sorted = (list) => (Array.isArray(list) ? [...list].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : list);
		for (const { events } of this.clients.values()) {
			for (const name of this.sets) if (events[name]) events[name] = events[name].map((args) => args.map(sorted));
		}
		const clients = Object.fromEntries([...this.clients].map(([name, { events, acks }]) => [name, { events, acks }]));
		return named({ clients, refusals: this.refusals, heard: this.heardOf, answers: this.answers });
	}
}

async function play(cleanup, server, target, version) {
	const stage = new Stage(cleanup, target, version);
	await target.redis.client.hasSubscribers(server.channels);
	await server.scenario(stage);
	return stage.book();
}

/** Plays the scenario with a client of that version to the official server. */
export function playReference(cleanup, stages, server, client) {
	const { redis, ports } = stages.references[referenceOf(server, client)];
	const port = ports.get(server.name);
	return play(cleanup, server, { port, http: port, redis }, client);
}

/** Waits until nobody of the last play is left: a client that has closed may be there for a moment. */
async function emptied({ http }) {
	await eventually(async () => {
		const text = await (await fetch(`http://127.0.0.1:${http}/metrics`)).text();
		return /^siocast_sessions\{[^}]*\} \d+$/m.test(text) && !/^siocast_sessions\{[^}]*\} [1-9]/m.test(text);
	}, 'the last clients to go', LIMIT_MS);
}

/** And to what startInstead gave. */
export async function playInstead(cleanup, target, server, client) {
	if (server.alone) await emptied(target);
	return play(cleanup, server, target, client);
}
