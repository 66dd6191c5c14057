// SPDX-License-Identifier: MIT
//
// How long others wait while one large message is on its way: it is published, sent to a few clients, and meanwhile bench/crowd asks
// for something small each millisecond.
//
//	node bench/large.mjs [MEGABYTES [ENCODE [SUBSCRIBERS]]]        SIOCAST names the program; bench/run compiles crowd

import path from 'node:path';
import { TOP, feedsReady, startSiocast } from '../tests/e2e/lib/daemon.mjs';
import { withCleanup } from '../tests/e2e/lib/cleanup.mjs';
import { openJoined } from '../tests/e2e/lib/engine.mjs';
import { startRedis } from '../tests/e2e/lib/redis.mjs';
import { Child } from '../tests/e2e/lib/process.mjs';
import { freePort } from '../tests/e2e/lib/ports.mjs';

const [megabytes, encode, subscribers] = [Number(process.argv[2] ?? 100), process.argv[3] ?? 'text', Number(process.argv[4] ?? 2)];
const CROWD = process.env.CROWD ?? path.join(TOP, 'bench/crowd');
const ROUNDS = 2;

/** A list of quotes: shrinks to a quarter or so. */
function largeMessage(bytes) {
	const parts = [];
	for (let i = 0, n = 0; n < bytes; i++) {
		const part = `{"symbol":"S${(i * 7919) % 5000}","price":${(Math.sin(i) * 1000).toFixed(4)},"size":${i % 977}}`;
		parts.push(part);
		n += part.length + 1;
	}
	return `[${parts.join(',')}]`;
}

async function waits(server, during) {
	const crowd = new Child(CROWD, ['--to', `127.0.0.1:${server.port}`, '--flood', '0', '--seconds', '6'], { name: 'crowd' });
	await new Promise((resolve) => setTimeout(resolve, 500));
	await during();
	await crowd.ended;
	return JSON.parse(crowd.output.split('\n').find((line) => line.startsWith('{'))).waits;
}

async function measure(workers, perMessageDeflate, message) {
	await withCleanup(async (cleanup) => {
		const redis = await startRedis(cleanup, await freePort());
		const most = 4 * message.length;
		const server = await startSiocast(cleanup, {
			workers,
			redis: redis.url,
			feeds: [{ channel: 'large', event: 'large', encode, batch: { interval: 0 } }],
			engine: { perMessageDeflate },
			limits: { clientQueueBytes: most, workerQueueBytes: most, messageBytes: 2 * message.length },
		});
		await feedsReady(redis, server);
		const sockets = [];
		const offer = perMessageDeflate ? { 'Sec-WebSocket-Extensions': 'permessage-deflate' } : {};
		for (let i = 0; i < subscribers; i++) sockets.push(await openJoined(server, '', offer));
		// What comes is counted, not kept.
		for (const { wire } of sockets) wire.socket.removeAllListeners('data').resume();
		const got = sockets.map((socket) => () => socket.wire.socket.bytesRead);
		const quiet = await waits(server, () => {});
		const ms = (us) => (us / 1000).toFixed(1);
		for (let round = 0; round < ROUNDS; round++) {
			const before = got.map((bytes) => bytes());
			const busy = await waits(server, () => redis.client.publish('large', message));
			const came = got.map((bytes, i) => ((bytes() - before[i]) / 1e6).toFixed(1));
			console.log(`workers ${workers}, perMessageDeflate ${perMessageDeflate}: quiet p99 ${ms(quiet.p99)} max ${ms(quiet.max)} ms; `
				+ `meanwhile p99 ${ms(busy.p99)} max ${ms(busy.max)} ms; MB received: ${came.join(' ')}`);
		}
		for (const socket of sockets) socket.close();
	});
}

const message = largeMessage(megabytes * 1e6);
for (const workers of [1, 2]) for (const deflate of [false, true]) await measure(workers, deflate, message);
