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

const ATTACH_MS = 400;
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
async function fold(file, { inlined }) {
	const root = node();
	const args = ['script', '-i', file, '-F', 'comm,ip,sym', ...(inlined ? [] : ['--no-inline'])];
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
	const root = await fold(file, { inlined: false });
	await fs.rm(file, { force: true });
	if (root.count === 0) throw new Error(`perf saw nothing: ${child.tail(5)}`);
	return root;
}

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
