export const channels = ['market'];

export default async function ({ connect, publish }) {
	const a = await connect('a');
	await publish('market', { type: 'trade', size: 99 });
	await publish('market', { type: 'trade', size: 100 });
	await publish('market', { type: 'quote', size: 1000 });
	await publish('market', { type: 'halt', symbol: 'A' });
	await publish('market', { type: 'trade', size: 1e3 });
	await publish('market', { type: 'resume', symbol: 'A' });
	await a.received('big trade', 2);
	await a.received('halt', 1);
	await a.received('resume', 1);
}
