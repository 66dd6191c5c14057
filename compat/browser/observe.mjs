#!/usr/bin/env node
// SPDX-License-Identifier: MIT
//
// What each client can read and what it sends over long-polling, seen in Chromium: node browser/observe.mjs [--clients LIST]
// prints the tables of doc/clients.md. The pages are on another origin than the server, which is a script here: it gives every
// answer in the form that is asked about, and keeps the requests.

import http from 'node:http';
import { parseArgs } from 'node:util';
import { binaryBody3, body3, body4 } from '../differential/payload.mjs';
import { freePort, withCleanup, within } from '../lib/tools.mjs';
import { CLIENTS, atLeast, offers, revision } from '../lib/versions.mjs';
import { openPage, startChromium } from './chromium.mjs';
import { makeSite, serveSite } from './site.mjs';

const LIMIT_MS = 3000;
const TEXT = 'é漢😀';
const EVENT = JSON.stringify(['seen', TEXT]);
const ESCAPED = EVENT.replace(/[^\x00-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
// What the page sends as binary; AQL/ in base64.
const BYTES = Buffer.from([1, 2, 255]);
const SID = 'observed000000000000';
const open = JSON.stringify({ sid: SID, upgrades: [], pingInterval: 25000, pingTimeout: 20000, maxPayload: 1000000 });

const doubled = (text) => Buffer.from(Buffer.from(text, 'utf8').toString('latin1'), 'utf8').toString('latin1');
const latin1 = (text) => Buffer.from(text, 'latin1');
const PLAIN = 'text/plain; charset=UTF-8';

/** The forms an answer can have: {type, body(packets), event: the text of the event}. */
const FORMS3 = {
	'binary form': { type: 'application/octet-stream', body: (packets) => binaryBody3(...packets), event: EVENT },
	'binary form, `; charset=utf-8`': { type: 'application/octet-stream; charset=utf-8', body: (packets) => binaryBody3(...packets), event: ESCAPED },
	'binary form, `; charset=UTF-8`': { type: 'application/octet-stream; charset=UTF-8', body: (packets) => binaryBody3(...packets), event: ESCAPED },
	'string form, ASCII': { type: PLAIN, body: (packets) => body3(...packets), event: ESCAPED },
	'string form, UTF-8 once': { type: PLAIN, body: (packets) => body3(...packets), event: EVENT },
	'string form, UTF-8 once, lengths in bytes': {
		type: PLAIN,
		body: (packets) => packets.map((text) => `${Buffer.byteLength(text)}:${text}`).join(''),
		event: EVENT,
	},
	'string form, UTF-8 twice': {
		type: PLAIN,
		body: (packets) => latin1(packets.map((text) => `${Buffer.byteLength(text)}:${doubled(text)}`).join('')),
		event: EVENT,
	},
};
const FORMS4 = {
	'text': { type: PLAIN, body: (packets) => body4(...packets), event: EVENT },
	'text as `application/octet-stream`': { type: 'application/octet-stream', body: (packets) => body4(...packets), event: EVENT },
	'text as `text/html`': { type: 'text/html', body: (packets) => body4(...packets), event: EVENT },
};
const SCRIPTS = {
	'`text/javascript`': { type: 'text/javascript; charset=UTF-8' },
	'`text/javascript`, nosniff': { type: 'text/javascript; charset=UTF-8', nosniff: true },
	'`text/plain`': { type: PLAIN },
	'`text/plain`, nosniff': { type: PLAIN, nosniff: true },
};

/** The server: one session, answers in one form. */
class Script {
	constructor(eio, form) {
		this.eio = eio;
		this.form = form;
		this.requests = [];
		this.waiting = [];
		this.held = null;
		this.port = 0;
	}

	async start(cleanup) {
		this.port = await freePort();
		const server = http.createServer((req, res) => this.#handle(req, res));
		await new Promise((resolve) => server.listen(this.port, '127.0.0.1', resolve));
		cleanup.add(server, () => {
			server.closeAllConnections();
			return new Promise((resolve) => server.close(resolve));
		});
		this.url = `http://127.0.0.1:${this.port}`;
	}

	async #handle(req, res) {
		const parts = [];
		for await (const part of req) parts.push(part);
		const data = Buffer.concat(parts);
		this.requests.push({ method: req.method, url: req.url, headers: req.headers, data });
		res.setHeader('Access-Control-Allow-Origin', req.headers.origin ?? '*');
		if (req.headers.origin) res.setHeader('Access-Control-Allow-Credentials', 'true');
		if (req.method === 'OPTIONS') {
			res.setHeader('Access-Control-Allow-Headers', req.headers['access-control-request-headers'] ?? '');
			res.end();
		} else if (req.method === 'POST') {
			res.setHeader('Content-Type', 'text/html');
			res.end('ok');
			if (this.eio === 4 && data.includes('40')) this.#send(`40{"sid":"${SID}"}`, `42${this.form.event}`);
		} else if (!req.url.includes('sid=')) {
			res.setHeader('Set-Cookie', `io=${SID}; Path=/; HttpOnly`);
			this.#answer(req, res, this.eio === 4 ? [`0${open}`] : [`0${open}`, '40']);
			if (this.eio === 3) this.waiting.push(`42${this.form.event}`);
		} else if (this.waiting.length > 0) {
			this.#answer(req, res, this.waiting.splice(0));
		} else {
			this.held = { req, res };
		}
	}

	#send(...packets) {
		if (this.held) this.#answer(this.held.req, this.held.res, packets);
		else this.waiting.push(...packets);
		this.held = null;
	}

	#answer(req, res, packets) {
		const { type, body, nosniff } = this.form;
		const index = new URL(req.url, this.url).searchParams.get('j');
		res.setHeader('Content-Type', type);
		if (nosniff) res.setHeader('X-Content-Type-Options', 'nosniff');
		if (body) res.end(body(packets));
		else res.end(`___eio[${index}](${JSON.stringify(this.eio === 4 ? body4(...packets) : body3(...packets))});`);
	}
}

/** Runs in the page: connects, waits for the event, sends some. Gives what became of it. */
async function useClient({ url, options, text, limit }) {
	/* global io */
	const socket = io(url, { forceNew: true, reconnection: false, transports: ['polling'], ...options });
	const seen = new Promise((resolve) => socket.once('seen', (got) => resolve(got === text ? 'yes' : 'garbled')));
	const late = new Promise((resolve) => setTimeout(resolve, limit, 'nothing'));
	const connected = await Promise.race([
		new Promise((resolve) => socket.once('connect', resolve, 'connected')).then(() => 'connected'),
		new Promise((resolve) => ['connect_error', 'error'].forEach((event) => socket.once(event, () => resolve('refused')))),
		late,
	]);
	if (connected !== 'connected') return 'no';
	const lost = new Promise((resolve) => socket.once('disconnect', () => resolve('connects, then lost')));
	const outcome = await Promise.race([seen, lost, late]);
	if (outcome !== 'yes') return outcome === 'nothing' ? 'connects, no event' : outcome;
	// One POST for each: the next is begun when the one before has been answered.
	for (const value of ['plain', text, new Uint8Array([1, 2, 255]).buffer]) {
		const gone = new Promise((resolve) => socket.io.engine.once('drain', resolve));
		socket.emit('sent', value);
		await Promise.race([gone, late]);
	}
	return outcome;
}

async function observe(shared, version, form, options = {}) {
	const script = new Script(revision(version), form);
	let outcome;
	await withCleanup(async (cleanup) => {
		await script.start(cleanup);
		const { page } = await openPage(cleanup, shared.browser, `${shared.site}/${version}/plain.html`);
		const job = { url: script.url, options, text: TEXT, limit: LIMIT_MS };
		outcome = await within(page.evaluate(useClient, job), `client ${version}`, 4 * LIMIT_MS);
	});
	return { outcome, requests: script.requests };
}

// --- what was sent -----------------------------------------------------------------------------------------------------

function describeBody({ data }) {
	if (data[0] <= 1) return 'binary form';
	const text = data.toString('utf8');
	const units = text.includes('é漢') ? ', UTF-8 once' : text.includes('Ã©') ? ', UTF-8 twice' : '';
	if (text.startsWith('d=')) {
		const inner = new URLSearchParams(text).get('d');
		return `form, d=${/^\d+:/.test(inner) ? 'string form' : 'text'}${inner.includes('é漢') ? ', UTF-8 once' : inner.includes('Ã©') ? ', UTF-8 twice' : ''}`;
	}
	return /^\d+:/.test(text) ? `string form${units}` : `text${units}`;
}

const sent = (request) => `\`${request.headers['content-type'] ?? 'none'}\`: ${describeBody(request)}`;

function summary(requests) {
	const posts = requests.filter(({ method }) => method === 'POST');
	const events = posts.filter(({ data }) => data.includes('sent'));
	const [plain, accented] = events;
	const binary = posts.find(({ data }) => data.includes(BYTES) || data.includes('AQL'));
	const later = requests.filter(({ url }) => url.includes('sid='));
	return {
		plain: plain && sent(plain),
		accented: accented && sent(accented),
		binary: binary && sent(binary),
		preflights: requests.filter(({ method }) => method === 'OPTIONS').length,
		cookie: later.some(({ headers }) => /io=/.test(headers.cookie ?? '')),
		origin: [requests.find(({ method }) => method === 'GET'), posts[0]].map((request) => (request?.headers.origin ? 'yes' : 'no')).join('/'),
	};
}

const row = (cells) => `| ${cells.join(' | ')} |`;
function table(head, rows) {
	return [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');
}

/** Clients with the same cells share a row. */
function grouped(rows) {
	const found = new Map();
	for (const [version, ...cells] of rows) {
		const key = JSON.stringify(cells);
		found.set(key, [...(found.get(key) ?? []), version]);
	}
	return [...found].map(([key, versions]) => [versions.join(', '), ...JSON.parse(key)]);
}

async function readable(shared, versions, forms, options) {
	const names = Object.keys(forms);
	const rows = [];
	for (const version of versions) {
		const cells = [];
		for (const name of names) {
			const form = { event: ESCAPED, ...forms[name] };
			cells.push((await observe(shared, version, form, options)).outcome);
		}
		rows.push([version, ...cells]);
	}
	return table(['client', ...names], grouped(rows));
}

async function written(shared, versions) {
	const rows = [];
	for (const version of versions) {
		const form = revision(version) === 4 ? FORMS4.text : FORMS3['binary form'];
		for (const [way, options] of Object.entries({ XHR: {}, forceBase64: { forceBase64: true }, JSONP: { forceJSONP: true } })) {
			if (way === 'JSONP' && !offers(version, 'bundle', 'jsonp')) continue;
			const used = way === 'JSONP' ? { ...SCRIPTS['`text/javascript`'], event: ESCAPED } : form;
			// A base64 session is answered in the string form.
			const answered = way === 'forceBase64' && revision(version) === 3 ? FORMS3['string form, ASCII'] : used;
			const credentials = atLeast(version, '3') ? { withCredentials: true } : {};
			const { outcome, requests } = await observe(shared, version, answered, { ...options, ...credentials });
			const { plain, accented, binary, preflights, cookie, origin } = summary(requests);
			rows.push([version, way, outcome, plain ?? '-', accented ?? '-', binary ?? '-', String(preflights), cookie ? 'yes' : 'no', origin]);
		}
	}
	const head = ['client', 'way', 'works', 'POST of ASCII', 'POST of `é漢😀`', 'POST of binary', 'preflights', 'cookie sent back', 'Origin on GET/POST'];
	return table(head, grouped(rows));
}

async function main() {
	const { values } = parseArgs({ options: { clients: { type: 'string' } } });
	const versions = values.clients ? CLIENTS.filter((version) => values.clients.split(',').includes(version)) : CLIENTS;
	const old = versions.filter((version) => revision(version) === 3);
	const current = versions.filter((version) => revision(version) === 4);
	await withCleanup(async (cleanup) => {
		const folder = await makeSite(cleanup, versions);
		const shared = { site: await serveSite(cleanup, folder), browser: await startChromium(cleanup) };
		console.log(`### Poll answers that can be read, XMLHttpRequest, 1.x and 2.x\n\n${await readable(shared, old, FORMS3)}\n`);
		console.log(`### The same with forceBase64\n\n${await readable(shared, old, FORMS3, { forceBase64: true })}\n`);
		console.log(`### 3.x and 4.x\n\n${await readable(shared, current, FORMS4)}\n`);
		const jsonp = versions.filter((version) => offers(version, 'bundle', 'jsonp'));
		console.log(`### JSONP answers that are run\n\n${await readable(shared, jsonp, SCRIPTS, { forceJSONP: true })}\n`);
		console.log(`### What is sent\n\n${await written(shared, versions)}`);
	});
}

await main();
