// SPDX-License-Identifier: MIT
//
// Runs the cells of the browser, two at a time, against one server. A result is what those of Node are, too:
//	{server, reference, version, build: 'chromium', transport, scenario, ok, detail, ms}

import { quickHeartbeat } from '../lib/contract.mjs';
import { RedisClient, freePort, startRedis, withCleanup } from '../lib/tools.mjs';
import { offers } from '../lib/versions.mjs';
import { Cell, launchServer } from './cell.mjs';
import { startChromium } from './chromium.mjs';
import { SCENARIOS } from './scenarios.mjs';
import { makeSite, serveSite } from './site.mjs';

/** The ways a browser can connect; the others are for stand-ins of old browsers. */
export const WAYS = ['polling', 'websocket', 'upgrade', 'polling-base64', 'websocket-base64', 'timestamps', 'jsonp'];

function scenariosOf(kind, options, serverKind) {
	const foreign = serverKind === 'url';
	return SCENARIOS.filter((scenario) => {
		if (foreign && (scenario.own || scenario.quick || (scenario.redis && !options.redisPort))) return false;
		if (!options.scenarios.includes(scenario.name) || scenario.not?.includes(serverKind)) return false;
		// Nothing is known of its rules.
		if (foreign && scenario.stranger) return false;
		return !scenario.for || scenario.for(kind.version, kind.transport);
	});
}

export function cellsOf(options, serverKind) {
	const kinds = options.clients.flatMap((version) =>
		options.transports.filter((way) => offers(version, 'bundle', way)).map((transport) => ({ version, transport })));
	const known = (kind, { name }) => options.known?.({ ...kind, build: 'chromium' }, name);
	const cells = kinds.map((kind) => ({ kind, scenarios: scenariosOf(kind, options, serverKind).filter((scenario) => !known(kind, scenario)) }));
	return cells.filter(({ scenarios }) => scenarios.length > 0);
}

async function startServers(cleanup, serverKind, shared, options) {
	if (serverKind === 'url') {
		const redis = options.redisPort && {
			port: options.redisPort,
			client: await RedisClient.open(cleanup, options.redisPort),
		};
		return { server: { url: options.url }, quick: null, redis: redis || null };
	}
	const redis = await startRedis(cleanup, await freePort());
	// The page's origin is allowed by name, with credentials: what a careful operator writes. 1.x and 2.x do it unasked.
	// Scripts ask nobody: where origins are kept out JSONP must be allowed.
	const rules = { cors: { origin: [shared.site], credentials: true }, jsonp: true };
	const www = serverKind === 'siocast' ? { www: shared.folder } : {};
	const server = await launchServer(cleanup, serverKind, { redis, ...rules, ...www });
	const quick = await launchServer(cleanup, serverKind, { ...www, engine: quickHeartbeat(options.slow) });
	return { server, quick, redis };
}

/** Runs everything the options ask for against a server of one of the SERVERS, or the one of options.url. Gives the results. */
export async function runBrowser(serverKind, options, onCell = () => {}) {
	const all = [];
	await withCleanup(async (cleanup) => {
		const folder = await makeSite(cleanup, options.clients);
		const [site, foreignSite] = [await serveSite(cleanup, folder), await serveSite(cleanup, folder)];
		const shared = { serverKind, folder, site, foreignSite, messages: options.messages, slow: options.slow };
		Object.assign(shared, await startServers(cleanup, serverKind, shared, options));
		shared.browser = await startChromium(cleanup);
		const waiting = cellsOf(options, serverKind);
		const lane = async () => {
			for (let cell = waiting.shift(); cell; cell = waiting.shift()) {
				const results = await new Cell(cell.kind, shared).run(cell.scenarios);
				const { version, transport } = cell.kind;
				const reference = !['siocast', 'url'].includes(serverKind);
				const known = { server: serverKind, reference, version, build: 'chromium', transport };
				const told = results.map((result) => ({ ...known, ...result }));
				all.push(...told);
				onCell(`${serverKind} ${version} chromium ${transport}`, told);
			}
		};
		await Promise.all(Array.from({ length: options.parallel }, lane));
	});
	return all;
}

