// SPDX-License-Identifier: MIT
//
// The scenarios as they run in the page, with the client that the page has loaded. `window.scenarios.run(name, setting)` is
// called from outside (scenarios.mjs). `setting`: url, version, options (how to connect), limit in ms, and for some what they
// need. `window.host(verb, ...args)` is what the page cannot do itself: publish, listen to what the server publishes, stop it.

/* global io, siocast */
(function () {
	'use strict';

	const opened = [];
	let setting;

	// --- waiting -------------------------------------------------------------------------------------------------------

	function within(promise, what, ms = setting.limit) {
		let timer;
		const late = new Promise((_, reject) => {
			timer = setTimeout(() => reject(new Error(`waited ${ms} ms in vain for ${what}`)), ms);
		});
		return Promise.race([promise, late]).finally(() => clearTimeout(timer));
	}

	const next = (socket, event, what = `event "${event}"`) =>
		within(new Promise((resolve) => socket.once(event, (...args) => resolve(args))), what);

	// --- values --------------------------------------------------------------------------------------------------------

	// Binary becomes its digits, so that the rest is JSON.
	function plain(value) {
		if (value === null || typeof value !== 'object') return value;
		if (value instanceof ArrayBuffer) return { bytes: Array.from(new Uint8Array(value)).join(' ') };
		if (ArrayBuffer.isView(value)) return plain(value.buffer.slice(value.byteOffset, value.byteOffset + value.byteLength));
		if (value instanceof Blob) return { blob: value.size };
		if (Array.isArray(value)) return value.map(plain);
		return Object.fromEntries(Object.keys(value).sort().map((key) => [key, plain(value[key])]));
	}

	const show = (value) => {
		const text = JSON.stringify(plain(value)) ?? 'undefined';
		return text.length > 200 ? `${text.slice(0, 200)}... (${text.length})` : text;
	};

	function equal(actual, expected, what) {
		if (JSON.stringify(plain(actual)) === JSON.stringify(plain(expected))) return;
		throw new Error(`${what}: expected ${show(expected)}, got ${show(actual)}`);
	}

	function check(good, what) {
		if (!good) throw new Error(what);
	}

	function bytes(n, seed = 1) {
		const all = new Uint8Array(n);
		for (let i = 0; i < n; i++) all[i] = (i * 31 + seed) & 255;
		return all.buffer;
	}

	// --- sockets -------------------------------------------------------------------------------------------------------

	function atLeast(wanted) {
		const [a, b] = setting.version.split('.').map(Number);
		const [c, d] = wanted.split('.').map(Number);
		return a > c || (a === c && b >= d);
	}

	/** A socket that begins to connect. */
	function open(namespace = '', options = {}) {
		const socket = io(setting.url + namespace, { forceNew: true, reconnection: false, ...setting.options, ...options });
		opened.push(socket);
		return socket;
	}

	const refusal = () => (atLeast('3.0') ? 'connect_error' : 'error');

	function connected(socket) {
		if (socket.connected) return Promise.resolve(socket);
		const good = new Promise((resolve, reject) => {
			const fail = (error) => reject(new Error(`refused: ${(error && error.message) || error}`));
			socket.once('connect', () => resolve(socket));
			socket.once('connect_error', fail);
			socket.once('error', fail);
		});
		return within(good, 'a connection');
	}

	async function connect(namespace, options) {
		const socket = open(namespace, options);
		await connected(socket);
		if (setting.upgrades) await upgraded(socket);
		return socket;
	}

	/** Another namespace on the same connection. Most clients connect it by themselves, and to ask twice is a mistake. */
	function also(root, namespace) {
		const socket = root.io.socket(namespace);
		opened.push(socket);
		if (!socket.subs) socket.connect();
		return socket;
	}

	async function upgraded(socket) {
		const { engine } = socket.io;
		if (engine.transport.name === 'websocket') return;
		await next(engine, 'upgrade', 'the upgrade to WebSocket');
		equal(engine.transport.name, 'websocket', 'the transport after the upgrade');
	}

	async function echo(socket, ...args) {
		const back = next(socket, 'message-back', `the echo of ${show(args)}`);
		socket.emit('message', ...args);
		return back;
	}

	const ask = (socket, ...args) =>
		within(new Promise((resolve) => socket.emit(...args, (...answer) => resolve(answer))), `the ack of "${args[0]}"`);

	async function comesBack(socket, ...args) {
		equal(await echo(socket, ...args), args, 'the echo');
	}

	async function done(...sockets) {
		for (const socket of sockets) close(socket);
	}

	function close(socket) {
		try {
			socket.disconnect();
		} catch (error) {
			// A defect of that client, see `closes` outside.
			if (setting.closes || !(error instanceof RangeError)) throw error;
		}
	}

	// --- the scenarios -------------------------------------------------------------------------------------------------

	const TEXTS = {
		ascii: 'plain text, "quoted" \\ and /slashed/',
		accented: 'déjà vu, Ärger, señor, Łódź',
		latin1: 'Ã©Ã¨',
		cjk: '漢字かな交じり文 한국어',
		astral: '😀🎉 𝒳𝄞',
		separators: 'a\u2028b\u2029c',
		control: 'a\u0000b\u0001c\u001ed\u007fe\u0080f\u009f',
		whitespace: ' \t\r\n\r ',
		empty: '',
	};

	const OBJECTS = [
		null, true, false, 0, -0.5, 1e21, 9007199254740991, [], {}, [[[]]],
		{ deep: { er: [1, { s: 'x', t: [] }] }, 'key with "quotes"': 1, 'é€😀': 'ü' },
	];

	const scenarios = {
		async connect() {
			const socket = open('', { query: 'token=a%20b' });
			const hello = next(socket, 'hello');
			await connected(socket);
			equal((await hello).slice(0, 2), ['/', 'a b'], 'namespace and query at the server');
			if (setting.upgrades) await upgraded(socket);
			equal(socket.io.engine.transport.name, setting.transport, 'the transport');
			check(typeof socket.id === 'string' ? socket.id.length > 0 : !atLeast('1.4'), 'the socket has an id');
			await done(socket);
		},

		async texts() {
			const socket = await connect();
			for (const text of Object.values(TEXTS)) await comesBack(socket, text);
			await comesBack(socket, ...Object.values(TEXTS));
			await comesBack(socket, { text: TEXTS });
			await done(socket);
		},

		/** What the server understood, not only what comes back. */
		async told() {
			const socket = await connect();
			const heard = window.host('hear', 'heard');
			await heard;
			socket.emit('tell', Object.values(TEXTS), { deep: OBJECTS });
			const { event, args } = await within(window.host('heard'), 'what the server tells');
			equal([event, args], ['tell', [Object.values(TEXTS), { deep: OBJECTS }]], 'what the server understood');
			await done(socket);
		},

		async objects() {
			const socket = await connect();
			await comesBack(socket, ...OBJECTS);
			await comesBack(socket);
			await comesBack(socket, { list: Array.from({ length: 300 }, (_, i) => ({ i, text: `item ${i}` })) });
			await done(socket);
		},

		async binary() {
			const socket = await connect();
			await comesBack(socket, bytes(10));
			await comesBack(socket, bytes(0));
			await comesBack(socket, bytes(256));
			await comesBack(socket, { name: 'in an object', data: bytes(1000) }, 'é');
			// Before 3.0 a view was an object like any other to the client (and 3.0 sends the whole buffer for a part of it).
			if (atLeast('3.0')) await comesBack(socket, new Uint8Array(bytes(64)));
			const [back] = await echo(socket, bytes(5));
			check(back instanceof ArrayBuffer, `binary arrives as ${Object.prototype.toString.call(back)}`);
			await done(socket);
		},

		async attachments() {
			const socket = await connect();
			await comesBack(socket, bytes(3), 'between', [bytes(300, 7), { x: bytes(5, 9), y: [bytes(1)] }], bytes(0));
			const ten = Array.from({ length: 10 }, (_, i) => bytes(i * 50 + 1, i));
			await comesBack(socket, ...ten);
			await comesBack(socket, ten, 'é漢😀');
			await done(socket);
		},

		async blob() {
			const socket = await connect();
			const [back] = await echo(socket, new Blob([bytes(100)]));
			equal(back, bytes(100), 'the echo of a Blob');
			await done(socket);
		},

		async big() {
			const socket = await connect();
			await comesBack(socket, 'x'.repeat(500_000));
			await comesBack(socket, 'é漢😀.'.repeat(10_000));
			// Up to 2.x a client fails to write base64 of more than a function call has arguments.
			await comesBack(socket, bytes(setting.base64 && !atLeast('3.0') ? 60_000 : 500_000));
			await done(socket);
		},

		/** Half a megabyte of binary from the server alone. */
		async bigBatch() {
			const socket = await connect();
			equal(await ask(socket, 'subscribe', setting.id), [true], 'subscribing');
			const arrived = next(socket, 'binary-array-alone', 'a big batch');
			const text = 'half a megabyte é漢😀. '.repeat(20_000);
			await window.host('publish', `binary-array-alone.${setting.id}`, [JSON.stringify({ text })]);
			const [batch] = await arrived;
			equal(siocast.decode(batch), [{ text }], 'the batch');
			await done(socket);
		},

		async order() {
			const socket = await connect();
			const back = [];
			const all = new Promise((resolve) => {
				socket.on('message-back', (i, value) => {
					back.push([i, value]);
					if (back.length === 200) resolve();
				});
			});
			// From 3.0 on a client that writes base64 to a WebSocket lets texts overtake what it still converts.
			const binary = !(setting.base64 && setting.transport === 'websocket' && atLeast('3.0'));
			const value = (i) => (binary && i % 5 === 0 ? bytes(i + 1) : `text ${i} é`);
			for (let i = 0; i < 200; i++) socket.emit('message', i, value(i));
			await within(all, `200 echoes (${back.length} so far)`);
			equal(back, back.map((_, i) => [i, value(i)]), '200 echoes');
			await done(socket);
		},

		async acks() {
			const socket = await connect();
			equal(await ask(socket, 'message-with-ack', 'x', 1, { y: 'é漢😀' }), ['x', 1, { y: 'é漢😀' }], 'an ack');
			equal(await ask(socket, 'message-with-ack'), [], 'an ack without arguments');
			const many = await Promise.all(Array.from({ length: 30 }, (_, i) => ask(socket, 'message-with-ack', i)));
			equal(many, many.map((_, i) => [i]), '30 acks');
			equal(await ask(socket, 'message-with-ack', bytes(5), [bytes(6)]), [bytes(5), [bytes(6)]], 'a binary ack');
			await done(socket);
		},

		async namespaces() {
			const root = await connect();
			// A page asks for a namespace of the same server: one connection for both.
			const admin = also(root, '/admin');
			const hello = next(admin, 'hello');
			equal((await hello)[0], '/admin', 'the namespace at the server');
			await connected(admin);
			const wrong = [];
			root.on('message-back', (...args) => wrong.push(args));
			await comesBack(admin, 'for admin', bytes(4));
			equal(await ask(admin, 'message-with-ack', 'é'), ['é'], 'an ack in a namespace');
			equal(wrong, [], 'echoes in the wrong namespace');
			await comesBack(root, 'for root');
			await done(admin);
			await comesBack(root, 'root stays');
			await done(root);
		},

		async namespaceQuery() {
			const socket = open('/admin?token=abc');
			const hello = next(socket, 'hello');
			await connected(socket);
			equal((await hello).slice(0, 2), ['/admin', 'abc'], 'namespace and its query at the server');
			await done(socket);
		},

		async auth() {
			const auth = { token: 'é漢😀', nested: { list: [1, null] } };
			for (const namespace of ['', '/admin']) {
				const socket = open(namespace, { auth });
				const hello = next(socket, 'hello');
				await connected(socket);
				equal((await hello)[2], auth, 'auth at the server');
				await done(socket);
			}
		},

		async refused() {
			const root = await connect();
			const nowhere = also(root, '/nowhere');
			const failed = next(nowhere, refusal(), 'the refusal');
			const [error] = await failed;
			equal((error && error.message) || error, 'Invalid namespace', 'the reason');
			check(!nowhere.connected, 'a refused namespace is not connected');
			await comesBack(root, 'root stays');
			await done(root);
		},

		async rooms() {
			const [one, two] = [await connect(), await connect()];
			const room = (name) => `${setting.id}-${name}`;
			const heard = [[], []];
			[one, two].forEach((socket, i) => socket.on('json-array-alone', (message) => heard[i].push(message)));
			const publish = async (name, message, ...sockets) => {
				const arrived = sockets.map((socket) => next(socket, 'json-array-alone', `message ${message} in room ${name}`));
				await window.host('publish', `json-array-alone.${room(name)}`, [JSON.stringify(message)]);
				await Promise.all(arrived);
			};
			equal(await ask(one, 'subscribe', room('A')), [true], 'subscribing');
			equal(await ask(two, 'subscribe', room('B')), [true], 'subscribing');
			await publish('B', 1, two);
			await publish('A', 2, one);
			equal(await ask(one, 'unsubscribe', room('A')), [true], 'leaving');
			equal(await ask(two, 'subscribe', room('A')), [true], 'subscribing');
			await publish('A', 3, two);
			await ask(one, 'subscribe', room('B'));
			await publish('B', 4, one, two);
			equal(heard, [[2, 4], [1, 3, 4]], 'what was heard in the rooms');
			await done(one, two);
		},

		async clientLeaves() {
			const socket = await connect();
			const { engine } = socket.io;
			const out = next(socket, 'disconnect');
			const closed = next(engine, 'close', 'the end of the connection');
			await window.host('hear', 'gone');
			socket.disconnect();
			equal((await out)[0], 'io client disconnect', 'the reason');
			await within(window.host('heard'), 'the server to notice');
			// Up to 2.x the end of the old connection would end the new one too.
			await closed;
			// Before 1.2 a socket that has left stays away.
			if (!atLeast('1.2')) return;
			const again = connected(socket);
			socket.connect();
			await again;
			await comesBack(socket, 'back again');
			await done(socket);
		},

		async serverLeaves() {
			const root = await connect();
			const admin = also(root, '/admin');
			await connected(admin);
			let out = next(admin, 'disconnect');
			admin.emit('leave');
			equal((await out)[0], 'io server disconnect', 'the reason of leaving a namespace');
			await comesBack(root, 'root stays');
			out = next(root, 'disconnect');
			root.emit('quit');
			equal((await out)[0], 'io server disconnect', 'the reason of the end');
			check(!root.connected, 'the client stays away');
			await done(root, admin);
		},

		/** In the page until it is told to go on; the server is exchanged meanwhile. */
		async reconnect() {
			const options = { reconnection: true, reconnectionDelay: 50, reconnectionDelayMax: 200, timeout: 2000 };
			const socket = await connect('', options);
			await comesBack(socket, 'before');
			for (const verb of ['restart', 'crash']) {
				const out = next(socket, 'disconnect');
				const back = out.then(() => next(socket, 'connect', 'the reconnection'));
				await window.host(verb);
				check(/transport (close|error)/.test((await out)[0]), `the reason is that the transport is gone, not ${(await out)[0]}`);
				await back;
				await comesBack(socket, 'after', bytes(10));
			}
			await done(socket);
		},

		async heartbeat() {
			const socket = await connect();
			const { engine } = socket.io;
			let beats = 0;
			const lost = new Promise((_, reject) => socket.once('disconnect', (why) => reject(new Error(`lost: ${why}`))));
			lost.catch(() => {});
			// Revision 3: the server's answers; revision 4: the server's pings.
			const kind = atLeast('3.0') ? 'ping' : 'pong';
			const enough = new Promise((resolve) => {
				engine.on('packet', (packet) => {
					if (packet.type === kind && ++beats === 5) resolve();
				});
			});
			await within(Promise.race([enough, lost]), '5 heartbeats');
			await comesBack(socket, 'alive');
			await done(socket);
		},

		async deadServer() {
			const socket = await connect();
			const out = next(socket, 'disconnect');
			await window.host('fallSilent');
			const [reason] = await out;
			equal(reason, 'ping timeout', 'the reason');
			await done(socket);
		},

		/** Messages of one feed: complete, in order, once. */
		async feed() {
			const { event, room, count } = setting.feed;
			const alone = event.endsWith('-alone');
			const socket = await connect();
			const got = [];
			let wrong = null;
			const all = new Promise((resolve) => {
				socket.on(event, (data) => {
					for (const message of messagesOf(event, alone, data)) {
						if (wrong === null && message.n !== got.length) wrong = `message ${got.length} is ${show(message)}`;
						if (wrong === null && message.text !== `é漢😀 ${message.n}`) wrong = `message ${message.n} says ${show(message.text)}`;
						got.push(message.n);
					}
					if (got.length >= count) resolve();
				});
			});
			equal(await ask(socket, 'subscribe', room), [true], 'subscribing');
			const started = performance.now();
			await window.host('publishMany', `${event}.${room}`, count);
			await within(all, `${count} messages of ${event}`).catch((error) => {
				throw new Error(`${error.message} (${got.length} arrived${wrong ? `; ${wrong}` : ''})`);
			});
			await comesBack(socket, 'nothing behind it');
			equal(got.length, count, `messages of ${event}`);
			check(wrong === null, wrong);
			await done(socket);
			return Math.round(performance.now() - started);
		},

		/** A page that may not: the browser keeps the answers from it. */
		async stranger() {
			const socket = open();
			const outcome = new Promise((resolve) => {
				socket.once('connect', () => resolve('connected'));
				for (const event of ['connect_error', 'error']) socket.once(event, () => resolve('refused'));
			});
			equal(await within(outcome, 'an outcome'), 'refused', 'a page of an origin that is not allowed');
			await done(socket);
		},

		/** Headers of the page's own make the browser ask first, before there is a session. */
		async headers() {
			const socket = await connect('', { extraHeaders: { 'X-Token': 'abc' } });
			await comesBack(socket, 'é', bytes(3));
			await done(socket);
		},
	};

	function messagesOf(event, alone, data) {
		const [encode] = event.split('-');
		if (encode === 'binary') {
			check(data instanceof ArrayBuffer, `a batch arrives as ${Object.prototype.toString.call(data)}`);
			return siocast.decode(data);
		}
		if (encode === 'json') return alone ? [data] : data;
		check(typeof data === 'string', `a text arrives as ${typeof data}`);
		return alone ? [JSON.parse(data)] : siocast.decode(data);
	}

	window.scenarios = {
		names: Object.keys(scenarios),
		async run(name, how) {
			setting = how;
			try {
				return await scenarios[name]();
			} finally {
				for (const socket of opened.splice(0)) close(socket);
			}
		},
	};
})();
