// SPDX-License-Identifier: MIT
//
// Messages as public feeds have them, for what is measured by their content: the same ones each time. The shapes are those of a stock
// exchange's quotes, of a gateway of sensors, of an access log as structured lines, and of a sports match's live state.

/** Numbers in [0, 1), the same on every run (mulberry32). */
function chance(seed) {
	let a = seed;
	return () => {
		a = (a + 0x6d2b79f5) | 0;
		let t = Math.imul(a ^ (a >>> 15), 1 | a);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
	};
}

const START = Date.UTC(2026, 0, 5, 14, 30);
const round = (x, digits) => Number(x.toFixed(digits));

function tools(seed) {
	const random = chance(seed);
	const below = (n) => Math.floor(random() * n);
	return { random, below, pick: (list) => list[below(list.length)], hex: (n) => Array.from({ length: n }, () => below(16).toString(16)).join('') };
}

function quotes(n) {
	const { random, below, pick } = tools(1);
	const names = Array.from({ length: 40 }, (_, i) => String.fromCharCode(65 + (i % 26), 65 + ((i * 7) % 26), 65 + ((i * 11) % 26)));
	const prices = names.map(() => 10 + random() * 400);
	let time = START;
	let sequence = 50385480;
	return Array.from({ length: n }, () => {
		const i = below(names.length);
		prices[i] *= 1 + (random() - 0.5) / 2000;
		time += below(6);
		const bid = round(prices[i], 2);
		return { ev: 'Q', sym: names[i], c: pick([0, 0, 0, 1]), bx: 1 + below(16), bp: bid, bs: 1 + below(9), ax: 1 + below(16),
			ap: round(bid + 0.01 * (1 + below(4)), 2), as: 1 + below(9), t: time, q: (sequence += 1 + below(3)), z: 3 };
	});
}

function sensors(n) {
	const { random, below, pick } = tools(2);
	const devices = Array.from({ length: 25 }, (_, i) => ({
		device: `gw-${1 + (i % 4)}/sensor-${String(i).padStart(3, '0')}`, site: pick(['hall-north', 'hall-south', 'yard', 'roof']), temperature: 15 + random() * 12,
		humidity: 30 + random() * 40, pressure: 1005 + random() * 20, battery: 3.1 + random() }));
	return Array.from({ length: n }, (_, i) => {
		const d = devices[i % devices.length];
		d.temperature += (random() - 0.5) / 4;
		d.humidity += (random() - 0.5) / 2;
		d.pressure += (random() - 0.5) / 10;
		return { device: d.device, site: d.site, time: START + i * 40 + below(30), temperature: round(d.temperature, 2), humidity: below(50) ? round(d.humidity, 1) : null,
			pressure: round(d.pressure, 2), battery: round(d.battery, 2), rssi: -55 - below(30), ok: below(40) > 0 };
	});
}

function logs(n) {
	const { random, below, pick, hex } = tools(3);
	let time = START;
	return Array.from({ length: n }, () => {
		time += below(20);
		const [method, path] = pick([['GET', `/api/orders/${10000 + below(90000)}`], ['GET', '/api/cart'], ['POST', '/api/cart/items'], ['GET', `/img/p/${below(4000)}.webp`], ['GET', '/'],
			['PUT', `/api/users/${1 + below(9000)}/address`]]);
		const status = pick([200, 200, 200, 200, 200, 201, 204, 304, 404, 500]);
		const ms = round(1 + random() * random() * 300, 1);
		return { time: new Date(time).toISOString(), level: status >= 500 ? 'error' : status >= 400 ? 'warn' : 'info', service: pick(['shop', 'shop', 'images', 'accounts']), host: `web-${1 + below(6)}`,
			msg: `${method} ${path} answered ${status}`, http: { method, status, bytes: 120 + below(20000), ms }, trace: hex(16),
			agent: pick(['Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36', 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X)', 'okhttp/4.12.0']) };
	});
}

function match(n) {
	const { random, below, pick } = tools(4);
	const score = [0, 0];
	const players = Array.from({ length: 4 }, (_, i) => ({ id: 4 + 7 * i, pts: 0, fouls: 0 }));
	const ball = { x: 14, y: 7.5, z: 1 };
	let clock = 12 * 60 * 10;
	let possession = 'home';
	return Array.from({ length: n }, (_, tick) => {
		clock = clock ? clock - 1 : 7200;
		ball.x = round(Math.min(28, Math.max(0, ball.x + (random() - 0.5) * 1.5)), 2);
		ball.y = round(Math.min(15, Math.max(0, ball.y + (random() - 0.5))), 2);
		ball.z = round(Math.max(0, Math.min(4, ball.z + (random() - 0.5) / 2)), 2);
		if (below(60) === 0) {
			const scorer = pick(players);
			const points = pick([1, 2, 2, 3]);
			scorer.pts += points;
			score[possession === 'home' ? 0 : 1] += points;
		}
		if (below(25) === 0) possession = possession === 'home' ? 'away' : 'home';
		if (below(200) === 0) pick(players).fouls++;
		const seconds = Math.floor(clock / 10);
		return { match: 'nba-20260105-07', tick: 88000 + tick, period: 3, clock: `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}.${clock % 10}`,
			score: { home: score[0] + 61, away: score[1] + 58 }, possession, ball: { ...ball }, leaders: players.map((p) => ({ ...p })) };
	});
}

/** By name: functions that make so many messages, each as its JSON. */
export const datasets = Object.fromEntries(
	Object.entries({ quotes, sensors, logs, match }).map(([name, make]) => [name, (n) => make(n).map((m) => JSON.stringify(m))]),
);
