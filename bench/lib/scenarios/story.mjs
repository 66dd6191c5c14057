// SPDX-License-Identifier: MIT
//
// The loads of the story behind this project: what a Node server of the time was filled by. Everybody gets the same messages at the
// same times; servers that batch do so for 200 ms, the naive ones emit every message.

import { CORE, GENERATOR, PER_EVENT, P50, P99, US, toFloor, toSiocast } from '../columns.mjs';

const BATCH = 200;
const PEERS = ['tuned', 'naive', 'uws-tuned', 'v1-tuned', 'v1-naive', 'python', 'nchan'];
// Where the others would only say the same again.
const FEWER = ['tuned', 'naive', 'uws-tuned', 'v1-tuned', 'nchan'];
const COLUMNS = [CORE, toSiocast('core'), toFloor('core'), US, PER_EVENT, P50, P99, GENERATOR];

const STORY = {
	group: 'The story',
	servers: ['floor', 'siocast', ...PEERS],
	columns: COLUMNS,
	plot: { key: 'core', title: 'CPU, % of a core', low: true },
};
const options = (more) => ({ transport: 'websocket', size: 250, batch: BATCH, seconds: 1, ...more });

export const story = [
	{
		...STORY,
		name: 'story-polling',
		title: '10 polling clients × 20 messages/s',
		about: 'XHR long-polling, 250 bytes. nchan has no Engine.IO polling.',
		servers: STORY.servers.filter((id) => id !== 'nchan'),
		options: options({ clients: 10, rate: 20, transport: 'polling' }),
	},
	{
		...STORY,
		name: 'story-350',
		title: '10 clients × 350 small messages/s',
		about: 'WebSocket, 250 bytes.',
		options: options({ clients: 10, rate: 350 }),
	},
	{
		...STORY,
		name: 'story-mix',
		title: '10 clients × 200 messages/s of 3 KB, some of 30 KB',
		about: 'WebSocket; one message in fifty has 30,000 bytes. That is five times the 132 KB/s per client of the story.',
		options: options({ clients: 10, rate: 200, mix: 'story' }),
		servers: ['siocast', ...FEWER],
		columns: COLUMNS.filter(({ ratio }) => ratio !== 'floor'),
	},
	{
		...STORY,
		name: 'story-230',
		title: '230 clients × 6 messages/s',
		about: 'WebSocket, 250 bytes. This filled a process in the story.',
		options: options({ clients: 230, rate: 6 }),
	},
	{
		...STORY,
		name: 'story-525',
		title: '525 clients × 2 messages/s',
		about: 'WebSocket, 250 bytes. This, too.',
		servers: ['floor', 'siocast', ...FEWER],
		options: options({ clients: 525, rate: 2, seconds: 1.5 }),
	},
];
