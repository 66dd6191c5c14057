// SPDX-License-Identifier: MIT
//
// Several siocasts for one site, behind nginx and HAProxy with what `siocast lb` prints for them: every request of a session goes
// home, and the clients of a node that is killed are with another one soon.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { MODES, ask, collect, connected, createClient } from './lib/client.mjs';
import { SIOCAST_ONLY, feedsReady, launchSiocast, startSiocast } from './lib/daemon.mjs';
import { PATH, startLb } from './lib/fronts.mjs';
import { request } from './lib/http.mjs';
import { kills } from './lib/kills.mjs';
import { freePort } from './lib/ports.mjs';
import { startRedis } from './lib/redis.mjs';
import { tool } from './lib/tool.mjs';
import { eventually, limit } from './lib/wait.mjs';

const NAMES = ['a', 'b', 'node-3'];
const POLL = '/socket.io/?EIO=4&transport=polling';

/** Three nodes of two workers on one Redis. */
async function startNodes(cleanup, config = {}) {
	const redis = await startRedis(cleanup, await freePort());
	const nodes = [];
	for (const node of NAMES) {
		const server = await startSiocast(cleanup, {
			node,
			redis: redis.url,
			workers: 2,
			feeds: [{ channel: 'news', event: 'news', encode: 'json', batch: { interval: 0 } }],
			namespaces: { '/': { on: { echo: [{ ack: ['{1}'] }] } } },
			...config,
		});
		await feedsReady(redis, server);
		nodes.push({ ...server, name: node });
	}
	return { redis, nodes };
}

const why = (name) => spawnSync('bash', ['-c', `PATH=${PATH} command -v ${name}`]).status !== 0 && `there is no ${name}`;

const nodeOf = (sid) => sid.slice(2, 2 + 'ABCDEFG'.indexOf(sid[1]));

for (const proxy of Object.keys(startLb)) {
	describe(`three nodes behind ${proxy}`, { skip: SIOCAST_ONLY || why(proxy) }, () => {
		test('every client has its session, and one of a node that is killed comes back', limit(), () =>
			withCleanup(async (cleanup) => {
				const { redis, nodes } = await startNodes(cleanup);
				const front = await startLb[proxy](cleanup, nodes);
				const clients = [];
				for (const [mode, options] of Object.entries(MODES)) {
					for (let i = 0; i < 4; i++) {
						const socket = createClient(cleanup, front, { ...options, reconnectionDelay: 50, randomizationFactor: 0 });
						clients.push({ mode, socket, news: collect(socket, 'news') });
						await connected(socket);
					}
				}
				for (const { socket } of clients) assert.deepEqual(await ask(socket, 'echo', 'x'), ['x']);
				const homes = clients.map(({ socket }) => nodeOf(socket.io.engine.id));
				assert.deepEqual([...new Set(homes)].sort(), [...NAMES].sort());
				await redis.client.command('PUBLISH', 'news', '1');
				for (const { news } of clients) assert.deepEqual(await news.next(), [1]);

				await nodes[1].child.kill();
				for (const { socket } of clients) {
					await eventually(() => socket.connected && nodeOf(socket.io.engine.id) !== 'b', 'every client to be with a node that is left');
				}
				for (const { socket } of clients) assert.deepEqual(await ask(socket, 'echo', 'y'), ['y']);
				// Whoever was elsewhere did not notice.
				for (const [i, { socket }] of clients.entries()) {
					if (homes[i] !== 'b') assert.equal(nodeOf(socket.io.engine.id), homes[i]);
				}
			}),
		);

		test('nodes that were down, one after the other, take as many WebSockets at once as the others', limit(), () =>
			withCleanup(async (cleanup) => {
				const { redis, nodes } = await startNodes(cleanup);
				const front = await startLb[proxy](cleanup, nodes);
				const open = async () => {
					const socket = createClient(cleanup, front, { ...MODES.websocket, reconnection: false });
					await connected(socket);
				};
				for (const node of nodes) {
					await node.child.kill();
					// Some of them are sent to it first.
					for (let i = 0; i < 6; i++) await open();
					node.child = await launchSiocast(cleanup, node);
					await feedsReady(redis, node);
				}
				await Promise.all(Array.from({ length: 30 }, open));
			}),
		);

		test('nodes are killed one after the other: every message once, or a client begins anew', limit(90), () =>
			withCleanup(async (cleanup) => {
				const tally = await kills(cleanup, { source: 'stream', front: proxy, servers: 3, clients: 12, kills: 4, every: 300, rate: 100 });
				assert.deepEqual([tally.kills, tally.lost, tally.twice], [4, 0, 0], JSON.stringify(tally));
				assert.ok(tally.recovered > 0, JSON.stringify(tally));
			}),
		);

		test('a session that is unknown is told so at once', limit(), () =>
			withCleanup(async (cleanup) => {
				const { nodes } = await startNodes(cleanup);
				const front = await startLb[proxy](cleanup, nodes);
				const unknown = { code: 1, message: 'Session ID unknown' };
				for (const sid of ['ABaXXXXXXXXXXXXXXXXX', 'ABbXXXXXXXXXXXXXXXXX', 'ABzXXXXXXXXXXXXXXXXX', 'x', 'XXXXXXXXXXXXXXXXXXXX', '%41%42%61']) {
					const { status, json } = await request(front.port, 'GET', `${POLL}&sid=${sid}`);
					assert.equal(status, 400);
					assert.deepEqual(json, unknown);
				}
				await nodes[0].child.kill();
				for (let i = 0; i < 4; i++) {
					const { status, json } = await request(front.port, 'GET', `${POLL}&sid=ABaXXXXXXXXXXXXXXXXX`);
					assert.equal(status, 400);
					assert.deepEqual(json, unknown);
				}
			}),
		);
	});
}

describe('sessions of named nodes', { skip: SIOCAST_ONLY }, () => {
	test('belong to their node, and to none without a name', limit(), () =>
		withCleanup(async (cleanup) => {
			const { nodes } = await startNodes(cleanup);
			const plain = await startSiocast(cleanup, {});
			const open = async (server) => JSON.parse((await request(server.port, 'GET', POLL)).text.slice(1)).sid;
			const poll = async (server, sid) => (await request(server.port, 'POST', `${POLL}&sid=${sid}`, {}, '40')).status;
			const [a, own] = [await open(nodes[0]), await open(plain)];
			assert.match(a, /^[AB]Ba[\w-]{17}$/);
			assert.match(await open(nodes[2]), /^[AB]Gnode-3[\w-]{12}$/);
			assert.match(own, /^[\w-]{20}$/);
			assert.deepEqual([await poll(nodes[0], a), await poll(nodes[1], a), await poll(plain, a)], [200, 400, 400]);
			assert.deepEqual([await poll(nodes[0], own), await poll(plain, own)], [400, 200]);
		}),
	);

	test('Envoy and Traefik are told the same', limit(), () =>
		withCleanup(async (cleanup) => {
			const nodes = [{ name: 'a', port: 1 }, { name: 'node-3', port: 2 }];
			const file = path.join(await cleanup.folder(), 'c.json');
			fs.writeFileSync(file, '{"path": "/live/"}');
			const read = (proxy, ...args) => {
				const { status, out, err } = tool(['lb', '-c', file, proxy, ...args]);
				assert.equal(status, 0, err);
				const json = spawnSync('python3', ['-c', 'import sys, json, yaml; print(json.dumps(yaml.safe_load(sys.stdin)))'], { input: out, encoding: 'utf8' });
				return json.status === 0 ? JSON.parse(json.stdout) : null;
			};
			const args = nodes.map(({ name, port }) => `${name}=127.0.0.1:${port}`);
			const envoy = read('envoy', ...args);
			if (!envoy) return; // there is no PyYAML
			const { routes } = envoy.static_resources.listeners[0].filter_chains[0].filters[0].typed_config.route_config.virtual_hosts[0];
			assert.deepEqual(routes.map(({ match, route }) => [match.prefix, match.query_parameters?.[0].string_match.safe_regex.regex, route.cluster]), [
				['/live/', '^.Ba.*', 'siocast_a'],
				['/live/', '^.Gnode-3.*', 'siocast_node-3'],
				['/live/', undefined, 'siocast'],
			]);
			const ports = ({ load_assignment: { endpoints } }) => endpoints[0].lb_endpoints.map(({ endpoint }) => endpoint.address.socket_address.port_value);
			assert.deepEqual(envoy.static_resources.clusters.map((c) => [c.name, c.load_assignment.cluster_name, ports(c)]), [
				['siocast', 'siocast', [1, 2]],
				['siocast_a', 'siocast_a', [1]],
				['siocast_node-3', 'siocast_node-3', [2]],
			]);
			const traefik = read('traefik', ...args).http;
			assert.deepEqual(Object.entries(traefik.routers).map(([name, { rule, service, priority }]) => [name, rule, service, priority]), [
				['siocast', 'PathPrefix(`/live/`)', 'siocast', 1],
				['siocast-a', 'PathPrefix(`/live/`) && QueryRegexp(`sid`, `^.Ba`)', 'siocast-a', 2],
				['siocast-node-3', 'PathPrefix(`/live/`) && QueryRegexp(`sid`, `^.Gnode-3`)', 'siocast-node-3', 2],
			]);
			const urls = ({ loadBalancer: { servers } }) => servers.map(({ url }) => url);
			assert.deepEqual(Object.entries(traefik.services).map(([name, service]) => [name, urls(service)]), [
				['siocast', ['http://127.0.0.1:1', 'http://127.0.0.1:2']],
				['siocast-a', ['http://127.0.0.1:1']],
				['siocast-node-3', ['http://127.0.0.1:2']],
			]);
			// And those of the configuration.
			const key = path.join(path.dirname(file), 'key');
			fs.writeFileSync(key, 'k'.repeat(32));
			fs.writeFileSync(file, JSON.stringify({ node: 'b', peers: { b: '127.0.0.1:3', 'c-1': '[::1]:4' }, peerKeyFile: key }));
			assert.deepEqual(Object.keys(read('traefik').http.services), ['siocast', 'siocast-b', 'siocast-c-1']);
			const host = read('envoy').static_resources.clusters[2].load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address;
			assert.deepEqual(host, { address: '::1', port_value: 4 });
			fs.writeFileSync(file, '{}');
			assert.equal(read('envoy').static_resources.clusters.length, 1);
			assert.deepEqual(Object.keys(read('traefik').http.routers), ['siocast']);
		}),
	);

	test('nodes that cannot be are refused', limit(), () => {
		for (const args of [['a'], ['a='], ['a=h'], ['a=:1'], ['=h:1'], ['sevenxx=h:1'], ['a=h:1', 'a=h:2'], ['a=h;:1'], ['a=h:x'], ['a=h:1x']]) {
			assert.equal(tool(['lb', 'nginx', ...args]).status, 2, args.join(' '));
		}
		assert.equal(tool(['lb', 'caddy', 'a=h:1']).status, 2);
		assert.equal(tool(['lb', 'envoy', '--listen', 'unix:/s']).status, 1);
	});
});
