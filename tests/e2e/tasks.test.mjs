// SPDX-License-Identifier: MIT
//
// doc/tasks.md, done as it says, from its first command to its last: what it saves is saved, what stands in shells runs in a shell, and
// behind a command stand the last lines that it writes. siocast is really installed, into a folder that is / for it, and its unit is
// really the one that starts it. In the place of systemd, which no test may ask, is a script that knows as much as is needed here; ports
// are others, too. The package's commands are run by tests/package.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { createClient } from './lib/client.mjs';
import { SIOCAST, SIOCAST_ONLY, TOP } from './lib/daemon.mjs';
import { freePort } from './lib/ports.mjs';
import { Child } from './lib/process.mjs';
import { LIMIT_MS, eventually, limit, once, within } from './lib/wait.mjs';

const DOCUMENT = fs.readFileSync(path.join(TOP, 'doc/tasks.md'), 'utf8');
const BUILD = path.dirname(SIOCAST);

/** The tasks: [title, parts]. A part is what stands between fences, with the kind of it, and the file that it is saved as. */
const TASKS = DOCUMENT.split(/^## /m).slice(1).map((text) => {
	const parts = [...text.matchAll(/^```(.+)\n([^]*?)^```$/gm)].map(({ 1: kind, 2: body, index }) => {
		const before = text.slice(0, index).trimEnd().split('\n\n').at(-1);
		return { kind, body, file: /[Ss]ave\s+this\s+as\s+`([^`]+)`/.exec(before)?.[1] };
	});
	return [text.split('\n')[0], parts];
});

// What systemd does with a unit, as far as the tasks need it: $STAGE is /.
const SYSTEMCTL = `#!/bin/bash
set -e
verb='' unit='' now=''
for word; do
	case $word in
	--now) now=1 ;;
	-* | MainPID) ;;
	*) if [ "$verb" ]; then unit=$word; else verb=$word; fi ;;
	esac
done
run=$STAGE/run
# Of siocast it is the one that has started last: systemd is told by MAINPID=.
pid() {
	local now=''
	[ "$unit" != siocast ] || now=$(tail -c "+$(cat "$run/$unit.from")" "$run/$unit.log" | sed -n 's/.*event=started .*pid=//p' | tail -n 1)
	if [ "$now" ]; then echo "$now"; else cat "$run/$unit.pid" 2>/dev/null; fi
}
# Nobody may have asked yet how it ended.
lives() { grep -qs '^[0-9]* (.*) [^ZX]' "/proc/$(pid)/stat"; }
says() { # PATTERN FROM: waits until the log says it behind so many bytes, or the process has ended
	until tail -c "+$2" "$run/$unit.log" | grep -q "$1"; do lives || { tail -n 5 "$run/$unit.log"; exit 1; }; sleep 0.05; done
}
size() { echo "$(($(wc -c <"$run/$unit.log") + 1))"; }
setting() { sed -n "s|^$1=||p" "$STAGE/usr/local/lib/systemd/system/siocast.service" | sed "s|/usr/local|$STAGE/usr/local|g"; }
start() {
	touch "$run/$unit.log"
	local from command ready
	from=$(size)
	case $unit in
	siocast) $(setting ExecStartPre) >>"$run/$unit.log" 2>&1 || exit 1; command=$(setting ExecStart) ready=event=started ;;
	redis-server) command="/usr/bin/redis-server --port $REDIS_PORT --bind 127.0.0.1 --save '' --repl-diskless-sync-delay 0 --dir $run" ready='Ready to accept' ;;
	esac
	echo "$from" >"$run/$unit.from"
	eval "exec $command" </dev/null >>"$run/$unit.log" 2>&1 &
	echo $! >"$run/$unit.pid"
	says "$ready" "$from"
}
stop() { kill "$(pid)"; while lives; do sleep 0.05; done; rm "$run/$unit.pid"; }
case $verb in
daemon-reload)
	# What it would say of the unit and of what was put beside it; that the program is not in its place is so here.
	[ -e "$STAGE/usr/local/lib/systemd/system/siocast.service" ] && command -v systemd-analyze >/dev/null || exit 0
	said=$(SYSTEMD_UNIT_PATH=$STAGE/usr/local/lib/systemd/system:$STAGE/etc/systemd/system: systemd-analyze verify --man=no siocast.service 2>&1 |
		grep siocast.service | grep -v 'is not executable' || true)
	[ -z "$said" ] || { echo "$said"; exit 1; }
	;;
enable) [ -n "$(sed -n '/^\\[Install\\]/,$p' "$STAGE/usr/local/lib/systemd/system/$unit.service")" ]; start ;;
start) start ;;
disable | stop) stop ;;
restart) stop; start ;;
reload) [ "$unit" = prometheus ] || { from=$(size); kill -HUP "$(pid)"; says event=reloaded "$from"; } ;;
show) pid ;;
*) echo "systemctl $verb is not known here" >&2; exit 1 ;;
esac
`;

/** Who does the tasks: a folder, which is / for what is installed, and a shell. */
class Person {
	static async begin(cleanup) {
		const person = Object.assign(new Person(), { cleanup, stage: await cleanup.folder(), terminals: new Map() });
		[person.port, person.admin, person.tls, person.redis] = [await freePort(), await freePort(), await freePort(), await freePort()];
		person.folder = path.join(person.stage, 'home/person');
		const bin = path.join(person.stage, 'bin');
		for (const dir of [person.folder, bin, ...['run', 'usr/local/etc', 'var/lib/siocast'].map((name) => path.join(person.stage, name))]) fs.mkdirSync(dir, { recursive: true });
		const script = (file, text) => fs.writeFileSync(file, text, { mode: 0o755 });
		script(path.join(bin, 'systemctl'), SYSTEMCTL);
		script(path.join(bin, 'journalctl'), '#!/bin/bash\n[ "$*" = "-u siocast" ] && exec cat "$STAGE/run/siocast.log"\n');
		script(path.join(bin, 'sudo'), '#!/bin/bash\nexec "$@"\n');
		// The source: its commands have run when the tests do.
		script(path.join(person.folder, 'run'), `#!/bin/bash\nexec grep -q "^cmd_$1()" '${path.join(TOP, 'run')}'\n`);
		const example = '$(STAGE)/usr/local/share/doc/siocast/examples/siocast.json';
		fs.writeFileSync(
			path.join(person.folder, 'Makefile'),
			`install:\n\t$(MAKE) -C '${BUILD}' install DESTDIR='$(STAGE)'\n\tsed -i '${person.#ports.map(([from, to]) => `s|${from}|${to}|`).join(';')}' ${example}\n` +
				`uninstall:\n\t$(MAKE) -C '${BUILD}' uninstall DESTDIR='$(STAGE)'\n`,
		);
		person.env = { PATH: `${bin}:${person.stage}/usr/local/sbin:${process.env.PATH}`, STAGE: person.stage, REDIS_PORT: String(person.redis) };
		cleanup.add(person, () => person.#end());
		await person.shell('systemctl start redis-server');
		return person;
	}

	get #ports() {
		return [['127.0.0.1:3000', `127.0.0.1:${this.port}`], ['9464', String(this.admin)], ['6379', String(this.redis)]];
	}

	/** What stands in the document, in the words of this place. */
	here(text) {
		const group = spawnSync('id', ['-gn'], { encoding: 'utf8' }).stdout.trim();
		const others = [['0.0.0.0:443', `0.0.0.0:${this.tls}`], ['https://localhost', `https://localhost:${this.tls}`], ['ssl-cert', group]];
		const folders = ['/usr/local/', '/etc/systemd/', '/etc/prometheus/', '/var/lib/'].map((name) => [name, this.stage + name]);
		return [...this.#ports, ...others, ...folders].reduce((all, [from, to]) => all.replaceAll(from, to), text);
	}

	/** Runs lines of a shell; gives what they wrote. */
	async shell(text, { fails = false } = {}) {
		const child = new Child('bash', ['-e', '-o', 'pipefail', '-c', `exec 2>&1\n${text}`], { cwd: this.folder, env: this.env, graceful: false, name: text });
		this.cleanup.add(child, () => child.stop());
		// A program that it leaves in the background has another output, so this ends with the shell.
		const { code } = await within(child.ended, text, 3 * LIMIT_MS); // make has much to do
		assert.equal(code !== 0, fails, `${text}ended with ${code}: ${child.output}`);
		return child.output;
	}

	save(file, text) {
		const name = path.resolve(this.folder, this.here(file));
		fs.mkdirSync(path.dirname(name), { recursive: true });
		fs.writeFileSync(name, this.here(text));
	}

	/** What listens in a terminal of its own; it is there when it is connected. */
	async terminal(name, text) {
		const err = path.join(this.stage, 'run', `${name}.err`);
		const child = new Child('bash', ['-c', `exec 2>'${err}'\n${text}`], { cwd: this.folder, env: this.env, graceful: false, name: text });
		this.cleanup.add(child, () => child.stop());
		this.terminals.set(name, child);
		await child.whileRunning(eventually(() => /connected/.test(fs.readFileSync(err, 'utf8')), `${text} to be connected`));
	}

	/** Compares the last lines that were written with those that the document has; … stands for anything. */
	compare(written, expected) {
		const wanted = this.here(expected).trimEnd().split('\n');
		const found = written.trimEnd().split('\n').slice(-wanted.length);
		const pattern = (line) => new RegExp(`^${line.split('…').map((word) => word.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('.+')}$`);
		assert.ok(wanted.length === found.length && wanted.every((line, i) => pattern(line).test(found[i])), `${wanted.join('\n')}\n--- but:\n${written}`);
	}

	/** What only asks may be asked again: what was told may not be there yet. */
	async said({ output, again }, expected) {
		if (!again) return this.compare(output, expected);
		return eventually(async () => {
			this.compare(await again(), expected);
			return true;
		}, expected);
	}

	async follow(parts) {
		let last;
		for (const { kind, body, file } of parts) {
			const [what, word, name] = kind.split(' ');
			if (file) this.save(file, body);
			else if (kind === 'text') await this.said(last, body);
			else if (what === 'text') {
				const child = this.terminals.get(word);
				await within(child.ended, `the end of ${child.name}`);
				this.compare(child.output, body);
			} else if (word === 'terminal') await this.terminal(name, this.here(body));
			else if (word === 'prometheus' && spawnSync('promtool', ['--version']).error) continue;
			else if (word === 'upgrade') last = { output: await this.upgrade(this.here(body)) };
			else if (word !== 'package') {
				assert.ok(what === 'sh' && [undefined, 'fails', 'prometheus'].includes(word), `what is ${kind}?`);
				const run = () => this.shell(this.here(body), { fails: word === 'fails' });
				last = { output: await run(), again: body.startsWith('curl ') ? run : null };
			}
		}
	}

	/** The same with a page that is there before and after. */
	async upgrade(text) {
		const page = createClient(this.cleanup, { url: `http://127.0.0.1:${this.port}`, path: '/socket.io/' }, { transports: ['websocket'], reconnectionDelay: 100 });
		const connected = once(page, 'connect');
		page.connect();
		await connected;
		// What it has got says where it stands.
		const news = once(page, 'news');
		await this.shell(this.here("siocast publish -q -c /usr/local/etc/siocast.json news '{}'"));
		await news;
		const again = once(page, 'connect', 'the page to be there again');
		const output = await this.shell(text);
		await again;
		assert.equal(page.recovered, true, output);
		page.disconnect();
		return output;
	}

	async #end() {
		for (const file of fs.readdirSync(path.join(this.stage, 'run')).filter((name) => name.endsWith('.pid')))
			await this.shell(`systemctl stop ${file.replace('.pid', '')}`).catch(() => {});
	}
}

test('doc/tasks.md can be followed', { ...limit(240), skip: SIOCAST_ONLY }, (t) =>
	withCleanup(async (cleanup) => {
		const person = await Person.begin(cleanup);
		assert.equal(TASKS.length, 10);
		let done = 0;
		for (const [i, [title, parts]] of TASKS.entries()) {
			assert.ok(title.startsWith(`${i + 1}. `), title);
			await t.test(title, async () => {
				await person.follow(parts);
				done++;
			});
			assert.equal(done, i + 1, 'each task stands on those before it');
		}
		const log = fs.readFileSync(path.join(person.stage, 'run/siocast.log'), 'utf8');
		assert.doesNotMatch(log, /Sanitizer|runtime error:| error /);
		const left = ['usr', 'etc', 'var'].flatMap((name) => {
			const all = fs.readdirSync(path.join(person.stage, name), { recursive: true, withFileTypes: true });
			return all.filter((one) => !one.isDirectory() && one.name !== 'prometheus.yml').map((one) => one.name);
		});
		assert.deepEqual(left, [], 'nothing of it is left');
	}),
);
