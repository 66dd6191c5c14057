// SPDX-License-Identifier: MIT
//
// Figures of several rounds in one: the median, with the least and the most beside it. And tables of text.

/** {median, min, max} of some numbers. */
export function summary(values) {
	const sorted = [...values].sort((a, b) => a - b);
	const middle = sorted.length >> 1;
	const median = sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
	return { median, min: sorted[0], max: sorted.at(-1) };
}

const isKnown = (value) => value !== null && value !== undefined && !Number.isNaN(value);

/** Of the figures of all rounds those that there are. */
export const known = (values) => (values ?? []).filter(isKnown);

/** One server's figures divided by those of another, round by round, where there are both. */
export function ratios(values, base) {
	const pairs = (values ?? []).map((value, i) => [value, base?.[i]]).filter((pair) => pair.every(isKnown));
	return pairs.map(([value, other]) => value / other);
}

/** The value that a share (0 to 1) of all is not above, of the cells of a histogram: [[value, count], …] from the least on. */
export function quantile(cells, share) {
	const total = cells.reduce((sum, [, count]) => sum + count, 0);
	let left = Math.max(1, Math.ceil(share * total));
	for (const [value, count] of cells) {
		left -= count;
		if (left <= 0) return value;
	}
	return undefined;
}

/** "5.3 (5.1–6.0)" */
export function spread({ median, min, max }, digits = 2) {
	return `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
}

/** Rows of strings as a Markdown table that also reads well as text; all columns but the first to the right. */
export function table(head, rows) {
	const width = head.map((_, i) => Math.max(3, ...[head, ...rows].map((row) => row[i].length)));
	const line = (row) => `| ${row.map((cell, i) => (i ? cell.padStart(width[i]) : cell.padEnd(width[i]))).join(' | ')} |`;
	const rule = `|${width.map((n, i) => (i ? `${'-'.repeat(n + 1)}:` : `-${'-'.repeat(n)}-`)).join('|')}|`;
	return [line(head), rule, ...rows.map(line)].join('\n');
}
