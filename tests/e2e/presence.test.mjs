// SPDX-License-Identifier: MIT
//
// Presence: the list on join, one event for each user that comes and goes, on one node and on several; and how many there are.
// A page's list is kept by what the events say and nothing else: an event that repeats what is known, or one that is missing, shows.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { ask, collect, connect, connected, createClient } from './lib/client.mjs';
import { SIOCAST, SIOCAST_ONLY, configure, startSiocast } from './lib/daemon.mjs';
import { metric } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { eventually, limit } from './lib/wait.mjs';

// Of three generations, from the folder that the client files are made of.
const require = createRequire(new URL('../../client-js/official/', import.meta.url));

const ON = {
	enter: [{ join: '{1}' }, { ack: ['{rooms}'] }],
	exit: [{ leave: '{1}' }, { ack: ['{rooms}'] }],
};
const EVENTS = { here: 'here', joining: 'joining', leaving: 'leaving' };
const PRESENCE = { rooms: 'presence-*', member: '{auth.user}', info: '{auth.name}', events: EVENTS, linger: 0 };

const namespaces = (presence, more = {}) => ({ '/': { on: ON, presence: { ...PRESENCE, ...presence }, ...more } });

/** A page: joins rooms of presence, and keeps the list of one. */
class Page {
	constructor(socket) {
		this.socket = socket;
		this.list = null;
		this.log = [];
		socket.on('here', (members) => {
			this.list = new Map(members.map((who) => [JSON.stringify(who), who]));
			assert.equal(this.list.size, members.length);
			this.log.push('here');
		});
		socket.on('joining', (who) => {
			assert(this.list, `joining ${JSON.stringify(who)} before the list`);
			assert(!this.list.has(JSON.stringify(who)), `joining ${JSON.stringify(who)}, who is there`);
			this.list.set(JSON.stringify(who), who);
			this.log.push(`+${who}`);
		});
		socket.on('leaving', (who) => {
			assert(this.list.delete(JSON.stringify(who)), `leaving ${JSON.stringify(who)}, who is not there`);
			this.log.push(`-${who}`);
		});
	}

	get members() {
		return [...(this.list?.values() ?? [])];
	}

	sees(...names) {
		const wanted = [...names].sort().join();
		return eventually(() => this.list && this.members.sort().join() === wanted, `the list ${wanted}`).catch((error) => {
			throw new Error(`${error.message}; it is ${this.members}`);
		});
	}

	async enter(room = 'presence-room') {
		await ask(this.socket, 'enter', room);
		return this;
	}
}

async function open(cleanup, server, name, options = {}) {
	return new Page(await connect(cleanup, server, { auth: { user: `id-${name}`, name }, transports: ['websocket'], ...options }));
}

const enter = async (cleanup, server, name, room) => (await open(cleanup, server, name)).enter(room);

describe('presence', { skip: SIOCAST_ONLY }, () => {
	describe('on one node', () => {
		test('tabs, two workers, who leaves by himself and who is gone', limit(), () =>
			withCleanup(async (cleanup) => {
				const server = await startSiocast(cleanup, { workers: 2, namespaces: namespaces({ shared: false }) });
				const ann = await enter(cleanup, server, 'ann');
				await ann.sees('ann');
				const pages = [];
				for (let i = 0; i < 4; i++) pages.push(await enter(cleanup, server, 'bob'));
				await Promise.all(pages.map((page) => page.sees('ann', 'bob')));
				await ann.sees('ann', 'bob');
				const carl = await enter(cleanup, server, 'carl');
				for (const page of pages) page.socket.disconnect();
				await ann.sees('ann', 'carl');
				await carl.sees('ann', 'carl');
				assert.deepEqual(ann.log, ['here', '+bob', '+carl', '-bob']);
				await ask(carl.socket, 'exit', 'presence-room');
				await ann.sees('ann');
				// Who left hears nothing more; who comes back gets the list.
				await enter(cleanup, server, 'dan');
				await ann.sees('ann', 'dan');
				await carl.enter();
				await carl.sees('ann', 'carl', 'dan');
				assert(carl.log.filter((line) => line === 'here').length === 2 && !carl.log.includes('+dan'));
				assert.equal(await metric(server, 'presence_members'), 3);
				assert.equal(await metric(server, 'presence_rooms'), 1);
			}),
		);

		test('a reconnect within linger is nothing', limit(), () =>
			withCleanup(async (cleanup) => {
				const spec = { ...PRESENCE, shared: false };
				const fast = { ...spec, rooms: ['fast'], events: { here: 'list', joining: 'came', leaving: 'gone' } };
				const server = await startSiocast(cleanup, {
					namespaces: { '/': { on: ON, presence: [{ ...spec, linger: 600000 }, fast] } },
				});
				const ann = await enter(cleanup, server, 'ann');
				const bob = await enter(cleanup, server, 'bob');
				await ann.sees('ann', 'bob');
				const [list, came, gone] = ['list', 'came', 'gone'].map((event) => collect(ann.socket, event));
				// What happens in one moment is told as one: who is there already is in the list, and who is gone again is nowhere.
				await ann.enter('fast');
				assert.deepEqual(await list.next(), [['ann']]);
				await bob.enter('fast');
				assert.deepEqual(await came.next(), ['bob']);
				bob.socket.disconnect();
				assert.deepEqual(await gone.next(), ['bob']); // where nobody waits for him, it is known that he left
				await connected(bob.socket);
				await bob.enter();
				const carl = await enter(cleanup, server, 'carl');
				await carl.sees('ann', 'bob', 'carl');
				await ann.sees('ann', 'bob', 'carl');
				assert.deepEqual(ann.log, ['here', '+bob', '+carl']);
			}),
		);

		test('clients of all generations, names and lists as they want them, the namespace as a room', limit(), () =>
			withCleanup(async (cleanup) => {
				const whole = {
					member: '{query.user}',
					info: { user_id: '{query.user}', user_info: { name: 'the {query.user}', sid: '{sid}' } },
					events: {
						here: ['presence:subscribed', '{room}', '{members}', '{ids}', '{count}', '{nsp}'],
						joining: ['presence:joining', '{room}', '{info}', '{info.user_info.name}', '{member}', '{count}'],
						leaving: ['presence:leaving', '{room}', '{info}'],
					},
					linger: 0,
					shared: false,
				};
				const server = await startSiocast(cleanup, { namespaces: { '/': { presence: whole } } });
				for (const version of ['1.7.4', '2.5.0', '4.8.4']) {
					const client = require(`client-${version}`);
					const log = [];
					const come = async (user) => {
						const socket = (client.io ?? client)(`${server.url}?user=${user}`, { forceNew: true });
						cleanup.add(socket, () => socket.disconnect());
						for (const event of ['presence:subscribed', 'presence:joining', 'presence:leaving'])
							socket.on(event, (...args) => log.push([user, event.slice(9), ...args]));
						await eventually(() => log.some(([who, event]) => who === user && event === 'subscribed'), `${user}'s list`);
						return socket;
					};
					const one = await come('1');
					const two = await come('2');
					await eventually(() => log.length === 3, 'one to hear of two');
					two.disconnect();
					await eventually(() => log.length === 4, 'one to hear that two left');
					const info = (user, socket) => ({ user_id: user, user_info: { name: `the ${user}`, sid: socket } });
					const [first] = log[0][3].map((who) => who.user_info.sid);
					const second = log[3][3].user_info.sid;
					assert.notEqual(first, second);
					const both = [info('1', first), info('2', second)];
					assert.deepEqual(log[0], ['1', 'subscribed', null, [both[0]], ['1'], 1, '/']);
					assert.deepEqual(log.find(([, event]) => event === 'joining'), ['1', 'joining', null, both[1], 'the 2', '2', 2]);
					assert.deepEqual(log.find(([user]) => user === '2'), ['2', 'subscribed', null, both, ['1', '2'], 2, '/']);
					assert.deepEqual(log[3], ['1', 'leaving', null, both[1]]);
					one.disconnect();
					await eventually(async () => (await metric(server, 'presence_rooms')) === 0, 'everybody to be gone');
				}
			}),
		);

		test('whoever cannot be a member is in the room, and hears nothing', limit(), () =>
			withCleanup(async (cleanup) => {
				const server = await startSiocast(cleanup, {
					logLevel: 'debug',
					namespaces: namespaces({ shared: false, maxMembers: 3, maxBytes: 100, info: '{auth.info}' }),
				});
				const bad = [undefined, null, '', true, {}, [], ['a'], 'x'.repeat(200)];
				const pages = [];
				for (const user of bad) pages.push(await (await open(cleanup, server, '', { auth: { user } })).enter());
				pages.push(await (await open(cleanup, server, '', { auth: { user: 'a', info: ['y'.repeat(200)] } })).enter());
				// 42 and "42" are the same one; what is called as JSON is not looked at.
				const raw = { a: [1, 'é\u2028</script>', null], '': -0.5 };
				const good = await (await open(cleanup, server, '', { auth: { user: 42, info: raw } })).enter();
				await eventually(() => good.list, 'the list');
				assert.deepEqual(good.members, [raw]);
				const same = await (await open(cleanup, server, '', { auth: { user: '42', info: raw } })).enter();
				await eventually(() => same.list, 'the list');
				assert.deepEqual(same.members, [raw]);
				// The room has an end.
				for (const user of ['b', 'c', 'd', 'e']) pages.push(await (await open(cleanup, server, '', { auth: { user, info: user } })).enter());
				await eventually(() => good.list.size === 3, 'two more');
				await eventually(async () => (await metric(server, 'presence_full_total')) === 2, 'two too many');
				assert.equal(await metric(server, 'presence_refused_total'), bad.length + 1);
				assert(pages.slice(0, bad.length + 1).every((page) => page.log.length === 0));
				await server.child.says(/event=presence-refused .*why="a value is missing"/);
			}),
		);

		test('namespaces by pattern', limit(), () =>
			withCleanup(async (cleanup) => {
				const presence = { ...PRESENCE, member: '{nsp.1}.{auth.user}', shared: false };
				const server = await startSiocast(cleanup, { namespaces: { '/site-*': { on: ON, presence }, '/site-b': { on: ON } } });
				const come = async (namespace, user) =>
					(await open(cleanup, server, user, { namespace, auth: { user, name: user } })).enter();
				const ann = await come('/site-a', 'ann');
				await come('/site-b', 'bob'); // has a configuration of its own, without
				const carl = await come('/site-c', 'carl');
				const dan = await come('/site-a', 'dan');
				await Promise.all([ann.sees('ann', 'dan'), dan.sees('ann', 'dan'), carl.sees('carl')]);
			}),
		);

		test('rooms of any name', limit(), () =>
			withCleanup(async (cleanup) => {
				const server = await startSiocast(cleanup, { namespaces: namespaces({ shared: false, rooms: ['*'] }) });
				for (const room of ['', ' ', '\u0000', '"', '\\', '["a"]', 'é\u{1f600}', '\r\n', '{room}', '*']) {
					const one = await enter(cleanup, server, 'one', room);
					await one.sees('one');
					const two = await enter(cleanup, server, 'two', room);
					await Promise.all([one.sees('one', 'two'), two.sees('one', 'two')]);
					two.socket.disconnect();
					await one.sees('one');
					one.socket.disconnect();
				}
			}),
		);
	});

	describe('on several nodes', () => {
		const shared = (redis, more = {}) => ({
			redis: redis.url,
			presence: { expiry: 1000 },
			namespaces: namespaces({}, { count: { event: 'online', interval: 50 } }),
			...more,
		});

		async function startNodes(cleanup, n, more) {
			const redis = await startRedis(cleanup, await freePort());
			const nodes = [];
			for (let i = 0; i < n; i++) nodes.push(await startSiocast(cleanup, shared(redis, { workers: 1 + (i % 2), ...more })));
			await meet(nodes);
			return { redis, nodes };
		}

		const meet = (nodes) =>
			Promise.all(nodes.map((node) =>
				eventually(async () => (await metric(node, 'presence_nodes')) === nodes.length - 1, 'the nodes to meet')));

		test('one list and one number; a member moves; a node ends', limit(), () =>
			withCleanup(async (cleanup) => {
				const { nodes } = await startNodes(cleanup, 3);
				const ann = await open(cleanup, nodes[0], 'ann');
				const online = [];
				ann.socket.on('online', (n) => online.push(n));
				await ann.enter();
				await ann.sees('ann');
				const bob = await enter(cleanup, nodes[1], 'bob');
				await bob.sees('ann', 'bob');
				await ann.sees('ann', 'bob');
				const carl = await enter(cleanup, nodes[2], 'carl');
				await Promise.all([ann, bob, carl].map((page) => page.sees('ann', 'bob', 'carl')));
				await eventually(() => online.at(-1) === 3, 'three online');
				// He has come here before he goes there.
				const other = await enter(cleanup, nodes[0], 'bob');
				await other.sees('ann', 'bob', 'carl');
				await eventually(() => online.at(-1) === 4, 'four online');
				bob.socket.disconnect();
				await eventually(() => online.at(-1) === 3, 'three online');
				carl.socket.disconnect();
				await ann.sees('ann', 'bob');
				assert.deepEqual(ann.log, ['here', '+bob', '+carl', '-carl']);
				const dan = await enter(cleanup, nodes[2], 'dan');
				await ann.sees('ann', 'bob', 'dan');
				await nodes[2].child.stop();
				await ann.sees('ann', 'bob');
				dan.socket.disconnect();
				assert.equal(await metric(nodes[0], 'presence_nodes'), 1);
			}),
		);

		test('a node that is killed, and a node that starts', limit(), () =>
			withCleanup(async (cleanup) => {
				const { redis, nodes } = await startNodes(cleanup, 2);
				const ann = await enter(cleanup, nodes[0], 'ann');
				const bob = await enter(cleanup, nodes[1], 'bob');
				await ann.sees('ann', 'bob');
				await nodes[1].child.kill();
				bob.socket.disconnect();
				await ann.sees('ann');
				assert.deepEqual(ann.log, ['here', '+bob', '-bob']);
				assert.equal((await redis.client.command('KEYS', 'siocast:presence:*')).length, 1);
				const late = await startSiocast(cleanup, shared(redis));
				const carl = await enter(cleanup, late, 'carl');
				await carl.sees('ann', 'carl');
				await ann.sees('ann', 'carl');
			}),
		);

		test('Redis restarts: nobody leaves, and what happened meanwhile is told once', limit(), () =>
			withCleanup(async (cleanup) => {
				const { redis, nodes } = await startNodes(cleanup, 2, { presence: { expiry: 3000 } });
				const ann = await enter(cleanup, nodes[0], 'ann');
				const bob = await enter(cleanup, nodes[1], 'bob');
				const carl = await enter(cleanup, nodes[1], 'carl');
				await Promise.all([ann, bob, carl].map((page) => page.sees('ann', 'bob', 'carl')));
				await redis.child.kill();
				await eventually(async () => (await metric(nodes[0], 'redis_connections')) === 0, 'Redis to be away');
				carl.socket.disconnect();
				const dan = await enter(cleanup, nodes[0], 'dan');
				await dan.sees('ann', 'bob', 'carl', 'dan');
				await bob.sees('ann', 'bob');
				const again = await startRedis(cleanup, redis.port);
				await Promise.all([ann, bob, dan].map((page) => page.sees('ann', 'bob', 'dan')));
				assert.deepEqual(ann.log.filter((line) => line !== 'here').sort(), ['+bob', '+carl', '+dan', '-carl']);
				assert.deepEqual(bob.log.filter((line) => line !== 'here').sort(), ['+carl', '+dan', '-carl']);
				// A state that is lost is written again.
				const keys = () => again.client.command('KEYS', 'siocast:presence:*');
				for (const key of await keys()) await again.client.command('DEL', key);
				await eventually(async () => (await keys()).length === 2, 'both states');
				const eve = await enter(cleanup, nodes[1], 'eve');
				await Promise.all([ann, bob, dan, eve].map((page) => page.sees('ann', 'bob', 'dan', 'eve')));
			}),
		);

		test('a room of ten thousand', limit(), () =>
			withCleanup(async (cleanup) => {
				const { redis, nodes } = await startNodes(cleanup, 1, { namespaces: namespaces({ maxMembers: 20000 }) });
				const ann = await enter(cleanup, nodes[0], 'ann');
				await ann.sees('ann');
				const fields = ['seq', '7'];
				for (let i = 1; i < 10000; i++) fields.push(JSON.stringify(['/', 'presence-room', `${i}`]), `[${i},"user ${i}"]`);
				await redis.client.command('HSET', 'siocast:presence:other', ...fields);
				await redis.client.command('PUBLISH', 'siocast:presence', '["other",7]');
				await eventually(() => ann.list.size === 10000, 'all of them');
				const bob = await enter(cleanup, nodes[0], 'bob');
				await eventually(() => bob.list?.size === 10001, 'the list');
				// Junk on the channel, a number that is missing, and one that is not.
				for (const text of ['', '{}', '[]', '["other"]', '["other",8,[1,["?"],["+"],["+","/"],["-","/","presence-room",{}]]]'])
					await redis.client.command('PUBLISH', 'siocast:presence', text);
				await redis.client.command('PUBLISH', 'siocast:presence', '["other",9,[["+","/","presence-room",0,"zero"]]]');
				await ann.sees(...bob.members, 'zero');
				assert.equal(ann.list.size, 10002);
				await redis.client.command('PUBLISH', 'siocast:presence', '["other",9,"bye"]');
				await ann.sees('ann', 'bob');
			}),
		);
	});

	test('how many there are, by interval, for a namespace and for rooms', limit(), () =>
		withCleanup(async (cleanup) => {
			const server = await startSiocast(cleanup, {
				workers: 2,
				namespaces: {
					'/': {
						on: ON,
						count: [
							{ event: 'online', interval: 600000, shared: false },
							{ rooms: ['sym.*'], event: ['watchers', '{room}', '{count}'], interval: 10, shared: false },
						],
					},
				},
			});
			const first = createClient(cleanup, server);
			const online = collect(first, 'online');
			const watchers = collect(first, 'watchers');
			await connected(first);
			assert.deepEqual(await online.next(), [1]);
			// The interval is not over: only who is new is told.
			let last;
			for (let i = 2; i < 5; i++) {
				const next = createClient(cleanup, server);
				const told = collect(next, 'online');
				await connected(next);
				assert.deepEqual(await told.next(), [i]);
				if (i === 2) await ask(first, 'enter', 'sym.A');
				await ask(next, 'enter', 'sym.A');
				last = next;
			}
			let before = 0;
			const until = async (wanted) => {
				for (let seen = 0; seen !== wanted; before = seen) {
					const [room, n] = await watchers.next();
					assert.equal(room, 'sym.A');
					assert.notEqual(n, before); // only what has changed
					seen = n;
				}
			};
			await until(4);
			last.disconnect();
			await until(3);
			assert.equal(online.items.length, 0);
		}),
	);

	test('mistakes of a configuration', limit(), () =>
		withCleanup(async (cleanup) => {
			const mistake = async (presence, pattern, more = {}) => {
				const { file } = await configure(cleanup, { namespaces: { '/': { presence, ...more } } });
				const { status, stderr } = spawnSync(SIOCAST, ['-t', '-c', file], { encoding: 'utf8' });
				assert.equal(status, 1, stderr);
				assert.match(stderr, pattern);
			};
			await mistake(true, /presence: expected an object, not a boolean/);
			await mistake({ events: EVENTS }, /presence: "member" is missing/);
			await mistake({ member: '{sid}' }, /presence: "events" has none/);
			await mistake({ member: '{sid}', events: {} }, /presence.*: "events" has none/);
			await mistake({ member: '{1}', events: EVENTS }, /member: \{1\} stands for nothing at "connection"/);
			await mistake({ member: 42, events: EVENTS }, /member: expected a string with a placeholder/);
			await mistake({ member: '{sid}', events: { here: 'connect' } }, /here: clients refuse events called "connect"/);
			await mistake({ member: '{sid}', events: { here: ['x', '{info}'] } }, /here: \/1: \{info\} stands for nothing in "here"/);
			await mistake({ member: '{sid}', events: { leaving: ['x', '{members}'] } }, /leaving: \/1: \{members\} stands for nothing/);
			await mistake({ member: '{sid}', events: { left: 'x' } }, /left/);
			await mistake({ ...PRESENCE, linger: -1 }, /linger/);
			await mistake({ ...PRESENCE, rooms: [''] }, /rooms.*: expected a string that is not empty/);
			await mistake(PRESENCE, /count: "event" is missing/, { count: {} });
			await mistake(PRESENCE, /count\[1\].event: \/1: \{info\} stands for nothing in the event of a count/, {
				count: [{ event: 'x' }, { event: ['x', '{info}'] }],
			});
		}),
	);
});
