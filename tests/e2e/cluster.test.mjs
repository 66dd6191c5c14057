// SPDX-License-Identifier: MIT
//
// A Redis Cluster: what is published at any node, shard channels at the nodes that have their slots, which move, and nodes that come and go.

import assert from 'node:assert/strict';
import net from 'node:net';
import { describe, test } from 'node:test';
import { authority } from './lib/certificates.mjs';
import { withCleanup } from './lib/cleanup.mjs';
import { MODES, connect } from './lib/client.mjs';
import { introduce, moveSlot, nameAtEach, ownerOf, slotOf, spublish, startCluster, startNode } from './lib/cluster.mjs';
import { SIOCAST_ONLY } from './lib/daemon.mjs';
import { Renewed } from './lib/handover.mjs';
import { request } from './lib/http.mjs';
import { metric } from './lib/metrics.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { reload, startReloadable } from './lib/reload.mjs';
import { SLOW, eventually, limit } from './lib/wait.mjs';

const terms = { encode: 'json', batch: { interval: 0 }, gapEvent: true };
const feed = (key, name) => ({ [key]: name, event: '{channel}', ...terms });
const NAMESPACES = { '/': { on: { up: [{ publish: { channel: 'a', message: '{1}' } }], to: [{ publish: { channel: '{1}', message: '{2}' } }] } } };

const ready = (server) => eventually(async () => (await request(server.admin, 'GET', '/readyz')).status === 200, 'siocast to be ready', 30_000 * SLOW);

async function start(cleanup, redis, config = {}) {
	const server = await startReloadable(cleanup, { redis, namespaces: NAMESPACES, ...config });
	const client = await connect(cleanup, server, MODES.websocket);
	const got = []; // [channel, message]
	const gaps = [];
	client.onAny((event, value) => {
		if (event === 'siocast:gap') gaps.push(value);
		else if (!event.startsWith('siocast:')) for (const one of [value].flat()) got.push([event, one]);
	});
	return { server, client, got, gaps };
}

/** How many connections of siocast a node has. */
const connectedTo = async ({ client }) => (String(await client.command('CLIENT', 'LIST')).match(/ name=siocast/g) ?? []).length;

/** How many connections of siocast have shard channels there. */
const withShards = async ({ client }) => (String(await client.command('CLIENT', 'LIST')).match(/ ssub=[1-9]/g) ?? []).length;

/** A node that says what it is told to say; gives its port, and what it was asked. `answer`: to SSUBSCRIBE of a name; `leave`: to SUNSUBSCRIBE. */
async function fakeNode(cleanup, slots, answer, leave = () => '+OK\r\n') {
	const asked = [];
	const bulk = (text) => `$${text.length}\r\n${text}\r\n`;
	const server = net.createServer((socket) => {
		socket.on('error', () => {});
		socket.on('data', (chunk) => {
			for (const [, command, name] of String(chunk).matchAll(/\*\d+\r\n\$\d+\r\n(\w+)\r\n(?:\$\d+\r\n(\S+)\r\n)?/g)) {
				asked.push([command, Date.now()]);
				if (command === 'CLUSTER') socket.write(`*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n${bulk('127.0.0.1')}:${slots()}\r\n${bulk('id')}`);
				else if (command === 'SSUBSCRIBE') socket.write(answer(name, bulk));
				else if (command === 'SUNSUBSCRIBE') socket.write(leave(name, bulk));
				else socket.write('+OK\r\n');
			}
		});
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	cleanup.add(server, () => new Promise((resolve) => server.close(resolve)));
	const { port } = server.address();
	return { asked, port, times: (command) => asked.filter(([one]) => one === command).length };
}

describe('nodes that say something odd', { skip: SIOCAST_ONLY }, () => {
	test('each that the slot is at the other one', limit(), () =>
		withCleanup(async (cleanup) => {
			let other;
			const one = await fakeNode(cleanup, () => one.port, () => `-MOVED 1 127.0.0.1:${other.port}\r\n`);
			other = await fakeNode(cleanup, () => one.port, () => `-MOVED 1 127.0.0.1:${one.port}\r\n`);
			const { server } = await start(cleanup, { cluster: `127.0.0.1:${one.port}` }, { feeds: [feed('shard', 's')] });
			const all = (command) => one.times(command) + other.times(command);
			await eventually(() => all('SSUBSCRIBE') >= 25, 'it to be asked again and again');
			const [[, first]] = one.asked;
			const seconds = (Date.now() - first) / 1000;
			// Ten times in a second, and once more for each time that the map is read.
			assert.ok(all('SSUBSCRIBE') <= 20 * seconds + 10, `${all('SSUBSCRIBE')} in ${seconds} s`);
			assert.ok(all('CLUSTER') <= 5 * seconds + 10, `${all('CLUSTER')} in ${seconds} s`);
			assert.equal((await request(server.admin, 'GET', '/readyz')).status, 503);
		}),
	);

	test('that it is down, then that it is not, and a channel that is taken away between two answers', limit(), () =>
		withCleanup(async (cleanup) => {
			let down = true;
			let there = false;
			let goes = true;
			const node = await fakeNode(cleanup, () => node.port, (name, bulk) => {
				// The one is asked for before the other; in a turn of its own where the machine is busy.
				if (down || (name === 'b' && !there)) return `-${name === 'a' ? 'CLUSTERDOWN Hash slot not served' : 'TRYAGAIN x'}\r\n`;
				const yes = `*3\r\n${bulk('ssubscribe')}${bulk(name)}:1\r\n`;
				there = true;
				if (name !== 'b' || !goes) return yes;
				goes = false;
				// It was there, goes before the next is answered, and what is told of it then is nobody's.
				const message = (text) => `*3\r\n${bulk('smessage')}${bulk('a')}${bulk(text)}`;
				return `${message('1')}*3\r\n${bulk('sunsubscribe')}${bulk('a')}:1\r\n${message('2')}${yes}`;
			});
			const { server, got, gaps } = await start(cleanup, { cluster: `127.0.0.1:${node.port}` }, { feeds: [feed('shard', ['a', 'b'])] });
			await server.child.says(/event=shard-waits shard="a".* reason="CLUSTERDOWN/);
			assert.equal((await request(server.admin, 'GET', '/readyz')).status, 503);
			down = false;
			await eventually(() => gaps.length === 1, 'the gap');
			await ready(server);
			assert.equal(gaps[0].channel, 'a');
			assert.deepEqual(got, [['a', 1]]);
		}),
	);

	// The slot goes elsewhere while the channel is being left: the node says by itself that it is left, and answers then that it is not there.
	const left = (name, bulk) => `*3\r\n${bulk('sunsubscribe')}${bulk(name)}:0\r\n`;
	for (const [how, behind] of [
		['is elsewhere', () => '-MOVED 1 127.0.0.1:1\r\n'],
		['is down', () => '-CLUSTERDOWN Hash slot not served\r\n'],
		['is left once more', left],
		['may not be left', () => "-NOPERM this user has no permissions to run the 'sunsubscribe' command\r\n"],
	])
		test(`that a channel is left before it is asked, and then that it ${how}: the others stay`, limit(), () =>
			withCleanup(async (cleanup) => {
				const message = (bulk, name, text) => `*3\r\n${bulk('smessage')}${bulk(name)}${bulk(text)}`;
				let sent = 0;
				const yes = (name, bulk) => `*3\r\n${bulk('ssubscribe')}${bulk(name)}:1\r\n${++sent > 2 ? message(bulk, name, String(sent)) : ''}`;
				const node = await fakeNode(cleanup, () => node.port, yes, (name, bulk) => left(name, bulk) + behind(name, bulk) + message(bulk, 'b', '10'));
				const { server, got, gaps } = await start(cleanup, { cluster: `127.0.0.1:${node.port}` }, { feeds: [feed('shard', ['a', 'b'])] });
				await ready(server);
				assert.equal((await reload(server, { feeds: [feed('shard', 'b')] })).status, 200);
				await eventually(() => node.times('SUNSUBSCRIBE') === 1, 'a to be left');
				assert.equal((await reload(server, { feeds: [feed('shard', ['a', 'b'])] })).status, 200);
				await eventually(() => got.length === 2, 'what is published');
				assert.deepEqual(got, [['b', 10], ['a', 3]]);
				await ready(server);
				assert.deepEqual(gaps, []);
				assert.equal(node.times('SSUBSCRIBE'), 3, 'nothing is asked anew');
			}),
		);
});

describe('Redis Cluster', { skip: SIOCAST_ONLY }, () => {
	for (const workers of [1, 2])
		test(`what is published at any node arrives once, with ${workers} workers`, limit(120), () =>
			withCleanup(async (cleanup) => {
				const cluster = await startCluster(cleanup);
				const shards = await nameAtEach(cluster, 'shard');
				// Of one that is in no slot of its own, but where its tag is.
				const tagged = `other{${shards[1]}}`;
				const feeds = [feed('channel', 'a'), feed('pattern', 'p.*'), feed('shard', [...shards, tagged])];
				const { server, client, got, gaps } = await start(cleanup, { cluster: cluster.addresses }, { workers, feeds });
				await ready(server);
				const want = [];
				for (const [i, node] of cluster.masters.entries()) {
					await node.client.publish('a', String(i));
					await node.client.publish('p.x', String(10 + i));
					await spublish(cluster.masters, shards[i], String(20 + i), node);
					want.push(['a', i], ['p.x', 10 + i], [shards[i], 20 + i]);
				}
				await spublish(cluster.masters, tagged, '30');
				client.emit('up', '40');
				want.push([tagged, 30], ['a', 40]);
				// What handlers publish goes where a feed hears it.
				for (const [i, name] of [...shards, tagged, 'p.y'].entries()) {
					client.emit('to', name, String(50 + i));
					want.push([name, 50 + i]);
				}
				await eventually(() => got.length >= want.length, 'what was published');
				assert.deepEqual(got.map(String).sort(), want.map(String).sort());
				assert.deepEqual(gaps, []);
				// Two of them are at one node, and have one connection there.
				assert.deepEqual(await Promise.all(cluster.masters.map(withShards)), [1, 1, 1]);
				assert.match((await request(server.admin, 'GET', '/readyz')).text, new RegExp(`redis cluster@${cluster.addresses[0]} subscribed`));
			}),
		);

	test('a slot is moved while messages come: each comes once, or is in the gap that is told', limit(180), () =>
		withCleanup(async (cleanup) => {
			const cluster = await startCluster(cleanup);
			const [shard, still] = await nameAtEach(cluster, 's');
			const { server, got, gaps } = await start(cleanup, { cluster: cluster.addresses[2] }, { feeds: [feed('shard', [shard, still])] });
			const [one, other, third] = cluster.masters;
			const of = (name) => got.filter(([channel]) => channel === name).map(([, n]) => n);
			const slot = await slotOf(one, shard);
			await ready(server);
			const sent = [];
			let goes = true;
			let at = one;
			const publishBoth = async () => {
				const n = sent.length;
				const before = Date.now();
				at = await spublish(cluster.masters, shard, String(n), at);
				await spublish(cluster.masters, still, String(n), other);
				sent.push({ n, before, after: Date.now() });
				return n;
			};
			const publish = async () => {
				while (goes) await publishBoth();
			};
			const publishing = publish();
			const times = 6;
			for (let i = 0; i < times; i++) {
				const [so, told] = [of(shard).length, gaps.length];
				await moveSlot(slot, i % 2 ? other : one, i % 2 ? one : other, i % 3 ? [third] : []);
				await eventually(() => gaps.length > told, 'a gap to be told', 5000 * SLOW);
				await eventually(() => of(shard).length > so + 10, 'messages from there');
			}
			goes = false;
			await publishing;
			// Who hears of it late may have it sent back once more: until that is over, one is in a gap again.
			await eventually(async () => {
				const last = await publishBoth();
				return eventually(() => of(shard).includes(last), 'the last one', 1000).then(() => true, () => false);
			}, 'the last one');
			await eventually(() => of(still).length === sent.length, 'the last one of what stays');
			// What stays where it is misses nothing.
			assert.deepEqual(of(still), [...sent.keys()], JSON.stringify(gaps));
			const seen = of(shard);
			assert.equal(new Set(seen).size, seen.length, 'nothing comes twice');
			assert.deepEqual(seen, [...seen].sort((a, b) => a - b));
			const missing = sent.filter(({ n }) => !seen.includes(n));
			const told = ({ before, after }) => gaps.some(({ from, to }) => from <= after && before <= to);
			assert.deepEqual(missing.filter((m) => !told(m)), [], `of ${sent.length} sent, untold of ${missing.length} missing; gaps ${JSON.stringify(gaps)}`);
			assert.deepEqual([...new Set(gaps.map(({ channel }) => channel))], [shard]);
			assert.ok(gaps.every(({ from, to }) => to - from < 3000 * SLOW), JSON.stringify(gaps));
			assert.ok((await metric(server, 'redis_shard_moves_total')) >= times);
			assert.ok(seen.length > 10 * times);
		}),
	);

	test('what the next owner of a slot takes before the one before knows is in the gap', limit(120), () =>
		withCleanup(async (cleanup) => {
			const cluster = await startCluster(cleanup);
			const [shard] = await nameAtEach(cluster, 's');
			const { server, got, gaps } = await start(cleanup, { cluster: cluster.addresses[2] }, { feeds: [feed('shard', shard)] });
			await ready(server);
			const slot = await slotOf(cluster.masters[0], shard);
			const times = [];
			for (let i = 0; i < 4; i++) {
				const [from, to] = i % 2 ? [cluster.masters[1], cluster.masters[0]] : cluster.masters;
				await to.client.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id);
				await from.client.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id);
				const taken = to.client.command('CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
				await to.client.command('SPUBLISH', shard, String(i));
				await taken;
				times.push(Date.now());
				await from.client.command('CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
				await eventually(() => gaps.length > i, 'the gap', 5000 * SLOW);
				await ready(server);
			}
			await spublish(cluster.masters, shard, 'null');
			await eventually(() => got.at(-1)?.[1] === null, 'the last one');
			const seen = got.map(([, n]) => n);
			assert.ok(seen.length < 5, 'some are missing');
			for (const [i, at] of times.entries()) assert.ok(seen.includes(i) || (gaps[i].from <= at && at <= gaps[i].to), `${i} at ${at}: ${JSON.stringify(gaps)}`);
		}),
	);

	for (const [how, fail, wake] of [
		['is killed', (node) => node.child.kill(), () => {}],
		['answers no more', (node) => process.kill(node.child.pid, 'SIGSTOP'), (node) => process.kill(node.child.pid, 'SIGCONT')],
	])
		test(`a master ${how}: its replica is gone to within 5 s`, limit(180), () =>
			withCleanup(async (cleanup) => {
				const cluster = await startCluster(cleanup, { replicas: 1 });
				const shards = await nameAtEach(cluster, 's');
				const [dead, ...rest] = cluster.masters;
				// The one that everything else is heard from first is the one that goes.
				const { server, got, gaps } = await start(cleanup, { cluster: cluster.addresses }, { feeds: [feed('channel', 'a'), feed('shard', shards)] });
				await ready(server);
				const slot = await slotOf(dead, shards[0]);
				cleanup.add(dead, () => wake(dead));
				const died = Date.now();
				await fail(dead);
				const port = await eventually(async () => {
					const now = await ownerOf(rest[0], slot);
					return now !== dead.port && now;
				}, 'another master', 60_000);
				const from = Date.now();
				const next = cluster.replicas.find((node) => node.port === port);
				await eventually(async () => (await withShards(next)) === 1, 'siocast there', 30_000);
				const took = Date.now() - from;
				assert.ok(took < 5000 * SLOW, `it took ${took} ms`);
				await ready(server);
				await spublish([next, ...rest], shards[0], '1');
				for (const [i, node] of rest.entries()) await spublish([next, ...rest], shards[i + 1], '2', node);
				await rest[0].client.publish('a', '3');
				await next.client.publish('a', '4');
				await eventually(() => got.length === 5, 'what is published then');
				assert.deepEqual(got.map(([, n]) => n).sort(), [1, 2, 2, 3, 4]);
				await eventually(() => gaps.length === 2, 'two gaps');
				assert.deepEqual(gaps.map(({ channel }) => channel).sort(), ['a', shards[0]].sort());
				for (const gap of gaps) assert.ok(gap.from <= died + 50 && gap.to >= died, `${JSON.stringify(gap)} around ${died}`);
				// The one before comes back as a replica, and tells the same messages to whoever is still there.
				wake(dead);
				if (dead.child.exited) await startNode(cleanup, { port: dead.port });
				else await eventually(async () => (await ownerOf(dead, slot)) === port, 'it to know', 30_000);
				await spublish([next, ...rest], shards[0], '5');
				await eventually(() => got.length === 6, 'the next message');
				assert.equal(await withShards(next), 1);
			}),
		);

	test('a node is added, gets slots, and is gone to', limit(120), () =>
		withCleanup(async (cleanup) => {
			const cluster = await startCluster(cleanup);
			const shards = await nameAtEach(cluster, 's');
			const { server, got, gaps } = await start(cleanup, { cluster: cluster.addresses }, { feeds: [feed('shard', shards)] });
			await ready(server);
			const added = await startNode(cleanup);
			await introduce([...cluster.nodes, added], [added]);
			await moveSlot(await slotOf(added, shards[0]), cluster.masters[0], added, cluster.masters.slice(1));
			await eventually(() => gaps.length === 1, 'the gap');
			await spublish([added], shards[0], '1');
			await eventually(() => got.length === 1, 'what is published there');
			// Nothing is left at the one before: so nobody is connected there for that.
			await eventually(async () => (await withShards(cluster.masters[0])) === 0, 'the connection before to be closed');
			assert.equal(await withShards(added), 1);
		}),
	);

	test('the node that says where slots are is taken out of the Cluster', limit(120), () =>
		withCleanup(async (cleanup) => {
			const cluster = await startCluster(cleanup);
			const added = await startNode(cleanup);
			const [one, other, third] = cluster.masters;
			await introduce([one, ...cluster.nodes.filter((node) => node !== one), added], [added]);
			const [shard] = await nameAtEach(cluster, 's');
			// It is asked for the slots, and serves none of what is subscribed to.
			const { server, got, gaps } = await start(cleanup, { cluster: [`127.0.0.1:${added.port}`, ...cluster.addresses] }, { feeds: [feed('shard', shard)] });
			await ready(server);
			assert.equal(await connectedTo(added), 1);
			await added.client.command('CLUSTER', 'RESET', 'HARD');
			for (const { client } of cluster.masters) await client.command('CLUSTER', 'FORGET', added.id);
			await server.child.says(/event=slots-unknown reason="it knows of no slots/);
			await moveSlot(await slotOf(one, shard), one, other, [third]);
			await eventually(() => gaps.length === 1, 'the gap');
			await spublish(cluster.masters, shard, '1');
			await eventually(() => got.length === 1, 'what is published there');
			await eventually(async () => (await connectedTo(added)) === 0, 'it to be left');
		}),
	);

	test('nodes that are not there, or none of a Cluster', limit(120), () =>
		withCleanup(async (cleanup) => {
			const cluster = await startCluster(cleanup);
			const alone = await startRedis(cleanup, await freePort());
			const lonely = await startNode(cleanup);
			const nobody = `127.0.0.1:${await freePort()}`;
			const seeds = [nobody, `127.0.0.1:${alone.port}`, `127.0.0.1:${lonely.port}`];
			const feeds = [feed('channel', 'a'), feed('shard', 's')];
			const { server } = await start(cleanup, { cluster: seeds }, { feeds });
			for (const why of [`node ${seeds[2]}: it knows of no slots`]) await server.child.says(new RegExp(why));
			assert.equal((await request(server.admin, 'GET', '/readyz')).status, 503);
			const good = await start(cleanup, { cluster: [...seeds, ...cluster.addresses.slice(2)] }, { feeds });
			await ready(good.server);
			await spublish(cluster.masters, 's', '1');
			await cluster.masters[0].client.publish('a', '2');
			await eventually(() => good.got.length === 2, 'what is published');
		}),
	);

	test('with a password', limit(120), () =>
		withCleanup(async (cleanup) => {
			const cluster = await startCluster(cleanup);
			const shards = await nameAtEach(cluster, 's');
			for (const { client } of cluster.nodes) await client.command('CONFIG', 'SET', 'requirepass', 'secret');
			const feeds = [feed('channel', 'a'), feed('shard', shards)];
			const wrong = await start(cleanup, { cluster: `redis://:wrong@${cluster.addresses[0]}` }, { feeds });
			await wrong.server.child.says(/reason="node .*AUTH refused: WRONGPASS/);
			assert.ok(!wrong.server.child.output.includes('"wrong'));
			const { server, got } = await start(cleanup, { cluster: `redis://:secret@${cluster.addresses[0]}` }, { feeds });
			await ready(server);
			for (const [i, node] of cluster.masters.entries()) await spublish(cluster.masters, shards[i], String(i), node);
			await cluster.masters[1].client.publish('a', '3');
			await eventually(() => got.length === 4, 'what is published');
			assert.ok(!server.child.output.includes('secret'));
		}),
	);

	test('by TLS', limit(120), () =>
		withCleanup(async (cleanup) => {
			const ca = await authority(cleanup);
			const its = await ca.issue(['127.0.0.1']);
			const ports = [];
			const args = async () => {
				ports.push(await freePort());
				return ['--tls-port', ports.at(-1), '--tls-cluster', 'yes', '--tls-cert-file', its.cert, '--tls-key-file', its.key, '--tls-ca-cert-file', ca.ca, '--tls-auth-clients', 'no'];
			};
			const cluster = await startCluster(cleanup, { args });
			const shards = await nameAtEach(cluster, 's');
			const feeds = [feed('channel', 'a'), feed('shard', shards)];
			const redis = { cluster: `rediss://127.0.0.1:${ports[0]}`, tls: { ca: ca.ca } };
			const { server, got } = await start(cleanup, redis, { feeds });
			await ready(server);
			for (const [i, node] of cluster.masters.entries()) await spublish(cluster.masters, shards[i], String(i), node);
			await cluster.masters[1].client.publish('a', '3');
			await eventually(() => got.length === 4, 'what is published');
			// Each node's certificate is for its own host, and no other name will do.
			assert.equal(server.child.output.match(/role=shards tls=TLSv1/g).length, 3);
			const wrong = await start(cleanup, { ...redis, tls: { ca: ca.ca, serverName: 'other.test' } }, { feeds });
			await wrong.server.child.says(/certificate is not for other\.test/);
		}),
	);

	test('an ACL that forbids a shard channel', limit(120), () =>
		withCleanup(async (cleanup) => {
			const cluster = await startCluster(cleanup);
			const [good, bad] = await nameAtEach(cluster, 's');
			for (const { client } of cluster.nodes) await client.command('ACL', 'SETUSER', 'u', 'on', '>p', '+@all', '~*', `&${good}`);
			const { server, got } = await start(cleanup, { cluster: `redis://u:p@${cluster.addresses[0]}` }, { feeds: [feed('shard', [good, bad])] });
			await server.child.says(new RegExp(`event=subscription-refused shard="${bad}" reason="NOPERM`));
			await ready(server);
			await spublish(cluster.masters, good, '1');
			for (const { client } of cluster.nodes) await client.command('ACL', 'SETUSER', 'u', `&${bad}`);
			await server.child.says(/event=subscription-allowed/);
			await spublish(cluster.masters, bad, '2');
			await eventually(() => got.length === 2, 'what is published');
		}),
	);

	test('siocast is started anew without a break', limit(120), () =>
		withCleanup(async (cleanup) => {
			const cluster = await startCluster(cleanup);
			const shards = await nameAtEach(cluster, 's');
			const feeds = [feed('channel', 'a'), feed('shard', shards)];
			const server = await Renewed.start(cleanup, { redis: { cluster: cluster.addresses }, feeds, namespaces: NAMESPACES, connectionStateRecovery: {} });
			await server.ready();
			await server.renew();
			await server.ready();
			const client = await connect(cleanup, server, MODES.websocket);
			const got = [];
			client.onAny((event, value) => got.push([event, [value].flat()[0]]));
			for (const [i, node] of cluster.masters.entries()) {
				await spublish(cluster.masters, shards[i], String(i), node);
				await node.client.publish('a', String(10 + i));
			}
			await eventually(() => got.filter(([event]) => !event.startsWith('siocast:')).length === 6, 'what is published then');
			assert.deepEqual(await Promise.all(cluster.masters.map(withShards)), [1, 1, 1]);
		}),
	);

	test('other shard channels by a new configuration', limit(120), () =>
		withCleanup(async (cleanup) => {
			const cluster = await startCluster(cleanup);
			const [one, two, three] = await nameAtEach(cluster, 's');
			const { server, got, gaps } = await start(cleanup, { cluster: cluster.addresses }, { feeds: [feed('shard', [one, two])] });
			await ready(server);
			await spublish(cluster.masters, one, '1');
			assert.equal((await reload(server, { feeds: [feed('shard', [two, three])] })).status, 200);
			await ready(server);
			await eventually(async () => (await Promise.all(cluster.masters.map(withShards))).join() === '0,1,1', 'one to be left, and one to be there');
			await spublish(cluster.masters, one, '2');
			await spublish(cluster.masters, two, '3');
			await spublish(cluster.masters, three, '4');
			await eventually(() => got.length === 3, 'what is published');
			assert.deepEqual(got.sort(), [[one, 1], [two, 3], [three, 4]].sort());
			assert.deepEqual(gaps, []);
			const other = await reload(server, { redis: { cluster: cluster.addresses.slice(1) } });
			assert.match(JSON.stringify(other.needsRestart), /redis/);
			assert.equal((await reload(server, { redis: { cluster: cluster.addresses }, feeds: [feed('channel', 'a')] })).status, 200);
			await eventually(async () => (await Promise.all(cluster.masters.map(withShards))).join() === '0,0,0', 'all to be left');
		}),
	);
});

describe('shard channels of one server', { skip: SIOCAST_ONLY }, () => {
	test('come, and are missing while it is away', limit(120), () =>
		withCleanup(async (cleanup) => {
			const redis = await startRedis(cleanup, await freePort());
			const { server, client, got, gaps } = await start(cleanup, redis.url, { feeds: [feed('shard', ['s', 't'])] });
			await ready(server);
			await redis.client.command('SPUBLISH', 's', '1');
			await redis.client.publish('s', '2');
			await redis.client.command('SPUBLISH', 't', '3');
			await eventually(() => got.length === 2, 'what is published');
			assert.deepEqual(got, [['s', 1], ['t', 3]]);
			assert.equal(await connectedTo(redis), 1);
			client.emit('to', 's', '5');
			await eventually(() => got.length === 3, 'what a handler publishes');
			const at = Date.now();
			await redis.child.kill();
			const again = await startRedis(cleanup, redis.port);
			await eventually(() => gaps.length === 2, 'a gap of each');
			for (const { from, to } of gaps) assert.ok(from <= at + 50 && to >= at);
			await again.client.command('SPUBLISH', 's', '4');
			await eventually(() => got.length === 4, 'what is published then');
			assert.deepEqual(got.slice(2), [['s', 5], ['s', 4]]);
		}),
	);

	test('of a node of a Cluster that was named as a server', limit(120), () =>
		withCleanup(async (cleanup) => {
			const cluster = await startCluster(cleanup);
			const [good, bad] = await nameAtEach(cluster, 's');
			const { server } = await start(cleanup, cluster.addresses[0], { feeds: [feed('shard', [good, bad])] });
			await server.child.says(new RegExp(`event=subscription-refused shard="${bad}" reason="MOVED .*hint="it is a node of a Redis Cluster`));
		}),
	);
});
