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
	.ours { fill: #1f883d; } .base { fill: #afb8c1; } .ws { fill: #0969da; } .uws { fill: #8250df; } .v1 { fill: #bc4c00; }
	.python { fill: #bf8700; } .nchan { fill: #1b7c83; } .naive { opacity: 0.5; }
	.us { font-weight: 600; } .times { fill: #6e7781; } .floor { stroke: #57606a; stroke-dasharray: 2 3; }
	.grid { stroke: #d0d7de; stroke-width: 1; } .whisker { stroke: #57606a; stroke-width: 1.2; }
	@media (prefers-color-scheme: dark) {
		text { fill: #e6edf3; } .note, .axis, .times { fill: #8b949e; } .ours { fill: #3fb950; } .base { fill: #6e7681; }
		.ws { fill: #4493f8; } .uws { fill: #ab7df8; } .v1 { fill: #db6d28; } .python { fill: #d29922; } .nchan { fill: #39c5cf; }
		.grid { stroke: #30363d; } .whisker { stroke: #adbac7; } .floor { stroke: #adbac7; }
	}`;

export const escape = (text) => String(text).replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]);

/** 1234567 as 1.23M, 12345 as 12.3k, 0.01234 as 0.0123. */
export function short(value) {
	const [scaled, unit] = value >= 1e6 ? [value / 1e6, 'M'] : value >= 10_000 ? [value / 1000, 'k'] : [value, ''];
	const digits = scaled >= 100 ? 0 : scaled >= 10 ? 1 : scaled >= 1 ? 2 : 3;
	return `${scaled.toFixed(digits)}${unit}`;
}

/** Round numbers from 0 to somewhat above the value, at most six. */
function ticksTo(value) {
	const power = 10 ** Math.floor(Math.log10(value));
	const step = [0.2, 0.25, 0.5, 1, 2].map((m) => m * power).find((m) => m * 5 >= value);
	return Array.from({ length: Math.ceil(value / step - 1e-9) + 1 }, (_, i) => i * step);
}

const tickText = (value) => (value === 0 ? '0' : value >= 1e6 ? `${Number((value / 1e6).toFixed(2))}M` : value >= 10_000 ? `${Number((value / 1000).toFixed(1))}k` : String(Number(value.toPrecision(3))));

const LEFT = 252;
const WIDTH = 840;
const RIGHT = 148;
const TOP = 62;
const ROW = 27;

/** "4.3×": how many times our value it is. */
const times = (value, ours) => (value / ours).toFixed(value / ours < 9.95 ? (value / ours < 0.095 ? 3 : value / ours < 0.95 ? 2 : 1) : 0);

function bar({ name, kind, naive, summary: { median, min, max } }, i, scale, ours) {
	const y = TOP + i * ROW;
	const x = (value) => (LEFT + scale(value)).toFixed(1);
	const middle = y + 9;
	const end = Math.max(LEFT + scale(max), LEFT + scale(median));
	const us = kind === 'ours' ? ' us' : '';
	const ratio = ours > 0 && !us ? `<tspan class="times" dx="8">${times(median, ours)}×</tspan>` : '';
	return `
	<text class="name${us}" x="${LEFT - 10}" y="${y + 13}" text-anchor="end">${escape(name)}</text>
	<rect class="${kind}${naive ? ' naive' : ''}" x="${LEFT}" y="${y}" width="${Math.max(1, scale(median)).toFixed(1)}" height="18" rx="2"/>
	<path class="whisker" d="M${x(min)} ${middle}H${x(max)}M${x(min)} ${middle - 4}v8M${x(max)} ${middle - 4}v8"/>
	<text class="value${us}" x="${(end + 8).toFixed(1)}" y="${y + 13}">${short(median)}${ratio}</text>`;
}

/**
 * Horizontal bars: `rows` of {name, kind: ours, base or a class of STYLE, naive, summary}; the lines at their ends are the least and the
 * most. Beside each value stands how many times ours it is; a dotted line goes down from the floor.
 */
export function barChart({ title, subtitle, rows }) {
	const height = TOP + rows.length * ROW + 30;
	const ticks = ticksTo(Math.max(...rows.map(({ summary }) => summary.max), 1e-9));
	const scale = (value) => (value / ticks.at(-1)) * (WIDTH - LEFT - RIGHT);
	const bottom = TOP + rows.length * ROW;
	const grid = ticks.map((value) => {
		const x = (LEFT + scale(value)).toFixed(1);
		return `
	<path class="grid" d="M${x} ${TOP - 8}V${bottom - 4}"/>
	<text class="axis" x="${x}" y="${bottom + 12}" text-anchor="middle">${tickText(value)}</text>`;
	});
	const base = rows.find(({ kind }) => kind === 'base');
	const floor = base ? `
	<path class="floor" d="M${(LEFT + scale(base.summary.median)).toFixed(1)} ${TOP}V${bottom - 4}"/>` : '';
	const ours = rows.find(({ kind }) => kind === 'ours')?.summary.median;
	return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escape(title)}">
	<style>${STYLE}
	</style>
	<text class="title" x="16" y="24">${escape(title)}</text>
	<text class="note" x="16" y="42">${escape(subtitle)}</text>${grid.join('')}${rows.map((row, i) => bar(row, i, scale, ours)).join('')}${floor}
</svg>
`;
}

const COLOURS = ['#1f883d', '#6e7781', '#0969da', '#8250df', '#bc4c00', '#bf8700', '#1b7c83'];
const NAMES = 250; // pixels for the names at the right

/** Lines over a logarithmic axis: `series` of {name, points: [[x, y]]}. */
export function lineChart({ title, subtitle, series, ticks }) {
	const height = 330;
	const xs = series.flatMap(({ points }) => points.map(([x]) => x));
	const low = Math.log(Math.min(...xs));
	const wide = Math.log(Math.max(...xs)) - low || 1;
	const values = ticksTo(Math.max(...series.flatMap(({ points }) => points.map(([, y]) => y)), 1e-9));
	const x = (value) => (64 + ((Math.log(value) - low) / wide) * (WIDTH - NAMES - 70)).toFixed(1);
	const y = (value) => (height - 44 - (value / values.at(-1)) * (height - 110)).toFixed(1);
	const grid = values.map(
		(value) => `
	<path class="grid" d="M64 ${y(value)}H${WIDTH - NAMES}"/>
	<text class="axis" x="56" y="${Number(y(value)) + 4}" text-anchor="end">${tickText(value)}</text>`,
	);
	const marks = ticks.map((value) => `
	<text class="axis" x="${x(value)}" y="${height - 24}" text-anchor="middle">${value.toLocaleString('en')}</text>`);
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
