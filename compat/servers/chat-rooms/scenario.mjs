export const channels = ['chat:*:*'];

export default async function ({ connect, publish, settled }) {
	const a = await connect('a');
	const b = await connect('b');
	a.emit('enter', 'kitchen');
	b.emit('enter', 'garden');
	await settled();
	await publish('chat:kitchen:said', { text: 'hello' });
	await publish('chat:garden:said', { text: 'sun' });
	await publish('chat:kitchen:left', ['ann']);
	await publish('chat:cellar:said', { text: 'nobody' });
	await publish('chat:garden:left', []);
	await a.received('said', 1);
	await a.received('left', 1);
	await b.received('said', 1);
	await b.received('left', 1);
}
