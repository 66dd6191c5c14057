export const channels = ['orders'];

export default async function ({ connect, publish, settled }) {
	const a = await connect('a');
	const b = await connect('b');
	a.emit('watch', 'A1');
	a.emit('watch', 22);
	b.emit('watch', 'B1');
	await settled();
	await publish('orders', { account: 'A1', id: 1 });
	await publish('orders', { account: 'B1', id: 2 });
	await publish('orders', { account: 22, id: 3 });
	await publish('orders', { account: 'C1', id: 4 });
	await a.received('order', 2);
	await b.received('order', 1);
	a.emit('unwatch', 'A1');
	b.emit('watch', 'A1');
	await settled();
	await publish('orders', { account: 'A1', id: 5 });
	await publish('orders', { account: 22, id: 6 });
	await a.received('order', 3);
	await b.received('order', 2);
}
