export default async function ({ connect }) {
	const a = await connect('a');
	const b = await connect('b', { transports: ['polling'] });
	const c = await connect('c');
	a.emit('drawing', { from: [0, 0], to: [1, 1.5], color: 'black' });
	await b.received('drawing', 1);
	await c.received('drawing', 1);
	b.emit('drawing', 'another');
	await a.received('drawing', 1);
	for (const client of [a, b]) await client.ask('enter', 'kitchen');
	a.emit('typing', 'kitchen');
	await b.received('typing', 1);
	a.emit('say', 'kitchen', 'hello');
	await a.received('said', 1);
	await b.received('said', 1);
	c.emit('say', 'kitchen', null);
	await a.received('said', 2);
	await b.received('said', 2);
	c.emit('drawing', Buffer.from([1, 2, 3]));
	for (const client of [a, b]) await client.received('drawing', 2);
}
