export const channels = ['notes'];

export default async function ({ connect, publish, settled }) {
	const a = await connect('a');
	const b = await connect('b', { transports: ['polling'] });
	const c = await connect('c');
	a.emit('join', ['red', 'green', 'all']);
	b.emit('join', ['green', 'all']);
	c.emit('join', ['blue', 'all']);
	await settled();
	await publish('notes', { groups: ['red', 'green'], text: 'red or green' });
	await publish('notes', { groups: ['blue'], text: 'blue' });
	await publish('notes', { groups: ['red', 'red', 'nobody'], text: 'red twice' });
	await publish('notes', { groups: [], text: 'to no group' });
	await publish('notes', { groups: ['red', 'green', 'blue', 'all'], text: 'last' });
	await a.received('note', 3);
	await b.received('note', 2);
	await c.received('note', 2);
}
