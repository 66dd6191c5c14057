// SPDX-License-Identifier: MIT
//
// node tests/package-try.mjs URL: siocast with the configuration that packages bring serves the official client and its own decoder,
// and a page that uses them gets a message that was published on the channel "news" of the Redis at its usual port.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import net from 'node:net';

const { io } = createRequire(new URL('e2e/package.json', import.meta.url))('socket.io-client');
const [url] = process.argv.slice(2);

const pause = () => new Promise((resolve) => setTimeout(resolve, 100));
const fetched = async (path) => {
	const answer = await fetch(url + path);
	assert.equal(answer.status, 200, path);
	return answer.text();
};

/** PUBLISH; gives how many listened. */
const publish = (message) => new Promise((resolve, reject) => {
	const redis = net.connect(6379, '127.0.0.1');
	redis.on('error', reject).once('data', (answer) => {
		redis.end();
		resolve(Number(String(answer).slice(1)));
	});
	redis.write(`*3\r\n$7\r\nPUBLISH\r\n$4\r\nnews\r\n$${Buffer.byteLength(message)}\r\n${message}\r\n`);
});

while (!(await fetch(url).catch(() => null))) await pause();
assert.match(await fetched('/socket.io/socket.io.js'), /Socket\.IO v4/);
for (const version of ['1.7.4', '2.5.0', '3.1.3', '4.8.4']) await fetched(`/socket.io/${version}/socket.io.js`);
assert.match(await fetched('/socket.io/siocast.js'), /siocast/);

const socket = io(url);
const message = new Promise((resolve) => socket.once('news', resolve));
await new Promise((resolve) => socket.once('connect', resolve));
while (!(await publish('{"title":"Grüße"}').catch(() => 0))) await pause();
assert.deepEqual(await message, { title: 'Grüße' });
socket.close();
