// SPDX-License-Identifier: MIT
//
// Certificates for a test, made by openssl(1) in a folder of the test's own.

import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

class Authority {
	constructor(dir, name) {
		this.dir = dir;
		this.name = name;
		this.ca = path.join(dir, 'ca.pem');
		this.issued = 0;
	}

	async begin() {
		const key = path.join(this.dir, 'ca.key');
		const usage = 'keyUsage=critical,keyCertSign,cRLSign';
		await run('openssl', [
			...['req', '-x509', ...NEW_KEY, '-keyout', key, '-out', this.ca, '-subj', `/CN=${this.name}`, '-days', '2', '-addext', usage],
		]);
		return this;
	}

	/**
	 * A certificate for these names and addresses, as {cert, key}: files. `days`: how long it is valid; -1: it was, until yesterday.
	 * `subject`: whose it is, by default the first name's.
	 */
	async issue(names = ['localhost', '127.0.0.1'], { days = 2, subject = names[0] } = {}) {
		const at = path.join(this.dir, String(this.issued++));
		const [cert, key, asked] = [`${at}.pem`, `${at}.key`, `${at}.csr`];
		const alternatives = names.map((name) => (/^[\d.]+$|:/.test(name) ? `IP:${name}` : `DNS:${name}`)).join(',');
		const extension = `subjectAltName=${alternatives}`;
		await run('openssl', ['req', ...NEW_KEY, '-keyout', key, '-out', asked, '-subj', `/CN=${subject}`, '-addext', extension]);
		await run('openssl', [
			...['x509', '-req', '-in', asked, '-CA', this.ca, '-CAkey', path.join(this.dir, 'ca.key'), '-CAcreateserial'],
			...['-days', String(days), '-copy_extensions', 'copyall', '-out', cert],
		]);
		// Some programs have both in one file.
		const both = `${at}.both.pem`;
		await fs.writeFile(both, (await fs.readFile(cert, 'utf8')) + (await fs.readFile(key, 'utf8')));
		return { cert, key, both };
	}
}

/** An authority of a test's own: its certificate is the file `ca`. */
export async function authority(cleanup, name = 'an authority for tests') {
	return new Authority(await cleanup.folder(), name).begin();
}
