// SPDX-License-Identifier: MIT
//
// One client in one way against one server, in the browser: its scenarios, one after the other.

import { Gate } from '../lib/gate.mjs';
import { startServer } from '../lib/servers.mjs';
import { Cleanup, RedisClient, within } from '../lib/tools.mjs';
import { TRANSPORTS, closesWell } from '../lib/versions.mjs';
import { openPage } from './chromium.mjs';
import { PAGES } from './pages.mjs';
import { graftSite } from './site.mjs';

const LIMIT_MS = 8000;
// A server that fails again and again is not waited for as long as a good one.
const FAILING_MS = 2000;
// A scenario makes many waits; each has a limit, and all of them together too.
const SCENARIO_MS = 60_000;
const FAILING_SCENARIO_MS = 15_000;
let marks = 0;

/** A server of the suite, stopped at the end. */
export async function launchServer(cleanup, kind, options) {
	const server = await startServer(cleanup, kind, options);
	return cleanup.add(server, () => stopServer(server));
}

/** An orderly end. How an official server ends is not judged. */
export async function stopServer(server) {
	if (server.kind !== 'siocast') server.child.graceful = false;
	await server.stop();
}

/** What the page asks for that it cannot do itself. */
class Host {
	constructor(cell, cleanup, server, gate) {
		Object.assign(this, { cell, cleanup, server, gate, ear: null });
	}

	publish(channel, messages) {
		return this.cell.redis.client.publishAll(channel, messages);
	}

	publishMany(channel, count) {
		return this.publish(channel, Array.from({ length: count }, (_, n) => JSON.stringify({ n, text: `é漢😀 ${n}` })));
	}

	/** From now on what the server publishes is kept; `heard` gives the next of it with this mark (or any). */
	async hear(channel) {
		this.ear = await RedisClient.open(this.cleanup, this.cell.redis.port);
		await this.ear.subscribe(channel);
	}

	async heard(mark) {
		for (;;) {
			const { message } = await this.ear.messages.next('what the server publishes', this.cell.limit);
			const told = JSON.parse(message);
			if (mark === undefined || told.args[0] === mark) return told;
		}
	}

	async restart() {
		await stopServer(this.server);
		await this.server.start();
	}

	async crash() {
		await this.server.kill();
		await this.server.start();
	}

	fallSilent() {
		this.gate.fallSilent();
	}
}

// What went wrong, without where in the page.
function briefly(error) {
	const lines = error.message.replace(/^page\.\w+: (Error: )?/, '').split('\n').map((line) => line.trim());
	return lines.filter((line) => line !== '' && !line.startsWith('at ')).slice(0, 8).join(' | ').slice(0, 600);
}

export class Cell {
	/**
	 * `kind`: {version, transport}; `shared`: serverKind, browser, folder (of the site), site and foreignSite (its URLs, for
	 * cross-origin pages; the server does not allow the second), server, quick, redis (null: there is none), messages (of a feed), slow (factor of the limits).
	 */
	constructor(kind, shared) {
		Object.assign(this, shared);
		this.kind = kind;
		this.closes = closesWell(kind);
		this.cleanup = new Cleanup();
		this.limit = LIMIT_MS * this.slow;
		this.opened = new Map();
		this.failures = 0;
	}

	/** A text that nobody else uses. */
	mark() {
		return `${process.pid}-${++marks}`;
	}

	#setting(scenario, url) {
		const { version, transport } = this.kind;
		const { options, upgrades = false } = TRANSPORTS[transport];
		const id = this.mark();
		return {
			id,
			url,
			version,
			options: scenario.cross ? { ...options, withCredentials: true } : options,
			upgrades,
			base64: /base64|jsonp/.test(transport),
			closes: this.closes,
			transport: upgrades || transport.startsWith('websocket') ? 'websocket' : 'polling',
			limit: this.#limitOf(scenario),
			...scenario.setting?.(this, id),
		};
	}

	// An official server that fails is given up soon: that is known, and there are many such cells.
	#givenUp() {
		return this.serverKind === 'siocast' ? this.failures > 2 : this.failures > 0;
	}

	// How long one wait may take.
	#limitOf(scenario) {
		return (this.#givenUp() ? FAILING_MS : (scenario.limit ?? LIMIT_MS)) * this.slow;
	}

	async #serverFor(scenario, cleanup) {
		if (!scenario.own) return scenario.quick ? this.quick : this.server;
		return launchServer(cleanup, this.serverKind, this.serverKind === 'siocast' ? { www: this.folder } : {});
	}

	/** The page of a scenario: {page, problems, url}. */
	async #open(scenario, cleanup) {
		const server = await this.#serverFor(scenario, cleanup);
		const gate = scenario.gate ? await Gate.open(cleanup, server.port) : null;
		const url = gate?.url ?? server.url;
		const base = scenario.stranger ? this.foreignSite : scenario.cross ? this.site : url;
		const host = new Host(this, cleanup, server, gate);
		const name = scenario.page ?? 'plain';
		const query = scenario.page ? `?${this.mark()}` : '';
		const opened = await openPage(cleanup, this.browser, `${base}/${this.kind.version}/${name}.html${query}`, async (context) => {
			if (!scenario.cross && this.serverKind !== 'siocast') await graftSite(context, this.folder, url);
			await context.exposeFunction('host', (verb, ...args) => host[verb](...args));
		});
		return { ...opened, url };
	}

	// The plain page is used again; one that had trouble, or a server of its own, is not, nor one whose connections stay behind.
	async #pageFor(scenario, cleanup) {
		if (scenario.own || scenario.gate || scenario.page || !this.closes) return this.#open(scenario, cleanup);
		const key = `${scenario.cross ?? false} ${scenario.stranger ?? false} ${scenario.quick ?? false}`;
		if (!this.opened.has(key)) this.opened.set(key, await this.#open(scenario, this.cleanup));
		return this.opened.get(key);
	}

	async #run(scenario, cleanup) {
		const opened = await this.#pageFor(scenario, cleanup);
		try {
			if (scenario.page) await PAGES[scenario.page](opened.page, this);
			else await this.#runPlain(scenario, opened);
		} catch (error) {
			this.opened.clear();
			throw error;
		}
		const problems = opened.problems.splice(0).filter((text) => this.closes || !/call stack/.test(text));
		if (problems.length > 0) throw new Error(`errors on the page: ${problems.join('; ')}`);
	}

	async #runPlain(scenario, { page, url }) {
		const args = [scenario.run ?? scenario.name, this.#setting(scenario, url)];
		const run = page.evaluate(([name, setting]) => window.scenarios.run(name, setting), args);
		await within(run, `the end of ${scenario.name}`, (this.#givenUp() ? FAILING_SCENARIO_MS : SCENARIO_MS) * this.slow);
	}

	async #runOne(scenario) {
		const begun = Date.now();
		const cleanup = new Cleanup();
		let detail = null;
		try {
			await this.#run(scenario, cleanup);
		} catch (error) {
			detail = briefly(error);
		}
		try {
			await cleanup.run();
		} catch (error) {
			detail ??= `at the end: ${briefly(error)}`;
		}
		this.failures = detail === null ? 0 : this.failures + 1;
		return { scenario: scenario.name, ok: detail === null, detail, ms: Date.now() - begun };
	}

	/** Runs the scenarios; the results. */
	async run(scenarios) {
		const results = [];
		let hopeless = false;
		try {
			for (const scenario of scenarios) {
				const untried = { scenario: scenario.name, ok: false, detail: 'not tried: cannot connect', ms: 0 };
				const result = hopeless ? untried : await this.#runOne(scenario);
				if (scenario.name === 'connect' && !result.ok) hopeless = true;
				results.push(result);
			}
		} finally {
			await this.cleanup.run();
		}
		return results;
	}
}
