// SPDX-License-Identifier: MIT
//
// Tokens as an application would hand them out (RFC 7519), good and bad ones.

import { createHmac } from 'node:crypto';

const base64 = (text) => Buffer.from(text).toString('base64url');

/** A token of HS256, or with `alg` 'none' one without a signature. */
export function token(claims, secret, alg = 'HS256') {
	const head = `${base64(JSON.stringify({ alg, typ: 'JWT' }))}.${base64(JSON.stringify(claims))}`;
	return alg === 'none' ? `${head}.` : `${head}.${createHmac('sha256', secret).update(head).digest('base64url')}`;
}

/** A time from now on, as claims have it. */
export const inSeconds = (seconds) => Math.floor(Date.now() / 1000) + seconds;
