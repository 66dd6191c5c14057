/* SPDX-License-Identifier: MIT */
/* Any bytes, at any place of a block: all ways to check UTF-8 say what utf8proc says, a character at a time. */
#include "eio/buf.h"
#include "eio/utf8.h"
#include "eio/utf8_int.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
is_utf8(struct eio_bytes s)
{
	uint32_t cp;

	for (size_t i = 0, k; i < s.n; i += k) {
		k = eio_utf8_next(eio_bytes(s.p + i, s.n - i), &cp);
		if (k == 0) return false;
	}
	return true;
}

static void
compare(struct eio_bytes s, bool want)
{
	if (eio_utf8_valid(s) != want) abort();
	if (eio__utf8_valid_portable(s) != want) abort();
#ifdef EIO_VECTOR_HAVE
	if (eio__utf8_valid_blocks(s) != want) abort();
#endif
#ifdef EIO_VECTOR_HAVE_AVX2
	if (eio_vector_can_avx2() && eio__utf8_valid_avx2(s) != want) abort();
#endif
}

/* The first byte says how many letters stand before the others. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct eio_buf b = { 0 };
	struct eio_bytes bytes;

	if (size == 0) return 0;
	bytes = eio_bytes((const char *)data + 1, size - 1);
	for (unsigned i = data[0] % 64; i > 0; i--) eio_buf_addc(&b, 'a');
	eio_buf_add(&b, bytes);
	compare(bytes, is_utf8(bytes));
	if (!eio_buf_failed(&b)) compare(eio_buf_bytes(&b), is_utf8(bytes));
	eio_buf_deinit(&b);
	return 0;
}
