// SPDX-License-Identifier: MIT
//
// doc/tutorial.md, done as it says: its files saved, its commands run in a shell, its changes made where it says, and after each step
// a look at the page in Chromium. Only the ports are others.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { chromium } from 'playwright-core';
import { REFERENCE, SIOCAST, TOP } from './lib/daemon.mjs';
import { withCleanup } from './lib/cleanup.mjs';
import { accepts, freePort } from './lib/ports.mjs';
import { Child } from './lib/process.mjs';
import { startRedis } from './lib/redis.mjs';
import { LIMIT_MS, eventually, limit, within } from './lib/wait.mjs';

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';
const TUTORIAL = fs.readFileSync(path.join(TOP, 'doc/tutorial.md'), 'utf8');

// The fenced parts in their order: what stands behind the fence, and the sentence in front of it.
const PARTS = [...TUTORIAL.matchAll(/^```(.*)\n([^]*?)^```$/gm)].map(({ 1: kind, 2: text, index }) => {
	const before = TUTORIAL.slice(0, index).trimEnd().split('\n\n').at(-1);
	return { kind, text, file: /[Ss]ave\s+this\s+as `([^`]+)`/.exec(before)?.[1] };
});
const part = (kind) => PARTS.find((one) => one.kind === kind) ?? assert.fail(`there is no part ${kind}`);

/** Who follows the tutorial: a folder, a shell whose programs know the ports, and a browser. */
class Pupil {
	constructor(cleanup, folder) {
		Object.assign(this, { cleanup, folder, used: new Set(), siocast: null });
	}

	static async begin(cleanup) {
		const pupil = new Pupil(cleanup, await cleanup.folder());
		const redis = await startRedis(cleanup, await freePort());
		[pupil.port, pupil.admin] = [await freePort(), await freePort()];
		const bin = path.join(pupil.folder, '.bin');
		fs.mkdirSync(bin);
		fs.mkdirSync(path.join(pupil.folder, 'public'));
		const script = (name, line) => fs.writeFileSync(path.join(bin, name), `#!/bin/sh\nexec ${line}\n`, { mode: 0o755 });
		script('redis-cli', `/usr/bin/redis-cli -p ${redis.port} "$@"`);
		script('siocast', `${SIOCAST} "$@" --listen 127.0.0.1:${pupil.port} --redis ${redis.url}`);
		pupil.env = { PATH: `${bin}:${process.env.PATH}` };
		const browser = await chromium.launch({ executablePath: EXECUTABLE, args: ['--no-sandbox', '--disable-gpu', '--disable-quic'] });
		cleanup.add(browser, () => browser.close());
		pupil.page = await browser.newPage();
		pupil.page.setDefaultTimeout(LIMIT_MS);
		pupil.problems = [];
		pupil.page.on('pageerror', (error) => pupil.problems.push(error.message));
		return pupil;
	}

	#here(text) {
		return text.replaceAll('9464', String(this.admin)).replaceAll('127.0.0.1:3000', `127.0.0.1:${this.port}`);
	}

	take(kind) {
		const found = part(kind);
		this.used.add(found);
		return this.#here(found.text);
	}

	save(file) {
		const found = PARTS.find((one) => one.file === file) ?? assert.fail(`the tutorial does not save ${file}`);
		this.used.add(found);
		fs.writeFileSync(path.join(this.folder, file), this.#here(found.text));
	}

	/** Changes a file as the tutorial asks for: a part goes in front of a text, or in its place. */
	change(file, text, kind, { replace = false } = {}) {
		const name = path.join(this.folder, file);
		const old = fs.readFileSync(name, 'utf8');
		assert.equal(old.split(text).length, 2, `${text} stands in ${file} once`);
		const taken = this.take(kind);
		fs.writeFileSync(name, old.replace(text, () => (replace ? taken : text.startsWith('\n') ? `\n${taken.trimEnd()}${text}` : taken + text)));
	}

	// timeout, because it hands the signal on to all that the shell has started, as Ctrl-C does.
	start(kind) {
		const child = new Child('timeout', ['300', 'bash', '-c', this.take(kind)], { cwd: this.folder, env: this.env, graceful: false, name: kind });
		this.cleanup.add(child, () => child.stop());
		return child;
	}

	async serve(kind = 'sh terminal siocast') {
		await this.siocast?.stop();
		this.siocast = this.start(kind);
		await this.siocast.whileRunning(eventually(() => accepts(this.port), 'siocast'));
	}

	/** The next part of the shell that has a text in it; gives what it printed. */
	async run(text) {
		const found = PARTS.find((one) => one.kind === 'sh' && !this.used.has(one) && one.text.includes(text)) ?? assert.fail(text);
		this.used.add(found);
		const lines = ['-e', '-o', 'pipefail', '-c', this.#here(found.text)];
		const child = new Child('bash', lines, { cwd: this.folder, env: this.env, graceful: false, name: found.text });
		this.cleanup.add(child, () => child.stop());
		const { code } = await within(child.ended, found.text);
		assert.ok(code === 0 || text === 'psubscribe', `${found.text} ended with ${code}: ${child.output}`);
		return child.output;
	}

	async open(hash = '') {
		await this.page.goto('about:blank');
		await this.page.goto(`http://127.0.0.1:${this.port}/${hash}`);
	}

	shows(id, pattern) {
		return eventually(async () => pattern.test(await this.page.locator(`#${id}`).textContent()), `${id} to show ${pattern}`);
	}

	/** The sensors of the table, when there are as many. */
	rows(count, pattern) {
		const names = () => this.page.locator('tr').evaluateAll((rows) => rows.map((row) => row.id).sort());
		return eventually(async () => {
			const found = await names();
			return found.length === count && found.every((name) => pattern.test(name)) && found;
		}, `${count} rows ${pattern}`);
	}
}

const reason = REFERENCE ? 'about siocast' : fs.existsSync(EXECUTABLE) ? false : `there is no ${EXECUTABLE}`;

test('doc/tutorial.md can be followed', { ...limit(240), skip: reason }, () =>
	withCleanup(async (cleanup) => {
		const pupil = await Pupil.begin(cleanup);
		const END = '\n</script>';

		// 1. Something to show
		pupil.save('sensors.sh');
		const sensors = pupil.start('sh terminal');
		const [head, tail] = pupil.take('text').trim().split('…","celsius":…');
		const seen = await pupil.run('psubscribe');
		assert.ok(seen.startsWith(head) && seen.trim().endsWith(tail), seen);

		// 2. A page
		pupil.save('public/index.html');
		await pupil.serve('sh terminal first');
		await pupil.open();
		await pupil.shows('state', /^connected$/);
		await pupil.rows(6, /^(north|south)-[123]$/);

		// 3. One house at a time
		pupil.save('siocast.json');
		assert.equal(await pupil.run('siocast -t'), 'siocast.json: ok\n');
		pupil.change('public/index.html', '<table>', 'html buttons');
		pupil.change('public/index.html', END, 'js watch');
		await pupil.serve();
		await pupil.open();
		await pupil.rows(3, /^north-/);
		await pupil.page.getByRole('button', { name: 'south' }).click();
		await pupil.rows(3, /^south-/);

		// 4. State at once
		const feed = /^ {4}\{ "pattern".*\}\n/m.exec(fs.readFileSync(path.join(pupil.folder, 'siocast.json'), 'utf8'))[0];
		pupil.change('siocast.json', feed, 'js feed', { replace: true });
		await pupil.serve();
		await sensors.stop();
		// The feed may not be subscribed yet; who publishes by hand tries again.
		const publish = async (again) => assert.equal(await again(), '1\n');
		await eventually(async () => (await (await fetch(`http://127.0.0.1:${pupil.admin}/readyz`)).status) === 200, 'siocast to be ready');
		await publish(() => pupil.run('"north-9"'));
		for (let i = 0; i < 2; i++) {
			await pupil.open();
			await pupil.shows('readings', /north-9/);
		}

		// 5. Alarms for everybody
		pupil.change('siocast.json', '  ],\n  "namespaces"', 'js alarm');
		pupil.change('public/index.html', END, 'js onalarm');
		await pupil.serve();
		await pupil.open();
		await pupil.shows('state', /^connected$/);
		await eventually(async () => (await (await fetch(`http://127.0.0.1:${pupil.admin}/readyz`)).status) === 200, 'siocast to be ready');
		await publish(() => pupil.run('"south-1"'));
		await pupil.shows('state', /^south: 40\.25 °C at south-1$/);

		// 6. Connections that break
		pupil.change('siocast.json', '  "feeds": [\n', 'js recovery');
		pupil.change('public/index.html', END, 'js recovered');
		await pupil.serve();
		await pupil.open();
		await pupil.shows('state', /^connected$/);
		await pupil.page.evaluate(pupil.take('js console').trim());
		await pupil.shows('state', /^recovered$/);

		// 7. Who may look
		await pupil.run('/dev/urandom');
		pupil.change('siocast.json', '  "feeds": [\n', 'js auth');
		pupil.change('siocast.json', '      "on": {\n', 'js rooms');
		pupil.save('token.sh');
		await pupil.run('token.sh ann north');
		pupil.change('public/index.html', '  const socket = io();\n', 'js socket', { replace: true });
		await pupil.serve();
		await pupil.open();
		await pupil.shows('state', /^token_required$/);
		await pupil.open(`#${fs.readFileSync(path.join(pupil.folder, 'token'), 'utf8')}`);
		await pupil.shows('state', /^connected$/);
		pupil.start('sh terminal');
		await pupil.rows(3, /^north-/);
		const south = await pupil.page.evaluate("new Promise((resolve) => socket.emit('watch', 'south', resolve))");
		assert.deepEqual(south, { error: 'forbidden', room: 'south' });
		await pupil.page.getByRole('button', { name: 'south' }).click();
		await pupil.rows(0, /^/);
		await pupil.page.getByRole('button', { name: 'north' }).click();
		await pupil.rows(3, /^north-/);

		// 8. Leave it running
		const told = await pupil.run('/readyz');
		assert.match(told, /^siocast_sessions\{worker="\d+",transport="(websocket|polling)"\} 1$/m);
		assert.match(told, /^siocast_feed_messages_total/m);
		assert.deepEqual(pupil.problems, []);
		assert.deepEqual(PARTS.filter((one) => !pupil.used.has(one)), [], 'all of it was done');
	}),
);
