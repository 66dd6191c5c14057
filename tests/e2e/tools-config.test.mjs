// SPDX-License-Identifier: MIT
//
// `siocast check` and `siocast config`: the defaults, what holds and who said so, and the schema, which a validator of others
// (ajv, of tests/bundlers) reads.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import { SIOCAST_ONLY, TOP } from './lib/daemon.mjs';
import { withCleanup } from './lib/cleanup.mjs';
import { SLOW, limit } from './lib/wait.mjs';
import { tool } from './lib/tool.mjs';

/** JSON with comments as JSON. */
function plain(text) {
	return text.replace(/("(?:[^"\\]|\\.)*")|\/\/.*|\/\*[^]*?\*\//g, (_, string) => string ?? '');
}

/** Runs the body with a file of that text. */
function withFile(text, body) {
	return withCleanup(async (cleanup) => {
		const file = path.join(await cleanup.folder(), 'some.json');
		fs.writeFileSync(file, text);
		await body(file);
	});
}

function ajv() {
	try {
		return createRequire(new URL('../bundlers/package.json', import.meta.url))('ajv/dist/2020.js');
	} catch {
		return null;
	}
}

/** The validator of the schema, which is itself valid in ajv's strict eyes. */
function validator() {
	const Ajv = ajv();
	return new Ajv({ strict: true, strictRequired: false, allowUnionTypes: true }).compile(JSON.parse(tool(['config', '--schema']).out));
}

/** The configurations that the documents show: blocks that are whole, as members of one, or as one feed. */
function* samples() {
	const docs = fs.readdirSync(path.join(TOP, 'doc')).filter((f) => f.endsWith('.md')).map((f) => path.join('doc', f));
	for (const name of ['README.md', ...docs])
		for (const [, block] of fs.readFileSync(path.join(TOP, name), 'utf8').matchAll(/^```(?:jsonc?|js)\n([^]*?)^```$/gm))
			yield [name, block];
	const manual = fs.readFileSync(path.join(TOP, 'doc/siocast.conf.5'), 'utf8');
	for (const [, block] of manual.matchAll(/^\.Bd -literal.*\n([^]*?)^\.Ed$/gm)) yield ['siocast.conf.5', block.replaceAll('\\e', '\\')];
	for (const folder of ['contrib', 'tests/fuzz/seeds/config'])
		for (const name of fs.readdirSync(path.join(TOP, folder)))
			if (name.endsWith('.json') || folder !== 'contrib') yield [name, fs.readFileSync(path.join(TOP, folder, name), 'utf8')];
}

/** What of a text may be meant as a configuration, as values. */
function* readings(text) {
	for (const whole of [text, `{${text}}`, `{"feeds": [${text}]}`, `{"feeds": [${text.replaceAll(/\}\n\{/g, '},\n{')}]}`]) {
		try {
			yield JSON.parse(plain(whole));
		} catch {
			// It is none.
		}
	}
}

const RICH = {
	$schema: './siocast.schema.json',
	listen: ['127.0.0.1:3000', '[::1]:3000'],
	admin: '127.0.0.1:9464',
	workers: '${WORKERS:-2}',
	redis: ['redis://127.0.0.1:6379/0', { url: 'redis://db.example/1', source: 'psync' }],
	engine: { pingInterval: 25000, transports: 'websocket', cookie: { sameSite: false, maxAge: 5 }, httpCompression: { level: 9 } },
	cors: { origin: ['https://a.example'], maxAge: null },
	feedDefaults: { encode: 'json', batch: { interval: 50 } },
	feeds: [
		{ pattern: 'ticks.*', room: ['{1}', 'all'], where: { '/a': [1, 'b', null], '/c': { '>': 1, not: { exists: true } } } },
		{ channel: ['a', 'b'], slow: { latestPer: '/s' }, retain: { key: '/s', max: 5 }, remove: { where: { '/gone': true } } },
		{ stream: 's', field: 'data', from: '$', event: ['e'], payload: { x: ['{/a}'] }, omit: '/secret' },
	],
	namespaces: {
		'/': { on: { connection: [{ emit: ['hello'] }] }, presence: { member: '{auth.user}', events: { here: 'here' } } },
		'/x-*': { auth: false, rooms: { allow: ['a.*'] }, count: [{ event: 'n' }], connectionStateRecovery: true },
	},
	connectionStateRecovery: { maxDisconnectionDuration: 5000, history: { messages: 5 } },
	limits: { clientQueueBytes: 65536 },
	log: { level: 'debug', target: 'stderr' },
};

// Each a change that makes it wrong.
const WRONG = {
	'an unknown key': (c) => (c.listne = []),
	'an unknown key of a section': (c) => (c.engine.pingIntervall = 1),
	'an unknown key of a feed': (c) => (c.feeds[0].chanel = 'a'),
	'an unknown key of a namespace': (c) => (c.namespaces['/'].onn = {}),
	'a number as text': (c) => (c.engine.pingInterval = '25000'),
	'a number out of range': (c) => (c.workers = 65),
	'half a number': (c) => (c.engine.pingInterval = 1.5),
	'a word for a boolean': (c) => (c.cors.credentials = 'yes'),
	'a number for a boolean': (c) => (c.serveClient = 1),
	'none of the names': (c) => (c.log.level = 'verbose'),
	'null for an object': (c) => (c.limits = null),
	'an unknown transport': (c) => (c.engine.transports = ['polling', 'webtransport']),
	'an empty list of addresses': (c) => (c.listen = []),
	'an empty string': (c) => (c.path = ''),
	'two sources': (c) => (c.feeds[0].channel = 'x'),
	'a shard channel beside a pattern': (c) => (c.feeds[0].shard = 'x'),
	'no source': (c) => delete c.feeds[1].channel,
	'a source for all feeds': (c) => (c.feedDefaults.channel = 'x'),
	'a shard channel for all feeds': (c) => (c.feedDefaults.shard = 'x'),
	'feeds that are no list': (c) => (c.feeds = {}),
	'an unknown operator': (c) => (c.feeds[0].where['/c'] = { '==': 1 }),
	'a pointer without a slash': (c) => (c.feeds[0].where.a = 1),
	'a rule without its key': (c) => (c.feeds[1].slow = { max: 5 }),
	'an unknown rule': (c) => (c.feeds[1].slow = 'drop-newest'),
	'a namespace without a slash': (c) => (c.namespaces.x = {}),
	'presence without a member': (c) => delete c.namespaces['/'].presence.member,
	'auth of nothing': (c) => (c.auth = {}),
	'a key of two kinds': (c) => (c.auth = { jwt: { keys: [{ alg: 'HS256', secretFile: 'a', jwksFile: 'b' }] } }),
	'a variable in small letters': (c) => (c.workers = '${workers}'),
	'what only Node has': (c) => (c.engine.httpCompression.strategy = 1),
};

describe('siocast check', { skip: SIOCAST_ONLY }, () => {
	test('says what -t says, and --strict makes mistakes of warnings', limit(), () =>
		withFile('{"feeds": [{"channel": "a*"}]}', (file) => {
			const loose = tool(['check', '-c', file]);
			assert.equal(loose.status, 0);
			assert.equal(loose.out, `${file}: ok, with 1 warning\n`);
			assert.match(loose.err, /:1:24: warning: /);
			assert.deepEqual(tool(['-t', '-c', file]), loose);
			assert.equal(tool(['check', '--strict', '-c', file]).status, 1);
			assert.equal(tool(['check', '-c', `${file}.none`]).status, 1);
		}),
	);

	test('wrong arguments get a line of usage and status 2', limit(), () => {
		for (const args of [['check', 'stray'], ['check', '--nonsense'], ['config'], ['config', '--schema', '--defaults'], ['config', '-c']]) {
			const { status, out, err } = tool(args);
			assert.equal(status, 2, args.join(' '));
			assert.equal(out, '');
			assert.match(err, new RegExp(`^siocast ${args[0]}: .*\nUsage: siocast ${args[0]} `));
		}
		const unknown = tool(['chekc']);
		assert.equal(unknown.status, 2);
		assert.match(unknown.err, /there is no command "chekc"/);
	});

	test('--help tells of all commands, and of one', limit(), () => {
		assert.match(tool(['--help']).out, /Commands.*\n {2}check /);
		const { status, out } = tool(['config', '--help']);
		assert.equal(status, 0);
		assert.match(out, /^Usage: siocast config \[OPTION\]\.\.\.\n/);
		assert.match(out, /--effective /);
		assert.match(out, /--redis URL /);
	});

	test('a reader that goes away ends it quietly', limit(), () => {
		const { status, err } = tool([], { shell: '"$SIOCAST" config --schema | head -c 1 >&2; exit "${PIPESTATUS[0]}"' });
		assert.equal(status, 0);
		assert.equal(err, '{');
	});

	test('output that cannot be written is a failure', limit(), () => {
		const { status, err } = tool([], { shell: '"$SIOCAST" config --schema >/dev/full' });
		assert.equal(status, 1);
		assert.match(err, /standard output: No space left/);
	});
});

describe('siocast config', { skip: SIOCAST_ONLY }, () => {
	test('the defaults are a configuration that says nothing new', limit(), () => {
		const { status, out } = tool(['config', '--defaults'], { env: { SIOCAST_WORKERS: '3' } });
		const defaults = JSON.parse(out);
		assert.equal(status, 0);
		assert.equal(defaults.workers, 0);
		assert.equal(defaults.engine.pingInterval, 25000);
		assert.equal(defaults.feedDefaults.batch.interval, 200);
		assert.equal(defaults.logLevel, undefined);
	});

	test('each value is told with who said it', limit(), () =>
		withFile(
			`{
	"compat": "2.x",
	"redis": { "url": "redis://me:secret@db.example/1" },
	"engine": { "pingInterval": 1000, // soon
		"cookie": { "name": "sid" }
	},
	"feeds": [
		{ "channel": "a", "payload": "http://x:y@z" }
	],
	"workers": "\${MANY:-0}"
}`,
			(file) => {
				const env = { SIOCAST_ENGINE_PING_TIMEOUT: '7000', SIOCAST_ENGINE_COOKIE_MAX_AGE: '60', SIOCAST_CORS_ORIGIN: '["https://a"]' };
				const args = ['config', '--effective', '-c', file, '--listen', '127.0.0.1:1', '--listen', '127.0.0.1:2'];
				const { status, out, err } = tool([...args, '--json'], { env });
				assert.equal(status, 0, err);
				const found = JSON.parse(out);
				assert.deepEqual(found['engine.pingInterval'], { value: 1000, file, line: 4 });
				assert.deepEqual(found['engine.pingTimeout'], { value: '7000', environment: 'SIOCAST_ENGINE_PING_TIMEOUT' });
				assert.deepEqual(found['engine.upgradeTimeout'], { value: 10000, default: true });
				assert.deepEqual(found['engine.cookie.name'], { value: 'sid', file, line: 5 });
				assert.deepEqual(found['engine.cookie.maxAge'], { value: '60', environment: 'SIOCAST_ENGINE_COOKIE_MAX_AGE' });
				assert.deepEqual(found['cors.origin'], { value: ['https://a'], environment: 'SIOCAST_CORS_ORIGIN' });
				assert.deepEqual(found['client.version'], { value: '2', compat: '2.x' });
				assert.deepEqual(found.listen, { value: ['127.0.0.1:1', '127.0.0.1:2'], option: '--listen' });
				assert.deepEqual(found.redis, { value: { url: 'redis://***@db.example/1' }, file, line: 3 });
				assert.equal(found.feeds.value[0].payload, 'http://***@z');
				assert.deepEqual(found.jsonp, { value: false, default: true, computed: true });
				assert.equal(found['limits.maxSessions'].computed, true);
				assert.ok(found['limits.maxSessions'].value >= 1000);
				const text = tool(args, { env }).out;
				assert.ok(text.includes(`\t\t"pingInterval": 1000, // ${file}:4\n`), text);
				assert.ok(text.includes('\t\t"pingTimeout": "7000", // SIOCAST_ENGINE_PING_TIMEOUT\n'), text);
				assert.equal(JSON.parse(plain(text)).engine.cookie.name, 'sid');
				assert.doesNotMatch(out + text, /secret/);
			},
		),
	);

	test('the defaults are those of the manual', limit(), () => {
		const manual = fs.readFileSync(path.join(TOP, 'doc/siocast.conf.5'), 'utf8');
		const told = new Map();
		for (const [, name, text] of manual.matchAll(/^\.It Cm (\S+) :.*\bdefault (.*)$/gm)) {
			const word = /^Qq (.*)$/.exec(text)?.[1] ?? (/^Qo Qc$/.test(text) ? '' : undefined);
			const value = word ?? (text === 'none' ? null : /^(null|true|false|\d+)\b/.test(text) ? JSON.parse(/^\w+/.exec(text)[0]) : undefined);
			told.set(name, [...(told.get(name) ?? []), value]);
		}
		const wrong = [];
		let compared = 0;
		const compare = (value, keys) => {
			if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
				for (const [key, inside] of Object.entries(value)) compare(inside, [...keys, key]);
				return;
			}
			const values = told.get(keys.join('.')) ?? told.get(keys.at(-1)) ?? [];
			if (Array.isArray(value) || values.every((one) => one === undefined)) return;
			compared++;
			// What is off has no value, or is false.
			if (!values.some((one) => one === value || (value === null && one === false))) wrong.push([keys.join('.'), value, values]);
		};
		compare(JSON.parse(tool(['config', '--defaults']).out), []);
		assert.ok(compared > 70, `${compared}`);
		assert.deepEqual(wrong, []);
	});

	test('a wrong configuration is told as ever', limit(), () =>
		withFile('{"listne": 1}', (file) => {
			const { status, out, err } = tool(['config', '--effective', '-c', file]);
			assert.deepEqual([status, out], [1, '']);
			assert.match(err, /:1:2: "listne": unknown key; did you mean "listen"|:1:2: .*listne/);
		}),
	);

	test('the schema takes what the documents, contrib and the tests show', { ...limit(120), skip: !ajv() && 'ajv is not installed' }, () =>
		withFile('', (file) => {
			const validate = validator();
			let taken = 0;
			// It is a process for each, some hundreds: where that is slow every fourth does.
			for (const [name, text] of [...samples()].filter((_, i) => SLOW === 1 || i % 4 === 0))
				for (const config of readings(text)) {
					fs.writeFileSync(file, JSON.stringify(config));
					if (tool(['config', '--effective', '-c', file], { env: { SIOCAST_WWW: '/', REDIS_PASSWORD: 'x' } }).status !== 0) continue;
					assert.ok(validate(config), `${name}: ${JSON.stringify(validate.errors?.[0])}\n${text}`);
					taken++;
				}
			assert.ok(taken > (SLOW === 1 ? 40 : 10), `${taken} samples`);
			const defaults = JSON.parse(tool(['config', '--defaults']).out);
			assert.ok(validate(defaults), JSON.stringify(validate.errors));
			assert.ok(validate(RICH), JSON.stringify(validate.errors));
			fs.writeFileSync(file, JSON.stringify(RICH));
			assert.equal(tool(['check', '-c', file]).status, 0, tool(['check', '-c', file]).err);
		}),
	);

	test('the schema refuses what siocast refuses', { ...limit(120), skip: !ajv() && 'ajv is not installed' }, () =>
		withFile('', (file) => {
			const validate = validator();
			for (const [name, change] of Object.entries(WRONG)) {
				const config = structuredClone(RICH);
				change(config);
				assert.equal(validate(config), false, name);
				fs.writeFileSync(file, JSON.stringify(config));
				assert.equal(tool(['check', '-c', file]).status, 1, name);
			}
		}),
	);
});
