export const channels = ['headlines', 'weather'];

export default async function ({ connect, publish }) {
	const a = await connect('a');
	const b = await connect('b', { transports: ['polling'] });
	await publish('headlines', { id: 1, title: 'Grüße, 世界', tags: ['a', null, true], price: 1.5 });
	await publish('headlines', '"a string alone"');
	await publish('weather', '[1,-2.5e3,{"deep":{"er":[]}}]');
	await publish('weather', 'null');
	await publish('headlines', 'false');
	for (const client of [a, b]) {
		await client.received('headlines', 3);
		await client.received('weather', 2);
	}
}
