export const channels = ['mentions'];
export const since = '4';
export const redis = '4.7.1';

export default async function ({ connect, publish, settled }) {
	const ann = await connect('ann');
	const bob = await connect('bob');
	ann.emit('join', ['user:ann', 'cats', 'dogs']);
	bob.emit('join', ['user:bob', 'dogs']);
	await settled();
	await publish('mentions', { rooms: ['cats', 'dogs'], from: 'ann', post: { text: 'by ann' } });
	await publish('mentions', { rooms: ['cats', 'dogs'], from: 'bob', post: { text: 'by bob' } });
	await publish('mentions', { rooms: ['dogs'], from: 'carl', post: { text: 'by carl' } });
	await ann.received('post', 2);
	await bob.received('post', 2);
}
