import { inSeconds, token } from '../../lib/jwt.mjs';

const SECRET = 'a secret that both of them know!';

export const channels = ['payments'];

export default async function ({ connect, refused, publish, modern }) {
	const exp = inSeconds(3600);
	// What a page gives as auth exists since client 3.
	const give = (text) => (modern ? { auth: { token: text } } : { query: { token: text } });
	// What a refusal says is up to the application; siocast has words of its own.
	const refuse = (name, options) => refused(name, options, { words: false });
	await refuse('nobody');
	await refuse('forger', give(token({ sub: 'ann', exp }, 'a secret that somebody has guessed')));
	await refuse('late', give(token({ sub: 'ann', exp: exp - 7200 }, SECRET)));
	await refuse('unsigned', give(token({ sub: 'ann', exp }, '', 'none')));
	await refuse('garbage', give('not.a.token'));
	const ann = await connect('ann', give(token({ sub: 'ann', name: 'Ann Ä.', exp }, SECRET)));
	const bob = await connect('bob', { query: { token: token({ sub: '17', exp }, SECRET) }, transports: ['polling'] });
	await ann.ask('who');
	await bob.ask('who');
	await publish('payments', { user: 'ann', amount: '12.50' });
	await publish('payments', { user: 'carl', amount: '1' });
	await publish('payments', { user: '17', amount: 3 });
	await ann.received('payment', 1);
	await bob.received('payment', 1);
}
