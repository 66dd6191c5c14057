// SPDX-License-Identifier: MIT
//
// Commands of siocast that end by themselves.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { SIOCAST } from './daemon.mjs';
import { LIMIT_MS } from './wait.mjs';

/**
 * Runs `siocast args…`; gives {status, out, err}. `options`: env, input (for stdin), cwd; `shell`: a line of bash in place of args, for
 * which "$SIOCAST" is the program. A signal that ends it is a failure.
 */
export function tool(args, options = {}) {
	const command = options.shell ? ['bash', ['-c', options.shell]] : [SIOCAST, args];
	const { status, signal, stdout, stderr, error } = spawnSync(...command, {
		encoding: 'utf8',
		timeout: LIMIT_MS,
		input: options.input ?? '',
		cwd: options.cwd,
		env: { ...process.env, SIOCAST, ...options.env },
		maxBuffer: 64 << 20,
	});
	assert.equal(error, undefined);
	assert.equal(signal, null, stderr);
	assert.doesNotMatch(stderr, /Sanitizer|runtime error:/);
	return { status, out: stdout, err: stderr };
}
