export default async function ({ connect, unordered }) {
	unordered('here');
	const ann = await connect('ann', { query: { user: 'ann' } });
	ann.emit('enter', 'lobby-1');
	await ann.received('here', 1);
	const bob = await connect('bob', { query: { user: 'bob' }, transports: ['polling'] });
	bob.emit('enter', 'lobby-1');
	await bob.received('here', 1);
	await ann.received('joining', 1);
	// A second tab.
	const again = await connect('again', { query: { user: 'ann' } });
	again.emit('enter', 'lobby-1');
	await again.received('here', 1);
	again.close();
	const elsewhere = await connect('elsewhere', { query: { user: 'dan' } });
	elsewhere.emit('enter', 'lobby-2');
	await elsewhere.received('here', 1);
	bob.close();
	await ann.received('leaving', 1);
	const carl = await connect('carl', { query: { user: 'carl' } });
	carl.emit('enter', 'lobby-1');
	await carl.received('here', 1);
	await ann.received('joining', 2);
}
