// SPDX-License-Identifier: MIT
//
// The demo page in a real browser: the official client and the decoder as siocast serves them, live data on the page.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { chromium } from 'playwright-core';
import { MARKET, REFERENCE, TOP, configure, feedsReady, launchSiocast } from './lib/daemon.mjs';
import { freePort } from './lib/ports.mjs';
import { Child } from './lib/process.mjs';
import { startRedis } from './lib/redis.mjs';
import { suite } from './lib/suite.mjs';
import { LIMIT_MS, limit } from './lib/wait.mjs';

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
