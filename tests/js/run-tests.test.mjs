// SPDX-License-Identifier: MIT
//
// tests/run-tests ends when it is told to, also while it builds, and takes along what it has started.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const pause = () => new Promise((resolve) => setTimeout(resolve, 20));
const TESTS = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) {
	test(`${signal} while it builds`, { timeout: 60_000 }, async (t) => {
		const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'siocast-run-tests-'));
		t.after(() => fs.rmSync(dir, { recursive: true, force: true }));
		fs.mkdirSync(path.join(dir, 'tests/lint'), { recursive: true });
		for (const name of ['run-tests', 'trees.sh']) fs.copyFileSync(path.join(TESTS, name), path.join(dir, 'tests', name));
		const script = (name, text) => fs.writeFileSync(path.join(dir, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
		script('tests/lint/none', 'exit 1');
		// A build that does not come to an end, and says who it is.
		script('make', `echo $$ >'${dir}/pid.new'; mv '${dir}/pid.new' '${dir}/pid'; exec sleep 1000`);
		const child = spawn('bash', [path.join(dir, 'tests/run-tests'), 'lint/none'], {
			env: { ...process.env, PATH: `${dir}:${process.env.PATH}`, TMPDIR: dir },
			stdio: ['ignore', 'pipe', 'pipe'],
		});
		t.after(() => child.kill('SIGKILL'));
		let said = '';
		child.stdout.on('data', (chunk) => (said += chunk));
		while (!fs.existsSync(path.join(dir, 'pid'))) await pause();
		child.kill(signal);
		const [code] = await once(child, 'close');
		assert.equal(code, 1);
		assert.match(said, /interrupted\n$/);
		// The build ends, too: it is gone, or nobody has asked yet how it ended. The test's limit is the limit.
		const stat = `/proc/${fs.readFileSync(path.join(dir, 'pid'), 'utf8').trim()}/stat`;
		while (fs.existsSync(stat) && !/^\d+ \(.*\) [ZX]/.test(fs.readFileSync(stat, 'utf8'))) await pause();
		assert.deepEqual(fs.readdirSync(dir).filter((name) => name.startsWith('siocast-tests.')), [], 'and its folder is gone');
	});
}
