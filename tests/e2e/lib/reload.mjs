// SPDX-License-Identifier: MIT
//
// A siocast whose configuration is written anew while it runs.

import fs from 'node:fs/promises';
import path from 'node:path';
import { configure, launchSiocast } from './daemon.mjs';
import { request } from './http.mjs';

export const TOKEN = 'a-token-of-32-bytes-or-something';
export const GOOD = { Authorization: `Bearer ${TOKEN}` };

/** Starts siocast with an admin port that takes POST /reload. */
export async function startReloadable(cleanup, config, options) {
	const setup = await configure(cleanup, config);
	const tokenFile = path.join(path.dirname(setup.file), 'token');
	await fs.writeFile(tokenFile, `${TOKEN}\n`);
	setup.config.publish = { tokenFile };
	await write(setup, {});
	return { ...setup, child: await launchSiocast(cleanup, setup, options) };
}

/** Writes the configuration with some keys of the top level changed; undefined takes one away. */
export async function write(server, changes) {
	Object.assign(server.config, changes);
	await fs.writeFile(server.file, JSON.stringify(server.config, null, '\t'));
}

/** Has it read anew. Gives {status, changed, needsRestart, errors}. */
export async function reload(server, changes) {
	if (changes) await write(server, changes);
	const answer = await request(server.admin, 'POST', '/reload', GOOD, '');
	return { status: answer.status, ...JSON.parse(answer.text) };
}
