// SPDX-License-Identifier: MIT
//
// Long-polling bodies of both protocol revisions, as a client reads and writes them. Packets are written as text: "4hello",
// and binary ones as "<04 01 02>" with their type first, whatever form they travel in.

const SEPARATOR = '\x1e';

const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
const binary = (type, bytes) => `<${hex([type, ...bytes])}>`;

/** The body of a POST in revision 4. */
export const body4 = (...packets) => packets.join(SEPARATOR);

/** The body of a POST in revision 3, string form. */
export const body3 = (...packets) => packets.map((packet) => `${packet.length}:${packet}`).join('');

/** The body of a POST in revision 3, binary form; packets are strings or, with their type byte, Buffers. */
export function binaryBody3(...packets) {
	const parts = packets.flatMap((packet) => {
		const bytes = Buffer.from(packet);
		const length = [...String(bytes.length)].map(Number);
		return [Buffer.from([typeof packet === 'string' ? 0 : 1, ...length, 255]), bytes];
	});
	return Buffer.concat(parts);
}

export const body = (eio, ...packets) => (eio === 4 ? body4(...packets) : body3(...packets));

function text3(text) {
	if (/^b\d/.test(text)) return binary(Number(text[1]), Buffer.from(text.slice(2), 'base64'));
	return text;
}

function decodeStrings3(text) {
	const packets = [];
	for (let at = 0; at < text.length; ) {
		const colon = text.indexOf(':', at);
		const length = Number(text.slice(at, colon));
		if (colon < 0 || !Number.isInteger(length)) return [`not a payload: ${text.slice(at, at + 20)}`];
		packets.push(text3(text.slice(colon + 1, colon + 1 + length)));
		at = colon + 1 + length;
	}
	return packets;
}

function decodeBinary3(bytes) {
	const packets = [];
	for (let at = 0; at < bytes.length; ) {
		const end = bytes.indexOf(255, at);
		if (end < 0) return [`not a payload: ${hex(bytes.subarray(at, at + 20))}`];
		const length = Number([...bytes.subarray(at + 1, end)].join(''));
		const data = bytes.subarray(end + 1, end + 1 + length);
		packets.push(bytes[at] === 0 ? data.toString('utf8') : binary(data[0], data.subarray(1)));
		at = end + 1 + length;
	}
	return packets;
}

const text4 = (text) => (text[0] === 'b' ? binary(4, Buffer.from(text.slice(1), 'base64')) : text);

function decode(eio, answer) {
	if (answer.header('content-type') === 'application/octet-stream') return { form: 'binary', packets: decodeBinary3(answer.body) };
	const [, index, literal] = /^___eio\[(\d*)\]\((.*)\);$/s.exec(answer.text) ?? [];
	const text = literal === undefined ? answer.text : JSON.parse(literal);
	const packets = eio === 4 ? text.split(SEPARATOR).map(text4) : decodeStrings3(text);
	return { form: index === undefined ? 'text' : `___eio[${index}]`, packets };
}

/** The packets of a poll's answer. */
export const packetsOf = (eio, answer) => decode(eio, answer).packets;

const bytesOf = (packet) => Buffer.from(packet.slice(1, -1).replaceAll(' ', ''), 'hex');
const isBinary = (packet) => /^<[0-9a-f ]+>$/.test(packet);

function encodeBinary3(packets) {
	return binaryBody3(...packets.map((packet) => (isBinary(packet) ? bytesOf(packet) : packet)));
}

function encodeText(eio, packets) {
	const texts = packets.map((packet) => {
		if (!isBinary(packet)) return packet;
		const bytes = bytesOf(packet);
		return `b${eio === 4 ? '' : bytes[0]}${bytes.subarray(1).toString('base64')}`;
	});
	return body(eio, ...texts);
}

// As JSON, and without the two characters that end a line in a script.
const literal = (text) => JSON.stringify(text).replace(/\u2028/g, '\\u2028').replace(/\u2029/g, '\\u2029');

/**
 * A poll's answer taken apart: its packets, the form they came in, and whether the body is to the byte how these packets are
 * written in that form.
 */
export function payloadOf(eio, answer) {
	const { form, packets } = decode(eio, answer);
	let expected = form === 'binary' ? encodeBinary3(packets) : encodeText(eio, packets);
	if (form.startsWith('_')) expected = `${form}(${literal(expected)});`;
	return { form, packets, canonical: Buffer.from(expected).equals(answer.body) };
}
