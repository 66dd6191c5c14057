// SPDX-License-Identifier: MIT
//
// An Engine.IO revision 4 session seen from the client, by raw requests, each on a connection of its own unless said otherwise.

import { Exchange, request } from './http.mjs';
import { eventually } from './wait.mjs';
import { RawSocket } from './ws.mjs';

export const SEPARATOR = '\x1e';
export const TEXT = { 'Content-Type': 'text/plain;charset=UTF-8' };

/** The query of a polling request. */
export function polling(path, sid, extra = '') {
	return `${path}?EIO=4&transport=polling${sid ? `&sid=${sid}` : ''}${extra}`;
}

/** The query of a WebSocket request. */
export function websocket(path, sid, extra = '') {
	return `${path}?EIO=4&transport=websocket${sid ? `&sid=${sid}` : ''}${extra}`;
}

/**
 * Two small requests, one after the other, each on a new connection. A server with one thread has read all that was sent
 * before by the time it has answered them.
 */
export async function settle(port, path) {
	for (let i = 0; i < 2; i++) await request(port, 'GET', polling(path, 'settle'));
}

/** A polling session. */
export class Session {
	static async open(server, extra = '', headers = undefined) {
		const answer = await request(server.port, 'GET', polling(server.path, '', extra), headers);
		if (answer.status !== 200 || answer.text[0] !== '0') throw new Error(`handshake: ${answer.status} ${answer.text}`);
		return new Session(server, JSON.parse(answer.text.slice(1)), answer);
	}

	constructor(server, open, answer) {
		this.server = server;
		this.port = server.port;
		this.path = server.path;
		this.open = open;
		this.sid = open.sid;
		this.answer = answer;
	}

	get target() {
		return polling(this.path, this.sid);
	}

	/** Starts a poll; it may be held. */
	startPoll(headers) {
		return Exchange.start(this.port, 'GET', this.target, headers);
	}

	/** Polls once and waits for the answer. */
	poll(headers) {
		return request(this.port, 'GET', this.target, headers);
	}

	/** Polls until `count` packets have come; returns their texts. */
	async packets(count = 1) {
		const all = [];
		while (all.length < count) {
			const answer = await this.poll();
			if (answer.status !== 200) throw new Error(`poll: ${answer.status} ${answer.text}`);
			all.push(...answer.text.split(SEPARATOR));
		}
		return all;
	}

	post(body, headers = TEXT) {
		return request(this.port, 'POST', this.target, headers, body);
	}

	/** Opens the WebSocket of an upgrade; nothing is sent yet. */
	webSocket(headers) {
		return RawSocket.open(this.port, websocket(this.path, this.sid), headers);
	}

	settle() {
		return settle(this.port, this.path);
	}
}

/** A session over a direct WebSocket: the socket, and the open packet in `open`. */
export async function openDirect(server, extra = '', headers) {
	const socket = await RawSocket.open(server.port, websocket(server.path, '', extra), headers);
	const text = await socket.nextText('the open packet');
	if (text[0] !== '0') throw new Error(`expected an open packet, got ${text}`);
	socket.open = JSON.parse(text.slice(1));
	return socket;
}

/** Waits until the server has forgotten a session. What ended it may be seen here a moment earlier than there. */
export async function forgotten(server, sid) {
	await eventually(async () => {
		// A noop does no harm to a session that is still there.
		const answer = await request(server.port, 'POST', polling(server.path, sid), TEXT, '6');
		return answer.text === '{"code":1,"message":"Session ID unknown"}';
	}, `the end of session ${sid}`);
}

/** A direct WebSocket that has joined a namespace, with nothing unread. */
export async function openJoined(server, namespace = '', headers) {
	const socket = await openDirect(server, '', headers);
	await socket.text(`40${namespace}`);
	// On a busy machine a ping may come before it.
	let answer;
	do answer = await socket.nextText('the answer to CONNECT');
	while (answer === '2');
	if (!answer.startsWith(`40${namespace}{`)) throw new Error(`CONNECT answered by ${answer}`);
	return socket;
}

/** Upgrades a session; returns its WebSocket. */
export async function upgrade(session) {
	const socket = await session.webSocket();
	await socket.text('2probe');
	const answer = await socket.nextText('the answer to the probe');
	if (answer !== '3probe') throw new Error(`probe answered by ${answer}`);
	await socket.text('5');
	return socket;
}
