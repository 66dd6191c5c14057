export default async function ({ connect, settled }) {
	const ann = await connect('ann');
	const bob = await connect('bob', { transports: ['polling'] });
	const carl = await connect('carl');
	ann.emit('watch', 'violin');
	carl.emit('watch', 'cello');
	await settled();
	await bob.ask('bid', { lot: 'violin', amount: 120.5 });
	await ann.received('bid', 1);
	await bob.received('mine', 1);
	await ann.ask('bid', { lot: 'violin', amount: 1 });
	await carl.ask('bid', { lot: 'drum', amount: 1000 });
	await ann.ask('bid', { lot: 'violin', amount: 130 });
	await bob.received('bid', 1);
}
