// SPDX-License-Identifier: MIT
//
// Where the processor time of a server goes: `perf record` during a window, its stacks folded into a tree of counts.

import { spawn } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import readline from 'node:readline';
import { Child } from '../../tests/e2e/lib/process.mjs';
import { within } from '../../tests/e2e/lib/wait.mjs';
import { pause } from './measure.mjs';

const ATTACH_MS = 800;
const HERTZ = 4999;

/** A node of the tree: how many samples have it in their stack, and what it called. */
const node = () => ({ count: 0, calls: new Map() });

function addStack(root, frames) {
	let at = root;
	at.count++;
	for (const frame of frames) {
		let next = at.calls.get(frame);
		if (next === undefined) at.calls.set(frame, (next = node()));
		next.count++;
		at = next;
	}
}

/** The name of a function as people know it: without addresses, offsets and what V8 puts around it. */
function clean(symbol) {
	const name = symbol
		.replace(/\+0x[0-9a-f]+$/, '')
		.replace(/^(?:JS:|LazyCompile:|Function:|Script:|Eval:)[*~^+]?/, '')
		.replace(/^(?:Builtin|BytecodeHandler|Stub):/, '')
		.replace(/ (?:file:\/\/)?\/\S*\/(?:node_modules\/)?([^/ ]+\/[^/ ]+:\d+)(?::\d+)?$/, ' $1')
		.replace(/\[clone [^\]]*\]|\.(?:constprop|isra|part|cold)\.\d+/g, '')
		.trim();
	return name === '' || name === '[unknown]' ? null : name;
}

/** Reads what `perf script` prints, a sample after the other, frames from the innermost out. */
async function fold(file) {
	const root = node();
	const args = ['script', '-i', file, '-F', 'comm,ip,sym', '--no-inline'];
	const child = spawn('perf', args, { stdio: ['ignore', 'pipe', 'ignore'] });
	let frames = null;
	for await (const line of readline.createInterface({ input: child.stdout })) {
		if (line === '') {
			if (frames) addStack(root, frames.reverse());
			frames = null;
		} else if (!/^\s/.test(line)) {
			frames = [];
		} else {
			const [, symbol] = /^\s*[0-9a-f]+\s+(.*)$/.exec(line) ?? [];
			const name = symbol === undefined ? null : clean(symbol);
			// What is not known would only make the picture higher.
			if (frames && name && name !== frames.at(-1)) frames.push(name);
		}
	}
	if (frames) addStack(root, frames.reverse());
	return root;
}

const GRAIN = 32;

/**
 * V8 writes where it put a function each time it compiles or moves one, so of a place that was used again the list has several
 * names. Only the last is true; perf would take any.
 */
export function currentNames(text) {
	const entries = text.split('\n').filter(Boolean).map((line) => [line, parseInt(line, 16), parseInt(line.split(' ')[1], 16)]);
	const owner = new Map();
	entries.forEach(([, start, size], i) => {
		for (let at = Math.floor(start / GRAIN); at * GRAIN < start + size; at++) owner.set(at, i);
	});
	const current = entries.filter(([, start], i) => owner.get(Math.floor(start / GRAIN)) === i);
	return current.map(([line]) => `${line}\n`).join('');
}

/** Tidies the lists of names that Node programs have written, for perf to read; gives their files. */
async function tidyNames(pids) {
	const files = [];
	for (const pid of pids) {
		const file = `/tmp/perf-${pid}.map`;
		const text = await fs.readFile(file, 'utf8').catch(() => null);
		if (text === null) continue;
		await fs.writeFile(file, currentNames(text));
		files.push(file);
	}
	return files;
}

/** Records processes while `step` runs; gives the tree of their stacks. `dwarf`: for programs without frame pointers. */
export async function record(cleanup, pids, step, { dwarf = false } = {}) {
	const file = path.join(await cleanup.folder(), 'perf.data');
	const graph = dwarf ? ['--call-graph', 'dwarf,4096'] : ['--call-graph', 'fp'];
	const args = ['record', '-q', ...graph, '-F', String(HERTZ), '-e', 'cpu-clock', '-o', file, '-p', pids.join(',')];
	const child = new Child('perf', args, { name: 'perf', graceful: false });
	try {
		await pause(ATTACH_MS);
		await step();
		child.child.kill('SIGINT');
		await within(child.ended, 'perf to end');
	} finally {
		await child.stop();
	}
	const names = await tidyNames(pids);
	const root = await fold(file);
	for (const used of [file, ...names]) await fs.rm(used, { force: true });
	if (root.count === 0) throw new Error(`perf saw nothing: ${child.tail(5)}`);
	return root;
}

/**
 * In the stack of whatever sends: the wrapper of the system call, or one of the kernel's functions for it (which one is there depends on
 * what the compiler left of the frames).
 */
const CALLS = 'send|sendto|sendmsg|sendmmsg|write|writev|io_uring_enter';
export const SEND = new RegExp(
	`^(__x64_sys_|__sys_|ksys_|do_|__libc_|__GI___?|__GI___libc_|__)(${CALLS})$|^(sock_write_iter|__?sock_sendmsg|tcp_sendmsg|inet_sendmsg)$`,
);

/** The share of samples that have one of these functions in their stack. */
export function shareOf(root, names) {
	const count = (at) => {
		let sum = 0;
		for (const [name, next] of at.calls) sum += names.test(name) ? next.count : count(next);
		return sum;
	};
	return count(root) / root.count;
}

/** Self time per function, most first: [[name, share]]. */
export function hottest(root, n) {
	const own = new Map();
	const walk = (at, name) => {
		let left = at.count;
		for (const [called, next] of at.calls) {
			left -= next.count;
			walk(next, called);
		}
		if (name && left > 0) own.set(name, (own.get(name) ?? 0) + left);
	};
	walk(root, null);
	return [...own].sort((a, b) => b[1] - a[1]).slice(0, n).map(([name, count]) => [name, count / root.count]);
}
