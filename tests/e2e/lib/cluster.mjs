// SPDX-License-Identifier: MIT
//
// A real Redis Cluster: masters with a third of the slots each, or as many as there are, and their replicas. A node that is not heard of
// for a second is failed over.

import { freePort } from './ports.mjs';
import { startRedis } from './redis.mjs';
import { eventually } from './wait.mjs';

const SLOTS = 16384;

/** One node that knows no other. `args`: more of its options. */
export async function startNode(cleanup, { args = [], port } = {}) {
	port ??= await freePort();
	const bus = await freePort();
	const own = ['--cluster-enabled', 'yes', '--cluster-port', bus, '--cluster-config-file', `nodes-${port}.conf`, '--cluster-node-timeout', 1000];
	const node = await startRedis(cleanup, port, { args: [...own, '--repl-diskless-sync-delay', '0', ...args].map(String) });
	return { ...node, bus, id: String(await node.client.command('CLUSTER', 'MYID')) };
}

const info = async ({ client }) => Object.fromEntries(String(await client.command('CLUSTER', 'INFO')).trim().split('\r\n').map((line) => line.split(':')));

/** Waits until each of these nodes knows so many, and that every slot has an owner. */
async function agree(nodes, ms) {
	const knows = async (node) => {
		const { cluster_state: state, cluster_known_nodes: n } = await info(node);
		return state === 'ok' && Number(n) === nodes.length;
	};
	for (const node of nodes) await eventually(() => knows(node), 'the nodes to know each other', ms);
}

/** Makes these nodes, of which the first is known to all but `added`, know each other. */
export async function introduce(nodes, added) {
	const meet = (node) => node.client.command('CLUSTER', 'MEET', '127.0.0.1', nodes[0].port, nodes[0].bus);
	// Who is not answered within its timeout, on a busy machine, forgets that it was to meet somebody.
	for (let tries = 0; ; tries++) {
		for (const node of added) await meet(node);
		const failed = await agree(nodes, 10_000).then(() => null, (e) => e);
		if (!failed) return;
		if (tries === 5) throw failed;
	}
}

/** Makes a node the replica of another one, once it has heard of that. */
const follow = (replica, master) => eventually(async () => (await replica.client.command('CLUSTER', 'REPLICATE', master.id)) === 'OK', 'a replica', 30_000);

/** `args`: of each node, or a function that gives them. `masters` and `replicas` are lists of nodes: the first replica is of the first master, and so on. */
export async function startCluster(cleanup, { masters: n = 3, replicas: each = 0, args = [] } = {}) {
	const nodes = [];
	for (let i = 0; i < n * (1 + each); i++) nodes.push(await startNode(cleanup, { args: typeof args === 'function' ? await args() : args }));
	const [masters, replicas] = [nodes.slice(0, n), nodes.slice(n)];
	for (let i = 0; i < n; i++) {
		const [first, last] = [Math.floor((i * SLOTS) / n), Math.floor(((i + 1) * SLOTS) / n) - 1];
		await masters[i].client.command('CLUSTER', 'ADDSLOTSRANGE', first, last);
		// Each has an epoch of its own, as redis-cli has it: so none has to be found when a slot is moved.
		await masters[i].client.command('CLUSTER', 'SET-CONFIG-EPOCH', i + 1);
	}
	await introduce(nodes, nodes.slice(1));
	for (let i = 0; i < replicas.length; i++) await follow(replicas[i], masters[i % n]);
	const synced = async ({ client }) => String(await client.command('INFO', 'replication')).includes('master_link_status:up');
	for (const replica of replicas) await eventually(() => synced(replica), 'the replicas', 30_000);
	// The others hear of that by and by.
	const told = async ({ client }) => (await client.command('CLUSTER', 'SLOTS')).every((range) => range.length === 3 + each);
	for (const node of nodes) await eventually(() => told(node), 'every node to know the replicas', 30_000);
	return { nodes, masters, replicas, addresses: nodes.map(({ port }) => `127.0.0.1:${port}`) };
}

export const slotOf = ({ client }, name) => client.command('CLUSTER', 'KEYSLOT', name);

/** The port of a slot's master, as a node has it. */
export async function ownerOf(node, slot) {
	for (const [first, last, [, port]] of await node.client.command('CLUSTER', 'SLOTS')) if (first <= slot && slot <= last) return port;
	return null;
}

/** Names of channels, one for each master: `<prefix><number>`. */
export async function nameAtEach({ masters }, prefix) {
	const names = new Map();
	for (let i = 0; names.size < masters.length; i++) {
		const port = await ownerOf(masters[0], await slotOf(masters[0], prefix + i));
		if (!names.has(port)) names.set(port, prefix + i);
	}
	return masters.map(({ port }) => names.get(port));
}

/** Moves a slot in which no keys are, as redis-cli does. `others`: who is told last. */
export async function moveSlot(slot, from, to, others = []) {
	await to.client.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id);
	await from.client.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id);
	for (const node of [to, from, ...others]) await node.client.command('CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
}

/** SPUBLISH where the slot is: it follows who says that it has moved. `nodes`: those that are there. Gives who took it. */
export async function spublish(nodes, channel, message, at = nodes[0]) {
	for (let tries = 0; tries < 10; tries++) {
		try {
			await at.client.command('SPUBLISH', channel, message);
			return at;
		} catch ({ message: why }) {
			const port = Number(/^MOVED \d+ .*:(\d+)$/.exec(why)?.[1]);
			const next = nodes.find((node) => node.port === port);
			if (!next) throw new Error(why);
			at = next;
		}
	}
	throw new Error(`${channel} is nowhere`);
}
