export const channels = ['laravel:*'];

export default async function ({ connect, publish }) {
	const a = await connect('a');
	const event = 'App\\Events\\OrderShipped';
	await publish('laravel:orders', { event, data: { order: { id: 7, total: '12.50' }, tags: [] }, socket: null });
	await publish('laravel:orders', { event, data: ['a', 'list'], socket: null });
	await publish('laravel:orders', { event, data: 'text', socket: 'x' });
	await publish('laravel:stock', { event: 'low', data: null });
	await publish('laravel:stock', { event: 'low', data: 3 });
	await a.received(`laravel:orders:${event}`, 3);
	await a.received('laravel:stock:low', 2);
}
