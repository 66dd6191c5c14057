export const channels = ['visits'];

export default async function ({ connect, publish }) {
	const a = await connect('a');
	await publish('visits', { ip: '10.0.0.1', page: '/', user: { email: 'ann@example.org', name: 'ann' } });
	await publish('visits', { page: '/a', user: { email: 'only' }, ip: null });
	await publish('visits', { ip: '10.0.0.2' });
	await publish('visits', { page: '/b', nested: { ip: 'stays' } });
	await a.received('visit', 4);
}
