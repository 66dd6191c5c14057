// SPDX-License-Identifier: MIT
//
// Why a goal is missed, and what was tried, for those of bars.mjs that have been missed. Figures in the texts are of the same
// run, where they are not said to be of a profile made for the purpose.

const times = (value, digits = 1) => (value === undefined ? 'an unknown number of' : value.toFixed(digits));

function socketIo(scenario) {
	return ({ ratio, median }) =>
		`The floor itself is ${times(1 / ratio(scenario, 'floor', 'us', 'tuned'))} times cheaper than Socket.IO in these rounds, siocast ` +
		`${times(1 / ratio(scenario, 'siocast', 'us', 'tuned'))} times: ${times(median('profile-fan-out', 'siocast', 'send'), 0)} of 100 samples of it are in and below the calls that send (3 KB), which all pay (see the flame ` +
		'graphs). In: frames straight to the kernel past libwebsockets, memory of the members fetched ' +
		'ahead, io_uring with 256 sends in a call. Tried, without effect at 250 bytes and 3 KB: registered sockets, 16 to 1,024 sends in a call, no ' +
		'completions for sends that went well. `sendfile` from shared pages costs more at 3 KB.';
}

/** By the beginning of the goal's name: a function from a reader of the results to the text. */
const REASONS = [
	['CPU per delivered binary event ÷ Socket.IO 4.8/ws, 250 bytes', socketIo('fan-out-1k-250')],
	['CPU per delivered binary event ÷ Socket.IO 4.8/ws, 3 KB', socketIo('fan-out-1k-3000')],
	['ingest: CPU per message', ({ ratio }) =>
		`Every byte is checked to be JSON before it may join a batch, and is copied into the batch and from there into the frame; the floor of ${times(1 / ratio('ingest-max', 'siocast', 'us', 'floor-ingest'), 2)} of ` +
		'this only reads from the socket. Tried: published messages are read in the receive buffer instead of by hiredis, the check looks at ' +
		'64 bytes at a time with SSE2 or AVX2, and large batches for few clients leave one by one instead of put together; all are in. ' +
		'A check with AVX-512 was no faster. In a profile made for that, about four tenths of what is left were the check, three the kernel\'s copies and sockets, one our own two copies. ' +
		'Not tried: to batch without the second one.'],
	['long-polling: CPU per poll answered ÷ floor', () =>
		'The floor looks at the first byte and the end of a request and knows whose it is by its descriptor. siocast has one system call for each poll, as ' +
		'the floor has, and the sends in one for all; two thirds of its samples are in the kernel (profile made for that). Of the rest most is memory that is not in the cache: connection, exchange, session, ' +
		'client, their timers. In: no parser and no allocation for a poll that is the one before but for its t, which was a tenth. Not tried: an answer past the session\'s queue, which allocates.'],
	['long-polling: CPU per poll', ({ ratio }) =>
		'A poll is a request read and an answer written, and the kernel acknowledges each request by a packet of its own when it is read, as no answer is there ' +
		`to carry that; the floor, which looks at nothing but the first byte and the end of a request, takes ${times(ratio('polling', 'floor', 'usFrame', 'siocast'), 2)} of ` +
		`siocast's time, and ${times(ratio('polling', 'floor', 'usFrame', 'tuned'), 2)} of Socket.IO's. In a profile made for that, four fifths of siocast's were in the kernel. For a binary event Socket.IO needs two polls, siocast one: per event it takes 1/${times(ratio('polling', 'tuned', 'usEvent', 'siocast'))} of Socket.IO's. ` +
		'Tried: one block of head and body for all that a broadcast answers, their sends in one call by io_uring, one look through each query, and ' +
		'a request that is the one before but for its t is not parsed anew, which spares a tenth; all are in.'],
	['PUBLISH to client, 1,000 clients, not batched: p99 ÷ that of the floor', ({ median }) =>
		`The floor makes its messages itself and sends each block when it is due; siocast reads them from Redis, which another processor's time goes into, and p99 is a message that waits for the pass before it. ${times(median('saturation', 'siocast', 'common_p99'), 2)} ms here. ` +
		'siocast_delivery_seconds tells both parts of it: until the first send, and from there to the last.'],
	['PUBLISH to client', ({ ratio }) =>
		'Nearly all of it is the pass over 1,000 clients, and their reading of it one after the other on the other processor. Tried: a single worker reads ' +
		`from Redis itself, as peers do, instead of being woken for each message; it is in. Beside uWebSockets p99 is ${times(ratio('saturation', 'siocast', 'common_p99', 'uws-tuned'), 2)} times.`],
	['a client in ten rooms ÷ a client in one', ({ median }) =>
		`All ten blocks are one send of ten parts. Of ${times(median('in-rooms-10', 'siocast', 'usTick'))} µs the kernel takes most, and more for ten parts than for one: each is a copy of its own. Ours is to note a reference for ` +
		'each block and room. Not tried: small blocks put together into one.'],
	['ten sends (floor) ÷ siocast', ({ median }) =>
		`The floor's ten sends take ${times(median('in-rooms-10', 'floor', 'usTick'))} µs here, of which most is what a send costs this kernel and processor whatever its length; where that is less, one send for all spares less.`],
	['one reader among 1,000 that stopped', ({ values }) =>
		`The rounds gave ${(values('stopped-one', 'siocast', 'more99') ?? []).map((v) => `${times(v)} %`).join(', ')}: what is looked for is smaller than what the machine does by itself. What the one costs is a look at a list when it is its ` +
		'turn, and a system call for each message that finds no room.'],
	['the same, encoding', ({ median }) =>
		`The slowest is the market, whose messages have 13 numbers each: ${times(median('columns', 'siocast', 'encode_market_60'), 2)} µs for one of 60, ${times(median('columns', 'siocast', 'encode_market_1000'), 2)} for one of 1,000. A quarter of it is to read the JSON, another to find for each column which ` +
		'differences are shortest (profile of bench/columns.c). That is tried on 16 rows of a batch; on 64 it took a tenth more, and -O3 takes a twentieth less. The processor was not the same all day: within two hours one program took from 0.65 to 1.15 µs for the same batches, and 0.48 the night before.'],
	['the same, parsing the JSON array in Chromium', () =>
		'JSON.parse is native code that makes objects of one shape; the columns are read by JavaScript, which has to make the same objects. It is compiled for each shape of messages, texts are made once for each entry of a ' +
		'dictionary, and numbers come without text where a page takes them as columns. What has long texts of its own in each message, and few messages in a batch, gains least.'],
	['1,000 clients connect by polling and upgrade', ({ median }) =>
		`A hundred at a time are under way, so each waits for the others: ${times(median('connect-upgrade', 'siocast', 'usConnect'), 0)} µs of the server for each, and more of the clients, which share the other processor with whatever steers them.`],
	['10,000 clients recover at once', ({ median }) =>
		`Of the ${times(median('recovery-storm', 'siocast', 'us'))} µs seven tenths are in the kernel (profile made for that): a connection accepted, a call of epoll, two that read, and three sends: ` +
		'the 101, the open packet, which goes by itself since many clients lose it otherwise, and CONNECT with what was missed in one. Tried, and in: who connects is read before his ' +
		'descriptor is watched, and what many are told in a turn leaves in one system call; that was a sixth.' +
		' Tried, and out, since it made no difference in 12 and 15 rounds beside the build before: the answers of a turn in one system call, too, and the 101 and the open packet without printf. How much of it Socket.IO takes depends on the processor.'],
	['workers 1 → 2', ({ median }) =>
		`A delivery takes ${times(median('workers', 'siocast-2', 'us'), 2)} µs of processor time with two workers and ` +
		`${times(median('workers', 'siocast', 'us'), 2)} µs with one. What is missing is not used but waited: the slower of the two counts, with the time in ` +
		'which Redis, publisher and script, which have no processor of their own here, or the softirq thread of the kernel keep it from running. The ' +
		'kernel divides connections to within about one in a hundred.'],
	['the story’s 24,000 messages', ({ median }) =>
		`At this rate Redis sends each message by itself, and one costs ${times(median('ingest-24k', 'siocast', 'us'))} µs, where in a stream ` +
		`it costs ${times(median('ingest-max', 'siocast', 'us'), 2)} µs. Tried: to look at the socket once in a millisecond, as network cards do with their interrupts, which is in. ` +
		'What is left beside the messages is that wake-up and a read of many small packets. Longer waits would delay the messages more.'],
];

/** The reason for a missed goal. */
export function reasonFor(what, read) {
	const found = REASONS.find(([start]) => what.startsWith(start));
	return found ? found[1](read) : 'Not looked into.';
}
