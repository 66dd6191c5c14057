// SPDX-License-Identifier: MIT
//
// How long others wait while one large message is on its way: it is published, sent to a few clients in one of the forms that there are
// on the wire, and meanwhile bench/crowd asks for something small each millisecond.
//
//	node bench/large.mjs [MEGABYTES [FORM...]]        SIOCAST names the program; bench/run compiles crowd
//
// Environment: WORKERS="1 2", SUBSCRIBERS=2 (in the form), ROUNDS=2, SECONDS=6.

import path from 'node:path';
import { TOP, feedsReady, startSiocast } from '../tests/e2e/lib/daemon.mjs';
import { withCleanup } from '../tests/e2e/lib/cleanup.mjs';
import { TEXT } from '../tests/e2e/lib/engine.mjs';
import { FORM } from '../tests/e2e/lib/engine3.mjs';
import { request, requestBytes, Wire } from '../tests/e2e/lib/http.mjs';
import { startRedis } from '../tests/e2e/lib/redis.mjs';
import { Child } from '../tests/e2e/lib/process.mjs';
import { freePort } from '../tests/e2e/lib/ports.mjs';
import { eventually } from '../tests/e2e/lib/wait.mjs';
import { RawSocket } from '../tests/e2e/lib/ws.mjs';

const CROWD = process.env.CROWD ?? path.join(TOP, 'bench/crowd');
const [megabytes, ...chosen] = [Number(process.argv[2] ?? 100), ...process.argv.slice(3)];
const SUBSCRIBERS = Number(process.env.SUBSCRIBERS ?? 2);
const ROUNDS = Number(process.env.ROUNDS ?? 2);
const WORKERS = (process.env.WORKERS ?? '1 2').split(' ').map(Number);
const SECONDS = Number(process.env.SECONDS ?? 6); // of each look; on a busy machine the message takes longer
const BROWSER = { Accept: '*/*' };
const LATEST_MS = 120_000;
const DEFLATE = { 'Sec-WebSocket-Extensions': 'permessage-deflate' };

/** The forms: revision, transport, what else the query says, how the feed encodes, which message. */
const FORMS = {
	ws4: { eio: 4, transport: 'websocket', encode: 'text', message: 'quotes' },
	ws4deflate: { eio: 4, transport: 'websocket', encode: 'text', message: 'quotes', headers: DEFLATE },
	poll4: { eio: 4, transport: 'polling', encode: 'text', message: 'quotes' },
	ws3: { eio: 3, transport: 'websocket', encode: 'text', message: 'quotes' },
	ws3escaped: { eio: 3, transport: 'websocket', encode: 'text', message: 'umlauts' },
	poll3escaped: { eio: 3, transport: 'polling', encode: 'text', message: 'umlauts', headers: BROWSER },
	poll3strings: { eio: 3, transport: 'polling', query: '&b64=1', encode: 'text', message: 'umlauts' },
	jsonp: { eio: 4, transport: 'polling', query: '&j=0', encode: 'text', message: 'quotes' },
	ws4binary: { eio: 4, transport: 'websocket', encode: 'binary', message: 'quotes' },
	ws4base64: { eio: 4, transport: 'websocket', query: '&b64=1', encode: 'binary', message: 'quotes' },
	poll4base64: { eio: 4, transport: 'polling', encode: 'binary', message: 'quotes' },
	ws3binary: { eio: 3, transport: 'websocket', encode: 'binary', message: 'quotes' },
	ws3base64: { eio: 3, transport: 'websocket', query: '&b64=1', encode: 'binary', message: 'quotes' },
	poll3binary: { eio: 3, transport: 'polling', encode: 'binary', message: 'quotes', headers: BROWSER },
	poll3base64: { eio: 3, transport: 'polling', query: '&b64=1', encode: 'binary', message: 'quotes' },
};

/** A list of quotes: shrinks to a quarter or so. `umlauts`: each name must be escaped for revision 3. */
function largeMessage(bytes, umlauts) {
	const parts = [];
	for (let i = 0, n = 0; n < bytes; i++) {
		const name = umlauts ? '\u00fc\u00e9\u00e4\u20ac'.repeat(8) : `S${(i * 7919) % 5000}`;
		const part = `{"symbol":"${name}","price":${(Math.sin(i) * 1000).toFixed(4)},"size":${i % 977}}`;
		parts.push(part);
		n += Buffer.byteLength(part) + 1;
	}
	return `[${parts.join(',')}]`;
}

async function waits(server, during) {
	const crowd = new Child(CROWD, ['--to', `127.0.0.1:${server.port}`, '--flood', '0', '--seconds', String(SECONDS)], { name: 'crowd' });
	await new Promise((resolve) => setTimeout(resolve, 500));
	await during();
	await crowd.ended;
	return JSON.parse(crowd.output.split('\n').find((line) => line.startsWith('{'))).waits;
}

/** A client that counts what comes and keeps none of it: its socket by `wire`. */
async function openWebSocket(server, form) {
	const target = `${server.path}?EIO=${form.eio}&transport=websocket${form.query ?? ''}`;
	const socket = await RawSocket.open(server.port, target, form.headers);
	await socket.nextText('the open packet');
	if (form.eio === 4) {
		await socket.text('40');
		await socket.nextText('the answer to CONNECT');
	}
	await new Promise((resolve) => setTimeout(resolve, 100));
	const { socket: tcp } = socket.wire;
	tcp.removeAllListeners('data').resume();
	return { begin() {}, bytes: () => tcp.bytesRead, close: () => tcp.destroy() };
}

async function openPolling(server, form) {
	const base = `${server.path}?EIO=${form.eio}&transport=polling${form.query ?? ''}`;
	const [, sid] = /sid\\?":\\?"([^"\\]+)/.exec((await request(server.port, 'GET', base, form.headers)).text);
	const target = `${base}&sid=${sid}`;
	if (form.eio === 4) await request(server.port, 'POST', target, form.query ? FORM : TEXT, form.query ? 'd=40' : '40');
	await request(server.port, 'GET', target);
	let wire;
	let before = 0;
	return {
		async begin() {
			before += wire?.socket.bytesRead ?? 0;
			wire?.socket.destroy();
			wire = await Wire.open(server.port);
			wire.socket.removeAllListeners('data').resume();
			await wire.send(requestBytes('GET', target, { Host: 'a' }));
		},
		bytes: () => before + wire.socket.bytesRead,
		close: () => wire.socket.destroy(),
	};
}

const ms = (us) => (us / 1000).toFixed(1);

async function measure(workers, name, message) {
	const form = FORMS[name];
	await withCleanup(async (cleanup) => {
		const redis = await startRedis(cleanup, await freePort());
		const most = 4 * message.length;
		const server = await startSiocast(cleanup, {
			workers,
			redis: redis.url,
			feeds: [{ channel: 'large', event: 'large', encode: form.encode, batch: { interval: 0 } }],
			engine: { perMessageDeflate: form.headers === DEFLATE, allowEIO3: true, pingInterval: 60000 },
			limits: { clientQueueBytes: most, workerQueueBytes: most, messageBytes: 2 * message.length },
		});
		await feedsReady(redis, server);
		const clients = [];
		const open = form.transport === 'polling' ? openPolling : openWebSocket;
		for (let i = 0; i < SUBSCRIBERS; i++) clients.push(await open(server, form));
		for (const client of clients) await client.begin();
		const quiet = await waits(server, () => {});
		for (let round = 0; round < ROUNDS; round++) {
			if (round > 0) for (const client of clients) await client.begin();
			const before = clients.map((client) => client.bytes());
			let took;
			const busy = await waits(server, async () => {
				const from = performance.now();
				redis.client.publish('large', message);
				await eventually(() => clients.every((client, i) => client.bytes() - before[i] >= message.length / 10), 'the message', LATEST_MS);
				took = performance.now() - from;
			});
			const came = clients.map((client, i) => ((client.bytes() - before[i]) / 1e6).toFixed(1));
			console.log(`workers ${workers} ${name.padEnd(12)} quiet p99 ${ms(quiet.p99)} max ${ms(quiet.max)} ms; meanwhile p99 ${ms(busy.p99)} `
				+ `max ${ms(busy.max)} ms; first tenth after ${took.toFixed(0)} ms; MB received: ${came.join(' ')}`);
		}
		for (const client of clients) client.close();
	});
}

const messages = { quotes: Buffer.from(largeMessage(megabytes * 1e6, false)), umlauts: Buffer.from(largeMessage(megabytes * 1e6, true)) };
for (const name of chosen.length ? chosen : Object.keys(FORMS))
	for (const workers of WORKERS) await measure(workers, name, messages[FORMS[name].message]);
