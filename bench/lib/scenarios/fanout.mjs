// SPDX-License-Identifier: MIT
//
// What a delivery costs: by size and number of clients, of rooms, of feeds. Messages are not batched here unless it says so, and
// the clients look for data every millisecond (bench/load --help says why).

import { COST, GENERATOR, PER_EVENT, US, US_TICK, toFloor, toSiocast } from '../columns.mjs';
import { PEERS, SAME_PROGRAM, because } from '../complete.mjs';
import { pause } from '../measure.mjs';

const FAN_OUT = {
	group: 'Fan-out',
	columns: COST,
	plot: { key: 'us', title: 'CPU per delivered message, µs', low: true },
};
const options = (more) => ({ transport: 'websocket', clients: 1000, coalesce: 1000, batch: 0, seconds: 1, ...more });

const text = (n) => (n < 1000 ? `${n} bytes` : `${n / 1000} KB`);

function fanOut(clients, size, rate, more = {}) {
	const k = `${clients / 1000}k`;
	return {
		...FAN_OUT,
		together: `${k} clients`,
		name: `fan-out-${k}-${size}`,
		title: `${clients.toLocaleString('en')} clients, ${text(size)}`,
		about: `${rate} messages/s to each, not batched.`,
		options: options({ clients, size, rate }),
		...more,
	};
}

function growth(clients) {
	const title = `${clients.toLocaleString('en')} clients`;
	return {
		group: 'Growth',
		together: `${clients / 1000}k clients`,
		name: `growth-${clients / 1000}k`,
		title,
		about: '19,000 deliveries per second each time, 1 KB.',
		columns: [US, toFloor('us'), toSiocast('us'), GENERATOR],
		options: options({ clients, size: 1000, rate: 19000 / clients }),
	};
}

const LEAVERS = 500;

/** Clients that come beside those that are there, and leave; how long they are given for that is the same for all. */
async function leavingRound(bed) {
	const clients = LEAVERS * (bed.options.scale ?? 1);
	const load = await bed.connect({ clients });
	await pause(300);
	const before = bed.cpu();
	await load.stop();
	await pause(600);
	return { usLeave: (bed.cpu() - before) / clients / 1000 };
}

/** What one of many that leaves costs. */
function leaving(clients) {
	return {
		group: 'Growth',
		together: `${clients / 1000}k clients`,
		name: `leaving-${clients / 1000}k`,
		title: `${LEAVERS} clients leave, ${clients.toLocaleString('en')} stay`,
		about: 'They come beside those that are there, and their program ends. Until the server has done all that follows from it.',
		absent: { ...SAME_PROGRAM, floor: 'its clients do not leave' },
		columns: [{ key: 'usLeave', title: 'CPU µs for each that leaves', digits: 1 }, toSiocast('usLeave')],
		options: options({ clients, size: 1000, rate: 19000 / clients }),
		warm: leavingRound,
		round: leavingRound,
		plan: ({ ids, rounds }) => ids.length * (rounds + 0.4) * 1.4,
	};
}

/** What clients with many rooms cost: each of them has a message in every tick. */
function inRooms(joins) {
	const size = 6000 / joins;
	const many = joins > 1 ? { rooms: joins, channels: joins, joins, burst: joins } : {};
	return {
		group: 'Many rooms for each client',
		name: `in-rooms-${joins}`,
		title: `1,000 clients in ${joins === 1 ? 'one room' : `${joins} rooms`}`,
		about: `Five times a second a message of ${size} bytes to ${joins === 1 ? 'it' : 'each'}, batches of 100 ms: the same bytes whatever the number of rooms.`,
		columns: [US_TICK, toFloor('usTick'), toSiocast('usTick'), GENERATOR],
		plot: { key: 'usTick', title: 'CPU per client and tick, µs', low: true },
		absent: because('a connection has one channel', 'nchan'),
		options: options({ clients: 1000, size, rate: 5 * joins, batch: 100, seconds: 1, ...many }),
		...(joins > 1 ? { more: ['floor-gather'] } : {}),
	};
}

/** The shape that people have: symbols, of which each page shows some. */
const symbols = {
	group: 'Many rooms for each client',
	name: 'symbols',
	title: '50 symbols, of which each of 1,000 clients shows 20',
	about: '6 messages/s of 250 bytes for each symbol, batches of 200 ms.',
	columns: [US, toSiocast('us'), PER_EVENT, GENERATOR],
	absent: { floor: 'it has no batches of many rooms', ...because('a connection has one channel', 'nchan') },
	options: options({ clients: 1000, size: 250, rooms: 50, channels: 50, joins: 20, rate: 300, batch: 200, seconds: 1 }),
};

export const fanout = [
	fanOut(1000, 250, 20, { more: ['floor-uring'] }),
	fanOut(1000, 3000, 20, { more: ['floor-uring'] }),
	fanOut(1000, 30000, 10, { more: ['floor-uring'] }),
	growth(1000),
	leaving(1000),
	fanOut(10000, 250, 2),
	fanOut(10000, 3000, 2),
	fanOut(10000, 30000, 2),
	growth(10000),
	growth(19000),
	leaving(19000),
	{
		...FAN_OUT,
		group: 'Rooms and feeds',
		name: 'rooms-10k',
		title: '10,000 rooms with one member each',
		about: '10,000 clients, messages of 250 bytes to one room after the other, not batched. siocast has one pattern for the channels, the peers a subscription each. nchan: a channel for each room.',
		columns: [US, toFloor('us'), toSiocast('us'), GENERATOR],
		options: options({ clients: 10000, rooms: 10000, channels: 10000, size: 250, rate: 8000, seconds: 1 }),
	},
	{
		...FAN_OUT,
		group: 'Rooms and feeds',
		name: 'rooms-10',
		title: 'The same deliveries, 10 rooms with 1,000 members each',
		about: 'To compare with the table before.',
		columns: [US, toFloor('us'), toSiocast('us'), GENERATOR],
		options: options({ clients: 10000, rooms: 10, channels: 10, size: 250, rate: 8, seconds: 1 }),
	},
	{
		...FAN_OUT,
		group: 'Rooms and feeds',
		name: 'room-lists',
		title: 'One member of each message, to a list of 20 rooms',
		about: '1,000 clients, each in 2 of the 20 rooms that every message names; only its member of 250 bytes is sent, and each client gets it once. 20 messages/s, not batched. To compare with 1,000 clients, 250 bytes.',
		absent: {
			floor: 'there, the one without rooms is the floor',
			...because('it sends messages as they are, to one room', ...PEERS),
		},
		columns: [US, GENERATOR],
		options: options({ clients: 1000, lists: 10, size: 250, rate: 20 }),
	},
	{
		...FAN_OUT,
		group: 'Rooms and feeds',
		name: 'feeds-1000',
		title: '1,000 channels, each a feed of its own',
		about: '40 clients that get all of them, 1,000 messages/s of 250 bytes, batches of 200 ms per channel. The floor sends each batch by itself; siocast writes at once what is due at once.',
		columns: [US, toFloor('us'), toSiocast('us'), PER_EVENT, GENERATOR],
		options: options({ clients: 40, channels: 1000, size: 250, rate: 1000, batch: 200, seconds: 1 }),
		plan: ({ ids, rounds }) => ids.length * (1.1 + rounds * 1.4),
	},
	{
		...FAN_OUT,
		group: 'Rooms and feeds',
		name: 'feeds-1',
		title: 'The same messages on one channel',
		about: 'To compare with the table before.',
		columns: [US, toFloor('us'), toSiocast('us'), PER_EVENT, GENERATOR],
		options: options({ clients: 40, size: 250, rate: 1000, batch: 200, seconds: 1 }),
	},
	...[1, 3, 10, 50].map(inRooms),
	symbols,
];
