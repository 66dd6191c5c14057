// SPDX-License-Identifier: MIT
//
// Certificates for a test, made by openssl(1) in a folder of the test's own.

import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
const DAY = 24 * 3600 * 1000;

// What openssl-ca(1) wants to be told. `openssl x509` takes no end before its beginning any more, and older ones of it no beginning.
const SIGNING = (dir) => `[ca]
default_ca = here
[here]
database = ${dir}/issued
new_certs_dir = ${dir}
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
copy_extensions = copyall
[any]
commonName = supplied
`;

/** A moment as a certificate has it. */
const moment = (ms) => new Date(ms).toISOString().replace(/\.\d+|[-:T]/g, '');

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
		await fs.writeFile(path.join(this.dir, 'signing.conf'), SIGNING(this.dir));
		await fs.writeFile(path.join(this.dir, 'issued'), '');
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
		await run('openssl', ['req', '-utf8', ...NEW_KEY, '-keyout', key, '-out', asked, '-subj', `/CN=${subject}`, '-addext', extension]);
		await this.sign(asked, cert, days);
		// Some programs have both in one file.
		const both = `${at}.both.pem`;
		await fs.writeFile(both, (await fs.readFile(cert, 'utf8')) + (await fs.readFile(key, 'utf8')));
		return { cert, key, both };
	}

	/** What was asked for becomes a certificate. One that is over began two days before its end. One at a time: openssl writes a list. */
	sign(asked, cert, days) {
		const end = Date.now() + days * DAY;
		const begin = Math.min(Date.now() - 60_000, end - 2 * DAY);
		const args = ['ca', '-batch', '-notext', '-config', path.join(this.dir, 'signing.conf'), '-in', asked, '-out', cert];
		args.push('-cert', this.ca, '-keyfile', path.join(this.dir, 'ca.key'), '-startdate', moment(begin), '-enddate', moment(end));
		this.signing = (this.signing ?? Promise.resolve()).then(() => run('openssl', args));
		return this.signing;
	}
}

/** An authority of a test's own: its certificate is the file `ca`. */
export async function authority(cleanup, name = 'an authority for tests') {
	return new Authority(await cleanup.folder(), name).begin();
}
