export const alone = true;

export default async function ({ connect }) {
	const a = await connect('a');
	await a.received('updateOnline', 1);
	const b = await connect('b', { transports: ['polling'] });
	await a.received('updateOnline', 2);
	await b.received('updateOnline', 1);
	const c = await connect('c');
	await c.received('updateOnline', 1);
	await a.received('updateOnline', 3);
	await b.received('updateOnline', 2);
	b.close();
	await a.received('updateOnline', 4);
	await c.received('updateOnline', 2);
}
