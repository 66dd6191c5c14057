// SPDX-License-Identifier: MIT
// What the benchmark makes of its figures: expectations, medians, ratios, goals, pictures. Its programs are tried in tests/e2e.
import assert from "node:assert/strict";
import { test } from "node:test";
import { barRows, reader, shortTable } from "../../bench/lib/bars.mjs";
import { COMPARED, complete } from "../../bench/lib/complete.mjs";
import { figuresOf } from "../../bench/lib/edges.mjs";
import { factsOfMachine, lacking } from "../../bench/lib/enough.mjs";
import { flameGraph } from "../../bench/lib/flame.mjs";
import { expected, figures } from "../../bench/lib/measure.mjs";
import { SEND, currentNames, hottest, shareOf } from "../../bench/lib/perf.mjs";
import { flags } from "../../bench/lib/programs.mjs";
import { scenarioTable } from "../../bench/lib/report.mjs";
import { grouped, planned } from "../../bench/lib/rounds.mjs";
import { carried } from "../../bench/lib/results.mjs";
import { findMaximum } from "../../bench/lib/scenarios/capacity.mjs";
import { choose, chooseServers, scenarios, shrink } from "../../bench/lib/scenarios.mjs";
import { servers } from "../../bench/lib/servers.mjs";
import { quantile, summary } from "../../bench/lib/stats.mjs";
import { barChart, lineChart } from "../../bench/lib/svg.mjs";

const result = (values) => ({ name: "some", rounds: 3, failed: {}, servers: Object.fromEntries(
	Object.entries(values).map(([id, own]) => [id, { name: id, values: own, repeated: [], limited: 0 }]),
) });
const results = (all) => ({ scenarios: Object.fromEntries(Object.entries(all).map(([name, values]) => [name, result(values)])) });
const wellFormed = (svg) => {
	const open = [];
	for (const [, close, name, self] of svg.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)) {
		if (close) assert.equal(open.pop(), name);
		else if (!self) open.push(name);
	}
	assert.deepEqual(open, []);
};

test("every client of a broadcast gets everything, those of a room what is for it", () => {
	assert.equal(expected({ clients: 7 }, { messages: 11 }), 77);
	// Channels 0 to 2 get 4, 4 and 3 messages; rooms 0 to 2 have 3, 2 and 2 members.
	assert.equal(expected({ clients: 7, rooms: 3, channels: 3 }, { messages: 11 }), 4 * 3 + 4 * 2 + 3 * 2);
});

test("a median of an odd and of an even number of rounds", () => {
	assert.deepEqual(summary([3, 1, 2]), { median: 2, min: 1, max: 3 });
	assert.deepEqual(summary([4, 1, 2, 3]), { median: 2.5, min: 1, max: 4 });
});

test("figures are per message, per event, per frame, and of the time that was planned", () => {
	const report = {
		messages: { sum: 1000 }, events: { sum: 500 }, frames: { sum: 250 }, received: 1_000_000,
		latency_us: { p50: 1000, p99: 2000, "p99.9": 3000 }, spread_us: { p50: 500, p99: 900 }, generator: { cpu: 0.5 },
	};
	const made = figures({ cpuNs: 5_000_000, sent: {}, seconds: 2, report }, 1);
	assert.equal(made.us, 5);
	assert.equal(made.usEvent, 10);
	assert.equal(made.usFrame, 20);
	assert.equal(made.core, 0.5);
	assert.equal(made.mbps, 4);
	assert.equal(made.p999, 3);
});

test("a quantile of the cells of a histogram", () => {
	const cells = [[10, 50], [20, 49], [30, 1]];
	assert.deepEqual([0, 0.5, 0.51, 0.99, 1].map((share) => quantile(cells, share)), [10, 10, 20, 20, 30]);
	assert.equal(quantile([], 0.5), undefined);
});

test("of a tree what is lost, comes twice, or is cut off is seen, and what it takes at rest is not counted", () => {
	const sample = { clients: 4, gaps: 0, disorder: 0, bad: 0 };
	const report = { clients: 4, open: 4, messages: { sum: 40, min: 10, max: 10 }, events: { sum: 20 }, sample, latency_cells: [[1e6, 39], [5e6, 1]] };
	const relay = { relay_gaps_total: 0, relay_dropped_total: 0, relay_hub_dropped_total: 0, relay_hub_cut_total: 0, relay_hub_sent_bytes_total: 6000, relay_hub_sent_total: 20 };
	const cpu = { ms: 2000, ns: { edges: 6e6, hub: 3e6, redis: 1e6, clients: 4e6, softirq: 0 } };
	const whole = { sent: { messages: 10, receivers: 10 }, report, cpu, redisBytes: 2870, relay };
	const rest = { edges: 1e6, hub: 1e6, redis: 0, clients: 0, softirq: 0 };
	const good = figuresOf(whole, rest);
	assert.deepEqual([good.exact, good.whole, good.lost, good.p50, good.max, good.receivers], [true, 100, 0, 1, 5, 1]);
	assert.deepEqual([good.edges, good.perEvent, good.clients], [100, 200, 100]);
	assert.deepEqual([good.redisBytes, good.relayBytes], [287, 600]);
	const bad = (changes) => figuresOf({ ...whole, report: { ...report, ...changes } }, rest);
	assert.deepEqual(["exact", "lost", "whole"].map((key) => bad({ messages: { sum: 36, min: 6, max: 10 } })[key]), [false, 4, 90]);
	assert.deepEqual(["exact", "lost", "whole"].map((key) => bad({ messages: { sum: 41, min: 10, max: 11 } })[key]), [false, 0, 97.5]);
	assert.equal(bad({ sample: { ...sample, gaps: 1 } }).exact, false);
	assert.equal(bad({ sample: { ...sample, disorder: 1 } }).exact, false);
	assert.equal(bad({ open: 3 }).exact, false);
	assert.equal(figuresOf({ ...whole, relay: { ...relay, relay_gaps_total: 1 } }, rest).exact, false);
});

test("a machine that has no room for the clients is told by what it lacks", () => {
	const GB = 2 ** 30;
	const enough = { available: 16 * GB, openFiles: 20_000, filesLeft: 1e6, tcpBytes: 2 * GB, tracked: 0, trackedMost: 1000 };
	const want = { processes: 13, clients: 19_000, bytes: 2000 };
	assert.deepEqual(lacking(want, enough), []);
	const lacks = { available: 2 * GB, openFiles: 1024, filesLeft: 300_000, tcpBytes: GB / 4, tracked: 5 };
	const words = [/memory: 8\.\d GB/, /19900 .* 1024 /, /fs\.file-max/, /tcp_mem/, /conntrack_max/];
	Object.keys(lacks).forEach((name, i) => {
		const [text, ...more] = lacking(want, { ...enough, [name]: lacks[name] });
		assert.match(text, words[i]);
		assert.deepEqual(more, []);
	});
	// What is not told is not lacking.
	assert.deepEqual(lacking(want, { available: 16 * GB, openFiles: Infinity }), []);
	const facts = factsOfMachine();
	assert.ok(facts.available > 0 && facts.openFiles > 0, JSON.stringify(facts));
});

test("ratios are taken within a round", () => {
	const all = results({ "fan-out-1k-3000": { siocast: { us: [2, 4, 30] }, floor: { us: [1, 2, 10] } } });
	assert.equal(reader(all).ratio("fan-out-1k-3000", "siocast", "us", "floor"), 2);
	const columns = [{ key: "us", title: "µs", digits: 1 }, { key: "us", title: "÷ floor", digits: 1, ratio: "floor" }];
	const text = scenarioTable(columns, all.scenarios["fan-out-1k-3000"]);
	assert.match(text, /siocast \| 4\.0 \(2\.0–30\.0\) \| 2\.0 \(2\.0–3\.0\)/);
});

test("a goal is met, missed by so much, or not measured", () => {
	const all = results({
		"fan-out-1k-3000": { siocast: { us: [11] }, floor: { us: [10] }, tuned: { us: [20] } },
		memory: { siocast: { kb10000: [3] } },
		saturation: { siocast: { common_p99: [3] }, tuned: { common_p99: [6] }, nchan: { common_p99: [4] } },
	});
	const row = (start) => barRows(all).find(([what]) => what.startsWith(start));
	assert.deepEqual(row("CPU per delivered frame ÷ floor (send), 3 KB × 1,000").slice(1), ["≤ 1.15", "1.10", "met, 4.3 % to spare"]);
	assert.deepEqual(row("user-space memory").slice(1), ["≤ 2 KB", "3.00 KB", "**missed**, 50 % short"]);
	assert.deepEqual(row("PUBLISH to client").slice(1, 3), ["< 1", "0.75"]);
	assert.equal(row("workers 1")[3], "not measured");
	const [, rows] = shortTable(all);
	assert.deepEqual(rows.map(([what, floor, own]) => [what, floor, own])[0], ["CPU µs per delivery, 3 KB, 1,000 clients", "10.0", "11.0"]);
});

test("every scenario names known servers and columns, has a plan, and can be shrunk", () => {
	const names = new Set();
	const context = { rounds: 5, choose: chooseServers(undefined, false) };
	for (const scenario of scenarios) {
		assert.ok(!names.has(scenario.name), scenario.name);
		names.add(scenario.name);
		for (const id of scenario.servers) assert.ok(servers[id], `${scenario.name}: ${id}`);
		for (const { columns } of scenario.tables ?? [scenario]) {
			assert.ok(columns.length > 0);
			for (const { ratio } of columns) if (ratio) assert.ok(scenario.servers.includes(ratio), `${scenario.name}: ${ratio}`);
		}
		assert.ok(planned(scenario, context) > 1, scenario.name);
		assert.ok((shrink(scenario).options.clients ?? 0) <= Math.max(20, scenario.options.clients ?? 0));
	}
	const sum = (chosen, how) => grouped(chosen).flatMap((group) => group.map((one, at) => planned(one, how, at > 0))).reduce((a, b) => a + b);
	const whole = sum(choose([], false), context);
	assert.ok(whole < 77 * 60, `the whole takes ${whole} seconds`);
	const quick = { rounds: 2, choose: chooseServers(undefined, true) };
	const short = sum(choose([], true), quick);
	assert.ok(short < 170, `the quick run takes ${short} seconds`);
	assert.throws(() => choose(["no such"], false), /no scenario/);
	// What takes very long is measured only when it is named.
	assert.ok(!choose([], false).some(({ name }) => ["drops", "edges"].includes(name)));
	assert.deepEqual(choose(["drops"], false).map(({ name }) => name), ["drops"]);
});

test("each scenario measures the floor, siocast and every peer, or says why not", () => {
	const floors = ["floor", "floor-ingest"];
	for (const { name, servers: ids, absent } of scenarios) {
		for (const id of COMPARED) {
			const measured = id === "floor" ? floors.some((floor) => ids.includes(floor)) : ids.includes(id);
			assert.equal(measured, !(id in absent), `${name}: ${id}`);
		}
		for (const [id, why] of Object.entries(absent)) assert.ok(why.length > 10, `${name}: ${id} is absent for no reason`);
		assert.ok(ids.includes("siocast"), name);
	}
	assert.throws(() => complete({ name: "x", absent: { tunde: "a slip of the pen" } }), /tunde/);
	// A new peer is in every scenario that does not name it.
	const known = Object.keys(servers).filter((id) => !/^(floor-|siocast-|other|python-|tuned-streams|nodes-)/.test(id));
	assert.deepEqual([...COMPARED].sort(), known.sort());
	for (const { absent, name } of scenarios) assert.ok(!("siocast" in absent), name);
});

test("scenarios that share their servers have them from the first, with the same clients", () => {
	for (const group of grouped(scenarios)) {
		const [{ servers: first }] = group;
		const shared = group.map(({ options: { clients, rooms, transport, batch, coalesce, load } }) =>
			JSON.stringify([clients, rooms, transport, batch, coalesce, load]));
		assert.equal(new Set(shared).size, 1, group.map(({ name }) => name).join());
		for (const { name, servers: ids } of group)
			for (const id of ids) assert.ok(id === "floor-uring" || first.includes(id), `${name}: ${id}`);
	}
});

test("the highest rate is found from below and from above, near or far", async () => {
	for (const [most, start] of [[100, 97], [100, 40], [100, 260], [4.2, 50]]) {
		let tries = 0;
		const attempt = async (rate) => (tries++, rate <= most ? { rate } : null);
		const { rate } = await findMaximum(attempt, start, 1.07, 1.1);
		assert.ok(rate <= most && rate > most / 1.1, `${most} from ${start}: ${rate}`);
		assert.ok(tries <= 15, `${tries} tries`);
	}
	// Who keeps up with nothing is not tried with windows of many minutes.
	const tried = [];
	await assert.rejects(findMaximum(async (rate) => (tried.push(rate), null), 4, 1.07, 1.1), /does not keep up/);
	assert.ok(Math.min(...tried) >= 0.2, `${tried}`);
});

test("a whole run keeps what has to be named, and which runs measured it", () => {
	const old = { scenarios: { drops: 1, memory: 2, capacity: 3 }, runs: ["everything", "drops", "drops memory", "drops capacity"].map((what) => ({ what })) };
	assert.deepEqual(carried(old, ["drops", "capacity"]), { scenarios: { drops: 1, capacity: 3 }, runs: [{ what: "drops" }, { what: "drops capacity" }] });
	assert.deepEqual(carried(null, ["drops"]), { scenarios: {}, runs: [] });
});

test("a server that cannot do one step keeps the figures it has", () => {
	const all = results({ memory: { siocast: { kb1000: [2, 2, 2], kb10000: [4, null, 8] }, tuned: { kb1000: [4, 4], kb10000: [null, 2] } } });
	const columns = [{ key: "kb1000", title: "1", digits: 0 }, { key: "kb10000", title: "10", digits: 0 }, { key: "kb10000", title: "÷", digits: 0, ratio: "tuned" }];
	const text = scenarioTable(columns, all.scenarios.memory);
	assert.match(text, /siocast \| 2 \(2–2\) \| 6 \(4–8\) \| +– \|/);
	assert.match(text, /tuned +\| 4 \(4–4\) \| +2 \|/);
	assert.equal(reader(all).median("memory", "siocast", "kb10000"), 6);
});

test("options become flags", () => {
	assert.deepEqual(flags({ a: 1, b: true, c: false, d: undefined, e: "x" }), ["--a", "1", "--b", "--e", "x"]);
});

test("pictures are well-formed, whatever is in a name", () => {
	const rows = [{ name: "a<b>&\"c\"", kind: "ours", summary: { median: 2, min: 1, max: 3 } }, { name: "d", kind: "bar", summary: { median: 0, min: 0, max: 0 } }];
	wellFormed(barChart({ title: "t<", subtitle: "s", rows }));
	wellFormed(lineChart({ title: "t", subtitle: "s", series: [{ name: "x", points: [[1, 2], [10, 3]] }], ticks: [1, 10] }));
});

test("a profile is added up, and its flame graph well-formed", () => {
	const leaf = (count) => ({ count, calls: new Map() });
	const root = { count: 10, calls: new Map([
		["main", { count: 8, calls: new Map([["__x64_sys_sendto", { count: 6, calls: new Map([["tcp_sendmsg", leaf(5)]]) }]]) }],
		["operator<< & co", leaf(2)],
	]) };
	assert.equal(shareOf(root, /^__x64_sys_sendto$/), 0.6);
	assert.equal(shareOf(root, SEND), 0.6);
	assert.deepEqual(hottest(root, 2), [["tcp_sendmsg", 0.5], ["main", 0.2]]);
	const svg = flameGraph(root, "a < b");
	wellFormed(svg);
	assert.match(svg, /<title>tcp_sendmsg: 50\.0 %<\/title>/);
});

test("of a place that held several functions the last one counts", () => {
	const lines = ["1000 40 old", "2000 40 other", "1000 20 new", "2040 10 next"];
	assert.equal(currentNames(`${lines.join("\n")}\n`), `${lines.slice(1).join("\n")}\n`);
});

test("what sends is told from what does not", () => {
	for (const name of ["__x64_sys_sendto", "do_writev", "__GI___writev", "__libc_send", "ksys_write", "tcp_sendmsg"]) assert.match(name, SEND);
	for (const name of ["write", "doWrite", "tcp_recvmsg", "eventfd_write", "Socket._write", "do_epoll_wait"]) assert.doesNotMatch(name, SEND);
});
