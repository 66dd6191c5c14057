// SPDX-License-Identifier: MIT
//
// How long others wait while an application does not answer: clients that it shall let in wait for it, more come and go, and meanwhile
// bench/crowd asks for something small each millisecond.
//
//	node bench/hook.mjs [CLIENTS [SECONDS]]        SIOCAST names the program; bench/run compiles crowd

import net from 'node:net';
import path from 'node:path';
import { TOP, startSiocast } from '../tests/e2e/lib/daemon.mjs';
import { withCleanup } from '../tests/e2e/lib/cleanup.mjs';
import { openDirect } from '../tests/e2e/lib/engine.mjs';
import { Child } from '../tests/e2e/lib/process.mjs';

const [clients, seconds] = [Number(process.argv[2] ?? 2000), Number(process.argv[3] ?? 6)];
const CROWD = process.env.CROWD ?? path.join(TOP, 'bench/crowd');
const ROUNDS = 3;
const LATER_MS = 20;

async function waits(server) {
	const crowd = new Child(CROWD, ['--to', `127.0.0.1:${server.port}`, '--flood', '0', '--seconds', String(seconds)], { name: 'crowd' });
	await crowd.ended;
	return JSON.parse(crowd.output.split('\n').find((line) => line.startsWith('{'))).waits;
}

/** Takes connections, and says nothing. */
async function startDeaf(cleanup) {
	const server = net.createServer((socket) => socket.on('error', () => {}).resume());
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	cleanup.add(server, () => server.close());
	return server.address().port;
}

await withCleanup(async (cleanup) => {
	const port = await startDeaf(cleanup);
	const hook = { url: `http://127.0.0.1:${port}/auth`, timeout: 60_000 };
	const server = await startSiocast(cleanup, { workers: 1, namespaces: { '/': {}, '/asked': { auth: { hook } } } });
	const sockets = [];
	for (let i = 0; i < clients; i++) sockets.push(await openDirect(server));
	const tell = (what, { p50, p99, max }) => console.log(`${what}: p50 ${p50} p99 ${p99} max ${max} µs`);
	for (let round = 0; round < ROUNDS; round++) tell(`${clients} clients, nobody waits`, await waits(server));
	for (const socket of sockets) await socket.text('40/asked,');
	for (let round = 0; round < ROUNDS; round++) tell('all wait for the application', await waits(server));
	let more = 0;
	const timer = setInterval(async () => {
		more++;
		const socket = await openDirect(server);
		await socket.text(`40/asked,{"n":${more}}`);
		setTimeout(() => socket.close(), LATER_MS);
	}, LATER_MS);
	for (let round = 0; round < ROUNDS; round++) tell('and others come and go', await waits(server));
	clearInterval(timer);
	for (const socket of sockets) socket.close();
});
