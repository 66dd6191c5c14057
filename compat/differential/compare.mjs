// SPDX-License-Identifier: MIT
//
// Compares what two servers said in the same conversation, value by value, and tells known differences from new ones.

/** The values of a list of entries by their paths: "0.status", "0.headers.vary", "2.received.0". */
export function flatten(value, path = '', out = new Map()) {
	if (value !== null && typeof value === 'object') {
		for (const [key, member] of Object.entries(value)) flatten(member, path === '' ? key : `${path}.${key}`, out);
	} else {
		out.set(path, value);
	}
	return out;
}

/** The paths at which the lists differ, with both values; one that is absent is undefined. */
export function differences(reference, siocast) {
	const [a, b] = [flatten(reference), flatten(siocast)];
	const paths = new Set([...a.keys(), ...b.keys()]);
	return [...paths].filter((path) => a.get(path) !== b.get(path)).map((path) => ({
		path,
		step: reference[path.split('.')[0]]?.step ?? siocast[path.split('.')[0]]?.step,
		reference: a.get(path),
		siocast: b.get(path),
	}));
}

// `undefined` in a known difference means "absent"; a member that is not there at all means "anything".
function fits(known, name, value) {
	if (!Object.hasOwn(known, name)) return true;
	const wanted = known[name];
	return wanted instanceof RegExp ? wanted.test(String(value)) : wanted === value;
}

/** The known difference that explains one, or undefined. `when` may compare both values. */
export function explain(list, caseName, { path, reference, siocast }) {
	return list.find((known) => {
		if (!known.cases.test(caseName) || !known.path.test(path)) return false;
		if (!fits(known, 'reference', reference) || !fits(known, 'siocast', siocast)) return false;
		return known.when === undefined || known.when(reference, siocast);
	});
}
