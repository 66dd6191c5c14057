// SPDX-License-Identifier: MIT
//
// What a page may do with its server, one scenario each. A scenario gets a Cell (cell.mjs): the kind of client, the servers, and
// what opens a client. It fails by throwing. What it needs beyond the server itself:
//	for     which clients have it at all
//	redis   the server's Redis (feeds, and what the server tells others)
//	own     the server can be started here, as often as needed
//	slow    it waits most of the time, and runs beside the others
//	busy    it keeps the client so busy (early ones read text by the character, and copy the rest of a poll for every packet) that
//	        nothing runs beside it; or what it sends reaches all clients, and would come between what another scenario waits for:
//	        python3-socketio takes each packet on a thread of its own, and attachments for those that come in their order

import assert from 'node:assert/strict';
import siocast from '../../client-js/siocast.mjs';
import { FEEDS } from '../lib/contract.mjs';
import { Gate } from '../lib/gate.mjs';
import { knowsBinary, lacks, overtakes } from '../lib/languages.mjs';
import { TRANSPORTS, atLeast, closesWell, revision } from '../lib/versions.mjs';

/** Text of every kind. Each is what an application has at hand; how it travels is the client's business. */
export const TEXTS = {
	ascii: 'plain ASCII, with "quotes" and \\backslashes\\ / slashes',
	accented: 'Grüße, où ça? ñandú ÿ',
	cjk: '漢字かな交じり文 한국어',
	astral: '😀🎉 𝒳 👩‍👩‍👧',
	'line-separators': 'a\u2028b\u2029c\u0085d',
	nul: 'a\u0000b',
	controls: '\u0001\x1e\x7f\b\f\n\r\t\\n\\\n\\\\n',
	mixed: 'a é € 😀 \u2028 \u0000 \\u00e9 &amp; + % %41 é',
};

const bytes = (n, seed = 1) => Buffer.from(Array.from({ length: n }, (_, i) => (i * 31 + seed) & 0xff));

async function echoes(client, ...args) {
	assert.deepEqual(await client.echo(...args), args);
}

function textScenario([name, text]) {
	const run = async (cell) => {
		const client = await cell.open();
		await echoes(client, text);
		await echoes(client, { [text]: [text] }, text);
		assert.deepEqual(await client.ask('message-with-ack', text), [text]);
	};
	return { name: `text-${name}`, run };
}

/** An echo would hide two mistakes that cancel out: what the server has understood is seen on Redis. */
async function understood(cell) {
	const client = await cell.open();
	for (const [name, text] of Object.entries(TEXTS)) {
		const mark = cell.mark();
		client.emit('tell', mark, { [text]: text });
		const { args } = await cell.told('heard', (message) => message.args[0] === mark);
		assert.deepEqual(args, [mark, { [text]: text }], name);
	}
}

async function connects(cell) {
	const { transport } = cell.kind;
	const client = await cell.open();
	const name = client.engine.transport.name;
	assert.match(name, transport.startsWith('websocket') ? /^websocket$/ : /^(polling|websocket)$/);
	if (TRANSPORTS[transport].upgrades) {
		await client.upgraded();
		await echoes(client, 'over WebSocket');
	} else if (name === 'polling') {
		await echoes(client, 'over polling');
		assert.equal(client.engine.transport.name, 'polling');
	}
}

async function objects(cell) {
	const client = await cell.open();
	const values = [null, true, false, 0, -0.5, 1e21, 9007199254740991, '', [], {}, [[[]]]];
	await echoes(client, ...values);
	await echoes(client);
	await echoes(client, { list: [1, { deep: { er: [null, { s: 'é', t: [] }] } }], 'a "key"': {}, é: 'ü' });
	const deep = JSON.parse(`${'{"a":['.repeat(20)}${']}'.repeat(20)}`);
	await echoes(client, deep);
	// Looks like the stand-in for binary, but is plain data.
	await echoes(client, { _placeholder: 'true', num: 0 });
}

async function binary(cell) {
	const client = await cell.open();
	for (const data of [bytes(1), bytes(256), bytes(5000, 7)]) {
		assert.deepEqual(await client.echo(client.binary(data)), [data]);
	}
	assert.deepEqual(await client.ask('message-with-ack', client.binary(bytes(10))), [bytes(10)]);
}

async function emptyBinary(cell) {
	const client = await cell.open();
	assert.deepEqual(await client.echo(client.binary(Buffer.alloc(0)), 'after'), [Buffer.alloc(0), 'after']);
}

async function attachments(cell) {
	const client = await cell.open();
	const make = (wrap) => ({ first: wrap(bytes(10)), list: [1, wrap(bytes(300, 7)), { x: wrap(bytes(2)) }], text: 'é 漢 😀' });
	const wrapped = () => make((data) => client.binary(data));
	const expected = make((data) => data);
	assert.deepEqual(await client.echo('front', wrapped(), client.binary(bytes(3))), ['front', expected, bytes(3)]);
	const ten = Array.from({ length: 10 }, (_, i) => bytes(i + 1, i));
	assert.deepEqual(await client.echo(ten.map((data) => client.binary(data))), [ten]);
	assert.deepEqual(await client.ask('message-with-ack', wrapped(), 'last'), [expected, 'last']);
}

async function bigText(cell) {
	const client = await cell.open();
	// Not much of it is not ASCII: early clients make up to 24 bytes of one such character, and 1 MB is the usual limit.
	const text = `${'half a megabyte of text, all of it ASCII but for the end. '.repeat(10)} é€😀 `.repeat(800);
	const [back] = await client.echo(text);
	assert.ok(back === text, `${back?.length} characters came back, of ${text.length}`);
	await echoes(client, 'still there');
}

// Up to 2.x a browser's base64 is made by one call with an argument per byte: what is larger than the stack is lost.
const BASE64 = ['polling-base64', 'websocket-base64', 'polling-xhr1', 'jsonp'];
const bounded = ({ version, build, transport }) => build !== 'node' && !atLeast(version, '3') && BASE64.includes(transport);

async function bigBinary(cell) {
	const client = await cell.open();
	const data = bytes(bounded(cell.kind) ? 50_000 : 500_000);
	const [back] = await client.echo(client.binary(data));
	assert.ok(Buffer.isBuffer(back) && data.equals(back), `${back?.length} bytes came back, of ${data.length}`);
	await echoes(client, 'still there');
}

async function acks(cell) {
	const client = await cell.open();
	assert.deepEqual(await client.ask('message-with-ack'), []);
	assert.deepEqual(await client.ask('message-with-ack', 'x', 1, { y: ['é', null] }), ['x', 1, { y: ['é', null] }]);
	const many = await Promise.all(Array.from({ length: 50 }, (_, i) => client.ask('message-with-ack', i)));
	assert.deepEqual(many, many.map((_, i) => [i]));
	// A handler that acknowledges does nothing for an event that asks for none.
	client.emit('message-with-ack', 'nobody asked');
	await echoes(client, 'still there');
}

async function order(cell) {
	const client = await cell.open();
	const inbox = client.collect('message-back');
	for (let i = 0; i < 150; i++) client.emit('message', i, i % 3 === 0 ? client.binary(bytes(i + 1)) : `text é ${i}`);
	await inbox.until((items) => items.length >= 150, '150 echoes', client.limit);
	const expected = Array.from({ length: 150 }, (_, i) => [i, i % 3 === 0 ? bytes(i + 1) : `text é ${i}`]);
	assert.deepEqual(inbox.items, expected);
}

// As pages wrote it: a text up to 2.x, an object since.
const queryOption = (version, token) => (atLeast(version, '3') ? { token } : `token=${encodeURIComponent(token)}`);

async function query(cell) {
	const token = 'a b&c=ü';
	const client = await cell.open({ query: queryOption(cell.kind.version, token) });
	assert.equal(client.hello[1], token);
}

async function auth(cell) {
	const given = { token: 'é€😀', nested: { list: [1, null] } };
	const client = await cell.open({ auth: given, namespace: '/admin' });
	assert.deepEqual(client.hello[2], given);
}

async function namespace(cell) {
	const client = await cell.open({ namespace: '/admin' });
	assert.equal(client.hello[0], '/admin');
	await echoes(client, 'for /admin', 'é');
	if (knowsBinary(cell.kind)) assert.deepEqual(await client.echo(client.binary(bytes(4))), [bytes(4)]);
	assert.deepEqual(await client.ask('message-with-ack', 1), [1]);
}

// The query of a namespace reaches handlers as query or as auth, depending on the server's year.
async function namespaceQuery(cell) {
	const client = await cell.open({ namespace: '/admin?token=abc&x=1' });
	const [name, token, given] = client.hello;
	assert.equal(name, '/admin');
	assert.equal(token ?? given?.token, 'abc');
	await echoes(client, 'for /admin');
}

async function namespaces(cell) {
	const root = await cell.open();
	const admin = root.also('/admin');
	const hello = admin.next('hello');
	await admin.connected();
	assert.equal((await hello)[0], '/admin');
	const wrong = root.collect('message-back');
	await echoes(admin, 'for /admin');
	assert.deepEqual(await Promise.all([root.ask('message-with-ack', 'r'), admin.ask('message-with-ack', 'a')]), [['r'], ['a']]);
	assert.deepEqual(wrong.items, []);
	admin.socket.disconnect();
	await echoes(root, '/ stays');
}

async function refused(cell) {
	const root = await cell.open();
	const nowhere = root.also('/nowhere');
	assert.equal(await nowhere.refused(), 'Invalid namespace');
	await echoes(root, 'the connection stays');
	const alone = cell.begin({ namespace: '/nowhere' });
	assert.equal(await alone.refused(), 'Invalid namespace');
}

async function rooms(cell) {
	const [one, two] = await Promise.all([cell.open(), cell.open()]);
	const [a, b] = [cell.mark(), cell.mark()];
	const heard = [one, two].map((client) => client.collect('json-array-alone'));
	const publish = (room, n) => cell.redis.publish(`json-array-alone.${room}`, JSON.stringify({ room, n }));
	const next = (i) => heard[i].next('a message', cell.limit);
	assert.deepEqual(await one.ask('subscribe', a), [true]);
	assert.deepEqual(await two.ask('subscribe', b), [true]);
	await publish(b, 1);
	assert.deepEqual(await next(1), [{ room: b, n: 1 }]);
	await publish(a, 2);
	assert.deepEqual(await next(0), [{ room: a, n: 2 }]);
	assert.deepEqual(await one.ask('unsubscribe', a), [true]);
	assert.deepEqual(await two.ask('subscribe', a), [true]);
	await publish(a, 3);
	assert.deepEqual(await next(1), [{ room: a, n: 3 }]);
	assert.deepEqual(await one.ask('subscribe', b), [true]);
	await publish(b, 4);
	assert.deepEqual(await next(0), [{ room: b, n: 4 }]);
}

async function news(cell) {
	const clients = await Promise.all([cell.open(), cell.open()]);
	const mark = cell.mark();
	const heard = clients.map((client) => client.collect('news'));
	await cell.redis.publish('news', JSON.stringify({ mark, ...TEXTS }));
	const mine = (items) => items.some(([item]) => item.mark === mark);
	for (const inbox of heard) {
		await inbox.until(mine, 'the news', cell.limit);
		assert.deepEqual(inbox.items.find(([item]) => item.mark === mark), [{ mark, ...TEXTS }]);
	}
}

// Why a client says that it was disconnected. Those in other languages do not say.
function assertReason(client, [reason], expected) {
	if (client.kind.build !== 'debian') assert.match(reason, expected);
}

async function clientLeaves(cell) {
	const client = await cell.open();
	const sid = client.hello[3];
	const out = client.next('disconnect');
	client.socket.disconnect();
	assertReason(client, await out, /^(io client disconnect|forced close)$/);
	if (!cell.redis) return;
	const { args } = await cell.told('gone', (message) => message.sid === sid);
	// Python's for asyncio cuts its poll at once.
	assert.match(args[0], client.kind.build === 'debian' ? /^(client|transport) / : /^(client namespace disconnect|transport close)$/);
}

async function clientReturns(cell) {
	const client = await cell.open();
	const closed = client.ended();
	client.socket.disconnect();
	// Up to 2.x the end of the old connection would otherwise tear down the new one.
	await closed;
	const hello = client.next('hello');
	client.socket.connect();
	await hello;
	await echoes(client, 'back again');
}

async function serverPutsOut(cell) {
	const root = await cell.open({ beside: ['/admin'] });
	const admin = root.also('/admin');
	await admin.connected();
	const out = admin.next('disconnect');
	admin.emit('leave');
	assertReason(root, await out, /^io server disconnect$/);
	await echoes(root, 'the connection stays');
}

async function serverDisconnects(cell) {
	const client = await cell.open();
	const out = client.next('disconnect');
	client.emit('quit');
	assertReason(client, await out, /^(io server disconnect|transport close)$/);
}

const PATIENT = { reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 200, randomizationFactor: 0 };

function restartScenario(name, end, applies) {
	const run = async (cell) => {
		const server = await cell.start();
		const client = await cell.open({ server, ...PATIENT });
		await echoes(client, 'before');
		// Until the next poll is there: what it is told is the question.
		await new Promise((resolve) => setTimeout(resolve, cell.limit / 20));
		const out = client.next('disconnect');
		await end(server);
		assertReason(client, await out, /^transport (close|error)$/);
		const [again, hello] = [client.next('connect'), client.next('hello')];
		await server.start();
		await again;
		await hello;
		await echoes(client, 'after');
	};
	return { name, own: true, slow: true, for: applies, run };
}

async function heartbeats(cell) {
	const client = await cell.open({ server: cell.quick });
	const beats = client.packets(revision(cell.kind.version) === 3 ? 'pong' : 'ping');
	client.socket.on('disconnect', (reason) => beats.fail(new Error(`disconnected: ${reason}`)));
	// Until interval and time-out together are over, and then once more.
	const enough = Math.max(3, Math.ceil(cell.quick.pingTimeout / cell.quick.pingInterval) + 2);
	for (let i = 0; i < enough; i++) await beats.next('a heartbeat', cell.limit);
	await echoes(client, 'still there');
}

// Over a connection on which nothing passes any more.
async function silence(cell) {
	const gate = await Gate.open(cell.cleanup, cell.quick.port);
	const client = await cell.open({ server: gate });
	if (TRANSPORTS[cell.kind.transport].upgrades) await client.upgraded();
	const lost = client.next('disconnect').then(([reason]) => {
		throw new Error(`disconnected: ${reason}`);
	});
	await Promise.race([echoes(client, 'the cable is good'), lost]);
	return { gate, client };
}

async function clientNotices(cell) {
	const { gate, client } = await silence(cell);
	const out = client.next('disconnect', 'the client to notice');
	gate.fallSilent();
	assertReason(client, await out, /^(ping timeout|transport (close|error))$/);
}

async function serverNotices(cell) {
	const { gate, client } = await silence(cell);
	gate.fallSilent();
	const { args } = await cell.told('gone', (message) => message.sid === client.hello[3], 'the server to notice');
	assert.equal(args[0], 'ping timeout');
}

// How a page gets at the messages of an event. Without an interval, json and text come as they were published.
const readers = {
	binary: ([batch]) => siocast.decode(batch),
	json: ([batch]) => batch,
	text: ([batch]) => siocast.decode(batch),
	'json alone': ([message]) => [message],
	'text alone': ([message]) => [JSON.parse(message)],
};

function readerOf({ encode, batch }) {
	return readers[batch.interval === 0 ? `${encode} alone` : encode] ?? readers[encode];
}

function feedScenario(feed) {
	const run = async (cell) => {
		const client = await cell.open();
		const room = cell.mark();
		const inbox = client.collect(feed.event);
		assert.deepEqual(await client.ask('subscribe', room), [true]);
		const last = cell.messages - 1;
		const kinds = Object.values(TEXTS);
		const textOf = (n) => (n % 50 === 0 ? kinds[(n / 50) % kinds.length] : 'ASCII');
		const published = Array.from({ length: cell.messages }, (_, n) => JSON.stringify({ n, text: textOf(n) }));
		const expect = { next: 0, early: new Set() };
		const read = readerOf(feed);
		const take = (n, text) => {
			if (n < expect.next || expect.early.has(n)) throw new Error(`message ${n} came twice`);
			if (n !== expect.next && !overtakes(cell.kind)) throw new Error(`message ${n} came where ${expect.next} was due`);
			if (text !== textOf(n)) throw new Error(`message ${n} has the text ${JSON.stringify(text)}`);
			expect.early.add(n);
			while (expect.early.delete(expect.next)) expect.next++;
		};
		const drain = (items) => {
			for (const args of items.splice(0)) for (const { n, text } of read(args)) take(n, text);
			return expect.next > last;
		};
		await cell.redis.publishAll(`${feed.event}.${room}`, published);
		await inbox.until(drain, `message ${last}`, cell.patience).catch((error) => {
			error.message += `, ${expect.next} messages`;
			throw error;
		});
		// Nothing comes twice: a later event would follow it.
		await echoes(client, 'end');
		assert.deepEqual(inbox.items, []);
	};
	return { name: `feed-${feed.event}`, redis: true, busy: true, run };
}

// Since 3.0 a browser makes base64 of binary later, and lets what was sent after it pass it on the WebSocket.
const keepsOrder = ({ version, build, transport }) => build === 'node' || transport !== 'websocket-base64' || !atLeast(version, '3');

// Until 1.1 they forget their handlers when they disconnect, and do not take them up again.
const returns = (kind) => closesWell(kind) && atLeast(kind.version, '1.2');

/** Whether this kind of client has the scenario. */
export function applies(scenario, kind) {
	return (!scenario.for || scenario.for(kind)) && !lacks(kind, scenario.name);
}

export const SCENARIOS = [
	{ name: 'connect', run: connects },
	...Object.entries(TEXTS).map(textScenario),
	{ name: 'text-understood', redis: true, run: understood },
	{ name: 'objects', run: objects },
	{ name: 'binary', run: binary },
	{ name: 'binary-empty', run: emptyBinary },
	{ name: 'binary-attachments', run: attachments },
	{ name: 'big-text', busy: true, run: bigText },
	{ name: 'big-binary', busy: true, run: bigBinary },
	{ name: 'acks', run: acks },
	{ name: 'order', for: (kind) => keepsOrder(kind) && !overtakes(kind), run: order },
	{ name: 'query', run: query },
	{ name: 'auth', for: ({ version }) => atLeast(version, '3'), run: auth },
	{ name: 'namespace', run: namespace },
	{ name: 'namespace-query', for: ({ version }) => atLeast(version, '1.5'), run: namespaceQuery },
	{ name: 'namespaces', run: namespaces },
	{ name: 'namespace-refused', run: refused },
	{ name: 'rooms', redis: true, run: rooms },
	{ name: 'news', redis: true, run: news, busy: true },
	{ name: 'client-leaves', for: closesWell, run: clientLeaves },
	{ name: 'client-returns', for: returns, run: clientReturns },
	{ name: 'server-puts-out', run: serverPutsOut },
	{ name: 'server-disconnects', for: closesWell, run: serverDisconnects },
	...FEEDS.filter((feed) => feed.room).map(feedScenario),
	{ name: 'heartbeats', own: true, slow: true, run: heartbeats },
	{ name: 'client-notices', own: true, slow: true, for: closesWell, run: clientNotices },
	{ name: 'server-notices', own: true, redis: true, slow: true, run: serverNotices },
	restartScenario('restart', (server) => server.stop()),
	restartScenario('crash', (server) => server.kill(), closesWell),
];
