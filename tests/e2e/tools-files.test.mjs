// SPDX-License-Identifier: MIT
//
// Files that fit a configuration: nginx runs with its own, systemd and HAProxy (where it is installed) look at theirs, and shells complete.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { shells } from './lib/complete.mjs';
import { SIOCAST, SIOCAST_ONLY, TOP, configure, startSiocast } from './lib/daemon.mjs';
import { runNginx } from './lib/nginx.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { tool } from './lib/tool.mjs';
import { LIMIT_MS, limit } from './lib/wait.mjs';

const installed = (name) => spawnSync('bash', ['-c', `PATH=$PATH:/usr/sbin command -v ${name}`]).status === 0;

describe('files that fit a configuration', { skip: SIOCAST_ONLY }, () => {
	test('nginx serves by what lb prints', limit(), () =>
		withCleanup(async (cleanup) => {
			const redis = await freePort();
			await startRedis(cleanup, redis);
			const server = await startSiocast(cleanup, {
				redis: `redis://127.0.0.1:${redis}`,
				path: '/live/',
				feeds: [{ channel: 'x' }],
				engine: { pingInterval: 3000, pingTimeout: 2500, maxHttpBufferSize: 12345 },
			});
			const { status, out } = tool(['lb', '-c', server.file, 'nginx']);
			assert.equal(status, 0);
			assert.match(out, new RegExp(`server 127\\.0\\.0\\.1:${server.port};`));
			assert.match(out, /location \/live\/ \{/);
			assert.match(out, /proxy_read_timeout 21s;/);
			assert.match(out, /client_max_body_size 12345;/);
			const port = await freePort();
			const nginx = await runNginx(cleanup, port, out.replace('listen 80;', `listen 127.0.0.1:${port};`));
			const examined = tool(['doctor', '-c', server.file, '--url', nginx.url]);
			assert.match(examined.out, /ok {4}proxy: WebSockets go through/);
			assert.doesNotMatch(examined.out, /(warn|fail) {2}proxy/);
		}),
	);

	test('haproxy and caddy get theirs', limit(), () =>
		withCleanup(async (cleanup) => {
			const setup = await configure(cleanup, { listen: ['unix:/run/siocast/s.sock', '[::1]:3000'] });
			const unix = tool(['lb', '-c', setup.file, 'caddy']).out;
			assert.match(unix, /reverse_proxy unix\/\/run\/siocast\/s\.sock \{/);
			const args = ['lb', '-c', setup.file, '--listen', '0.0.0.0:3000'];
			assert.match(tool([...args, 'caddy']).out, /handle \/socket\.io\/\* \{[^]*reverse_proxy 127\.0\.0\.1:3000 \{[^]*response_header_timeout 60s/);
			const haproxy = tool([...args, 'haproxy']).out;
			assert.match(haproxy, new RegExp(`server siocast1 127\\.0\\.0\\.1:3000 check port ${setup.admin} inter 5s\n`));
			assert.match(haproxy, /timeout client 60s\n[^]*timeout tunnel 90s\n/);
			if (installed('haproxy')) {
				const file = path.join(await cleanup.folder(), 'haproxy.cfg');
				fs.writeFileSync(file, haproxy);
				const judged = spawnSync('haproxy', ['-c', '-f', file], { encoding: 'utf8', timeout: LIMIT_MS, env: { PATH: `${process.env.PATH}:/usr/sbin` } });
				assert.equal(judged.status, 0, judged.stderr);
			}
			// Caddy looks at what it prints for an address and for a socket.
			for (const caddyfile of installed('caddy') ? [unix, tool([...args, 'caddy']).out] : []) {
				const dir = await cleanup.folder();
				const file = path.join(dir, 'Caddyfile');
				fs.writeFileSync(file, caddyfile);
				const env = { PATH: process.env.PATH, HOME: dir, XDG_DATA_HOME: dir, XDG_CONFIG_HOME: dir };
				const judged = spawnSync('caddy', ['validate', '--adapter', 'caddyfile', '--config', file], { encoding: 'utf8', timeout: LIMIT_MS, env });
				assert.equal(judged.status, 0, judged.stderr);
			}
			assert.equal(tool(['lb', 'apache']).status, 2);
			assert.equal(tool(['lb']).status, 2);
		}),
	);

	test('systemd takes the unit', { ...limit(), skip: !installed('systemd-analyze') && 'systemd is not installed' }, () =>
		withCleanup(async (cleanup) => {
			const setup = await configure(cleanup, { listen: ['0.0.0.0:80'], drain: { seconds: 20 } });
			const { status, out } = tool(['unit', '-c', setup.file]);
			assert.equal(status, 0);
			assert.ok(out.includes(`ExecStart=${fs.realpathSync(SIOCAST)} -c ${setup.file}\n`), out);
			assert.match(out, /TimeoutStopSec=50s\n/);
			assert.match(out, /AmbientCapabilities=CAP_NET_BIND_SERVICE\n/);
			const file = path.join(await cleanup.folder(), 'siocast.service');
			fs.writeFileSync(file, out);
			const judged = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8', timeout: LIMIT_MS });
			const said = judged.stderr.split('\n').filter((line) => line.includes('siocast.service'));
			assert.deepEqual(said, []);
			assert.doesNotMatch(tool(['unit']).out, /Ambient/);
			const more = await configure(cleanup, { listen: ['localhost:3000', '[::]:80', 'unix:/run/siocast/sock'] });
			const socket = tool(['unit', '--socket', '-c', more.file]).out;
			const streams = ['127.0.0.1:3000', '[::]:80', '/run/siocast/sock', more.config.admin];
			assert.deepEqual([...socket.matchAll(/^ListenStream=(.*)$/gm)].map(([, stream]) => stream), streams);
			fs.writeFileSync(file.replace('.service', '.socket'), socket);
			const both = spawnSync('systemd-analyze', ['verify', '--man=no', file.replace('.service', '.socket')], { encoding: 'utf8', timeout: LIMIT_MS });
			assert.deepEqual(both.stderr.split('\n').filter((line) => line.includes('siocast.socket')), []);
		}),
	);

	test('manifests name ports and probes', limit(), () =>
		withCleanup(async (cleanup) => {
			const setup = await configure(cleanup, { drain: { seconds: 20 } });
			const { status, out } = tool(['k8s', '-c', setup.file]);
			assert.equal(status, 0);
			assert.match(out, new RegExp(`containerPort: ${setup.port} `));
			assert.match(out, /terminationGracePeriodSeconds: 30\n/);
			assert.match(out, /readinessProbe:\n {12}exec: \{ command: \["siocast", "health"/);
			const documents = out.split(/^---$/m);
			assert.deepEqual(documents.map((d) => /^kind: (\w+)$/m.exec(d)[1]), ['Deployment', 'Service', 'HorizontalPodAutoscaler']);
			assert.match(out, / {10}lifecycle: \{ preStop: /);
			// Its metric is one that there is.
			const [, scaled] = /metric: \{ name: (\w+) \}/.exec(out);
			assert.match(fs.readFileSync(path.join(TOP, 'doc/siocast.8'), 'utf8'), new RegExp(`^\\.It Cm ${scaled.replace('siocast_', '')}\\b`, 'm'));
			for (const line of out.split('\n')) assert.doesNotMatch(line, /\t|^( {2})* [^ ]/, line);
			const yaml = spawnSync('python3', ['-c', 'import sys, yaml; print(len(list(yaml.safe_load_all(sys.stdin))))'], { input: out, encoding: 'utf8' });
			if (yaml.status === 0) assert.equal(yaml.stdout, '3\n');
			assert.doesNotMatch(tool(['k8s']).out, /Probe|Autoscaler/);
			assert.equal(tool(['k8s', '--listen', 'unix:/s']).status, 1);
		}),
	);

	/** Of help: options with their dashes, and letters that stand for them. */
	function optionsOf(...args) {
		const { out } = tool([...args, '--help']);
		const found = [...out.matchAll(/^ {2}(?:(-\w), | {4})(--[a-z-]+)/gm)];
		return { options: found.map(([, , name]) => name), letters: found.map(([, letter]) => letter).filter(Boolean) };
	}

	for (const [shell, complete] of Object.entries(shells)) {
		test(`${shell} completes every command, its options and its words`, { ...limit(), skip: !installed(shell) && `${shell} is not installed` }, () =>
			withCleanup(async (cleanup) => {
				const help = tool(['--help']).out;
				const commands = [...help.slice(help.indexOf('\nCommands')).matchAll(/^ {2}([a-z0-9]+) /gm)].map(([, name]) => name);
				const operands = new Map([...help.matchAll(/^ {2}([a-z0-9]+) +([a-z]+(?:\|[a-z]+)+)/gm)].map(([, name, words]) => [name, words.split('|')]));
				assert.ok(commands.length > 10 && operands.has('lb') && operands.has('completion'));
				const expected = new Map([['siocast ', commands], ['siocast --', optionsOf().options]]);
				for (const name of commands) expected.set(`siocast ${name} --`, optionsOf(name).options);
				for (const [name, words] of operands) expected.set(`siocast ${name} `, words);
				for (const where of ['', 'tail ']) expected.set(`siocast ${where}--log-level `, ['error', 'warn', 'info', 'debug']);
				for (const [begun, whole] of [['re', ['record', 'replay', 'reload']], ['config --s', ['--schema']], ['lb h', ['haproxy']]]) expected.set(`siocast ${begun}`, whole);
				const folder = await cleanup.folder();
				fs.mkdirSync(path.join(folder, 'folder'));
				fs.writeFileSync(path.join(folder, 'file'), '');
				const files = { 'siocast -c ': 'file', 'siocast --config ': 'file', 'siocast top --config ': 'file', 'siocast --www ': 'folder', 'siocast replay ': 'file' };
				const lines = [...expected.keys(), ...Object.keys(files)];
				const offered = new Map(complete(lines, folder).map((words, i) => [lines[i], words.map((word) => word.replace(/\/$/, ''))]));
				assert.equal(offered.size, lines.length);
				for (const [line, words] of expected) {
					// With nothing but a command there may be options, too.
					const mine = offered.get(line).filter((word) => line.endsWith('-') || !word.startsWith('-') || words.includes(word));
					assert.deepEqual([...new Set(mine)].sort(), [...words].sort(), line);
				}
				// Bash leaves files to the readline that asks it, where it says nothing.
				for (const [line, word] of Object.entries(files)) assert.ok(offered.get(line).includes(word) || (shell === 'bash' && offered.get(line).length === 0), line);
				if (!offered.get('siocast --www ').includes('folder')) assert.fail(`no folder: ${offered.get('siocast --www ')}`);
				assert.ok(!offered.get('siocast --www ').includes('file'));
			}),
		);
	}

	test('zsh and fish know the letters of options, and what stands in their help', limit(), () =>
		withCleanup(async (cleanup) => {
			const { letters } = optionsOf();
			assert.ok(letters.length >= 4);
			for (const shell of ['zsh', 'fish'].filter(installed)) {
				const [offered] = shells[shell](['siocast -'], await cleanup.folder());
				assert.deepEqual(letters.filter((letter) => !offered.includes(letter)), [], shell);
				assert.ok(tool(['completion', shell]).out.includes('such as redis://127.0.0.1:6379/0'));
			}
		}),
	);

	test('the completions that are installed are those that it prints', limit(), () => {
		for (const [shell, file] of [['bash', 'bash/siocast'], ['zsh', 'zsh/_siocast'], ['fish', 'fish/siocast.fish']]) {
			const { status, out } = tool(['completion', shell]);
			assert.equal(status, 0);
			assert.equal(fs.readFileSync(path.join(TOP, 'contrib/completion', file), 'utf8'), out, `siocast completion ${shell} >contrib/completion/${file}`);
			if (!installed(shell)) continue;
			// Named: what Node gives as standard input is a socket, which nobody can open by a name.
			const judged = spawnSync(shell, ['-n', path.join(TOP, 'contrib/completion', file)], { encoding: 'utf8', timeout: LIMIT_MS });
			assert.equal(judged.status, 0, `${shell}: ${judged.stderr}`);
		}
		assert.equal(tool(['completion', 'csh']).status, 2);
	});
});
