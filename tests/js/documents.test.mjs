// SPDX-License-Identifier: MIT
//
// What documents point at is there: links and the headings behind their "#", commands of ./run, tests that it would find, files. And
// what SECURITY.md and CONTRIBUTING.md say that can be looked up is so.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const TOP = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const read = (name) => fs.readFileSync(path.join(TOP, name), 'utf8');
const HELP = execFileSync('bash', [path.join(TOP, 'run'), 'help'], { encoding: 'utf8' });
const exists = (name) => fs.existsSync(path.join(TOP, name));

// Made or fetched, or, as results of a measurement, not written by anybody.
const FOREIGN = new Set(['node_modules', 'build', 'build-aux', 'autom4te.cache', '.git', '.deps', 'results']);

function documents(folder = '') {
	return fs.readdirSync(path.join(TOP, folder), { withFileTypes: true }).flatMap((entry) => {
		const name = path.join(folder, entry.name);
		if (entry.isDirectory()) return FOREIGN.has(entry.name) || /^siocast-\d/.test(entry.name) ? [] : documents(name);
		return entry.name.endsWith('.md') ? [name] : [];
	});
}

const DOCUMENTS = documents();

/** Without blocks of code, and code in a line. */
const prose = (text) => text.replace(/^(```+)[^]*?^\1$/gm, '').replace(/^(?: {4}|\t).*$/gm, '').replace(/`[^`\n]*`/g, 'code');

/** What stands as code: blocks, indented lines, and words between backticks. */
function codeOf(text) {
	const blocks = [...text.matchAll(/^```[^\n]*\n([^]*?)^```$/gm)].flatMap(([, inside]) => inside.split('\n'));
	const rest = text.replace(/^```[^]*?^```$/gm, '');
	const lines = [...rest.matchAll(/^(?: {4}|\t)(.*)$/gm)].map(([, line]) => line);
	return [...blocks, ...lines, ...[...rest.matchAll(/`([^`\n]+)`/g)].map(([, inside]) => inside)];
}

/** The names by which GitHub lets one go to headings. */
function anchors(text) {
	const seen = new Map();
	return [...text.replace(/^```[^]*?^```$/gm, '').matchAll(/^#{1,6} +(.*?) *#*$/gm)].map(([, heading]) => {
		const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[`*]/g, '');
		const name = plain.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-');
		const n = seen.get(name) ?? 0;
		seen.set(name, n + 1);
		return n ? `${name}-${n}` : name;
	});
}

test('links of all documents lead somewhere', () => {
	const broken = [];
	let n = 0;
	for (const name of DOCUMENTS) {
		for (const [, target] of prose(read(name)).matchAll(/\]\(([^)\s]+)\)/g)) {
			if (/^[a-z]+:/.test(target)) continue;
			n++;
			const [file, anchor] = target.split('#');
			const where = file ? path.normalize(path.join(path.dirname(name), file)) : name;
			if (!exists(where)) broken.push(`${name}: ${target}: there is no ${where}`);
			else if (anchor !== undefined && !anchors(read(where)).includes(anchor)) broken.push(`${name}: ${target}: there is no such heading`);
		}
	}
	assert.ok(n > 100, `${n} links`);
	assert.deepEqual(broken, []);
});

test('commands of ./run that documents name are in its help, and what is in its help is a command', () => {
	const known = [...HELP.matchAll(/^\.\/run ([a-z]+)/gm)].map(([, name]) => name);
	assert.ok(known.length > 10);
	const [, cases] = /^case \$\{1:-help\} in\n([a-z |]+)\)$/m.exec(read('run'));
	assert.deepEqual([...known].sort(), cases.split(' | ').sort());
	const wrong = [];
	for (const name of DOCUMENTS.filter((one) => one !== 'CHANGELOG.md')) {
		for (const line of codeOf(read(name))) {
			for (const [, command] of line.matchAll(/\.\/run ([a-z]+)/g)) if (!known.includes(command)) wrong.push(`${name}: ./run ${command}`);
		}
	}
	assert.deepEqual(wrong, []);
});

/** Of the tasks that ./run tests has, those whose names contain a filter. */
const TASKS = execFileSync('bash', [path.join(TOP, 'tests/run-tests'), '--list', '--all'], { encoding: 'utf8' }).trim().split('\n');
const tasks = (filter) => TASKS.filter((name) => name.includes(filter));

test('what documents have ./run tests look for is found', () => {
	assert.ok(TASKS.length > 100);
	let n = 0;
	for (const name of DOCUMENTS.filter((one) => one !== 'CHANGELOG.md')) {
		for (const line of codeOf(read(name))) {
			for (const [, filter] of line.matchAll(/\.\/run tests (?:--list )?([a-z0-9/_][a-z0-9/_-]*)/g)) {
				n++;
				assert.ok(tasks(filter).length > 0, `${name}: ${line}`);
			}
		}
	}
	assert.ok(n >= 3, `${n}`);
	const [, examples] = /whose name contains FILTER \(([^)]*), \.\.\.\)/.exec(HELP);
	for (const filter of examples.split(', ')) assert.ok(tasks(filter).length > 0, filter);
	// It is said of a filter that finds nothing.
	assert.throws(() => execFileSync('bash', [path.join(TOP, 'tests/run-tests'), '--list', 'nowhere'], { stdio: 'ignore' }));
});

const lookUp = (text, pattern) => [...new Set([...text.matchAll(pattern)].map(([, name]) => name))];
const SOURCES = ['src', 'eio', 'sio'].flatMap((folder) => sources(folder)).map(read).join('\n');

function sources(folder) {
	return fs.readdirSync(path.join(TOP, folder), { withFileTypes: true }).flatMap((entry) => {
		const name = path.join(folder, entry.name);
		return entry.isDirectory() ? sources(name) : /\.[ch]$/.test(name) ? [name] : [];
	});
}

test('events of the log, metrics and keys that documents name are there', () => {
	const manual = read('doc/siocast.8');
	const metrics = new Set(lookUp(manual, /^\.It Cm (.*)$/gm).flatMap((line) => line.replace(/ Ns Li (\{[^}]*\}|"[^"]*")/g, '').split(/[ ,]+/)));
	const wrong = [];
	const seen = { events: 0, metrics: 0, keys: 0 };
	for (const name of [...DOCUMENTS, 'doc/siocast.8', 'doc/siocast.conf.5', 'contrib/siocast.rules.yml', 'contrib/grafana.json']) {
		// Variables of nginx have such names, too.
		const text = read(name).replace(/^```nginx\n[^]*?^```$/gm, '');
		for (const event of lookUp(text, /\bevent=([a-z]+(?:-[a-z]+)*)/g)) {
			seen.events++;
			if (!SOURCES.includes(`event=${event} `) && !SOURCES.includes(`event=${event}"`) && !SOURCES.includes(`"${event}"`)) wrong.push(`${name}: event=${event}`);
		}
		for (const metric of lookUp(text, /\bsiocast_([a-z0-9_]*[a-z0-9])\b(?![_*])/g)) {
			seen.metrics++;
			const stem = metric.replace(/_(bucket|sum|count)$/, '');
			if (!metrics.has(metric) && !metrics.has(stem)) wrong.push(`${name}: siocast_${metric}`);
		}
		for (const key of lookUp(text, /`"?((?:engine|limits|log|drain|relay|adminUI|publish)\.[A-Za-z0-9]+)\b(?!\.mjs)/g)) {
			seen.keys++;
			if (!SOURCES.includes(`"${key}"`)) wrong.push(`${name}: ${key}`);
		}
	}
	assert.ok(Object.values(seen).every((n) => n > 50), JSON.stringify(seen));
	assert.deepEqual(wrong, []);
});

for (const name of ['SECURITY.md', 'CONTRIBUTING.md']) {
	test(`files that ${name} names are there`, () => {
		const missing = [];
		let n = 0;
		for (const line of codeOf(read(name))) {
			for (const word of line.split(/\s+/)) {
				const isPath = /^[a-z][\w-]*(\/[\w.-]*)+$/.test(word) && exists(word.split('/')[0]);
				const isTest = /^\w[\w.-]*\.(test\.mjs|mjs|md)$/.test(word);
				const isFuzzer = /^fuzz_\w+$/.test(word);
				if (!isPath && !isTest && !isFuzzer) continue;
				n++;
				const places = [word, `${word}.test.mjs`, `${word}.c`, `tests/e2e/${word}`, `tests/fuzz/${word}.c`, `doc/${word}`];
				// "..." stands for what one likes.
				if (!places.some(exists) && !exists(word.replace(/\.\.\.$/, ''))) missing.push(word);
			}
		}
		assert.ok(n > 5, `${n} files`);
		assert.deepEqual(missing, []);
	});
}

test('CONTRIBUTING.md: numbers, names and sections are those of the rules and of design.md', () => {
	const text = read('CONTRIBUTING.md');
	const sizes = read('tests/lint/sizes');
	const [, lines, file] = /a function has at most (\d+) lines and a C file (\d+)/.exec(text);
	assert.ok(sizes.includes(`> ${lines})`) && sizes.includes(`lines > ${file} &&`));
	const [, version] = /`clang-format` \(version (\d+)\)/.exec(text);
	assert.ok(read('tests/lint/format').includes(`clang-format-${version}`));
	const design = read('doc/design.md');
	for (const [, section] of text.matchAll(/section (\d+)/g)) assert.match(design, new RegExp(`^## ${section}\\. `, 'm'));
	for (const [, heading] of text.matchAll(/"([^"]+)" in design\.md/g)) assert.match(design, new RegExp(`^#+ ${heading}$`, 'm'));
	const [, pattern, tests] = /--test-name-pattern='([^']+)' (\S+)/.exec(text);
	assert.match(read(tests), new RegExp(`test\\([\`'"][^\\n]*${pattern}`));
	assert.match(read('tests/e2e/lib/daemon.mjs'), /process\.env\.TARGET === 'reference'/);
	// Every rule gives its reason in its first lines.
	for (const rule of fs.readdirSync(path.join(TOP, 'tests/lint'))) assert.match(read(`tests/lint/${rule}`), /^(#!.*\n)?# SPDX[^\n]*\n# \w/, rule);
});

test('SECURITY.md: keys, sections and measures are there', () => {
	const text = read('SECURITY.md');
	const manual = read('doc/siocast.conf.5');
	for (const key of ['cors.origin', 'auth', 'call', 'limits', 'user', 'www']) {
		assert.ok(text.includes(`\`${key}\``), key);
		assert.match(manual, new RegExp(`^\\.(It )?Cm ${key.replace('.', '\\.')}\\b`, 'm'), key);
	}
	for (const [, section] of text.matchAll(/siocast\.conf\(5\), "([^"]+)"/g)) assert.match(manual, new RegExp(`^\\.S[hs] ${section}$`, 'm'));
	const [, bits] = /(\d+) random bits/.exec(text);
	const [, length] = /EIO_SID_LEN = (\d+)/.exec(read('eio/session.h'));
	assert.equal(Number(bits), (Number(length) - 1) * 6);
	const [, cases] = /all (\d+) cases of the Autobahn suite/.exec(text);
	assert.ok(read('tests/autobahn/README.md').includes(`all\n${cases} of its published list`));
	const build = read('m4/siocast_options.m4');
	for (const flag of ['-fstack-protector-strong', '-fstack-clash-protection', '-D_FORTIFY_SOURCE=', '-Wl,-z,relro', '-Wl,-z,now']) assert.ok(build.includes(flag), flag);
	assert.match(read('eio/check.h'), /^#undef NDEBUG$/m);
	const unit = read('contrib/siocast.service.in');
	for (const line of ['DynamicUser=yes', 'CapabilityBoundingSet=', 'SystemCallFilter=@system-service', 'ProtectSystem=strict', 'Restart=on-failure', 'StateDirectory=siocast']) {
		assert.match(unit, new RegExp(`^${line}$`, 'm'));
	}
	const runner = read('tests/run-tests');
	assert.match(runner, /^FUZZ_SECONDS=60 /m, 'a minute of fuzzing in each run');
	assert.match(read('tests/trees.sh'), /--enable-asan[^\n]*\n[^]*CC=clang/);
	// A fuzz target for each parser: all that there are are built.
	const programs = fs.readdirSync(path.join(TOP, 'tests/fuzz')).filter((name) => /^fuzz_.*\.c$/.test(name));
	const made = read('Makefile.am');
	for (const name of programs) assert.ok(made.includes(`tests/fuzz/${name.slice(0, -2)}`), name);
});
