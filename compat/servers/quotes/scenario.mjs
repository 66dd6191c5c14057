export const channels = ['quotes.*'];

export default async function ({ connect, publish }) {
	const a = await connect('a');
	await publish('quotes.fx', { symbol: 'EURUSD', bid: 1.0842, depth: [[1.0842, 5], [1.0841, 9]] });
	await publish('quotes.stock', { symbol: 'ÄÖ "x"', bid: 12, depth: { levels: 0 } });
	await publish('quotes.stock', { symbol: 'A', bid: null, depth: false });
	await a.received('quote', 3);
}
