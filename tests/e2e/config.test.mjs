// SPDX-License-Identifier: MIT
//
// siocast -t: a good configuration is told so, a mistake is named by file, line and the nearest key that exists.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { SIOCAST, SIOCAST_ONLY } from './lib/daemon.mjs';
import { withCleanup } from './lib/cleanup.mjs';
import { LIMIT_MS, limit } from './lib/wait.mjs';

/** Runs siocast -t on a configuration of this text; gives {status, out, err, file}. */
async function check(text, args = []) {
	let result;
	await withCleanup(async (cleanup) => {
		const file = path.join(await cleanup.folder(), 'some.conf');
		fs.writeFileSync(file, text);
		const { status, signal, stdout, stderr } = spawnSync(SIOCAST, ['-t', '-c', file, ...args], {
			encoding: 'utf8',
			timeout: LIMIT_MS,
		});
		assert.equal(signal, null, stderr);
		result = { status, out: stdout, err: stderr, file };
	});
	return result;
}

const WHOLE = `// the example of the manual, more or less
{
	"listen": ["127.0.0.1:3000", "[::1]:3000"],
	"admin": "127.0.0.1:9464",
	"path": "/socket.io/",
	"workers": 0, /* one for each core */
	"redis": ["redis://127.0.0.1:6379/0", "redis://user:password@db.example/1"],
	"engine": {
		"pingInterval": 25000, "pingTimeout": 20000, "upgradeTimeout": 10000, "maxHttpBufferSize": 1000000,
		"transports": ["polling", "websocket"], "allowUpgrades": true, "cookie": false, "connectTimeout": 45000
	},
	"cors": { "origin": "*", "credentials": false },
	"serveClient": true,
	"feeds": [
		{ "pattern": "ticks.*", "event": "ticks", "room": "{1}" },
		{ "channel": "news", "encode": "json", "batch": { "interval": 0 } },
		{ "channel": "trades", "event": "{/kind}", "where": { "/type": ["a", "b"] }, "slow": "latest" }
	],
	"namespaces": { "/": { "on": {
		"connection": [ {"emit": ["hello", "{auth}"]} ],
		"subscribe": [ {"join": "{1}"}, {"ack": [true]} ],
		"message": [ {"emit": ["message-back", "...{args}"]} ],
		"*": [ {"publish": "uplink"} ]
	} } },
	"limits": { "clientQueueBytes": 1048576 }
}
`;

// The text of a configuration, the line of its mistake, and what the message must name.
const MISTAKES = {
	'an unknown key': ['{\n\t"listne": ["127.0.0.1:1"]\n}', 2, /listne.*"listen"/],
	'an unknown key inside': ['{\n"engine": {\n"pingIntervall": 1000\n}\n}', 3, /pingIntervall.*pingInterval/],
	'an unknown key of a feed': ['{"feeds": [\n{"channel": "a"},\n{"channel": "b",\n"evnt": "x"}]}', 4, /evnt.*"event"/],
	'a wrong type': ['{\n\n"workers": "two"\n}', 3, /workers.*number/],
	'a boolean that is a string': ['{"serveClient":\n"yes"}', 2, /serveClient.*write true/],
	'a time with its unit': ['{"engine": {\n"pingInterval": "200ms"}}', 2, /pingInterval.*write 200$/],
	'a number out of range': ['{"engine": {\n"pingTimeout": -1}}', 2, /pingTimeout/],
	'an unknown word': ['{"feeds": [{"channel": "a",\n"encode": "jsno"}]}', 2, /jsno.*"json"/],
	'an unknown transport': ['{"engine": {\n"transports": ["polling", "websokcet"]}}', 2, /websokcet/],
	'a feed without a source': ['{"feeds": [\n{"event": "x"}]}', 2, /channel/],
	'a feed with two sources': ['{"feeds": [\n{"channel": "a", "pattern": "b*"}]}', 2, /channel.*pattern/],
	'a template without its end': ['{"feeds": [{"pattern": "a.*",\n"event": "{1"}]}', 2, /event/],
	'a template of a star that is not there': ['{"feeds": [{"pattern": "a.*",\n"room": "{2}"}]}', 2, /room/],
	'a format that does not fit': ['{"feeds": [{"channel": "a", "encode": "json", "batch": {\n"format": "frames"}}]}', 2, /format/],
	'a reserved event': ['{"feeds": [{"channel": "a",\n"event": "connect"}]}', 2, /reserved/],
	'an unknown action': ['{"namespaces": {"/": {"on": {\n"x": [\n{"jion": "{1}"}]}}}}', 3, /jion.*join/],
	'an unknown placeholder': ['{"namespaces": {"/": {"on": {"x": [\n{"join": "{nobody}"}]}}}}', 2, /nobody/],
	'a namespace without a slash': ['{"namespaces": {\n"admin": {}}}', 2, /admin.*"\/"/],
	'an address without a port': ['{\n"listen": "localhost"}', 2, /listen/],
	'a bad Redis URL': ['{\n"redis": "http://localhost"}', 2, /redis/],
	'a key that stands twice': ['{\n"workers": 1,\n"workers": 2}', 3, /workers.*twice/],
	'a comma too many': ['{\n"workers": 1,\n}', 2, /comma/],
	'a user that there is not': ['{\n"user": "no such user"}', 2, /user: .*no such user$/],
	'a group that there is not': ['{"user": "daemon",\n"group": "no such group"}', 2, /group: .*no such group$/],
	'a file with a password that is not there': ['{"redis": {\n"passwordFile": "/no/such"}}', 2, /redis\.passwordFile: .*no such file/],
	'a string without its end': ['{\n"path": "/x\n}', 2, /string/],
	'a comment without its end': ['{\n/* no end\n}', 2, /comment/],
	'text after the end': ['{\n}\nx', 3, /after the end/],
	'no text at all': ['', 1, /./],
	'no object': ['\n[]', 2, /object/],
	'bytes that are not UTF-8': [Buffer.from('{\n"path": "/\xff"}', 'latin1'), 2, /UTF-8/],
};

describe('siocast -t', { skip: SIOCAST_ONLY }, () => {
	test('a good configuration', limit(), async () => {
		for (const text of ['{"feeds": [{"channel": "a"}]}', WHOLE]) {
			const { status, out, err, file } = await check(text, ['--strict']);
			assert.equal(err, '');
			assert.equal(status, 0);
			assert.equal(out, `${file}: ok\n`);
		}
	});

	for (const [name, [text, line, pattern]] of Object.entries(MISTAKES)) {
		test(`${name} is named with its line`, limit(), async () => {
			const { status, err, file } = await check(text);
			assert.equal(status, 1);
			const [first, shown, caret] = err.split('\n');
			assert.match(first, pattern);
			const [, at, column] = new RegExp(`^${file}:(\\d+):(\\d+): `).exec(first) ?? assert.fail(err);
			assert.equal(Number(at), line, err);
			assert.equal(shown, `    ${String(text).split('\n')[line - 1].replace('\t', ' ').replace('\ufffd', '?')}`);
			assert.equal(caret, `${' '.repeat(4 + Number(column) - 1)}^`);
		});
	}

	test('all mistakes are named in one go, in the order they stand', limit(), async () => {
		const { status, err } = await check('{\n"worker": 1,\n"pth": "/",\n"engine": {"cokie": true}\n}');
		assert.equal(status, 1);
		const lines = err.split('\n').filter((line) => line.includes('some.conf:'));
		assert.equal(lines.length, 3, err);
		for (const [i, key] of ['"workers"', '"path"', '"cookie"'].entries()) assert.ok(lines[i].includes(key), lines[i]);
	});

	test('folders and versions that are not there are named with the other mistakes', limit(), async () => {
		const { status, err } = await check('{\n"www": "pages",\n"client": {"version": "4.99"},\n"workres": 1\n}');
		assert.equal(status, 1);
		const lines = err.split('\n').filter((line) => line.includes('some.conf:') && !line.includes('warning'));
		assert.match(lines[0], /some\.conf:2:8: www: \/.*\/pages: no such file or directory/);
		assert.match(lines[1], /some\.conf:3:23: client\.version: version 4\.99 is not installed/);
		assert.match(lines[2], /some\.conf:4:1: workres/);
		assert.equal(lines.length, 3, err);
	});

	test('what is seldom meant is a warning, and a mistake with --strict', limit(), async () => {
		const text = '{"feeds": [{"channel": "ticks.*"}],\n"cors": {"origin": "https://a.example/"}}';
		const loose = await check(text);
		assert.equal(loose.status, 0);
		assert.equal(loose.out, `${loose.file}: ok, with 2 warnings\n`);
		assert.match(loose.err, /some\.conf:1:24: warning: feeds\[0\]\.channel: .*"pattern"\n.*\n +\^\n/);
		assert.match(loose.err, /some\.conf:2:20: warning: cors\.origin: .*slash/);
		const strict = await check(text, ['--strict']);
		assert.equal(strict.status, 1);
		assert.equal(strict.out, '');
		assert.equal(strict.err.replaceAll(strict.file, ''), loose.err.replaceAll(loose.file, ''));
	});

	test('control characters of a file never reach the terminal', limit(), async () => {
		const text = Buffer.from('{"\x1b[31m\x07": "\x7f\xc2\x9b2J\x9b", "redis": "redis://:secret@h:x"}', 'latin1');
		const { status, err } = await check(text);
		assert.equal(status, 1);
		assert.doesNotMatch(err, /[\0-\x09\x0b-\x1f\x7f-\x9f\ufffd]|secret/);
	});

	test('the environment stands over the file, options over both', limit(), async () => {
		await withCleanup(async (cleanup) => {
			const file = path.join(await cleanup.folder(), 'some.conf');
			fs.writeFileSync(file, '{"workers": 1, "feeds": [{"channel": "${NAME:-a}"}], "listen": "${WHERE}"}');
			const run = (env, ...args) =>
				spawnSync(SIOCAST, ['-t', '-c', file, ...args], { encoding: 'utf8', timeout: LIMIT_MS, env: { ...process.env, ...env } });
			assert.equal(run({ WHERE: '127.0.0.1:1' }).stdout, `${file}: ok\n`);
			assert.match(run({}).stderr, /some\.conf:1:64: listen: there is no WHERE in the environment/);
			const wrong = run({ WHERE: '127.0.0.1:1', SIOCAST_WORKERS: '99' });
			assert.equal(wrong.status, 1);
			assert.equal(wrong.stderr, 'SIOCAST_WORKERS: workers: expected a whole number from 0 to 64\n');
			assert.equal(run({ WHERE: 'x', SIOCAST_LISTEN: '127.0.0.1:1' }, '--strict').status, 0);
		});
	});

	test('a file that is not there', limit(), () => {
		const { status, stderr } = spawnSync(SIOCAST, ['-t', '-c', '/nonexistent/some.conf'], { encoding: 'utf8', timeout: LIMIT_MS });
		assert.equal(status, 1);
		assert.match(stderr, /\/nonexistent\/some\.conf.*no such file/i);
	});

	test('without -t a mistake keeps the daemon from starting', limit(), () =>
		withCleanup(async (cleanup) => {
			const file = path.join(await cleanup.folder(), 'some.conf');
			fs.writeFileSync(file, '{"workres": 1}');
			const { status, stderr } = spawnSync(SIOCAST, ['-c', file], { encoding: 'utf8', timeout: LIMIT_MS });
			assert.equal(status, 1);
			assert.match(stderr, /some\.conf:1:2:.*"workers"/);
		}),
	);

	test('wrong arguments are refused, help and version are given', limit(), () => {
		const run = (...args) => spawnSync(SIOCAST, args, { encoding: 'utf8', timeout: LIMIT_MS });
		assert.equal(run('--nonsense').status, 1);
		assert.equal(run('-t', '--feed', 'no-equals-sign').status, 1);
		assert.equal(run('-t', '--listen', 'nowhere').status, 1);
		assert.equal(run('-t', '--feed', 'news=news', '--listen', '127.0.0.1:3000', '--redis', 'redis://127.0.0.1').status, 0);
		const folder = run('-t', '--feed', 'news=news', '--www', '/nonexistent/pages');
		assert.equal(folder.status, 1);
		assert.match(folder.stderr, /\/nonexistent\/pages/);
		assert.equal(folder.stdout, '');
		const help = run('--help');
		assert.equal(help.status, 0);
		assert.match(help.stdout, /--listen/);
		const version = run('--version');
		assert.equal(version.status, 0);
		assert.match(version.stdout, /\d+\.\d+/);
	});
});
