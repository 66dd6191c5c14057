// SPDX-License-Identifier: MIT
// The decoder as npm installs it from the tree: in Node, in TypeScript, by a script tag, and in what bundlers make, without a warning and
// without the parts that are not used. Bundlers and compiler are those of tests/bundlers/package-lock.json.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createContext, runInContext } from "node:vm";

const client = fileURLToPath(new URL("../../client-js/", import.meta.url));
const require = createRequire(new URL("../bundlers/package.json", import.meta.url));

function load(name) {
	return import(pathToFileURL(require.resolve(name)));
}

function isInstalled() {
	try {
		require.resolve("rollup");
		return true;
	} catch {
		return false;
	}
}

const APP = `import { decode } from "siocast";
import siocast from "siocast";
console.log(JSON.stringify([decode(new TextEncoder().encode('[{"a":1}]')), siocast.decode("1\\n2\\n"), siocast.version]));
`;
// Of the example in doc/columns.md, by its own import and by that of the rest.
const USES_COLUMNS = `import "siocast/columns";
import { decode } from "siocast";
const hex = "015518007b2273796d626f6c223a002c227072696365223a007d4142030116050203010000010006020901ac02020300";
console.log(JSON.stringify(decode(new Uint8Array(hex.match(/../g).map((x) => parseInt(x, 16))))));
`;
// What a program in TypeScript relies on; each line with @ts-expect-error has to be a mistake.
const TYPED = `IMPORT
const socket = { on(event: string, fn: (...args: any[]) => void) { return this; }, io: 1 };
const quotes: { symbol: string; price: number }[] = siocast.decode<{ symbol: string; price: number }>(new ArrayBuffer(2));
const raw: Uint8Array[] = siocast.split("1\\n");
const length: number = siocast.columns(raw[0]!).length;
const end: () => void = siocast.on<{ title: string }>(socket, "news", (item) => item.title.toUpperCase());
const recovered: boolean = siocast.resume(socket).recovered;
// @ts-expect-error
siocast.decode(1);
// @ts-expect-error
siocast.split([]);
// @ts-expect-error
siocast.none();
export { quotes, length, end, recovered };
`;
// As projects resolve modules: in Node by its rules, for a bundler, and as ten years ago.
const TYPESCRIPT = [
	{ file: "node.mts", from: 'import * as siocast from "siocast";\nimport "siocast/columns";', options: { module: "node16" } },
	{ file: "default.mts", from: 'import siocast from "siocast";', options: { module: "nodenext" } },
	{ file: "require.cts", from: 'import siocast = require("siocast");\nimport "siocast/columns";', options: { module: "node16" } },
	{ file: "bundler.ts", from: 'import siocast from "siocast";\nimport "siocast/columns";', options: { module: "esnext", moduleResolution: "bundler" } },
	{ file: "old.ts", from: 'import * as siocast from "siocast";\nimport "siocast/columns";', options: { module: "commonjs", moduleResolution: "node10", ignoreDeprecations: "5.0" } },
];
const QUOTES = '[{"symbol":"A","price":1.5},{"symbol":"B","price":1.51},{"symbol":"A","price":1.49}]\n';
const USES_ONE = 'import { split } from "siocast";\nconsole.log(split("1\\n2\\n").length);\n';
const { version } = JSON.parse(readFileSync(path.join(client, "package.json")));
const SAID = `${JSON.stringify([[{ a: 1 }], [1, 2], version])}\n`;

// Each builds an entry into one file of the folder, which it gives, with the warnings there were.
const bundlers = {
	async rollup(dir, entry) {
		const { rollup } = await load("rollup");
		const { nodeResolve } = require("@rollup/plugin-node-resolve");
		const warnings = [];
		const bundle = await rollup({ input: entry, plugins: [nodeResolve()], onwarn: (w) => warnings.push(w.message) });
		const file = path.join(dir, "rollup.mjs");
		await bundle.write({ file, format: "es" });
		await bundle.close();
		return { file, warnings };
	},
	async esbuild(dir, entry) {
		const { build } = require("esbuild");
		const file = path.join(dir, "esbuild.mjs");
		const options = { entryPoints: [entry], outfile: file, bundle: true, format: "esm", logLevel: "silent" };
		const { warnings } = await build(options);
		return { file, warnings: warnings.map((w) => w.text) };
	},
	async webpack(dir, entry) {
		const webpack = require("webpack");
		const output = { path: dir, filename: "webpack.mjs" };
		const stats = await new Promise((resolve, reject) => {
			const compiler = webpack({ mode: "production", context: dir, entry, output, target: "web" });
			compiler.run((error, result) => compiler.close(() => (error ? reject(error) : resolve(result))));
		});
		const { warnings, errors } = stats.toJson({ all: false, warnings: true, errors: true });
		return { file: path.join(dir, "webpack.mjs"), warnings: [...warnings, ...errors].map((w) => w.message) };
	},
	async vite(dir, entry) {
		const { build, createLogger } = await import(pathToFileURL(path.join(path.dirname(require.resolve("vite/package.json")), "dist/node/index.js")));
		const warnings = [];
		const customLogger = createLogger("warn");
		for (const level of ["warn", "warnOnce", "error"]) customLogger[level] = (text) => warnings.push(text);
		await build({
			root: dir,
			configFile: false,
			customLogger,
			build: { outDir: path.join(dir, "vite"), rollupOptions: { input: entry, output: { entryFileNames: "app.mjs" } } },
		});
		return { file: path.join(dir, "vite/app.mjs"), warnings };
	},
};

describe("the decoder from npm", { skip: isInstalled() ? false : "there are no node_modules in tests/bundlers" }, () => {
	const dir = realpathSync(mkdtempSync(path.join(tmpdir(), "siocast-bundlers-")));
	const npm = (...args) => execFileSync("npm", [...args, "--offline", "--no-audit", "--no-fund", "--loglevel=error"], { cwd: dir, encoding: "utf8" });
	const run = (file) => execFileSync(process.execPath, [file], { cwd: dir, encoding: "utf8" });

	before(() => {
		mkdirSync(path.join(dir, "tree"));
		cpSync(client, path.join(dir, "tree/client-js"), { recursive: true, filter: (name) => !/node_modules|demo/.test(name) });
		writeFileSync(path.join(dir, "package.json"), '{"name":"app","private":true}');
		writeFileSync(path.join(dir, "app.mjs"), APP);
		writeFileSync(path.join(dir, "one.mjs"), USES_ONE);
		writeFileSync(path.join(dir, "columns.mjs"), USES_COLUMNS);
		npm("install", "./tree/client-js");
	});
	after(() => rmSync(dir, { recursive: true, force: true }));

	test("Node imports and requires it", () => {
		assert.equal(run("app.mjs"), SAID);
		assert.equal(run("columns.mjs"), QUOTES);
		writeFileSync(path.join(dir, "app.cjs"), 'console.log(require("siocast").decode("1\\n2\\n").length, require("siocast") === require("siocast/columns"));');
		assert.equal(run("app.cjs"), "2 true\n");
	});

	for (const { file, from, options } of TYPESCRIPT) {
		test(`TypeScript takes it: ${file}, ${Object.values(options).slice(0, 2).join(", ")}`, () => {
			const ts = require("typescript");
			const entry = path.join(dir, file);
			writeFileSync(entry, TYPED.replace("IMPORT", from));
			const { options: all, errors } = ts.convertCompilerOptionsFromJson({ strict: true, noEmit: true, skipDefaultLibCheck: true, target: "es2020", types: [], ...options }, dir);
			const found = [...errors, ...ts.getPreEmitDiagnostics(ts.createProgram([entry], all))];
			assert.equal(ts.formatDiagnostics(found, { getCanonicalFileName: (name) => name, getCurrentDirectory: () => dir, getNewLine: () => "\n" }), "");
		});
	}

	test("a script tag makes it a global, in a page of any age", () => {
		const at = (name) => readFileSync(path.join(dir, "node_modules/siocast", name), "utf8");
		const { unpkg } = JSON.parse(at("package.json"));
		// A page has a window, and none of what Node has.
		const page = createContext({ Uint8Array, ArrayBuffer, DataView, TextDecoder });
		page.window = page.self = page;
		runInContext(at(unpkg), page);
		runInContext(at("siocast-columns.js"), page);
		assert.equal(runInContext('siocast.version + JSON.stringify(siocast.decode("1\\n2\\n"))', page), `${version}[1,2]`);
		const hex = /"([0-9a-f]{60,})"/.exec(USES_COLUMNS)[1];
		assert.equal(runInContext(`JSON.stringify(siocast.decode(new Uint8Array("${hex}".match(/../g).map((x) => parseInt(x, 16)))))`, page), QUOTES.trim());
	});

	for (const [name, bundle] of Object.entries(bundlers)) {
		test(`${name} takes it without a warning`, async () => {
			const { file, warnings } = await bundle(dir, path.join(dir, "app.mjs"));
			assert.deepEqual(warnings, []);
			assert.equal(run(file), SAID);
			const one = await bundle(dir, path.join(dir, "one.mjs"));
			assert.deepEqual(one.warnings, []);
			assert.equal(run(one.file), "2\n");
			assert.doesNotMatch(readFileSync(one.file, "utf8"), /the batch is not JSON|not a batch in columns/, "decode() is not used");
			const columns = await bundle(dir, path.join(dir, "columns.mjs"));
			assert.deepEqual(columns.warnings, []);
			assert.equal(run(columns.file), QUOTES);
		});
	}

	test("a packed file holds what it needs, and works the same", () => {
		const [{ filename, files }] = JSON.parse(npm("pack", "./tree/client-js", "--json"));
		assert.deepEqual(files.map((f) => f.path).sort(), ["README.md", "package.json", ...["d.mts", "d.ts", "js", "mjs"].flatMap((kind) => [`siocast-columns.${kind}`, `siocast.${kind}`])].sort());
		npm("install", `./${filename}`);
		assert.equal(run("app.mjs"), SAID);
		assert.equal(run("columns.mjs"), QUOTES);
	});
});
