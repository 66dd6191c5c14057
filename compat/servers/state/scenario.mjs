export const channels = ['boards'];

/** A client that came when the state was there; one that came before that gets an update in its place, and comes again. */
async function open(connect, name, options) {
	for (;;) {
		const client = await connect(name, options);
		while (!client.events.init && !client.events.update) await new Promise((resolve) => setTimeout(resolve, 5));
		if (client.events.init) return client;
		client.close();
	}
}

export default async function ({ connect, publish, version }) {
	// What is retained outlives the clients: each generation has boards of its own.
	const [one, other] = [`one of ${version}`, `other of ${version}`];
	await publish('boards', { board: one, n: 1 });
	await publish('boards', { board: other, list: [1.5, null] });
	const a = await open(connect, 'a', { query: { board: one } });
	const b = await open(connect, 'b', { query: { board: other }, transports: ['polling'] });
	await publish('boards', { board: one, n: 2 });
	await publish('boards', { board: one, n: 3 });
	await a.received('update', 2);
	const c = await open(connect, 'c', { query: { board: one }, transports: ['polling'] });
	await publish('boards', { board: one, n: 4 });
	await publish('boards', { board: other, n: 5 });
	for (const [client, n] of [[a, 3], [b, 1], [c, 1]]) await client.received('update', n);
}
