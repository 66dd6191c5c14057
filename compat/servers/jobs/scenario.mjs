export const channels = ['jobs:done'];

export default async function ({ connect, publish, heard }) {
	const jobs = await heard('jobs');
	const a = await connect('a');
	const b = await connect('b');
	a.emit('render', '/report');
	const first = JSON.parse(await jobs.next());
	b.emit('render', { path: '/other', dpi: 300 });
	const second = JSON.parse(await jobs.next());
	await publish('jobs:done', { socket: second.socket, url: 'second.png' });
	await publish('jobs:done', { socket: 'of-nobody', url: 'lost.png' });
	await publish('jobs:done', { socket: first.socket, url: 'first.png' });
	await a.received('rendered', 1);
	await b.received('rendered', 1);
}
