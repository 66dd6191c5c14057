// SPDX-License-Identifier: MIT
// The ways siocast.js is loaded, old engines included, and what the package says about itself.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import vm from "node:vm";
import { makeModule } from "../../client-js/build.mjs";
import * as esm from "../../client-js/siocast.mjs";

const client = new URL("../../client-js/", import.meta.url);
const file = fileURLToPath(new URL("siocast.js", client));
const source = readFileSync(file, "utf8");
const cjs = createRequire(import.meta.url)(file);
const batch = Buffer.from('["é€𝄞"]');
const manifest = JSON.parse(readFileSync(new URL("package.json", client)));

test("import gives what require gives", () => {
	assert.deepEqual(Object.keys(esm).sort(), ["columns", "decode", "default", "on", "resume", "split", "version"]);
	for (const name of ["decode", "split", "columns", "on", "resume", "version"]) {
		assert.equal(esm.default[name], esm[name]);
		assert.equal(String(esm[name]).replace(/\s+/g, " "), String(cjs[name]).replace(/\s+/g, " "));
	}
	assert.deepEqual(esm.decode(batch), ["é€𝄞"]);
	assert.deepEqual(esm.split(batch).map(String), [String(Buffer.from('"é€𝄞"').toJSON().data)]);
});

test("siocast.mjs is what build.mjs makes of siocast.js, and imports nothing", () => {
	const made = readFileSync(new URL("siocast.mjs", client), "utf8");
	assert.equal(made, makeModule(source), "run node client-js/build.mjs");
	assert.doesNotMatch(made, /^import|\bglobalThis\b|\bmodule\b\./m);
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

test("siocast.js is ES5 and ASCII", (t) => {
	assert.match(source, /^[\x00-\x7f]*$/);
	const parse = `
    const acorn = require("internal/deps/acorn/acorn/dist/acorn");
    const source = require("fs").readFileSync(process.argv[1], "utf8");
    acorn.parse(source, { ecmaVersion: 5 });
    try { acorn.parse("let a = () => 1", { ecmaVersion: 5 }); } catch (e) { process.stdout.write("checked"); }`;
	let said;
	try {
		said = execFileSync(process.execPath, ["--expose-internals", "-e", parse, file], { stdio: ["ignore", "pipe", "pipe"] }).toString();
	} catch (e) {
		if (!/internal\/deps\/acorn/.test(e.stderr)) throw e;
		return t.skip("this Node does not bring the parser along");
	}
	assert.equal(said, "checked");
});

test("the package names files that are there, and one version", () => {
	const { import: forImport, require: forRequire } = manifest.exports["."];
	for (const path of [manifest.main, manifest.module, manifest.types, ...Object.values(forImport), ...Object.values(forRequire), ...manifest.files]) {
		readFileSync(new URL(path, client));
	}
	assert.equal(cjs.version, manifest.version);
	assert.ok(source.startsWith(`/*! siocast ${manifest.version} `));
	assert.ok(readFileSync(new URL("siocast.mjs", client), "utf8").startsWith(`/*! siocast ${manifest.version} `));
});

test("the official clients are pinned, with a checksum, to the public registry", () => {
	const lock = JSON.parse(readFileSync(new URL("official/package-lock.json", client)));
	const { dependencies } = JSON.parse(readFileSync(new URL("official/package.json", client)));
	// One of each generation. The name of its folder tells siocast the version.
	assert.deepEqual(Object.keys(dependencies).map((name) => name.replace(/\..*/, "")), ["client-1", "client-2", "client-3", "client-4"]);
	for (const [name, wanted] of Object.entries(dependencies)) {
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
