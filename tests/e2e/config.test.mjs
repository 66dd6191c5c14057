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
	"redis": ["redis://127.0.0.1:6379/0", "redis://user:password@localhost/1"],
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
	'a boolean that is a string': ['{"serveClient":\n"yes"}', 1, /serveClient/],
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
	'a comma too many': ['{\n"workers": 1,\n}', 3, /comma/],
	'a string without its end': ['{\n"path": "/x\n}', 2, /string/],
	'a comment without its end': ['{\n/* no end\n}', 2, /comment/],
	'text after the end': ['{\n}\nx', 3, /after the end/],
	'no text at all': ['', 1, /./],
	'no object': ['\n[]', 2, /object/],
	'bytes that are not UTF-8': [Buffer.from('{\n"path": "/\xff"}', 'latin1'), 2, /UTF-8/],
};

describe('siocast -t', { skip: SIOCAST_ONLY }, () => {
	test('a good configuration', limit(), async () => {
		for (const text of ['{}', WHOLE]) {
			const { status, out, err, file } = await check(text);
			assert.equal(err, '');
			assert.equal(status, 0);
			assert.ok(out.includes(file), out);
		}
	});

	for (const [name, [text, line, pattern]] of Object.entries(MISTAKES)) {
		test(`${name} is named with its line`, limit(), async () => {
			const { status, err, file } = await check(text);
			assert.equal(status, 1);
			const [first] = err.split('\n');
			assert.ok(first.includes(`${file}:${line}:`), `line ${line} expected in: ${err}`);
			assert.match(first, pattern);
		});
	}

	test('all mistakes are named in one go, in the order they stand', limit(), async () => {
		const { status, err } = await check('{\n"worker": 1,\n"pth": "/",\n"engine": {"cokie": true}\n}');
		assert.equal(status, 1);
		const lines = err.trim().split('\n');
		assert.equal(lines.length, 3, err);
		for (const [i, key] of ['"workers"', '"path"', '"cookie"'].entries()) assert.ok(lines[i].includes(key), lines[i]);
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
			assert.match(stderr, /some\.conf:1:.*"workers"/);
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
