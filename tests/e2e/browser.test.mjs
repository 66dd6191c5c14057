// SPDX-License-Identifier: MIT
//
// The demo page in a real browser: the official client and the decoder as siocast serves them, live data on the page.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { chromium } from 'playwright-core';
import { Cutter } from './lib/cutter.mjs';
import { MARKET, REFERENCE, TOP, configure, feedsReady, launchSiocast } from './lib/daemon.mjs';
import { freePort } from './lib/ports.mjs';
import { Child } from './lib/process.mjs';
import { startRedis } from './lib/redis.mjs';
import { suite } from './lib/suite.mjs';
import { LIMIT_MS, eventually, limit } from './lib/wait.mjs';

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';
const DEMO = path.join(TOP, 'client-js/demo');
const ARGS = [
	'--no-sandbox',
	'--disable-gpu',
	'--disable-quic',
	'--no-first-run',
	'--disable-background-networking',
	'--disable-component-update',
	'--disable-sync',
];

function reasonToSkip() {
	if (REFERENCE) return 'about siocast';
	return fs.existsSync(EXECUTABLE) ? false : `there is no ${EXECUTABLE}`;
}

/** The demo's own configuration: JSON with comments on lines of their own. */
function demoConfig() {
	const text = fs.readFileSync(path.join(DEMO, 'siocast.json'), 'utf8');
	return JSON.parse(text.replace(/^\s*\/\/.*$/gm, ''));
}

async function start(cleanup) {
	const redis = await startRedis(cleanup, await freePort());
	const setup = await configure(cleanup, { ...demoConfig(), redis: redis.url, www: DEMO });
	const server = { ...setup, child: await launchSiocast(cleanup, setup) };
	await feedsReady(redis, server);
	const market = new Child(MARKET, ['--redis', `127.0.0.1:${redis.port}`], { name: 'market' });
	cleanup.add(market, () => market.stop());
	const browser = await chromium.launch({ executablePath: EXECUTABLE, args: ARGS });
	cleanup.add(browser, () => browser.close());
	return { cleanup, redis, browser, setup, ...server };
}

/** Opens the page; gives it with the list of all that went wrong on it. */
async function openPage(server, query = '') {
	const page = await server.browser.newPage();
	page.setDefaultTimeout(LIMIT_MS);
	const problems = [];
	page.on('pageerror', (error) => problems.push(`error: ${error.message}`));
	page.on('console', (message) => message.type() === 'error' && problems.push(`console: ${message.text()}`));
	page.on('request', (request) => {
		if (!request.url().startsWith(`${server.url}/`)) problems.push(`a request to ${request.url()}`);
	});
	page.on('response', (response) => response.status() >= 400 && problems.push(`${response.status()} for ${response.url()}`));
	await page.goto(`${server.url}/${query}`);
	return { page, problems };
}

const state = (page) => page.evaluate(() => ({ ...window.demo }));

suite('the demo page', start, (server) => {
	for (const [query, transport] of [
		['?transport=polling', 'polling'],
		['?transport=websocket', 'websocket'],
		['', 'websocket'],
	]) {
		test(`shows live data: ${query || 'default'}`, limit(120), async () => {
			const { page, problems } = await openPage(server, query);
			await page.waitForFunction((name) => window.demo.transport === name && window.demo.messages > 0, transport);
			const before = await state(page);
			await page.waitForFunction((n) => window.demo.messages > n + 300 && window.demo.symbols > 20, before.messages);
			const after = await state(page);
			assert.equal(after.connected, true);
			assert.equal(after.errors, 0);
			assert.equal(after.gaps, 0);
			assert.ok(after.bytes > before.bytes);
			assert.ok(after.batches < after.messages, 'messages come in batches');
			await page.waitForFunction(() => document.querySelectorAll('#board .stock .price').length > 20);
			assert.match(await page.textContent('#board .stock .price'), /^[\d,]+\.\d\d$/);
			assert.deepEqual(problems, []);
			await page.close();
		});
	}

	test('joins the room of a symbol, and leaves it', limit(120), async () => {
		const { page, problems } = await openPage(server);
		await page.click('#board .stock >> nth=3');
		await page.waitForFunction(() => window.demo.room !== '' && window.demo.detail > 3);
		const { room } = await state(page);
		assert.equal(await page.textContent('#detail-symbol'), room);
		await page.click('#detail-close');
		await page.waitForFunction(() => document.getElementById('detail').hidden);
		assert.equal((await state(page)).room, '');
		assert.deepEqual(problems, []);
		await page.close();
	});

	test('comes back by itself when the server was away', limit(120), async () => {
		const { page } = await openPage(server);
		await page.waitForFunction(() => window.demo.messages > 0);
		await server.child.stop();
		await page.waitForFunction(() => !window.demo.connected);
		const { messages } = await state(page);
		await launchSiocast(server.cleanup, server.setup);
		await page.waitForFunction((n) => window.demo.connected && window.demo.messages > n, messages);
		await page.close();
	});
}, reasonToSkip());

const PAGE = '<!DOCTYPE html><script src="/client.js"></script><script src="/socket.io/siocast.js"></script>';

/** A page of ours behind a line that can be cut, with an official client from before recovery. */
async function startOld(cleanup) {
	const redis = await startRedis(cleanup, await freePort());
	const www = await cleanup.folder();
	const feeds = ['binary', 'json'].map((encode) => ({ channel: 'n', event: encode, encode, batch: { interval: 0, ...(encode === 'binary' && { format: 'lines' }) } }));
	fs.writeFileSync(path.join(www, 'index.html'), PAGE);
	fs.copyFileSync(path.join(TOP, 'client-js/official/node_modules/client-2.5.0/dist/socket.io.js'), path.join(www, 'client.js'));
	const on = { join: [{ join: '{1}' }, { ack: ['{rooms}'] }] };
	const setup = await configure(cleanup, { redis: redis.url, www, feeds, namespaces: { '/': { on } }, connectionStateRecovery: {} });
	const server = { ...setup, child: await launchSiocast(cleanup, setup) };
	await feedsReady(redis, server);
	const browser = await chromium.launch({ executablePath: EXECUTABLE, args: ARGS });
	cleanup.add(browser, () => browser.close());
	return { redis, browser, cutter: await Cutter.open(cleanup, server.port) };
}

suite('a page with client 2.5.0 and one line more', startOld, (server) => {
	for (const transports of [['polling'], ['websocket'], ['polling', 'websocket']]) {
		test(`comes back to what it missed: ${transports}`, limit(120), async () => {
			const publish = (n) => server.redis.client.command('PUBLISH', 'n', String(n));
			const page = await server.browser.newPage();
			await page.goto(`${server.cutter.url}/`);
			await page.evaluate((ways) => {
				const { io, siocast } = window;
				const seen = { binary: [], json: [], recovered: [] };
				const socket = siocast.resume(io({ transports: ways, reconnectionDelay: 100, reconnectionDelayMax: 300 }));
				socket.on('connect', () => seen.recovered.push(socket.recovered));
				siocast.on(socket, 'binary', (n) => seen.binary.push(n));
				socket.on('json', (...args) => seen.json.push(args));
				Object.assign(window, { seen, socket });
			}, transports);
			const seen = () => page.evaluate(() => ({ ...window.seen, connected: window.socket.connected }));
			await page.waitForFunction(() => window.seen.recovered.length === 1);
			await page.evaluate(() => new Promise((resolve) => window.socket.emit('join', 'a', resolve)));
			await publish(1);
			await page.waitForFunction(() => window.seen.json.length === 1 && window.seen.binary.length === 1);
			server.cutter.cut();
			await eventually(async () => !(await seen()).connected, 'the page to know');
			await publish(2);
			await publish(3);
			server.cutter.mend();
			await page.waitForFunction(() => window.seen.json.length === 3 && window.seen.binary.length === 3);
			assert.deepEqual(await seen(), { binary: [1, 2, 3], json: [[1], [2], [3]], recovered: [false, true], connected: true });
			assert.deepEqual(await page.evaluate(() => new Promise((resolve) => window.socket.emit('join', 'b', resolve))), ['a', 'b']);
			await page.close();
		});
	}
}, reasonToSkip());
