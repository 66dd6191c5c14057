// SPDX-License-Identifier: MIT
//
// Flame graphs as SVG: what is above was called by what is below, and the width is the share of samples. Pointing at a box tells
// its name and share; no script is in it.

import { SEND } from './perf.mjs';
import { escape } from './svg.mjs';

const WIDTH = 1200;
const ROW = 17;
const MARGIN = 10;
const LEAST = 0.8; // pixels: what is narrower is left out

/** A warm colour that is the same for the same name in all graphs; the kernel is blue, what sends is green. */
function colour(name, inKernel, inSend) {
	let hash = 0;
	for (const c of name) hash = (hash * 31 + c.charCodeAt(0)) % 997;
	const part = hash / 997;
	if (inSend) return `hsl(${140 + 20 * part} 42% ${62 + 8 * part}%)`;
	if (inKernel) return `hsl(${205 + 20 * part} 52% ${68 + 8 * part}%)`;
	return `hsl(${18 + 34 * part} 82% ${64 + 8 * part}%)`;
}

const KERNEL = /^(entry_SYSCALL|do_syscall_64|asm_|x64_sys_call|__x64_sys_|ret_from_fork)/;

function depthOf(root, scale) {
	let depth = 0;
	for (const next of root.calls.values()) if (next.count * scale >= LEAST) depth = Math.max(depth, 1 + depthOf(next, scale));
	return depth;
}

function boxes(root, scale, height) {
	const out = [];
	const walk = (at, left, level, kernel, send) => {
		let x = left;
		const sorted = [...at.calls].sort(([a], [b]) => (a < b ? -1 : 1));
		for (const [name, next] of sorted) {
			const width = next.count * scale;
			if (width >= LEAST) {
				const inKernel = kernel || KERNEL.test(name);
				const inSend = send || SEND.test(name);
				const y = height - (level + 1) * ROW;
				const letters = Math.floor((width - 6) / 6.6);
				const label = letters < 3 ? '' : `<text x="${(x + 3).toFixed(1)}" y="${y + 12}">${escape(name.length > letters ? `${name.slice(0, letters - 1)}…` : name)}</text>`;
				const share = ((100 * next.count) / root.count).toFixed(1);
				out.push(`<g><title>${escape(name)}: ${share} %</title><rect x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${ROW - 1}" fill="${colour(name, inKernel, inSend)}"/>${label}</g>`);
				walk(next, x, level + 1, inKernel, inSend);
			}
			x += width;
		}
	};
	walk(root, MARGIN, 0, false, false);
	return out;
}

/** The tree of perf.mjs as a picture. */
export function flameGraph(root, title) {
	const scale = (WIDTH - 2 * MARGIN) / root.count;
	const height = 64 + depthOf(root, scale) * ROW;
	return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height + MARGIN}" width="${WIDTH}" height="${height + MARGIN}" role="img" aria-label="${escape(title)}">
<style>rect.paper{fill:#fff}text{font:11px ui-monospace,Menlo,Consolas,monospace;fill:#1b1f24;pointer-events:none}.title{font:600 16px system-ui,sans-serif}.note{font:12px system-ui,sans-serif;fill:#6e7781}g:hover rect{stroke:#1b1f24}</style>
<rect class="paper" width="100%" height="100%"/>
<text class="title" x="${MARGIN}" y="24">${escape(title)}</text>
<text class="note" x="${MARGIN}" y="42">${root.count} samples; green: sending in the kernel, blue: the rest of the kernel, warm: the program and its libraries</text>
${boxes(root, scale, height).join('\n')}
</svg>
`;
}
