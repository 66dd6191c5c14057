export const channels = ['team:*'];

export default async function ({ connect, refused, publish }) {
	await refused('carl', { query: { user: 'carl' } });
	await refused('nobody');
	const ann = await connect('ann', { query: { user: 'ann' } });
	const bob = await connect('bob', { query: { user: 'bob' }, transports: ['polling'] });
	await ann.received('teams', 1);
	await bob.received('teams', 1);
	await publish('team:red', { text: 'red' });
	await publish('team:green', { text: 'green' });
	await publish('team:blue', { text: 'blue' });
	await ann.received('news', 2);
	await bob.received('news', 1);
}
