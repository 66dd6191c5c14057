// SPDX-License-Identifier: MIT
//
// What the documents tell people to do, done: the README's page in a real browser, with its configuration and without a file;
// the nginx of the migration guide that asks an application who may connect. And what they name is there.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { chromium } from 'playwright-core';
import { io } from 'socket.io-client';
import { REFERENCE, SIOCAST, SIOCAST_ONLY, TOP, feedsReady, startSiocast } from './lib/daemon.mjs';
import { withCleanup } from './lib/cleanup.mjs';
import { request } from './lib/http.mjs';
import { runNginx } from './lib/nginx.mjs';
import { accepts, freePort } from './lib/ports.mjs';
import { Child } from './lib/process.mjs';
import { startRedis } from './lib/redis.mjs';
import { suite } from './lib/suite.mjs';
import { tool } from './lib/tool.mjs';
import { LIMIT_MS, eventually, limit, within } from './lib/wait.mjs';

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';
const README = fs.readFileSync(path.join(TOP, 'README.md'), 'utf8');
const GUIDE = fs.readFileSync(path.join(TOP, 'doc/migrate-from-node.md'), 'utf8');
const NGINX = fs.readFileSync(path.join(TOP, 'contrib/nginx.conf'), 'utf8');

const block = (text, language, part) =>
	[...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, inside]) => inside).find((inside) => inside.includes(part));

/** The words of a shell's line. */
const words = (line) => line.match(/'[^']*'|\S+/g).map((word) => word.replaceAll("'", ''));

async function startReadme(cleanup) {
	const redis = await startRedis(cleanup, await freePort());
	const folder = await cleanup.folder();
	fs.mkdirSync(path.join(folder, 'public'));
	fs.writeFileSync(path.join(folder, 'public/index.html'), block(README, 'html', 'siocast.decode'));
	fs.writeFileSync(path.join(folder, 'siocast.json'), block(README, 'js', '"feeds"'));
	const browser = await chromium.launch({ executablePath: EXECUTABLE, args: ['--no-sandbox', '--disable-gpu', '--disable-quic'] });
	cleanup.add(browser, () => browser.close());
	return { cleanup, redis, folder, browser };
}

/** Runs a line of the README, but for the ports. */
async function runLine(context, line) {
	const [program, ...args] = words(line);
	assert.equal(program, './siocast');
	const port = await freePort();
	const ports = ['--listen', `127.0.0.1:${port}`, '--admin', `127.0.0.1:${await freePort()}`, '--redis', context.redis.url];
	const child = new Child(SIOCAST, [...args, ...ports], { name: 'siocast', cwd: context.folder });
	context.cleanup.add(child, () => child.stop());
	await child.whileRunning(eventually(() => accepts(port), 'siocast'));
	await context.redis.client.hasSubscribers(['ticks.*', 'news']);
	return `http://127.0.0.1:${port}/`;
}

const readmeReason = REFERENCE ? 'about siocast' : fs.existsSync(EXECUTABLE) ? false : `there is no ${EXECUTABLE}`;

suite('the README', startReadme, (context) => {
	const line = (pattern) => README.match(new RegExp(`^ {4}(\\./siocast .*${pattern}.*?)( +#.*)?$`, 'm'))[1];

	test('its configuration has nothing to warn of', limit(), () => {
		const [, ...args] = words(line('-t -c'));
		const { status, stderr } = spawnSync(SIOCAST, [...args, '--strict'], { cwd: context.folder, encoding: 'utf8', timeout: LIMIT_MS });
		assert.equal(stderr, '');
		assert.equal(status, 0);
	});

	for (const [name, pattern] of [['with its configuration', '-c siocast.json --www'], ['without a file', '--feed']]) {
		test(`its page shows what is published, ${name}`, limit(120), async () => {
			const url = await runLine(context, line(pattern));
			const page = await context.browser.newPage();
			page.setDefaultTimeout(LIMIT_MS);
			const problems = [];
			page.on('pageerror', (error) => problems.push(error.message));
			await page.goto(url);
			const shown = async (id, text) =>
				(await page.locator(`#${id}`).textContent()).includes(text);
			// The page joins its room a moment after it has connected.
			await eventually(async () => {
				await context.redis.client.command('PUBLISH', 'ticks.ACME', '{"price":12.5}');
				return shown('ticks', '12.5\n');
			}, 'the ticks');
			await context.redis.client.command('PUBLISH', 'news', '{"title":"hello"}');
			await eventually(() => shown('news', 'hello'), 'the news');
			assert.deepEqual(problems, []);
			await page.close();
		});
	}
}, readmeReason);

/** The guide's nginx in front of siocast on `upstream`, with the application on `app`. */
function guideNginx(port, upstream, app) {
	const lines = NGINX.match(/^\tlocation \/socket\.io\/ \{\n(.*?)^\t\}$/ms)[1].replace(/^\t\tproxy_pass .*$/m, '');
	const recipe = block(GUIDE, 'nginx', 'auth_request').replace(/^\t# and the lines of contrib\/nginx\.conf$/m, lines);
	assert.ok(recipe.includes('proxy_read_timeout') && recipe.includes('127.0.0.1:8000'));
	return `
	${NGINX.match(/^upstream siocast \{.*?^\}$/ms)[0].replace('127.0.0.1:3000', `127.0.0.1:${upstream}`)}
	${NGINX.match(/^map .*?^\}$/ms)[0]}
	server {
		listen 127.0.0.1:${port};
		${recipe.replace('127.0.0.1:8000', `127.0.0.1:${app}`)}
	}`;
}

/** An application that lets in who has a token in the URL. It remembers what it was asked. */
async function startApplication(cleanup) {
	const users = { 'token-of-ann': 'ann', 'token-of-bob': 'bob' };
	const asked = [];
	const server = http.createServer((request, response) => {
		asked.push({ method: request.method, headers: request.headers });
		const user = users[new URL(request.headers['x-original-uri'] ?? '/', 'http://h').searchParams.get('token')];
		response.writeHead(user ? 200 : 403, user ? { 'X-User': user } : {}).end();
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	cleanup.add(server, () => new Promise((resolve) => {
		server.close(resolve);
		server.closeAllConnections();
	}));
	return { port: server.address().port, asked };
}

async function startGuide(cleanup) {
	const redis = await startRedis(cleanup, await freePort());
	const server = await startSiocast(cleanup, {
		redis: redis.url,
		feeds: [{ channel: 'orders', event: 'order', room: 'user.{/for}', encode: 'json', batch: { interval: 0 } }],
		namespaces: { '/': { on: { connection: [{ join: 'user.{header.x-user}' }, { emit: ['you', '{header.x-user}'] }] } } },
	});
	await feedsReady(redis, server);
	const app = await startApplication(cleanup);
	const port = await freePort();
	await runNginx(cleanup, port, guideNginx(port, server.port, app.port));
	return { redis, app, url: `http://127.0.0.1:${port}` };
}

suite('the nginx of the migration guide', startGuide, (context) => {
	async function connect(cleanup, options) {
		const socket = io(context.url, { reconnection: false, forceNew: true, ...options });
		cleanup.add(socket, () => socket.close());
		return new Promise((resolve, reject) => {
			socket.once('you', (user) => resolve({ socket, user }));
			socket.once('connect_error', reject);
		});
	}

	for (const transports of [['polling'], ['websocket'], ['polling', 'websocket']]) {
		test(`a token in the URL lets in, and chooses the room: ${transports.join(' and ')}`, limit(), () => withCleanup(async (cleanup) => {
			const extraHeaders = { 'X-User': 'mallory' };
			const { socket, user } = await within(connect(cleanup, { transports, query: { token: 'token-of-ann' }, extraHeaders }), 'ann');
			assert.equal(user, 'ann');
			const bob = await within(connect(cleanup, { transports, query: { token: 'token-of-bob' } }), 'bob');
			const heard = [];
			bob.socket.on('order', (order) => heard.push(order));
			const got = new Promise((resolve) => socket.once('order', resolve));
			const bobs = new Promise((resolve) => bob.socket.once('order', resolve));
			await context.redis.client.command('PUBLISH', 'orders', '{"for":"ann","n":1}');
			await context.redis.client.command('PUBLISH', 'orders', '{"for":"bob","n":2}');
			assert.deepEqual(await within(got, 'the order of ann'), { for: 'ann', n: 1 });
			await within(bobs, 'the order of bob');
			assert.deepEqual(heard, [{ for: 'bob', n: 2 }]);
		}));

		test(`without a token, or with a wrong one, nobody gets in: ${transports.join(' and ')}`, limit(), () => withCleanup(async (cleanup) => {
			for (const query of [{}, { token: 'guessed' }]) {
				await assert.rejects(within(connect(cleanup, { transports, query }), 'the refusal'), /xhr poll error|websocket error/);
			}
		}));
	}

	test('what a page gives as auth is seen by no proxy', limit(), () => withCleanup(async (cleanup) => {
		const before = context.app.asked.length;
		await assert.rejects(within(connect(cleanup, { auth: { token: 'token-of-ann' } }), 'the refusal'), /xhr poll error/);
		const asked = context.app.asked.slice(before);
		assert.ok(asked.length > 0);
		assert.ok(!JSON.stringify(asked).includes('token-of-ann'));
	}));
}, SIOCAST_ONLY);

// doc/troubleshooting.md names counters, lines and keys: they are there, and the commands for siocast itself say what it says.
suite('doc/troubleshooting.md', (cleanup) => startSiocast(cleanup, { feeds: [{ channel: 'news' }] }), (server) => {
	const text = fs.readFileSync(path.join(TOP, 'doc/troubleshooting.md'), 'utf8');
	const manual = ['doc/siocast.8', 'doc/siocast.conf.5'].map((name) => fs.readFileSync(path.join(TOP, name), 'utf8')).join('\n');
	const named = (pattern) => [...new Set([...text.matchAll(pattern)].map(([, name]) => name))];

	test('its counters are in /metrics', limit(), async () => {
		const metrics = (await request(server.admin, 'GET', '/metrics')).text;
		const names = named(/`(siocast_[a-z_]*[a-z])/g);
		assert.ok(names.length > 15);
		assert.deepEqual(names.filter((name) => !new RegExp(`^${name}[ {]`, 'm').test(metrics)), []);
		for (const [, pattern] of text.matchAll(/metrics \| grep (?:-E )?'?([a-z_|]+)'?$/gm)) {
			for (const part of pattern.split('|')) assert.match(metrics, new RegExp(part), pattern);
		}
	});

	test('its keys and the lines of debug are in the manual', limit(), () => {
		const keys = named(/`(?:"?)((?:engine|limits|cors|batch|client)\.[A-Za-z0-9]+)/g);
		assert.ok(keys.length > 8);
		assert.deepEqual(keys.filter((key) => !new RegExp(`\\b${key.split('.')[1]}\\b`).test(manual)), []);
		const lines = named(/`(event=[a-z-]+)/g).filter((name) => !['event=lost', 'event=not-opened', 'event=message-dropped'].includes(name));
		assert.ok(lines.length > 6);
		assert.deepEqual(lines.filter((name) => !manual.includes(name)), []);
		for (const why of ['too slow', 'no CONNECT in time', 'disconnect by a handler']) assert.ok(manual.includes(why) && text.includes(why));
	});

	test('its commands are those of siocast', limit(), () => {
		const commands = [...text.matchAll(/siocast ([a-z]+) -c siocast\.json([^`\n]*)/g)];
		assert.ok(new Set(commands.map(([, name]) => name)).size >= 5, 'doctor, explain, publish, tail, top');
		for (const [, name, rest] of commands) {
			const { status, out } = tool([name, '--help']);
			assert.equal(status, 0, name);
			for (const [option] of rest.matchAll(/--[a-z]+/g)) assert.ok(out.includes(option), `${option} of ${name}`);
		}
	});

	test('its requests are answered as it says', limit(), async () => {
		const answer = await request(server.port, 'GET', '/socket.io/?EIO=4&transport=polling', { Origin: 'https://app.example.org' });
		assert.match(answer.text, /^0\{"sid":/);
		assert.ok(answer.header('access-control-allow-origin'));
		assert.match((await request(server.admin, 'GET', '/readyz')).text, /ready/);
	});
}, SIOCAST_ONLY);

// Every command of siocast that stands as code in a document is one, with options that it has.
suite('commands of siocast in documents', async () => ({}), () => {
	const helps = new Map();
	const folders = ['', 'doc', 'bench', 'compat', 'client-js'];
	const names = folders.flatMap((folder) => fs.readdirSync(path.join(TOP, folder)).filter((name) => name.endsWith('.md')).map((name) => path.join(folder, name)));
	const help = (...args) => {
		const key = args.join(' ');
		if (!helps.has(key)) helps.set(key, tool([...args, '--help']));
		return helps.get(key);
	};

	test('and their options', limit(), () => {
		const wrong = [];
		let n = 0;
		for (const name of names) {
			const text = fs.readFileSync(path.join(TOP, name), 'utf8');
			const code = [...text.matchAll(/^(?: {4}|\t)(.*)$/gm), ...text.matchAll(/`([^`\n]+)`/g), ...text.matchAll(/^```[^\n]*\n([^]*?)^```$/gm)];
			const lines = code.flatMap(([, inside]) => inside.split('\n'));
			for (const line of lines) {
				// Up to what a shell or a comment makes of the rest; what stands in quotes is somebody's own.
				const [, rest] = /^\s*(?:sudo )?(?:\.\/)?siocast ([^|;&#>]*)/.exec(line.replace(/'[^']*'|"[^"]*"/g, 'X')) ?? [];
				if (!rest) continue;
				const command = /^[a-z][a-z0-9]+$/.test(rest.split(' ')[0]) ? [rest.split(' ')[0]] : [];
				n++;
				const { status, out } = help(...command);
				if (status !== 0) wrong.push(`${name}: ${line}`);
				for (const [, option] of rest.matchAll(/(?:^| )(--[a-z-]+)/g)) {
					if (!new RegExp(`(?:^| )${option}\\b(?!-)`, 'm').test(out)) wrong.push(`${name}: ${option} of ${line}`);
				}
			}
		}
		assert.ok(n > 50, `${n} lines`);
		assert.deepEqual(wrong, []);
	});
}, SIOCAST_ONLY);
