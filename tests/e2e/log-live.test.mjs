// SPDX-License-Identifier: MIT
//
// The log at a reload by SIGHUP: its level and its form change at once, the form of the access log with it. Where lines go takes a
// restart, and a wrong value leaves all of it as it was.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { SIOCAST_ONLY } from './lib/daemon.mjs';
import { openDirect } from './lib/engine.mjs';
import { Renewed } from './lib/handover.mjs';
import { eventually, limit } from './lib/wait.mjs';

/** A line of either form: {form, level, event} and what else JSON has. */
function read(line) {
	if (line.startsWith('{')) return { form: 'json', line, ...JSON.parse(line) };
	const [, level, event] = /^\d{4}-\S+Z (error|warn|info|debug) +(?:\S+=\S+ )*?event=(\S+)/.exec(line) ?? assert.fail(line);
	return { form: 'text', line, level, event };
}

const readAll = (text) => text.split('\n').slice(0, -1).map(read);

/** The signal, and the lines from there to one that is `event`. */
async function hangUp(server, event, changes) {
	const { length } = server.child.output;
	const told = () => readAll(server.child.output.slice(length));
	if (changes) server.rewrite(changes);
	process.kill(server.pid, 'SIGHUP');
	await eventually(() => told().some((line) => line.event === event), `event=${event}`);
	return told();
}

/**
 * A client that asks for a namespace that is not there, and goes: the form of the line at debug about it, if there is one, and of that in
 * the access log. What the log says of a file that is none comes behind both, at any level.
 */
async function probe(server, access) {
	const { length } = server.child.output;
	const socket = await openDirect(server);
	await socket.text('40/nowhere,');
	assert.match(await socket.nextText(), /^44\/nowhere,/);
	socket.close();
	const { sid } = socket.open;
	const mine = () => readAll(fs.readFileSync(access, 'utf8')).filter(({ line }) => line.includes(sid));
	await eventually(() => mine().length === 1, `the line of the access log, ${access}`);
	const good = fs.readFileSync(server.file);
	fs.writeFileSync(server.file, '{');
	const [error] = (await hangUp(server, 'reload-failed')).filter(({ event }) => event === 'reload-failed');
	fs.writeFileSync(server.file, good);
	const debug = readAll(server.child.output.slice(length)).find(({ event }) => event === 'connect-refused');
	assert.ok(!debug || debug.level === 'debug');
	return { debug: debug?.form, error: error.form, access: mine()[0].form };
}

async function start(cleanup) {
	const folder = await cleanup.folder();
	const [first, second] = ['first', 'second'].map((name) => path.join(folder, name));
	return { first, second, server: await Renewed.start(cleanup, { accessLog: first }) };
}

describe('the log, by SIGHUP', { skip: SIOCAST_ONLY }, () => {
	test('level and form change at once; another access log takes a restart', limit(), () =>
		withCleanup(async (cleanup) => {
			const { first, second, server } = await start(cleanup);
			assert.deepEqual(await probe(server, first), { debug: undefined, error: 'text', access: 'text' });

			const more = await hangUp(server, 'reloaded', { log: { level: 'debug', format: 'json' } });
			const { form, changed } = more.find(({ event }) => event === 'reloaded');
			assert.deepEqual([form, changed.split(',').sort()], ['json', ['log.format', 'log.level']]);
			assert.deepEqual(await probe(server, first), { debug: 'json', error: 'json', access: 'json' });

			// What changes live does, beside what does not.
			const target = `${second}.log`;
			const less = await hangUp(server, 'restart-needed', { log: { level: 'warn', target }, accessLog: second });
			assert.match(less.find(({ event }) => event === 'restart-needed').line, /Z warn {2}event=restart-needed options=2 unchanged="log\.target,accessLog" /);
			// As JSON the last lines of before may come with it.
			assert.deepEqual(less.filter(({ form, level }) => form === 'text' && !['error', 'warn'].includes(level)), []);
			assert.deepEqual(await probe(server, first), { debug: undefined, error: 'text', access: 'text' });
			assert.deepEqual([second, target].filter(fs.existsSync), []);
			for (const off of ['off', 'log']) {
				await hangUp(server, 'restart-needed', { log: { level: 'info' }, accessLog: off });
				assert.equal((await probe(server, first)).access, 'text');
			}

			// As after any restart, one without a break.
			server.rewrite({ accessLog: second });
			const { pid } = server;
			await server.renew();
			await eventually(() => !fs.existsSync(`/proc/${pid}`), 'the end of the process before');
			const { size } = fs.statSync(first);
			assert.deepEqual(await probe(server, second), { debug: undefined, error: 'text', access: 'text' });
			assert.equal(fs.statSync(first).size, size);
		}),
	);

	test('a wrong value of any of them keeps what holds, and not what holds without it', limit(), () =>
		withCleanup(async (cleanup) => {
			const { first, server } = await start(cleanup);
			const holds = { log: { level: 'debug', format: 'json' }, logLevel: undefined, accessLog: first };
			await hangUp(server, 'reloaded', holds);
			const wrong = [
				[{ log: { level: 'loud', format: 'text' } }, /log\.level: .*loud/],
				[{ log: { level: 'error', format: 'xml' } }, /log\.format: .*xml/],
				[{ log: { level: 3, format: 'text' } }, /log\.level: /],
				[{ log: 'error' }, /: log: /],
				[{ logLevel: 'loud', log: { format: 'text' } }, /logLevel: .*loud/],
				[{ logLevel: 'error', log: { level: 'error' } }, /logLevel: \\x22log\.level\\x22 says the same/],
				[{ log: { level: 'error' }, accessLog: true }, /accessLog: expected .*, not a boolean/],
				[{ log: { level: 'error' }, accessLog: '' }, /accessLog: .*an empty string/],
			];
			for (const [changes, mistake] of wrong) {
				const said = await hangUp(server, 'reload-failed', { ...holds, ...changes });
				assert.ok(said.every(({ form, event }) => form === 'json' && event !== 'reloaded'), JSON.stringify(said));
				const mistakes = said.filter(({ event }) => event === 'reload-mistake');
				assert.equal(mistakes.length, 1);
				assert.match(mistakes[0].error, mistake);
			}
			assert.deepEqual(await probe(server, first), { debug: 'json', error: 'json', access: 'json' });
			// And what is right then counts: the other name of the level, which stays, and the form of who says none.
			const said = await hangUp(server, 'reloaded', { ...holds, log: undefined, logLevel: 'debug' });
			assert.match(said.find(({ event }) => event === 'reloaded').line, /^\S+ info {2}event=reloaded options=1 changed="log\.format"$/);
			assert.deepEqual(await probe(server, first), { debug: 'text', error: 'text', access: 'text' });
		}),
	);
});
