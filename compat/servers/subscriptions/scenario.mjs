export const channels = ['price:*'];

export default async function ({ connect, publish }) {
	const a = await connect('a');
	const b = await connect('b', { transports: ['polling'] });
	await a.ask('subscribe', 'ACME');
	await b.ask('subscribe', 'OTHER');
	await publish('price:ACME', { p: 1 });
	await publish('price:OTHER', { p: 2 });
	await a.received('price', 1);
	await a.ask('unsubscribe', 'ACME');
	await publish('price:ACME', { p: 3 });
	await a.ask('echo');
	await a.ask('echo', 1, 'zwei', [3], { four: null }, Buffer.from([0, 255]));
	await a.ask('subscribe', 'OTHER');
	await publish('price:OTHER', { p: 4 });
	await a.received('price', 2);
	await b.received('price', 2);
}
