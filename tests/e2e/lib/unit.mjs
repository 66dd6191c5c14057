// SPDX-License-Identifier: MIT
//
// The filter of system calls of contrib/siocast.service.in, and running siocast under it.

import fs from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { TOP } from './daemon.mjs';

// Debian's, which has its modules.
const PYTHON = '/usr/bin/python3';
const FILTER = fileURLToPath(new URL('filter.py', import.meta.url));

/** Why the filter cannot be tried here, or false. */
export function reasonNoFilter() {
	if (spawnSync(PYTHON, ['-c', 'import seccomp']).status !== 0) return 'python3-seccomp is missing';
	if (spawnSync('systemd-analyze', ['syscall-filter', '@system-service']).status !== 0) return 'systemd-analyze is missing';
	return false;
}

/** The names of a group, which may be made of other groups. */
function expand(name) {
	if (!name.startsWith('@')) return [name];
	const { stdout } = spawnSync('systemd-analyze', ['--no-pager', 'syscall-filter', name], { encoding: 'utf8' });
	const members = stdout.split('\n').slice(1).map((line) => line.trim()).filter((line) => line !== '' && line[0] !== '#');
	return members.flatMap(expand);
}

/** The names that the unit allows, as systemd.exec(5) says: one line after the other adds, or with ~ takes away. */
export function allowedCalls() {
	const names = new Set();
	const unit = fs.readFileSync(path.join(TOP, 'contrib/siocast.service.in'), 'utf8');
	for (const [, minus, list] of unit.matchAll(/^SystemCallFilter=(~?)(.*)$/gm)) {
		for (const name of list.split(' ').flatMap(expand)) {
			if (minus) names.delete(name);
			else names.add(name);
		}
	}
	return names;
}

/** For `wrap`: runs a program with these calls only, and as the unit does without capabilities. */
export function filtered(names) {
	const none = ['--bounding-set=-all', '--inh-caps=-all', '--securebits=+noroot,+noroot_locked'];
	const setpriv = process.getuid() === 0 ? ['setpriv', ...none, '--'] : [];
	return (command, args) => {
		const [first, ...rest] = [...setpriv, PYTHON, FILTER, ...names, '--', command, ...args];
		return [first, rest];
	};
}
