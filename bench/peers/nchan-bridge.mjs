// SPDX-License-Identifier: MIT
//
// From Redis to nginx with the nchan module, which takes messages by HTTP: each message (or batch) is posted, one after the
// other over one connection, so that their order stays. --port is nginx's.

import http from 'node:http';
import { options, passOn } from './peer.mjs';

const opt = options();
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function post(path, body) {
	const headers = { 'Content-Type': 'application/json', 'Content-Length': body.length };
	const request = http.request({ agent, host: '127.0.0.1', port: opt.port, method: 'POST', path, headers }, (answer) => {
		answer.resume();
		if (answer.statusCode >= 300) {
			console.error(`nchan answered ${answer.statusCode}`);
			process.exit(1);
		}
	});
	request.on('error', (error) => {
		console.error(error);
		process.exit(1);
	});
	request.end(body);
}

// With rooms each of them is a channel of nchan.
const target = (path) => ({ emit: (event, body) => post(path, body) });
await passOn({ ...target('/pub'), to: (room) => target(`/pub/${room}`) }, opt);
console.log('{"subscribed":true}');
