// SPDX-License-Identifier: MIT
//
// What a shell offers for the last word of a line, with the completion that is installed for it: real shells, one for all lines.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { TOP } from './daemon.mjs';
import { LIMIT_MS } from './wait.mjs';

const FILES = path.join(TOP, 'contrib/completion');
const HERE = path.dirname(fileURLToPath(import.meta.url));

/** Behind what is offered for each line stands "===". */
function answersOf(text) {
	const answers = text.split('===\n').slice(0, -1);
	return answers.map((answer) => answer.split('\n').filter((one) => one !== ''));
}

function run(shell, args, env, folder) {
	const { status, stdout, stderr } = spawnSync(shell, args, {
		encoding: 'utf8',
		timeout: LIMIT_MS,
		cwd: folder,
		env: { PATH: process.env.PATH, HOME: folder, TERM: 'vt100', LANG: 'C.UTF-8', ...env },
	});
	assert.equal(status, 0, stderr);
	return stdout;
}

/** Each takes lines, and a folder of its own, and gives for each line the words that are offered. */
export const shells = {
	bash(lines, folder) {
		const asked = lines.map((line) => {
			const words = line.split(' ').map((word) => `'${word}'`);
			return `COMPREPLY=() COMP_WORDS=(${words.join(' ')}) COMP_CWORD=${words.length - 1}; _siocast; printf '%s\\n' "\${COMPREPLY[@]}" ===`;
		});
		return answersOf(run('bash', ['-c', `source '${FILES}/bash/siocast'\n${asked.join('\n')}`], {}, folder));
	},

	zsh(lines, folder) {
		const [asked, answers] = ['lines', 'answers'].map((name) => path.join(folder, name));
		fs.writeFileSync(asked, lines.join('\n'));
		run('zsh', ['-f', path.join(HERE, 'complete.zsh')], { FUNCTIONS: path.join(FILES, 'zsh'), ASKED: asked, ANSWERS: answers }, folder);
		return answersOf(fs.readFileSync(answers, 'utf8'));
	},

	fish(lines, folder) {
		const asked = lines.map((line) => `complete -C '${line}'; echo ===`);
		const answers = answersOf(run('fish', ['-N', '-c', `source '${FILES}/fish/siocast.fish'\n${asked.join('\n')}`], {}, folder));
		return answers.map((answer) => answer.map((one) => one.split('\t')[0]));
	},
};
