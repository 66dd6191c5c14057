// SPDX-License-Identifier: MIT
// The ways siocast.js is loaded, old engines included, and what the package says about itself.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import vm from "node:vm";
import { build } from "../../client-js/build.mjs";
import * as esm from "../../client-js/siocast.mjs";
import * as chart from "../../client-js/src/charts.mjs";
import * as sources from "../../client-js/src/columns/columns.mjs";
import * as back from "../../client-js/src/resume.mjs";

const client = new URL("../../client-js/", import.meta.url);
const file = fileURLToPath(new URL("siocast.js", client));
const source = readFileSync(file, "utf8");
const cjs = createRequire(import.meta.url)(file);
const addOn = readFileSync(new URL("siocast-columns.js", client), "utf8");
const batch = Buffer.from('["é€𝄞"]');
/** Of the example in doc/columns.md. */
const columns = Uint8Array.from(Buffer.from("01551800" + "7b2273796d626f6c223a002c227072696365223a007d4142030116050203010000010006020901ac02020300", "hex"));
const QUOTES = [["A", 1.5], ["B", 1.51], ["A", 1.49]].map(([symbol, price]) => ({ symbol, price }));
const manifest = JSON.parse(readFileSync(new URL("package.json", client)));

test("import gives what require gives", () => {
	assert.deepEqual(Object.keys(esm).sort(), ["columns", "decode", "default", "on", "resume", "split", "use", "version"]);
	for (const name of ["decode", "split", "columns", "on", "resume", "use", "version"]) {
		assert.equal(esm.default[name], esm[name]);
		assert.equal(String(esm[name]).replace(/\s+/g, " "), String(cjs[name]).replace(/\s+/g, " "));
	}
	assert.deepEqual(esm.decode(batch), ["é€𝄞"]);
	assert.deepEqual(esm.split(batch).map(String), [String(Buffer.from('"é€𝄞"').toJSON().data)]);
});

test("the files are what build.mjs makes of src/, and siocast.mjs imports nothing", () => {
	const made = build();
	assert.equal(Object.keys(made).length, 5);
	for (const [name, text] of Object.entries(made)) assert.equal(readFileSync(new URL(name, client), "utf8"), text, "run node client-js/build.mjs");
	assert.doesNotMatch(made["siocast.mjs"], /^import|\bglobalThis\b|\bmodule\b\./m);
	assert.deepEqual(made["siocast-columns.mjs"].match(/ from ".*"/g), Array(3).fill(' from "./siocast.mjs"'));
});

test("the sources are modules by themselves: what each imports is there", () => {
	assert.deepEqual(sources.decode(columns), QUOTES);
	assert.deepEqual(chart.columns(QUOTES).values["/symbol"], ["A", "B", "A"]);
	assert.equal(typeof back.resume, "function");
});

test("a script tag gives one global", () => {
	const page = vm.createContext({ TextDecoder, bytes: Uint8Array.from(batch) });
	const before = vm.runInContext("Object.getOwnPropertyNames(this)", page).length;
	vm.runInContext(source, page);
	assert.equal(vm.runInContext("Object.getOwnPropertyNames(this)", page).length, before + 1);
	assert.equal(vm.runInContext("siocast.decode(bytes)[0]", page), "é€𝄞");
});

test("a browser without globalThis, TextDecoder and Buffer", () => {
	const page = vm.createContext({ bytes: Uint8Array.from(batch), bad: Uint8Array.of(0x22, 0xe2, 0x82, 0x22, 0x0a) });
	vm.runInContext("var self = this; delete this.globalThis;", page);
	vm.runInContext(source, page);
	assert.equal(vm.runInContext("typeof TextDecoder + typeof Buffer + typeof globalThis", page), "undefined".repeat(3));
	assert.equal(vm.runInContext("siocast.decode(bytes)[0]", page), "é€𝄞");
	assert.equal(vm.runInContext("siocast.decode(bad)[0]", page), "\ufffd");
});

test("a batch in columns without what decodes it is an error that says so; with it, it is decoded", () => {
	const page = vm.createContext({ TextDecoder, columns });
	vm.runInContext(source, page);
	for (const call of ["decode(columns)", "split(columns)", "columns(columns)"])
		assert.throws(() => vm.runInContext(`siocast.${call}`, page), /^Error: siocast: a batch in columns, which needs siocast-columns.js: /, call);
	vm.runInContext("var heard; siocast.on({ on: function (name, fn) { heard = fn; } }, 'all', function () { throw 1; })", page);
	assert.throws(() => vm.runInContext("heard(columns)", page), /needs siocast-columns.js/);
	const before = vm.runInContext("Object.getOwnPropertyNames(this)", page).length;
	vm.runInContext(addOn, page);
	assert.equal(vm.runInContext("Object.getOwnPropertyNames(this)", page).length, before);
	assert.equal(vm.runInContext("JSON.stringify(siocast.decode(columns))", page), JSON.stringify(QUOTES));
	assert.equal(vm.runInContext("siocast.columns(columns).values['/price'][1]", page), 1.51);
});

test("siocast-columns.js without siocast.js, or with one of another version, says what it needs", () => {
	const said = /^Error: siocast-columns.js needs siocast.js \d+\.\d+\.\d+ before it$/;
	assert.throws(() => vm.runInContext(addOn, vm.createContext({})), said);
	assert.throws(() => vm.runInContext(addOn, vm.createContext({ siocast: { version: "0.0.1" } })), said);
});

test("siocast/columns gives all of siocast, by import and by require", async () => {
	const module = await import("../../client-js/siocast-columns.mjs");
	assert.deepEqual(Object.keys(module).sort(), Object.keys(esm).sort());
	assert.equal(module.default, esm.default);
	assert.deepEqual(esm.decode(columns), QUOTES);
	const required = createRequire(import.meta.url)("../../client-js/siocast-columns.js");
	assert.equal(required, cjs);
	assert.deepEqual(required.decode(columns), QUOTES);
});

test("Node before 4: a Buffer that is no typed array", () => {
	function OldBuffer(bytes) {
		this.length = bytes.length;
		for (let i = 0; i < bytes.length; i++) this[i] = bytes[i];
	}
	OldBuffer.isBuffer = (b) => b instanceof OldBuffer;
	const page = vm.createContext({ Buffer: OldBuffer, data: new OldBuffer(batch) });
	vm.runInContext(source, page);
	assert.equal(vm.runInContext("siocast.decode(data)[0]", page), "é€𝄞");
});

test("the scripts are ES5 and ASCII", (t) => {
	const parse = `
    const acorn = require("internal/deps/acorn/acorn/dist/acorn");
    const source = require("fs").readFileSync(process.argv[1], "utf8");
    acorn.parse(source, { ecmaVersion: 5 });
    try { acorn.parse("let a = () => 1", { ecmaVersion: 5 }); } catch (e) { process.stdout.write("checked"); }`;
	for (const name of ["siocast.js", "siocast-columns.js"]) {
		const path = fileURLToPath(new URL(name, client));
		assert.match(readFileSync(path, "utf8"), /^[\x00-\x7f]*$/);
		let said;
		try {
			said = execFileSync(process.execPath, ["--expose-internals", "-e", parse, path], { stdio: ["ignore", "pipe", "pipe"] }).toString();
		} catch (e) {
			if (!/internal\/deps\/acorn/.test(e.stderr)) throw e;
			return t.skip("this Node does not bring the parser along");
		}
		assert.equal(said, "checked", name);
	}
});

test("the package names files that are there, and one version", () => {
	const named = JSON.stringify([manifest.exports, manifest.typesVersions, manifest.sideEffects]).match(/\.\/[^"]+\.[^"]+/g);
	assert.ok(named.length > 10);
	for (const path of [manifest.main, manifest.module, manifest.types, ...manifest.files, ...named]) readFileSync(new URL(path, client));
	for (const path of named) assert.ok([...manifest.files, "package.json"].includes(path.slice(2)), path);
	assert.equal(cjs.version, manifest.version);
	for (const name of ["siocast", "siocast-columns"]) {
		for (const kind of ["js", "mjs"]) assert.ok(readFileSync(new URL(`${name}.${kind}`, client), "utf8").startsWith(`/*! ${name} ${manifest.version} `), name);
	}
});

test("the official clients and the Admin UI are pinned, with a checksum, to the public registry", () => {
	const lock = JSON.parse(readFileSync(new URL("official/package-lock.json", client)));
	const { dependencies } = JSON.parse(readFileSync(new URL("official/package.json", client)));
	// One of each generation. The name of its folder tells siocast the version.
	const { "@socket.io/admin-ui": ui, ...clients } = dependencies;
	assert.equal(lock.packages["node_modules/@socket.io/admin-ui"].version, ui);
	assert.deepEqual(Object.keys(clients).map((name) => name.replace(/\..*/, "")), ["client-1", "client-2", "client-3", "client-4"]);
	for (const [name, wanted] of Object.entries(clients)) {
		assert.equal(`${name.replace("client-", "npm:socket.io-client@")}`, wanted);
		const entry = lock.packages[`node_modules/${name}`];
		assert.equal(entry.name, "socket.io-client");
		assert.equal(`client-${entry.version}`, name);
	}
	for (const [name, entry] of Object.entries(lock.packages)) {
		if (name === "") continue;
		assert.ok(entry.resolved.startsWith("https://registry.npmjs.org/"), name);
		assert.match(entry.integrity, /^sha512-/);
	}
});
