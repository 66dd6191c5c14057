// SPDX-License-Identifier: MIT
//
// Every scenario measures the floor, siocast and every peer. One that is not measured somewhere is absent for a reason, which the
// report prints.

/** Each peer in the two ways to write such a server, where it has two. */
export const PEERS = ['tuned', 'naive', 'uws-tuned', 'uws-naive', 'v1-tuned', 'v1-naive', 'python', 'nchan'];

/** What a scenario has unless it says why not. */
export const COMPARED = ['floor', 'siocast', ...PEERS];

const ORDER = ['floor', 'floor-ingest', 'floor-uring', 'floor-gather', 'siocast', 'siocast-2', ...PEERS, 'tuned-streams', 'nodes-2', 'nodes-4'];

/** A reason that several servers have in common. */
export const because = (reason, ...ids) => Object.fromEntries(ids.map((id) => [id, reason]));

export const NO_POLLING = 'it has no long-polling of Engine.IO';
export const SAME_PROGRAM = because('nothing is sent here, and then it is the same program as the tuned one', 'naive', 'uws-naive', 'v1-naive');

/**
 * A scenario with `servers`, the ids of all that it measures. `absent`: {id: reason}; `more`: further ids; `floor`: the id of another
 * floor, where what is measured is not a broadcast.
 */
export function complete({ absent = {}, more = [], floor = 'floor', ...scenario }) {
	const unknown = Object.keys(absent).filter((id) => !COMPARED.includes(id));
	if (unknown.length > 0) throw new Error(`${scenario.name}: no such server: ${unknown.join(', ')}`);
	const compared = COMPARED.filter((id) => !(id in absent)).map((id) => (id === 'floor' ? floor : id));
	return { ...scenario, absent, servers: ORDER.filter((id) => compared.includes(id) || more.includes(id)) };
}
