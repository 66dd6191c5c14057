// SPDX-License-Identifier: MIT
//
// What is measured on and with: the machine, processor time, memory, pinning.

import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { BENCH } from './programs.mjs';

export const SERVER_CORE = 0;

/** A command as it runs on the server's processor, which nothing else of the benchmark uses; with several workers on as many. */
export function onServerCore(command, args, workers = 1) {
	const cores = workers > 1 ? `${SERVER_CORE}-${SERVER_CORE + workers - 1}` : String(SERVER_CORE);
	return ['taskset', ['-c', cores, command, ...args]];
}

/** The processes that a process has started. */
export function children(pid) {
	const list = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim();
	return list === '' ? [] : list.split(' ').map(Number);
}

/** Per thread of a process: the nanoseconds it ran, and those it was ready to run but had to wait. */
export function threadTimes(pid) {
	return fs.readdirSync(`/proc/${pid}/task`).map((tid) => {
		const [ran, waited] = fs.readFileSync(`/proc/${pid}/task/${tid}/schedstat`, 'latin1').split(' ').map(Number);
		return { tid, ran, waited };
	});
}

/** The processor time that all threads of some processes have had, in nanoseconds. A thread that has ended is not counted. */
export function cpuNs(pids) {
	return pids.flatMap(threadTimes).reduce((sum, { ran }) => sum + ran, 0);
}

function findKernelThread(name) {
	const pids = fs.readdirSync('/proc').filter((entry) => /^\d+$/.test(entry));
	const comm = (pid) => {
		try {
			return fs.readFileSync(`/proc/${pid}/comm`, 'latin1').trim();
		} catch {
			return ''; // it has ended
		}
	};
	return pids.find((pid) => comm(pid) === name) ?? null;
}

/** The kernel's threads for what interrupts and sends have left, one for each processor; none where they cannot be seen. */
export const softirqPids = () => os.cpus().map((_, i) => findKernelThread(`ksoftirqd/${i}`)).filter(Boolean);

let softirq;

/** What the kernel's own thread on the server's processor has done: when there is much to deliver, a send() leaves some to it. */
export function deferredNs() {
	softirq ??= { pid: findKernelThread(`ksoftirqd/${SERVER_CORE}`) };
	return softirq.pid === null ? 0 : cpuNs([softirq.pid]);
}

/**
 * Memory in user space that these processes have taken, in bytes: anonymous pages, and those they share by their share. Pages of files
 * are the program's, however many clients there are; their share changes when another process of the program ends.
 */
export function memoryBytes(pids) {
	const text = pids.map((pid) => fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1')).join('');
	return [...text.matchAll(/^Pss_(?:Anon|Shmem):\s+(\d+) kB$/gm)].reduce((sum, [, kb]) => sum + Number(kb) * 1024, 0);
}

/** /proc/meminfo in bytes, by name. */
export function memoryOfMachine() {
	const lines = fs.readFileSync('/proc/meminfo', 'latin1').matchAll(/^(\S+):\s+(\d+) kB$/gm);
	return Object.fromEntries([...lines].map(([, name, kb]) => [name, Number(kb) * 1024]));
}

function sysctl(name) {
	const file = `/proc/sys/${name.replaceAll('.', '/')}`;
	// Some belong to the first network of the machine only.
	return fs.existsSync(file) ? fs.readFileSync(file, 'latin1').trim().replaceAll('\t', ' ') : 'not shown';
}

function output(command, ...args) {
	try {
		return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
	} catch {
		return '';
	}
}

const line = (command, ...args) => output(command, ...args).split('\n')[0];

/** The versions of those of the packages (or patterns) that are installed; dpkg-query fails when one of them is unknown. */
function debian(...packages) {
	const format = '${db:Status-Status} ${Package} ${Version}\n';
	const { stdout } = spawnSync('dpkg-query', ['-W', '-f', format, ...packages], { encoding: 'utf8' });
	const lines = (stdout ?? '').split('\n').filter((text) => text.startsWith('installed '));
	return Object.fromEntries(lines.map((text) => text.split(' ').slice(1)));
}

function npmVersions() {
	const read = (name) => JSON.parse(fs.readFileSync(path.join(BENCH, 'peers/node_modules', name, 'package.json'), 'utf8')).version;
	const names = ['socket.io', '@trufflesuite/uws-js-unofficial', 'socket.io-1', 'ws', 'redis'];
	return Object.fromEntries(names.map((name) => [name, read(name)]));
}

const SYSCTLS = [
	'net.ipv4.tcp_rmem',
	'net.ipv4.tcp_wmem',
	'net.core.somaxconn',
	'net.ipv4.ip_local_port_range',
];
// Their names have the version of the interface in them, and that another in each release of Debian.
const LIBRARIES = ['libuv1', 'libuv1t64', 'libwebsockets[0-9]*', 'node-llhttp', 'libllhttp[0-9]*', 'libhiredis[0-9]*', 'libcjson1',
	'libutf8proc[0-9]*', 'zlib1g', 'libbrotli1'];
const PEERS = ['nginx', 'libnginx-mod-nchan', 'python3', 'python3-socketio', 'python3-engineio', 'python3-aiohttp', 'python3-redis'];

/** What a machine of the results computes with, as a text. */
export function processors({ cores, cpu }) {
	return `${cores} × ${cpu}`;
}

/** The facts a reader of the figures wants to know. */
export function machine() {
	return {
		cpu: os.cpus()[0].model,
		cores: os.cpus().length,
		memory: os.totalmem(),
		kernel: os.release(),
		system: /^PRETTY_NAME="(.*)"$/m.exec(fs.readFileSync('/etc/os-release', 'utf8'))?.[1] ?? os.version(),
		congestion: process.env.BENCH_CONGESTION ?? sysctl('net.ipv4.tcp_congestion_control'),
		sysctl: Object.fromEntries(SYSCTLS.map((name) => [name, sysctl(name)])),
		openFiles: output('sh', '-c', 'ulimit -n'),
		versions: {
			siocast: line(path.join(BENCH, '../siocast'), '--version').replace('siocast ', ''),
			gcc: line('gcc', '-dumpfullversion'),
			node: process.version,
			...debian('redis-server', ...LIBRARIES),
			...npmVersions(),
			...debian(...PEERS),
		},
		commit: line('git', '-C', BENCH, 'rev-parse', '--short=12', 'HEAD'),
		dirty: output('git', '-C', BENCH, 'status', '--porcelain', '--untracked-files=no', '--', '..', ':!../bench/REPORT.md', ':!../bench/plots', ':!../bench/results') !== '',
		load: os.loadavg(),
		date: new Date().toISOString(),
	};
}
