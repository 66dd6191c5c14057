// SPDX-License-Identifier: MIT
//
// The intake beside a Redis: the same bytes are said to both, and what both answer is compared, byte by byte, and whether they hang up.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { SIOCAST_ONLY, startSiocast } from './lib/daemon.mjs';
import { freePort } from './lib/ports.mjs';
import { RedisClient, startRedis } from './lib/redis.mjs';
import { suite } from './lib/suite.mjs';
import { limit, within } from './lib/wait.mjs';

/** Says something, then a command that nobody knows, and ends: all that is answered. Without an answer to that command the server has hung up. */
function converse(port, pieces, mark) {
	return within(new Promise((resolve, reject) => {
		const socket = net.connect(port, '127.0.0.1');
		let text = '';
		socket.setNoDelay(true);
		socket.setEncoding('latin1').on('data', (some) => (text += some));
		socket.on('error', (error) => (error.code === 'ECONNRESET' || error.code === 'EPIPE' ? undefined : reject(error)));
		socket.on('close', () => resolve(text));
		const say = (i) => {
			if (i < pieces.length) socket.write(pieces[i], 'latin1', () => setImmediate(say, i + 1));
			else socket.end(bulk(mark));
		};
		socket.once('connect', () => say(0));
	}), `the end of ${JSON.stringify(pieces).slice(0, 80)}`);
}

const bulk = (...words) => `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word, 'latin1')}\r\n${word}\r\n`).join('')}`;
const LONG = 'x'.repeat(200);

/** What is said. The channel has one subscriber there, and one feed here. */
const SAID = [
	...[bulk('PUBLISH', 'news', 'hello'), bulk('publish', 'nobody', ''), bulk('PUBLISH', 'news'), bulk('PUBLISH', 'a', 'b', 'c')],
	...['PUBLISH news "a b"\r\n', 'PUBLISH news \'a b\'\n', 'PUBLISH "ne\\x77s" x\r\n', 'PUBLISH "a\r\n', 'PUBLISH "a"b c\r\n', "PUBLISH 'a' 'b\\'\r\n"],
	...['\r\n', '\n\n\n', '   \r\n', 'PING\n', 'PING\r\nPING\r\n', 'ping a\r\n', 'PING a b\r\n', '"" a\r\n'],
	...['*0\r\n', '*-1\r\n', '*-5\r\n*1\r\n$4\r\nPING\r\n', '*1\r\n$4\r\nPING--*1\r\n$4\r\nPING\r\n'],
	...['*x\r\n', '*\r\n', '*01\r\n', '*1 \r\n', '*2147483648\r\n', '*99999999999999999999\r\n'],
	...['*1\r\n$-1\r\n', '*1\r\n$x\r\n', '*1\r\n$\r\n', '*1\r\n$01\r\n', '*1\r\n$536870913\r\n', '*1\r\n$99999999999\r\n'],
	...['*1\r\nPING\r\n', '*1\r\n\r\n', '*1\r\n:1\r\n', '*2\r\n$4\r\nPING\r\n+OK\r\n', '*1\r\n\x80\r\n', '*1\r\n"\r\n'],
	...['NONE\r\n', `NONE ${'a '.repeat(60)}\r\n`, `${LONG} ${LONG} ${LONG}\r\n`, bulk('a\r\nb', 'c\nd', ''), bulk('NONE', ...Array(45).fill('')), bulk('X', 'a\0b', '"')],
	...['ECHO\r\n', 'ECHO a\r\n', bulk('ECHO', ''), 'ECHO a b\r\n'],
	...['SELECT 0\r\n', 'SELECT 15\r\n', 'SELECT 16\r\n', 'SELECT -1\r\n', 'SELECT x\r\n', 'SELECT\r\n', 'SELECT 1 2\r\n', 'SELECT 01\r\n', 'SELECT 9999999999\r\n', 'SELECT 99999999999999999999\r\n', bulk('SELECT', ''), 'SELECT +1\r\n'],
	...['AUTH x\r\n', 'AUTH default x\r\n', 'AUTH other x\r\n', 'AUTH a b c\r\n', 'AUTH\r\n', 'AUTH secret\r\nPUBLISH news x\r\n', 'AUTH default secret\r\nPING\r\n', 'AUTH secret2\r\n'],
	...['HELLO x\r\n', 'HELLO 1\r\n', 'HELLO 4\r\n', 'HELLO 2 AUTH\r\n', 'HELLO 3 AUTH default\r\n', 'HELLO 2 SETNAME\r\n', 'HELLO 3 NONE\r\n', 'HELLO 2 SETNAME "a b"\r\n', 'HELLO -3\r\n', 'HELLO 03\r\n', 'HELLO 2 AUTH other x\r\n'],
	...['CLIENT\r\n', 'CLIENT NONE\r\n', 'client none a\r\n', `CLIENT ${LONG}\r\n`, 'CLIENT GETNAME\r\n', 'CLIENT GETNAME a\r\n', 'CLIENT SETNAME me\r\nCLIENT GETNAME\r\n', 'CLIENT SETNAME\r\n'],
	...['CLIENT SETNAME "a b"\r\n', 'CLIENT SETNAME ""\r\nCLIENT GETNAME\r\n', 'CLIENT REPLY x\r\n', 'CLIENT REPLY ON\r\n', 'CLIENT REPLY SKIP\r\nPING\r\nPING\r\n', 'CLIENT REPLY OFF\r\nPING\r\nNONE\r\nCLIENT REPLY ON\r\n'],
	...['CLIENT NO-EVICT on\r\n', 'CLIENT NO-EVICT x\r\n', 'CLIENT ID x\r\n', 'COMMAND NONE\r\n', 'COMMAND COUNT x\r\n'],
	...['RESET\r\n', 'RESET x\r\n', 'QUIT\r\n', 'QUIT a b\r\nPING\r\n', bulk('quit'), 'PUBLISH news x\r\nQUIT\r\nPUBLISH news y\r\n'],
	...['*11\r\n$4\r\nPING\r\n', `*2\r\n$4\r\nPING\r\n$16385\r\n`, `*2\r\n$4\r\nAUTH\r\n$16384\r\n${'x'.repeat(16384)}\r\n`],
];

suite('the intake beside a Redis', async (cleanup) => {
	const open = {};
	for (const password of ['', 'secret']) {
		const redis = await startRedis(cleanup, await freePort());
		await redis.client.subscribe('news');
		const admin = await RedisClient.open(cleanup, redis.port);
		if (password) await admin.command('CONFIG', 'SET', 'requirepass', password);
		const intake = await freePort();
		const file = path.join(await cleanup.folder(), 'password');
		writeFileSync(file, `${password}\n`);
		await startSiocast(cleanup, {
			redis: undefined,
			intake: { address: `127.0.0.1:${intake}`, ...(password ? { passwordFile: file } : {}) },
			feeds: [{ channel: 'news', event: 'news' }],
		});
		open[password] = { redis: redis.port, intake };
	}
	return { open };
}, (context) => {
	for (const password of ['', 'secret'])
		test(`the same answers to ${SAID.length} things that are said${password ? ', with a password' : ''}`, limit(120), () =>
			withCleanup(async () => {
				const { redis, intake } = context.open[password];
				const differences = [];
				let n = 0;
				for (const said of SAID) {
					const mark = `mark-${n++}`;
					const half = Math.floor(said.length / 2);
					const [theirs, whole, split] = await Promise.all([
						converse(redis, [said], mark),
						converse(intake, [said], mark),
						converse(intake, [said.slice(0, half), said.slice(half)], mark),
					]);
					if (whole !== theirs || split !== theirs) differences.push({ said: said.slice(0, 200), theirs, whole, split });
				}
				assert.deepEqual(differences, []);
			}));
}, SIOCAST_ONLY);
