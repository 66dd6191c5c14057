// SPDX-License-Identifier: MIT
//
// One Chromium for all pages, each page in a context of its own: no page shares cookies, caches or connections with another.

import fs from 'node:fs';
import { chromium } from 'playwright-core';

export const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';
const ARGS = [
	'--no-sandbox',
	'--disable-gpu',
	'--disable-quic',
	'--no-first-run',
	'--disable-background-networking',
	'--disable-component-update',
	'--disable-sync',
];

/** Why there can be no browser here, or false. */
export const missing = () => (fs.existsSync(EXECUTABLE) ? false : `there is no ${EXECUTABLE}`);

export async function startChromium(cleanup) {
	const browser = await chromium.launch({ executablePath: EXECUTABLE, args: ARGS });
	cleanup.add(browser, () => browser.close());
	return browser;
}

/** Opens a page in a context of its own; `prepare(context)` comes before. `problems` collects the errors it does not handle. */
export async function openPage(cleanup, browser, url, prepare = async () => {}) {
	const context = await browser.newContext();
	cleanup.add(context, () => context.close());
	await prepare(context);
	const page = await context.newPage();
	const problems = [];
	page.on('pageerror', (error) => problems.push(error.message));
	const answer = await page.goto(url);
	if (!answer.ok()) throw new Error(`${url}: ${answer.status()}`);
	return { context, page, problems };
}
