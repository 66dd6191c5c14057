export const channels = ['sensor/*'];

export default async function ({ connect, publish }) {
	const a = await connect('a');
	await publish('sensor/kitchen', { celsius: 21.5 });
	await publish('sensor/"quoted"', [1, 2]);
	await publish('sensor/door', 'true');
	await a.received('message', 3);
}
