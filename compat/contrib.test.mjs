// SPDX-License-Identifier: MIT
//
// The configurations of contrib/ at work: what publishers send in their own formats arrives at clients of three generations as the
// servers that they were written for would have sent it.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import Echo from 'laravel-echo';
import { limit } from '../tests/e2e/lib/wait.mjs';
import { RecordedClient } from './lib/recorder.mjs';
import { SIOCAST } from './lib/servers.mjs';
import { Child, Cleanup, Inbox, accepts, eventually, freePort, startRedis, withCleanup } from './lib/tools.mjs';
import { COMPAT, load } from './lib/versions.mjs';

const CONTRIB = path.join(COMPAT, '../contrib');
const CLIENTS = ['1.7.4', '2.5.0', '4.8.4'];

/** siocast with a file of contrib/; `edit` puts this machine's addresses into its text. Gives {redis, port}. */
async function start(cleanup, name, edit = (_, text) => text) {
	const redis = await startRedis(cleanup, await freePort());
	const [port, admin] = [await freePort(), await freePort()];
	const file = path.join(await cleanup.folder(), name);
	fs.writeFileSync(file, await edit(cleanup, fs.readFileSync(path.join(CONTRIB, name), 'utf8')));
	const addresses = ['--listen', `127.0.0.1:${port}`, '--admin', `127.0.0.1:${admin}`, '--redis', redis.url];
	const child = new Child(SIOCAST, ['-c', file, ...addresses], { name: `siocast with ${name}` });
	cleanup.add(child, () => child.stop());
	await child.whileRunning(eventually(() => child.exited || accepts(admin), child.name));
	return { redis, port };
}

/** A group of tests around one of the files. */
function contrib(name, channels, body, edit) {
	describe(`contrib/${name}`, () => {
		const cleanup = new Cleanup();
		const context = {};
		before(async () => {
			Object.assign(context, await start(cleanup, name, edit));
			await context.redis.client.hasSubscribers(channels);
		}, limit());
		after(() => cleanup.run());
		context.publish = (channel, message) => context.redis.client.command('PUBLISH', channel, JSON.stringify(message));
		context.connect = async (mine, version, namespace = '', options = {}) => {
			const client = new RecordedClient(version, `http://127.0.0.1:${context.port}`, { namespace, transports: ['websocket'], limit: 60_000, ...options });
			mine.add(client, () => client.close());
			await client.connected();
			return client;
		};
		body(context);
	});
}

contrib('rcstream.json', ['rc.*'], (context) => {
	for (const version of CLIENTS) {
		test(`a page of ${version} gets the changes of its wikis`, limit(), () => withCleanup(async (mine) => {
			const clients = { some: null, every: null, none: null };
			for (const name of Object.keys(clients)) clients[name] = await context.connect(mine, version, '/rc');
			clients.some.emit('subscribe', ['commons.wikimedia.org', 'de.wikipedia.org']);
			clients.every.emit('subscribe', '*');
			clients.every.emit('subscribe', 'de.wikipedia.org');
			for (const client of Object.values(clients)) await client.settled();
			const change = (wiki, id) => ({ id, type: 'edit', title: 'Zürich', server_name: wiki, length: { old: 1, new: 2 }, bot: false });
			const wikis = ['de.wikipedia.org', 'en.wikipedia.org', 'commons.wikimedia.org'];
			for (const [i, wiki] of wikis.entries()) await context.publish(`rc.${wiki}`, change(wiki, i));
			await clients.some.received('change', 2);
			await clients.every.received('change', 3);
			clients.some.emit('unsubscribe', 'de.wikipedia.org');
			await clients.some.settled();
			await context.publish('rc.de.wikipedia.org', change('de.wikipedia.org', 3));
			await context.publish('rc.commons.wikimedia.org', change('commons.wikimedia.org', 4));
			await clients.some.received('change', 3);
			await clients.every.received('change', 5);
			const ids = (client) => (client.events.change ?? []).map(([{ id }]) => id);
			assert.deepEqual(ids(clients.some), [0, 2, 4]);
			assert.deepEqual(ids(clients.every), [0, 1, 2, 3, 4]);
			assert.deepEqual(ids(clients.none), []);
			assert.deepEqual(clients.every.events.change[0], [change('de.wikipedia.org', 0)]);
		}));
	}
});

// As PubSubManager.emit() of python-socketio 5.14 writes it.
const emitted = (event, data, { namespace = '/', room = null, skip_sid = null, binary = false } = {}) =>
	({ method: 'emit', event, binary, data, namespace, room, skip_sid, callback: null, host_id: '0123456789abcdef0123456789abcdef' });

contrib('python-socketio.json', ['socketio'], (context) => {
	for (const version of CLIENTS) {
		test(`what Python emits reaches pages of ${version}`, limit(), () => withCleanup(async (mine) => {
			const a = await context.connect(mine, version);
			const b = await context.connect(mine, version);
			const chat = await context.connect(mine, version, '/chat');
			await a.ask('join', ['red', 'all']);
			await b.ask('join', ['blue', 'all']);
			await chat.ask('join', ['red']);
			const send = (...args) => context.publish('socketio', emitted(...args));
			await send('news', { title: 'Ä', n: [1, null] });
			await send('red', 'to red', { room: 'red' });
			await send('both', 2, { room: ['red', 'all', 'nowhere'] });
			await send('others', null, { room: 'all', skip_sid: a.socket.id });
			await send('neither', true, { skip_sid: [a.socket.id, b.socket.id] });
			await send('one', 'sid', { room: b.socket.id });
			await send('talk', { in: 'chat' }, { namespace: '/chat' });
			await send('talk', { in: 'room' }, { namespace: '/chat', room: 'red' });
			await send('lost', 1, { namespace: '/unknown' });
			await send('lost', [{ _placeholder: true, num: 0 }, 'AQID'], { binary: true });
			await context.publish('socketio', { method: 'disconnect', sid: a.socket.id, namespace: '/', host_id: 'x' });
			await context.publish('socketio', { method: 'close_room', room: 'red', namespace: '/', host_id: 'x' });
			await send('end', {});
			await send('end', {}, { namespace: '/chat' });
			for (const client of [a, b, chat]) await client.received('end', 1);
			const news = [[{ title: 'Ä', n: [1, null] }]];
			assert.deepEqual(a.events, { news, red: [['to red']], both: [[2]], end: [[{}]] });
			assert.deepEqual(b.events, { news, both: [[2]], others: [[null]], one: [['sid']], end: [[{}]] });
			assert.deepEqual(chat.events, { talk: [[{ in: 'chat' }], [{ in: 'room' }]], end: [[{}]] });
		}));
	}
});

/** Gives the port of a server that is ended with the test. */
async function listening(cleanup, server) {
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	cleanup.add(server, () => new Promise((resolve) => {
		server.close(resolve);
		server.closeAllConnections();
	}));
	return server.address().port;
}

/** An application: `answer` of a question is its status and JSON. Gives the port. */
async function startApplication(cleanup, answer) {
	const server = http.createServer((request, response) => {
		const parts = [];
		request.on('data', (part) => parts.push(part));
		request.on('end', () => {
			const [status, body] = answer(JSON.parse(Buffer.concat(parts)));
			response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
		});
	});
	return listening(cleanup, server);
}

/**
 * Laravel's part: BroadcastController::authenticate() with the redis broadcaster. A page is known by its session or by its token, and must
 * have its CSRF token with the former; what channels.php says of a private channel becomes `true`, of a presence channel channel_data.
 * Gives the port, and in `asked` the channels that it was asked about.
 */
async function startLaravel(cleanup, asked) {
	const users = { ann: [1, 'Ann'], bob: [2, 'Bob'] };
	const channels = { 'private-orders.1': ([id]) => id === 1, presence: ([, name]) => ({ name }) };
	const authenticate = ({ method, url, headers }, body) => {
		if (method !== 'POST' || url !== '/broadcasting/auth') return [404, 'Not Found'];
		if (headers['content-type'] !== 'application/x-www-form-urlencoded' || headers['x-requested-with'] !== 'XMLHttpRequest') return [302, 'Redirecting'];
		const channel = new URLSearchParams(body).get('channel_name');
		const session = /(?:^|; )laravel_session=of-(\w+)/.exec(headers.cookie)?.[1];
		const name = /^Bearer token-of-(\w+)$/.exec(headers.authorization)?.[1] ?? session;
		asked.push([name, channel]);
		if (session && headers['x-csrf-token'] !== `csrf-of-${session}`) return [419, { message: 'CSRF token mismatch.' }];
		const result = users[name] && channels[channel.replace(/^presence-chat\.\d+$/, 'presence')]?.(users[name]);
		if (!result) return [403, { message: '' }];
		return [200, channel.startsWith('presence-') ? { channel_data: { user_id: users[name][0], user_info: result } } : true];
	};
	const server = http.createServer((request, response) => {
		const parts = [];
		request.on('data', (part) => parts.push(part));
		request.on('end', () => {
			const [status, body] = authenticate(request, Buffer.concat(parts).toString());
			response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
		});
	});
	return listening(cleanup, server);
}

/** A page with Laravel Echo on a client of that version, which has a session or else a token, and what it has heard. */
async function openEcho(mine, context, version, user = null, session = false) {
	const known = session ? { extraHeaders: { Cookie: `a=b; laravel_session=of-${user}` }, csrfToken: `csrf-of-${user}` } : { bearerToken: user && `token-of-${user}` };
	const host = `http://127.0.0.1:${context.port}`;
	const echo = new Echo({
		broadcaster: 'socket.io', client: load(`client-${version}`), host, namespace: 'App.Events', forceNew: true,
		transports: ['websocket'], ...known, auth: { headers: {} }, // its default is one object for all instances
	});
	mine.add(echo, () => echo.disconnect());
	const heard = new Inbox(user ?? 'guest');
	await eventually(() => echo.connectionStatus() === 'connected', 'Echo');
	return { echo, heard, hear: (what) => (data) => heard.push([what, data]) };
}

const asked = []; // of Laravel: [who, channel]

contrib('laravel-echo.json', ['laravel_database_*'], (context) => {
	const event = 'App\\Events\\OrderShipped';
	const broadcast = (channel, data, socket = null) => context.publish(`laravel_database_${channel}`, { event, data, socket });

	for (const version of CLIENTS) {
		test(`Laravel Echo with ${version}: public, private and presence channels, whispers, toOthers`, limit(), () => withCleanup(async (mine) => {
			// Of each version another one: who was in it before may still be about to leave.
			const chat = `chat.${CLIENTS.indexOf(version)}`;
			const [ann, bob, guest] = [await openEcho(mine, context, version, 'ann', true), await openEcho(mine, context, version, 'bob'), await openEcho(mine, context, version)];
			for (const { echo, hear } of [ann, bob, guest]) {
				echo.channel('public.news').listen('OrderShipped', hear('news'));
				echo.private('orders.1').listen('OrderShipped', hear('order')).listenForWhisper('typing', hear('typing'));
			}
			const enter = async ({ echo, heard, hear }) => {
				echo.join(chat).here(hear('here')).joining(hear('joining')).leaving(hear('leaving')).listen('OrderShipped', hear('chat')).listenForWhisper('wave', hear('wave'));
				return heard.next();
			};
			assert.deepEqual(await enter(ann), ['here', [{ name: 'Ann' }]]);
			const [, list] = await enter(bob);
			assert.deepEqual(list.map(({ name }) => name).sort(), ['Ann', 'Bob']);
			assert.deepEqual(await ann.heard.next(), ['joining', { name: 'Bob' }]);
			const refused = new Inbox('refusals');
			guest.echo.connector.socket.on('subscription_error', (...args) => refused.push(args));
			guest.echo.join(chat).here(guest.hear('here'));
			let refusal = await refused.next();
			if (refusal[0] === 'private-orders.1') refusal = await refused.next(); // that was asked for before, and may come later
			assert.deepEqual(refusal, [`presence-${chat}`, 403]);
			assert.deepEqual(asked.filter(([, channel]) => channel.startsWith('public')), []);

			// toOthers(): not to the page that caused it.
			await eventually(async () => {
				await broadcast('public.news', { n: 1 }, ann.echo.socketId());
				return guest.heard.items.length > 0;
			}, 'a public event');
			assert.deepEqual(await guest.heard.next(), ['news', { n: 1 }]);
			await broadcast('private-orders.1', { n: 2 });
			await broadcast('private-orders.2', { n: 3 });
			await broadcast(`presence-${chat}`, { n: 4 }, bob.echo.socketId());
			ann.echo.connector.socket.emit('client event', { channel: `presence-${chat}`, event, data: 'forged' });
			// Who may whisper: who is in the channel, and that is not a public one.
			const forge = (page, channel) => page.echo.connector.socket.emit('client event', { channel, event: 'client-wave', data: 'forged' });
			for (const { echo, hear } of [ann, bob]) echo.connector.socket.on('client-wave', (channel, data) => data === 'forged' && hear('forged')(channel));
			forge(guest, `presence-${chat}`);
			forge(guest, 'public.news');
			forge(ann, 'public.news');
			forge(ann, ['public.news']);
			forge(ann, 'private-orders.2');
			guest.echo.channel('public.sync').listen('OrderShipped', guest.hear('sync'));
			await eventually(async () => {
				await broadcast('public.sync', {});
				return guest.heard.items.some(([what]) => what === 'sync');
			}, 'the guest to have been heard');
			guest.heard.items = guest.heard.items.filter(([what]) => what !== 'sync');
			guest.echo.leave('public.sync');
			ann.echo.join(chat).whisper('wave', { from: 'ann' });
			assert.deepEqual(await ann.heard.next(), ['order', { n: 2 }]);
			assert.deepEqual(await ann.heard.next(), ['chat', { n: 4 }]);
			const next = async () => {
				const got = await bob.heard.next();
				return got[0] === 'news' ? next() : got;
			};
			assert.deepEqual(await next(), ['wave', { from: 'ann' }]);

			bob.echo.leave(chat);
			assert.deepEqual(await ann.heard.next(), ['leaving', { name: 'Bob' }]);
			await broadcast('public.news', 'last');
			for (const { heard } of [ann, bob, guest]) await heard.until((items) => items.some(([, data]) => data === 'last'), 'the last event');
			assert.deepEqual(ann.heard.items, [['news', 'last']]);
			for (const { heard } of [bob, guest]) assert.deepEqual(heard.items.filter(([what]) => what !== 'news'), []);
		}));
	}
}, async (cleanup, text) => text.replace('127.0.0.1:8000', `127.0.0.1:${await startLaravel(cleanup, asked)}`));

/** Frappe's part: whose session it is, on which site, and what he may read. */
function startFrappe(cleanup) {
	const sessions = { 'sid=of-ann': ['ann@example.org', ['all'], ['Task', 'Note']], 'sid=of-web': ['web@example.org', [], ['Blog Post']] };
	return startApplication(cleanup, ({ nsp, headers }) => {
		const [user, rooms, doctypes] = sessions[headers.cookie] ?? [];
		if (!user || nsp !== '/site1.local') return [403, { message: user ? 'Invalid namespace' : 'Unauthorized' }];
		return [200, { user, rooms: [`user:${user}`, 'website', ...rooms], claims: { doctypes } }];
	});
}

contrib('frappe.json', ['events'], (context) => {
	// As frappe.publish_realtime() writes it.
	const realtime = (event, message, room, namespace = 'site1.local') => context.publish('events', { event, message, room, namespace });

	for (const version of CLIENTS) {
		test(`pages of Frappe with ${version}: users, documents, tasks`, limit(), () => withCleanup(async (mine) => {
			const page = (cookie, namespace = '/site1.local') => context.connect(mine, version, namespace, { extraHeaders: { Cookie: cookie } });
			const ann = await page('sid=of-ann');
			const web = await page('sid=of-web');
			await assert.rejects(page('sid=of-nobody'), /Unauthorized/);
			await assert.rejects(page('sid=of-ann', '/site2.local'), /Invalid namespace/);
			for (const client of [ann, web]) {
				client.emit('doctype_subscribe', 'Task');
				client.emit('doc_subscribe', 'Task', 'TASK-1');
				client.emit('doc_subscribe', 'Blog Post', 'first');
				client.emit('task_subscribe', 'job-7');
				await client.settled();
			}
			await realtime('msgprint', 'hello', 'user:ann@example.org');
			await realtime('list_update', { doctype: 'Task', name: 'TASK-1' }, 'doctype:Task');
			await realtime('doc_update', { doctype: 'Task' }, 'doc:Task/TASK-1');
			await realtime('doc_update', { doctype: 'Blog Post' }, 'doc:Blog Post/first');
			await realtime('progress', [7, 100], 'task_progress:job-7');
			await realtime('version-update', null, 'all');
			await realtime('lost', 1, 'website', 'site2.local');
			await realtime('build_event', {}, null);
			await ann.received('version-update', 1);
			ann.emit('doc_unsubscribe', 'Task', 'TASK-1');
			await ann.settled();
			await realtime('doc_update', { again: true }, 'doc:Task/TASK-1');
			await realtime('end', {}, 'website');
			for (const client of [ann, web]) await client.received('end', 1);
			assert.deepEqual(ann.events, {
				msgprint: [['hello']], list_update: [[{ doctype: 'Task', name: 'TASK-1' }]], doc_update: [[{ doctype: 'Task' }]],
				progress: [[[7, 100]]], 'version-update': [[null]], end: [[{}]],
			});
			assert.deepEqual(web.events, { doc_update: [[{ doctype: 'Blog Post' }]], progress: [[[7, 100]]], end: [[{}]] });
		}));
	}
}, async (cleanup, text) => text.replace('127.0.0.1:8000', `127.0.0.1:${await startFrappe(cleanup)}`));
