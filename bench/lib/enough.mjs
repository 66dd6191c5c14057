// SPDX-License-Identifier: MIT
//
// Whether this machine has room for very many connections, both ends of which it has: asked before they are made, since one that runs
// out of memory meanwhile tells nobody why.

import fs from 'node:fs';
import { memoryOfMachine } from './machine.mjs';

const GB = 2 ** 30;
const PAGE = 4096;
// Of one client, with all that it is for siocast, the clients' program and the kernel: some 13 KB were measured, without what it is sent.
const CLIENT_BYTES = 24 * 1024;
const PROCESS_BYTES = 32 * 2 ** 20;
/** What is left for others in any case. */
export const SPARE_BYTES = GB / 4;
const SPARE_FILES = 900;
// What a message takes more in the kernel than its bytes.
const BUFFER_BYTES = 1024;

const read = (file) => (fs.existsSync(file) ? fs.readFileSync(file, 'latin1').trim().split(/\s+/) : undefined);
const number = (file) => (read(file) ? Number(read(file)[0]) : undefined);
const sysctl = '/proc/sys';

/** What lacking() asks of the machine; undefined is what it does not tell. */
export function factsOfMachine() {
	const [, hard] = /^Max open files\s+\S+\s+(\S+)/m.exec(fs.readFileSync('/proc/self/limits', 'latin1'));
	const files = read(`${sysctl}/fs/file-nr`)?.map(Number);
	// Which is shown in the first network of the machine only: bench/run has looked before it left that.
	const tcp = process.env.BENCH_TCP_MEM?.trim().split(/\s+/) ?? read(`${sysctl}/net/ipv4/tcp_mem`);
	return {
		available: memoryOfMachine().MemAvailable,
		openFiles: hard === 'unlimited' ? Infinity : Number(hard),
		filesLeft: files && files[2] - files[0],
		tcpBytes: tcp && Number(tcp[2]) * PAGE,
		tracked: number(`${sysctl}/net/netfilter/nf_conntrack_count`),
		trackedMost: number(`${sysctl}/net/netfilter/nf_conntrack_max`),
		backlog: number(`${sysctl}/net/core/somaxconn`),
	};
}

const gb = (bytes) => `${(bytes / GB).toFixed(1)} GB`;

/** What the machine lacks for so many processes with so many clients each, as texts; `bytes`: of what each of these is sent at once. */
export function lacking({ processes, clients, bytes }, facts) {
	const total = processes * clients;
	const memory = total * (CLIENT_BYTES + 4 * bytes) + 2 * processes * PROCESS_BYTES + SPARE_BYTES;
	const inFlight = total * Math.ceil((bytes + BUFFER_BYTES) / PAGE) * PAGE;
	const { available, openFiles, filesLeft, tcpBytes, tracked, trackedMost } = facts;
	const all = [
		[available < memory, `memory: ${gb(memory)} are needed, ${gb(available)} are available`],
		[openFiles < clients + SPARE_FILES, `open files of a process: ${clients + SPARE_FILES} are needed, ${openFiles} are allowed (ulimit -Hn)`],
		[filesLeft < 2 * total + SPARE_FILES, `open files of the machine: ${2 * total + SPARE_FILES} are needed, ${filesLeft} are left (fs.file-max)`],
		[tcpBytes < inFlight, `memory of TCP: ${gb(inFlight)} may be under way, ${gb(tcpBytes)} are allowed (net.ipv4.tcp_mem)`],
		[tracked > 0 && trackedMost - tracked < total, `connections that the firewall tracks: ${trackedMost} are allowed (net.netfilter.nf_conntrack_max); ./run bench has a network of its own, without one`],
	];
	// What the machine does not tell is compared with undefined, which is never less.
	return all.filter(([missing]) => missing).map(([, text]) => text);
}
