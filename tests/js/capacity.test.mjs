// SPDX-License-Identifier: MIT
// The model of doc/capacity, its costs, and the examples of doc/scale.md.
import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { EXAMPLES, costsOf, costsText, examplesText, loadModel } from "../../bench/lib/costs.mjs";
import { lastResults } from "../../bench/lib/results.mjs";

const { siocastCapacity, siocastNodes } = loadModel();
const read = (name) => fs.readFileSync(new URL(`../../doc/${name}`, import.meta.url), "utf8");
const COSTS = { small: 7, large: 8, poll: 13, taken: 0.25, connect: 42, kilobytes: 2, redis: 5, redisNode: 1 };
const SITE = { clients: 1000, polling: 0, messages: 100, heard: 1, bytes: 250, interval: 0, nodes: 1, cores: 2, gigabits: 1, gigabytes: 1 };
const used = (site, name, costs = COSTS) => siocastCapacity(costs, { ...SITE, ...site }).rows.find((row) => row.name.startsWith(name)).used;
const close = (a, b) => assert.ok(Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(b)), `${a} is not ${b}`);

test("the costs and the examples are those of the newest results", () => {
	const { results } = lastResults();
	assert.equal(read("capacity/costs.js"), costsText(results));
	assert.equal(Object.keys(costsOf(results)).length, 8);
	assert.ok(read("scale.md").includes(examplesText(results)));
	assert.equal(EXAMPLES.length, examplesText(results).split("\n").length - 2);
});

test("each message to each client, and once taken", () => {
	close(used({}, "processors"), (1000 * 100 * 7 + 100 * 0.25) / 1e6);
	close(used({ polling: 1 }, "processors"), (1000 * 100 * 13 + 100 * 0.25) / 1e6);
	close(used({ nodes: 4 }, "processors"), (250 * 100 * 7 + 100 * 0.25) / 1e6);
	close(used({ heard: 0.5 }, "processors"), (1000 * 50 * 7 + 100 * 0.25) / 1e6);
});

test("batches bound the deliveries, not the bytes", () => {
	const site = { messages: 1000, interval: 200 };
	assert.equal(siocastCapacity(COSTS, { ...SITE, ...site }).deliveries, 5000);
	close(used(site, "network of each"), (1000 * (1000 * 250 + 5 * 80) * 8) / 1e9);
	// Fewer messages than ticks: no empty batches.
	assert.equal(siocastCapacity(COSTS, { ...SITE, messages: 2, interval: 200 }).deliveries, 2000);
	// Larger ones cost more each.
	assert.ok(used(site, "processors") > (1000 * 5 * 8 + 1000 * 0.25) / 1e6);
});

test("Redis sends to each node, and more of them do not help it", () => {
	close(used({ nodes: 3 }, "Redis"), (100 * (5 + 3)) / 1e6);
	close(used({ nodes: 3 }, "network of Redis"), (100 * 300 * 3 * 8) / 1e9);
	const many = { ...SITE, messages: 200_000, heard: 0.0001, interval: 100, cores: 64, gigabits: 100 };
	assert.match(siocastCapacity(COSTS, many).first.name, /^Redis/);
	assert.equal(siocastNodes(COSTS, many), 0);
});

test("as many nodes as it takes", () => {
	// 1.4 of two cores is what may be used; and what is taken is a little more.
	assert.equal(siocastNodes(COSTS, { ...SITE, clients: 1990 }), 1);
	assert.equal(siocastNodes(COSTS, { ...SITE, clients: 2000 }), 2);
	const n = siocastNodes(COSTS, { ...SITE, clients: 100_000 });
	assert.ok(!siocastCapacity(COSTS, { ...SITE, clients: 100_000, nodes: n - 1 }).enough);
	assert.ok(siocastCapacity(COSTS, { ...SITE, clients: 100_000, nodes: n }).enough);
});

test("the page shows what the model says", () => {
	const page = read("capacity/index.html");
	for (const key of Object.keys(SITE)) assert.ok(page.includes(`['${key}', `), key);
	assert.match(page, /src="costs.js"[^]*src="model.js"/);
});
