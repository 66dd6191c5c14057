// SPDX-License-Identifier: MIT
//
// Makes what browsers and packages load of src/: siocast.js and siocast-columns.js as scripts, which require() takes too, and the
// same as modules that need no bundler. `node client-js/build.mjs` writes them; tests/js/loading.test.mjs fails where they are
// not what this makes.
//
// The sources are modules in ES5 but for `import` and `export`. Their functions have names of their own across all files, so they
// are just put one behind the other, without those two words.

import fs from 'node:fs';
import { fileURLToPath } from 'node:url';

const at = (name) => new URL(name, import.meta.url);
const { version } = JSON.parse(fs.readFileSync(at('package.json'), 'utf8'));

const DECODER = ['bytes', 'utf8', 'formats', 'messages', 'pointers', 'batch', 'charts', 'query', 'resume'];
const COLUMNS = ['pools', 'reader', 'lz4', 'ints', 'texts', 'numbers', 'makers', 'objects', 'skeleton', 'table', 'columns'].map((name) => `columns/${name}`);
const EXPORTS = ['version', 'decode', 'split', 'columns', 'on', 'resume', 'use'];

const indent = (text) => text.replace(/^(?=.)/gm, '  ');
const given = (names) => names.map((name) => `${name}: ${name}`).join(', ');

/**
 * src/columns/makers.mjs, which makes objects of columns: one function for each size, several times over. In each line that stores
 * there is a key, and to a browser's compiler it is always the same one with objects of the same class, unless several shapes share
 * the line: then it looks up, which takes twice the time. Code made in the page would do as well, but asks for `unsafe-eval`.
 */
function makers() {
  const sizes = [2, 4, 8, 16];
  const copies = ['a', 'b', 'c', 'd'];
  const upTo = (size, each, between) => Array.from({ length: size }, (_, i) => each(i)).join(between);
  const stores = (size) => (i) => `    ${size > 2 && i <= size / 2 ? '' : `if (length > ${i}) `}o[k${i}] = c${i}[i];\n`;
  const maker = (size, copy) => `function objects${size}${copy}(k, c, n, out) {
  var length = k.length;
  var ${upTo(size, (i) => `k${i} = k[${i}]`, ', ')};
  var ${upTo(size, (i) => `c${i} = c[${i}]`, ', ')};
  var i, o${size === 16 ? ', j' : ''};

  for (i = 0; i < n; i++) {
    o = out[i] = new Object${size}();
${upTo(size, stores(size), '')}${size === 16 ? '    for (j = 16; j < length; j++) o[k[j]] = c[j][i];\n' : ''}  }
}

`;
  return `// SPDX-License-Identifier: MIT
// Made by build.mjs, which says why it is as it is. What makes n objects with the keys k, of 0 to 2, 3 to 4, 5 to 8, and more of them.

/* They only say how much room objects take: they are never told to store anything, and what they make is like what {} makes. */
${sizes.map((size) => `function Object${size}(never) {\n  if (never) ${upTo(size, (i) => `this.p${i} = `, '')}0;\n}\n`).join('')}${sizes.map((size) => `Object${size}.prototype = `).join('')}Object.prototype;

${sizes.map((size) => copies.map((copy) => maker(size, copy)).join('')).join('')}export var makers = [
${sizes.map((size) => `  [${copies.map((copy) => `objects${size}${copy}`).join(', ')}]`).join(',\n')}
];
`;
}

const sourceOf = (file) => (file === 'columns/makers' ? makers() : fs.readFileSync(at(`src/${file}.mjs`), 'utf8'));

/** The text of a source; what it takes of files that are not in `files` is added to `missing`. */
function textOf(file, files, missing) {
  const source = sourceOf(file);
  const folder = new URL(`src/${file}.mjs`, 'file:///');
  for (const [, names, from] of source.matchAll(/^import \{ (.*) \} from "(.*)\.mjs";$/gm))
    if (!files.includes(new URL(from, folder).pathname.replace('/src/', ''))) names.split(', ').forEach((name) => missing.add(name));
  return source.replace(/^\/\/ SPDX.*\n/, "").replace(/^import .*\n/gm, "").replace(/^export /gm, "");
}

function join(files, missing = new Set()) {
  return files.map((file) => `/* --- ${file} ${'-'.repeat(110 - file.length)} */\n\n${textOf(file, files, missing)}`).join('\n');
}

const banner = (name, what) => `/*! ${name} ${version} | MIT | ${what} of siocast, a Socket.IO broadcast server */
/* Made of client-js/src of its repository by build.mjs, which is where it is to be changed. */
`;

const ABOUT = `/*
 * siocast sends many messages as one binary argument. This file takes them
 * apart again:
 *
 *     socket.on("ticks", function (buffer) {
 *       siocast.decode(buffer).forEach(function (tick) { draw(tick); });
 *     });
 *
 * A batch has one of four formats:
 *
 *     array    [m1,m2]                       a JSON array; never ends with LF
 *     lines    m1 LF m2 LF                   ends with LF
 *     frames   u32 big-endian length, bytes, each; a length is below 2^24, so the first byte is 00
 *     columns  the values of each place in the messages together; first byte 01, last byte 00:
 *              for these siocast-columns.js is needed, behind this file
 *
 * And it has clients before 4.6 come back to their session after their connection broke:
 *
 *     var socket = siocast.resume(io());
 *
 * It runs in every browser that has typed arrays (from IE 10 on) and in Node
 * from 0.10 on, as a <script> (global \`siocast\`), by require() and, through
 * siocast.mjs, by import. It needs nothing else, so it is written in ES5.
 */
`;

const ROOT = 'typeof globalThis !== "undefined" ? globalThis : typeof self !== "undefined" ? self : this';

function decoderScript() {
  return `${banner('siocast', 'the batch decoder')}${ABOUT}(function (root, factory) {
  "use strict";
  if (typeof module === "object" && module && module.exports) {
    module.exports = factory();
  } else {
    root.siocast = factory();
  }
})(${ROOT}, function () {
  "use strict";

  var version = "${version}";

${indent(join(DECODER))}
  return { ${given(EXPORTS)} };
});
`;
}

function decoderModule() {
  return `${banner('siocast', 'the batch decoder')}
var version = "${version}";

${join(DECODER)}
export { ${EXPORTS.join(', ')} };
export default { ${given(EXPORTS)} };
`;
}

/** What makes the decoder of columns, given what the other file shares with it. */
function columnsFactory() {
  const missing = new Set();
  const text = indent(join(COLUMNS, missing));
  const shared = [...missing].sort().map((name) => `  var ${name} = shared.${name};\n`).join('');
  return `function (shared) {
  "use strict";

${shared}
${text}
  return { decode: decode, split: split, chart: chart };
}`;
}

function columnsScript() {
  return `${banner('siocast-columns', 'the decoder for batches in columns')}/* To be loaded behind siocast.js of the same version. */
(function (root, factory) {
  "use strict";
  var siocast;

  if (typeof module === "object" && module && module.exports) {
    siocast = module.exports = require("./siocast.js");
  } else {
    siocast = root.siocast;
  }
  if (!siocast || siocast.version !== "${version}") {
    throw new Error("siocast-columns.js needs siocast.js ${version} before it");
  }
  siocast.use(factory);
})(${ROOT}, ${columnsFactory()});
`;
}

function columnsModule() {
  return `${banner('siocast-columns', 'the decoder for batches in columns')}
import { use } from "./siocast.mjs";

export * from "./siocast.mjs";
export { default } from "./siocast.mjs";

use(${columnsFactory()});
`;
}

/** The text of each file. */
export function build() {
  return {
    'src/columns/makers.mjs': makers(),
    'siocast.js': decoderScript(),
    'siocast.mjs': decoderModule(),
    'siocast-columns.js': columnsScript(),
    'siocast-columns.mjs': columnsModule(),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, text] of Object.entries(build())) fs.writeFileSync(at(name), text);
}
