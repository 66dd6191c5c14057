export const channels = ['announce:*'];

export default async function ({ connect, publish }) {
	const a = await connect('a', { query: { lang: 'de' } });
	const b = await connect('b', { query: { lang: 'fr' }, transports: ['polling'] });
	await a.received('ready', 1);
	await b.received('ready', 1);
	await publish('announce:de', 'Hallo {nicht JSON}');
	await publish('announce:fr', 'bonjour');
	await publish('announce:de', '');
	await a.received('announce', 2);
	await b.received('announce', 1);
}
