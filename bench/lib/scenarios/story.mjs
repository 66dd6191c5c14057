// SPDX-License-Identifier: MIT
//
// The loads of the story behind this project: what a Node server of the time was filled by. Everybody gets the same messages at the
// same times; servers that batch do so for 200 ms, the naive ones emit every message.

import { CORE, GENERATOR, PER_EVENT, P50, P99, US, toFloor, toSiocast } from '../columns.mjs';
import { NO_POLLING } from '../complete.mjs';

const BATCH = 200;
const COLUMNS = [CORE, toSiocast('core'), toFloor('core'), US, PER_EVENT, P50, P99, GENERATOR];

const STORY = {
	group: 'The story',
	columns: COLUMNS,
	plot: { key: 'core', title: 'CPU, % of a core', low: true },
};
const options = (more) => ({ transport: 'websocket', size: 250, batch: BATCH, seconds: 1, ...more });

export const story = [
	{
		...STORY,
		name: 'story-polling',
		title: '10 polling clients × 20 messages/s',
		about: 'XHR long-polling, 250 bytes.',
		absent: { nchan: NO_POLLING },
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
		options: options({ clients: 525, rate: 2, seconds: 1.5 }),
	},
];
