// SPDX-License-Identifier: MIT
//
// Makes siocast.mjs from siocast.js: the same code with exports of its own, so that bundlers and browsers need no other file
// and nothing has to turn one kind of module into the other. `node client-js/build.mjs` writes it; tests/js/loading.test.mjs
// fails where it is not what this makes.

import fs from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The text of siocast.mjs for that of siocast.js. */
export function makeModule(source) {
  const [, version] = source.match(/^\/\*! siocast (\S+) /);
  const [, body] = source.match(/function \(\) \{\n {2}"use strict";\n\n(.*?)\n {2}return \{\n/s);
  return `/*! siocast ${version} | MIT | the batch decoder of siocast, a Socket.IO broadcast server */
/* siocast.js as a module: made from it by build.mjs of its repository, where it is to be changed. */

${body.replace(/^ {2}/gm, '')}
var version = "${version}";

export { version, decode, split, columns, on, resume };
export default { version: version, decode: decode, split: split, columns: columns, on: on, resume: resume };
`;
}

const at = (name) => new URL(name, import.meta.url);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  fs.writeFileSync(at('siocast.mjs'), makeModule(fs.readFileSync(at('siocast.js'), 'utf8')));
}
