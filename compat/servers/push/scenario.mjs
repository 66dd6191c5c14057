export default async function ({ connect, post }) {
	const headers = { Authorization: 'Bearer let-me-publish-now' };
	const a = await connect('a');
	const b = await connect('b', { transports: ['polling'] });
	await a.ask('join', 'kitchen');
	await post('/publish', { event: 'news', args: [{ n: 1 }, 'two', null] }, headers);
	await post('/publish', { room: 'kitchen', event: 'dinner', args: [] }, headers);
	await post('/publish', { event: 'news', args: ['forged'] }, { Authorization: 'Bearer guessed' });
	await post('/publish', { event: 'news', args: [[1.5, 'Ä']] }, headers);
	await a.received('dinner', 1);
	await a.received('news', 2);
	await b.received('news', 2);
}
