// SPDX-License-Identifier: MIT
//
// Why a server fails where it does: the first rule that fits a failed result. Shown in MATRIX.md.
export function explain({ detail }) {
	return detail.replace(/\d{3,}/g, 'N').slice(0, 100);
}
