// SPDX-License-Identifier: MIT
//
// What the official server 4.8.4 was recorded to do: tests/vectors/protocol-vectors.json.

import fs from 'node:fs';
import path from 'node:path';
import { TOP } from './daemon.mjs';

const file = path.join(TOP, 'tests/vectors/protocol-vectors.json');
const { vectors, http_exchanges: exchanges } = JSON.parse(fs.readFileSync(file, 'utf8'));

/** The reactions to what a revision 4 client sends: kind "post" or "ws". Names come without the common prefix. */
export function reactions(kind) {
	const prefix = `srv-4.8.4-eio4-${kind}-`;
	const found = vectors.filter(({ id }) => id.startsWith(prefix));
	if (found.length === 0) throw new Error(`no vector begins with ${prefix}`);
	return found.map((vector) => ({ ...vector, name: vector.id.slice(prefix.length) }));
}

/** The recorded HTTP exchanges of revision 4. */
export function httpExchanges() {
	const found = exchanges.filter(({ id }) => id.startsWith('4.8.4-eio4-'));
	if (found.length === 0) throw new Error('no recorded HTTP exchanges');
	return found;
}
