// SPDX-License-Identifier: MIT
//
// siocast under the filter of system calls of its unit for systemd: whatever it does, it makes none that the unit forbids. Here such
// a call ends it at once.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { withCleanup } from './lib/cleanup.mjs';
import { MODES, collect, connect, connectMode, connected, createClient } from './lib/client.mjs';
import { SIOCAST, SIOCAST_ONLY, configure, feedsReady, launchSiocast } from './lib/daemon.mjs';
import { Session, openJoined } from './lib/engine.mjs';
import { Renewed } from './lib/handover.mjs';
import { Application, SECRET, token } from './lib/hook.mjs';
import { request } from './lib/http.mjs';
import { freePort } from './lib/ports.mjs';
import { Child } from './lib/process.mjs';
import { startRedis } from './lib/redis.mjs';
import { allowedCalls, filtered, reasonNoFilter } from './lib/unit.mjs';
import { eventually, limit } from './lib/wait.mjs';

const CALLS = SIOCAST_ONLY || reasonNoFilter() ? new Set() : allowedCalls();
// A sanitizer's own calls are not siocast's, and its leak checker is a debugger, which the filter keeps out.
const env = { ASAN_OPTIONS: 'detect_leaks=0' };

/** A configuration with something of everything. */
async function configureEverything(cleanup) {
	const folder = await cleanup.folder();
	const redis = await startRedis(cleanup, await freePort());
	fs.writeFileSync(path.join(folder, 'index.html'), 'the page '.repeat(1000));
	fs.writeFileSync(path.join(folder, 'password'), 'secret\n');
	fs.writeFileSync(path.join(folder, 'publishers'), `${SECRET}\n`);
	fs.writeFileSync(path.join(folder, 'key'), SECRET);
	// "secret", by bcrypt.
	fs.writeFileSync(path.join(folder, 'hash'), '$2a$04$JCqzD0eHvK2VhcDXGGPcyO50uvpDNB63LvCwXS9RwRM.hZdp.zhnu');
	const app = await Application.start(cleanup, () => ({ body: { rooms: ['told'] } }));
	const auth = {
		jwt: { keys: [{ alg: 'HS256', secretFile: path.join(folder, 'key') }] },
		hook: { url: app.url.replace('127.0.0.1', 'localhost') },
	};
	const port = await freePort();
	const setup = await configure(cleanup, {
		listen: [`127.0.0.1:${port}`, `unix:${path.join(folder, 'siocast.sock')}`],
		workers: 2,
		www: folder,
		redis: { url: `redis://caster@localhost:${redis.port}`, passwordFile: path.join(folder, 'password') },
		engine: { perMessageDeflate: { threshold: 10 }, httpCompression: { threshold: 10 } },
		feeds: [{ channel: 'news', batch: { interval: 20 } }],
		publish: { tokenFile: path.join(folder, 'publishers') },
		trustedProxies: 'unix',
		adminUI: { username: 'admin', passwordFile: path.join(folder, 'hash'), mode: 'development' },
		namespaces: {
			'/': { on: { tell: [{ publish: 'told' }, { ack: [true] }] } },
			'/who': {
				auth,
				on: { connection: [{ emit: ['hello', '{claims.sub}', '{address}'] }] },
				presence: { rooms: 'told', member: '{claims.sub}', events: { here: 'here' }, shared: false },
				count: { event: 'count', interval: 10, shared: false },
			},
		},
	});
	return { setup: { ...setup, port, url: `http://127.0.0.1:${port}` }, redis, unix: path.join(folder, 'siocast.sock'), key: path.join(folder, 'key') };
}

/** Redis with the user of the configuration: also after it was started again. */
const addUser = ({ client }) => client.command('ACL', 'SETUSER', 'caster', 'on', '>secret', 'allchannels', '+@all');

async function hearNews(redis, clients, sockets, text) {
	const inboxes = clients.map((client) => collect(client, 'news'));
	await redis.client.publishAll('news', [JSON.stringify(text)]);
	for (const inbox of inboxes) assert.match(String(Buffer.from((await inbox.next())[0])), new RegExp(text));
	for (const socket of sockets) {
		assert.equal(await socket.nextText(), '451-["news",{"_placeholder":true,"num":0}]');
		await socket.next();
	}
}

/** Somebody with a token, whom the application lets in, and who hears what is published by HTTP. */
async function askWho(cleanup, setup, secret) {
	const who = createClient(cleanup, setup, { namespace: '/who', auth: { token: token({ sub: 'ann' }, secret) }, transports: ['websocket'] });
	const [hello, posted, count] = ['hello', 'posted', 'count'].map((event) => collect(who, event));
	await connected(who);
	assert.deepEqual(await hello.next(), ['ann', '127.0.0.1']);
	await count.next();
	const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${SECRET}` };
	const answer = await request(setup.admin, 'POST', '/publish', headers, '{"namespace":"/who","room":["told","x"],"event":"posted"}');
	assert.equal(answer.status, 200, answer.text);
	await posted.next();
	who.disconnect();
}

describe('the filter of the unit', { skip: SIOCAST_ONLY || reasonNoFilter() }, () => {
	test('knows io_uring as a whole or not at all', limit(), () => {
		const rings = ['io_uring_setup', 'io_uring_enter', 'io_uring_register'].filter((name) => CALLS.has(name));
		assert.ok(rings.length === 0 || rings.length === 3, rings.join());
	});

	test('has no call that only the forbidden are about', limit(), () => {
		for (const name of ['ptrace', 'mount', 'setuid', 'setgroups', 'capset', 'chown', 'bpf', 'keyctl', 'reboot']) {
			assert.ok(!CALLS.has(name), name);
		}
		assert.ok(CALLS.has('execve') && CALLS.size > 100, `${CALLS.size} calls`);
	});

	test('allows all that siocast does', limit(120), () =>
		withCleanup(async (cleanup) => {
			const { setup, redis, unix, key } = await configureEverything(cleanup);
			await addUser(redis);
			const child = await launchSiocast(cleanup, setup, { wrap: filtered([...CALLS]), env });
			const whole = async () => {
				await feedsReady(redis, setup);
				const clients = [];
				for (const mode of Object.keys(MODES)) clients.push(await connectMode(cleanup, setup, mode));
				for (let i = 0; i < 4; i++) clients.push(await connect(cleanup, setup, MODES[i % 2 ? 'polling' : 'websocket']));
				const sockets = [await openJoined(setup), await openJoined({ port: unix, path: setup.path })];
				await hearNews(redis, clients, sockets, 'first');
				for (const client of clients) await client.emitWithAck('tell', 'x'.repeat(3000));

				for (const target of ['/', '/nothing', `${setup.path}socket.io.js`, `${setup.path}siocast.js`]) {
					const answer = await request(setup.port, 'GET', target, { 'Accept-Encoding': 'br, gzip' });
					assert.ok([200, 404].includes(answer.status), `${target}: ${answer.status}`);
				}
				for (const target of ['/metrics', '/stats', '/readyz']) {
					assert.equal((await request(setup.admin, 'GET', target)).status, 200);
				}
				const session = await Session.open(setup);
				assert.equal((await session.post('40')).text, 'ok');

				const page = createClient(cleanup, setup, { namespace: '/admin', auth: { username: 'admin', password: 'secret' } });
				const [figures, list] = ['server_stats', 'all_sockets'].map((event) => collect(page, event));
				await connected(page);
				await figures.next();
				await list.next();

				await askWho(cleanup, setup, SECRET);
				fs.writeFileSync(key, `another ${SECRET}`);
				await eventually(() => askWho(cleanup, setup, `another ${SECRET}`).then(() => true), 'the new key to count');

				for (const client of clients.slice(0, 2)) client.disconnect();
				sockets[0].close();
				// Redis goes and comes: its name is looked up again, by a thread that begins for that.
				await redis.child.stop();
				await eventually(() => /event=lost/.test(child.output), 'the loss of Redis');
				const again = await startRedis(cleanup, redis.port);
				await addUser(again);
				// Before there was that user, the subscription behind a refused AUTH was another's, for a moment.
				await eventually(() => child.output.split('event=ready role=subscribe').length === 3, 'Redis to be ready again');
				await hearNews(again, clients.slice(2), [], 'second');
			};
			await child.whileRunning(whole());
			// And so may the process that goes on when this one is started anew, under the same filter.
			const renewed = await Renewed.of(cleanup, setup, child);
			await renewed.renew();
			await renewed.ready();
			await askWho(cleanup, setup, `another ${SECRET}`);
			await renewed.stop();
		}),
	);

	// So that the test above cannot pass with a filter that does not filter.
	for (const name of ['accept4', 'getrandom']) {
		test(`without ${name} siocast would have ended`, limit(), () =>
			withCleanup(async (cleanup) => {
				const setup = await configure(cleanup);
				const names = [...CALLS].filter((each) => each !== name && each !== name.replace(/4$/, ''));
				const [command, args] = filtered(names)(SIOCAST, ['-c', setup.file]);
				const child = new Child(command, args, { env, graceful: false });
				cleanup.add(child, () => child.kill());
				// Whether it starts at all depends on the call; a client makes it accept.
				const poke = eventually(() => child.exited || Session.open(setup), 'siocast to answer or to end');
				assert.equal(await poke, true);
				assert.equal((await child.ended).signal, 'SIGSYS');
			}),
		);
	}
});
