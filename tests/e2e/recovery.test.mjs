// SPDX-License-Identifier: MIT
//
// Clients that come back: their session, and what they missed, all of it and once, or the word that they begin anew.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { beforeEach, test } from 'node:test';
import { ask, collect, connect, connected, createClient, upgraded } from './lib/client.mjs';
import { Cutter } from './lib/cutter.mjs';
import { SIOCAST_ONLY, startSiocast } from './lib/daemon.mjs';
import { Session } from './lib/engine.mjs';
import { Session3, TEXT, encodeText } from './lib/engine3.mjs';
import { SECRET, inSeconds, token } from './lib/hook.mjs';
import { request } from './lib/http.mjs';
import { metric } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { suite } from './lib/suite.mjs';
import { eventually, limit, once } from './lib/wait.mjs';

const TOKEN = 'a token that nobody guesses';
const HEADERS = { 'Content-Type': 'application/json', Authorization: `Bearer ${TOKEN}` };

async function post(server, body) {
	const answer = await request(server.admin, 'POST', '/publish', HEADERS, JSON.stringify(body));
	assert.equal(answer.status, 200, answer.text);
}

const on = {
	join: [{ join: '{1}' }, { ack: ['{rooms}'] }],
	leave: [{ leave: '{1}' }, { ack: ['{rooms}'] }],
	rooms: [{ ack: ['{sid}', '{rooms}'] }],
	tell: [{ emit: ['own', '{1}'] }, { ack: [] }],
	shout: [{ broadcast: { event: 'shouted', args: ['{1}'], room: '{2}' } }, { ack: [] }],
	shoutAll: [{ broadcast: { event: 'shouted', args: ['{1}'], self: true } }, { ack: [] }],
};
const plain = [
	{ channel: 'all', event: 'all', encode: 'json', batch: { interval: 20 } },
	{ channel: 'room', event: 'room', encode: 'json', room: '{/room}', batch: { interval: 0 } },
	{ channel: 'bytes', event: 'bytes', encode: 'binary', batch: { interval: 0, format: 'lines' } },
	{ channel: 'text', event: 'text', encode: 'text', batch: { interval: 0 } },
	{ channel: 'rooms', event: 'rooms', encode: 'json', room: '{/rooms}', except: '{/except}', batch: { interval: 0 } },
];
const MODES = { polling: ['polling'], websocket: ['websocket'], upgrade: ['polling', 'websocket'] };

/** Those that do more than pass on what comes. */
const others = [
	{ channel: 'state', event: 'state', encode: 'text', room: 'state', retain: 'last', snapshotEvent: 'state now', batch: { interval: 0 } },
	{ channel: 'quotes', event: 'quotes', encode: 'json', slow: { latestPer: '/s' }, batch: { interval: 5 } },
	{ channel: 'long', event: 'long', encode: 'json', batch: { interval: 0 } },
	{ stream: 'entries', event: 'entry', field: 'n', encode: 'json', batch: { interval: 0 } },
	{ channel: 'gappy', event: 'gappy', namespace: '/gaps', gapEvent: true, encode: 'json', batch: { interval: 0 } },
];

const starter = (workers, recovery = {}, feeds = plain) => async (cleanup) => {
	const redis = await startRedis(cleanup, await freePort());
	const connectionStateRecovery = { maxDisconnectionDuration: 60000, ...recovery };
	const folder = await cleanup.folder();
	const files = { token: path.join(folder, 'token'), secret: path.join(folder, 'secret') };
	fs.writeFileSync(files.token, `${TOKEN}\n`);
	fs.writeFileSync(files.secret, SECRET);
	const namespaces = {
		'/': { on },
		'/plain': { on, connectionStateRecovery: false },
		'/gaps': { on },
		'/who': { on, auth: { jwt: { keys: [{ alg: 'HS256', secretFile: files.secret }] } } },
		'/there': { on, presence: { member: '{auth.user}', events: { here: 'here', joining: 'joining', leaving: 'leaving' }, linger: 0 } },
		'/users': { on, presence: { member: '{query.user}', events: { here: 'here', joining: 'joining', leaving: 'leaving' }, linger: 0 } },
	};
	const publishing = { tokenFile: files.token };
	const server = await startSiocast(cleanup, { workers, redis: redis.url, feeds, connectionStateRecovery, namespaces, publish: publishing });
	await eventually(async () => (await request(server.admin, 'GET', '/readyz')).status === 200, 'siocast to be ready');
	const cutter = await Cutter.open(cleanup, server.port);
	const publish = (channel, message) => redis.client.command('PUBLISH', channel, typeof message === 'string' ? message : JSON.stringify(message));
	const line = { url: cutter.url, path: server.path };
	return { cleanup, redis, cutter, publish, line, ...server };
};

const settled = (sockets) => Promise.all(sockets.filter((socket) => socket.io.opts.transports?.length !== 1).map((socket) => upgraded(socket)));

/** Breaks the line of all clients, waits until they know, does something, and waits until they are back. */
async function away(server, sockets, meanwhile) {
	const gone = sockets.map((socket) => once(socket, 'disconnect'));
	server.cutter.cut();
	await Promise.all(gone);
	// Who polls may be between two polls, which looks as always.
	await eventually(async () => (await metric(server, 'sessions{transport="websocket"}')) === 0, 'the server to see that they are gone');
	await meanwhile();
	const back = sockets.map((socket) => once(socket, 'connect'));
	server.cutter.mend();
	await Promise.all(back);
	// A client that is cut while it goes over to WebSocket hears of it late.
	await settled(sockets);
}

for (const workers of [1, 3]) {
	suite(`${workers} worker(s)`, starter(workers), (server) => {
		beforeEach(() => server.cutter.mend());

		const open = async () => {
			const all = [];
			for (const transports of [...Object.values(MODES), ...Object.values(MODES)]) all.push(await connect(server.cleanup, server.line, { transports }));
			await settled(all);
			return all;
		};

		test('ids, rooms and what was missed, once and in order', limit(), async () => {
			const sockets = await open();
			const ids = sockets.map((socket) => socket.id);
			const got = sockets.map(() => []);
			sockets.forEach((socket, i) => {
				for (const name of ['all', 'room', 'bytes', 'text', 'rooms', 'shouted', 'own']) socket.on(name, (...args) => got[i].push([name, ...args.slice(0, -1)]));
			});
			for (const socket of sockets) {
				assert.deepEqual(await ask(socket, 'join', ['a', 'b']), [['a', 'b']]);
				assert.equal(socket.recovered, false);
			}
			await server.publish('all', 1);
			await Promise.all(got.map((list) => eventually(() => list.length === 1, 'the first')));
			await away(server, sockets, async () => {
				await server.publish('all', 2);
				await server.publish('room', { room: 'a', n: 3 });
				await server.publish('room', { room: 'c', n: 4 });
				await server.publish('bytes', 'xyz');
				await server.publish('text', 'so it is');
				await server.publish('rooms', { rooms: ['a', 'b', 'c'], except: [] });
				await server.publish('rooms', { rooms: ['a', 'c'], except: ['b'] });
			});
			await server.publish('room', { room: 'b', n: 5 });
			await server.publish('all', 6);
			for (const [i, socket] of sockets.entries()) {
				await eventually(() => got[i].at(-1)?.[1]?.[0] === 6, `the last for client ${i}: ${JSON.stringify(got[i])}`);
				assert.equal(socket.recovered, true, `client ${i}`);
				assert.equal(socket.id, ids[i]);
				assert.deepEqual(await ask(socket, 'rooms'), [ids[i], ['a', 'b']]);
				// The batch of "all" is full of what came within its interval; the others leave at once.
				const alone = got[i].filter(([name]) => name !== 'all');
				assert.deepEqual(alone, [
					['room', { room: 'a', n: 3 }],
					['bytes', Buffer.from('xyz\n')],
					['text', 'so it is'],
					['rooms', { rooms: ['a', 'b', 'c'], except: [] }],
					['room', { room: 'b', n: 5 }],
				]);
				assert.deepEqual(got[i].filter(([name]) => name === 'all').flatMap(([, batch]) => batch), [1, 2, 6]);
			}
			sockets.forEach((socket) => socket.disconnect());
		});

		test('who has received nothing yet, and who goes away again and again', limit(), async () => {
			const sockets = await open();
			const got = sockets.map((socket) => collect(socket, 'all'));
			for (let n = 0; n < 4; n++) {
				await away(server, sockets, () => (n % 2 ? server.publish('all', n) : undefined));
				assert(sockets.every((socket) => socket.recovered), `recovered after ${n}`);
			}
			for (const inbox of got) {
				await inbox.until((items) => items.length === 2, 'both');
				assert.deepEqual(inbox.items.map(([batch]) => batch), [[1], [3]]);
			}
			sockets.forEach((socket) => socket.disconnect());
		});

		test('broadcasts of handlers, and what is published over HTTP', limit(), async () => {
			const sockets = await open();
			const speaker = await connect(server.cleanup, server);
			const got = sockets.map((socket) => collect(socket, 'shouted'));
			for (const socket of sockets) await ask(socket, 'join', 'a');
			await ask(speaker, 'join', 'a');
			await ask(speaker, 'shout', 'first', 'a');
			await Promise.all(got.map((inbox) => inbox.until((items) => items.length === 1, 'the first')));
			const gone = sockets.map((socket) => once(socket, 'disconnect'));
			server.cutter.cut();
			await Promise.all(gone);
			await ask(speaker, 'shout', 'second', 'a');
			await ask(speaker, 'shout', 'nobody', 'b');
			await ask(speaker, 'shoutAll', 'third');
			await post(server, { event: 'shouted', args: ['posted'], room: ['a', 'b'] });
			await post(server, { event: 'shouted', args: ['not for them'], room: ['c', 'b'], except: ['a'] });
			const back = sockets.map((socket) => once(socket, 'connect'));
			server.cutter.mend();
			await Promise.all(back);
			await ask(speaker, 'shout', 'fourth', 'a');
			for (const [i, inbox] of got.entries()) {
				await inbox.until((items) => items.length === 5, 'all');
				assert.equal(sockets[i].recovered, true);
				assert.deepEqual(inbox.items.map(([text]) => text), ['first', 'second', 'third', 'posted', 'fourth']);
			}
			[speaker, ...sockets].forEach((socket) => socket.disconnect());
		});

		test('what went to a client alone counts, too', limit(), async () => {
			const [socket] = await open();
			const own = collect(socket, 'own');
			await ask(socket, 'tell', 'x');
			await own.next();
			await away(server, [socket], () => undefined);
			assert.equal(socket.recovered, true);
			await ask(socket, 'tell', 'y');
			const [text, offset] = await own.next();
			assert.equal(text, 'y');
			assert.match(offset, /^[0-9A-Za-z_-]+\.2$/);
			socket.disconnect();
		});

		test('a new token of the same user, and one of another', limit(), async () => {
			let auth = { token: token({ sub: 'ann', exp: inSeconds(60) }) };
			const socket = await connect(server.cleanup, server.line, { transports: ['websocket'], namespace: '/who', auth: (set) => set(auth) });
			await ask(socket, 'join', 'a');
			auth = { token: token({ sub: 'ann', exp: inSeconds(90) }) };
			await away(server, [socket], () => undefined);
			assert.equal(socket.recovered, true);
			auth = { token: token({ sub: 'bob', exp: inSeconds(90) }) };
			await away(server, [socket], () => undefined);
			assert.equal(socket.recovered, false);
			assert.deepEqual((await ask(socket, 'rooms'))[1], []);
			socket.disconnect();
		});

		test('events of presence that end in a string do not stand for an offset', limit(), async () => {
			const socket = await connect(server.cleanup, server.line, { transports: ['websocket'], namespace: '/there', auth: { user: 'ann' } });
			const joining = collect(socket, 'joining');
			const other = await connect(server.cleanup, server, { namespace: '/there', auth: { user: 'bob' }, transports: ['polling'] });
			assert.deepEqual(await joining.next(), ['bob', null]);
			await away(server, [socket], () => undefined);
			assert.equal(socket.recovered, true);
			socket.disconnect();
			other.disconnect();
		});

		test('nothing of it where it is off', limit(), async () => {
			const socket = await connect(server.cleanup, server.line, { transports: ['websocket'], namespace: '/plain' });
			const own = collect(socket, 'own');
			const before = socket.id;
			await ask(socket, 'tell', 'x');
			assert.deepEqual(await own.next(), ['x']);
			await away(server, [socket], () => undefined);
			assert(!socket.recovered);
			assert.notEqual(socket.id, before);
			socket.disconnect();
		});

		test('the server has not seen yet that the line broke', limit(), async () => {
			const socket = await connect(server.cleanup, server.line, { transports: ['websocket'] });
			const got = collect(socket, 'all');
			const before = socket.id;
			const moved = await metric(server, 'clients_ended_total{reason="moved"}');
			await server.publish('all', 1);
			await got.next();
			const again = once(socket, 'connect');
			server.cutter.silence();
			await server.publish('all', 2);
			await again;
			assert.equal(socket.recovered, true);
			assert.equal(socket.id, before);
			await server.publish('all', 3);
			await got.until((items) => items.length === 2, 'both');
			assert.deepEqual(got.items.map(([batch]) => batch), [[2], [3]]);
			assert(await metric(server, 'clients_ended_total{reason="moved"}') > moved);
			socket.disconnect();
		});

		test('who says good-bye, or makes something up, begins anew', limit(), async () => {
			const socket = await connect(server.cleanup, server);
			const { id } = socket;
			socket.disconnect();
			await connected(socket);
			assert.equal(socket.recovered, false);
			assert.notEqual(socket.id, id);
			for (const auth of [{ pid: 'x', offset: 'y' }, { pid: 'A'.repeat(20) }, { pid: 5 }, { pid: socket._pid, offset: 'zzzzzzzzzzz' }, { pid: `${'A'.repeat(19)}é` }]) {
				const other = createClient(server.cleanup, server, { auth });
				await connected(other);
				assert.equal(other.recovered, false);
				other.disconnect();
			}
			socket.disconnect();
		});
	}, SIOCAST_ONLY);
}

// Clients of revision 3 that ask for it, by raw requests; those of siocast.js are in compat/resume.test.mjs.
suite('revision 3', starter(2), (server) => {
	const since = (nsp, value) => `&${encodeURIComponent(`siocast-since${nsp}`)}=${encodeURIComponent(value)}`;
	const open = (...parts) => Session3.open(server, { query: `&b64=1&user=eve${parts.join('')}` });
	const say = (session, ...packets) => session.ask('POST', TEXT, encodeText(packets));
	const told = (packet) => {
		const [, nsp, pid, recovered] = /^42(?:(\/\w+),)?\["siocast:session","([\w-]{20})",(true|false)\]$/.exec(packet) ?? assert.fail(packet);
		return { nsp, pid, recovered: recovered === 'true' };
	};
	/** What a packet of the feed "all" has, and its offset, if any. */
	const read = (packet) => /^42\["all",\[(\d+)\](?:,"([^"]+)")?\]$/.exec(packet)?.slice(1) ?? assert.fail(packet);

	test('who asks is told his pid first, then what he missed, then that he is in', limit(), async () => {
		let session = await open(since('', ''));
		const [first, connect] = await session.packets(2);
		const { pid, recovered } = told(first);
		assert.deepEqual([recovered, connect], [false, '40']);
		await server.publish('all', 1);
		const [n, offset] = read((await session.packets())[0]);
		assert.equal(n, '1');
		// The former connections are not seen to end, and never say what they have.
		for (const missed of [[], ['2'], ['2', '3']]) {
			session = await open(since('', `${pid}~${offset}`));
			const packets = await session.packets(2 + missed.length);
			assert.deepEqual(told(packets[0]), { nsp: undefined, pid, recovered: true });
			assert.deepEqual(packets.slice(1, -1).map((packet) => read(packet)[0]), missed);
			assert.equal(packets.at(-1), '40');
			await server.publish('all', missed.length + 2);
			assert.equal(read((await session.packets())[0])[0], String(missed.length + 2));
		}
		await say(session, '1');
		const last = await open(since('', ''));
		await say(session, '41');
		assert.equal(told((await last.packets(2))[0]).recovered, false);
	});

	test('what is made up, or of another namespace, is nothing', limit(), async () => {
		const owner = await open(since('', ''));
		const { pid } = told((await owner.packets(2))[0]);
		for (const value of ['x', '~', '~x', 'x~y', `${'A'.repeat(20)}~zzzzzzzzzzz`, `${'A'.repeat(19)}é~1`, '\0~\0', `${pid}~${'-'.repeat(99)}`, 'A'.repeat(300), '%~"\\']) {
			const session = await open(since('', value));
			const packets = await session.packets(2);
			assert.deepEqual([told(packets[0]).recovered, packets[1]], [false, '40'], value);
			assert.notEqual(told(packets[0]).pid, pid);
		}
		const tooLong = await open(since('', `${pid}~${'1'.repeat(5000)}`));
		assert.deepEqual(await tooLong.packets(), ['40']);
		const there = await open(since('/users', `${pid}~`));
		await say(there, '40/users');
		const packets = await there.packets(4);
		assert.equal(told(packets[0]).nsp, undefined);
		assert.deepEqual({ ...told(packets.find((packet) => packet.startsWith('42/users,["siocast'))), pid: '' }, { nsp: '/users', pid: '', recovered: false });
	});

	test('who does not ask gets nothing behind arguments, until he asks', limit(), async () => {
		const session = await open();
		assert.deepEqual(await session.packets(), ['40']);
		await server.publish('all', 1);
		assert.deepEqual(read((await session.packets())[0]), ['1', undefined]);
		await say(session, '40/users', '40/plain');
		await eventually(async () => (await metric(server, 'sockets{namespace="/plain"}')) === 1, 'him to be there');
		await session.packets(3);
		const other = await connect(server.cleanup, server, { namespace: '/users', query: { user: 'zoe' }, transports: ['websocket'] });
		assert.deepEqual(await session.packets(), ['42/users,["joining","zoe"]']);
		await say(session, '42["siocast:resume"]', '42["siocast:resume"]');
		const sessions = (await session.packets(2)).map(told);
		assert.deepEqual(sessions.map(({ nsp }) => nsp).sort(), ['/users', undefined]);
		other.disconnect();
		await server.publish('all', 2);
		const [leaving, two] = await session.packets(2);
		assert.equal(leaving, '42/users,["leaving","zoe",null]');
		const [, offset] = read(two);
		await server.publish('all', 3);
		const again = await open(since('', `${sessions.find(({ nsp }) => !nsp).pid}~${offset}`));
		const packets = await again.packets(3);
		assert(told(packets[0]).recovered);
		// The third may be sent while he comes back.
		assert.deepEqual(packets.slice(1).map((packet) => (packet === '40' ? packet : read(packet)[0])).sort(), ['3', '40']);
	});

	test('what was not for him by his id is not sent again', limit(), async () => {
		for (const nsp of ['/', '/users']) {
			const name = nsp === '/' ? '' : nsp;
			const session = await open(since('', ''), since(name, ''));
			if (name) await say(session, `40${nsp}`);
			const packets = await session.packets(name ? 5 : 2);
			const { pid } = packets.filter((packet) => packet.includes('siocast:session')).map(told).find((one) => (one.nsp ?? '') === name);
			const id = `${name && `${name}#`}${session.sid}`;
			await say(session, '1');
			for (const except of [[id], [`${id}x`]]) await post(server, { namespace: nsp, event: 'posted', args: [except[0].length], except });
			const again = await open(since(name, `${pid}~`));
			if (name) await say(again, `40${nsp}`);
			const missed = [];
			while (!missed.some((packet) => packet.includes('"posted"'))) missed.push(...(await again.packets()));
			assert.equal(missed.filter((packet) => packet.includes('"posted"')).length, 1, missed.join());
			assert(missed.some((packet) => packet.includes(`["posted",${id.length + 1},`)));
		}
	});
}, SIOCAST_ONLY);

suite('bounds', starter(2, { history: { messages: 5 } }), (server) => {
	test('what is forgotten is not recovered; what others were told does not matter', limit(), async () => {
		const sockets = [await connect(server.cleanup, server.line, { transports: ['websocket'] }), await connect(server.cleanup, server.line, { transports: ['polling'] })];
		const [busy, quiet] = sockets.map((socket) => collect(socket, 'room'));
		await ask(sockets[0], 'join', 'busy');
		await ask(sockets[1], 'join', 'quiet');
		await server.publish('room', { room: 'busy', n: 0 });
		await server.publish('room', { room: 'quiet', n: 0 });
		await busy.next();
		await quiet.next();
		await away(server, sockets, async () => {
			for (let n = 1; n <= 6; n++) await server.publish('room', { room: 'busy', n });
			await server.publish('room', { room: 'quiet', n: 1 });
		});
		assert.deepEqual(sockets.map((socket) => socket.recovered), [false, true]);
		assert.deepEqual((await quiet.next())[0], { room: 'quiet', n: 1 });
		assert.equal(await metric(server, 'recoveries_total{result="gap"}'), 1);
		sockets.forEach((socket) => socket.disconnect());
	});
}, SIOCAST_ONLY);

suite('beside other features', starter(2, {}, [...plain, ...others]), (server) => {
	const websocket = { transports: ['websocket'] };

	test('what is retained comes once, and is not asked for again by who is back', limit(), async () => {
		await server.publish('state', 'one');
		await eventually(async () => (await metric(server, 'retained_messages')) === 1, 'it to be retained');
		const socket = await connect(server.cleanup, server.line, websocket);
		const [snapshots, states, all] = ['state now', 'state', 'all'].map((event) => collect(socket, event));
		await ask(socket, 'join', 'state');
		assert.deepEqual(await snapshots.next(), ['one', null]);
		// It has nothing that came behind its snapshot: nobody knows that it has that.
		await away(server, [socket], () => undefined);
		assert.equal(socket.recovered, false);
		await ask(socket, 'join', 'state');
		assert.deepEqual(await snapshots.next(), ['one', null]);
		await server.publish('all', 1);
		await all.next();
		await away(server, [socket], () => server.publish('state', 'two'));
		assert.equal(socket.recovered, true);
		assert.equal((await states.next())[0], 'two');
		assert.deepEqual(await ask(socket, 'rooms'), [socket.id, ['state']]);
		await ask(socket, 'join', 'state');
		await server.publish('state', 'three');
		assert.equal((await states.next())[0], 'three');
		assert.deepEqual(snapshots.items, []);
		socket.disconnect();
	});

	test('feeds with "latestPer", and streams', limit(), async () => {
		const socket = await connect(server.cleanup, server.line, websocket);
		const [quotes, entries] = ['quotes', 'entry'].map((event) => collect(socket, event));
		const add = (n) => server.redis.client.command('XADD', 'entries', '*', 'n', n);
		await server.publish('quotes', { s: 'a', n: 1 });
		assert.deepEqual((await quotes.next())[0], [{ s: 'a', n: 1 }]);
		await add(1);
		assert.equal((await entries.next())[0], 1);
		await away(server, [socket], async () => {
			await server.publish('quotes', { s: 'a', n: 2 });
			await add(2);
		});
		assert.equal(socket.recovered, true);
		assert.deepEqual((await quotes.next())[0], [{ s: 'a', n: 2 }]);
		assert.equal((await entries.next())[0], 2);
		socket.disconnect();
	});

	test('who is told of a gap has all that there is; who was away meanwhile begins anew', limit(), async () => {
		const socket = await connect(server.cleanup, server.line, { ...websocket, namespace: '/gaps' });
		const [gaps, numbers] = ['siocast:gap', 'gappy'].map((event) => collect(socket, event));
		const lose = async () => {
			const before = await metric(server, 'redis_connects_total');
			await server.redis.client.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
			await eventually(async () => (await metric(server, 'redis_connects_total')) > before, 'Redis to be there again');
			await eventually(async () => (await request(server.admin, 'GET', '/readyz')).status === 200, 'siocast to listen');
		};
		await lose();
		const [gap, offset, ...rest] = await gaps.next();
		assert.equal(gap.channel, 'gappy');
		assert.match(offset, /^[\w-]+$/);
		assert.deepEqual(rest, []);
		await away(server, [socket], () => server.publish('gappy', 1));
		assert.equal(socket.recovered, true);
		assert.equal((await numbers.next())[0], 1);
		assert.deepEqual(gaps.items, [], 'once is enough');
		await away(server, [socket], async () => {
			await lose();
			await server.publish('gappy', 2);
		});
		assert.equal(socket.recovered, false);
		await server.publish('gappy', 3);
		assert.equal((await numbers.next())[0], 3);
		socket.disconnect();
	});

	/** A client that polls only when it is told to, so that it is held back, and one that is not. */
	async function lazy() {
		const healthy = collect(await connect(server.cleanup, server, websocket), 'quotes');
		const session = await Session.open(server);
		await session.post('40');
		const [answer] = await session.packets();
		const { pid, sid } = JSON.parse(answer.slice(2));
		const quotes = async (...all) => {
			for (const [s, n] of all) {
				await server.publish('quotes', { s, n });
				await healthy.next();
			}
		};
		/** The argument and the offset of what is polled next. */
		const poll = async () => {
			const [, batch, offset] = /^42\["\w+",(.*),"([^"]+)"\]$/.exec((await session.packets()).at(-1));
			return [JSON.parse(batch), offset];
		};
		/** Whether a client with that offset gets its session back. */
		const recovered = async (offset) => {
			const again = await Session.open(server);
			await again.post(`40${JSON.stringify({ pid, offset })}`);
			const packets = await again.packets();
			return JSON.parse(packets.find((packet) => packet.startsWith('40')).slice(2)).sid === sid;
		};
		return { session, quotes, poll, recovered };
	}

	test('who lost something to "latestPer" gets the newest with its offset, and is not recovered by it', limit(), async () => {
		const client = await lazy();
		await client.quotes(['a', 1], ['b', 2], ['a', 3]);
		const [batch, offset] = await client.poll();
		assert.deepEqual(batch, [{ s: 'b', n: 2 }, { s: 'a', n: 3 }]);
		assert.equal(await client.recovered(offset), false);
	});

	for (const [count, all] of [[3, true], [14, false]])
		test(`who ${all ? 'could take everything is' : 'lost something to "drop-oldest" is not'} recovered, whatever it got since`, limit(), async () => {
			const client = await lazy();
			const heard = collect(await connect(server.cleanup, server, websocket), 'long');
			for (let n = 0; n < count; n++) {
				await server.publish('long', { n, x: 'x'.repeat(100_000) });
				await heard.next();
			}
			const packets = await client.session.packets();
			assert.equal(packets.length === count, all);
			const [, n, offset] = /^42\["long",\{"n":(\d+),.*,"([^"]+)"\]$/.exec(packets.at(-1));
			assert.equal(Number(n), count - 1);
			assert.equal(await client.recovered(offset), all);
		});

	for (const more of [false, true])
		test(`who was held back ${more ? 'and has something from behind that is recovered' : 'begins anew, because others may have come before'}`, limit(), async () => {
			const client = await lazy();
			await client.quotes(['a', 1]);
			let [batch, offset] = await client.poll();
			assert.deepEqual(batch, [{ s: 'a', n: 1 }]);
			if (more) {
				await client.session.post('42["tell","x"]');
				[batch, offset] = await client.poll();
				assert.equal(batch, 'x');
			}
			assert.equal(await client.recovered(offset), more);
		});
}, SIOCAST_ONLY);
