// SPDX-License-Identifier: MIT
//
// Pictures without a library: bar charts as SVG that read well on white and on black.

import path from 'node:path';
import { BENCH } from './programs.mjs';

export const PLOTS = path.join(BENCH, 'plots');

const STYLE = `
	text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #24292f; }
	.title { font-size: 16px; font-weight: 600; }
	.note, .axis { font-size: 11px; fill: #6e7781; }
	.value { font-variant-numeric: tabular-nums; }
	.bar { fill: #9aa7b4; } .ours { fill: #1f883d; } .base { fill: #c9d1d9; }
	.us { font-weight: 600; }
	.grid { stroke: #d0d7de; stroke-width: 1; } .whisker { stroke: #57606a; stroke-width: 1.2; }
	@media (prefers-color-scheme: dark) {
		text { fill: #e6edf3; } .note, .axis { fill: #8b949e; } .bar { fill: #6e7b88; } .ours { fill: #3fb950; }
		.base { fill: #444c56; } .grid { stroke: #30363d; } .whisker { stroke: #adbac7; }
	}`;

export const escape = (text) => String(text).replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]);

/** 1234567 as 1.23M, 12345 as 12.3k, 0.01234 as 0.0123. */
export function short(value) {
	const [scaled, unit] = value >= 1e6 ? [value / 1e6, 'M'] : value >= 10_000 ? [value / 1000, 'k'] : [value, ''];
	const digits = scaled >= 100 ? 0 : scaled >= 10 ? 1 : scaled >= 1 ? 2 : 3;
	return `${scaled.toFixed(digits)}${unit}`;
}

/** A round number somewhat above the value, for the end of an axis. */
function roundUp(value) {
	const power = 10 ** Math.floor(Math.log10(value));
	return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((m) => m * power).find((m) => m >= value);
}

const LEFT = 236;
const WIDTH = 760;
const RIGHT = 104;
const TOP = 62;
const ROW = 30;

function bar({ name, kind, summary: { median, min, max } }, i, scale) {
	const y = TOP + i * ROW;
	const x = (value) => (LEFT + scale(value)).toFixed(1);
	const middle = y + 9;
	const end = Math.max(LEFT + scale(max), LEFT + scale(median));
	return `
	<text x="${LEFT - 10}" y="${y + 13}" text-anchor="end"${kind === 'ours' ? ' class="us"' : ''}>${escape(name)}</text>
	<rect class="${kind}" x="${LEFT}" y="${y}" width="${Math.max(1, scale(median)).toFixed(1)}" height="18" rx="2"/>
	<path class="whisker" d="M${x(min)} ${middle}H${x(max)}M${x(min)} ${middle - 4}v8M${x(max)} ${middle - 4}v8"/>
	<text class="value${kind === 'ours' ? ' us' : ''}" x="${(end + 8).toFixed(1)}" y="${y + 13}">${short(median)}</text>`;
}

/** Horizontal bars: `rows` of {name, kind: ours, base or bar, summary}; the lines at their ends are the least and the most. */
export function barChart({ title, subtitle, rows }) {
	const height = TOP + rows.length * ROW + 30;
	const top = roundUp(Math.max(...rows.map(({ summary }) => summary.max), 1e-9));
	const scale = (value) => (value / top) * (WIDTH - LEFT - RIGHT);
	const bottom = TOP + rows.length * ROW;
	const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => {
		const x = (LEFT + scale(part * top)).toFixed(1);
		return `
	<path class="grid" d="M${x} ${TOP - 8}V${bottom - 4}"/>
	<text class="axis" x="${x}" y="${bottom + 12}" text-anchor="middle">${part === 0 ? '0' : short(part * top)}</text>`;
	});
	return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escape(title)}">
	<style>${STYLE}
	</style>
	<text class="title" x="16" y="24">${escape(title)}</text>
	<text class="note" x="16" y="42">${escape(subtitle)}</text>${ticks.join('')}${rows.map((row, i) => bar(row, i, scale)).join('')}
</svg>
`;
}

const COLOURS = ['#1f883d', '#8250df', '#bf5a00', '#0969da', '#6e7781'];

/** Lines over a logarithmic axis: `series` of {name, points: [[x, y]]}. */
export function lineChart({ title, subtitle, series, ticks }) {
	const height = 330;
	const xs = series.flatMap(({ points }) => points.map(([x]) => x));
	const low = Math.log(Math.min(...xs));
	const wide = Math.log(Math.max(...xs)) - low || 1;
	const top = roundUp(Math.max(...series.flatMap(({ points }) => points.map(([, y]) => y)), 1e-9));
	const x = (value) => (64 + ((Math.log(value) - low) / wide) * (WIDTH - 230)).toFixed(1);
	const y = (value) => (height - 44 - (value / top) * (height - 110)).toFixed(1);
	const grid = [0, 0.25, 0.5, 0.75, 1].map(
		(part) => `
	<path class="grid" d="M64 ${y(part * top)}H${WIDTH - 160}"/>
	<text class="axis" x="56" y="${Number(y(part * top)) + 4}" text-anchor="end">${part === 0 ? '0' : short(part * top)}</text>`,
	);
	const marks = ticks.map((value) => `
	<text class="axis" x="${x(value)}" y="${height - 24}" text-anchor="middle">${short(value)}</text>`);
	const ends = [];
	const lines = series.map(({ name, points }, i) => {
		const colour = COLOURS[i % COLOURS.length];
		const last = points.at(-1);
		let at = Number(y(last[1])) + 4;
		while (ends.some((other) => Math.abs(other - at) < 14)) at += 14;
		ends.push(at);
		return `
	<path d="M${points.map(([px, py]) => `${x(px)} ${y(py)}`).join('L')}" fill="none" stroke="${colour}" stroke-width="2"/>
	${points.map(([px, py]) => `<circle cx="${x(px)}" cy="${y(py)}" r="3" fill="${colour}"/>`).join('')}
	<text x="${Number(x(last[0])) + 10}" y="${at}" style="fill:${colour}">${escape(name)}</text>`;
	});
	return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escape(title)}">
	<style>${STYLE}
	</style>
	<text class="title" x="16" y="24">${escape(title)}</text>
	<text class="note" x="16" y="42">${escape(subtitle)}</text>${grid.join('')}${marks.join('')}${lines.join('')}
</svg>
`;
}
