// SPDX-License-Identifier: MIT
//
// An application that is asked who may connect, and tokens as it would sign them.

import crypto from 'node:crypto';
import http from 'node:http';
import { once } from 'node:events';
import { Inbox } from './wait.mjs';

/**
 * Answers questions by `reply(question)`: {status, body, headers}, or nothing for never. What it was asked is in `asked`, and
 * `questions` counts it.
 */
export class Application {
	/** at: the path of a Unix socket; without, it has a port. */
	static async start(cleanup, reply, at = null) {
		const app = new Application(reply);
		app.server = http.createServer((req, res) => app.#take(req, res));
		if (at) app.server.listen(at);
		else app.server.listen(0, '127.0.0.1');
		await once(app.server, 'listening');
		cleanup.add(app.server, () => {
			app.server.closeAllConnections();
			app.server.close();
		});
		app.url = `http://127.0.0.1:${app.server.address().port}/auth`;
		return app;
	}

	constructor(reply) {
		this.reply = reply;
		this.asked = new Inbox('the application');
		this.questions = 0;
	}

	async #take(req, res) {
		const parts = [];
		for await (const part of req) parts.push(part);
		const question = JSON.parse(Buffer.concat(parts).toString());
		this.questions++;
		this.asked.push(question);
		const reply = await this.reply(question);
		if (!reply) return;
		res.writeHead(reply.status ?? 200, { 'Content-Type': 'application/json', ...reply.headers });
		res.end(reply.body === undefined ? '' : JSON.stringify(reply.body));
	}
}

export const SECRET = 'a secret of more than thirty-two bytes';

/** A token with these claims, signed by HS256. */
export function token(claims, secret = SECRET, header = { alg: 'HS256' }) {
	const text = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
	return `${text}.${crypto.createHmac('sha256', secret).update(text).digest('base64url')}`;
}

export const inSeconds = (n) => Math.floor(Date.now() / 1000) + n;
