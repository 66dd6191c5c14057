import { createHmac } from 'node:crypto';

export const channels = ['inbox:*'];

// A cookie as express-session signs it.
function cookie(id, secret = 'keep it') {
	const signature = createHmac('sha256', secret).update(id).digest('base64').replace(/=+$/, '');
	return { Cookie: `theme=dark; web.sid=${encodeURIComponent(`s:${id}.${signature}`)}` };
}

export default async function ({ connect, refused, publish }) {
	await refused('nobody');
	await refused('forger', { extraHeaders: cookie('session-of-ann', 'guessed') });
	await refused('stranger', { extraHeaders: cookie('session-of-carl') });
	const ann = await connect('ann', { extraHeaders: cookie('session-of-ann') });
	const bob = await connect('bob', { extraHeaders: cookie('session-of-bob'), transports: ['polling'] });
	await ann.received('you', 1);
	await bob.received('you', 1);
	await publish('inbox:ann', { subject: 'for ann' });
	await publish('inbox:carl', { subject: 'for carl' });
	await publish('inbox:bob', { subject: 'for bob' });
	await ann.received('mail', 1);
	await bob.received('mail', 1);
}
