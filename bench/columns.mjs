// SPDX-License-Identifier: MIT
//
// Batches in columns, by what is in them: how long they are beside the JSON, alone and deflated as WebSocket messages are, what encoding takes, and how
// fast a browser has the messages again, beside parsing the array. The data are the demo's market and those of lib/datasets.mjs.
//
//	node bench/columns.mjs [--json] [MESSAGES ...]        in a batch: 60 and 1000. MARKET names that program
//
// --json: a line of JSON for each row of the table, for lib/scenarios/compact.mjs.

import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';
import { withCleanup } from '../tests/e2e/lib/cleanup.mjs';
import { MARKET, TOP } from '../tests/e2e/lib/daemon.mjs';
import { freePort } from '../tests/e2e/lib/ports.mjs';
import { startRedis } from '../tests/e2e/lib/redis.mjs';
import { datasets } from './lib/datasets.mjs';

const { chromium } = createRequire(new URL('../tests/e2e/', import.meta.url))('playwright-core');
const DECODER = ['siocast.js', 'siocast-columns.js'].map((name) => fs.readFileSync(path.join(TOP, 'client-js', name), 'utf8')).join('\n');
const MESSAGES = 6000;
const ROUNDS = 30;
const PASSES = 3; // of a round: the clock of a page ticks ten times in a millisecond
const json = process.argv[2] === '--json';
const named = process.argv.slice(json ? 3 : 2).map(Number);
const sizes = named.length > 0 ? named : [60, 1000];

/** What the market publishes. */
async function market(cleanup) {
	const port = await freePort();
	await startRedis(cleanup, port);
	const listener = spawn('redis-cli', ['-p', String(port), 'psubscribe', 'ticks.*']);
	cleanup.add(listener, () => listener.kill());
	let text = '';
	await new Promise((resolve) => listener.stdout.on('data', (chunk) => resolve((text += chunk))));
	execFileSync(MARKET, ['--redis', `127.0.0.1:${port}`, '--rate', '3000', '--seconds', String(MESSAGES / 3000 + 0.5)], { stdio: 'ignore' });
	const messages = () => text.split('\n').filter((line) => line.startsWith('{') && line.endsWith('}'));
	for (let last = -1; messages().length > last; await new Promise((resolve) => setTimeout(resolve, 200))) last = messages().length;
	return messages().slice(0, MESSAGES);
}

function encode(program, messages, size, file) {
	return JSON.parse(execFileSync(program, [String(size), file], { input: `${messages.join('\n')}\n` }));
}

function readBatches(file) {
	const bytes = fs.readFileSync(file);
	const out = [];
	for (let at = 0; at < bytes.length; at += 4 + bytes.readUInt32LE(at)) out.push(bytes.subarray(at + 4, at + 4 + bytes.readUInt32LE(at)));
	return out;
}

/** In the page: µs a message for each way, the fastest of all rounds, which take turns. */
function decodeInPage({ columns, arrays, messages, rounds, passes }) {
	const binary = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
	const batches = columns.map(binary);
	const bytes = arrays.map((text) => new TextEncoder().encode(text));
	const ways = {
		parse: (i) => JSON.parse(arrays[i]),
		array: (i) => siocast.decode(bytes[i]),
		columns: (i) => siocast.decode(batches[i]),
		charts: (i) => siocast.columns(batches[i]),
	};
	const best = {};
	for (let round = 0; round < rounds; round++)
		for (const [name, decode] of Object.entries(ways)) {
			const from = performance.now();
			for (let pass = 0; pass < passes; pass++) for (let i = 0; i < arrays.length; i++) decode(i);
			const took = ((performance.now() - from) * 1000) / messages / passes;
			if (!(best[name] <= took)) best[name] = took;
		}
	return best;
}

const percent = (part, all) => `${((100 * part) / all).toFixed(1)} %`.padStart(7);
const deflated = (list) => list.reduce((sum, bytes) => sum + zlib.deflateRawSync(bytes, { level: 1 }).length, 0);

await withCleanup(async (cleanup) => {
	const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'columns-'));
	cleanup.add(folder, () => fs.rmSync(folder, { recursive: true }));
	const program = path.join(folder, 'columns');
	const sources = fs.readdirSync(path.join(TOP, 'src/columns')).filter((f) => f.endsWith('.c')).map((f) => `src/columns/${f}`);
	execFileSync('gcc', ['-std=gnu11', '-O2', '-D_GNU_SOURCE', '-I.', '-o', program, 'bench/columns.c', ...sources, 'eio/buf.c'], { cwd: TOP });
	const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
	cleanup.add(browser, () => browser.close());
	const all = { market: await market(cleanup), ...Object.fromEntries(Object.entries(datasets).map(([name, make]) => [name, make(MESSAGES)])) };
	if (!json) console.log('                 JSON     columns  of JSON  deflated: JSON, columns   encode  decode, µs: parse  array  columns  charts');
	for (const [name, messages] of Object.entries(all))
		for (const size of sizes) {
			const file = path.join(folder, `${name}.${size}`);
			const told = encode(program, messages, size, file);
			const columns = readBatches(file);
			const arrays = columns.map((_, i) => `[${messages.slice(i * size, i * size + size)}]`);
			const page = await browser.newPage();
			await page.evaluate(DECODER);
			await page.evaluate(`window.decodeInPage = ${decodeInPage}`);
			const µs = await page.evaluate((job) => window.decodeInPage(job), { columns: columns.map((b) => b.toString('base64')), arrays, messages: told.messages, rounds: ROUNDS, passes: PASSES });
			await page.close();
			const encode_us = (told.seconds * 1e6) / told.messages;
			if (json) {
				console.log(JSON.stringify({ name, size, json: told.json, columns: told.bytes, encode_us, decode_us: µs }));
				continue;
			}
			const each = (n) => `${(n / told.messages).toFixed(1)} B`.padStart(8);
			console.log(
				`${name} ${size}`.padEnd(14), each(told.json), each(told.bytes), percent(told.bytes, told.json), ' ', percent(deflated(arrays.map((a) => Buffer.from(a))), told.json), percent(deflated(columns), told.json),
				`  ${encode_us.toFixed(3)} µs`, '     ', ...['parse', 'array', 'columns', 'charts'].map((way) => µs[way].toFixed(3)),
				`  ×${(µs.parse / µs.columns).toFixed(2)} of parse, ×${(µs.array / µs.columns).toFixed(2)} of array`,
			);
		}
});
