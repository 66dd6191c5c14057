// SPDX-License-Identifier: MIT
//
// What is measured on and with: the machine, processor time, pinning.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';

export const SERVER_CORE = 0;

/** A command as it runs on the server's processor, which nothing else of the benchmark uses. */
export function onServerCore(command, args) {
	return ['taskset', ['-c', String(SERVER_CORE), command, ...args]];
}

/** The processor time that all threads of a process have had, in nanoseconds. A thread that has ended is not counted. */
export function cpuNs(pid) {
	let sum = 0;
	for (const tid of fs.readdirSync(`/proc/${pid}/task`)) {
		sum += Number(fs.readFileSync(`/proc/${pid}/task/${tid}/schedstat`, 'latin1').split(' ')[0]);
	}
	return sum;
}

/** Resident memory in bytes. */
export function residentBytes(pid) {
	const [, kb] = /^VmRSS:\s+(\d+) kB$/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'latin1'));
	return Number(kb) * 1024;
}

function sysctl(name) {
	return fs.readFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, 'latin1').trim().replaceAll('\t', ' ');
}

function versionOf(command, ...args) {
	return execFileSync(command, args, { encoding: 'utf8' }).trim().split('\n')[0];
}

/** The facts a reader of the figures wants to know. */
export function machine() {
	const sysctls = ['net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem', 'net.core.somaxconn', 'net.ipv4.ip_local_port_range'];
	return {
		cpu: os.cpus()[0].model,
		cores: os.cpus().length,
		memory: os.totalmem(),
		kernel: os.release(),
		congestion: process.env.BENCH_CONGESTION ?? sysctl('net.ipv4.tcp_congestion_control'),
		node: process.version,
		redis: versionOf('redis-server', '--version'),
		sysctl: Object.fromEntries(sysctls.map((name) => [name, sysctl(name)])),
		load: os.loadavg(),
	};
}
