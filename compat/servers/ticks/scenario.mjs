export const channels = ['ticks.*'];

// The parts that a timer divides depend on the machine; those that their size divides do not.
export default async function ({ connect, publishAll }) {
	const a = await connect('a');
	await publishAll(Array.from({ length: 10 }, (_, i) => [`ticks.${'AB'[i % 2]}`, { n: i, price: 1.25 * i }]));
	await a.received('ticks', 2);
	await publishAll([['ticks.A', { n: 10 }]]);
	await a.received('ticks', 3);
}
