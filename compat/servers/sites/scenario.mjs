export const channels = ['site:*'];
export const since = '2';

export default async function ({ connect, refused, publish }) {
	const a = await connect('a', { namespace: '/site-1' });
	const b = await connect('b', { namespace: '/site-2', transports: ['polling'] });
	await refused('c', { namespace: '/other' });
	await a.received('site', 1);
	await b.received('site', 1);
	await publish('site:1', { n: 1 });
	await publish('site:3', { n: 2 });
	await publish('site:2', { n: 3 });
	await publish('site:1', { n: 4 });
	await a.received('change', 2);
	await b.received('change', 1);
}
