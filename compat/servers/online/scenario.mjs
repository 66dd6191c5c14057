export default async function ({ connect }) {
	const a = await connect('a');
	await a.received('updateOnline', 1);
	const b = await connect('b', { transports: ['polling'] });
	await a.received('updateOnline', 2);
	await b.received('updateOnline', 1);
	b.close();
	await a.received('updateOnline', 3);
}
