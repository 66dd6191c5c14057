// SPDX-License-Identifier: MIT
//
// What the pages of their years must show (pages/backbone-*.html, pages/d3-*.html): they are fed and looked at from outside.

const STATUS = '#status';

async function publish(page, cell, feed, messages) {
	const room = new URL(page.url()).search.slice(1);
	await cell.redis.client.publishAll(`${feed}.${room}`, messages.map((message) => JSON.stringify(message)));
}

async function waitForText(page, selector, text, cell) {
	await page.waitForFunction(
		([where, what]) => document.querySelector(where)?.textContent.includes(what),
		[selector, text],
		{ timeout: cell.limit },
	);
}

async function backbone(page, cell) {
	page.setDefaultTimeout(cell.limit);
	await waitForText(page, STATUS, 'subscribed', cell);
	await publish(page, cell, 'json-array-alone', [
		{ symbol: 'AAA', price: 1.5, note: 'é漢😀 <b>' },
		{ symbol: 'BBB', price: 20 },
		{ symbol: 'AAA', price: 2.25, note: 'é漢😀 <i>' },
	]);
	await waitForText(page, '[data-symbol=AAA] .price', '2.25', cell);
	await waitForText(page, '[data-symbol=AAA] em', 'é漢😀 <i>', cell);
	await waitForText(page, '[data-symbol=BBB] .price', '20.00', cell);
	const rows = await page.locator('#quotes li').count();
	if (rows !== 2) throw new Error(`${rows} rows instead of 2`);
	await page.fill('[name=text]', 'hällo 漢😀');
	await page.click('#say button');
	await page.waitForFunction(() => document.querySelector('h1').getAttribute('data-said') === 'hällo 漢😀');
}

const chart = (feed) => async (page, cell) => {
	page.setDefaultTimeout(cell.limit);
	await waitForText(page, STATUS, 'subscribed', cell);
	const quotes = Array.from({ length: 20 }, (_, i) => ({ symbol: `S${i % 5}`, price: i + 1 }));
	await publish(page, cell, feed, quotes);
	await page.waitForFunction(
		() => [...document.querySelectorAll('.bar')].map((bar) => bar.getAttribute('data-price')).join() === '16,17,18,19,20',
	);
	const heights = await page.$$eval('.bar', (bars) => bars.map((bar) => Number(bar.getAttribute('height'))));
	if (!heights.every((height, i) => height > 0 && (i === 0 || height > heights[i - 1]))) {
		throw new Error(`bars of these heights: ${heights}`);
	}
};

export const PAGES = {
	'backbone-2015': backbone,
	'backbone-today': backbone,
	'd3-2015': chart('json-array'),
	'd3-today': chart('binary-array'),
};
