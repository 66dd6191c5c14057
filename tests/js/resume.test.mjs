// SPDX-License-Identifier: MIT
// resume() with connections that are made up: what it makes of packets, and where it puts what it remembers. Official clients are in
// compat/resume.test.mjs.
import assert from "node:assert/strict";
import { test } from "node:test";
import siocast from "../../client-js/siocast.js";

const [CONNECT, EVENT] = [0, 2];

/** What all generations of the client's emitter have in common. */
class Emitter {
	callbacks = {};
	on(event, fn) {
		(this.callbacks[event] ??= []).push(fn);
	}
	listeners(event) {
		return this.callbacks[event] ?? [];
	}
	removeListener(event, fn) {
		this.callbacks[event] = this.listeners(event).filter((f) => f !== fn);
	}
	tell(event, ...args) {
		this.listeners(event).slice().forEach((fn) => fn(...args));
	}
}

class Socket extends Emitter {
	sent = [];
	got = [];
	connected = false;
	constructor(io, nsp) {
		super();
		this.io = io;
		this.nsp = nsp;
	}
	packet(packet) {
		this.sent.push(packet);
	}
	emit(...args) {
		this.packet({ type: EVENT, data: args });
	}
}

/** A connection: its manager, with a decoder whose packets come to the sockets. */
function open({ uri = "http://x", opts = {}, nsps = ["/"] } = {}) {
	const io = Object.assign(new Emitter(), { uri, opts, nsps: {}, decoder: new Emitter(), engine: { id: "e1" } });
	for (const nsp of nsps) io.nsps[nsp] = new Socket(io, nsp);
	io.decoder.on("decoded", ({ nsp, data, type }) => type === EVENT && io.nsps[nsp].got.push(data));
	const packet = (type, data, nsp = "/", more = {}) => io.decoder.tell("decoded", { type, nsp, data, ...more });
	const again = () => {
		io.tell("close");
		for (const socket of Object.values(io.nsps)) socket.tell("disconnect");
		io.engine = { id: "e2" };
	};
	return { io, socket: io.nsps["/"], packet, again, event: (...data) => packet(EVENT, data) };
}

/** One of revision 3 whose session is called p1. */
function open3(options) {
	const connection = open(options);
	siocast.resume(connection.socket);
	connection.event("siocast:session", "p1", false);
	connection.packet(CONNECT);
	return connection;
}

test("revision 3: the session comes before CONNECT, offsets are taken off", () => {
	const { socket, event, packet } = open3();
	assert.deepEqual(socket.sent, []);
	event("a", 1, "o1");
	event("b", "o2");
	event("c", "text", "o3");
	event("lag", {});
	packet(EVENT, ["d", "kept"], "/", { id: 5 });
	assert.deepEqual(socket.got.slice(1), [["a", 1], ["b"], ["c", "text"], ["lag", {}], ["d", "kept"]]);
	assert.equal(socket.recovered, false);
});

test("revision 3: who was not told asks once, when it is connected", () => {
	const { socket, event, packet } = open();
	siocast.resume(socket);
	siocast.resume(socket);
	event("before", "text");
	packet(CONNECT);
	assert.deepEqual(socket.sent, [{ type: EVENT, data: ["siocast:resume"] }]);
	event("between", "text");
	event("siocast:session", "p1", false);
	event("behind", "text", "o1");
	assert.deepEqual(socket.got.filter(([name]) => !name.startsWith("siocast")), [["before", "text"], ["between", "text"], ["behind", "text"]]);
});

test("revision 3: connected already, with and without an id of its own", () => {
	for (const [id, sent] of [["e1", 1], [undefined, 1], ["/nsp#e1", 1], ["another", 0]]) {
		const { socket } = open();
		Object.assign(socket, { connected: true, id });
		siocast.resume(socket);
		assert.equal(socket.sent.length, sent, id);
	}
});

test("the next handshake has pid and offset, in the query where the page has its own", () => {
	const shared = { query: { token: "t", since: "yesterday" } };
	for (const [options, read] of [
		[{ opts: shared }, (io) => io.opts.query],
		[{ opts: { query: "token=t&since=yesterday" } }, (io) => Object.fromEntries(new URLSearchParams(io.opts.query))],
		[{ uri: "http://x/?token=t&since=yesterday" }, (io) => Object.fromEntries(new URL(io.uri).searchParams)],
	]) {
		const { io, event, again, packet } = open3({ nsps: ["/", "/feed a"], ...options });
		packet(EVENT, ["siocast:session", "p2", false], "/feed a");
		event("a", "o1");
		again();
		const own = { token: "t", since: "yesterday" };
		assert.deepEqual(read(io), { ...own, "siocast-since": "p1~o1", "siocast-since/feed a": "p2~" });
		event("siocast:session", "p1", true);
		event("b", "o2");
		again();
		assert.equal(read(io)["siocast-since"], "p1~o2");
		// A server without recovery: nothing of ours is left.
		packet(CONNECT);
		packet(CONNECT, undefined, "/feed a");
		again();
		assert.deepEqual(read(io), own);
	}
	assert.deepEqual(shared, { query: { token: "t", since: "yesterday" } });
});

test("revision 3: recovered as the server says, for the session that was asked for", () => {
	const { socket, event, packet, again } = open3();
	for (const [pid, said, recovered] of [["p1", true, true], ["p1", false, false], ["p2", true, false]]) {
		again();
		assert.equal(socket.recovered, false);
		event("siocast:session", pid, said);
		packet(CONNECT);
		assert.equal(socket.recovered, recovered);
	}
});

test("revision 4: CONNECT has the pid, and is asked for with what the page gives, which counts", () => {
	const { socket, packet, event, again } = open();
	const asked = (data) => {
		socket.sent = [];
		socket.packet({ type: CONNECT, data });
		return socket.sent[0].data;
	};
	siocast.resume(socket);
	assert.deepEqual(asked({ token: 1 }), { token: 1 });
	packet(CONNECT, { sid: "s1", pid: "p1" });
	event("a", 1, "o1");
	assert.deepEqual(socket.got, [["a", 1]]);
	again();
	assert.equal(socket.io.opts.query, undefined);
	assert.deepEqual(asked({ token: 1 }), { pid: "p1", offset: "o1", token: 1 });
	assert.deepEqual(asked({ pid: "mine" }), { pid: "mine", offset: "o1" });
	assert.deepEqual(asked(undefined), { pid: "p1", offset: "o1" });
	event("missed", "o2");
	packet(CONNECT, { sid: "s1", pid: "p1" });
	assert.equal(socket.recovered, true);
	assert.deepEqual(socket.got[1], ["missed"]);
	again();
	packet(CONNECT, { sid: "s2" });
	assert.equal(socket.recovered, false);
	event("b", "text");
	assert.deepEqual(socket.got[2], ["b", "text"]);
	assert.deepEqual(asked({}), {});
});

test("who does it by himself is left alone, and packets of nobody are", () => {
	const { io, socket } = open();
	socket.recovered = false;
	siocast.resume(socket);
	assert.equal(io.siocastMemory, undefined);
	const other = open3();
	other.packet(CONNECT, undefined, "/gone");
	other.packet(EVENT, undefined);
	other.io.decoder.tell("decoded", { type: 1, nsp: "/" });
	other.event("a", "o1");
	assert.deepEqual(other.socket.got.at(-1), ["a"]);
});
