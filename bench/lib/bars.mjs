// SPDX-License-Identifier: MIT
//
// The goals, and what was measured beside them. Ratios are medians of the ratios within each round.

import { PEERS } from './complete.mjs';
import { reasonFor } from './reasons.mjs';
import { DATA, SIZES, keyOf } from './scenarios/compact.mjs';
import { known, ratios, summary } from './stats.mjs';

/** Access to results by scenario, server and key; undefined where nothing was measured. */
export function reader(results) {
	const values = (name, id, key) => results.scenarios[name]?.servers[id]?.values[key];
	const middle = (all) => (all.length > 0 ? summary(all).median : undefined);
	const median = (name, id, key) => middle(known(values(name, id, key)));
	const ratio = (name, id, key, base) => middle(ratios(values(name, id, key), values(name, base, key)));
	return { values, median, ratio };
}

const atMost = (limit, unit = '', digits = 2) => ({ text: `≤ ${limit}${unit}`, limit, met: (v) => v <= limit, unit, digits });
const below = (limit, unit = '', digits = 2) => ({ text: `< ${limit}${unit}`, limit, met: (v) => v < limit, unit, digits });
const atLeast = (limit, unit = '', digits = 2) => ({
	text: `≥ ${limit.toLocaleString('en')}${unit}`,
	limit,
	met: (v) => v >= limit,
	unit,
	digits,
	high: true,
});

/** What siocast's p99 is, divided by the least p99 of the peers. */
function latencyRatio({ ratio, values }) {
	const all = PEERS.filter((id) => values('saturation', id, 'common_p99')).map((id) => ratio('saturation', 'siocast', 'common_p99', id));
	return all.length > 0 && all.every((v) => v !== undefined) ? Math.max(...all) : undefined;
}

/** By how much more the cost grows from 1,000 to 19,000 clients than the floor's. */
function growth({ median }) {
	const cost = (id, k) => median(`growth-${k}k`, id, 'us');
	const own = cost('siocast', 19) / cost('siocast', 1);
	const floor = cost('floor', 19) / cost('floor', 1);
	return Number.isNaN(own / floor) ? undefined : own / floor;
}

/** The cost of a client in ten rooms, divided by that of one in one. */
function tenRooms({ median }) {
	const value = median('in-rooms-10', 'siocast', 'usTick') / median('in-rooms-1', 'siocast', 'usTick');
	return Number.isNaN(value) ? undefined : value;
}

function leaving({ median }) {
	const value = median('leaving-19k', 'siocast', 'usLeave') / median('leaving-1k', 'siocast', 'usLeave');
	return Number.isNaN(value) ? undefined : value;
}

/** The largest, or the least, of what there is of a kind of values for all data of a batch in columns. */
const ofColumns = (pick, what) => ({ median }) => {
	const all = DATA.flatMap((name) => SIZES.map((size) => median('columns', 'siocast', keyOf(what, name, size)))).filter((v) => v !== undefined);
	return all.length > 0 ? pick(...all) : undefined;
};

function rooms({ median }) {
	const value = median('rooms-10k', 'siocast', 'us') / median('rooms-10', 'siocast', 'us');
	return Number.isNaN(value) ? undefined : value;
}

const BARS = [
	['CPU per delivered frame ÷ floor (send), 3 KB × 1,000 clients', atMost(1.15), (r) => r.ratio('fan-out-1k-3000', 'siocast', 'us', 'floor')],
	['CPU per delivered frame ÷ floor (send), 3 KB × 10,000 clients', atMost(1.15), (r) => r.ratio('fan-out-10k-3000', 'siocast', 'us', 'floor')],
	['CPU per delivered binary event ÷ Socket.IO 4.8/ws, 250 bytes', atMost(0.222, '', 3), (r) => r.ratio('fan-out-1k-250', 'siocast', 'us', 'tuned')],
	['CPU per delivered binary event ÷ Socket.IO 4.8/ws, 3 KB', atMost(0.222, '', 3), (r) => r.ratio('fan-out-1k-3000', 'siocast', 'us', 'tuned')],
	['CPU per delivered binary event ÷ Socket.IO 4.8/uWebSockets, 250 bytes', below(0.9), (r) => r.ratio('fan-out-1k-250', 'siocast', 'us', 'uws-tuned')],
	['CPU per delivered binary event ÷ Socket.IO 4.8/uWebSockets, 3 KB', below(0.9), (r) => r.ratio('fan-out-1k-3000', 'siocast', 'us', 'uws-tuned')],
	['system calls that send, per client and flush, whatever the number of messages', atMost(1.01), (r) => r.median('flush', 'siocast', 'writes')],
	['ingest, 250 bytes, checked and batched, no loss: messages/s', atLeast(700000, '', 0), (r) => r.median('ingest-max', 'siocast', 'rate')],
	['ingest: CPU per message of the whole process', atMost(0.4, ' µs', 3), (r) => r.median('ingest-max', 'siocast', 'us')],
	['user-space memory per idle WebSocket connection, 10,000 clients', atMost(2.0, ' KB'), (r) => r.median('memory', 'siocast', 'kb10000')],
	['long-polling: CPU per poll answered ÷ Socket.IO 4.8', atMost(0.2, '', 3), (r) => r.ratio('polling', 'siocast', 'usFrame', 'tuned')],
	['long-polling: CPU per poll answered ÷ floor', atMost(1.1), (r) => r.ratio('polling', 'siocast', 'usFrame', 'floor')],
	['PUBLISH to client, 1,000 clients, not batched: p99 ÷ that of the best peer at the same load', below(1), latencyRatio],
	['PUBLISH to client, 1,000 clients, not batched: p99 ÷ that of the floor', atMost(1.15), (r) => r.ratio('saturation', 'siocast', 'common_p99', 'floor')],
	['a client in ten rooms ÷ a client in one, the same bytes: CPU per tick', atMost(1.3), tenRooms],
	['ten sends (floor) ÷ siocast: CPU per tick of a client in ten rooms', atLeast(5, '×', 1), (r) => r.ratio('in-rooms-10', 'floor', 'usTick', 'siocast')],
	['one reader among 1,000 that stopped: by how much the p99 of the others is more', below(1, ' %', 1), (r) => r.median('stopped-one', 'siocast', 'more99')],
	['a batch in columns, % of its JSON, the longest of five kinds of data', atMost(25, ' %', 1), ofColumns(Math.max, 'share')],
	['the same, encoding: CPU per message, the slowest of them', atMost(0.5, ' µs'), ofColumns(Math.max, 'encode')],
	['the same, parsing the JSON array in Chromium ÷ reading it, the least of them', atLeast(2, '×'), ofColumns(Math.min, 'faster')],
	['1,000 clients connect by polling and upgrade, a hundred at a time: p99', below(20, ' ms', 0), (r) => r.median('connect-upgrade', 'siocast', 'p99')],
	['one client that leaves, 19,000 stay ÷ 1,000 stay: CPU', atMost(1.5), leaving],
	['10,000 clients recover at once: CPU per client ÷ Socket.IO 4.8 with its adapter for Redis Streams', atMost(0.05, '', 3), (r) => r.ratio('recovery-storm', 'siocast', 'us', 'tuned-streams')],
	['1,000 official clients cut again and again for ten minutes: p99 of catching up', below(200, ' ms', 0), (r) => r.median('drops', 'siocast', 'p99')],
	['messages that they have once and in order', atLeast(100, ' %', 3), (r) => r.median('drops', 'siocast', 'whole')],
	['workers 1 → 2 on two processors: deliveries/s', atLeast(1.8, '×'), (r) => r.ratio('workers', 'siocast-2', 'deliveries', 'siocast')],
	['cost per delivery from 1,000 to 19,000 clients, growth beyond the floor’s', atMost(1.1), growth],
	['cost per delivery, 10,000 rooms of one ÷ 10 rooms of 1,000', null, rooms],
	['hot path: share of the server’s CPU that is not the kernel sending, 3 KB × 1,000', atMost(15, ' %', 1), (r) => r.median('profile-fan-out', 'siocast', 'rest')],
];

// Ten times what the story's processes could do: its load may take a tenth of a core.
const STORY = [
	['10 polling clients × 20 messages/s', 'story-polling'],
	['10 clients × 350 small messages/s', 'story-350'],
	['10 clients × 200 messages/s of 3 and 30 KB', 'story-mix'],
	['230 clients × 6 messages/s', 'story-230'],
	['525 clients × 2 messages/s', 'story-525'],
	['24,000 messages/s from Redis', 'ingest-24k'],
].map(([what, name]) => [`the story’s ${what}: CPU`, atMost(10, ' % of a core', 2), (r) => r.median(name, 'siocast', 'core')]);

const TOTAL = ['the highest total of one core (the story: 1 Gb/s by eight)', atLeast(10000, ' Mb/s', 0), (r) => r.median('throughput', 'siocast', 'mbps')];

function byHowMuch(bar, value) {
	const part = bar.high ? value / bar.limit - 1 : 1 - value / bar.limit;
	const percent = Math.abs(100 * part);
	return `${percent < 10 ? percent.toFixed(1) : percent.toFixed(0)} % ${part >= 0 ? 'to spare' : 'short'}`;
}

/** Rows of [what, bar, figure, met or missed]. */
export function barRows(results) {
	const read = reader(results);
	return [...BARS, ...STORY, TOTAL].map(([what, bar, get]) => {
		const value = get(read);
		const { digits = 2, unit = '' } = bar ?? {};
		if (value === undefined || Number.isNaN(value)) return [what, bar?.text ?? 'none', '–', 'not measured'];
		const figure = `${digits === 0 ? Math.round(value).toLocaleString('en') : value.toFixed(digits)}${unit}`;
		if (!bar) return [what, 'none', figure, '–'];
		const result = bar.met(value) ? 'met' : '**missed**';
		return [what, bar.text, figure, value > 0 ? `${result}, ${byHowMuch(bar, value)}` : result];
	});
}

/** One line for each goal that is missed: why. */
export function missed(results) {
	const read = reader(results);
	return barRows(results)
		.filter(([, , , result]) => result.startsWith('**missed**'))
		.map(([what]) => `- **${what}**: ${reasonFor(what, read)}`);
}

/** What the newer goals mean for who uses siocast, in a sentence each. */
export function inWords(results) {
	const { median } = reader(results);
	const figure = (name, id, key, digits = 1) => median(name, id, key)?.toFixed(digits);
	const line = (parts, text) => (parts.every((part) => part !== undefined) ? [text(...parts)] : []);
	const tick = (name, id) => figure(name, id, 'usTick');
	return [
		...line([tick('in-rooms-10', 'siocast'), tick('in-rooms-1', 'siocast'), tick('in-rooms-10', 'floor')], (ten, one, floor) =>
			`A client in ten rooms costs ${ten} µs of CPU per tick, one in one room with the same bytes ${one}, and ten sends without anything around them ${floor}.`),
		...line([figure('symbols', 'siocast', 'us', 2), figure('symbols', 'uws-tuned', 'us', 2), figure('symbols', 'tuned', 'us', 2)], (own, uws, ws) =>
			`Of 50 symbols of which a client shows 20, a message to it costs ${own} µs; Socket.IO on uWebSockets takes ${uws}, on ws ${ws}.`),
		...line([figure('memory', 'siocast', 'kb10000', 2), figure('memory', 'uws-tuned', 'kb10000')], (own, uws) =>
			`A client that is just there takes ${own} KB, with Socket.IO on uWebSockets ${uws}.`),
		...line([figure('polling', 'siocast', 'usFrame'), figure('polling', 'floor', 'usFrame')], (own, floor) =>
			`A poll that is answered takes ${own} µs, the kernel with nothing around it ${floor}.`),
		...line([figure('saturation', 'siocast', 'common_p99', 2), figure('saturation', 'floor', 'common_p99', 2)], (own, floor) =>
			`Of 100 messages that are sent at once to 1,000 clients, 99 are there in ${own} ms, from the floor in ${floor}.`),
		...line([figure('leaving-1k', 'siocast', 'usLeave'), figure('leaving-19k', 'siocast', 'usLeave')], (few, many) =>
			`Who leaves costs ${few} µs where 1,000 others stay, and ${many} where 19,000 do.`),
	];
}

// What, scenario, key, digits; true: more is better.
const SHORT = [
	['CPU µs per delivery, 3 KB, 1,000 clients', 'fan-out-1k-3000', 'us', 1],
	['CPU µs per delivery, 250 bytes, 1,000 clients', 'fan-out-1k-250', 'us', 1],
	['CPU µs per tick of a client in ten rooms, 6 KB in all', 'in-rooms-10', 'usTick', 1],
	['CPU µs per message to a client that shows 20 of 50 symbols', 'symbols', 'us', 2],
	['most deliveries/s of one core, 250 bytes, 1,000 clients', 'saturation', 'deliveries', 0, true],
	['p99 latency at one load for all, ms', 'saturation', 'common_p99', 2],
	['CPU µs per event to a polling client', 'polling', 'usEvent', 1],
	['messages/s taken in, 250 bytes', 'ingest-max', 'rate', 0, true],
	['highest total of one core, Mb/s', 'throughput', 'mbps', 0, true],
	['KB per idle connection, 10,000 clients', 'memory', 'kb10000', 1],
	['CPU µs per WebSocket connect', 'connect-websocket', 'usConnect', 0],
];
const SHORT_SERVERS = [
	['floor', ['floor', 'floor-ingest']],
	['siocast', ['siocast']],
	['Socket.IO 4.8, ws', ['tuned', 'naive']],
	['Socket.IO 4.8, uWebSockets', ['uws-tuned', 'uws-naive']],
	['Socket.IO 1.7.4', ['v1-tuned', 'v1-naive']],
];

/** The better of some servers' medians as text; ≥ where something else than the server held it down. */
function shortCell(results, ids, [, name, key, digits, high]) {
	const { median } = reader(results);
	const all = ids.map((id) => ({ id, value: median(name, id, key) })).filter(({ value }) => value !== undefined);
	if (all.length === 0) return '–';
	all.sort((a, b) => (high ? b.value - a.value : a.value - b.value));
	const [{ id, value }] = all;
	const { rounds, servers } = results.scenarios[name];
	const text = digits === 0 ? Math.round(value).toLocaleString('en') : value.toFixed(digits);
	return high && servers[id].limited > rounds / 2 ? `≥ ${text}` : text;
}

/** Head and rows of the table that fits into a README. */
export function shortTable(results) {
	const rows = SHORT.map((row) => [row[0], ...SHORT_SERVERS.map(([, ids]) => shortCell(results, ids, row))]);
	return [['', ...SHORT_SERVERS.map(([title]) => title)], rows.filter((row) => row.slice(1).some((text) => text !== '–'))];
}
