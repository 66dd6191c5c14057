export default async function ({ connect, heard }) {
	const clients = await heard('clients');
	const a = await connect('a', { query: { user: 'ann' } });
	await clients.next();
	a.emit('report', 'slow "page"', { page: '/maps', ms: 900 });
	await clients.next();
	a.close();
	await clients.next();
	const b = await connect('b', { query: { user: 'bob' }, transports: ['polling'] });
	await clients.next();
	b.emit('report', 7, { page: null });
	await clients.next();
	b.close();
	await clients.next();
}
