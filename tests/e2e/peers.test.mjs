// SPDX-License-Identifier: MIT
//
// Three siocasts of two workers behind an nginx that sends each request to the next of them: what is for another node's session is
// passed on. And what a stranger, or a node that is down, hangs or is somebody else, can do.

import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { describe, test } from 'node:test';
import tls from 'node:tls';
import { authority } from './lib/certificates.mjs';
import { withCleanup } from './lib/cleanup.mjs';
import { MODES, ask, collect, connectMode, connected, createClient, upgraded } from './lib/client.mjs';
import { SIOCAST_ONLY, TOP, launchSiocast } from './lib/daemon.mjs';
import { startRoundRobin } from './lib/fronts.mjs';
import { Renewed } from './lib/handover.mjs';
import { Exchange, Wire, request, requestBytes } from './lib/http.mjs';
import { kills } from './lib/kills.mjs';
import { metric } from './lib/metrics.mjs';
import { KEY, NAMES, nodeOf, startNodes } from './lib/peers.mjs';
import { freePort } from './lib/ports.mjs';
import { tool } from './lib/tool.mjs';
import { eventually, limit } from './lib/wait.mjs';

const POLL = '/socket.io/?EIO=4&transport=polling';
const UNKNOWN = { code: 1, message: 'Session ID unknown' };
const WEBSOCKET = { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version': '13', Upgrade: 'websocket', Connection: 'Upgrade' };

const open = async (node) => JSON.parse((await request(node.port, 'GET', POLL)).text.slice(1)).sid;
const sum = async (nodes, what) => (await Promise.all(nodes.map((node) => metric(node, what)))).reduce((a, b) => a + b, 0);

describe('three nodes that know each other', { skip: SIOCAST_ONLY }, () => {
	test('are killed one after the other: every message once, or a client begins anew', limit(90), () =>
		withCleanup(async (cleanup) => {
			const tally = await kills(cleanup, { source: 'stream', front: 'peers', servers: 3, clients: 12, kills: 4, every: 300, rate: 100 });
			assert.deepEqual([tally.kills, tally.lost, tally.twice], [4, 0, 0], JSON.stringify(tally));
			assert.ok(tally.recovered > 0, JSON.stringify(tally));
		}),
	);

	test('serve every client through a proxy that knows nothing, also when one is killed', limit(), () =>
		withCleanup(async (cleanup) => {
			const { redis, nodes } = await startNodes(cleanup);
			const front = await startRoundRobin(cleanup, nodes);
			const clients = [];
			for (const [mode, options] of Object.entries(MODES)) {
				for (let i = 0; i < 4; i++) {
					const socket = createClient(cleanup, front, { ...options, reconnectionDelay: 50, randomizationFactor: 0 });
					clients.push({ mode, socket, news: collect(socket, 'news'), from: collect(socket, 'from') });
					await connected(socket);
					if (mode === 'upgrade') await upgraded(socket);
				}
			}
			for (const { from } of clients) assert.deepEqual(await from.next(), ['127.0.0.1']);
			const large = 'x'.repeat(300000);
			for (const { socket } of clients) assert.deepEqual(await ask(socket, 'echo', large), [large]);
			const homes = clients.map(({ socket }) => nodeOf(socket.io.engine.id));
			assert.deepEqual([...new Set(homes)].sort(), NAMES);
			await redis.client.command('PUBLISH', 'news', '1');
			for (const { news } of clients) assert.deepEqual(await news.next(), [1]);
			assert.ok((await sum(nodes, 'peer_requests_total{direction="out"}')) > 10);
			assert.equal(await sum(nodes, 'peer_refused_total'), 0);

			await nodes[1].child.kill();
			const on = ({ socket }) => socket.connected && nodeOf(socket.io.engine.id) !== 'b';
			for (const client of clients) await eventually(() => on(client), 'every client to be with a node that is left');
			for (const { socket } of clients) assert.deepEqual(await ask(socket, 'echo', 'y'), ['y']);
			await redis.client.command('PUBLISH', 'news', '2');
			for (const { news } of clients) assert.deepEqual(await news.next(), [2]);
		}),
	);

	test('find each other by a name that stands for all', limit(), () =>
		withCleanup(async (cleanup) => {
			// Each is told of another only, and of itself: a name of DNS stands for all at once.
			const next = (node, nodes) => nodes[(nodes.indexOf(node) + 1) % nodes.length];
			const { nodes } = await startNodes(cleanup, { names: ['a', 'b'], peers: (node, all) => ({ dns: `localhost:${next(node, all).port}` }) });
			const sid = await open(nodes[0]);
			await eventually(async () => (await request(nodes[1].port, 'POST', `${POLL}&sid=${sid}`, {}, '40')).status === 200, 'b to find a');
			assert.match((await request(nodes[1].port, 'GET', `${POLL}&sid=${sid}`)).text, /^40/);
			const z = await request(nodes[1].port, 'GET', `${POLL}&sid=ABzXXXXXXXXXXXXXXXXX`);
			assert.deepEqual([z.status, z.json], [400, UNKNOWN]);
		}),
	);

	test('carry what a request says, and the answer as it is', limit(), () =>
		withCleanup(async (cleanup) => {
			const { nodes } = await startNodes(cleanup, { cors: { origin: 'http://a.example', credentials: true }, engine: { maxHttpBufferSize: 1000 } });
			const [a, b] = nodes;
			const sid = await open(a);
			const target = `${POLL}&sid=${sid}`;
			const headers = { Origin: 'http://a.example' };
			const there = await request(b.port, 'POST', target, headers, '40');
			assert.deepEqual([there.status, there.text], [200, 'ok']);
			assert.equal(there.header('access-control-allow-origin'), 'http://a.example');
			assert.equal(there.headers('date').length, 1);
			const held = await Exchange.start(b.port, 'GET', target);
			assert.match((await held.answer).text, /^40/);
			// A second poll at once ends the session, wherever it comes.
			const one = await Exchange.start(b.port, 'GET', target);
			await eventually(async () => (await metric(a, 'peer_requests_total{direction="in"}')) >= 3, 'the poll to be held');
			const other = await request(nodes[2].port, 'GET', target);
			assert.equal(other.status, 400);
			await one.answer.catch(() => {});
			assert.deepEqual((await request(b.port, 'GET', target)).json, UNKNOWN);
			// Too large is too large at the first node, and the session goes on.
			const next = `${POLL}&sid=${await open(a)}`;
			assert.equal((await request(b.port, 'POST', next, {}, '4'.repeat(1001))).status, 413);
			assert.equal((await request(b.port, 'POST', next, {}, '40')).status, 200);
			assert.match((await request(a.port, 'GET', next)).text, /^40/);
		}),
	);

	// What is on its way to another node is none of the sessions that end.
	test('answer what they have passed on, through a restart without a break', limit(90), () =>
		withCleanup(async (cleanup) => {
			const { redis, nodes } = await startNodes(cleanup, { names: ['a', 'b'] });
			const [near, far] = [await Renewed.of(cleanup, nodes[0], nodes[0].child), nodes[1]];
			const sid = await open(far);
			const path = `${POLL}&sid=${sid}`;
			assert.equal((await request(far.port, 'POST', path, {}, '40')).status, 200);
			const [poll, post] = [await Wire.open(near.port), await Wire.open(near.port)];
			for (const wire of [poll, post]) cleanup.add(wire, () => wire.socket.destroy());
			const get = requestBytes('GET', path);
			const answered = async (wire, what) => {
				const answer = await wire.response();
				assert.equal(answer.status, 200, `${what}: ${answer.text}`);
				return answer.text;
			};
			await poll.send(get);
			assert.match(await answered(poll, 'what there was'), /^40\{"sid"/);
			const passed = await metric(near, 'peer_requests_total{direction="out"}');
			await poll.send(get);
			await eventually(async () => (await metric(near, 'peer_requests_total{direction="out"}')) === passed + 1, 'the poll to be passed on');
			far.child.child.kill('SIGSTOP');
			try {
				await post.send(requestBytes('POST', path, {}, '420["echo",7]'));
				await eventually(async () => (await metric(near, 'peer_requests_total{direction="out"}')) === passed + 2, 'the POST to be passed on');
				await near.renew();
			} finally {
				far.child.child.kill('SIGCONT');
			}
			assert.equal(await answered(post, 'a POST'), 'ok');
			assert.equal(await answered(poll, 'a poll'), '430[7]');
			// And they go on: with the next process, by the connections that they have.
			await poll.send(get);
			await post.send(requestBytes('POST', path, {}, '421["echo",8]'));
			assert.equal(await answered(post, 'the next POST'), 'ok');
			assert.equal(await answered(poll, 'the next poll'), '431[8]');
			await redis.client.command('PUBLISH', 'news', '1');
			await poll.send(get);
			assert.equal(await answered(poll, 'a message'), '42["news",1]');
			await near.child.says(/event=left connections=\d+ lost=0 cut=0 /);
		}),
	);

	test('notice a client that gives up', limit(), () =>
		withCleanup(async (cleanup) => {
			const { nodes } = await startNodes(cleanup);
			const sid = await open(nodes[0]);
			const poll = await Exchange.start(nodes[1].port, 'GET', `${POLL}&sid=${sid}`);
			await eventually(async () => (await metric(nodes[0], 'peer_requests_total{direction="in"}')) === 1, 'the poll to be held');
			poll.cancel();
			await eventually(async () => (await metric(nodes[0], 'sessions{transport="polling"}')) === 0, 'its session to end');
		}),
	);
});

describe('clients of TLS', { skip: SIOCAST_ONLY }, () => {
	test('are passed on, by WebSocket, too', limit(), () =>
		withCleanup(async (cleanup) => {
			const ca = await authority(cleanup);
			const { cert, key } = await ca.issue(['localhost']);
			const secure = await freePort();
			const { nodes } = await startNodes(cleanup, { names: ['a', 'b'] });
			const [a, b] = nodes;
			await b.child.stop();
			b.config.listen = [...b.config.listen, { address: `127.0.0.1:${secure}`, tls: { cert, key } }];
			fs.writeFileSync(b.file, JSON.stringify(b.config));
			b.child = await launchSiocast(cleanup, b);
			const sid = await open(a);
			assert.equal((await request(a.port, 'POST', `${POLL}&sid=${sid}`, {}, '40')).status, 200);
			const socket = tls.connect({ host: '127.0.0.1', port: secure, servername: 'localhost', ca: fs.readFileSync(ca.ca) });
			cleanup.add(socket, () => socket.destroy());
			socket.on('error', () => {});
			let got = Buffer.alloc(0);
			socket.on('data', (chunk) => (got = Buffer.concat([got, chunk])));
			const frame = (text) => Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);
			socket.write(requestBytes('GET', `/socket.io/?EIO=4&transport=websocket&sid=${sid}`, WEBSOCKET));
			// What is sent behind the request, without waiting for the answer, is for the session as well.
			socket.write(frame('2probe'));
			await eventually(() => got.includes('3probe'), 'the answer to the probe');
			assert.match(got.toString('latin1'), /^HTTP\/1\.1 101 /);
			assert.equal(await metric(b, 'peer_websockets'), 1);
			socket.write(frame('5'));
			await eventually(async () => (await metric(a, 'sessions{transport="websocket"}')) === 1, 'the upgrade');
			got = Buffer.alloc(0);
			socket.write(frame('420["echo","x"]'));
			await eventually(() => got.includes('430["x"]'), 'an ack');
			socket.destroy();
			await eventually(async () => (await metric(a, 'sessions{transport="websocket"}')) === 0, 'the session to end');
			assert.equal(await metric(b, 'peer_websockets'), 0);
		}),
	);
});

describe('a node that is not there', { skip: SIOCAST_ONLY }, () => {
	test('is answered for at once', limit(), () =>
		withCleanup(async (cleanup) => {
			const { nodes } = await startNodes(cleanup, { names: ['a', 'b'] });
			const sid = await open(nodes[0]);
			assert.equal((await request(nodes[1].port, 'POST', `${POLL}&sid=${sid}`, {}, '40')).status, 200);
			const held = await Exchange.start(nodes[1].port, 'GET', `${POLL}&sid=${sid}`);
			await held.answer;
			const waits = await Exchange.start(nodes[1].port, 'GET', `${POLL}&sid=${sid}`);
			await nodes[0].child.kill();
			assert.deepEqual((await waits.answer).json, UNKNOWN);
			for (let i = 0; i < 3; i++) assert.deepEqual((await request(nodes[1].port, 'GET', `${POLL}&sid=${sid}`)).json, UNKNOWN);
			const socket = await request(nodes[1].port, 'GET', `/socket.io/?EIO=4&transport=websocket&sid=${sid}`, WEBSOCKET);
			assert.deepEqual([socket.status, socket.text], [400, UNKNOWN.message]);
			assert.ok((await metric(nodes[1], 'peer_failures_total{reason="down"}')) >= 1);
			// And is found again.
			nodes[0].child = await launchSiocast(cleanup, nodes[0]);
			const later = await open(nodes[0]);
			await eventually(async () => (await request(nodes[1].port, 'POST', `${POLL}&sid=${later}`, {}, '40')).status === 200, 'a to be found again');
		}),
	);

	test('and hangs, or is somebody else, is given up', limit(), () =>
		withCleanup(async (cleanup) => {
			const silent = net.createServer(() => {});
			const web = net.createServer((socket) => socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')));
			cleanup.add(silent, () => silent.close());
			cleanup.add(web, () => web.close());
			for (const server of [silent, web]) {
				await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
				server.on('connection', (socket) => socket.on('error', () => {}).unref());
			}
			const peers = () => ({ s: `127.0.0.1:${silent.address().port}`, w: `127.0.0.1:${web.address().port}` });
			const { nodes } = await startNodes(cleanup, { names: ['a'], peers });
			for (const name of ['s', 'w']) {
				const { json } = await request(nodes[0].port, 'GET', `${POLL}&sid=AB${name}XXXXXXXXXXXXXXXXX`);
				assert.deepEqual(json, UNKNOWN);
			}
			assert.equal(await metric(nodes[0], 'peer_failures_total{reason="timeout"}'), 1);
			assert.equal(await metric(nodes[0], 'peer_failures_total{reason="down"}'), 1);
		}),
	);

	test('or has another name or another key is told apart', limit(), () =>
		withCleanup(async (cleanup) => {
			const peers = (node, all) => ({ a: `127.0.0.1:${all[0].port}`, b: `127.0.0.1:${all[2].port}`, c: `127.0.0.1:${all[2].port}` });
			const { nodes } = await startNodes(cleanup, { peers, keys: [KEY, KEY, `${KEY}!`].slice(0, 2) });
			const sid = await open(nodes[1]);
			assert.deepEqual((await request(nodes[0].port, 'GET', `${POLL}&sid=${sid}`)).json, UNKNOWN);
			await nodes[0].child.says(/event=peer-wrong-name node=b .*name=c/);
			const other = await startNodes(cleanup, { names: ['a', 'b'], keys: [KEY, `${KEY}!`] });
			const theirs = await open(other.nodes[0]);
			assert.deepEqual((await request(other.nodes[1].port, 'GET', `${POLL}&sid=${theirs}`)).json, UNKNOWN);
		}),
	);
});

/** As nodes do it (src/peers/pass.h), for who has the key. */
class Node {
	static async greet(port, key, name = 'b') {
		const node = new Node();
		node.wire = await Wire.open(port);
		node.nonce = crypto.randomBytes(16);
		await node.wire.send(requestBytes('GET', '/', { 'Siocast-Peer': `hello 1 ${name} ${node.nonce.toString('base64')}` }));
		const answer = await node.wire.response('GET');
		const [, , other, nonce, idle, proof] = answer.header('siocast-peer').split(' ');
		const mac = (use) =>
			crypto
				.createHmac('sha256', key)
				.update(Buffer.concat([Buffer.from(`siocast peer 1 ${use}\n${name} ${other} ${idle}\n`), node.nonce, Buffer.from(nonce, 'base64')]))
				.digest();
		node.isRight = mac('answer').toString('base64') === proof;
		node.key = mac('key');
		node.n = 0;
		return node;
	}

	proof(method, target, claim, headers = [['host', '127.0.0.1']], body = '') {
		const counted = (text) => `${Buffer.byteLength(text)}:${text}`;
		const lines = headers.map(([name, value]) => counted(name) + counted(value)).join('');
		const digest = crypto.createHmac('sha256', this.key).update(body).digest();
		const text = Buffer.concat([Buffer.from(`${this.n++} ${method} 0\n${counted(claim)}${counted(target)}${lines}`), digest]);
		return `${claim} ${crypto.createHmac('sha256', this.key).update(text).digest('base64')}`;
	}

	async ask(target, value) {
		await this.wire.send(requestBytes('GET', target, { 'Siocast-Peer': value }));
		return this.wire.response('GET');
	}
}

describe('a stranger', { skip: SIOCAST_ONLY }, () => {
	test('gets nothing without the key, and nothing a second time', limit(), () =>
		withCleanup(async (cleanup) => {
			const { nodes } = await startNodes(cleanup, { names: ['a', 'b'] });
			const [{ port }] = nodes;
			const target = `${POLL}&sid=${await open(nodes[0])}`;
			const gone = `${POLL}&sid=ABbXXXXXXXXXXXXXXXXX`;
			const claim = 'for 1 192.0.2.1 whole';

			const right = await Node.greet(port, KEY);
			assert.ok(right.isRight);
			const first = right.proof('GET', gone, claim);
			// It goes to no other node.
			assert.deepEqual((await right.ask(gone, first)).json, UNKNOWN);
			assert.equal(await metric(nodes[0], 'peer_requests_total{direction="out"}'), 0);
			// Once more: the connection ends.
			const again = await right.ask(gone, first);
			assert.deepEqual([again.status, again.header('connection')], [403, 'close']);

			for (const spoil of [
				(node) => [target, node.proof('GET', gone, claim)],
				(node) => [target, node.proof('POST', target, claim)],
				(node) => [target, node.proof('GET', target, claim).replace('192.0.2.1', '192.0.2.2')],
				(node) => [target, node.proof('GET', target, claim, [['host', 'other']])],
				() => [target, 'for 1 - whole AAAA'],
				() => [target, 'nonsense'],
				() => [target, ''],
			]) {
				const node = await Node.greet(port, KEY);
				assert.equal((await node.ask(...spoil(node))).status, 403);
			}
			const wrong = await Node.greet(port, `${KEY}!`);
			assert.ok(!wrong.isRight);
			assert.equal((await wrong.ask(target, wrong.proof('GET', target, claim))).status, 403);
			// Without a hello before, and with what another connection has proved.
			const node = await Node.greet(port, KEY);
			assert.equal((await request(port, 'GET', target, { 'Siocast-Peer': node.proof('GET', target, claim) })).status, 403);
			assert.equal((await request(port, 'GET', target, { 'Siocast-Peer': 'hello 2' })).status, 403);
			// A connection that has said hello is no client's any more.
			const mixed = await Node.greet(port, KEY);
			await mixed.wire.send(requestBytes('GET', target));
			assert.equal((await mixed.wire.response('GET')).status, 403);
			// The session is unharmed by all of that.
			assert.equal((await request(port, 'POST', target, {}, '40')).status, 200);
			assert.ok((await metric(nodes[0], 'peer_refused_total')) >= 12);
		}),
	);

	test('of WebSockets neither', limit(), () =>
		withCleanup(async (cleanup) => {
			const { nodes } = await startNodes(cleanup, { names: ['a', 'b'] });
			const socket = await connectMode(cleanup, { ...nodes[0] }, 'polling');
			const target = `/socket.io/?EIO=4&transport=websocket&sid=${socket.io.engine.id}`;
			await assert.rejects(request(nodes[0].port, 'GET', target, { ...WEBSOCKET, 'Siocast-Peer': 'for 1 - whole x' }));
			const node = await Node.greet(nodes[0].port, KEY);
			await node.wire.send(requestBytes('GET', target, { ...WEBSOCKET, 'Siocast-Peer': node.proof('GET', target, 'for 1 - whole') }));
			await assert.rejects(node.wire.response('GET'));
			assert.equal(await metric(nodes[0], 'peer_refused_total'), 2);
			assert.deepEqual(await ask(socket, 'echo', 1), [1]);
		}),
	);
});

/** What is said of a configuration: whether the client's files are there is another matter. */
const said = (err) => err.replace(/^.*event=no-client-files.*\n/m, '');

describe('what is written of several nodes', { skip: SIOCAST_ONLY }, () => {
	test('is a configuration, and what lb prints', limit(), () =>
		withCleanup(async (cleanup) => {
			const text = fs.readFileSync(path.join(TOP, 'doc/scale.md'), 'utf8');
			const [folder, file] = await cleanup.folder().then((dir) => [dir, path.join(dir, 'siocast.json')]);
			fs.writeFileSync(path.join(folder, 'key'), KEY);
			const blocks = [...text.matchAll(/^```json\n(.*?)^```$/gms)].map(([, inside]) => inside.replace(/\/etc\/siocast\/peer[./]key/, path.join(folder, 'key')));
			assert.equal(blocks.length, 6);
			for (const block of blocks) {
				fs.writeFileSync(file, block);
				const { status, err } = tool(['check', '--strict', '-c', file]);
				assert.deepEqual([status, said(err)], [0, ''], block);
			}
			fs.writeFileSync(file, blocks.find((block) => block.includes('"trustedProxies"')));
			const [, ...args] = /^siocast (lb .*)$/m.exec(text)[1].replace('siocast.json', file).split(' ');
			const { out } = tool(['lb', ...args]);
			for (const line of /^```nginx\n(.*?)^```$/ms.exec(text)[1].trim().split('\n')) assert.ok(out.includes(line), line);
		}),
	);

	test('is told when it cannot work', limit(), () =>
		withCleanup(async (cleanup) => {
			const file = path.join(await cleanup.folder(), 'siocast.json');
			const key = path.join(path.dirname(file), 'key');
			const check = (config, secret = KEY) => {
				fs.writeFileSync(key, secret);
				fs.writeFileSync(file, JSON.stringify({ feeds: [{ channel: 'x' }], ...config }));
				return said(tool(['check', '-c', file]).err);
			};
			const peers = { a: '10.0.0.1:3000' };
			assert.match(check({ peers, node: 'a' }), /peers: "peerKeyFile" is missing/);
			assert.match(check({ peers, peerKeyFile: key }), /peers: "node" is missing/);
			assert.match(check({ peers, node: 'a', peerKeyFile: key }, 'short'), /peerKeyFile: a key of fewer than 32 characters/);
			assert.match(check({ peerKeyFile: key }), /peerKeyFile: it has no effect/);
			for (const bad of ['10.0.0.1', '10.0.0.1:0', '10.0.0.1:65536', ':3000', '::1:3000', '[]:3000', 'a b:3000', 'http://a:3000', 3000]) {
				assert.match(check({ peers: { a: bad }, node: 'b', peerKeyFile: key }), /peers\.a: expected an address/, String(bad));
			}
			assert.match(check({ peers: { 'not good': '10.0.0.1:3000' }, node: 'b', peerKeyFile: key }), /a node's name has 1 to 6/);
			assert.match(check({ peers: {}, node: 'b', peerKeyFile: key }), /expected an object of 1 to 64 nodes/);
			assert.match(check({ peers, node: 'a', peerKeyFile: key, listen: 'unix:/tmp/s' }), /no address of "listen" is for other nodes/);
			assert.equal(check({ peers: { dns: 'all:3000' }, peerKeyFile: key }), '');
			assert.equal(check({ peers: { a: '[::1]:3000', 'b-_9': 'host.example:1' }, node: 'a', peerKeyFile: key }), '');
		}),
	);
});
