import { inSeconds, token } from '../../lib/jwt.mjs';

export const channels = ['door:*'];

export default async function ({ connect, publish }) {
	const exp = inSeconds(3600);
	const give = (sub, teams) => ({ query: { token: token({ sub, teams, exp }, 'a secret that both of them know!') } });
	const ann = await connect('ann', give('ann', ['red', 'blue']));
	const bob = await connect('bob', { ...give('bob', []), transports: ['polling'] });
	for (const room of ['public.hall', 'desk.ann', 'team.blue', 'team.green', 'public']) await ann.ask('join', room);
	for (const room of ['desk.ann', 'public.hall', 'team.blue', 'private', '*']) await bob.ask('join', room);
	await publish('door:desk.ann', { n: 1 });
	await publish('door:private', { n: 2 });
	await publish('door:team.blue', { n: 3 });
	await publish('door:public.hall', { n: 4 });
	await ann.received('knock', 3);
	await bob.received('knock', 1);
}
